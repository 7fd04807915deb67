"""Failures of the world around us: borne for a while, and when they last, the process ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from streams.kafka.measures import Measures

_log = structlog.get_logger(__name__)

#: How long a failing database or broker is borne before the process ends, in seconds.
PATIENCE = 60.0
#: How long it waits after a failure, doubling up to the longest, in seconds.
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 2.0


class Bearing:
    """One place where things may fail, and since when they do. `give_up` ends the process."""

    def __init__(self, measures: Measures, give_up: Callable[[], None]) -> None:
        self._measures, self._give_up = measures, give_up
        self._since: float | None = None
        self._wait = _FIRST_WAIT

    async def bear(self, what: str, error: Exception) -> None:
        """Wait a little after a failure; after one that lasts, end the process."""
        now = time.monotonic()
        if self._since is None:
            self._since, self._wait = now, _FIRST_WAIT
        _log.warning(what, error=str(error).splitlines()[0], since=round(now - self._since, 1))
        self._measures.retries.labels(what.partition(".")[2]).inc()
        if now - self._since > PATIENCE:
            _log.critical("worker.gives_up", after=PATIENCE)
            self._give_up()
        await asyncio.sleep(self._wait)
        self._wait = min(2 * self._wait, _LONGEST_WAIT)

    def over(self) -> None:
        """It works again, or still."""
        self._since = None

    @property
    def well(self) -> bool:
        """Whether nothing has been failing here for long."""
        return self._since is None or time.monotonic() - self._since < PATIENCE / 2
