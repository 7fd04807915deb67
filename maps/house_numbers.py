"""Where a house number lies, from the house numbers around it: 学府路 85 is between 81 and 89.

Built from estates whose address has a road and a number and whose point is known. Odd and even numbers are the two
sides of a road in most cities, so that neighbours of the same side come first. Beyond the last known number of a
road nothing is said, and nothing where the known ones contradict each other.

Measured with every estate of four listing sites left out once: in Harbin a number between two known ones is 177 m off
in the median (p90 755 m), in Changchun, whose roads were numbered anew, 339 m (p90 1,478 m). It names a
neighbourhood, not an estate.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from math import hypot
from statistics import median
from typing import NamedTuple

from maps.ellipsoid import metres


class Door(NamedTuple):
    """A house number with a WGS-84 point; `district` is empty where it is not known."""

    city: str
    district: str
    road: str
    number: int
    lng: float
    lat: float


class Estimate(NamedTuple):
    """Where a house number is thought to be (WGS-84), and the metres within which two of three really are."""

    lng: float
    lat: float
    spread_m: float


class _Spot(NamedTuple):
    """All doors of one number together."""

    number: int
    lng: float
    lat: float
    apart_m: float


#: A number that is known is off by so much (m), and one between two by so much and this share of the metres between
#: them: so that two of three estates that are left out lie within in Harbin (benchmarks/placement/house_numbers.py).
_KNOWN_M, _BETWEEN_M, _OF_GAP = 220.0, 130.0, 0.45
#: Neighbours that are farther apart than this (m), or by more metres a number, are not neighbours of one road.
_FARTHEST_M, _A_NUMBER_M = 2_500.0, 60.0
#: Two neighbours this close (m) are believed whatever their numbers: listings of one place lie so far apart.
_NEAR_M = 300.0
#: Points of one number that are farther apart than this (m) name two roads, or one of them is wrong.
_APART_M = 1_000.0


class HouseNumbers:
    """The house numbers of all roads. Build it with `HouseNumbers.of`; it never changes."""

    __slots__ = ("_roads",)

    def __init__(self, roads: dict[tuple[str, str], list[Door]]) -> None:
        self._roads = roads

    @classmethod
    def of(cls, doors: Iterable[Door]) -> HouseNumbers:
        """The house numbers that these doors show; `city` is one spelling throughout."""
        roads: dict[tuple[str, str], list[Door]] = {}
        for door in sorted(doors):
            roads.setdefault((door.city, door.road), []).append(door)
        return cls(roads)

    def __len__(self) -> int:
        return len(self._roads)

    def estimate(self, road: str, number: int, city: str, district: str = "") -> Estimate | None:
        """Where a number of a road lies; None where the road, or what is on both sides of the number, is not known.

        `district` leaves out doors that are known to be in another one: one city may have two 人民路.
        """
        doors = self._roads.get((city, road), ())
        here = [door for door in doors if not district or not door.district or door.district == district]
        spots = _spots(here)
        side = [spot for spot in spots if spot.number % 2 == number % 2]
        return _between(side, number) or _between(spots, number)


def _spots(doors: Iterable[Door]) -> list[_Spot]:
    """The numbers of a road in their order, each at the middle of its points."""
    by_number: dict[int, list[Door]] = {}
    for door in doors:
        by_number.setdefault(door.number, []).append(door)
    out = []
    for number, there in sorted(by_number.items()):
        lng, lat = median(door.lng for door in there), median(door.lat for door in there)
        out.append(_Spot(number, lng, lat, median(metres(lng, lat, door.lng, door.lat) for door in there)))
    return out


def _between(spots: list[_Spot], number: int) -> Estimate | None:
    at = bisect_left(spots, number, key=lambda spot: spot.number)
    if at < len(spots) and spots[at].number == number:
        spot = spots[at]
        return Estimate(spot.lng, spot.lat, round(hypot(_KNOWN_M, spot.apart_m))) if spot.apart_m <= _APART_M else None
    if at in (0, len(spots)):
        return None
    low, high = spots[at - 1], spots[at]
    gap = metres(low.lng, low.lat, high.lng, high.lat)
    if max(low.apart_m, high.apart_m) > _APART_M:
        return None
    if gap > _NEAR_M and (gap > _FARTHEST_M or gap > _A_NUMBER_M * (high.number - low.number)):
        return None
    share = (number - low.number) / (high.number - low.number)
    return Estimate(
        low.lng + share * (high.lng - low.lng), low.lat + share * (high.lat - low.lat),
        round(hypot(_BETWEEN_M, _OF_GAP * gap, low.apart_m, high.apart_m)),
    )
