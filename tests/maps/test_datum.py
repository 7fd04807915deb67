"""The three datums, against points where independent libraries agree."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maps.datum import from_wgs84, is_shifted, to_wgs84, to_wgs84_array, wgs84_of
from maps.ellipsoid import metres
from schemas.values import Crs, Point

VECTORS = Path(__file__).parent / "data" / "vectors.csv"
#: Well inside the mainland: no border within 100 km, north and south, east and west.
INLAND = st.tuples(st.floats(100.0, 115.0), st.floats(26.0, 40.0))
ABROAD = {
    "Tokyo": (139.69, 35.69), "Seoul": (126.98, 37.57), "Ulaanbaatar": (106.91, 47.92), "Hanoi": (105.85, 21.03),
    "Delhi": (77.21, 28.61), "Almaty": (76.95, 43.24), "Vladivostok": (131.89, 43.12), "Manila": (120.98, 14.6),
    "Null island": (0.0, 0.0), "San Francisco": (-122.42, 37.77), "the pole": (120.0, 90.0),
}
OWN_MAPS = {
    "Hong Kong": (114.16, 22.28),
    "Tin Shui Wai": (113.99, 22.46), "Fanling": (114.14, 22.49), "Lantau": (113.95, 22.25),
    "Macao": (113.543, 22.19), "Taipa": (113.56, 22.155), "Coloane": (113.565, 22.125),
    "Taipei": (121.56, 25.04), "Kaohsiung": (120.3, 22.63), "Penghu": (119.57, 23.57), "Hualien": (121.6, 23.98),
}
BORDER_TOWNS = {
    "Luohu": (114.1165, 22.5325), "Futian port": (114.07, 22.525), "Yumin village": (114.105, 22.533),
    "Shekou": (113.915, 22.48), "Shatoujiao": (114.228, 22.552), "Gongbei": (113.548, 22.219),
    "Wanzai": (113.528, 22.2),
    "Hengqin": (113.54, 22.13), "Xiamen": (118.08, 24.48), "Heihe": (127.5, 50.245), "Dandong": (124.38, 40.12),
    "Ruili": (97.85, 24.01), "Dongxing": (107.97, 21.54), "Manzhouli": (117.43, 49.59), "Hekou": (103.96, 22.53),
    "Sanya": (109.51, 18.25), "Kashgar": (75.99, 39.47), "Hunchun": (130.36, 42.86), "Zhoushan": (122.3, 29.95),
}


def vectors() -> list[tuple[str, tuple[float, float], Crs, tuple[float, float]]]:
    out: list[tuple[str, tuple[float, float], Crs, tuple[float, float]]] = []
    with VECTORS.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            wgs84 = float(row["lng_wgs84"]), float(row["lat_wgs84"])
            crs: Crs
            for crs in ("gcj02", "bd09"):
                if text := row[f"lng_{crs}"]:
                    shifted = float(text), float(row[f"lat_{crs}"])
                    out.append((row["label"], wgs84, crs, shifted))
    return out


def test_both_ways_agree_with_the_vectors_to_a_micrometre():
    for label, wgs84, crs, shifted in vectors():
        assert metres(*from_wgs84(*wgs84, crs), *shifted) < 1e-6, label
        assert metres(*to_wgs84(*shifted, crs), *wgs84) < 1e-6, label


@given(INLAND, st.sampled_from(["gcj02", "bd09"]))
def test_a_point_comes_back_to_a_micrometre(point: tuple[float, float], crs: Crs):
    assert metres(*to_wgs84(*from_wgs84(*point, crs), crs), *point) < 1e-6


@given(st.floats(-180, 180), st.floats(-90, 90), st.sampled_from(["wgs84", "gcj02", "bd09"]))
def test_no_point_of_the_earth_is_moved_by_more_than_two_kilometres(lng: float, lat: float, crs: Crs):
    for x, y in (from_wgs84(lng, lat, crs), to_wgs84(lng, lat, crs)):
        assert abs(x - lng) < 0.02
        assert abs(y - lat) < 0.02


@pytest.mark.parametrize("place", [*ABROAD, *OWN_MAPS])
@pytest.mark.parametrize("crs", ["gcj02", "bd09"])
def test_abroad_and_in_hong_kong_macao_and_taiwan_nothing_is_shifted(place: str, crs: Crs):
    point = (ABROAD | OWN_MAPS)[place]
    assert from_wgs84(*point, crs) == point
    assert to_wgs84(*point, crs) == point


@pytest.mark.parametrize("town", BORDER_TOWNS)
def test_towns_at_the_border_are_shifted_and_come_back(town: str):
    point = BORDER_TOWNS[town]
    assert is_shifted(*point)
    assert metres(*from_wgs84(*point, "gcj02"), *point) > 100
    assert metres(*to_wgs84(*from_wgs84(*point, "gcj02"), "gcj02"), *point) < 1e-6


def test_a_point_knows_its_way_to_wgs84():
    assert wgs84_of(Point(116.4, 39.9, "wgs84")) == (116.4, 39.9)
    assert wgs84_of(Point(116.4, 39.9, "bd09")) == to_wgs84(116.4, 39.9, "bd09")


@pytest.mark.parametrize("crs", ["wgs84", "gcj02", "bd09"])
def test_many_points_come_out_as_one_by_one(crs):
    there = [*ABROAD.values(), *OWN_MAPS.values(), *BORDER_TOWNS.values(), (104.06, 30.67), (87.6, 43.8)]
    at = [from_wgs84(*point, crs) for point in there]
    lngs, lats = to_wgs84_array(np.array([p[0] for p in at]), np.array([p[1] for p in at]), crs)
    for x, y, point in zip(lngs.tolist(), lats.tolist(), at, strict=True):
        assert metres(x, y, *to_wgs84(*point, crs)) < 1e-6
