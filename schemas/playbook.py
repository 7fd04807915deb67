"""The playbook format: the choreography of one kind of campaign, as data.

A playbook is YAML. `agents/playbooks/*.yaml` are the ones that ship; `loupan playbook check` tells with
file and line what is wrong with one. Times are HH:MM in the campaign's zone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.offer_terms import OfferTerms
from schemas.playbook_after import AfterOrder, Design
from schemas.playbook_balance import Balance
from schemas.playbook_baselines import Baselines
from schemas.playbook_character import CharacterSheet
from schemas.playbook_dialogues import DialogueReply, Dialogues, at_night, out_of_order
from schemas.playbook_entry import Entry
from schemas.playbook_knowledge import KnowledgeBase
from schemas.playbook_order import GroupOrder
from schemas.playbook_parts import (
    NAME,
    PLAYBOOK_NAME,
    Clock,
    DaySpan,
    Drive,
    Formula,
    Part,
    Said,
    Scene,
    ScriptText,
    Section,
    Span,
)
from schemas.playbook_patch import Derived
from schemas.playbook_people import AskFirst, Connections, Fans, Introductions, KeyPeople
from schemas.playbook_recurring import Recurring, Weekday, options_in
from schemas.values import Action, Phase, Role, Rung

__all__ = [
    "NAME", "Clock", "DaySpan", "Drive", "Duty", "For", "Formula", "Gate", "Limits", "OfferText", "PhasePlan",
    "Playbook", "Reaction", "Said", "Scene", "ScriptText", "Section", "Span", "StagePlan", "Step",
]


class Duty(Part):
    """One thing to do on a day: who, what, when, with which words."""

    id: Annotated[str, Field(pattern=NAME)]
    at: Clock
    role: Role
    action: Action = Action.POST
    script: ScriptText
    #: What is done where no buyer can testify: real buyers are asked instead.
    instead: ScriptText | None = None
    priority: int = Field(default=5, ge=1, le=9)
    #: The half hour in which it is to be done, or less.
    minutes: int = Field(default=30, ge=10, le=30)
    #: Only where its day falls on one of these; none names all.
    weekdays: tuple[Weekday, ...] = ()
    #: The letter of the right one of the options in its text, where it asks the group a question.
    answer: str | None = None
    #: The honest replies to it, which are planned together with it.
    replies: tuple[DialogueReply, ...] = ()

    @property
    def options(self) -> dict[str, str]:
        """The options that its text offers: `A 敲一敲　B 问物业` on a line of its own."""
        return options_in(self.script.text)

    @model_validator(mode="after")
    def _the_answer_is_among_its_options(self) -> Self:
        if self.answer is not None and (self.action is not Action.POST or self.answer not in self.options):
            raise ValueError(f"{self.id} has the answer {self.answer}, and offers no such option: A …　B … on one line")
        return self

    @model_validator(mode="after")
    def _replies_answer_a_post(self) -> Self:
        if self.replies and self.action is not Action.POST:
            raise ValueError(f"{self.id} has replies, but is no post")
        if wrong := out_of_order(self.replies):
            raise ValueError(wrong)
        return self


class Gate(Part):
    """What a phase was for. Every measure that is named must be reached."""

    members: int | None = Field(default=None, ge=0)
    active_share: float | None = Field(default=None, ge=0, le=1)
    participants: int | None = Field(default=None, ge=0)
    interested: int | None = Field(default=None, ge=0)
    key_people: int | None = Field(default=None, ge=0)
    sign_ups: int | None = Field(default=None, ge=0)
    orders: int | None = Field(default=None, ge=0)
    persona_group: float | None = Field(default=None, ge=0, le=1)
    member_member: float | None = Field(default=None, ge=0, le=1)
    persona_active: float | None = Field(default=None, ge=0, le=1)
    persona_everyone: float | None = Field(default=None, ge=0, le=1)

    def asked(self) -> dict[str, float]:
        """The measures that the gate names, with what it asks of each."""
        return {name: value for name, value in self if value is not None}


class PhasePlan(Part):
    """A phase: its days, the longest it may run, its gate, each day's duties and the rescue."""

    phase: Phase
    days: int = Field(ge=1, le=31)
    longest: int = Field(ge=1, le=62)
    aim: str
    #: The scene that its scripts play, those apart that name their own.
    scene: Scene | None = None
    gate: Gate
    plan: dict[int, tuple[Duty, ...]]
    rescue: tuple[Duty, ...] = ()

    @model_validator(mode="after")
    def _every_day_has_duties(self) -> Self:
        if self.longest < self.days:
            raise ValueError(f"longest ({self.longest}) is shorter than days ({self.days})")
        missing = [day for day in range(1, self.days + 1) if not self.plan.get(day)]
        if missing:
            raise ValueError(f"day {missing[0]} of {self.phase} has no duties")
        extra = sorted(set(self.plan) - set(range(1, self.days + 1)))
        if extra:
            raise ValueError(f"day {extra[0]} is not among the {self.days} days of {self.phase}")
        if self.longest > self.days and not self.rescue:
            raise ValueError(f"{self.phase} may run over, but has no rescue duties")
        return self


class StagePlan(Part):
    """A stage: the five phases in their order, and how the next one begins.

    `next` is how the stage of the next number follows, where the playbook has one: `auto`, by itself after
    `rest_days` of rest, or `ask`, when HQ says so.
    """

    stage: int = Field(ge=1, le=9)
    phases: tuple[PhasePlan, ...]
    next: Literal["auto", "ask"] = "ask"
    rest_days: int = Field(default=0, ge=0, le=60)

    @model_validator(mode="after")
    def _all_phases_in_order(self) -> Self:
        have = [plan.phase for plan in self.phases]
        for phase in Phase:
            if phase not in have:
                raise ValueError(f"stage {self.stage} misses the phase {phase}")
        if have != list(Phase):
            raise ValueError("the phases stand in the order " + ", ".join(Phase))
        return self


class Step(Part):
    """A rung of the ladder and the evidence that lifts a member onto it (any one of `by`)."""

    rung: Rung
    by: tuple[str, ...] = Field(min_length=1)
    #: Whoever says nothing for so many days falls from this rung: what lifted them onto it has faded.
    fades_after: int | None = Field(default=None, ge=1, le=365)


class Reaction(Part):
    """A task that an event calls for at once: `on` is `joined`, the name of a signal, or `home_unclear`.

    The last is when a member says where they live and it stays open which estate that is.
    """

    id: Annotated[str, Field(pattern=NAME)]
    on: str
    role: Role
    action: Action = Action.REPLY
    script: ScriptText
    priority: int = Field(default=3, ge=1, le=9)
    #: Minutes in which it should be done.
    minutes: int = Field(default=30, ge=10, le=240)
    #: At most so many a day and group, so that a crowd of newcomers is welcomed once and not one by one.
    a_day: int = Field(default=10, ge=1, le=100)
    #: For so many minutes the same of the same member calls for it once.
    again_after: int = Field(default=60, ge=0, le=1440)


class Limits(Part):
    """What is never passed. A playbook may be stricter than the law of the house, not laxer."""

    shills_per_100: int = Field(default=8, ge=0, le=8)
    posts_per_day: int = Field(default=4, ge=1, le=20)
    #: In so many exchanges a day one person takes part, as who posts or as who answers.
    exchanges_per_day: int = Field(default=3, ge=0, le=10)


class OfferText(OfferTerms):
    """An offer in words, used where the dealer's offers.yaml has none of that name. It promises no price.

    Its figures (`schemas.offer_terms`) are what orders are reckoned by; no script shows them.
    """

    name: str
    terms: str
    price: str = ""


class For(Part):
    """What kind of campaign a playbook is for."""

    estate: Literal["new", "old"]
    group: Literal["own", "joined", "alliance"]


class Playbook(Part):
    """A whole playbook."""

    playbook: Annotated[str, Field(pattern=PLAYBOOK_NAME)]
    version: int = Field(ge=1)
    title: str
    category: str
    for_: For = Field(alias="for")
    zone: str = "Asia/Shanghai"
    windows: dict[str, DaySpan] = Field(min_length=1)
    curfew: DaySpan
    limits: Limits = Limits()
    ladder: tuple[Step, ...] = Field(min_length=1)
    offers: dict[str, OfferText] = Field(default_factory=dict)
    stages: tuple[StagePlan, ...] = Field(min_length=1)
    reactions: tuple[Reaction, ...] = ()
    dialogues: Dialogues = Dialogues()
    knowledge: KnowledgeBase = KnowledgeBase()
    order: GroupOrder = GroupOrder()
    recurring: tuple[Recurring, ...] = ()
    balance: Balance = Balance()
    connections: Connections = Connections()
    introductions: Introductions | None = None
    ask_first: AskFirst | None = None
    key_people: KeyPeople | None = None
    fans: Fans | None = None
    baselines: Baselines | None = None
    character: CharacterSheet | None = None
    entry: Entry | None = None
    after_order: AfterOrder | None = None
    design: Design | None = None
    #: From what it was derived, where a patch made it.
    derived: Derived | None = None

    @property
    def edition(self) -> str:
        """The version as people say it: `3`, or of a derived playbook the base's and the patch's, `3.1`."""
        made = self.derived
        return str(self.version) if made is None else f"{made.base_edition}.{made.patch_version}"

    def stage(self, number: int) -> StagePlan | None:
        """The stage of that number."""
        return next((stage for stage in self.stages if stage.stage == number), None)

    def duties(self) -> list[Duty]:
        """Every duty of every day, rescue included, in the order of the file."""
        return [
            duty
            for stage in self.stages
            for phase in stage.phases
            for duty in (*(d for day in sorted(phase.plan) for d in phase.plan[day]), *phase.rescue)
        ]

    def said(self) -> Iterator[Said]:
        """Every script of every section of its own, beside those of duties and reactions."""
        for name, section in self:
            if isinstance(section, Section):
                yield from _within(section, name)
            elif isinstance(section, tuple):
                for place, item in enumerate(section):
                    if isinstance(item, Section):
                        yield from _within(item, name, place)

    @model_validator(mode="after")
    def _duties_fit_the_day(self) -> Self:
        seen: set[str] = set()
        replies = [reply for duty in self.duties() for reply in duty.replies]
        items: list[Duty | Reaction | DialogueReply | Recurring | Said] = [
            *self.duties(), *replies, *self.reactions, *self.recurring, *self.said()]
        for item in items:
            if item.id in seen:
                raise ValueError(f"the id {item.id} is used twice")
            seen.add(item.id)
        for id, at in self._times():
            if self.curfew.holds(at):
                raise ValueError(f"{id} at {at:%H:%M} lies in the curfew")
            if not any(span.holds(at) for span in self.windows.values()):
                raise ValueError(f"{id} at {at:%H:%M} lies in no window of the day")
        if (asks := next((duty for duty in self.duties() if duty.answer), None)) is not None and not any(
                item.quiz is not None and item.quiz.first is not None for item in self.recurring):
            raise ValueError(f"{asks.id} has an answer: a quiz among recurring says in `first` who had it first")
        for duty in self.duties():
            for reply in duty.replies:
                if at_night(reply, duty.at, self.curfew):
                    raise ValueError(f"{reply.id}, {reply.after} minutes after {duty.id}, lies in the curfew")
        rungs = [step.rung for step in self.ladder]
        if rungs != sorted(rungs, key=list(Rung).index):
            raise ValueError("the ladder's rungs stand from the lowest to the highest")
        return self

    def _times(self) -> Iterator[tuple[str, time]]:
        """When something is said, by id."""
        for duty in self.duties():
            yield duty.id, duty.at
        for item in self.recurring:
            yield item.id, item.at
            if item.quiz is not None:
                yield item.id, item.quiz.closes


def _within(section: Section, *where: str | int) -> Iterator[Said]:
    for said in section.said():
        yield said.model_copy(update={"loc": (*where, *said.loc)})
