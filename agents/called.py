"""How a member is called: by the name that they gave themselves, where one can be called that.

A name is the stream's, and a task puts it into our people's mouths. So an advertisement, a link, a number, a call to
everybody, markup or a forged signature is not repeated before others; and a name that makes a claim of whoever says it
is not said at all. Such a member is called 朋友, and still has their answer.
"""

from __future__ import annotations

import re
from functools import lru_cache

from agents.claims import claims
from agents.folded import fold
from agents.scripts import clean
from agents.untrue import untrue
from maps.names import without_home
from schemas.values import SAID_ACTIONS, Action

#: How somebody is addressed whose name was never shown to us, or cannot be said.
SOMEBODY = "朋友"
#: Longer than this, nobody calls anybody.
LONGEST = 16
#: What is no name: links, addresses, numbers to call, mentions, markup, a line that says who speaks.
_NO_NAME = re.compile(r"://|www\.|\.(?:com|cn|net|top|vip)\b|[@＠<>{}｛｝%\[\]]|——|\d{5}", re.IGNORECASE)
#: What advertises, in folded text.
_OFFERS = re.compile(
    r"加(?:微信?|v|vx|我|q)|微信|weixin|扫码|[vq]信|优惠|打折|[一二三四五六七八九\d]折|免费|低价|特价|代理|兼职|贷款|返现|红包|团购|包邮|联系我"
)
_OF_THE_SPEAKER = re.compile(r"^(?:我|俺|咱|本人)|是业主")


def called(name: str, action: Action = Action.REPLY) -> str:
    """How a member is called, without the door number that some have in their name; empty where nobody can say it.

    What only our own people read (`action` is a check, a removal) repeats more, so that they know whom it is about.
    """
    return _called(name, action in SAID_ACTIONS)


def addressed(name: str, action: Action = Action.REPLY) -> str:
    """How a member is spoken to or of: as `called`, else as somebody."""
    return called(name, action) or SOMEBODY


@lru_cache(maxsize=4096)
def _called(name: str, before_others: bool) -> str:
    plain = clean(without_home(name)).strip(" -—_·.,，。、")
    if not plain or untrue(plain) is not None or claims(plain) or _OF_THE_SPEAKER.search(fold(plain).text):
        return ""
    if before_others and (len(plain) > LONGEST or _NO_NAME.search(plain) or _OFFERS.search(fold(plain).text)):
        return ""
    return plain
