"""The knowledge base of a playbook: what is answered to which question, in words that are honest for every shop."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.playbook_parts import NAME, Drive, Formula, Part, Said, ScriptText, Section
from schemas.values import Action, PersonaClass, Role


class About(StrEnum):
    """What a question is about: the five that signals tell apart."""

    PRICE = "price"
    PRODUCT = "product"
    DESIGN = "design"
    SERVICE = "service"
    PROGRESS = "progress"


class KnowledgeEntry(Part):
    """One answer: to questions about what, with which words in them, by whom, and what they say."""

    id: Annotated[str, Field(pattern=NAME)]
    about: About
    #: Words of a question that this answers; the entry whose words make up most of the question is taken.
    keys: tuple[Annotated[str, Field(min_length=1, max_length=20)], ...] = Field(min_length=1)
    role: Role = Role.CUSTOMER_SERVICE
    version: int = Field(default=1, ge=1)
    text: str = Field(min_length=1, max_length=2000)
    formula: tuple[Formula, ...] = Field(default=(Formula.VALUE, Formula.RISK), min_length=1)
    drives: tuple[Drive, ...] = (Drive.INTEREST,)
    attachments: tuple[str, ...] = ()

    @property
    def script(self) -> ScriptText:
        """The answer as a script: whoever answers for the shop speaks as staff."""
        return ScriptText(
            version=self.version, speaks_as=PersonaClass.STAFF, text=self.text, formula=self.formula,
            drives=self.drives, attachments=self.attachments)


class KnowledgeBase(Section):
    """The section `knowledge:`."""

    entries: tuple[KnowledgeEntry, ...] = ()

    def said(self) -> Iterator[Said]:
        """Every answer."""
        for number, entry in enumerate(self.entries):
            yield Said(loc=("entries", number), id=entry.id, role=entry.role, action=Action.REPLY,
                       script=entry.script, to_member=True)
