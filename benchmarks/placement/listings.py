"""Real listings of three cities as catalogues and probes: one site's list is the book, the other sites' ask it.

The truth of a probe is the catalogue's estate of the same name. It is noisy itself: two sites place one estate
60–140 m apart in the median, and in 2–9 % of pairs over 2 km apart, where one of them is wrong, or they are two.
A fifth of the catalogue's estates is left out; probes of these must stay unresolved.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

CITIES = ("harbin", "changchun", "qiqihar")
#: The sites that serve as catalogue: those with the most points.
CATALOGUES = {"harbin": ("ke", "sofang"), "changchun": ("sofang", "fccs"), "qiqihar": ("sofang", "souloula")}
#: The share of a catalogue's estates that is left out of it.
LEFT_OUT = 0.2
_NOISE = re.compile(r"[\s·•・.。*()（）\[\]【】\-—_]")


@dataclass(frozen=True)
class Listing:
    """A row of one site; the point is BD-09, as listed."""

    city: str
    source: str
    listing_id: str
    name: str
    address: str
    district: str
    lng: float | None
    lat: float | None
    households: str
    flags: str


@dataclass(frozen=True)
class Ask:
    """A listing that asks the catalogue, and the estate id that would be right; None where it was left out."""

    listing: Listing
    truth: str | None


@dataclass(frozen=True)
class Trial:
    """A catalogue and what is asked of it."""

    city: str
    source: str
    catalogue: tuple[Listing, ...]
    asks: tuple[Ask, ...]


def read(folder: Path, city: str) -> list[Listing]:
    """The listings of a city; `folder` holds harbin.csv, changchun.csv, qiqihar.csv."""
    with (folder / f"{city}.csv").open(encoding="utf-8", newline="") as lines:
        return [_listing(row) for row in csv.DictReader(lines)]


def _listing(row: dict[str, str]) -> Listing:
    point = [float(row[c]) if row[c] else None for c in ("lng_bd09", "lat_bd09")]
    return Listing(
        row["city"], row["source"], row["source_id"], row["name"], row["address"], row["district"],
        point[0], point[1], row["households"], row["flags"],
    )


def key(name: str) -> str:
    """The name under which two sites' listings are one estate: without width, case, dots, brackets."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", name).casefold())


def households_in(written: str) -> int | None:
    """Households as the site gives them, where that is a number."""
    return int(float(written)) if written.replace(".", "", 1).isdigit() and float(written) >= 1 else None


def share(*parts: object) -> float:
    """A number in [0, 1) that hangs on the parts alone: the draw of everything here, the same on every run."""
    digest = sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def trials(folder: Path, city: str) -> list[Trial]:
    """A city's trials, one for each site that serves as catalogue."""
    rows = read(folder, city)
    return [_trial(city, source, rows) for source in CATALOGUES[city]]


def _trial(city: str, source: str, rows: list[Listing]) -> Trial:
    by_key: dict[str, list[Listing]] = {}
    for row in rows:
        if row.source == source:
            by_key.setdefault(key(row.name), []).append(row)
    kept = {k: r for k, r in by_key.items() if share("left out", city, source, k) >= LEFT_OUT}
    asks = []
    for row in rows:
        if row.source != source and len(same := by_key.get(key(row.name), ())) == 1:
            asks.append(Ask(  # noqa: PERF401 - with the name bound above
                row, same[0].listing_id if key(row.name) in kept else None))
    catalogue = tuple(row for group in kept.values() for row in group)
    return Trial(city, source, catalogue, tuple(asks))


def write_catalogue(path: Path, catalogue: tuple[Listing, ...]) -> None:
    """The catalogue as `loupan locate` reads it."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["estate_id", "name", "address", "lng", "lat", "crs", "households"])
        for row in catalogue:
            point = [row.lng, row.lat, "bd09"] if row.lng is not None else ["", "", ""]
            writer.writerow([row.listing_id, row.name, row.address, *point, households_in(row.households) or ""])
