"""After the order: the five install checks, and the plans that the neighbours are shown.

Who checks what, in which words, is the trade's manual: fitter, guide, group photos, neighbours, owner. What is only
done with the owner's consent stands apart (`agreed`), so that nothing of it is handed out without.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.playbook_parts import Clock, Part, Said, ScriptText, Section
from schemas.values import SAID_ACTIONS, Action, Role, Use


class Errand(Part):
    """A task that something calls for: at its next `at` (at once without one), `days` later at the earliest."""

    role: Role
    action: Action
    at: Clock | None = None
    days: int = Field(default=0, ge=0, le=14)
    #: A post has its half hour; a visit or a check may take the day.
    minutes: int = Field(default=30, ge=10, le=600)
    priority: int = Field(default=4, ge=1, le=9)
    script: ScriptText

    @model_validator(mode="after")
    def _words_have_half_an_hour(self) -> Self:
        if self.action in SAID_ACTIONS and self.minutes > 30:
            raise ValueError(f"what is said ({self.action}) has at most 30 minutes, not {self.minutes}")
        return self

    def as_said(self, id: str, *where: str | int, to_member: bool = False) -> Said:
        """Its script, with where it stands in the section."""
        return Said(
            loc=(*where, "script"), id=id, role=self.role, action=self.action, script=self.script, to_member=to_member,
            at=self.at)


class CheckStep(Errand):
    """One of the five checks, and who puts right what it finds.

    `agreed` takes its place where the owner agreed to what it `needs`; `to_owner` where the owner may be written to.
    """

    step: int = Field(ge=1, le=5)
    repair: Errand
    needs: Use | None = None
    agreed: Errand | None = None
    to_owner: Errand | None = None

    @model_validator(mode="after")
    def _consent_is_named(self) -> Self:
        if (self.needs is None) is not (self.agreed is None):
            raise ValueError(f"check {self.step}: `needs` and `agreed` stand together or not at all")
        return self

    @property
    def id(self) -> str:
        """The id of its tasks' script."""
        return f"install-{self.step}"

    def each(self) -> Iterator[tuple[str, str, Errand]]:
        """Every errand of the step: the field it stands in, the id of its script, itself."""
        yield "", self.id, self
        for field in ("repair", "agreed", "to_owner"):
            errand: Errand | None = getattr(self, field)
            if errand is not None:
                yield field, f"{self.id}-{field.replace('_', '-')}", errand


class AfterOrder(Section):
    """The five install checks of an order, one after the other."""

    checks: tuple[CheckStep, ...]
    #: What was shown is taken down again when the owner wants it no more.
    take_down: Errand
    #: So often each is asked for, where nobody did it.
    tries: int = Field(default=3, ge=1, le=10)

    @model_validator(mode="after")
    def _five_in_order(self) -> Self:
        if [check.step for check in self.checks] != [1, 2, 3, 4, 5]:
            raise ValueError("the five checks stand in the order 1 fitter, 2 guide, 3 photos, 4 neighbours, 5 owner")
        return self

    def said(self) -> Iterator[Said]:
        """The script of each check, of its repair, and of what takes its place."""
        for place, check in enumerate(self.checks):
            for field, id, errand in check.each():
                yield errand.as_said(id, "checks", place, *((field,) if field else ()), to_member=field == "to_owner")
        yield self.take_down.as_said("install-take-down", "take_down")


#: What is done about a plan, in its order; the names of the section's errands.
DesignErrand = Literal["general", "ask", "post", "comments", "take_down"]
DESIGN_ERRANDS: tuple[DesignErrand, ...] = ("general", "ask", "post", "comments", "take_down")


class Design(Section):
    """How plans are shown: a general one per unit type, a personal one only with its owner's recorded consent."""

    general: Errand
    ask: Errand
    post: Errand
    comments: Errand
    take_down: Errand
    #: For so many hours after a plan is out, what members say of it is collected.
    review_hours: int = Field(default=24, ge=1, le=168)
    #: So many comments of one plan are collected.
    most: int = Field(default=20, ge=1, le=50)
    tries: int = Field(default=3, ge=1, le=10)

    def said(self) -> Iterator[Said]:
        """The script of each errand."""
        for name in DESIGN_ERRANDS:
            errand: Errand = getattr(self, name)
            yield errand.as_said(f"design-{name.replace('_', '-')}", name, to_member=name == "ask")
