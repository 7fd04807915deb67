"""The estate flow map as GeoJSON (RFC 7946): WGS-84, one point an estate, the same bytes for the same state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from maps.datum import to_wgs84
from schemas.reference import Estate

#: Decimals of a coordinate: 0.1 m.
_DECIMALS = 6
#: What an estate says of itself on the map.
_OWN = ("estate_id", "name", "city", "district")


def feature(estate: Estate, properties: Mapping[str, Any]) -> dict[str, Any]:
    """An estate as a GeoJSON feature; `properties` follow its own name, city and district.

    The geometry is null where the estate's point isn't known: it stays in lists, and off the map.
    """
    own: dict[str, Any] = {name: getattr(estate, name) for name in _OWN}
    if estate.households is not None:
        own["households"] = estate.households
    return {
        "type": "Feature",
        "id": estate.estate_id,
        "geometry": _geometry(estate),
        "properties": own | dict(properties),
    }


def collection(features: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A FeatureCollection of estates' features, ordered by estate id."""
    return {"type": "FeatureCollection", "features": sorted(features, key=lambda one: str(one["id"]))}


def _geometry(estate: Estate) -> dict[str, Any] | None:
    if estate.lng is None or estate.lat is None or estate.crs is None:
        return None
    lng, lat = to_wgs84(estate.lng, estate.lat, estate.crs)
    return {"type": "Point", "coordinates": [round(lng, _DECIMALS), round(lat, _DECIMALS)]}
