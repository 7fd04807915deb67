"""Roads in an address, with their house number or the road that they meet, and what stands around them."""

from __future__ import annotations

import re

from msgspec import Struct, structs

from maps.names import Home

#: Chinese characters, within a class of a pattern.
HAN = r"\u4e00-\u9fff"

_ROAD_NAME = (
    rf"(?:\d{{1,3}}号?|[a-z]\d?)?(?!铁路)[{HAN}](?:(?!小区|花园|\d[楼栋幢室层])[{HAN}\d]){{0,8}}?"
    r"(?:大街|大道|大路|马路|(?<!高速)公路|环路|胡同|路(?![劲易桥局])|街(?![道区坊镇市])|街道(?=\d)|"
    r"(?<![街通频轨车铁味跑隧渠管])道(?![里外街路口北台真教德院区])|巷|(?<!\d)弄|线(?=\d))"
    # 横街东路 and 三道十一路 go on; 电缆街工业街 are two.
    r"(?![支东南西北中一二三四五六七八九十]{0,3}[路街巷弄](?![口道]))"
)
_ROAD_AT = re.compile(
    rf"({_ROAD_NAME}(?:[一二三四五六七八九十\d]{{1,3}}(?:胡同|巷))?)(?:[东南西北中]段|[一二三四五六七八九十\d]{{1,3}}段)?"
)
_MEETS = re.compile(
    rf"[与和及跟同近、]*({_ROAD_NAME})(?:的)?(?:交叉路口|交叉口|交汇处|交会处|交汇口|交界处|十字路口|交汇|交会|交叉|交口|相交|交界|路口|口)+处?"
)
#: 园区|西路 is a road by that whole name.
_ONLY_A_SIDE = re.compile(r"[东南西北中]{1,2}[路街]$")
#: What may stand before a road without a comma: 城东小区|甘霖路166号.
_BEFORE_A_ROAD = re.compile(r"小区|花园|家园|花苑|公寓|大厦|广场|公司|学院|大学|医院|基地|管委会|办事处")
_NUMBER = re.compile(
    r"(?P<before>[甲乙丙丁附支临副新老])?(?P<one>\d{1,5}|[一二三四五六七八九十百]{1,4}(?=号))"
    r"(?P<more>[-—–]\d{1,2}(?![-\d])|号?[附副支]\d{1,4}|[甲乙丙]\d{0,3})?"
    r"(?P<what>号楼|号[库厅桥]|号(?:大?院|内)?|[弄巷院栋幢座#室房米层楼期区组路街a-z]|单元|公里|千米)?"
)
_OF_A_HOUSE = frozenset({"号", "号院", "号大院", "号内", "弄", "巷", "院", None})
_LANE_HOUSE = re.compile(r"(\d{1,4})(?:号楼|号门|号|栋|幢)?")
#: What a road was named behind: 杉杉科创园|科创南路, 红山农场|垦辉八路, 下沙|11号大街.
_AREA_OF_ROAD = re.compile(
    rf"^(.+(?:园区?|[工矿]业[区城]|新[城区]|[农林]场|市场|[村镇乡庄埭区县]|市(?!场)|街道|办事处|小区|大厦|广场|学校|医院|中心|公司|附近|对面|旁边?))"
    rf"(?!区|[东南西北中]{{0,2}}(?:大街|大道|大路|路|街|巷)$)(?=[{HAN}\d]{{2,}}.$)"
    rf"|^([{HAN}]+)(?=\d{{1,3}}号(?:大街|路)$)"
)


class Street(Struct, frozen=True):
    """What was read of a road, and what stands behind it."""

    road: str = ""
    crossing: str = ""
    number: str = ""
    area: str = ""
    home: Home | None = None
    rest: list[str] = []


def leads_to_road(text: str, at: int) -> bool:
    """Whether a road begins at a place of a text: 园区|云峰路, but not 园区|西路, which is one by that whole name."""
    road = _ROAD_AT.match(text, at)
    return road is not None and not _ONLY_A_SIDE.match(road[1])


def street_in(parts: list[str], *, note: bool = False) -> Street | None:
    """The road that one of the parts begins with, with its number, or with the road that it meets."""
    for place, part in enumerate(parts):
        if found := _ROAD_AT.match(part):
            area = "" if note or not place else parts[place - 1]
            return _road_in(part, found, area, parts[place + 1 :])
    for place, part in enumerate(parts):
        for name in _BEFORE_A_ROAD.finditer(part):
            if found := _ROAD_AT.match(part, name.end()):
                street = _road_in(part, found, "", parts[place + 1 :])
                return structs.replace(street, rest=[part[: name.end()], *street.rest])
    return None


def _road_in(part: str, found: re.Match[str], area: str, after: list[str]) -> Street:
    """The road found in a part, cut to its own name, with what says where on it; `after` are the parts behind."""
    road, end = found[1], found.end()
    if within := _AREA_OF_ROAD.match(road):
        area, road = within[0], road[within.end() :]
    if meets := _MEETS.match(part, end):
        return Street(road, meets[1], "", area, None, [part[meets.end() :], *after])
    if part[end:] == "" and after and (meets := _MEETS.match(after[0])):
        return Street(road, meets[1], "", area, None, [after[0][meets.end() :], *after[1:]])
    number, home, end = _number(part, end)
    return Street(road, "", number, area, home, [part[end:], *after])


def _number(text: str, at: int) -> tuple[str, Home | None, int]:
    """The house number at a place of a text, the building of a lane's house, and where they end."""
    found = _NUMBER.match(text, at)
    if found is None or found["what"] not in _OF_A_HOUSE:
        return "", None, at
    one = found["one"]
    number = (found["before"] or "") + (one.lstrip("0") or one if one[0].isdigit() else _counted(one))
    number += (found["more"] or "").replace("号", "").replace("—", "-").replace("–", "-")
    if found["what"] in ("弄", "巷"):
        number += found["what"]
        house = _LANE_HOUSE.match(text, found.end())
        return number, Home(house[1]) if house else None, house.end() if house else found.end()
    return number, None, found.end()


def _counted(text: str) -> str:
    """A house number in words as digits: 十二 is 12, 一百二十 is 120."""
    total = digit = 0
    for char in text:
        if char in "十百":
            total += (digit or 1) * (10 if char == "十" else 100)
            digit = 0
        else:
            digit = "一二三四五六七八九".index(char) + 1
    return str(total + digit)
