"""The same estate in several listings: which are one, which are not, and which a person must look at.

Listing sites name one estate alike and put it 60–140 m apart, or kilometres; and a city has many estates of one name.
So the name's parts must be equal (base, phase and section, spelling folded: two phases are two estates, always), and
the place must agree: by distance where both points can be trusted, else by road and house number. What speaks neither
clearly for nor against is left, with the reason. The listing of the most trusted site keeps its id; the others' names
become aliases, and `sources` says where everything is from.

No answer hangs on the order of the rows, and what was merged once is merged the same way again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import combinations
from math import isfinite

from msgspec import Struct
from msgspec.structs import replace

from maps import addresses
from maps.ellipsoid import metres
from maps.names import EstateName, fold, parse, plain
from maps.points import Flag, bare_city, flags_of, points_of
from schemas.reference import Estate

#: Up to here (m) one name is one estate, whatever the addresses say: a gate on another street.
_SURELY_M = 300.0
#: Up to here a name that no site lists twice in the city is one estate.
_LIKELY_M = 1_500.0
#: Up to here it is, where the addresses name the same road too.
_ON_ONE_ROAD_M = 3_000.0
#: Up to here, where they name the same house number or are the same in every word.
_AT_ONE_DOOR_M = 8_000.0
#: Two of one site so near to each other look like one estate that it lists twice.
_TWICE_M = 150.0
#: Of two that may be meant, one must be so many times nearer.
_NEARER = 3.0

_ROAD = re.compile(r"[\u4e00-\u9fff]{1,6}?(?:大街|大道|胡同|路|街|道|巷|弄)")
_DIVISION = re.compile(r"^[\u4e00-\u9fff]{2,7}?(?:省|自治区|市|新区|区|县|旗)")
_BRACKETS = re.compile(r"[(\[][^)\]]*[)\]]")
#: An address shorter than this is a district's name, and agrees with half of the city.
_SHORTEST = 6


#: What no two listings have in common: rank, id, site.
_Order = tuple[int, str, str]


class Listing(Struct, frozen=True):
    """An estate as one site lists it; of a lower `rank` is what is trusted more."""

    estate: Estate
    source: str
    rank: int

    @property
    def id(self) -> str:
        """Its name among all listings: ke:4220031817236999."""
        return f"{self.source}:{self.estate.estate_id}" if self.source else self.estate.estate_id


class Pair(Struct, frozen=True):
    """Two listings of one name and what became of them: why merged, or why left for a person."""

    kept: Listing
    other: Listing
    reason: str
    metres: float | None = None


class Merging(Struct, frozen=True):
    """The estates that the listings come to, by id, and every pair that was merged or left, by its ids."""

    estates: tuple[Estate, ...]
    merged: tuple[Pair, ...]
    left: tuple[Pair, ...]


class _Verdict(StrEnum):
    SAME = "same"
    OPEN = "open"
    OTHER = "other"


class _Address(StrEnum):
    DOOR = "the same address"
    ROAD = "the same road"
    SILENT = "no address to compare"
    CLASH = "addresses on different roads"


class _View(Struct, frozen=True):
    """A listing, with all that a comparison needs."""

    listing: Listing
    name: EstateName
    lng: float
    lat: float
    trusted: bool
    doors: frozenset[tuple[str, str]]
    roads: frozenset[str]
    text: str

    @property
    def order(self) -> _Order:
        return self.listing.rank, self.listing.estate.estate_id, self.listing.source


class _Judged(Struct, frozen=True):
    a: _View
    b: _View
    verdict: _Verdict
    reason: str
    metres: float | None
    door: bool

    @property
    def both(self) -> tuple[_View, _View]:
        return self.a, self.b

    @property
    def order(self) -> tuple[bool, float, _Order, _Order]:
        return not self.door, self.metres if self.metres is not None else _LIKELY_M, self.a.order, self.b.order


def merge(listings: Iterable[Listing], known: Iterable[Estate] = ()) -> Merging:
    """Say which listings are one estate, beside those that are `known` already, whose ids stay.

    A listing with a known estate's id, or among its `sources`, is that estate: it was decided before. No two
    listings may have one id and source.
    """
    views = sorted(_views(listings, known), key=lambda view: view.order)
    clusters = _Clusters(views)
    merged, left = list[_Judged](), list[_Judged]()
    spoken_for = set[_Order]()
    for own, view in _decided(views):
        clusters.join(own, view)
        spoken_for.add(own.order)
    # A known estate whose listings are here again is judged by them, so that the same is left for the same reason.
    for group in _by_name([view for view in views if view.order not in spoken_for]):
        unique = len(group) == len({view.listing.source for view in group})
        judged = [_judge(a, b, unique) for a, b in combinations(group, 2)]
        clusters.part(pair for pair in judged if pair.verdict is _Verdict.OTHER and not clusters.together(*pair.both))
        sure = [pair for pair in judged if pair.verdict is _Verdict.SAME]
        for pair in sorted(sure, key=lambda pair: pair.order):
            if clusters.together(pair.a, pair.b):
                continue
            if rival := _rival(pair, sure, clusters):
                left.append(_because(pair, f"may as well be {rival.listing.id}"))
            elif clusters.join(pair.a, pair.b):
                merged.append(pair)
            else:
                left.append(_because(pair, "one of them is one with another listing of the other's site"))
        left += [pair for pair in judged if pair.verdict is _Verdict.OPEN]
    still = [pair for pair in left if not clusters.together(pair.a, pair.b)]
    estates = sorted((_one(members) for members in clusters.all()), key=lambda estate: estate.estate_id)
    return Merging(tuple(estates), _pairs(merged), _pairs(still))


# --- one pair -------------------------------------------------------------------------------------


def _judge(a: _View, b: _View, unique: bool) -> _Judged:
    """What is to be thought of two listings of one name, which is `unique` where no site lists it twice."""
    address, away = _address(a, b), _away(a, b)
    door = address is _Address.DOOR
    far = "" if away is None else f"{_far(away)} apart"
    if a.listing.source == b.listing.source:
        twice = door or (away is not None and away <= _TWICE_M)
        what = f"listed twice by {a.listing.source or 'the book'}: {far or address}"
        return _Judged(a, b, _Verdict.OPEN if twice else _Verdict.OTHER, what, away, door)
    if a.name.note != b.name.note and ((a.name.note and b.name.note) or address is _Address.CLASH):
        # 邮电小区 and 邮电小区(前进大街) may be two, 116 m apart: the brackets are there to tell them apart.
        near = door or (away is not None and away <= _LIKELY_M)
        what = f"told apart in brackets: {a.name.note or 'nothing'}, {b.name.note or 'nothing'}; {far or address}"
        return _Judged(a, b, _Verdict.OPEN if near else _Verdict.OTHER, what, away, door)
    if away is None:
        return _Judged(a, b, *_without_points(a, b, address, unique), None, door)
    within = (
        away <= _SURELY_M
        or (away <= _LIKELY_M and (unique or address in (_Address.DOOR, _Address.ROAD)))
        or (away <= _ON_ONE_ROAD_M and unique and address is _Address.ROAD)
        or (away <= _AT_ONE_DOOR_M and door)
    )
    if within:
        shown = f", {address}" if address in (_Address.DOOR, _Address.ROAD) else ""
        return _Judged(a, b, _Verdict.SAME, f"same name, {far}{shown}", away, door)
    if away > _AT_ONE_DOOR_M and not door:
        return _Judged(a, b, _Verdict.OTHER, f"same name, {far}", away, door)
    return _Judged(a, b, _Verdict.OPEN, f"same name, but {far}, {address}", away, door)


def _without_points(a: _View, b: _View, address: _Address, unique: bool) -> tuple[_Verdict, str]:
    one, other = _district(a), _district(b)
    if address is _Address.DOOR:
        return _Verdict.SAME, f"same name, {address}"
    if one and other and one != other:
        return _Verdict.OPEN, f"same name, but no point to compare, and in {one} and {other}"
    if unique and (address is _Address.ROAD or (one and address is not _Address.CLASH and one == other)):
        return _Verdict.SAME, f"same name, {address if address is _Address.ROAD else f'both in {one}'}"
    return _Verdict.OPEN, f"same name, but no point to compare, and {address}"


def _address(a: _View, b: _View) -> _Address:
    if a.doors & b.doors or (a.text == b.text and len(a.text) >= _SHORTEST):
        return _Address.DOOR
    if not a.roads or not b.roads:
        return _Address.SILENT
    return _Address.ROAD if a.roads & b.roads else _Address.CLASH


def _away(a: _View, b: _View) -> float | None:
    """The metres between two points that can be trusted."""
    if not (a.trusted and b.trusted):
        return None
    return metres(a.lng, a.lat, b.lng, b.lat)


def _district(view: _View) -> str:
    return view.listing.estate.district.removesuffix("区").removesuffix("县")


def _far(away: float) -> str:
    return f"{away:.0f} m" if away < 1_000 else f"{away / 1_000:.1f} km"


def _because(pair: _Judged, why: str) -> _Judged:
    return _Judged(pair.a, pair.b, _Verdict.OPEN, f"{pair.reason}; {why}", pair.metres, pair.door)


def _rival(pair: _Judged, sure: Sequence[_Judged], clusters: _Clusters) -> _View | None:
    """Another listing of the same site that one of the two may be as well: hardly farther, and not told apart."""
    for other in sure:
        for mine, theirs in ((pair.a, pair.b), (pair.b, pair.a)):
            rival = other.b if other.a is mine else other.a if other.b is mine else None
            if rival is None or rival is theirs or rival.listing.source != theirs.listing.source:
                continue
            if clusters.together(rival, theirs) or pair.door > other.door:
                continue
            near, far = pair.metres, other.metres
            if near is None or far is None or far < _NEARER * max(near, 20.0):
                return rival
    return None


# --- all of them ----------------------------------------------------------------------------------


def _views(listings: Iterable[Listing], known: Iterable[Estate]) -> Iterator[_View]:
    by_source: dict[str, list[Listing]] = {}
    for listing in (*(Listing(estate, "", -1) for estate in known), *listings):
        by_source.setdefault(listing.source, []).append(listing)
    for _, rows in sorted(by_source.items()):
        rows.sort(key=lambda row: row.estate.estate_id)
        estates = [row.estate for row in rows]
        lngs, lats = points_of(estates)
        # A site's own centroids: that four sites put one estate on one point says it is right.
        flags = flags_of(estates, lngs, lats)
        for i, row in enumerate(rows):
            bad = flags.get(i, frozenset()) & {Flag.SHARED_POINT, Flag.OUTSIDE_CITY}
            lng, lat = float(lngs[i]), float(lats[i])
            district = estates[i].district
            address = _BRACKETS.sub(" ", plain(estates[i].address))
            spelt = {district, district.removesuffix("区").removesuffix("县")}
            yield _View(
                row, parse(estates[i].name), lng, lat, isfinite(lng) and not bad,
                frozenset(addresses.roads(address, spelt)), frozenset(_roads(address, spelt)), fold(address),
            )


def _roads(address: str, districts: set[str]) -> Iterator[str]:
    for found in _ROAD.findall(address):
        road = _DIVISION.sub("", found) or found
        for district in districts:
            if district and len(road) > len(district) + 1:
                road = road.removeprefix(district)
        if len(road) > 1:
            yield road


def _by_name(views: Sequence[_View]) -> Iterator[list[_View]]:
    """The listings of one city that share a whole name, by that name."""
    groups: dict[tuple[str, str], list[_View]] = {}
    for view in views:
        groups.setdefault((bare_city(view.listing.estate.city), view.name.full), []).append(view)
    return (group for _, group in sorted(groups.items()) if len(group) > 1)


def _decided(views: Sequence[_View]) -> Iterator[tuple[_View, _View]]:
    """Each listing that is a known estate already, with that estate."""
    known: dict[str, _View] = {}
    for view in views:
        if not view.listing.source:
            known[view.listing.estate.estate_id] = view
            known.update(dict.fromkeys(view.listing.estate.sources, view))
    for view in views:
        own = known.get(view.listing.id) or known.get(view.listing.estate.estate_id)
        if own is not None and own is not view:
            yield own, view


class _Clusters:
    """Which listings are together so far, and which must not come together."""

    def __init__(self, views: Sequence[_View]) -> None:
        self._views = views
        self._of: dict[_Order, list[_View]] = {view.order: [view] for view in views}
        self._parted: set[tuple[_Order, _Order]] = set()

    def together(self, a: _View, b: _View) -> bool:
        return self._of[a.order] is self._of[b.order]

    def part(self, pairs: Iterable[_Judged]) -> None:
        for pair in pairs:
            self._parted |= {(pair.a.order, pair.b.order), (pair.b.order, pair.a.order)}

    def join(self, a: _View, b: _View) -> bool:
        """Put two together with all that are with them; False where a site lists both, or they are different."""
        one, other = self._of[a.order], self._of[b.order]
        if one is other or any(
            v.listing.source == w.listing.source or (v.order, w.order) in self._parted for v in one for w in other
        ):
            return False
        one += other
        for view in other:
            self._of[view.order] = one
        return True

    def all(self) -> Iterator[list[_View]]:
        for view in self._views:
            # The first of a list stays the first, whatever comes to it.
            if (members := self._of[view.order])[0] is view:
                yield sorted(members, key=lambda member: member.order)


def _one(members: Sequence[_View]) -> Estate:
    """One estate of all its listings: the most trusted's id and words, and what it lacks from the next."""
    kept = members[0].listing.estate
    # A known estate that is listed anew under its id has its new words; of the others it has the old ones.
    again = [view for view in members[1:] if view.listing.estate.estate_id == kept.estate_id]
    ranked = [*again, *(view for view in members[1:] if view not in again), members[0]] if again else list(members)
    base = ranked[0].listing.estate
    rest = [view.listing.estate for view in ranked[1:]]
    point = next((view for view in ranked if view.trusted), next((v for v in ranked if isfinite(v.lng)), ranked[0]))
    at = point.listing.estate
    spelt = {fold(base.name)}
    aliases = [
        name for estate in (base, *rest) for name in (estate.name, *estate.aliases)
        if not (fold(name) in spelt or spelt.add(fold(name)))  # type: ignore[func-returns-value]
    ]
    sources = dict.fromkeys(
        source for view in ranked
        for source in ((view.listing.id,) if view.listing.source else view.listing.estate.sources))
    return replace(
        base, lng=at.lng, lat=at.lat, crs=at.crs, aliases=tuple(aliases), sources=tuple(sorted(sources)),
        **_filled(base, rest),
    )


def _filled(base: Estate, rest: Sequence[Estate]) -> Mapping[str, object]:
    lacking = ("address", "households", "city", "district", "build_year", "outline", "parent")
    return {
        column: next((value for estate in rest if (value := getattr(estate, column))), getattr(base, column))
        for column in lacking if not getattr(base, column)
    }


def _pairs(judged: Iterable[_Judged]) -> tuple[Pair, ...]:
    pairs = (Pair(pair.a.listing, pair.b.listing, pair.reason, pair.metres) for pair in judged)
    return tuple(sorted(pairs, key=lambda pair: (pair.kept.id, pair.other.id)))
