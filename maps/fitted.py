"""Numbers fitted on real listings; written by `python -m benchmarks.placement.fit --write`, not by hand.

Fitted 2026-11-25 on harbin, changchun, qiqihar: 9,793 listings of one estate on two sites (2020,
four listing sites, the same name; none of the data is in here), made into 84,840 probes, a fifth of
them of estates left out of the catalogue (benchmarks/placement/listings.py). No number is a city's own.
"""

from __future__ import annotations

from typing import Final

#: How often the estate is right that a name points to, by what is different between the two (`maps.register`);
#: several differences multiply.
NAME: Final[dict[str, float]] = {
    "same": 0.9972,
    "note": 0.09227,
    "whole": 0.0159,
    "part": 0.04548,
    "other": 0.007518,
    "ending": 0.975,
    "prefix": 0.336,
    "begun": 0.02897,
    "ended": 0.05219,
    "runs on": 0.336,
    "sound3": 0.823,
    "sound4": 0.8431,
    "sound5": 0.9406,
    "typo3": 0.7158,
    "typo4": 0.1051,
    "typo5": 0.4606,
    "typo6": 0.6972,
}

#: Distances between two listings' points of one estate (`maps.extent`): shares, and metres where the spacing
#: is 150 m. `inside` and `edge_m` are estimates: there are too few outlines with listings.
POINT: Final[dict[str, float]] = {
    "near_m": 39.6,
    "fall": 1.357,
    "grows": 0.2146,
    "households": 0.4122,
    "rough_m": 884.8,
    "inside": 0.9,
    "edge_m": 40,
    "prior": 4.873,
    "city": 24.9,
    "astray": 0.08978,
}

#: How an address speaks for an estate, against none: the same road and number, the same road, other roads.
ROAD: Final[dict[str, float]] = {
    "number": 12.48,
    "road": 2.585,
    "other": 0.6812,
}

#: The weight of an estate that the text, the name or the address does not name, against none of the book's:
#: where they name others, and where they name nothing that is known.
UNNAMED: Final[dict[str, float]] = {
    "others": 0.08043,
    "nothing": 0.1405,
}

#: From the model's log odds to those that are right in the mean, (add, times), by what there was to go by.
CALIBRATION: Final[dict[str, tuple[float, float]]] = {
    "name": (-2.497, 1.858),
    "name+point": (-0.693, 1.29),
    "point": (0.032, 0.882),
    "text": (0.01, 1.239),
}
