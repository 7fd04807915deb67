"""Rows of a CSV file with the line of each, and every way in which such a file is broken said exactly."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from schemas.encodings import looks_gbk
from schemas.errors import BadReference

_SAVE_AS: Final = 'save it as "CSV UTF-8"'


class Row:
    """One row: its cells by column, its file and its line (1-based)."""

    __slots__ = ("_at", "_cells", "file", "line")

    def __init__(self, file: str, line: int, at: dict[str, int], cells: list[str]) -> None:
        self.file, self.line, self._at, self._cells = file, line, at, cells

    def text(self, column: str) -> str:
        """The cell without the spaces around it; empty where the file has no such column."""
        place = self._at.get(column)
        return "" if place is None else self._cells[place].strip()

    def has(self, column: str) -> bool:
        """Whether the file has the column."""
        return column in self._at

    def needed(self, column: str) -> str:
        """The cell, which must not be empty.

        Raises:
            BadReference: when it is.
        """
        text = self.text(column)
        if not text:
            raise self.bad(f"{column} is empty", "fill it in")
        return text

    def bad(self, what: str, remedy: str = "") -> BadReference:
        """An error at this row."""
        return BadReference(self.file, self.line, what, remedy)


def read_rows(path: Path, required: tuple[str, ...]) -> Iterator[Row]:
    """The rows of a CSV file with a header, UTF-8 with or without BOM; empty lines are passed over.

    Raises:
        BadReference: for another encoding, a missing column, a row with too many or too few cells, open quotes.
    """
    file = path.name
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield from _rows(lines, file, required)
    except UnicodeDecodeError as error:
        raise not_utf8(path, file) from error
    except OSError as error:
        raise BadReference(file, None, f"the file cannot be read: {error.strerror}", "look at its rights") from error


def _rows(lines: Iterator[str], file: str, required: tuple[str, ...]) -> Iterator[Row]:
    reader = csv.reader(lines, strict=True)
    line, at, width = 1, dict[str, int](), 0
    try:
        for cells in reader:
            here, line = line, reader.line_num + 1
            if not any(cells):
                continue
            if not at:
                at, width = _header(cells, file, here, required), len(cells)
                continue
            if len(cells) != width:
                # Nothing is cut off, not even empty cells: a comma too many may have moved the rest.
                what = f"the row has {len(cells)} cells, the header {width}"
                raise BadReference(file, here, what, 'put text with commas in "quotes"; an empty cell keeps its comma')
            yield Row(file, here, at, cells)
    except csv.Error as error:
        remedy = 'put text with commas in "quotes", and close them'
        raise BadReference(file, line, f"not CSV: {error}", remedy) from error
    if not at:
        raise BadReference(file, 1, "the file is empty", "its first line names the columns: " + ", ".join(required))


def _header(cells: list[str], file: str, line: int, required: tuple[str, ...]) -> dict[str, int]:
    names = [cell.strip().lower() for cell in cells]
    for column in required:
        if column not in names:
            have = ", ".join(name for name in names if name)
            remedy = f"the columns are {have}" if len(names) > 1 else "part the columns by commas"
            raise BadReference(file, line, f"the column {column} is missing", remedy)
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise BadReference(file, line, f"the column {twice} stands twice", "take one of them out")
    return {name: place for place, name in enumerate(names) if name}


def read_text(path: Path, file: str) -> str:
    """A whole file in UTF-8, with or without BOM.

    Raises:
        BadReference: for another encoding.
    """
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(path, file) from error
    except OSError as error:
        raise BadReference(file, None, f"the file cannot be read: {error.strerror}", "look at its rights") from error


def not_utf8(path: Path, file: str) -> BadReference:
    """The error for a file that is not UTF-8: with the first line that isn't, and what it is instead."""
    raw = path.read_bytes()
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return BadReference(file, 1, "the file is UTF-16, not UTF-8", _SAVE_AS)
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
    else:
        line = 1
    if looks_gbk(raw):
        return BadReference(file, line, "the file is in GBK, not UTF-8", _SAVE_AS + "（Excel：另存为 → CSV UTF-8）")
    return BadReference(file, line, "a byte that is not UTF-8", _SAVE_AS)
