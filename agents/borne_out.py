"""Whether a buyer's words are borne out by their order: that they live here, and for how long they have used it.

A buyer speaks for themselves, and still out of a script that somebody else wrote. That they bought is proved by the
order that the task names; that they are a neighbour only by an order for a home here, and that they have used it for
three years only by a delivery three years ago.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from agents.claims import claims, read

#: Words of a claim that place its speaker in this estate; 我家 alone may be anywhere.
_HERE = re.compile(
    r"小区|楼盘|[栋幢]|单元|号楼|楼[上下道里]|邻居|业主|住户|街坊|社区|院里|物业|对门|隔壁|住在?[这咱本]|\d期|live|neighb|resident|owner|estate"
)
_DIGITS = {**{sign: number for number, sign in enumerate("零一二三四五六七八九")}, "两": 2, "几": 3}
_NUMBER = r"(\d{1,4}|[零一两二三四五六七八九几]?十[一二三四五六七八九几]?|[一两二三四五六七八九几半])"
_SINCE = re.compile(
    rf"(?:用|住|装|睡|坐|过|买|入手|搬来|搬进[来去])(?:了|着|过|完|好|上)*(?:快|有|都|将近|差不多|大概|已经|整整|满)*{_NUMBER}"
    r"(多|来)?个?(?:多)?(年|月|周|星期|礼拜|天)"
)
_NEARLY = re.compile("快|将近|差不多|大概")
#: An expression that names no number: 去年装的, 前年买的.
_LAST_YEAR = re.compile(r"(大前|前|去)年[^，？]{0,6}(?:买|订|定|装|做|用|入手|住|搬)")
_DAYS = {"年": 365, "月": 30, "周": 7, "星期": 7, "礼拜": 7, "天": 1}
_YEARS_AGO = {"去": 1, "前": 2, "大前": 3}


def fault(text: str, estate: str, *, here: bool, since: date | None, today: date) -> str | None:
    """What a buyer's words say beyond what their order bears out; None where it bears them out.

    `here`: the order is for a home in this estate; `since`: the day on which it was delivered, where that is known.
    """
    if not here and (words := lives_here(text, estate)) is not None:
        return f"no order for a home here bears out: “{words}”"
    if (used := used_for(text)) is not None and (since is None or (today - since).days < used[1]):
        return f"it was not delivered so long ago: “{used[0]}”"
    if (bought := years_ago(text)) is not None and (since is None or today.year - since.year < bought[1]):
        return f"it was not delivered so long ago: “{bought[0]}”"
    return None


@lru_cache(maxsize=1024)
def lives_here(text: str, estate: str = "") -> str | None:
    """The words by which a speaker says that this estate is theirs; None where they do not say so."""
    found = (claim.text for claim in claims(text, estate) if claim.kind == "owner")
    return next((words for words in found if _HERE.search(words) or (estate and estate in words)), None)


@lru_cache(maxsize=1024)
def used_for(text: str) -> tuple[str, int] | None:
    """For how many days, at the least, a speaker says that they have had it, and in which words; the longest."""
    folded = read(text).text
    said = [(match[0], _days(match)) for match in _SINCE.finditer(folded)]
    return max(said, key=lambda one: one[1], default=None)


@lru_cache(maxsize=1024)
def years_ago(text: str) -> tuple[str, int] | None:
    """How many calendar years ago a speaker says that they bought it, and in which words: 去年装的 is 1."""
    match = _LAST_YEAR.search(read(text).text)
    return (match[0], _YEARS_AGO[match[1]]) if match is not None else None


def longest_said(text: str) -> str | None:
    """The words by which a speaker says for how long, or since when, they have had it; None where they do not."""
    found = used_for(text) or years_ago(text)
    return found[0] if found is not None else None


def _days(match: re.Match[str]) -> int:
    days = _number(match[1], _DAYS[match[3]])
    # 快两年 is not yet two years.
    return days * 4 // 5 if _NEARLY.search(match[0]) else days


def _number(word: str, days: int) -> int:
    """So many times so many days: 半 is a half, 十几 at least eleven, 几 at least three."""
    if word.isdigit():
        return int(word) * days
    if word == "半":
        return days // 2
    tens, ten, ones = word.rpartition("十")
    if not ten:
        return _DIGITS[word] * days
    return (10 * _DIGITS.get(tens, 1) + (1 if ones == "几" else _DIGITS.get(ones, 0))) * days
