"""Who may do what: every endpoint, asked by nobody, HQ, the task's dealer, another dealer, and an integration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import builders
from tests.streams.gateway_world import World, task

TASK = task()
WHO = ("nobody", "hq", "own", "other", "integration")
EVENT = {"content": builders.message(), "headers": {"Content-Type": "application/cloudevents+json"}}

#: What each is answered. A dealer who asks for another's gets 404: it can't tell whether it is there.
MATRIX: dict[str, tuple[int, int, int, int, int]] = {
    #                                       nobody  hq   own  other  integration
    "POST /v1/events":                        (401, 200, 403, 403, 200),
    "GET /v1/tasks":                          (401, 200, 200, 200, 403),
    "GET /v1/tasks/{task}/why":               (401, 200, 200, 404, 403),
    "POST /v1/tasks/{task}/claim":            (401, 202, 202, 404, 403),
    "POST /v1/tasks/{task}/done":             (401, 202, 202, 404, 403),
    "POST /v1/tasks/{task}/skip":             (401, 202, 202, 404, 403),
    "GET /v1/tasks/{task}/attachments/1":     (401, 404, 404, 404, 403),
    "GET /v1/dealer/day":                     (401, 200, 200, 200, 403),
    "GET /v1/dealer/tomorrow":                (401, 200, 200, 200, 403),
    "GET /v1/dealer/groups":                  (401, 200, 200, 200, 403),
    "GET /v1/dealer/estates":                 (401, 200, 200, 200, 403),
    "GET /v1/estates":                        (401, 200, 200, 200, 403),
    "GET /v1/estates/e1":                     (401, 200, 200, 404, 403),
    "GET /v1/estates/e1/timeline":            (401, 200, 200, 404, 403),
    "GET /v1/flow":                           (401, 200, 403, 403, 403),
    "GET /v1/districts?city=北京":            (401, 200, 403, 403, 403),
    "GET /v1/stores":                         (401, 200, 403, 403, 403),
    "GET /v1/campaigns":                      (401, 200, 403, 403, 403),
    "GET /v1/funnel":                         (401, 200, 403, 403, 403),
    "GET /v1/playbooks":                       (401, 200, 403, 403, 403),
    "GET /v1/playbooks/{name}":                (401, 200, 403, 403, 403),
    "GET /v1/playbooks/{name}/balance":        (401, 200, 403, 403, 403),
    "GET /v1/playbooks/{name}/diff?from={name}@2": (401, 200, 403, 403, 403),
    "GET /v1/ledger?estate_id=e1":            (401, 200, 200, 404, 403),
    "GET /v1/dead-letters":                   (401, 200, 403, 403, 403),
    "POST /v1/dead-letters/{letter}/retry":   (401, 202, 403, 403, 403),
    "GET /v1/me":                             (401, 200, 200, 200, 200),
    "GET /v1/wecom/callback":                 (404, 404, 404, 404, 404),
    "POST /v1/wecom/callback":                (404, 404, 404, 404, 404),
    "GET /healthz":                           (200, 200, 200, 200, 200),
    "GET /readyz":                            (200, 200, 200, 200, 200),
    "GET /metrics":                           (200, 200, 200, 200, 200),
    "GET /openapi.json":                      (200, 200, 200, 200, 200),
    "GET /asyncapi.json":                     (200, 200, 200, 200, 200),
}
#: Streams are asked by those who are refused; those who are let in are in test_gateway_streams.py.
REFUSED = {
    "GET /v1/tasks/stream": {"nobody": 401, "integration": 403},
    "GET /v1/flow/stream": {"nobody": 401, "own": 403, "other": 403, "integration": 403},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(Path(tmp_path_factory.mktemp("roles")))
    world.issue(TASK)
    world.put_flow("e1")
    yield world
    world.close()


def ask(world: World, line: str, who: str) -> Any:
    method, path = line.split(" ", 1)
    letter = world.put_dead(builders.message(text=f"{line} {who}")) if "{letter}" in path else 0
    request = EVENT if path == "/v1/events" else {}
    path = path.format(task=TASK.task_id, letter=letter, name="new-estate-own-group")
    return world.ask(method, path, who=None if who == "nobody" else who, **request)


@pytest.mark.parametrize("line", MATRIX)
def test_an_endpoint_answers_each_role_as_the_matrix_says(world, line):
    answers = tuple(ask(world, line, who).status_code for who in WHO)
    assert answers == MATRIX[line]


@pytest.mark.parametrize("line", REFUSED)
def test_a_stream_refuses_before_it_opens(world, line):
    assert {who: ask(world, line, who).status_code for who in REFUSED[line]} == REFUSED[line]


def test_the_matrix_holds_every_endpoint(world):
    paths = world.get("/openapi.json").json()["paths"]
    names = {"task_id": "{task}", "letter_id": "{letter}", "place": 1, "estate_id": "e1", "name": "{name}"}
    public = {
        f"{method.upper()} {path.format(**names)}" for path, methods in paths.items() for method in methods
    }
    listed = {line.partition("?")[0] for line in [*MATRIX, *REFUSED]}
    assert public | {"GET /openapi.json"} == listed


@pytest.mark.parametrize("line", [*MATRIX, *REFUSED])
def test_every_refusal_is_a_problem_document(world, line):
    refused = ask(world, line, "nobody")
    if refused.status_code == 401:
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert refused.json()["status"] == 401


def test_a_dealer_lists_its_own_tasks_and_estates_and_no_others(world):
    assert [one["task_id"] for one in world.get("/v1/tasks", who="own").json()["tasks"]] == [TASK.task_id]
    assert world.get("/v1/tasks", who="other").json()["tasks"] == []
    assert world.get("/v1/tasks?dealer_id=d1", who="other").json()["tasks"] == []
    assert [one["estate_id"] for one in world.get("/v1/estates", who="own").json()["estates"]] == ["e1"]
    assert [one["estate_id"] for one in world.get("/v1/estates", who="other").json()["estates"]] == ["e2"]


def test_anothers_task_and_no_task_are_answered_alike(world):
    hidden = world.get(f"/v1/tasks/{TASK.task_id}/why", who="other").json()
    missing = world.get("/v1/tasks/nothing/why", who="other").json()
    assert hidden["detail"].replace(TASK.task_id, "nothing") == missing["detail"]
