"""Whose home an estate in a text is: the writer's, the one they are furnishing, a friend's, a landmark.

The role hangs on the words around the name. 我在A租房,买的是B: B is furnished, A is left; A旁边的B: A says where B is.
"""

from __future__ import annotations

import re
from enum import IntEnum


class Role(IntEnum):
    """What a name in a text is to the writer, the weightier the higher."""

    NOT = 0
    LANDMARK = 1
    LEFT = 2
    PLAIN = 3
    MINE = 4
    NEW = 5


_SHORT = r"(?:,|了|的|是|在|到|就|我|家|也|住|都|还|刚|已经|这套|那套|个|套)*"
_NEW = re.compile(
    rf"(?:买(?!菜|东西)(?:的|了|在)?(?:房子?)?|新房|新家|婚房|换到|换成|换房|搬到|搬进|搬来|搬去|入住|入手|购入?|订|签|装修的?|收房|交房|拿房)"
    rf"{_SHORT}$"
)
_MINE = re.compile(
    r"(?:我是|是我|我们?家?的?在?|我家是?|咱们?家?|住在?|家在|房子在|本人|坐标|地址|送货地址|收货地址|送到|业主)[:,是在住的]*$"
)
_LEFT = re.compile(
    r"(?:租房?|租住|现在住|目前住|现住|暂住|以前住|原来住|之前住|从前住|老家|"
    r"老房子?|旧房子?|从|卖|出售|转让|出租)[了的在是]*$"
)
_NOT = re.compile(
    r"(?:除了?|(?:谁说我?|哪里?|才不|并不)(?:就?是|住|在)+|(?:本来|原本|原来|之前|当初)是?(?:想|要|打算|准备|看中)买?了?|"
    r"不是|不住|没住|不在|没在|没买|不买|离|距|路过|经过|去过|参观了?|"
    r"(?:朋友|同事|亲戚|同学|客户|邻居|表[哥姐弟妹]|哥|姐|弟|妹|闺蜜|爸妈?|我妈|父母|老板|别人|人家|他|她|群主|楼主|"
    r"丈母娘|岳[父母]|婆婆|公公|爷爷|奶奶|姥[姥爷]|外[公婆]|舅舅?|姑姑?|姨妈?|叔叔?)们?(?:家|住|买|是|也|都|在|的)*|"
    r"(?:你|您)们?(?:家|也|都|就|不|那边?|是不是|是|住|在)+|"
    r"公司|单位|上班|学校|店|工作)(?:就|的|在|家|住|是)*$"
)
_BESIDE = (
    r"(?:对面|对过|旁边|旁|附近|隔壁|边上|跟前|斜对[面过]?|"
    r"后面|前面|后身|[东西南北]侧|以[东西南北]|[东西南北]行|[东西南北]边|[东西南北]门)"
)
_LANDMARK_AFTER = re.compile(rf"^(?:小区|社区)?的?{_BESIDE}(?!的?{_BESIDE})")
_SOME_BESIDE = re.compile(rf"{_BESIDE}的")
_PLACE = re.compile(rf"([^,，。!?]{{2,8}}?)(?:小区|社区)?的?{_BESIDE}的")
_BESIDE_BEFORE = re.compile(r"(?:附近|隔壁|挨着|靠近|紧邻|紧挨着?|临近|对面就?是|旁边就?是)$")
_LEFT_AFTER = re.compile(r"^(?:小区)?,?(?:租房|租的|租住|的?(?:老|旧)?房子?.{0,3}(?:卖|租)|是租的|住了\d+年)")
_NOT_AFTER = re.compile(
    r"^(?:小区|社区)?(?:不远|很近|太远|没关系|上班|工作|当保安|办公|开(?:店|公司|会)|(?:这边|那边)?有(?:门店|店|分店|展厅)|"
    r"(?:和|跟|与|离)我们?家?(?:小区)?(?:就?隔|挨|不远|很近|近|远)|的?(?:业主)?群里?有?人|"
    r"的?(?:业主|邻居|住户|朋友|客户)们?(?:都|也)?(?:说|推荐|介绍)|"
    r"的?(?:感觉|风格|味道)|(?:那个|这个|的)?(?:装修)?(?:案例|实景|效果图)|,?的?样板[间房](?:开放|欢迎)|"
    r"的?二手房|(?:这个小区)?(?:怎么样|咋样|好不好|值得买)|是不是学区|是学区|的(?:人|业主)?也?不是我|的?(?:房子?)?,?我?(?:没要|没买|不要|不想要|退了|退掉|没看上|不考虑)(?=[了的啊,。!?]|$))"
)
#: A home that somebody has lived in and does up is not one that they leave.
_DONE_UP = re.compile(r"重(?:新)?装|翻新|旧(?:房|厨|屋)改造|局部?改|改造|换(?:橱柜|衣柜|门|窗|地板)")
_MINE_AFTER = re.compile(
    r"^(?:小区)?,?(?:的(?:业主|住户|房|邻居)|的(?:$|[,!?。,])|业主|[a-z]?\d{0,3}(?:栋|号楼|幢|座|单元|#)|,?\d+-\d+)")
_NEW_AFTER = re.compile(
    r"^(?:小区)?,?(?:的房子?)?(?:买的|买了|刚收房|收房|交房|要装修|准备装修|装修(?=[,。!的]|$)|新房)")


#: How WeChat writes what is answered (「江枫园小周：…」 and a line of dashes), and who is called: @江枫园小周.
_QUOTED = re.compile(r"^\s*「.*」\s*(?:-\s*){5,}", re.DOTALL)
_CALLED = re.compile(r"(?:^|(?<=\s))@[^@\s]{1,24}(?:\s|$)")


def own_words(text: str) -> str:
    """A message without the one that it answers and without whom it calls, in whose names estates stand."""
    if "「" in text:
        text = _QUOTED.sub("", text)
    return _CALLED.sub(" ", text) if "@" in text else text


def role(folded: str, start: int, end: int) -> Role:
    """What the name at [start, end) of a folded text is to its writer."""
    before, after = folded[max(0, start - 12) : start], folded[end : end + 10]
    if _LANDMARK_AFTER.search(after) or _BESIDE_BEFORE.search(before):
        return Role.LANDMARK
    if _NOT.search(before) or _NOT_AFTER.search(after):
        return Role.NOT
    if _LEFT.search(before) or _LEFT_AFTER.search(after):
        return Role.LEFT
    if _NEW.search(before) or _NEW_AFTER.search(after):
        return Role.NEW
    if _MINE.search(before) or _MINE_AFTER.search(after):
        return Role.MINE
    return Role.PLAIN


def done_up(folded: str) -> bool:
    """Whether a text says that a home is done up anew: 住了8年,想重装厨房."""
    return _DONE_UP.search(folded) is not None and _LEFT.search(folded) is None


def landmark_in(folded: str) -> str:
    """The text before the first words that make it a landmark (旁边的, 附近的): at most eight characters of it."""
    found = _PLACE.search(folded) if _SOME_BESIDE.search(folded) else None
    return found[1] if found else ""


_ONE_BEFORE = re.compile(r"(?<!我)(?<!们)(?<!你)(?<!他)(?<!她)(?<!公)(?<!婆)(?<!人)(?:和|或者?|与|跟|还是|以及|及|、)$")
_ONE_AFTER = re.compile(
    r"^(?:小区|社区)?(?:和|或者?|还是|以及|及|、)"
    r"(?!我|你|他|她|老|家人|装|要|想|水)[\u4e00-\u9fff]{3}"
)


def one_of_several(folded: str, start: int, end: int) -> bool:
    """Whether the name at [start, end) is joined with something that is not known: 某某和绿地城的业主."""
    before = _ONE_BEFORE.search(folded[max(0, start - 4) : start])
    if before and start > 3:
        return True
    return _ONE_AFTER.search(folded[end : end + 10]) is not None


#: Words around an estate's name; what is left between them may be one.
_FRAME = re.compile(
    r"[^\u4e00-\u9fffa-z0-9()]+|大家好|你好|您好|请问|我们?家?的?(?:是|在|住)?|我家?(?:是|在|住)?|咱们?|本人|坐标|住在?|家在|送货地址|收货地址|地址|"
    r"买了?的?(?:是|在)?|新房在?|刚?收房|交房|准备|打算|装修|业主群?|邻居们?|家装|交流|团购|群\d*$|接龙|什么时候|有没有|有人|一起|"
    r"的?房子?|房本|下来了|验房|月底|看过来|参加|多少钱|水电改造|平方?米?|三室|两室|想看看?|橱柜|也?是|[的在了吗呢啊呀吧求找]"
)
_CUE = re.compile(r"我|咱|住|家|买|房|业主|群|邻居|坐标|地址|小区|期|区|栋|楼|[,，]$|^[^,，]{3,12}$")


def slots(folded: str, most: int = 4) -> list[tuple[int, str]]:
    """Stretches of a folded text that may be a name written wrong, with where they start; none in mere talk."""
    if not _CUE.search(folded):
        return []
    out, at = [], 0
    for found in _FRAME.finditer(folded):
        if found.start() - at >= 3:
            out.append((at, folded[at : found.start()]))
        at = found.end()
    if len(folded) - at >= 3:
        out.append((at, folded[at:]))
    return [(start, text) for start, text in out if len(text) <= 16 and any(c >= "\u4e00" for c in text)][:most]
