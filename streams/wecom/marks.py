"""What WeCom has said that there is to fetch: put by the gateway, taken by the commands that fetch it.

A mark is the archive's or a group's. `due` says since when (Unix milliseconds) somebody should fetch it, `seen` and
`digest` what was fetched last. No member's name stands here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from streams.sql import Find, Put, sql_of
from streams.tables import wecom_marks

#: The name of the archive's mark; every other is the id of a group.
ARCHIVE = "archive"

_put_due = Put(wecom_marks, "name", "due", update=("due",))
_put_seen = Put(wecom_marks, "name", "seen", "digest", update=("seen", "digest"))
_find = Find(wecom_marks, ("name",), "due", "seen", "digest")


class Mark(NamedTuple):
    """What is known of something that is fetched."""

    name: str
    due: int | None = None
    seen: int | None = None
    digest: str | None = None


def put_due(connection: Connection, names: Sequence[str], at: int) -> None:
    """These are to be fetched."""
    _put_due(connection, [(name, at) for name in sorted(set(names))])


def mark_of(connection: Connection, name: str) -> Mark:
    """What is known of one."""
    return next((Mark(*row) for row in _find(connection, [(name,)])), Mark(name))


def due_chats(connection: Connection, until: int) -> list[str]:
    """The groups of which it was said by `until` (Unix milliseconds) that they changed, the longest waiting first."""
    rows = sql_of(connection)(
        "SELECT name FROM wecom_marks WHERE due <= ? AND name <> ? ORDER BY due, name", (until, ARCHIVE))
    return [str(name) for (name,) in rows]


def fetched(connection: Connection, mark: Mark, seen: int | None = None, digest: str | None = None) -> None:
    """It was fetched, as `mark` had it; what has been said since then stays to be done."""
    _put_seen(connection, [(mark.name, seen, digest)])
    if mark.due is not None:
        sql_of(connection)(
            "UPDATE wecom_marks SET due = NULL WHERE name = ? AND due = ?", (mark.name, mark.due))
