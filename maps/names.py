"""How estates are written, and what is the same estate: spelling, phases, sections, buildings and rooms.

People and listing sites write one estate in many ways: 绿地·城（二期）, 绿地城Ⅱ期, 綠地城2期. `fold` takes away
what only spelling makes different; `parse` parts the name proper from its phase and section, which do name
different estates; `split_home` takes a home's building, unit and room out of a text.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from itertools import accumulate

from msgspec import Struct

#: Traditional characters of estates' and streets' names, by code point, …
_TRADITIONAL = (
    "亞來倉個偉側備傭傳傾僑儀億儉優儲兒凱創劇劉劍動勝勞勢匯區協吳員喚單國圍園圓圖團堅報場塊塢塵壇夢夾奧奪"
    "娛婦孫學宮實寧審寬寵寶將尋對導層峯島峽崗嵐嶺嶽巒巖帥師帳帶幾庫廈廟廠廣廬廳張彌彎後徑從復徳恆悅愛態慶"
    "憂憲憶應懷戲戶掛揚換摯擁擇擊擔據擴擺攝敵數時暉暢暫曄曉曠書會東條棗棟棧棲楊業極榮樂樓標樞樣樹橋機橫檢"
    "櫻權欖歐歡歲歷歸氣淨淺渾溝溫滙滬滿漁漢潔潛潤澗澤澱濃濟濤濰濱瀟瀾灘灝灣煉煒熱燁燈營燦爐爛爺爾牆狀獅獨"
    "獲獻珎現瑩瑪璣環璽瓊瓏產甯畝畢畫異當疊療監盤盧眞眾碩確碼礙礦祿禎禮種稱積穎穩窩窯競筆節築簡簽粵糧紀紅"
    "納純紗級紡細紳紹終組結絡給統經綜綠維網緊線緣編緯練緹縣縱總織繡繪繼續羅羣義聖聞聯聰聲職聽肅脈臨臺與興"
    "舊艦艷莊華萊萬葉葯蒼蓮蔣蔭蕭薈藍藝藥藴蘆蘇蘊蘭處虜號蝦蟬術衛裏補裝裡規視親覺覽觀計記訪設許詩話認語誠"
    "誼調談請論諾講證識議護譽谿豎豐貝負財貢貨責貴買貿賀賓賢賦購賽贊贏趙蹤躍車軍軒軟載輔輕輛輝輪轉農連進遊"
    "運過達遜遠適遷選遺遼邁還邊郵鄧鄭鄰醫醬釋針釣鈺鉑銀銅銘鋒鋪鋼錢錦錫鍾鎖鎮鏡鐘鐮鐵鑒鑽長門開閑間閣閩闊"
    "關陳陸陽隊階際隨險隱雋雖雙雜離難雲電霧霽靈靜韓韻響頁頂項順須頌預頓領頤頻題顏類顧顯風飄飛飯飲飾養館馬"
    "馮駐駿騎騏騰騷驕驛驥體魚魯鮮鳥鳳鳴鴻鴿鵬鶯鶴鷗鷺麗麥黃點黨齊齋齡龍龐龜"
)
#: … and their simplified forms, in the same order.
_SIMPLIFIED = (
    "亚来仓个伟侧备佣传倾侨仪亿俭优储儿凯创剧刘剑动胜劳势汇区协吴员唤单国围园圆图团坚报场块坞尘坛梦夹奥夺"
    "娱妇孙学宫实宁审宽宠宝将寻对导层峰岛峡岗岚岭岳峦岩帅师帐带几库厦庙厂广庐厅张弥弯后径从复德恒悦爱态庆"
    "忧宪忆应怀戏户挂扬换挚拥择击担据扩摆摄敌数时晖畅暂晔晓旷书会东条枣栋栈栖杨业极荣乐楼标枢样树桥机横检"
    "樱权榄欧欢岁历归气净浅浑沟温汇沪满渔汉洁潜润涧泽淀浓济涛潍滨潇澜滩灏湾炼炜热烨灯营灿炉烂爷尔墙状狮独"
    "获献珍现莹玛玑环玺琼珑产宁亩毕画异当叠疗监盘卢真众硕确码碍矿禄祯礼种称积颖稳窝窑竞笔节筑简签粤粮纪红"
    "纳纯纱级纺细绅绍终组结络给统经综绿维网紧线缘编纬练缇县纵总织绣绘继续罗群义圣闻联聪声职听肃脉临台与兴"
    "旧舰艳庄华莱万叶药苍莲蒋荫萧荟蓝艺药蕴芦苏蕴兰处虏号虾蝉术卫里补装里规视亲觉览观计记访设许诗话认语诚"
    "谊调谈请论诺讲证识议护誉溪竖丰贝负财贡货责贵买贸贺宾贤赋购赛赞赢赵踪跃车军轩软载辅轻辆辉轮转农连进游"
    "运过达逊远适迁选遗辽迈还边邮邓郑邻医酱释针钓钰铂银铜铭锋铺钢钱锦锡钟锁镇镜钟镰铁鉴钻长门开闲间阁闽阔"
    "关陈陆阳队阶际随险隐隽虽双杂离难云电雾霁灵静韩韵响页顶项顺须颂预顿领颐频题颜类顾显风飘飞饭饮饰养馆马"
    "冯驻骏骑骐腾骚骄驿骥体鱼鲁鲜鸟凤鸣鸿鸽鹏莺鹤鸥鹭丽麦黄点党齐斋龄龙庞龟"
)
_TO_SIMPLIFIED = str.maketrans(_TRADITIONAL, _SIMPLIFIED)

#: Numerals as they are written on cheques and, for their looks, in names: 壹号院, 贰期.
_FORMAL = "壹贰叁肆伍陆柒捌玖拾"
_TO_COMMON = str.maketrans(_FORMAL + "貳參陸", "一二三四五六七八九十二三六")

_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "x": 10}

_NUMBER = rf"(?:\d{{1,2}}|[一二三四五六七八九十{_FORMAL}]{{1,3}}|[ivx]{{1,4}})"
_SEPARATORS = re.compile(r"[\s·•・∙⋅●.。*＊_~—–‐\-'\"“”‘’`^|/\\]+")
_PARTING = re.compile(r"\s+|(?<=\d)-(?=\d)")
_MAY_PART = re.compile(r"\s|\d[-－]\d|(?:[·•・_~—–\-－|｜/／\\].*){2}", re.DOTALL)
#: A dash or a dot may be in a name (东皇-银河家园); two of them part a person's, an estate's and a door's.
_PARTING_TWICE = re.compile(r"[\s·•・_~—–\-|/\\]+")
_DASH = re.compile(r"(?<=[^\s·•・_~—–\-|/\\])\s*[·•・_~—–\-|/\\]")
#: What stands in a name as a number: of a phase or section, and as a part of it (三元三村, 白塘一号, 水墨三十度).
_NUMERAL = re.compile(
    rf"第?({_NUMBER})(?=期|区|组团)"
    rf"|(?<![一二三四五六七八九十百千{_FORMAL}])([一二三四五六七八九十{_FORMAL}]{{1,3}})(?=[村号里院坊度弄])")
_BRACKETS = re.compile(r"[(\[{【〔「《<]([^()\[\]{}【】〔〕「」《》<>]*)[)\]}】〕」》>]")
_STRAY_BRACKETS = re.compile(r"[()\[\]{}【】〔〕「」《》<>]")
_PHASE = re.compile(r"(\d{1,2})期$")
_SECTION = re.compile(r"(?:((?:[a-z]\d?|\d{1,2}|[东西南北中]{1,2}|[甲乙丙丁戊]))(?:区|组团|片区)|([a-z]\d?)组)$")
_FORMER = re.compile(r"^(?:原名?|又名|别名|曾用名|旧称)[:：]?(.+)$")

_COUNT = r"(?:\d{1,3}|[一二三四五六七八九十]{1,3}|[a-z]\d{0,2}|[甲乙丙丁])"
_DASHED = re.compile(r"(?<![\d-])(\d{1,3})-(\d{1,2})-(\d{3,4})(?![\d-])|(?<![\d-])(\d{1,3})-(\d{3,4})(?![\d-])")
_SAID = re.compile(
    # 14号2单元 is a building, but not behind a road: 买卖街14号2单元.
    rf"(?:(?P<building>{_COUNT})\s*(?:号楼|栋(?!楼)|幢|座|#楼?)|(?<![\d路街道巷弄])(?P<number>{_COUNT})号(?=\s*{_COUNT}\s*单元))"
    rf"(?:\s*(?P<unit>{_COUNT})\s*(?:单元|门洞|梯))?"
    r"(?:\s*(?:\d{1,2}|[一二三四五六七八九十]{1,3})\s*(?:层|楼))?"
    r"(?:\s*(?P<room>\d{3,4})(?:室|号|房|户)?)?"
)
_UNIT_ONLY = re.compile(rf"(?P<unit>{_COUNT})\s*单元(?:\s*(?P<room>\d{{3,4}})(?:室|号|房|户)?)?")


class EstateName(Struct, frozen=True):
    """A name in its parts, each folded: 绿地城二期(A区) is base 绿地城, phase 2, section a.

    `note` is what stood in brackets and is neither (a street, a district); `former` is an old name (原…).
    """

    base: str
    phase: str = ""
    section: str = ""
    note: str = ""
    former: str = ""

    @property
    def full(self) -> str:
        """Base, phase and section in one fixed order: the key under which spellings meet."""
        return self.base + (f"{self.phase}期" if self.phase else "") + (f"{self.section}区" if self.section else "")


class Home(Struct, frozen=True):
    """Where in an estate: building, unit, room, folded; empty where not said."""

    building: str = ""
    unit: str = ""
    room: str = ""


def plain(text: str) -> str:
    """Half-width, lower case, simplified characters; everything else stays where it was."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_TO_SIMPLIFIED)


def fold(text: str) -> str:
    """`plain`, without spaces, dots and dashes, and with the numbers of phases and sections as digits.

    So are those before 村, 号, 里, 院, 坊, 度 and 弄: 三元三村 and 三元3村, 壹号院 and 1号院.
    """
    return _squeezed(plain(text))


def _squeezed(text: str) -> str:
    return _NUMERAL.sub(lambda m: numeral(m[1] or m[2]), _SEPARATORS.sub("", text))


def breaks(text: str, folded: str) -> frozenset[int]:
    """Where in `folded`, which is `fold(text)`, people parted a name: by spaces, or by two dashes, strokes or dots.

    Empty, too, where folding the parts by themselves gives something else.
    """
    if _MAY_PART.search(text) is None:
        return frozenset()
    text = plain(text)
    parting = _PARTING_TWICE if len(_DASH.findall(text)) > 1 else _PARTING
    parts = [_squeezed(part) for part in parting.split(text)]
    return frozenset(accumulate(map(len, parts))) if "".join(parts) == folded else frozenset()


def numeral(text: str) -> str:
    """A number of 1–99 as digits: 十二, 拾贰, xii and 12 are all ``12``; what is no number stays as it is."""
    text = text.translate(_TO_COMMON)
    if text in _ROMAN:
        return str(_ROMAN[text])
    tens, ten, ones = text.rpartition("十")
    parts = (tens, ones) if ten else ("", text)
    if any(len(part) > 1 or (part and part not in _DIGITS) for part in parts) or not text:
        return text.lstrip("0") or text
    return str((_DIGITS.get(tens, 1) * 10 if ten else 0) + (_DIGITS[ones] if ones else 0))


def parse(name: str) -> EstateName:
    """A name's parts; a name that is nothing but a phase or a section keeps that as its base."""
    text = plain(name)
    phase = section = note = former = ""
    for inside in _BRACKETS.findall(text):
        content = fold(inside)
        bare, p, s = _tail(content)
        if old := _FORMER.match(content):
            former = former or _STRAY_BRACKETS.sub("", old[1])
        elif not bare and (p or s):
            phase, section = phase or p, section or s
        else:
            note = note or content
    outside = fold(_STRAY_BRACKETS.sub("", _BRACKETS.sub("", text)))
    if not outside:
        return EstateName(base=_STRAY_BRACKETS.sub("", fold(text)))
    base, p, s = _tail(outside)
    if len(base) < 2:  # 江东区 is a place, 二期 alone says nothing
        base, p, s = outside, "", ""
    return EstateName(base, phase or p, section or s, note, former)


def _tail(text: str) -> tuple[str, str, str]:
    """Take phases and sections off the end of a folded text, in whatever order they stand."""
    phase = section = ""
    while True:
        if not phase and (found := _PHASE.search(text)):
            phase = found[1].lstrip("0") or "0"
        elif not section and (found := _SECTION.search(text)):
            section = found[1] or found[2]
        else:
            return text, phase, section
        text = text[: found.start()]


def split_home(text: str) -> tuple[str, Home | None]:
    """The text without its building, unit and room, and those: 3栋2单元1201, 3号楼, 3#, 3-2-1201."""
    text = plain(text)
    found, home = _home_in(text)
    return (f"{text[:found.start()]},{text[found.end():]}" if found else text), home


def without_home(text: str) -> str:
    """The text as it is written (`split_home` gives it `plain`), with a comma in the place of its home."""
    parts = [plain(char) for char in text]
    found, _ = _home_in("".join(parts))
    if found is None:
        return text
    ends = list(accumulate(map(len, parts)))
    start, end = bisect_right(ends, found.start()), bisect_left(ends, found.end()) + 1
    return f"{text[:start]},{text[end:]}"


def _home_in(text: str) -> tuple[re.Match[str] | None, Home | None]:
    """Where in a plain text a home is named, and which."""
    if found := _DASHED.search(text):
        a, b, c, d, e = found.groups()
        return found, Home(a or d, b or "", c or e)
    if found := _SAID.search(text):
        parts = found["building"] or found["number"], found["unit"], found["room"]
        return found, Home(*(numeral(part or "") for part in parts))
    if found := _UNIT_ONLY.search(text):
        return found, Home("", numeral(found["unit"]), found["room"] or "")
    return None, None
