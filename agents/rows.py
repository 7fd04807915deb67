"""The rows that a decision reads and changes: handed in by the driver, changed in place, written by the driver.

A row is an immutable value at an address: step, partition key, kind, sub-key. The core asks for what it
needs and puts back what changed; nothing else is ever written. One address is one row of the `state` table,
so that a message from one member never rewrites the other 499.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

#: step, key, kind, sub
Address = tuple[int, str, int, str]

PLACEMENT, CAMPAIGN = 1, 2


class Rows(Protocol):
    """The working set of a step."""

    def get(self, address: Address) -> Any:
        """The row at the address, or None."""

    def put(self, address: Address, value: Any) -> None:
        """Put a new value there."""

    def drop(self, address: Address) -> None:
        """Remove the row."""

    def scan(self, step: int, key: str, kind: int) -> Iterator[tuple[str, Any]]:
        """Every row of one kind under one key, as (sub, value), ordered by sub."""
