"""Sending a dead letter again, once what was wrong has been mended."""

from __future__ import annotations

import msgspec


def resent(raw: bytes, origin: str, number: int) -> bytes:
    """The bytes to hand to the door again.

    What the door had refused goes as it is. What was in the inbox already (`origin` ``inbox:…``: a step could
    not apply it) goes under an id of its own, since under its old one the inbox knows it.
    """
    if not origin.startswith("inbox:"):
        return raw
    body = msgspec.json.decode(raw)
    body["id"] = f"{body['id']}~{number}"
    return msgspec.json.encode(body)
