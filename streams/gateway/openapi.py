"""The HTTP contract: FastAPI's document, with the events' own schemas, problem documents, and an example of everything.

The examples stand in examples.json, by method and path; a test holds them to what the gateway really answers.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from schemas.events import IN_EVENTS
from schemas.examples import EXAMPLES
from schemas.json_schema import components, event_type

_FILE = Path(__file__).parent / "examples.json"
_REF = "#/components/schemas/{}"
_METHODS = ("get", "post", "put", "patch", "delete")
_PROBLEM = {
    "type": "object", "description": "A problem document (RFC 9457); `title` and `detail` as Accept-Language asks.",
    "properties": {
        "type": {"type": "string", "description": "`urn:loupan:problem:` and the kind"},
        "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The path that was asked for"},
    },
    "required": ["type", "title", "status", "detail", "instance"],
}
_ANSWERS = {
    "type": "object", "required": ["results", "accepted", "duplicate", "error"],
    "properties": {
        "results": {"type": "array", "items": {
            "type": "object", "required": ["index", "status", "id", "detail"],
            "properties": {
                "index": {"type": "integer"}, "status": {"enum": ["accepted", "duplicate", "error"]},
                "id": {"type": ["string", "null"]}, "detail": {"type": ["string", "null"]},
            }}},
        "accepted": {"type": "integer"}, "duplicate": {"type": "integer"}, "error": {"type": "integer"},
    },
}
#: What may be refused anywhere, and what that looks like.
_REFUSALS: dict[int, tuple[str, str, str, str]] = {
    401: ("Nobody we know asks", "no-token", "A token is needed",
          "Send a token (Authorization: Bearer …), or open your login link first."),
    403: ("The token's role may not", "not-allowed", "This is not yours to do",
          "The token's role is integration; this is for hq and dealer."),
    404: ("There is none, or it is not yours to see", "not-found", "Not found", "There is no task 019cbb2f."),
    422: ("A parameter is wrong", "bad-parameter", "A parameter is wrong",
          "Wrong: query.limit: Input should be greater than or equal to 1"),
    429: ("Too fast: by this token, or for what works the events. `Retry-After` says how long to wait", "busy",
          "Too fast: try again later", "This token asks too fast: 50 requests a second. Wait as Retry-After says."),
}
#: The headers of a CloudEvent in binary mode.
_BINARY = {
    "ce-specversion": "1.0", "ce-type": "loupan.group.message.v1", "ce-source": "wecom", "ce-id": "msg-1",
    "ce-time": "2026-02-28T19:52:30+08:00",
}
_MESSAGE = "loupan.group.message.v1"


def install(app: FastAPI) -> None:
    """Have the app publish this document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to have a document of one's own


def document(app: FastAPI) -> dict[str, Any]:
    """The document, whole."""
    made: dict[str, Any] = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(_of_events(), Problem=_PROBLEM, Answers=_ANSWERS)
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    for path, item in made["paths"].items():
        for method in _METHODS:
            if method in item:
                _complete(item[method], f"{method.upper()} {path}", path)
    _publishing(made["paths"]["/v1/events"]["post"])
    return made


@cache
def examples() -> dict[str, dict[str, Any]]:
    """The examples by method and path: `parameters` by name, `request`, `response`."""
    found: dict[str, dict[str, Any]] = msgspec.json.decode(_FILE.read_bytes())
    return found


def _of_events() -> dict[str, Any]:
    """The schemas of the events that may be published, and of what they are made of."""
    every = components(_REF.format("{name}"))
    events = {event.__name__: event_type(event) for event in IN_EVENTS}
    one_of = {
        "oneOf": [{"$ref": _REF.format(name)} for name in events], "description": "One CloudEvent that loupan takes",
        "discriminator": {
            "propertyName": "type", "mapping": {type: _REF.format(name) for name, type in events.items()}},
    }
    return {**_reached(every, list(events)), "CloudEvent": one_of}


def _reached(every: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """These schemas, and whatever they refer to."""
    found: dict[str, Any] = {}
    while names:
        name = names.pop()
        if name not in found:
            found[name] = every[name]
            names += [ref.rsplit("/", 1)[1] for ref in _refs(every[name])]
    return dict(sorted(found.items()))


def _refs(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [ref for inner in part.values() for ref in _refs(inner)]
    return [ref for inner in part for ref in _refs(inner)] if isinstance(part, list) else []


def _complete(operation: dict[str, Any], name: str, path: str) -> None:
    """Put examples and refusals into an operation."""
    example = examples().get(name, {})
    for parameter in operation.get("parameters", ()):
        if (value := example.get("parameters", {}).get(parameter["name"])) is not None:
            parameter["example"] = value
            parameter.pop("examples", None)
    for content in operation.get("requestBody", {}).get("content", {}).values():
        if "request" in example:
            content["example"] = example["request"]
    responses = operation.setdefault("responses", {})
    for status, answer in responses.items():
        if status.startswith("2") and "response" in example:
            for content in answer.setdefault("content", {"application/json": {"schema": {}}}).values():
                content["example"] = example["response"]
    for status, refusal in _REFUSALS.items():
        if _may(operation, status, path):
            responses[str(status)] = _refused(status, *refusal, said=responses.get(str(status), {}).get("description"))
    responses["default"] = {
        "description": "Any other refusal, or a failure of ours",
        "content": {"application/problem+json": {"schema": {"$ref": _REF.format("Problem")}}}}


def _may(operation: dict[str, Any], status: int, path: str) -> bool:
    """Whether an operation may be refused so."""
    if status == 404:
        return "{" in path
    if status == 422:
        return "422" in operation["responses"]
    return bool(operation.get("security"))


def _refused(status: int, says: str, kind: str, title: str, detail: str, said: str | None) -> dict[str, Any]:
    description = said if said and said != "Validation Error" else says
    example = {"type": f"urn:loupan:problem:{kind}", "title": title, "status": status, "detail": detail,
               "instance": "/v1/tasks"}
    answer: dict[str, Any] = {"description": description, "content": {"application/problem+json": {
        "schema": {"$ref": _REF.format("Problem")}, "example": example}}}
    if status == 429:
        answer["headers"] = {"Retry-After": {
            "description": "Seconds to wait", "schema": {"type": "integer"}, "example": 5}}
    return answer


def _publishing(operation: dict[str, Any]) -> None:
    """The three ways to send events: each with an example that is taken as it stands."""
    event, other = EXAMPLES[_MESSAGE], EXAMPLES["loupan.order.placed.v1"]
    one, many = {"$ref": _REF.format("CloudEvent")}, {"type": "array", "items": {}, "maxItems": 1000}
    binary = {"summary": "Binary: the data alone, beside ce-* headers", "value": event["data"]}
    operation["requestBody"]["content"] = {
        "application/cloudevents+json": {"schema": one, "examples": {
            name: {"summary": "Structured", "value": example} for name, example in EXAMPLES.items()}},
        "application/cloudevents-batch+json": {
            "schema": {**many, "items": one}, "examples": {"batch": {"summary": "Batch", "value": [event, other]}}},
        "application/json": {"schema": {}, "examples": {
            "structured": {"summary": "One event", "value": event}, "batch": {"summary": "Many", "value": [event]},
            "binary": binary}},
    }
    operation.setdefault("parameters", []).extend(
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}, "example": value,
         "description": "Binary mode alone: an attribute of the event, percent-encoded"}
        for name, value in _BINARY.items())
    operation["parameters"].append(
        {"name": "Content-Encoding", "in": "header", "required": False, "schema": {"enum": ["gzip", "identity"]},
         "description": "The body may be gzip; unpacked it has at most 8 MiB", "example": "identity"})
    operation["responses"]["200"]["content"] = {"application/json": {
        "schema": {"$ref": _REF.format("Answers")}, "example": {
            "results": [{"index": 0, "status": "accepted", "id": event["id"], "detail": None},
                        {"index": 1, "status": "duplicate", "id": other["id"], "detail": None}],
            "accepted": 1, "duplicate": 1, "error": 0}}}
