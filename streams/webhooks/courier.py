"""The courier: tells every endpoint what went out, in order, at least once, each at its own pace.

It runs in a thread and on an event loop of its own, beside the gateway: an endpoint that is slow or does not answer
holds up neither the others nor the pipeline. Where each stands and when it is tried again is in the database, moved by
compare-and-set; of several gateways one does it at a time, by a lease.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from schemas.reference import Reference
from streams import leases
from streams.gateway.ports import Changes, Clock
from streams.readers import sent_at
from streams.tokens import now_ms
from streams.webhooks import endpoints, robot, sent
from streams.webhooks.backoff import FIRST, pause
from streams.webhooks.endpoints import Endpoint, Kind, Status
from streams.webhooks.posting import Outcome, Poster, Session
from streams.webhooks.secrets import signed
from streams.webhooks.sent import News, Sent, Tail, Whose

log = structlog.get_logger(__name__)

LEASE = "webhooks"
#: So long a lease holds, how often the endpoints are looked at anew, how long it rests between two turns, in seconds.
_HOLD, _LOOK, _REST = 15.0, 1.0, 0.1
#: Events that are read at once, and sent before it is written how far an endpoint is.
_CHUNK, _RUN = 500, 100
#: Who is further behind than this reads for itself.
_FAR = 2_000
#: So long a run of events lasts before that is written, in seconds.
_RUN_SECONDS = 2.0
#: So far an endpoint whom nothing concerned may be ahead of what is written of it.
_UNWRITTEN = 5_000

Named = tuple[Sent, bytes]


@dataclass(slots=True)
class Desk:
    """An endpoint at work: its row as last read or written, and how far it is."""

    row: Endpoint
    at: int
    #: Not before when, of the loop's clock: a robot waits for more to say.
    ripe: float | None = None
    #: How often it was written since it is a desk.
    writes: int = 0
    task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether something is on its way to it."""
        return self.task is not None and not self.task.done()


@dataclass(slots=True)
class Told:
    """What was told so far, for `/metrics`."""

    lag: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    counted: dict[tuple[str, str], int] = field(default_factory=dict)

    def count(self, name: str, outcome: str, number: int = 1) -> None:
        """So many more attempts ended so."""
        self.counted[name, outcome] = self.counted.get((name, outcome), 0) + number


class Courier:
    """Delivers in a thread of its own.

    Args:
        engine: the database.
        changes: word of what was committed.
        reference: the reference data as they stand.
        clock: the campaigns' time, which a robot speaks of.
        zone: its zone.
        poster: who posts.
        days: after failing so long an endpoint is given up.
        first: the first pause after a failure, in seconds.
        gather: how long a robot waits for more to say, `pace` how long between two of its messages, in seconds.
    """

    def __init__(
        self, engine: Engine, changes: Changes, reference: Callable[[], Reference], clock: Clock, zone: ZoneInfo, *,
        poster: Poster, days: float = 5.0, first: float = FIRST, gather: float = robot.GATHER,
        pace: float = robot.PACE,
    ) -> None:
        self._engine, self._reading = engine, engine.execution_options(reading=True)
        self._changes, self._reference, self._clock, self._zone = changes, reference, clock, zone
        self._poster, self._days, self._first, self._gather, self._pace = poster, days, first, gather, pace
        self._holder = secrets.token_hex(8)
        self._desks: dict[str, Desk] = {}
        self._tail = Tail()
        self._whose: Whose | None = None
        self._leading = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken: asyncio.Event | None = None
        self.told = Told()

    # --- from outside -------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, within: float = 5.0) -> None:
        """End: what is on its way is waited for a moment, and comes again where that was too short."""
        self._stopping.set()
        loop, woken = self._loop, self._woken
        if loop is not None and woken is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(woken.set)
        self._thread.join(within)

    # --- the thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._woken = asyncio.get_running_loop(), asyncio.Event()
        looked = -_LOOK
        while not self._stopping.is_set():
            version = self._changes.version()
            try:
                if self._loop.time() - looked >= _LOOK:
                    looked = self._loop.time()
                    await self._look()
                if self._leading and self._desks:
                    await self._turn(version)
            except SQLAlchemyError as error:
                log.warning("webhooks.unreadable", error=str(error).splitlines()[0])
                await self._rest(1.0)
            except Exception:  # whatever it was: the others must not wait for it
                log.exception("webhooks.broken")
                await self._rest(1.0)
            await self._rest(_REST)
            await self._sleep(version)
        await self._finish()

    async def _sleep(self, version: int) -> None:
        """Until something was committed, an endpoint is due, or it is time to look."""
        rest = _LOOK
        if not self._desks:
            await self._rest(rest)
            return
        now, ticks = now_ms(), asyncio.get_running_loop().time()
        for desk in self._desks.values():
            if not desk.busy and desk.at < version:
                waits = max((desk.row.due - now) / 1000, (desk.ripe or ticks) - ticks)
                rest = min(rest, max(0.0, waits))
        if rest > 0 and not self._stopping.is_set():
            waiting = asyncio.ensure_future(self._changes.wait(version, rest))
            stopping = asyncio.ensure_future(self._rest(rest))
            _, pending = await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for one in pending:
                one.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    async def _rest(self, seconds: float) -> None:
        """Sleep, unless it is time to stop."""
        woken = self._woken
        if woken is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), seconds)

    async def _finish(self) -> None:
        tasks = [desk.task for desk in self._desks.values() if desk.task is not None and not desk.task.done()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=2.0)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._leading:
            with contextlib.suppress(SQLAlchemyError):
                await asyncio.to_thread(self._give_back)

    # --- looking ------------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Read the endpoints anew, take or keep the lease where there are any, write how far the idle ones are."""
        before = {name: desk.writes for name, desk in self._desks.items() if not desk.busy}
        idle = [
            (desk.row, desk.at) for desk in self._desks.values()
            if not desk.busy and desk.at - desk.row.next > _UNWRITTEN
        ]
        rows, leading = await asyncio.to_thread(self._look_up, idle)
        if self._leading and not leading and rows:
            log.warning("webhooks.handed_over")
        self._leading = leading
        self._seat(rows if leading else [], before)

    def _look_up(self, idle: list[tuple[Endpoint, int]]) -> tuple[list[Endpoint], bool]:
        now = now_ms()
        with self._reading.connect() as connection:
            rows = [row for row in endpoints.list_all(connection) if row.status is Status.ON]
            mine, until = leases.held(connection, LEASE, self._holder)
        if not rows or (not mine and until > now):
            return rows, False
        if mine and until - now > _HOLD * 500 and not idle:
            return rows, True
        with self._engine.begin() as connection:
            if not leases.take(connection, LEASE, self._holder, now, now + int(_HOLD * 1000)):
                return rows, False
            moved = {row.name: at for row, at in idle if endpoints.keep(connection, row, next=at)}
        return [with_(row, next=moved.get(row.name, row.next)) for row in rows], True

    def _seat(self, rows: list[Endpoint], before: dict[str, int]) -> None:
        """A desk for each endpoint; one that was moved by somebody else goes on from where that put it.

        `before` are the desks that were idle before the rows were read, with how often each was written by then.
        """
        seated: dict[str, Desk] = {}
        for row in rows:
            desk = self._desks.get(row.name)
            if desk is None or desk.row.created_at != row.created_at:
                desk = Desk(row, row.next)
            elif not desk.busy and before.get(row.name) == desk.writes:
                if row.next not in (desk.row.next, desk.at):
                    desk.at = row.next
                desk.row = row
            seated[row.name] = desk
        for desk in self._desks.values():
            if desk is not seated.get(desk.row.name) and desk.task is not None:
                desk.task.cancel()
        self._desks = seated

    def _give_back(self) -> None:
        with self._engine.begin() as connection:
            leases.give_back(connection, LEASE, self._holder)

    # --- a turn -------------------------------------------------------------------------------------

    async def _turn(self, version: int) -> None:
        """Send each who is due on their way; who has nothing to hear is up to date without one."""
        await self._read_on(version)
        now, ticks = now_ms(), asyncio.get_running_loop().time()
        news: dict[int, News | None] = {}
        for desk in list(self._desks.values()):
            if desk.busy or desk.at >= version:
                continue
            if desk.at not in news:
                known = self._tail.since(desk.at)
                news[desk.at] = None if known is None else News.of(known)
            found = news[desk.at]
            if found is not None and not found.concerns(desk.row):
                desk.at = version
            elif desk.row.due <= now and not self._gathers(desk, ticks):
                desk.task = asyncio.create_task(self._tell(desk, version), name=f"webhook-{desk.row.name}")
        self._measure(version)

    def _gathers(self, desk: Desk, ticks: float) -> bool:
        """Whether a robot still waits for more to say."""
        if desk.row.kind is not Kind.WECOM:
            return False
        if desk.ripe is None:
            desk.ripe = ticks + self._gather
        return ticks < desk.ripe

    async def _read_on(self, version: int) -> None:
        """Read what went out since, once for all who are up to date."""
        tail = self._tail
        if version < tail.upto or version - tail.upto > _FAR:
            # Far behind: each reads for itself until it is near the end.
            tail.begin(max(0, version - _FAR))
        while tail.upto < version:
            rows = await asyncio.to_thread(self._read, tail.upto, version)
            tail.extend(rows, rows[-1].offset if len(rows) == _CHUNK else version)

    def _read(self, after: int, upto: int) -> list[Sent]:
        reference = self._reference()
        if self._whose is None or self._whose.reference is not reference:
            self._whose = Whose(reference)
        with self._reading.connect() as connection:
            return sent.read(connection, after, upto, _CHUNK, self._whose)

    def _measure(self, version: int) -> None:
        self.told.lag = {name: max(0, version - desk.at) for name, desk in self._desks.items()}
        self.told.failures = {name: desk.row.failures for name, desk in self._desks.items()}

    # --- telling ------------------------------------------------------------------------------------

    async def _tell(self, desk: Desk, version: int) -> None:
        """One run of an endpoint: what concerns it, up to a run's length, and then how far it is."""
        desk.ripe = None
        try:
            events, upto = await self._next(desk, version)
            if not events:
                desk.at = upto
                return
            named = await asyncio.to_thread(self._bytes, events)
            async with self._poster.session(desk.row.url) as session:
                if desk.row.kind is Kind.WECOM:
                    await self._say(desk, session, named, upto)
                else:
                    await self._post_all(desk, session, named, upto)
        except SQLAlchemyError as error:
            # What was told is told again: at least once.
            log.warning("webhooks.unreadable", webhook=desk.row.name, error=str(error).splitlines()[0])
            desk.at = desk.row.next
            await asyncio.sleep(1.0)
        except Exception as error:
            log.exception("webhooks.broken", webhook=desk.row.name)
            desk.at = desk.row.next
            await self._failed(desk, desk.at, Outcome(None, f"a bug of ours: {type(error).__name__}"))

    async def _next(self, desk: Desk, version: int) -> tuple[list[Sent], int]:
        """What concerns an endpoint next, at most a run, and up to where that is all."""
        after = desk.at
        while True:
            known, upto = self._tail.since(after), self._tail.upto
            if known is None:
                known = await asyncio.to_thread(self._read, after, version)
                upto = known[-1].offset if len(known) == _CHUNK else version
            events = sent.wanted(desk.row, known)
            most = _CHUNK if desk.row.kind is Kind.WECOM else _RUN
            if len(events) > most:
                return events[:most], events[most - 1].offset
            if events or upto >= version:
                return events, upto
            after = desk.at = upto

    def _bytes(self, events: Sequence[Sent]) -> list[Named]:
        with self._reading.connect() as connection:
            rows = sent_at(connection, (event.offset for event in events))
        return [(event, rows[event.offset].raw) for event in events if event.offset in rows]

    async def _post_all(self, desk: Desk, session: Session, named: Iterable[Named], upto: int) -> None:
        """Post one after the other: the next only when the one before has arrived."""
        ends = asyncio.get_running_loop().time() + _RUN_SECONDS
        at = desk.at
        for event, raw in named:
            if self._stopping.is_set() or asyncio.get_running_loop().time() > ends:
                upto = at
                break
            headers = {
                "Content-Type": "application/cloudevents+json",
                **signed(event.id, raw, desk.row.holders(now_ms()), time.time()),
            }
            outcome = await session.post(headers, raw, time.time())
            self.told.count(desk.row.name, "delivered" if outcome.ok else "failed")
            if not outcome.ok:
                await self._failed(desk, at, outcome, gone=outcome.gone)
                return
            at = event.offset
        if upto > desk.at:
            await self._arrived(desk, upto)

    async def _say(self, desk: Desk, session: Session, named: Sequence[Named], upto: int) -> None:
        """Say all of it in one message."""
        events = [(event.type, raw) for event, raw in named]
        body = robot.message(events, self._reference(), self._clock.now(), self._zone)
        if body is None:
            await self._arrived(desk, upto)
            return
        outcome, gone = robot.judged(await session.post({"Content-Type": "application/json"}, body, time.time()))
        self.told.count(desk.row.name, "delivered" if outcome.ok else "failed")
        if outcome.ok:
            await self._arrived(desk, upto, due=now_ms() + int(self._pace * 1000))
        else:
            await self._failed(desk, desk.at, outcome, gone=gone)

    async def _arrived(self, desk: Desk, at: int, due: int = 0) -> None:
        await self._keep(desk, at, failures=0, failing_since=None, due=due, said="")

    async def _failed(self, desk: Desk, at: int, outcome: Outcome, *, gone: bool = False) -> None:
        row, now = desk.row, now_ms()
        fresh = at > row.next
        since = now if fresh or row.failing_since is None else row.failing_since
        failures = 1 if fresh else row.failures + 1
        status = Status.ON
        if gone:
            status = Status.GONE
        elif now - since > timedelta(days=self._days) / timedelta(milliseconds=1):
            status = Status.GAVE_UP
        wait = pause(failures, outcome.retry_after, first=self._first)
        say = log.warning if status is not Status.ON or failures in (1, 5) else log.info
        say("webhooks.failed", webhook=row.name, said=outcome.said, failures=failures, status=status.value,
            again_in=round(wait))
        await self._keep(
            desk, at, failures=failures, failing_since=since, due=now + int(wait * 1000), said=outcome.said,
            status=status.value)

    async def _keep(self, desk: Desk, at: int, **values: Any) -> None:
        """Write how far an endpoint is. Where somebody else has moved it, what they wrote is gone on from."""
        if not await asyncio.to_thread(self._write, desk.row, {"next": at, **values}):
            log.info("webhooks.moved", webhook=desk.row.name)
            self._desks.pop(desk.row.name, None)
            return
        desk.at, desk.writes = at, desk.writes + 1
        if values.get("status", Status.ON) != Status.ON:
            self._desks.pop(desk.row.name, None)
        desk.row = with_(desk.row, next=at, **{name: value for name, value in values.items() if name != "status"})

    def _write(self, before: Endpoint, values: dict[str, Any]) -> bool:
        with self._engine.begin() as connection:
            return endpoints.keep(connection, before, **values)


def with_(row: Endpoint, **values: Any) -> Endpoint:
    """The row with other values."""
    return Endpoint(**{**{name: getattr(row, name) for name in Endpoint.__struct_fields__}, **values})
