"""The estate book: every estate that we know, found by place, by name or by address.

Points are kept in WGS-84 whatever datum they came in. Answers are by estate id, and where two estates are
equally good the lower id comes first, so that no answer hangs on the order of a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import shapely

from maps import addresses
from maps.datum import to_wgs84
from maps.ellipsoid import metres
from maps.index import NEAREST, PointIndex
from maps.register import Mention, Register
from schemas.reference import Estate


class EstateBook:
    """All estates, indexed. Build it with `EstateBook.of`; it never changes."""

    __slots__ = (
        "_at",
        "_estates",
        "_index",
        "_numbers",
        "_outlined",
        "_outlines",
        "_placed",
        "_points",
        "_register",
        "_roads",
        "cities",
        "districts",
    )

    def __init__(self, estates: tuple[Estate, ...]) -> None:
        self._estates = estates
        self._numbers = {estate.estate_id: number for number, estate in enumerate(estates)}
        self._points = tuple(_wgs84(estate) for estate in estates)
        self._placed = [number for number, point in enumerate(self._points) if point is not None]
        points = [point for point in self._points if point is not None]
        self._index = PointIndex([p[0] for p in points], [p[1] for p in points])
        self._outlined = [number for number, estate in enumerate(estates) if estate.outline]
        self._outlines = [_area(estates[number].outline) for number in self._outlined]
        self._at = shapely.STRtree(self._outlines) if self._outlines else None
        self._register = Register(
            (number, name) for number, estate in enumerate(estates) for name in (estate.name, *estate.aliases) if name
        )
        self.cities = frozenset(bare_city(estate.city) for estate in estates if estate.city)
        self.districts = _spelt({estate.district for estate in estates if estate.district})
        self._roads: dict[tuple[str, str], list[int]] = {}
        for number, estate in enumerate(estates):
            for pair in addresses.roads(estate.address, self.districts) if estate.address else ():
                self._roads.setdefault(pair, []).append(number)

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
        return None if number is None else self._points[number]

    def distance(self, one: str, other: str) -> float | None:
        """The metres between two estates, where both have a point."""
        a, b = self.point(one), self.point(other)
        return metres(*a, *b) if a and b else None

    def nearest(self, lng: float, lat: float, k: int = NEAREST) -> list[tuple[str, float]]:
        """The `k` nearest estates to a WGS-84 point, with the metres to each; equally far ones by id."""
        estates, placed = self._estates, self._placed
        return [(estates[placed[i]].estate_id, distance) for i, distance in self._index.nearest(lng, lat, k)]

    def containing(self, lng: float, lat: float) -> list[str]:
        """The estates whose outline holds a WGS-84 point, the smallest first."""
        if self._at is None:
            return []
        hits = self._at.query(shapely.Point(lng, lat), predicate="intersects")
        ranked = sorted((self._outlines[i].area, self._outlined[i]) for i in hits.tolist())
        return [self._estates[number].estate_id for _, number in ranked]

    def named(self, folded: str) -> list[Mention]:
        """The estates' names in a text that `names.fold` has folded; longest match first, in the text's order."""
        return self._register.find(folded)

    def called(self, name: str) -> list[tuple[str, float]]:
        """The estates that a whole name may mean, with a weight of 0..1 each, best first."""
        return [(self._estates[number].estate_id, weight) for number, weight in self._register.match(name)]

    def on_road(self, address: str) -> list[str]:
        """The estates listed at the road and house number of an address, the best match first, then by id."""
        hits: dict[int, int] = {}
        for pair in addresses.roads(address, self.districts):
            for number in self._roads.get(pair, ()):
                hits[number] = hits.get(number, 0) + 1
        return [self._estates[n].estate_id for n in sorted(hits, key=lambda n: (-hits[n], n))]

    def id_of(self, number: int) -> str:
        """The id of the estate that a `Mention` numbers."""
        return self._estates[number].estate_id


def bare_city(city: str) -> str:
    """A city's name without 市: 哈尔滨市 and 哈尔滨 are one."""
    return city.strip().removesuffix("市")


def _wgs84(estate: Estate) -> tuple[float, float] | None:
    if estate.lng is None or estate.lat is None or estate.crs is None:
        return None
    return to_wgs84(estate.lng, estate.lat, estate.crs)


def _area(rings: tuple[tuple[tuple[float, float], ...], ...]) -> shapely.Geometry:
    """What an odd number of rings hold: holes and estates of several parts alike."""
    area = shapely.Polygon()
    for ring in rings:
        if len(ring) >= 3:
            area = shapely.symmetric_difference(area, shapely.make_valid(shapely.Polygon(ring)))
    return area


def _spelt(districts: set[str]) -> frozenset[str]:
    short = {district.removesuffix("区").removesuffix("县") for district in districts}
    return frozenset(districts | {name for name in short if len(name) > 1})
