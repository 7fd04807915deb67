"""Placement: which estate does an event concern?

Keyed by group. Members and groups are mapped to estates from the clues in their events; what the clues do
not carry stays unresolved. Out come records keyed by estate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import replace

from agents.after_rows import DesignHome, design_home
from agents.heard import heard_in
from agents.order_rows import WaitingRow, waiting_row
from agents.records import NOWHERE, EstateRecord, GroupNow, Place, Placed, Resident
from agents.rows import PLACEMENT, Address, Rows
from agents.state import (
    GROUP_HOME,
    MEMBER_HOME,
    GroupHome,
    MemberHome,
    OrderHome,
    PersonRow,
    group_home,
    member_home,
    order_home,
    person,
    task_home,
)
from agents.world import World
from maps.cells import coarse
from maps.clues import MOST, Clue, ClueKind, faded
from maps.locator import Locator
from schemas import events as ev
from schemas.errors import BadEvent
from schemas.ids import derived_id
from schemas.tasks import GroupPlace, GroupPlaced, MemberPlace, MemberPlaced
from schemas.values import GroupKind

#: A member's name in the group, a message, a form: no more of it is read than this many characters.
READ_AT_MOST = 500
#: Of a member's name so many characters are kept, to address them by.
NAME_AT_MOST = 24
#: What a member shared of where they are: nothing of it stays without their consent.
SHARED_POINTS = frozenset({ClueKind.POINT, ClueKind.DELIVERY_POINT})
#: So many events wait for one order to be placed.
WAIT_AT_MOST = 50
#: A clue so sure names a home by itself.
SURE = 0.8
#: So many members of one estate may place a group that nothing else places; and so many doubters are counted beside
#: those who say where they live, because few do.
_ENOUGH, _DOUBTERS = 4, 2
_EPOCH = date(1970, 1, 1).toordinal()


class _Placing(Struct):
    """One event on its way through placement."""

    event: ev.Event
    rows: Rows
    world: World
    placed: Placed

    @property
    def local(self) -> datetime:
        """The event's time, in the zone of the campaigns."""
        return self.event.time.astimezone(self.world.default.zone)

    @property
    def day(self) -> int:
        """The day on which it happened, in days since 1970."""
        return self.local.toordinal() - _EPOCH

    # --- where to --------------------------------------------------------------------------------

    def to(self, estate_id: str | None, place: Place = NOWHERE) -> None:
        """Hand the event on to an estate, once; about a person in several groups once for each."""
        records = self.placed.records
        if estate_id is None or (records and _has(records, estate_id, place.group_id)):
            return
        records.append(EstateRecord(estate_id, self.event, place))

    def to_member(
        self, group: GroupHome, before: MemberHome | None, home: MemberHome, group_id: str | None = None
    ) -> None:
        """Hand the event on to where a member counts: the group's estate, or in a group of none their own.

        An estate that they have left behind is told, too. `group_id` where the event is about all of their groups.
        """
        of_group, own = group.estate_id, home.estate_id
        place = Place(
            own, home.blocked, home.name, home.no_messages, False, of_group is None, group_id, None, home.building)
        self.to(of_group or own, place)
        if of_group is None and before is not None and before.estate_id != own:
            self.to(before.estate_id, replace(place, gone=True))

    # --- groups ----------------------------------------------------------------------------------

    def group(self, group_id: str) -> GroupHome:
        """The group's row; at first sight it is made from the reference data."""
        row: GroupHome | None = self.rows.get((PLACEMENT, group_id, GROUP_HOME, ""))
        if row is not None:
            return row
        known, locator = self.world.reference.groups.get(group_id), self.world.locator
        if known is None:
            return self.put_group(group_id, GroupHome())
        clues: tuple[Clue, ...] = ()
        if known.name:
            named = locator.from_text(ClueKind.GROUP_NAME, known.name)
            clues = _in_place_of(clues, named, ClueKind.GROUP_NAME)
        if known.estate_id:
            bound = locator.from_estate(ClueKind.GROUP_BINDING, known.estate_id)
            clues = _in_place_of(clues, bound, ClueKind.GROUP_BINDING)
        row = GroupHome(name=known.name, owner_id=known.owner_id, open=known.open, clues=clues)
        return self.put_group(group_id, row)

    def put_group(self, group_id: str, row: GroupHome) -> GroupHome:
        """Weigh the group's clues anew, keep the row, and say so when its estate changed."""
        bound = any(clue.kind is ClueKind.GROUP_BINDING for clue in row.clues)
        # Whoever bound it knew what it is called.
        clues = [clue for clue in row.clues if not (bound and clue.kind is ClueKind.GROUP_NAME)]
        answer = self.world.locator.weigh(clues, self.day)
        after = replace(row, estate_id=answer.estate_id, confidence=answer.confidence, reason=answer.reason)
        self.rows.put(group_home(group_id), after)
        if after.estate_id != row.estate_id:
            self.placed.out.append(GroupPlaced(
                id=derived_id(self.event.time, "group-placed", group_id, self.event.ref),
                time=self.local, subject=group_id, partitionkey=after.estate_id or row.estate_id or group_id,
                causationid=self.event.id,
                data=GroupPlace(group_id, after.estate_id, after.confidence, after.reason),
            ))
        return after

    # --- members ---------------------------------------------------------------------------------

    def person(self, member_id: str) -> PersonRow:
        """What holds for a person in every group."""
        return self.rows.get(person(member_id)) or PersonRow()

    def member(self, group_id: str, member_id: str, group: GroupHome, *, present: bool = True) -> MemberHome | None:
        """The member's row, made at first sight; None for somebody who was erased.

        `present` says whether what brought them to our sight shows that they are in the group.
        """
        row: MemberHome | None = self.rows.get((PLACEMENT, group_id, MEMBER_HOME, member_id))
        if row is not None:
            return row
        known = self.person(member_id)
        if known.erased:
            return None
        self.rows.put(person(member_id), replace(known, groups=(*known.groups, group_id)))
        row = replace(_consenting(MemberHome(clues=known.clues), known.denied), present=present)
        return self.put_member(group_id, member_id, row, group)

    def put_member(self, group_id: str, member_id: str, row: MemberHome, group: GroupHome) -> MemberHome:
        """Weigh the member's clues anew beside the group's, keep the row, and say so when the home changed."""
        locator, day = self.world.locator, self.day
        known: MemberHome = self.rows.get(member_home(group_id, member_id)) or MemberHome()
        own = row.clues if not row.blocked else ()
        answer = locator.weigh((*own, *self._prior(group_id, group)) if not row.blocked else (), day)
        homes = tuple(sorted({best for best, score in (faded(clue, day).best for clue in own) if score >= SURE}))
        after = replace(
            row, estate_id=answer.estate_id, confidence=answer.confidence, reason=answer.reason,
            own=locator.weigh(own, day).estate_id if own else None, homes=homes if len(homes) > 1 else ())
        self.rows.put(member_home(group_id, member_id), after)
        if after.own != known.own:
            self.count(group_id, known.own, after.own)
        if _shown(after) != _shown(known):
            self._say(MemberPlaced(
                id=derived_id(
                    self.event.time, "member-placed", group_id, member_id, after.estate_id or "", self.event.ref),
                time=self.local, subject=member_id, partitionkey=after.estate_id or row.estate_id or group_id,
                causationid=self.event.id,
                data=MemberPlace(
                    group_id, member_id, after.estate_id, after.confidence, after.reason, after.homes, after.building,
                    after.unit),
            ))
        return after

    def _say(self, placed: MemberPlaced) -> None:
        """Say where a member lives; what was said of it before because of the same event is overtaken."""
        out = self.placed.out
        out[:] = [one for one in out if one.id != placed.id]
        out.append(placed)

    def _prior(self, group_id: str, group: GroupHome) -> tuple[Clue, ...]:
        """The group's estate as a clue about its members: in an estate's group one mostly lives there.

        In an alliance's group they come from everywhere.
        """
        known = self.world.reference.groups.get(group_id)
        alliance = known is not None and known.kind is GroupKind.ALLIANCE
        return () if alliance else _binding(group, self.world)

    # --- a group by its members --------------------------------------------------------------------

    def count(self, group_id: str, before: str | None, after: str | None) -> None:
        """One member less says that they live there, one more here."""
        row = self.group(group_id)
        counts = dict(row.homes)
        if before is not None:
            counts[before] = counts.get(before, 0) - 1
        if after is not None:
            counts[after] = counts.get(after, 0) + 1
        homes = tuple(sorted((estate_id, count) for estate_id, count in counts.items() if count > 0))
        self.rows.put(group_home(group_id), replace(row, homes=homes))

    def settle(self, group_id: str) -> None:
        """Weigh a group anew when what its members say has changed, and bring them to where it belongs now.

        An alliance's group covers several estates: its members don't place it.
        """
        row = self.group(group_id)
        known = self.world.reference.groups.get(group_id)
        if known is not None and known.kind is GroupKind.ALLIANCE:
            return
        clue = _said_by_members(row)
        if clue == next((c for c in row.clues if c.kind is ClueKind.MEMBERS), None):
            return
        after = self.put_group(group_id, replace(row, clues=_in_place_of(row.clues, clue, ClueKind.MEMBERS)))
        if after.estate_id != row.estate_id:
            self.moved(group_id, row, after)

    def moved(self, group_id: str, before: GroupHome, after: GroupHome) -> None:
        """The group belongs elsewhere now: its members are placed anew, and all estates concerned are told."""
        now = GroupNow(after.name, after.owner_id, after.open, estate_id=after.estate_id)
        left_behind = {before.estate_id}
        residents = []
        for member_id, known in list(self.rows.scan(PLACEMENT, group_id, MEMBER_HOME)):
            home = self.put_member(group_id, member_id, known, after)
            if before.estate_id is None:
                left_behind.add(known.estate_id)
            if home.present and not home.blocked:
                residents.append(Resident(member_id, home.estate_id == after.estate_id, home.no_messages))
        self._tell(after.estate_id, Place(after.estate_id, group=replace(now, residents=tuple(residents))))
        for estate_id in sorted(left_behind - {None, after.estate_id}, key=str):
            self._tell(estate_id, Place(after.estate_id, gone=True, group=now))

    def _tell(self, estate_id: str | None, place: Place) -> None:
        """Hand the event on with what is new of its group, beside what it says anyhow."""
        records = self.placed.records
        for at, record in enumerate(records):
            if record.estate_id == estate_id and record.place.group_id is None:
                told = replace(record.place, group=place.group, gone=place.gone, guest=False)
                records[at] = EstateRecord(record.estate_id, record.event, told)
                return
        self.to(estate_id, place)


def _has(records: list[EstateRecord], estate_id: str, group_id: str | None) -> bool:
    return any(record.estate_id == estate_id and record.place.group_id == group_id for record in records)


def place(event: ev.Event, rows: Rows, world: World) -> Placed:
    """Place one event.

    Raises:
        BadEvent: when it names an order, a task, an estate or a playbook that is not known.
    """
    placed = Placed()
    _HANDLERS[type(event)](_Placing(event, rows, world, placed), event)
    return placed


def likely_rows(event: ev.Event) -> tuple[Address, ...]:
    """The rows that placing the event will ask for first, so that a driver can fetch a batch's at once."""
    likely = _LIKELY.get(type(event))
    return likely(event.data) if likely is not None else ()  # type: ignore[attr-defined]  # these have data


def rows_of_strangers(likely: Iterable[Address], rows: Rows) -> list[Address]:
    """Of who is met for the first time, by the likely rows: where lies what holds for them in every group."""
    return [person(address[3]) for address in likely if address[2] == MEMBER_HOME and rows.get(address) is None]


def _rows_of_member(data: Any) -> tuple[Address, ...]:
    return group_home(data.group_id), member_home(data.group_id, data.member_id)


def _row_of_order(data: Any) -> tuple[Address, ...]:
    return (order_home(data.order_id),)


def _rows_of_new_order(data: Any) -> tuple[Address, ...]:
    return order_home(data.order_id), waiting_row(data.order_id)


def _row_of_task(data: Any) -> tuple[Address, ...]:
    return (task_home(data.task_id),)


_LIKELY: dict[type[ev.Event], Callable[[Any], tuple[Address, ...]]] = {
    **dict.fromkeys((ev.GroupMessage, ev.MemberJoined, ev.MemberLeft), _rows_of_member),
    **dict.fromkeys(ev.ORDER_EVENTS, _row_of_order),
    ev.OrderPlaced: _rows_of_new_order,
    **dict.fromkeys(ev.TASK_EVENTS, _row_of_task),
}


# --- in a group --------------------------------------------------------------------------------------


def _on_message(placing: _Placing, event: ev.GroupMessage) -> None:
    data = event.data
    group_id, member_id = data.group_id, data.member_id
    group = placing.group(group_id)
    if placing.world.is_staff(member_id):
        placing.to(group.estate_id)
        return
    before = placing.member(group_id, member_id, group)
    if before is None:
        return
    clue = None if before.blocked else _said(placing, data, group, before)
    if clue is None and before.present:
        placing.to_member(group, None, before)
        return
    home = replace(before, clues=_with(before.clues, clue, placing.day), present=True)
    if clue is not None and clue.kind is ClueKind.OWN_WORDS:
        home = _at_door(home, data.text or "")
    placing.to_member(group, before, placing.put_member(group_id, member_id, home, group))
    placing.settle(group_id)


def _said(placing: _Placing, data: ev.MessageData, group: GroupHome, home: MemberHome) -> Clue | None:
    locator = placing.world.locator
    if data.location is not None:
        return None if home.no_location else locator.from_point(ClueKind.POINT, coarse(data.location))
    if data.text and heard_in(data.text, data.kind).home:
        return locator.from_text(ClueKind.OWN_WORDS, data.text[:READ_AT_MOST], near=group.estate_id)
    return None


def _on_joined(placing: _Placing, event: ev.MemberJoined) -> None:
    data = event.data
    group = placing.group(data.group_id)
    if placing.world.is_staff(data.member_id):
        placing.to(group.estate_id)
        return
    before = placing.member(data.group_id, data.member_id, group)
    if before is None:
        return
    home = replace(before, present=True)
    if not before.blocked:
        for clue in _brought(placing, data, group):
            home = replace(home, clues=_with(home.clues, clue, placing.day))
        home = _at_door(home, data.display_name or "")
        home = replace(home, name=(data.display_name or home.name)[:NAME_AT_MOST])
    if home != before:
        home = placing.put_member(data.group_id, data.member_id, home, group)
    placing.to_member(group, before, home)
    placing.settle(data.group_id)


def codes_in(state: str) -> tuple[str, str, str]:
    """The estate's id in a link's code: alone, or after a prefix of the integration's own ("estate:bj-17")."""
    return state, state.rpartition(":")[2], state.rpartition("=")[2]


def _brought(placing: _Placing, data: ev.MemberJoinedData, group: GroupHome) -> Iterator[Clue | None]:
    locator = placing.world.locator
    if data.join_state:
        for code in codes_in(data.join_state):
            if (clue := locator.from_estate(ClueKind.JOIN_CODE, code)) is not None:
                yield clue
                break
    if data.display_name:
        yield locator.from_text(ClueKind.DISPLAY_NAME, data.display_name[:READ_AT_MOST], near=group.estate_id)


def _on_left(placing: _Placing, event: ev.MemberLeft) -> None:
    data = event.data
    home: MemberHome | None = placing.rows.get(member_home(data.group_id, data.member_id))
    if home is None:
        return
    if home.present:
        placing.rows.put(member_home(data.group_id, data.member_id), replace(home, present=False))
    placing.to_member(placing.group(data.group_id), None, home)


def _on_recalled(placing: _Placing, event: ev.MessageRecalled) -> None:
    placing.to(placing.group(event.data.group_id).estate_id)


# --- a group changes ---------------------------------------------------------------------------------


def _on_group_updated(placing: _Placing, event: ev.GroupUpdated) -> None:
    data = event.data
    before = placing.group(data.group_id)
    after = placing.put_group(data.group_id, _updated(before, data, placing.world))
    if after.estate_id == before.estate_id:
        now = GroupNow(after.name, after.owner_id, after.open, estate_id=after.estate_id)
        placing.to(after.estate_id, Place(after.estate_id, group=now))
        return
    placing.moved(data.group_id, before, after)


def _updated(row: GroupHome, data: ev.GroupUpdatedData, world: World) -> GroupHome:
    """The group's row with what the event says of it; what it does not mention stays."""
    if data.name is not UNSET:
        clue = world.locator.from_text(ClueKind.GROUP_NAME, data.name[:READ_AT_MOST]) if data.name else None
        row = replace(row, name=data.name or "", clues=_in_place_of(row.clues, clue, ClueKind.GROUP_NAME))
    if data.owner_id is not UNSET:
        row = replace(row, owner_id=data.owner_id)
    if data.open is not UNSET:
        row = replace(row, open=data.open is not False)
    if data.estate_id is not UNSET:
        _known_estate(data.estate_id, world)
        clue = world.locator.from_estate(ClueKind.GROUP_BINDING, data.estate_id) if data.estate_id else None
        row = replace(row, clues=_in_place_of(row.clues, clue, ClueKind.GROUP_BINDING))
    return row


def _known_estate(estate_id: str | None, world: World) -> None:
    if estate_id and estate_id not in world.reference.estates:
        raise BadEvent(f"estate {estate_id} is not in the estate book")


# --- a person, wherever they are ---------------------------------------------------------------------


def _on_home_declared(placing: _Placing, event: ev.HomeDeclared) -> None:
    data = event.data
    known = placing.person(data.member_id)
    if known.erased or "profiling" in known.denied or placing.world.is_staff(data.member_id):
        return
    _known_estate(data.estate_id, placing.world)
    clue = _declared(data, placing.world.locator, known.denied)
    if clue is None:
        return
    # It holds in every group, those that they join later included.
    placing.rows.put(person(data.member_id), replace(known, clues=_with(known.clues, clue, placing.day)))
    for group_id in dict.fromkeys((*known.groups, *((data.group_id,) if data.group_id else ()))):
        group = placing.group(group_id)
        before = placing.member(group_id, data.member_id, group, present=False)
        if before is not None:
            home = placing.put_member(
                group_id, data.member_id, replace(before, clues=_with(before.clues, clue, placing.day)), group)
            placing.to_member(group, before, home, group_id)


def _declared(data: ev.HomeDeclaredData, locator: Locator, denied: tuple[str, ...]) -> Clue | None:
    """The clue in a form: the first that it gives of an estate, its name, an address, a point."""
    clue: Clue | None = None
    if data.estate_id:
        clue = locator.from_estate(ClueKind.DECLARED, data.estate_id)
    if clue is None and data.estate_name:
        clue = locator.from_text(ClueKind.DECLARED, data.estate_name[:READ_AT_MOST])
    if clue is None and data.address:
        clue = locator.from_address(ClueKind.DECLARED, data.address[:READ_AT_MOST])
    if clue is None and data.location is not None and "location" not in denied:
        clue = locator.from_point(ClueKind.POINT, coarse(data.location))
    return clue


def _on_consent(placing: _Placing, event: ev.Consent) -> None:
    data = event.data
    known = placing.person(data.member_id)
    if known.erased:
        return
    scopes = {*known.denied} - {data.scope} if data.granted else {*known.denied, data.scope}
    denied = tuple(sorted(scopes))
    placing.rows.put(person(data.member_id), replace(known, denied=denied, clues=_allowed(known.clues, denied)))
    for group_id in known.groups:
        group = placing.group(group_id)
        before: MemberHome | None = placing.rows.get(member_home(group_id, data.member_id))
        if before is None:
            continue
        home = _consenting(before, denied)
        if home != before:
            home = placing.put_member(group_id, data.member_id, home, group)
        placing.to_member(group, before, home, group_id)
    for estate_id in known.estates:
        placing.to(estate_id, Place(blocked="profiling" in denied, no_messages="marketing" in denied))


def _consenting(home: MemberHome, denied: tuple[str, ...]) -> MemberHome:
    """What may be known of a member who forbade this much."""
    blocked = "profiling" in denied
    return replace(
        home, clues=_allowed(home.clues, denied), blocked=blocked, no_location="location" in denied,
        name="" if blocked else home.name, building="" if blocked else home.building,
        unit="" if blocked else home.unit, no_messages="marketing" in denied,
    )


def _allowed(clues: tuple[Clue, ...], denied: tuple[str, ...]) -> tuple[Clue, ...]:
    if "profiling" in denied:
        return ()
    if "location" in denied:
        return tuple(clue for clue in clues if clue.kind not in SHARED_POINTS)
    return clues


def _on_erased(placing: _Placing, event: ev.Erased) -> None:
    member_id = event.data.member_id
    known = placing.person(member_id)
    for group_id in known.groups:
        home: MemberHome | None = placing.rows.get(member_home(group_id, member_id))
        group = placing.group(group_id)
        if group.owner_id == member_id:
            placing.rows.put(group_home(group_id), replace(group, owner_id=None))
        if home is not None and home.own is not None:
            placing.count(group_id, home.own, None)
        placing.to(group.estate_id)
        placing.to(home.estate_id if home is not None else None)
        placing.rows.drop(member_home(group_id, member_id))
    for estate_id in (*known.estates, *_where_a_persona(placing, member_id)):
        placing.to(estate_id)
    placing.rows.put(person(member_id), PersonRow(erased=True))
    placing.placed.erase = member_id


# --- orders, tasks, commands -------------------------------------------------------------------------


def _on_order_placed(placing: _Placing, event: ev.OrderPlaced) -> None:
    data, locator, day = event.data, placing.world.locator, placing.day
    buyer = placing.person(data.member_id) if data.member_id else PersonRow()
    clues = _delivered_to(data.delivery, locator, day)
    group = placing.group(data.group_id) if data.group_id else None
    home = _buyers_home(placing, data, group, _allowed(clues, buyer.denied)) if group is not None else None
    own = tuple(clue for clue in (home.clues if home is not None else ()) if clue not in clues)
    binding = _binding(group, placing.world) if group is not None else ()
    estate_id = locator.weigh((*clues, *own, *binding), day).estate_id
    earlier: OrderHome = placing.rows.get(order_home(data.order_id)) or OrderHome()
    # Beside the home that it is for, the group in which it was made learns of it, and where its buyer speaks.
    of_group = group.estate_id if group is not None else None
    concerned = (estate_id, of_group, *_where_a_persona(placing, data.member_id), *earlier.estates)
    estates = tuple(dict.fromkeys(e for e in concerned if e))
    # Placed again, it may concern more estates; for whose home it was, it stays.
    estate_id = earlier.home or estate_id
    placing.rows.put(order_home(data.order_id), OrderHome(estates, estate_id))
    unlinked = buyer.erased or "profiling" in buyer.denied
    if data.member_id and not unlinked:
        _remember_estates(placing, data.member_id, estates)
    unreferred = _unreferred(placing, data, estates)
    waited = _waited(placing, data.order_id)
    sure = estate_id is not None and locator.weigh(clues, day).estate_id == estate_id
    for one in estates:
        placing.to(one, Place(estate_id, unlinked, earlier=waited, unreferred=unreferred, sure=sure))


def _unreferred(placing: _Placing, data: ev.OrderPlacedData, estates: Iterable[str]) -> bool:
    """Whether who brought the buyer may not be known; who may be is remembered, so that they can be forgotten."""
    who = data.referrer_id
    if not who or who == data.member_id or placing.world.is_staff(who):
        return False
    known = placing.person(who)
    if known.erased or "profiling" in known.denied:
        return True
    _remember_estates(placing, who, estates)
    return False


def _waited(placing: _Placing, order_id: str) -> tuple[ev.OrderEvent, ...]:
    """What had come of the order before its placement: it waits no more."""
    row: WaitingRow | None = placing.rows.get(waiting_row(order_id))
    if row is None:
        return ()
    placing.rows.drop(waiting_row(order_id))
    return row.events


def _delivered_to(delivery: ev.Delivery | None, locator: Locator, day: int) -> tuple[Clue, ...]:
    clues: tuple[Clue, ...] = ()
    if delivery is None:
        return clues
    if delivery.address:
        clues = _with(clues, locator.from_address(ClueKind.DELIVERY_ADDRESS, delivery.address[:READ_AT_MOST]), day)
    if delivery.location is not None:
        clues = _with(clues, locator.from_point(ClueKind.DELIVERY_POINT, delivery.location), day)
    return clues


def _buyers_home(
    placing: _Placing, data: ev.OrderPlacedData, group: GroupHome, clues: tuple[Clue, ...]
) -> MemberHome | None:
    """The home of the member who ordered, with what the delivery says of it; None for who has none to us."""
    if not data.group_id or not data.member_id or placing.world.is_staff(data.member_id):
        return None
    home = placing.member(data.group_id, data.member_id, group, present=False)
    if home is None or home.blocked or not clues:
        return home
    kept = home.clues
    for clue in clues:
        kept = _with(kept, clue, placing.day)
    return placing.put_member(data.group_id, data.member_id, replace(home, clues=kept), group)


def _where_a_persona(placing: _Placing, member_id: str | None) -> Iterator[str | None]:
    """The estates in which the buyer works as a persona: their orders decide what they may say there."""
    for persona in placing.world.reference.personas_of_member.get(member_id or "", ()):
        for group_id in persona.groups:
            yield placing.group(group_id).estate_id


def _remember_estates(placing: _Placing, member_id: str, estates: Iterable[str]) -> None:
    """Keep where an order names a person, so that they can be erased there."""
    known = placing.person(member_id)
    all_ = tuple(dict.fromkeys((*known.estates, *estates)))
    if all_ != known.estates:
        placing.rows.put(person(member_id), replace(known, estates=all_))


def _on_order(placing: _Placing, event: ev.OrderPaid) -> None:
    data: Any = event.data
    if (getattr(data, "amount_fen", None) or 0) < 0:
        raise BadEvent(
            f"order {data.order_id}: {data.amount_fen} fen is less than nothing - at `$.data.amount_fen`; "
            "what is paid back is a loupan.order.refunded.v1 of a positive sum")
    known: OrderHome | None = placing.rows.get(order_home(data.order_id))
    if known is None:
        _wait(placing, event)
        return
    for estate_id in known.estates:
        placing.to(estate_id)


def _wait(placing: _Placing, event: Any) -> None:
    """Keep what came of an order that was not placed yet, until it is. Its note, which may name people, is not kept.

    Raises:
        BadEvent: when too much waits for the same order already.
    """
    order_id = event.data.order_id
    row: WaitingRow | None = placing.rows.get(waiting_row(order_id))
    before = row.events if row is not None else ()
    if any(one.ref == event.ref for one in before):
        return
    if len(before) >= WAIT_AT_MOST:
        raise BadEvent(
            f"order {order_id} is not known, and {len(before)} events wait for it: "
            "send its loupan.order.placed.v1 first, then retry this one")
    kept = replace(event, data=replace(event.data, note=None))
    waiting = sorted((*before, kept), key=lambda one: (one.time, one.ref))
    placing.rows.put(waiting_row(order_id), WaitingRow(tuple(waiting)))


# --- plans, and what buyers agree to ------------------------------------------------------------------


def _on_design_drafted(placing: _Placing, event: ev.DesignDrafted) -> None:
    """A plan concerns the estate of its group, else those of its order. Whoever may not be known has none."""
    data = event.data
    if data.kind == "personal" and data.member_id is None:
        raise BadEvent(f"the plan {data.design_id} is personal and names no owner: say whose it is in member_id")
    owner = placing.person(data.member_id) if data.member_id else PersonRow()
    if owner.erased or "profiling" in owner.denied:
        return
    of_group = placing.group(data.group_id).estate_id if data.group_id else None
    order: OrderHome | None = placing.rows.get(order_home(data.order_id)) if data.order_id else None
    of_order = (order.home,) if order is not None and order.home is not None else ()
    known: DesignHome = placing.rows.get(design_home(data.design_id)) or DesignHome()
    estates = tuple(dict.fromkeys((*known.estates, *((of_group,) if of_group else of_order))))
    if not estates:
        raise BadEvent(
            f"the plan {data.design_id} is for no estate that is known: name the group or the order it is for")
    placing.rows.put(design_home(data.design_id), DesignHome(estates))
    if data.member_id:
        _remember_estates(placing, data.member_id, estates)
    for estate_id in estates:
        placing.to(estate_id, Place(no_messages="marketing" in owner.denied))


def _on_design_consented(placing: _Placing, event: ev.DesignConsented) -> None:
    data = event.data
    known: DesignHome | None = placing.rows.get(design_home(data.design_id))
    if known is None:
        raise BadEvent(
            f"the plan {data.design_id} is not known: send its loupan.design.drafted.v1 first, then retry this one")
    if not placing.person(data.member_id).erased:
        for estate_id in known.estates:
            placing.to(estate_id)


def _on_order_consented(placing: _Placing, event: ev.OrderConsented) -> None:
    data = event.data
    known: OrderHome | None = placing.rows.get(order_home(data.order_id))
    if known is None:
        raise BadEvent(
            f"order {data.order_id} is not known: send its loupan.order.placed.v1 first, then retry this one")
    if not placing.person(data.member_id).erased:
        placing.to(known.home)


def _on_task(placing: _Placing, event: ev.TaskDone) -> None:
    known = placing.rows.get(task_home(event.data.task_id))
    if known is None:
        raise BadEvent(f"task {event.data.task_id} is not known")
    placing.to(known.estate_id)


def _on_command(placing: _Placing, event: ev.CampaignStarted) -> None:
    data: Any = event.data
    _known_estate(data.estate_id, placing.world)
    placing.to(data.estate_id)


def _on_persona(placing: _Placing, event: ev.PersonaAway) -> None:
    """Who of our people is away is told to every estate where they have a group."""
    persona_id = event.data.persona_id
    persona = placing.world.reference.personas.get(persona_id)
    if persona is None:
        raise BadEvent(f"persona {persona_id} is not known: put it into personas.csv, then retry this one")
    for group_id in persona.groups:
        placing.to(placing.group(group_id).estate_id)


# --- clues -------------------------------------------------------------------------------------------


def _binding(group: GroupHome, world: World) -> tuple[Clue, ...]:
    """The group's estate as a clue about its members: in an estate's group one mostly lives there."""
    if group.estate_id is None:
        return ()
    clue = world.locator.from_estate(ClueKind.GROUP_BINDING, group.estate_id)
    return (clue,) if clue is not None else ()


def _with(clues: tuple[Clue, ...], clue: Clue | None, day: int) -> tuple[Clue, ...]:
    """The clues with the new one, given on that day, in the place of an older one of its kind.

    A weaker statement does not take the place of a stronger one about another estate; of points only the last is kept.
    """
    if clue is None:
        return clues
    given = replace(clue, day=day)
    older = next((c for c in clues if c.kind is clue.kind), None)
    if older is not None and clue.kind not in SHARED_POINTS:
        worth = faded(older, day).best[1]
        if given.best[1] < worth and (given.best[0] != older.best[0] or given.best[1] < worth / 2):
            return clues
    return _in_place_of(clues, given, clue.kind)


def _in_place_of(clues: tuple[Clue, ...], clue: Clue | None, kind: ClueKind) -> tuple[Clue, ...]:
    """The clues with this one instead of those of that kind, or without any."""
    kept = tuple(c for c in clues if c.kind is not kind)
    return kept if clue is None else (*kept, clue)


def _said_by_members(group: GroupHome) -> Clue | None:
    """Where a group's members say that they live, as a clue about the group."""
    total = sum(count for _, count in group.homes)
    ranked = sorted(group.homes, key=lambda home: (-home[1], home[0]))[:MOST]
    if not ranked or ranked[0][1] < _ENOUGH:
        return None
    return Clue(ClueKind.MEMBERS, tuple((e, round(count / (total + _DOUBTERS), 4)) for e, count in ranked))


def _at_door(home: MemberHome, said: str) -> MemberHome:
    """The member's home with the building and the unit that they named; never the room."""
    named = Locator.home_in(said[:READ_AT_MOST]) if said and not home.blocked else None
    return home if named is None or not named.building else replace(home, building=named.building, unit=named.unit)


def _shown(home: MemberHome) -> tuple[object, ...]:
    """What of a member's home is told to those outside."""
    return home.estate_id, home.homes, *((home.building, home.unit) if home.estate_id else ())


_HANDLERS: dict[type[ev.Event], Callable[[_Placing, Any], None]] = {
    ev.GroupMessage: _on_message,
    ev.MemberJoined: _on_joined,
    ev.MemberLeft: _on_left,
    ev.MessageRecalled: _on_recalled,
    ev.GroupUpdated: _on_group_updated,
    ev.HomeDeclared: _on_home_declared,
    ev.Consent: _on_consent,
    ev.Erased: _on_erased,
    ev.OrderPlaced: _on_order_placed,
    **dict.fromkeys(ev.ORDER_EVENTS[1:], _on_order),
    **dict.fromkeys(ev.TASK_EVENTS, _on_task),
    **dict.fromkeys(ev.COMMAND_EVENTS, _on_command),
    **dict.fromkeys(ev.PERSONA_EVENTS, _on_persona),
    ev.DesignDrafted: _on_design_drafted,
    ev.DesignConsented: _on_design_consented,
    ev.OrderConsented: _on_order_consented,
}
