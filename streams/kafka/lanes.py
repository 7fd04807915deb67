"""Sending what placement and the clock handed over, in the order of their lanes, until Kafka has it.

A parcel is in the database before it is sent, and leaves it afterwards: whoever dies in between leaves it for the
lane's next owner. So it may arrive twice, which its lane and number tell.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from schemas.errors import Unavailable
from streams.kafka.handover import Parcel
from streams.kafka.producer import Publisher
from streams.sql import Remove
from streams.tables import handover

_log = structlog.get_logger(__name__)
_remove = Remove(handover, "lane", "seq")

#: How long a round waits after one that failed, doubling up to the longest, in seconds.
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 2.0


class Lanes:
    """Sends parcels to the partitions of `estate-events`, in a thread of its own."""

    def __init__(self, engine: Engine, publisher: Publisher, topic: str) -> None:
        self.engine, self.publisher, self.topic = engine, publisher, topic
        self._waiting: list[Parcel] = []
        self._taken: list[Parcel] = []
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lanes", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, within: float = 5.0) -> None:
        """Send what waits, as far as Kafka takes it at once, and end."""
        self._stopping.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(within)

    def put(self, parcels: Sequence[Parcel]) -> None:
        """Send these after all that were put before."""
        if parcels:
            with self._changed:
                self._waiting.extend(parcels)
                self._changed.notify()

    @property
    def waiting(self) -> int:
        """How many parcels are not in Kafka yet."""
        return len(self._waiting)

    # --- the thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        wait = _FIRST_WAIT
        while True:
            with self._changed:
                while not (self._waiting or self._taken or self._stopping.is_set()):
                    self._changed.wait()
                parcels = list(self._waiting)
            try:
                self._send(parcels)
                wait = _FIRST_WAIT
            except Exception as error:  # noqa: BLE001  # whatever it was: what waits must be sent, and nobody else does
                known = isinstance(error, Unavailable | SQLAlchemyError)
                _log.warning(
                    "lanes.again", error=str(error), parcels=len(parcels), wait=wait, exc_info=None if known else error)
                self._stopping.wait(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
                if self._stopping.is_set():
                    return
            if self._stopping.is_set() and not self._waiting:
                return

    def _send(self, parcels: Sequence[Parcel]) -> None:
        """Send all of them, or raise: then all are sent again, so that their order stays."""
        receipts = [
            self.publisher.send(self.topic, None, parcel.body, parcel.headers, parcel.partition) for parcel in parcels]
        for receipt in receipts:
            receipt.result()
        with self._changed:
            del self._waiting[:len(parcels)]
        self._taken.extend(parcels)
        with self.engine.begin() as connection:
            _remove(connection, [(parcel.lane, parcel.seq) for parcel in self._taken])
        self._taken.clear()
