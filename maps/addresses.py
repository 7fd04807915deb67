"""Roads and house numbers in an address, as far as telling estates apart needs them."""

from __future__ import annotations

import re
from collections.abc import Collection

from maps.names import plain

_ROAD = re.compile(r"([\u4e00-\u9fff]{1,9}?(?:大街|大道|胡同|路|街|道|巷|弄))\s*(甲|乙|丙)?(\d{1,4})(?:-\d+)?\s*号?")
_ROAD_ONLY = re.compile(r"(?:大街|大道|胡同|路|街|道|巷|弄)$")
_DIVISION = re.compile(r"^(?:[\u4e00-\u9fff]{2,7}?(?:省|自治区|市|新区|区|县|旗|镇|乡|街道))+")
_BRACKETS = re.compile(r"[(\[【（][^)\]】）]*[)\]】）]")


def roads(address: str, districts: Collection[str] = ()) -> list[tuple[str, str]]:
    """The (road, house number) pairs of an address, in their order; `districts` are names to take off in front.

    A district is often written without its 区 (南岗学府路123号), so it can only be told by its name.
    """
    out = []
    for road, prefix, number in _ROAD.findall(_BRACKETS.sub(" ", plain(address))):
        name = _without(road, districts)
        if len(name) >= 2 and (pair := (name, prefix + number.lstrip("0"))) not in out:
            out.append(pair)
    return out


def is_road(name: str) -> bool:
    """Whether a name is a road's: 买卖街 is listed as an estate, but stands in other estates' addresses too."""
    return _ROAD_ONLY.search(name) is not None


def _without(road: str, districts: Collection[str]) -> str:
    rest = _DIVISION.sub("", road) or road
    for size in (4, 3, 2):
        if len(rest) > size + 1 and rest[:size] in districts:
            return rest[size:]
    return rest
