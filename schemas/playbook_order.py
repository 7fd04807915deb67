"""Group order in a playbook: who is admitted, what is against the rules, the four kinds of group, how people are named.

Source of the rules and their kinds: the trade's manual (DESIGN, "Group order").
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.playbook_parts import NAME, Part, Said, ScriptText, Section
from schemas.values import Action, Circle, Role, Rung, Way


class Breach(StrEnum):
    """What a rule is about: two signals, too many pictures at once, messages in the curfew."""

    ADVERTISES = "advertises"
    BREAKS_RULES = "breaks_rules"
    PICTURES = "pictures"
    CURFEW = "curfew"


class OrderRule(Part):
    """A rule of the group: first a private warning, and after so many that were given, removal."""

    id: Annotated[str, Field(pattern=NAME)]
    on: Breach
    warn: ScriptText
    #: Warnings that were given before somebody is removed.
    warnings: int = Field(default=1, ge=1, le=9)
    #: So many pictures within so many minutes are a flood (`on: pictures`).
    pictures: int = Field(default=10, ge=2, le=30)
    minutes: int = Field(default=10, ge=1, le=120)


class OwnerWord(Part):
    """What is to be told privately to the owner of a group in which we are guests, of what hurts its members."""

    id: Annotated[str, Field(pattern=NAME)]
    on: Literal[Breach.ADVERTISES, Breach.BREAKS_RULES]
    script: ScriptText


class AdmissionCheck(Part):
    """What the admin checks of somebody who joined a group with that way of admission."""

    id: Annotated[str, Field(pattern=NAME)]
    way: Way
    script: ScriptText
    a_day: int = Field(default=5, ge=1, le=100)


class CirclePlan(Part):
    """One of the four kinds of group: from which rung on one may be invited, in which words, and what is checked.

    The check is for somebody who joined and does not stand there yet.
    """

    id: Annotated[str, Field(pattern=NAME)]
    circle: Circle
    from_rung: Rung
    invite: ScriptText | None = None
    check: ScriptText | None = None


class NameCheck(Part):
    """What the admin is told when one of our people isn't shown as shop, post and name."""

    id: Annotated[str, Field(pattern=NAME)]
    script: ScriptText


class GroupOrder(Section):
    """The section `order:`. It holds in our own groups, and in an alliance's that our people own or administer.

    In any other group we are guests: there only `tells` holds.
    """

    #: Days for which an act is remembered.
    memory_days: int = Field(default=30, ge=1, le=365)
    #: Messages of one member within so many minutes of the first are one act.
    act_minutes: int = Field(default=60, ge=1, le=1440)
    rules: tuple[OrderRule, ...] = ()
    #: What the admin is told when somebody is to be removed.
    remove: ScriptText | None = None
    #: Of what the owner of a group that is not ours to keep is told: privately, once a day at most.
    tells: tuple[OwnerWord, ...] = ()
    admission: tuple[AdmissionCheck, ...] = ()
    #: How one is admitted to a group that does not say it itself.
    way: Way = Way.INVITATION
    #: From so many members on a group is full: WeChat lets 500 in, some places are for our people.
    full_at: int = Field(default=480, ge=1, le=500)
    circles: tuple[CirclePlan, ...] = ()
    names: NameCheck | None = None

    def said(self) -> Iterator[Said]:
        """Every script of the section: all are about one member."""
        for number, word in enumerate(self.tells):
            yield Said(
                loc=("tells", number, "script"), id=word.id, role=Role.LEADER, action=Action.CHECK,
                script=word.script, to_member=True)
        for loc, id, action, script in self._scripts():
            yield Said(loc=loc, id=id, role=Role.GROUP_ADMIN, action=action, script=script, to_member=True)

    def _scripts(self) -> Iterator[tuple[tuple[str | int, ...], str, Action, ScriptText]]:
        for number, rule in enumerate(self.rules):
            yield ("rules", number, "warn"), rule.id, Action.WARN, rule.warn
        if self.remove is not None:
            yield ("remove",), "order-remove", Action.REMOVE, self.remove
        for number, check in enumerate(self.admission):
            yield ("admission", number, "script"), check.id, Action.CHECK, check.script
        for number, plan in enumerate(self.circles):
            if plan.invite is not None:
                yield ("circles", number, "invite"), plan.id, Action.INVITE, plan.invite
            if plan.check is not None:
                yield ("circles", number, "check"), f"{plan.id}-check", Action.CHECK, plan.check
        if self.names is not None:
            yield ("names", "script"), self.names.id, Action.CHECK, self.names.script

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.rules and self.remove is None:
            raise ValueError("rules end in a removal: remove: is missing")
        named = [
            *(f"rules about {rule.on}" for rule in self.rules), *(f"checks for {one.way}" for one in self.admission),
            *(f"words about {word.on}" for word in self.tells),
            *(f"circles {plan.circle}" for plan in self.circles),
        ]
        twice = next((one for one in named if named.count(one) > 1), None)
        if twice is not None:
            raise ValueError(f"there are two {twice}")
        return self
