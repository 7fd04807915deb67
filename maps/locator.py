"""From evidence to an estate: clues are read off the book, weighed together, and answered or left open.

Two ways lead here. `Locator.place` takes all that is said of one home at once (a text, a name, an address, a
point) and asks of every estate in question how likely all of it would be, were it the one; against one more
hypothesis: that the home is none of the book's. `Locator.weigh` does the same with stored clues
(`maps.clues`), which keep of each piece of evidence the five best estates. Below a threshold there is no
answer, only candidates. How it works, and how well: docs/placement.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from math import exp, fsum, isfinite, log
from typing import NamedTuple

from msgspec import Struct

from maps import addresses, agreement, extent
from maps.book import EstateBook, bare_city
from maps.clues import MOST, TRUST, WORDS, Clue, ClueKind, faded
from maps.datum import wgs84_of
from maps.divisions import place_in, short
from maps.fitted import CALIBRATION, POINT, ROAD, UNNAMED
from maps.index import NEAREST
from maps.names import Home, breaks, fold, plain, split_home
from maps.register import DEVELOPERS, Mention
from maps.wording import Role, done_up, landmark_in, one_of_several, own_words, role, slots
from schemas.values import Crs, Location, Point

#: From this confidence on stored clues are an answer: what they weigh is an estimate (`maps.clues`), and cautious; …
THRESHOLD = 0.6
#: … from this one on all that is said of a home at once, whose confidence is calibrated.
PLACE_THRESHOLD = 0.75
#: The same where a point is all there is: how well points fit is a city's and a site's own, and they are farther from
#: what was fitted than names are.
POINT_THRESHOLD = 0.90

_POINTS = frozenset({ClueKind.POINT, ClueKind.DELIVERY_POINT})

#: Farther from everything than this (m), a point says nothing.
_FARTHEST_M = 3_000.0
#: The estates around a point that are looked at.
_AROUND = NEAREST
#: Names of so many characters are not looked for with a slip inside a text.
_SHORT = 3
#: How sure an estate is that is listed alone at an address's house number: 1,125 of 1,207 in Harbin and Changchun.
_AT_THE_DOOR = 0.93
#: An address's number between others' of its road: so many estates there, and so sure they are together.
_BESIDE_DOOR, _SURE_BESIDE_DOOR = 3, 0.3
#: However near a point lies, it speaks no louder than this for an estate that the words do not name: where the book
#: is thin, the estate that they do name is one that it lacks.
_MOST_UNNAMED, _STRONG = 10.0, 0.03
#: A name without its phase fits each phase a little; where one of them is the group's estate, it is meant.
_FITS_HALF, _SURE_NEAR = 0.04, 0.95
#: Of estates that only share a developer's name, one beside a landmark is meant (m).
_BESIDE_M, _SURE_BESIDE, _BESIDE_ENOUGH, _CHAIN_ALONE = 1_500.0, 0.85, 0.4, 0.5
#: What a name's worth is at least, for it to be meant without looking for a slip.
_GOOD = 0.6
#: What somebody left, of whom nothing newer is known, or one of several that they name: half a home.
_LEFT_WORTH = 0.5
_AND = re.compile(r"(?:小区|社区)?(?:和|或者?|与|跟|、|,|/|还是|以及|及|&|\+|加)")
#: Fewer points than these don't tell a datum; a better one has to be so much likelier (in nats), in all and each.
FEW_POINTS, _CLEAR, _CLEAR_EACH = 8, 8.0, 0.3
#: So many of the points that name a datum tell whether it is theirs.
_SAMPLE = 400
_DATUMS: tuple[Crs, ...] = ("wgs84", "gcj02", "bd09")
#: A city is told from a road or an estate of its name (北京路, 上海公馆) by its 市; it stands among the first words.
_CITY_BY, _LONGEST_PLACE = 13, 30
_CHAIN = re.compile(rf"({'|'.join(DEVELOPERS)})")


class Answer(Struct, frozen=True):
    """Which estate, how sure, and why; `estate_id` is None where the evidence doesn't carry an answer.

    `home` is the building, unit and room that were said; `flags` names what the point is worth
    (`shared_point`: several estates stand on one point there; `far`: nothing lies near it).
    """

    estate_id: str | None
    confidence: float
    reason: str
    candidates: tuple[tuple[str, float], ...]
    home: Home | None = None
    flags: tuple[str, ...] = ()


class Said(Struct, frozen=True):
    """What is known of one home: any of a message, a name, an address, a point; `near` and `city` as in `from_text`."""

    text: str = ""
    name: str = ""
    address: str = ""
    point: Point | Location | None = None
    near: str | None = None
    city: str | None = None


class Reading(Struct, frozen=True):
    """What one piece of evidence says: the chance of each estate, and of none of the book's what is missing to 1.

    Of a point, `scores` are likelihoods against a chance estate's instead, 1 being even.
    """

    kind: ClueKind
    scores: Mapping[str, float]
    flags: tuple[str, ...] = ()


class WrongDatum(NamedTuple):
    """The datum that fits the points of another one much better, and how many name that one."""

    better: Crs
    points: int


class _Context(NamedTuple):
    """What is known beside a folded text: the group's estate, the city, where the writer parted words (`breaks`)."""

    near: str | None
    city: str | None
    breaks: frozenset[int] = frozenset()


class Locator:
    """Reads clues off an estate book and weighs them."""

    __slots__ = ("_book",)

    def __init__(self, book: EstateBook) -> None:
        self._book = book

    @staticmethod
    def home_in(text: str) -> Home | None:
        """The building, unit and room that a text names: 绿地城3栋2单元1201; None where it names none."""
        return split_home(text)[1]

    @property
    def book(self) -> EstateBook:
        """The book that clues are read off."""
        return self._book

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
        whole = kind in (ClueKind.DECLARED, ClueKind.CATALOGUE)
        return _clue(kind, self._of_name(text, near, city) if whole else self._of_text(text, near, city))

    def from_address(self, kind: ClueKind, address: str, city: str | None = None) -> Clue | None:
        """What an address says: the estate named in it, and those listed at its road and house number."""
        return _clue(kind, self._of_address(address, city))

    def from_point(self, kind: ClueKind, point: Point | Location) -> Clue | None:
        """What a point says: the estates around it, by their outlines and their distance.

        None where the point is no point, or nothing lies within 3 km of it (the wrong city, the wrong country).
        """
        reading = self._of_point(point, ())
        if reading is None:
            return None
        odds = {estate_id: score * POINT["prior"] for estate_id, score in reading.scores.items()}
        total = 1.0 + fsum(odds.values())
        return _clue(kind, {estate_id: chance / total for estate_id, chance in odds.items()})

    # --- all that is said of one home ----------------------------------------------------------------

    def place(self, said: Said) -> Answer:
        """The estate that all that is said speaks for; unresolved below `PLACE_THRESHOLD`."""
        return self.decide(said, self.read(said))

    def read(self, said: Said) -> tuple[Reading, ...]:
        """What each piece of evidence says, by itself."""
        out: list[Reading] = []
        city = said.city or self._elsewhere(said.address)
        if said.name and (scores := self._of_name(said.name, said.near, city)) is not None:
            out.append(Reading(ClueKind.CATALOGUE, scores))
        if said.text and (scores := self._of_text(said.text, said.near, city)):
            out.append(Reading(ClueKind.OWN_WORDS, scores))
        if said.address and (scores := self._of_address(said.address, city)):
            out.append(Reading(ClueKind.ADDRESS, scores))
        if said.point is not None:
            named = {estate_id for reading in out for estate_id in reading.scores}
            if (reading := self._of_point(said.point, sorted(named))) is not None:
                out.append(reading)
        return tuple(out)

    def decide(self, said: Said, readings: Sequence[Reading]) -> Answer:
        """The answer from what `read` gave."""
        home = self.home_in(said.text) or self.home_in(said.address) if said.text or said.address else None
        known = {flag for reading in readings for flag in reading.flags}
        if said.point is not None and not any(reading.kind is ClueKind.POINT for reading in readings):
            known.add("far")
        flags = tuple(sorted(known))
        weights = self.weights(said, readings)
        if not weights:
            return Answer(None, 0.0, "unresolved: " + _nothing(said, readings), (), home, flags)
        total = 1.0 + fsum(weights.values())
        sign = _signature(readings)
        ranked = _best((e, _calibrated(w / total, sign)) for e, w in weights.items())
        best, confidence = ranked[0]
        enough = POINT_THRESHOLD if sign == "point" else PLACE_THRESHOLD
        if confidence < enough or (len(ranked) > 1 and ranked[1][1] >= confidence):
            by_kind = {r.kind: self._as_shares(r) for r in readings}
            return Answer(None, confidence, self._why_not(by_kind, ranked), ranked, home, flags)
        return Answer(best, confidence, self._why_placed(readings, best), ranked, home, flags)

    def weights(self, said: Said, readings: Sequence[Reading]) -> dict[str, float]:
        """How much speaks for each estate, against 1 for none of the book's.

        None of the book's may be anywhere in the city: that a point lies near the one estate that is named is more
        of a coincidence, by the number of estates there, than that it lies near any.
        """
        spoken = [r for r in readings if r.kind in (ClueKind.CATALOGUE, ClueKind.OWN_WORDS)]
        at = next((r for r in readings if r.kind is ClueKind.ADDRESS), None)
        point = next((r for r in readings if r.kind is ClueKind.POINT), None)
        # An address repeats the estate's name: beside a name it speaks by its roads only.
        saying = spoken if any(r.scores for r in spoken) or at is None else [*spoken, at]
        strong = [reading for reading in saying if fsum(reading.scores.values()) >= _STRONG]
        estates = sorted({e for r in (*saying, *([point] if point else [])) for e in r.scores})
        roads = agreement.roads_in(said.address) if said.address and at not in saying else ()
        out: dict[str, float] = {}
        for estate_id in estates:
            weight = 1.0 if saying else POINT["prior"]
            for reading in saying:
                weight *= _against_none(reading, estate_id)
            if roads:
                weight *= self._by_road(estate_id, roads)
            if point is not None and (fits := point.scores.get(estate_id)) is not None:
                named = any(estate_id in reading.scores for reading in strong)
                if named:  # 绿地城三期, which the book lacks, lies beside 二期 and is not it: such words are not strong
                    fits = POINT["astray"] + (1.0 - POINT["astray"]) * POINT["city"] * fits
                elif saying:
                    fits = min(fits, _MOST_UNNAMED)
                weight *= fits
            out[estate_id] = weight
        return out

    def _by_road(self, estate_id: str, roads: tuple[tuple[str, str], ...]) -> float:
        estate = self._book.get(estate_id)
        how = agreement.agree(roads, agreement.roads_in(estate.address)) if estate and estate.address else None
        return ROAD[how] if how else 1.0

    @staticmethod
    def _as_shares(reading: Reading) -> Mapping[str, float]:
        if reading.kind is not ClueKind.POINT:
            return reading.scores
        odds = {e: score * POINT["prior"] for e, score in reading.scores.items()}
        total = 1.0 + fsum(odds.values())
        return {e: chance / total for e, chance in odds.items()}

    def explain(self, said: Said) -> list[str]:
        """What each piece of evidence says, what they say together, and the answer: in words, a line each."""
        readings = self.read(said)
        lines = []
        for reading in readings:
            if reading.kind is ClueKind.POINT:
                ranked = sorted(reading.scores.items(), key=lambda item: (-item[1], item[0]))[:MOST]
                told = [f"{self._told(e)} {self._away(e, said.point)}, {odds:.3g} times chance" for e, odds in ranked]
                lines.append("point: " + "; ".join(told))
                continue
            rest = 1.0 - fsum(reading.scores.values())
            told = [f"{self._told(e)} {score:.1%}" for e, score in _best(reading.scores.items())]
            lines.append(f"{WORDS[reading.kind]}: " + "; ".join([*told, f"none of the book's {max(rest, 0.0):.1%}"]))
        answer = self.decide(said, readings)
        if answer.candidates:
            lines.append("together: " + "; ".join(f"{self._told(e)} {c:.1%}" for e, c in answer.candidates))
        if answer.home is not None:
            parts = ((word, getattr(answer.home, word)) for word in ("building", "unit", "room"))
            lines.append("home: " + ", ".join(f"{word} {part}" for word, part in parts if part))
        lines += [f"flag: {flag}" for flag in answer.flags]
        lines.append(f"answer: {self._told(answer.estate_id) if answer.estate_id else 'none'}, {answer.reason}")
        return lines

    def _told(self, estate_id: str) -> str:
        return f"{self._name(estate_id)} ({estate_id})"

    def _away(self, estate_id: str, point: Point | Location | None) -> str:
        metres = self._book.metres_to(estate_id, *wgs84_of(point)) if point is not None else None
        return "" if metres is None else f"{metres:.0f} m away"

    def has_points(self) -> bool:
        """Whether any estate of the book has a point."""
        return bool(self._book.nearest(0.0, 0.0, 1))

    def wrong_datums(self, batch: Iterable[Said]) -> dict[Crs, WrongDatum]:
        """The datums that can't be right for the points of a batch that name them, in order (`better_datum`)."""
        by_crs: dict[Crs, list[Said]] = {}
        for said in batch:
            if said.point is not None:
                by_crs.setdefault(said.point.crs, []).append(said)
        found = {crs: self.better_datum(of[:: len(of) // _SAMPLE + 1]) for crs, of in sorted(by_crs.items())}
        return {crs: WrongDatum(better, len(by_crs[crs])) for crs, better in found.items() if better is not None}

    def better_datum(self, batch: Sequence[Said]) -> Crs | None:
        """The datum in which a batch's points must be, where it can't be the one that they name.

        Told by how well the points fit the estates, and where estates are named these: read in the wrong datum,
        most fall between them. None where the points fit, or are too few to tell.
        """
        points = [said for said in batch if said.point is not None and isfinite(said.point.lng + said.point.lat)]
        if len(points) < FEW_POINTS:
            return None
        fits = {crs: self._fit_of(points, crs) for crs in _DATUMS}
        stated = fsum(self._fit_of([said], said.point.crs) for said in points if said.point is not None)
        best = max(_DATUMS, key=fits.__getitem__)
        clear = max(_CLEAR, _CLEAR_EACH * len(points))
        return best if fits[best] - stated > clear else None

    def _fit_of(self, batch: Sequence[Said], crs: Crs) -> float:
        """The log likelihood of a batch's points in a datum, against points anywhere between the estates."""
        out = 0.0
        for said in batch:
            if said.point is None:
                continue
            read = Said(said.text, said.name, point=Point(said.point.lng, said.point.lat, crs))
            readings = self.read(read)
            without = [reading for reading in readings if reading.kind is not ClueKind.POINT]
            here = 1.0 + fsum(self.weights(read, readings).values())
            out += log(here) - (log(1.0 + fsum(self.weights(read, without).values())) if without else 0.0)
        return out

    # --- one piece of evidence -----------------------------------------------------------------------

    def _of_name(self, name: str, near: str | None, city: str | None) -> dict[str, float] | None:
        """What a whole name may mean; empty where the book has nothing like it, None where it says nothing at all."""
        rest, home = split_home(name)
        if home is not None and any(fit >= _GOOD for _, fit in self._book.called(name)):
            rest = name  # 吉发广场C座 is an estate's name
        folded = fold(rest)
        if not any(char.isalnum() for char in folded):
            return None
        context = _Context(near, city or self._city_in(folded) or self._elsewhere(name), breaks(rest, folded))
        return self._shared(self._book.called(rest), context) or self._mentioned(folded, context)

    def _of_text(self, text: str, near: str | None, city: str | None) -> dict[str, float]:
        text = own_words(text)
        rest, home = split_home(text)
        folded = fold(rest)
        if home is not None and not home.unit and not home.room and self._book.ends_in_building(home.building):
            # 吉发广场C座 is an estate's name, 绿地城3座 is not.
            whole = fold(text)
            if any(m.name.base.endswith(("座", "栋", "幢", "号楼")) for m in self._book.named(whole)):
                folded, rest = whole, text
        city = city or self._city_in(folded) or self._elsewhere(rest)
        return self._mentioned(folded, _Context(near, city, breaks(rest, folded)))

    def _of_address(self, address: str, city: str | None) -> dict[str, float]:
        rest, _ = split_home(address)
        folded = fold(rest)
        city = city or self._city_in(folded) or self._elsewhere(rest)
        context = _Context(None, city, breaks(rest.replace("-", ""), folded))
        scores = self._mentioned(folded, context, roads=False)
        on_road = [estate_id for estate_id in self._book.on_road(rest) if self._in_city(estate_id, context)]
        for estate_id in on_road:
            scores[estate_id] = 1.0 - (1.0 - scores.get(estate_id, 0.0)) * (1.0 - _AT_THE_DOOR / len(on_road))
        if not scores:
            scores = {estate_id: score / 2 for estate_id, score in self._mentioned(folded, context).items()}
        if not scores:
            scores = self._along_the_road(address, city)
        total = fsum(scores.values())
        return {e: s / total for e, s in scores.items()} if total > 1.0 else scores

    def _along_the_road(self, address: str, city: str | None) -> dict[str, float]:
        """The estates around where the house number lies between others: candidates, and no more."""
        door = self._book.at_number(address, city or "")
        if door is None:
            return {}
        near = [e for e, metres in self._book.nearest(door.lng, door.lat, _BESIDE_DOOR) if metres <= door.spread_m]
        return {estate_id: _SURE_BESIDE_DOOR / len(near) for estate_id in near}

    def around(
        self, point: Point | Location, named: Iterable[str] = ()
    ) -> tuple[float, list[tuple[str, float, int | None, bool]]]:
        """The spacing of estates around a point (m), and the estates around and named.

        Each with its id, its metres, its households where known, and whether its point is shared.
        """
        lng, lat = wgs84_of(point)
        near = self._book.nearest(lng, lat, _AROUND)
        metres_to = {e: d for e, d in near if d <= _FARTHEST_M}
        for estate_id in named:
            if estate_id not in metres_to and (metres := self._book.metres_to(estate_id, lng, lat)) is not None:
                metres_to[estate_id] = metres
        space = extent.spacing([metres for _, metres in near])
        book = self._book
        return space, [(e, d, book.households(e), book.is_shared(e)) for e, d in metres_to.items()]

    def _of_point(self, point: Point | Location, named: Iterable[str]) -> Reading | None:
        """The likelihood of a point for the estates around it and those that are named otherwise."""
        if not (isfinite(point.lng) and isfinite(point.lat)):
            return None
        lng, lat = wgs84_of(point)
        space, around = self.around(point, named)
        scores = {e: extent.inside(area, space) for e, area in self._book.within(lng, lat)}
        if not scores and not any(metres <= _FARTHEST_M for _, metres, _, _ in around):
            return None
        flags = set[str]()
        for estate_id, metres, households, shared in around:
            if estate_id in scores:
                continue
            if shared and metres < 2 * space:
                flags.add("shared_point")
            edge = self._book.edge(estate_id, lng, lat)
            scores[estate_id] = (
                extent.outside(edge, space) if edge is not None
                else extent.likelihood(metres, space, households, shared=shared))
        return Reading(ClueKind.POINT, scores, tuple(sorted(flags)))

    def weigh(self, clues: Sequence[Clue], day: int = 0) -> Answer:
        """The estate that the clues speak for together, whatever their order; unresolved below `THRESHOLD`.

        `day` is today, in days since 1970: what is old counts for less by then.
        """
        by_kind = _together(faded(clue, day) for clue in clues)
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
        enough = POINT_THRESHOLD if by_kind.keys() <= _POINTS else THRESHOLD
        if confidence < enough or (len(ranked) > 1 and ranked[1][1] >= confidence):
            return Answer(None, confidence, self._why_not(by_kind, ranked), ranked)
        return Answer(best, confidence, self._why(by_kind, best), ranked)

    def _mentioned(self, folded: str, context: _Context, roads: bool = True) -> dict[str, float]:
        """The estates named in a folded text as the home that counts; a share each where several are."""
        mentions = [
            m for m in self._book.named(folded, context.breaks)
            if (roads or not addresses.is_road(m.name.base)) and not self._is_place(m.name.base)
        ]
        roles = [role(folded, m.start, m.end) for m in mentions]
        landmarks = [
            [self._book.id_of(number) for number, _ in m.weights[:MOST]]
            for m, r in zip(mentions, roles, strict=True) if r is Role.LANDMARK
        ]
        roles = _joined(folded, mentions, roles)
        top = max((r for r in roles if r > Role.LANDMARK), default=None)
        meant = [m for m, r in zip(mentions, roles, strict=True) if r is top] if top is not None else []
        meant = _whole_before_parts(meant)
        if not any(m.weights and m.weights[0][1] >= _GOOD for m in meant) and roads:
            meant = self._slips(folded, mentions, meant) or meant
        unsure = not meant or any(len(m.weights) > 1 for m in meant)
        if unsure and not landmarks and (begun := self._landmark_begun(folded)):
            landmarks = [begun]
        by_name = {m.name.full: m for m in meant}
        out: dict[str, float] = {}
        for mention in by_name.values():
            means = [(self._book.id_of(number), fit) for number, fit in mention.weights]
            for estate_id, share in self._shared(means, context, landmarks).items():
                out[estate_id] = out.get(estate_id, 0.0) + share / len(by_name)
        only = next(iter(by_name.values())) if len(by_name) == 1 else None
        one_of_more = only is not None and only in mentions and one_of_several(folded, only.start, only.end)
        if (top is Role.LEFT and not done_up(folded)) or one_of_more:
            out = {estate_id: share * _LEFT_WORTH for estate_id, share in out.items()}
        if not out and roads and top is None:
            out = self._chained(folded, context, mentions, landmarks)
        return out

    def _landmark_begun(self, folded: str) -> list[str]:
        """The few estates whose names begin with the place before 旁边的: 哈西万达 of 哈西万达广场."""
        place = landmark_in(folded)
        for start in range(max(0, len(place) - 2)):
            if 0 < len(found := self._book.starting(place[start:])) <= MOST:
                return found
        return []

    def _slips(self, folded: str, mentions: Sequence[Mention], meant: Sequence[Mention]) -> list[Mention]:
        """Names that are written wrong in the text, where they fit better than what stands in it rightly."""
        best = max((m.weights[0][1] for m in meant if m.weights), default=0.0)
        refused = {m.start for m in mentions} - {m.start for m in meant}
        found: list[Mention] = []
        for start, text in slots(folded):
            end = start + len(text)
            if any(start <= at < end for at in refused) or role(folded, start, end) < Role.LEFT:
                continue
            slip = self._book.misspelt(text)
            # Three characters of mere talk are a slip for some estate or other: 公司就 for 公司街.
            if slip is not None and len(slip.name.base) > _SHORT and slip.weights[0][1] > best:
                found.append(slip)
        return found

    def _chained(
        self, folded: str, context: _Context, mentions: Sequence[Mention], landmarks: Sequence[list[str]]
    ) -> dict[str, float]:
        """What a developer's name alone may mean: 恒大, of a dozen estates, is one only beside another place."""
        free = [
            f for f in _CHAIN.finditer(folded)
            if all(f.end() <= m.start or f.start() >= m.end for m in mentions)
        ]
        found = next((f for f in free if role(folded, f.start(), f.end()) > Role.LANDMARK), None)
        if found is None:
            return {}
        means = [(estate_id, _SURE_BESIDE) for estate_id in self._book.starting(found[1])]
        beside = [self._beside(e, landmarks) * min(1.0, self._nearby(e, context.near) / 2) for e, _ in means]
        if not (landmarks or context.near) or max(beside, default=0.0) < _BESIDE_ENOUGH:
            # Even of the only one in the book: the developer has built others.
            means = [(estate_id, _CHAIN_ALONE) for estate_id, _ in means]
        return self._shared(means, context, landmarks)

    def _shared(
        self, means: Iterable[tuple[str, float]], context: _Context, landmarks: Sequence[list[str]] = ()
    ) -> dict[str, float]:
        """What one name may mean, as shares of how well it fits the best; what is near takes more of it."""
        there = [(estate_id, fit) for estate_id, fit in means if fit > 0 and self._in_city(estate_id, context)]
        if not there:
            return {}
        sure = min(1.0, max(fit for _, fit in there))
        if any(estate_id == context.near and fit >= _FITS_HALF for estate_id, fit in there):
            sure = max(sure, _SURE_NEAR)
        near = [
            (estate_id, fit * self._nearby(estate_id, context.near) * self._beside(estate_id, landmarks))
            for estate_id, fit in there
        ]
        total = fsum(weight for _, weight in near)
        return {estate_id: sure * weight / total for estate_id, weight in near} if total > 0 else {}

    def _beside(self, estate_id: str, landmarks: Sequence[list[str]]) -> float:
        """How well an estate lies beside the places that a text names so; 1 where it names none."""
        fits = 1.0
        for landmark in landmarks:
            metres = [d for place in landmark if (d := self._book.distance(estate_id, place)) is not None]
            if metres:
                fits *= (1.0 + (min(metres) / _BESIDE_M) ** 4) ** -1
        return fits

    def _is_place(self, base: str) -> bool:
        return base in self._book.districts or bare_city(base) in self._book.cities

    def _city_in(self, folded: str) -> str | None:
        named = self._book.cities_in(folded)
        return named[0] if len(named) == 1 else None

    def _elsewhere(self, text: str) -> str | None:
        """The city that a text begins with (北京市朝阳区…), where the book has none of its estates."""
        if "市" not in text[:_CITY_BY] or not self._book.cities:
            return None
        spelt = plain(text[:_LONGEST_PLACE])
        place, end = place_in(spelt)
        said = place.city and (place.city in spelt[:end] or f"{short(place.city)}市" in spelt[:end])
        return place.city if said and bare_city(place.city) not in self._book.cities else None

    def _in_city(self, estate_id: str, context: _Context) -> bool:
        estate = self._book.get(estate_id)
        if not context.city or estate is None or not estate.city:
            return True
        return bare_city(estate.city) == bare_city(context.city)

    def _nearby(self, estate_id: str, near: str | None) -> float:
        if near is None:
            return 1.0
        if estate_id == near:
            return 20.0
        metres = self._book.distance(estate_id, near)
        return 1.0 if metres is None else 2.0 if metres < 5_000 else 1.0 if metres < 30_000 else 0.3

    def _why(self, by_kind: Mapping[ClueKind, Mapping[str, float]], best: str) -> str:
        speak = [k for k in by_kind if _likelihood(k, by_kind[k], best) > _unlikelihood(k, by_kind[k])]
        against = [k for k in by_kind if k not in speak and by_kind[k] and best not in by_kind[k]]
        speak.sort(key=lambda k: (-by_kind[k].get(best, 0.0) * TRUST[k].right, k))
        return f"{_listed(speak)} for {self._name(best)}" + (f", against {_listed(against)}" if against else "")

    def _why_placed(self, readings: Sequence[Reading], best: str) -> str:
        speak = [r.kind for r in readings if r.scores.get(best, 0.0) > (1.0 if r.kind is ClueKind.POINT else 0.1)]
        against = [r.kind for r in readings if r.kind not in speak and r.scores]
        words = _listed(speak) if speak else "all together"
        return f"{words} for {self._name(best)}" + (f", against {_listed(against)}" if against else "")

    def _why_not(
        self, by_kind: Mapping[ClueKind, Mapping[str, float]], ranked: Sequence[tuple[str, float]]
    ) -> str:
        leaders = {k: max(sorted(s), key=s.__getitem__) for k, s in by_kind.items() if s}
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


def _whole_before_parts(mentions: list[Mention]) -> list[Mention]:
    """Without those that begin or end inside a longer name, where a whole one is named."""
    whole = [m for m in mentions if not {"begun", "ended"} & set(m.differs)]
    return whole or mentions


def _joined(folded: str, mentions: Sequence[Mention], roles: list[Role]) -> list[Role]:
    """The roles, of names that are joined (A和B的业主) the same one."""
    out = list(roles)
    for i in range(len(mentions) - 1):
        if _AND.fullmatch(folded[mentions[i].end : mentions[i + 1].start]):
            out[i] = out[i + 1] = max(out[i], out[i + 1])
    return out


def _against_none(reading: Reading, estate_id: str) -> float:
    """How much a reading speaks for an estate, against 1 for none of the book's."""
    if not reading.scores:
        return UNNAMED["nothing"]
    if (score := reading.scores.get(estate_id)) is None:
        return UNNAMED["others"]
    return score / max(1.0 - fsum(reading.scores.values()), 0.01)


def _signature(readings: Sequence[Reading]) -> str:
    """What there was to go by: `name`, `text`, `address`, with `+point`, or `point` alone."""
    kinds = {reading.kind for reading in readings if reading.scores or reading.kind is ClueKind.CATALOGUE}
    said = next((w for k, w in _SIGNS if k in kinds), "")
    return "+".join(filter(None, (said, "point" if ClueKind.POINT in kinds else "")))


_SIGNS = ((ClueKind.CATALOGUE, "name"), (ClueKind.OWN_WORDS, "text"), (ClueKind.ADDRESS, "address"))


def _calibrated(chance: float, signature: str) -> float:
    """The chance that is right in the mean; of what was never fitted as it is."""
    add, times = CALIBRATION.get(signature, (0.0, 1.0))
    chance = min(max(chance, 1e-9), 1.0 - 1e-9)
    return min(1.0 / (1.0 + exp(-(add + times * log(chance / (1.0 - chance))))), 0.999)


def _nothing(said: Said, readings: Sequence[Reading]) -> str:
    if any(reading.kind is ClueKind.CATALOGUE for reading in readings):
        return "the book has no estate of this name"
    if said.text or said.name or said.address:
        return "no estate of the book is named as a home"
    return "no evidence" if said.point is None else "no estate lies near the point"


def _clue(kind: ClueKind, scores: Mapping[str, float] | None) -> Clue | None:
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
