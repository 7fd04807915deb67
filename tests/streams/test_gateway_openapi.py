"""The published HTTP contract: an example of everything, held to what is really answered; and no input breaks it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from referencing import Registry
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from schemas.examples import EXAMPLES
from streams.gateway.openapi import examples
from tests.streams.gateway_world import World, task
from tests.streams.test_gateway_roles import MATRIX

#: What is no JSON: streams, texts and files.
NOT_JSON = {
    "GET /v1/tasks/stream", "GET /v1/flow/stream", "GET /metrics", "GET /v1/wecom/callback", "POST /v1/wecom/callback",
    "GET /v1/tasks/{task_id}/attachments/{place}", "POST /v1/hooks/{sender}",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(Path(tmp_path_factory.mktemp("openapi")))
    world.issue(task())
    world.put_flow("e1")
    yield world
    world.close()


@pytest.fixture(scope="module")
def document(world) -> dict[str, Any]:
    return dict(world.get("/openapi.json", who=None).json())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def test_every_operation_has_an_example_of_its_answer_and_of_what_it_must_be_given(document):
    missing = []
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            contents = answer.get("content", {}).items()
            if status.startswith("2"):
                missing += [f"{name} {status} {kind}" for kind, content in contents
                            if name not in NOT_JSON and not {"example", "examples"} & set(content)]
                assert contents, name
        missing += [f"{name} {parameter['name']}" for parameter in operation.get("parameters", ())
                    if parameter["required"] and not {"example", "examples"} & set(parameter)]
        missing += [f"{name} {kind}" for kind, content in operation.get("requestBody", {}).get("content", {}).items()
                    if not {"example", "examples"} & set(content)]
    assert missing == []


def test_every_operation_says_who_may_ask_and_how_it_refuses(document):
    schemes = document["components"]["securitySchemes"]
    assert (schemes["HTTPBearer"]["scheme"], schemes["APIKeyCookie"]["in"]) == ("bearer", "cookie")
    for name, operation in operations(document):
        open_ = MATRIX[name].policy == "public"
        assert bool(operation.get("security")) is not open_, name
        refusals = {status for status in operation["responses"] if status in {"401", "403", "429"}}
        # What is signed instead may be refused, too.
        assert (refusals <= {"401", "403"}) if open_ else (refusals == {"401", "403", "429"}), name
        for status, answer in operation["responses"].items():
            if not status.startswith("2") and "content" in answer:
                assert list(answer["content"]) == ["application/problem+json"], (name, status)


def test_an_example_is_of_an_endpoint_that_is_there(document):
    assert set(examples()) <= {name for name, _ in operations(document)}


@pytest.mark.parametrize("name", [
    name for name, row in MATRIX.items()
    if name.startswith("GET /v1") and name not in NOT_JSON and row.policy != "public"])
def test_an_example_has_the_fields_of_a_real_answer(world, name):
    example = examples()[name]["response"]
    path = name.split(" ", 1)[1].format(task_id=task().task_id, estate_id="e1", name="new-estate-own-group")
    real = world.get(path + MATRIX[name].query).json()
    assert sorted(example) == sorted(real)
    for field, value in real.items():
        if isinstance(value, list) and value and example[field] and isinstance(value[0], dict):
            assert set(example[field][0]) & set(value[0]), field
        if not (isinstance(value, int | float) and isinstance(example[field], int | float)) and value is not None:
            assert type(example[field]) is type(value) or example[field] is None, field


# --- events, in the three modes ---------------------------------------------------------------------


def validator(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    # The schemas stand beside it, and nothing is fetched.
    return jsonschema.Draft202012Validator({**schema, "components": document["components"]}, registry=Registry())


def published(document: dict[str, Any]) -> dict[str, Any]:
    return dict(document["paths"]["/v1/events"]["post"])


STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"


def test_every_structured_example_fits_its_schema_and_is_taken(world, document):
    content = published(document)["requestBody"]["content"][STRUCTURED]
    assert {name: one["value"] for name, one in content["examples"].items()} == EXAMPLES
    fits = validator(document, content["schema"])
    answers = validator(document, published(document)["responses"]["200"]["content"]["application/json"]["schema"])
    for name, one in content["examples"].items():
        fits.validate(one["value"])
        answer = world.publish(json.dumps(one["value"]).encode())
        assert (answer.status_code, answer.json()["accepted"]) == (200, 1), name
        answers.validate(answer.json())


def test_the_schema_refuses_what_the_door_refuses(world, document):
    fits = validator(document, published(document)["requestBody"]["content"][STRUCTURED]["schema"])
    good = EXAMPLES["loupan.group.message.v1"]
    spoilings: list[dict[str, Any]] = [
        {"type": "loupan.unheard-of.v1"}, {"id": ""}, {"source": 7}, {"data": {}},
        {"specversion": "0.3"}]
    for spoil in spoilings:
        spoilt = {**copy.deepcopy(good), **spoil}
        assert not fits.is_valid(spoilt), spoil
        assert world.publish(json.dumps(spoilt).encode()).status_code == 422, spoil


def test_the_batch_and_the_binary_example_are_taken(world, document):
    contents = published(document)["requestBody"]["content"]
    batch = contents[BATCH]["examples"]["batch"]["value"]
    validator(document, contents[BATCH]["schema"]).validate(batch)
    answer = world.post("/v1/events", content=json.dumps(batch).encode(), headers={"Content-Type": BATCH}).json()
    assert (len(answer["results"]), answer["error"]) == (2, 0)
    headers = {
        parameter["name"]: quote(parameter["example"]) for parameter in published(document)["parameters"]
        if parameter["name"].startswith("ce-")}
    data = contents["application/json"]["examples"]["binary"]["value"]
    answer = world.post("/v1/events", json=data, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (200, 0)


# --- whatever is sent -------------------------------------------------------------------------------


def test_nothing_that_is_sent_breaks_the_gateway(world, document):
    """Schemathesis makes requests of the document, right and wrong ones: none is answered by a failure of ours."""
    quiet = {**copy.deepcopy(document), "paths": {
        path: item for path, item in document["paths"].items() if "stream" not in path and path != "/metrics"}}
    # A few kinds of events say as much as all, in a tenth of the time.
    schemas = quiet["components"]["schemas"]
    schemas["CloudEvent"] = {"oneOf": schemas["CloudEvent"]["oneOf"][:3]}
    schema = schemathesis.openapi.from_dict(quiet)
    seen: dict[str, set[int]] = {}

    def ask(case: Any) -> None:
        request = {name: value for name, value in case.as_transport_kwargs(base_url="http://loupan.test").items()
                   if name not in {"cookies", "timeout"} and value is not None}
        if (body := request.pop("data", None)) is not None:
            request["content"] = body
        answer = world.ask(request.pop("method"), request.pop("url"), **request)
        name = case.operation.label
        seen.setdefault(name, set()).add(answer.status_code)
        assert answer.status_code < 500, (name, answer.text)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", name

    for operation in (result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)):
        for mode, count in ((GenerationMode.POSITIVE, 3), (GenerationMode.NEGATIVE, 4)):
            # Where nothing is given there is nothing to give wrongly.
            with suppress(Unsatisfiable):
                given(case=operation.as_strategy(generation_mode=mode))(bounded(ask, count))()
    assert len(seen) == len(list(operations(quiet)))
    assert any(200 in statuses for statuses in seen.values())
    assert any(422 in statuses for statuses in seen.values())


def bounded(test: Any, count: int) -> Any:
    """So many requests, the same ones each time."""

    @settings(
        max_examples=count, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck))
    def asked(case: Any) -> None:
        test(case)

    return asked
