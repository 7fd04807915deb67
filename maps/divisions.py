"""Provinces, cities and districts in front of an address, however many of them are said, and however short.

A name with its 省, 市, 区 or 县 is taken as it stands. Without it (南岗学府路, 义乌国际商贸城) the same characters may
as well begin a road or an estate (新华路, 和平家园): then what follows and what was said before decide.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from maps.division_names import DIVISIONS

#: Districts that were merged away since 2010, and still stand in addresses and listings: city, district.
_FORMER = (
    ("北京市", "崇文区"), ("北京市", "宣武区"), ("天津市", "塘沽区"), ("天津市", "汉沽区"), ("天津市", "大港区"),
    ("上海市", "卢湾区"), ("上海市", "闸北区"), ("上海市", "南汇区"), ("杭州市", "下城区"), ("杭州市", "江干区"),
    ("宁波市", "江东区"), ("南京市", "白下区"), ("南京市", "下关区"), ("苏州市", "沧浪区"), ("苏州市", "平江区"),
    ("苏州市", "金阊区"), ("无锡市", "崇安区"), ("无锡市", "南长区"), ("无锡市", "北塘区"), ("绍兴市", "绍兴县"),
    ("绍兴市", "上虞市"), ("宁波市", "奉化市"), ("金华市", "金华县"), ("哈尔滨市", "动力区"), ("徐州市", "九里区"),
)

_PEOPLES = (
    "朝鲜族|土家族|布依族|傈僳族|景颇族|哈尼族|拉祜族|纳西族|布朗族|普米族|毛南族|仡佬族|仫佬族|撒拉族|保安族|东乡族|裕固族|"
    "独龙族|达斡尔族|哈萨克族?|柯尔克孜族?|塔吉克族?|维吾尔族?|蒙古族?|锡伯族?|各族|回族|藏族|羌族|彝族|傣族|白族|壮族|苗族|侗族|"
    "瑶族|黎族|畲族|满族|土族|水族|佤族|怒族"
)
_AUTONOMOUS = re.compile(rf"(?:{_PEOPLES})*自治[区州县旗]$")
_RULES_ITSELF = re.compile(r"自治[区州县旗]$")
_KIND = re.compile(r"(?:特别行政区|林区|矿区|新区|地区|省|市|区|县|盟|旗)$")

#: What makes a road, an estate or a smaller place of the characters before it: 新华|路, 和平|家园, 闲林|街道.
_GOES_ON = re.compile(
    r"[\u4e00-\u9fff]?[路街巷]|[东西南北中]?(?:大街|大道|大路|马路|公路|横街|胡同|道(?![里外])|弄)|桥|线|湾"
    r"|(?:[东西南北中新老大小]|[a-z0-9一二三四五六七八九十])?"
    r"(?:花园|花苑|小区|家园|家苑|公寓|大厦|广场|新村|新城|名城|名苑|雅苑|佳苑|别墅|山庄|华庭|豪庭|豪苑|嘉园|国际城|城市|社区|街区|"
    r"水岸|府邸|公馆|农场|林场|宿舍|家属|大院|世家|人家|华府|街道|开发区|新区|高新|工业|园区|火车站|机场|大学|中学|小学|医院)"
    r"|[站门港湖山河江村庄屯镇乡区县市苑园城府里院楼号店厂]"
)
#: 新华二道街 is a road; 道外南二道街 is one in a district, and so it is where the district is sure.
_MAY_GO_ON = re.compile(r"[东西南北中]?[一二三四五六七八九十头前后]{1,3}(?:道街|大街|马路|路|街|道|巷)")
#: Words that stand where a division would, and name none.
_FILLING = ("市辖区", "其它区", "其他区", "中国", "null")
_ROAD_AHEAD = re.compile(r"[\u4e00-\u9fff\d]{1,8}?(?:大街|大道|大路|胡同|路|街|道|巷|弄)")
_TOWN_AHEAD = re.compile(r"[\u4e00-\u9fff]{2,6}?(?:街道|镇|乡)")
_SEPARATORS = " ,-_/.·;:()[]{}【】〔〕<>《》"


class Place(NamedTuple):
    """Where an address says that it is: full names, each empty where it is not said and cannot be told."""

    province: str = ""
    city: str = ""
    district: str = ""


class _Named(NamedTuple):
    """What a name may mean; `level` is 0 for a province, 1 for a city, 2 for a district."""

    level: int
    place: Place
    whole: bool


def place_in(text: str, at: int = 0, city: str = "") -> tuple[Place, int]:
    """The divisions that a `names.plain` text begins with at `at`, and where what follows them begins.

    Those above the ones said are filled in where there is only one choice. `city` (with or without 市) is where
    the text is from, where that is known: it decides what a short name means, and is not put into the answer
    unless a district was found in it.
    """
    said = ["", "", ""]
    found: Place | None = None
    around = _city(city)
    end = at
    while True:
        start = _past_separators(text, end)
        hit = _longest(text, start, found, around)
        if hit is None:
            break
        size, named = hit
        end = start + size
        if named.level == 1 and not named.whole and text.startswith(("地区", "州"), end):
            end += 2 if text[end] == "地" else 1
        if not said[named.level] or (named.level == 2 and found is not None and found.city == named.place.city):
            said[named.level] = named.place[named.level]
            found = named.place if found is None or named.level >= _depth(found) else found
    if not said[2] and (other := _unlisted(text, _past_separators(text, end), said)):
        district, end = other
        return Place(said[0] or _above(said[1]), said[1], district), end
    return (found or Place()), end


def short(name: str) -> str:
    """A division's name without its kind: 南岗区 is 南岗, 延边朝鲜族自治州 is 延边; one character is never left."""
    for kind in (_AUTONOMOUS, _RULES_ITSELF, _KIND):
        if len(bare := kind.sub("", name)) > 1 and bare != name:
            return bare
    return name


def _depth(place: Place) -> int:
    return 2 if place.district else 1 if place.city else 0


def _past_separators(text: str, at: int) -> int:
    while at < len(text) and (text[at] in _SEPARATORS or text.startswith(_FILLING, at)):
        at += next((len(word) for word in _FILLING if text.startswith(word, at)), 1)
    return at


def _longest(text: str, at: int, found: Place | None, around: Place | None) -> tuple[int, _Named] | None:
    """The longest name at a place of the text that fits what was said before; None where none does."""
    for size in _SIZES.get(text[at : at + 1], ()):
        if (meanings := _NAMES.get(text[at : at + size])) is None:
            continue
        # 杭州市余杭区杭州市余杭区: a whole name may be said again.
        fitting = [m for m in meanings if _fits(m, found) or ((m.whole or m.level < 2) and _again(m, found))]
        near = [m for m in fitting if around is not None and _together(m.place, around)]
        if found is None and around is not None and not near:
            fitting = [m for m in fitting if m.whole]
        if not fitting:
            continue
        choice = _choice(near or fitting)
        sure = bool(near) or found is not None
        if choice.whole:
            # 城区 and 郊区 are districts of several cities, and words.
            accepted = sure or size > 2
        else:
            accepted = _stands_alone(text, at + size, choice.place, sure=sure, one=len(fitting) == 1)
        if accepted:
            return size, choice
    return None


def _choice(meanings: list[_Named]) -> _Named:
    """The meaning to take of several; what cannot be told is left empty."""
    if len(meanings) == 1:
        return meanings[0]
    best = min(meanings, key=lambda m: (not m.whole, m.level))
    districts = [m for m in meanings if m.level == 2 and m.whole == best.whole]
    here = [m for m in districts if not _under(m.place, best.place)]
    if best.level == 1 and not best.whole and len(here) > 1:
        # 朝阳 is a city, too, but it is more often the district of Beijing or of Changchun.
        best, districts = here[0], here
    if best.level == 2 and len({m.place for m in districts}) > 1:
        return _Named(2, Place("", "", best.place.district), best.whole)
    return best


def _fits(meaning: _Named, found: Place | None) -> bool:
    """Whether a name is of a place inside of that which was said."""
    if found is None:
        return True
    return _under(meaning.place, found) and meaning.level > (-1 if found.district else _depth(found))


def _again(meaning: _Named, found: Place | None) -> bool:
    return found is not None and meaning.level <= _depth(found) and _together(meaning.place, found)


def _together(place: Place, other: Place) -> bool:
    """Whether one of two places may be inside of the other."""
    # Written out, as below: a loop over three takes a third of the time that an address has.
    return (
        (not place.province or not other.province or place.province == other.province)
        and (not place.city or not other.city or place.city == other.city)
        and (not place.district or not other.district or place.district == other.district)
    )


def _under(place: Place, other: Place) -> bool:
    """Whether a place is the other, or inside of it."""
    return (
        (not other.province or place.province == other.province)
        and (not other.city or place.city == other.city)
        and (not other.district or place.district == other.district)
    )


def _stands_alone(text: str, end: int, place: Place, *, sure: bool, one: bool) -> bool:
    """Whether a short name is a division's, by what stands behind it."""
    rest = text[end : end + 12]
    if not rest or rest[0] in _SEPARATORS or _goes_deeper(rest, place) or rest.startswith(text[end - 2 : end]):
        return True
    if _GOES_ON.match(rest):
        return False
    if _MAY_GO_ON.match(rest):
        return sure
    return sure or one or bool(_ROAD_AHEAD.match(rest) or _TOWN_AHEAD.match(rest))


def _goes_deeper(rest: str, place: Place) -> bool:
    """Whether the name of something inside of a place follows: 呼和浩特|新城区, 深圳|南山."""
    return any(
        m.place != place and _under(m.place, place)
        for size in _SIZES.get(rest[0], ()) for m in _NAMES.get(rest[:size], ()))


#: A district that the list lacks, behind a city or a province; 小区, 社区 and their like are none.
_UNLISTED = re.compile(r"[\u4e00-\u9fff]{1,4}?(?:(?<![小社园校厂街库片景开发])区|县|市)(?!场)")
_NO_DISTRICT = re.compile(r"(?:开发|经济|高新|工业|保税|度假|[路街道村镇乡号])")


def _unlisted(text: str, at: int, said: list[str]) -> tuple[str, int] | None:
    if not (said[0] or said[1]) or (hit := _UNLISTED.match(text, at)) is None or len(hit[0]) < 3:
        return None
    return None if _NO_DISTRICT.search(hit[0]) else (hit[0], hit.end())


def _above(city: str) -> str:
    return next((m.place.province for m in _NAMES.get(city, ()) if m.level == 1), "")


def _city(city: str) -> Place | None:
    name = city.strip()
    meanings = _NAMES.get(name) or _NAMES.get(name + "市") or ()
    return next((m.place for m in meanings if m.level == 1 or m.place.city == m.place.province), None)


def _listed() -> dict[str, list[_Named]]:
    names: dict[str, list[_Named]] = {}

    def add(level: int, place: Place) -> None:
        name = place[level]
        for written in dict.fromkeys((name, short(name))):
            entry = _Named(level, place, written == name)
            if entry not in (entries := names.setdefault(written, [])):
                entries.append(entry)

    provinces = {}
    for province, lines in DIVISIONS:
        municipality = province.endswith("市")
        # 北京市 is its own city: it is said once, and both are meant.
        add(0, Place(province, province if municipality else ""))
        for line in lines.replace("\n ", " ").split("\n"):
            if not line:
                continue
            head, _, districts = line.partition(":")
            city = province if municipality else "" if head == "-" else head
            provinces[city] = province
            if city and not municipality:
                add(1, Place(province, city))
            for district in districts.split():
                # 济源市 has no city over it: it is one.
                add(2, Place(province, city or district, district))
    for city, district in _FORMER:
        add(2, Place(provinces[city], city, district))
    for name in ("香港特别行政区", "澳门特别行政区", "台湾省"):
        add(0, Place(name))
    return names


_NAMES = _listed()
#: How long the names are that begin with a character, longest first.
_SIZES: dict[str, tuple[int, ...]] = {}
for _name in _NAMES:
    _SIZES[_name[0]] = tuple(sorted({*_SIZES.get(_name[0], ()), len(_name)}, reverse=True))
