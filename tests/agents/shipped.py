"""The playbooks that ship, and every script in them with its name."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

import agents
from schemas.playbook import Duty, Playbook, Reaction, ScriptText
from schemas.reference import TRAITS
from streams.playbook_files import builtin_playbooks

FOLDER = Path(agents.__file__).parent / "playbooks"
DEFAULT = "new-estate-own-group"
PLAYBOOKS: dict[str, Playbook] = dict(builtin_playbooks())

_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined)
_VALUES = {
    "estate": {"name": "绿地城", "city": "哈尔滨", "district": "松北区"},
    "group": {"name": "绿地城业主交流群"},
    "store": {"name": "松北店"},
    "dealer": {"name": "松北家居"},
    "campaign": {"day": 3},
    "design": {"title": "89㎡三室通用方案", "unit_type": "89㎡三室", "link": "https://example.com/89"},
}


#: A text of a playbook stands in its variants, too.
_template = cache(_ENVIRONMENT.from_string)


def scripts_of(item: Duty | Reaction) -> list[tuple[str, ScriptText]]:
    """The script of a duty or reaction, and what is done instead or replied, each with its name."""
    if isinstance(item, Reaction):
        return [(item.id, item.script)]
    instead = [(f"{item.id} (instead)", item.instead)] if item.instead is not None else []
    return [(item.id, item.script), *instead, *((reply.id, reply.script) for reply in item.replies)]


def scripts(playbook: Playbook) -> list[tuple[str, ScriptText]]:
    """Every script of a playbook with its name."""
    items: list[Duty | Reaction] = [*playbook.duties(), *playbook.reactions]
    said = [(said.id, said.script) for said in playbook.said()]
    return [*(pair for item in items for pair in scripts_of(item)), *said]


def rendered(text: str, playbook: Playbook) -> str:
    """A text of a playbook with names in it, as a person would post it."""
    offers = {key: {"name": o.name, "terms": o.terms, "price": o.price} for key, o in playbook.offers.items()}
    people = {"member": {"name": "小王", "when": "下午三点"}, "neighbour": {"name": "老李"}}
    traits = dict(playbook.character) if playbook.character is not None else dict.fromkeys(TRAITS, "")
    persona = {"name": "林晚", "title": "客服", **traits}
    return _template(text).render({**_VALUES, **people, "persona": persona, "offer": offers})
