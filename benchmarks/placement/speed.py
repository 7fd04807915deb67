"""How long placing takes: text → estate, name → estate, point → estate, beside rapidfuzz in the same run.

    python -m benchmarks.placement.speed [--sizes 10000 1000000] [--probes 2000]

The names are made here from parts as estates' names are; no real data is needed.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable, Sequence
from random import Random

from rapidfuzz import fuzz, process

from benchmarks.placement.messages import PLAIN, message, noisy
from maps.book import EstateBook
from maps.clues import ClueKind
from maps.locator import Locator, Said
from maps.names import fold
from schemas.reference import Estate
from schemas.values import Point

_FIRST = (
    "绿地 恒大 保利 万科 金地 龙湖 中海 华润 阳光 幸福 东方 滨江 金色 世纪 学府 湖畔 江南 "
    "紫金 天鹅 香榭 和平 建国 红旗 松江 河松 铁路 星光 银河 凤凰 翡翠"
).split()
_SECOND = (
    "林语 水岸 时代 春天 绿洲 名都 国际 华庭 嘉苑 御景 蓝湾 丽都 世家 上城 "
    "公园 溪谷 云顶 晶华 帝景 尚品 悦府 江山 梧桐 枫丹 听涛 观澜 望湖 揽胜"
).split()
_THIRD = ["", "一期", "二期", "三期", "A区", "B区", "小区", "花园", "家园", "公馆", "苑", "里"]
_HAN = "安宝昌春达德东丰福富光广海汉和恒宏鸿华吉佳嘉建金锦景康乐利龙隆明宁鹏平祥新兴秀旭雅阳怡义永誉源泽正中舟"


def estates(size: int, draw: Random) -> list[Estate]:
    """Estates with names of the usual make and points 150 m apart in the mean, in towns of 10,000."""
    out = []
    for i in range(size):
        middle = draw.choice(_HAN) + (draw.choice(_HAN) if size > 50_000 else "")
        name = draw.choice(_FIRST) + middle + draw.choice(_SECOND)
        town = i // 10_000
        lng, lat = 105.0 + town % 10 + draw.random() * 0.19, 25.0 + town // 10 + draw.random() * 0.14
        out.append(Estate(f"e{i:07}", name + draw.choice(_THIRD), lng=lng, lat=lat, crs="wgs84"))
    return out


def micros(calls: Sequence[Callable[[], object]]) -> tuple[float, float]:
    """The median and the 99th percentile of single calls (µs)."""
    took = []
    for call in calls:
        before = time.perf_counter_ns()
        call()
        took.append(time.perf_counter_ns() - before)
    took.sort()
    return took[len(took) // 2] / 1e3, took[int(len(took) * 0.99)] / 1e3


def measure(size: int, probes: int) -> list[str]:
    """The rows of the table for one size of book."""
    draw = Random(size)
    rows = estates(size, draw)
    before = time.perf_counter()
    book = EstateBook.of(rows)
    built = time.perf_counter() - before
    locator = Locator(book)
    asked = [draw.choice(rows) for _ in range(probes)]
    own = ClueKind.OWN_WORDS
    texts = {level: [message(noisy(e.name, level, draw), draw.choice(rows).name, draw, PLAIN) for e in asked]
             for level in ("clean", "typo")}
    talk = ["今天天气不错，大家周末去哪玩", "收到，谢谢老师", "橱柜的台面是石英石的吗，多少钱一米"] * (probes // 3)
    spots = [Point(e.lng or 0.0, (e.lat or 0.0) + 0.0002, "wgs84") for e in asked]
    cases: dict[str, list[Callable[[], object]]] = {
        "message with a name": [lambda t=t: locator.from_text(own, t) for t in texts["clean"]],
        "message with a slip in the name": [lambda t=t: locator.from_text(own, t) for t in texts["typo"]],
        "message without a name": [lambda t=t: locator.from_text(own, t) for t in talk],
        "whole name": [lambda e=e: book.called(e.name) for e in asked],
        "whole name with a slip": [lambda e=e: book.called(noisy(e.name, "typo", draw)) for e in asked],
        "point, the index alone": [lambda s=s: book.nearest(s.lng, s.lat) for s in spots],
        "point to likelihoods": [lambda s=s: locator.from_point(ClueKind.POINT, s) for s in spots],
        "name and point, weighed": [
            lambda e=e, s=s: locator.place(Said(name=e.name, point=s)) for e, s in zip(asked, spots, strict=True)],
    }
    out = []
    for case, calls in cases.items():
        half, most = micros(calls)
        out.append(f"| {case} | {size:,} | {half:,.1f} | {most:,.1f} |")
    names = [fold(e.name) for e in rows]
    few = max(5, min(200, 20_000_000 // size // 10))
    half, most = micros([
        lambda t=t: process.extractOne(fold(t), names, scorer=fuzz.partial_ratio, score_cutoff=80)
        for t in texts["clean"][:few]
    ])
    out.append(f"| *rapidfuzz alone, over all names* | {size:,} | {half:,.1f} | {most:,.1f} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    out.append(f"| *book built in {built:.1f} s; the process at its most {peak:,.0f} MB* | {size:,} | | |")
    return out


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=int, default=[10_000, 1_000_000])
    parser.add_argument("--probes", type=int, default=2_000)
    args = parser.parse_args()
    sys.stdout.write("| what | estates | median µs | p99 µs |\n|---|--:|--:|--:|\n")
    for size in args.sizes:
        sys.stdout.write("\n".join(measure(size, args.probes)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
