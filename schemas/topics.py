"""The topics: their names, what keys them, and which event types each carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schemas.events import (
    COMMAND_EVENTS,
    DESIGN_EVENTS,
    GROUP_EVENTS,
    ORDER_EVENTS,
    PERSONA_EVENTS,
    TASK_EVENTS,
    Event,
    OrderConsented,
)


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic; records with one key stay in order. A compacted topic keeps the last record of each key."""

    name: str
    key: str
    compacted: bool = False


GROUP_EVENTS_TOPIC = Topic("group-events", "group_id")
ORDER_EVENTS_TOPIC = Topic("order-events", "order_id")
TASK_EVENTS_TOPIC = Topic("task-events", "estate_id")
COMMANDS = Topic("commands", "estate_id")
REFERENCE = Topic("reference", "kind/id", compacted=True)
ESTATE_EVENTS = Topic("estate-events", "estate_id")
TASKS = Topic("tasks", "dealer_id")
CAMPAIGN_EVENTS = Topic("campaign-events", "estate_id")
FLOW = Topic("flow", "estate_id", compacted=True)
DEAD_LETTERS = Topic("dead-letters", "source")

TOPICS: tuple[Topic, ...] = (
    GROUP_EVENTS_TOPIC, ORDER_EVENTS_TOPIC, TASK_EVENTS_TOPIC, COMMANDS, REFERENCE,
    ESTATE_EVENTS, TASKS, CAMPAIGN_EVENTS, FLOW, DEAD_LETTERS,
)

#: The content type of a record of `estate-events`: many events, each with its estate.
PACKED = "application/vnd.loupan.estate-events+json"

#: Which topic an event that comes in belongs to.
TOPIC_OF: dict[type[Event], Topic] = {
    **dict.fromkeys((*GROUP_EVENTS, *DESIGN_EVENTS), GROUP_EVENTS_TOPIC),
    **dict.fromkeys((*ORDER_EVENTS, OrderConsented), ORDER_EVENTS_TOPIC),
    **dict.fromkeys(TASK_EVENTS, TASK_EVENTS_TOPIC),
    **dict.fromkeys((*COMMAND_EVENTS, *PERSONA_EVENTS), COMMANDS),
}


def key_of(event: Event) -> str:
    """The key of an event's record: what belongs to one key stays in order.

    Of what concerns a person or a persona wherever they are, that one; of a plan the plan, whose consent must not come
    before it; of a task without its estate, the task.
    """
    data: Any = event.data  # type: ignore[attr-defined]  # every event that comes in has data
    topic = TOPIC_OF[type(event)]
    if topic is TASK_EVENTS_TOPIC:
        return event.partitionkey or str(data.task_id)
    if isinstance(event, DESIGN_EVENTS):
        return str(data.design_id)
    return str(getattr(data, topic.key, None) or getattr(data, "persona_id", None) or data.member_id)
