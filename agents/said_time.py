"""When somebody says they will come, in their own words: 周六下午, 明天三点. Words to call them by, not a promise."""

from __future__ import annotations

import re

#: So many characters are looked at.
READ_CHARS = 200

_DIGIT = "[一二两三四五六七八九十]|[0-9]"
_DAY = (
    r"(?:(?:这|本|下下?)?(?:个)?(?:周|星期|礼拜)[一二三四五六日天末](?:[或、]?[一二三四五六日天](?![点号]))?)"
    r"|(?:今|明|后|大后)天|今(?=[早晚])|明(?=[早晚])"
    r"|(?:[0-9]{1,2}|[一二三四五六七八九十]{1,3})月(?:[0-9]{1,2}|[一二三四五六七八九十]{1,3})[号日]?"
    r"|(?<![0-9])[0-9]{1,2}号(?!楼)|月底|过两天|这两天|国庆|五一|元旦|节后|放假"
)
_PART = r"(?:大?清早|早上|早晨|上午|中午|午后|下午|傍晚|晚上|早|晚)"
_CLOCK = (
    rf"(?:(?:{_DIGIT}){{1,3}}(?:点|时)(?:半|一刻|三刻|钟|(?:{_DIGIT}){{1,3}}分?)?(?:左右|多|前|后|以后|之前)?"
    r"|[0-9]{1,2}[:：][0-9]{2})"
)
_WHEN = re.compile(rf"(?:(?P<day>{_DAY})[的，, ]?)?(?:(?P<part>{_PART})[的，, ]?)?(?P<clock>{_CLOCK})?")
#: No time of a visit: how much, a building, or where a part of a day is a part of another word.
_NO_TIME = frozenset({"早", "晚", "早上", "晚上"})


def when_said(text: str) -> str:
    """The time that a text names, as it was said: the fullest mention, of equal ones the first; empty without one."""
    best = ""
    for match in _WHEN.finditer(text[:READ_CHARS]):
        parts = [part for part in match.groups() if part]
        said = "".join(parts)
        if said in _NO_TIME or len(said) <= len(best):
            continue
        best = said
    return best
