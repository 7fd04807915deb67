"""What our own people called for last, and what a bare word then says: after "报名扣1" a 1 is a sign-up.

By the words of both alone; when a call was seen in a group, and how long it holds, is kept by `agents.last_call`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from agents.lexicon import SignalName


class Call(StrEnum):
    """What a post of ours calls for."""

    #: To sign up, or to join what is offered.
    SIGN_UP = "sign_up"
    #: To look at a plan that is there.
    PLAN = "plan"


#: A longer message is no bare answer.
BARE: Final = 16

_CALLS: tuple[tuple[Call, re.Pattern[str]], ...] = (
    (Call.SIGN_UP, re.compile(
        r"报名|接龙|名额|[扣敲打回](?:个)?[\s“\"「]*(?:1|一)(?!\d)|参团|拼团|跟团|要的(?:邻居|朋友|业主)?[^，。！]{0,4}(?:接|举手|说一声)"
        r"|想(?:参加|要|去)的[^，。！]{0,6}(?:说|接|举手|报)|登记|算上(?:您|你)")),
    (Call.PLAN, re.compile(
        r"(?:方案|效果图|设计图|布局图|平面图|案例)[^。！？]{0,16}(?:出来|出炉|做好|整理|更新|来了|发[在到群]|放在|上传|好了|在这|看看|参考)"
        r"|(?:整理|做|出|画|更新)(?:好|完|出)?了?[^。！？]{0,12}(?:方案|效果图|设计图|布局图|平面图)")),
)  # fmt: skip

#: Bare words that agree to a call to sign up, as people write them; faces and marks around them are set aside.
_AGREES = re.compile(
    r"(?:[1１一]{1,3}|[+＋加][1-9一两]|报(?:个?名|1个|一个|1|一)?|抱名|我(?:也)?(?:要|报|来|去|参加|接|跟|算)?|要|接(?:龙|1|一个|着|上)?|跟(?:上|1|一个|团)?|参加|来(?:一个|1个)?"
    r"|算我|加我|带我|有我|安排|可以|好的?|行|ok|收到1|举手|🙋\S*|🙋|✋|👌|同上|同报|继续接?|上车|冲)[的了啦呀啊哈吧呗嘛~]*"
)
#: How a plan that was posted is asked for.
_ASKS = re.compile(
    r"(?:在|去|从|上)?(?:哪|那)(?:里|儿|边)?(?:能|可以)?(?:看|找|下载|有)|怎么看|咋看|发(?:我|下|一下|一份|来|给我)?(?:看看|看下)?|看看|想看|求看|求发?|我也?要?看|给我也?发|有我(?:家|们)?(?:户型|的)?(?:吗|么|嘛|没)"
    r"|链接|地址|在哪|哪看|哪里看|没看到|看不到|求分享|蹲一?个?|蹲|1|一|要|我要|想要|\+1"
)
#: A sign that is a word here.
_KEPT = re.compile(r"^[^\w+＋🙋✋👌]+|[^\w🙋✋👌]+$")


def call_in(text: str) -> Call | None:
    """What a post calls for, by its words: the first that fits; None where it calls for nothing."""
    for call, words in _CALLS:
        if words.search(text):
            return call
    return None


def is_bare(text: str) -> bool:
    """Whether a message is short enough to be an answer to a call."""
    return len(text) <= BARE


def answer_to(low: str, after: str) -> SignalName | None:
    """What a lower-cased message says as the answer to a call (a `Call`, or the words of the post that calls)."""
    said = _KEPT.sub("", low.strip())
    if not said or len(said) > BARE:
        return None
    call = after if after in _ANSWERS else call_in(after)
    if call is None:
        return None
    words, name = _ANSWERS[Call(call)]
    return name if words.fullmatch(said) or (call == Call.PLAN and words.match(said)) else None


_ANSWERS: dict[str, tuple[re.Pattern[str], SignalName]] = {
    Call.SIGN_UP: (_AGREES, SignalName.SIGNS_UP),
    Call.PLAN: (_ASKS, SignalName.ASKS_DESIGN),
}
