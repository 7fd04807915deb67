"""The world of a running program, made anew when reference data are imported."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from agents.world import World
from schemas.errors import BadPlaybook
from streams.clocks import WallClock
from streams.living import Living
from streams.reference_store import load_reference, reference_version, save_reference, upsert
from streams.runner import Runner
from streams.worlds import make_world
from tests import builders
from tests.databases import opened


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = opened(tmp_path / "loupan.db")
    with engine.begin() as connection:
        save_reference(connection, builders.reference(), {})
    return engine


def living(engine: Engine) -> Living:
    with engine.connect() as connection:
        return Living(engine, make_world(*load_reference(connection)), reference_version(connection))


def test_what_was_imported_is_in_the_next_world_and_the_old_one_stays_as_it_was(engine):
    now = living(engine)
    before = now.world()
    assert not now.look()
    with engine.begin() as connection:
        save_reference(connection, builders.reference(estates=[builders.estate("new", "海棠里", lng=117.0)]), {})
    assert now.look()
    assert now.world().locator.book.nearest(117.0, 39.9, 1)[0][0] == "new"
    assert set(now.world().reference.estates) == {"e1", "new"}
    assert "new" not in before.locator.book
    assert not now.look()


def test_reference_data_that_make_no_world_leave_the_old_one_and_are_tried_once(engine):
    now = living(engine)
    before = now.world()
    with engine.begin() as connection:
        connection.execute(upsert("sqlite"), [{"kind": "playbook", "id": "p", "body": b'"playbook: p"'}])
        save_reference(connection, builders.reference(estates=[builders.estate("new", "海棠里")]), {})
    with pytest.raises(BadPlaybook):
        now.look()
    assert now.world() is before
    assert not now.look()


def test_the_pipeline_works_its_next_batch_in_the_new_world(engine):
    worlds: list[World] = [living(engine).world()]
    runner = Runner(engine, worlds[0], WallClock(worlds[0].default.zone), now=lambda: worlds[-1])
    worlds.append(make_world(builders.reference(estates=[builders.estate("new")]), {
        name: play.playbook for name, play in worlds[0].plays.items()}))
    runner._work()
    assert runner.pipeline.world is worlds[1]
