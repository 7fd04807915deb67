"""How well listings of several sites are merged, on real ones.

    python benchmarks/book/merging.py FOLDER

FOLDER holds estates/harbin.csv, changchun.csv and qiqihar.csv (city, source, source_id, name, address, lng_bd09,
lat_bd09, district, …), estates/pairs_same_name_dev.csv (the same estate as two sites list it) and
estates/aliases_same_id.csv (two spellings or names that one site gave to one id). They were collected from public
listing pages, state no licence, and are not part of this repository. Nothing here was fitted by city.

What is measured, as nobody has marked by hand what is the same:

- *found*: of the pairs of one name, how many came into one estate, by how far apart the two sites put them;
- *strangers*: a site that lists one name twice in a city says that these are two estates. One of each such two is
  given to another site, a made-up one. A site lists some estates twice, too, so that those within 150 m and those on
  one road are put aside; any other that is merged is wrong;
- *wrong district*: of the merged pairs whose districts both sites state, how many differ by more than the border's
  width: points over 1.5 km apart;
- *phases*: estates of different phases or sections that came together (must be none).
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from maps.merging import Listing, Merging, merge
from maps.names import parse
from schemas.reference import Estate

CITIES = ("harbin", "changchun", "qiqihar")
#: The order of trust: of the sites, the one with the fewest centroids comes first.
SITES = ("sofang", "ke", "fccs", "souloula")


def rows(path: Path) -> Iterator[dict[str, str]]:
    """A CSV file's rows."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.DictReader(lines)


def listing(row: dict[str, str]) -> Listing:
    """A row of a city's file."""
    lng, lat = row["lng_bd09"], row["lat_bd09"]
    estate = Estate(
        row["source_id"], row["name"], row["address"], float(lng) if lng else None, float(lat) if lat else None,
        "bd09" if lng else None, None, row["city"], row["district"])
    return Listing(estate, row["source"], SITES.index(row["source"]))


def cluster_of(result: Merging) -> dict[str, str]:
    """The estate of each listing."""
    return {source: estate.estate_id for estate in result.estates for source in estate.sources}


def strangers(listings: list[Listing]) -> tuple[int, int, int]:
    """Of the names that a site lists twice in a city: how many, how many were merged, and how many of these wrongly."""
    by_name: dict[tuple[str, str], list[Listing]] = defaultdict(list)
    for one in listings:
        by_name[one.source, parse(one.estate.name).full].append(one)
    twice = [found[:2] for found in by_name.values() if len(found) == 2]
    trial = [one for a, b in twice for one in (a, Listing(b.estate, f"{b.source}-2", b.rank))]
    result = merge(trial)
    wrong = sum((pair.metres is None or pair.metres > 150) and "the same" not in pair.reason for pair in result.merged)
    return len(twice), len(result.merged), wrong


def judge(folder: Path) -> None:
    """Merge each city's listings, and print what came of it."""
    bands = ((100, "≤ 100 m"), (300, "≤ 300 m"), (1_000, "≤ 1 km"), (3_000, "≤ 3 km"), (10_000, "≤ 10 km"),
             (10**9, "farther"))
    found, total, open_ = Counter[str](), Counter[str](), Counter[str]()
    for city in CITIES:
        every = [listing(row) for row in rows(folder / f"estates/{city}.csv")]
        # A site's id that stands twice is one listing.
        listings = list({one.id: one for one in every}.values())
        result = merge(listings)
        where = cluster_of(result)
        left = {frozenset((pair.kept.id, pair.other.id)) for pair in result.left}
        names = {one.id: parse(one.estate.name).full for one in listings}
        phases = sum(
            names[a] != names[b] for estate in result.estates for a, b in combinations(estate.sources, 2))
        both = [p for p in result.merged if p.kept.estate.district and p.other.estate.district]
        apart = sum(p.kept.estate.district != p.other.estate.district and (p.metres or 0) > 1_500 for p in both)
        twice, merged, wrong = strangers(listings)
        print(f"{city}: {len(listings):,} listings → {len(result.estates):,} estates; {len(result.merged):,} merges, "
              f"{len(result.left):,} pairs left; {phases} across phases; {apart} of {len(both):,} in other districts; "
              f"strangers {twice}, merged {merged}, of these wrongly {wrong}")
        for row in rows(folder / "estates/pairs_same_name_dev.csv"):
            a, b = f"{row['source_a']}:{row['id_a']}", f"{row['source_b']}:{row['id_b']}"
            if a not in where or b not in where:
                continue
            band = next(name for most, name in bands if int(row["distance_m"]) <= most)
            total[band] += 1
            found[band] += where[a] == where[b]
            open_[band] += where[a] != where[b] and frozenset((a, b)) in left
    print(f"{'two sites put it':<18}{'pairs':>7}{'merged':>9}{'left':>9}{'apart':>9}")
    for _, name in (*bands, (0, "all")):
        n, f, o = ((sum(c.values()) if name == "all" else c[name]) for c in (total, found, open_))
        if n:
            print(f"{name:<18}{n:>7}{f / n:>9.1%}{o / n:>9.1%}{(n - f - o) / n:>9.1%}")
    renames(folder)


def renames(folder: Path) -> None:
    """The pairs of names that one site gave to one id, as listings of two sites at one address."""
    pairs = [row for row in rows(folder / "estates/aliases_same_id.csv") if row["city"]]
    listings = [
        Listing(Estate(f"{n}{side}", row[f"name_{side}"], row["address"], city=row["city"]), side, rank)
        for n, row in enumerate(pairs) for rank, side in enumerate("ab")
    ]
    where = cluster_of(merge(listings))
    spelt = [n for n, row in enumerate(pairs) if parse(row["name_a"]).full == parse(row["name_b"]).full]
    merged = [n for n in range(len(pairs)) if where[f"a:{n}a"] == where[f"b:{n}b"]]
    print(f"one id, two spellings: {len(spelt)} of {len(pairs)}, merged {len(set(spelt) & set(merged))}; "
          f"other names: {len(pairs) - len(spelt)}, merged {len(set(merged) - set(spelt))}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    if not (given.folder / "estates/pairs_same_name_dev.csv").is_file():
        sys.exit(f"{given.folder} has no estates/pairs_same_name_dev.csv: name the folder with the listings")
    judge(given.folder)
