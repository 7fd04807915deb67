"""The door: every event comes in here, whatever carried it. Checked, recognised when it comes again, kept whole.

What can be read goes into the inbox; what can't becomes a dead letter with its reason. One transaction for
all that is handed in at once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec import Struct
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from schemas.errors import BadEvent
from schemas.events import InEvent, decode
from streams.coarsening import kept
from streams.sql import Find, Put, lock, sql_of
from streams.tables import dead_letters, inbox

#: How far in the future an event may say that it happened: clocks differ, but not by more.
AHEAD = timedelta(minutes=5)
#: Decoded events that are kept for the pipeline, so that it needn't read and decode them again.
HANDED_ON = 20_000

put_inbox = Put(inbox, "offset", "source", "id", "raw")
find_known = Find(inbox, ("source", "id"))
_put_dead = Put(dead_letters, "origin", "reason", "raw", "at", "status")
DEAD = "dead"

#: A dead letter: where it came from, why, the bytes, when (Unix milliseconds, 0 in a replay), `DEAD`.
Letter = tuple[str, str, bytes, int, str]

#: An event that could be read: its place among those handed in, itself, its bytes.
_Arrival = tuple[int, InEvent, bytes]


class Answer(Struct, frozen=True):
    """What became of one event at the door."""

    index: int
    status: Literal["accepted", "duplicate", "error"]
    id: str | None = None
    detail: str | None = None
    offset: int | None = None


def looked_at(
    raws: Sequence[bytes], latest: datetime | None, origin: str, numbers: Sequence[int] | None, at: int
) -> tuple[list[_Arrival], list[Answer], list[Letter]]:
    """The events that can be read, with their place; and of the others the answers and the dead letters.

    A dead letter says where it is from: `origin` and its number there (a line), which is its place among `raws`
    where there are no `numbers`. `latest` is the last time that is believed, `at` the clock's in Unix milliseconds.
    """
    read: list[_Arrival] = []
    answers: list[Answer] = []
    dead: list[Letter] = []
    for index, raw in enumerate(raws):
        try:
            event = read_event(raw, latest)
            read.append((index, event, kept(raw, event)))
        except BadEvent as error:
            answers.append(Answer(index, "error", id_of(raw), str(error)))
            number = numbers[index] if numbers is not None else index + 1
            dead.append((f"{origin}:{number}", str(error), raw, at, DEAD))
    return read, answers, dead


class Door:
    """Takes events into the inbox.

    `now` is the clock that an event's time must not run ahead of; where there is none (a replay), `latest` is
    the last time that is believed, if any.
    """

    def __init__(self, now: Callable[[], datetime] | None = None, *, latest: datetime | None = None) -> None:
        self._now, self._latest = now, latest
        self.handed_on: OrderedDict[int, InEvent] = OrderedDict()

    def accept(
        self, connection: Connection, raws: Sequence[bytes], origin: str = "door", numbers: Sequence[int] | None = None
    ) -> list[Answer]:
        """Take events in, in this order, in the caller's transaction: each answered, none lost.

        `origin` and `numbers` say where they come from, as for `looked_at`.
        """
        # Offsets are given out without a hole, by one writer at a time.
        lock(connection, "inbox")
        latest = self._now() + AHEAD if self._now is not None else self._latest
        read, answers, dead = looked_at(raws, latest, origin, numbers, milliseconds(self._now))
        if read:
            answers.extend(self._keep(connection, read))
        bury(connection, dead)
        if dead:
            answers.sort(key=lambda answer: answer.index)
        return answers

    def _keep(self, connection: Connection, read: list[_Arrival]) -> list[Answer]:
        """Put what could be read into the inbox, but for what is there already.

        Nearly always nothing is: so all is put in at once, and only where the database finds a name that it
        knows is everything looked up.
        """
        try:
            with connection.begin_nested():
                return self._put(connection, read)
        except IntegrityError:
            pass
        known = self._known(connection, [event for _, event, _ in read])
        fresh, answers = [], []
        for index, event, raw in read:
            name = (event.source, event.id)
            if name in known:
                answers.append(Answer(index, "duplicate", event.id))
            else:
                known.add(name)
                fresh.append((index, event, raw))
        if fresh:
            answers.extend(self._put(connection, fresh))
        answers.sort(key=lambda answer: answer.index)
        return answers

    def _put(self, connection: Connection, read: list[_Arrival]) -> list[Answer]:
        """Put events into the inbox, all or none, and hand them on."""
        first = _next_offset(connection)
        put_inbox(
            connection, [(offset, event.source, event.id, raw) for offset, (_, event, raw) in enumerate(read, first)])
        hands = self.handed_on
        hands.update((offset, event) for offset, (_, event, _) in enumerate(read, first))
        while len(hands) > HANDED_ON:
            hands.popitem(last=False)
        return [
            Answer(index, "accepted", event.id, None, offset) for offset, (index, event, _) in enumerate(read, first)
        ]

    def rolled_back(self) -> None:
        """The transaction was rolled back: nothing of it was handed on."""
        self.handed_on.clear()

    def _known(self, connection: Connection, events: Sequence[InEvent]) -> set[tuple[str, str]]:
        """Which of the events are in the inbox already."""
        return set(find_known(connection, [(event.source, event.id) for event in events]))


def bury(connection: Connection, letters: Sequence[Letter]) -> None:
    """Keep what could not be read or applied, whole, with the reason."""
    if letters:
        # Whoever has read one of them has seen all those before it.
        lock(connection, "dead_letters")
        _put_dead(connection, letters)


def read_event(raw: bytes, latest: datetime | None) -> InEvent:
    """Read an event that a door is given; `latest` is the last time that is believed.

    Raises:
        BadEvent: with what is wrong.
    """
    event = decode(raw)
    if latest is not None and event.time > latest:
        raise BadEvent(f"its time {event.time.isoformat()} lies in the future")
    return event


class _Named(Struct):
    """As much of an event as says what it is called."""

    id: str | None = None


_decode_named = msgspec.json.Decoder(_Named).decode


def id_of(raw: bytes) -> str | None:
    """The id of an event that is wrong, where it can be read."""
    try:
        return _decode_named(raw).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _next_offset(connection: Connection) -> int:
    (last,) = sql_of(connection)('SELECT coalesce(max("offset"), 0) FROM inbox').one()
    return int(last) + 1


def milliseconds(now: Callable[[], datetime] | None) -> int:
    """The clock's time in Unix milliseconds; 0 where there is no clock."""
    return int(now().timestamp() * 1000) if now is not None else 0
