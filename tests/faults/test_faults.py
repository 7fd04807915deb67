"""Everything dies, at any time, on real servers: nothing is lost, nothing doubled, and nobody has to lend a hand.

They take minutes, so that they run where LOUPAN_FAULTS says how often each fault is to happen (times its usual count).
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from tests.assignments import shared_out
from tests.faults.field import PARTITIONS, Field, repeated

RATE = 250.0


@pytest.fixture(scope="module")
def times() -> int:
    times = int(os.environ.get("LOUPAN_FAULTS", "0"))
    if not times:
        pytest.skip("faults on real servers take minutes: make faults runs them")
    return times


@pytest.fixture
def field(times: int, private_kafka: Any, private_postgres: Any, tmp_path: Path) -> Iterator[Field]:
    kafka, postgres = private_kafka(), private_postgres()
    field = Field(kafka.address, postgres.new_database(), tmp_path)
    field.kafka, field.postgres = kafka, postgres  # type: ignore[attr-defined]  # for whoever breaks them
    try:
        yield field
    finally:
        field.close()


def worked(field: Field, *names: str) -> Field:
    """Two workers under load, who have found their partitions."""
    for name in names or ("one", "two"):
        field.start(name)
    field.load(RATE)
    # No fault yet: a machine with much to do takes its time.
    end = time.monotonic() + 180
    while field._state()["worked"] < 500:
        assert time.monotonic() < end, field.logs()
        time.sleep(0.3)
    return field


def books(field: Field) -> None:
    """The load ends, everything is worked, and the books are right."""
    field.quiet()
    field.settle()
    found = field.check()
    assert found["events"] > 1000
    assert found["out"] > 100


def test_workers_that_are_killed_lose_nothing_and_double_nothing(field, times):
    worked(field)
    rng = random.Random(1)

    def fault(number: int) -> None:
        name = ("one", "two")[number % 2]
        field.kill(name)
        field.start(name)
        time.sleep(rng.uniform(0, 2))

    repeated(20 * times, 1.5, fault)
    books(field)


def test_workers_that_come_and_go_lose_nothing_and_double_nothing(field, times):
    worked(field)

    def fault(number: int) -> None:
        if number % 2:
            field.kill("three", signal.SIGTERM)
            del field.workers["three"]
        else:
            field.start("three", static=False)
        field.keep_up()

    repeated(20 * times, 3.0, fault)
    books(field)


def test_database_connections_that_are_cut_lose_nothing_and_double_nothing(field, times):
    worked(field)
    rng = random.Random(2)
    cutter = create_engine(field.database, isolation_level="AUTOCOMMIT")
    cut = 0
    with cutter.connect() as connection:
        while cut < 40 * times:
            # In the middle of something, by preference.
            victims = connection.exec_driver_sql(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'loupan' AND datname = current_database() "
                "AND state <> 'idle'").scalars().all()
            if victims:
                cut += connection.exec_driver_sql(
                    "SELECT count(*) FROM (SELECT pg_terminate_backend(%s) gone) t WHERE gone",
                    (rng.choice(victims),)).scalar_one()
            time.sleep(rng.uniform(0.01, 0.4))
    cutter.dispose()
    books(field)


def test_servers_that_are_killed_and_come_back_are_gone_on_with(field, times):
    worked(field)

    def fault(number: int) -> None:
        server = (field.kafka, field.postgres)[number % 2]
        server.kill()
        time.sleep(1)
        server.start()
        time.sleep(3)
        field.keep_up()

    # Five times the broker, three times the database.
    repeated(6 * times, 1.0, fault)
    repeated(2 * times, 1.0, lambda _: fault(0))
    books(field)


def test_a_broker_that_hangs_is_waited_for(field, times):
    worked(field)

    def fault(_: int) -> None:
        field.kafka.pause()
        time.sleep(30)
        field.kafka.resume()
        time.sleep(5)
        field.keep_up()

    repeated(times, 1.0, fault)
    books(field)


def test_a_zombie_writes_nothing_more(field, times):
    worked(field)

    def fault(number: int) -> None:
        name = ("one", "two")[number % 2]
        field.kill(name, signal.SIGSTOP)
        # Past its session: its partitions are worked by the other one meanwhile.
        time.sleep(9)
        field.kill(name, signal.SIGCONT)
        time.sleep(3)
        field.keep_up()

    repeated(2 * times, 1.0, fault)
    books(field)


def test_a_database_that_fails_while_nothing_comes_in_stops_no_clock(field):
    worked(field)
    field.quiet()
    field.settle()
    for name in ("one", "two"):
        field.kill(name, signal.SIGTERM)
    # All estates are due in a while, when the database will be gone: only so does the clock find out.
    with field.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE wakes SET due = %s", (int((time.time() + 45) * 1_000_000),))
    for name in ("one", "two"):
        # What the life before said is not to be taken for what this one says.
        (field.folder / f"{name}.log").write_text("")
        field.start(name)
    # A worker that loses its database while it takes partitions over has no clock yet: both have all of theirs first.
    _until(field, lambda: shared_out(_logs(field), PARTITIONS))
    field.postgres.kill()
    _until(field, lambda: all("worker.clock" in log.read_text() for log in _logs(field)))
    for name in ("one", "two"):
        field.kill(name, signal.SIGSTOP)
    field.postgres.start()
    field.engine.dispose()
    woken = _woken(field)
    with field.engine.begin() as connection:
        due = connection.exec_driver_sql("UPDATE wakes SET due = 1").rowcount
    for name in ("one", "two"):
        field.kill(name, signal.SIGCONT)
    assert due > 10
    end = time.monotonic() + 30
    while _woken(field) < woken + due:
        assert time.monotonic() < end, field.logs()
        time.sleep(0.3)
    assert [worker.poll() for worker in field.workers.values()] == [None, None]


def _until(field: Field, what: Callable[[], bool]) -> None:
    end = time.monotonic() + 90
    while not what():
        assert time.monotonic() < end, field.logs()
        time.sleep(0.1)


def _logs(field: Field) -> list[Path]:
    return [field.folder / f"{name}.log" for name in ("one", "two")]


def _woken(field: Field) -> int:
    with field.engine.connect() as connection:
        return int(connection.exec_driver_sql(
            "SELECT count(*) FROM estate_events WHERE raw IS NOT NULL").scalar_one())


def test_a_worker_ends_soon_when_it_is_told_to_though_the_broker_is_dead(field):
    worked(field)
    field.quiet()
    field.kafka.kill()
    begun = time.monotonic()
    for name in ("one", "two"):
        field.kill(name, signal.SIGTERM)
    assert time.monotonic() - begun < 20
    with pytest.raises((SQLAlchemyError, AssertionError)):
        # The books are open: what nobody worked is still in Kafka, and nothing pretends otherwise.
        field.settle(within=0)
