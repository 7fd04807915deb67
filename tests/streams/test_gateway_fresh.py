"""Conditional reads: 304 to who has an answer already, and never to who has an older one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import insert

from schemas.values import TaskStatus
from streams.gateway.fresh import has
from streams.tables import positions
from tests import builders
from tests.streams.gateway_world import World, task, two_dealers

READS = [
    "/v1/tasks", "/v1/estates", "/v1/estates/e1", "/v1/flow", "/v1/campaigns", "/v1/stores", "/v1/districts?city=北京",
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(Path(tmp_path_factory.mktemp("fresh")))
    world.issue(task())
    world.put_flow("e1")
    yield world
    world.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def ask(world: World, path: str, tag: str | None, who: str = "hq"):
    return world.get(path, who=who, headers={} if tag is None else {"If-None-Match": tag})


@pytest.mark.parametrize("path", READS)
def test_who_has_an_answer_is_told_so_and_sent_nothing(shared, path):
    whole = ask(shared, path, None)
    tag = whole.headers["etag"]
    again = ask(shared, path, tag)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert again.headers["cache-control"] == whole.headers["cache-control"]
    assert ask(shared, path, f'"other", {tag}').status_code == 304
    assert ask(shared, path, 'W/"other"').status_code == 200


@pytest.mark.parametrize("path", [path for path in READS if "districts" not in path])
def test_a_tag_is_of_one_token_and_one_question(shared, path):
    tag = ask(shared, path, None).headers["etag"]
    assert ask(shared, path, tag, "region").status_code == 200
    assert ask(shared, f"{path}?x=1", tag).status_code == 200


def test_a_tag_opens_nothing(shared):
    tag = ask(shared, "/v1/estates/e1", None, "own").headers["etag"]
    assert ask(shared, "/v1/estates/e1", tag, "other").status_code == 404
    assert ask(shared, "/v1/flow", "*", "own").status_code == 403
    assert shared.get("/v1/tasks", who=None, headers={"If-None-Match": "*"}).status_code == 401


def changed(world: World, path: str, change: Callable[[], object]) -> bool:
    tag = ask(world, path, None).headers["etag"]
    change()
    return bool(ask(world, path, tag).status_code == 200)


def test_what_changes_is_read_anew(world):
    made = task()
    world.issue(made)
    world.put_flow("e1")
    assert changed(world, "/v1/tasks", lambda: world.move(made, TaskStatus.DONE))
    for day, path in enumerate(("/v1/estates", "/v1/estates/e1", "/v1/flow", "/v1/campaigns"), 5):
        assert changed(world, path, partial(world.put_flow, "e1", day=day))


def test_a_mark_that_sends_nothing_out_changes_the_tasks_all_the_same(world):
    world.issue(task())

    def work_on() -> None:
        with world.engine.begin() as connection:
            connection.execute(insert(positions).values(consumer="campaign", next=7))

    assert changed(world, "/v1/tasks", work_on)


def test_an_event_that_came_in_changes_the_counts(world):
    assert changed(world, "/v1/flow", lambda: world.publish(builders.message()))


def test_new_reference_data_change_everything_that_is_made_of_them(world):
    def load() -> None:
        world.reference = two_dealers()

    for path in ("/v1/tasks", "/v1/estates", "/v1/estates/e1", "/v1/flow", "/v1/campaigns", "/v1/stores"):
        assert changed(world, path, load)


def test_only_what_is_nobodys_own_is_kept_by_a_browser(shared):
    kept = {path for path in READS if "no-store" not in ask(shared, path, None).headers["cache-control"]}
    assert kept == {"/v1/stores", "/v1/districts?city=北京"}


@pytest.mark.parametrize(("asked", "is_"), [
    (None, False), ("", False), ('W/"a"', True), ('"a"', True), ('"b", W/"a"', True), ("*", True), ('"A"', False),
])
def test_a_tag_is_compared_weakly(asked, is_):
    assert has(asked, 'W/"a"') is is_
