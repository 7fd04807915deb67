"""Ids that are derived from what caused them, and that grow with time.

An id is a UUID version 8 (RFC 9562, section 5.8): 48 bits of Unix milliseconds, then bits of the
UUIDv5 of the causes in loupan's namespace. The same causes at the same time give the same id, so
that anything sent twice is the same thing; and ids sort by time, which keeps database indexes warm.
"""

from __future__ import annotations

from datetime import datetime
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
    t = f"{max(at_ms, 0) & 0xFFFFFFFFFFFF:012x}"
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{t[:8]}-{t[8:]}-8{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
