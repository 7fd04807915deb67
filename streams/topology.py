"""The wiring of the steps: one value, read by every driver. A driver that names a step by hand is a bug."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agents import campaign, placement
from agents.rows import Address
from schemas import topics
from schemas.events import Event
from schemas.topics import Topic


@dataclass(frozen=True, slots=True)
class Step:
    """A step: what it reads and writes, the pure function that works one record, and what it will ask for.

    `work(record, rows, world)` takes the event (placement) or the `EstateRecord` (campaign). `likely(key, event)`
    names the rows that it will ask for first. `keyed_by` is the key of its input; a step with `woken` is woken
    by the clock.
    """

    name: str
    keyed_by: str
    reads: tuple[Topic, ...]
    writes: tuple[Topic, ...]
    work: Callable[[Any, Any, Any], Any]
    likely: Callable[[str, Event], tuple[Address, ...]]
    woken: bool = False


PLACEMENT = Step(
    name="placement",
    keyed_by="group_id",
    reads=(topics.GROUP_EVENTS_TOPIC, topics.ORDER_EVENTS_TOPIC, topics.TASK_EVENTS_TOPIC, topics.COMMANDS),
    writes=(topics.ESTATE_EVENTS, topics.CAMPAIGN_EVENTS, topics.DEAD_LETTERS),
    work=placement.place,
    likely=lambda _, event: placement.likely_rows(event),
)
CAMPAIGN = Step(
    name="campaign",
    keyed_by="estate_id",
    reads=(topics.ESTATE_EVENTS,),
    writes=(topics.TASKS, topics.CAMPAIGN_EVENTS, topics.FLOW, topics.DEAD_LETTERS),
    work=campaign.advance,
    likely=campaign.likely_rows,
    woken=True,
)


@dataclass(frozen=True, slots=True)
class Topology:
    """The steps in the order in which an event meets them."""

    steps: tuple[Step, ...]

    def reading(self, topic: Topic) -> tuple[Step, ...]:
        """The steps that read a topic."""
        return tuple(step for step in self.steps if topic in step.reads)


TOPOLOGY = Topology((PLACEMENT, CAMPAIGN))
