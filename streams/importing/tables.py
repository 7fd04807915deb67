"""CSV and Excel files as numbered rows of cells, whatever encoding, separator or sheet they come in."""

from __future__ import annotations

import codecs
import csv
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from schemas.encodings import looks_gbk
from schemas.errors import BadFile

Cell = str | int | float | bool | datetime | date | time | timedelta | None

EXCEL: Final = (".xlsx", ".xlsm")
_OLD: Final = (".xls", ".et", ".xlsb")
#: What an Excel file may unpack to, in bytes: more is a bomb, or nothing for a laptop.
MOST_UNPACKED: Final = 2 * 1024**3
_CHUNK: Final = 1 << 20
#: Separators, and over how many lines the most frequent one is sought.
_SEPARATORS: Final = ",\t;"
_SAMPLE: Final = 20


class Row(NamedTuple):
    """A row as it stands in the file: its number there (of a CSV the line), and its cells."""

    number: int
    cells: list[Cell]


def rows_of(path: Path, sheet: str | None = None) -> Iterator[Row]:
    """The rows of a CSV or Excel file, empty ones too.

    Raises:
        BadFile: for an encoding that is not told, open quotes, a sheet that isn't there, a workbook that is none.
    """
    suffix = path.suffix.lower()
    if suffix in _OLD:
        raise BadFile(str(path), None, f"{suffix} is not read", "save it as .xlsx, or as CSV")
    return _of_workbook(path, sheet) if suffix in EXCEL else _of_csv(path)


# --- CSV ------------------------------------------------------------------------------------------


def encoding_of(path: Path) -> str:
    """The encoding of a text file: UTF-8 with or without BOM, UTF-16 with one, else GB18030.

    Raises:
        BadFile: when it is none of them, with the first line that cannot be read.
    """
    decoder, lines, start = codecs.getincrementaldecoder("utf-8")(), 1, b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            start = start or chunk
            if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                return "utf-16"
            try:
                lines += decoder.decode(chunk).count("\n")
            except UnicodeDecodeError as error:
                # The decoder may hold the first bytes of a character from the chunk before.
                around = chunk[max(0, error.start - 4):][: 64 * 1024]
                if looks_gbk(_whole_lines(start)) or looks_gbk(_whole_lines(around)):
                    return "gb18030"
                lines += chunk.count(b"\n", 0, max(0, error.start))
                raise BadFile(
                    str(path), lines, "a byte that is neither UTF-8 nor GB18030", 'save it as "CSV UTF-8"') from error
    return "utf-8-sig"


def _whole_lines(raw: bytes) -> bytes:
    """The bytes between the first and the last line break, so that no character is cut; all where there is none."""
    return raw[raw.find(b"\n") + 1: raw.rfind(b"\n")] if raw.count(b"\n") > 2 else raw


def _of_csv(path: Path) -> Iterator[Row]:
    encoding = encoding_of(path)
    with path.open(encoding=encoding, newline="") as sample:
        separator = _separator([line for _, line in zip(range(_SAMPLE), sample, strict=False)])
    line = 1
    try:
        with path.open(encoding=encoding, newline="") as lines:
            reader = csv.reader(lines, strict=True, delimiter=separator)
            for cells in reader:
                here, line = line, reader.line_num + 1
                yield Row(here, list(cells))
    except UnicodeDecodeError as error:
        raise BadFile(str(path), line, f"a byte that is not {encoding}", 'save it as "CSV UTF-8"') from error
    except csv.Error as error:
        remedy = 'put text with commas in "quotes", and close them'
        raise BadFile(str(path), line, f"not CSV: {error}", remedy) from error


def _separator(lines: list[str]) -> str:
    counts = {one: sum(line.count(one) for line in lines) for one in _SEPARATORS}
    return max(_SEPARATORS, key=lambda one: counts[one])


# --- Excel ----------------------------------------------------------------------------------------


def _of_workbook(path: Path, sheet: str | None) -> Iterator[Row]:
    with _workbook(path) as book:
        found = _sheet(book, path, sheet)
        try:
            for number, cells in enumerate(found.iter_rows(values_only=True), start=1):
                yield Row(number, list(cells))
        except BadFile:
            raise
        except Exception as error:
            raise _unreadable(path, error) from error


@contextmanager
def _workbook(path: Path) -> Iterator[Any]:
    _not_too_large(path)
    from openpyxl import load_workbook  # noqa: PLC0415  # it takes its time, and most imports are CSV

    try:
        # A formula's last value; what styles a file lacks is no concern of ours.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(path, read_only=True, data_only=True)
    except Exception as error:
        raise _unreadable(path, error) from error
    try:
        yield book
    finally:
        book.close()


def _not_too_large(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist())
    except zipfile.BadZipFile as error:
        remedy = "save it as .xlsx without a password, or as CSV"
        raise BadFile(str(path), None, "is no Excel workbook (.xlsx)", remedy) from error
    if size > MOST_UNPACKED:
        raise BadFile(str(path), None, f"unpacks to {size // 1024**2} MB: more than is read", "save it as CSV")


def _sheet(book: Any, path: Path, name: str | None) -> Any:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if name is not None and name not in sheets:
        raise BadFile(str(path), None, f"there is no sheet {name}", f"its sheets are {', '.join(sheets)}")
    shown = [sheet for sheet in sheets.values() if sheet.sheet_state == "visible"] or list(sheets.values())
    if not shown:
        raise BadFile(str(path), None, "has no sheet of cells", "name another file")
    found = sheets[name] if name is not None else shown[0]
    # Some programs write a size that is wrong; it would cut rows off.
    found.reset_dimensions()
    return found


def sheets_of(path: Path) -> list[str]:
    """The names of an Excel file's sheets; none of a CSV."""
    if path.suffix.lower() not in EXCEL:
        return []
    with _workbook(path) as book:
        return [sheet.title for sheet in book.worksheets]


def _unreadable(path: Path, error: Exception) -> BadFile:
    what = " ".join(str(error).split())[:200] or type(error).__name__
    return BadFile(str(path), None, f"cannot be read as an Excel workbook: {what}", "open it in Excel and save it anew")
