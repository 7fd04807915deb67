"""AMap (高德): https://lbs.amap.com/api/webservice/guide/api/georegeo; points are GCJ-02."""

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
    GeocoderTimedOut,
    GeocoderUnavailable,
)
from geopy.location import Location
from geopy.point import Point

from streams.geocoding.answers import Precision
from streams.geocoding.vendor import VendorGeocoder, said

_STREET = frozenset({"道路", "道路交叉路口", "小巷"})
_DOOR = frozenset({"兴趣点", "门牌号", "单元号", "楼层", "房间", "门址", "住宅区"})

#: What an `infocode` means: https://lbs.amap.com/api/webservice/guide/tools/info. Those beginning with 2 and 3 are
#: about the question.
_ERRORS: dict[str, type[GeocoderServiceError]] = {
    **dict.fromkeys(("10001", "10007", "10008", "10013"), GeocoderAuthenticationFailure),
    **dict.fromkeys(
        ("10002", "10005", "10006", "10009", "10011", "10012", "10026", "10041", "20011", "40002"),
        GeocoderInsufficientPrivileges),
    **dict.fromkeys(("10003", "10010", "10029", "10044", "10045", "40000", "40003"), GeocoderQuotaExceeded),
    **dict.fromkeys(("10004", "10014", "10019", "10020", "10021"), GeocoderRateLimited),
    "10015": GeocoderTimedOut,
    **dict.fromkeys(("10016", "10017"), GeocoderUnavailable),
    "20003": GeocoderServiceError,
}


class AMap(VendorGeocoder):
    """AMap's geocoder, by a key for its web service."""

    name = "amap"
    domain = "restapi.amap.com"
    path = "/v3/geocode/geo"
    reverse_path = "/v3/geocode/regeo"

    def precision(self, location: Location) -> tuple[Precision, str]:
        """By the `level` of the match."""
        level = said(location.raw.get("level"))
        fine = Precision.DOOR if level in _DOOR else Precision.STREET if level in _STREET else Precision.AREA
        return fine, level

    def city(self, location: Location) -> str:
        """As AMap says it; a municipality is its own."""
        return said(location.raw.get("city"))

    def _question(self, query: str, city: str) -> dict[str, str]:
        question = {"key": self.api_key, "address": query, "output": "JSON"}
        return question | ({"city": city} if city else {})

    def _reverse_question(self, point: Point) -> dict[str, str]:
        location = self._coerce_point_to_string(point, "%(lon)s,%(lat)s")
        return {"key": self.api_key, "location": location, "output": "JSON"}

    def _check(self, answer: Mapping[str, Any]) -> bool:
        if str(answer["status"]) == "1":
            return True
        code, info = said(answer.get("infocode")), said(answer.get("info"))
        about = GeocoderQueryError if code.startswith(("2", "3")) else GeocoderServiceError
        raise _ERRORS.get(code, about)(f"AMap: {info} ({code})")

    def _places(self, answer: Mapping[str, Any]) -> list[Location]:
        out = []
        for place in answer["geocodes"]:
            lng, lat = map(float, place["location"].split(","))
            out.append(Location(said(place.get("formatted_address")), (lat, lng), place))
        return out

    def _addresses(self, point: Point, answer: Mapping[str, Any]) -> list[Location]:
        place = answer["regeocode"]
        address = said(place["formatted_address"])
        return [Location(address, point, place)] if address else []
