"""The campaign step over Kafka's records: which phase, what next? One transaction a batch.

A worker keeps what it knows of the estates of each partition that it owns, and drops it with the partition. What
was handed over twice is known by its lane and number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine

from agents.records import EstateRecord
from agents.rows import CAMPAIGN
from agents.turn import Turn
from agents.world import World
from schemas.errors import BadEvent, BrokenRule
from schemas.events import Erased, Woke
from schemas.topics import ESTATE_EVENTS
from streams import places
from streams.alarms import Alarms, woke
from streams.effects import Effects, encode, microseconds, remove_wake, time_of
from streams.erasure import erase
from streams.inbox import DEAD, Letter, bury, milliseconds
from streams.kafka.fetched import Fetched
from streams.kafka.handover import Handed, Parcel, lane_of, of_event, unpack
from streams.kafka.partitioning import partition_of
from streams.kafka.placing import Runs, left_behind, put_handover
from streams.rows import StoredRows
from streams.sql import Find, sql_of
from streams.tables import inbox
from streams.topology import TOPOLOGY, Topology

_find_raw = Find(inbox, ("offset",), "raw")
#: Estates that are woken by one transaction at most.
_WOKEN_AT_ONCE = 1000


@dataclass(slots=True)
class _Partition:
    """What is known of one partition's estates: their rows, when each wants to be woken, and the partition's own clock.

    The clock is its watermark: the latest time of an event so far, in microseconds since 1970.
    """

    rows: StoredRows
    alarms: Alarms
    clock: int = 0


@dataclass(slots=True)
class _Batch(Effects):
    """What one batch brings about, and what of the log it was."""

    dead: list[tuple[str, int | None, bytes, str]] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    applied: int = 0
    duplicate: int = 0


class Campaigning:
    """The campaign step of a worker: the partitions of `estate-events` that it owns, and where they stand.

    Args:
        engine: the database, migrated.
        world: reference data, locator, playbooks.
        partitions: how many `estate-events` has.
        now: the machine's clock, for when something went out.
    """

    def __init__(
        self, engine: Engine, world: World, partitions: int, *, topology: Topology = TOPOLOGY,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.engine, self.world, self._now = engine, world, now
        self._step = topology.steps[1]
        self._at: dict[str, int] = {}
        self._owned: dict[int, _Partition] = {}
        self._partition_of = lru_cache(100_000)(lambda key: partition_of(key, partitions))

    # --- partitions ---------------------------------------------------------------------------------

    def assign(self, owned: Iterable[int]) -> dict[int, int]:
        """Own these partitions and no others: gives the offset that each goes on from, as the database has it."""
        owned = set(owned)
        names = {partition: self._name(partition) for partition in sorted(owned)}
        first = {
            name: 0 for partition, own in names.items()
            for name in (own, _watermark(own), f"lane/{_clock(partition)}")}
        with self.engine.begin() as connection:
            self._at = places.load(connection, first)
            places.begin(connection)
            for name in names.values():
                self._at.update(places.below(connection, f"{name}/"))
            due: dict[int, list[tuple[str, int]]] = {partition: [] for partition in owned}
            for estate_id, at in sql_of(connection)("SELECT estate_id, due FROM wakes"):
                if (partition := self._partition_of(estate_id)) in due:
                    due[partition].append((estate_id, at))
        self._owned = {
            partition: _Partition(StoredRows(), Alarms(due[partition]), self._at[_watermark(name)])
            for partition, name in names.items()}
        return {partition: self._at[name] for partition, name in names.items()}

    def leftovers(self) -> list[Parcel]:
        """The wake-ups of these partitions that their last owner could not send any more, in order."""
        with self.engine.connect() as connection:
            return left_behind(connection, map(_clock, self._owned))

    def skip(self, partition: int, offset: int) -> None:
        """Go on from a later offset: retention has cut off what was to come next."""
        name = self._name(partition)
        with self.engine.begin() as connection:
            places.advance(connection, {name: self._at[name]}, {name: offset})
        self._at[name] = offset

    def _name(self, partition: int) -> str:
        return places.consumer(self._step.name, ESTATE_EVENTS.name, partition)

    @property
    def due(self) -> int:
        """How many estates of these partitions are waiting to be woken."""
        return sum(len(partition.alarms) for partition in self._owned.values())

    # --- the step -----------------------------------------------------------------------------------

    def work(self, fetched: Sequence[Fetched]) -> tuple[int, int, int]:
        """Work records, each partition's from where it stands on without a hole, in one transaction.

        Gives how many events were applied, were known already, and died.

        Raises:
            Fenced: when another worker has moved one of the partitions on: `assign` anew.
            BrokenRule: when a rule of ours is broken; nothing of the batch was kept: `assign` anew.
        """
        batch = _Batch()
        after: dict[str, int] = {}
        used = [self._owned[partition] for partition in sorted({one.partition for one in fetched})]
        with self.engine.begin() as connection:
            for partition in used:
                partition.rows.attach(connection)
            records = list(self._unpacked(fetched, batch, after))
            self._prefetch(records)
            for number, handed in records:
                self._apply(self._owned[number], handed, batch)
                after[_watermark(self._name(number))] = self._owned[number].clock
            self._write(connection, batch, after, [partition.rows for partition in used])
        for partition in used:
            partition.rows.committed()
        self._at.update(after)
        return batch.applied, batch.duplicate, len(batch.dead)

    def _unpacked(
        self, fetched: Sequence[Fetched], batch: _Batch, after: dict[str, int]
    ) -> Iterator[tuple[int, Handed]]:
        """What the records hold and was not worked before, with its partition."""
        for one in fetched:
            name = self._name(one.partition)
            after[name] = one.offset + 1
            lane = lane_of(one.headers)
            if lane is None or one.value is None:
                batch.dead.append((one.name, None, one.whole(), "no worker of ours wrote this: it names no lane"))
                continue
            try:
                records = unpack(one.value)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                batch.dead.append((one.name, None, one.whole(), f"no record of estate-events: {error}"))
                continue
            known = f"{name}/{lane[0]}"
            if lane[1] < after.get(known, self._at.get(known, 0)):
                batch.duplicate += len(records)
                continue
            after[known] = lane[1] + 1
            for handed in records:
                yield one.partition, handed

    def _prefetch(self, records: Sequence[tuple[int, Handed]]) -> None:
        """Fetch the rows that the campaigns will ask for first, of each partition at once."""
        likely = self._step.likely
        wanted: dict[int, list[Any]] = {}
        waking: dict[int, list[str]] = {}
        for number, handed in records:
            if isinstance(handed.event, Woke):
                # What a waking estate asks for is nearly everything of it.
                waking.setdefault(number, []).append(handed.estate_id)
            elif handed.event is not None:
                wanted.setdefault(number, []).extend(likely(handed.estate_id, handed.event))
        for number, estates in waking.items():
            self._owned[number].rows.gather(CAMPAIGN, estates)
        for number, addresses in wanted.items():
            self._owned[number].rows.prefetch(addresses)

    def _apply(self, partition: _Partition, handed: Handed, batch: _Batch) -> None:
        rows = partition.rows
        if handed.out is not None:
            self._pass_time(partition, microseconds(handed.out.time), batch)
            batch.place(handed.out, rows)
            return
        record = handed.record()
        if not isinstance(record.event, Woke):
            self._pass_time(partition, microseconds(record.event.time), batch)
        try:
            turn = self._step.work(record, rows, self.world)
        except BadEvent as error:
            rows.undo()
            batch.dead.append((f"inbox:{handed.inbox}", handed.inbox, b"", str(error)))
            return
        self._keep(partition, turn, handed.inbox, batch)
        if isinstance(record.event, Erased):
            batch.erased.append(record.event.data.member_id)

    def _pass_time(self, partition: _Partition, now: int, batch: _Batch) -> None:
        """The partition's own clock has come to `now`: wake whoever was due before.

        What a late event left due in the clock's past is woken now: no day is lived twice.
        """
        clock, partition.clock = partition.clock, max(partition.clock, now)
        if (due := partition.alarms.next()) is None or due > partition.clock:
            return
        partition.rows.gather(CAMPAIGN, partition.alarms.due_by(partition.clock))
        while (popped := partition.alarms.pop(partition.clock)) is not None:
            due, estate_id = popped
            clock = max(clock, due)
            batch.wakes[estate_id] = None
            record = EstateRecord(estate_id, woke(estate_id, due, time_of(clock)))
            self._keep(partition, self._step.work(record, partition.rows, self.world), None, batch)

    def _keep(self, partition: _Partition, turn: Turn, inbox: int | None, batch: _Batch) -> None:
        """Take over what a turn brought about. A wake-up is in no inbox: the log holds it whole."""
        partition.rows.keep()
        batch.applied += 1
        event = turn.event
        batch.enter(turn.estate_id, turn.place, inbox, encode(event) if isinstance(event, Woke) else None)
        batch.settle(turn, partition.rows)
        if turn.wake_at is None:
            return
        due = microseconds(turn.wake_at)
        if isinstance(event, Woke) and due <= microseconds(event.data.due):
            raise BrokenRule(f"estate {turn.estate_id} wants to be woken at {turn.wake_at.isoformat()} again")
        if partition.alarms.set(turn.estate_id, due):
            batch.wakes[turn.estate_id] = due

    def _write(
        self, connection: Connection, batch: _Batch, after: Mapping[str, int], rows: Sequence[StoredRows]
    ) -> None:
        places.advance(connection, self._at, after)
        dead = self._dead(connection, batch)
        # From here on this worker is alone with the log and the outbox.
        log_end = places.take(connection, places.LOG, len(batch.log)) if batch.log else 0
        out_end = places.take(connection, places.OUT, batch.steps) if batch.steps else 0
        batch.write(connection, rows, log_end=log_end, out_end=out_end, at=milliseconds(self._now))
        bury(connection, dead)
        for member_id in batch.erased:
            # What went out about them until their estate heard of it is looked through too.
            erase(connection, member_id)

    def _dead(self, connection: Connection, batch: _Batch) -> list[Letter]:
        """The dead letters; an event's bytes are those of the inbox."""
        offsets = [(at,) for _, at, _, _ in batch.dead if at is not None]
        raws = dict(_find_raw(connection, offsets)) if offsets else {}
        return [
            (origin, reason, raw if at is None else raws.get(at, b""), milliseconds(self._now), DEAD)
            for origin, at, raw, reason in batch.dead
        ]

    # --- the clock ----------------------------------------------------------------------------------

    def next_due(self) -> datetime | None:
        """When the next estate of these partitions wants to be woken."""
        due = [at for partition in self._owned.values() if (at := partition.alarms.next()) is not None]
        return time_of(min(due)) if due else None

    def wake(self, now: datetime) -> list[Parcel]:
        """Hand over wake-ups for the estates that are due at `now`; gives the parcels that are to be sent.

        Raises:
            Fenced: when another worker woke estates of one of these partitions: `assign` anew.
        """
        end = microseconds(now)
        due = [
            (number, popped) for number, partition in self._owned.items() for popped in partition.alarms.upto(
                end, _WOKEN_AT_ONCE)]
        if not due:
            return []
        runs = Runs()
        for number, (at, estate_id) in due:
            event = woke(estate_id, at, now)
            runs.add(_clock(number), number, of_event(EstateRecord(estate_id, event), encode(event), None))
        parcels, after = runs.numbered(self._at)
        with self.engine.begin() as connection:
            places.advance(connection, self._at, after)
            remove_wake(connection, [(estate_id,) for _, (_, estate_id) in due])
            put_handover(connection, [tuple(parcel) for parcel in parcels])
        self._at.update(after)
        return parcels


def _watermark(name: str) -> str:
    """Where the own clock of the partition of that consumer is kept."""
    return f"{name}/watermark"


def _clock(partition: int) -> str:
    """The lane of a partition's wake-ups."""
    return f"clock/{partition}"
