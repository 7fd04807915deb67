"""The published contracts: the AsyncAPI document, the JSON Schemas, the examples, held against the real decoder."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from referencing import Registry, Resource

from schemas import asyncapi, tasks
from schemas.errors import BadEvent
from schemas.events import IN_EVENTS, decode
from schemas.examples import EXAMPLES
from schemas.json_schema import EVENTS, components, event_schema, event_schemas, event_type
from schemas.topics import TOPIC_OF, TOPICS
from schemas.values import Phase

OFFICIAL = Path(__file__).parent / "schemas" / "data" / "asyncapi-3.0.0.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return dict(json.loads(json.dumps(asyncapi.document())))


@pytest.fixture(scope="module")
def official() -> jsonschema.Draft7Validator:
    # An empty registry: a reference that is not in the file itself fails, nothing is fetched.
    return jsonschema.Draft7Validator(json.loads(OFFICIAL.read_text("utf-8")), registry=Registry())


# --- AsyncAPI -------------------------------------------------------------------------------------


def test_the_document_is_valid_asyncapi_3(document, official):
    assert [error.message for error in official.iter_errors(document)] == []


@pytest.mark.parametrize("spoil", [
    lambda d: d.pop("info"),
    lambda d: d["operations"]["receive-commands"].update(action="listen"),
    lambda d: d["channels"]["tasks"].update(adress="tasks"),
    lambda d: d["channels"]["tasks"]["bindings"]["kafka"].update(partitions="many"),
    lambda d: d["components"]["schemas"].update(Task="a task"),
])
def test_the_official_schema_refuses_a_spoilt_document(document, official, spoil):
    spoilt = copy.deepcopy(document)
    spoil(spoilt)
    assert not official.is_valid(spoilt)


def test_every_topic_is_a_channel_with_its_key_and_its_policy(document):
    assert list(document["channels"]) == [topic.name for topic in TOPICS]
    for topic in TOPICS:
        channel = document["channels"][topic.name]
        assert channel["address"] == topic.name
        policy = channel["bindings"]["kafka"]["topicConfiguration"]["cleanup.policy"]
        assert policy == ["compact" if topic.compacted else "delete"]
        for message in channel["messages"].values():
            assert topic.key in message["bindings"]["kafka"]["key"]["description"]


def test_every_event_is_a_message_of_its_topic(document):
    for event in IN_EVENTS:
        message = document["channels"][TOPIC_OF[event].name]["messages"][event.__name__]
        assert message["name"] == event_type(event)
        assert message["contentType"] == "application/cloudevents+json"
        assert message["examples"][0]["payload"] == EXAMPLES[event_type(event)]
    carried = {m["name"] for channel in document["channels"].values() for m in channel["messages"].values()}
    assert {event_type(event) for event in EVENTS} <= carried


def test_every_reference_in_the_document_leads_somewhere(document):
    missing = [ref for ref in references(document) if not leads_somewhere(document, ref)]
    assert missing == []


def test_what_comes_in_is_received_and_what_goes_out_is_sent(document):
    actions = {(op["action"], op["channel"]["$ref"].rsplit("/", 1)[1]) for op in document["operations"].values()}
    received = {name for action, name in actions if action == "receive"}
    sent = {name for action, name in actions if action == "send"}
    assert received == {"group-events", "order-events", "task-events", "commands", "reference", "estate-events"}
    assert sent == {"estate-events", "tasks", "campaign-events", "flow", "dead-letters"}


def test_the_document_has_the_programs_version(document, root):
    assert document["info"]["version"] == tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]


# --- JSON Schemas and examples --------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(event_schemas()))
def test_every_schema_is_a_valid_schema_of_both_dialects(name):
    schema = event_schemas()[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft7Validator.check_schema(schema)
    assert [ref for ref in references(schema) if not leads_somewhere(schema, ref)] == []


def test_there_is_one_example_of_every_event_that_comes_in():
    assert sorted(EXAMPLES) == sorted(event_type(event) for event in IN_EVENTS)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_is_read_by_the_decoder_and_fits_its_schema(name):
    event = decode(msgspec.json.encode(EXAMPLES[name]))
    assert event.type == name
    jsonschema.Draft202012Validator(event_schema(type(event))).validate(EXAMPLES[name])


def test_the_examples_are_told_in_the_order_of_time():
    times = [datetime.fromisoformat(example["time"]) for example in EXAMPLES.values()]
    assert times == sorted(times)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_schema_refuses_exactly_what_the_decoder_refuses(name):
    schema = jsonschema.Draft202012Validator(event_schemas()[name])
    refused = 0
    for spoilt in spoilings(EXAMPLES[name]):
        if spoilt.get("type", name) != name:
            continue  # another type is another schema's
        if spoilt.get("time", "") != EXAMPLES[name]["time"] and isinstance(spoilt.get("time"), str):
            continue  # `format` tells, it does not refuse
        try:
            decode(msgspec.json.encode(spoilt))
        except BadEvent:
            refused += 1
            assert not schema.is_valid(spoilt), spoilt
        else:
            assert schema.is_valid(spoilt), spoilt
    assert refused > 5


# --- what goes out --------------------------------------------------------------------------------


def test_what_goes_out_is_a_whole_cloudevent_that_fits_its_schema():
    event = tasks.PhaseEntered(
        id="1", time=datetime(2026, 3, 5, tzinfo=UTC), subject="e1", partitionkey="e1",
        data=tasks.PhaseChange(
            estate_id="e1", campaign_id="c1", stage=1, phase=Phase.TRUST, day=4, rule="gate reached",
            measures={"members": 31.0}, gate={"members": 30.0}, previous=Phase.WARM_UP,
        ),
    )
    written = json.loads(msgspec.json.encode(event))
    assert {"specversion", "id", "source", "type", "time"} <= set(written)
    jsonschema.Draft202012Validator(event_schema(tasks.PhaseEntered)).validate(written)
    del written["source"]
    assert not jsonschema.Draft202012Validator(event_schema(tasks.PhaseEntered)).is_valid(written)


def test_components_refer_to_each_other_by_the_template():
    schemas = components("urn:loupan:{name}")
    registry = Registry().with_resources(
        (f"urn:loupan:{name}", Resource.from_contents({"$schema": "http://json-schema.org/draft-07/schema#", **schema}))
        for name, schema in schemas.items()
    )
    validator = jsonschema.Draft7Validator(schemas["GroupMessage"], registry=registry)
    assert validator.is_valid(EXAMPLES["loupan.group.message.v1"])
    assert not validator.is_valid({**EXAMPLES["loupan.group.message.v1"], "data": {"group_id": ""}})


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(ref := value.get("$ref"), str):
            yield ref
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def leads_somewhere(document: Any, ref: str) -> bool:
    assert ref.startswith("#/"), ref
    for step in ref[2:].split("/"):
        if not isinstance(document, dict) or step not in document:
            return False
        document = document[step]
    return True


def spoilings(example: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The example with each field taken away, of another type, or of another size, one at a time; then more fields."""
    changes: tuple[object, ...] = (None, "", "?" * 300, True, -1, 7.5, [], {}, [{}])
    for path in paths(example):
        for change in changes:
            yield changed(example, path, change)
        yield changed(example, path, GONE)
    yield {**example, "weather": "雨", "data": {**example["data"], "mood": 3}}


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from paths(inner, (*path, key))


GONE = object()


def changed(example: dict[str, Any], path: tuple[Any, ...], change: object) -> dict[str, Any]:
    out = copy.deepcopy(example)
    holder: Any = out
    for key in path[:-1]:
        holder = holder[key]
    if change is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = change
    return out
