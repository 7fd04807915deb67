"""The measurements of the distributed driver, beside its peers: Faust's empty loop, plain aiokafka, bare PostgreSQL.

Everything runs against one broker and one PostgreSQL, on topics and databases of its own that are removed afterwards.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from typing import Any
from uuid import uuid4

import faust
import msgspec
import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition
from geopy.distance import geodesic
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, event, make_url

from agents.world import World
from schemas.errors import BrokenRule
from schemas.events import decode
from schemas.topics import ESTATE_EVENTS, GROUP_EVENTS_TOPIC, key_of
from streams import memory
from streams.bench.runs import percentiles
from streams.bench.streams import DAY_1, ZONE, chat, town
from streams.clocks import WallClock
from streams.database import open_database
from streams.demo.people import demo_reference
from streams.kafka.access import Access
from streams.kafka.admin import apply, connected
from streams.kafka.campaigning import Campaigning
from streams.kafka.carrier import credentials
from streams.kafka.cluster import Cluster
from streams.kafka.fetched import Fetched
from streams.kafka.measures import Measures
from streams.kafka.partitioning import partition_of
from streams.kafka.placing import Placing
from streams.kafka.producer import Publisher
from streams.kafka.records import encode_binary
from streams.kafka.wanted import wanted_topics
from streams.kafka.working import Work, make_worker
from streams.sql import Put
from streams.starting import campaign_starts

PARTITIONS = 4
BATCH = 1000
ROUNDS = 3
ESTATES, MEMBERS, WARM = 1_000, 10_000, 20_000
#: At most so long a run may take, in seconds.
PATIENCE = 300.0
#: How often a run looks how far it is, in seconds: each look costs the worker beside it some of its interpreter's time.
_LOOK = 0.02
GROUPS = [(GROUP_EVENTS_TOPIC.name, number) for number in range(PARTITIONS)]
_WRITES = ("INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Bench:
    """Where the servers are: Kafka's address and access, and a PostgreSQL URL whose user may make databases."""

    kafka: str
    access: Access
    database: str

    @contextmanager
    def cluster(self) -> Iterator[Cluster]:
        """Topics of a run's own."""
        prefix = f"bench-{uuid4().hex[:8]}-"
        wanted = wanted_topics(PARTITIONS, 1, prefix)
        with connected(self.kafka, access=self.access) as admin:
            apply(admin, wanted)
        try:
            yield Cluster(self.kafka, prefix, self.access)
        finally:
            with connected(self.kafka, access=self.access) as admin:
                admin.delete_topics([topic.name for topic in wanted])

    @contextmanager
    def database_from(self, template: str | None = None) -> Iterator[str]:
        """A database of a run's own, empty or a copy of another."""
        name = f"bench_{uuid4().hex[:8]}"
        self._do(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        try:
            yield make_url(self.database).set(database=name).render_as_string(hide_password=False)
        finally:
            self._do(f"DROP DATABASE {name} WITH (FORCE)")

    def _do(self, statement: str) -> None:
        with plain(self.database) as connection:
            connection.autocommit = True
            connection.execute(statement.encode())


def plain(url: str) -> psycopg.Connection[Any]:
    """A connection without SQLAlchemy."""
    return psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))


# --- what is carried --------------------------------------------------------------------------------


@dataclass(slots=True)
class Load:
    """A town, the events that start its campaigns, chat by which everybody is known, and the chat that is measured."""

    world: World
    starts: list[bytes]
    warm: list[bytes]
    lines: list[bytes]

    @classmethod
    def of(cls, events: int) -> Load:
        """So many events of chat, of this hour."""
        world, groups = town(ESTATES, MEMBERS)
        now = WallClock(ZONE).now()
        begin = now - timedelta(seconds=(events + WARM) / 1000)
        warm = list(chat(groups, MEMBERS, WARM, begin, every_ms=1, seed=1))
        lines = list(chat(groups, MEMBERS, events, begin + timedelta(seconds=WARM / 1000), every_ms=1))
        memory.settle()
        return cls(world, campaign_starts(world.reference, ZONE, begin), warm, lines)

    def publish(self, cluster: Cluster, publisher: Publisher, *, packed: int = 0) -> None:
        """Put the chat into its topic: a record an event, or so many events of a partition in one."""
        topic = cluster.name(GROUP_EVENTS_TOPIC.name)
        if not packed:
            for raw in self.lines:
                value, headers = encode_binary(raw)
                publisher.send(topic, key_of(decode(raw)), value, headers)
        else:
            waiting: dict[int, list[bytes]] = {number: [] for number in range(PARTITIONS)}
            for raw in self.lines:
                number = partition_of(key_of(decode(raw)), PARTITIONS)
                waiting[number].append(raw)
                if len(waiting[number]) == packed:
                    self._send(topic, publisher, number, waiting)
            for number in waiting:
                self._send(topic, publisher, number, waiting)
        publisher.flush(PATIENCE)

    def _send(self, topic: str, publisher: Publisher, number: int, waiting: dict[int, list[bytes]]) -> None:
        if waiting[number]:
            body = b"[" + b",".join(waiting[number]) + b"]"
            publisher.send(topic, None, body, [("content-type", b"application/cloudevents-batch+json")], number)
            waiting[number] = []


# --- runs -------------------------------------------------------------------------------------------


def empty_faust(cluster: Cluster, events: int) -> float:
    """Faust's own empty loop over the topic: seconds for so many events."""

    async def run(folder: str) -> float:
        app = faust.App(
            f"{cluster.prefix}empty-{uuid4().hex[:6]}", broker=f"kafka://{cluster.address}", store="memory://",
            broker_credentials=credentials(cluster.access), datadir=folder, topic_disable_leader=True,
            topic_allow_declare=False, web_enabled=False, broker_max_poll_records=500, stream_wait_empty=False)
        topic = app.topic(cluster.name(GROUP_EVENTS_TOPIC.name), key_type=bytes, value_type=bytes,
                          key_serializer="raw", value_serializer="raw")
        done = asyncio.Event()
        begun = seen = 0.0

        @app.agent(topic)
        async def count(stream: Any) -> None:
            nonlocal begun, seen
            async for _ in stream:
                begun = begun or time.perf_counter()
                seen += 1
                if seen == events:
                    done.set()

        app.finalize()
        app.loop = asyncio.get_running_loop()
        await app.start()
        await asyncio.wait_for(done.wait(), PATIENCE)
        seconds = time.perf_counter() - begun
        await app.stop()
        return seconds

    with tempfile.TemporaryDirectory(prefix="loupan-bench-") as folder:
        return asyncio.run(run(folder))


def worker(bench: Bench, load: Load, cluster: Cluster, template: str) -> float:
    """A worker over the topic, both steps, until every event has been worked: seconds."""
    measures = Measures(CollectorRegistry())
    publisher = Publisher(cluster.address, prefix=cluster.prefix, access=cluster.access)

    async def run(engine: Engine, folder: str) -> float:
        made = make_worker(engine, load.world, cluster, WallClock(ZONE), publisher, measures, Work(batch=BATCH), folder)
        stopping = asyncio.Event()
        running = asyncio.create_task(made.run(stopping))
        placed = await _counted(measures, "placement", 1)
        begun = time.perf_counter()
        await _counted(measures, "campaign", len(load.lines))
        seconds = time.perf_counter() - begun
        stopping.set()
        await running
        return seconds + (placed / len(load.lines)) * seconds

    with bench.database_from(template) as url, tempfile.TemporaryDirectory(prefix="loupan-bench-") as folder:
        engine = open_database(url)
        try:
            return asyncio.run(run(engine, folder))
        finally:
            engine.dispose()
            publisher.close()


async def _counted(measures: Measures, step: str, wanted: int) -> float:
    end = time.perf_counter() + PATIENCE
    while True:
        done = measures.registry.get_sample_value("loupan_step_events_total", {"step": step, "outcome": "applied"}) or 0
        if done >= wanted:
            return done
        if time.perf_counter() > end:
            raise BrokenRule(f"{step} worked {done:.0f} of {wanted} events in {PATIENCE:g} s")
        await asyncio.sleep(_LOOK)


def steps_alone(bench: Bench, load: Load, template: str, *, packed: int = 1) -> tuple[float, Recording]:
    """Both steps without any carrier, on records that are in memory: seconds, and what they wrote."""
    with bench.database_from(template) as url:
        engine = open_database(url)
        recording = Recording()
        placing = Placing(engine, load.world, PARTITIONS)
        campaigning = Campaigning(engine, load.world, PARTITIONS)
        placing.assign(GROUPS)
        campaigning.assign(range(PARTITIONS))
        batches = list(batches_of(load.lines, packed))
        with recording.listening(engine):
            begun = time.perf_counter()
            carry(placing, campaigning, batches)
            seconds = time.perf_counter() - begun
        engine.dispose()
    return seconds, recording


def carry(placing: Placing, campaigning: Campaigning, batches: Iterable[Sequence[Fetched]]) -> None:
    """Both steps, one after the other, with nothing between them."""
    ends = dict.fromkeys(range(PARTITIONS), 0)
    for records in batches:
        fetched = []
        for parcel in placing.work(records).parcels:
            at = ends[parcel.partition]
            fetched.append(
                Fetched(ESTATE_EVENTS.name, parcel.partition, at, parcel.body, tuple(parcel.headers)))
            ends[parcel.partition] += 1
        campaigning.work(fetched)


def batches_of(lines: Sequence[bytes], packed: int) -> Iterator[list[Fetched]]:
    """Chat as batches of records, as a consumer would have them."""
    ends = dict.fromkeys(range(PARTITIONS), 0)
    for start in range(0, len(lines), BATCH):
        parts: dict[int, list[bytes]] = {}
        for raw in lines[start:start + BATCH]:
            parts.setdefault(partition_of(key_of(decode(raw)), PARTITIONS), []).append(raw)
        records = []
        for number, raws in parts.items():
            for at in range(0, len(raws), packed):
                part = raws[at:at + packed]
                value, headers = (encode_binary(part[0]) if packed == 1 else
                                  (b"[" + b",".join(part) + b"]", [("content-type", _BATCH_TYPE)]))
                records.append(Fetched(GROUP_EVENTS_TOPIC.name, number, ends[number], value, tuple(headers)))
                ends[number] += 1
        yield records


_BATCH_TYPE = b"application/cloudevents-batch+json"


@dataclass(slots=True)
class Recording:
    """The writes of a run: transactions of statements with their values, as they were sent."""

    transactions: list[list[tuple[str, Any]]] = field(default_factory=list)
    _open: list[tuple[str, Any]] = field(default_factory=list)

    @contextmanager
    def listening(self, engine: Engine) -> Iterator[None]:
        """Write down every write that goes through the engine, and every COPY, meanwhile."""
        event.listen(engine, "before_cursor_execute", self._executed)
        event.listen(engine, "commit", self._committed)
        event.listen(engine, "rollback", lambda _: self._open.clear())
        copy_in = Put.copy_in

        def noted(put: Put, connection: Any, rows: Any) -> None:
            self._open.append((put.copy, (put.types, list(rows))))
            copy_in(put, connection, rows)

        Put.copy_in = noted  # type: ignore[method-assign, assignment]  # COPY goes past SQLAlchemy, and so past its events
        try:
            yield
        finally:
            Put.copy_in = copy_in  # type: ignore[method-assign]  # as above

    def _executed(self, _c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith(_WRITES):
            self._open.append((statement, parameters))

    def _committed(self, _: Any) -> None:
        if self._open:
            self.transactions.append(self._open)
            self._open = []


def write_bare(bench: Bench, recording: Recording, template: str) -> float:
    """Execute the recorded writes through psycopg alone, in the same transactions: seconds."""
    with bench.database_from(template) as url, plain(url) as connection:
        begun = time.perf_counter()
        for transaction in recording.transactions:
            for statement, parameters in transaction:
                if not statement.startswith("COPY"):
                    connection.execute(statement.encode(), parameters)
                    continue
                types, rows = parameters
                with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
                    copy.set_types(types)
                    for row in rows:
                        copy.write_row(row)
            connection.commit()
        return time.perf_counter() - begun


def aiokafka_around_our_step(bench: Bench, load: Load, cluster: Cluster, template: str) -> float:
    """A plain aiokafka loop around the placement step, which commits as ours does: seconds."""

    async def run(placing: Placing) -> float:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=cluster.address, enable_auto_commit=False, **cluster.access.for_client())
        await consumer.start()
        name = cluster.name(GROUP_EVENTS_TOPIC.name)
        places = [TopicPartition(name, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        done = 0
        begun = time.perf_counter()
        while done < len(load.lines):
            found = await consumer.getmany(timeout_ms=200, max_records=BATCH)
            records = [
                Fetched(GROUP_EVENTS_TOPIC.name, one.partition, one.offset, one.value, tuple(one.headers))
                for part in found.values() for one in part]
            if records:
                done += placing.work(records).applied
        seconds = time.perf_counter() - begun
        await consumer.stop()
        return seconds

    with bench.database_from(template) as url:
        engine = open_database(url)
        placing = Placing(engine, load.world, PARTITIONS)
        placing.assign(GROUPS)
        try:
            return asyncio.run(run(placing))
        finally:
            engine.dispose()


def geopy_nearest(points: int = 3) -> float:
    """The nearest of Beijing's estates by geopy's geodesic, as a first attempt would find it: seconds for one event."""
    estates = [(estate.lat, estate.lng) for estate in demo_reference(DAY_1).estates.values() if estate.lat is not None]
    begun = time.perf_counter()
    for number in range(points):
        here = (39.9 + number / 100, 116.4)
        min(estates, key=lambda there: geodesic(here, there).m)
    return (time.perf_counter() - begun) / points


# --- put together -----------------------------------------------------------------------------------


@contextmanager
def prepared(bench: Bench, load: Load) -> Iterator[str]:
    """The name of a database with schema, campaigns and members, to be copied for each run."""
    commands = ("commands", 0)
    with bench.database_from() as url:
        engine = open_database(url)
        placing, campaigning = Placing(engine, load.world, PARTITIONS), Campaigning(engine, load.world, PARTITIONS)
        starts = [
            Fetched(*commands, number, value, tuple(headers))
            for number, (value, headers) in enumerate(map(encode_binary, load.starts))]
        for batches in ([starts], batches_of(load.warm, 1)):
            placing.assign([commands, *GROUPS])
            campaigning.assign(range(PARTITIONS))
            carry(placing, campaigning, batches)
            with engine.begin() as connection:
                # What is measured begins at its topics' first offsets, too.
                ours = "^(campaign/estate|placement/group)-events/[0-9]+$"
                connection.exec_driver_sql("UPDATE positions SET next = 0 WHERE consumer ~ %s", (ours,))
                connection.exec_driver_sql("DELETE FROM handover")
        engine.dispose()
        with plain(url) as connection_:
            connection_.autocommit = True
            connection_.execute(b"VACUUM ANALYZE")
        yield make_url(url).database or ""


def throughput(bench: Bench, events: int) -> dict[str, float]:
    """Events/s of a worker, unpacked and packed, beside its peers: medians of rounds in turn."""
    load = Load.of(events)
    found: dict[str, list[float]] = {}

    def note(name: str, seconds: float) -> None:
        found.setdefault(name, []).append(seconds)

    with prepared(bench, load) as template:
        for _ in range(ROUNDS):
            with bench.cluster() as cluster:
                publisher = Publisher(cluster.address, prefix=cluster.prefix, access=cluster.access)
                load.publish(cluster, publisher)
                note("empty", empty_faust(cluster, events))
                note("worker", worker(bench, load, cluster, template))
                note("aiokafka", aiokafka_around_our_step(bench, load, cluster, template))
                publisher.close()
            with bench.cluster() as cluster:
                publisher = Publisher(cluster.address, prefix=cluster.prefix, access=cluster.access)
                load.publish(cluster, publisher, packed=100)
                note("packed", worker(bench, load, cluster, template))
                publisher.close()
            seconds, recording = steps_alone(bench, load, template, packed=100)
            note("steps", seconds)
            note("bare", write_bare(bench, recording, template))
    rate = {name: round(events / median(seconds)) for name, seconds in found.items()}

    def ratio(name: str, peer: str) -> float:
        return round(median(b / a for a, b in zip(found[name], found[peer], strict=True)), 3)

    return {
        "events": events,
        "worker_events_per_second": rate["worker"],
        "worker_packed_events_per_second": rate["packed"],
        "steps_alone_events_per_second": rate["steps"],
        "bare_postgresql_events_per_second": rate["bare"],
        "empty_faust_events_per_second": rate["empty"],
        "aiokafka_around_placement_events_per_second": rate["aiokafka"],
        "worker_to_empty_faust": ratio("worker", "empty"),
        "packed_to_bare": ratio("packed", "bare"),
        "steps_to_bare": ratio("steps", "bare"),
        "packed_to_geopy_nearest": round(rate["packed"] * geopy_nearest()),
    }


async def paced(lines: Sequence[bytes], rate: int, send: Callable[[bytes], Awaitable[None]]) -> None:
    """Send lines at a rate (a second)."""
    begun = time.perf_counter()
    for number, line in enumerate(lines):
        if (rest := begun + number / rate - time.perf_counter()) > 0:
            await asyncio.sleep(rest)
        await send(line)


def latency(bench: Bench, rate: int, seconds: int) -> dict[str, float]:
    """From handing an event to Kafka until all that it brings about is committed by both steps, at `rate` events/s."""
    load = Load.of(rate * seconds)
    measures = Measures(CollectorRegistry())
    waits: list[float] = []

    async def run(engine: Engine, cluster: Cluster, publisher: Publisher, folder: str) -> None:
        made = make_worker(engine, load.world, cluster, WallClock(ZONE), publisher, measures, Work(batch=BATCH), folder)
        stopping = asyncio.Event()
        running = asyncio.create_task(made.run(stopping))
        topic = cluster.name(GROUP_EVENTS_TOPIC.name)
        first = msgspec.json.decode(load.lines[0])
        warm = msgspec.json.encode({**first, "id": "warm"})
        value, headers = encode_binary(warm)
        publisher.send(topic, key_of(decode(warm)), value, headers)
        await _counted(measures, "campaign", 1)
        sent: list[float] = []

        async def send(raw: bytes) -> None:
            value, headers = encode_binary(raw)
            sent.append(time.perf_counter())
            publisher.send(topic, key_of(decode(raw)), value, headers)

        async def watch() -> None:
            done = 0
            while done < len(load.lines):
                applied = measures.registry.get_sample_value(
                    "loupan_step_events_total", {"step": "campaign", "outcome": "applied"}) or 0
                now = time.perf_counter()
                while done < min(applied - 1, len(sent)):
                    waits.append(now - sent[done])
                    done += 1
                await asyncio.sleep(_LOOK)

        watching = asyncio.create_task(watch())
        await paced(load.lines, rate, send)
        await asyncio.wait_for(watching, PATIENCE)
        stopping.set()
        await running

    with prepared(bench, load) as template, bench.database_from(template) as url, bench.cluster() as cluster, \
            tempfile.TemporaryDirectory(prefix="loupan-bench-") as folder:
        engine = open_database(url)
        publisher = Publisher(cluster.address, prefix=cluster.prefix, access=cluster.access)
        try:
            asyncio.run(run(engine, cluster, publisher, folder))
        finally:
            publisher.close()
            engine.dispose()
    return percentiles(rate, waits)
