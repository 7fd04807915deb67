"""Databases as they are when somebody has opened them once: made in the first test that asks, copied for the others.

How a database comes about, and how it is brought from one revision to the next, is tested in
tests/streams/test_database.py; elsewhere it would only be done again, several hundred times.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine

from streams.database import is_server, open_database


def opened(database: Path | str) -> Engine:
    """Open a database; a file that is not there yet gets its tables at once. No file waits for the disk."""
    if not is_server(database) and not Path(database).exists():
        Path(database).parent.mkdir(parents=True, exist_ok=True)
        Path(database).write_bytes(_empty())
    return open_database(database, durable=False)


@cache
def _empty() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder, "empty.db")
        # Whoever closes it last leaves the whole in one file.
        open_database(file, durable=False).dispose()
        return file.read_bytes()
