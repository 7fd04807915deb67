"""Erasing a person: out of the logs, the outbox and the read models.

What stands in the logs is replaced, not removed, so that offsets stay as they were and a replay finds nothing
of the person where they were. State is erased in the event's own transaction; the logs, which may be long, in
slices with every batch that follows, from a cursor of their own, so that nobody waits for one person's past.
What comes later of somebody who was erased is redacted when it is worked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection

from agents.called import called
from agents.placement import NAME_AT_MOST
from agents.records import Place
from schemas.values import Action
from streams.redaction import NOBODY, REQUEST, Finder, name_in, redacted, shown
from streams.sql import sql_of

#: Rows of a log that are looked through with one batch: a few milliseconds.
SLICE = 5_000
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Place).decode
_LOGS = ("inbox", "outbox", "estate_events")
_PENDING = "(" + " OR ".join(f"{log}_next <= {log}_end" for log in _LOGS) + ")"


def erased_people(connection: Connection) -> set[str]:
    """Everybody who ever asked to be erased."""
    return set(sql_of(connection)("SELECT member_id FROM erasures").scalars())


def erase(connection: Connection, member_id: str, upto: int | None = None) -> None:
    """Begin: the inbox up to the request's offset and all other logs will be looked through; `scrub` does it.

    Without an offset the inbox is looked through to its end.
    """
    if member_id == NOBODY:
        # A redacted event, in a replay.
        return
    sql = sql_of(connection)
    ends = [_end(connection, log) for log in _LOGS]
    ends[0] = ends[0] if upto is None else upto
    names = ", ".join(f"{log}_next, {log}_end" for log in _LOGS)
    again = ", ".join(f"{log}_next = 1, {log}_end = excluded.{log}_end" for log in _LOGS)
    sql(
        f"INSERT INTO erasures (member_id, names, {names}) VALUES (?, '', 1, ?, 1, ?, 1, ?) "
        f"ON CONFLICT (member_id) DO UPDATE SET {again}", (member_id, *ends))
    for at, raw in sql('SELECT "offset", raw FROM dead_letters').all():
        if (after := redacted(raw, member_id)) != raw:
            sql('UPDATE dead_letters SET raw = ? WHERE "offset" = ?', (after, at))


def _end(connection: Connection, log: str) -> int:
    return int(sql_of(connection)(f'SELECT coalesce(max("offset"), 0) FROM {log}').scalar_one())


def redact_late(connection: Connection, late: Iterable[tuple[int, str]]) -> None:
    """Redact what came of somebody, or named them, when they were erased already: (inbox offset, member)."""
    sql = sql_of(connection)
    for offset, member_id in late:
        raw = sql('SELECT raw FROM inbox WHERE "offset" = ?', (offset,)).scalar_one()
        sql('UPDATE inbox SET raw = ? WHERE "offset" = ?', (redacted(raw, member_id), offset))


def scrub(connection: Connection) -> bool:
    """Look through the next slice of each log for everybody who is being erased; True while there is more."""
    sql = sql_of(connection)
    names = {row[0]: row[1] for row in sql(f"SELECT member_id, names FROM erasures WHERE {_PENDING}")}
    if not names:
        return False
    known = {member_id: set(msgspec.json.decode(said)) if said else set() for member_id, said in names.items()}
    for log in _LOGS:
        _Slice(connection, log, known).scrub()
    for member_id, said in known.items():
        sql("UPDATE erasures SET names = ? WHERE member_id = ?",
            (msgspec.json.encode(sorted(said)).decode(), member_id))
    sql(f"UPDATE erasures SET names = '' WHERE NOT {_PENDING}")
    return bool(sql(f"SELECT count(*) FROM erasures WHERE {_PENDING}").scalar_one())


class _Slice:
    """The next rows of one log, for all whose erasure has come to them; `known` are the names found so far."""

    def __init__(self, connection: Connection, log: str, known: dict[str, set[str]]) -> None:
        self.sql, self.log, self.known = sql_of(connection), log, known

    def scrub(self) -> None:
        """Look through them and move the cursors on."""
        log, sql = self.log, self.sql
        start = sql(f"SELECT min({log}_next) FROM erasures WHERE {log}_next <= {log}_end").scalar()
        if start is None:
            return
        end = start + SLICE
        here = f"SELECT member_id FROM erasures WHERE {log}_next < ? AND {log}_end >= ?"
        finder = Finder([row[0] for row in sql(here, (end, start))])
        if log == "estate_events":
            self._scrub_records(start, end, finder)
        else:
            self._scrub_events(start, end, finder)
        sql(f"UPDATE erasures SET {log}_next = ? WHERE {log}_next < ?", (end, end))

    def _scrub_events(self, start: int, end: int, finder: Finder) -> None:
        log, sql = self.log, self.sql
        for at, raw in sql(f'SELECT "offset", raw FROM {log} WHERE "offset" >= ? AND "offset" < ?', (start, end)).all():
            after = self._without(raw, finder)
            if after == raw:
                continue
            sql(f'UPDATE {log} SET raw = ? WHERE "offset" = ?', (after, at))
            if log == "outbox":
                self._scrub_task(raw, finder)

    def _scrub_records(self, start: int, end: int, finder: Finder) -> None:
        """The log's own events, and what placement noted beside those of the inbox.

        Of an event of theirs that is their name, of a group who owns it and who is in it.
        """
        rows = self.sql(
            'SELECT e."offset", e.raw, e.place, i.raw FROM estate_events e LEFT JOIN inbox i '
            'ON i."offset" = e.inbox_offset WHERE e."offset" >= ? AND e."offset" < ? '
            "AND (e.place IS NOT NULL OR e.raw IS NOT NULL)", (start, end)).all()
        for at, raw, place, event in rows:
            own = None if raw is None else self._without(raw, finder)
            if own != raw:
                self.sql('UPDATE estate_events SET raw = ? WHERE "offset" = ?', (own, at))
            if place is None:
                continue
            theirs = event is not None and REQUEST.encode() in self._without(event, finder)
            noted = None if theirs else _place_without(place, finder.members)
            if noted != place:
                self.sql('UPDATE estate_events SET place = ? WHERE "offset" = ?', (noted, at))

    def _without(self, raw: bytes, finder: Finder) -> bytes:
        for member_id in finder.members_in(raw):
            if (name := name_in(raw, member_id)) is not None:
                self.known[member_id] |= shown([name, called(name), called(name, Action.CHECK)], NAME_AT_MOST)
            raw = redacted(raw, member_id, self.known[member_id])
        return raw

    def _scrub_task(self, raw: bytes, finder: Finder) -> None:
        """The read model's row of a task that went out about one of them."""
        task_id = msgspec.json.decode(raw)["data"].get("task_id")
        body = self.sql("SELECT body FROM tasks WHERE task_id = ?", (task_id,)).scalar()
        if body is not None:
            self.sql("UPDATE tasks SET body = ? WHERE task_id = ?", (self._without(body, finder), task_id))


def _place_without(packed: bytes, members: Sequence[str]) -> bytes:
    """What placement noted, without these members: nobody owns the group, and they are not in it."""
    if not any(member_id.encode() in packed for member_id in members):
        return packed
    place = _unpack(packed)
    if place.group is None:
        return packed
    group = replace(
        place.group, owner_id=None if place.group.owner_id in members else place.group.owner_id,
        residents=tuple(one for one in place.group.residents or () if one.member_id not in members),
    )
    return _pack(replace(place, group=group))
