"""`loupan import estates`: listings of several sites, checked row by row, merged, and reported on."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from maps.merging import Listing, Merging, Pair, merge
from maps.parents import with_parents
from maps.points import Flag, bare_city, flags_of, points_of
from schemas.reference import Estate
from schemas.values import Crs
from streams.csv_rows import Row
from streams.districts import Ground, away_from, grounds_of, knows_city
from streams.reference_files import estate_rows

#: The report's columns.
COLUMNS: Final = ("what", "file", "line", "estate_id", "name", "other_file", "other_line", "other_id", "other_name",
                  "why")
#: What a note may be about.
NOTES: Final = ("merged", "left", Flag.NO_COORD, Flag.SHARED_POINT, Flag.OUTSIDE_CITY, "district")
#: A point may lie so far (degrees, some 300 m) from the district that it names: borders are roads.
_BORDER: Final = 0.003


class Place(NamedTuple):
    """Where a listing stands."""

    file: str
    line: int | None


class Note(NamedTuple):
    """A line of the report: what was merged or left, or what is to be looked at in one listing, and why."""

    what: str
    listing: Listing
    other: Listing | None
    why: str


@dataclass(frozen=True, slots=True)
class Listed:
    """The listings of all files, the estates that they come to with those known before, and what is to be said."""

    listings: int
    estates: tuple[Estate, ...]
    notes: tuple[Note, ...]
    places: Mapping[str, Place]

    @property
    def counts(self) -> Counter[str]:
        """How many notes there are of each kind."""
        return Counter(note.what for note in self.notes)

    def lines(self) -> Iterator[tuple[str, ...]]:
        """The report's rows, without the header."""
        nowhere = Place("", None)
        for note in self.notes:
            one = self._cells(note.listing, self.places.get(note.listing.id, nowhere))
            other = self._cells(note.other, self.places.get(note.other.id, nowhere)) if note.other else ("",) * 4
            yield note.what, *one, *other, note.why

    def _cells(self, listing: Listing, place: Place) -> tuple[str, str, str, str]:
        line = "" if place.line is None else str(place.line)
        return place.file or "(in the book)", line, listing.estate.estate_id, listing.estate.name

    def report(self) -> str:
        """The report as CSV, with the mark that has Excel read it as UTF-8."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(tuple(_text(cell) for cell in line) for line in self.lines())
        return "\ufeff" + out.getvalue()


def read_listings(paths: Sequence[Path], default_crs: Crs | None = None) -> tuple[list[Listing], dict[str, Place]]:
    """The listings of the files, the first file trusted most, and where each stands.

    A listing's site is its column `source`, else the file's name without its ending.

    Raises:
        BadReference: with file and line, for whatever cannot be read or cannot be right; nothing is used then.
    """
    listings: list[Listing] = []
    places: dict[str, Place] = {}
    first: dict[str, Place] = {}
    for rank, path in enumerate(paths):
        for row, estate in estate_rows(path, default_crs):
            before = first.setdefault(estate.estate_id, here := Place(path.name, row.line))
            if before is not here:
                where = f"in line {before.line}" if before.file == path.name else f"in {before.file}:{before.line}"
                raise row.bad(f"estate_id {estate.estate_id} stands twice, first {where}", "give each its own id")
            listing = Listing(estate, _source(row, path), rank)
            listings.append(listing)
            places[listing.id] = here
    return listings, places


def _source(row: Row, path: Path) -> str:
    source = row.text("source") or path.stem
    if ":" in source or ";" in source:
        raise row.bad(f"source is {source}", "a site's name has neither : nor ;")
    return source


def merge_listings(
    listings: Sequence[Listing], places: Mapping[str, Place], known: Mapping[str, Estate]
) -> Listed:
    """Merge the listings with each other and with the estates that are known; say what is to be looked at."""
    merging = merge(listings, known.values())
    estates = tuple(with_parents(merging.estates))
    notes = [*_pairs(merging), *_doubts(listings)]
    return Listed(len(listings), estates, tuple(notes), places)


def _pairs(merging: Merging) -> Iterator[Note]:
    def note(what: str, pair: Pair) -> Note:
        return Note(what, pair.kept, pair.other, pair.reason)

    yield from (note("left", pair) for pair in merging.left)
    yield from (note("merged", pair) for pair in merging.merged)


def _doubts(listings: Sequence[Listing]) -> Iterator[Note]:
    """What is to be known of the listings' points, by site: it does not keep an estate out of the book."""
    by_source: dict[str, list[Listing]] = {}
    for listing in listings:
        by_source.setdefault(listing.source, []).append(listing)
    for _, rows in sorted(by_source.items()):
        rows.sort(key=lambda row: row.estate.estate_id)
        lngs, lats = points_of([row.estate for row in rows])
        points = dict(zip(range(len(rows)), zip(lngs.tolist(), lats.tolist(), strict=True), strict=True))
        flags = flags_of([row.estate for row in rows], lngs, lats)
        placed = [i for i in points if Flag.NO_COORD not in flags.get(i, ())]
        grounds = dict(zip(placed, grounds_of([points[i] for i in placed]), strict=True))
        for i, listing in enumerate(rows):
            if i not in grounds:
                yield Note(Flag.NO_COORD, listing, None, "no point: it is found by its name and address only")
                continue
            if Flag.SHARED_POINT in flags.get(i, ()):
                yield Note(Flag.SHARED_POINT, listing, None, "four estates or more on one point: a centroid")
            if (why := _misplaced(listing.estate, grounds[i], points[i])) is not None:
                yield Note(why[0], listing, None, why[1])


def _misplaced(estate: Estate, ground: Ground | None, point: tuple[float, float]) -> tuple[str, str] | None:
    """Whether a point lies outside the city or the district that its row names, and where instead."""
    lng, lat = point
    if ground is None:
        return Flag.OUTSIDE_CITY, f"the point {lng:.4f}, {lat:.4f} lies at sea or abroad: look at crs, lng and lat"
    if estate.city and bare_city(estate.city) != ground.city and knows_city(estate.city):
        where = ground.city + ground.district
        return Flag.OUTSIDE_CITY, f"the point lies in {where}, not in {estate.city}: look at crs, lng and lat"
    if not estate.district or not estate.city or _alike(estate.district, ground.district):
        return None
    away = away_from(estate.city, estate.district, lng, lat)
    if away is None or away <= _BORDER:
        return None
    return "district", f"the point lies in {ground.district}, the row says {estate.district}"


def _alike(one: str, other: str) -> bool:
    return one.strip()[:2] == other[:2]


def _text(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell
