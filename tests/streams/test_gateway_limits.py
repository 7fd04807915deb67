"""How fast one token may ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.gateway.limits import Buckets, Limits
from tests import builders
from tests.streams.gateway_world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    # So slow that no test's machine is slower: nothing comes back while it runs.
    world = World(tmp_path, limits=Limits(rate=0.001, burst=3))
    yield world
    world.close()


def test_who_asks_too_fast_is_asked_to_wait_and_nobody_else_is(world):
    left = [world.get("/v1/me", who="own").headers["ratelimit"] for _ in range(3)]
    assert [line.split(";")[1] for line in left] == ["r=2", "r=1", "r=0"]
    answer = world.get("/v1/me", who="own", headers={"Accept-Language": "zh"})
    assert (answer.status_code, answer.json()["title"]) == (429, "来得太快，请稍后再试")
    assert answer.headers["ratelimit-policy"] == '"token";q=3;w=3000'
    assert 900 < int(answer.headers["retry-after"]) <= 1000
    assert world.get("/v1/me", who="other").status_code == 200
    assert world.get("/healthz", who=None).status_code == 200


def test_an_event_that_comes_too_fast_is_not_taken(world):
    for number in range(4):
        answer = world.publish(builders.message(text=str(number)), who="integration")
    assert answer.status_code == 429
    assert len(world.inbox()) == 3


def test_a_lagging_inbox_and_a_stranger(world):
    world.door.lag = 60_000
    answer = world.publish(builders.message(), who="integration")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
    assert world.publish(builders.message(), who=None).status_code == 401


def test_a_bucket_fills_again_and_never_beyond_its_rim():
    now = 0.0
    buckets = Buckets(2.0, 4, lambda: now)
    assert [buckets.take("a").left for _ in range(4)] == [3, 2, 1, 0]
    assert buckets.take("a") == (0, 0.5)
    assert buckets.take("b").left == 3
    now = 0.6
    assert buckets.take("a") == (0, 0.0)
    now = 1000.0
    assert buckets.take("a").left == 3


def test_without_a_limit_nothing_is_said_of_one(tmp_path):
    world = World(tmp_path)
    assert "ratelimit" not in world.get("/v1/me").headers
    world.close()
