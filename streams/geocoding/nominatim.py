"""OpenStreetMap, by geopy's own Nominatim (https://nominatim.org/release-docs/latest/api/Search/); points are WGS-84.

Its public server takes one question a second, and none in bulk:
https://operations.osmfoundation.org/policies/nominatim/. For more, run one of your own and say its domain.
"""

from __future__ import annotations

from typing import Any, ClassVar

from geopy.geocoders import Nominatim as GeopyNominatim
from geopy.geocoders.base import DEFAULT_SENTINEL
from geopy.location import Location

from schemas.values import Crs
from streams.geocoding.answers import Precision

_DOOR = frozenset({
    "building", "amenity", "shop", "office", "leisure", "tourism", "craft", "healthcare", "historic", "man_made",
})
_HOUSES = frozenset({("place", "house"), ("place", "houses"), ("landuse", "residential")})


class Nominatim(GeopyNominatim):  # type: ignore[misc]  # geopy comes without types
    """Nominatim for addresses in China, in Chinese."""

    name: ClassVar[str] = "nominatim"
    crs: ClassVar[Crs] = "wgs84"

    def geocode(self, query: str, *, city: str = "", timeout: Any = DEFAULT_SENTINEL, **more: Any) -> Any:
        """As geopy's; `city` stands before an address that does not say it."""
        where = query if not city or city.removesuffix("市") in query else f"{city}{query}"
        return super().geocode(where, timeout=timeout, **{"country_codes": "cn", "language": "zh", **more})

    def precision(self, location: Location) -> tuple[Precision, str]:
        """By the class and type of the thing in OpenStreetMap."""
        kind, type_ = str(location.raw.get("class", "")), str(location.raw.get("type", ""))
        level = f"{kind}/{type_}"
        if kind in _DOOR or (kind, type_) in _HOUSES:
            return Precision.DOOR, level
        return (Precision.STREET if kind == "highway" else Precision.AREA), level

    def city(self, location: Location) -> str:  # noqa: ARG002  # as VendorGeocoder has it
        """Not said in a form that could be compared."""
        return ""
