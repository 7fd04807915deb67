"""The estates of the map in columns: what does not change with events, packed once for each reference data.

A hundred thousand estates are a third of the bytes that they are as GeoJSON, and a page that has them asks only
whether they changed (ETag).
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from hashlib import sha256
from threading import Lock
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
from fastapi import APIRouter, Header, Response

from agents.coverage import COVERAGE, GROUP, IDLE, NOBODY, REACH_KM
from maps.datum import to_wgs84_array
from schemas.reference import Estate, Reference
from streams.gateway.atlas import Chart, has_point
from streams.gateway.auth import Watcher
from streams.gateway.context import Gateway, Here
from streams.gateway.scope import cities_of

_OWNERS = "owners"

router = APIRouter(tags=["hq"])


class Packed(NamedTuple):
    """The columns of a city, or of all, as they go over the wire."""

    plain: bytes
    zipped: bytes
    etag: str


_packing = Lock()


def packed_of(here: Gateway, cities: frozenset[str] | None) -> Packed:
    """The columns of some cities, or of all; packed once for each state of the reference data."""
    chart = here.atlas.chart()
    # By the cities that there are: any text may be asked for as a city's name, and none of those is kept.
    known = None if cities is None else tuple(sorted(cities & chart.ids_by_city.keys()))
    with _packing:
        found: Packed | None = chart.packed.get(known)
        if found is None:
            plain = msgspec.json.encode(_columns(here, chart, known))
            etag = f'"{sha256(plain).hexdigest()[:24]}"'
            found = chart.packed[known] = Packed(plain, gzip.compress(plain, 5, mtime=0), etag)
        return found


@router.get("/v1/map", summary="The map's estates, in columns")
def read_map(
    here: Here, grant: Watcher, city: str | None = None,
    accept_encoding: Annotated[str, Header(include_in_schema=False)] = "",
    if_none_match: Annotated[str, Header(description="The ETag of the columns that one has")] = "",
) -> Response:
    """Every estate that has a point, a list for each thing that is known of it, all in the same order.

    `id`, `name`, `lng` and `lat` (WGS-84, in millionths of a degree), `households` (0: not known); `district`, `city`,
    `dealer` (who has it, or whose shop is nearest within reach; -1: nobody) and `coverage` are indexes of `districts`,
    `cities`, `dealers` and `coverages`. `coverage` is without campaigns: a row of `/v1/flow` says it as it stands.
    """
    packed = packed_of(here, cities_of(grant, city))
    headers = {
        "ETag": packed.etag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding, Authorization, Cookie",
    }
    if packed.etag in if_none_match:
        return Response(status_code=304, headers=headers)
    if "gzip" in accept_encoding:
        return Response(packed.zipped, headers=headers | {"Content-Encoding": "gzip"}, media_type="application/json")
    return Response(packed.plain, headers=headers, media_type="application/json")


def _columns(here: Gateway, chart: Chart, known: tuple[str, ...] | None) -> dict[str, Any]:
    reference = chart.reference
    estates = _with_point(reference.estates[estate_id] for estate_id in here.atlas.ids_of(known))
    lngs, lats = _points(estates)
    districts, cities, dealers = _Numbers(), _Numbers(), _Numbers()
    near = _near(here, reference, lngs, lats)
    who = [owner_of(reference, estate, dealer_id) for estate, dealer_id in zip(estates, near, strict=True)]
    return {
        "id": [estate.estate_id for estate in estates],
        "name": [estate.name for estate in estates],
        "lng": np.rint(lngs * 1e6).astype(int).tolist(),
        "lat": np.rint(lats * 1e6).astype(int).tolist(),
        "households": [estate.households or 0 for estate in estates],
        "district": [districts.of(estate.district) for estate in estates],
        "city": [cities.of(estate.city) for estate in estates],
        "dealer": [dealers.of(dealer_id) if dealer_id else -1 for dealer_id, _ in who],
        "coverage": [COVERAGE.index(how) for _, how in who],
        "districts": districts.names,
        "cities": cities.names,
        "dealers": [
            [dealer_id, reference.dealers[dealer_id].name if dealer_id in reference.dealers else dealer_id]
            for dealer_id in dealers.names
        ],
        "coverages": COVERAGE,
    }


def _with_point(estates: Iterable[Estate]) -> list[Estate]:
    return [one for one in estates if has_point(one)]


class _Numbers:
    """Numbers for names, in the order in which they are first seen."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, name: str) -> int:
        return self._known.setdefault(name, len(self._known))

    @property
    def names(self) -> list[str]:
        return list(self._known)


def _points(estates: list[Estate]) -> tuple[Any, Any]:
    """All points in WGS-84, datum by datum."""
    lngs = np.array([estate.lng for estate in estates], dtype=np.float64)
    lats = np.array([estate.lat for estate in estates], dtype=np.float64)
    for crs in {estate.crs for estate in estates}:
        at = np.array([estate.crs == crs for estate in estates])
        if crs is not None:
            lngs[at], lats[at] = to_wgs84_array(lngs[at], lats[at], crs)
    return lngs, lats


def _near(here: Gateway, reference: Reference, lngs: Any, lats: Any) -> list[str | None]:
    """The dealer of the nearest shop within reach of each point."""
    shops = here.atlas.shops()
    if not len(shops) or not len(lngs):
        return [None] * len(lngs)
    # The index numbers the shops as it was given them: those that have a point, in the order of the reference data.
    stores = [store for store in reference.stores.values() if has_point(store)]
    numbers, metres = shops.nearest_many(lngs, lats)
    return [
        stores[number].dealer_id if number >= 0 and away <= REACH_KM * 1000 else None
        for number, away in zip(numbers[:, 0].tolist(), metres[:, 0].tolist(), strict=True)
    ]


def owners(here: Gateway) -> dict[str, tuple[str | None, str]]:
    """Of the whole book: who has each estate, and how far it is worked, without its campaign. Made once."""
    chart = here.atlas.chart()
    with _packing:
        found: dict[str, tuple[str | None, str]] | None = chart.packed.get(_OWNERS)
        if found is None:
            estates = _with_point(chart.reference.estates.values())
            near = _near(here, chart.reference, *_points(estates))
            by_id = {estate.estate_id: dealer_id for estate, dealer_id in zip(estates, near, strict=True)}
            found = chart.packed[_OWNERS] = {
                estate_id: owner_of(chart.reference, estate, by_id.get(estate_id))
                for estate_id, estate in chart.reference.estates.items()
            }
        return found


def owner_of(reference: Reference, estate: Estate, near: str | None) -> tuple[str | None, str]:
    """Who has an estate, and how far it is worked, without its campaign."""
    groups = reference.groups_of_estate.get(estate.estate_id, ())
    if not groups:
        return near, IDLE if near else NOBODY
    return next((group.dealer_id for group in groups if group.dealer_id), near), GROUP
