"""Measure `loupan locate` on real listings: precision, answered share, calibration, by case and by city.

    python -m benchmarks.placement.measure DATA/estates [--cities changchun qiqihar] [--peers] [--json out.json]

Every case goes through the command's own code, CSV to CSV. Nothing is drawn but by a fixed draw.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from itertools import groupby
from math import cos, pi
from pathlib import Path
from random import Random

from benchmarks.placement import messages
from benchmarks.placement.listings import CITIES, Ask, Listing, Trial, share, trials, write_catalogue
from streams.locating import locate_files

_COLUMNS = ("probe_id", "text", "name", "address", "lng", "lat", "crs")
_BINS = 10


@dataclass(frozen=True)
class Probe:
    """A row for `loupan locate`, what case it belongs to, and the estate that would be right."""

    case: str
    cells: dict[str, str]
    truth: str | None


@dataclass(frozen=True)
class Result:
    """An answer beside its truth."""

    city: str
    source: str
    probe: Probe
    answer: str | None
    confidence: float
    reason: str
    candidates: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether there is an answer, and it is the true one."""
        return self.answer is not None and self.answer == self.probe.truth


def probes(trial: Trial) -> list[Probe]:
    """All probes of a trial."""
    out: list[Probe] = []
    names = [row.name for row in trial.catalogue]
    by_id = {row.listing_id: row for row in trial.catalogue}
    for ask in trial.asks:
        out += _of_listing(ask)
        out += _of_messages(ask, names)
        if ask.truth is not None and (found := by_id[ask.truth]).lng is not None:
            out.append(Probe("delivery point", _jittered(found), ask.truth))
    return out


def _of_listing(ask: Ask) -> Iterable[Probe]:
    row = ask.listing
    if row.lng is not None:
        point = {"lng": str(row.lng), "lat": str(row.lat), "crs": "bd09"}
        yield Probe("name+address+point", {"name": row.name, "address": row.address, **point}, ask.truth)
        yield Probe("point", point, ask.truth)
    yield Probe("name", {"name": row.name}, ask.truth)
    if row.address:
        yield Probe("name+address", {"name": row.name, "address": row.address}, ask.truth)


def _of_messages(ask: Ask, names: list[str]) -> Iterable[Probe]:
    row = ask.listing
    draw = Random(f"{row.city} {row.source} {row.listing_id}")
    for level in messages.LEVELS:
        name, other = messages.noisy(row.name, level, draw), draw.choice(names)
        yield Probe(f"text {level}", {"text": messages.message(name, other, draw)}, ask.truth)
        if level == "typo" and row.lng is not None:
            point = {"lng": str(row.lng), "lat": str(row.lat), "crs": "bd09"}
            yield Probe("typo name+address+point", {"name": name, "address": row.address, **point}, ask.truth)
    if share(row.city, row.listing_id) < 0.3:
        other = draw.choice(names)
        if other != row.name:
            yield Probe("text two estates", {"text": messages.message(row.name, other, draw, messages.TWO)}, ask.truth)
            yield Probe("text no home", {"text": messages.message(row.name, other, draw, messages.NONE)}, None)


def _jittered(row: Listing) -> dict[str, str]:
    """A courier's point: 60 m around the estate's in each direction, one in a hundred elsewhere."""
    draw = Random(f"jitter {row.city} {row.listing_id}")
    metres = 60.0 if draw.random() < 0.99 else 3_000.0
    assert row.lng is not None  # noqa: S101 - only listings with a point are asked for
    assert row.lat is not None  # noqa: S101 - as above
    lat = row.lat + draw.gauss(0, metres) / 111_200
    lng = row.lng + draw.gauss(0, metres) / (111_200 * cos(row.lat * pi / 180))
    return {"lng": f"{lng:.7f}", "lat": f"{lat:.7f}", "crs": "bd09"}


def run(trial: Trial) -> list[Result]:
    """The command's answers to a trial's probes; a case at a time, as it would be asked."""
    out: list[Result] = []
    with tempfile.TemporaryDirectory() as folder:
        catalogue, asked = Path(folder, "estates.csv"), Path(folder, "probes.csv")
        write_catalogue(catalogue, trial.catalogue)
        for _, group in groupby(sorted(probes(trial), key=lambda probe: probe.case), key=lambda probe: probe.case):
            these = list(group)
            with asked.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, _COLUMNS, restval="")
                writer.writeheader()
                writer.writerows({"probe_id": i, **probe.cells} for i, probe in enumerate(these))
            said = StringIO()
            locate_files(catalogue, asked, said)
            for row in csv.DictReader(StringIO(said.getvalue())):
                out.append(_result(trial, these[int(row["probe_id"])], row))  # noqa: PERF401 - read line by line
    return out


def _result(trial: Trial, probe: Probe, row: dict[str, str]) -> Result:
    return Result(
        trial.city, trial.source, probe, row["estate_id"] or None,
        float(row["confidence"]), row["reason"], tuple(filter(None, row["candidates"].split(";"))),
    )


def figures(results: list[Result]) -> dict[str, float | int]:
    """The figures of a case: of the probes whose estate is there, and of those whose estate is not."""
    there = [r for r in results if r.probe.truth is not None]
    absent = [r for r in results if r.probe.truth is None]
    answered = [r for r in there if r.answer is not None]
    every = [r for r in results if r.answer is not None]
    return {
        "n": len(there),
        "answered": len(answered) / len(there) if there else float("nan"),
        "precision": sum(r.right for r in answered) / len(answered) if answered else float("nan"),
        "absent": len(absent),
        "unresolved": sum(r.answer is None for r in absent) / len(absent) if absent else float("nan"),
        "ece": ece(answered),
        "ece_all": ece(every),
        "confidence": sum(r.confidence for r in answered) / len(answered) if answered else float("nan"),
    }


def ece(answered: list[Result]) -> float:
    """The expected calibration error of the answers, over ten bins of equal width."""
    bins: dict[int, list[Result]] = {}
    for r in answered:
        bins.setdefault(min(int(r.confidence * _BINS), _BINS - 1), []).append(r)
    gaps = (abs(sum(r.confidence - r.right for r in rs)) for rs in bins.values())
    return sum(gaps) / len(answered) if answered else float("nan")


def table(results: list[Result]) -> list[str]:
    """The figures by case and city, as Markdown."""
    lines = ["| case | city | probes | answered | precision | absent | unresolved | ECE | ECE with absent |",
             "|---|---|--:|--:|--:|--:|--:|--:|--:|"]
    for case in sorted({r.probe.case for r in results}):
        cities = sorted({r.city for r in results})
        for city in cities if len(cities) == 1 else [*cities, "all"]:
            f = figures([r for r in results if r.probe.case == case and city in (r.city, "all")])
            lines.append(
                f"| {case} | {city} | {f['n']} | {f['answered']:.3f} | {f['precision']:.3f} | {f['absent']} "
                f"| {f['unresolved']:.3f} | {f['ece']:.3f} | {f['ece_all']:.3f} |")
    return lines


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("estates", type=Path, help="the folder with harbin.csv, changchun.csv, qiqihar.csv")
    parser.add_argument("--cities", nargs="+", choices=CITIES, default=list(CITIES))
    parser.add_argument("--fit-on", nargs="+", choices=CITIES, help="fit the numbers on these cities for this run")
    parser.add_argument("--json", type=Path, help="write every answer here, for looking at the errors")
    args = parser.parse_args()
    if not (args.estates / "harbin.csv").is_file():
        sys.exit(f"{args.estates} does not hold harbin.csv: these listings may not be shipped, name their folder")
    if args.fit_on:
        from benchmarks.placement.fit import cases_of, fit  # noqa: PLC0415 - which reads the probes from here

        fit(cases_of(args.estates, args.fit_on), turns=1)
    results = [r for city in args.cities for trial in trials(args.estates, city) for r in run(trial)]
    sys.stdout.write("\n".join(table(results)) + "\n")
    if args.json:
        with args.json.open("w", encoding="utf-8") as out:
            for r in results:
                row = {"city": r.city, "source": r.source, "case": r.probe.case, **r.probe.cells,
                       "truth": r.probe.truth, "answer": r.answer, "confidence": r.confidence,
                       "reason": r.reason, "candidates": r.candidates}
                out.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
