"""What placement hands on to the campaigns: an event, the estate that it concerns, and who it is about."""

from __future__ import annotations

from msgspec import Struct

from schemas.events import Event, OrderEvent
from schemas.tasks import OutEvent


class Resident(Struct, frozen=True, array_like=True, gc=False):
    """A member who comes to an estate together with their group."""

    member_id: str
    at_home: bool
    no_messages: bool = False


class GroupNow(Struct, frozen=True, array_like=True, gc=False):
    """A group as it is after a change; `residents` where it came to an estate that hadn't known it.

    `estate_id` is its estate now, where another event than one about the group itself brought the change.
    """

    name: str
    owner_id: str | None
    open: bool
    residents: tuple[Resident, ...] = ()
    estate_id: str | None = None


class Place(Struct, frozen=True, array_like=True, gc=False):
    """What placement knows of the member whom an event is about, or of the group.

    `home` is the member's estate, of a group the group's own; `blocked`: took back consent to be profiled;
    `name` as shown when they joined; `no_messages`: took back consent to marketing. `gone`: the estate isn't
    theirs any more, and is told for the last time. `guest`: the group belongs to no estate, the member brings
    the event here. `group_id` where an event is about a person in all of their groups, one record for each.
    `building` as they said in a group.
    `earlier` is what had come of an order before its placement; `unreferred`: who brought its buyer may not be known.
    `sure`: an order's own delivery, without its buyer and its group, is to `home`.
    """

    home: str | None = None
    blocked: bool = False
    name: str = ""
    no_messages: bool = False
    gone: bool = False
    guest: bool = False
    group_id: str | None = None
    group: GroupNow | None = None
    building: str = ""
    earlier: tuple[OrderEvent, ...] = ()
    unreferred: bool = False
    sure: bool = False

    def is_usual(self, estate_id: str) -> bool:
        """Whether it says no more than that the member lives where they are talked to, nameless."""
        return self.home == estate_id and not (
            self.name or self.blocked or self.no_messages or self.gone or self.guest or self.group_id or self.group
            or self.building or self.earlier or self.unreferred or self.sure)


NOWHERE = Place()


class EstateRecord(Struct):
    """One record of `estate-events`."""

    estate_id: str
    event: Event
    place: Place = NOWHERE


class Placed(Struct):
    """What came of placing one event: the records to go on with, what goes out, whom to erase everywhere."""

    records: list[EstateRecord] = []
    out: list[OutEvent] = []
    erase: str | None = None
