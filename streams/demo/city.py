"""The bundled city: Beijing's estates, read from the package itself."""

from __future__ import annotations

import csv
import gzip
import io
from importlib.resources import files

from schemas.reference import Estate


def beijing_estates() -> list[Estate]:
    """The 4,846 estates of Beijing that ship with loupan, by id; points in BD-09, no addresses, no households.

    Source and licence stand in ``data/ATTRIBUTION.md``.
    """
    packed = files("streams.demo").joinpath("data/beijing_estates.csv.gz").read_bytes()
    return [_estate(row) for row in csv.DictReader(io.StringIO(gzip.decompress(packed).decode(), newline=""))]


def _estate(row: dict[str, str]) -> Estate:
    return Estate(
        estate_id=row["estate_id"],
        name=row["name"],
        lng=float(row["lng"]),
        lat=float(row["lat"]),
        crs="bd09",
        city=row["city"],
        district=row["district"],
        build_year=int(row["build_year"]) if row["build_year"] else None,
    )
