"""Pulling the conversation archive: from the stored position on, each batch with the position that follows it.

Embedded, events and position are one transaction. With Kafka the events go first and the position after them: what is
pulled twice is recognised by its id, which is derived from the message's own.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Engine

from schemas.errors import BadEvent, Unavailable
from streams import places
from streams.inbox import DEAD, Answer, Door, Letter, bury, milliseconds
from streams.readers import mark_retried
from streams.sql import sql_of
from streams.wecom.keys import Keys
from streams.wecom.marks import ARCHIVE, fetched, mark_of
from streams.wecom.records import Skipped, event_of
from streams.wecom.sdk import LIMIT, Sdk, SdkFailed

#: The name of the position, which is the number (seq) of the last record that was taken.
POSITION: Final = "wecom/archive"
#: Where its dead letters are from; the record's number follows.
ORIGIN: Final = "wecom-archive"


class Record(Struct):
    """A record as the SDK gives it: sealed."""

    seq: int = 0
    msgid: str = ""
    publickey_ver: int = 0
    encrypt_random_key: str = ""
    encrypt_chat_msg: str = ""


class _Answer(Struct):
    errcode: int = 0
    errmsg: str = ""
    chatdata: list[msgspec.Raw] = []


_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_record = msgspec.json.Decoder(Record).decode


class Batch(Struct):
    """What came of one call: events and dead letters, each with its number; behind which number, and up to which."""

    after: int
    events: list[tuple[int, bytes]]
    letters: list[tuple[int, str, bytes]]
    skipped: Counter[str]
    last: int
    read: int


class Keeper(Protocol):
    """Keeps a batch, and that it was taken."""

    def position(self) -> int:
        """The number of the last record that was taken."""
        ...

    def keep(self, batch: Batch, before: int) -> list[Answer]:
        """Keep it; the position moves from `before` to the batch's last, and never back."""
        ...


class Puller:
    """Pulls what is new, again and again as it is told."""

    def __init__(self, sdk: Sdk, keys: Keys, keeper: Keeper, limit: int = LIMIT) -> None:
        self._sdk, self._keys, self._keeper, self._limit = sdk, keys, keeper, limit
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="unsealing")

    def pull(
        self, since: int | None = None, told: Callable[[int], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Counter[str]:
        """Take all that there is; `since` takes again what comes behind that number.

        `told` hears the number of each batch's last record. Gives the counts: accepted, duplicate, error, and what
        was skipped.

        Raises:
            Unavailable: when the SDK, the database or Kafka cannot be asked; what was taken stays taken.
            Fenced: when another process pulls, too.
        """
        counts: Counter[str] = Counter()
        before = self._keeper.position()
        at = before if since is None else since
        while not stopped():
            batch = self._fetch(at)
            if not batch.read:
                break
            answers = self._keeper.keep(batch, before)
            before, at = max(before, batch.last), batch.last
            counts.update(answer.status for answer in answers)
            counts["error"] += len(batch.letters)
            counts.update({f"skipped_{why}": number for why, number in batch.skipped.items()})
            told(at)
            if batch.read < self._limit:
                break
        return counts

    def _fetch(self, seq: int) -> Batch:
        try:
            answer = _decode_answer(self._sdk.get_chat_data(seq, self._limit))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unavailable(f"the archive's answer cannot be read: {error}") from error
        if answer.errcode:
            raise Unavailable(f"the archive says {answer.errcode}: {answer.errmsg}")
        batch = Batch(seq, [], [], Counter(), seq, len(answer.chatdata))
        raws = [bytes(raw) for raw in answer.chatdata]
        for raw, (record, key) in zip(raws, self._pool.map(self._unsealed, raws), strict=True):
            self._take(raw, record, key, batch)
        if batch.read and batch.last <= seq:
            raise Unavailable(f"the archive gives records that are not behind {seq}")
        return batch

    def _unsealed(self, raw: bytes) -> tuple[Record, bytes | BadEvent]:
        """A record and its key, or why there is none. In threads: RSA is most of the work, and lets others run."""
        record = Record()
        try:
            record = _decode_record(raw)
            return record, self._keys.open(record.publickey_ver, record.encrypt_random_key)
        except BadEvent as error:
            return record, error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return record, BadEvent(f"the record is of another form than is documented: {error}")

    def _take(self, raw: bytes, record: Record, key: bytes | BadEvent, batch: Batch) -> None:
        number = record.seq or batch.last
        try:
            if isinstance(key, BadEvent):
                raise key
            batch.events.append((number, event_of(self._opened(record, key))))
        except Skipped as why:
            batch.skipped[str(why)] += 1
        except BadEvent as error:
            batch.letters.append((number, str(error), raw))
        batch.last = max(batch.last, number)

    def _opened(self, record: Record, key: bytes) -> dict[str, Any]:
        try:
            plain = self._sdk.decrypt_data(key, record.encrypt_chat_msg)
        except SdkFailed as error:
            if error.passing:
                raise
            raise BadEvent(
                f"{error}; the private key of version {record.publickey_ver} may not belong to that version") from error
        try:
            message = msgspec.json.decode(plain)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadEvent(f"the deciphered message is not JSON: {error}") from error
        if not isinstance(message, dict):
            raise BadEvent("the deciphered message is no object")
        return message


class _Kept:
    """What both ways of keeping share."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine, self._now = engine, now

    def position(self) -> int:
        """As `Keeper` has it."""
        with self._engine.begin() as connection:
            return places.load(connection, {POSITION: 0})[POSITION]

    def _move(self, connection: Connection, batch: Batch, before: int) -> None:
        at = milliseconds(self._now)
        if batch.after < before:
            _retried(connection, batch)
        letters: list[Letter] = [
            (f"{ORIGIN}:{number}", reason, raw, at, DEAD) for number, reason, raw in batch.letters]
        bury(connection, letters)
        if batch.last > before:
            places.advance(connection, {POSITION: before}, {POSITION: batch.last})


def _retried(connection: Connection, batch: Batch) -> None:
    """What was pulled again is not dead any more, or is anew, with today's reason."""
    sql = sql_of(connection)
    letters = sql('SELECT "offset", origin FROM dead_letters WHERE status = ?', (DEAD,)).all()
    for offset, origin in letters:
        where, _, number = str(origin).partition(":")
        if where == ORIGIN and number.isdigit() and batch.after < int(number) <= batch.last:
            mark_retried(connection, offset)


class Embedded(_Kept):
    """Keeps events, dead letters and position in one transaction."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        super().__init__(engine, now)
        self._door = Door(now=now)

    def keep(self, batch: Batch, before: int) -> list[Answer]:
        """As `Keeper` has it."""
        try:
            with self._engine.begin() as connection:
                answers = self._door.accept(
                    connection, [raw for _, raw in batch.events], ORIGIN, [number for number, _ in batch.events])
                self._move(connection, batch, before)
        finally:
            # Whoever works them is another process.
            self._door.handed_on.clear()
        return answers


class Sent(_Kept):
    """Sends the events through a door that answers when they are safe, then keeps the rest."""

    def __init__(
        self, engine: Engine, now: Callable[[], datetime],
        accept: Callable[[Sequence[bytes], str, Sequence[int]], list[Answer]],
    ) -> None:
        super().__init__(engine, now)
        self._accept = accept

    def keep(self, batch: Batch, before: int) -> list[Answer]:
        """As `Keeper` has it."""
        answers = self._accept(
            [raw for _, raw in batch.events], ORIGIN, [number for number, _ in batch.events]) if batch.events else []
        with self._engine.begin() as connection:
            self._move(connection, batch, before)
        return answers


def take_notice(engine: Engine) -> bool:
    """Whether WeCom has said that there is something new; it is asked once."""
    with engine.connect().execution_options(reading=True) as connection:
        mark = mark_of(connection, ARCHIVE)
    if mark.due is None:
        return False
    with engine.begin() as connection:
        fetched(connection, mark)
    return True
