"""Tencent (腾讯位置服务): https://lbs.qq.com/service/webService/webServiceGuide/address/Geocoder; points are GCJ-02."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from geopy.exc import (
    GeocoderAuthenticationFailure,
    GeocoderInsufficientPrivileges,
    GeocoderQueryError,
    GeocoderQuotaExceeded,
    GeocoderRateLimited,
    GeocoderServiceError,
    GeocoderUnavailable,
)
from geopy.location import Location
from geopy.point import Point

from streams.geocoding.answers import Precision
from streams.geocoding.vendor import VendorGeocoder

#: `level` says what was found: 7 is a road, 8 what belongs to one, 9 an address, 10 an estate or building, 11 a point
#: of interest. Answers whose `reliability` is below 7 are, says Tencent, for various reasons not reliable.
_ROAD, _ADDRESS, _RELIABLE = 7, 9, 7

_OK, _NOTHING = 0, frozenset({347, 393})
#: https://lbs.qq.com/service/webService/webServiceGuide/status; the 3xx that are not here are about the question.
_ERRORS: dict[int, type[GeocoderServiceError]] = {
    **dict.fromkeys((110, 112, 113, 199), GeocoderInsufficientPrivileges),
    **dict.fromkeys((111, 190, 301, 311), GeocoderAuthenticationFailure),
    120: GeocoderRateLimited,
    **dict.fromkeys((121, 122, 123), GeocoderQuotaExceeded),
}


class Tencent(VendorGeocoder):
    """Tencent's geocoder, by a key that has WebServiceAPI switched on."""

    name = "tencent"
    domain = "apis.map.qq.com"
    path = reverse_path = "/ws/geocoder/v1/"

    def precision(self, location: Location) -> tuple[Precision, str]:
        """By the `level` of the match, where its `reliability` allows it."""
        level = int(location.raw["level"])
        if int(location.raw["reliability"]) < _RELIABLE or level < _ROAD:
            return Precision.AREA, str(level)
        return (Precision.DOOR if level >= _ADDRESS else Precision.STREET), str(level)

    def city(self, location: Location) -> str:
        """As Tencent says it."""
        return str(location.raw.get("address_components", {}).get("city", ""))

    def _question(self, query: str, city: str) -> dict[str, str]:
        # Without a city in the address the question is refused.
        address = query if not city or city.removesuffix("市") in query else f"{city}{query}"
        return {"key": self.api_key, "address": address, "output": "json"}

    def _reverse_question(self, point: Point) -> dict[str, str]:
        return {"key": self.api_key, "location": self._coerce_point_to_string(point), "output": "json"}

    def _check(self, answer: Mapping[str, Any]) -> bool:
        status = int(answer["status"])
        if status == _OK or status in _NOTHING:
            return status == _OK
        about = GeocoderQueryError if 300 <= status < 400 else GeocoderServiceError
        about = GeocoderUnavailable if 500 <= status < 600 else about
        raise _ERRORS.get(status, about)(f"Tencent: {answer.get('message', '')} ({status})")

    def _places(self, answer: Mapping[str, Any]) -> list[Location]:
        place = answer["result"]
        parts = place.get("address_components", {})
        names = ("province", "city", "district", "street", "street_number")
        address = "".join(str(parts.get(name, "")) for name in names)
        where = place["location"]
        return [Location(address, (float(where["lat"]), float(where["lng"])), place)]

    def _addresses(self, point: Point, answer: Mapping[str, Any]) -> list[Location]:
        place = answer["result"]
        return [Location(place["address"], point, place)] if place.get("address") else []
