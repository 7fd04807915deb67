"""An address in its parts: divisions, town, road and house number, the estate's name, the home in it.

People write any of them, or none: 黑龙江省哈尔滨市南岗区学府路123号绿地城三期12栋2单元1201, (平房)滨河大道星耀南城,
人民大街与明德路交汇处, 香坊-亚麻厂-香滨路. What the address is only beside of (…对面, …附近) is kept apart.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from msgspec import Struct

from maps.divisions import place_in
from maps.names import Home, plain, split_home
from maps.streets import HAN, Street, leads_to_road, street_in

_ROAD = re.compile(r"([\u4e00-\u9fff]{1,9}?(?:大街|大道|胡同|路|街|道|巷|弄))\s*(甲|乙|丙)?(\d{1,4})(?:-\d+)?\s*号?")
_ROAD_ONLY = re.compile(r"(?:大街|大道|胡同|路|街|道|巷|弄)$")
_DIVISION = re.compile(r"^(?:[\u4e00-\u9fff]{2,7}?(?:省|自治区|市|新区|区|县|旗|镇|乡|街道))+")
_BRACKETS = re.compile(r"[(\[【（][^)\]】）]*[)\]】）]")


class Address(Struct, frozen=True):
    """An address's parts in `names.plain` spelling; each is empty where it is not said and cannot be told.

    `province`, `city` and `district` are full names. `town` is a 镇, 乡 or 街道, `village` a 村 or 社区, `area` a
    development zone or a quarter that is named before the road. `number` is as said, without its 号: 甲48, 131-19,
    附3, 553弄. `crossing` is the road that `road` meets where both are named (…交汇处). `estate` is the name that
    is left, with its phase; `near` what the address is only beside of.
    """

    province: str = ""
    city: str = ""
    district: str = ""
    town: str = ""
    village: str = ""
    area: str = ""
    road: str = ""
    crossing: str = ""
    number: str = ""
    estate: str = ""
    near: str = ""
    home: Home | None = None

    @property
    def door(self) -> int | None:
        """The house number as one: 131 of 131-19, 48 of 甲48; None where there is none, or only a lane's."""
        found = None if self.number.endswith(("弄", "巷")) else _DIGITS.search(self.number)
        return int(found[0]) if found else None

    @property
    def public(self) -> str:
        """The address without building, unit and room: what may be shown to somebody else's service."""
        number = f"{self.number}号" if self.number and self.road else ""  # a house in a village is somebody's home
        number = self.number if self.number.endswith(("弄", "巷")) else number
        place = self.city if self.city == self.province else self.province + self.city
        where = f"{place}{self.district}{self.town}{self.village}"
        if self.crossing:
            return f"{where}{self.road}与{self.crossing}交叉口{self.estate}"
        return f"{where}{'' if self.road else self.area}{self.road}{number}{self.estate}"


_DIGITS = re.compile(r"\d+")
#: A dash parts what stands between words; between numbers it belongs to them.
_WORD_DASH = re.compile(r"(?<=[\u4e00-\u9fff])[-—–~]+(?=[\u4e00-\u9fff])")
_PHONE = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|0\d{2,3}-?\d{7,8})(?!\d)")
_BRACKETED = re.compile(r"[(\[【〔]([^()\[\]【】〔〕]*)[)\]】〕]")
_PARTS = re.compile(r"[\s,;:_/|·。、()\[\]【】〔〕]+")

_NO_ROAD = rf"(?![路街巷号弄]|小区|花园)[{HAN}]"
_TOWN = re.compile(
    rf"[{HAN}](?:(?!街道){_NO_ROAD}){{0,6}}?[路街巷]?"
    r"(?:街道(?:办事处|办)?(?!\d)|(?<![小古城村])镇(?![东南西北中前后]?[路街道])|(?<![水故老])乡(?![路街道])|苏木)"
)
_VILLAGE = re.compile(
    rf"[{HAN}](?:{_NO_ROAD}){{0,6}}?"
    r"(?:社区居委会|居委会|村委会|社区|行政村|自然村|(?<!新)村(?![路街道])|屯(?![路街道])|嘎查)"
)
_ZONE = re.compile(
    rf"[{HAN}](?:{_NO_ROAD}){{0,9}}?"
    r"(?:开发区|高新区|工业园区|工业园|工业区|产业园区|产业园|科技园|度假区|保税区|示范区|新区|园区)内?"
)
_BESIDE = re.compile(
    r"^靠?近|斜?对[面过]|附近|旁|隔壁|边上|[东南西北]{1,2}(?:侧|边|面|行|走|去|\d)|以[东南西北]|后身|后面|前面|往[东南西北]|距|周边"
)
#: Where a name ends and the place in it begins: 玉泉大厦|五楼, 三村三区|66号; but 1号公馆 is a name.
_INSIDE = re.compile(
    r"(?:[a-z]?\d{1,4}|[一二三四五六七八九十]{1,3})(?:楼|层|f\b|组|档|排|室|房|户|幢|栋|单元|号(?=$|[^\u4e00-\u9fff]|[楼门库]))"
    r"|[a-z]?\d{2,5}[-\d]*[a-z]?$|[东南西北正后]?门口?$"
)
#: A village's houses are numbered without a road: 下宅村125号.
_AT_A_HOUSE = re.compile(r"(?<![\da-z])(\d{1,4})号(?=$|[^楼门库\d])")
_JUNK = re.compile(r"^(?:号|院内|内|处|的|[-—.])+|(?:电联|请?电话.*)$")


def parse(address: str, city: str = "") -> Address:
    """An address in its parts; `city` is where it is from, where that is known from elsewhere.

    What cannot be understood is left out, never an error.
    """
    text = _PHONE.sub(",", _WORD_DASH.sub(",", plain(address[:_LONGEST].strip())))
    place, at = place_in(text, city=city)
    notes = _BRACKETED.findall(text, at)
    text = (_BRACKETED.sub(",", text[at:]) if notes else text[at:]).strip(_EDGES)
    town = village = zone = ""
    while found := _TOWN.match(text) or _VILLAGE.match(text) or _zone_of(text):
        if found.re is _TOWN and not town:
            town = found[0]
        elif found.re is _VILLAGE and not village:
            village = found[0]
        elif found.re is _ZONE:
            zone += found[0]
        else:
            break
        text = text[found.end() :].lstrip(_EDGES)
        # 荷花池街道四川省成都市金牛区解放西路: forms put what was chosen before what was typed.
        again, at = place_in(text, city=place.city or city)
        if at and (again.province or again.district):
            place, text = (again if again.district and not place.district else place), text[at:].lstrip(_EDGES)
    parts = [part for part in _PARTS.split(text) if part]
    noted = [part for note in notes for part in _PARTS.split(note) if part]
    street = street_in(parts)
    rest = parts if street is None else street.rest
    street = street or street_in(noted, note=True) or Street()
    estate, near, home = _left(rest)
    number = street.number
    if not street.road and not home and rest and (house := _AT_A_HOUSE.search(rest[0])):
        number = house[1].lstrip("0") or house[1]
    if not estate and not near and not street.road and zone:
        estate, zone = zone, ""  # nothing lies behind it: it is what is looked for
    return Address(
        *place, town=town, village=village, area=zone or street.area, road=street.road, crossing=street.crossing,
        number=number, estate=estate, near=near, home=street.home or home,
    )


#: No address is longer than this; what stands behind is a message.
_LONGEST = 300
_EDGES = " ,;:_/|·。、()[]【】〔〕"


def _zone_of(text: str) -> re.Match[str] | None:
    """A zone that leads to something: 东郊开发区云峰路; 大龙工业区8栋 is where somebody is."""
    found = _ZONE.match(text)
    return found if found and (found.end() == len(text) or leads_to_road(text, found.end())) else None


def _left(parts: Collection[str]) -> tuple[str, str, Home | None]:
    """The estate's name in what stands behind the road, or what the address is beside of; and the home."""
    estate = near = ""
    home: Home | None = None
    for part in parts:
        text = _JUNK.sub("", part)
        rest, found = split_home(text) if text else ("", None)
        home = home or found
        name = rest.split(",", 1)[0] if found else rest
        if inside := _INSIDE.search(text):
            name = name[: inside.start()]
        name = _JUNK.sub("", name).rstrip("第#-")
        if len(name) < 2 or name.isdigit():
            continue
        if beside := _BESIDE.search(name):
            near = near or name[: beside.start()] or name[beside.end() :]
        elif not estate:
            estate = name
    return estate, near, home


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
