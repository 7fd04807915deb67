"""The nearest estates of a point, by true ellipsoidal distance.

The ground near estates is cut into cells, small where estates stand close. A cell lists every estate that
can be among the `NEAREST` nearest of any point in it, so that a query reads one short list. What the cells
don't answer (open country, more than `NEAREST` wanted) a k-d tree of the points in space (ECEF) does.

Why a list is complete: with r the cell's half diagonal and d the distance from its middle to the k-th
nearest, a point in the cell has its k nearest within d + r, so all of them lie within d + 2r of the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, floor, radians, sin, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from maps.ellipsoid import E2, A, arc, ecef_array

#: Up to how many neighbours the cells answer for.
NEAREST = 5
#: A cell wider (m) than this share of the way to its k-th nearest is cut in four, down to about 50 m. Smaller is
#: faster to ask and slower to build; here a list has a dozen estates in the mean.
_COARSE = 1.2
_ROOTS_A_DEGREE = 64
_DEEPEST = 5
#: Distances that differ by less (m) are one distance: what rounding leaves of two equal ones is 10⁻⁹ m.
_SAME = 1e-6
_RADIAN = radians(1.0)

_Entry = tuple[float, float, float, int]
#: A cell: the estates that matter in it, or its four quarters (south-west, south-east, north-west, north-east).
_Cell = tuple[_Entry, ...] | list[Any]


class PointIndex:
    """Points by their number in the order given; of equally far ones the lower number comes first."""

    __slots__ = ("_cells", "_points", "_tree")

    def __init__(self, lngs: Sequence[float], lats: Sequence[float]) -> None:
        x, y = np.asarray(lngs, dtype=np.float64), np.asarray(lats, dtype=np.float64)
        self._points = ecef_array(x, y)
        self._tree = cKDTree(self._points) if len(x) else None
        self._cells = _cut(x, y, self._points, self._tree) if len(x) else {}

    def __len__(self) -> int:
        return len(self._points)

    def nearest(self, lng: float, lat: float, k: int = NEAREST) -> list[tuple[int, float]]:
        """The `k` nearest points and their distances in metres, nearest first; WGS-84 degrees."""
        phi, lam = lat * _RADIAN, lng * _RADIAN
        s = sin(phi)
        n = A / sqrt(1.0 - E2 * s * s)
        p = n * cos(phi)
        x, y, z = p * cos(lam), p * sin(lam), n * (1.0 - E2) * s
        entries: Sequence[_Entry] = self._candidates(lng, lat) if k <= NEAREST else ()
        if not entries:
            entries = self._from_tree((x, y, z), k)
        found = [((x - a) * (x - a) + (y - b) * (y - b) + (z - c) * (z - c), i) for a, b, c, i in entries]
        found.sort()
        return _answer(found, k)

    def _candidates(self, lng: float, lat: float) -> tuple[_Entry, ...]:
        across, up = lng * _ROOTS_A_DEGREE, lat * _ROOTS_A_DEGREE
        column, row = floor(across), floor(up)
        cell = self._cells.get((column, row), ())
        if type(cell) is list:
            across, up = across - column, up - row
            while type(cell) is list:
                across, up = across + across, up + up
                east, north = across >= 1.0, up >= 1.0
                if east:
                    across -= 1.0
                if north:
                    up -= 1.0
                cell = cell[north + north + east]
        return cell  # type: ignore[return-value]  # mypy doesn't narrow by `type() is`, which is the faster test

    def _from_tree(self, place: tuple[float, float, float], k: int) -> Sequence[_Entry]:
        if self._tree is None:
            return ()
        chords, _ = self._tree.query(place, min(k, len(self)))
        reach = float(np.max(chords))
        return _entries(self._points, self._tree.query_ball_point(place, reach * (1 + 1e-12) + 2 * _SAME))


def _answer(found: list[tuple[float, int]], k: int) -> list[tuple[int, float]]:
    out = []
    before = -1.0
    tied = False
    for square, i in found[: k + 1]:
        distance = arc(sqrt(square))
        tied |= distance - before < _SAME
        before = distance
        out.append((i, distance))
    if tied:
        out = [(i, arc(sqrt(square))) for square, i in found]
        out.sort(key=lambda hit: (round(hit[1] / _SAME), hit[0]))
    return out[:k]


def _entries(points: NDArray[np.float64], numbers: Sequence[int]) -> tuple[_Entry, ...]:
    return tuple((*points[i].tolist(), int(i)) for i in sorted(numbers))


def _cut(
    lngs: NDArray[np.float64], lats: NDArray[np.float64], points: NDArray[np.float64], tree: Any
) -> dict[tuple[int, int], _Cell]:
    # Made in the order of the ground, neighbours lie side by side in memory too: a third off a query's time.
    entries: list[_Entry] = [(0.0, 0.0, 0.0, 0)] * len(points)
    for i in np.lexsort((lngs, np.floor(lats * 4 * _ROOTS_A_DEGREE), np.floor(lngs * _ROOTS_A_DEGREE))).tolist():
        entries[i] = (*points[i].tolist(), i)
    own = np.unique(np.stack([np.floor(lngs * _ROOTS_A_DEGREE), np.floor(lats * _ROOTS_A_DEGREE)], axis=1), axis=0)
    around = np.array([(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)])
    corners = np.unique((own[:, None, :] + around[None, :, :]).reshape(-1, 2), axis=0)
    roots: list[Any] = [None] * len(corners)
    # Where each cell of this round is to be put: its parent's list, and the place in it.
    places: list[tuple[list[Any], int]] = [(roots, i) for i in range(len(corners))]
    keys = [(int(x), int(y)) for x, y in corners]
    for depth in range(_DEEPEST + 1):
        size = 1.0 / (_ROOTS_A_DEGREE << depth)
        middles, reach, coarse = _reach(corners, size, tree)
        whole = ~coarse | (depth == _DEEPEST)
        hits = tree.query_ball_point(middles[whole], reach[whole], return_sorted=True)
        for at, numbers in zip(np.flatnonzero(whole), hits, strict=True):
            parent, slot = places[at]
            parent[slot] = tuple([entries[i] for i in numbers])
        next_places: list[tuple[list[Any], int]] = []
        for at in np.flatnonzero(~whole):
            parent, slot = places[at]
            quarters: list[Any] = [None] * 4
            parent[slot] = quarters
            next_places += [(quarters, i) for i in range(4)]
        if not next_places:
            break
        quarter = np.array([(0, 0), (1, 0), (0, 1), (1, 1)])
        corners = (corners[~whole][:, None, :] * 2 + quarter[None, :, :]).reshape(-1, 2)
        places = next_places
    return dict(zip(keys, roots, strict=True))


def _reach(
    corners: NDArray[np.float64], size: float, tree: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """The middles of cells (ECEF), how far from each its candidates may lie (m), and whether it is to be cut."""
    west, south = corners[:, 0] * size, corners[:, 1] * size
    middles = ecef_array(west + size / 2, south + size / 2)
    ends = [ecef_array(west + dx, south + dy) for dx in (0.0, size) for dy in (0.0, size)]
    half = np.max([np.linalg.norm(end - middles, axis=1) for end in ends], axis=0)
    chords, _ = tree.query(middles, [min(NEAREST, tree.n)])
    away = chords[:, 0]
    # A part in a thousand pays for the cell's bent edges; the metre for ties and rounding.
    return middles, (away + 2 * half) * 1.001 + 1.0, 2 * half > _COARSE * away
