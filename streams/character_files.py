"""The character sheets of the dealers' people, from `characters.yaml`: by persona, seven traits, each a short text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from agents.characters import fault
from agents.scripts import clean
from schemas.errors import BadReference
from schemas.reference import TRAIT_AT_MOST, TRAITS, Character, Persona
from schemas.values import PersonaClass
from streams.csv_rows import read_text
from streams.yaml_lines import Document, read_yaml

#: A trait by its name, in English or in the dealer's words.
_NAMES: Final = {**{name: name for name in TRAITS}, **{word: name for name, word in TRAITS.items()}}
_KNOWN: Final = ", ".join(f"{name} ({word})" for name, word in TRAITS.items())


def with_characters(path: Path, personas: Mapping[str, Persona]) -> dict[str, Persona]:
    """The personas, each with its sheet where the file has one; unchanged where there is no file.

    Raises:
        BadReference: with the line, for a persona that is not known or not staff, a trait that there isn't, one that is
            too long, and a sheet by which staff would pass for an owner or a buyer.
    """
    if not path.is_file():
        return dict(personas)
    file = path.name
    document = read_yaml(read_text(path, file), file, BadReference)
    data = document.data if document.data is not None else {}
    if not isinstance(data, dict):
        raise BadReference(file, 1, "not a list of personas", "start each with its persona_id and a colon")
    found = dict(personas)
    for persona_id, sheet in data.items():
        found[persona_id] = replace(
            _known(document, file, persona_id, personas), character=_sheet(document, file, persona_id, sheet))
    return found


def _known(document: Document, file: str, persona_id: str, personas: Mapping[str, Persona]) -> Persona:
    persona = personas.get(persona_id)
    line = document.line((persona_id,))
    if persona is None:
        raise BadReference(file, line, f"{persona_id} is not in personas.csv", "add it there, or correct it here")
    if persona.cls is not PersonaClass.STAFF:
        what = f"{persona_id} is {persona.cls}: a sheet is for the shop's own people"
        raise BadReference(file, line, what, "take it out; who bought speaks for themselves")
    return persona


def _sheet(document: Document, file: str, persona_id: str, sheet: Any) -> Character:
    if not isinstance(sheet, dict):
        raise BadReference(file, document.line((persona_id,)), f"{persona_id} has no traits", f"known are {_KNOWN}")
    traits: dict[str, str] = {}
    lines: dict[str, int] = {}
    for name, value in sheet.items():
        line = document.line((persona_id, name))
        if name not in _NAMES:
            raise BadReference(file, line, f"unknown trait {name}", f"known are {_KNOWN}")
        if not isinstance(value, str):
            raise BadReference(file, line, f"{name} is no text", "put it in quotes")
        if len(text := clean(value, TRAIT_AT_MOST + 1)) > TRAIT_AT_MOST:
            raise BadReference(file, line, f"{name} has more than {TRAIT_AT_MOST} characters", "make it shorter")
        traits[_NAMES[name]], lines[_NAMES[name]] = text, line
    if (found := fault(traits)) is not None:
        what = f"{persona_id}: {TRAITS[found[0]]} presents {found[1]}"
        raise BadReference(file, lines[found[0]], what, "say who they are in the shop")
    return Character(**traits)
