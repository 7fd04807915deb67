"""Whether an answer feigns: surprise, or a wish of the speaker's own.

Who answers a colleague's post knows what stands in it. They may add to it, ask the owners, or put it otherwise; to
be astonished by it, or to want one too, would have them play an owner. Words and shapes, as in `agents.claims`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from agents.folded import fold

_FEIGNED = re.compile(
    r"哇|天[哪呐啊]|我去，|居然|竟然|没想到|想不到|万万没|出乎意料"
    r"|原来(?:如此|这样|是这样|还能|还可以|可以这样)|(?:头一[回次]|第一[回次])(?:听|知道|见|晓得)|才(?:知道|晓得)"
    r"|[长涨](?:知识|见识|姿势)|学到了|受教了|真的(?:吗|假的)|不会吧|还有这(?:种)?好事|太(?:好|值|划算|便宜|赞)了"
    r"|(?:加|算)我一个|算上我|求(?:链接|带|拉|地址|同款)|蹲一?个|心动|种草|手痒|我也(?:想要|要一|来一|去报|去问)|[+＋]1(?!\d)"
)


@lru_cache(maxsize=1024)
def feigned(text: str) -> str | None:
    """The words by which an answer feigns, or None."""
    found = _FEIGNED.search(fold(text).text)
    return found[0] if found is not None else None
