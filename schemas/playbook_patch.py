"""A patch: a playbook that is another one with some differences; a brand's, a dealer's, a category's.

A patch stands where a playbook may stand (`agents/playbooks/`, `playbooks/` of the reference data), and begins with
`patch:` instead of `playbook:`. What it makes is a whole playbook, checked as any other (agents/patching.py).
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from schemas.playbook_parts import NAME, PLAYBOOK_NAME, Part
from schemas.values import Phase

_EDITION = re.compile(r"^\d+(\.\d+)*$")


def _edition(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and _EDITION.match(value):
        return value
    raise ValueError('a version is a whole number, or as "1.2" in quotes where the base is itself patched')


Edition = Annotated[str, BeforeValidator(_edition)]
By = Literal["brand", "dealer", "category"]


class Derived(Part):
    """From which playbook, by which version of the patch, and for whom a playbook was derived."""

    base: str
    base_edition: Edition
    patch_version: int
    by: By
    dealer_id: str | None = None


class Addition(Part):
    """Something new: a duty on a day of a phase or among its rescue, or an item of a list of a section.

    `to` names the list (`reactions`, `knowledge.entries`), an item on the way to it by its id
    (`recurring.quiz.quiz.bank`, the questions of the item `quiz`); without it a duty is added. `after` is the id of
    what it follows in that list; without it, it comes last.
    """

    to: str | None = None
    after: str | None = None
    stage: int = Field(default=1, ge=1, le=9)
    phase: Phase | None = None
    day: int | None = Field(default=None, ge=1, le=31)
    rescue: bool = False
    item: dict[str, Any]

    @model_validator(mode="after")
    def _has_a_place(self) -> Self:
        if self.to is None and (self.phase is None or (self.day is None) is not self.rescue):
            raise ValueError("an addition names a section (to:), or a phase: with a day: or with rescue: true")
        if self.after is not None and self.to is None:
            raise ValueError("after: is for the lists that to: names; a duty stands where its time is")
        return self


class PhaseChange(Part):
    """Another length, aim or gate of a phase. A gate may ask for more, not for less."""

    stage: int = Field(default=1, ge=1, le=9)
    phase: Phase
    days: int | None = Field(default=None, ge=1, le=31)
    longest: int | None = Field(default=None, ge=1, le=62)
    aim: str | None = None
    gate: dict[str, float] = Field(default_factory=dict)


class Patch(Part):
    """A whole patch. `replace` names duties, reactions and other items by their id, and of each what is other."""

    patch: Annotated[str, Field(pattern=PLAYBOOK_NAME)]
    version: int = Field(ge=1, le=999)
    base: str
    base_version: Edition
    by: By
    dealer_id: str | None = None
    title: str | None = None
    category: str | None = None
    #: What the patch is for, in a sentence.
    why: str = ""
    replace: dict[Annotated[str, Field(pattern=NAME)], dict[str, Any]] = Field(default_factory=dict)
    drop: tuple[str, ...] = ()
    add: tuple[Addition, ...] = ()
    phases: tuple[PhaseChange, ...] = ()
    #: Only these stages of the base, in their order; none names all.
    stages: tuple[int, ...] = ()
    limits: dict[str, int] = Field(default_factory=dict)
    curfew: str | None = None
    windows: dict[str, str] = Field(default_factory=dict)
    offers: dict[str, dict[str, Any]] = Field(default_factory=dict)
    ladder: tuple[dict[str, Any], ...] = ()
    #: Sections that stand in the place of the base's, whole.
    sections: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _says_whose_it_is(self) -> Self:
        if (self.by == "dealer") is not bool(self.dealer_id):
            raise ValueError("by: dealer goes with the dealer's dealer_id, and nothing else does")
        if self.by == "category" and not self.category:
            raise ValueError("by: category goes with the category that it is for")
        return self
