"""Connections to PostgreSQL that are cut at chosen points of a batch, of the commit too: nothing is lost or doubled."""

from __future__ import annotations

from random import Random
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event, make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from schemas.errors import Fenced
from streams.topology import TOPOLOGY
from tests.contract.pipeline_contract import small_stream, small_world
from tests.contract.test_embedded import Embedded
from tests.contract.test_kafka import Kafka, Store

CUTS = 40


class Cutter:
    """Cuts an engine's connections: before a statement, before a commit, and after one whose answer is lost."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self.engine, self.rng = engine, Random(seed)
        self.made: dict[str, int] = {"statement": 0, "commit": 0, "answer": 0}
        self._commit = engine.dialect.do_commit
        self._server = make_url(engine.url).set(drivername="postgresql").render_as_string(hide_password=False)
        event.listen(engine, "before_cursor_execute", self._statement)
        engine.dialect.do_commit = self._committing  # type: ignore[method-assign, assignment]  # no other way

    @property
    def count(self) -> int:
        return sum(self.made.values())

    def _now(self, what: str, share: float) -> bool:
        if self.count >= CUTS or self.rng.random() > share:
            return False
        self.made[what] += 1
        return True

    def _cut(self, connection: Any) -> None:
        with psycopg.connect(self._server, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))

    def _statement(self, connection: Any, *_: Any) -> None:
        if self._now("statement", 0.04):
            self._cut(connection.connection.driver_connection)

    def _committing(self, connection: Any) -> None:
        driver = connection.driver_connection
        if self._now("commit", 0.1):
            self._cut(driver)
        self._commit(connection)
        if self._now("answer", 0.1):
            raise OperationalError("COMMIT", {}, psycopg.OperationalError("the answer was lost"))

    def stop(self) -> None:
        event.remove(self.engine, "before_cursor_execute", self._statement)
        self.engine.dialect.do_commit = self._commit  # type: ignore[method-assign]  # as above


def insist(work: Any, mend: Any) -> Any:
    """Do it until it is done; after each failure the driver looks where the database stands."""
    for _ in range(10 * CUTS):
        try:
            return work()
        except (DBAPIError, Fenced):
            mended = False
            while not mended:
                try:
                    mend()
                    mended = True
                except DBAPIError:
                    continue
    raise AssertionError("it never gets done")


@pytest.mark.parametrize("seed", [1, 2])
def test_a_kafka_driver_whose_connections_are_cut_anywhere_loses_nothing_and_doubles_nothing(
    kafka, databases, seed
):
    stores = {name: Store(kafka.address, databases(name)) for name in ("whole", "cut")}
    whole = Kafka(stores["whole"], small_world(), 10, TOPOLOGY)
    whole.publish(small_stream())
    whole.work()
    whole.run_out()
    driver = Kafka(stores["cut"], small_world(), 10, TOPOLOGY)
    driver.publish(small_stream())
    cutter = Cutter(driver.engine, seed)
    while insist(driver.work_one_batch, driver._assign):
        pass
    insist(driver.run_out, driver._assign)
    cutter.stop()
    assert cutter.count == CUTS
    assert min(cutter.made.values()) > 2
    assert driver.dump() == whole.dump()
    for one in (whole, driver):
        one.stop()
    for store in stores.values():
        store.publisher.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_an_embedded_driver_whose_connections_are_cut_anywhere_loses_nothing_and_doubles_nothing(databases, seed):
    whole = Embedded(databases("whole"), small_world(), batch=4)
    whole.publish(small_stream())
    whole.work()
    whole.run_out()
    driver = Embedded(databases("cut"), small_world(), batch=4)
    driver.publish(small_stream())
    cutter = Cutter(driver.engine, seed)
    # The pipeline looks where the database stands by itself.
    while insist(driver.work_one_batch, lambda: None):
        pass
    insist(driver.run_out, lambda: None)
    cutter.stop()
    assert cutter.count > CUTS // 2
    assert min(cutter.made.values()) > 2
    assert driver.dump() == whole.dump()
    for one in (whole, driver):
        one.stop()
