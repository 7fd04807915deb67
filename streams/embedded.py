"""The embedded driver: one process works the inbox through the topology, one transaction a batch.

State, read models, outbox, log and position commit together, or not at all. The position is advanced by
compare-and-set, so that a second process that works the same database is fenced off. Wake-ups are put into
the log of estate-events where the stream's own watermark passes them, so that their order against the
messages is settled once, and is the same for any batch size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from sqlalchemy import Connection, Engine

from agents.placement import rows_of_strangers
from agents.records import NOWHERE, EstateRecord
from agents.rows import CAMPAIGN, Address
from agents.turn import Turn
from agents.world import World
from schemas.errors import BadEvent, BrokenRule
from schemas.events import Event, decode
from streams import places
from streams.alarms import Alarms, woke
from streams.effects import Effects, encode, microseconds, time_of
from streams.erasure import erase, erased_people, redact_late, scrub
from streams.inbox import DEAD, Door, bury, milliseconds
from streams.redaction import people_in
from streams.rows import StoredRows
from streams.sql import sql_of
from streams.topology import TOPOLOGY, Topology

#: The position that is the stream's own clock: its watermark, in microseconds.
CLOCK = "clock"
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Batch(Effects):
    """What one batch brings about, and what of the inbox it was."""

    dead: list[tuple[int, str]] = field(default_factory=list)
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
            at = places.load(connection, {self._placement.name: 1, self._campaign.name: 1, CLOCK: 0})
            self.position: int = at[self._placement.name]
            self._log_end: int = at[self._campaign.name] - 1
            self._clock: datetime = time_of(at[CLOCK])
            ends = sql('SELECT max("offset") FROM outbox UNION ALL SELECT max(changed) FROM flow').scalars()
            self._out_end: int = max(end or 0 for end in ends)
            self._gone = erased_people(connection)
            self._erasing = bool(self._gone)
            self._alarms = Alarms((row[0], row[1]) for row in sql("SELECT estate_id, due FROM wakes"))
        self._set_alarm()
        self._loaded = True

    @property
    def watermark(self) -> int:
        """How far the stream's own clock has come, in microseconds since 1970."""
        return microseconds(self._clock)

    @property
    def changed(self) -> int:
        """The end of the outbox: grows with every batch that readers may see something of."""
        return self._out_end

    def next_due(self) -> datetime | None:
        """When the next estate wants to be woken."""
        due = self._alarms.next()
        return None if due is None else time_of(due)

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
        end = microseconds(now)
        return self._transaction(lambda _, batch: self._wake_until(end, batch, at=now, limit=self.batch))

    def run_out(self, until: datetime | None = None) -> int:
        """Wake what is due next, as the stream's own clock would, in one batch; 0 when nothing is due (any more).

        For the end of a replay: `until` is the last time that counts.
        """
        due = self.next_due()
        if due is None or (until is not None and due > until):
            return 0
        end = microseconds(until) if until is not None else microseconds(due)
        return self._transaction(lambda _, batch: self._wake_until(end, batch, limit=self.batch))

    def scrub(self) -> bool:
        """Go on with erasing while there is nothing else to do; True while there is more."""
        if self._erasing:
            with self.engine.begin() as connection:
                self._erasing = scrub(connection)
        return self._erasing

    def _positions(self) -> dict[str, int]:
        """Where each consumer stands: the inbox, the log of estate-events, the watermark."""
        return {
            self._placement.name: self.position, self._campaign.name: self._log_end + 1, CLOCK: self.watermark}

    def _transaction(self, work: Callable[[Connection, _Batch], int]) -> int:
        if not self._loaded:
            # The database failed, and failed again when we asked where it stands.
            self._load()
        batch = _Batch()
        before = self._positions()
        try:
            with self.engine.begin() as connection:
                self._rows.attach(connection)
                done = work(connection, batch)
                if done:
                    self._write(connection, batch, before)
        except BaseException:
            self._loaded = False
            self._load()
            raise
        self._rows.committed()
        return done

    def _work(self, connection: Connection, batch: _Batch) -> int:
        start = self.position
        records = self._read(connection, batch)
        self._prefetch(records)
        for offset, event in records:
            self._apply(offset, event, batch)
        return self.position - start

    def _read(self, connection: Connection, batch: _Batch) -> list[tuple[int, Event]]:
        """The next events of the inbox; those that the door has just decoded are taken from its hands."""
        hands = self.door.handed_on
        records: list[tuple[int, Event]] = []
        while len(records) < self.batch and (event := hands.pop(self.position, None)) is not None:
            records.append((self.position, event))
            self.position += 1
        return records or self._read_rows(connection, batch)

    def _read_rows(self, connection: Connection, batch: _Batch) -> list[tuple[int, Event]]:
        rows = sql_of(connection)(
            'SELECT "offset", raw FROM inbox WHERE "offset" >= ? ORDER BY "offset" LIMIT ?',
            (self.position, self.batch))
        records: list[tuple[int, Event]] = []
        for offset, raw in rows:
            try:
                records.append((offset, decode(raw)))
            except BadEvent as error:
                # An older version of us took it in.
                self._bury(offset, error, batch)
            self.position = offset + 1
        return records

    def _prefetch(self, records: list[tuple[int, Event]]) -> None:
        """Fetch what the steps will ask for first: placement's rows, then those of the likely estates."""
        likely, holds = self._placement.likely, self._rows.holds
        cold = [(event, addresses) for _, event in records if not holds(addresses := likely("", event))]
        if not cold:
            return
        rows = self._rows
        rows.prefetch(address for _, addresses in cold for address in addresses)
        wanted: list[Address] = []
        for event, addresses in cold:
            # Of who is met for the first time also what holds for them.
            wanted.extend(rows_of_strangers(addresses, rows))
            home = rows.get(addresses[0]) if addresses else None
            if (estate_id := getattr(home, "estate_id", None)) is not None:
                wanted.extend(self._campaign.likely(estate_id, event))
        rows.prefetch(wanted)

    def _apply(self, offset: int, event: Event, batch: _Batch) -> None:
        """One event's whole way: the clock first, then placement, then each estate's campaign."""
        passed = self._clock
        if event.time > passed:
            self._clock = event.time
        if self._alarm <= self._clock:
            self._wake_until(microseconds(self._clock), batch, passed=passed)
        if self._gone:
            batch.late.extend((offset, person) for person in people_in(event) if person in self._gone)
        rows, world = self._rows, self.world
        try:
            placed = self._placement.work(event, rows, world)
            turns = [self._campaign.work(record, rows, world) for record in placed.records]
        except BadEvent as error:
            rows.undo()
            self._bury(offset, error, batch)
            return
        rows.keep()
        for out in placed.out:
            batch.place(out, rows)
        for turn in turns:
            batch.enter(turn.estate_id, turn.place, offset, None)
            if turn.out or turn.touched or turn.wake_at is not None:
                self._settle(turn, batch)
        if placed.erase is not None:
            batch.erased.append((offset, placed.erase))
            self._gone.add(placed.erase)

    def _bury(self, offset: int, error: BadEvent, batch: _Batch) -> None:
        batch.dead.append((offset, str(error)))

    def _settle(self, turn: Turn, batch: _Batch) -> None:
        """Take over what a turn lets out and asks for."""
        batch.settle(turn, self._rows)
        if turn.wake_at is not None:
            due = microseconds(turn.wake_at)
            if self._alarms.set(turn.estate_id, due):
                batch.wakes[turn.estate_id] = due
                self._set_alarm()

    # --- the clock --------------------------------------------------------------------------------

    def _wake_until(
        self, end: int, batch: _Batch, *, at: datetime | None = None, passed: datetime | None = None,
        limit: int | None = None,
    ) -> int:
        """Wake what is due up to `end`, in order of due time, then of estate.

        `at` is the time of a live clock. The stream's own stands at `passed` (by default, where it is) and only
        goes on: what a late event left due in its past is woken now, and no day is lived twice.
        """
        woken = 0
        # What a waking estate asks for is nearly everything of it.
        self._rows.gather(CAMPAIGN, islice(self._alarms.due_by(end), limit))
        clock = passed if passed is not None else self._clock
        while (limit is None or woken < limit) and (popped := self._alarms.pop(end)) is not None:
            due, estate_id = popped
            batch.wakes[estate_id] = None
            when = time_of(due)
            clock = max(clock, when)
            event = woke(estate_id, due, at or clock)
            turn = self._campaign.work(EstateRecord(estate_id, event), self._rows, self.world)
            self._rows.keep()
            batch.enter(estate_id, NOWHERE, None, encode(event))
            self._settle(turn, batch)
            again = self._alarms.of(estate_id)
            if again is not None and again <= due:
                raise BrokenRule(f"estate {estate_id} wants to be woken at {when.isoformat()} again")
            if at is None and when > self._clock:
                self._clock = when
            woken += 1
        self._set_alarm()
        return woken

    def _set_alarm(self) -> None:
        """Remember when the next estate may be due, so that an event needs one comparison to know."""
        self._alarm = self.next_due() or _NEVER

    # --- writing ----------------------------------------------------------------------------------

    def _write(self, connection: Connection, batch: _Batch, before: dict[str, int]) -> None:
        log_end, out_end = self._log_end, self._out_end
        self._log_end += len(batch.log)
        self._out_end += batch.steps
        self._advance(connection, before)
        batch.write(connection, (self._rows,), log_end=log_end, out_end=out_end, at=milliseconds(self._now))
        redact_late(connection, batch.late)
        for offset, reason in batch.dead:
            (raw,) = sql_of(connection)('SELECT raw FROM inbox WHERE "offset" = ?', (offset,)).one()
            bury(connection, [(f"inbox:{offset}", reason, raw, milliseconds(self._now), DEAD)])
        for offset, member_id in batch.erased:
            erase(connection, member_id, offset)
            self._erasing = True
        if self._erasing:
            self._erasing = scrub(connection)

    def _advance(self, connection: Connection, before: dict[str, int]) -> None:
        """Compare and set: whoever finds another position than they left was fenced off."""
        places.advance(connection, before, self._positions())
