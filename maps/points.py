"""The points of estates: in WGS-84, and what is to be known of one before anything is built on it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from maps.datum import to_wgs84_array
from maps.ellipsoid import ecef_array
from schemas.reference import Estate
from schemas.values import Crs

#: So many estates on one point make it a centroid, put there for want of a better one.
_CENTROID = 4
#: Farther (m) than this from the middle of its city's estates, a point lies outside the city. In three cities' listings
#: the farthest good point lay at 235 km, and 101 of 105 bad ones beyond this.
_OUTSIDE_M = 300_000.0
#: As many points make a middle that a few bad ones don't move.
_ENOUGH = 8


class Flag(StrEnum):
    """What is to be known of an estate's point before anything is built on it."""

    NO_COORD = "no_coord"
    SHARED_POINT = "shared_point"
    OUTSIDE_CITY = "outside_city"


def bare_city(city: str) -> str:
    """A city's name without 市: 哈尔滨市 and 哈尔滨 are one."""
    return city.strip().removesuffix("市")


def points_of(estates: Sequence[Estate]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The estates' points in WGS-84, NaN where there is none."""
    lngs, lats = np.full(len(estates), np.nan), np.full(len(estates), np.nan)
    by_crs: dict[Crs, list[int]] = {}
    for number, estate in enumerate(estates):
        if estate.lng is not None and estate.lat is not None and estate.crs is not None:
            by_crs.setdefault(estate.crs, []).append(number)
    for crs, numbers in by_crs.items():
        x = np.array([estates[number].lng for number in numbers], dtype=np.float64)
        y = np.array([estates[number].lat for number in numbers], dtype=np.float64)
        lngs[numbers], lats[numbers] = to_wgs84_array(x, y, crs)
    return lngs, lats


def flags_of(
    estates: Sequence[Estate], lngs: NDArray[np.float64], lats: NDArray[np.float64]
) -> dict[int, frozenset[Flag]]:
    """The flags of those estates that have any, by number."""
    placed = np.flatnonzero(np.isfinite(lngs))
    found: dict[int, list[Flag]] = {number: [Flag.NO_COORD] for number in np.flatnonzero(np.isnan(lngs)).tolist()}
    _, which, count = np.unique(
        lngs[placed] + 1j * lats[placed], return_inverse=True, return_counts=True)
    for number in placed[count[which] >= _CENTROID].tolist():
        found.setdefault(number, []).append(Flag.SHARED_POINT)
    by_city: dict[str, list[int]] = {}
    for number in placed.tolist():
        if city := estates[number].city:
            by_city.setdefault(city, []).append(number)
    by_bare: dict[str, list[int]] = {}
    for city, numbers in by_city.items():
        by_bare.setdefault(bare_city(city), []).extend(numbers)
    for numbers in by_bare.values():
        if len(numbers) < _ENOUGH:
            continue
        spread = ecef_array(lngs[numbers], lats[numbers])
        away = np.linalg.norm(spread - np.median(spread, axis=0), axis=1)
        for number in np.array(numbers)[away > _OUTSIDE_M].tolist():
            found.setdefault(number, []).append(Flag.OUTSIDE_CITY)
    each = {tuple(flags): frozenset(flags) for flags in found.values()}
    return {number: each[tuple(flags)] for number, flags in found.items()}
