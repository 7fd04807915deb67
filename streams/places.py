"""Where each consumer stands: positions, advanced by compare-and-set.

A process remembers what it last stored. Whoever finds another number in the database than they remember has been
fenced off: somebody else works there now.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from schemas.errors import Fenced
from streams.sql import Find, Move, Put, Remove, sql_of
from streams.tables import positions

_put = Put(positions, "consumer", "next", ignore=True)
_find = Find(positions, ("consumer",), "next")
_move = Move(positions, "consumer", "next")
_forget = Remove(positions, "consumer", "next")

#: The ends of the log of estate-events, of the outbox and of the inbox: whoever takes numbers there is alone until
#: their transaction ends, so that nothing with a lower number is ever committed later.
LOG, OUT, INBOX = "log", "outbox", "inbox"


def consumer(step: str, topic: str, partition: int) -> str:
    """The name under which a step's position in a partition is kept."""
    return f"{step}/{topic}/{partition}"


def load(connection: Connection, first: Mapping[str, int]) -> dict[str, int]:
    """Where these consumers stand; one that is new stands where `first` has it."""
    _put(connection, list(first.items()))
    return {str(name): int(at) for name, at in _find(connection, [(name,) for name in first])}


def below(connection: Connection, prefix: str) -> dict[str, int]:
    """The positions whose names begin with a prefix."""
    rows = sql_of(connection)(
        "SELECT consumer, next FROM positions WHERE substr(consumer, 1, ?) = ?", (len(prefix), prefix))
    return {str(name): int(at) for name, at in rows}


def advance(connection: Connection, before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """Move every name of `after` on from where it stood before.

    Raises:
        Fenced: when one of them stood elsewhere.
    """
    new = [(name, 0) for name in after if name not in before]
    _put(connection, new)
    moves = [(name, before.get(name, 0), at) for name, at in after.items()]
    if moves and _move(connection, moves) != len(moves):
        raise Fenced(f"another worker has moved one of {', '.join(sorted(after))} on")


def forget(connection: Connection, name: str, before: int) -> None:
    """Take away the position of a consumer that has nothing more to do.

    Raises:
        Fenced: when it stands elsewhere than `before`.
    """
    if _forget(connection, [(name, before)]) != 1:
        raise Fenced(f"another process has moved {name} on")


def begin(connection: Connection) -> None:
    """Let the ends begin where their tables end, where they have not been taken from yet."""
    sql = sql_of(connection)
    for end, table in ((LOG, "estate_events"), (OUT, "outbox"), (INBOX, "inbox")):
        sql(
            f'INSERT INTO positions (consumer, next) SELECT ?, coalesce(max("offset"), 0) FROM {table} '
            "WHERE true ON CONFLICT DO NOTHING", (end,))


def take(connection: Connection, end: str, count: int) -> int:
    """Take the next `count` numbers of an end, until this transaction ends for it alone; gives the last one before."""
    after = sql_of(connection)(
        "UPDATE positions SET next = next + ? WHERE consumer = ? RETURNING next", (count, end)).scalar_one()
    return int(after) - count
