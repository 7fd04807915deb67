"""A cell as a text, a sum, a number or a time: whatever people and programs write into tables."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo

from streams.importing.tables import Cell


class BadCell(ValueError):
    """A cell that cannot be read as what it should be; the message says what it is and what it should be."""


#: Excel's words for a formula that failed.
_FAILED: Final = frozenset("#N/A #REF! #VALUE! #DIV/0! #NAME? #NUM! #NULL!".split())
#: Digits that Excel keeps of a number.
_DIGITS: Final = 15
#: A mobile number (with or without +86, blanks and dashes) or one with an area code.
PHONE: Final = re.compile(
    r"(?<![\d-])(?:(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}|0\d{2,3}[- ]?\d{7,8})(?!\d)")
_ONLY_PHONE: Final = re.compile(r"(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}")
_MONEY: Final = re.compile(r"[¥￥$]|元|RMB|CNY|,|\s", re.IGNORECASE)
_WHEN: Final = re.compile(
    r"(?P<y>\d{4})[-/.年](?P<m>\d{1,2})[-/.月](?P<d>\d{1,2})日?"
    r"(?:[T\s]*(?P<H>\d{1,2})[:时点](?P<M>\d{1,2})(?:[:分](?P<S>\d{1,2})(?:\.\d+)?)?[分秒]?)?"
    r"\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?")
_COMPACT: Final = re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?:(?P<H>\d{2})(?P<M>\d{2})(?P<S>\d{2}))?")
#: Excel counts days from here; the day numbers that are taken for dates are those of 2000 to 2099.
_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001  # it is given the file's zone when it is used
_FIRST_DAY, _LAST_DAY = 36526, 73050


def text(cell: Cell) -> str:
    """The cell as people see it, without the blanks around it; empty where it is empty.

    Raises:
        BadCell: for a formula that failed, and a number of which Excel kept only the first digits.
    """
    if cell is None:
        return ""
    if isinstance(cell, str):
        said = cell.replace("\xa0", " ").strip()
        if said in _FAILED:
            raise BadCell(f"the formula failed ({said})")
        return said
    if isinstance(cell, float):
        if abs(cell) >= 10**_DIGITS:
            raise _too_long()
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) >= 10**_DIGITS:
        raise _too_long()
    return str(cell)


def narrow(cell: Cell) -> str:
    """As `text`, with wide digits, letters and signs as narrow ones: for whatever is compared or reckoned with."""
    return unicodedata.normalize("NFKC", text(cell)).strip()


def _too_long() -> BadCell:
    return BadCell(f"a number of more than {_DIGITS} digits, of which Excel keeps no more: make the column text")


def name(cell: Cell) -> str:
    """An id. Nobody's phone number is ever one.

    Raises:
        BadCell: when it is one, is too long, or is a number that lost its end (`2.02603E+17`).
    """
    said = text(cell)
    if re.fullmatch(r"\d\.\d+[eE]\+\d+", said):
        raise BadCell(f"{said} has lost its last digits: make the column text in Excel, and export it again")
    if _ONLY_PHONE.fullmatch(said):
        raise BadCell("a phone number is never kept: name a column with an id of another kind")
    if len(said) > 256:
        raise BadCell("longer than 256 characters")
    return said


def words(cell: Cell) -> str:
    """A text that somebody wrote, without the phone numbers in it."""
    return " ".join(PHONE.sub(" ", text(cell)).split())[:2000]


def fen(cell: Cell, unit: str) -> int | None:
    """A sum in fen; None where it is empty. `unit` is yuan or fen.

    Raises:
        BadCell: when it is no sum, is negative, or has parts of a fen.
    """
    if cell is None or isinstance(cell, bool | datetime | date | time | timedelta):
        if cell is None:
            return None
        raise BadCell(f"{cell} is no sum of money")
    # What a formula reckons in binary fractions is a hair beside the sum that is meant.
    said = repr(round(cell, 6)) if isinstance(cell, float) else _MONEY.sub("", narrow(cell))
    if not said or said == "-":
        return None
    try:
        sum_ = Decimal(said) * (100 if unit == "yuan" else 1)
    except InvalidOperation as error:
        raise BadCell(f"{text(cell)[:40]} is no sum of money") from error
    if not sum_.is_finite() or abs(sum_) > 10**15:
        raise BadCell(f"{text(cell)[:40]} is no sum of money")
    if sum_ < 0:
        raise BadCell(f"{said} is less than nothing: money given back is a status (refunded), not a negative sum")
    whole = sum_.quantize(Decimal(1), ROUND_HALF_EVEN)
    if whole != sum_:
        raise BadCell(f"{said} {unit} has parts of a fen")
    return int(whole)


def count(cell: Cell) -> int | None:
    """A quantity; None where it is empty.

    Raises:
        BadCell: when it is no whole number from 1 on.
    """
    said = narrow(cell).replace(",", "")
    if not said:
        return None
    try:
        number = Decimal(said)
    except InvalidOperation as error:
        raise BadCell(f"{said[:40]} is no number") from error
    if not number.is_finite() or number != int(number) or not 1 <= number <= 1_000_000:
        raise BadCell(f"{said[:40]} is no whole number from 1 to 1,000,000")
    return int(number)


def degrees(cell: Cell, most: int) -> float | None:
    """A longitude (`most` 180) or latitude (90); None where it is empty.

    Raises:
        BadCell: when it is none.
    """
    said = narrow(cell)
    if not said:
        return None
    try:
        number = float(said)
    except ValueError as error:
        raise BadCell(f"{said[:40]} is no number of degrees") from error
    if not -most <= number <= most:
        raise BadCell(f"{said[:40]} is not between -{most} and {most} degrees")
    return number


def moment(cell: Cell, zone: ZoneInfo, formats: Sequence[str] = ()) -> datetime | None:
    """A time with its offset; a date is its midnight in `zone`. None where it is empty.

    Raises:
        BadCell: when it is none; a date whose day and month may be either wants a `date_format`.
    """
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=zone) if cell.tzinfo is None else cell
    if isinstance(cell, date):
        return datetime.combine(cell, time(), zone)
    if isinstance(cell, int | float) and not isinstance(cell, bool) and _FIRST_DAY <= cell <= _LAST_DAY and not formats:
        return (_EPOCH + timedelta(seconds=round(cell * 86_400))).replace(tzinfo=zone)
    said = narrow(cell)
    if not said:
        return None
    return _by_format(said, zone, formats) if formats else _by_habit(said, zone)


def _by_format(said: str, zone: ZoneInfo, formats: Sequence[str]) -> datetime:
    for form in formats:
        try:
            found = datetime.strptime(said, form)  # noqa: DTZ007  # a zone of its own is kept, else it is the file's
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=zone)
    raise BadCell(f"{said[:40]} is not a time as date_format says ({', '.join(formats)})")


def _by_habit(said: str, zone: ZoneInfo) -> datetime:
    found = _WHEN.fullmatch(said) or _COMPACT.fullmatch(said)
    if found is None:
        raise BadCell(f"{said[:40]} is no time like 2026-03-02 19:30: say how it is written with date_format")
    parts = found.groupdict()
    try:
        at = datetime(  # noqa: DTZ001  # the zone follows
            int(parts["y"]), int(parts["m"]), int(parts["d"]), int(parts["H"] or 0), int(parts["M"] or 0),
            int(parts["S"] or 0))
    except ValueError as error:
        raise BadCell(f"{said[:40]} is no time: {error}") from error
    return at.replace(tzinfo=_zone(parts.get("zone"), zone))


def _zone(said: str | None, zone: ZoneInfo) -> ZoneInfo | timezone:
    if not said:
        return zone
    if said == "Z":
        return timezone.utc  # noqa: UP017  # a timezone, as the other branch
    sign = -1 if said[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(said[1:3]), minutes=int(said[-2:])))
