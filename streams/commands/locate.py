"""`loupan locate`: probes to estates, CSV to CSV."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from schemas.errors import BadFile
from schemas.values import Crs
from streams.commands.shared import err, progress, readable
from streams.locating import locate_files

_CRS = ("wgs84", "gcj02", "bd09")


def locate_command(
    probes: Annotated[Path, typer.Argument(help="probe_id and any of text, name, address, lng, lat, crs.")],
    catalogue: Annotated[
        Path, typer.Option("--catalogue", help="estate_id, name, address, lng, lat[, crs, households].")
    ],
    crs: Annotated[str, typer.Option(help="The datum of points that name none: wgs84, gcj02 or bd09.")] = "wgs84",
) -> None:
    """Map each probe of a CSV file to an estate, or to none: CSV to standard output."""
    if crs not in _CRS:
        raise BadFile("--crs", None, f"there is no datum {crs}", "say wgs84, gcj02 or bd09")
    default: Crs = crs  # type: ignore[assignment]  # just checked
    answers = io.StringIO()
    with progress("locating") as report:
        count = locate_files(readable(catalogue), readable(probes), answers, report, default)
    sys.stdout.write(answers.getvalue())
    err.print(f"{count} probes answered")
