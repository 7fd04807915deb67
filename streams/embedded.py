"""The embedded driver: one process works the inbox through the topology, one transaction a batch.

State, read models, outbox, log and position commit together, or not at all. The position is advanced by
compare-and-set, so that a second process that works the same database is fenced off. Wake-ups are put into
the log of estate-events where the stream's own watermark passes them, so that their order against the
messages is settled once, and is the same for any batch size.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine

from agents import flow
from agents.records import NOWHERE, EstateRecord, Place
from agents.rows import Address
from agents.state import TASK, TaskHome, TaskRow, task_home
from agents.turn import Turn
from agents.world import World
from schemas.errors import BadEvent, BrokenRule, Fenced
from schemas.events import Event, Woke, WokeData, decode
from schemas.ids import derived_id
from schemas.tasks import TASK_OUT, OutEvent, Task
from schemas.topics import CAMPAIGN_EVENTS, TASKS
from streams.erasure import erase, erased_people, redact_late, scrub
from streams.inbox import DEAD, Door, bury, milliseconds
from streams.redaction import people_in
from streams.rows import StoredRows
from streams.sql import Move, Put, Remove, sql_of
from streams.tables import estate_events, outbox, positions, wakes
from streams.tables import flow as flow_table
from streams.tables import tasks as tasks_table
from streams.topology import TOPOLOGY, Topology

_json = msgspec.json.Encoder().encode
_pack = msgspec.msgpack.Encoder().encode
#: The position that is the stream's own clock: its watermark, in microseconds.
CLOCK = "clock"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NEVER = datetime.max.replace(tzinfo=UTC)

_put_log = Put(estate_events, "offset", "estate_id", "inbox_offset", "raw", "place")
_put_out = Put(outbox, "offset", "topic", "key", "id", "raw")
_put_task = Put(
    tasks_table, "task_id", "seq", "dealer_id", "estate_id", "group_id", "persona_id", "status", "window_start",
    "window_end", "changed", "body", update=("status", "changed", "body"))
_put_flow = Put(flow_table, "estate_id", "changed", "body", update=("changed", "body"))
_put_wake = Put(wakes, "estate_id", "due", update=("due",))
_remove_wake = Remove(wakes, "estate_id")
_put_position = Put(positions, "consumer", "next", ignore=True)
_move = Move(positions, "consumer", "next")


@dataclass(slots=True)
class _Output:
    """What one batch writes beside the rows of state."""

    log: list[tuple[int, str, int | None, bytes | None, bytes | None]] = field(default_factory=list)
    out: list[tuple[int, str, str, str, bytes]] = field(default_factory=list)
    issued: dict[str, int] = field(default_factory=dict)
    dead: list[tuple[int, str]] = field(default_factory=list)
    wakes: dict[str, int | None] = field(default_factory=dict)
    touched: dict[str, Turn] = field(default_factory=dict)
    erased: list[tuple[int, str]] = field(default_factory=list)
    late: list[tuple[int, str]] = field(default_factory=list)


class Pipeline:
    """Works the inbox of one database.

    Args:
        engine: SQLite, migrated.
        world: reference data, locator, playbooks.
        door: whose decoded events are used where they are at hand.
        batch: events of one transaction at most.
    """

    def __init__(
        self, engine: Engine, world: World, door: Door, *, batch: int = 1000, topology: Topology = TOPOLOGY,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.engine, self.world, self.door, self.batch = engine, world, door, batch
        self._placement, self._campaign = topology.steps
        self._now = now
        self._rows = StoredRows()
        self._loaded = False
        self._load()

    # --- positions --------------------------------------------------------------------------------

    def _load(self) -> None:
        """Read where the database stands: positions, log ends, the clock's wake-ups."""
        self._rows.discard()
        with self.engine.begin() as connection:
            sql = sql_of(connection)
            first = [(self._placement.name, 1), (self._campaign.name, 1), (CLOCK, 0)]
            _put_position(connection, first)
            at: dict[str, int] = {row[0]: row[1] for row in sql("SELECT consumer, next FROM positions")}
            self.position: int = at[self._placement.name]
            self._log_end: int = at[self._campaign.name] - 1
            self._clock: datetime = _time(at[CLOCK])
            ends = sql('SELECT max("offset") FROM outbox UNION ALL SELECT max(changed) FROM flow').scalars()
            self._out_end: int = max(end or 0 for end in ends)
            self._gone = erased_people(connection)
            self._erasing = bool(self._gone)
            self._due: dict[str, int] = {row[0]: row[1] for row in sql("SELECT estate_id, due FROM wakes")}
        self._heap = [(due, estate_id) for estate_id, due in self._due.items()]
        heapq.heapify(self._heap)
        self._set_alarm()
        self._loaded = True

    @property
    def watermark(self) -> int:
        """How far the stream's own clock has come, in microseconds since 1970."""
        return _us(self._clock)

    @property
    def changed(self) -> int:
        """The end of the outbox: grows with every batch that readers may see something of."""
        return self._out_end

    def next_due(self) -> datetime | None:
        """When the next estate wants to be woken."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return _time(self._heap[0][0]) if self._heap else None

    # --- the step ---------------------------------------------------------------------------------

    def work(self) -> int:
        """Work one batch of the inbox, in one transaction. Gives how many events it took; 0 when there is none.

        Raises:
            Fenced: when another process advanced the position; the memory was reloaded from the database.
            BrokenRule: when a rule of ours is broken; nothing of the batch was kept.
        """
        return self._transaction(self._work)

    def tick(self, now: datetime) -> int:
        """Wake every estate that is due at `now` (the clock of a live run). Gives how many were woken."""
        return self._transaction(lambda _, output: self._wake_until(_us(now), output, at=now, limit=self.batch))

    def run_out(self, until: datetime | None = None) -> int:
        """Wake what is due next, as the stream's own clock would, in one batch; 0 when nothing is due (any more).

        For the end of a replay: `until` is the last time that counts.
        """
        due = self.next_due()
        if due is None or (until is not None and due > until):
            return 0
        end = _us(until) if until is not None else _us(due)
        return self._transaction(lambda _, output: self._wake_until(end, output, limit=self.batch))

    def scrub(self) -> bool:
        """Go on with erasing while there is nothing else to do; True while there is more."""
        if self._erasing:
            with self.engine.begin() as connection:
                self._erasing = scrub(connection)
        return self._erasing

    def _positions(self) -> tuple[tuple[str, int], ...]:
        """Where each consumer stands: the inbox, the log of estate-events, the watermark."""
        return (
            (self._placement.name, self.position), (self._campaign.name, self._log_end + 1), (CLOCK, self.watermark))

    def _transaction(self, work: Callable[[Connection, _Output], int]) -> int:
        if not self._loaded:
            # The database failed, and failed again when we asked where it stands.
            self._load()
        output = _Output()
        before = self._positions()
        try:
            with self.engine.begin() as connection:
                self._rows.attach(connection)
                done = work(connection, output)
                if done:
                    self._write(connection, output, before)
        except BaseException:
            self._loaded = False
            self._load()
            raise
        self._rows.committed()
        return done

    def _work(self, connection: Connection, output: _Output) -> int:
        start = self.position
        records = self._read(connection, output)
        self._prefetch(records)
        for offset, event in records:
            self._apply(offset, event, output)
        return self.position - start

    def _read(self, connection: Connection, output: _Output) -> list[tuple[int, Event]]:
        """The next events of the inbox; those that the door has just decoded are taken from its hands."""
        hands = self.door.handed_on
        records: list[tuple[int, Event]] = []
        while len(records) < self.batch and (event := hands.pop(self.position, None)) is not None:
            records.append((self.position, event))
            self.position += 1
        return records or self._read_rows(connection, output)

    def _read_rows(self, connection: Connection, output: _Output) -> list[tuple[int, Event]]:
        rows = sql_of(connection)(
            'SELECT "offset", raw FROM inbox WHERE "offset" >= ? ORDER BY "offset" LIMIT ?',
            (self.position, self.batch))
        records: list[tuple[int, Event]] = []
        for offset, raw in rows:
            try:
                records.append((offset, decode(raw)))
            except BadEvent as error:
                # An older version of us took it in.
                self._bury(offset, error, output)
            self.position = offset + 1
        return records

    def _prefetch(self, records: list[tuple[int, Event]]) -> None:
        """Fetch what the steps will ask for first: placement's rows, then those of the likely estates."""
        likely, holds = self._placement.likely, self._rows.holds
        cold = [(event, addresses) for _, event in records if not holds(addresses := likely("", event))]
        if not cold:
            return
        self._rows.prefetch(address for _, addresses in cold for address in addresses)
        wanted: list[Address] = []
        for event, addresses in cold:
            home = self._rows.get(addresses[0]) if addresses else None
            if (estate_id := getattr(home, "estate_id", None)) is not None:
                wanted.extend(self._campaign.likely(estate_id, event))
        self._rows.prefetch(wanted)

    def _apply(self, offset: int, event: Event, output: _Output) -> None:
        """One event's whole way: the clock first, then placement, then each estate's campaign."""
        passed = self._clock
        if event.time > passed:
            self._clock = event.time
        if self._alarm <= self._clock:
            self._wake_until(_us(self._clock), output, passed=passed)
        if self._gone:
            output.late.extend((offset, person) for person in people_in(event) if person in self._gone)
        rows, world = self._rows, self.world
        try:
            placed = self._placement.work(event, rows, world)
            turns = [self._campaign.work(record, rows, world) for record in placed.records]
        except BadEvent as error:
            rows.undo()
            self._bury(offset, error, output)
            return
        rows.keep()
        for out in placed.out:
            self._send(out, output)
        for turn in turns:
            self._log(turn.estate_id, turn.place, offset, None, output)
            if turn.out or turn.touched or turn.wake_at is not None:
                self._settle(turn, output)
        if placed.erase is not None:
            output.erased.append((offset, placed.erase))
            self._gone.add(placed.erase)

    def _bury(self, offset: int, error: BadEvent, output: _Output) -> None:
        output.dead.append((offset, str(error)))

    def _settle(self, turn: Turn, output: _Output) -> None:
        """Take over what a turn lets out and asks for."""
        for out in turn.out:
            self._send(out, output)
        if turn.touched:
            output.touched[turn.estate_id] = turn
        if turn.wake_at is not None:
            self._schedule(turn.estate_id, _us(turn.wake_at), output)

    def _send(self, out: OutEvent, output: _Output) -> None:
        self._out_end += 1
        topic = TASKS if isinstance(out, TASK_OUT) else CAMPAIGN_EVENTS
        output.out.append((self._out_end, topic.name, out.partitionkey, out.id, _json(out)))
        data: Any = out.data  # type: ignore[attr-defined]  # every out-event has data
        if isinstance(data, Task):
            output.issued[data.task_id] = self._out_end
            self._rows.put(task_home(data.task_id), TaskHome(data.estate_id))
            self._rows.keep()

    def _log(
        self, estate_id: str, place: Place, inbox_offset: int | None, raw: bytes | None, output: _Output
    ) -> None:
        self._log_end += 1
        # Whoever lives where they are talked to, nameless, is the rule: only what differs is written.
        usual = place is NOWHERE or place.is_usual(estate_id)
        output.log.append((self._log_end, estate_id, inbox_offset, raw, None if usual else _pack(place)))

    # --- the clock --------------------------------------------------------------------------------

    def _schedule(self, estate_id: str, due: int, output: _Output) -> None:
        """Wake the estate no later than `due`."""
        known = self._due.get(estate_id)
        if known is None or due < known:
            self._due[estate_id] = due
            heapq.heappush(self._heap, (due, estate_id))
            output.wakes[estate_id] = due
            self._set_alarm()

    def _wake_until(
        self, end: int, output: _Output, *, at: datetime | None = None, passed: datetime | None = None,
        limit: int | None = None,
    ) -> int:
        """Wake what is due up to `end`, in order of due time, then of estate.

        `at` is the time of a live clock. The stream's own stands at `passed` (by default, where it is) and only
        goes on: what a late event left due in its past is woken now, and no day is lived twice.
        """
        woken = 0
        clock = passed if passed is not None else self._clock
        while self._heap and self._heap[0][0] <= end and (limit is None or woken < limit):
            due, estate_id = heapq.heappop(self._heap)
            if self._due.get(estate_id) != due:
                continue
            del self._due[estate_id]
            output.wakes[estate_id] = None
            when = _time(due)
            clock = max(clock, when)
            event = Woke(
                specversion="1.0", id=derived_id(when, "woke", estate_id, str(due)), source="loupan/clock",
                time=at or clock, partitionkey=estate_id, data=WokeData(estate_id, when))
            record = EstateRecord(estate_id, event)
            turn = self._campaign.work(record, self._rows, self.world)
            self._rows.keep()
            self._log(estate_id, NOWHERE, None, _json(event), output)
            self._settle(turn, output)
            if self._due.get(estate_id, end + 1) <= due:
                raise BrokenRule(f"estate {estate_id} wants to be woken at {when.isoformat()} again")
            if at is None and when > self._clock:
                self._clock = when
            woken += 1
        self._set_alarm()
        return woken

    def _set_alarm(self) -> None:
        """Remember when the next estate may be due, so that an event needs one comparison to know."""
        self._alarm = _time(self._heap[0][0]) if self._heap else _NEVER

    # --- writing ----------------------------------------------------------------------------------

    def _write(self, connection: Connection, output: _Output, before: tuple[tuple[str, int], ...]) -> None:
        self._advance(connection, before)
        if not output.out and output.touched:
            # Nothing went out, but the flow map moved: an offset that no event has tells readers to look.
            self._out_end += 1
        tasks = [self._task(address, output) for address in self._rows.dirty if address[2] == TASK]
        self._rows.flush(connection)
        _put_log(connection, output.log)
        _put_out(connection, output.out)
        _put_task(connection, [task for task in tasks if task is not None])
        _put_flow(connection, self._flow(output))
        _put_wake(connection, [(estate_id, due) for estate_id, due in output.wakes.items() if due is not None])
        _remove_wake(connection, [(estate_id,) for estate_id, due in output.wakes.items() if due is None])
        redact_late(connection, output.late)
        for offset, reason in output.dead:
            (raw,) = sql_of(connection)('SELECT raw FROM inbox WHERE "offset" = ?', (offset,)).one()
            bury(connection, [(f"inbox:{offset}", reason, raw, milliseconds(self._now), DEAD)])
        for offset, member_id in output.erased:
            erase(connection, member_id, offset)
            self._erasing = True
        if self._erasing:
            self._erasing = scrub(connection)

    def _advance(self, connection: Connection, before: tuple[tuple[str, int], ...]) -> None:
        """Compare and set: whoever finds another position than they left was fenced off."""
        moves = [(name, was, now) for (name, was), (_, now) in zip(before, self._positions(), strict=True)]
        if _move(connection, moves) != len(moves):
            raise Fenced(f"another process works this database: it is not at {dict(before)} any more")

    def _task(self, address: Address, output: _Output) -> tuple[Any, ...] | None:
        """The read model's row of a task that changed; what state has dropped stays as it was last."""
        row: TaskRow | None = self._rows.last(address)
        if row is None:
            return None
        task = row.task
        return (
            task.task_id, output.issued.get(task.task_id, 0), task.dealer_id, task.estate_id, task.group_id,
            task.persona_id, task.status, _us(task.window.start) // 1000, _us(task.window.end) // 1000,
            self._out_end, _json(task),
        )

    def _flow(self, output: _Output) -> list[tuple[str, int, bytes]]:
        return [
            (estate_id, self._out_end, _json(flow.properties(turn))) for estate_id, turn in output.touched.items()
        ]


def _us(at: datetime) -> int:
    """Microseconds since 1970: exact, where a float of seconds is not."""
    return (at - _EPOCH) // _MICROSECOND


def _time(us: int) -> datetime:
    return _EPOCH + us * _MICROSECOND


