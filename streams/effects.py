"""What one batch brings about beside the rows of state, and how it is written: the same for every driver.

What goes out is numbered without a hole, in the transaction that writes it: a reader who has seen a number has
seen everything below it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from agents import flow
from agents.records import NOWHERE, Place
from agents.rows import Address
from agents.state import TASK, TaskHome, TaskRow, task_home
from agents.turn import Turn
from schemas.tasks import TASK_OUT, OutEvent, Task
from schemas.topics import CAMPAIGN_EVENTS, TASKS
from streams.rows import StoredRows
from streams.sql import Put, Remove
from streams.tables import estate_events, outbox, wakes
from streams.tables import flow as flow_table
from streams.tables import tasks as tasks_table

encode = msgspec.json.Encoder().encode
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Place).decode
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_put_log = Put(estate_events, "offset", "estate_id", "inbox_offset", "raw", "place")
put_out = Put(outbox, "offset", "topic", "key", "id", "raw", "at")
_put_task = Put(
    tasks_table, "task_id", "seq", "dealer_id", "estate_id", "group_id", "persona_id", "status", "window_start",
    "window_end", "changed", "body", "store_id", update=("status", "changed", "body", "store_id"))
_put_flow = Put(flow_table, "estate_id", "changed", "body", update=("changed", "body"))
put_wake = Put(wakes, "estate_id", "due", update=("due",))
remove_wake = Remove(wakes, "estate_id")


@dataclass(slots=True)
class Effects:
    """Collects what a batch brings about.

    `log` is of the estate-events: estate, inbox offset or the event itself, what placement noted. `out` went out, in
    order: topic, key, id, event. `issued` says which of them handed a task out. `wakes` are in microseconds since
    1970, None where the estate was woken.
    """

    log: list[tuple[str, int | None, bytes | None, bytes | None]] = field(default_factory=list)
    out: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    issued: dict[str, int] = field(default_factory=dict)
    wakes: dict[str, int | None] = field(default_factory=dict)
    touched: dict[str, Turn] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """By how much the end of the outbox grows.

        Where nothing went out but the flow map moved, an offset that no event has tells readers to look.
        """
        return len(self.out) or int(bool(self.touched))

    def enter(self, estate_id: str, place: Place, inbox_offset: int | None, raw: bytes | None) -> None:
        """Put a record into the log of estate-events; `logged_place` reads the place back."""
        packed = None
        if raw is None and not place.is_usual(estate_id):
            packed = b"" if place == NOWHERE else _pack(place)
        self.log.append((estate_id, inbox_offset, raw, packed))

    def send(self, out: OutEvent, rows: StoredRows) -> None:
        """Let an event go out; of a task that is handed out, remember which estate's it is."""
        topic = TASKS if isinstance(out, TASK_OUT) else CAMPAIGN_EVENTS
        self.out.append((topic.name, out.partitionkey, out.id, encode(out)))
        data: Any = out.data  # type: ignore[attr-defined]  # every out-event has data
        if isinstance(data, Task):
            self.issued[data.task_id] = len(self.out)
            rows.put(task_home(data.task_id), TaskHome(data.estate_id))
            rows.keep()

    def place(self, out: OutEvent, rows: StoredRows) -> None:
        """Let an event of placement's go out, and keep it in the log, whose replay gives everything that went out."""
        self.send(out, rows)
        self.log.append((out.partitionkey, None, self.out[-1][3], None))

    def settle(self, turn: Turn, rows: StoredRows) -> None:
        """Take over what a turn lets out."""
        for out in turn.out:
            self.send(out, rows)
        if turn.touched:
            self.touched[turn.estate_id] = turn

    def write(
        self, connection: Connection, rows: Iterable[StoredRows], *, log_end: int, out_end: int, at: int = 0
    ) -> None:
        """Write everything, the changed rows too, after these ends of the log and of the outbox.

        `at` is the clock's time in Unix milliseconds.
        """
        changed = out_end + self.steps
        tasks = []
        for one in rows:
            tasks += [self._task(one, address, out_end, changed) for address in one.dirty if address[2] == TASK]
            one.flush(connection)
        _put_log(connection, [(offset, *row) for offset, row in enumerate(self.log, log_end + 1)])
        put_out(connection, [(offset, *row, at) for offset, row in enumerate(self.out, out_end + 1)])
        _put_task(connection, [task for task in tasks if task is not None])
        _put_flow(connection, [
            (estate_id, changed, encode(flow.properties(turn))) for estate_id, turn in self.touched.items()])
        put_wake(connection, [(estate_id, due) for estate_id, due in self.wakes.items() if due is not None])
        remove_wake(connection, [(estate_id,) for estate_id, due in self.wakes.items() if due is None])

    def _task(self, rows: StoredRows, address: Address, out_end: int, changed: int) -> tuple[Any, ...] | None:
        """The read model's row of a task that changed; what state has dropped stays as it was last."""
        row: TaskRow | None = rows.last(address)
        if row is None:
            return None
        task = row.task
        return (
            task.task_id, out_end + self.issued.get(task.task_id, 0), task.dealer_id, task.estate_id, task.group_id,
            task.persona_id, task.status, microseconds(task.window.start) // 1000,
            microseconds(task.window.end) // 1000, changed, encode(task), task.store_id,
        )


def logged_place(estate_id: str, raw: bytes | None, packed: bytes | None) -> Place:
    """What placement noted beside a record of the log.

    What is usual is not written, nor what a record that holds its event itself has none of; nothing is written empty.
    """
    if packed:
        return _unpack(packed)
    return Place(estate_id) if packed is None and raw is None else NOWHERE


def microseconds(at: datetime) -> int:
    """Since 1970: exact, where a float of seconds is not."""
    return (at - _EPOCH) // _MICROSECOND


def time_of(us: int) -> datetime:
    """The time of so many microseconds since 1970."""
    return _EPOCH + us * _MICROSECOND
