"""One watcher for all task streams: it reads what went out once, and wakes only whom it concerns.

Each event is encoded once, and stays in memory for a while, by key. A stream keeps its own place in the outbox and
takes from there what came after it; one that is further behind than the memory reads for itself. So a ring that is
missed or comes twice costs a look, never an event.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import NamedTuple

import structlog
from starlette.concurrency import run_in_threadpool

from streams.gateway.ports import Changes

_log = structlog.get_logger(__name__)

#: The listener that hears every key.
EVERYBODY = ""
#: How long the watcher sleeps at most, in seconds: it bounds how long an unnoticed end takes.
_SLICE = 15.0
#: Events that are read at once, and that are kept in memory.
READ, KEPT = 2_000, 5_000


class Frame(NamedTuple):
    """An event as it is written to a stream: its place in the outbox, whose it is, the bytes."""

    offset: int
    key: str
    data: bytes


_offset = itemgetter(0)


class Listener:
    """One stream: the key that it listens for, and its own signal."""

    __slots__ = ("key", "signal")

    def __init__(self, key: str) -> None:
        self.key = key
        self.signal = asyncio.Event()


class Bell:
    """Rings for a key when something of that key went out. Lives on the event loop.

    `read` gives the frames of ``after < offset <= upto``, in order, at most `READ`; it is asked in a thread.
    """

    def __init__(self, changes: Changes, read: Callable[[int, int], Sequence[Frame]]) -> None:
        self._changes, self._read = changes, read
        self._listeners: dict[str, set[Listener]] = {}
        self._frames: deque[Frame] = deque()
        self._by_key: dict[str, list[Frame]] = {}
        self._after = self._upto = 0
        self._watcher: asyncio.Task[None] | None = None
        self.closing = False

    @contextmanager
    def listening(self, key: str) -> Iterator[Listener]:
        """Listen for a key (or `EVERYBODY`) as long as the block lasts."""
        listener = Listener(key)
        self._listeners.setdefault(key, set()).add(listener)
        try:
            yield listener
        finally:
            self._listeners[key].discard(listener)
            if not self._listeners[key]:
                del self._listeners[key]
            if not self._listeners and self._watcher is not None:
                self._watcher.cancel()
                self._watcher = None

    def since(self, key: str, at: int) -> tuple[bytes, int] | None:
        """What went out for a key (or `EVERYBODY`) after an offset, and up to where that is all.

        None where that is not in memory.
        """
        self._watch(at)
        if not self._after <= at:
            return None
        if at >= self._upto:
            return b"", at
        if key != EVERYBODY:
            known = self._by_key.get(key, [])
            found = known[bisect_right(known, at, key=_offset):]
        else:
            found = [frame for frame in self._frames if frame.offset > at]
        return b"".join(frame.data for frame in found), self._upto

    async def wait(self, listener: Listener, after: int, longest: float) -> int | None:
        """Return None when something of the key may have gone out after the offset.

        After `longest` seconds without, return up to where nothing has.
        """
        self._watch(after)
        if self.closing or after < self._after or self._has(listener.key, after):
            return None
        listener.signal.clear()
        try:
            async with asyncio.timeout(longest):
                await listener.signal.wait()
        except TimeoutError:
            # Nobody rang, and all that was read would have.
            return max(after, self._upto)
        return None

    def close(self) -> None:
        """Let every stream end: the program stops. Call it on the loop."""
        self.closing = True
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.signal.set()

    def _has(self, key: str, after: int) -> bool:
        frames: Sequence[Frame] = self._frames if key == EVERYBODY else self._by_key.get(key, ())
        return bool(frames) and frames[-1].offset > after

    def _watch(self, after: int) -> None:
        if self._watcher is None or self._watcher.done():
            self._frames.clear()
            self._by_key.clear()
            self._after = self._upto = after
            self._watcher = asyncio.create_task(self._ring(), name="task-bell")

    async def _ring(self) -> None:
        while not self.closing:
            try:
                version = await self._changes.wait(self._upto, _SLICE)
                while self._upto < version:
                    frames = await run_in_threadpool(self._read, self._upto, version)
                    self._take(frames, frames[-1].offset if len(frames) >= READ else version)
            except Exception:  # noqa: BLE001  # whatever it was, the streams must not fall silent
                # The streams look for themselves at every heartbeat, so nothing is lost meanwhile.
                _log.exception("bell.unreadable", after=self._upto)
                await asyncio.sleep(1)

    def _take(self, frames: Sequence[Frame], upto: int) -> None:
        """Keep what was read, and wake whom it concerns."""
        woken = {EVERYBODY} if frames else set()
        for frame in frames:
            self._by_key.setdefault(frame.key, []).append(frame)
            woken.add(frame.key)
        self._frames.extend(frames)
        self._upto = upto
        while len(self._frames) > KEPT:
            self._drop()
        for key in woken:
            for listener in self._listeners.get(key, ()):
                listener.signal.set()

    def _drop(self) -> None:
        """Forget the oldest."""
        oldest = self._frames.popleft()
        self._after = oldest.offset
        left = self._by_key[oldest.key]
        del left[0]
        if not left:
            del self._by_key[oldest.key]
