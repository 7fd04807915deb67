"""What a cell of the reference data says: points, dates, numbers, lists. Each is right or refused with its line."""

from __future__ import annotations

import math
import re
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar

from schemas.errors import BadReference
from schemas.values import Crs
from streams.csv_rows import Row

W = TypeVar("W", bound=StrEnum)

#: Spellings of the three datums.
_CRS: Final[dict[str, Crs]] = {
    "wgs84": "wgs84", "epsg:4326": "wgs84", "gcj02": "gcj02", "bd09": "bd09", "bd09ll": "bd09",
}
#: Where China lies, generously: used only to see that two coordinates were swapped.
_CHINA_LNG, _CHINA_LAT = (73.0, 136.0), (3.0, 54.0)

_COUNT = re.compile(r"^(?:约|共|总)?\s*(\d{1,3}(?:[,，]\d{3})+|\d{1,9})(?:\.0+)?\s*(?:户|套|间|戸)?$")
#: A number that somebody meant, right or wrong; ranges and words are none.
_MEANT = re.compile(r"^[+-]?\d[\dA-Za-z.,，+_]*\s*(?:户|套|间|戸|年)?$", re.ASCII)
_YEAR = re.compile(r"^(\d{4})(?:\.0+)?\s*年?(?:建成?)?$")
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_WHOLE = re.compile(r"^[+-]?\d{1,9}$", re.ASCII)
_OPEN: Final = {
    "": True, "true": True, "1": True, "yes": True, "是": True,
    "false": False, "0": False, "no": False, "否": False,
}
#: More households than this is a developer's total over several estates, or a slip.
_MOST_HOUSEHOLDS: Final = 100_000
_FIRST_YEAR, _LAST_YEAR = 1800, 2200


def point_of(row: Row, default_crs: Crs | None = None) -> tuple[float | None, float | None, Crs | None]:
    """The row's point as (lng, lat, crs) in the datum that it names; three times None where both cells are empty.

    Raises:
        BadReference: for half a point, no or an unknown datum, no number, out of range, swapped.
    """
    lng_text, lat_text = row.text("lng"), row.text("lat")
    if not lng_text and not lat_text:
        return None, None, None
    if not lng_text or not lat_text:
        raise row.bad(f"{'lng' if lng_text else 'lat'} stands without the other", "fill in both, or neither")
    lng, lat = _degrees(row, "lng", lng_text), _degrees(row, "lat", lat_text)
    if (what := wrong_point(lng, lat)) is not None:
        raise row.bad(*what)
    return lng, lat, _crs(row, default_crs)


def _degrees(row: Row, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or "_" in text:
        raise row.bad(f"{column} is not a number: {text}", "write degrees, as 126.535")
    return value


def wrong_point(lng: float, lat: float) -> tuple[str, str] | None:
    """What is wrong with a point in degrees, and the remedy; None for a good one."""
    if _between(lng, _CHINA_LAT) and _between(lat, _CHINA_LNG):
        return f"lng {lng} and lat {lat} are swapped", "lng is the larger of the two in China"
    if not -180 <= lng <= 180:
        return f"lng {lng} is out of range", "lng lies between -180 and 180"
    if not -90 <= lat <= 90:
        return f"lat {lat} is out of range", "lat lies between -90 and 90"
    if lng == lat == 0:
        return "the point is 0, 0, in the sea off Africa", "leave lng and lat empty where the point is not known"
    return None


def _between(value: float, span: tuple[float, float]) -> bool:
    return span[0] <= value <= span[1]


def _crs(row: Row, default: Crs | None) -> Crs:
    text = row.text("crs")
    if not text:
        if default is not None:
            return default
        raise row.bad("a point without crs", "say its datum in the column crs: wgs84, gcj02 or bd09")
    found = _CRS.get(text.lower().replace("-", "").replace("_", "").replace(" ", ""))
    if found is None:
        raise row.bad(f"unknown crs {text}", "write wgs84 (GPS), gcj02 (WeChat, Tencent, AMap) or bd09 (Baidu)")
    return found


def households_of(row: Row) -> int | None:
    """The number of households: ``1124户`` is 1124; 0 and what is no number (``暂无``, ``800-900户``) is not known.

    Raises:
        BadReference: for a number that no estate has.
    """
    text = row.text("households")
    match = _COUNT.match(text)
    count = int(match[1].replace(",", "").replace("，", "")) if match else None
    if (count is None and _MEANT.match(text)) or (count or 0) > _MOST_HOUSEHOLDS:
        remedy = f"write a number from 1 to {_MOST_HOUSEHOLDS}, or leave it empty where it is not known"
        raise row.bad(f"households is {text}", remedy)
    return count or None


def year_of(row: Row) -> int | None:
    """The year of building: ``2009年`` is 2009; 0 and what is no number (``不详``, ``2009-2012年``) is not known.

    Raises:
        BadReference: for a number that is no year of building.
    """
    text = row.text("build_year")
    match = _YEAR.match(text)
    year = int(match[1]) if match else None
    if (year is None and _MEANT.match(text) and text.strip("0")) or (year and not _FIRST_YEAR <= year <= _LAST_YEAR):
        remedy = f"write a year from {_FIRST_YEAR} to {_LAST_YEAR}, or leave it empty where it is not known"
        raise row.bad(f"build_year is {text}", remedy)
    return year or None


def whole_of(row: Row, column: str, least: int, most: int) -> int | None:
    """A whole number between `least` and `most`, None where the cell is empty.

    Raises:
        BadReference: for anything else.
    """
    text = row.text(column)
    if not text:
        return None
    if not _WHOLE.match(text):
        raise row.bad(f"{column} is not a whole number: {text}", f"write a number from {least} to {most}")
    value = int(text)
    if not least <= value <= most:
        raise row.bad(f"{column} is {value}", f"write a number from {least} to {most}")
    return value


def date_of(row: Row, column: str) -> str:
    """A date as 2026-03-02.

    Raises:
        BadReference: for anything else, or a day that no calendar has.
    """
    text = row.needed(column)
    try:
        good = bool(_DATE.match(text)) and date.fromisoformat(text) is not None
    except ValueError:
        good = False
    if not good:
        raise row.bad(f"{column} is not a date: {text}", "write it as 2026-03-02")
    return text


def open_of(row: Row) -> bool:
    """Whether the group is open to us: true/false, 1/0, yes/no, 是/否; yes where nothing stands.

    Raises:
        BadReference: for any other word.
    """
    text = row.text("open")
    found = _OPEN.get(text.lower())
    if found is None:
        raise row.bad(f"open is neither yes nor no: {text}", "write true or false")
    return found


def list_of(text: str) -> tuple[str, ...]:
    """The parts between ``;`` (or ``；``), each once, in their order."""
    if not text:
        return ()
    parts = (part.strip() for part in text.replace("；", ";").split(";"))
    return tuple(dict.fromkeys(part for part in parts if part))


def word_of(row: Row, column: str, words: type[W], default: W | None = None) -> W:
    """One of the words of an enum, or its default where the cell is empty.

    Raises:
        BadReference: for an unknown word.
    """
    text = row.text(column) if default is not None else row.needed(column)
    if not text and default is not None:
        return default
    try:
        return words(text)
    except ValueError:
        raise row.bad(f"unknown {column} {text}", "known are " + ", ".join(words)) from None


def unknown(row: Row, column: str, value: str, file: str) -> BadReference:
    """The error for a row that speaks of something that `file` does not have."""
    return row.bad(f"{column} {value} is not in {file}", f"add it to {file}, or correct it here")
