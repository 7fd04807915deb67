"""Whether a text has its speaker pass for an owner of the estate or for a buyer of the product.

Staff speak as staff. A script in which they claim an owner's or a buyer's place is refused when it is loaded and
again when it is rendered. Strict: what could be read as a claim is one, and an honest script can be put otherwise.

These are words and shapes, not understanding. Who says it outright (我家, 我也买了, 我们小区, 用了半年) is found
through spaces, emoji, traditional characters and cut-up clauses. Who only lets it be understood mostly isn't
(“能让我签单的不多”), so whoever releases a playbook still reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from agents.claim_rules import ASKS_READER, ATTRIBUTED, OBJECT_BEFORE, OF_READER, RULES, TO_ANSWER, Rule
from agents.folded import Folded, fold

_PRONOUN = re.compile(r"我们?|咱们?|俺们?|本人")


class Claim(Struct, frozen=True):
    """Words by which the speaker passes for an owner or a buyer; `span` is in characters of the text."""

    kind: Literal["owner", "buyer"]
    span: tuple[int, int]
    text: str


@lru_cache(maxsize=4096)
def claims(text: str, estate: str = "") -> tuple[Claim, ...]:
    """Find the speaker's claims to live in the estate, or to have bought or used the product, in order of place.

    `estate` is the estate's name, where known: ``我是绿地城的`` then counts as surely as ``我是本小区的``. Words that
    are attributed (``业主反馈：“…”``) or that the reader is told to answer (``回复“算我一个”``) are not the speaker's.
    """
    folded = read(text, estate)
    shapes = _shapes(folded.text, folded.gap)
    if not shapes:
        return ()
    not_own = tuple(_not_own(text))
    spans = ((kind, folded.span(start, end)) for kind, start, end in shapes)
    found = sorted(
        (Claim(kind, span, text[slice(*span)]) for kind, span in spans if not _within(span, not_own)),
        key=lambda claim: (claim.span[0], -claim.span[1], claim.kind),
    )
    out: list[Claim] = []
    for claim in found:
        if not out or claim.span[0] >= out[-1].span[1]:
            out.append(claim)
    return tuple(out)


@lru_cache(maxsize=4096)
def read(text: str, estate: str = "") -> Folded:
    """The text as its reader takes it, with the estate's own name as 本小区."""
    folded = fold(text)
    return _as_this_estate(folded, name) if estate and (name := _folded_name(estate)) else folded


@lru_cache(maxsize=4096)
def _folded_name(estate: str) -> str:
    return fold(estate).text


@lru_cache(maxsize=4096)
def _shapes(text: str, gap: tuple[bool, ...]) -> tuple[tuple[Literal["owner", "buyer"], int, int], ...]:
    """What the rules find in a folded text, whose kind and where: once for a script in however many estates."""
    return tuple(found for rule in RULES for found in _of_rule(rule, text, gap))


def _of_rule(rule: Rule, text: str, gap: tuple[bool, ...]) -> Iterator[tuple[Literal["owner", "buyer"], int, int]]:
    for match in rule.shape.finditer(text):
        if match.end() == match.start() or _of_the_reader(match, text, gap):
            continue
        if rule.unless is not None and rule.unless.search(_clause(text, match.start(), match.end())):
            continue
        yield rule.kind, match.start(), match.end()


def _clause(text: str, start: int, end: int) -> str:
    """The clause of a match with its question mark; what stands before it, too, where the match opens the clause."""
    begin = text.rfind("，", 0, start) + 1
    if begin == start and start:
        begin = text.rfind("，", 0, start - 1) + 1
    close = next((i for i in range(end, len(text)) if text[i] in "，？"), len(text))
    return text[begin : close + 1]


def _of_the_reader(match: re.Match[str], text: str, gap: tuple[bool, ...]) -> bool:
    """Whether 我 at the start is the object of a verb, and what follows is the reader's."""
    start = match.start()
    pronoun = _PRONOUN.match(match[0])
    if pronoun is None:
        return False
    before = text[max(0, start - 4) : start]
    if pronoun.end() < len(match[0]) and gap[start + pronoun.end()] and not gap[start]:
        return OBJECT_BEFORE.search(before) is not None
    return ASKS_READER.search(before) is not None and OF_READER.match(text, start + pronoun.end()) is not None


def _not_own(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (ATTRIBUTED, TO_ANSWER):
        for match in pattern.finditer(text):
            group = next((name for name, value in match.groupdict().items() if value is not None), None)
            if group is not None:
                yield match.span(group)


def _within(span: tuple[int, int], ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in ranges)


def _as_this_estate(folded: Folded, name: str) -> Folded:
    """The estate's own name read as 本小区, so that the shapes know it."""
    text, at, gap = folded.text, list(folded.at), list(folded.gap)
    where = text.rfind(name)
    while where >= 0:
        text = text[:where] + "本小区" + text[where + len(name) :]
        last = at[where + len(name) - 1]
        at[where : where + len(name)] = [at[where], at[where], last]
        gap[where : where + len(name)] = [gap[where], False, False]
        where = text.rfind(name, 0, where)
    return Folded(text, tuple(at), tuple(gap))
