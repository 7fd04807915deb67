"""Each map service's answers, refusals and failures, as geopy says them."""

from collections.abc import Callable
from typing import Any

import pytest
from geopy.adapters import URLLibAdapter
from geopy.exc import (
    GeocoderAuthenticationFailure,
    GeocoderInsufficientPrivileges,
    GeocoderParseError,
    GeocoderQueryError,
    GeocoderQuotaExceeded,
    GeocoderRateLimited,
    GeocoderServiceError,
    GeocoderTimedOut,
    GeocoderUnavailable,
)

from streams.geocoding.amap import AMap
from streams.geocoding.answers import Precision
from streams.geocoding.baidu import Baidu
from streams.geocoding.nominatim import Nominatim
from streams.geocoding.tencent import Tencent
from tests.streams.geocoding import vendors as v
from tests.streams.geocoding.vendors import KEY, MapService

ADDRESS = "哈尔滨市南岗区学府路123号"
KEYED: dict[str, Callable[..., Any]] = {"amap": AMap, "baidu": Baidu, "tencent": Tencent}


def of(vendor: str, service: MapService, **more: Any) -> Any:
    common = {"domain": service.domain, "scheme": "http", "timeout": 5, "adapter_factory": URLLibAdapter, **more}
    return Nominatim(user_agent="loupan", **common) if vendor == "nominatim" else KEYED[vendor](KEY, **common)


ANSWERS = [
    ("amap", v.amap(), (126.62, 45.7), "gcj02"), ("baidu", v.baidu(), (126.63, 45.71), "bd09"),
    ("tencent", v.tencent(), (126.62, 45.7), "gcj02"), ("nominatim", v.nominatim(), (126.614, 45.698), "wgs84"),
]


@pytest.mark.parametrize(("vendor", "answer", "point", "crs"), ANSWERS)
def test_an_address_is_a_point_in_a_known_datum(
    service: MapService, vendor: str, answer: Any, point: tuple[float, float], crs: str
):
    service.says(answer)
    geocoder = of(vendor, service)
    found = geocoder.geocode(ADDRESS, city="哈尔滨市")
    assert (found.longitude, found.latitude) == point
    assert geocoder.crs == crs
    assert geocoder.precision(found)[0] is Precision.DOOR
    assert [place.raw for place in geocoder.geocode(ADDRESS, exactly_one=False)] == [found.raw]


@pytest.mark.parametrize(("vendor", "path", "question"), [
    ("amap", "/v3/geocode/geo", {"key": KEY, "address": ADDRESS, "output": "JSON", "city": "哈尔滨市"}),
    ("baidu", "/geocoding/v3/",
     {"ak": KEY, "address": ADDRESS, "output": "json", "ret_coordtype": "bd09ll", "city": "哈尔滨市"}),
    ("tencent", "/ws/geocoder/v1/", {"key": KEY, "address": ADDRESS, "output": "json"}),
    ("nominatim", "/search",
     {"q": ADDRESS, "format": "json", "limit": "1", "countrycodes": "cn", "accept-language": "zh"}),
])
def test_each_is_asked_in_its_own_words(service: MapService, vendor: str, path: str, question: dict[str, str]):
    service.says({name: answer for name, answer, _, _ in ANSWERS}[vendor])
    of(vendor, service).geocode(ADDRESS, city="哈尔滨市")
    assert service.asked == [(path, question)]


@pytest.mark.parametrize("vendor", ["tencent", "nominatim"])
def test_those_that_know_no_city_get_it_before_the_address(service: MapService, vendor: str):
    service.says({name: answer for name, answer, _, _ in ANSWERS}[vendor])
    of(vendor, service).geocode("学府路123号", city="哈尔滨")
    ((_, question),) = service.asked
    assert question["address" if vendor == "tencent" else "q"] == "哈尔滨学府路123号"


def test_baidu_can_be_asked_for_gcj02(service: MapService):
    service.says(v.baidu())
    geocoder = of("baidu", service, crs="gcj02")
    geocoder.geocode(ADDRESS)
    assert service.asked[0][1]["ret_coordtype"] == "gcj02ll"
    assert geocoder.crs == "gcj02"


@pytest.mark.parametrize(("vendor", "answer", "precision"), [
    ("amap", v.amap("住宅区"), Precision.DOOR), ("amap", v.amap("道路"), Precision.STREET),
    ("amap", v.amap("区县"), Precision.AREA), ("amap", v.amap("未知"), Precision.AREA),
    ("baidu", v.baidu("地产小区"), Precision.DOOR), ("baidu", v.baidu("道路"), Precision.STREET),
    ("baidu", v.baidu("城市"), Precision.AREA), ("baidu", v.baidu("门址", 0, 50), Precision.STREET),
    ("tencent", v.tencent(9), Precision.DOOR), ("tencent", v.tencent(7), Precision.STREET),
    ("tencent", v.tencent(2), Precision.AREA), ("tencent", v.tencent(11, 4), Precision.AREA),
    ("nominatim", v.nominatim("landuse", "residential"), Precision.DOOR),
    ("nominatim", v.nominatim("highway", "primary"), Precision.STREET),
    ("nominatim", v.nominatim("boundary", "administrative"), Precision.AREA),
])
def test_a_road_or_a_district_is_told_from_a_door(service: MapService, vendor: str, answer: Any, precision: Precision):
    service.says(answer)
    geocoder = of(vendor, service)
    assert geocoder.precision(geocoder.geocode(ADDRESS))[0] is precision


@pytest.mark.parametrize(("vendor", "answer"), [
    ("amap", v.AMAP_NOTHING), ("baidu", v.BAIDU_NOTHING), ("baidu", {"status": 0, "result": []}),
    ("tencent", v.TENCENT_NOTHING), ("nominatim", []),
])
def test_no_such_place_is_no_failure(service: MapService, vendor: str, answer: Any):
    service.says(answer)
    assert of(vendor, service).geocode(ADDRESS) is None


@pytest.mark.parametrize(("vendor", "answer", "kind"), [
    ("amap", v.amap_error("10001", "INVALID_USER_KEY"), GeocoderAuthenticationFailure),
    ("amap", v.amap_error("10003", "DAILY_QUERY_OVER_LIMIT"), GeocoderQuotaExceeded),
    ("amap", v.amap_error("10044", "USER_DAILY_QUERY_OVER_LIMIT"), GeocoderQuotaExceeded),
    ("amap", v.amap_error("10021", "CUQPS_HAS_EXCEEDED_THE_LIMIT"), GeocoderRateLimited),
    ("amap", v.amap_error("10009", "USERKEY_PLAT_NOMATCH"), GeocoderInsufficientPrivileges),
    ("amap", v.amap_error("10016", "SERVER_IS_BUSY"), GeocoderUnavailable),
    ("amap", v.amap_error("20000", "INVALID_PARAMS"), GeocoderQueryError),
    ("amap", v.amap_error("30001", "ENGINE_RESPONSE_DATA_ERROR"), GeocoderQueryError),
    ("amap", v.amap_error("99999", "WHO_KNOWS"), GeocoderServiceError),
    ("baidu", {"status": 1, "message": "服务器内部错误"}, GeocoderUnavailable),
    ("baidu", {"status": 2, "message": "Parameter Invalid"}, GeocoderQueryError),
    ("baidu", {"status": 4, "message": "Quota Failure"}, GeocoderQuotaExceeded),
    ("baidu", {"status": 200, "message": "APP不存在，AK有误请检查再重试"}, GeocoderAuthenticationFailure),
    ("baidu", {"status": 210, "message": "APP IP校验失败"}, GeocoderInsufficientPrivileges),
    ("baidu", {"status": 240, "message": "APP 服务被禁用"}, GeocoderInsufficientPrivileges),
    ("baidu", {"status": 302, "message": "天配额超限，限制访问"}, GeocoderQuotaExceeded),
    ("baidu", {"status": 401, "message": "当前并发量已经超过约定并发配额，限制访问"}, GeocoderRateLimited),
    ("tencent", {"status": 190, "message": "无效的KEY"}, GeocoderAuthenticationFailure),
    ("tencent", {"status": 199, "message": "此key未开启webservice功能"}, GeocoderInsufficientPrivileges),
    ("tencent", {"status": 120, "message": "此key每秒请求量已达到上限"}, GeocoderRateLimited),
    ("tencent", {"status": 121, "message": "此key每日调用量已达到上限"}, GeocoderQuotaExceeded),
    ("tencent", {"status": 348, "message": "参数错误"}, GeocoderQueryError),
    ("tencent", {"status": 500, "message": "服务响应失败"}, GeocoderUnavailable),
])
def test_a_refusal_is_of_the_kind_that_it_is(service: MapService, vendor: str, answer: Any, kind: type[Exception]):
    service.says(answer)
    with pytest.raises(GeocoderServiceError) as caught:
        of(vendor, service).geocode(ADDRESS)
    assert type(caught.value) is kind
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(("status", "kind"), [
    (500, GeocoderServiceError), (502, GeocoderServiceError), (503, GeocoderTimedOut), (429, GeocoderRateLimited),
    (403, GeocoderInsufficientPrivileges),
])
@pytest.mark.parametrize("vendor", [*KEYED, "nominatim"])
def test_http_errors_are_geopys(service: MapService, vendor: str, status: int, kind: type[Exception]):
    service.says(b"<html>oops</html>", status)
    with pytest.raises(kind):
        of(vendor, service).geocode(ADDRESS)


@pytest.mark.parametrize("body", [
    b"<html>welcome to the hotel's wifi</html>", b"", b"[]", b"null", b'"ok"', b"{}", b'{"status":',
    b'{"status": "1", "geocodes": [{}]}', b'{"status": 0, "result": {"level": 9}}', b'{"status": "x"}',
    b'{"status": "1", "geocodes": [{"location": "126.62", "level": "x"}]}',
    b'{"status": 0, "result": {"location": {"lng": "east", "lat": null}, "level": 9, "reliability": 9}}',
    b'{"status": 0, "result": {"location": {"lng": NaN, "lat": 95.0}, "level": 9, "reliability": 9}}',
])
@pytest.mark.parametrize("vendor", list(KEYED))
def test_an_answer_of_another_form_is_no_point(service: MapService, vendor: str, body: bytes):
    service.says(body)
    with pytest.raises((GeocoderParseError, GeocoderServiceError)):
        of(vendor, service).geocode(ADDRESS)


@pytest.mark.parametrize("vendor", [*KEYED, "nominatim"])
def test_who_does_not_answer_in_time_is_not_waited_for(service: MapService, vendor: str):
    with service.hanging(), pytest.raises(GeocoderTimedOut):
        of(vendor, service, timeout=0.2).geocode(ADDRESS)


@pytest.mark.parametrize(("vendor", "answer", "question"), [
    ("amap", v.AMAP_REVERSE, {"key": KEY, "location": "126.62,45.7", "output": "JSON"}),
    ("baidu", v.BAIDU_REVERSE,
     {"ak": KEY, "location": "45.7,126.62", "output": "json", "coordtype": "bd09ll", "ret_coordtype": "bd09ll"}),
    ("tencent", v.TENCENT_REVERSE, {"key": KEY, "location": "45.7,126.62", "output": "json"}),
])
def test_a_point_is_an_address(service: MapService, vendor: str, answer: Any, question: dict[str, str]):
    service.says(answer)
    found = of(vendor, service).reverse((45.7, 126.62))
    assert found.address.startswith("黑龙江省哈尔滨市南岗区学府路123号")
    assert (found.longitude, found.latitude) == (126.62, 45.7)
    assert service.asked[0][1] == question


def test_a_point_in_the_sea_has_no_address(service: MapService):
    service.says({"status": "1", "info": "OK", "regeocode": {"formatted_address": [], "addressComponent": {}}})
    assert of("amap", service).reverse((20.0, 150.0)) is None
