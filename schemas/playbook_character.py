"""The main persona's character sheet, as a playbook's default: it holds where a dealer says nothing of their own."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.playbook_parts import Part
from schemas.reference import TRAIT_AT_MOST

Trait = Annotated[str, Field(max_length=TRAIT_AT_MOST)]


class CharacterSheet(Part):
    """The section `character`. A playbook knows nobody: it gives manners, and leaves the facts of a person empty."""

    identity: Trait = ""
    skill: Trait = ""
    temper: Trait = ""
    voice: Trait = ""
    values: Trait = ""
    story: Trait = ""
    catchphrase: Trait = ""
