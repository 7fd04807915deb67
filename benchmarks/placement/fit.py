"""Fit the core's numbers (`maps/fitted.py`) on real listings, and write them with what they were fitted on.

    python -m benchmarks.placement.fit DATA/estates [--cities harbin] [--write]

Four steps, each of which maximises how likely the true estates (or their absence) are under the core's own code:
names alone, points alone, all together, and last the calibration of the confidence for each sort of evidence.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import exp, fsum, log
from pathlib import Path
from typing import Any, cast

import numpy as np
from scipy.optimize import minimize

from benchmarks.placement.listings import CITIES, Trial, households_in, trials
from benchmarks.placement.measure import Probe, probes
from maps import extent, fitted
from maps.book import EstateBook
from maps.locator import Locator, Reading, Said, _signature
from schemas.reference import Estate
from schemas.values import Point

#: Which cases teach what.
NAMES = ("name", "text clean", "text spelling", "text typo")
JOINT = ("name+address+point", "typo name+address+point", "name+address", "text clean", "text typo", "name")
CALIBRATED = (*JOINT, "text spelling", "point", "text two estates")
_TARGET = Path(__file__).parents[2] / "maps" / "fitted.py"
_FLOOR = 1e-4


@dataclass
class Case:
    """A probe made ready: what is said, and the estate that is right."""

    locator: Locator
    case: str
    said: Said
    truth: str | None


def book_of(trial: Trial) -> EstateBook:
    """The catalogue as the command reads it."""
    return EstateBook.of(
        Estate(
            row.listing_id, row.name, row.address, row.lng, row.lat, "bd09" if row.lng is not None else None,
            households_in(row.households),
        )
        for row in trial.catalogue
    )


def said_of(probe: Probe) -> Said:
    """A probe's cells as the core takes them."""
    cells = probe.cells
    point = Point(float(cells["lng"]), float(cells["lat"]), "bd09") if "lng" in cells else None
    return Said(cells.get("text", ""), cells.get("name", ""), cells.get("address", ""), point)


def cases_of(folder: Path, cities: Iterable[str]) -> list[Case]:
    """All probes of the cities, ready."""
    out = []
    for city in cities:
        for trial in trials(folder, city):
            locator = Locator(book_of(trial))
            out += [Case(locator, probe.case, said_of(probe), probe.truth) for probe in probes(trial)]
    return out


def fit(cases: list[Case], say: Callable[[str], object] = lambda _: None, turns: int = 2) -> None:
    """Set the numbers of `maps.fitted` to what the cases teach; the names' are gone over `turns` times."""
    cast("MutableMapping[str, Any]", fitted.CALIBRATION).clear()
    _fit_names([case for case in cases if case.case in NAMES], say, turns)
    _fit_points([case for case in cases if case.case == "point"], say)
    rare = [case for i, case in enumerate(cases) if i % 10 == 0 or not case.case.startswith("typo ")]
    _fit_joint([case for case in rare if case.case in JOINT and case.said.point], say)
    _calibrate([case for case in rare if case.case in CALIBRATED], say)


# --- names alone ---------------------------------------------------------------------------------------


def _name_loss(cases: list[Case]) -> float:
    return fsum(-_weight(case) * log(max(_chance(_reading(case), case.truth), _FLOOR)) for case in cases)


def _weight(case: Case) -> float:
    """For how much a probe counts: few messages have a slip in the name, half of these have."""
    return _SLIPS if "typo" in case.case else 1.0


def _reading(case: Case) -> Reading | None:
    found = case.locator.read(case.said)
    return found[0] if found else None


def _chance(reading: Reading | None, truth: str | None) -> float:
    scores = reading.scores if reading else {}
    return scores.get(truth, 0.0) if truth is not None else 1.0 - fsum(scores.values())


def _fit_names(cases: list[Case], say: Callable[[str], object], turns: int) -> None:
    numbers = cast("dict[str, float]", fitted.NAME)
    for turn in range(turns):
        now = [_reading(case) for case in cases]
        for name, guess in numbers.items():
            numbers[name] = guess * 0.9
            touched = [i for i, case in enumerate(cases) if _differs(_reading(case), now[i])]
            these = [cases[i] for i in touched]
            numbers[name] = _best_of(numbers, name, these) if len(these) >= 10 else guess
            for i in touched:
                now[i] = _reading(cases[i])
            say(f"{turn} {name}: {guess:.3f} -> {numbers[name]:.3f} on {len(these)}")


def _differs(one: Reading | None, other: Reading | None) -> bool:
    return (one.scores if one else {}) != (other.scores if other else {})


def _best_of(numbers: dict[str, float], name: str, cases: list[Case]) -> float:
    """The value of one number, by golden section in log odds, held by what is thought of it beforehand."""
    guess = _GUESSES[name]

    def at(odds: float) -> float:
        numbers[name] = chance = 1.0 / (1.0 + exp(-odds))
        return _name_loss(cases) - _HOLD * (guess * log(chance) + (1.0 - guess) * log(1.0 - chance))

    low, high = -5.0, 6.0
    ratio = (5**0.5 - 1) / 2
    a, b = high - ratio * (high - low), low + ratio * (high - low)
    fa, fb = at(a), at(b)
    for _ in range(8):
        if fa < fb:
            high, b, fb = b, a, fa
            a = high - ratio * (high - low)
            fa = at(a)
        else:
            low, a, fa = a, b, fb
            b = low + ratio * (high - low)
            fb = at(b)
    return 1.0 / (1.0 + exp(-(low + high) / 2))


#: What is thought of each difference before any data, and for how many cases that counts. These listings know
#: no estate under a name without its phase: that it is meant all the same happens, but not here.
_GUESSES = {
    "same": 0.985, "note": 0.5, "whole": 0.3, "part": 0.4, "other": 0.02, "ending": 0.8, "prefix": 0.5,
    "begun": 0.2, "ended": 0.1, "runs on": 0.5,
    "sound3": 0.5, "sound4": 0.8, "sound5": 0.9, "typo3": 0.15, "typo4": 0.4, "typo5": 0.7, "typo6": 0.85,
}
_HOLD = 20.0
_SLIPS = 0.2

# --- points alone --------------------------------------------------------------------------------------

_BOUNDS = {
    "fall": (1.05, 3.0), "grows": (0.0, 1.0), "households": (0.0, 0.6), "astray": (0.001, 0.2),
    "rough_m": (400.0, 4_000.0),
}
_FREE_POINT = ("near_m", "fall", "grows", "households", "prior")
#: A book of a city holds most of its estates: those left out count half where only a point is known.
_ABSENT = 0.5


def _fit_points(cases: list[Case], say: Callable[[str], object]) -> None:
    numbers = cast("dict[str, float]", fitted.POINT)
    ready = [(*case.locator.around(case.said.point), case.truth) for case in cases if case.said.point is not None]

    def loss(x: np.ndarray[Any, Any]) -> float:
        _set(numbers, _FREE_POINT, x)
        out = total = 0.0
        for space, around, truth in ready:
            odds = {
                e: numbers["prior"] * extent.likelihood(metres, space, households, shared=shared)
                for e, metres, households, shared in around
            }
            right = odds.get(truth, 0.0) if truth in odds else 1.0
            weight = _ABSENT if truth is None else 1.0
            out -= weight * log(max(right / (1.0 + fsum(odds.values())), _FLOOR))
            total += weight
        return out / total

    _minimise(loss, numbers, _FREE_POINT, 160)
    say("points: " + ", ".join(f"{name} {numbers[name]:.3f}" for name in _FREE_POINT))


def _set(numbers: dict[str, float], names: tuple[str, ...], x: Iterable[float]) -> None:
    for name, value in zip(names, x, strict=True):
        v = float(value)
        low, high = _BOUNDS.get(name.split()[-1], (0.0, 0.0))
        numbers[name] = low + (high - low) / (1 + exp(-v)) if high else exp(v)


def _now(numbers: dict[str, float], names: tuple[str, ...]) -> list[float]:
    out = []
    for name in names:
        low, high = _BOUNDS.get(name.split()[-1], (0.0, 0.0))
        share = (numbers[name] - low) / (high - low) if high else numbers[name]
        out.append(log(share / (1 - share)) if high else log(share))
    return out


def _minimise(
    loss: Callable[[np.ndarray[Any, Any]], float], numbers: dict[str, float], names: tuple[str, ...], steps: int
) -> None:
    found = minimize(
        loss, _now(numbers, names), method="Nelder-Mead",
        options={"maxfev": steps, "adaptive": True},
    )
    _set(numbers, names, found.x)


# --- all together --------------------------------------------------------------------------------------


def _fit_joint(cases: list[Case], say: Callable[[str], object]) -> None:
    flat: dict[str, float] = {}
    flat |= {f"road {k}": v for k, v in fitted.ROAD.items()} | {f"unnamed {k}": v for k, v in fitted.UNNAMED.items()}
    flat |= {f"point {k}": fitted.POINT[k] for k in ("city", "astray", "rough_m")}
    names = tuple(flat)
    tables = {"road": fitted.ROAD, "unnamed": fitted.UNNAMED, "point": fitted.POINT}
    ready = [(case, case.locator.read(case.said)) for case in cases]
    def loss(x: np.ndarray[Any, Any]) -> float:
        _set(flat, names, x)
        for name, value in flat.items():
            sort, key = name.split()
            cast("dict[str, float]", tables[sort])[key] = value
        out = 0.0
        for case, readings in ready:
            weights = case.locator.weights(case.said, readings)
            right = weights.get(case.truth, 0.0) if case.truth is not None else 1.0
            out -= log(max(right / (1.0 + fsum(weights.values())), _FLOOR))
        return out / len(ready)

    _minimise(loss, flat, names, 120)
    loss(np.array(_now(flat, names)))
    say("together: " + ", ".join(f"{name} {value:.3f}" for name, value in flat.items()))


def _calibrate(cases: list[Case], say: Callable[[str], object]) -> None:
    seen: dict[str, list[tuple[float, bool, float]]] = {}
    for case in cases:
        readings = case.locator.read(case.said)
        answer = case.locator.decide(case.said, readings)
        if answer.candidates:
            best, chance = answer.candidates[0]
            weight = _ABSENT if case.truth is None and case.case == "point" else _weight(case)
            seen.setdefault(_signature(readings), []).append((chance, best == case.truth, weight))
    for sign, pairs in sorted(seen.items()):
        if len(pairs) < 200:
            continue
        z = np.array([log(min(max(p, 1e-4), 0.9985) / (1 - min(max(p, 1e-4), 0.9985))) for p, _, _ in pairs])
        y = np.array([float(right) for _, right, _ in pairs])
        w = np.array([weight for _, _, weight in pairs])

        def loss(x: np.ndarray[Any, Any], z: Any = z, y: Any = y, w: Any = w) -> float:
            t = x[0] + x[1] * z
            return float(np.average(np.logaddexp(0, t) - y * t, weights=w)) + 1e-4 * float((x[1] - 1) ** 2 + x[0] ** 2)

        found = minimize(loss, [0.0, 1.0], method="Nelder-Mead").x
        add, times = (round(float(value), 3) for value in found)
        cast("dict[str, tuple[float, float]]", fitted.CALIBRATION)[sign] = (add, times)
        say(f"calibration {sign}: {fitted.CALIBRATION[sign]} on {len(pairs)}")


# --- writing -------------------------------------------------------------------------------------------


def text(cities: Iterable[str], count: int, pairs: int) -> str:
    """`maps/fitted.py` as it is to be."""
    when = datetime.now(UTC).date().isoformat()
    lines = [
        '"""Numbers fitted on real listings; written by `python -m benchmarks.placement.fit --write`, not by hand.',
        "",
        f"Fitted {when} on {', '.join(cities)}: {pairs:,} listings of one estate on two sites (2020,",
        f"four listing sites, the same name; none of the data is in here), made into {count:,} probes, a fifth of",
        "them of estates left out of the catalogue (benchmarks/placement/listings.py). No number is a city's own.",
        '"""',
        "", "from __future__ import annotations", "", "from typing import Final", "",
    ]
    for comment, name in _COMMENTS:
        values = getattr(fitted, name)
        kind = "tuple[float, float]" if name == "CALIBRATION" else "float"
        lines += [f"#: {line}" for line in comment]
        lines.append(f"{name}: Final[dict[str, {kind}]] = {{")
        for key, value in values.items():
            lines.append(f'    "{key}": {value if isinstance(value, tuple) else f"{value:.4g}"},')
        lines += ["}", ""]
    return "\n".join(lines)


_COMMENTS = (
    (("How often the estate is right that a name points to, by what is different between the two (`maps.register`);",
      "several differences multiply."), "NAME"),
    (("Distances between two listings' points of one estate (`maps.extent`): shares, and metres where the spacing",
      "is 150 m. `inside` and `edge_m` are estimates: there are too few outlines with listings."), "POINT"),
    (("How an address speaks for an estate, against none: the same road and number, the same road, other roads.",),
     "ROAD"),
    (("The weight of an estate that the text, the name or the address does not name, against none of the book's:",
      "where they name others, and where they name nothing that is known."), "UNNAMED"),
    (("From the model's log odds to those that are right in the mean, (add, times), by what there was to go by.",),
     "CALIBRATION"),
)


def main() -> None:
    """Fit, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("estates", type=Path, help="the folder with harbin.csv, changchun.csv, qiqihar.csv")
    parser.add_argument("--cities", nargs="+", choices=CITIES, default=list(CITIES))
    parser.add_argument("--turns", type=int, default=2, help="how often the names' numbers are gone over")
    parser.add_argument("--write", action="store_true", help="write maps/fitted.py")
    args = parser.parse_args()
    if not (args.estates / "harbin.csv").is_file():
        sys.exit(f"{args.estates} does not hold harbin.csv: these listings may not be shipped, name their folder")
    cases = cases_of(args.estates, args.cities)
    fit(cases, lambda line: sys.stderr.write(line + "\n"), args.turns)
    out = text(args.cities, len(cases), sum(c.case == "name" for c in cases))
    if args.write:
        _TARGET.write_text(out, encoding="utf-8")
    else:
        sys.stdout.write(out)


if __name__ == "__main__":
    main()
