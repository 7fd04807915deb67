"""When an endpoint that failed is tried again."""

from __future__ import annotations

import random

#: The first pause and the longest, in seconds; each is four times as long as the one before.
FIRST, LONGEST = 5.0, 6 * 3600.0
#: So far a pause is shorter or longer by chance, so that not all who failed together come again together.
JITTER = 0.2
#: At most so long do we wait because an endpoint asks us to, in seconds.
ASKED = 24 * 3600.0


def pause(failures: int, asked: float | None = None, *, first: float = FIRST, dice: float | None = None) -> float:
    """Seconds until the next try after so many failures in a row; `asked` is the endpoint's Retry-After.

    5 s, 20 s, 80 s, 5 min, 21 min, 85 min, 5.7 h, then every 6 hours.
    """
    spread = 1 + JITTER * (2 * (random.random() if dice is None else dice) - 1)
    own = min(first * 4.0 ** min(failures - 1, 20), LONGEST) * spread
    return max(own, min(asked or 0.0, ASKED))
