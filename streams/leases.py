"""Leases: what only one process does at a time, for as long as it says that it lives."""

from __future__ import annotations

from sqlalchemy import Connection

from streams.sql import Put, sql_of
from streams.tables import leases

_put = Put(leases, "name", "holder", "until", ignore=True)


def take(connection: Connection, name: str, holder: str, now: int, until: int) -> bool:
    """Take a lease, or keep it, where nobody else holds it now; times in Unix milliseconds."""
    _put(connection, [(name, holder, 0)])
    taken = sql_of(connection)(
        "UPDATE leases SET holder = ?, until = ? WHERE name = ? AND (holder = ? OR until < ?)",
        (holder, until, name, holder, now))
    return bool(taken.rowcount)


def held(connection: Connection, name: str, holder: str) -> tuple[bool, int]:
    """Whether a lease is the holder's, and until when it is anybody's; nobody's is until 0."""
    row = sql_of(connection)("SELECT holder, until FROM leases WHERE name = ?", (name,)).one_or_none()
    return (False, 0) if row is None else (row[0] == holder, int(row[1]))


def give_back(connection: Connection, name: str, holder: str) -> None:
    """Let somebody else have it at once."""
    sql_of(connection)("UPDATE leases SET until = 0 WHERE name = ? AND holder = ?", (name, holder))
