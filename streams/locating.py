"""`loupan locate`: the estates of a table of texts, names, addresses and points."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Final, TextIO

from maps.book import EstateBook
from maps.clues import Clue, ClueKind
from maps.locator import Answer, Locator
from schemas.errors import BadReference
from schemas.values import Crs, Point
from streams.csv_rows import Row, read_text
from streams.reference_cells import point_of
from streams.reference_files import read_estates

_ID: Final = "probe_id"
_EVIDENCE: Final = ("text", "name", "address", "lng")
_ANSWERS: Final = ("probe_id", "estate_id", "confidence", "reason", "candidates")
#: A cell longer than this is no name and no message.
_LONGEST: Final = 10_000


def locate_files(
    catalogue: Path,
    probes: Path,
    out: TextIO,
    progress: Callable[[int, int], None] | None = None,
    default_crs: Crs | None = None,
) -> int:
    """Write an answer for every probe, in the probes' order, and say how many there were.

    A probe that can't be read or used is answered too: unresolved, with what is wrong as its reason.
    `progress` is called with the probes done and their number; `default_crs` is the datum of points that name
    none, which are refused otherwise.

    Raises:
        BadReference: for a catalogue that isn't right in every row, or probes that are no table; nothing is
            written then.
    """
    rows = list(_probes(probes))
    locator = Locator(EstateBook.of(read_estates(catalogue, default_crs)))
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_ANSWERS)
    for done, row in enumerate(rows, start=1):
        writer.writerow(_answer(locator, row, default_crs))
        if progress is not None:
            progress(done, len(rows))
    return len(rows)


def _answer(locator: Locator, row: Row | BadReference, default_crs: Crs | None) -> tuple[str, str, str, str, str]:
    if isinstance(row, BadReference):
        return "", "", "0", f"unresolved: line {row.line}: {row.what}", ""
    clues, trouble = _clues(locator, row, default_crs)
    answer = locator.weigh(clues) if clues or not trouble else Answer(None, 0.0, "unresolved", ())
    reason = answer.reason + (f"; {trouble}" if trouble else "")
    candidates = ";".join(estate_id for estate_id, _ in answer.candidates)
    return row.text(_ID), answer.estate_id or "", f"{answer.confidence:.4g}", reason, candidates


def _clues(locator: Locator, row: Row, default_crs: Crs | None) -> tuple[list[Clue], str]:
    """The clues of a row, and what of it could not be used."""
    clues: list[Clue | None] = []
    trouble = ""
    for column, kind in (("text", ClueKind.OWN_WORDS), ("name", ClueKind.CATALOGUE), ("address", ClueKind.ADDRESS)):
        said = row.text(column)
        if len(said) > _LONGEST:
            trouble = f"the {column} has {len(said)} characters and was not read"
        elif said and column == "address":
            clues.append(locator.from_address(kind, said))
        elif said:
            clues.append(locator.from_text(kind, said))
    try:
        lng, lat, crs = point_of(row, default_crs)
    except BadReference as error:
        trouble = f"the point was not used: {error.what}"
    else:
        if lng is not None and lat is not None and crs is not None:
            clues.append(seen := locator.from_point(ClueKind.POINT, Point(lng, lat, crs)))
            trouble = trouble if seen else "no estate lies near the point"
    return [clue for clue in clues if clue is not None], trouble


def _probes(path: Path) -> Iterator[Row | BadReference]:
    """The probes' rows; one with too many or too few cells is its own error, the file goes on."""
    file = path.name
    # strict: a quote that is never closed would swallow all probes after it without a word.
    lines = csv.reader(StringIO(read_text(path, file), newline=""), strict=True)
    at: dict[str, int] = {}
    width, line = 0, 1
    try:
        for cells in lines:
            here, line = line, lines.line_num + 1
            if not any(cells):
                continue
            if not at:
                at, width = _columns(cells, file, here), len(cells)
            elif len(cells) != width and any(cells[width:]):
                yield BadReference(file, here, f"the row has {len(cells)} cells, the header {width}")
            else:
                yield Row(file, here, at, (cells + [""] * width)[:width])
    except csv.Error as error:
        remedy = 'put text with commas in "quotes", and close them'
        raise BadReference(file, line, f"not CSV: {error}", remedy) from error
    if not at:
        raise BadReference(file, 1, "the file is empty", f"its first line names the columns: {_ID}, text, …")


def _columns(cells: list[str], file: str, line: int) -> dict[str, int]:
    names = [cell.strip().lower() for cell in cells]
    at = {name: place for place, name in reversed(list(enumerate(names))) if name}
    if _ID not in at:
        raise BadReference(file, line, f"the column {_ID} is missing", "name the columns in the first line")
    if not any(column in at for column in _EVIDENCE):
        remedy = "add one of text, name, address, or lng, lat, crs"
        raise BadReference(file, line, "there is nothing to locate by", remedy)
    return at
