"""Points as coarse as they are needed: the middle of a geohash cell, in the datum that they came in.

A cell of eight characters is 0.00034° by 0.00017°, 38 m by 19 m at the equator: an estate is a few hundred metres
across, a flat a few. Which door somebody stood at is nobody's business.
"""

from __future__ import annotations

from math import floor
from typing import Final

from msgspec.structs import replace

from schemas.values import Location

#: Bits of longitude and latitude in a geohash of eight characters.
_BITS: Final = 20
_ACROSS: Final = 360.0 / (1 << _BITS)
_UP: Final = 180.0 / (1 << _BITS)


def cell_of(lng: float, lat: float) -> tuple[float, float]:
    """The middle of a point's cell, to a millionth of a degree; a middle is its own."""
    return _middle(lng, -180.0, _ACROSS), _middle(lat, -90.0, _UP)


def coarse(point: Location) -> Location:
    """A place that somebody shared, no finer than it takes to tell estates apart."""
    lng, lat = cell_of(point.lng, point.lat)
    return replace(point, lng=lng, lat=lat, label=None, address=None)


def _middle(degrees: float, begin: float, size: float) -> float:
    last = (1 << _BITS) - 1
    return round(begin + (min(floor((degrees - begin) / size), last) + 0.5) * size, 6)
