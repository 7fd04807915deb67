"""Baidu (百度): https://lbsyun.baidu.com/faq/api?title=webapi/guide/webservice-geocoding; points are BD-09, or GCJ-02.

geopy's own `BaiduV3` is made for it, but knows neither the city nor the datum, cannot be asked at another address,
and takes «no such place» for a failure of the service: status 1 is both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

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

_STREET = frozenset({"道路", "交叉路口", "道路交叉口"})
_AREA = frozenset({
    "", "UNKNOWN", "国家", "省", "城市", "区县", "开发区", "乡镇", "村庄", "商圈", "区域", "行政区划",
})
#: From this `confidence` on a point is at most 200 m off, says Baidu.
_CLOSE = 75

#: https://lbsyun.baidu.com/index.php?title=webapi/appendix; 2xx is about the key, 3xx and 4xx about its quota.
_ERRORS: dict[int, type[GeocoderServiceError]] = {
    2: GeocoderQueryError, 3: GeocoderInsufficientPrivileges, 4: GeocoderQuotaExceeded,
    5: GeocoderAuthenticationFailure, 8: GeocoderQueryError, 9: GeocoderInsufficientPrivileges,
    101: GeocoderAuthenticationFailure, 102: GeocoderAuthenticationFailure,
    **dict.fromkeys((210, 220, 230, 240, 260, 261), GeocoderInsufficientPrivileges),
    **dict.fromkeys((401, 402), GeocoderRateLimited),
}
_NOTHING = "无相关结果"


class Baidu(VendorGeocoder):
    """Baidu's geocoder, by an AK for servers; `crs` may be gcj02 instead of its own bd09."""

    name = "baidu"
    domain = "api.map.baidu.com"
    path = "/geocoding/v3/"
    reverse_path = "/reverse_geocoding/v3/"
    _types: ClassVar[dict[str, str]] = {"bd09": "bd09ll", "gcj02": "gcj02ll"}

    def __init__(self, api_key: str, *, crs: Literal["bd09", "gcj02"] = "bd09", **more: Any) -> None:
        super().__init__(api_key, **more)
        self.crs = crs

    def precision(self, location: Location) -> tuple[Precision, str]:
        """By the `level` of the match, its `precise` and its `confidence`."""
        level = str(location.raw.get("level", ""))
        if level in _AREA:
            return Precision.AREA, level
        close = location.raw.get("precise") == 1 or int(location.raw.get("confidence", 0)) >= _CLOSE
        return (Precision.DOOR if close and level not in _STREET else Precision.STREET), level

    def _question(self, query: str, city: str) -> dict[str, str]:
        question = {"ak": self.api_key, "address": query, "output": "json", "ret_coordtype": self._types[self.crs]}
        return question | ({"city": city} if city else {})

    def _reverse_question(self, point: Point) -> dict[str, str]:
        kind, location = self._types[self.crs], self._coerce_point_to_string(point)
        return {"ak": self.api_key, "location": location, "output": "json", "coordtype": kind, "ret_coordtype": kind}

    def _check(self, answer: Mapping[str, Any]) -> bool:
        status = int(answer["status"])
        message = str(answer.get("message", answer.get("msg", "")))
        if status == 0:
            return True
        if status == 1 and _NOTHING in message:
            return False
        about: type[GeocoderServiceError] = GeocoderUnavailable if status == 1 else GeocoderServiceError
        if 200 <= status < 300:
            about = GeocoderAuthenticationFailure
        elif 300 <= status < 500:
            about = GeocoderQuotaExceeded
        raise _ERRORS.get(status, about)(f"Baidu: {message} ({status})")

    def _places(self, answer: Mapping[str, Any]) -> list[Location]:
        place = answer["result"]
        if not place:
            return []
        where = place["location"]
        return [Location(str(place.get("level", "")), (float(where["lat"]), float(where["lng"])), place)]

    def _addresses(self, point: Point, answer: Mapping[str, Any]) -> list[Location]:
        place = answer["result"]
        return [Location(place["formatted_address"], point, place)] if place.get("formatted_address") else []
