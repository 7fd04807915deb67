"""What a map shows of a city: its estates and how far each is worked, the shops, who works what, the outlines.

From the database, from a folder of reference data, or from the flow map that `loupan replay` wrote.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select

from maps.datum import to_wgs84
from schemas.errors import BadFile
from schemas.reference import Estate, Reference, Store
from schemas.values import Phase
from streams.simulated import CLOCK, SIMULATED
from streams.tables import flow, meta

#: What is drawn of an estate whose campaign is over, or has not begun.
ENDED, WAITING = "ended", "no_phase"
_PHASES: Final = frozenset(phase.value for phase in Phase)


@dataclass(frozen=True, slots=True)
class Site:
    """An estate on the map. `state` is a phase, `ended`, `no_phase`, or None where nobody works it."""

    estate_id: str
    name: str
    lng: float
    lat: float
    households: int | None = None
    state: str | None = None
    day: int | None = None
    members: int = 0
    orders: int = 0
    target: int | None = None
    dealer: str = ""
    store_id: str = ""


@dataclass(frozen=True, slots=True)
class Shop:
    """A dealer's shop on the map."""

    store_id: str
    name: str
    lng: float
    lat: float


Ring = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class District:
    """A district's outline, with its holes among the rings; `at` is where its name stands."""

    code: str
    name: str
    rings: tuple[Ring, ...]
    at: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Scene:
    """All of it. `date` is the day of what is shown, `without_point` how many estates have no place on a map."""

    city: str
    date: str
    sites: tuple[Site, ...]
    shops: tuple[Shop, ...]
    districts: tuple[District, ...]
    without_point: int = 0
    simulated: bool = False
    totals: Mapping[str, int] = field(default_factory=dict)

    def worked(self) -> list[Site]:
        """The sites that are, were or will be worked, the largest first."""
        found = [site for site in self.sites if site.state is not None]
        return sorted(found, key=lambda site: (-site.orders, -site.members, site.estate_id))


# --- where it comes from ----------------------------------------------------------------------------


def of_database(connection: Connection, reference: Reference, city: str, today: str) -> Scene:
    """The city as the database knows it.

    Raises:
        BadFile: when no estate is in a city of that name.
    """
    bodies = {row.estate_id: msgspec.json.decode(bytes(row.body)) for row in connection.execute(select(flow))}
    simulated = connection.execute(select(meta.c.value).where(meta.c.name == CLOCK)).scalar() == SIMULATED
    return _scene(reference, city, bodies, today, simulated=simulated)


def of_reference(
    reference: Reference, city: str, today: str, flowed: Mapping[str, Mapping[str, Any]] | None = None
) -> Scene:
    """The city as reference data know it; `flowed` is what a replay says of its estates.

    Raises:
        BadFile: as above.
    """
    return _scene(reference, city, flowed or {}, today)


def _scene(
    reference: Reference, city: str, bodies: Mapping[str, Mapping[str, Any]], today: str, *, simulated: bool = False
) -> Scene:
    known = city_of(city, (estate.city for estate in reference.estates.values()))
    here = [estate for estate in reference.estates.values() if estate.city == known]
    sites = [_site(estate, bodies.get(estate.estate_id, {})) for estate in here]
    placed = tuple(site for site in sites if site is not None)
    dates = [str(body.get("updated_at") or "")[:10] for body in bodies.values()]
    return Scene(
        known, max(dates, default="") or today, placed,
        tuple(_shops(reference, known, {site.store_id for site in placed})), tuple(districts(known)),
        len(sites) - len(placed), simulated, _totals(bodies[estate.estate_id] for estate in here
                                                    if estate.estate_id in bodies) | {"estates": len(here)})


def _site(estate: Estate, body: Mapping[str, Any]) -> Site | None:
    at = _point(estate)
    if at is None:
        return None
    return Site(
        estate.estate_id, estate.name, *at, estate.households, _state(body), _number(body.get("day")) or None,
        _number(body.get("members")), _number(body.get("orders")), _number(body.get("target_orders")) or None,
        str(body.get("dealer_name") or ""), str(body.get("store_id") or ""))


def _state(body: Mapping[str, Any]) -> str | None:
    status, phase = body.get("status"), body.get("phase")
    if phase in _PHASES:
        return str(phase)
    if status == "ended":
        return ENDED
    return WAITING if status or _number(body.get("groups")) else None


def _number(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0


def _point(place: Estate | Store) -> tuple[float, float] | None:
    if place.lng is None or place.lat is None or place.crs is None:
        return None
    return to_wgs84(place.lng, place.lat, place.crs)


def _shops(reference: Reference, city: str, at_work: set[str]) -> Iterable[Shop]:
    for store in reference.stores.values():
        dealer, at = reference.dealers.get(store.dealer_id), _point(store)
        if at is not None and (store.store_id in at_work or dealer is None or dealer.city == city):
            yield Shop(store.store_id, store.name or store.store_id, *at)


def _totals(bodies: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    totals = dict.fromkeys(("worked", "groups", "members", "orders", "target"), 0)
    for body in bodies:
        totals["worked"] += body.get("status") in ("scheduled", "running", "paused")
        totals["target"] += _number(body.get("target_orders"))
        for name in ("groups", "members", "orders"):
            totals[name] += _number(body.get(name))
    return totals


def city_of(wanted: str, cities: Iterable[str]) -> str:
    """The city as the reference data write it, with or without 市.

    Raises:
        BadFile: when there is none of that name, with those that are near it.
    """
    known = sorted({city for city in cities if city})
    for city in known:
        if city == wanted or city.removesuffix("市") == wanted.strip().removesuffix("市"):
            return city
    near = get_close_matches(wanted, known, n=3, cutoff=0.3) or known[:5]
    remedy = f"there are: {'、'.join(near)}" if near else "import estates first, with their city"
    raise BadFile("--city", None, f"there is no estate in a city {wanted}", remedy)


# --- outlines ---------------------------------------------------------------------------------------


def districts(city: str) -> list[District]:
    """The outlines of a city's districts; none where the city is not known."""
    # Outlines are large, and shapely is slow to load.
    from shapely.geometry import shape  # noqa: PLC0415  # as said

    from streams.districts import districts_of  # noqa: PLC0415  # as said

    found = []
    for feature in districts_of(city)["features"]:
        geometry = feature["geometry"]
        polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        at = shape(geometry).representative_point()
        properties = feature["properties"]
        rings = tuple(tuple((lng, lat) for lng, lat, *_ in ring) for polygon in polygons for ring in polygon)
        found.append(District(properties["adcode"], properties["name"], rings, (at.x, at.y)))
    return found


# --- a replay's flow map ----------------------------------------------------------------------------


def read_flow(path: Path, text: str) -> tuple[dict[str, Estate], dict[str, dict[str, Any]]]:
    """The estates of a `flow.geojson` and what it says of each.

    Raises:
        BadFile: when it is no such file.
    """
    estates, bodies = dict[str, Estate](), dict[str, dict[str, Any]]()
    try:
        for feature in json.loads(text)["features"]:
            estate = _estate(feature["properties"], feature.get("geometry"))
            estates[estate.estate_id], bodies[estate.estate_id] = estate, feature["properties"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        remedy = "name the flow.geojson that loupan replay wrote"
        raise BadFile(str(path), None, f"is no flow map ({type(error).__name__}: {error})", remedy) from error
    return estates, bodies


def _estate(properties: Mapping[str, Any], geometry: Mapping[str, Any] | None) -> Estate:
    estate_id = str(properties["estate_id"])
    lng, lat = (float(part) for part in geometry["coordinates"][:2]) if geometry else (None, None)
    return Estate(
        estate_id, str(properties.get("name") or estate_id), lng=lng, lat=lat, crs="wgs84" if geometry else None,
        households=_number(properties.get("households")) or None, city=str(properties.get("city") or ""),
        district=str(properties.get("district") or ""))
