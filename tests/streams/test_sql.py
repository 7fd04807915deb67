"""The statements over many rows do the same on either database."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from schemas.errors import Fenced
from streams import places
from streams.sql import Find, Put, Remove, one_by_one, sql_of
from streams.tables import inbox, positions, state
from tests.databases import opened

KEY = ("step", "key", "kind", "sub")
put = Put(state, *KEY, "value", update=("value",))
put_inbox = Put(inbox, "offset", "source", "id", "raw")
find = Find(state, KEY, "value")
remove = Remove(state, *KEY)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Engine]:
    database = tmp_path / "x.db" if request.param == "sqlite" else request.getfixturevalue("database_url")
    engine = opened(database)
    yield engine
    engine.dispose()


def rows(count: int, value: bytes = b"\x00\xff") -> list[tuple[Any, ...]]:
    return [(1, f"g{number} \"'\\,{{}}", 2, "张三", value) for number in range(count)]


@pytest.mark.parametrize("count", [1, 7, 2000])
def test_rows_are_written_found_and_removed(engine, count):
    with engine.begin() as connection:
        put(connection, rows(count))
        put(connection, rows(count, b"after"))
        keys = [row[:4] for row in rows(count)]
        assert sorted(find(connection, [*keys, (1, "not there", 2, "")])) == sorted(rows(count, b"after"))
        assert remove(connection, [*keys[: count // 2], (9, "not there", 9, "")]) == count // 2
        assert len(list(find(connection, keys))) == count - count // 2


@pytest.mark.parametrize("count", [1, 500])
def test_new_rows_that_are_there_already_are_refused_whole(engine, count):
    new = [(number, "s", f"id-{number}", b"{}") for number in range(1, count + 1)]
    with engine.begin() as connection:
        put_inbox(connection, new)
    with pytest.raises(IntegrityError), engine.begin() as connection:
        put_inbox(connection, [(9001, "s", "new", b"{}"), *((9001 + row[0], *row[1:]) for row in new)])
    with engine.connect() as connection:
        assert sql_of(connection)("SELECT count(*) FROM inbox").scalar_one() == count


def test_no_rows_are_no_statement(engine):
    with engine.begin() as connection:
        put(connection, [])
        assert remove(connection, []) == 0
        assert list(find(connection, [])) == []


def test_what_the_driver_raises_is_raised_as_sqlalchemy_does(engine):
    with engine.connect() as connection, pytest.raises(DBAPIError):
        one_by_one(connection, "SELECT nothing FROM nowhere WHERE x = ?")((1,))


def test_positions_move_on_from_where_they_were_and_from_nowhere_else(engine):
    with engine.begin() as connection:
        before = places.load(connection, {"a/1": 0, "a/2": 5})
        places.advance(connection, before, {"a/1": 3, "a/2": 6, "a/3": 1})
    with engine.begin() as connection:
        assert places.below(connection, "a/") == {"a/1": 3, "a/2": 6, "a/3": 1}
    with pytest.raises(Fenced), engine.begin() as connection:
        places.advance(connection, {"a/1": 3, "a/2": 5}, {"a/1": 4, "a/2": 7})
    with engine.connect() as connection:
        assert places.below(connection, "a/")["a/1"] == 3


def test_the_numbers_of_an_end_are_given_once_and_without_a_hole(engine):
    with engine.begin() as connection:
        places.begin(connection)
        assert places.take(connection, places.OUT, 3) == 0
        assert places.take(connection, places.OUT, 1) == 3
    with engine.connect() as connection:
        places.take(connection, places.OUT, 10)
        connection.rollback()
    with engine.begin() as connection:
        assert places.take(connection, places.OUT, 1) == 4


def test_ends_begin_where_their_tables_end(engine):
    with engine.begin() as connection:
        put_inbox(connection, [(17, "s", "id", b"{}")])
        places.begin(connection)
        assert sql_of(connection)("SELECT next FROM positions WHERE consumer = 'inbox'").scalar_one() == 17


def test_every_column_that_is_written_has_a_type_in_postgresql():
    assert put.types == ["int2", "text", "int2", "text", "bytea"]
    assert Put(positions, "consumer", "next").types == ["text", "int8"]
    assert put_inbox.types[0] == "int8"
