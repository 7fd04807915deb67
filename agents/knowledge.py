"""Which answer fits a question: chosen by its words, out of a playbook's knowledge base and the dealer's own.

One automaton over all keys finds those that a question holds; the entry whose keys make up most of it is taken, of two
the one that stands first. A dealer's entry goes over the playbook's of the same id, as with offers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

import ahocorasick
from msgspec import Struct

from schemas.playbook import Playbook
from schemas.playbook_knowledge import About, KnowledgeEntry
from schemas.playbook_parts import ScriptText
from schemas.reference import Answer
from schemas.values import Role

#: Which kind of entry answers which signal.
ABOUT: Mapping[str, About] = {
    "asks_price": About.PRICE, "asks_product": About.PRODUCT, "asks_design": About.DESIGN,
    "asks_service": About.SERVICE, "asks_progress": About.PROGRESS,
}
#: So many characters of a question are looked at.
READ_CHARS = 200

_FIGURE = re.compile(
    r"[¥￥]\s*\d|\d\s*(?:元|块钱|块(?![板料])|万|折|%|％)|[一二两三四五六七八九十百千]+(?:折|块钱|万块|万元)|百分之")
_PUBLIC = re.compile(r"公示|offer[.\[]")


class Entry(Struct, frozen=True):
    """One answer, ready to be given."""

    id: str
    about: About
    keys: tuple[str, ...]
    script: ScriptText
    role: Role


class Knowledge:
    """Some entries, found by the words of a question; made once, never changed."""

    __slots__ = ("_automata", "ids")

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        entries = tuple(entries)
        self.ids = frozenset(entry.id for entry in entries)
        self._automata = {about: _automaton([e for e in entries if e.about is about]) for about in About}

    def best(self, about: About, text: str, without: Collection[str] = ()) -> tuple[int, Entry] | None:
        """The entry that fits best, with how many characters of the question its keys make up; None where none has any.

        Entries of the ids `without` are passed over.
        """
        automaton = self._automata[about]
        if automaton is None:
            return None
        found: dict[str, tuple[int, int, Entry]] = {}
        for word, of_word in dict(_hits(automaton, text)).items():
            for place, entry in of_word:
                if entry.id not in without:
                    length = found[entry.id][0] if entry.id in found else 0
                    found[entry.id] = (length - len(word), place, entry)
        if not found:
            return None
        length, _, entry = min(found.values(), key=lambda one: one[:2])
        return -length, entry


_Words = tuple[tuple[int, Entry], ...]


def _hits(automaton: ahocorasick.Automaton, text: str) -> Iterable[tuple[str, _Words]]:
    for _, hit in automaton.iter(text[:READ_CHARS].lower()):
        yield hit


def _automaton(entries: list[Entry]) -> ahocorasick.Automaton | None:
    words: dict[str, list[tuple[int, Entry]]] = {}
    for place, entry in enumerate(entries):
        for key in dict.fromkeys(key.lower() for key in entry.keys):
            words.setdefault(key, []).append((place, entry))
    if not words:
        return None
    automaton = ahocorasick.Automaton()
    for word, of_word in words.items():
        automaton.add_word(word, (word, tuple(of_word)))
    automaton.make_automaton()
    return automaton


def answer_to(on: str, text: str, common: Knowledge, own: Knowledge | None) -> Entry | None:
    """The answer to a question of that signal; a dealer's `own` that fits as well as the `common` one comes first."""
    about = ABOUT.get(on)
    if about is None or not text:
        return None
    mine = own.best(about, text) if own is not None else None
    theirs = common.best(about, text, own.ids if own is not None else ())
    if mine is not None and (theirs is None or mine[0] >= theirs[0]):
        return mine[1]
    return theirs[1] if theirs is not None else None


def knowledge_of(playbook: Playbook) -> Knowledge:
    """A playbook's own knowledge base."""
    return Knowledge(_of_playbook(entry) for entry in playbook.knowledge.entries)


def own_knowledge(answers: Iterable[Answer]) -> dict[str | None, Knowledge]:
    """Each dealer's own answers, over those that name no dealer and are everybody's; under None these alone."""
    everybodys: dict[str, Entry] = {}
    by_dealer: dict[str, dict[str, Entry]] = {}
    for answer in answers:
        entry = _of_reference(answer)
        own = everybodys if answer.dealer_id is None else by_dealer.setdefault(answer.dealer_id, {})
        own[entry.id] = entry
    found: dict[str | None, Knowledge] = {
        dealer_id: Knowledge([*own.values(), *(e for e in everybodys.values() if e.id not in own)])
        for dealer_id, own in by_dealer.items()
    }
    return {None: Knowledge(everybodys.values()), **found} if everybodys else found


def _of_playbook(entry: KnowledgeEntry) -> Entry:
    return Entry(entry.id, entry.about, entry.keys, entry.script, entry.role)


def _of_reference(answer: Answer) -> Entry:
    given = entry_of(answer)
    return Entry(given.id, given.about, given.keys, given.script, given.role)


def entry_of(answer: Answer) -> KnowledgeEntry:
    """A dealer's answer in the playbook's form; its id is the one that it goes over."""
    return KnowledgeEntry(
        id=answer.answer_id.partition("@")[0], about=About(answer.about), keys=answer.keys, role=answer.role,
        text=answer.text, attachments=answer.attachments)


def fault(about: About, text: str) -> str | None:
    """What no answer may say: a figure; and about prices nothing that isn't the shop's public word."""
    if (figure := _FIGURE.search(text)) is not None:
        return f"it names a figure: “{figure[0]}”"
    if about is About.PRICE and _PUBLIC.search(text) is None:
        return "an answer about prices refers neither to the public notice (公示) nor to an offer"
    return None

