# ruff: noqa: E501  (shapes are kept whole; Chinese characters count double)
"""Whether somebody says of themselves that they are a parent. Cautious: only their own words, about their own child.

Parents are asked more than others in an owner group (the trade's manual: "active mothers"). It is kept as a piece of
evidence like all others, so that it ends with the consent to be profiled.
"""

from __future__ import annotations

import re

_CHILD = r"(?:娃儿?(?!娃)|宝宝|宝贝|孩子|小孩|小朋友|闺女|女儿|儿子|大宝|二宝|双胞胎)"
#: Without one of these no child is spoken of: a quick look, because nearly every message is without.
_SIGN = re.compile(r"[娃宝孩闺女爸妈]|儿子|双胞胎|小朋友")
_OWN = re.compile(
    rf"(?:我们?|俺们?|咱)家?(?:的|有|那|这)?(?:个|俩|两个|一个|一儿一女)?(?:小|大)?{_CHILD}"
    r"|(?:我|俺|本人)(?:也|就)?(?:是|一个|作为)+(?:个|一?[个名位])?(?:全职|二胎|三胎|新手|职场)?(?:宝妈|宝爸|奶爸|妈妈|爸爸|孩子妈|孩子爸)(?!们)"
    r"|(?:全职|二胎|三胎|新手)?(?:宝妈|宝爸|奶爸)(?:一枚|一个|报到|来了|求)"
    r"|(?:^|[，。！,!\s])(?:我|俺)(?:一个人|自己|平时|白天|天天|每天)*(?:在家)?带(?:娃|孩子|两娃|俩娃)"
)
#: Somebody else's child, a child that is wished for or asked about, or none.
_NOT = re.compile(r"没(?:有)?(?:孩子|娃|小孩)|(?:想要|准备要|还没|没生|备孕|将来|以后有|如果|要是)[^，。]{0,6}(?:孩子|娃|宝)|娃娃菜|宝贝的?价格")


def is_parent(text: str) -> bool:
    """Whether the words say that the speaker has a child."""
    if _SIGN.search(text) is None:
        return False
    return _OWN.search(text) is not None and _NOT.search(text) is None
