"""Whether a warning shames or threatens: it is said in private, and politely.

Words and shapes; whoever releases a playbook still reads it.
"""

from __future__ import annotations

import re

from agents.folded import fold

_UNKIND = re.compile(
    r"警告|严重违|严厉|丢人|丢脸|无耻|不要脸|没素质|素质低|缺德|骗子|垃圾(?!桶|袋|清)|滚出|踢出|踢人|踢了|拉黑|曝光|举报你|点名批评|通报|示众|挂出来"
    r"|下不为例|后果自负|不客气|闭嘴|少来|所有人|全群"
)


def unkind(text: str) -> str | None:
    """The words by which a warning shames or threatens, or None."""
    found = _UNKIND.search(fold(text).text)
    return found[0] if found is not None else None
