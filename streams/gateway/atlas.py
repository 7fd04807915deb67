"""The estates and stores as GeoJSON, made once for each state of the reference data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import count
from threading import Lock
from typing import Any, NamedTuple

import msgspec

from maps.book import EstateBook
from maps.datum import to_wgs84
from maps.index import PointIndex
from schemas.reference import Estate, Reference, Store

_EDITIONS = count(1)


class Site(NamedTuple):
    """An estate on the map: its geometry as JSON, its own properties, and the whole feature as JSON."""

    estate_id: str
    geometry: msgspec.Raw
    properties: dict[str, Any]
    feature: msgspec.Raw


class Chart(NamedTuple):
    """What was made of one state of the reference data."""

    reference: Reference
    ids: tuple[str, ...]
    ids_by_city: dict[str, tuple[str, ...]]
    estates_by_dealer: dict[str, frozenset[str]]
    estates_by_store: dict[str, frozenset[str]]
    dealers_by_city: dict[str, frozenset[str]]
    sites: dict[str, tuple[Site, ...]]
    #: Another for each state of the reference data that this process has seen.
    edition: int
    #: What `streams.gateway.columns` made of it for the wire.
    packed: dict[Any, Any]


class Atlas:
    """The chart of the reference data as it stands. Safe from any thread."""

    def __init__(
        self, reference: Callable[[], Reference], book: Callable[[], EstateBook] | None = None
    ) -> None:
        self._reference, self._given = reference, book
        self._made: tuple[Reference, EstateBook] | None = None
        self._lock = Lock()
        self._chart: Chart | None = None
        self._shops: tuple[Reference, PointIndex[str]] | None = None

    def chart(self) -> Chart:
        """The chart; made anew where the reference data were loaded anew."""
        reference = self._reference()
        with self._lock:
            if self._chart is None or self._chart.reference is not reference:
                self._chart = _draw(reference)
            return self._chart

    def book(self) -> EstateBook:
        """The estate book: the one that was given, else made of the reference data, once for each state of them."""
        if self._given is not None:
            return self._given()
        reference = self._reference()
        with self._lock:
            if self._made is None or self._made[0] is not reference:
                self._made = reference, EstateBook.of(reference.estates.values())
            return self._made[1]

    def shops(self) -> PointIndex[str]:
        """The shops that have a point, indexed by it; once for each state of the reference data."""
        reference = self._reference()
        with self._lock:
            if self._shops is None or self._shops[0] is not reference:
                points = {store.store_id: at for store in reference.stores.values() if (at := point_of(store))}
                lngs, lats = [at[0] for at in points.values()], [at[1] for at in points.values()]
                self._shops = reference, PointIndex(lngs, lats, list(points))
            return self._shops[1]

    def sites_of(self, cities: Iterable[str] | None) -> tuple[Site, ...]:
        """The estates that have a point, of some cities or all."""
        return self.sites(None) if cities is None else tuple(
            site for city in sorted(cities) for site in self.sites(city))

    def sites(self, city: str | None) -> tuple[Site, ...]:
        """A city's estates that have a point, or all; by id."""
        chart = self.chart()
        name = city or ""
        with self._lock:
            if name not in chart.sites:
                ids = chart.ids_by_city.get(name, ()) if name else chart.ids
                found = (site(chart.reference.estates[estate_id]) for estate_id in ids)
                chart.sites[name] = tuple(one for one in found if one is not None)
            return chart.sites[name]

    def sites_among(self, ids: Iterable[str], cities: Collection[str] | None) -> tuple[Site, ...]:
        """Those of the estates that have a point, of some cities or all; by id."""
        estates = self.chart().reference.estates
        found = (
            site(estates[estate_id]) for estate_id in sorted(ids)
            if estate_id in estates and (cities is None or estates[estate_id].city in cities))
        return tuple(one for one in found if one is not None)

    def ids_of(self, cities: Iterable[str] | None) -> tuple[str, ...]:
        """The estates of some cities or all; by city, then by id."""
        chart = self.chart()
        if cities is None:
            return chart.ids
        return tuple(estate_id for city in sorted(cities) for estate_id in chart.ids_by_city.get(city, ()))

    def without_point(self, cities: Iterable[str] | None) -> int:
        """How many estates of some cities, or of all, have no point."""
        estates = self.chart().reference.estates
        return sum(not has_point(estates[estate_id]) for estate_id in self.ids_of(cities))


def has_point(place: Estate | Store) -> bool:
    """Whether it is known where a place is."""
    return place.lng is not None and place.lat is not None and place.crs is not None


def _draw(reference: Reference) -> Chart:
    ids = tuple(sorted(reference.estates))
    by_city: dict[str, list[str]] = {}
    for estate_id in ids:
        by_city.setdefault(reference.estates[estate_id].city, []).append(estate_id)
    groups = [group for group in reference.groups.values() if group.estate_id]
    return Chart(
        reference, ids, {city: tuple(found) for city, found in by_city.items()},
        _sets((group.dealer_id, group.estate_id) for group in groups),
        _sets((group.store_id, group.estate_id) for group in groups),
        _sets((dealer.city, dealer.dealer_id) for dealer in reference.dealers.values()), {}, next(_EDITIONS), {},
    )


def _sets(pairs: Iterable[tuple[str | None, str | None]]) -> dict[str, frozenset[str]]:
    """What belongs to each key; what belongs to none is left out."""
    found: dict[str, set[str]] = {}
    for key, value in pairs:
        if key and value:
            found.setdefault(key, set()).add(value)
    return {key: frozenset(values) for key, values in found.items()}


def point_of(place: Estate | Store) -> tuple[float, float] | None:
    """A place's point in WGS-84 degrees, lng before lat, to about a decimetre; None where it has none."""
    if place.lng is None or place.lat is None or place.crs is None:
        return None
    lng, lat = to_wgs84(place.lng, place.lat, place.crs)
    return round(lng, 6), round(lat, 6)


def properties_of(estate: Estate) -> dict[str, Any]:
    """What the map says of any estate, worked or not."""
    return {
        "estate_id": estate.estate_id, "name": estate.name, "city": estate.city, "district": estate.district,
        "households": estate.households,
    }


def site(estate: Estate) -> Site | None:
    """An estate on the map, or None where it has no point."""
    point = point_of(estate)
    if point is None:
        return None
    geometry = msgspec.Raw(msgspec.json.encode({"type": "Point", "coordinates": point}))
    properties = properties_of(estate)
    return Site(estate.estate_id, geometry, properties, feature(estate.estate_id, geometry, properties))


def feature(id: str, geometry: msgspec.Raw, properties: dict[str, Any]) -> msgspec.Raw:
    """A GeoJSON feature as JSON."""
    return msgspec.Raw(
        msgspec.json.encode({"type": "Feature", "id": id, "geometry": geometry, "properties": properties})
    )


def stores_of(reference: Reference, cities: frozenset[str] | None, dealers: frozenset[str] | None) -> dict[str, Any]:
    """The stores of some cities' dealers, or all, as a GeoJSON FeatureCollection; of certain dealers alone."""
    features = [
        _store(reference, store) for store in reference.stores.values()
        if _in(reference, store, cities) and (dealers is None or store.dealer_id in dealers)]
    return {"type": "FeatureCollection", "features": [one for one in features if one is not None]}


def _in(reference: Reference, store: Store, cities: frozenset[str] | None) -> bool:
    dealer = reference.dealers.get(store.dealer_id)
    return cities is None or dealer is None or not dealer.city or dealer.city in cities


def _store(reference: Reference, store: Store) -> dict[str, Any] | None:
    point = point_of(store)
    if point is None:
        return None
    dealer = reference.dealers.get(store.dealer_id)
    properties = {
        "store_id": store.store_id, "name": store.name, "dealer_id": store.dealer_id,
        "dealer_name": dealer.name if dealer else store.dealer_id, "staff": store.staff,
    }
    return {
        "type": "Feature", "id": store.store_id, "geometry": {"type": "Point", "coordinates": point},
        "properties": properties,
    }
