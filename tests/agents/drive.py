"""Drives the two steps as the embedded driver does, in memory: events in, wake-ups in between, tasks out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from agents import campaign, flow, placement
from agents.records import EstateRecord
from agents.rows import CAMPAIGN
from agents.state import (
    MEMBER,
    TASK,
    CampaignRow,
    MemberRow,
    Tally,
    TaskCounts,
    TaskHome,
    campaign_row,
    member_of,
    member_row,
    tally,
    task_counts,
    task_home,
)
from agents.turn import Turn
from agents.world import Play, World
from maps.book import EstateBook
from maps.locator import Locator
from schemas.errors import BadEvent
from schemas.events import Event, Woke, WokeData, decode
from schemas.ids import derived_id
from schemas.playbook import Playbook
from schemas.reference import Reference
from schemas.tasks import OutEvent, Task, TaskIssued
from schemas.values import TaskStatus
from tests import builders
from tests.memory_rows import MemoryRows


def world(reference: Reference | None = None, *playbooks: Playbook) -> World:
    """A world of one small estate and the small playbook, unless told otherwise."""
    reference = reference or builders.reference()
    book = EstateBook.of(reference.estates.values())
    plays = [Play.of(playbook, ZoneInfo(playbook.zone)) for playbook in playbooks or (builders.playbook(),)]
    return World.of(reference, Locator(book), plays)


class Drive:
    """The core at work: `tasks` holds every task in its last state, `out` all that went out, in order."""

    def __init__(self, world_: World | None = None) -> None:
        self.world = world_ or world()
        self.rows = MemoryRows()
        self.out: list[OutEvent] = []
        self.tasks: dict[str, Task] = {}
        self.turns: list[Turn] = []
        self.records: list[EstateRecord] = []
        self.erased: list[str] = []
        self._due: dict[str, datetime] = {}

    # --- events -----------------------------------------------------------------------------------

    def send(self, *raws: bytes) -> Drive:
        """Apply events in their order, waking what is due before each.

        Raises:
            BadEvent: when an event is refused; what it had changed is taken back.
        """
        for raw in raws:
            event = decode(raw)
            self.wake_until(event.time)
            try:
                self._apply(event)
            except BadEvent:
                self.rows.undo()
                raise
            # What concerned no campaign is kept, too.
            self.rows.keep()
        return self

    def _apply(self, event: Event) -> None:
        placed = placement.place(event, self.rows, self.world)
        turns = [campaign.advance(record, self.rows, self.world) for record in placed.records]
        self.records = placed.records
        self.out.extend(placed.out)
        if placed.erase is not None:
            self.erased.append(placed.erase)
        for turn in turns:
            self._settle(turn)

    def _settle(self, turn: Turn) -> None:
        self.turns.append(turn)
        self.out.extend(turn.out)
        for event in turn.out:
            if isinstance(event, TaskIssued):
                self.rows.put(task_home(event.data.task_id), TaskHome(event.data.estate_id))
        for address, row in self.rows.keep().items():
            if address[2] == TASK:
                self.tasks[row.task.task_id] = row.task
        if turn.wake_at is not None:
            known = self._due.get(turn.estate_id)
            self._due[turn.estate_id] = turn.wake_at if known is None else min(known, turn.wake_at)

    # --- the clock --------------------------------------------------------------------------------

    def wake_until(self, end: datetime) -> Drive:
        """Wake every estate that is due up to `end`, each at its due time."""
        while due := sorted((at, estate_id) for estate_id, at in self._due.items() if at <= end):
            at, estate_id = due[0]
            self._wake(estate_id, at, at)
        return self

    def until(self, day: int, clock: str = "08:00") -> Drive:
        """Let the time pass up to a time of a campaign's day."""
        return self.wake_until(datetime.fromisoformat(builders.at(day, clock)))

    def wake_late(self, day: int, clock: str) -> Drive:
        """The machine was off: what is due is woken only now, and it is now for all of it."""
        now = datetime.fromisoformat(builders.at(day, clock))
        for estate_id, at in sorted(self._due.items()):
            if at <= now:
                self._wake(estate_id, at, now)
        return self

    def _wake(self, estate_id: str, due: datetime, now: datetime) -> None:
        del self._due[estate_id]
        event = Woke(
            specversion="1.0", id=derived_id(due, "woke", estate_id), source="loupan/clock", time=now,
            data=WokeData(estate_id, due),
        )
        turn = campaign.advance(EstateRecord(estate_id, event), self.rows, self.world)
        self._settle(turn)
        assert turn.wake_at is None or turn.wake_at > now, "it would be woken for ever"

    @property
    def due(self) -> dict[str, datetime]:
        """When each estate wants to be woken."""
        return dict(self._due)

    # --- what came of it --------------------------------------------------------------------------

    def tasks_of(
        self, *, day: int | None = None, status: str | None = None, role: str | None = None,
        script: str | None = None, group: str | None = None, persona: str | None = None,
    ) -> list[Task]:
        """The tasks of a campaign's day, a status, a role, …, by their window."""
        found = [
            task for task in self.tasks.values()
            if (day is None or task.day == day) and (status is None or task.status == status)
            and (role is None or task.role == role) and (script is None or task.script.id == script)
            and (group is None or task.group_id == group) and (persona is None or task.persona_id == persona)
        ]
        return sorted(found, key=lambda task: (task.window.start, task.script.id, task.group_id))

    def task(self, script: str, day: int | None = None) -> Task:
        """The one task of a script."""
        (task,) = self.tasks_of(script=script, day=day)
        return task

    def sent(self, type_: type[OutEvent]) -> list[Any]:
        """The data of every event of a type that went out."""
        return [event.data for event in self.out if isinstance(event, type_)]  # type: ignore[attr-defined]  # all have

    def campaign(self, estate: str = "e1") -> CampaignRow:
        """The estate's campaign."""
        row: CampaignRow = self.rows.get(campaign_row(estate))
        return row

    def phase_seq(self, estate: str = "e1") -> int:
        """How many phases the estate's campaigns have entered so far."""
        row: CampaignRow | None = self.rows.get(campaign_row(estate))
        return row.phase_seq if row is not None else 0

    def member(self, member: str = "m1", group: str = "g1", estate: str = "e1") -> MemberRow:
        """A member's row."""
        row: MemberRow = self.rows.get(member_row(estate, group, member))
        return row

    def members(self, estate: str = "e1") -> dict[tuple[str, str], MemberRow]:
        """Every member's row, by group and member."""
        return {member_of(sub): row for sub, row in self.rows.scan(CAMPAIGN, estate, MEMBER)}

    def tally(self, group: str = "g1", estate: str = "e1") -> Tally:
        """A group's counts."""
        return self.rows.get(tally(estate, group)) or Tally()

    def counts(self, estate: str = "e1") -> TaskCounts:
        """The counts of the campaign's tasks."""
        return self.rows.get(task_counts(estate)) or TaskCounts()

    def flow(self, estate: str = "e1") -> dict[str, Any]:
        """The properties of the estate's point, after its last turn."""
        return flow.properties(next(turn for turn in reversed(self.turns) if turn.estate_id == estate))


def crowd(count: int, group: str = "g1", day: int = 1, clock: str = "00:01", first: int = 1) -> Iterable[bytes]:
    """So many members join."""
    return [builders.joined(group, f"m{number}", builders.at(day, clock)) for number in range(first, first + count)]


def open_tasks(drive: Drive) -> list[Task]:
    """The tasks that may still be done."""
    return [task for task in drive.tasks_of() if task.status in (TaskStatus.ISSUED, TaskStatus.CLAIMED)]
