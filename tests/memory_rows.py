"""`agents.rows.Rows` in a dict: the protocol without a database, for tests of the core."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from agents.rows import Address


class MemoryRows:
    """Rows in memory. What one event changed can be taken back, as a driver does with a refused one."""

    def __init__(self) -> None:
        self.at: dict[Address, Any] = {}
        self._under: dict[tuple[int, str, int], dict[str, Any]] = {}
        self._before: dict[Address, Any] = {}
        self._written: dict[Address, Any] = {}
        self._ordered: dict[tuple[int, str, int], list[tuple[str, Any]]] = {}
        self.get: Callable[[Address], Any] = self.at.get

    def put(self, address: Address, value: Any) -> None:
        """Put a new value there."""
        self._before.setdefault(address, self.at.get(address))
        self._written[address] = value
        self._set(address, value)

    def drop(self, address: Address) -> None:
        """Remove the row."""
        self._before.setdefault(address, self.at.get(address))
        self._set(address, None)

    def _set(self, address: Address, value: Any) -> None:
        under = self._under.setdefault(address[:3], {})
        self._ordered.pop(address[:3], None)
        if value is None:
            self.at.pop(address, None)
            under.pop(address[3], None)
        else:
            self.at[address] = under[address[3]] = value

    def scan(self, step: int, key: str, kind: int) -> Iterator[tuple[str, Any]]:
        """Every row of one kind under one key, ordered by sub."""
        ordered = self._ordered.get((step, key, kind))
        if ordered is None:
            under = self._under.get((step, key, kind), {})
            ordered = self._ordered[step, key, kind] = sorted(under.items(), key=lambda row: row[0])
        return iter(ordered)

    def keep(self) -> dict[Address, Any]:
        """The event is applied: gives what was written, each in its last state, also where it was dropped since."""
        written = self._written
        self._before, self._written = {}, {}
        return written

    def undo(self) -> None:
        """The event is refused: as if it had never come."""
        for address, value in self._before.items():
            self._set(address, value)
        self.keep()
