"""A text as its reader's eye takes it: tricks between and within characters undone.

Invisible characters go, full-width and traditional ones become plain, and what stands between two words (spaces,
emoji, stars, brackets) is taken out but remembered, so that ``我 家`` and ``我😀家`` read as ``我家``.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from msgspec import Struct

#: Traditional characters, and look-alikes, of the words that claims are made of.
_PLAIN = str.maketrans(
    "們裝區業鄰買訂樓棟號戶單購驗過際國園莊灣廳邊層對門間臥廚衛體實測個這那裡裏來說話講問給幫師傅設計圖紙櫃衣廠品牌質量"
    "價錢報團參與選擇後還沒會員長輩媽爸爺爹婆兒關係開啟點擊條電視時間現場樣東親愛閨結婚歲盤萬畫廣場覺值順結終於達華"
    "傢佢咗麼從讓處總齊雙剛發見緊當嘗試認為爲舊現鑰匙陽臺燈線讚專寫應該動氣車經額滿搶庫編偽虛構評換簽約餘隻僅賣詢組數聽",
    "们装区业邻买订楼栋号户单购验过际国园庄湾厅边层对门间卧厨卫体实测个这那里里来说话讲问给帮师傅设计图纸柜衣厂品牌质量"
    "价钱报团参与选择后还没会员长辈妈爸爷爹婆儿关系开启点击条电视时间现场样东亲爱闺结婚岁盘万画广场觉值顺结终于达华"
    "家他了么从让处总齐双刚发见紧当尝试认为为旧现钥匙阳台灯线赞专写应该动气车经额满抢库编伪虚构评换签约余只仅卖询组数听",
)
_ENDS = frozenset("，,。．｡！!；;：:、\n\r\u2028\u2029\u0085…")
_INVISIBLE = frozenset({"Cf", "Mn", "Me", "Cc", "Co", "Cs", "Cn"})
#: Letters and marks that show as nothing: Hangul fillers, the blank braille cell.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\u17b4\u17b5")
_FACE = re.compile(r"\[[^\[\]\n]{1,6}\]")


class Folded(Struct, frozen=True):
    """The text to read; for each of its characters where it stood, and whether something was taken out before it.

    A clause ends with ``，``, a question with ``？``, a quotation stands in ``“”``.
    """

    text: str
    at: tuple[int, ...]
    gap: tuple[bool, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original text that became these characters."""
        return self.at[start], self.at[end - 1] + 1


def fold(text: str) -> Folded:
    """Fold a text; deterministic, linear in its length."""
    read = text.translate(_READ_AS)
    if _SEVERAL in read or "[" in text:
        return _mended(_by_character(text))
    if _GAP not in read and _NOTHING not in read and _TWICE.search(read) is None:
        return _mended(Folded(read, tuple(range(len(read))), (False,) * len(read)))
    return _mended(_by_run(read))


def _by_run(read: str) -> Folded:
    """A text in which every character reads as one or none, run by run of those that stay."""
    out: list[str] = []
    at: list[int] = []
    gaps: list[bool] = []
    gap = False
    for match in _RUNS.finditer(read):
        start = match.start()
        if read[start] in _TAKEN_OUT:
            gap = gap or _GAP in match[0]
        elif read[start] == "，" and out and out[-1][-1] in "，？":
            # Of marks that end a clause the first is enough.
            continue
        else:
            kept = "，" if read[start] == "，" else match[0]
            out.append(kept)
            at += range(start, start + len(kept))
            gaps += (gap, *(False,) * (len(kept) - 1))
            gap = False
    return Folded("".join(out), tuple(at), tuple(gaps))


def _by_character(text: str) -> Folded:
    """Any text, character by character."""
    faces = {i for match in _FACE.finditer(text) for i in range(*match.span())} if "[" in text else frozenset[int]()
    out: list[str] = []
    at: list[int] = []
    gaps: list[bool] = []
    gap = False
    for place, char in enumerate(text):
        read = "" if place in faces else _read(char)
        if read == "":
            gap = gap or place in faces or not _vanishes(char)
            continue
        for plain in read:
            if plain == "，" and out and out[-1] in "，？":
                continue
            out.append(plain)
            at.append(place)
            gaps.append(gap)
            gap = False
    return Folded("".join(out), tuple(at), tuple(gaps))


def _vanishes(char: str) -> bool:
    return char in _BLANK or unicodedata.category(char) in _INVISIBLE


#: What a mark reads as: the end of a clause, a question, a quotation's marks; what shows as nothing is nothing.
_MARKS = {
    **dict.fromkeys(_ENDS, "，"), **dict.fromkeys("？?", "？"), **dict.fromkeys("“「『〝", "“"),
    **dict.fromkeys("”」』〞", "”"), **dict.fromkeys(_BLANK, ""),
}


@lru_cache(maxsize=8192)
def _read(char: str) -> str:
    if "\u4e00" <= char <= "\u9fff":
        return char.translate(_PLAIN)
    if (mark := _MARKS.get(char)) is not None:
        return mark
    plain = unicodedata.normalize("NFKC", char)
    return "".join(c.translate(_PLAIN) for c in plain.lower() if c.isalnum() or c in "#+")


#: What a character is read as where that isn't one character: what is taken out, what is nothing, what is several.
_GAP, _NOTHING, _SEVERAL = "\x00", "\x01", "\x02"
_TAKEN_OUT = frozenset({_GAP, _NOTHING})
_RUNS = re.compile("[\x00\x01]+|，+|[^\x00\x01，]+")
_TWICE = re.compile("[，？]，")


class _Reads(dict[int, str]):
    """What every character is read as, by its code; found out when it first comes."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        read = _read(char)
        if len(read) > 1:
            read = _SEVERAL
        elif not read:
            read = _NOTHING if _vanishes(char) else _GAP
        self[code] = read
        return read


_READ_AS = _Reads()
_CRUMB = re.compile(r"(?:(?<=^)|(?<=[，“”？]))([^，“”？]{1,2})[，“”？]+(?=[^，“”？])")
_LAST_CRUMB = re.compile(r"(?<=[^，“”？])([，“”？])(?=[^，“”？](?:[，“”？]|$))")
_HAS_CRUMBS = re.compile(r"(?<![^，“”？])[^，“”？]{1,2}(?![^，“”？])")


def _mended(folded: Folded) -> Folded:
    """Join crumbs of one or two characters to what follows: 我，家，装，了 is one clause, cut up."""
    text = folded.text
    if _HAS_CRUMBS.search(text) is None:
        return folded
    drop = {i for match in _CRUMB.finditer(text) for i in range(match.end(1), match.end())}
    # What parts single characters anywhere: 家装，了.
    drop |= {match.start(1) for match in _LAST_CRUMB.finditer(text)}
    if not drop:
        return folded
    cut, at, gap = list(text), list(folded.at), list(folded.gap)
    # From the end, so that the places before stay what they are.
    for place in sorted(drop, reverse=True):
        del cut[place], at[place], gap[place]
        if place < len(gap):
            gap[place] = True
    return Folded("".join(cut), tuple(at), tuple(gap))
