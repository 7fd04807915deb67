"""What a coming day will ask for, as far as it can be told today: the campaign's own rules, run upon a supposition.

The estate is woken on the mornings up to that day over rows that nobody keeps, as if nothing happened until then. So
whatever the playbook, the rota, the gates and honesty say is said by the rules that will say it then; what people do
meanwhile may change it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct

from agents import campaign
from agents.records import EstateRecord, Place
from agents.rows import Address, Rows
from agents.state import CampaignRow, campaign_row
from agents.world import World
from schemas.errors import BadEvent
from schemas.events import Woke, WokeData
from schemas.ids import derived_id
from schemas.tasks import Task, TaskIssued

#: As far ahead as it is told, in days: further on, the gates would be guessed.
FURTHEST = 2
_SOURCE = "loupan/foresight"


class Foreseen(Struct, frozen=True):
    """A day that is to come: the campaign as it would stand then, and the tasks it would hand out, by window."""

    campaign: CampaignRow | None
    tasks: tuple[Task, ...] = ()


class Supposed:
    """Rows that are read through, and written in vain: what is put here is forgotten with it."""

    __slots__ = ("_rows", "_put")

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._put: dict[tuple[int, str, int], dict[str, Any]] = {}

    def get(self, address: Address) -> Any:
        """The row at the address as it is supposed to be."""
        under = self._put.get(address[:3])
        return under[address[3]] if under is not None and address[3] in under else self._rows.get(address)

    def put(self, address: Address, value: Any) -> None:
        """Suppose a new value there."""
        self._put.setdefault(address[:3], {})[address[3]] = value

    def drop(self, address: Address) -> None:
        """Suppose that there is none."""
        self.put(address, None)

    def scan(self, step: int, key: str, kind: int) -> Iterator[tuple[str, Any]]:
        """Every row of one kind under one key, ordered by sub."""
        under = dict(self._rows.scan(step, key, kind)) | self._put.get((step, key, kind), {})
        return iter(sorted((sub, value) for sub, value in under.items() if value is not None))


def foresee(rows: Rows, world: World, estate_id: str, now: datetime, day: date) -> Foreseen:
    """The estate's campaign on a day after `now`, as if nothing happened until its morning. `rows` stay as they are."""
    row: CampaignRow | None = rows.get(campaign_row(estate_id))
    if row is None:
        return Foreseen(None)
    play = world.play(row.playbook, row.version)
    today, morning = now.astimezone(play.zone).date(), play.playbook.curfew.end
    supposed, found = Supposed(rows), []
    for days in range(min((day - today).days, FURTHEST) + 1):
        at = datetime.combine(today + timedelta(days=days), morning, tzinfo=play.zone)
        if at <= now:
            continue
        try:
            turn = campaign.advance(_woken(estate_id, at), supposed, world)
        except BadEvent:
            return Foreseen(row)
        found += [event.data for event in turn.out if isinstance(event, TaskIssued)]
    tasks = [task for task in found if task.window.start.astimezone(play.zone).date() == day]
    return Foreseen(
        supposed.get(campaign_row(estate_id)),
        tuple(sorted(tasks, key=lambda task: (task.window.start, task.priority, task.task_id))))


def _woken(estate_id: str, at: datetime) -> EstateRecord:
    woke = Woke(
        specversion="1.0", id=derived_id(at, _SOURCE, estate_id), source=_SOURCE, time=at, data=WokeData(estate_id, at))
    return EstateRecord(estate_id, woke, Place())
