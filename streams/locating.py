"""`loupan locate`: the estates of a table of texts, names, addresses and points."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple, TextIO

from msgspec.structs import replace

from maps.book import EstateBook
from maps.locator import Answer, Locator, Said
from schemas.encodings import looks_gbk
from schemas.errors import BadReference
from schemas.values import Crs, Point
from streams.csv_rows import Row, read_text
from streams.reference_cells import point_of
from streams.reference_files import read_estates

_ID: Final = "probe_id"
_EVIDENCE: Final = ("text", "name", "address", "lng", "point", "location", "geometry")
#: Columns that may hold a whole point.
_POINT: Final = ("point", "location", "geometry")
_PAIR: Final = re.compile(r"(?:^\s*|[\[(]\s*)(-?\d+(?:\.\d+)?)\s*[,，;\s]\s*(-?\d+(?:\.\d+)?)\s*(?:$|[\])])")
_DEGREES: Final = re.compile(r"^\s*(?:东经|北纬)?\s*(\d{1,3}(?:\.\d+)?)\s*[°度]?\s*([EWNSewns])?\s*$")
_ANSWERS: Final = ("probe_id", "estate_id", "confidence", "reason", "candidates")
#: What a flag of an answer says.
_FLAGS: Final = {
    "shared_point": "several estates share one point there, a centroid",
    "far": "no estate lies near the point",
}
#: A cell longer than this is no name and no message.
_LONGEST: Final = 10_000


def locate_files(
    catalogue: Path,
    probes: Path,
    out: TextIO,
    progress: Callable[[int, int], None] | None = None,
    default_crs: Crs | None = None,
    warn: Callable[[str], None] | None = None,
    explain: str | None = None,
    point_of_address: Callable[[Locator, Said, str], Said] | None = None,
) -> int:
    """Write an answer for every probe, in the probes' order, and say how many there were.

    A probe that can't be read or used is answered too: unresolved, with what is wrong as its reason.
    `progress` is called with the probes done and their number; `default_crs` is the datum of points that name
    none, which are refused otherwise; `warn` is told what holds for the whole file (read as GBK, points that must
    be of another datum than they say). `explain` writes, in place of the table, how the answer came about to the
    probe of this id, or to `all`. `point_of_address` adds what a geocoder says (`streams.geocoding.clues.pointed`);
    its last word is the city of a catalogue of one.

    Raises:
        BadReference: for a catalogue that isn't right in every row, probes that are no table, or no probe of the id
            to explain; nothing is written then.
    """
    warn = warn or (lambda _: None)
    with readable_text(probes, warn) as file:
        rows = list(_probes(file, probes.name))
    with readable_text(catalogue, warn) as file:
        book = EstateBook.of(read_estates(file, default_crs))
    locator = Locator(book)
    city = min(book.cities) if len(book.cities) == 1 else ""
    if not locator.has_points():
        warn(f"{catalogue.name}: no estate has a point, so that points say nothing")
    asked = [_ask(row, default_crs) for row in rows]
    wrong = _wrong_datums(locator, asked, warn)
    asked = [_without_point(ask, wrong) for ask in asked]
    if explain is not None:
        return _explain(locator, asked, explain, probes.name, out)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_ANSWERS)
    for done, ask in enumerate(asked, start=1):
        if point_of_address is not None and not ask.unreadable:
            ask = ask._replace(said=point_of_address(locator, ask.said, city))  # noqa: PLW2901  # the same, with more
        writer.writerow(_answer(locator, ask))
        if progress is not None:
            progress(done, len(rows))
    return len(rows)


@contextmanager
def readable_text(path: Path, warn: Callable[[str], None]) -> Iterator[Path]:
    """The file itself, or where it is in GBK a copy in UTF-8 for as long as it is read, with a word on it."""
    raw = path.read_bytes() if path.is_file() else b""
    try:
        raw.decode("utf-8")
        gbk = False
    except UnicodeDecodeError:
        gbk = raw[:2] not in (b"\xff\xfe", b"\xfe\xff") and looks_gbk(raw)
    if not gbk:
        yield path
        return
    warn(f"{path.name} is in GBK and was read so; save it as UTF-8 if characters are wrong")
    with TemporaryDirectory() as folder:
        copy = Path(folder, path.name)
        copy.write_text(raw.decode("gb18030"), encoding="utf-8", newline="")
        yield copy


class _Ask(NamedTuple):
    """A probe's id, what it says, what of it can't be used, and whether there is no more to it."""

    probe_id: str
    said: Said
    trouble: str
    unreadable: bool = False


def _ask(row: Row | BadReference, default_crs: Crs | None) -> _Ask:
    if isinstance(row, BadReference):
        return _Ask("", Said(), f"line {row.line}: {row.what}", unreadable=True)
    return _Ask(row.text(_ID), *_said(row, default_crs))


def _answer(locator: Locator, ask: _Ask) -> tuple[str, str, str, str, str]:
    if ask.unreadable:
        return "", "", "0", f"unresolved: {ask.trouble}", ""
    answer = locator.place(ask.said)
    candidates = ";".join(estate_id for estate_id, _ in answer.candidates)
    return ask.probe_id, answer.estate_id or "", f"{answer.confidence:.4g}", _reason(answer, ask), candidates


def _reason(answer: Answer, ask: _Ask) -> str:
    return "; ".join(filter(None, (answer.reason, *(_FLAGS[flag] for flag in answer.flags), ask.trouble)))


def _explain(locator: Locator, asked: Sequence[_Ask], which: str, file: str, out: TextIO) -> int:
    these = [ask for ask in asked if which in ("all", ask.probe_id)]
    if not these:
        raise BadReference(file, None, f"there is no probe {which}", "name a probe_id of the file, or all")
    for ask in these:
        lines = [] if ask.unreadable else locator.explain(ask.said)
        out.write(f"{ask.probe_id or '(no id)'}\n")
        out.writelines(f"  {line}\n" for line in [*lines, *([ask.trouble] if ask.trouble else [])])
    return len(these)


# --- a whole file's datum ------------------------------------------------------------------------------


def _wrong_datums(locator: Locator, asked: Sequence[_Ask], warn: Callable[[str], None]) -> dict[Crs, Crs]:
    """The datums that can't be right for the points that name them, and the one that fits these."""
    wrong = locator.wrong_datums(ask.said for ask in asked)
    for crs, (better, points) in wrong.items():
        warn(
            f"the {points} points said to be {crs} lie far from where they should, and fit {better} much "
            f"better: they were not used; if they are {better}, say so in the column crs or with --crs {better}")
    return {crs: better for crs, (better, _) in wrong.items()}


def _without_point(ask: _Ask, wrong: Mapping[Crs, Crs]) -> _Ask:
    if ask.said.point is None or (better := wrong.get(ask.said.point.crs)) is None:
        return ask
    trouble = f"the point was not used: the file's points of datum {ask.said.point.crs} fit {better} much better"
    return ask._replace(said=replace(ask.said, point=None), trouble="; ".join(filter(None, (ask.trouble, trouble))))


# --- rows ----------------------------------------------------------------------------------------------


def _said(row: Row, default_crs: Crs | None) -> tuple[Said, str]:
    """What a row says of a home, and what of it could not be used."""
    trouble = []
    cells = {}
    for column in ("text", "name", "address"):
        cells[column] = row.text(column)
        if len(cells[column]) > _LONGEST:
            trouble.append(f"the {column} has {len(cells[column])} characters and was not read")
            cells[column] = ""
    point = None
    try:
        lng, lat, crs = point_of(row, default_crs)
    except BadReference as error:
        trouble.append(f"the point was not used: {error.what}")
    else:
        if lng is not None and lat is not None and crs is not None:
            point = Point(lng, lat, crs)
    return Said(point=point, **cells), "; ".join(trouble)


def _probes(path: Path, file: str) -> Iterator[Row | BadReference]:
    """The probes' rows; one with too many or too few cells is its own error, the file goes on."""
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
                yield Row(file, here, at, _with_degrees(at, [*(cells + [""] * width)[:width], "", ""]))
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
    if "lng" not in at and "lat" not in at:
        at |= {"lng": len(cells), "lat": len(cells) + 1}  # to hold what the column point says
    return at


def _with_degrees(at: Mapping[str, int], cells: list[str]) -> list[str]:
    """The cells with the point in lng and lat as plain degrees, however it was written, where that is certain.

    Read are `126.6,45.7` in one cell, GeoJSON (lng before lat in both), and 126.6°E, 东经126.6.
    """
    if "lng" not in at or "lat" not in at:
        return cells
    lng, lat = at["lng"], at["lat"]
    given = next((cells[at[c]].strip() for c in _POINT if c in at and cells[at[c]].strip()), "")
    both = given if given and not cells[lng].strip() else cells[lng] if not cells[lat].strip() else ""
    if both and (found := _PAIR.search(both)):
        cells[lng], cells[lat] = found[1], found[2]
    elif given and not cells[lng].strip():
        cells[lng] = given  # no point: it is refused with its words
    for place in (lng, lat):
        if found := _DEGREES.match(cells[place]):
            cells[place] = ("-" if found[2] in ("W", "S", "w", "s") else "") + found[1]
    return cells
