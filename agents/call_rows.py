"""What the campaign step remembers of our calls in a group."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from agents.rows import CAMPAIGN, Address


class LastCall(Struct, frozen=True, array_like=True, gc=False):
    """What we called for last, when (seconds since 1970), after how many messages, by which (CRC-32 of its id)."""

    call: str
    at: int
    after: int
    by: int


LAST_CALL: Final = 20

#: The type of this kind of row: a part of `agents.state.ROW_TYPES`.
CALL_ROWS: dict[int, Any] = {LAST_CALL: LastCall}


def last_call(estate_id: str, group_id: str) -> Address:
    """Where a group's `LastCall` lies."""
    return (CAMPAIGN, estate_id, LAST_CALL, group_id)
