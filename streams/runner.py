"""The embedded run: one thread that owns the pipeline and its writes, with a door for the gateway.

Whatever wants to write hands it over: events wait in a queue, are taken into the inbox together, and are
answered when their transaction has committed. The same thread then works them, wakes the estates that are
due, and says that something changed.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from agents.world import World
from schemas.errors import BrokenRule, Fenced
from streams import memory
from streams.changed import Changed
from streams.embedded import Pipeline
from streams.gateway.ports import Accepted, Clock
from streams.inbox import Answer, Door

log = structlog.get_logger(__name__)

#: How long the thread rests when there is nothing to do, in seconds: the inbox may be written by another process.
REST = 0.1
#: Events taken into the inbox by one transaction at most.
TAKEN_AT_ONCE = 2_000
#: Events that are worked at once while others wait at the door, so that whoever sends is answered soon; where more than
#: so many wait to be worked, working comes first.
WHILE_WAITED_FOR, BEHIND = 250, 25_000
#: How long it waits after the database failed, doubling up to the longest.
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0


@dataclass(slots=True)
class _Handed:
    raws: Sequence[bytes]
    answered: Future[list[Answer]]


class Runner:
    """Runs a pipeline in a thread of its own; a `Door` and the `Changes` of the gateway.

    `now` gives the world as it stands, where it may change while the pipeline runs.
    """

    def __init__(
        self, engine: Engine, world: World, clock: Clock, *, batch: int = 1000,
        now: Callable[[], World] | None = None,
    ) -> None:
        self.engine, self.clock = engine, clock
        self._now, self._batch = now, batch
        self._door = Door(now=clock.now)
        self.pipeline = Pipeline(engine, world, self._door, batch=batch, now=clock.now)
        self._queue: queue.SimpleQueue[_Handed | None] = queue.SimpleQueue()
        self._next: _Handed | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pipeline")
        self._changed = Changed(self.pipeline.changed)
        self.failure: Exception | None = None
        self.accepted = self.worked = 0

    # --- from outside -------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread."""
        memory.settle()
        self._thread.start()

    def stop(self, within: float = 10.0) -> None:
        """Finish the batch at hand, answer whoever waits, and end the thread."""
        self._stop.set()
        self._queue.put(None)
        self._thread.join(within)

    @property
    def lag(self) -> int:
        """Events in the inbox that aren't worked yet."""
        return max(0, self.accepted - self.worked)

    @property
    def trouble(self) -> str | None:
        """Why nothing goes on, in a sentence; None where all is well."""
        return None if self.failure is None else f"the pipeline has stopped: a rule is broken ({self.failure})"

    async def accept(self, raws: Sequence[bytes]) -> list[Accepted]:
        """Take events in; answers when they are safely in the inbox."""
        answers = await asyncio.wrap_future(self.hand_over(raws))
        return [Accepted(a.index, a.status, a.id, a.detail) for a in answers]

    def hand_over(self, raws: Sequence[bytes]) -> Future[list[Answer]]:
        """Hand events to the thread."""
        handed = _Handed(raws, Future())
        self._queue.put(handed)
        return handed.answered

    def version(self) -> int:
        """The outbox offset up to which everything is committed."""
        return self._changed.version()

    async def wait(self, after: int, timeout: float) -> int:  # noqa: ASYNC109  # part of the answer, no error
        """The version, as soon as it is higher than `after`, or when `timeout` (seconds) has passed."""
        return await self._changed.wait(after, timeout)

    # --- the thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        wait = FIRST_WAIT
        while not self._stop.is_set():
            try:
                self._take()
                if not self._work():
                    self._rest()
                wait = FIRST_WAIT
            except SQLAlchemyError as error:
                log.warning("the database failed, trying again", error=str(error), wait=wait)
                self._stop.wait(wait)
                wait = min(2 * wait, LONGEST_WAIT)
            except Fenced as error:
                log.warning("fenced off, going on from the database", error=str(error))
                self._stop.wait(wait)
        self._refuse_the_rest()

    def _take(self) -> None:
        """Take what was handed over into the inbox, in one transaction, and answer."""
        handed = self._drain()
        if not handed:
            return
        try:
            with self.engine.begin() as connection:
                answers = [self._door.accept(connection, one.raws) for one in handed]
        except BaseException as error:
            self._door.rolled_back()
            for one in handed:
                one.answered.set_exception(error)
            raise
        for one, answer in zip(handed, answers, strict=True):
            self.accepted += sum(a.status == "accepted" for a in answer)
            one.answered.set_result(answer)

    def _drain(self) -> list[_Handed]:
        handed: list[_Handed] = []
        count = 0
        while count < TAKEN_AT_ONCE:
            one, self._next = self._next, None
            try:
                one = one or self._queue.get_nowait()
            except queue.Empty:
                break
            if one is not None and one.answered.set_running_or_notify_cancel():
                handed.append(one)
                count += len(one.raws)
        return handed

    def _work(self) -> bool:
        """One batch, or the estates that are due. False when there was nothing to do."""
        if self.failure is not None:
            return False
        if self._now is not None:
            # Between two batches: every batch is worked in one world.
            self.pipeline.world = self._now()
        waited_for = self.lag < BEHIND and not self._queue.empty()
        self.pipeline.batch = min(self._batch, WHILE_WAITED_FOR) if waited_for else self._batch
        try:
            done = self.pipeline.work()
            self.worked += done
            if not done:
                due, now = self.pipeline.next_due(), self.clock.now()
                done = self.pipeline.tick(now) if due is not None and due <= now else int(self.pipeline.scrub())
        except (SQLAlchemyError, Fenced):
            raise
        except Exception as error:
            # A rule of ours is broken. Nothing of the batch was kept; events are still taken in, and wait.
            self.failure = error
            log.critical("the pipeline has stopped: a rule is broken", exc_info=error,
                         known=isinstance(error, BrokenRule), position=self.pipeline.position)
            return False
        if done:
            self._changed.say(self.pipeline.changed)
        return bool(done)

    def _rest(self) -> None:
        """Sleep until something is handed over, an estate is due, or it is time to look at the inbox again."""
        rest = REST
        due: datetime | None = self.pipeline.next_due()
        if due is not None and self.failure is None:
            rest = min(rest, max(0.001, (due - self.clock.now()).total_seconds() / self.clock.speed))
        try:
            self._next = self._queue.get(timeout=rest)
        except queue.Empty:
            return

    def _refuse_the_rest(self) -> None:
        for one in self._drain():
            one.answered.set_exception(ConnectionAbortedError("the program is stopping"))
