"""A script as it would be read in a chat: filled with example values, by the example person who would say it.

The people, the shop and the estate are made up, and a page that shows them says so. What is real are the rules: the
same words, the same post and disclosure line, in the same form (shop, post, name) as a task would have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from agents import characters, scripts
from agents.honesty import disclosure_of
from agents.script_grammar import PLACEHOLDERS, BadScript
from schemas.playbook import OfferText, Playbook, Scene, ScriptText
from schemas.reference import Offer, Persona
from schemas.values import SAID_ACTIONS, Action, PersonaClass, Role

#: Who plays whom in a preview; of a role that speaks twice in one exchange the next speaks.
_STAFF: Final[dict[Role, tuple[str, ...]]] = {
    Role.MAIN_PERSONA: ("林晚",), Role.SHILL: ("陈序", "何佳", "唐宁", "顾安"), Role.GROUP_ADMIN: ("许静",),
    Role.CUSTOMER_SERVICE: ("赵一诺", "沈悦"), Role.DESIGNER: ("周子墨", "程野"), Role.INSTALLER: ("老郑",),
    Role.LEADER: ("韩立",),
}
_OTHERS: Final = {PersonaClass.BUYER: ("吴敏", "孙倩"), PersonaClass.PARTNER: ("丁岚", "马骁")}
#: Said in a window of its own, to one person.
_PRIVATE: Final = frozenset({Action.INVITE, Action.WARN})


def preview(
    playbook: Playbook, script: ScriptText, role: Role, action: Action, day: int, offers: Mapping[str, Offer],
    turn: int = 0, scene: Scene | None = None,
) -> dict[str, Any]:
    """How a script is read: `who` says it, in which `text`, with which `disclosure`.

    `unfilled` is a name that has no value; the text then stands as in the playbook. `where` is group, private, or none
    where the text tells our own person what to do. `turn` chooses among several people of the role; `scene` is what its
    phase plays.
    """
    persona = _persona(role, script.speaks_as, turn)
    values = _values(playbook, persona, day, offers)
    said = action in SAID_ACTIONS
    store = PLACEHOLDERS["store.name"]
    title = scripts.title_of(persona)
    text, unfilled = _filled(script.text, values)
    buyer = persona.cls is PersonaClass.BUYER
    return {
        "version": script.version, "speaks_as": script.speaks_as, "title": title, "name": persona.name,
        "who": persona.name if buyer else f"{store}·{title}·{persona.name}",
        "where": "private" if action in _PRIVATE else "group" if said else None,
        "text": text, "unfilled": unfilled,
        "disclosure": disclosure_of(persona, store, title) if said else None,
        "attachments": [_filled(words, values)[0] for words in script.attachments],
        "formula": script.formula, "drives": script.drives, "testimonial": script.testimonial,
        "scene": script.scene or scene,
    }


def _persona(role: Role, cls: PersonaClass, turn: int) -> Persona:
    names = _STAFF[role] if cls is PersonaClass.STAFF else _OTHERS[cls]
    name = names[turn % len(names)]
    return Persona(f"example-{name}", name, role, cls, f"example-{name}", "example")


def _values(playbook: Playbook, persona: Persona, day: int, offers: Mapping[str, Offer]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in PLACEHOLDERS.items():
        about, _, field = name.partition(".")
        values.setdefault(about, {})[field] = value
    known: dict[str, Offer | OfferText] = scripts.offers_for(playbook.offers, offers, None)
    own = characters.traits_of(persona, playbook.character)
    values["persona"] |= {**own, "name": persona.name, "title": scripts.title_of(persona)}
    values["campaign"] = {"day": day}
    values["offer"] = {name: {"name": o.name, "terms": o.terms, "price": o.price} for name, o in known.items()}
    return values


def _filled(text: str, values: Mapping[str, Any]) -> tuple[str, str | None]:
    """The text with its values, or as it stands in the playbook where one is missing, and which one."""
    try:
        return scripts.fill(text, values), None
    except BadScript as error:
        return text, error.name or error.what
