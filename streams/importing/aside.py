"""What is wrong in a file, put aside: the rows as they stand, with the reason, as a CSV to be corrected."""

from __future__ import annotations

import csv
import os
from io import StringIO
from pathlib import Path

from schemas.errors import BadFile
from streams.importing.items import Source, Wrong
from streams.whole import not_written

#: The columns before those of the file.
_OURS = ("loupan_row", "loupan_column", "loupan_reason")
#: A cell that begins so would be a formula to Excel.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def put_aside(path: Path, source: Source, wrong: list[Wrong]) -> None:
    """Write them whole or not at all, UTF-8 with BOM, as Excel wants it. The same content may be there already.

    Raises:
        BadFile: when something else is there, or the path can be no file.
        Unavailable: when the system does not let us write it.
    """
    raw = _written(source, wrong)
    try:
        if path.exists():
            if path.read_bytes() != raw:
                raise BadFile(str(path), None, "is there already", "move it away, or name another with --wrong-to")
            return
        half = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            half.write_bytes(raw)
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)
    except OSError as error:
        raise not_written(path, error) from error


def _written(source: Source, wrong: list[Wrong]) -> bytes:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow((*_OURS, *source.header))
    for one in wrong:
        columns = "; ".join(dict.fromkeys(fault.column for fault in one.faults if fault.column))
        reason = "; ".join(f"{fault.column}: {fault.what}" if fault.column else fault.what for fault in one.faults)
        for row in one.rows() or ((),):
            writer.writerow([_cell(cell) for cell in (str(one.faults[0].place), columns, reason, *row)])
    return text.getvalue().encode("utf-8-sig")


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True
