"""A worker: Faust carries, the steps work, the database remembers. Any number of them share the partitions.

All that touches the database happens in one thread, a batch at a time. A failure of the database or of Kafka is tried
again, and when it lasts, the process ends: whoever starts it again finds everything where it was. A broken rule of
ours ends it at once.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from schemas.errors import Fenced
from schemas.topics import ESTATE_EVENTS
from streams import memory
from streams.erasure import scrub
from streams.gateway.ports import Clock
from streams.kafka.campaigning import Campaigning
from streams.kafka.carrier import Carrier, Log, Place
from streams.kafka.fetched import Fetched
from streams.kafka.lanes import Lanes
from streams.kafka.measures import Measures
from streams.kafka.outbox import OutboxRelay
from streams.kafka.placing import Placing
from streams.topology import TOPOLOGY

_log = structlog.get_logger(__name__)
_LOG = ESTATE_EVENTS.name
T = TypeVar("T")

#: How long a failing database or broker is borne before the process ends, in seconds.
PATIENCE = 60.0
#: How long it waits after a failure, doubling up to the longest, in seconds.
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 2.0
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


class Worker:
    """Works the partitions that Kafka gives it, until it is told to stop."""

    def __init__(
        self, engine: Engine, carrier: Callable[[Callable[..., Awaitable[Mapping[Place, int]]]], Carrier],
        placing: Placing, campaigning: Campaigning, lanes: Lanes, relay: OutboxRelay, clock: Clock, measures: Measures,
        *, batch: int, end: Callable[[int], None] = os._exit,
    ) -> None:
        self.engine, self.placing, self.campaigning = engine, placing, campaigning
        self.lanes, self.relay, self.clock, self.measures = lanes, relay, clock, measures
        self.batch, self._end = batch, end
        self.app = carrier(self._assigned)
        self._at: dict[Place, int] = {}
        self._stale = True
        self._failing: float | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="steps")
        first, second = TOPOLOGY.steps
        self._pumps = (
            (first.name, self.app.fetch(topic.name for topic in first.reads), self._place),
            (second.name, self.app.fetch(topic.name for topic in second.reads), self._advance),
        )

    # --- the run ------------------------------------------------------------------------------------

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop. The process may end in here."""
        memory.settle()
        self.relay.idle = self._scrub
        self.lanes.start()
        self.relay.start()
        tasks = [asyncio.create_task(self._guarded(self._pump(*pump))) for pump in self._pumps]
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
        self._thread.shutdown()
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
        _log.info("worker.assigned", partitions=len(places))
        while True:
            try:
                wanted = await self._in_thread(self._own, places)
                cut = {
                    place: first for place, first in (await log.beginnings(places)).items()
                    if wanted.get(place, first) < first}
                for place, first in cut.items():
                    await self._in_thread(self._skip, place, first)
            except (SQLAlchemyError, Fenced) as error:
                await self._bear("worker.assigning", error)
                continue
            self._borne()
            return self._at

    def _own(self, places: list[Place]) -> dict[Place, int]:
        ingest = [place for place in places if place[0] != _LOG]
        self._at = dict(self.placing.assign(ingest))
        ours = [partition for topic, partition in places if topic == _LOG]
        owned = self.campaigning.assign(ours)
        self._at.update({(_LOG, partition): at for partition, at in owned.items()})
        self.lanes.put([*self.placing.leftovers(ingest), *self.campaigning.leftovers()])
        self._stale = False
        return self._at

    def _skip(self, place: Place, first: int) -> None:
        """Retention has cut off what we were to read next: say it loudly, and go on from what there is."""
        if self._at[place]:
            _log.critical("worker.lost_to_retention", topic=place[0], partition=place[1], wanted=self._at[place],
                          begins=first)
        if place[0] == _LOG:
            self.campaigning.skip(place[1], first)
        else:
            self.placing.skip(place, first)
        self._at[place] = first

    # --- batches ------------------------------------------------------------------------------------

    async def _pump(
        self, step: str, queue: asyncio.Queue[Any], work: Callable[[Sequence[Fetched]], Any]
    ) -> None:
        """Take what there is, and work it, for ever."""
        while True:
            events = [await queue.get()]
            size = _size(events[0])
            while len(events) < self.batch and size < _LARGE and not queue.empty():
                events.append(queue.get_nowait())
                size += _size(events[-1])
            while not await self._apply(step, events, work):
                pass

    async def _apply(self, step: str, events: list[Any], work: Callable[[Sequence[Fetched]], Any]) -> bool:
        """Work a batch. True when it is dealt with: written, or dropped because it will be fetched again."""
        async with self.app.seeking:
            try:
                if self._stale:
                    await self._in_thread(self._own, list(self._at))
                ours, known, holes = self._sorted(events)
                if ours:
                    begun = time.perf_counter()
                    await self._in_thread(work, [self._fetched(event) for event in ours])
                    self.measures.batch(step, len(ours), time.perf_counter() - begun)
            except Fenced as error:
                self.measures.fenced.inc()
                self._stale = True
                await self._bear("worker.fenced", error)
                return False
            except SQLAlchemyError as error:
                # Whether it was committed is not known: the database is asked before it is tried again.
                self._stale = True
                await self._bear("worker.database", error)
                return False
            self._borne()
            for event in ours:
                self._at[self.app.place(event.message)] = event.message.offset + 1
            for event in (*ours, *known):
                event.ack()
            if holes:
                _log.warning("worker.holes", holes={f"{topic}/{number}": at for (topic, number), at in holes.items()})
                await self.app.seek(holes)
        return True

    def _sorted(self, events: list[Any]) -> tuple[list[Any], list[Any], dict[Place, int]]:
        """The events that come next, those that the database has already, and where something is missing before one.

        What an older assignment brought is none of these.
        """
        at = dict(self._at)
        ours: list[Any] = []
        known: list[Any] = []
        holes: dict[Place, int] = {}
        for event in events:
            place, offset = self.app.place(event.message), event.message.offset
            if place not in at or not self.app.is_current(event):
                continue
            if offset < at[place]:
                known.append(event)
            elif offset == at[place]:
                at[place] = offset + 1
                ours.append(event)
            else:
                holes[place] = at[place]
        return ours, known, holes

    def _fetched(self, event: Any) -> Fetched:
        message = event.message
        headers = message.headers
        pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
        return Fetched(*self.app.place(message), message.offset, message.value, tuple(pairs))

    def _place(self, batch: Sequence[Fetched]) -> None:
        while self.lanes.waiting > _MOST_WAITING:
            # Kafka takes nothing: what it cannot take must not pile up here.
            time.sleep(0.01)
        outcome = self.placing.work(batch)
        self.lanes.put(outcome.parcels)
        self.measures.count(TOPOLOGY.steps[0].name, outcome.applied, outcome.duplicate, outcome.dead)

    def _advance(self, batch: Sequence[Fetched]) -> None:
        applied, duplicate, dead = self.campaigning.work(batch)
        self.measures.count(TOPOLOGY.steps[1].name, applied, duplicate, dead)

    # --- the clock, and what is done beside -----------------------------------------------------------

    async def _tick(self) -> None:
        """Wake the estates that are due."""
        while True:
            await asyncio.sleep(_TICK)
            async with self.app.seeking:
                if not self._at:
                    # Nothing is ours yet.
                    continue
                try:
                    if self._stale:
                        # Perhaps no event comes for hours, and the clock must go on all the same.
                        await self._in_thread(self._own, list(self._at))
                    self.lanes.put(await self._in_thread(self.campaigning.wake, self.clock.now()))
                except (SQLAlchemyError, Fenced) as error:
                    self._stale = True
                    await self._bear("worker.clock", error)
                else:
                    self._borne()

    def _scrub(self) -> bool:
        with self.engine.begin() as connection:
            return scrub(connection)

    # --- failures -----------------------------------------------------------------------------------

    async def _in_thread(self, work: Callable[..., T], *words: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *words)

    async def _bear(self, what: str, error: Exception) -> None:
        """Wait a little after a failure; after one that lasts, end the process."""
        now = time.monotonic()
        if self._failing is None:
            self._failing, self._wait = now, _FIRST_WAIT
        _log.warning(what, error=str(error).splitlines()[0], since=round(now - self._failing, 1))
        self.measures.retries.labels(what.partition(".")[2]).inc()
        if now - self._failing > PATIENCE:
            _log.critical("worker.gives_up", after=PATIENCE)
            self._end(FAILED)
        await asyncio.sleep(self._wait)
        self._wait = min(2 * self._wait, _LONGEST_WAIT)

    def _borne(self) -> None:
        self._failing = None

    @property
    def well(self) -> bool:
        """Whether it works: nothing has been failing for long."""
        failing = self._failing
        return failing is None or time.monotonic() - failing < PATIENCE / 2


def _size(event: Any) -> int:
    return len(event.message.value or b"")
