"""What a script may be: text with known names in it, simple conditions, and nothing else.

A script is a Jinja2 template of which only expressions and `if` are let through. Loops, macros, calls,
filters, imports and arithmetic that could grow a text are refused before anything is compiled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import product

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from schemas.errors import BadPlaybook
from schemas.reference import TRAITS

#: The names that a script may use; beside them ``offer.<name>.`` with one of the offer fields.
NAMES = frozenset({
    "estate.name", "estate.city", "estate.district", "group.name", "store.name", "dealer.name",
    "persona.name", "persona.title", "campaign.day", "member.name", "member.when", "neighbour.name",
    *(f"persona.{name}" for name in TRAITS),
    "design.title", "design.unit_type", "design.link",
})
#: The main persona's traits (agents/characters.py). A shop may know nothing of one: a script asks for it first.
OPTIONAL_NAMES = frozenset(f"persona.{name}" for name in TRAITS)
OFFER_FIELDS = frozenset({"name", "terms", "price"})
#: Only known where an event called for the script: who wrote or joined, and the time that they named, if any.
ONLY_IN_REACTIONS = frozenset({"member.name", "member.when"})
#: Only known where neighbours are introduced: to whom.
ONLY_IN_INTRODUCTIONS = frozenset({"neighbour.name"})
#: Only known where a plan is shown.
ONLY_IN_DESIGN = frozenset({"design.title", "design.unit_type", "design.link"})

#: Values that stand for real ones where a text is checked before it is used.
PLACEHOLDERS = {
    "estate.name": "绿地城", "estate.city": "哈尔滨", "estate.district": "松北区", "group.name": "绿地城业主交流群",
    "store.name": "松北店", "dealer.name": "松北家居", "persona.name": "林晚", "persona.title": "家装顾问",
    "campaign.day": "3", "member.name": "小王", "member.when": "周六下午", "neighbour.name": "老李",
    "persona.identity": "松北店的主理人", "persona.skill": "小户型收纳", "persona.temper": "慢性子",
    "persona.voice": "大白话", "persona.values": "不懂不装懂", "persona.story": "从学徒做起，量过的房子记满了几本",
    "persona.catchphrase": "慢慢看，不着急",
    "design.title": "89㎡三室通用方案", "design.unit_type": "89㎡三室", "design.link": "https://example.com/89",
}
#: More outcomes than this in one script cannot be checked one by one.
MOST_OUTCOMES = 256

#: Nested deeper than this, nobody reads it.
DEEPEST = 12
#: What cannot be seen: controls, zero widths, fillers. The emoji joiner is let through after an emoji only.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
    "|(?<![\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])[\u200d\ufe00-\ufe0f]"
)

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name, nodes.Getattr, nodes.Getitem,
    nodes.If, nodes.CondExpr, nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand, nodes.Concat,
)
_WORDS: dict[type, str] = {
    nodes.For: "a loop", nodes.Macro: "a macro", nodes.Call: "a call", nodes.CallBlock: "a call",
    nodes.Filter: "a filter", nodes.FilterBlock: "a filter", nodes.Import: "an import", nodes.FromImport: "an import",
    nodes.Include: "an include", nodes.Extends: "an extends", nodes.Block: "a block", nodes.Assign: "a set",
    nodes.AssignBlock: "a set", nodes.Test: "a test (is …)", nodes.BinExpr: "arithmetic", nodes.UnaryExpr: "arithmetic",
}


class BadScript(BadPlaybook):
    """A script that cannot be used: `line` counts within its own text, `name` is the value that is missing."""

    def __init__(self, what: str, remedy: str = "", *, line: int = 1, name: str = "") -> None:
        super().__init__("script", line, what, remedy)
        self.name = name


class Environment(ImmutableSandboxedEnvironment):
    """Jinja2 in which a dot looks a name up in a mapping and does nothing else; `agents.scripts` adds the values."""

    def __init__(self, undefined: type[Undefined] = StrictUndefined) -> None:
        # Plain text for a chat, not HTML: nothing is to be escaped.
        super().__init__(autoescape=False, undefined=undefined)
        self.globals, self.filters, self.tests = {}, {}, {}


_PARSER = Environment()


@lru_cache(maxsize=4096)
def parse(text: str) -> nodes.Template:
    """The script's tree, if it is one that is let through.

    Raises:
        BadScript: with the line within the text.
    """
    hidden = _INVISIBLE.search(text)
    if hidden is not None:
        line = text.count("\n", 0, hidden.start()) + 1
        raise BadScript(f"an invisible character U+{ord(hidden[0]):04X}", "take it out", line=line)
    try:
        tree = _PARSER.parse(text)
    except TemplateSyntaxError as error:
        what = f"the script cannot be read: {(error.message or '').rstrip('.')}"
        raise BadScript(what, "close every {{ and {%", line=error.lineno) from error
    except RecursionError as error:
        raise BadScript("the script is nested too deeply", "write it plainly") from error
    _let_all_through(tree, 0)
    return tree


def _let_all_through(node: nodes.Node, depth: int) -> None:
    if depth > DEEPEST:
        raise BadScript("the script is nested too deeply", "write it plainly", line=node.lineno)
    _let_through(node)
    for child in node.iter_child_nodes():
        _let_all_through(child, depth + 1)


def visible(text: str) -> str:
    """The text without its invisible characters."""
    return _INVISIBLE.sub("", text)


def _let_through(node: nodes.Node) -> None:
    if not isinstance(node, _ALLOWED):
        word = next((_WORDS[kind] for kind in type(node).__mro__ if kind in _WORDS), type(node).__name__)
        raise BadScript(f"{word} is not allowed in a script", "use only {{ names }} and {% if %}", line=node.lineno)
    if isinstance(node, nodes.CondExpr) and node.expr2 is None:
        raise BadScript("an if within {{ }} has no else", "say what stands there otherwise", line=node.lineno)
    if isinstance(node, (nodes.Getattr, nodes.Getitem)):
        if dotted(node) is None:
            raise BadScript("a look-up that is not a plain name", "write names as estate.name", line=node.lineno)
    elif isinstance(node, nodes.Const) and not isinstance(node.value, (str, int, bool)):
        raise BadScript(f"{node.value!r} is not allowed in a script", "use text or a whole number", line=node.lineno)


def dotted(node: nodes.Node) -> str | None:
    """``estate.name`` for the nodes that say so (with dots or brackets); None for anything else."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        base, attr = dotted(node.node), node.attr
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        base, attr = dotted(node.node), node.arg.value
    else:
        return None
    return None if base is None else f"{base}.{attr}"


def names_with_lines(text: str) -> list[tuple[str, int]]:
    """Every name that the script uses, in its order, with the line within the text."""
    return list(_names(parse(text)))


def _names(node: nodes.Node) -> Iterator[tuple[str, int]]:
    name = dotted(node)
    if name is not None:
        yield name, node.lineno
        return
    for child in node.iter_child_nodes():
        yield from _names(child)


def offer_of(name: str) -> tuple[str, str] | None:
    """The offer and the field that ``offer.<name>.<field>`` speaks of."""
    kind, _, rest = name.partition(".")
    offer, _, field = rest.rpartition(".")
    return (offer, field) if kind == "offer" and offer else None


def is_known(name: str) -> bool:
    """Whether a script may use the name at all."""
    offer = offer_of(name)
    return name in NAMES or (offer is not None and offer[1] in OFFER_FIELDS)


def needed(text: str) -> frozenset[str]:
    """The names that must have a value: those that are shown without an `if` asking for them first."""
    return frozenset(_needed(parse(text), frozenset()))


def _needed(node: nodes.Node, asked: frozenset[str]) -> Iterator[str]:
    name = dotted(node)
    if name is not None:
        if name not in asked:
            yield name
    elif isinstance(node, nodes.If):
        yield from _needed_by_test(node.test, asked)
        yield from _each_needed(node.body, asked | _told_by(node.test))
        yield from _each_needed([*node.elif_, *node.else_], asked)
    elif isinstance(node, nodes.CondExpr):
        yield from _needed_by_test(node.test, asked)
        yield from _needed(node.expr1, asked | _told_by(node.test))
        if node.expr2 is not None:
            yield from _needed(node.expr2, asked)
    elif isinstance(node, (nodes.And, nodes.Or)):
        yield from _needed_by_test(node.left, asked)
        told = _told_by(node.left) if isinstance(node, nodes.And) else frozenset[str]()
        yield from _needed(node.right, asked | told)
    elif isinstance(node, nodes.Not):
        yield from _needed_by_test(node.node, asked)
    else:
        yield from _each_needed(list(node.iter_child_nodes()), asked)


def _each_needed(parts: list[nodes.Node], asked: frozenset[str]) -> Iterator[str]:
    for part in parts:
        yield from _needed(part, asked)


def _needed_by_test(test: nodes.Node, asked: frozenset[str]) -> Iterator[str]:
    """A bare name in a condition may be empty: that is what the condition asks."""
    if dotted(test) is None:
        if isinstance(test, (nodes.And, nodes.Or)):
            yield from _needed_by_test(test.left, asked)
            yield from _needed_by_test(test.right, asked)
        else:
            yield from _needed(test, asked)


def _told_by(test: nodes.Node) -> frozenset[str]:
    """The names that surely have a value where the condition holds."""
    name = dotted(test)
    if name is not None:
        return frozenset({name})
    if isinstance(test, nodes.And):
        return _told_by(test.left) | _told_by(test.right)
    return frozenset()


def outcomes(text: str) -> tuple[str, ...]:
    """Every text that the script can become, with `PLACEHOLDERS` for its values.

    Conditions are taken both ways, and pieces that are joined (``"我" ~ "家"``) are joined here too, so that
    no template hides its words from whoever checks them. An offer's value reads as ``一份礼``.

    Raises:
        BadScript: when there are more than `MOST_OUTCOMES`.
    """
    return tuple(dict.fromkeys(_outcomes(parse(text))))


def _outcomes(node: nodes.Node) -> list[str]:  # noqa: PLR0911  # one answer for each kind of node
    name = dotted(node)
    if name is not None:
        return [PLACEHOLDERS.get(name, "一份礼")]
    if isinstance(node, nodes.TemplateData):
        return [node.data]
    if isinstance(node, nodes.Const):
        return [str(node.value)]
    if isinstance(node, nodes.If):
        held = _joined(node.body)
        for other in node.elif_:
            held += _joined(other.body)
        return _few([*held, *_joined(node.else_)], node)
    if isinstance(node, nodes.CondExpr) and node.expr2 is not None:
        return _few([*_outcomes(node.expr1), *_outcomes(node.expr2)], node)
    if isinstance(node, (nodes.And, nodes.Or)):
        return _few([*_outcomes(node.left), *_outcomes(node.right)], node)
    if isinstance(node, (nodes.Not, nodes.Compare)):
        return ["True", "False"]
    return _joined(list(node.iter_child_nodes()))


def _joined(parts: list[nodes.Node]) -> list[str]:
    texts = [""]
    for part in parts:
        more = list(dict.fromkeys(_outcomes(part)))
        if len(texts) * len(more) > MOST_OUTCOMES:
            raise _too_many(part)
        texts = [before + after for before, after in product(texts, more)]
    return texts


def _few(texts: list[str], node: nodes.Node) -> list[str]:
    if len(texts) > MOST_OUTCOMES:
        raise _too_many(node)
    return texts


def _too_many(node: nodes.Node) -> BadScript:
    return BadScript(
        f"the script can become more than {MOST_OUTCOMES} different texts", "use fewer conditions", line=node.lineno
    )
