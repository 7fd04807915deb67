"""Opening the database, and its schema by Alembic: a SQLite file in WAL at synchronous=FULL, or PostgreSQL."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from schemas.errors import BadFile, DatabaseInUse, Unavailable
from streams.sql import lock

#: How long a connection waits for another writer, in seconds.
BUSY = 10.0
#: The revisions of the schema (streams/migrations/versions), and the newest of them.
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")
HEAD = REVISIONS[-1]
#: Tables by which a database of any revision is known as ours, newer ones too.
_OURS = frozenset({"inbox", "estate_events", "positions"})


#: How a PostgreSQL database is named; anything else is the path of a SQLite file.
POSTGRESQL = "postgresql"
#: How long a connection to a server may take, in seconds.
_CONNECT = 5


def is_server(database: Path | str) -> bool:
    """Whether it is the URL of a server, and not a file's path."""
    return "://" in str(database)


def shown(database: Path | str) -> str:
    """The database as it may be shown: a URL without its password."""
    return _url(str(database)).render_as_string(hide_password=True) if is_server(database) else str(database)


def open_database(database: Path | str, *, durable: bool = True, migrated: bool = True) -> Engine:
    """Open (and where needed create and migrate) a database: a SQLite file's path, or a PostgreSQL URL.

    `durable=False` is for a SQLite file that lives only as long as its command: nothing waits for the disk.
    `migrated=False` leaves the schema as it is.

    Raises:
        BadFile: when the URL is of something that we do not know.
        DatabaseInUse: when another process keeps it locked.
        Unavailable: when it cannot be opened or reached, or is not a database.
    """
    if is_server(database):
        return _open_server(str(database), migrated=migrated)
    return _open_file(database, durable=durable)


def _open_server(text: str, *, migrated: bool) -> Engine:
    engine = create_engine(
        _url(text), pool_pre_ping=True, pool_size=10, max_overflow=20,
        connect_args={"connect_timeout": _CONNECT, "application_name": "loupan"})
    try:
        if migrated:
            migrate(engine)
        else:
            engine.connect().close()
    except OperationalError as error:
        engine.dispose()
        reason = str(error.orig).strip().splitlines()[0].removeprefix("connection failed: ")
        raise Unavailable(
            f"{shown(text)} cannot be reached: {reason}; start it, or name another with --database") from error
    return engine


def _url(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise BadFile("--database", None, "is not a URL", f"write it as {_EXAMPLE}") from error
    if url.get_backend_name() != POSTGRESQL:
        raise BadFile("--database", None, f"{url.drivername} is not supported", f"name a SQLite file, or {_EXAMPLE}")
    return url.set(drivername="postgresql+psycopg")


_EXAMPLE = "postgresql+psycopg://user@host/name"


def _open_file(path: Path | str, *, durable: bool) -> Engine:
    url = "sqlite://" if str(path) == ":memory:" else f"sqlite:///{Path(path).absolute()}"
    if str(path) != ":memory:":
        Path(path).absolute().parent.mkdir(parents=True, exist_ok=True)
        _look_first(Path(path))
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


def _look_first(path: Path) -> None:
    """Refuse a file that isn't ours before our settings are written into it.

    Raises:
        Unavailable: when another program or a newer loupan made it, or it is no database.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return
    file = path.resolve()
    # Nobody has a log beside it open: read as it lies there, else SQLite would put one.
    still = "" if Path(f"{file}-wal").exists() else "&immutable=1"
    try:
        with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro{still}", uri=True)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone() if (
                "alembic_version" in tables and tables >= _OURS) else None
    except sqlite3.OperationalError:
        # Locked, or not to be read: said when it is opened.
        return
    except sqlite3.DatabaseError as error:
        raise Unavailable(f"{path} is not a loupan database: name another file with --database") from error
    if tables and found is None:
        raise Unavailable(
            f"{path} is not a loupan database (another program made it): name another file with --database")
    _refuse_newer(str(path), found and found[0])


def _refuse_newer(database: str, revision: str | None) -> None:
    if revision is not None and revision not in REVISIONS:
        raise Unavailable(
            f"{database} is from a newer loupan (revision {revision}): upgrade loupan, or name another with --database")


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
        # Of several processes that start at once, one migrates and the others find it done.
        lock(connection, "migrate")
        found = _revision(connection)
        if revision == HEAD and found == HEAD:
            return
        _refuse_newer(engine.url.render_as_string(hide_password=True), found)
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
