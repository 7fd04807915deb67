"""Opening the database: its settings, its schema, and what is said when it cannot be had."""

import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from sqlalchemy.exc import OperationalError

from schemas.errors import DatabaseInUse, Unavailable
from streams import database
from streams.database import open_database
from streams.tables import metadata


@pytest.fixture
def path(tmp_path):
    return tmp_path / "loupan.db"


@pytest.fixture
def engine(path):
    engine = open_database(path)
    yield engine
    engine.dispose()


def pragma(engine, name: str) -> object:
    with engine.connect().execution_options(reading=True) as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


def test_it_is_a_write_ahead_log_at_full_durability(engine):
    assert pragma(engine, "journal_mode") == "wal"
    assert pragma(engine, "synchronous") == 2
    assert pragma(engine, "foreign_keys") == 1


def test_a_database_that_lives_as_long_as_its_command_waits_for_no_disk(path):
    engine = open_database(path, durable=False)
    assert pragma(engine, "synchronous") == 0
    engine.dispose()


def test_the_migrations_build_the_tables_that_the_program_uses(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_state_is_clustered_by_its_key(engine):
    with engine.connect() as connection:
        made = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'state'").scalar_one()
    assert "WITHOUT ROWID" in made


def test_opening_again_changes_nothing(path):
    open_database(path).dispose()
    before = dump(path)
    open_database(path).dispose()
    assert dump(path) == before


def dump(path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def test_the_folder_of_a_new_database_is_made(tmp_path):
    engine = open_database(tmp_path / "a" / "b" / "loupan.db")
    assert set(inspect(engine).get_table_names()) >= set(metadata.tables)
    engine.dispose()


def test_a_writer_is_one_from_its_first_statement_on(engine):
    with engine.begin() as one:
        one.exec_driver_sql("PRAGMA busy_timeout=0")
        with engine.connect() as other:
            other.connection.driver_connection.execute("PRAGMA busy_timeout=0")
            with pytest.raises(OperationalError, match="locked"):
                other.begin()


def test_a_reader_neither_waits_for_a_writer_nor_sees_what_is_not_committed(engine):
    with engine.begin() as writer:
        writer.exec_driver_sql("INSERT INTO meta (name, value) VALUES ('a', '1')")
        with engine.connect().execution_options(reading=True) as reader:
            assert reader.exec_driver_sql("SELECT count(*) FROM meta").scalar_one() == 0
    with engine.connect().execution_options(reading=True) as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM meta").scalar_one() == 1


def test_what_raises_in_a_transaction_leaves_nothing_of_it(engine):
    def fail() -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO meta (name, value) VALUES ('a', '1')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with engine.connect().execution_options(reading=True) as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM meta").scalar_one() == 0


def test_two_threads_that_write_wait_for_each_other(engine):
    def write(name: str) -> None:
        for number in range(20):
            with engine.begin() as connection:
                seen = connection.exec_driver_sql("SELECT count(*) FROM meta").scalar_one()
                row = f"{name}{number}", str(seen)
                connection.exec_driver_sql("INSERT INTO meta (name, value) VALUES (?, ?)", row)

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect().execution_options(reading=True) as reader:
        seen = sorted(int(value) for (value,) in reader.exec_driver_sql("SELECT value FROM meta"))
    assert seen == list(range(40))


def test_a_database_that_another_process_keeps_locked_is_said_to_be_in_use(path, monkeypatch):
    monkeypatch.setattr(database, "BUSY", 0.01)
    open_database(path).dispose()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(DatabaseInUse, match=r"in use by another process.*--database"):
            open_database(path)
    finally:
        holder.close()


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(path):
    path.write_bytes(b"estate_id,name\n" * 200)
    with pytest.raises(Unavailable, match="not a loupan database"):
        open_database(path)
    assert path.read_bytes() == b"estate_id,name\n" * 200


def test_a_database_of_a_newer_loupan_is_refused_in_a_sentence(path):
    open_database(path).dispose()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    before = dump(path)
    with pytest.raises(Unavailable, match=r"is from a newer loupan \(revision 9999\): upgrade loupan, or name another"):
        open_database(path)
    assert dump(path) == before


def test_the_revisions_that_are_known_are_those_of_the_migrations():
    names = sorted(path.name[:4] for path in (Path(database.__file__).parent / "migrations/versions").glob("0*.py"))
    assert list(database.REVISIONS) == names


def test_a_folder_in_the_place_of_the_database_is_said(tmp_path):
    with pytest.raises(Unavailable, match="cannot be opened"):
        open_database(tmp_path)


@pytest.mark.parametrize("journal", ["delete", "wal"])
@pytest.mark.parametrize("table", ["tasks", "events", "alembic_version"])
def test_a_database_of_somebody_else_is_refused_and_left_as_it_is(path, table, journal):
    connection = sqlite3.connect(path)
    connection.execute(f"CREATE TABLE {table} (id INTEGER)")
    connection.execute(f"PRAGMA journal_mode={journal}")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(Unavailable, match="not a loupan database"):
        open_database(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]
