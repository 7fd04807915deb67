"""Statements over many rows, each in its database's own fastest form.

SQLite takes a list of rows (`executemany`), PostgreSQL arrays through `unnest`: one statement and one answer for
a whole batch. A statement is written once, and says what it does, not how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, SmallInteger, String, Table
from sqlalchemy.exc import DBAPIError

Rows = Sequence[tuple[Any, ...]]
#: Rows that SQLite looks up by one statement: it takes at most 32,766 values in one.
_AT_ONCE = 500
#: Fewer rows are not worth a COPY.
_FEW = 8


def sql_of(connection: Connection) -> Callable[..., Any]:
    """Executes a statement with `?` in the places of its values, whichever database it is."""
    if connection.dialect.name == "sqlite":
        return connection.exec_driver_sql
    return partial(_execute, connection)


def _execute(connection: Connection, statement: str, parameters: Any = None) -> Any:
    return connection.exec_driver_sql(placed(statement), parameters)


@cache
def placed(statement: str) -> str:
    """The statement with PostgreSQL's places for values; none of ours has a question or percent mark in a text."""
    return statement.replace("?", "%s")


class Put:
    """Writes rows into a table; with `update`, those columns of a row that is there already.

    No key may stand twice among the rows of one call. PostgreSQL copies rows that are all new, which costs it less
    than arrays.
    """

    def __init__(self, table: Table, *columns: str, update: Sequence[str] = (), ignore: bool = False) -> None:
        self.columns = [table.c[name] for name in columns]
        self._into = f"INSERT INTO {table.name} ({_quoted(columns)})"
        keys = _quoted(column.name for column in table.primary_key.columns)
        self._conflict = " ON CONFLICT DO NOTHING" if ignore else ""
        if update:
            sets = ", ".join(f'"{name}" = excluded."{name}"' for name in update)
            self._conflict = f" ON CONFLICT ({keys}) DO UPDATE SET {sets}"
        self._marks = ", ".join("?" * len(columns))
        self.copy = f"COPY {table.name} ({_quoted(columns)}) FROM STDIN (FORMAT BINARY)"
        self.types = [_type(column) for column in self.columns]

    def __call__(self, connection: Connection, rows: Rows) -> None:
        """Write the rows, in the caller's transaction."""
        if not rows:
            return
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"{self._into} VALUES ({self._marks}){self._conflict}", list(rows))
        elif self._conflict or len(rows) < _FEW:
            connection.exec_driver_sql(
                f"{self._into} SELECT * FROM {_unnest(self.columns)} u{self._conflict}", _turned(rows))
        else:
            self.copy_in(connection, rows)

    def copy_in(self, connection: Connection, rows: Rows) -> None:
        """Copy rows that are all new into PostgreSQL's table, in the caller's transaction."""
        driver: Any = connection.connection.driver_connection
        with _ours(connection, self.copy), driver.cursor() as cursor, cursor.copy(self.copy) as copy:
            copy.set_types(self.types)
            write = copy.write_row
            for row in rows:
                write(row)


class Remove:
    """Removes the rows of these keys."""

    def __init__(self, table: Table, *keys: str) -> None:
        self.keys = [table.c[name] for name in keys]
        self._from = f"DELETE FROM {table.name}"
        self._table, self._names = table.name, keys

    def __call__(self, connection: Connection, rows: Rows) -> int:
        """Remove them, in the caller's transaction; how many there were."""
        if not rows:
            return 0
        if connection.dialect.name == "sqlite":
            where = " AND ".join(f'"{name}" = ?' for name in self._names)
            return connection.exec_driver_sql(f"{self._from} WHERE {where}", list(rows)).rowcount
        where = " AND ".join(f'{self._table}."{name}" = u."{name}"' for name in self._names)
        return connection.exec_driver_sql(
            f"{self._from} USING {_unnest(self.keys)} {_named(self.keys)} WHERE {where}", _turned(rows)).rowcount


class Move:
    """Compare and set: one column of the rows of these keys, where it still has its old value."""

    def __init__(self, table: Table, key: str, column: str) -> None:
        self._columns = [table.c[key], table.c[column], table.c[column]]
        self._table, self._key, self._column = table.name, key, column

    def __call__(self, connection: Connection, rows: Rows) -> int:
        """Move (key, old, new); how many still had their old value. In the order of the keys: no two callers block."""
        rows = sorted(rows)
        if connection.dialect.name == "sqlite":
            column, key = f'"{self._column}"', f'"{self._key}"'
            statement = f"UPDATE {self._table} SET {column} = ? WHERE {key} = ? AND {column} = ?"
            return sum(
                connection.exec_driver_sql(statement, (new, name, old)).rowcount for name, old, new in rows)
        # Rows are locked in this order before any is changed: an UPDATE alone would lock them in the plan's.
        connection.exec_driver_sql(
            f'SELECT 1 FROM {self._table} WHERE "{self._key}" = ANY(%s) ORDER BY "{self._key}" FOR UPDATE',
            ([key for key, _, _ in rows],))
        return connection.exec_driver_sql(
            f'UPDATE {self._table} t SET "{self._column}" = u.after '
            f"FROM {_unnest(self._columns)} u(name, before, after) "
            f'WHERE t."{self._key}" = u.name AND t."{self._column}" = u.before', _turned(rows)).rowcount


class Find:
    """Looks up the rows of many keys: gives key and columns of those that there are."""

    def __init__(self, table: Table, keys: Sequence[str], *columns: str) -> None:
        self.keys = [table.c[name] for name in keys]
        self._names = _quoted(keys)
        shown = ", ".join(f't."{name}"' for name in (*keys, *columns))
        on = " AND ".join(f't."{name}" = w."{name}"' for name in keys)
        self._sqlite = f"SELECT {shown} FROM wanted w CROSS JOIN {table.name} t ON {on}"
        wanted = f"{_unnest(self.keys)} {_named(self.keys, 'w')}"
        self._postgresql = f"SELECT {shown} FROM {wanted} JOIN {table.name} t ON {on}"
        self._marks = f"({', '.join('?' * len(keys))})"

    def __call__(self, connection: Connection, keys: Rows) -> Iterator[tuple[Any, ...]]:
        """The rows, in no order."""
        # Straight through the driver: a row costs 4 µs there, and 40 through SQLAlchemy's result.
        driver: Any = connection.connection.driver_connection
        with _ours(connection, self._postgresql):
            if connection.dialect.name == "sqlite":
                for start in range(0, len(keys), _AT_ONCE):
                    part = keys[start:start + _AT_ONCE]
                    values = ", ".join([self._marks] * len(part))
                    yield from driver.execute(
                        f"WITH wanted ({self._names}) AS (VALUES {values}) {self._sqlite}",
                        tuple(value for key in part for value in key))
            elif keys:
                yield from driver.execute(self._postgresql, _turned(keys), binary=True)


def one_by_one(connection: Connection, statement: str) -> Callable[[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """A statement for single rows, straight through the driver."""
    driver: Any = connection.connection.driver_connection
    wrong = connection.dialect.loaded_dbapi.Error
    execute = (
        partial(driver.execute, statement) if connection.dialect.name == "sqlite"
        else partial(driver.execute, placed(statement), binary=True))

    def ask(values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            return execute(values).fetchall()  # type: ignore[no-any-return]  # the driver has no types
        except wrong as error:
            raise _as_ours(connection, statement, error) from error

    return ask


@contextmanager
def _ours(connection: Connection, statement: str) -> Iterator[None]:
    """What the driver raises, as SQLAlchemy raises it: whoever waits for that must not miss it."""
    try:
        yield
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_ours(connection, statement, error) from error


def _as_ours(connection: Connection, statement: str, error: Exception) -> BaseException:
    dialect = connection.dialect
    return DBAPIError.instance(statement, None, error, dialect.loaded_dbapi.Error, dialect=dialect)


def lock(connection: Connection, what: str) -> None:
    """Let nobody else pass here until this transaction ends. SQLite's writers are alone already."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (what,))


#: What PostgreSQL calls the types (a `BigInteger` is an `Integer` to SQLAlchemy; `Offset` is one there, too).
_TYPES = ((SmallInteger, "int2"), (BigInteger, "int8"), (Integer, "int4"), (LargeBinary, "bytea"), (String, "text"))


def _type(column: Column[Any]) -> str:
    return next(name for kind, name in _TYPES if isinstance(column.type, kind))


def _unnest(columns: Sequence[Column[Any]]) -> str:
    return f"unnest({', '.join(f'%b::{_type(column)}[]' for column in columns)})"


def _named(columns: Sequence[Column[Any]], name: str = "u") -> str:
    return f"{name}({_quoted(column.name for column in columns)})"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _turned(rows: Rows) -> tuple[list[Any], ...]:
    """Columns instead of rows."""
    return tuple(list(column) for column in zip(*rows, strict=True))
