"""A worker: Faust carries, the steps work, the database remembers. Any number of them share the partitions.

Each step has a thread, in which it touches the database, a batch at a time. A failure of the database or of Kafka is
tried again, and when it lasts, the process ends: whoever starts it again finds everything where it was. A broken rule
of ours ends it at once.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from agents.world import World
from schemas.errors import Fenced
from schemas.topics import ESTATE_EVENTS
from streams import memory
from streams.erasure import scrub
from streams.gateway.ports import Clock
from streams.kafka.bearing import Bearing
from streams.kafka.campaigning import Campaigning
from streams.kafka.carrier import Carrier, Feed, Log, Place
from streams.kafka.fetched import Fetched
from streams.kafka.lanes import Lanes
from streams.kafka.measures import Measures
from streams.kafka.outbox import OutboxRelay
from streams.kafka.placing import Placing
from streams.topology import TOPOLOGY, Topology

_log = structlog.get_logger(__name__)
_LOG = ESTATE_EVENTS.name
T = TypeVar("T")

#: How often the estates that are due are looked for, in seconds.
_TICK = 0.2
#: How long a worker that is told to stop may take: Faust waits for ever on a dead broker.
GRACE = 5.0
#: A batch is closed when its records have so many bytes: one record may carry a thousand events.
_LARGE = 1_048_576
#: Parcels that may wait for Kafka before placement waits, too.
_MOST_WAITING = 200
#: How the process ends: told to stop and could not at once, the world failed for too long, a rule is broken.
STOPPED, FAILED, BROKEN = 3, 4, 5


class _Post:
    """A step at its work: what it is fed, its thread, and how far it is.

    `own` says how far these partitions are, as the database has it; `skip` goes on from a later offset. Two steps
    work side by side, as those of two workers do.
    """

    def __init__(
        self, name: str, feed: Feed, work: Callable[[Sequence[Fetched]], None],
        own: Callable[[Iterable[Place]], Mapping[Place, int]], skip: Callable[[Place, int], None], bearing: Bearing,
    ) -> None:
        self.name, self.feed, self.work, self._own, self._skip, self.bearing = name, feed, work, own, skip, bearing
        self.at: dict[Place, int] = {}
        #: Whether the database has to be asked how far we are before anything else is done.
        self.stale = True
        self.thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def do(self, work: Callable[..., T], *words: Any) -> T:
        """Do something in the step's thread: all that touches the database is done there."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, work, *words)

    async def own(self, places: Iterable[Place]) -> None:
        """These partitions are ours, and no others."""
        self.at = dict(await self.do(self._own, list(places)))
        self.stale = False

    async def refresh(self) -> None:
        """Ask the database anew, where that is needed."""
        if self.stale:
            await self.own(self.at)

    async def skip(self, place: Place, first: int) -> None:
        """Retention has cut off what we were to read next: say it loudly, and go on from what there is."""
        if self.at[place]:
            _log.critical("worker.lost_to_retention", topic=place[0], partition=place[1], wanted=self.at[place],
                          begins=first)
        await self.do(self._skip, place, first)
        self.at[place] = first


class Worker:
    """Works the partitions that Kafka gives it, until it is told to stop.

    `world` gives the world as it stands: each batch is worked in one.
    """

    def __init__(
        self, engine: Engine, carrier: Callable[[Callable[..., Awaitable[Mapping[Place, int]]]], Carrier],
        placing: Placing, campaigning: Campaigning, lanes: Lanes, relay: OutboxRelay, clock: Clock, measures: Measures,
        *, topology: Topology = TOPOLOGY, batch: int, world: Callable[[], World] | None = None,
        end: Callable[[int], None] = os._exit,
    ) -> None:
        self.engine, self.placing, self.campaigning = engine, placing, campaigning
        self.lanes, self.relay, self.clock, self.measures = lanes, relay, clock, measures
        self.batch, self._end = batch, end
        self._world = world or (lambda: placing.world)
        self.app = carrier(self._assigned)
        self._assigning = self._bearing()
        first, second = topology.steps
        self._first = _Post(
            first.name, self.app.fetch(topic.name for topic in first.reads), self._place, self._own_ingest,
            placing.skip, self._bearing())
        self._second = _Post(
            second.name, self.app.fetch(topic.name for topic in second.reads), self._advance, self._own_log,
            lambda place, at: campaigning.skip(place[1], at), self._bearing())
        self._posts = (self._first, self._second)

    def _bearing(self) -> Bearing:
        return Bearing(self.measures, lambda: self._end(FAILED))

    # --- the run ------------------------------------------------------------------------------------

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop. The process may end in here."""
        memory.settle()
        self.relay.idle = self._scrub
        self.lanes.start()
        self.relay.start()
        tasks = [asyncio.create_task(self._guarded(self._pump(post))) for post in self._posts]
        tasks.append(asyncio.create_task(self._guarded(self._tick())))
        starting = asyncio.create_task(self._guarded(self._start()))
        await stopping.wait()
        watchdog = self._watch()
        starting.cancel()
        for task in tasks:
            task.cancel()
        await self.app.stop()
        self.lanes.stop()
        self.relay.stop()
        for post in self._posts:
            post.thread.shutdown()
        watchdog.cancel()

    async def _start(self) -> None:
        self.app.finalize()
        self.app.loop = asyncio.get_running_loop()
        await self.app.start()

    def _watch(self) -> threading.Timer:
        """End the process, if it cannot end by itself: nothing is lost by that."""
        timer = threading.Timer(GRACE, self._end, (STOPPED,))
        timer.daemon = True
        timer.start()
        return timer

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  # whatever it was: nobody may go on as if it had not been
            _log.critical("worker.broken", exc_info=error)
            self._end(BROKEN)

    # --- assignment ---------------------------------------------------------------------------------

    async def _assigned(self, places: list[Place], log: Log) -> Mapping[Place, int]:
        """These partitions are ours now, and no others; where each goes on, as the database has it."""
        while True:
            try:
                for post in self._posts:
                    await post.own(place for place in places if (place[0] == _LOG) == (post is self._second))
                begins = await log.beginnings(places)
                for post in self._posts:
                    for place in [place for place in post.at if post.at[place] < begins.get(place, 0)]:
                        await post.skip(place, begins[place])
            except (SQLAlchemyError, Fenced) as error:
                await self._assigning.bear("worker.assigning", error)
                continue
            self._assigning.over()
            _log.info("worker.assigned", partitions=len(places))
            return {**self._first.at, **self._second.at}

    def _own_ingest(self, places: Iterable[Place]) -> Mapping[Place, int]:
        at = self.placing.assign(places)
        self.lanes.put(self.placing.leftovers(at))
        return at

    def _own_log(self, places: Iterable[Place]) -> Mapping[Place, int]:
        at = self.campaigning.assign(partition for _, partition in places)
        self.lanes.put(self.campaigning.leftovers())
        return {(_LOG, partition): offset for partition, offset in at.items()}

    # --- batches ------------------------------------------------------------------------------------

    async def _pump(self, post: _Post) -> None:
        """Take what there is, and work it, for ever."""
        waiting: deque[Fetched] = deque()
        queue = post.feed.queue
        while True:
            if not waiting:
                waiting.extend(await queue.get())
            while len(waiting) < self.batch and not queue.empty():
                waiting.extend(queue.get_nowait())
            records = self._cut(waiting)
            while not await self._apply(post, records):
                pass

    def _cut(self, waiting: deque[Fetched]) -> list[Fetched]:
        """The next batch of what waits."""
        records, size = [waiting.popleft()], 0
        while waiting and len(records) < self.batch:
            size += len(records[-1].value or b"")
            if size >= _LARGE:
                break
            records.append(waiting.popleft())
        return records

    async def _apply(self, post: _Post, records: list[Fetched]) -> bool:
        """Work a batch. True when it is dealt with: written, or dropped because it will be fetched again."""
        async with post.feed.working:
            try:
                await post.refresh()
                ours, ends, holes = self._sorted(records, post.at)
                if ours:
                    begun = time.perf_counter()
                    await post.do(post.work, ours)
                    self.measures.batch(post.name, len(ours), time.perf_counter() - begun)
            except Fenced as error:
                self.measures.fenced.inc()
                post.stale = True
                await post.bearing.bear("worker.fenced", error)
                return False
            except SQLAlchemyError as error:
                # Whether it was committed is not known: the database is asked before it is tried again.
                post.stale = True
                await post.bearing.bear("worker.database", error)
                return False
            post.bearing.over()
            post.at.update(ends)
            self.app.done(ends)
            if holes:
                _log.warning("worker.holes", holes={f"{topic}/{number}": at for (topic, number), at in holes.items()})
                await self.app.seek(holes)
        return True

    def _sorted(
        self, records: list[Fetched], at: Mapping[Place, int]
    ) -> tuple[list[Fetched], dict[Place, int], dict[Place, int]]:
        """The records that come next and where they end; and where something is missing before one.

        What the database has already is none of these, nor what an older assignment brought.
        """
        ours: list[Fetched] = []
        ends: dict[Place, int] = {}
        holes: dict[Place, int] = {}
        for record in records:
            place, offset = record.place, record.offset
            if place not in at or not self.app.is_current(record):
                continue
            wanted = ends.get(place, at[place])
            if offset == wanted:
                ends[place] = offset + 1
                ours.append(record)
            elif offset > wanted:
                holes[place] = wanted
        return ours, ends, holes

    def _place(self, batch: Sequence[Fetched]) -> None:
        while self.lanes.waiting > _MOST_WAITING:
            # Kafka takes nothing: what it cannot take must not pile up here.
            time.sleep(0.01)
        self.placing.world = self._world()
        outcome = self.placing.work(batch)
        self.lanes.put(outcome.parcels)
        self.measures.count(self._first.name, outcome.applied, outcome.duplicate, outcome.dead)

    def _advance(self, batch: Sequence[Fetched]) -> None:
        self.campaigning.world = self._world()
        applied, duplicate, dead = self.campaigning.work(batch)
        self.measures.count(self._second.name, applied, duplicate, dead)

    # --- the clock, and what is done beside -----------------------------------------------------------

    async def _tick(self) -> None:
        """Wake the estates that are due."""
        post = self._second
        while True:
            await asyncio.sleep(_TICK)
            async with post.feed.working:
                if not post.at:
                    # Nothing is ours yet.
                    continue
                try:
                    # Perhaps no event comes for hours, and the clock must go on all the same.
                    await post.refresh()
                    self.lanes.put(await post.do(self.campaigning.wake, self.clock.now()))
                except (SQLAlchemyError, Fenced) as error:
                    post.stale = True
                    await post.bearing.bear("worker.clock", error)
                else:
                    post.bearing.over()

    def _scrub(self) -> bool:
        with self.engine.begin() as connection:
            return scrub(connection)

    @property
    def well(self) -> bool:
        """Whether it works: nothing has been failing for long."""
        return self._assigning.well and all(post.bearing.well for post in self._posts)
