"""The placement step over Kafka's records: which estate does an event concern? One transaction a batch.

What is read from the topics is kept in the inbox, once; what comes of it is handed over to the partitions of
`estate-events`, in the same transaction, and sent there afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from agents.placement import rows_of_strangers
from agents.records import EstateRecord
from agents.rows import Address
from agents.world import World
from schemas.errors import BadEvent, BrokenRule
from schemas.events import InEvent
from streams import places
from streams.coarsening import kept
from streams.effects import encode
from streams.erasure import erase, erased_people, redact_late
from streams.inbox import AHEAD, DEAD, bury, find_known, milliseconds, put_inbox, read_event
from streams.kafka.fetched import Fetched
from streams.kafka.handover import Parcel, of_event, of_out, pack
from streams.kafka.keys import Keys, LockedRows, Unlocked
from streams.kafka.partitioning import partition_of
from streams.kafka.records import events_of
from streams.redaction import people_in
from streams.rows import StoredRows
from streams.sql import Put, sql_of
from streams.tables import handover
from streams.topology import TOPOLOGY, Topology

put_handover = Put(handover, "lane", "seq", "partition", "body")
#: How often a batch is begun again because of what others did meanwhile, before something must be wrong.
_ATTEMPTS = 50


@dataclass(slots=True)
class _Arrival:
    """An event of a record, the rows that placing it will ask for first, and what came of it."""

    fetched: Fetched
    raw: bytes
    event: InEvent
    likely: tuple[Address, ...]
    refused: str | None = None
    outs: list[tuple[str, bytes]] = field(default_factory=list)
    records: list[EstateRecord] = field(default_factory=list)
    erase: str | None = None


@dataclass(slots=True)
class Outcome:
    """What became of a batch's events, and the parcels that are to be sent."""

    applied: int = 0
    duplicate: int = 0
    dead: int = 0
    parcels: list[Parcel] = field(default_factory=list)


class _Again(Exception):
    """Something happened meanwhile that the batch has to know of."""


class Placing:
    """The placement step of a worker: the partitions that it owns, and where they stand.

    Args:
        engine: the database, migrated.
        world: reference data, locator, playbooks.
        partitions: how many `estate-events` has.
        now: the clock that no event may run ahead of; None believes every time.
    """

    def __init__(
        self, engine: Engine, world: World, partitions: int, *, topology: Topology = TOPOLOGY,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.engine, self.world, self._now = engine, world, now
        self._step = topology.steps[0]
        self._at: dict[str, int] = {}
        self._gone: set[str] = set()
        self._partition_of = lru_cache(100_000)(lambda key: partition_of(key, partitions))

    # --- partitions ---------------------------------------------------------------------------------

    def assign(self, owned: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Own these partitions and no others: gives the offset that each goes on from, as the database has it."""
        owned = list(owned)
        names = {place: self._name(*place) for place in owned}
        with self.engine.begin() as connection:
            first = dict.fromkeys((*names.values(), *(_lane_name(lane_of(*place)) for place in owned)), 0)
            self._at = places.load(connection, first)
            places.begin(connection)
            self._gone = erased_people(connection)
        return {place: self._at[name] for place, name in names.items()}

    def leftovers(self, owned: Iterable[tuple[str, int]]) -> list[Parcel]:
        """What these partitions' last owner handed over and could not send any more, in order."""
        lanes = [lane_of(*place) for place in owned]
        with self.engine.connect() as connection:
            return left_behind(connection, lanes)

    def skip(self, place: tuple[str, int], offset: int) -> None:
        """Go on from a later offset: retention has cut off what was to come next."""
        name = self._name(*place)
        with self.engine.begin() as connection:
            places.advance(connection, {name: self._at[name]}, {name: offset})
        self._at[name] = offset

    def _name(self, topic: str, partition: int) -> str:
        return places.consumer(self._step.name, topic, partition)

    # --- the step -----------------------------------------------------------------------------------

    def work(self, batch: Sequence[Fetched]) -> Outcome:
        """Work records, each partition's from where it stands on without a hole, in one transaction.

        Raises:
            Fenced: when another worker has moved one of the partitions on: `assign` anew.
            BrokenRule: when a rule of ours is broken; nothing of the batch was kept.
        """
        arrivals, unreadable = self._read(batch)
        keys = Keys()
        for arrival in arrivals:
            keys.add(arrival.likely)
        for _ in range(_ATTEMPTS):
            try:
                with self.engine.begin() as connection:
                    outcome, after = self._attempt(connection, batch, arrivals, unreadable, keys)
            except Unlocked as asked:
                (keys.people if asked.person else keys.places).add(asked.key)
            except (IntegrityError, _Again):
                # Somebody else took one of these events in, or erased somebody: the database knows now.
                continue
            else:
                self._at.update(after)
                return outcome
        raise BrokenRule(f"a batch of {len(batch)} records was begun {_ATTEMPTS} times")

    def _read(self, batch: Sequence[Fetched]) -> tuple[list[_Arrival], list[tuple[Fetched, bytes, str]]]:
        """The events of the records, and what could not be read, with why."""
        arrivals: list[_Arrival] = []
        unreadable: list[tuple[Fetched, bytes, str]] = []
        latest = None if self._now is None else self._now() + AHEAD
        for fetched in batch:
            try:
                raws = events_of(fetched.value, fetched.headers)
            except BadEvent as error:
                unreadable.append((fetched, fetched.whole(), str(error)))
                continue
            for raw in raws:
                try:
                    event = read_event(raw, latest)
                except BadEvent as error:
                    unreadable.append((fetched, raw, str(error)))
                else:
                    arrivals.append(_Arrival(fetched, kept(raw, event), event, self._step.likely("", event)))
        return arrivals, unreadable

    def _attempt(
        self, connection: Connection, batch: Sequence[Fetched], arrivals: Sequence[_Arrival],
        unreadable: Sequence[tuple[Fetched, bytes, str]], keys: Keys,
    ) -> tuple[Outcome, dict[str, int]]:
        rows = self._rows(connection, keys)
        fresh = self._fresh(connection, arrivals)
        self._forget_the_erased(connection)
        self._prefetch(connection, rows, fresh, keys)
        for arrival in fresh:
            self._place(arrival, rows)
        outcome = Outcome(
            applied=sum(arrival.refused is None for arrival in fresh), duplicate=len(arrivals) - len(fresh),
            dead=len(unreadable) + sum(arrival.refused is not None for arrival in fresh))
        after = {self._name(*fetched.place): fetched.offset + 1 for fetched in batch}
        rows.flush(connection)
        # From here on this worker is alone with the inbox.
        inbox_end = places.take(connection, places.INBOX, len(fresh)) if fresh else 0
        if self._forget_the_erased(connection):
            raise _Again
        outcome.parcels, lanes = self._parcels(fresh, inbox_end)
        after.update(lanes)
        places.advance(connection, {name: self._at[name] for name in after}, after)
        self._write(connection, fresh, inbox_end, unreadable)
        put_handover(connection, [tuple(parcel) for parcel in outcome.parcels])
        return outcome, after

    def _rows(self, connection: Connection, keys: Keys) -> StoredRows:
        if connection.dialect.name == "sqlite":
            # Its writers are alone anyway.
            rows = StoredRows()
        else:
            keys.lock(connection)
            rows = LockedRows(keys)
        rows.attach(connection)
        return rows

    def _fresh(self, connection: Connection, arrivals: Sequence[_Arrival]) -> list[_Arrival]:
        """The events that the inbox doesn't know, each once."""
        known = set(find_known(connection, list({(one.event.source, one.event.id) for one in arrivals})))
        fresh = []
        for arrival in arrivals:
            name = (arrival.event.source, arrival.event.id)
            if name not in known:
                known.add(name)
                fresh.append(_Arrival(arrival.fetched, arrival.raw, arrival.event, arrival.likely))
        return fresh

    def _forget_the_erased(self, connection: Connection) -> bool:
        """Look whether somebody was erased since we last looked."""
        count = sql_of(connection)("SELECT count(*) FROM erasures").scalar_one()
        if count == len(self._gone):
            return False
        self._gone = erased_people(connection)
        return True

    def _prefetch(self, connection: Connection, rows: StoredRows, fresh: Sequence[_Arrival], keys: Keys) -> None:
        """Fetch what placement will ask for first; of who is met for the first time, also what holds for them."""
        likely = dict.fromkeys(address for arrival in fresh for address in arrival.likely)
        rows.prefetch(likely)
        strangers = rows_of_strangers(likely, rows)
        if isinstance(rows, LockedRows) and not keys.lock_people(connection, (address[1] for address in strangers)):
            raise _Again
        rows.prefetch(strangers)

    def _place(self, arrival: _Arrival, rows: StoredRows) -> None:
        try:
            placed = self._step.work(arrival.event, rows, self.world)
        except BadEvent as error:
            rows.undo()
            arrival.refused = str(error)
            return
        rows.keep()
        arrival.outs = [(out.partitionkey, encode(out)) for out in placed.out]
        arrival.records, arrival.erase = placed.records, placed.erase

    def _parcels(self, fresh: Sequence[_Arrival], inbox_end: int) -> tuple[list[Parcel], dict[str, int]]:
        """What is handed over, packed, in the order in which it was fetched; and where the lanes stand afterwards."""
        runs = Runs()
        for inbox, arrival in enumerate(fresh, inbox_end + 1):
            lane = lane_of(*arrival.fetched.place)
            for key, raw in arrival.outs:
                runs.add(lane, self._partition_of(key), of_out(key, raw))
            for record in arrival.records:
                runs.add(lane, self._partition_of(record.estate_id), of_event(record, arrival.raw, inbox))
        return runs.numbered(self._at)

    def _write(
        self, connection: Connection, fresh: Sequence[_Arrival], inbox_end: int,
        unreadable: Sequence[tuple[Fetched, bytes, str]],
    ) -> None:
        """Take the events into the inbox, and bury what could not be read or placed."""
        now = milliseconds(self._now)
        numbered_ = list(enumerate(fresh, inbox_end + 1))
        put_inbox(connection, [(at, one.event.source, one.event.id, one.raw) for at, one in numbered_])
        bury(connection, [
            *((fetched.name, reason, raw, now, DEAD) for fetched, raw, reason in unreadable),
            *((f"inbox:{at}", one.refused, one.raw, now, DEAD) for at, one in numbered_ if one.refused is not None),
        ])
        if self._gone:
            redact_late(connection, [
                (at, member) for at, one in numbered_ for member in people_in(one.event) if member in self._gone])
        for at, one in numbered_:
            if one.erase is not None:
                erase(connection, one.erase, at)


def lane_of(topic: str, partition: int) -> str:
    """The lane in which a partition's records are handed over."""
    return f"{topic}/{partition}"


def _lane_name(lane: str) -> str:
    return f"lane/{lane}"


class Runs:
    """Records on their way to partitions: those of one lane that follow each other go together."""

    def __init__(self) -> None:
        self._runs: list[tuple[str, int, list[bytes]]] = []
        self._open: dict[int, tuple[str, list[bytes]]] = {}

    def add(self, lane: str, partition: int, record: bytes) -> None:
        """Put a record behind all that were put before for its partition."""
        last = self._open.get(partition)
        if last is None or last[0] != lane:
            last = self._open[partition] = (lane, [])
            self._runs.append((lane, partition, last[1]))
        last[1].append(record)

    def numbered(self, at: Mapping[str, int]) -> tuple[list[Parcel], dict[str, int]]:
        """The parcels, numbered on from where each lane stands, and where the lanes stand then."""
        parcels: list[Parcel] = []
        lanes: dict[str, int] = {}
        for lane, partition, records in self._runs:
            name = _lane_name(lane)
            for body in pack(records):
                seq = lanes.get(name, at[name])
                parcels.append(Parcel(lane, seq, partition, body))
                lanes[name] = seq + 1
        return parcels, lanes


def left_behind(connection: Connection, lanes: Iterable[str]) -> list[Parcel]:
    """What lies in these lanes, in their order."""
    question = handover.select().where(handover.c.lane.in_(list(lanes))).order_by(handover.c.lane, handover.c.seq)
    return [Parcel(*row) for row in connection.execute(question)]


