"""Ids that are derived from what caused them, and that grow with time.

An id is a UUID version 8 (RFC 9562, section 5.8): 48 bits of Unix milliseconds, then bits of the
UUIDv5 of the causes in loupan's namespace. The same causes at the same time give the same id, so
that anything sent twice is the same thing; and ids sort by time, which keeps database indexes warm.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from hashlib import sha1
from uuid import UUID

#: UUIDv5 of the URL ``https://loupan.example/ids`` in the URL namespace; never changes.
NAMESPACE = UUID("d08cce0c-4a94-5532-b8bd-b5e7298ba7c2")
_NAMESPACE_BYTES = NAMESPACE.bytes
_SEPARATOR = "\x1f"


def derived_id(at: datetime, *causes: str) -> str:
    """The id of what `causes` bring about at `at`: 36 characters, sortable by `at` to the millisecond."""
    return derived_id_ms(int(at.timestamp() * 1000), *causes)


def derived_id_ms(at_ms: int, *causes: str) -> str:
    """As `derived_id`, from Unix milliseconds (negative times count as 0)."""
    # sha1 is what RFC 9562 prescribes for UUIDv5; it names things here, it guards nothing.
    digest = sha1(_NAMESPACE_BYTES + _SEPARATOR.join(causes).encode(), usedforsecurity=False).hexdigest()
    return f"{_time(at_ms)}{digest[13:16]}-{_VARIANT[digest[16]]}{digest[17:20]}-{digest[20:32]}"


#: The digit that says the variant, in place of each one of the digest's.
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


@lru_cache(maxsize=256)
def _time(at_ms: int) -> str:
    """How every id of a millisecond begins, up to its version: one cause often brings about several things."""
    t = f"{max(at_ms, 0) & 0xFFFFFFFFFFFF:012x}"
    return f"{t[:8]}-{t[8:]}-8"
