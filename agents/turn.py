"""One turn of one estate's campaign: what is known when an event comes, and what comes out of it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from agents.records import EstateRecord, Place
from agents.rows import CAMPAIGN, Rows
from agents.state import (
    CAMPAIGN_ROW,
    GROUP,
    ORDER,
    TALLY,
    TASK,
    CampaignRow,
    GroupRow,
    OrderRow,
    Tally,
    TaskRow,
    campaign_row,
    group_row,
    tally,
)
from agents.world import Play, World
from schemas.events import Event
from schemas.ids import derived_id
from schemas.playbook import PhasePlan
from schemas.reference import Group
from schemas.tasks import OutEvent, Task


class Turn(Struct, eq=False):
    """The estate, the event and its time, the rows; collects what goes out and when to wake.

    `now` is the event's time. `wake_at` is the latest time at which the estate wants to be woken because of
    this turn; `touched` says that its point on the flow map may have changed; `moved` are the tasks that have another
    status now.
    """

    estate_id: str
    event: Event
    place: Place
    rows: Rows
    world: World
    campaign: CampaignRow | None
    play: Play
    now: datetime
    #: Now, in the campaign's zone.
    local: datetime
    out: list[OutEvent] = []
    wake_at: datetime | None = None
    touched: bool = False
    moved: list[Task] = []

    @classmethod
    def of(cls, record: EstateRecord, rows: Rows, world: World) -> Turn:
        """The turn of one record."""
        estate_id, event = record.estate_id, record.event
        campaign: CampaignRow | None = rows.get((CAMPAIGN, estate_id, CAMPAIGN_ROW, ""))
        play = world.default if campaign is None else world.play(campaign.playbook, campaign.version)
        now = event.time
        return cls(estate_id, event, record.place, rows, world, campaign, play, now, now.astimezone(play.zone))

    # --- time -------------------------------------------------------------------------------------

    def day_of(self, at: datetime) -> date:
        """The date of a time, in the campaign's zone."""
        return at.astimezone(self.play.zone).date()

    def at(self, day: date, clock: time) -> datetime:
        """A time of day on a date, in the campaign's zone."""
        return datetime.combine(day, clock, tzinfo=self.play.zone)

    def wake(self, at: datetime) -> None:
        """Ask to be woken no later than `at`."""
        if self.wake_at is None or at < self.wake_at:
            self.wake_at = at

    # --- the campaign -----------------------------------------------------------------------------

    def put_campaign(self, row: CampaignRow) -> None:
        """Keep the campaign's new row."""
        self.campaign = row
        self.play = self.world.play(row.playbook, row.version)
        self.local = self.now.astimezone(self.play.zone)
        self.rows.put(campaign_row(self.estate_id), row)
        self.touched = True

    @property
    def phase_seq(self) -> int:
        """How many phases the estate's campaigns have entered so far."""
        return self.campaign.phase_seq if self.campaign is not None else 0

    @property
    def running(self) -> bool:
        """Whether a campaign runs here now."""
        return self.campaign is not None and self.campaign.run == "running"

    def phase_plan(self) -> PhasePlan | None:
        """The plan of the phase that the campaign is in."""
        if self.campaign is None or self.campaign.phase is None:
            return None
        return self.play.phases.get((self.campaign.stage, self.campaign.phase))

    def orders(self) -> list[tuple[str, OrderRow]]:
        """Every order, by order id."""
        return list(self.rows.scan(CAMPAIGN, self.estate_id, ORDER))

    def tasks(self) -> list[TaskRow]:
        """Every task that may still change, by task id (which is by time of issue)."""
        return [row for _, row in self.rows.scan(CAMPAIGN, self.estate_id, TASK)]

    # --- groups -----------------------------------------------------------------------------------

    def tally(self, group_id: str) -> Tally:
        """The group's counts."""
        return self.rows.get(tally(self.estate_id, group_id)) or Tally()

    def put_tally(self, group_id: str, value: Tally) -> None:
        """Keep the group's new counts."""
        self.rows.put(tally(self.estate_id, group_id), value)
        self.touched = True

    def tallies(self) -> list[tuple[str, Tally]]:
        """Every group's counts, by group id."""
        return list(self.rows.scan(CAMPAIGN, self.estate_id, TALLY))

    def group_row(self, group_id: str) -> GroupRow:
        """What the campaign knows of a group beside the reference."""
        row: GroupRow | None = self.rows.get(group_row(self.estate_id, group_id))
        if row is not None:
            return row
        known = self.world.reference.groups.get(group_id)
        if known is None:
            return GroupRow(here=False)
        return GroupRow(known.name, known.owner_id, known.open, known.estate_id == self.estate_id)

    def put_group_row(self, group_id: str, row: GroupRow) -> None:
        """Keep what is known of a group now."""
        self.rows.put(group_row(self.estate_id, group_id), row)
        self.touched = True

    def meet_group(self, group_id: str) -> None:
        """Somebody is met in a group: where placement found it to be this estate's, it is one to work."""
        row = self.group_row(group_id)
        if not self.place.guest and not row.here:
            self.put_group_row(group_id, replace(row, here=True))

    def groups_here(self) -> list[str]:
        """The groups of this estate, by id: the reference's, and those that were found to be."""
        ids = {group.group_id for group in self.world.reference.groups_of_estate.get(self.estate_id, ())}
        ids |= {group_id for group_id, _ in self.rows.scan(CAMPAIGN, self.estate_id, GROUP)}
        return [group_id for group_id in sorted(ids) if self.group_row(group_id).here]

    def worked(self, group_id: str) -> Group | None:
        """The group, where this campaign works it: of its kind, of this estate, open to us, a known dealer's."""
        reference, row = self.world.reference, self.group_row(group_id)
        group = reference.groups.get(group_id)
        if group is None or not row.here or not row.open or self.estate_id not in reference.estates:
            return None
        if group.kind != self.play.playbook.for_.group or group.dealer_id not in reference.dealers:
            return None
        return group

    def worked_groups(self) -> list[Group]:
        """The groups that this campaign works, by id."""
        return [group for group_id in self.groups_here() if (group := self.worked(group_id)) is not None]

    def play_in(self, group_id: str) -> Play:
        """The campaign's play as it is in one group."""
        return self.world.in_group(self.play, group_id)

    # --- out --------------------------------------------------------------------------------------

    def emit(self, event: type[OutEvent], data: Any, *causes: str, subject: str, key: str | None = None) -> None:
        """Let an event go out; its id follows from the causes, the event that brought it about among them."""
        name = str(event.__struct_config__.tag)
        self.out.append(event(
            id=derived_id(self.now, name, self.estate_id, *causes, self.event.ref),
            time=self.local, subject=subject, partitionkey=key or self.estate_id, causationid=self.event.id,
            correlationid=self.campaign.campaign_id if self.campaign else None,
            data=data,  # type: ignore[call-arg]  # every out-event has data of its own type
        ))


def days_between(first: str, last: date) -> int:
    """How many days `last` lies after the ISO date `first`."""
    return (last - date.fromisoformat(first)).days


def next_day(day: date) -> date:
    """The date after."""
    return day + timedelta(days=1)
