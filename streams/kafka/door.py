"""The door over Kafka: checked, recognised when it comes again, and in its topic before it is answered.

Whether an event is known is asked of the inbox, which the workers fill. What is still on its way to them may be taken
twice here: they apply it once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Lock
from typing import Literal

from sqlalchemy import Engine

from schemas.errors import Unavailable
from schemas.events import InEvent
from schemas.topics import TOPIC_OF, key_of
from streams.inbox import AHEAD, Answer, bury, find_known, looked_at, milliseconds
from streams.kafka.producer import Publisher, Receipt
from streams.kafka.records import encode_binary

#: Events that are remembered as sent, until the inbox has them.
RECENT = 100_000

_Name = tuple[str, str]
_Said = Literal["accepted", "duplicate"]


class KafkaDoor:
    """Sends events to their topics, from any thread.

    Args:
        engine: the database that the workers write.
        publisher: who sends.
        name: a topic's name at the broker.
        now: the clock that no event may run ahead of; None believes every time.
    """

    def __init__(
        self, engine: Engine, publisher: Publisher, name: Callable[[str], str] = str,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.engine, self.publisher = engine, publisher
        self._name, self._now = name, now
        self._lock = Lock()
        self._recent: OrderedDict[_Name, Receipt] = OrderedDict()

    def accept(
        self, raws: Sequence[bytes], origin: str = "door", numbers: Sequence[int] | None = None
    ) -> list[Answer]:
        """Take events in, in this order: each answered, none lost; `origin` and `numbers` as for `looked_at`.

        Raises:
            Unavailable: when Kafka doesn't take them now; those that it took are recognised when all are sent again.
        """
        latest = None if self._now is None else self._now() + AHEAD
        read, answers, letters = looked_at(raws, latest, origin, numbers, milliseconds(self._now))
        with self.engine.begin() as connection:
            known = set(find_known(connection, list({(event.source, event.id) for _, event, _ in read})))
            bury(connection, letters)
        with self._lock:
            receipts = [self._send(event, raw, known) for _, event, raw in read]
        for (index, event, _), (status, receipt) in zip(read, receipts, strict=True):
            if receipt is not None:
                self._settle((event.source, event.id), receipt)
            answers.append(Answer(index, status, event.id))
        answers.sort(key=lambda answer: answer.index)
        return answers

    def _send(self, event: InEvent, raw: bytes, known: set[_Name]) -> tuple[_Said, Receipt | None]:
        """Send an event that isn't known. One that is on its way already is answered when that one has arrived."""
        name = (event.source, event.id)
        if name in known:
            return "duplicate", None
        if name in self._recent:
            return "duplicate", self._recent[name]
        value, headers = encode_binary(raw)
        receipt = self.publisher.send(self._name(TOPIC_OF[type(event)].name), key_of(event), value, headers)
        self._recent[name] = receipt
        while len(self._recent) > RECENT:
            self._recent.popitem(last=False)
        return "accepted", receipt

    def _settle(self, name: _Name, receipt: Receipt) -> None:
        try:
            receipt.result()
        except Unavailable:
            # It may be in Kafka and it may not: whoever sends it again is not told that we have it.
            with self._lock:
                self._recent.pop(name, None)
            raise
