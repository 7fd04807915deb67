"""The register of estates' names: which estates a name, or a text with names in it, may mean."""

from __future__ import annotations

import re
from collections.abc import Iterable

import ahocorasick
from msgspec import Struct
from rapidfuzz import fuzz, process

from maps.names import EstateName, fold, parse

#: Names that are words, too common to mean an estate inside a text.
_WORDS = frozenset(
    "花园 小区 广场 家园 公寓 宿舍 家属楼 社区 新村 新城 大厦 别墅 小镇 商铺 住宅 "
    "学校 医院 公园 车站 市场 阳光 幸福 大院 楼上 我家".split()
)
#: Endings that people leave out or add.
_ENDING = re.compile(r"(?:住宅小区|小区|社区|住宅区|花园小区|家属楼|家属院)$")
_SUFFIX = re.compile(
    r"^\(?(?:(?P<phase>\d{1,2})期|(?P<section>[a-z]\d?|\d{1,2}|[东西南北中]{1,2}|[甲乙丙丁戊])(?:区|组团|片区))\)?"
)
#: How like a whole name has to be (0–100) to be taken for a misspelling.
_LIKE = 80.0

#: How well what is said of phase and section fits an estate's own.
_SAME, _WHOLE, _PART, _OTHER = 1.0, 0.8, 0.5, 0.03


class Mention(Struct, frozen=True):
    """A name found in a folded text, at [start, end), and the estates (by number) that it may mean, weighed."""

    start: int
    end: int
    name: EstateName
    weights: tuple[tuple[int, float], ...]


class Register:
    """Names, aliases and former names of estates, by the estate's number. Built once, never changed."""

    __slots__ = ("_bases", "_finder", "_spellings", "_stems", "_words")

    def __init__(self, names: Iterable[tuple[int, str]]) -> None:
        bases: dict[str, list[tuple[int, EstateName]]] = {}
        for number, written in names:
            name = parse(written)
            for spelling in filter(None, (name.base, name.former)):
                entry = (number, EstateName(spelling, name.phase, name.section, name.note))
                if entry not in (entries := bases.setdefault(spelling, [])):
                    entries.append(entry)
        self._bases = bases
        self._stems: dict[str, list[str]] = {}
        for base in bases:
            self._stems.setdefault(_stem(base), []).append(base)
        self._spellings = sorted(bases)
        self._finder = ahocorasick.Automaton()
        for base in bases:
            if len(base) > 1 and base not in _WORDS:
                self._finder.add_word(base, base)
        self._finder.make_automaton()

    def find(self, folded: str) -> list[Mention]:
        """The names in a folded text: the longest first where they overlap, then in the text's order."""
        if not len(self._finder):
            return []
        hits = sorted(
            ((end + 1 - len(base), end + 1, base) for end, base in self._finder.iter(folded)),
            key=lambda hit: (hit[0] - hit[1], hit[0]),
        )
        taken: list[Mention] = []
        for start, end, base in hits:
            if all(end <= other.start or start >= other.end for other in taken):
                name, last = _with_suffix(base, folded, end)
                taken.append(Mention(start, last, name, tuple(self.resolve(name))))
        return sorted(taken, key=lambda mention: mention.start)

    def resolve(self, name: EstateName) -> list[tuple[int, float]]:
        """The estates of a name's base, weighed by phase, section and what stood in brackets; best first."""
        best: dict[int, float] = {}
        for number, own in self._bases.get(name.base, ()):
            best[number] = max(best.get(number, 0.0), _fit(name, own))
        return sorted(best.items(), key=lambda item: (-item[1], item[0]))

    def match(self, written: str) -> list[tuple[int, float]]:
        """The estates that a whole name may mean, weighed: as spelt, without its ending, as a part, misspelt."""
        name = parse(written)
        if found := self.resolve(name):
            return found
        if found := self._stemmed(name):
            return found
        folded = fold(written)
        if mentions := [m for m in self.find(folded) if m.end - m.start >= max(3, 0.5 * len(folded))]:
            longest = max(mentions, key=lambda m: (m.end - m.start, -m.start))
            return [(number, weight * 0.7) for number, weight in longest.weights]
        return self._misspelt(name)

    def _misspelt(self, name: EstateName) -> list[tuple[int, float]]:
        if len(name.base) < 3:
            return []
        near = process.extract(name.base, self._spellings, scorer=fuzz.ratio, score_cutoff=_LIKE, limit=5)
        out: dict[int, float] = {}
        for base, likeness, _ in near:
            for number, weight in self.resolve(EstateName(base, name.phase, name.section, name.note)):
                out[number] = max(out.get(number, 0.0), weight * 0.7 * (likeness - 60.0) / 40.0)
        return sorted(out.items(), key=lambda item: (-item[1], item[0]))

    def _stemmed(self, name: EstateName) -> list[tuple[int, float]]:
        kin = [EstateName(base, name.phase, name.section) for base in self._stems.get(_stem(name.base), ())]
        out = {number: weight * 0.85 for one in kin for number, weight in self.resolve(one)}
        return sorted(out.items(), key=lambda item: (-item[1], item[0]))


def _stem(base: str) -> str:
    return _ENDING.sub("", base) or base


def _with_suffix(base: str, folded: str, end: int) -> tuple[EstateName, int]:
    phase = section = ""
    while found := _SUFFIX.match(folded[end : end + 8]):
        if (found["phase"] and phase) or (found["section"] and section):
            break
        phase, section = found["phase"] or phase, found["section"] or section
        end += found.end()
    return EstateName(base, phase.lstrip("0"), section), end


def _fit(said: EstateName, own: EstateName) -> float:
    fit = _fit_part(said.phase, own.phase) * _fit_part(said.section, own.section)
    if said.note and own.note and said.note != own.note:
        fit *= 0.3  # two that share a name are told apart in brackets: 长青家园(新立街44号)
    return fit


def _fit_part(said: str, own: str) -> float:
    if said == own:
        return _SAME
    if said and own:
        return _OTHER
    return _WHOLE if said else _PART
