"""From evidence to an estate: clues are read off the book, weighed together, and answered or left open.

Each clue gives every estate a likelihood (`maps.clues`); clues of different kinds multiply, as independent
evidence does, against one more hypothesis: that the home is none of the estates named. What that leaves is
the confidence. Below `THRESHOLD` there is no answer, only candidates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from math import exp, fsum, isfinite, log
from typing import NamedTuple

from msgspec import Struct

from maps import addresses
from maps.book import EstateBook, bare_city
from maps.clues import MOST, TRUST, WORDS, Clue, ClueKind
from maps.datum import wgs84_of
from maps.names import fold, split_home
from maps.register import Mention
from schemas.values import Location, Point

#: From this confidence on there is an answer.
THRESHOLD = 0.6

#: Two listings of one estate lie about this far apart (m), with a long tail: median 61–138 m, p90 0.4–1.6 km
#: between four listing sites in three cities.
_SPREAD_M = 90.0
#: The chance of an unknown estate, as if one stood this far away (m).
_UNKNOWN_M = 450.0
#: Farther from everything than this (m), a point says nothing.
_FARTHEST_M = 3_000.0
_INSIDE, _INSIDE_SEVERAL = 0.97, 0.9
#: How sure an estate is that is listed alone at an address's house number.
_AT_THE_DOOR = 0.8
#: A name without its phase fits the phases by half; where one of them is the group's estate, it is meant.
_FITS_HALF, _SURE_NEAR = 0.5, 0.9

_MINE_BEFORE = re.compile(r"(?:我是|我们?家?在?|我家是?|住在?|家在|买在?了?|本人)$")
_MINE_AFTER = re.compile(r"^,?(?:的|业主|[a-z]?\d{0,3}(?:栋|号楼|幢|座|单元|#))")
_NOT_BEFORE = re.compile(
    r"(?:不是|不住|没住|不在|没在|离|路过|朋友是?|朋友住|同事|亲戚|隔壁|附近|对面|旁边)(?:在|的)?$"
)
_NOT_AFTER = re.compile(
    r"^(?:小区)?(?:的)?(?:对面|旁边|旁|附近|隔壁|边上|斜对|[东西南北]侧|以[东西南北]|[东西南北]行)"
)


class Answer(Struct, frozen=True):
    """Which estate, how sure, and why; `estate_id` is None where the evidence doesn't carry an answer."""

    estate_id: str | None
    confidence: float
    reason: str
    candidates: tuple[tuple[str, float], ...]


class _Context(NamedTuple):
    """What is known beside a text: the group's estate, the city."""

    near: str | None
    city: str | None


class Locator:
    """Reads clues off an estate book and weighs them."""

    __slots__ = ("_book",)

    def __init__(self, book: EstateBook) -> None:
        self._book = book

    def from_estate(self, kind: ClueKind, estate_id: str) -> Clue | None:
        """A clue that names the estate by its id; None where the book has no such estate."""
        return Clue(kind, ((estate_id, 1.0),)) if estate_id in self._book else None

    def from_text(
        self, kind: ClueKind, text: str, near: str | None = None, city: str | None = None
    ) -> Clue | None:
        """What a text says: estates named in it, or for `DECLARED` and `CATALOGUE` the whole of it as a name.

        `near` is an estate that is likely anyhow (the group's): it decides between estates that share a name,
        but a building and a room alone (3栋2单元) say nothing new. `city` rules out estates of other cities.
        """
        rest, _ = split_home(text)
        folded = fold(rest)
        whole = kind in (ClueKind.DECLARED, ClueKind.CATALOGUE)
        context = _Context(near, city or self._city_in(folded))
        scores = self._shared(self._book.called(rest), context) if whole else {}
        return _clue(kind, scores or self._mentioned(folded, context))

    def from_address(self, kind: ClueKind, address: str, city: str | None = None) -> Clue | None:
        """What an address says: the estate named in it, and those listed at its road and house number."""
        rest, _ = split_home(address)
        folded = fold(rest)
        context = _Context(None, city or self._city_in(folded))
        scores = self._mentioned(folded, context, roads=False)
        on_road = [estate_id for estate_id in self._book.on_road(rest) if self._in_city(estate_id, context)]
        for estate_id in on_road:
            scores[estate_id] = 1.0 - (1.0 - scores.get(estate_id, 0.0)) * (1.0 - _AT_THE_DOOR / len(on_road))
        if not scores:
            scores = {estate_id: score / 2 for estate_id, score in self._mentioned(folded, context).items()}
        return _clue(kind, scores)

    def from_point(self, kind: ClueKind, point: Point | Location) -> Clue | None:
        """What a point says: the outlines that hold it, else the estates around by their distance.

        None where the point is no point, or nothing lies within 3 km of it (the wrong city, the wrong country).
        """
        if not (isfinite(point.lng) and isfinite(point.lat)):
            return None
        lng, lat = wgs84_of(point)
        if inside := self._book.containing(lng, lat)[:MOST]:
            chance = _INSIDE if len(inside) == 1 else _INSIDE_SEVERAL / len(inside)
            return Clue(kind, tuple((estate_id, chance) for estate_id in inside))
        near = [(i, d) for i, d in self._book.nearest(lng, lat, MOST) if d <= _FARTHEST_M]
        if not near:
            return None
        odds = [(estate_id, _nearness(metres)) for estate_id, metres in near]
        total = fsum(chance for _, chance in odds) + _nearness(_UNKNOWN_M)
        return Clue(kind, _best((estate_id, chance / total) for estate_id, chance in odds))

    def weigh(self, clues: Sequence[Clue]) -> Answer:
        """The estate that the clues speak for together, whatever their order; unresolved below `THRESHOLD`."""
        by_kind = _together(clues)
        if not by_kind:
            return Answer(None, 0.0, "unresolved: no evidence", ())
        estates = sorted({estate_id for scores in by_kind.values() for estate_id in scores})
        logs = [fsum(log(_likelihood(k, s, e)) for k, s in by_kind.items()) for e in estates]
        none = fsum(log(_unlikelihood(k, s)) for k, s in by_kind.items())
        top = max(none, *logs)
        total = fsum(exp(value - top) for value in (none, *logs))
        ranked = _best((e, exp(v - top) / total) for e, v in zip(estates, logs, strict=True))
        best, confidence = ranked[0]
        confidence = min(confidence, 0.999)
        if confidence < THRESHOLD or (len(ranked) > 1 and ranked[1][1] >= confidence):
            return Answer(None, confidence, self._why_not(by_kind, ranked), ranked)
        return Answer(best, confidence, self._why(by_kind, best), ranked)

    def _mentioned(self, folded: str, context: _Context, roads: bool = True) -> dict[str, float]:
        """The estates named in a folded text; a share each where several names stand in it."""
        weighed = [
            (mention, weight) for mention in self._book.named(folded)
            if (weight := _emphasis(mention, folded)) > 0
            and (roads or not addresses.is_road(mention.name.base)) and not self._is_place(mention.name.base)
        ]
        total = fsum(weight for _, weight in weighed)
        out: dict[str, float] = {}
        for mention, weight in weighed:
            means = [(self._book.id_of(number), fit) for number, fit in mention.weights]
            for estate_id, share in self._shared(means, context).items():
                out[estate_id] = out.get(estate_id, 0.0) + share * min(1.0, weight) * weight / total
        return out

    def _shared(self, means: Iterable[tuple[str, float]], context: _Context) -> dict[str, float]:
        """What one name may mean, as shares of how well it fits the best; what is near takes more of it."""
        there = [(estate_id, fit) for estate_id, fit in means if fit > 0 and self._in_city(estate_id, context)]
        if not there:
            return {}
        sure = min(1.0, max(fit for _, fit in there))
        if any(estate_id == context.near and fit >= _FITS_HALF for estate_id, fit in there):
            sure = max(sure, _SURE_NEAR)
        near = [(estate_id, fit * self._nearby(estate_id, context.near)) for estate_id, fit in there]
        total = fsum(weight for _, weight in near)
        return {estate_id: sure * weight / total for estate_id, weight in near}

    def _is_place(self, base: str) -> bool:
        return base in self._book.districts or bare_city(base) in self._book.cities

    def _city_in(self, folded: str) -> str | None:
        named = [city for city in self._book.cities if city and city in folded]
        return named[0] if len(named) == 1 else None

    def _in_city(self, estate_id: str, context: _Context) -> bool:
        estate = self._book.get(estate_id)
        if not context.city or estate is None or not estate.city:
            return True
        return bare_city(estate.city) == bare_city(context.city)

    def _nearby(self, estate_id: str, near: str | None) -> float:
        if near is None:
            return 1.0
        if estate_id == near:
            return 8.0
        metres = self._book.distance(estate_id, near)
        return 1.0 if metres is None else 2.0 if metres < 5_000 else 1.0 if metres < 30_000 else 0.3

    def _why(self, by_kind: Mapping[ClueKind, Mapping[str, float]], best: str) -> str:
        speak = [k for k in by_kind if _likelihood(k, by_kind[k], best) > _unlikelihood(k, by_kind[k])]
        against = [k for k in by_kind if k not in speak and by_kind[k] and best not in by_kind[k]]
        speak.sort(key=lambda k: (-by_kind[k].get(best, 0.0) * TRUST[k].right, k))
        return f"{_listed(speak)} for {self._name(best)}" + (f", against {_listed(against)}" if against else "")

    def _why_not(
        self, by_kind: Mapping[ClueKind, Mapping[str, float]], ranked: Sequence[tuple[str, float]]
    ) -> str:
        leaders = {k: max(sorted(s), key=lambda e: s[e]) for k, s in by_kind.items() if s}
        if len(set(leaders.values())) > 1:
            said = "; ".join(f"{WORDS[k]}: {self._name(e)}" for k, e in sorted(leaders.items()))
            return f"unresolved: the clues disagree ({said})"
        kinds = _listed(sorted(by_kind))
        if len(ranked) > 1 and ranked[1][1] > 0.25 * ranked[0][1]:
            return f"unresolved: {kinds} may mean {self._name(ranked[0][0])} or {self._name(ranked[1][0])}"
        return f"unresolved: too little speaks for {self._name(ranked[0][0])} ({kinds})"

    def _name(self, estate_id: str) -> str:
        estate = self._book.get(estate_id)
        return estate.name if estate else estate_id


def _nearness(metres: float) -> float:
    return float((1.0 + (metres / _SPREAD_M) ** 2) ** -1.25)


def _emphasis(mention: Mention, folded: str) -> float:
    """How far a name in a text is the writer's own estate: more after 我是 and before 3栋, nothing after 不是."""
    before, after = folded[max(0, mention.start - 6) : mention.start], folded[mention.end : mention.end + 8]
    if _NOT_BEFORE.search(before) or _NOT_AFTER.search(after):
        return 0.0
    if _MINE_BEFORE.search(before) or _MINE_AFTER.search(after) or mention.end - mention.start >= len(folded) - 1:
        return 2.0
    return 0.5 if len(mention.name.base) < 3 or addresses.is_road(mention.name.base) else 1.0


def _clue(kind: ClueKind, scores: Mapping[str, float]) -> Clue | None:
    return Clue(kind, _best(scores.items())) if scores else None


def _best(scores: Iterable[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    ranked = sorted(((e, round(s, 4)) for e, s in scores), key=lambda item: (-item[1], item[0]))
    return tuple(ranked[:MOST])


def _together(clues: Iterable[Clue]) -> dict[ClueKind, dict[str, float]]:
    """The clues by kind, in a fixed order; several of one kind are averaged, for they aren't independent."""
    kinds: dict[ClueKind, list[Clue]] = {}
    for clue in (clue for clue in clues if clue.scores):
        kinds.setdefault(clue.kind, []).append(clue)
    out: dict[ClueKind, dict[str, float]] = {}
    for kind in sorted(kinds):
        said: dict[str, list[float]] = {}
        for clue in kinds[kind]:
            for estate_id, score in clue.scores:
                said.setdefault(estate_id, []).append(score)
        out[kind] = {estate_id: fsum(scores) / len(kinds[kind]) for estate_id, scores in said.items()}
    return out


def _likelihood(kind: ClueKind, scores: Mapping[str, float], estate_id: str) -> float:
    trust = TRUST[kind]
    return trust.right * scores.get(estate_id, 0.0) + _unlikelihood(kind, scores) * trust.spread


def _unlikelihood(kind: ClueKind, scores: Mapping[str, float]) -> float:
    """The likelihood of a clue when the home is an estate that it doesn't name."""
    return max(1.0 - TRUST[kind].right * fsum(scores.values()), 0.01)


def _listed(kinds: Sequence[ClueKind]) -> str:
    words = [WORDS[kind] for kind in kinds]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
