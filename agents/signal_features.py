# ruff: noqa: E501  (word lists are kept whole; Chinese characters count double)
"""What the model of signals sees of a message: runs of characters, in three views, and kinds of words.

As written; with words of one class written alike (whatever is furniture, a brand, a building, a day); and as spoken,
so that a slip into a word that sounds the same (抱名 for 报名: voice-to-text makes many) is seen through. A feature is
there or not; how often counts nothing. Beside them, which kinds of words there are (`agents.signal_kinds`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import ahocorasick

from agents.signal_kinds import kinds_in, of_kinds
from maps.sounds import sound

#: So many characters are looked at: what a message is about, it says soon.
MODEL_CHARS = 160
#: The longest runs: as written, in classes, as spoken.
WRITTEN, CLASSED, SPOKEN = 4, 5, 3
#: Stands at both ends of a text.
EDGE = "\ue000"
#: Before the name of a signal that the rules find.
RULED = "\ue00f"
#: Of characters that are spoken alike one and the same, which nobody writes.
_HEARD = {code: 0xF0000 + sound(chr(code)) for code in range(0x4E00, 0x9FA6) if sound(chr(code))}

#: Numbers of telephones, homes, and others.
_NUMBERS = re.compile(
    r"(1[3-9]\d{9}|(?<!\d)\d{7,11}(?!\d))"
    r"|((?:[东南西北]区|[一二三四五六七八九十\d]{1,3}期)?(?:(?<![a-z])[a-z]?\d{1,3}|[一二三四五六七八九十]{1,3}|(?<![a-z])[a-z])\s?"
    r"(?:栋|幢|号楼|号院|座|期|单元|#楼?)(?:\s?\d{1,2}单元)?(?:[-—]?\d{3,4}室?)?"
    r"|(?<![\d.])(?:\d{1,2}|[a-z])[-—–－/#](?:\d{1,2}[-—–－/])?\d{3,4}(?![\d.%万元平㎡米]))"
    r"|(\d+(?:\.\d+)?)"
)
_NUMBER_MARKS = ("\ue001", "\ue002", "\ue003")
_MAY_HAVE_NUMBERS = re.compile(r"\d|栋|幢|号楼|号院|座|期|单元|#")
#: One of these is in every number: the digits of all scripts, and the signs of a home.
NUMBER_SIGNS = "".join(chr(code) for code in range(0x20000) if chr(code).isdecimal()) + "栋幢号座期单#"

#: Classes of words that stand for one another.
WORDS: dict[str, str] = {
    "\ue004": "索菲亚 欧派 尚品宅配 尚品 好莱客 志邦 皮阿诺 维意 维意定制 诗尼曼 百得胜 玛格 冠牛 顶固 卡诺亚 科凡 司米 兔宝宝 莫干山 千年舟 "
              "宜家 全友 顾家 顾家家居 林氏木业 林氏家居 芝华仕 金牌橱柜 金牌厨柜 我乐 我乐家居 我乐橱柜 博洛尼 梦天 梦天木门 tata tata木门 红星 红星美凯龙 "
              "居然之家 曲美 劳卡 威法 图森 慕思 喜临门 雅兰 方太 老板电器 华帝 海尔 美的 格力 西门子 卡萨帝 松下 博世 小天鹅 容声 小米 东鹏 马可波罗 诺贝尔 "
              "蒙娜丽莎 冠珠 简一 欧神诺 圣象 大自然地板 德尔地板 箭牌 九牧 科勒 恒洁 toto 汉斯格雅 东易日盛 业之峰 土巴兔 齐家网 圣都 红蚂蚁",
    "\ue005": "全屋定制 全屋 整体橱柜 橱柜 厨柜 衣柜 大衣柜 鞋柜 玄关柜 进门柜 餐边柜 酒柜 书柜 阳台柜 电视柜 洗衣机柜 洗衣柜 储物柜 浴室柜 柜子 榻榻米 "
              "衣帽间 上下铺 书桌 床垫 沙发 茶几 餐桌 家具 木门 房门 隐形门 推拉门 移门 门板 柜门 台面 地板 瓷砖 吊顶 岛台 家电 冰箱 洗衣机 油烟机 洗碗机 "
              "热水器 灶具 水槽 隔断",
    "\ue006": "保洁 开荒 家政 搬家 贷款 信用卡 保险 灯具 净水器 封窗 封阳台 纱窗 美缝 甲醛治理 除甲醛 墙布 墙纸 兼职 招聘 刷单 代购 面膜 减肥 水果 大闸蟹 "
              "螃蟹 水电改造 木工 油漆 征信 套现 发票 疏通 通下水 开锁 防水补漏 月嫂 育儿嫂 催乳 车险 驾校 瑜伽 编程 补课 辅导 钢琴 舞蹈 土鸡蛋 土猪肉 茶叶 "
              "健身卡 蛋糕 卤味 火锅 烧烤 宽带 智能锁",
    "\ue007": "同事 朋友 邻居 闺蜜 亲戚 老乡 表妹 表姐 表弟 表哥 小姨子 大姨 小姨 嫂子 姐夫 妹妹 弟弟 战友 亲家 同学 婆婆 对门 楼上 楼下 隔壁 老婆 老公 "
              "媳妇 爸妈 我妈 我爸 我姐 我哥 客户",
    "\ue008": "设计师 师傅 工长 施工队 装修队 装修公司 装企 客服 店长 顾问",
    "\ue009": "周一 周二 周三 周四 周五 周六 周日 周天 周末 星期一 星期二 星期三 星期四 星期五 星期六 星期天 星期日 礼拜一 礼拜二 礼拜三 礼拜四 礼拜五 "
              "礼拜六 礼拜天 礼拜日 明天 明儿 明儿个 后天 明后天 今天 今晚 明早 明晚 上午 下午 晚上 中午 下班 下了班",
    "\ue00a": "物业 物业费 业委会 业主大会 开发商 电梯 车库 地库 车位 停车 停车费 楼道 保安 门禁 绿化 居委会 外墙 公摊 收房 验房 交房 交付 维修基金 充电桩 "
              "快递柜 暖气 停水 停电 停气 房产证 业主群 路灯 监控",
    "\ue00b": "学校 小学 中学 幼儿园 学籍 学区 驾照 游泳班 舞蹈班 篮球赛 篮球 羽毛球 运动会 夏令营 亲子游 春游 爬山 打牌 喝酒 聚餐 吃饭 机票 酒店 医院 银行 "
              "外卖 快递 打车 地铁 高铁 食堂 首付 月供 利率 税费 二手房 挂牌",
}  # fmt: skip


def _automaton() -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for mark, words in WORDS.items():
        for word in words.split():
            automaton.add_word(word, (len(word), mark))
    automaton.make_automaton()
    return automaton


_WORDS = _automaton()


def heard_as(char: str) -> str:
    """A character as spoken: the same for all that sound alike."""
    return chr(_HEARD.get(ord(char), ord(char)))


def alike(low: str) -> bool:
    """Whether two characters of a text are the same, or sound alike."""
    return len(set(low.translate(_HEARD))) < len(low)


def classed(low: str) -> str:
    """A lower-cased text with every word of a class, and every number, written as one character."""
    if _MAY_HAVE_NUMBERS.search(low):
        low = _NUMBERS.sub(_number, low)
    parts: list[str] = []
    at = 0
    for end, (length, mark) in _WORDS.iter_long(low):
        parts += (low[at : end + 1 - length], mark)
        at = end + 1
    return "".join(parts) + low[at:] if parts else low


def _number(match: re.Match[str]) -> str:
    return _NUMBER_MARKS[(match.lastindex or 1) - 1]


def views(low: str) -> tuple[str, str, str]:
    """A lower-cased text as written, in classes and as spoken, each between edges."""
    written = f"{EDGE}{low[:MODEL_CHARS]}{EDGE}"
    return written, classed(written), written.translate(_HEARD)


def features(low: str, rules: Iterable[str] = ()) -> set[str]:
    """The features of a lower-cased text; `rules` are the names of the signals that the rules find in it."""
    written, shaped, heard = views(low)
    found = {*runs(written, WRITTEN), *runs(shaped, CLASSED), *runs(heard, SPOKEN), *of_kinds(kinds_in(written))}
    found.update([RULED + name for name in rules])
    return found


def runs(text: str, longest: int) -> list[str]:
    """Every run of one to `longest` characters of a text."""
    size = len(text)
    return [text[at : at + length] for length in range(1, longest + 1) for at in range(size - length + 1)]
