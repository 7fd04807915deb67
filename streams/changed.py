"""Word of what was committed, from a thread to whoever waits on a loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable


class Changed:
    """The outbox offset up to which everything is committed; a gateway's `Changes`."""

    def __init__(self, version: int = 0) -> None:
        self._version = version
        self._lock = threading.Lock()
        self._listeners: set[Callable[[], None]] = set()

    def say(self, version: int) -> None:
        """Everything up to there is committed. From any thread."""
        with self._lock:
            self._version = version
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()

    def version(self) -> int:
        """The outbox offset up to which everything is committed."""
        return self._version

    async def wait(self, after: int, timeout: float) -> int:  # noqa: ASYNC109  # part of the answer, no error
        """The version, as soon as it is higher than `after`, or when `timeout` (seconds) has passed."""
        if self._version > after:
            return self._version
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def listener() -> None:
            loop.call_soon_threadsafe(woken.set)

        with self._lock:
            self._listeners.add(listener)
        try:
            if self._version <= after:
                await asyncio.wait_for(woken.wait(), timeout)
        except TimeoutError:
            pass
        finally:
            with self._lock:
                self._listeners.discard(listener)
        return self._version
