"""How likely a point is that of an estate: by its outline, or by its distance against how far estates reach here.

What counts is not metres alone but metres against the neighbours' spacing: the density of points that belong to
an estate, over the density of all estates around. The quotient has no unit, and so holds in a city that was
never seen. Large estates reach farther than small ones. An estate whose point is shared by several stands
somewhere in that part of the town.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import pi, sqrt

from maps.fitted import POINT

#: The neighbours by which the spacing is told.
NEIGHBOURS = 5
_LEAST_SPACING, _MOST_SPACING = 60.0, 3_000.0


def spacing(distances: Sequence[float]) -> float:
    """The spacing of estates around a point (m): the radius that holds one of them in the mean.

    `distances` are those to its nearest estates, nearest first.
    """
    far = distances[:NEIGHBOURS]
    if not far:
        return _MOST_SPACING
    return min(max(far[-1] / sqrt(len(far)), _LEAST_SPACING), _MOST_SPACING)


def likelihood(metres: float, space: float, households: int | None = None, *, shared: bool = False) -> float:
    """How much likelier a point so far from an estate's is the estate's than a chance estate's; 1 is even.

    `space` is the spacing around the point (m). `shared`: the estate's point is shared by several estates, and
    so only says the part of the town.
    """
    if shared:
        return pi * space * space * _bell(metres, POINT["rough_m"], 1.5)
    reach = POINT["near_m"] * (space / 150.0) ** POINT["grows"] * (_size(households) / 800.0) ** POINT["households"]
    return pi * space * space * _bell(metres, reach, POINT["fall"])


def inside(area: float, space: float) -> float:
    """The same for a point inside an outline of `area` square metres."""
    return POINT["inside"] * pi * space * space / max(area, 400.0)


def outside(metres: float, space: float) -> float:
    """The same for a point so many metres outside an estate's outline."""
    return (1.0 - POINT["inside"]) * pi * space * space * _bell(metres, POINT["edge_m"], 1.5)


def _size(households: int | None) -> float:
    """Households as far as they can be believed: listings give 2, and developers' totals over many estates."""
    return float(households) if households and 20 <= households <= 20_000 else 800.0


def _bell(metres: float, scale: float, fall: float) -> float:
    """A density over the plane (1/m²), round and with a heavy tail."""
    return float((fall - 1.0) / (pi * scale * scale) * (1.0 + (metres / scale) ** 2) ** -fall)
