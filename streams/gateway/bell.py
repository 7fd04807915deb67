"""One watcher for all task streams: it reads whose events went out, and wakes only those streams.

A stream keeps its own place in the outbox and reads on from there, so a ring that is missed or comes twice
costs a look, never an event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from starlette.concurrency import run_in_threadpool

from streams.gateway.ports import Changes

_log = structlog.get_logger(__name__)

#: The listener that hears every key.
EVERYBODY = ""
#: How long the watcher sleeps at most, in seconds: it bounds how long an unnoticed end takes.
_SLICE = 15.0


class Listener:
    """One stream: the key that it listens for, and its own signal."""

    __slots__ = ("key", "signal")

    def __init__(self, key: str) -> None:
        self.key = key
        self.signal = asyncio.Event()


class Bell:
    """Rings for a key when something of that key went out. Lives on the event loop."""

    def __init__(self, changes: Changes, keys_between: Callable[[int, int], set[str]]) -> None:
        self._changes = changes
        self._keys_between = keys_between
        self._listeners: dict[str, set[Listener]] = {}
        self._heard: dict[str, int] = {}
        self._since = 0
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

    async def wait(self, listener: Listener, after: int, longest: float) -> None:
        """Return when something of the key may have gone out after the offset, or after `longest` seconds."""
        self._watch(after)
        if self.closing or after < self._since or self._heard.get(listener.key, 0) > after:
            return
        listener.signal.clear()
        try:
            async with asyncio.timeout(longest):
                await listener.signal.wait()
        except TimeoutError:
            return

    def close(self) -> None:
        """Let every stream end: the program stops. Call it on the loop."""
        self.closing = True
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.signal.set()

    def _watch(self, after: int) -> None:
        if self._watcher is None or self._watcher.done():
            self._heard.clear()
            self._since = after
            self._watcher = asyncio.create_task(self._ring(after), name="task-bell")

    async def _ring(self, at: int) -> None:
        while not self.closing:
            try:
                version = await self._changes.wait(at, _SLICE)
                keys = await run_in_threadpool(self._keys_between, at, version) if version > at else set()
            except Exception:  # noqa: BLE001  # whatever it was, the streams must not fall silent
                # The streams look for themselves at every heartbeat, so nothing is lost meanwhile.
                _log.exception("bell.unreadable", after=at)
                await asyncio.sleep(1)
                continue
            at = max(at, version)
            self._tell(keys, at)

    def _tell(self, keys: set[str], version: int) -> None:
        for key in (*keys, EVERYBODY) if keys else ():
            self._heard[key] = version
            for listener in self._listeners.get(key, ()):
                listener.signal.set()
