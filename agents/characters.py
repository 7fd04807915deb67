"""The main persona's character: seven traits that scripts may speak of, the dealer's own over the playbook's default.

Whoever they are, they are the shop's: a sheet by which staff would pass for an owner or a buyer is refused when it is
loaded. What a script makes of it is judged once more when it is rendered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from agents.claims import claims
from schemas.playbook_character import CharacterSheet
from schemas.reference import TRAITS, Persona
from schemas.values import PersonaClass, Role

#: Who somebody is said to be, without a verb: 同小区业主, 3栋的邻居.
_NEIGHBOUR = re.compile(r"(?:业主|邻居|住户|街坊)(?!们|群|服务|顾问|管家|都|的(?:顾问|设计师|管家|帮手|朋友))")


def fault(traits: Mapping[str, str]) -> tuple[str, str] | None:
    """The first trait by which staff would pass for an owner or a buyer, and what it says; None for an honest sheet."""
    for name in TRAITS:
        text = traits.get(name, "")
        if name == "identity" and (found := _NEIGHBOUR.search(text)) is not None:
            return name, f"staff as an owner: “{found[0]}”"
        # A trait is put behind 我 or 我是 as easily as it stands alone.
        for said in (text, f"我{text}", f"我是{text}") if text else ():
            for claim in claims(said):
                return name, f"staff as {'an owner' if claim.kind == 'owner' else 'a buyer'}: “{claim.text}”"
    return None


def traits_of(persona: Persona, default: CharacterSheet | None) -> dict[str, str]:
    """The traits of a persona in a script, by name; empty where nothing is known of one.

    The playbook's default is the main persona's. Buyers and partners have no sheet: they are who they are.
    """
    if persona.cls is not PersonaClass.STAFF:
        return dict.fromkeys(TRAITS, "")
    usual = default if persona.role is Role.MAIN_PERSONA else None
    return {name: getattr(persona.character, name, "") or getattr(usual, name, "") for name in TRAITS}
