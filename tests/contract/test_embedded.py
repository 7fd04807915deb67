"""The embedded driver keeps the contract, and what is its own: a live clock, a failing database, the read models."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from agents.world import World
from streams.dead_letters import resent
from streams.embedded import Pipeline
from streams.inbox import Door
from streams.sql import sql_of
from streams.topology import TOPOLOGY, Topology
from tests import builders
from tests.builders import at
from tests.contract.pipeline_contract import Driver, Dump, PipelineContract, dump_of, small_stream, small_world
from tests.databases import opened


class Embedded(Driver):
    """The pipeline on a database."""

    def __init__(self, database, world: World, batch: int = 1000, topology: Topology = TOPOLOGY) -> None:
        self.engine = opened(database)
        self.door = Door()
        self.pipeline = Pipeline(self.engine, world, self.door, batch=batch, topology=topology)

    def publish(self, raws: Sequence[bytes]) -> list[str]:
        with self.engine.begin() as connection:
            return [answer.status for answer in self.door.accept(connection, raws)]

    def work_one_batch(self) -> int:
        return self.pipeline.work()

    def run_out(self) -> None:
        while self.pipeline.run_out():
            pass

    def retry(self, number: int) -> str:
        with self.engine.begin() as connection:
            letter, origin, raw = sql_of(connection)(
                'SELECT "offset", origin, raw FROM dead_letters ORDER BY "offset" LIMIT 1 OFFSET ?', (number,)).one()
            [answer] = self.door.accept(connection, [resent(raw, origin, letter)])
        return answer.status

    def dump(self) -> Dump:
        return dump_of(self.engine)

    def stop(self) -> None:
        self.engine.dispose()


class TestEmbeddedOnSqlite(PipelineContract):
    def driver(self, store, world, batch, topology):
        return Embedded(f"{store}.db", world, batch, topology)


class TestEmbeddedOnPostgresql(PipelineContract):
    @pytest.fixture(autouse=True)
    def server(self, databases):
        self.databases = databases

    def driver(self, store, world, batch, topology):
        return Embedded(self.databases(store), world, batch, topology)


@pytest.fixture
def embedded(tmp_path):
    driver = Embedded(tmp_path / "live.db", small_world())
    yield driver
    driver.stop()


def joined(driver: Embedded) -> list[bytes]:
    """Who joined, by the log of estate-events."""
    return [raw for _, raw in driver.dump().log if b"loupan.group.member-joined.v1" in raw]


def test_a_live_clock_wakes_whoever_is_due_at_its_own_time(embedded):
    embedded.publish([builders.campaign_started(playbook="new-estate-own-group", at=at(1, "06:00"))])
    embedded.work()
    now = datetime.fromisoformat(at(1, "07:00"))
    assert embedded.pipeline.next_due() == now
    assert embedded.pipeline.tick(now - timedelta(seconds=1)) == 0
    late = now + timedelta(seconds=3)
    assert embedded.pipeline.tick(late) == 1
    assert embedded.pipeline.tick(late) == 0
    woken = [raw for _, raw in embedded.dump().log if b"loupan.clock.woke.v1" in raw]
    assert len(woken) == 1
    assert b"07:00:03" in woken[0]
    assert embedded.dump().tasks


def test_a_live_tick_leaves_the_streams_own_clock_where_the_events_put_it(embedded):
    embedded.publish([builders.campaign_started(playbook="new-estate-own-group", at=at(1, "06:00"))])
    embedded.work()
    before = embedded.pipeline.watermark
    embedded.pipeline.tick(datetime.fromisoformat(at(1, "07:00")))
    assert embedded.pipeline.watermark == before


def test_a_database_that_fails_keeps_nothing_and_is_gone_on_with(tmp_path):
    whole = Embedded(tmp_path / "whole.db", small_world())
    whole.publish(small_stream())
    whole.work()
    whole.run_out()
    driver = Embedded(tmp_path / "failing.db", small_world(), batch=9)
    driver.publish(small_stream())
    rng = Random(3)

    def fail(connection, cursor, statement, parameters, context, executemany) -> None:
        if rng.random() < 0.1:
            raise OperationalError(statement, parameters, Exception("the disk is full"))

    event.listen(driver.engine, "before_cursor_execute", fail)
    failures = idle = 0
    while idle < 3:
        try:
            idle = 0 if driver.work_one_batch() else idle + 1
        except OperationalError:
            failures += 1
    event.remove(driver.engine, "before_cursor_execute", fail)
    driver.run_out()
    assert failures > 5
    assert driver.dump() == whole.dump()
    for one in (whole, driver):
        one.stop()


def test_a_row_of_the_inbox_that_cannot_be_read_any_more_is_buried_and_the_stream_goes_on(embedded):
    embedded.publish([builders.joined(), builders.joined(member="m2"), builders.joined(member="m3")])
    with embedded.engine.begin() as connection:
        connection.exec_driver_sql('UPDATE inbox SET raw = ? WHERE "offset" = 2', (b'{"type":"loupan.of.old.v0"}',))
    embedded.door.handed_on.clear()
    assert embedded.work() == 3
    [(reason, raw)] = embedded.dump().dead
    assert "unknown event type" in reason
    assert raw == b'{"type":"loupan.of.old.v0"}'
    assert len(joined(embedded)) == 2


def test_a_hole_in_the_inbox_is_stepped_over_once(embedded):
    embedded.publish([builders.joined(member=f"m{n}") for n in range(5)])
    with embedded.engine.begin() as connection:
        connection.exec_driver_sql('DELETE FROM inbox WHERE "offset" IN (2, 3)')
    embedded.door.handed_on.clear()
    embedded.work()
    assert len(joined(embedded)) == 3
    assert embedded.pipeline.position == 6


def test_positions_log_and_outbox_have_no_holes_and_agree(embedded):
    embedded.publish(small_stream())
    embedded.work()
    with embedded.engine.connect().execution_options(reading=True) as connection:
        sql = connection.exec_driver_sql
        positions = {row[0]: row[1] for row in sql("SELECT consumer, next FROM positions")}
        log = [offset for (offset,) in sql('SELECT "offset" FROM estate_events ORDER BY "offset"')]
    assert log == list(range(1, len(log) + 1))
    assert positions["placement"] == len(small_stream()) + 1
    assert positions["campaign"] == len(log) + 1


def test_a_reader_who_asks_for_changes_after_each_batch_sees_every_task_in_its_last_state(embedded):
    embedded.pipeline.batch = 5
    embedded.publish(small_stream())
    seen: dict[str, bytes] = {}
    after = 0
    while embedded.work_one_batch():
        with embedded.engine.connect().execution_options(reading=True) as connection:
            for task_id, body, changed in connection.exec_driver_sql(
                "SELECT task_id, body, changed FROM tasks WHERE changed > ?", (after,)
            ):
                assert changed <= embedded.pipeline.changed
                seen[task_id] = body
        after = embedded.pipeline.changed
    assert sorted(seen.values()) == sorted(embedded.dump().tasks)
