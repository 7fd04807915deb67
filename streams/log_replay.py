"""Replaying the log of estate-events: the truth, from which everything that went out follows again.

A recorded log has one record a line: the estate, the event and what placement noted beside it. What woke a campaign
stands in it, as an event of its own, so that nothing else tells the time. Whoever recorded it, on whatever driver: the
same lines give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct
from sqlalchemy import Connection, Engine

from agents.records import NOWHERE, EstateRecord, Place
from agents.world import World
from schemas.errors import BadEvent, BadFile
from schemas.events import AnyEvent, Woke
from schemas.tasks import GroupPlaced, MemberPlaced
from streams.effects import Effects, encode, logged_place
from streams.rows import StoredRows
from streams.sql import sql_of
from streams.topology import TOPOLOGY


class Logged(Struct, omit_defaults=True):
    """A line of a recorded log. `event` may be one that placement let out: it only goes out again."""

    estate_id: str
    event: AnyEvent | MemberPlaced | GroupPlaced
    place: Place = NOWHERE


class _Written(Struct, omit_defaults=True):
    estate_id: str
    event: Raw
    place: Place = NOWHERE


_decode = msgspec.json.Decoder(Logged).decode


def record_log(connection: Connection) -> Iterator[bytes]:
    """The log of a database, one record a line (without its end), in its settled order."""
    rows = sql_of(connection)(
        "SELECT e.estate_id, e.raw, i.raw, e.place FROM estate_events e LEFT JOIN inbox i "
        'ON i."offset" = e.inbox_offset ORDER BY e."offset"')
    for estate_id, own, raw, packed in rows:
        yield encode(_Written(estate_id, Raw(raw if own is None else own), logged_place(estate_id, own, packed)))


def replay_log(
    engine: Engine, world: World, lines: Iterable[tuple[int, Sequence[bytes]]], name: str
) -> tuple[int, int]:
    """Work the lines of a recorded log on a database of its own; how many were read, and how many were refused.

    Raises:
        BadFile: naming the line that is no record.
    """
    rows = StoredRows()
    read = refused = log_end = out_end = 0
    for number, part in lines:
        batch = Effects()
        with engine.begin() as connection:
            rows.attach(connection)
            for at, line in enumerate(part, number):
                if not line.strip():
                    continue
                read += 1
                refused += not _work(_read(line, name, at), rows, world, batch)
            batch.write(connection, (rows,), log_end=log_end, out_end=out_end)
        rows.committed()
        log_end += len(batch.log)
        out_end += batch.steps
    return read, refused


def _read(line: bytes, name: str, number: int) -> Logged:
    try:
        return _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        what = f"is no record of estate-events: {error}"
        raise BadFile(name, number, what, "loupan admin log writes them") from error


def _work(logged: Logged, rows: StoredRows, world: World, batch: Effects) -> bool:
    event: Any = logged.event
    if isinstance(event, MemberPlaced | GroupPlaced):
        batch.place(event, rows)
        return True
    try:
        turn = TOPOLOGY.steps[1].work(EstateRecord(logged.estate_id, event, logged.place), rows, world)
    except BadEvent:
        rows.undo()
        return False
    rows.keep()
    batch.enter(turn.estate_id, turn.place, None, encode(event) if isinstance(event, Woke) else None)
    batch.settle(turn, rows)
    return True
