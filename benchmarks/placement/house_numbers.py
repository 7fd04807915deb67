"""How far a house number is off that is told from its neighbours: every estate is left out once.

    python benchmarks/placement/house_numbers.py ESTATES.csv [ESTATES.csv …]

ESTATES.csv has the columns `city, name, address, district, lng_wgs84, lat_wgs84, flags` and lists an estate as often as
listing sites do (it does not come with loupan). An estate is left out with all of its listings, by its name; what is
measured is the distance to each listing's own point, which itself is some 60–140 m off in the median.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path

from maps.addresses import parse
from maps.ellipsoid import metres
from maps.house_numbers import Door, HouseNumbers
from maps.names import fold


def listings(path: Path) -> list[tuple[Door, str]]:
    """The doors of a file, with the folded name of the estate."""
    out = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if not row["address"] or not row["lng_wgs84"] or row["flags"]:
                continue
            found = parse(row["address"], city=row["city"])
            if found.road and found.door is not None:
                point = float(row["lng_wgs84"]), float(row["lat_wgs84"])
                out.append((Door(row["city"], row["district"], found.road, found.door, *point), fold(row["name"])))
    return out


def judge(path: Path) -> None:
    """Print how often there is an estimate, its error, and how well its spread tells the error."""
    roads: dict[str, list[tuple[Door, str]]] = defaultdict(list)
    for door, name in listings(path):
        roads[door.road].append((door, name))
    known: list[tuple[float, float]] = []
    between: list[tuple[float, float]] = []
    tried = 0
    for road, there in roads.items():
        for door, name in there:
            others = [other for other, called in there if called != name]
            found = HouseNumbers.of(others).estimate(road, door.number, door.city, door.district)
            tried += 1
            if found is not None:
                off = metres(found.lng, found.lat, door.lng, door.lat)
                same = any(other.number == door.number for other in others)
                (known if same else between).append((off, found.spread_m))
    print(f"{path.name}: {tried} listings with a road and a number, on {len(roads)} roads")
    for what, rows in (("number known from another estate", known), ("between two numbers", between)):
        if rows:
            errors = sorted(off for off, _ in rows)
            quantiles = "  ".join(f"p{q} {errors[(len(errors) - 1) * q // 100]:.0f}" for q in (50, 75, 90))
            within = sum(off <= spread for off, spread in rows) / len(rows)
            spread = sorted(spread for _, spread in rows)[len(rows) // 2]
            print(f"  {what}: {len(rows) / tried:.2f} of them; metres off: {quantiles}")
            print(f"    {within:.2f} within the spread, which is {spread:.0f} m in the median")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for name in sys.argv[1:]:
        if not Path(name).is_file():
            sys.exit(f"{name} is not there: name listings of estates")
        judge(Path(name))
