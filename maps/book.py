"""The estate book: every estate that we know, found by place, by name or by address.

Points are kept in WGS-84 whatever datum they came in. Answers are by estate id, and where two estates are
equally good the lower id comes first, so that no answer hangs on the order of a file.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator
from math import cos, isfinite, radians
from zlib import crc32

import numpy as np
import shapely
import shapely.ops
from numpy.typing import NDArray

from maps import addresses
from maps.ellipsoid import arc_array, ecef, ecef_array, metres
from maps.house_numbers import Door, Estimate, HouseNumbers
from maps.index import NEAREST, PointIndex
from maps.names import parse
from maps.points import Flag, bare_city, flags_of, points_of
from maps.register import Mention, Register
from schemas.reference import Estate

__all__ = ["EstateBook", "Flag", "bare_city"]


class EstateBook:
    """All estates, indexed. Build it with `EstateBook.of`; it never changes."""

    __slots__ = (
        "_areas", "_at", "_children", "_city_sizes", "_estates", "_flags", "_houses", "_ids", "_index", "_lats",
        "_lngs", "_numbers", "_outlined", "_outlines", "_placed", "_register", "_roads", "cities", "districts",
    )

    def __init__(self, estates: tuple[Estate, ...]) -> None:
        self._estates = estates
        self._ids = tuple(estate.estate_id for estate in estates)
        self._numbers = {estate_id: number for number, estate_id in enumerate(self._ids)}
        lngs, lats = points_of(estates)
        self._lngs, self._lats = array("d", lngs.tobytes()), array("d", lats.tobytes())
        self._placed = np.flatnonzero(np.isfinite(lngs))
        placed_ids = [self._ids[number] for number in self._placed.tolist()]
        self._index = PointIndex(lngs[self._placed], lats[self._placed], placed_ids)
        self._flags = flags_of(estates, lngs, lats)
        self._outlined = [number for number, estate in enumerate(estates) if estate.outline]
        self._outlines = [_area(estates[number].outline) for number in self._outlined]
        self._areas = dict(zip(self._outlined, self._outlines, strict=True))
        self._at = shapely.STRtree(self._outlines) if self._outlines else None
        self.cities = frozenset(bare_city(city) for city in {estate.city for estate in estates} if city)
        self._city_sizes = sorted({len(city) for city in self.cities})
        self.districts = _spelt({estate.district for estate in estates if estate.district})
        names = ((n, name) for n, estate in enumerate(estates) for name in _names_of(estate))
        self._register = Register(names, self.cities | self.districts)
        self._roads = _Roads(estates, self.districts)
        self._houses: dict[str, HouseNumbers] = {}
        self._children: dict[str, list[str]] = {}
        for estate in estates:
            if estate.parent:
                self._children.setdefault(estate.parent, []).append(estate.estate_id)

    @classmethod
    def of(cls, estates: Iterable[Estate]) -> EstateBook:
        """A book of these estates; of two with one id the last counts."""
        by_id = {estate.estate_id: estate for estate in estates}
        return cls(tuple(by_id[estate_id] for estate_id in sorted(by_id)))

    def __len__(self) -> int:
        return len(self._estates)

    def __iter__(self) -> Iterator[Estate]:
        return iter(self._estates)

    def __contains__(self, estate_id: object) -> bool:
        return estate_id in self._numbers

    def get(self, estate_id: str) -> Estate | None:
        """The estate with this id."""
        number = self._numbers.get(estate_id)
        return None if number is None else self._estates[number]

    def point(self, estate_id: str) -> tuple[float, float] | None:
        """An estate's lng and lat in WGS-84, where known."""
        number = self._numbers.get(estate_id)
        if number is None or not isfinite(lng := self._lngs[number]):
            return None
        return lng, self._lats[number]

    def flags(self, estate_id: str) -> frozenset[Flag]:
        """What is wrong with an estate's point; nothing for most, and for an estate that the book doesn't have."""
        number = self._numbers.get(estate_id)
        return frozenset() if number is None else self._flags.get(number, frozenset())

    def flagged(self) -> Iterator[tuple[str, frozenset[Flag]]]:
        """The estates that have flags, by id."""
        return ((self._ids[number], self._flags[number]) for number in sorted(self._flags))

    def children(self, estate_id: str) -> tuple[str, ...]:
        """The phases and sections of an estate, by id."""
        return tuple(self._children.get(estate_id, ()))

    def distance(self, one: str, other: str) -> float | None:
        """The metres between two estates, where both have a point."""
        a, b = self.point(one), self.point(other)
        return metres(*a, *b) if a and b else None

    def nearest(self, lng: float, lat: float, k: int = NEAREST) -> list[tuple[str, float]]:
        """The `k` nearest estates to a WGS-84 point, with the metres to each; equally far ones by id."""
        return self._index.nearest(lng, lat, k)

    def nearest_many(
        self, lngs: NDArray[np.float64], lats: NDArray[np.float64], k: int = 1
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """As `nearest`, of many points: shape (n,) twice in, (n, k) numbers (see `id_of`) and metres out.

        Where the book has fewer than `k` estates with a point, the number is -1 and the distance infinite.
        """
        found, distances = self._index.nearest_many(lngs, lats, k)
        if len(self._placed):
            found = np.where(found >= 0, self._placed[found], -1)
        return found, distances

    def distances(self, lng: float, lat: float) -> NDArray[np.float64]:
        """The metres from a WGS-84 point to every estate, in the order of the ids; infinite where it has no point."""
        lngs, lats = np.frombuffer(self._lngs), np.frombuffer(self._lats)
        chords = np.linalg.norm(ecef_array(lngs, lats) - np.array(ecef(lng, lat)), axis=1)
        return np.nan_to_num(arc_array(chords), nan=np.inf)

    def containing(self, lng: float, lat: float) -> list[str]:
        """The estates whose outline holds a WGS-84 point, the smallest first."""
        if self._at is None:
            return []
        hits = self._at.query(shapely.Point(lng, lat), predicate="intersects")
        ranked = sorted((self._outlines[i].area, self._outlined[i]) for i in hits.tolist())
        return [self._estates[number].estate_id for _, number in ranked]

    def named(self, folded: str, breaks: frozenset[int] = frozenset()) -> list[Mention]:
        """The estates' names in a text that `names.fold` has folded, and its `breaks`; in the text's order."""
        return self._register.find(folded, breaks)

    def called(self, name: str) -> list[tuple[str, float]]:
        """The estates that a whole name may mean, with a weight of 0..1 each, best first."""
        return [(self._estates[number].estate_id, weight) for number, weight in self._register.match(name)]

    def misspelt(self, folded: str) -> Mention | None:
        """The estates that a folded name may be a slip for, None where there are none so like it."""
        return self._register.misspelt(parse(folded))

    def starting(self, prefix: str) -> list[str]:
        """The estates whose names begin with a folded prefix; none where there are more than 200."""
        return [self._ids[number] for number in self._register.starting(prefix)]

    def within(self, lng: float, lat: float) -> list[tuple[str, float]]:
        """The estates whose outline holds a WGS-84 point, with its area in m², the smallest first."""
        square = 111_200.0**2 * cos(radians(lat))
        return [(e, self._areas[self._numbers[e]].area * square) for e in self.containing(lng, lat)]

    def edge(self, estate_id: str, lng: float, lat: float) -> float | None:
        """The metres from a WGS-84 point to an estate's outline, 0 inside; None where it has none."""
        area = self._areas.get(self._numbers[estate_id])
        if area is None or area.is_empty:
            return None
        near = shapely.ops.nearest_points(area, shapely.Point(lng, lat))[0]
        return metres(lng, lat, near.x, near.y)

    def metres_to(self, estate_id: str, lng: float, lat: float) -> float | None:
        """The metres from a WGS-84 point to an estate's, where it has one."""
        point = self.point(estate_id)
        return metres(lng, lat, *point) if point else None

    def households(self, estate_id: str) -> int | None:
        """An estate's households, where known."""
        return self._estates[self._numbers[estate_id]].households

    def is_shared(self, estate_id: str) -> bool:
        """Whether four or more estates stand on this one's point: a centroid put there for want of a better one."""
        return Flag.SHARED_POINT in self._flags.get(self._numbers[estate_id], ())

    def ends_in_building(self, building: str) -> bool:
        """Whether an estate's name ends in this building, as 吉发广场C座 does."""
        return any(f"{building}{word}" in self._register.tails for word in ("座", "栋", "幢", "号楼"))

    def cities_in(self, folded: str) -> list[str]:
        """The book's cities that a folded text names."""
        if len(self.cities) < 2:
            return []
        parts = {folded[i : i + size] for size in self._city_sizes for i in range(len(folded) - size + 1)}
        return sorted(self.cities & parts)

    def on_road(self, address: str) -> list[str]:
        """The estates listed at the road and house number of an address, the best match first, then by id."""
        hits: dict[int, int] = {}
        for pair in addresses.roads(address, self.districts):
            for number in self._roads.at(pair):
                hits[number] = hits.get(number, 0) + 1
        return [self._ids[n] for n in sorted(hits, key=lambda n: (-hits[n], n))]

    def at_number(self, address: str, city: str = "") -> Estimate | None:
        """Where an address's house number lies (WGS-84), by the numbers of the estates on its road.

        `city` is where the address is from, if it doesn't say so itself; a book of one city needs neither. The first
        question about a city reads its addresses (30 µs an estate).
        """
        said = addresses.parse(address, city)
        if not said.road or said.door is None:
            return None
        here = bare_city(said.city or city) or (min(self.cities) if len(self.cities) == 1 else "")
        if here not in self._houses:
            self._houses[here] = HouseNumbers.of(self._doors(here))
        return self._houses[here].estimate(said.road, said.door, here, said.district)

    def _doors(self, city: str) -> Iterator[Door]:
        for estate in self._estates:
            if not estate.address or bare_city(estate.city) != city or (point := self.point(estate.estate_id)) is None:
                continue
            said = addresses.parse(estate.address, city)
            if said.road and said.door is not None:
                yield Door(city, estate.district or said.district, said.road, said.door, *point)

    def id_of(self, number: int) -> str:
        """The id of the estate that a `Mention` numbers."""
        return self._ids[number]


class _Roads:
    """The estates at each road and house number: a few bytes each, where a dict of lists has hundreds."""

    __slots__ = ("_districts", "_estates", "_keys", "_numbers")

    def __init__(self, estates: tuple[Estate, ...], districts: Collection[str]) -> None:
        self._estates, self._districts = estates, districts
        keys, numbers = array("q"), array("i")
        for number, estate in enumerate(estates):
            for pair in addresses.roads(estate.address, districts) if estate.address else ():
                keys.append(_checksum(pair))
                numbers.append(number)
        order = np.argsort(np.frombuffer(keys, dtype=np.int64), kind="stable") if keys else np.zeros(0, dtype=np.int64)
        self._keys = np.array(keys, dtype=np.int64)[order]
        self._numbers = np.array(numbers, dtype=np.int32)[order]

    def at(self, pair: tuple[str, str]) -> list[int]:
        """The numbers of the estates there, in their order."""
        start, end = (int(np.searchsorted(self._keys, _checksum(pair), side=side)) for side in ("left", "right"))
        # Two pairs may have one checksum: what the estate's own address says counts.
        return [
            number for number in self._numbers[start:end].tolist()
            if pair in addresses.roads(self._estates[number].address, self._districts)
        ]


def _checksum(pair: tuple[str, str]) -> int:
    return crc32("\n".join(pair).encode())


def _area(rings: tuple[tuple[tuple[float, float], ...], ...]) -> shapely.Geometry:
    """What an odd number of rings hold: holes and estates of several parts alike."""
    area = shapely.Polygon()
    for ring in rings:
        if len(ring) >= 3:
            area = shapely.symmetric_difference(area, shapely.make_valid(shapely.Polygon(ring)))
    return area


#: 原乡 and 原著 are words of names.
_SHORT_NAME = 2


def _names_of(estate: Estate) -> Iterator[str]:
    """An estate's names; an alias that begins with 原 may be a former name (原东方花苑), or begin so (原乡)."""
    yield from filter(None, (estate.name, *estate.aliases))
    for alias in estate.aliases:
        bare = alias.removeprefix("原").lstrip(":：")
        if bare != alias and len(bare) > _SHORT_NAME:
            yield bare


def _spelt(districts: set[str]) -> frozenset[str]:
    short = {district.removesuffix("区").removesuffix("县") for district in districts}
    return frozenset(districts | {name for name in short if len(name) > 1})
