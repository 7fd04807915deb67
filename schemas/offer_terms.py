"""What an offer is worth, in figures: the terms that orders are reckoned by, beside the words that a script shows.

Both a playbook's `offers` and a dealer's offers.yaml may give them. Prices are percent of the list price (90 is nine
tenths), money is integer fen. Source of the shapes and of the numbers that ship: the trade's manual ("The choreography"
in the design: two people 90, three 85, five 75; prices by how early; tiers; rebates for who brings whom).
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from msgspec import Struct
from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from schemas.playbook_parts import Part

#: Which orders of a group-buy count together: all of the estate, or those that go to one delivery address.
Together = Literal["estate", "address"]
#: From when on an order counts as one that joined.
Joins = Literal["placed", "deposit", "paid"]
#: When a rebate is owed.
Due = Literal["paid", "delivered"]
#: The list price, in the unit of all prices here.
WHOLE = 1000


class Early(Struct, frozen=True, omit_defaults=True):
    """A price for who comes early: the `first` so many orders, or up to a date, that day included."""

    permille: int
    first: int | None = None
    until: str | None = None


class Rebate(Struct, frozen=True, omit_defaults=True):
    """What is owed to who brought the buyer: so many fen, or so many per mille of what the order comes to."""

    fen: int = 0
    per_mille: int = 0
    due: Due = "paid"


class Deal(Struct, frozen=True, omit_defaults=True):
    """An offer's terms, ready to be reckoned with: `steps` by buyers, `tiers` by name, all in per mille of the list."""

    steps: tuple[tuple[int, int], ...] = ()
    together: Together = "estate"
    joins: Joins = "placed"
    group_buys: tuple[str, ...] = ()
    early: tuple[Early, ...] = ()
    tiers: tuple[tuple[str, int], ...] = ()
    rebate: Rebate | None = None
    deposit_fen: int = 0

    def step(self, buyers: int) -> int:
        """The price of so many buyers together, in per mille of the list price."""
        price = WHOLE
        for least, permille in self.steps:
            if buyers < least:
                break
            price = permille
        return price

    def takes(self, group_buy_id: str) -> bool:
        """Whether the offer names the group-buy: by its id, or by how its id begins (``tg-*``)."""
        return any(
            group_buy_id.startswith(name[:-1]) if name.endswith("*") else group_buy_id == name
            for name in self.group_buys)

    def written(self) -> dict[str, Any]:
        """The terms as a file gives them."""
        early = [
            {"percent": one.permille / 10, **({"first": one.first} if one.first else {"until": one.until})}
            for one in self.early]
        rebate = self.rebate
        whole = {
            "steps": {least: permille / 10 for least, permille in self.steps}, "together": self.together,
            "joins": self.joins, "group_buys": list(self.group_buys), "early": early,
            "tiers": {tier: permille / 10 for tier, permille in self.tiers},
            "rebate": rebate and {
                **({"fen": rebate.fen} if rebate.fen else {"per_mille": rebate.per_mille}), "due": rebate.due},
            "deposit_fen": self.deposit_fen,
        }
        return {name: value for name, value in whole.items() if value}


# --- as it is written -----------------------------------------------------------------------------


def _percent(value: Any) -> Any:
    """Percent of the list price as per mille: 90 is 900, 87.5 is 875."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a price is percent of the list price, as 90")  # noqa: TRY004  # pydantic wants it
    permille = round(value * 10)
    if abs(permille - value * 10) > 1e-6 or not 1 <= permille <= WHOLE:
        raise ValueError(f"{value} is no percent of the list price: more than 0, at most 100, one decimal at most")
    return permille


def _write_percent(permille: int) -> int | float:
    """As it is written in a playbook: 900 is 90, 875 is 87.5."""
    return permille / 10 if permille % 10 else permille // 10


Percent = Annotated[int, BeforeValidator(_percent), PlainSerializer(_write_percent, when_used="json")]
Fen = Annotated[int, Field(ge=0, le=10**12, strict=True)]
Many = Annotated[int, Field(ge=1, le=100_000, strict=True)]


class EarlyText(Part):
    """`{first: 10, percent: 95}` or `{until: "2026-03-08", percent: 95}`."""

    percent: Percent
    first: Many | None = None
    until: date | None = None

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if (self.first is None) == (self.until is None):
            raise ValueError("an early price is for the first so many or until a date: write one of first and until")
        return self


class RebateText(Part):
    """`{fen: 20000, due: delivered}` or `{per_mille: 20}`."""

    fen: Fen = 0
    per_mille: Annotated[int, Field(ge=0, le=500, strict=True)] = 0
    due: Due = "paid"

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if bool(self.fen) == bool(self.per_mille):
            raise ValueError("a rebate is a sum or a share: write one of fen and per_mille")
        return self


class OfferTerms(Part):
    """The figures of an offer, each of which may be left out."""

    #: How many buyers together get which price: `{2: 90, 3: 85, 5: 75}`.
    steps: dict[Annotated[int, Field(ge=2, le=10_000)], Percent] = Field(default_factory=dict)
    #: Whose orders count together: `estate`, or `address` for those that go to one delivery address.
    together: Together = "estate"
    #: From when on an order counts: `placed`, `deposit` or `paid`.
    joins: Joins = "placed"
    #: The ids of group-buys that run by these terms; `tg-*` is every id that begins so.
    group_buys: tuple[Annotated[str, Field(min_length=1, max_length=256)], ...] = ()
    early: tuple[EarlyText, ...] = ()
    #: The price of a tier of contributors, or from a rung of the ladder up: `{loyal_fan: 95}`.
    tiers: dict[Annotated[str, Field(min_length=1, max_length=64)], Percent] = Field(default_factory=dict)
    rebate: RebateText | None = None
    deposit_fen: Fen = 0

    @model_validator(mode="after")
    def _more_buyers_pay_less(self) -> Self:
        prices = [self.steps[least] for least in sorted(self.steps)]
        if any(after >= before for before, after in pairwise(prices)):
            raise ValueError("the steps do not fall: each larger number of buyers has a lower price")
        return self

    @property
    def deal(self) -> Deal | None:
        """The terms to reckon with; None where the offer has none."""
        early = tuple(
            Early(one.percent, one.first, one.until.isoformat() if one.until else None) for one in self.early)
        given = self.rebate
        rebate = Rebate(given.fen, given.per_mille, given.due) if given is not None else None
        deal = Deal(
            tuple(sorted(self.steps.items())), self.together, self.joins, self.group_buys, early,
            tuple(sorted(self.tiers.items())), rebate, self.deposit_fen)
        return None if deal == _NONE else deal


_NONE = Deal()
#: The fields of an offer that are figures.
TERMS: tuple[str, ...] = tuple(OfferTerms.model_fields)
