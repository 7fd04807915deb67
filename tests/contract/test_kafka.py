"""The Kafka driver's steps keep the contract, over a real broker, on either database.

Here a plain consumer fetches, so that a test says what a batch is; what Faust adds is tested with workers, in
tests/faults.
"""

import time
from collections.abc import Sequence
from heapq import merge
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from agents.world import World
from schemas.errors import BrokenRule, Fenced
from schemas.events import decode
from schemas.topics import ESTATE_EVENTS, TOPICS
from streams.dead_letters import resent
from streams.kafka.campaigning import Campaigning
from streams.kafka.door import KafkaDoor
from streams.kafka.fetched import Fetched
from streams.kafka.lanes import Lanes
from streams.kafka.placing import Placing
from streams.kafka.producer import Publisher
from streams.kafka.records import events_of
from streams.sql import sql_of
from streams.topology import TOPOLOGY, Topology
from tests.contract.pipeline_contract import Driver, Dump, PipelineContract, dump_of
from tests.databases import opened

INGEST = [topic.name for topic in TOPOLOGY.steps[0].reads]
PATIENCE = 20


class Store:
    """The topics and the database of one store."""

    def __init__(self, address: str, database: str) -> None:
        self.address, self.database, self.prefix = address, database, f"{uuid4().hex[:12]}-"
        admin = KafkaAdminClient(bootstrap_servers=address)
        admin.create_topics([NewTopic(self.name(topic.name), 1, 1) for topic in TOPICS])
        admin.close()
        self.publisher = Publisher(address)

    def name(self, topic: str) -> str:
        return self.prefix + topic


class Kafka(Driver):
    """The two steps of a worker over one store's topics, and its door."""

    def __init__(self, store: Store, world: World, batch: int, topology: Topology) -> None:
        self.store, self.batch = store, batch
        self.engine = opened(store.database)
        self.door = KafkaDoor(self.engine, store.publisher, store.name)
        self.placing = Placing(self.engine, world, 1, topology=topology)
        self.campaigning = Campaigning(self.engine, world, 1, topology=topology)
        self.lanes = Lanes(self.engine, store.publisher, store.name(ESTATE_EVENTS.name))
        self.at: dict[tuple[str, int], int] = {}
        self.waiting: list[Fetched] = []
        self.advanced = False
        self.consumers = {name: self._consumer() for name in (*INGEST, ESTATE_EVENTS.name)}
        self._assign()

    def _consumer(self) -> KafkaConsumer:
        return KafkaConsumer(
            bootstrap_servers=self.store.address, enable_auto_commit=False, max_poll_records=5000,
            fetch_max_wait_ms=20)

    def publish(self, raws: Sequence[bytes]) -> list[str]:
        return [answer.status for answer in self.door.accept(raws)]

    def work_one_batch(self) -> int:
        try:
            self._advance()
            self.waiting = self.waiting or self._ingest()
            batch, self.waiting = self.waiting[:self.batch], self.waiting[self.batch:]
            if not batch:
                return 0
            outcome = self.placing.work(batch)
            self.at.update({one.place: one.offset + 1 for one in batch})
            self._send(outcome.parcels)
            self._advance()
        except (Fenced, BrokenRule):
            self._assign()
            raise
        return len(batch)

    def run_out(self) -> None:
        try:
            while (due := self.campaigning.next_due()) is not None:
                self._send(self.campaigning.wake(due))
                self._advance()
        except Fenced:
            self._assign()
            raise

    def retry(self, number: int) -> str:
        with self.engine.begin() as connection:
            letter, origin, raw = sql_of(connection)(
                'SELECT "offset", origin, raw FROM dead_letters ORDER BY "offset" LIMIT 1 OFFSET ?', (number,)).one()
        [answer] = self.door.accept([resent(raw, origin, letter)])
        return answer.status

    def dump(self) -> Dump:
        return dump_of(self.engine)

    def stop(self) -> None:
        for consumer in self.consumers.values():
            consumer.close()
        self.engine.dispose()

    # --- as a worker does it, a step at a time ------------------------------------------------------

    def _assign(self) -> None:
        self.waiting, self.advanced = [], False
        ingest = [(topic, 0) for topic in INGEST]
        self.at = dict(self.placing.assign(ingest))
        self.at[ESTATE_EVENTS.name, 0] = self.campaigning.assign([0])[0]
        self._send([*self.placing.leftovers(ingest), *self.campaigning.leftovers()])

    def _send(self, parcels) -> None:
        if parcels:
            self.lanes._waiting.extend(parcels)
            self.lanes._send(list(parcels))
            self.advanced = False

    def _advance(self) -> None:
        """Work what there is for the campaigns."""
        if self.advanced:
            return
        records = self._fetch(ESTATE_EVENTS.name)
        for start in range(0, len(records), self.batch):
            part = records[start:start + self.batch]
            self.campaigning.work(part)
            self.at[ESTATE_EVENTS.name, 0] = part[-1].offset + 1
        self.advanced = True

    def _ingest(self) -> list[Fetched]:
        """What there is for placement, in the order in which it happened."""
        parts = [self._fetch(topic) for topic in INGEST]
        return list(merge(*parts, key=lambda one: decode(events_of(one.value, one.headers)[0]).time))

    def _fetch(self, topic: str) -> list[Fetched]:
        consumer, place = self.consumers[topic], TopicPartition(self.store.name(topic), 0)
        ends, at = consumer.end_offsets([place])[place], self.at[topic, 0]
        if at >= ends:
            return []
        if not consumer.assignment():
            consumer.assign([place])
        consumer.seek(place, at)
        found: list[Any] = []
        end = time.monotonic() + PATIENCE
        while not found or found[-1].offset + 1 < ends:
            assert time.monotonic() < end, "the broker does not give what it has"
            found += consumer.poll(timeout_ms=200).get(place, [])
        return [Fetched(topic, 0, one.offset, one.value, tuple(one.headers)) for one in found]


class KafkaContract(PipelineContract):
    """Stores are made when they are first asked for."""

    @pytest.fixture(autouse=True)
    def server(self, kafka):
        self.kafka = kafka
        self.stores: dict[Any, Store] = {}
        yield
        for store in self.stores.values():
            store.publisher.close()

    def database(self, store):
        raise NotImplementedError

    def driver(self, store, world, batch, topology):
        if store not in self.stores:
            self.stores[store] = Store(self.kafka.address, self.database(store))
        return Kafka(self.stores[store], world, batch, topology)


class TestKafkaOnSqlite(KafkaContract):
    def database(self, store):
        return f"{store}.db"


class TestKafkaOnPostgresql(KafkaContract):
    @pytest.fixture(autouse=True)
    def databases_of(self, databases):
        self.databases = databases

    def database(self, store):
        return self.databases(store)

