"""The register of estates' names: which estates a name, or a text with names in it, may mean.

One automaton over the names' sounds finds them in a text, rightly written or misheard; what is written otherwise
wrong is looked for by its pairs of sounds, with work that is bounded however many names there are. How much a
name so found is worth is told by what is different (`FITTED.NAME`): a phase that was left out, 小区 added, a
character wrong. Names that begin or end inside a longer one (世纪花园 in 天马世纪花园) are worth little.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator

import ahocorasick
from msgspec import Struct
from rapidfuzz.distance import OSA

from maps.addresses import is_road
from maps.fitted import NAME
from maps.names import EstateName, fold, parse
from maps.sounds import spoken

#: Names that are words, too common to mean an estate inside a text.
_WORDS = frozenset(
    "花园 小区 广场 家园 公寓 宿舍 家属楼 社区 新村 新城 大厦 别墅 小镇 商铺 住宅 "
    "学校 医院 公园 车站 市场 阳光 幸福 大院 楼上 我家 开发区 东区 西区 南区 北区 中心".split()
)
#: Endings that people leave out or add.
_ENDING = re.compile(r"(?:住宅小区|小区|社区|住宅区|花园小区|家属楼|家属院)$")
_ENDED = re.compile(r"(?:住宅)?(?:小区|社区|家属楼|家属院)")
_SUFFIX = re.compile(
    r"^\(?(?:(?P<phase>\d{1,2})期|(?P<section>[a-z]\d?|\d{1,2}|[东西南北中]{1,2}|[甲乙丙丁戊])(?:区|组团|片区))\)?"
)
_NOTE = re.compile(r"^\(([^()]{2,20})\)")
_TAIL = re.compile(r"(?:[a-z]\d?|\d{1,3}|[甲乙丙丁])(?:座|栋|幢|号楼)$")
#: Developers whose name is put before an estate's or left away.
DEVELOPERS = (
    "万科 恒大 保利 绿地 碧桂园 华润 中海 融创 龙湖 金地 招商 世茂 富力 远洋 首创 中粮 雅居乐 旭辉 金科 绿城 "
    "阳光城 中南 正荣 荣盛 奥园 建业 鲁能 鲁商 首开 佳兆业 合生 蓝光 融侨 金辉 越秀 中铁 中建 中交 中冶 电建 "
    "泰禾 龙光 新力 祥生 俊发 合景 力旺 万达"
).split()
_DEVELOPER = re.compile(rf"^(?:{'|'.join(DEVELOPERS)})")
_DEVELOPED = re.compile(rf"(?:{'|'.join(DEVELOPERS)})$")
#: What may stand before a name that is whole: 在, 是, a division, a road's number, the end of another word of ours.
_BEGINS = re.compile(
    r"(?:^|[^\u4e00-\u9fffa-z0-9]|[\u4e00-\u9fff]{2}(?:[省市区县镇路]|大街|大道)|[路街道]\d{1,4}号|本人|业主|住户|接龙|地点|装修|仅限|(?:^|\D)20\d\d年?|[在也是住买的家到去从为于叫了着龙中过给向和与跟对看订选要有想问求收搬进来回这那本咱们我你他她您"
    r"位早好啊哈呀送哦嗯吧呢吗请就标址址房落或及者、团购及换卖属名叫])$"
)
#: What after a name makes it another, longer one, …
_GOES_ON = re.compile(
    r"(?:公寓|别墅|洋房|宿舍|新村|新城|家园|花园|花苑|新苑|名苑|雅苑|佳苑|广场|国际|华府|公馆|豪庭|中心|大厦|小镇|名城|商铺|"
    r"综合楼|住宅楼|市场|学校|小学|中学|幼儿园|医院|地铁站|车站|酒店|商场|门市|[东西南北](?:区|苑|园|院)|[苑园城府庭里坊庄郡墅湾院]|\d+(?!\d|栋|号楼|幢|座|单元|#|平|楼|层|室))"
)
#: Who speaks stands before where they live: 小周江枫园, 王姐-江枫园.
_SPEAKER = re.compile(r"(?:^|[^\u4e00-\u9fff])(?:[小老阿][\u4e00-\u9fff]|[\u4e00-\u9fff](?:姐|哥|总|女士|先生|阿姨))$")
#: … and what leaves it as it is: its end, the words that follow a home.
_ENDS = re.compile(
    r"(?:$|[^\u4e00-\u9fffa-z0-9]|\d{1,3}(?:栋|号楼|幢|座|单元|#|平|楼|层|室)|[a-z]\d{1,2}(?!\d)|[不下退的业住邻群栋楼幢座单什有没怎哪谁几是在和与跟或及装交收验买卖租房家团求吗呢啊呀哦吧嘛了也都就还要想准打这那里今明马刚已"
    r"咱我你他大各小新老物周对旁附隔,]|看看|[二三四五六七八九十]手)"
)
#: Characters that tell siblings apart: a name with another one is another estate, not a slip.
_TELLING = frozenset("一二三四五六七八九十东西南北中上下前后左右内外新老大小甲乙丙丁abcdefgh省市区县")
_NUMBERS = frozenset("0123456789一二三四五六七八九十")
#: Words for what an estate is, and how they are varied on purpose (嘉园 and 家园 are two estates).
_GENERIC = frozenset("花家嘉佳园苑源院城成诚庭亭居庄里坊村湾郡墅楼府署街路巷道厦轩阁")
#: Of so many names that share a pair of sounds the pair tells nothing.
_MOST_SHARE, _MOST_WORK, _MOST_TRIED = 400, 1_600, 12
_LONGEST_NAME, _LONGEST_TEXT = 40, 500
#: A name without its developer's is looked for in a text from so many characters on: 天悦, 华府 are anybody's.
_SHORTEST_STEM = 3


class Mention(Struct, frozen=True):
    """A name found in a folded text, at [start, end), and the estates (by number) that it may mean, weighed."""

    start: int
    end: int
    name: EstateName
    weights: tuple[tuple[int, float], ...]
    #: What is different between what was said and the register's name: `sound4`, `begun`, …; empty where nothing.
    differs: tuple[str, ...] = ()


class Register:
    """Names, aliases and former names of estates, by the estate's number. Built once, never changed."""

    __slots__ = ("_bases", "_finder", "_pairs", "_places", "_spellings", "_stems", "tails")

    def __init__(self, names: Iterable[tuple[int, str]], places: frozenset[str] = frozenset()) -> None:
        """A register of (number, name) pairs; `places` are the names of divisions, which may stand before a name."""
        self._places = places
        bases: dict[str, list[tuple[int, EstateName]]] = {}
        for number, written in names:
            name = parse(written)
            for spelling in filter(None, (name.base, name.former)):
                entry = (number, EstateName(spelling, name.phase, name.section, name.note))
                if entry not in (entries := bases.setdefault(spelling, [])):
                    entries.append(entry)
        self._bases = bases
        self._spellings = sorted(bases)
        #: What names end in that looks like a building: c座 of 吉发广场c座.
        self.tails = frozenset(found[0] for base in bases if (found := _TAIL.search(base)))
        self._stems: dict[str, list[str]] = {}
        heard: dict[str, list[str]] = {}
        for base in self._spellings:
            for stem in _stems(base):
                if stem != base:
                    self._stems.setdefault(stem, []).append(base)
            if len(base) > 1 and base not in _WORDS:
                heard.setdefault(spoken(base), []).append(base)
        for stem in self._bare_names():
            heard.setdefault(spoken(stem), []).append(stem)
        self._finder = ahocorasick.Automaton()
        for sounds, written_so in heard.items():
            self._finder.add_word(sounds, tuple(written_so))
        self._finder.make_automaton()
        self._pairs: dict[str, array[int]] = {}
        for at, base in enumerate(self._spellings):
            if 2 < len(base) <= _LONGEST_NAME:
                for pair in _pairs_of(spoken(base)):
                    self._pairs.setdefault(pair, array("I")).append(at)

    def _bare_names(self) -> list[str]:
        """Names without their developer's, which texts may hold: 魅力之城 of 万科魅力之城.

        Not those without their ending: what is left of 人民医院小区 is no estate's name in a text.
        """
        return [
            stem for stem, kin in self._stems.items()
            if len(stem) >= _SHORTEST_STEM and stem not in self._bases and any(base.endswith(stem) for base in kin)
        ]

    def find(self, folded: str, breaks: frozenset[int] = frozenset()) -> list[Mention]:
        """The names in a folded text: the longest first where they overlap, then in the text's order.

        At `breaks` (`names.breaks`) a name may begin and end, whatever stands there. Of a text longer than 500
        characters the rest is not read.
        """
        if not len(self._finder):
            return []
        folded = folded[:_LONGEST_TEXT]
        heard = spoken(folded)
        hits: list[tuple[int, bool, int, int, str]] = []
        for last, bases in self._finder.iter(heard):
            size, end = len(bases[0]), last + 1
            start = end - size
            if (said := folded[start:end]) in bases:
                hits.append((-size, False, start, end, said))
            elif size > 2:
                hits += [(-size, True, start, end, base) for base in bases[:3] if base in self._bases]
        hits.sort()
        taken: list[Mention] = []
        free = [True] * len(folded)
        for size, misheard, start, end, base in hits:
            if all(free[start:end]):
                if misheard and _tells_apart(base, folded[start:end]):
                    continue
                free[start:end] = [False] * -size
                kin = [b for s, m, a, _, b in hits if m and a == start and s == size] if misheard else [base]
                taken.append(self._mention(kin, misheard, folded, start, end, breaks))
        return sorted(taken, key=lambda mention: mention.start)

    def _mention(
        self, bases: list[str], misheard: bool, folded: str, start: int, end: int, breaks: frozenset[int]
    ) -> Mention:
        differs = [f"sound{min(end - start, 5)}"] if misheard else []
        before = folded[max(0, start - 4) : start]
        if not _BEGINS.search(before) and not any(before[-size:] in self._places for size in (2, 3, 4)):
            if _DEVELOPED.search(before):
                differs.append("prefix")
            elif start not in breaks and not _SPEAKER.search(before):
                differs.append("begun")
        name, last = _with_suffix(bases[0], folded, end)
        if last == end and (found := _ENDED.match(folded, end)):
            differs.append("ending")
            last = found.end()
        elif (goes_on := _GOES_ON.match(folded, last)) and not _parted(goes_on, breaks):
            differs.append("ended")
        elif goes_on is None and last not in breaks and not _ENDS.match(folded, last):
            differs.append("runs on")
        out: dict[int, float] = {}
        for base in bases:
            for number, weight in self.resolve(EstateName(base, name.phase, name.section, name.note)):
                out[number] = max(out.get(number, 0.0), weight)
        if bases[0] not in self._bases:
            out.update(self._by_stem(name))
        # Where 阳光 小区 is meant by 阳光小区, the longer name stands in the register as well and was found first.
        if not differs and len(bases) == 1 and not _exact(out):
            for number, weight in self._by_stem(name):
                out.setdefault(number, weight)
        return Mention(start, last, name, _weighed(out, differs), tuple(differs))

    def resolve(self, name: EstateName) -> list[tuple[int, float]]:
        """The estates of a name's base, weighed by phase, section and what stood in brackets; best first."""
        best: dict[int, float] = {}
        for number, own in self._bases.get(name.base, ()):
            best[number] = max(best.get(number, 0.0), _fit(name, own))
        return _ranked(best)

    def match(self, written: str) -> list[tuple[int, float]]:
        """The estates that a whole name may mean, weighed: as spelt, without its ending, as a part, misspelt."""
        return list(self.read(written)[0])

    def read(self, written: str) -> tuple[list[tuple[int, float]], tuple[str, ...]]:
        """As `match`, and with it what is different between the best of them and what was written."""
        name = parse(written[:_LONGEST_TEXT])
        out = dict(self.resolve(name))
        if not _exact(out):
            for number, weight in self._by_stem(name):
                out.setdefault(number, weight)
        if out:
            return _ranked(out), ()
        folded = fold(written[:_LONGEST_TEXT])
        mentions = [m for m in self.find(folded) if m.end - m.start >= max(3, 0.5 * len(folded))]
        whole = [m for m in mentions if m.start == 0 and m.end == len(folded)]
        if best := max(whole or mentions, key=lambda m: (m.end - m.start, -m.start), default=None):
            cut = {"begun", "ended", "runs on"} & set(best.differs)
            if whole or (best.end == len(folded) and not cut):  # all of it, or behind its city
                return list(best.weights), best.differs
            worth = 1.0 if cut else NAME["begun" if best.start else "ended"] / NAME["same"]
            out = {number: weight * worth for number, weight in best.weights}
        differs: tuple[str, ...] = best.differs if best else ()
        if found := self.misspelt(name):
            for number, weight in found.weights:
                out[number] = max(out.get(number, 0.0), weight)
            differs = found.differs
        return _ranked(out), differs

    def _by_stem(self, name: EstateName) -> Iterator[tuple[int, float]]:
        """Estates of the same name but for 小区 or a developer's name."""
        for stem in _stems(name.base):
            kind = "ending" if name.base.startswith(stem) else "prefix"
            kin = [(base, "ending" if base.startswith(stem) else "prefix") for base in self._stems.get(stem, ())[:8]]
            for base, other in [*kin, (stem, kind)] if stem != name.base else kin:
                if base != name.base and base in self._bases:
                    if is_road(stem):  # 中和街小区 is not all of 中和街
                        continue
                    worth = min(NAME[kind] if stem != name.base else 1.0, NAME[other]) / NAME["same"]
                    for number, weight in self.resolve(EstateName(base, name.phase, name.section, name.note)):
                        yield number, weight * worth

    def misspelt(self, name: EstateName) -> Mention | None:
        """The names that a whole name may be a slip for: one character wrong, left out, too many, or two swapped."""
        said = name.base
        if not 2 < len(said) <= _LONGEST_NAME:
            return None
        sounds = spoken(said)
        lists = sorted((p for pair in _pairs_of(sounds) if (p := self._pairs.get(pair))), key=len)
        shared: Counter[int] = Counter()
        work = 0
        for postings in lists:
            if work and (len(postings) > _MOST_SHARE or work + len(postings) > _MOST_WORK):
                break
            shared.update(postings[:_MOST_WORK])
            work += len(postings)
        out: dict[int, float] = {}
        differs = ""
        top = 0.0
        for at, _ in sorted(shared.items(), key=lambda item: (-item[1], item[0]))[:_MOST_TRIED]:
            base = self._spellings[at]
            if (kind := _slip(said, base)) is None:
                continue
            if NAME[kind] > top:
                top, differs = NAME[kind], kind
            for number, weight in self.resolve(EstateName(base, name.phase, name.section, name.note)):
                out[number] = max(out.get(number, 0.0), weight * NAME[kind] / NAME["same"])
        return Mention(0, len(said), name, tuple(_ranked(out)), (differs,)) if out else None

    def starting(self, prefix: str, most: int = 200) -> list[int]:
        """The estates whose names begin so, by number: 恒大 of 恒大绿洲 and 恒大名都; none where there are more."""
        start, end = bisect_left(self._spellings, prefix), bisect_left(self._spellings, prefix + "\uffff")
        if end - start > most:
            return []
        return sorted({number for base in self._spellings[start:end] for number, _ in self._bases[base]})


def _parted(after: re.Match[str], breaks: frozenset[int]) -> bool:
    """Whether what stands after a name is parted from it: 绿地城 花园洋房, or is a building by itself: 绿地城3-1."""
    return after.start() in breaks or (after[0].isdigit() and any(after.start() < at < after.end() for at in breaks))


def _exact(weights: dict[int, float]) -> bool:
    """Whether an estate is called just so: then none is meant that is only called like it."""
    return any(weight > 0.99 * NAME["same"] for weight in weights.values())


def _stems(base: str) -> list[str]:
    """A base itself, and what is left of it without 小区 and without a developer's name."""
    out = [base]
    for bare in (_ENDING.sub("", base), _DEVELOPER.sub("", base)):
        if len(bare) > 1 and bare not in out and bare not in _WORDS:
            out.append(bare)
    return out


def _pairs_of(sounds: str) -> set[str]:
    return {sounds[i : i + 2] for i in range(len(sounds) - 1)}


def _slip(said: str, base: str) -> str | None:
    """What kind of slip makes `base` of `said`, None where it is too much for one, or another estate's name."""
    if OSA.distance(said, base, score_cutoff=1) > 1 or _tells_apart(said, base):
        return None
    return f"typo{min(len(said), 6)}"


def _tells_apart(one: str, other: str) -> bool:
    """Whether what differs between two names is a number, a direction, or the word for an estate (家园, 花园)."""
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    end = 0
    while end < min(len(one), len(other)) - start and one[-1 - end] == other[-1 - end]:
        end += 1
    a, b = one[start : len(one) - end], other[start : len(other) - end]
    if a in _TELLING or b in _TELLING or _NUMBERS & {*a, *b}:
        return True
    if not end and {a, b} == {"成", "城"}:  # at its end no name is called 成: 太阳成
        return False
    return bool(a) and bool(b) and set(a) <= _GENERIC and set(b) <= _GENERIC


def _with_suffix(base: str, folded: str, end: int) -> tuple[EstateName, int]:
    phase = section = note = ""
    while found := _SUFFIX.match(folded[end : end + 8]):
        if (found["phase"] and phase) or (found["section"] and section):
            break
        phase, section = found["phase"] or phase, found["section"] or section
        end += found.end()
    if found := _NOTE.match(folded[end : end + 24]):
        note = found[1]
        end += found.end()
    return EstateName(base, phase.lstrip("0"), section, note), end


def _fit(said: EstateName, own: EstateName) -> float:
    fit = NAME["same"] * _fit_part(said.phase, own.phase) * _fit_part(said.section, own.section)
    if said.note != own.note:
        # Two that share a name are told apart in brackets: 长青家园(新立街44号).
        fit *= 0.3 if said.note and own.note else NAME["note"] / NAME["same"]
    return fit


def _fit_part(said: str, own: str) -> float:
    if said == own:
        return 1.0
    return NAME["other" if said and own else "whole" if said else "part"] / NAME["same"]


def _weighed(weights: dict[int, float], differs: list[str]) -> tuple[tuple[int, float], ...]:
    worth = 1.0
    for kind in differs:
        worth *= NAME[kind] / NAME["same"]
    return tuple((number, weight * worth) for number, weight in _ranked(weights))


def _ranked(weights: dict[int, float]) -> list[tuple[int, float]]:
    if len(weights) < 2:
        return list(weights.items())
    return sorted(weights.items(), key=lambda item: (-item[1], item[0]))
