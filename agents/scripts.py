"""Scripts become texts: compiled once, filled with the values of one estate, group, persona and day.

What a script may be stands in `agents.script_grammar`. Values are plain text: what a member calls
themselves is shown, never run, and cannot break a line or hide in invisible characters. A value that is
missing or empty is an error, not an empty string in a chat.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from jinja2 import StrictUndefined, Template, Undefined, UndefinedError
from jinja2.runtime import Context

from agents.script_grammar import (
    NAMES,
    OFFER_FIELDS,
    ONLY_IN_REACTIONS,
    BadScript,
    Environment,
    is_known,
    names_with_lines,
    needed,
    offer_of,
    parse,
    visible,
)
from schemas.playbook import OfferText, ScriptText
from schemas.reference import TRAITS, Dealer, Estate, Group, Offer, Persona, Store
from schemas.values import PersonaClass, Role

__all__ = [
    "LONGEST_NAME", "LONGEST_TERMS", "LONGEST_TEXT", "NAMES", "OFFER_FIELDS", "ONLY_IN_REACTIONS", "BadScript", "clean",
    "compile_script", "fill", "is_known", "missing", "needed", "offer_of", "offers_for", "render", "store_of",
    "stores_by_dealer", "title_of", "values_for", "variables", "with_member",
]

#: Longest value in a text, in characters; an offer's terms are sentences and may be longer.
LONGEST_NAME: Final = 64
LONGEST_TERMS: Final = 200
#: Values that are sentences.
_LONG: Final = frozenset({"terms", "link", *TRAITS})
#: Longest text that a script may become, in characters: one message that is read on a phone.
LONGEST_TEXT: Final = 2000

#: What a persona's role is called in a chat. The words are the trade's.
TITLES: Final[dict[Role, str]] = {
    Role.MAIN_PERSONA: "门店主理人", Role.SHILL: "家装顾问", Role.GROUP_ADMIN: "群管理", Role.CUSTOMER_SERVICE: "客服",
    Role.DESIGNER: "设计师", Role.INSTALLER: "安装师傅", Role.LEADER: "店长",
}
#: Whoever is not staff is not called by a post in the shop.
_TITLES_OF_OTHERS: Final = {PersonaClass.BUYER: "老客户", PersonaClass.PARTNER: "合作伙伴"}

#: What parts words, and so becomes a space rather than nothing.
_BREAKS = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")


class _Empty(StrictUndefined):
    """A value that is there but empty: an `if` may ask for it, showing it is an error."""

    __slots__ = ()

    def __bool__(self) -> bool:  # type: ignore[override]  # StrictUndefined never returns; this one answers
        return False


class _Scripts(Environment):
    """The environment in which scripts run: a dot looks up a mapping, and every value comes out clean."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The value of that name; nothing but a mapping has any."""
        if not isinstance(obj, Mapping):
            return self.undefined(obj=obj, name=attribute)
        value = obj.get(attribute, _ABSENT)
        if type(value) is str:
            text = clean(value, LONGEST_TERMS if attribute in _LONG else LONGEST_NAME)
            return text or _Empty(obj=obj, name=attribute)
        if value is _ABSENT:
            return self.undefined(obj=obj, name=attribute)
        return _Empty(obj=obj, name=attribute) if value is None else value

    def getitem(self, obj: Any, argument: Any) -> Any:
        """As with a dot: ``offer["flash-sale"].terms``."""
        return self.getattr(obj, argument)


_ABSENT = object()
_SCRIPTS = _Scripts()


def clean(value: str, longest: int = LONGEST_NAME) -> str:
    """The value as plain text on one line: control and invisible characters gone, at most `longest` characters."""
    if value.isprintable() and len(value) <= longest:
        return value.strip()
    line = " ".join(visible(_BREAKS.sub(" ", value[: 8 * longest])).split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


@lru_cache(maxsize=4096)
def compile_script(text: str) -> Template:
    """The script, ready to be filled; compiled once per text.

    Raises:
        BadScript: when it is more than text, known names and conditions.
    """
    parse(text)
    for name, line in names_with_lines(text):
        if not is_known(name):
            raise BadScript(f"{name} is not a name that a script may use", known_names(), line=line, name=name)
    return _SCRIPTS.from_string(text)


def known_names() -> str:
    """The names that a script may use, in one line for an error's remedy."""
    return "known are " + ", ".join([*sorted(NAMES), "offer.<name>.name", "offer.<name>.terms", "offer.<name>.price"])


def variables(text: str) -> frozenset[str]:
    """Every name that the script uses, dotted: ``offer.flash_sale.terms``.

    Raises:
        BadScript: when the script cannot be read.
    """
    return frozenset(name for name, _ in names_with_lines(text))


def render(script: ScriptText, values: Mapping[str, object]) -> str:
    """The script's text for these values (see `values_for`).

    Raises:
        BadScript: with the `name` of the value that is missing or empty, or when the text becomes too long.
    """
    return fill(script.text, values)


def fill(text: str, values: Mapping[str, object]) -> str:
    """As `render`, for any template: an attachment's words are one too."""
    template = compile_script(text)
    try:
        # What `Template.new_context` adds to the values, globals and blocks, no script may have.
        filled = "".join(template.root_render_func(Context(_SCRIPTS, dict(values), None, {})))
    except UndefinedError as error:
        name = next(iter(missing(needed(text), values)), str(error))
        raise BadScript(f"{name} has no value", "fill it in the reference data", name=name) from error
    if len(filled) > LONGEST_TEXT:
        raise BadScript(f"the text has {len(filled)} characters, more than {LONGEST_TEXT}", "make it shorter")
    if not (filled := filled.strip()):
        raise BadScript("the text is empty for these values", "say something where no condition holds")
    return filled


# --- the values -----------------------------------------------------------------------------------


def values_for(  # the seven things that a text may speak of, from the large to the small
    estate: Estate,
    group: Group,
    store: Store | None,
    dealer: Dealer,
    persona: Persona | None,
    offers: Mapping[str, Offer | OfferText],
    day: int,
) -> dict[str, object]:
    """The values of one estate, group, persona and day, for `render`.

    `offers` are those of `offers_for`. A dealer without a store lends it their name. Without a persona, and
    for `member.name`, which only a reaction knows (`with_member`), there is no value.
    """
    values: dict[str, object] = {
        "estate": {"name": estate.name, "city": estate.city, "district": estate.district},
        "group": {"name": group.name},
        "store": {"name": store.name if store else dealer.name},
        "dealer": {"name": dealer.name},
        "offer": {name: {"name": o.name, "terms": o.terms, "price": o.price} for name, o in offers.items()},
        "campaign": {"day": day},
    }
    if persona is not None:
        values["persona"] = {"name": persona.name, "title": title_of(persona)}
    return values


def with_member(values: Mapping[str, object], name: str, when: str = "") -> dict[str, object]:
    """The values of a reaction: as they are, the name of the member whom it answers, and when they said, if at all."""
    return {**values, "member": {"name": name, "when": when}}


def title_of(persona: Persona) -> str:
    """What the persona is called: staff by their post, a buyer or a partner by what they are."""
    return _TITLES_OF_OTHERS.get(persona.cls, TITLES[persona.role])


def offers_for(
    own: Mapping[str, OfferText], offers: Mapping[str, Offer], dealer_id: str | None
) -> dict[str, Offer | OfferText]:
    """The offers of a playbook (`own`) for one dealer: over them everybody's in offers.yaml, over those the dealer's.

    In `Reference.offers` a dealer's own offer has the id ``name@dealer_id``.
    """
    found: dict[str, Offer | OfferText] = dict(own)
    everybodys = [offer for offer in offers.values() if offer.dealer_id is None]
    dealers = [offer for offer in offers.values() if offer.dealer_id is not None and offer.dealer_id == dealer_id]
    for offer in (*everybodys, *dealers):
        found[offer.offer_id.partition("@")[0]] = offer
    return found


def stores_by_dealer(stores: Iterable[Store]) -> dict[str, Store]:
    """Each dealer's first store by id: it serves the groups that name none."""
    first: dict[str, Store] = {}
    for store in sorted(stores, key=lambda store: store.store_id):
        first.setdefault(store.dealer_id, store)
    return first


def store_of(group: Group, stores: Mapping[str, Store], first: Mapping[str, Store]) -> Store | None:
    """The store that works the group: its own, else its dealer's first (`stores_by_dealer`), else none."""
    if group.store_id is not None and group.store_id in stores:
        return stores[group.store_id]
    return first.get(group.dealer_id) if group.dealer_id is not None else None


def missing(required: Iterable[str], values: Mapping[str, object]) -> list[str]:
    """Those of the required names (dotted) that have no value or an empty one, sorted."""
    return sorted(name for name in required if not _has_value(name, values))


def _has_value(name: str, values: Mapping[str, object]) -> bool:
    offer = offer_of(name)
    path = ("offer", *offer) if offer else tuple(name.split("."))
    value: object = values
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return bool(clean(value)) if isinstance(value, str) else value is not None and not isinstance(value, Undefined)
