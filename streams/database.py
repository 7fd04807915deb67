"""Opening the database: SQLite in WAL at synchronous=FULL, and its schema by Alembic."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.exc import OperationalError

from schemas.errors import DatabaseInUse, Unavailable

#: How long a connection waits for another writer, in seconds.
BUSY = 10.0
#: The newest revision of the schema (streams/migrations/versions).
HEAD = "0001"


def open_database(path: Path | str, *, durable: bool = True) -> Engine:
    """Open (and where needed create and migrate) a SQLite database.

    `durable=False` is for a database that lives only as long as its command: nothing waits for the disk.

    Raises:
        DatabaseInUse: when another process keeps it locked.
        Unavailable: when it cannot be opened, or is not a database.
    """
    url = "sqlite://" if str(path) == ":memory:" else f"sqlite:///{Path(path).absolute()}"
    if str(path) != ":memory:":
        Path(path).absolute().parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY, "check_same_thread": False})
    event.listen(engine, "connect", _set_up)
    if not durable:
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    event.listen(engine, "begin", _begin)
    try:
        migrate(engine)
    except OperationalError as error:
        engine.dispose()
        raise _said(path, error) from error
    except Exception as error:
        engine.dispose()
        if isinstance(error.__cause__, sqlite3.DatabaseError) or "not a database" in str(error):
            raise Unavailable(f"{path} is not a loupan database: name another file with --database") from error
        raise
    return engine


def _said(path: Path | str, error: OperationalError) -> Unavailable:
    text = str(error.orig)
    if "locked" in text or "busy" in text:
        return DatabaseInUse(f"{path} is in use by another process: stop it, or name another file with --database")
    if "already exists" in text:
        return Unavailable(f"{path} is not a loupan database: another program made it ({text})")
    return Unavailable(f"{path} cannot be opened: {text}")


def _set_up(connection: Any, _: Any) -> None:
    # The driver's own transactions are off: ours begin where we say, at once as writers (see `_begin`).
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536",
                   "wal_autocheckpoint=4000", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Any) -> None:
    # A reader that says so takes no write lock; everybody else does at once, so that no two writers meet half-way.
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def migrate(engine: Engine, revision: str = HEAD) -> None:
    """Bring the schema up to `revision` (Alembic); nothing is done where it is there already."""
    with engine.begin() as connection:
        if revision == HEAD and _revision(connection) == HEAD:
            return
        # Alembic is heavy, and most commands find the schema as it should be.
        from alembic import command  # noqa: PLC0415  # see above
        from alembic.config import Config  # noqa: PLC0415  # as above

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def _revision(connection: Connection) -> str | None:
    """The revision that the schema is at; None before the first."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
