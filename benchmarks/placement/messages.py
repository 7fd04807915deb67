"""Messages of the trade built around an estate's name, at three levels of noise; all drawn by a fixed draw.

The messages are written for this benchmark in the way owners write; no real person's words are among them.
"""

from __future__ import annotations

from random import Random

from maps.names import _SIMPLIFIED, _TRADITIONAL
from maps.sounds import sound

#: `{n}` is the name, `{b}` `{u}` `{r}` building, unit and room, `{o}` another estate of the catalogue.
PLAIN = (
    "我家在{n}{b}-{u}-{r}", "我是{n}{b}栋的", "{n}{b}栋业主群", "{n}业主群", "{n}{b}号楼的邻居们大家好",
    "坐标{n}，求推荐装修公司",
    "{n} {b}-{u}-{r}", "{n}的业主看过来", "刚收房，{n}{b}栋{u}单元", "我住{n}，水电改造多少钱",
    "本人{n}业主，房本下来了",
    "送货地址：{n}{b}号楼{u}单元{r}室", "{n}家装交流群2", "我们家{n}的，120平三室", "准备装修了 {n} 有没有一起团购的",
    "{n}什么时候能验房啊", "在{n}买的房，月底交房", "{n}邻居群", "#接龙 {n} {b}栋 {r} 参加", "你好我{n}的，想看看橱柜",
)
#: The home that is being furnished is `{n}`, whatever else is named.
TWO = (
    "现在住{o}，新房在{n}", "我在{o}租房，买的是{n}", "{n}，就在{o}对面", "{o}旁边的{n}", "我不是{o}的，我是{n}的",
    "朋友住{o}，我家在{n}", "{o}的房子卖了，换到{n}了", "公司在{o}附近，房子在{n}{b}栋",
)
#: Nothing here says where the writer's home is.
NONE = (
    "朋友在{n}", "我不是{n}的", "我家在{n}对面", "{n}和{o}的业主都可以来", "同事家在{n}装的，效果不错",
    "路过{n}看到你们的车",
    "有没有{n}或者{o}的", "离{n}不远",
)
_ENDINGS = ("小区", "社区", "家园", "花园")
_CLOSE = str.maketrans(_SIMPLIFIED[::-1], _TRADITIONAL[::-1])
_WIDE = {ord(c): ord(c) + 0xFEE0 for c in "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ()"}
_NUMERALS = {"一": "1", "二": "2", "三": "3", "四": "4", "五": "5"}
LEVELS = ("clean", "spelling", "typo")


def message(name: str, other: str, draw: Random, templates: tuple[str, ...] = PLAIN) -> str:
    """A message around a name; `other` is another estate's."""
    home = {"b": draw.randint(1, 29), "u": draw.randint(1, 4), "r": draw.randint(1, 24) * 100 + draw.randint(1, 4)}
    return draw.choice(templates).format(n=name, o=other, **home)


def noisy(name: str, level: str, draw: Random) -> str:
    """A name as it is written carelessly: `spelling` leaves it the same name, `typo` gets a character wrong."""
    if level == "spelling":
        return _respelt(name, draw)
    if level == "typo":
        return _mistyped(name, draw)
    return name


def _respelt(name: str, draw: Random) -> str:  # noqa: PLR0911 - one return a kind
    kind = draw.randrange(6)
    if kind == 0:
        return name.translate(_CLOSE)
    if kind == 1:
        return name.translate(_WIDE)
    if kind == 2 and len(name) > 3:
        at = draw.randrange(2, len(name) - 1)
        return name[:at] + draw.choice(("·", " ", "-")) + name[at:]
    if kind == 3:
        return name.removesuffix("小区") if name.endswith("小区") and len(name) > 4 else name + "小区"
    if kind == 4:
        return name.replace("(", "（").replace(")", "）") if "(" in name else name.translate(_CLOSE)
    for han, digit in _NUMERALS.items():
        if han + "期" in name:
            return name.replace(han + "期", draw.choice((digit, "第" + han)) + "期")
    return name.upper() if name.upper() != name else name.translate(_CLOSE)


def _mistyped(name: str, draw: Random) -> str:
    places = [i for i, c in enumerate(name) if "\u4e00" <= c <= "\u9fff"]
    if len(places) < 3:
        return name
    at = draw.choice(places)
    kind = draw.randrange(10)
    if kind < 6 and (alike := _SOUNDING.get(sound(name[at]))):
        return name[:at] + draw.choice([c for c in alike if c != name[at]] or [name[at]]) + name[at + 1 :]
    if kind < 8 and len(places) > 3:
        return name[:at] + name[at + 1 :]
    if kind == 8 and at + 1 < len(name):
        return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    return name[:at] + draw.choice("大小新东华金天龙泰") + name[at + 1 :]


_SOUNDING: dict[int, list[str]] = {}
for _char in (chr(c) for c in range(0x4E00, 0xA000)):
    if _found := sound(_char):
        _SOUNDING.setdefault(_found, []).append(_char)
