"""Faust carries: an app that fetches records and hands them over unacknowledged, and no more.

What was measured of faust-streaming 0.15.3 is why it looks like this: an exception that leaves an agent's body
acknowledges its event, `take` acknowledges a batch whatever became of it, and `concurrency` loses events. So an agent
puts events into a queue of ours, unacknowledged, and they are acknowledged when the database has committed. The
database says where to go on: the seek is made where Faust makes its own last one, after each assignment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import faust
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

#: What Kafka calls a partition: topic (by our name, without a prefix) and number.
Place = tuple[str, int]
#: Is told what this worker owns after each assignment; answers with the offsets to go on from.
Assigned = Callable[[list[Place], "Log"], Awaitable[Mapping[Place, int]]]


class Log:
    """What a step asks of the log itself: where it begins now."""

    def __init__(self, app: Carrier, consumer: Any) -> None:
        self._app, self._consumer = app, consumer

    async def beginnings(self, places: Iterable[Place]) -> dict[Place, int]:
        """The first offset that each partition still has."""
        found = await self._consumer.earliest_offsets(*map(self._app.tp, places))
        return {self._app.place(tp): offset for tp, offset in found.items()}


class Carrier(faust.App):
    """The app of a worker: `assigned` is called under `seeking`, which a step holds while it works.

    `name` is its consumer group, `prefix` what Kafka's names of our topics begin with, `session` how long a silent
    worker keeps its partitions, in seconds.
    """

    def __init__(
        self, name: str, address: str, *, prefix: str, datadir: str, instance: str | None, session: float,
        assigned: Assigned, queue: int,
    ) -> None:
        super().__init__(
            name, broker=[f"kafka://{one.strip()}" for one in address.split(",")], store="memory://", datadir=datadir,
            topic_disable_leader=True, topic_allow_declare=False, web_enabled=False, stream_wait_empty=False,
            consumer_group_instance_id=instance, broker_session_timeout=session,
            broker_heartbeat_interval=min(1.0, session / 3), broker_rebalance_timeout=10.0,
            broker_request_timeout=max(20.0, session + 1), broker_commit_interval=1.0,
            broker_max_poll_records=500, consumer_max_fetch_size=8 * 1024 * 1024,
            stream_buffer_maxsize=4096, logging_config=None,
        )
        self.assigned, self.seeking = assigned, asyncio.Lock()
        self._prefix, self._queue = prefix, queue

    def tp(self, place: Place) -> TP:
        """A partition as Faust names it."""
        return TP(self._prefix + place[0], place[1])

    def place(self, of: Any) -> Place:
        """The partition of a message, or of a `TP`."""
        return of.topic.removeprefix(self._prefix), of.partition

    def fetch(self, topics: Iterable[str]) -> asyncio.Queue[Any]:
        """The events of these topics, unacknowledged, in the order of each partition."""
        queue: asyncio.Queue[Any] = asyncio.Queue(maxsize=self._queue)

        async def take(stream: Any) -> None:
            async for event in stream.noack().events():
                await queue.put(event)

        for name in topics:
            topic = self.topic(
                self._prefix + name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
            self.agent(topic, name=f"take-{name}", concurrency=1)(take)
        return queue

    def is_current(self, event: Any) -> bool:
        """Whether it was fetched since the last assignment: what an older one brought is fetched again."""
        return bool(event.message.generation_id == self.consumer_generation_id)

    async def seek(self, wanted: Mapping[Place, int]) -> None:
        """Fetch from these offsets on, where the partitions are still ours."""
        ours = self.consumer.assignment()
        await self.consumer.seek_wait({self.tp(place): at for place, at in wanted.items() if self.tp(place) in ours})

    def _new_transport(self) -> Any:
        return _Transport(self.conf.broker_consumer, self)


class _Consumer(driver.Consumer):
    """Faust's consumer, which goes on from where the database says."""

    async def perform_seek(self) -> None:
        """Called by Faust last of all after an assignment: a seek made earlier would be overwritten."""
        app: Any = self.app
        places = [app.place(tp) for tp in self.assignment()]
        async with app.seeking:
            wanted = {app.tp(place): at for place, at in (await app.assigned(places, Log(app, self))).items()}
            if wanted:
                await self.seek_wait(wanted)
                self._committed_offset.update({tp: at or None for tp, at in wanted.items()})


class _Transport(driver.Transport):
    Consumer = _Consumer
