"""Points between the three datums of Chinese maps: WGS-84 (GPS), GCJ-02 (WeChat, Tencent, AMap), BD-09 (Baidu).

GCJ-02 moves a point of the mainland by 300–700 m, BD-09 moves it again. Neither has an inverse in closed
form, so the inverse is iterated until it stands still (1e-7 m); the usual one-step formula is up to 2 m off.
Abroad, in Hong Kong, Macao and Taiwan all three datums are the same.

Formulas: the published reverse engineering of GCJ-02 on the Krasovsky 1940 ellipsoid, as eviltransform and
others state it; checked against three libraries where they agree (tests/maps/data/vectors.csv).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import atan2, cos, floor, hypot, pi, sin, sqrt

import numpy as np
import shapely
from numpy.typing import NDArray

from maps import outlines
from schemas.values import Crs, Location, Point

Floats = NDArray[np.float64]
_Move = Callable[[Floats, Floats], tuple[Floats, Floats]]

_A = 6378245.0
_EE = 0.00669342162296594323
_BD_TURN = pi * 3000.0 / 180.0
_STILL = 1e-12
_MOST_STEPS = 12

_WEST, _SOUTH, _EAST, _NORTH, _CELLS_A_DEGREE = 73, 3, 136, 54, 2
_COLUMNS = (_EAST - _WEST) * _CELLS_A_DEGREE
_OUTSIDE, _INSIDE, _EDGE = 0, 1, 2


def to_wgs84(lng: float, lat: float, crs: Crs) -> tuple[float, float]:
    """The WGS-84 point of a point in `crs`'s datum: degrees in, degrees out, lng before lat.

    Within 700 m outside the mainland's border a shifted and an unshifted point can share one pair of numbers;
    the mainland's is answered there.
    """
    if crs == "wgs84" or not (_WEST <= lng < _EAST and _SOUTH <= lat < _NORTH):
        return lng, lat
    found = _unshift(*(_bd09_to_gcj02(lng, lat) if crs == "bd09" else (lng, lat)))
    return found if is_shifted(*found) else (lng, lat)


def to_wgs84_array(lngs: Floats, lats: Floats, crs: Crs) -> tuple[Floats, Floats]:
    """`to_wgs84` of many points of one datum: shape (n,) twice in and out. To 1e-7 m the same numbers."""
    x, y = np.array(lngs, dtype=np.float64), np.array(lats, dtype=np.float64)
    there = (x >= _WEST) & (x < _EAST) & (y >= _SOUTH) & (y < _NORTH)
    if crs == "wgs84" or not there.any():
        return x, y
    lng, lat = x[there], y[there]
    if crs == "bd09":
        lng, lat = _still(_gcj02_to_bd09_array, lng, lat, lng - 0.0065, lat - 0.006)
    lng, lat = _still(_shift_array, lng, lat, lng, lat)
    shifted = np.array([is_shifted(*point) for point in zip(lng.tolist(), lat.tolist(), strict=True)], dtype=bool)
    x[there], y[there] = np.where(shifted, lng, x[there]), np.where(shifted, lat, y[there])
    return x, y


def _still(move: _Move, lng: Floats, lat: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The points that `move` moves to (lng, lat), from a first guess on."""
    for _ in range(_MOST_STEPS):
        mx, my = move(x, y)
        dx, dy = mx - lng, my - lat
        x, y = x - dx, y - dy
        if float(np.max(np.abs(dx) + np.abs(dy))) < _STILL:
            break
    return x, y


def _shift_array(lng: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y = lng - 105.0, lat - 35.0
    waves = 20.0 * np.sin(6.0 * x * pi) + 20.0 * np.sin(2.0 * x * pi)
    root = np.sqrt(np.abs(x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (waves + 20.0 * np.sin(y * pi) + 40.0 * np.sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * np.sin(y / 12.0 * pi) + 320.0 * np.sin(y * pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (waves + 20.0 * np.sin(x * pi) + 40.0 * np.sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * np.sin(x / 12.0 * pi) + 300.0 * np.sin(x / 30.0 * pi)) * 2.0 / 3.0
    phi = lat / 180.0 * pi
    magic = 1.0 - _EE * np.sin(phi) ** 2
    normal = _A / np.sqrt(magic)
    return (
        lng + east * 180.0 / (normal * np.cos(phi) * pi),
        lat + north * 180.0 / (normal * (1.0 - _EE) / magic * pi),
    )


def _gcj02_to_bd09_array(lng: Floats, lat: Floats) -> tuple[Floats, Floats]:
    z = np.hypot(lng, lat) + 0.00002 * np.sin(lat * _BD_TURN)
    theta = np.arctan2(lat, lng) + 0.000003 * np.cos(lng * _BD_TURN)
    return z * np.cos(theta) + 0.0065, z * np.sin(theta) + 0.006


def from_wgs84(lng: float, lat: float, crs: Crs) -> tuple[float, float]:
    """The point in `crs`'s datum of a WGS-84 point: degrees in, degrees out, lng before lat."""
    if crs == "wgs84" or not is_shifted(lng, lat):
        return lng, lat
    shifted = _shift(lng, lat)
    return _gcj02_to_bd09(*shifted) if crs == "bd09" else shifted


def wgs84_of(point: Point | Location) -> tuple[float, float]:
    """A point's lng and lat in WGS-84."""
    return to_wgs84(point.lng, point.lat, point.crs)


def is_shifted(lng: float, lat: float) -> bool:
    """Whether GCJ-02 moves this WGS-84 point: on the mainland, with a few kilometres of margin abroad."""
    if not (_WEST <= lng < _EAST and _SOUTH <= lat < _NORTH):
        return False
    cell = _cells()[floor((lat - _SOUTH) * _CELLS_A_DEGREE) * _COLUMNS + floor((lng - _WEST) * _CELLS_A_DEGREE)]
    return cell == _INSIDE or (cell == _EDGE and bool(shapely.contains_xy(_mainland(), lng, lat)))


@cache
def _mainland() -> shapely.Geometry:
    area = shapely.union_all([_ring(text) for text in outlines.MAINLAND])
    area = shapely.difference(area, shapely.union_all([_ring(text) for text in outlines.UNSHIFTED]))
    shapely.prepare(area)
    return area


@cache
def _cells() -> bytes:
    """What each half-degree cell is, south-west first: most points need no polygon."""
    step = 1 / _CELLS_A_DEGREE
    rows = (_NORTH - _SOUTH) * _CELLS_A_DEGREE
    corners = [(_WEST + c * step, _SOUTH + r * step) for r in range(rows) for c in range(_COLUMNS)]
    boxes = [shapely.box(x, y, x + step, y + step) for x, y in corners]
    inside = shapely.contains(_mainland(), boxes)
    touched = shapely.intersects(_mainland(), boxes)
    return bytes(_INSIDE if i else _EDGE if t else _OUTSIDE for i, t in zip(inside, touched, strict=True))


def _ring(text: str) -> shapely.Polygon:
    return shapely.Polygon([tuple(map(float, pair.split(","))) for pair in text.split()])


def _shift(lng: float, lat: float) -> tuple[float, float]:
    x, y = lng - 105.0, lat - 35.0
    waves = 20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)
    root = sqrt(abs(x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (waves + 20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (waves + 20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    phi = lat / 180.0 * pi
    magic = 1.0 - _EE * sin(phi) ** 2
    normal = _A / sqrt(magic)
    return (
        lng + east * 180.0 / (normal * cos(phi) * pi),
        lat + north * 180.0 / (normal * (1.0 - _EE) / magic * pi),
    )


def _unshift(lng: float, lat: float) -> tuple[float, float]:
    x, y = lng, lat
    for _ in range(_MOST_STEPS):
        sx, sy = _shift(x, y)
        dx, dy = sx - lng, sy - lat
        x, y = x - dx, y - dy
        if abs(dx) + abs(dy) < _STILL:
            break
    return x, y


def _gcj02_to_bd09(lng: float, lat: float) -> tuple[float, float]:
    z = hypot(lng, lat) + 0.00002 * sin(lat * _BD_TURN)
    theta = atan2(lat, lng) + 0.000003 * cos(lng * _BD_TURN)
    return z * cos(theta) + 0.0065, z * sin(theta) + 0.006


def _bd09_to_gcj02(lng: float, lat: float) -> tuple[float, float]:
    x, y = lng - 0.0065, lat - 0.006
    for _ in range(_MOST_STEPS):
        bx, by = _gcj02_to_bd09(x, y)
        dx, dy = bx - lng, by - lat
        x, y = x - dx, y - dy
        if abs(dx) + abs(dy) < _STILL:
            break
    return x, y
