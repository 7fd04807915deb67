"""A CloudEvent of what WeCom said, under an id that is derived from it: told again, it is the same event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from schemas.ids import derived_id_ms

#: The source of all that comes from WeCom.
SOURCE = "wecom"
_encode = msgspec.json.Encoder().encode


def event(type_: str, at_ms: int, data: Mapping[str, Any], *causes: str) -> bytes:
    """An event that happened at `at_ms` (Unix milliseconds), named by its causes.

    Raises:
        ValueError: when there is no such time.
    """
    try:
        time = datetime.fromtimestamp(at_ms / 1000, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise ValueError(f"there is no time {at_ms}") from error
    return _encode({
        "specversion": "1.0", "type": type_, "source": SOURCE, "id": derived_id_ms(at_ms, SOURCE, *causes),
        "time": time.isoformat(), "data": data,
    })
