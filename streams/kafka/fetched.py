"""A record as a worker has it from Kafka."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

import msgspec


class Fetched(NamedTuple):
    """A record, where it stands, and under which assignment of partitions it was fetched."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    generation: int = 0

    @property
    def place(self) -> tuple[str, int]:
        """The partition that it is of."""
        return self.topic, self.partition

    @property
    def name(self) -> str:
        """Where it stands, in a word: the origin of its dead letter."""
        return f"{self.topic}/{self.partition}@{self.offset}"

    def whole(self) -> bytes:
        """Everything about it, for a dead letter: its value alone where there are no headers."""
        if not self.headers:
            return self.value or b""
        record: dict[str, Any] = {"headers": {name: _text(value) for name, value in self.headers}}
        record["value"] = None if self.value is None else _text(self.value)
        return msgspec.json.encode(record)


def _text(value: bytes) -> Any:
    try:
        return value.decode()
    except (UnicodeDecodeError, AttributeError):
        return {"base64": base64.b64encode(value or b"").decode()}
