"""What is remembered of orders beside `OrderRow`: what waits for a placement, the money, group-buys, the sums."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from agents.rows import CAMPAIGN, PLACEMENT, Address
from schemas.events import OrderEvent
from schemas.offer_terms import WHOLE, Deal, Rebate


class WaitingRow(Struct, frozen=True, array_like=True):
    """What came of an order before its placement, by time; without the notes, which may name people."""

    events: tuple[OrderEvent, ...]


class Payment(Struct, frozen=True, array_like=True, gc=False):
    """A sum that was paid, or paid back: `key` stands for the event that said so, so that none counts twice."""

    key: int
    kind: int
    fen: int


class MoneyRow(Struct, frozen=True, array_like=True):
    """The facts that an order's books follow from (`agents.ledger`); money is fen.

    `gross` is the list price, `amount` what the order is over, `base` the part of the list price to which its offer
    applies. `own` and `step` are prices in per mille of the list: by how early and by whom it came, and by how many
    joined. `deposit` is what an unsaid deposit comes to. `rest`: paid in full without a sum; `unsaid`: a deposit
    without one; `all_back`: refunded without one. `group_buy` is a row's sub-key, `place` and `who` where the order
    counts in it.
    """

    gross: int
    amount: int
    base: int = 0
    own: int = WHOLE
    step: int = WHOLE
    deposit: int = 0
    payments: tuple[Payment, ...] = ()
    rest: bool = False
    unsaid: bool = False
    all_back: bool = False
    rebate: Rebate | None = None
    referrer_id: str | None = None
    dealer_id: str | None = None
    group_buy: str = ""
    place: str = ""
    who: str = ""


class GroupBuyRow(Struct, frozen=True, array_like=True):
    """A group-buy in one estate: its terms as they were when its first order came, and how many buyers there are.

    `ever` counts the orders that ever came; `buyers` those that are in it, by the place where they count together.
    """

    offer: str
    category: str
    deal: Deal
    ever: int = 0
    buyers: tuple[tuple[str, int], ...] = ()

    def at(self, place: str) -> int:
        """How many buyers count together at a place."""
        return next((count for name, count in self.buyers if name == place), 0)


class SalesRow(Struct, frozen=True, array_like=True):
    """An estate's sums: how many orders count for a campaign, and what stands on each account.

    That it is there says that every order is among `OrdersOf`.
    """

    campaign_id: str | None = None
    sold: int = 0
    balances: tuple[int, ...] = ()


class OrdersOf(Struct, frozen=True, array_like=True):
    """The orders that name a member; or, under a group-buy's own key, those of one buyer that are in it."""

    orders: tuple[str, ...]


ORDER_WAITING, MONEY, GROUP_BUY, SALES, ORDERS_OF = 21, 22, 23, 24, 25
ORDER_ROWS: dict[int, Any] = {
    ORDER_WAITING: WaitingRow, MONEY: MoneyRow, GROUP_BUY: GroupBuyRow, SALES: SalesRow, ORDERS_OF: OrdersOf,
}

_PART = "\x1f"


def waiting_row(order_id: str) -> Address:
    """Where a `WaitingRow` lies."""
    return (PLACEMENT, order_id, ORDER_WAITING, "")


def money_row(estate_id: str, order_id: str) -> Address:
    """Where a `MoneyRow` lies."""
    return (CAMPAIGN, estate_id, MONEY, order_id)


def group_buy_sub(dealer_id: str | None, group_buy_id: str) -> str:
    """A group-buy's sub-key: two dealers' systems may give it the same id."""
    return f"{dealer_id or ''}{_PART}{group_buy_id}"


def group_buy_id_of(sub: str) -> str:
    """The id of the group-buy with that sub-key; empty for none."""
    return sub.partition(_PART)[2]


def group_buy_row(estate_id: str, sub: str) -> Address:
    """Where a `GroupBuyRow` lies."""
    return (CAMPAIGN, estate_id, GROUP_BUY, sub)


def sales_row(estate_id: str) -> Address:
    """Where an estate's `SalesRow` lies."""
    return (CAMPAIGN, estate_id, SALES, "")


def orders_of(estate_id: str, member_id: str) -> Address:
    """Where the orders that name a member lie."""
    return (CAMPAIGN, estate_id, ORDERS_OF, member_id)


def joined_key(estate_id: str, sub: str) -> str:
    """The key under which a group-buy's buyers lie, so that they are found without the estate's other orders."""
    return estate_id + _PART + sub


def joined_row(estate_id: str, sub: str, place: str, who: str) -> Address:
    """Where the orders of one buyer in a group-buy lie."""
    return (CAMPAIGN, joined_key(estate_id, sub), ORDERS_OF, place + _PART + who)


def place_of(sub: str) -> str:
    """The place in a `joined_row`'s sub-key."""
    return sub.partition(_PART)[0]
