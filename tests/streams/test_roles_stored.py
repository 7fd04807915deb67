"""What roles, links and the audit log ask of either database, and what an earlier database becomes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, create_engine, select, text

from streams import audit
from streams.database import migrate
from streams.login_links import make_link, open_link
from streams.readers import TaskFilter, list_tasks, of_store, task_counts, worked
from streams.tables import tasks
from streams.tokens import list_tokens
from tests.streams.gateway_world import ms, task

MADE = task()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with a task in it, from before tasks had a column for their shop."""
    url = f"sqlite:///{tmp_path / 'x.db'}" if request.param == "sqlite" else request.getfixturevalue("database_url")
    engine = create_engine(url)
    migrate(engine, "0004")
    with engine.begin() as connection:
        connection.execute(text(
            "INSERT INTO tasks (task_id, seq, dealer_id, estate_id, group_id, persona_id, status, window_start, "
            "window_end, changed, body) VALUES (:id, 1, 'd1', 'e1', 'g1', 'p1', 'issued', :start, :end, 1, :body)"), {
            "id": MADE.task_id, "start": ms(MADE.window.start), "end": ms(MADE.window.end),
            "body": msgspec.json.encode(MADE)})
    migrate(engine)
    yield engine
    engine.dispose()


def test_a_task_knows_its_shop_and_a_region_its_tasks(engine):
    with engine.connect() as connection:
        assert connection.execute(select(tasks.c.store_id)).scalars().all() == ["s1"]
        for estates, count in ((frozenset({"e1", "e'2"}), 1), (frozenset({"e3"}), 0), (frozenset(), 0)):
            assert len(list_tasks(connection, TaskFilter(estates=estates))) == count
        assert [row.store_id for row in list_tasks(connection, TaskFilter(store_id="s1"))] == ["s1"]
        assert list_tasks(connection, TaskFilter(store_id="s2")) == []
        assert task_counts(connection, "e1", store_id="s2") == {}
        assert of_store(connection, "s1", [MADE.task_id, "other"]) == {MADE.task_id}
        assert worked(connection) == 0


def test_links_and_the_log_are_kept(engine):
    with engine.begin() as connection:
        opened = open_link(connection, make_link(connection, "region", None, "x", cities=["北京"]))
        assert opened.token is not None
        assert [one.cities for one in list_tokens(connection)] == [{"北京"}]
        audit.write(connection, [audit.entry_of(None, "100%", "it's"), audit.entry_of(None, "1000", "its")])
        assert [one.thing for one in audit.read(connection, what="100%", thing="'")] == ["it's"]
        assert audit.forget(connection, 1) == 0
