"""The outbox's way to Kafka: `tasks`, `campaign-events`, `flow` and `dead-letters`, in order, at least once.

One worker at a time does it for all, so that more workers are no more load and one key's events stay in order: it
holds a lock of the database, and whoever waits for the lock goes on when it dies.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from schemas.errors import BadEvent, Fenced, Unavailable
from schemas.topics import DEAD_LETTERS, FLOW
from streams import places
from streams.kafka.producer import Publisher, Receipt
from streams.kafka.records import encode_binary
from streams.tables import dead_letters, flow, outbox

_log = structlog.get_logger(__name__)

#: Rows that are sent before the position moves on.
CHUNK = 2000
#: How long it rests when there is nothing to send, and after a failure, in seconds.
REST, _AFTER_FAILURE = 0.05, 1.0
#: How often the flow map's changes are sent, in seconds: of an estate only its last state counts, and it changes with
#: nearly every message.
FLOW_EVERY = 1.0
#: Its positions: the outbox offsets up to which Kafka has the events and the flow map, and its last dead letter.
RELAYED, FLOWED, LETTERS = "relay/outbox", "relay/flow", "relay/dead-letters"
#: So much of a dead letter goes to its topic.
LETTER_BYTES = 1_048_576
_LOCK = 0x6C6F7570616E  # "loupan"
_JSON = [("content-type", b"application/json")]


class OutboxRelay:
    """Sends what went out to Kafka, in a thread of its own, while it is the one that may."""

    def __init__(self, engine: Engine, publisher: Publisher, name: Callable[[str], str] = str) -> None:
        self.engine, self.publisher, self._name = engine, publisher, name
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self.leading = False
        self._flow_due = 0.0
        #: What else the one that may does when there is nothing to send; True while there is more of it.
        self.idle: Callable[[], bool] = lambda: False

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, within: float = 5.0) -> None:
        """Send the chunk at hand and end."""
        self._stopping.set()
        self._thread.join(within)

    # --- the thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self.engine.connect() as connection:
                    try:
                        self._lead(connection)
                    finally:
                        # The lock is the connection's: it must not go back to the pool with it.
                        connection.invalidate()
            except Fenced as error:
                _log.warning("outbox.fenced", error=str(error))
            except Exception as error:  # noqa: BLE001  # whatever it was: the outbox must not stand still in silence
                known = isinstance(error, Unavailable | SQLAlchemyError)
                _log.warning("outbox.again", error=str(error), exc_info=None if known else error)
            self.leading = False
            self._stopping.wait(_AFTER_FAILURE)

    def _lead(self, connection: Connection) -> None:
        """Relay for as long as this connection holds the lock."""
        if not _locked(connection):
            return
        self.leading = True
        places.begin(connection)
        connection.commit()
        while not self._stopping.is_set():
            # The lock goes with its connection: so we see that it is still there.
            connection.exec_driver_sql("SELECT 1")
            connection.commit()
            if not self.once() and not self.idle():
                self._stopping.wait(REST)

    def once(self) -> bool:
        """Send the next chunk and move the positions on; False when there was nothing to send."""
        with self.engine.begin() as connection:
            before = places.load(connection, {RELAYED: 0, FLOWED: 0, LETTERS: 0, places.OUT: 0})
        end = before.pop(places.OUT)
        with self.engine.connect() as connection:
            records, after = self._chunk(connection, before, end)
            if time.monotonic() >= self._flow_due and (upto := after[RELAYED]) > before[FLOWED]:
                records.extend(_estates(connection, before[FLOWED], upto))
                after[FLOWED] = upto
                self._flow_due = time.monotonic() + FLOW_EVERY
        if after == before:
            return False
        for receipt in [receipt for record in records if (receipt := self._send(*record)) is not None]:
            receipt.result()
        with self.engine.begin() as connection:
            places.advance(connection, before, after)
        return True

    def _send(self, topic: str, key: str, value: bytes, headers: Any) -> Receipt | None:
        try:
            return self.publisher.send(self._name(topic), key, value, headers)
        except BadEvent as error:
            # It stays in the database, and what comes behind it must not wait for it.
            _log.error("outbox.refused", topic=topic, key=key, error=str(error))
            return None

    def _chunk(
        self, connection: Connection, before: dict[str, int], end: int
    ) -> tuple[list[Any], dict[str, int]]:
        """What is to be sent next, of an outbox that has this end; and where the positions stand then."""
        events = list(connection.execute(
            select(outbox.c.offset, outbox.c.topic, outbox.c.key, outbox.c.raw)
            .where(outbox.c.offset > before[RELAYED], outbox.c.offset <= end).order_by(outbox.c.offset).limit(CHUNK)))
        upto = events[-1].offset if len(events) == CHUNK else end
        letters = list(connection.execute(
            select(dead_letters).where(dead_letters.c.offset > before[LETTERS])
            .order_by(dead_letters.c.offset).limit(CHUNK)))
        records = [
            *((row.topic, row.key, *encode_binary(row.raw)) for row in events),
            *((DEAD_LETTERS.name, letter.origin, _letter(letter), _JSON) for letter in letters),
        ]
        return records, {**before, RELAYED: upto, LETTERS: letters[-1].offset if letters else before[LETTERS]}


def _estates(connection: Connection, after: int, upto: int) -> Iterator[tuple[str, str, bytes, Any]]:
    """The last state of each estate that changed on the flow map."""
    question = select(flow.c.estate_id, flow.c.body).where(flow.c.changed > after, flow.c.changed <= upto)
    for estate_id, body in connection.execute(question):
        yield FLOW.name, estate_id, body, _JSON


def _letter(row: Any) -> bytes:
    # A byte may become six in JSON. The database has it whole.
    raw = row.raw[:LETTER_BYTES].decode(errors="replace")
    return msgspec.json.encode({
        "id": row.offset, "origin": row.origin, "reason": row.reason, "raw": raw, "raw_bytes": len(row.raw)})


def _locked(connection: Connection) -> bool:
    """Take the lock of the relay, for as long as the connection lives. A SQLite file has one worker anyway."""
    if connection.dialect.name == "sqlite":
        return True
    taken = connection.exec_driver_sql("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).scalar_one()
    connection.commit()
    return bool(taken)
