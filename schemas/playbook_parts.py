"""What all sections of a playbook are made of: times of day, spans, the script and what it serves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import time
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from schemas.values import Action, PersonaClass, Role

_SPAN = re.compile(r"^\s*(\d{1,2}:\d{2})\s*[-–]\s*(\d{1,2}:\d{2})\s*$")
_CLOCK = re.compile(r"^(\d{1,2}):(\d{2})$")
#: How playbooks, duties and reactions are called.
NAME = r"^[a-z0-9][a-z0-9-]{1,63}$"
#: A playbook that is derived from another is called after it: `new-estate-own-group.tiles`.
PLAYBOOK_NAME = r"^[a-z0-9][a-z0-9-]{1,63}(\.[a-z0-9][a-z0-9-]{0,63})*$"


class Part(BaseModel):
    """A part of a playbook: every field is known, none is changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Span(Part):
    """A span of a day, `07:30-09:00`. A curfew may pass midnight: `23:00-07:00`."""

    start: time
    end: time

    def holds(self, at: time) -> bool:
        """Whether `at` lies in the span: the start belongs to it, the end does not."""
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


def _clock(value: Any) -> Any:
    if isinstance(value, str) and (match := _CLOCK.match(value.strip())):
        hours, minutes = int(match[1]), int(match[2])
        if hours < 24 and minutes < 60:
            return time(hours, minutes)
    if isinstance(value, time):
        return value
    raise ValueError('a time of day is written in quotes, as "07:30"')


def _span(value: Any) -> Any:
    if isinstance(value, str):
        match = _SPAN.match(value)
        if match is None:
            raise ValueError('a span of a day is written in quotes, as "07:30-09:00"')
        return {"start": _clock(match[1]), "end": _clock(match[2])}
    return value


def _write_clock(at: time) -> str:
    return f"{at:%H:%M}"


def _write_span(span: Span) -> str:
    return f"{span.start:%H:%M}-{span.end:%H:%M}"


Clock = Annotated[
    time, BeforeValidator(_clock), PlainSerializer(_write_clock, return_type=str, when_used="json")]
DaySpan = Annotated[
    Span, BeforeValidator(_span), PlainSerializer(_write_span, return_type=str, when_used="json")]


class Formula(StrEnum):
    """The six parts of the deal formula."""

    NEED = "need"
    VALUE = "value"
    TRUST = "trust"
    BENEFIT = "benefit"
    RISK = "risk"
    THRESHOLD = "threshold"


class Drive(StrEnum):
    """The six drives."""

    PLACE = "place"
    RELATION = "relation"
    INTEREST = "interest"
    BENEFIT = "benefit"
    EVENT = "event"
    HONOUR = "honour"


class Scene(StrEnum):
    """The eight scenes, in the order in which the trade plays them."""

    ESTATE = "estate"
    UNIT_PLAN = "unit_plan"
    KEY_PERSON_PLAN = "key_person_plan"
    DEEP_PLAN = "deep_plan"
    SERVICES = "services"
    GROUP_BUY = "group_buy"
    OWN_TOPIC = "own_topic"
    REFERRALS = "referrals"


class ScriptText(Part):
    """A script: a Jinja2 template, whom it speaks as, and what it serves."""

    version: int = Field(default=1, ge=1)
    speaks_as: PersonaClass
    text: str = Field(min_length=1, max_length=2000)
    formula: tuple[Formula, ...] = Field(min_length=1)
    drives: tuple[Drive, ...] = ()
    #: The scene that it plays, where that is another than its phase's.
    scene: Scene | None = None
    #: The category of product that the speaker must have had delivered. Only buyers testify.
    testimonial: str | None = None
    #: Pictures or files to send along, said in words ("实景图：{{ estate.name }} 89㎡").
    attachments: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _only_buyers_testify(self) -> Self:
        if self.testimonial and self.speaks_as is not PersonaClass.BUYER:
            raise ValueError("a testimonial is given by a buyer: speaks_as must be buyer")
        if self.speaks_as is PersonaClass.BUYER and not self.testimonial:
            raise ValueError("a script in which a buyer speaks names the product: testimonial is missing")
        return self


class Said(Part):
    """A script of a section: where it stands in it, its id, who says or does it, and whether it is to one member."""

    loc: tuple[str | int, ...]
    id: str
    role: Role
    #: What its task asks for: whether the text is said, and to whom, or tells our own person what to do.
    action: Action
    script: ScriptText
    to_member: bool = False
    #: When it is said, where the section says so.
    at: Clock | None = None


class Section(Part):
    """A section of a playbook that has scripts: they are checked and counted like those of duties and reactions."""

    def said(self) -> Iterator[Said]:
        """Every script of the section, in the order of the file."""
        return iter(())
