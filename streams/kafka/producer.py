"""Sending records: kept by every copy that is in sync before they count, in order, within bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from threading import Lock
from typing import Any, Literal, NamedTuple

import kafka.errors as broken
from kafka import KafkaProducer

from schemas.errors import BadEvent, Unavailable
from streams.kafka.access import OPEN, Access
from streams.kafka.reaching import PATIENCE, reach
from streams.kafka.room import Room
from streams.kafka.wanted import RECORD_BYTES, wanted_topics

#: What may wait for the broker, in bytes.
BUFFER_BYTES = 32 * 1_048_576
#: How long `send` may wait, for room or for the broker to say where a topic is, in seconds.
MAX_BLOCK = 5.0
#: After how long a record that the broker did not take counts as failed, in seconds.
DELIVERY_TIMEOUT = 30.0
#: What a record costs in memory beside its bytes: its receipt and its place in the batch.
_OVERHEAD = 1_000
#: What Kafka writes around a record, in bytes: its batch's head, lengths and times.
_FRAME = 256


class Sent(NamedTuple):
    """Where a record stands, once all copies that are in sync have it."""

    topic: str
    partition: int
    offset: int


class Receipt:
    """What becomes of one record.

    Not a `concurrent.futures.Future`: that costs 22 µs a record, where all the rest of the sending costs 39.
    """

    __slots__ = ("_address", "_topic", "_handed")

    def __init__(self, address: str, topic: str, handed: Any) -> None:
        self._address, self._topic, self._handed = address, topic, handed

    def done(self) -> bool:
        """If the record was taken, or has failed."""
        return bool(self._handed.is_done)

    def result(self, timeout: float = DELIVERY_TIMEOUT) -> Sent:
        """Where the record stands; waits for it so many seconds.

        Raises:
            Unavailable: when it was not taken, or not yet. It is never the record's own fault: an error of one
                fails those that are on their way with it.
        """
        try:
            taken = self._handed.get(timeout)
        except broken.KafkaError as error:
            raise Unavailable(
                f"the Kafka broker at {self._address} did not take a record of {self._topic}: {error}") from error
        return Sent(taken.topic, taken.partition, taken.offset)


class Publisher:
    """Sends records to one cluster, from any thread.

    The records of a partition stay in order, and a retry doubles none (idempotence). After one has *failed*, those
    sent behind it may still have been taken: whoever needs the order sends again from the failed one on.

    Args:
        address: ``HOST:PORT``, several parted by commas.
        access: how it lets us in.
        prefix: what stands before the names of our topics, whose largest records it knows.
        compression: ``gzip``, which needs nothing that isn't here (lz4, snappy and zstd do), or none.
        buffer_bytes: what may wait for the broker.
        max_block: seconds that `send` may wait.
        delivery_timeout: seconds after which a record that was not taken has failed; 1 at least.

    Raises:
        BadFile: when the address is none.
        Refused: when the brokers do not let us in, or are not to be trusted.
        Unavailable: when no broker answers.
    """

    def __init__(
        self, address: str, *, prefix: str = "", access: Access = OPEN, compression: Literal["gzip"] | None = "gzip",
        buffer_bytes: int = BUFFER_BYTES, max_block: float = MAX_BLOCK, delivery_timeout: float = DELIVERY_TIMEOUT,
        patience: float = PATIENCE,
    ) -> None:
        self.address = address
        self._max_block = max_block
        self._limits = {topic.name: int(topic.config["max.message.bytes"]) for topic in wanted_topics(prefix=prefix)}
        self._room = Room(buffer_bytes)
        self._renewing = Lock()
        self._open = partial(_open, address, access, compression, max_block, delivery_timeout, patience)
        self._producer: Any = self._open()
        self._spoilt = False

    def send(
        self, topic: str, key: str | None, value: bytes | None, headers: Sequence[tuple[str, bytes]] = (),
        partition: int | None = None,
    ) -> Receipt:
        """Hand over a record; the receipt says what becomes of it.

        Without a partition the key decides (see `partition_of`). It may block for `max_block` seconds: an event loop
        calls it in a thread.

        Raises:
            Unavailable: when as much waits for the broker already as may, or it knows no such topic: nothing was sent.
            BadEvent: when the record is larger than its topic takes.
        """
        key_bytes = None if key is None else key.encode()
        size = len(key_bytes or b"") + len(value or b"") + sum(len(name) + len(text) for name, text in headers)
        limit = self._limits.get(topic, RECORD_BYTES) - _FRAME
        if size > limit:
            raise BadEvent(f"the record has {size} bytes, more than the {limit} that {topic} takes")
        if self._spoilt:
            self._renew()
        size += _OVERHEAD
        if not self._room.take(size, self._max_block):
            raise Unavailable(
                f"the Kafka broker at {self.address} is behind: {self._room.size} bytes may wait for it, and do; "
                "send again in a few seconds")
        producer = self._producer
        try:
            handed = producer.send(topic, value, key_bytes, list(headers), partition)
        except BaseException as error:
            self._room.give(size)
            if isinstance(error, broken.KafkaError):
                raise Unavailable(
                    f"the Kafka broker at {self.address} takes no records of {topic} ({error}); "
                    "`loupan admin topics` says if it has the topic") from error
            raise
        handed.add_callback(partial(self._taken, size))
        handed.add_errback(partial(self._failed, size, producer))
        return Receipt(self.address, topic, handed)

    def flush(self, timeout: float = DELIVERY_TIMEOUT) -> None:
        """Wait until all that was sent before is taken or has failed; the receipts say which.

        Raises:
            Unavailable: when it takes longer than so many seconds.
        """
        try:
            self._producer.flush(timeout)
        except broken.KafkaError as error:
            raise Unavailable(f"the Kafka broker at {self.address} has not taken all records yet") from error

    def close(self, timeout: float = 5.0) -> None:
        """Send what waits, and end; what was not taken after so many seconds has failed. A second time does nothing."""
        _close(self._producer, timeout)

    def _taken(self, size: int, _: object) -> None:
        self._room.give(size)

    def _failed(self, size: int, producer: Any, _: Exception) -> None:
        self._room.give(size)
        if producer is self._producer:
            self._spoilt = True

    def _renew(self) -> None:
        """Put another producer in the place of one that has failed a record.

        To kafka-python's idempotent producer any final answer of the broker (a record too large, a missing right) is
        fatal: it takes no record again, though the next would be welcome. And after a broker that hung for longer than
        a record may take, it was seen to wait for ever, though the broker was back.
        """
        with self._renewing:
            if not self._spoilt:
                return
            spoilt, self._producer = self._producer, self._open()
            self._spoilt = False
        _close(spoilt, 0)


def _open(
    address: str, access: Access, compression: str | None, max_block: float, delivery_timeout: float, patience: float
) -> KafkaProducer:
    deadline = int(delivery_timeout * 1000)
    return reach(
        KafkaProducer, address, patience, access, client_id="loupan", acks="all", enable_idempotence=True,
        compression_type=compression, linger_ms=5, batch_size=131_072, max_block_ms=int(max_block * 1000),
        # Larger than any record: it bounds a request, which may hold a batch of every partition.
        max_request_size=16 * 1_048_576,
        delivery_timeout_ms=deadline, request_timeout_ms=min(10_000, deadline - 100))


def _close(producer: Any, timeout: float) -> None:
    try:
        producer.close(timeout)
    except broken.KafkaError:
        # Where its flush gives up, it leaves its thread running and its records waiting, and has no other way to end.
        producer._sender.force_close()  # noqa: SLF001  # see above
        producer._sender.join(timeout)  # noqa: SLF001  # as above
