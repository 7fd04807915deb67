"""Whose turn it is with a key: several workers place events of one group, one person or one order.

Placement is spread over the partitions of four topics, and they are keyed differently: an order names a group that
its own partition does not own. So the keys of a batch are locked in the database before their rows are read, and a
row whose key is not locked is not given out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection

from agents.rows import Address
from agents.state import PERSON, TASK_HOME
from streams.rows import StoredRows


class Unlocked(Exception):
    """A row was asked for whose key is not locked: lock it too, and begin again."""

    def __init__(self, key: str, *, person: bool) -> None:
        super().__init__(key)
        self.key, self.person = key, person


class Keys:
    """The keys that a batch locks: of groups and orders, and of people."""

    def __init__(self) -> None:
        self.places: set[str] = set()
        self.people: set[str] = set()

    def add(self, addresses: Iterable[Address]) -> None:
        """Lock the keys of these rows."""
        for _, key, kind, _ in addresses:
            (self.people if kind == PERSON else self.places).add(key)

    def lock(self, connection: Connection) -> None:
        """Lock them until the transaction ends; whoever else wants one of them waits.

        Always in the same order, places first: no two workers can wait for each other.
        """
        _lock(connection, [*sorted(map(_number, self.places)), *sorted(map(_number, self.people))])

    def lock_people(self, connection: Connection, people: Iterable[str]) -> bool:
        """Lock these people, too; False where some are locked already, whom these would have to come before."""
        wanted = set(people) - self.people
        begun = bool(self.people)
        self.people |= wanted
        if wanted and not begun:
            _lock(connection, sorted(map(_number, wanted)))
        return not (wanted and begun)


def _lock(connection: Connection, numbers: list[int]) -> None:
    if numbers:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(k) FROM unnest(%s::int8[]) k", (numbers,))


def _number(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), signed=True)


class LockedRows(StoredRows):
    """Rows of which only those are given out whose keys are locked.

    Which estate a task is of never changes once it is written: that needs no lock.
    """

    def __init__(self, keys: Keys) -> None:
        super().__init__()
        self._places, self._people = keys.places, keys.people

    def _begin(self) -> None:
        super()._begin()
        self._found, self.get = self.get, self._given

    def _given(self, address: Address) -> Any:
        """The row at the address, or None.

        Raises:
            Unlocked: when its key is not locked.
        """
        _, key, kind, _ = address
        if kind != TASK_HOME and key not in (self._people if kind == PERSON else self._places):
            raise Unlocked(key, person=kind == PERSON)
        return self._found(address)

    def scan(self, step: int, key: str, kind: int) -> Iterator[tuple[str, Any]]:
        """Every row of one kind under one key, ordered by sub.

        Raises:
            Unlocked: when the key is not locked.
        """
        if key not in self._places:
            raise Unlocked(key, person=False)
        return super().scan(step, key, kind)
