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


class BehindRow(Struct, frozen=True, array_like=True):
    """What HQ was told of a campaign that fell behind: in which phase, and what `share` of the expected it had then.

    `now` says that it is behind still, with `measure` and what follows as of the evening of `day`.
    """

    campaign_id: str
    phase_seq: int
    share: float
    now: bool
    measure: str
    expected: float
    actual: float
    weakest: str
    leak: str
    day: int


class FormulaRow(Struct, frozen=True, array_like=True):
    """How many duties a campaign has planned so far for each part of the formula, and how many of them were done."""

    campaign_id: str
    asked: tuple[int, ...] = (0, 0, 0, 0, 0, 0)
    done: tuple[int, ...] = (0, 0, 0, 0, 0, 0)


class EntryRow(Struct, frozen=True, array_like=True):
    """How far a series of a campaign's entry is: ISO dates of its first day and of the last that was planned.

    `over`: nothing more is handed out; `reached`: because the evidence is there.
    """

    campaign_id: str
    began: str
    planned: str = ""
    over: bool = False
    reached: bool = False


AWAY, ENTRY, BEHIND, FORMULA = 40, 41, 42, 43

#: The type of each kind of row: a part of `agents.state.ROW_TYPES`.
SHOP_ROWS: dict[int, Any] = {AWAY: AwayRow, ENTRY: EntryRow, BEHIND: BehindRow, FORMULA: FormulaRow}


def away_row(estate_id: str) -> Address:
    """Where an estate's `AwayRow` lies."""
    return (CAMPAIGN, estate_id, AWAY, "")


def behind_row(estate_id: str) -> Address:
    """Where an estate's `BehindRow` lies."""
    return (CAMPAIGN, estate_id, BEHIND, "")


def formula_row(estate_id: str) -> Address:
    """Where an estate's `FormulaRow` lies."""
    return (CAMPAIGN, estate_id, FORMULA, "")


def entry_row(estate_id: str, series: str) -> Address:
    """Where the `EntryRow` of a series lies."""
    return (CAMPAIGN, estate_id, ENTRY, series)
