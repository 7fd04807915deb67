"""The districts' outlines of a city."""

import msgspec
import pytest
from shapely.geometry import Point, shape

from streams.districts import Ground, away_from, districts_of, grounds_of, knows_city


@pytest.mark.parametrize(("city", "districts"), [("北京", 16), ("北京市", 16), ("哈尔滨", 18), ("齐齐哈尔市", 16)])
def test_a_city_has_its_districts_in_a_size_for_a_page(city: str, districts: int):
    outlines = districts_of(city)
    assert len(outlines["features"]) == districts
    assert len(msgspec.json.encode(outlines)) < 150_000
    assert all(shape(f["geometry"]).is_valid for f in outlines["features"])


def test_the_outlines_are_wgs84_not_gcj02():
    # Tiananmen's gate tower, and points 300 m to both sides of the line between Dongcheng and Xicheng there.
    dongcheng = next(f for f in districts_of("北京")["features"] if f["properties"]["name"] == "东城区")
    assert shape(dongcheng["geometry"]).contains(Point(116.397, 39.9087))
    assert not shape(dongcheng["geometry"]).contains(Point(116.384, 39.9087))


def test_a_city_that_is_not_known_has_none():
    assert districts_of("乌有")["features"] == []
    assert districts_of("")["features"] == []


def test_a_point_lies_in_its_district_and_none_at_sea():
    assert grounds_of([(116.397, 39.9087), (126.62, 45.72), (123.5, 38.0), (0.0, 0.0)]) == [
        Ground("北京", "东城区"), Ground("哈尔滨", "南岗区"), None, None]
    assert grounds_of([]) == []


def test_how_far_a_point_lies_from_a_district_of_its_city():
    assert away_from("哈尔滨市", "南岗", 126.62, 45.72) == 0.0
    assert (away_from("哈尔滨", "呼兰区", 126.62, 45.72) or 0.0) > 0.05
    assert away_from("哈尔滨", "高新区", 126.62, 45.72) is None
    assert (knows_city("哈尔滨市"), knows_city("乌有")) == (True, False)
