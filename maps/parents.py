"""Phases and sections are estates with a parent: 绿地城二期 and 绿地城B区 belong to 绿地城."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import isfinite

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from maps.ellipsoid import metres
from maps.names import EstateName, parse
from maps.points import bare_city, points_of
from schemas.reference import Estate

#: A phase lies no farther (m) from its estate: beside it, with a park or a road between.
_FARTHEST_M = 3_000.0
#: What a name with a phase or a section has somewhere; most names are passed over by it.
_PARTED = re.compile(r"[期區区组組団团]")

_Key = tuple[str, str]
_Floats = NDArray[np.float64]


def with_parents(estates: Iterable[Estate]) -> list[Estate]:
    """The same estates in the same order, with the parents that their names tell where none is given.

    A parent is the estate of the same city whose name is the phase's without its section, or without both. Where
    several are called so, the nearest within 3 km is it; where that can't be told, there is none.
    """
    rows = list(estates)
    parts = {i: name for i, row in enumerate(rows) if not row.parent and (name := _parted(row)) is not None}
    wanted = {(bare_city(rows[i].city), above) for i, name in parts.items() for above in _above(name)}
    named: dict[_Key, list[int]] = {}
    for i, row in enumerate(rows):
        if (key := (bare_city(row.city), parse(row.name).full)) in wanted:
            named.setdefault(key, []).append(i)
    lngs, lats = points_of(rows)
    for i, name in parts.items():
        for above in _above(name):
            parent = _nearest(i, named.get((bare_city(rows[i].city), above), ()), lngs, lats)
            if parent is not None:
                rows[i] = replace(rows[i], parent=rows[parent].estate_id)
                break
    return rows


def _parted(row: Estate) -> EstateName | None:
    name = parse(row.name) if _PARTED.search(row.name) else None
    return name if name is not None and (name.phase or name.section) else None


def _above(name: EstateName) -> list[str]:
    """What the parent may be called, the closest first."""
    phase = EstateName(name.base, name.phase).full
    return [phase, name.base] if name.phase and name.section else [name.base]


def _nearest(i: int, named: Sequence[int], lngs: _Floats, lats: _Floats) -> int | None:
    if not isfinite(lngs[i]):
        return named[0] if len(named) == 1 else None
    away = [
        (metres(lngs[i], lats[i], lngs[j], lats[j]) if isfinite(lngs[j]) else _FARTHEST_M, j) for j in named if j != i
    ]
    near = sorted(hit for hit in away if hit[0] <= _FARTHEST_M)
    if not near or (len(near) > 1 and near[0][0] == near[1][0]):
        return None
    return near[0][1]
