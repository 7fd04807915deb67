"""What aiokafka says of brokers that refuse us after all, in our words: by itself it tries again for ever."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from aiokafka import client

from streams.kafka.cluster import Cluster
from streams.kafka.refusals import why_refused

_log = structlog.get_logger(__name__)

#: How long it may be refused before the process ends, and what is a pause between two refusals, in seconds.
PATIENCE, _PAUSE = 10.0, 5.0


class Hearing(logging.Filter):
    """Hears refusals among what is logged, and says them once; when they last, it calls `give_up`.

    A password that is changed while we run is read again only by a process that is started again.
    """

    def __init__(
        self, cluster: Cluster, give_up: Callable[[], None], now: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._cluster, self._give_up, self._now = cluster, give_up, now
        self._since = self._last = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is logged as it is: what is said in our words is not."""
        errors = [one for one in record.args or () if isinstance(one, BaseException)]
        why = next(filter(None, (why_refused(error, self._cluster.access) for error in errors)), "")
        if not why:
            return True
        now = self._now()
        sentence = f"a Kafka broker of {self._cluster.address} {why}"
        if now - self._last > _PAUSE:
            self._since = now
            _log.error("worker.refused", error=sentence)
        self._last = now
        if now - self._since > PATIENCE:
            _log.critical("worker.gives_up", error=sentence, after=PATIENCE)
            self._give_up()
        return False


@contextmanager
def hearing(cluster: Cluster, give_up: Callable[[], None]) -> Iterator[None]:
    """Hear what aiokafka's clients say, for the time of a `with`."""
    ear = Hearing(cluster, give_up)
    # A logger's filter sees only what is logged by that logger itself.
    client.log.addFilter(ear)
    try:
        yield
    finally:
        client.log.removeFilter(ear)
