"""`loupan locate`: probes to estates, CSV to CSV."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from maps.locator import Locator, Said
from schemas.errors import BadFile
from schemas.values import Crs
from streams.commands.shared import DEFAULT_DATABASE, Database, err, opened, progress, readable
from streams.locating import locate_files
from streams.settings import read_settings

_CRS = ("wgs84", "gcj02", "bd09")


def locate_command(
    probes: Annotated[Path, typer.Argument(help="probe_id and any of text, name, address, lng, lat, crs.")],
    catalogue: Annotated[
        Path, typer.Option("--catalogue", help="estate_id, name, address, lng, lat[, crs, households].")
    ],
    crs: Annotated[str, typer.Option(help="The datum of points that name none: wgs84, gcj02 or bd09.")] = "wgs84",
    explain: Annotated[
        str | None, typer.Option("--explain", help="A probe_id, or all: say in words how its answer came about.")
    ] = None,
    geocode: Annotated[
        bool, typer.Option("--geocode", help="Ask the geocoder of LOUPAN_GEOCODER for addresses that say too little.")
    ] = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Map each probe of a CSV file to an estate, or to none: CSV to standard output."""
    if crs not in _CRS:
        raise BadFile("--crs", None, f"there is no datum {crs}", "say wgs84, gcj02 or bd09")
    default: Crs = crs  # type: ignore[assignment]  # just checked
    answers, warnings = io.StringIO(), list[str]()
    with _geocoding(geocode, database) as asking, progress("locating") as report:
        count = locate_files(
            readable(catalogue), readable(probes), answers, report, default, warnings.append, explain, asking)
    for warning in warnings:
        err.print(f"warning: {warning}", markup=False)
    sys.stdout.write(answers.getvalue())
    err.print(f"{count} probes answered")


@contextmanager
def _geocoding(wanted: bool, database: str) -> Iterator[Callable[[Locator, Said, str], Said] | None]:
    """The geocoder of the settings, with its answers and its budget in the database; says at the end what it did.

    Raises:
        BadFile: when it is wanted and none is set, or its key is missing.
    """
    if not wanted:
        yield None
        return
    from streams.geocoding.choosing import geocoding_of  # noqa: PLC0415  # it takes its time to load
    from streams.geocoding.clues import pointed  # noqa: PLC0415  # as above

    settings = read_settings()
    if settings.geocoder is None:
        raise BadFile(
            "--geocode", None, "no geocoder is set", "name one: LOUPAN_GEOCODER=amap, baidu, tencent or nominatim")
    with opened(database) as engine:
        geocoding = geocoding_of(settings, engine)
        yield None if geocoding is None else partial(pointed, geocoding)
        err.print(f"{geocoding}; {geocoding.left() if geocoding else 0} calls left today")
