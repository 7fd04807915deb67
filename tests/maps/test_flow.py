"""The flow map as GeoJSON."""

import msgspec

from maps.flow import collection, feature
from schemas.reference import Estate

BJ = Estate("b", "明发雅苑", lng=116.333138, lat=39.692330, crs="bd09", city="北京", district="大兴区", households=900)


def test_a_feature_is_a_wgs84_point_with_six_decimals():
    one = feature(BJ, {"phase": "trust"})
    lng, lat = one["geometry"]["coordinates"]
    assert (round(lng, 6), round(lat, 6)) == (lng, lat)
    assert abs(lng - 116.32055) < 0.001
    assert one["properties"] == {
        "estate_id": "b", "name": "明发雅苑", "city": "北京", "district": "大兴区", "households": 900, "phase": "trust",
    }


def test_an_estate_without_a_point_has_no_geometry():
    assert feature(Estate("a", "绿地城"), {})["geometry"] is None


def test_the_order_of_features_changes_no_byte():
    features = [feature(Estate(i, i), {}) for i in ("c", "a", "b")]
    one, other = collection(features), collection(features[::-1])
    assert msgspec.json.encode(one) == msgspec.json.encode(other)
    assert [f["id"] for f in one["features"]] == ["a", "b", "c"]
