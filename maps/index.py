"""The nearest estates of a point, by true ellipsoidal distance.

The ground near estates is cut into cells, small where estates stand close. A cell lists every place that can be
among the `NEAREST` nearest of any point in it, so that a query reads one short list. What the cells don't answer
(open country, more than `NEAREST` wanted) a k-d tree of the places in space (ECEF) does. A place is a point with
all the estates on it: listings put dozens on one centroid.

Why a list is complete: with r the cell's half diagonal and d the distance from its middle to the k-th nearest
place, a point in the cell has its k nearest within d + r, so all of them lie within d + 2r of the middle.

Why the map may be trusted: on the ellipsoid's Mercator map (conformal: Snyder, Map Projections, 1987, p. 44) a metre
at latitude φ is 1/k(φ) radians long, k = N cos φ, and along the map's north ψ it changes by dk/dψ = -k sin φ. So a
place at map distance p, δ of it to the north, is p k (1 - δ sin φ / 2) metres away, but for a share of p²/6 (10 µm
at 1.5 km); and two places can only change their order where their p differ by less than p². Those, and whatever is
farther, are measured in space.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from math import atanh, radians, sin, sqrt
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from maps.ellipsoid import E2, A, arc, arc_array, ecef, ecef_array

L = TypeVar("L")
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Up to how many neighbours the cells answer for.
NEAREST = 5
#: A cell is about as wide as this share of the way to its k-th nearest place: finer is faster to ask, and larger to
#: keep; a country's book takes the coarser.
_COARSE, _COARSER, _COUNTRY = 0.5, 0.8, 300_000
_ROOTS_A_DEGREE = 64
_ROW = 360 * _ROOTS_A_DEGREE
#: How often a root is cut each way at most; the number takes six bits.
_FINEST = 63
#: Distances that differ by less (m) are one distance: what rounding leaves of two equal ones is 10⁻⁹ m.
_SAME = 1e-6
#: The same on the map, in radians, up to 85° of latitude.
_SAME_ON_MAP = 2e-12
_FARTHEST_NORTH = 85.0
#: Up to here (radians, some 1.5 km) the map's distances are true to 10 µm.
_ON_MAP = 3e-4
_RADIAN = radians(1.0)
_E = sqrt(E2)
#: Cells that are filled at once (some 20 MB), and how many places each is first asked for.
_AT_ONCE, _ASKED = 20_000, 32


class PointIndex(Generic[L]):
    """Points by their labels; of equally far ones the one that was given earlier comes first."""

    __slots__ = (
        "_count", "_ends_of_one", "_first_labels", "_firsts", "_flat", "_labels", "_listed", "_plane", "_points",
        "_roots", "_shared", "_starts", "_tree",
    )

    def __init__(
        self, lngs: Sequence[float] | Floats, lats: Sequence[float] | Floats, labels: Sequence[L]
    ) -> None:
        x, y = np.asarray(lngs, dtype=np.float64), np.asarray(lats, dtype=np.float64)
        self._count = len(x)
        order = _along_the_ground(x, y)
        firsts, self._shared = _places(x, y, order)
        x, y = x[firsts], y[firsts]
        self._labels, self._first_labels = labels, [labels[number] for number in firsts.tolist()]
        self._firsts = array("i", firsts.astype(np.int32).tobytes())
        self._points = ecef_array(x, y)
        self._flat: Sequence[float] = memoryview(self._points.reshape(-1))  # type: ignore[arg-type]
        self._plane: list[complex] = _on_the_map(x, y).tolist()
        self._tree = cKDTree(self._points) if len(x) else None
        # By the number of a piece of ground, its first cell · 64 + how often it is cut each way. Its cells run from
        # the south-west, row by row. Cell c lists the places `_listed[_starts[c] : _starts[c + 1]]`, from its middle
        # outwards; those that matter for the one nearest end at `_ends_of_one[c]`.
        corners, cuts = _pieces(x, y)
        cells = cuts * cuts
        keys, values = corners[:, 1] * _ROW + corners[:, 0], (np.cumsum(cells) - cells) * 64 + cuts
        self._roots = dict(zip(keys.tolist(), values.tolist(), strict=True))
        self._listed, self._starts, self._ends_of_one = array("i"), array("i", [0]), array("i")
        for places, sizes, ones in _filled(corners, cuts, self._points, self._tree):
            starts = np.cumsum(np.concatenate([[len(self._listed)], sizes]))
            _put(self._ends_of_one, starts[:-1] + ones)
            _put(self._starts, starts[1:])
            _put(self._listed, places)

    def __len__(self) -> int:
        return self._count

    def nearest(self, lng: float, lat: float, k: int = NEAREST) -> list[tuple[L, float]]:
        """The `k` nearest points' labels and their distances in metres, nearest first; WGS-84 degrees."""
        across, up = (lng + 180.0) * _ROOTS_A_DEGREE, (lat + 90.0) * _ROOTS_A_DEGREE
        column, row = int(across), int(up)
        root = self._roots.get(row * _ROW + column)
        if root is None or k > NEAREST:
            return self._labelled(self._by_tree(lng, lat, k))
        cuts = root & 63
        cell = (root >> 6) + int((up - row) * cuts) * cuts + int((across - column) * cuts)
        starts, plane = self._starts, self._plane
        places = self._listed[starts[cell] : self._ends_of_one[cell] if k == 1 else starts[cell + 1]]
        s = sin(lat * _RADIAN)
        north = atanh(s) - _E * atanh(_E * s)
        at = complex(lng * _RADIAN, north)
        away = [abs(at - plane[place]) for place in places]
        ranked = sorted(away)
        scale, half, before = A * sqrt((1.0 - s * s) / (1.0 - E2 * s * s)), 0.5 * s, -1.0
        if k == 1 and (best := ranked[0]) <= _ON_MAP:
            # The same as below, without what only several need.
            if len(ranked) > 1 and (second := ranked[1]) - best <= second * second + _SAME_ON_MAP:
                return self._labelled(self._measured(lng, lat, places, 1))
            place = places[away.index(best)]
            return [(self._first_labels[place], best * scale * (1.0 - half * (plane[place].imag - north)))]
        firsts, shared = self._first_labels, self._shared
        out: list[tuple[L, float]] = []
        for distance in ranked[: k + 1]:
            if distance - before <= distance * distance + _SAME_ON_MAP or before > _ON_MAP:
                return self._labelled(self._measured(lng, lat, places, k))
            before = distance
            if len(out) < k:
                place = places[away.index(distance)]
                metres = distance * scale * (1.0 - half * (plane[place].imag - north))
                if place in shared:
                    out += [(self._labels[number], metres) for number in shared[place]]
                else:
                    out.append((firsts[place], metres))
        if before > _ON_MAP:
            return self._labelled(self._measured(lng, lat, places, k))
        return out[:k]

    def nearest_many(self, lngs: Floats, lats: Floats, k: int = 1) -> tuple[Ints, Floats]:
        """As `nearest`, of many points at once: shape (n,) twice in, (n, k) numbers and metres out.

        A number is a point's place in the order given. Where there are fewer than `k` points, it is -1, and the
        distance infinite.
        """
        numbers = np.full((len(lngs), k), -1, dtype=np.int64)
        metres = np.full((len(lngs), k), np.inf)
        if self._tree is None or not len(lngs):
            return numbers, metres
        # In the order of the ground, one query finds in the processor's cache what the last one read.
        order = _along_the_ground(lngs, lats)
        wanted = min(k, self._tree.n)
        # One more, to see what is equally far.
        chords, places = self._tree.query(
            ecef_array(lngs[order], lats[order]), np.arange(1, min(wanted + 1, self._tree.n) + 1))
        again = (np.diff(chords, axis=1) < 2 * _SAME).any(axis=1)
        if k > 1 and self._shared:
            crowded = np.fromiter(self._shared, dtype=np.int64, count=len(self._shared))
            again |= np.isin(places[:, :wanted], crowded).any(axis=1)
        numbers[order, :wanted] = np.asarray(self._firsts)[places[:, :wanted]]
        metres[order, :wanted] = arc_array(chords[:, :wanted])
        for row in order[again].tolist():
            for column, found in enumerate(self._by_tree(float(lngs[row]), float(lats[row]), k)):
                numbers[row, column], metres[row, column] = found
        return numbers, metres

    def _labelled(self, found: list[tuple[int, float]]) -> list[tuple[L, float]]:
        return [(self._labels[number], metres) for number, metres in found]

    def _by_tree(self, lng: float, lat: float, k: int) -> list[tuple[int, float]]:
        if self._tree is None or k < 1:
            return []
        place = ecef(lng, lat)
        chords, _ = self._tree.query(place, [min(k, self._tree.n)])
        reach = float(chords[0]) * (1 + 1e-12) + 2 * _SAME
        return self._measured(lng, lat, self._tree.query_ball_point(place, reach), k)

    def _measured(self, lng: float, lat: float, places: Iterable[int], k: int) -> list[tuple[int, float]]:
        """The nearest of these places, every one measured; those within `_SAME` by their numbers."""
        x, y, z = ecef(lng, lat)
        flat, found = self._flat, []
        for place in places:
            i = 3 * place
            dx, dy, dz = x - flat[i], y - flat[i + 1], z - flat[i + 2]
            metres = arc(sqrt(dx * dx + dy * dy + dz * dz))
            found += [(number, metres) for number in self._shared.get(place) or (self._firsts[place],)]
        found.sort(key=lambda hit: (round(hit[1] / _SAME), hit[0]))
        return found[:k]


def _on_the_map(lngs: Floats, lats: Floats) -> NDArray[np.complex128]:
    """Points on the Mercator map of the ellipsoid, in radians: east + north·i."""
    s = np.sin(np.radians(np.clip(lats, -_FARTHEST_NORTH, _FARTHEST_NORTH)))
    points: NDArray[np.complex128] = np.radians(lngs) + 1j * (np.arctanh(s) - _E * np.arctanh(_E * s))
    return points


def _along_the_ground(lngs: Floats, lats: Floats) -> Ints:
    """The points in such an order that neighbours on the ground mostly are neighbours in it (Morton's)."""
    return np.argsort(_spread(lngs + 180.0) | _spread(lats + 90.0) << np.uint64(1), kind="stable")


def _spread(degrees: Floats) -> NDArray[np.uint64]:
    """A number of steps of some 10 m, with a place for another's bit between every two of its bits."""
    bits = np.clip(degrees * 10_000, 0, 2**22 - 1).astype(np.uint64)
    for shift, mask in ((16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F),
                        (2, 0x3333333333333333), (1, 0x5555555555555555)):
        bits = (bits | bits << np.uint64(shift)) & np.uint64(mask)
    return bits


def _places(lngs: Floats, lats: Floats, order: Ints) -> tuple[Ints, dict[int, tuple[int, ...]]]:
    """Of each place its lowest number, in the given order of the ground; and all numbers of those with several."""
    _, first, which, count = np.unique(
        lngs + 1j * lats, return_index=True, return_inverse=True, return_counts=True)
    lowest = order[first[which[order]] == order]
    crowd = count[which] > 1
    at = {int(which[number]): place for place, number in enumerate(lowest.tolist()) if crowd[number]}
    shared: dict[int, list[int]] = {}
    for number in np.flatnonzero(crowd).tolist():
        shared.setdefault(at[int(which[number])], []).append(number)
    return lowest, {place: tuple(numbers) for place, numbers in shared.items()}


def _pieces(lngs: Floats, lats: Floats) -> tuple[Ints, Ints]:
    """The ground within a piece's width of any place: column and row of each piece, and how often to cut it."""
    columns, rows = np.floor((lngs + 180.0) * _ROOTS_A_DEGREE), np.floor((lats + 90.0) * _ROOTS_A_DEGREE)
    # At 180° and near the poles the map ends: what lies there the tree answers.
    on_map = (np.abs(lats) < _FARTHEST_NORTH) & (columns > 0) & (columns < _ROW - 1)
    own, counts = np.unique((rows * _ROW + columns)[on_map].astype(np.int64), return_counts=True)
    around = np.array([dy * _ROW + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
    pieces, which = np.unique((own[:, None] + around).reshape(-1), return_inverse=True)
    which = which.reshape(-1, 9)
    near = np.bincount(which.reshape(-1), np.repeat(counts, 9), minlength=len(pieces))
    held = np.bincount(which[:, 4], counts, minlength=len(pieces))
    coarse = _COARSE if len(lngs) < _COUNTRY else _COARSER
    cuts = np.ceil(np.sqrt(np.pi * np.maximum(near / 9, held) / NEAREST) / coarse)
    return np.stack([pieces % _ROW, pieces // _ROW], axis=1), np.clip(cuts, 1, _FINEST).astype(np.int64)


def _filled(corners: Ints, cuts: Ints, points: Floats, tree: Any) -> Iterator[tuple[Ints, Ints, Ints]]:
    """The cells, some pieces at a time: the places of all, how many each lists, and how many of these for one."""
    ends = np.cumsum(cuts * cuts)
    start = 0
    while start < len(cuts):
        before = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + _AT_ONCE, side="right")))
        many = cuts[start:stop] ** 2
        piece = np.repeat(np.arange(start, stop), many)
        within = np.arange(len(piece)) - np.repeat(np.cumsum(many) - many, many)
        n = cuts[piece]
        size = 1.0 / (_ROOTS_A_DEGREE * n)
        west = corners[piece, 0] / _ROOTS_A_DEGREE - 180.0 + within % n * size
        south = corners[piece, 1] / _ROOTS_A_DEGREE - 90.0 + within // n * size
        yield _listed(west, south, size, points, tree)
        start = stop


def _listed(west: Floats, south: Floats, size: Floats, points: Floats, tree: Any) -> tuple[Ints, Ints, Ints]:
    middles = ecef_array(west + size / 2, south + size / 2)
    sides = [ecef_array(west + east * size, south + north * size) for east in (0, 1) for north in (0, 1)]
    half = np.max([np.linalg.norm(side - middles, axis=1) for side in sides], axis=0)
    asked = min(_ASKED, len(points))
    chords, places = tree.query(middles, np.arange(1, asked + 1))
    # A part in a thousand pays for the cell's bent edges; the metre for ties and rounding.
    reach = (chords[:, [0, min(NEAREST, asked) - 1]] + 2 * half[:, None]) * 1.001 + 1.0
    matters = chords <= reach[:, 1:]
    sizes, ones = matters.sum(axis=1), (chords <= reach[:, :1]).sum(axis=1)
    more = np.flatnonzero(matters[:, -1]) if asked < len(points) else ()
    if not len(more):
        return places[matters], sizes, ones
    lists = np.split(places[matters], np.cumsum(sizes)[:-1])
    for cell, found in zip(more, tree.query_ball_point(middles[more], reach[more, 1]), strict=True):
        away = np.linalg.norm(points[found] - middles[cell], axis=1)
        lists[cell] = np.array(found)[np.argsort(away, kind="stable")]
        sizes[cell], ones[cell] = len(found), np.count_nonzero(away <= reach[cell, 0])
    return np.concatenate(lists), sizes, ones


def _put(out: array[int], numbers: Ints) -> None:
    """Add numbers in four bytes each: Python reads one faster from an array than from numpy's."""
    out.frombytes(numbers.astype(np.int32).tobytes())
