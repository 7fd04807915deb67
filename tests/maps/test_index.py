"""Nearest by true distance, against geopy's geodesic."""

import csv
import gzip
import heapq
import random
from pathlib import Path

import numpy as np
import pytest
from geopy.distance import geodesic
from hypothesis import given, settings
from hypothesis import strategies as st

from maps.datum import to_wgs84
from maps.ellipsoid import metres
from maps.index import PointIndex

CITY = Path(__file__).parents[2] / "streams" / "demo" / "data" / "beijing_estates.csv.gz"


@pytest.fixture(scope="module")
def points() -> list[tuple[float, float]]:
    with gzip.open(CITY, "rt", encoding="utf-8-sig", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["lng"]]
    return [to_wgs84(float(row["lng"]), float(row["lat"]), "bd09") for row in rows]


def index_of(points: list[tuple[float, float]]) -> PointIndex[int]:
    return PointIndex([p[0] for p in points], [p[1] for p in points], range(len(points)))


def test_the_five_nearest_of_a_real_city_are_those_of_geopy(points: list[tuple[float, float]]):
    index, rng = index_of(points), random.Random(7)
    for _ in range(400):
        lng, lat = rng.choice(points)
        scale = rng.choice((0.0005, 0.002, 0.01, 0.1))
        lng, lat = lng + rng.gauss(0, scale), lat + rng.gauss(0, scale)
        # The 40 nearest in degrees, stretched, hold the 5 truly nearest: 1 % of error against 8 times as many.
        away = {i: ((x - lng) * 0.767) ** 2 + (y - lat) ** 2 for i, (x, y) in enumerate(points)}
        rough = heapq.nsmallest(40, away, key=away.__getitem__)
        true = sorted((geodesic((lat, lng), points[i][::-1]).m, i) for i in rough)[:5]
        found = index.nearest(lng, lat, 5)
        assert [round(d, 3) for _, d in found] == pytest.approx([round(d, 3) for d, _ in true], abs=0.01)
        assert [i for i, _ in found] == [i for _, i in true] or len({d for d, _ in true}) < 5


def test_estates_on_one_point_come_in_their_order():
    index = index_of([(116.0, 40.0)] * 30 + [(116.001, 40.0)])
    assert [i for i, _ in index.nearest(116.0, 40.0, 5)] == [0, 1, 2, 3, 4]
    assert [i for i, _ in index.nearest(116.01, 40.0, 3)] == [30, 0, 1]


def test_equally_far_estates_come_in_their_order():
    index = index_of([(116.001, 40.0), (115.999, 40.0), (116.0, 40.5)])
    assert [i for i, _ in index.nearest(116.0, 40.0, 2)] == [0, 1]


def test_more_than_there_are_and_none_at_all():
    assert [i for i, _ in index_of([(116.0, 40.0), (117.0, 40.0)]).nearest(116.9, 40.0, 9)] == [1, 0]
    assert index_of([]).nearest(116.0, 40.0) == []


def test_open_country_is_answered_too():
    index = index_of([(116.0, 40.0), (87.6, 43.8)])
    ((number, distance),) = index.nearest(100.0, 42.0, 1)
    assert number == 1
    assert distance == pytest.approx(geodesic((42.0, 100.0), (43.8, 87.6)).m, rel=2e-3)


def test_a_crowd_on_one_point_counts_as_many():
    index = index_of([(116.0, 40.0)] * 3 + [(116.001, 40.0)] * 2 + [(116.002, 40.0)])
    numbers, metres = index.nearest_many(np.array([116.0004]), np.array([40.0]), 5)
    assert numbers.tolist() == [[0, 1, 2, 3, 4]]
    assert [i for i, _ in index.nearest(116.0004, 40.0, 5)] == [0, 1, 2, 3, 4]
    assert metres[0, 0] == metres[0, 2] < metres[0, 3]


def test_near_the_poles_and_the_date_line_too():
    index = index_of([(179.999, 10.0), (-179.999, 10.0), (20.0, 89.9), (0.0, -89.99)])
    assert [i for i, _ in index.nearest(-179.9999, 10.0, 2)] == [1, 0]
    assert [i for i, _ in index.nearest(-160.0, 89.95, 1)] == [2]
    assert [i for i, _ in index.nearest(90.0, -89.999, 1)] == [3]


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(116.0, 116.05), st.floats(39.9, 39.95)), min_size=1, max_size=60),
    st.tuples(st.floats(115.95, 116.1), st.floats(39.85, 40.0)), st.integers(1, 7),
)
def test_the_cells_and_brute_force_agree(points, at, k):
    brute = sorted(metres(*at, *point) for point in points)[:k]
    assert [d for _, d in index_of(points).nearest(at[0], at[1], k)] == pytest.approx(brute, abs=1e-5)


@given(st.floats(80, 130), st.floats(18, 53), st.floats(-0.05, 0.05), st.floats(-0.05, 0.05))
def test_distances_are_the_geodesic_to_a_tenth_of_a_millimetre(lng, lat, dx, dy):
    assert metres(lng, lat, lng + dx, lat + dy) == pytest.approx(
        geodesic((lat, lng), (lat + dy, lng + dx)).m, abs=1e-4
    )
