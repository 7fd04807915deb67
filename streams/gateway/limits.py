"""How fast one token may ask: a bucket each, refilled at a steady rate, and what is said of it in headers."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

#: Buckets that are remembered: one that was forgotten is full again.
_REMEMBERED = 50_000


class Limits(NamedTuple):
    """Requests a second of one token, and how many at once; 0 a second is no limit. Days that the audit log is kept."""

    rate: float = 0.0
    burst: int = 200
    audit_days: int = 180


class Taken(NamedTuple):
    """What is left in a bucket, in requests; how long until there is one more, in seconds (0 where it was given)."""

    left: int
    wait: float


class Buckets:
    """A token bucket for each key. Safe from any thread; each gateway counts for itself."""

    def __init__(self, rate: float, burst: int, now: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.burst, self._now = rate, burst, now
        self._lock = threading.Lock()
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> Taken:
        """Take one request out of the key's bucket, if there is one."""
        now = self._now()
        with self._lock:
            held, since = self._held.pop(key, (float(self.burst), now))
            held = min(float(self.burst), held + (now - since) * self.rate)
            given = held >= 1
            self._held[key] = (held - 1 if given else held), now
            if len(self._held) > _REMEMBERED:
                self._held.popitem(last=False)
        return Taken(int(held - 1), 0.0) if given else Taken(0, (1 - held) / self.rate)

    def headers(self, taken: Taken) -> dict[str, str]:
        """What a client needs to know to stay below the limit.

        Source: draft-ietf-httpapi-ratelimit-headers-10; q and r are requests, w and t seconds.
        """
        window = max(1, math.ceil(self.burst / self.rate))
        full = max(1, math.ceil((self.burst - taken.left) / self.rate))
        return {
            "RateLimit-Policy": f'"token";q={self.burst};w={window}',
            "RateLimit": f'"token";r={taken.left};t={full}',
            **({"Retry-After": str(max(1, math.ceil(taken.wait)))} if taken.wait else {}),
        }
