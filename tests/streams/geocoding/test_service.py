"""Asking a geocoder: kept answers, the day's budget, failures that stay the provider's, and what is never sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from geopy.adapters import URLLibAdapter
from pydantic import SecretStr
from sqlalchemy import Engine
from structlog.testing import capture_logs

from maps.book import EstateBook
from maps.locator import Locator, Said
from schemas.errors import BadFile
from schemas.values import Point
from streams.geocoding.amap import AMap
from streams.geocoding.answers import Geocoded, Precision
from streams.geocoding.baidu import Baidu
from streams.geocoding.breaker import FAILURES, LONGEST, REST
from streams.geocoding.choosing import geocoding_of, key_of
from streams.geocoding.clues import pointed
from streams.geocoding.estates import fill_points
from streams.geocoding.nominatim import Nominatim
from streams.geocoding.service import Geocoding, question_of
from streams.geocoding.tencent import Tencent
from streams.settings import Settings, read_settings
from tests import builders as b
from tests.databases import opened
from tests.streams.geocoding import vendors as v
from tests.streams.geocoding.vendors import KEY, MapService

ADDRESS = "哈尔滨市南岗区学府路123号"
NOON = datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
FOUND = Geocoded(126.62, 45.7, "gcj02", Precision.DOOR, "门牌号")


class Time:
    """The day's time and the seconds that pass, both as the test says."""

    def __init__(self) -> None:
        self.at, self.seconds = NOON, 0.0

    def now(self) -> datetime:
        return self.at

    def clock(self) -> float:
        return self.seconds


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = opened(tmp_path / "loupan.db")
    yield engine
    engine.dispose()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def asking(engine: Engine, service: MapService, time: Time) -> Callable[..., Geocoding]:
    def make(kind: Any = AMap, budget: int = 100, on: Engine = engine, timeout: float = 5) -> Geocoding:
        geocoder = kind(KEY, domain=service.domain, scheme="http", timeout=timeout, adapter_factory=URLLibAdapter)
        return Geocoding(
            on, geocoder, budget=budget, per_second=10_000, days=180, now=time.now, clock=time.clock)

    return make


# --- kept answers ----------------------------------------------------------------------------------


def test_what_was_said_once_is_not_asked_again_by_whoever_comes_later(asking, service: MapService):
    service.says(v.amap())
    first = asking()
    with_home = "哈尔滨市南岗区学府路123号3栋2单元501"
    assert [first.locate(ADDRESS), first.locate(with_home), asking().locate(ADDRESS)] == [FOUND] * 3
    assert len(service.asked) == 1
    assert (first.tally.asked, first.tally.from_cache) == (1, 1)


def test_each_provider_is_asked_for_itself(asking, service: MapService):
    service.says(v.amap())
    asking().locate(ADDRESS)
    service.says(v.tencent())
    found = asking(Tencent).locate(ADDRESS)
    assert found is not None
    assert (found.crs, found.precision, found.level) == ("gcj02", Precision.DOOR, "10")
    assert len(service.asked) == 2


@pytest.mark.parametrize(("answer", "days"), [(v.amap(), 180), (v.AMAP_NOTHING, 30)])
def test_answers_are_kept_for_their_time_and_no_place_for_less(asking, service: MapService, time: Time, answer, days):
    service.says(answer)
    geocoding = asking()
    geocoding.locate(ADDRESS)
    time.at += timedelta(days=days, seconds=-1)
    geocoding.locate(ADDRESS)
    assert len(service.asked) == 1
    time.at += timedelta(seconds=1)
    geocoding.locate(ADDRESS)
    assert len(service.asked) == 2
    geocoding.locate(ADDRESS)
    assert len(service.asked) == 2


def test_an_address_that_the_provider_refuses_is_kept_as_no_place(asking, service: MapService):
    service.says(v.amap_error("30001", "ENGINE_RESPONSE_DATA_ERROR"))
    geocoding = asking()
    assert [geocoding.locate(ADDRESS) for _ in range(5)] == [None] * 5
    assert len(service.asked) == 1


def test_a_failure_is_not_kept(asking, service: MapService):
    service.says(b"oops", 500)
    assert asking().locate(ADDRESS) is None
    service.says(v.amap())
    assert asking().locate(ADDRESS) == FOUND


def test_postgresql_keeps_and_counts_the_same(database_url: str, asking, service: MapService):
    engine = opened(database_url)
    try:
        service.says(v.amap())
        geocoding = asking(budget=2, on=engine)
        assert [geocoding.locate(ADDRESS), geocoding.locate(ADDRESS)] == [FOUND] * 2
        service.says(v.AMAP_NOTHING)
        assert [geocoding.locate(f"哈尔滨市学府路{n}号") for n in (1, 1, 2)] == [None] * 3
        assert (len(service.asked), geocoding.left(), geocoding.tally.over_budget) == (2, 0, 1)
    finally:
        engine.dispose()


# --- the budget ------------------------------------------------------------------------------------


def test_over_the_days_budget_nobody_is_asked_and_it_is_said_once(asking, service: MapService, time: Time):
    service.says(v.amap())
    geocoding = asking(budget=2)
    with capture_logs() as logs:
        found = [geocoding.locate(f"哈尔滨市学府路{n}号") for n in range(1, 6)]
    assert found == [FOUND, FOUND, None, None, None]
    assert len(service.asked) == 2
    assert (geocoding.tally.over_budget, geocoding.left()) == (3, 0)
    assert [line["event"] for line in logs] == ["geocoder_budget_used_up"]
    assert geocoding.locate("哈尔滨市学府路1号") == FOUND, "what is known costs nothing"
    time.at += timedelta(hours=11, minutes=59)
    assert geocoding.locate("哈尔滨市学府路9号") is None
    time.at += timedelta(minutes=1)
    assert geocoding.locate("哈尔滨市学府路9号") == FOUND, "a new day"


def test_the_budget_is_everybodys_together_and_counts_failures_too(asking, service: MapService):
    service.says(b"oops", 500)
    asking(budget=2).locate(ADDRESS)
    asking(budget=2).locate(ADDRESS)
    service.says(v.amap())
    assert asking(budget=2).locate(ADDRESS) is None
    assert len(service.asked) == 2


def test_a_budget_of_nothing_asks_nobody(asking, service: MapService):
    assert asking(budget=0).locate(ADDRESS) is None
    assert service.asked == []


# --- failures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "status"), [
    (b"oops", 500), (b"<html>wifi</html>", 200), (b"{}", 200), (b"[1, 2]", 200),
    (b'{"status": "0", "infocode": "10021", "info": "CUQPS_HAS_EXCEEDED_THE_LIMIT"}', 200),
])
def test_who_keeps_failing_is_left_alone_and_then_tried_again(
    asking, service: MapService, time: Time, body: bytes, status: int
):
    service.says(body, status)
    geocoding = asking()
    assert [geocoding.locate(ADDRESS) for _ in range(10)] == [None] * 10
    assert len(service.asked) == FAILURES
    assert geocoding.tally.left_alone == 10 - FAILURES
    time.seconds += REST
    geocoding.locate(ADDRESS)
    geocoding.locate(ADDRESS)
    assert len(service.asked) == FAILURES + 1, "one try, and then a longer rest"
    time.seconds += 2 * REST
    service.says(v.amap())
    assert geocoding.locate(ADDRESS) == FOUND
    service.says(b"oops", 500)
    geocoding.locate("哈尔滨市学府路5号")
    service.says(v.amap())
    assert geocoding.locate("哈尔滨市学府路5号") == FOUND, "one failure after a success is one"


@pytest.mark.parametrize("answer", [
    v.amap_error("10001", "INVALID_USER_KEY"), v.amap_error("10003", "DAILY_QUERY_OVER_LIMIT"),
    v.amap_error("10009", "USERKEY_PLAT_NOMATCH"),
])
def test_a_wrong_key_or_a_used_up_quota_is_not_asked_about_twice(asking, service: MapService, time: Time, answer):
    service.says(answer)
    geocoding = asking()
    with capture_logs() as logs:
        assert [geocoding.locate(ADDRESS) for _ in range(5)] == [None] * 5
    assert len(service.asked) == 1
    assert [line["event"] for line in logs] == ["geocoder_left_alone"]
    assert KEY not in str(logs)
    time.seconds += LONGEST
    geocoding.locate(ADDRESS)
    assert len(service.asked) == 2


def test_a_service_that_is_not_there_or_does_not_answer_is_no_error(asking, service: MapService):
    with service.hanging():
        assert asking(timeout=0.2).locate(ADDRESS) is None
    service.stop()
    geocoding = asking()
    assert geocoding.locate(ADDRESS) is None
    assert geocoding.tally.failed == 1


def test_without_the_database_nobody_is_asked(asking, engine: Engine, service: MapService):
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE geocoder_calls")
    service.says(v.amap())
    with capture_logs() as logs:
        assert asking().locate(ADDRESS) is None
    assert service.asked == []
    assert [line["event"] for line in logs] == ["geocoder_database"]


@pytest.mark.parametrize(("kind", "answer"), [(AMap, v.amap(city="长春市")), (Tencent, v.tencent(city="长春市"))])
def test_an_answer_in_another_city_is_no_door(asking, service: MapService, kind, answer):
    service.says(answer)
    found = asking(kind).locate(ADDRESS)
    assert found is not None
    assert found.precision is Precision.AREA
    assert "长春市" in found.level


@pytest.mark.parametrize("said", ["哈尔滨市", "哈尔滨", []])
def test_an_answer_in_the_city_that_was_meant_is_one(asking, service: MapService, said):
    service.says(v.amap(city=said))
    for address, city in ((ADDRESS, ""), ("学府路5号", "哈尔滨"), ("南岗区学府路6号", "哈尔滨市")):
        found = asking().locate(address, city)
        assert found is not None
        assert found.precision is Precision.DOOR


# --- what is sent ----------------------------------------------------------------------------------


@pytest.mark.parametrize("written", [
    "哈尔滨市南岗区学府路123号绿地城12栋3单元4567", "哈尔滨南岗学府路123号绿地城12-3-4567室",
    "黑龙江省哈尔滨市南岗区学府路123号绿地城12号楼4567(王小明收)",
    "哈尔滨市南岗区学府路123号绿地城 12幢4567 王小明 13812345678", "哈尔滨市南岗区学府路１２３号绿地城十二栋４５６７",
    "哈尔滨市南岗区学府路123号绿地城(12栋3单元4567室) 138-1234-5678",
])
def test_no_building_no_room_and_no_person_is_ever_sent(asking, service: MapService, written: str):
    service.says(v.amap())
    asking().locate(written)
    ((_, question),) = service.asked
    assert question["address"] == "黑龙江省哈尔滨市南岗区学府路123号绿地城"


@pytest.mark.parametrize("written", ["", "3栋2单元", "王小明 13812345678", "学府路123号", "哈尔滨市", "南岗区", "你好"])
def test_what_names_no_road_or_estate_in_a_city_is_not_asked(asking, service: MapService, written: str):
    geocoding = asking()
    assert geocoding.locate(written) is None
    assert service.asked == []
    assert geocoding.tally.vague == 1


def test_the_city_that_is_known_from_elsewhere_is_said():
    assert question_of("学府路123号", "哈尔滨") == "哈尔滨学府路123号"
    assert question_of("南岗学府路123号", "哈尔滨市") == "黑龙江省哈尔滨市南岗区学府路123号"
    assert question_of("长春市红旗街26号", "哈尔滨") == "吉林省长春市红旗街26号"
    assert question_of("王小明", "哈尔滨") == "", "whoever that is"
    assert question_of("绿地城", "哈尔滨", of_estate=True) == "哈尔滨绿地城"


# --- estates and clues -----------------------------------------------------------------------------


def test_estates_without_a_point_get_one_to_the_door(asking, service: MapService):
    rows = [
        b.estate("e1", "绿地城", lng=None, lat=None, crs=None, address="南岗学府路123号", city="哈尔滨"),
        b.estate("e2", "有点的小区"),
    ]
    service.says(v.amap("住宅区"))
    filled, ids = fill_points(rows, asking())
    assert ids == ["e1"]
    assert (filled[0].lng, filled[0].lat, filled[0].crs) == (126.62, 45.7, "gcj02")
    assert filled[1] is rows[1]
    assert service.asked[0][1]["address"] == "黑龙江省哈尔滨市南岗区学府路123号绿地城"


@pytest.mark.parametrize("answer", [v.amap("道路"), v.amap("区县"), v.AMAP_NOTHING, v.amap_error("10001", "x")])
def test_a_road_or_a_district_is_no_estates_point(asking, service: MapService, answer):
    rows = [b.estate("e1", lng=None, lat=None, crs=None, address="学府路123号", city="哈尔滨")]
    service.says(answer)
    assert fill_points(rows, asking()) == (rows, [])


def test_only_an_address_that_names_no_estate_is_asked_about(asking, service: MapService):
    small = b.estate("e1", "绿地城", lng=126.62, lat=45.7, crs="gcj02", city="哈尔滨", address="", households=200)
    locator, geocoding = Locator(EstateBook.of([small])), asking()
    service.says(v.amap())
    here = Point(126.6, 45.7, "wgs84")
    for named in (Said(address="哈尔滨市绿地城3栋"), Said(text="大家好"), Said(address=ADDRESS, point=here)):
        assert pointed(geocoding, locator, named) is named
    assert service.asked == []
    said = pointed(geocoding, locator, Said(address=ADDRESS))
    assert said.point is not None
    assert locator.place(said).estate_id == "e1"


# --- settings --------------------------------------------------------------------------------------


def test_no_geocoder_is_asked_unless_one_is_named(engine: Engine):
    assert geocoding_of(Settings(), engine) is None
    assert geocoding_of(Settings(geocoder=""), engine) is None


@pytest.mark.parametrize(("name", "kind"), [("amap", AMap), ("baidu", Baidu), ("tencent", Tencent)])
def test_the_settings_name_the_geocoder(engine: Engine, name: str, kind: type):
    geocoding = geocoding_of(Settings(geocoder=name, geocoder_key=SecretStr(KEY)), engine)
    assert geocoding is not None
    assert isinstance(geocoding._geocoder, kind)
    assert geocoding.left() == 1000


def test_openstreetmaps_own_server_is_asked_once_a_second_at_most(engine: Engine):
    for domain, delay in ((None, 1.0), ("nominatim.example.cn", 1 / 3)):
        geocoding = geocoding_of(Settings(geocoder="nominatim", geocoder_domain=domain), engine)
        assert geocoding is not None
        assert isinstance(geocoding._geocoder, Nominatim)
        assert geocoding._ask.min_delay_seconds == pytest.approx(delay)


def test_the_key_may_stand_in_a_file_and_is_never_shown(tmp_path: Path):
    (tmp_path / "key").write_text(f"  {KEY}\n")
    assert key_of(Settings(geocoder="amap", geocoder_key_file=tmp_path / "key")) == KEY
    assert key_of(Settings(geocoder="amap", geocoder_key=SecretStr(KEY), geocoder_key_file=tmp_path / "none")) == KEY
    assert KEY not in repr(Settings(geocoder="amap", geocoder_key=SecretStr(KEY)))


@pytest.mark.parametrize("content", [None, b"", b"  \n", b"\xff\xfe\x00"])
def test_without_a_key_it_is_said_what_to_do(tmp_path: Path, content: bytes | None):
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadFile, match="put the geocoder's key into it"):
        key_of(Settings(geocoder="baidu", geocoder_key_file=file))
    with pytest.raises(BadFile, match=r"LOUPAN_GEOCODER_KEY.*needs a key"):
        key_of(Settings(geocoder="baidu"))


@pytest.mark.parametrize(("name", "value"), [
    ("GEOCODER", "google"), ("GEOCODER_BUDGET", "-1"), ("GEOCODER_PER_SECOND", "0"), ("GEOCODER_SCHEME", "ftp"),
    ("GEOCODER_DOMAIN", "https://restapi.amap.com/"),
])
def test_a_setting_that_cannot_be_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    monkeypatch.setenv(f"LOUPAN_{name}", value)
    with pytest.raises(BadFile, match=f"LOUPAN_{name}"):
        read_settings()


def test_ready_is_one_call_of_the_budget(asking, service: MapService):
    service.says(v.amap())
    geocoding = asking(budget=2)
    assert geocoding.ready() is None
    service.says(v.amap_error("10001", "INVALID_USER_KEY"))
    wrong = geocoding.ready()
    assert wrong is not None
    assert "INVALID_USER_KEY" in wrong
    assert geocoding.ready() == "the day's budget is used up"
    assert len(service.asked) == 2
