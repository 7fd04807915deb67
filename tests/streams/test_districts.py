"""The districts' outlines of a city."""

import msgspec
import pytest
from shapely.geometry import Point, shape

from streams.districts import districts_of


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
