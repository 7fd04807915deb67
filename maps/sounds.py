"""Which characters sound alike: the commonest way in which names are mistyped (哈西 for 哈夕, 滨才 for 滨财).

The 3,755 characters of GB 2312's first level stand in the order of their pinyin, so that the first character of
each syllable parts them all (GB 2312-1980, rows 16–55; tones apart, and each character under one reading).
"""

from __future__ import annotations

from bisect import bisect_right

#: The first character of each of the 396 syllables, a … zuo, in the standard's order.
_FIRST = (
    "啊埃鞍肮凹芭白斑邦苞杯奔崩逼鞭标鳖彬兵玻哺擦猜餐苍操厕层插拆搀昌超车郴撑吃充抽初揣川疮吹春戳疵聪凑粗蹿摧村磋搭呆耽当刀德蹬堤颠碉跌丁"
    "丢东兜都端堆墩掇蛾恩而发藩坊菲芬丰佛否夫噶该干冈篙哥给根耕工钩辜刮乖棺光瑰辊锅哈骸酣夯壕呵嘿痕哼轰喉呼花槐欢荒灰荤豁击嘉歼僵蕉揭巾荆"
    "炯揪鞠捐撅均喀开刊康考坷肯坑空抠枯夸块宽匡亏坤括垃莱蓝琅捞勒雷棱厘俩联粮撩列琳玲溜龙楼芦驴峦掠抡萝妈埋瞒芒猫么玫门萌眯棉苗蔑民明谬摸"
    "谋拇拿氖南囊挠呢馁嫩能妮蔫娘鸟捏您柠牛脓奴女暖虐挪哦欧啪拍攀乓抛呸喷砰坯篇飘撇拼乒坡扑期掐牵枪橇切钦青琼秋趋圈缺裙然瓤饶惹壬扔日戎揉"
    "茹软蕊闰若撒腮三桑搔瑟森僧莎筛珊墒梢奢砷声师收蔬刷摔栓霜谁吮说斯松搜嗽酸虽孙蓑塌胎坍汤掏特藤梯天挑贴厅通偷凸湍推吞拖挖歪豌汪威瘟嗡挝"
    "巫昔瞎掀相萧楔薪星兄休墟轩靴勋压焉殃邀椰一茵英哟拥幽淤鸳曰耘匝栽咱赃遭责贼怎增扎摘瞻樟招遮珍蒸芝中舟珠抓拽专桩椎谆捉兹鬃邹租钻嘴尊昨"
)
_LAST = 0xD7F9


def _code(char: str) -> int:
    try:
        raw = char.encode("gb2312")
    except UnicodeEncodeError:
        return 0
    return raw[0] * 256 + raw[1] if len(raw) == 2 else 0


_STARTS = [_code(char) for char in _FIRST]
_SOUND: dict[str, int] = {}
for _row in range(0xB0, 0xD8):
    for _cell in range(0xA1, 0xFF):
        if _row * 256 + _cell <= _LAST:
            _char = bytes((_row, _cell)).decode("gb2312")
            _SOUND[_char] = bisect_right(_STARTS, _row * 256 + _cell)


def sound(char: str) -> int:
    """The syllable of a simplified character as a number from 1; 0 for what has none here (rare ones, letters)."""
    return _SOUND.get(char, 0)


def sound_alike(one: str, other: str) -> bool:
    """Whether two characters are spoken alike, tones apart."""
    return one == other or ((found := sound(one)) > 0 and found == sound(other))


_TABLE = {ord(char): ord(_FIRST[number - 1]) for char, number in _SOUND.items()}


def spoken(text: str) -> str:
    """A text by its sounds: of those that are spoken alike one and the same; for comparing only, place by place."""
    return text.translate(_TABLE)
