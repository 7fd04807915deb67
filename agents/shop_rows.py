"""What a campaign remembers of the shop's side: who is away, how far the entry is, what HQ was told of it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from agents.rows import CAMPAIGN, Address


class Absence(Struct, frozen=True, array_like=True):
    """A persona who is away, from the ISO date `first` to `last`, both included."""

    persona_id: str
    first: str
    last: str


class AwayRow(Struct, frozen=True, array_like=True):
    """Which personas of the estate's groups are away, or will be; by persona, one absence each."""

    absences: tuple[Absence, ...] = ()


AWAY, ENTRY, BEHIND, FORMULA = 40, 41, 42, 43

#: The type of each kind of row: a part of `agents.state.ROW_TYPES`.
SHOP_ROWS: dict[int, Any] = {AWAY: AwayRow}


def away_row(estate_id: str) -> Address:
    """Where an estate's `AwayRow` lies."""
    return (CAMPAIGN, estate_id, AWAY, "")
