"""Whether two addresses can be of one estate: by their roads and house numbers, however loosely written."""

from __future__ import annotations

import re

from maps.names import plain

_BRACKETED = re.compile(r"\[[^\]]*\]|【[^】]*】")
_ROAD = re.compile(r"([\u4e00-\u9fff]{1,7}?(?:大街|大道|胡同|路|街|道|巷))(?:\s*([甲乙丙]?\d{1,5}))?")
_JOINING = re.compile(
    r"^.*(?:[与和及、近邻至]|交汇|交会|区|县|市|镇|东|西|南|北)"
    r"(?=[\u4e00-\u9fff]{2,}(?:大街|大道|胡同|路|街|道|巷)$)"
)


def roads_in(address: str) -> tuple[tuple[str, str], ...]:
    """The roads of an address with their house numbers, where it gives one."""
    out = []
    for road, number in _ROAD.findall(_BRACKETED.sub("", plain(address))):
        name = _JOINING.sub("", road)
        if len(name) > 1:
            out.append((name, number.lstrip("0")))
    return tuple(out[:8])


def agree(one: tuple[tuple[str, str], ...], other: tuple[tuple[str, str], ...]) -> str | None:
    """How two addresses' roads agree: `number`, `road`, `other`; None where one of them names no road."""
    if not one or not other:
        return None
    found = "other"
    for road, number in one:
        for name, its in other:
            if road == name or (len(road) > 2 and name.endswith(road)) or (len(name) > 2 and road.endswith(name)):
                if number and number == its:
                    return "number"
                found = "road"
    return found
