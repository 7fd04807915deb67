"""The AsyncAPI 3 document: every topic, what keys it, what it carries, and which way it goes.

Made from `schemas.topics` and the models, so that it cannot say anything else than the program does.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from schemas import topics
from schemas.events import IN_EVENTS, Woke
from schemas.examples import EXAMPLES
from schemas.json_schema import ROWS, components, event_type
from schemas.tasks import CAMPAIGN_OUT, TASK_OUT
from schemas.topics import TOPIC_OF, TOPICS, Topic

#: The program's version, as in pyproject.toml; a test holds the two together.
VERSION = "0.1.0"
KAFKA_BINDING = "0.5.0"
CLOUDEVENT = "application/cloudevents+json"

_ABOUT = """\
loupan turns what happens in owner groups and in the order book into the next thing that a person should do there.

Every event is a CloudEvent 1.0. Publish with `POST /v1/events`, one event or a batch, or to the Kafka topics below.
Send an event again whenever you are not sure: `source` + `id` name it, and it counts once. Money is integer fen.
Points carry their datum (`crs`). Times are RFC 3339 with an offset. Fields that we do not know are kept. An event of a
type that we do not know, or that cannot be read, is answered with its error or ends in `dead-letters`, whole, with the
reason.
"""

_CARRIES: dict[Topic, tuple[type[Struct], ...]] = {
    **{topic: tuple(event for event in IN_EVENTS if TOPIC_OF[event] is topic) for topic in TOPIC_OF.values()},
    topics.REFERENCE: ROWS,
    topics.ESTATE_EVENTS: (*IN_EVENTS, Woke),
    topics.TASKS: TASK_OUT,
    topics.CAMPAIGN_EVENTS: CAMPAIGN_OUT,
}

_ABOUT_TOPIC: dict[Topic, str] = {
    topics.GROUP_EVENTS_TOPIC: "What happened in groups, what members declare, plans and their owners' consent.",
    topics.ORDER_EVENTS_TOPIC: "What happened to orders, and what buyers agree to.",
    topics.TASK_EVENTS_TOPIC: "What people did with their tasks.",
    topics.COMMANDS: "What HQ wants: campaigns started, paused, resumed, ended; which of our people are away.",
    topics.REFERENCE: "Who and what there is: estates, dealers, stores, groups, personas, campaigns, offers.",
    topics.ESTATE_EVENTS: (
        "Internal: what concerned which estate, in its settled order, wake-ups included. The truth. Records are "
        "packed: each is an array of `{estate_id, event, inbox, place}`, of one partition."
    ),
    topics.TASKS: "Tasks handed out, withdrawn, expired, verified.",
    topics.CAMPAIGN_EVENTS: "What became of campaigns, and where members and groups were placed.",
    topics.FLOW: "The last state of each estate's point on the flow map.",
    topics.DEAD_LETTERS: "What could not be read or applied, whole, with the reason; it can be sent again.",
}

_RECEIVED = (
    topics.GROUP_EVENTS_TOPIC, topics.ORDER_EVENTS_TOPIC, topics.TASK_EVENTS_TOPIC, topics.COMMANDS,
    topics.REFERENCE, topics.ESTATE_EVENTS,
)
_SENT = (topics.ESTATE_EVENTS, topics.TASKS, topics.CAMPAIGN_EVENTS, topics.FLOW, topics.DEAD_LETTERS)

#: Payloads that are no events and have no model in this package.
_PLAIN: dict[str, dict[str, Any]] = {
    "FlowPoint": {
        "title": "FlowPoint",
        "description": "The properties of an estate's feature on the flow map.",
        "type": "object",
        "properties": {"estate_id": {"type": "string"}},
        "required": ["estate_id"],
    },
    "DeadLetter": {
        "title": "DeadLetter",
        "description": "What came, as text, where it came from, and why it could not be used.",
        "type": "object",
        "properties": {
            "id": {"type": "integer"}, "origin": {"type": "string"}, "reason": {"type": "string"},
            "raw": {"type": "string", "description": "At most its first megabyte."}, "raw_bytes": {"type": "integer"},
        },
        "required": ["reason", "raw"],
    },
}
_PLAIN_OF = {topics.FLOW: "FlowPoint", topics.DEAD_LETTERS: "DeadLetter"}


def document() -> dict[str, Any]:
    """The whole document, as plain values ready for JSON."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:loupan",
        "info": {
            "title": "loupan",
            "version": VERSION,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": CLOUDEVENT,
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {
            **{f"receive-{topic.name}": _operation("receive", topic) for topic in _RECEIVED},
            **{f"send-{topic.name}": _operation("send", topic) for topic in _SENT},
        },
        "components": {"schemas": {**components(), **_PLAIN}},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    policy = "compact" if topic.compacted else "delete"
    kafka = {
        "topic": topic.name,
        "topicConfiguration": {"cleanup.policy": [policy]},
        "bindingVersion": KAFKA_BINDING,
    }
    return {
        "address": topic.name,
        "description": _ABOUT_TOPIC[topic],
        "messages": _messages(topic),
        "bindings": {"kafka": kafka},
    }


def _messages(topic: Topic) -> dict[str, Any]:
    if plain := _PLAIN_OF.get(topic):
        return {plain: _plain_message(topic, plain, str(_PLAIN[plain]["description"]))}
    if topic is topics.REFERENCE:
        return {row.__name__: _plain_message(topic, row.__name__, _sentence(row)) for row in ROWS}
    return {event.__name__: _event_message(topic, event) for event in _CARRIES[topic]}


def _event_message(topic: Topic, event: type[Struct]) -> dict[str, Any]:
    name = event_type(event)
    message: dict[str, Any] = {
        "name": name,
        "title": event.__name__,
        "summary": _sentence(event),
        "contentType": topics.PACKED if topic is topics.ESTATE_EVENTS else CLOUDEVENT,
        "correlationId": {"location": "$message.payload#/correlationid"},
        "payload": _ref(event.__name__),
        "bindings": _key(topic),
    }
    if name in EXAMPLES:
        message["examples"] = [{"name": name, "payload": EXAMPLES[name]}]
    return message


def _plain_message(topic: Topic, name: str, summary: str) -> dict[str, Any]:
    return {
        "name": name,
        "title": name,
        "summary": summary,
        "contentType": "application/json",
        "payload": _ref(name),
        "bindings": _key(topic),
    }


def _operation(action: str, topic: Topic) -> dict[str, Any]:
    channel = f"#/channels/{topic.name}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "summary": _ABOUT_TOPIC[topic],
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in _messages(topic)],
    }


def _key(topic: Topic) -> dict[str, Any]:
    key = {"type": "string", "description": f"The record's key: {topic.key}."}
    return {"kafka": {"key": key, "bindingVersion": KAFKA_BINDING}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _sentence(model: type[Struct]) -> str:
    return (model.__doc__ or model.__name__).strip().splitlines()[0]
