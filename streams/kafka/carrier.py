"""Faust carries: an app that fetches records and hands them over, and no more.

What was measured of faust-streaming 0.15.3 is why it looks like this:

- An exception that leaves an agent's body acknowledges its event, `take` acknowledges a batch whatever became of it,
  and `concurrency` loses events. So an agent puts what it gets into a queue of ours, Faust's acknowledging is off, and
  how far we are is told to Kafka when the database has committed. It is for those who look on: the database says where
  to go on. The seek is made where Faust makes its own last one, after each assignment.
- Each message that passes through Faust costs it some 60 µs, whatever is in it. So its consumer makes one message of
  all records of a partition that came in one fetch (`Haul`), and the agents get these.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import faust
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faust.auth import Credentials
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from streams.kafka.access import Access
from streams.kafka.cluster import Cluster
from streams.kafka.fetched import Fetched

_log = structlog.get_logger(__name__)


#: What Kafka calls a partition: topic (by our name, without a prefix) and number.
Place = tuple[str, int]
#: Is told what this worker owns after each assignment; answers with the offsets to go on from.
Assigned = Callable[[list[Place], "Log"], Awaitable[Mapping[Place, int]]]

#: How many hauls of a topic may wait in Faust, and how many in our queue; how many records one has at most.
_BUFFERED, _QUEUED, _MOST = 8, 4, 1000
#: How often Kafka is told how far we are, in seconds.
_TELL = 1.0


class Log:
    """What a step asks of the log itself: where it begins now."""

    def __init__(self, app: Carrier, consumer: Any) -> None:
        self._app, self._consumer = app, consumer

    async def beginnings(self, places: Iterable[Place]) -> dict[Place, int]:
        """The first offset that each partition still has."""
        found = await self._consumer.earliest_offsets(*map(self._app.tp, places))
        return {self._app.place(tp): offset for tp, offset in found.items()}


class Feed:
    """What was fetched of a step's topics. Who works it holds `working`, so that no seek comes in between."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[list[Fetched]] = asyncio.Queue(maxsize=_QUEUED)
        self.working = asyncio.Lock()


class Carrier(faust.App):
    """The app of a worker: `assigned` is called while no step works.

    `name` is its consumer group, `session` how long a silent worker keeps its partitions, in seconds.
    """

    def __init__(
        self, name: str, cluster: Cluster, *, datadir: str, instance: str | None, session: float, assigned: Assigned,
    ) -> None:
        super().__init__(
            name, broker=[f"kafka://{one.strip()}" for one in cluster.address.split(",")], store="memory://",
            datadir=datadir, broker_credentials=credentials(cluster.access),
            topic_disable_leader=True, topic_allow_declare=False, web_enabled=False, stream_wait_empty=False,
            consumer_group_instance_id=instance, broker_session_timeout=session,
            broker_heartbeat_interval=min(1.0, session / 3), broker_rebalance_timeout=10.0,
            broker_request_timeout=max(20.0, session + 1),
            broker_max_poll_records=_MOST, consumer_max_fetch_size=8 * 1024 * 1024,
            stream_buffer_maxsize=_BUFFERED, logging_config=None,
        )
        self.assigned, self.feeds = assigned, list[Feed]()
        self._prefix = cluster.prefix
        self._done: dict[TP, int] = {}
        self.task(self._tell)

    def tp(self, place: Place) -> TP:
        """A partition as Faust names it."""
        return TP(self._prefix + place[0], place[1])

    def place(self, of: Any) -> Place:
        """The partition of a message, or of a `TP`."""
        return of.topic.removeprefix(self._prefix), of.partition

    def fetch(self, topics: Iterable[str]) -> Feed:
        """The records of these topics as they are fetched, in the order of each partition."""
        feed = Feed()
        self.feeds.append(feed)

        async def take(stream: Any) -> None:
            async for event in stream.noack().events():
                await feed.queue.put(event.message.records)

        for name in topics:
            # acks: Faust would count every single offset.
            topic = self.topic(
                self._prefix + name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw",
                acks=False)
            self.agent(topic, name=f"take-{name}", concurrency=1)(take)
        return feed

    def is_current(self, record: Fetched) -> bool:
        """Whether it was fetched since the last assignment: what an older one brought is fetched again."""
        return bool(record.generation == self.consumer_generation_id)

    def done(self, ends: Mapping[Place, int]) -> None:
        """Tell Kafka, when it is time, that we are so far."""
        self._done.update({self.tp(place): at for place, at in ends.items()})

    async def _tell(self) -> None:
        told: dict[TP, int] = {}
        while not self.should_stop:
            await self.sleep(_TELL)
            ours = self.consumer.assignment()
            news = {tp: at for tp, at in self._done.items() if tp in ours and told.get(tp) != at}
            self._done.clear()
            if news:
                consumer: Any = self.consumer
                await consumer.tell(news)
                told.update(news)

    async def seek(self, wanted: Mapping[Place, int]) -> None:
        """Fetch from these offsets on, where the partitions are still ours."""
        ours = self.consumer.assignment()
        await self.consumer.seek_wait({self.tp(place): at for place, at in wanted.items() if self.tp(place) in ours})

    def _new_transport(self) -> Any:
        return _Transport(self.conf.broker_consumer, self)


def credentials(access: Access) -> Credentials | None:
    """The access in Faust's words.

    Raises:
        BadFile: when a file of it cannot be used.
    """
    context = access.context()
    if access.security.login:
        return faust.SASLCredentials(
            username=access.user, password=access.password, mechanism=access.mechanism, ssl_context=context)
    return None if context is None else faust.SSLCredentials(context)


class Haul(ConsumerMessage):
    """The records of one partition that came in one fetch. To Faust, a message of the last one's offset."""

    __slots__ = ("records",)

    def __init__(self, tp: TP, generation: int, records: list[Fetched]) -> None:
        super().__init__(
            *tp, records[-1].offset, 0.0, 0, None, None, b"", None, 0, 0, tp, generation_id=generation)
        self.records = records


class _Consumer(driver.Consumer):
    """Faust's consumer, which goes on from where the database says, and hands over by the fetch."""

    async def perform_seek(self) -> None:
        """Called by Faust last of all after an assignment: a seek made earlier would be overwritten."""
        app: Any = self.app
        places = [app.place(tp) for tp in self.assignment()]
        async with AsyncExitStack() as still:
            for feed in app.feeds:
                await still.enter_async_context(feed.working)
            wanted = {app.tp(place): at for place, at in (await app.assigned(places, Log(app, self))).items()}
            if wanted:
                await self.seek_wait(wanted)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109  # it is Faust's
        """What Faust's own does, by the partition instead of by the record."""
        app: Any = self.app
        consumer: Any = self
        found, active = await self._wait_next_records(timeout)
        generation = app.consumer_generation_id
        if found is None or self.should_stop:
            return
        if not self.flow_active:
            # Faust takes no records while it rebalances: these are fetched again.
            await self.perform_seek()
            return
        for tp, records in found.items():
            if not consumer.flow_active or app.consumer_generation_id != generation:
                return
            if records and (active is None or tp in active or tp in self._buffered_partitions):
                ours, (topic, _) = TP(*tp), app.place(tp)
                yield ours, Haul(ours, generation, [
                    Fetched(topic, one.partition, one.offset, one.value, tuple(one.headers), generation)
                    for one in records])

    async def tell(self, ends: Mapping[TP, int]) -> None:
        """Commit these offsets. That it fails does no harm; Faust's own would end the app for it."""
        thread = self._thread
        try:
            await thread.call_thread(
                thread._ensure_consumer().commit,  # noqa: SLF001  # Faust has no other way to it
                {TopicPartition(*tp): at for tp, at in ends.items()})
        except KafkaError as error:
            _log.info("worker.not_told", error=str(error))

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust would look for agents that don't acknowledge; ours never do."""


class _Transport(driver.Transport):
    Consumer = _Consumer
