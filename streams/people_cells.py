"""What a cell says of when and how much somebody works: hours, days off, skills."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Final

from agents.rota import WEEKDAYS
from schemas.values import Role
from streams.csv_rows import Row
from streams.reference_cells import list_of

_HOURS: Final = re.compile(r"^(\d{1,2})[:：](\d{2})\s*[-–—－~～至]\s*(\d{1,2})[:：](\d{2})$")
#: Weekdays as people in a shop write them.
_CHINESE: Final = {
    f"{word}{day}": name
    for word in ("周", "星期", "礼拜") for day, name in zip("一二三四五六日", WEEKDAYS, strict=True)
} | {f"{word}天": "sun" for word in ("周", "星期", "礼拜")}
#: Nobody stands in as these: a face in a group is one person's.
_FACES: Final = frozenset({Role.MAIN_PERSONA, Role.SHILL})


def hours_of(row: Row) -> tuple[time, time] | None:
    """The working hours: ``09:00-21:00``; None where the cell is empty.

    Raises:
        BadReference: for anything else, and for hours that end before they begin.
    """
    text = row.text("hours")
    if not text:
        return None
    match = _HOURS.match(text)
    try:
        first, last = (time(int(match[at]), int(match[at + 1])) for at in (1, 3)) if match else (None, None)
    except ValueError:
        first = last = None
    if first is None or last is None:
        raise row.bad(f"hours is {text}", "write from and to, as 09:00-21:00")
    if last <= first:
        raise row.bad(f"hours {text} end before they begin", "hours lie within one day")
    return first, last


def days_off_of(row: Row) -> tuple[str, ...]:
    """The days off, parted by ``;``: weekdays (``sun``, ``周日``) and dates (``2026-10-01``).

    Raises:
        BadReference: for anything else.
    """
    return tuple(dict.fromkeys(_day(row, word) for word in list_of(row.text("days_off"))))


def _day(row: Row, word: str) -> str:
    name = _CHINESE.get(word, word.lower())
    if name in WEEKDAYS:
        return name
    try:
        if len(word) == len("2026-10-01"):
            return date.fromisoformat(word).isoformat()
    except ValueError:
        pass
    raise row.bad(f"days_off has {word}", f"write weekdays ({', '.join(WEEKDAYS)}) and dates (2026-10-01), parted by ;")


def skills_of(row: Row) -> tuple[Role, ...]:
    """The roles that somebody may stand in for, parted by ``;``.

    Raises:
        BadReference: for what is no role, or one that nobody stands in for by skill.
    """
    able = [role for role in Role if role not in _FACES]
    words = list_of(row.text("skills"))
    wrong = next((word for word in words if word not in able), None)
    if wrong is not None:
        raise row.bad(f"skills has {wrong}", "known are " + ", ".join(able))
    return tuple(Role(word) for word in words)
