"""The peer of the main run: a bare SQLite transaction that writes the very same rows.

A first run of the pipeline is listened to, statement by statement; the peer then executes what it wrote, with
nothing but Python's `sqlite3`, in the same transactions, at the same durability.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

_WRITES = ("INSERT", "UPDATE", "DELETE")


@dataclass(slots=True)
class Recording:
    """The writes of a run: transactions of (statement, rows)."""

    transactions: list[list[tuple[str, list[Any]]]] = field(default_factory=list)
    _open: list[tuple[str, list[Any]]] = field(default_factory=list)

    def listen(self, engine: Engine) -> None:
        """Write down every write that goes through the engine, from now on."""
        event.listen(engine, "before_cursor_execute", self._executed)
        event.listen(engine, "commit", self._committed)
        event.listen(engine, "rollback", self._rolled_back)

    def _executed(self, _c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if statement.startswith(_WRITES):
            self._open.append((statement, list(parameters) if many else [parameters]))

    def _committed(self, _connection: Any) -> None:
        if self._open:
            self.transactions.append(self._open)
            self._open = []

    def _rolled_back(self, _connection: Any) -> None:
        self._open = []

    @property
    def rows(self) -> int:
        """How many rows were written."""
        return sum(len(rows) for transaction in self.transactions for _, rows in transaction)


def write_bare(recording: Recording, database: Path) -> float:
    """Execute the recorded writes on a migrated, empty database; gives the seconds that it took."""
    connection = sqlite3.connect(database, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "wal_autocheckpoint=4000"):
        connection.execute(f"PRAGMA {pragma}")
    begin = time.perf_counter()
    for transaction in recording.transactions:
        connection.execute("BEGIN IMMEDIATE")
        for statement, rows in transaction:
            connection.executemany(statement, rows)
        connection.execute("COMMIT")
    seconds = time.perf_counter() - begin
    connection.close()
    return seconds
