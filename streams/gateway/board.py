"""The flow map's rows, held in memory and kept up to date by reading only what changed.

Only estates that are worked have a row, and a row is kept as the JSON that it is: 2,000 worked estates are
2 MB. What is counted of each is kept beside it, so that the totals move with a row and are never summed anew.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from schemas.values import Phase, TaskStatus
from streams.gateway.atlas import Atlas
from streams.readers import FlowRow, count_after, count_dead, flow_since
from streams.tables import inbox

#: What is counted of a row of the flow map, and what it is called in `counts`.
_COUNTED = {"groups": "groups", "members": "members", "placed": "placed_members", "orders": "orders"}
#: A campaign that is planned, runs or pauses counts as work, one that ended does not.
_WORKED = ("scheduled", "running", "paused")
#: A row's `tasks` says where each stands now: a verified one was done before, and every one was issued.
_TASKS_COUNTED = {
    "tasks_issued": tuple(TaskStatus),
    "tasks_done": (TaskStatus.DONE, TaskStatus.VERIFIED),
    "tasks_verified": (TaskStatus.VERIFIED,),
}
_NAMES = (
    "placed_members", "estates_worked", "groups", "members", "tasks_issued", "tasks_done", "tasks_verified", "orders",
)


class Entry(NamedTuple):
    """An estate's row: `changed` is the database's word for when, `revision` the board's own."""

    estate_id: str
    changed: int
    revision: int
    raw: bytes
    city: str
    counted: Counter[str]


class Board:
    """The flow map as last read. Safe from any thread."""

    def __init__(self, atlas: Atlas) -> None:
        self._atlas = atlas
        self._lock = Lock()
        # In the order of change, so that "what changed since" is the end of it.
        self._entries: dict[str, Entry] = {}
        self._totals: dict[str, Counter[str]] = {}
        self._safe = 0
        self._events = (0, 0)
        self.revision = 0

    def refresh(self, connection: Connection, version: int) -> int:
        """Read what changed; `version` is the outbox offset below which everything is committed. The revision."""
        with self._lock:
            fresh = [row for row in flow_since(connection, self._safe) if self._differs(row)]
            if fresh:
                self.revision += 1
                for row in fresh:
                    self._take(row)
            # Not the highest offset that was seen: where several workers commit, a lower one may still come.
            self._safe = max(self._safe, version)
            return self.revision

    def entries(self) -> dict[str, Entry]:
        """All rows, by estate."""
        with self._lock:
            return dict(self._entries)

    def entry(self, estate_id: str) -> Entry | None:
        """One estate's row."""
        return self._entries.get(estate_id)

    def changed_after(self, revision: int) -> list[Entry]:
        """The rows that changed after a revision of the board, the latest first."""
        found = []
        with self._lock:
            for entry in reversed(self._entries.values()):
                if entry.revision <= revision:
                    break
                found.append(entry)
        return found

    def changed_since(self, changed: int) -> list[Entry]:
        """The rows that changed at an outbox offset or later."""
        return [entry for entry in self.entries().values() if entry.changed >= changed]

    def phases(self) -> dict[str, int]:
        """How many campaigns are worked in each phase."""
        with self._lock:
            totals = self._totals.get("", Counter())
            return {phase.value: totals[phase.value] for phase in Phase}

    def counts(self, connection: Connection, cities: str | frozenset[str] | None) -> dict[str, int]:
        """The totals of some cities or of all; events and dead letters are always those of all."""
        named = {cities} if isinstance(cities, str) else cities
        chart = self._atlas.chart()
        with self._lock:
            parts = [self._totals.get(city, Counter()) for city in ({""} if named is None else named)]
            counts = {name: sum(part[name] for part in parts) for name in _NAMES}
            events = self._count_events(connection)
        estates = len(chart.ids) if named is None else sum(len(chart.ids_by_city.get(city, ())) for city in named)
        return {"events": events, "estates": estates, **counts, "dead_letters": count_dead(connection)}

    def _count_events(self, connection: Connection) -> int:
        # Counting a long log is slow, counting its new end is not.
        count, last = self._events
        more, last = count_after(connection, inbox, last)
        self._events = (count + more, last)
        return count + more

    def _differs(self, row: FlowRow) -> bool:
        known = self._entries.get(row.estate_id)
        return known is None or known.raw != row.body

    def _take(self, row: FlowRow) -> None:
        old = self._entries.pop(row.estate_id, None)
        estate = self._atlas.chart().reference.estates.get(row.estate_id)
        city = estate.city if estate else ""
        entry = Entry(row.estate_id, row.changed, self.revision, row.body, city, _counted(row.body))
        self._entries[row.estate_id] = entry
        if old is not None:
            self._add(old, -1)
        self._add(entry, 1)

    def _add(self, entry: Entry, sign: int) -> None:
        for city in {"", entry.city}:
            totals = self._totals.setdefault(city, Counter())
            for name, count in entry.counted.items():
                totals[name] += sign * count


def body_of(entry: Entry) -> dict[str, Any]:
    """A row's properties."""
    body: dict[str, Any] = msgspec.json.decode(entry.raw)
    return body


def number(value: Any) -> int:
    """How many: of a number itself, of a list or a table its length, of nothing 0."""
    if isinstance(value, int | float):
        return int(value)
    return len(value) if isinstance(value, list | dict) else 0


def _counted(raw: bytes) -> Counter[str]:
    body = msgspec.json.decode(raw)
    tasks = body.get("tasks") or {}
    counted = Counter({name: number(body.get(key)) for key, name in _COUNTED.items()})
    for name, statuses in _TASKS_COUNTED.items():
        counted[name] = sum(number(tasks.get(status.value)) for status in statuses)
    worked = int(body.get("status") in _WORKED)
    counted["estates_worked"] = worked
    if worked and body.get("phase"):
        counted[body["phase"]] = 1
    return counted
