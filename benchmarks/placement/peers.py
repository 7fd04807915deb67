"""The simpler ways, on the same probes: nearest points (degrees, geodesic), the likeliest name by rapidfuzz.

    python -m benchmarks.placement.peers DATA/estates

Each answers always, as such tools do, but rapidfuzz below a likeness of 80.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from geopy.distance import geodesic
from rapidfuzz import fuzz, process
from scipy.spatial import cKDTree

from benchmarks.placement.listings import CITIES, Trial, trials
from benchmarks.placement.measure import Probe, probes
from maps.datum import to_wgs84

#: So many probes of a trial for those that look at every name or estate.
_SOME = 150


def answers(trial: Trial) -> dict[str, tuple[list[Probe], Callable[[Probe], str | None]]]:
    """The peers of a trial: what each is asked, and how it answers."""
    placed = [row for row in trial.catalogue if row.lng is not None and row.lat is not None]
    points = np.array([to_wgs84(row.lng or 0.0, row.lat or 0.0, "bd09") for row in placed])
    tree = cKDTree(points)
    names = [row.name for row in trial.catalogue]
    asked = probes(trial)

    def point(probe: Probe) -> tuple[float, float]:
        return to_wgs84(float(probe.cells["lng"]), float(probe.cells["lat"]), "bd09")

    def wrong_datum(probe: Probe) -> str:
        return placed[int(tree.query((float(probe.cells["lng"]), float(probe.cells["lat"])))[1])].listing_id

    def by_degrees(probe: Probe) -> str:
        return placed[int(tree.query(point(probe))[1])].listing_id

    def by_geodesic(probe: Probe) -> str:
        lng, lat = point(probe)
        return min(placed, key=lambda row: geodesic((lat, lng), to_wgs84(row.lng, row.lat, "bd09")[::-1])).listing_id

    def by_likeness(column: str, scorer: Callable[..., float]) -> Callable[[Probe], str | None]:
        def answer(probe: Probe) -> str | None:
            found = process.extractOne(probe.cells[column], names, scorer=scorer, score_cutoff=80)
            return trial.catalogue[found[2]].listing_id if found else None
        return answer

    def of(case: str) -> list[Probe]:
        return [probe for probe in asked if probe.case == case]

    return {
        "point: nearest in degrees": (of("point"), by_degrees),
        "point: nearest in degrees, BD-09 read as WGS-84": (of("point"), wrong_datum),
        "point: nearest by geopy's geodesic (a sample)": (of("point")[:20], by_geodesic),
        "name: rapidfuzz ratio (a sample)": (of("name")[:_SOME], by_likeness("name", fuzz.ratio)),
        "text clean: rapidfuzz partial ratio (a sample)": (
            of("text clean")[:_SOME], by_likeness("text", fuzz.partial_ratio)),
        "text typo: rapidfuzz partial ratio (a sample)": (
            of("text typo")[:_SOME], by_likeness("text", fuzz.partial_ratio)),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("estates", type=Path, help="the folder with harbin.csv, changchun.csv, qiqihar.csv")
    args = parser.parse_args()
    if not (args.estates / "harbin.csv").is_file():
        sys.exit(f"{args.estates} does not hold harbin.csv: these listings may not be shipped, name their folder")
    sums: dict[str, list[int]] = {}
    for city in CITIES:
        for trial in trials(args.estates, city):
            for peer, (asked, answer) in answers(trial).items():
                said = [(probe.truth, answer(probe)) for probe in asked]
                there = [(truth, found) for truth, found in said if truth is not None]
                absent = [found for truth, found in said if truth is None]
                counts = sums.setdefault(peer, [0] * 5)
                for i, more in enumerate((
                    len(there), sum(f is not None for _, f in there), sum(t == f for t, f in there),
                    len(absent), sum(f is None for f in absent),
                )):
                    counts[i] += more
    sys.stdout.write("| way | probes | answered | precision | absent | unresolved |\n|---|--:|--:|--:|--:|--:|\n")
    for peer, (there_, answered, right, absent_, unresolved) in sums.items():
        sys.stdout.write(
            f"| {peer} | {there_} | {answered / there_:.3f} | {right / max(answered, 1):.3f} "
            f"| {absent_} | {unresolved / max(absent_, 1):.3f} |\n")


if __name__ == "__main__":
    main()
