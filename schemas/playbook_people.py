"""People in a playbook: how they are connected, who is won in seven steps, who is introduced, what fans are given."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.playbook_parts import NAME, Clock, Part, Said, ScriptText, Section
from schemas.values import Action, Role

#: The id of the script that introduces neighbours, and of the one that asks friends of buyers first.
INTRODUCES, ASKS_FIRST = "introduce-neighbours", "ask-first"


class PersonKind(StrEnum):
    """What a member is to the others: an opinion leader, a consumer who tells, somebody to begin with, or none."""

    KOL = "kol"
    KOC = "koc"
    SEED = "seed"
    ORDINARY = "ordinary"


class WinStep(StrEnum):
    """The seven steps to win a key person, in their order (the trade's manual)."""

    INVITE = "invite"
    SHOW_SKILL = "show_skill"
    EXPLAIN_POLICY = "explain_policy"
    SHOW_RESULT = "show_result"
    REWARD = "reward"
    CONTRACT = "contract"
    INNER_GROUP = "inner_group"


class Connections(Part):
    """When two members are friends, and how many friends a member should have.

    `exchanges`: each has answered the other so often. `friends`: with so many in the group a member is three times
    as active (the trade's manual).
    """

    exchanges: int = Field(default=2, ge=1, le=7)
    friends: int = Field(default=3, ge=1, le=12)


class _ToOne(Section):
    """A task about one member: who does it, when, in what words."""

    role: Role = Role.MAIN_PERSONA
    action: Action = Action.INVITE
    at: Clock
    minutes: int = Field(default=30, ge=10, le=30)
    priority: int = Field(default=6, ge=1, le=9)
    #: At most so many a day in a group.
    a_day: int = Field(default=2, ge=1, le=20)
    script: ScriptText


class Introductions(_ToOne):
    """Neighbours are introduced to each other until each has friends enough; of the same building first."""

    #: Nobody is introduced more often than this: who wants no company is left in peace.
    at_most: int = Field(default=3, ge=1, le=8)

    def said(self) -> Iterator[Said]:
        """The one script."""
        yield Said(
            loc=("script",), id=INTRODUCES, role=self.role, action=self.action, script=self.script, to_member=True,
            at=self.at)


class AskFirst(_ToOne):
    """Members who have friends who bought are asked before all others, those with the most first.

    One with 3 friends who bought is 85 % likelier to buy (the trade's manual). Nobody is asked twice in a phase.
    """

    friends_who_bought: int = Field(default=3, ge=1, le=12)

    def said(self) -> Iterator[Said]:
        """The one script."""
        yield Said(
            loc=("script",), id=ASKS_FIRST, role=self.role, action=self.action, script=self.script, to_member=True,
            at=self.at)


class KeyStep(Part):
    """One of the seven steps: a task about the person who is to be won."""

    step: WinStep
    role: Role = Role.MAIN_PERSONA
    action: Action = Action.INVITE
    script: ScriptText
    #: Days after the step before it was done.
    days: int = Field(default=1, ge=1, le=14)
    minutes: int = Field(default=30, ge=10, le=30)
    priority: int = Field(default=4, ge=1, le=9)

    @property
    def id(self) -> str:
        """The id of its tasks' script."""
        return "win-" + self.step.replace("_", "-")


class Weights(Part):
    """How much it matters what somebody is, beside how they are listened to (a leader's score is about 1 to 2)."""

    owner: float = Field(default=1.0, ge=0, le=10)
    bought: float = Field(default=0.5, ge=0, le=10)
    parent: float = Field(default=0.2, ge=0, le=10)


class KeyPeople(Section):
    """Who is a key person, and the seven steps by which each is won."""

    weights: Weights = Weights()
    at: Clock
    #: So many of a group are won at a time.
    at_a_time: int = Field(default=2, ge=1, le=20)
    #: So many of a group are key people at most.
    most: int = Field(default=6, ge=1, le=50)
    #: Whom so many different people answer may be an opinion leader.
    answered_by: int = Field(default=3, ge=1, le=50)
    #: How often a step is asked for that nobody did, before the person is left in peace.
    tries: int = Field(default=2, ge=1, le=5)
    steps: tuple[KeyStep, ...]

    @model_validator(mode="after")
    def _all_seven_in_order(self) -> Self:
        if [step.step for step in self.steps] != list(WinStep):
            raise ValueError("the seven steps stand in the order " + ", ".join(WinStep))
        return self

    def said(self) -> Iterator[Said]:
        """The script of each step."""
        for place, step in enumerate(self.steps):
            yield Said(
                loc=("steps", place, "script"), id=step.id, role=step.role, action=step.action, script=step.script,
                to_member=True, at=self.at)


class FanTier(Part):
    """A tier of fans: from how many points on, the honour and the benefits in words, and how it is told."""

    tier: Annotated[str, Field(pattern=NAME)]
    name: str = Field(min_length=1, max_length=20)
    points: int = Field(ge=1)
    honour: str = Field(min_length=1, max_length=200)
    benefit: str = Field(min_length=1, max_length=200)
    script: ScriptText

    @property
    def id(self) -> str:
        """The id of its tasks' script."""
        return f"fan-{self.tier}"


class Fans(Section):
    """What members do for the group, in points, and what they are given for it, at most once a month each."""

    points: dict[str, int] = Field(min_length=1)
    tiers: tuple[FanTier, ...] = Field(min_length=1)
    role: Role = Role.MAIN_PERSONA
    action: Action = Action.INVITE
    at: Clock
    minutes: int = Field(default=30, ge=10, le=30)
    priority: int = Field(default=6, ge=1, le=9)
    #: At most so many a day in a group.
    a_day: int = Field(default=2, ge=1, le=20)

    @model_validator(mode="after")
    def _tiers_rise(self) -> Self:
        points = [tier.points for tier in self.tiers]
        if points != sorted(set(points)):
            raise ValueError("the tiers stand from the fewest points to the most, no two with the same")
        if len({tier.tier for tier in self.tiers}) < len(self.tiers):
            raise ValueError("two tiers have the same name")
        if any(not 0 < points <= 1000 for points in self.points.values()):
            raise ValueError("a piece of evidence is worth 1 to 1000 points")
        return self

    def said(self) -> Iterator[Said]:
        """The script of each tier."""
        for place, tier in enumerate(self.tiers):
            yield Said(
                loc=("tiers", place, "script"), id=tier.id, role=self.role, action=self.action, script=tier.script,
                to_member=True, at=self.at)
