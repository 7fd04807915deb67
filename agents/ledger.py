"""The books of an order: what stands on each account follows from its facts, and every entry adds up to zero.

No rule here says what to book when. `balances` says what must stand on each account for the facts that are known, and
an entry is the difference that one event makes. So events may come twice or in any order: the same facts give the same
books. Debit is positive, credit negative, the unit is fen.
"""

from __future__ import annotations

from operator import add, sub

from msgspec import Struct

from agents.order_rows import MoneyRow
from agents.state import OrderRow
from schemas.offer_terms import WHOLE

#: The accounts, in the order in which lines and balances stand. Only ever append.
ACCOUNTS = (
    "cash", "receivable", "deposits", "sales", "discounts", "refunds", "buyer_credit", "rebates", "rebates_payable",
)
#: What each account says, in the order of `ACCOUNTS`; docs/orders.md shows it.
MEANINGS = (
    "money that came in, less what was paid back, and paid as rebates",
    "what the buyer still owes",
    "deposits that are held until the order is paid in full",
    "the list price of what was sold",
    "what the price lies below the list: the order's own discount, and what the offer takes off",
    "what was paid back of an order that stands",
    "what is owed to the buyer: paid too much, a price that fell, a cancelled order's money",
    "rebates, as a cost",
    "rebates owed to who brought the buyer; above nothing what they were paid and are not owed (any more)",
)
#: The kinds of `Payment`.
DEPOSIT, PAID, BACK, REBATE = 0, 1, 2, 3
NOTHING = (0,) * len(ACCOUNTS)

Balances = tuple[int, ...]


def half_even(value: int, divisor: int) -> int:
    """`value / divisor` rounded to a whole fen; what lies just between two goes to the even one."""
    whole, rest = divmod(value, divisor)
    twice = 2 * rest
    return whole + (twice > divisor or (twice == divisor and whole & 1 == 1))


# --- what the facts come to -----------------------------------------------------------------------


class Sums(Struct, frozen=True, gc=False):
    """What an order's facts come to: deposits, all that the buyer paid, what they got back, what they owe in all.

    `rebate_paid` is what who brought the buyer was paid.
    """

    deposited: int
    received: int
    said_back: int
    back: int
    asked: int
    rebate_paid: int = 0

    @property
    def allowance(self) -> int:
        """What was paid back of the price itself, beyond what had been paid too much."""
        over = self.received - self.asked
        return self.back - min(self.back, over) if over > 0 else self.back


def sums(money: MoneyRow) -> Sums:
    """What the facts come to. A buyer gets back no more than they paid, whatever a refund says."""
    paid = [0, 0, 0, 0]
    for one in money.payments:
        paid[one.kind] += one.fen
    deposited = max(paid[DEPOSIT], money.deposit) if money.unsaid else paid[DEPOSIT]
    received = deposited + paid[PAID]
    if money.rest and received < money.amount:
        received = money.amount
    back = received if money.all_back or paid[BACK] > received else paid[BACK]
    return Sums(deposited, received, paid[BACK], back, price(money), paid[REBATE])


def price(money: MoneyRow) -> int:
    """What is owed for the order: its amount, or less where its offer makes it cheaper. Prices do not add up."""
    if money.own >= WHOLE and money.step >= WHOLE:
        return money.amount
    permille = min(money.own, money.step)
    return min(money.amount, half_even(money.base * permille, WHOLE) + money.gross - money.base)


def given_back(money: MoneyRow) -> bool:
    """Whether the order was refunded as a whole."""
    return _given_back(money, sums(money))


def _given_back(money: MoneyRow, these: Sums) -> bool:
    return money.all_back or 0 < these.said_back >= these.received


def closed(order: OrderRow, money: MoneyRow) -> bool:
    """Whether nothing is sold any more: cancelled, or refunded as a whole."""
    return order.cancelled or given_back(money)


def rebate(order: OrderRow, money: MoneyRow) -> int:
    """What is owed to who brought the buyer: of what the buyer keeps, from when it is due; never less than nothing."""
    return 0 if closed(order, money) else _rebate(order, money, sums(money))


def _rebate(order: OrderRow, money: MoneyRow, these: Sums) -> int:
    terms = money.rebate
    if terms is None or not (order.paid if terms.due == "paid" else order.delivered):
        return 0
    kept = max(0, these.asked - these.allowance)
    if terms.per_mille:
        return half_even(kept * terms.per_mille, 1000)
    return half_even(terms.fen * kept, these.asked) if these.asked else 0


def balances(order: OrderRow, money: MoneyRow) -> Balances:
    """What stands on each account; the sum is zero."""
    these = sums(money)
    bought, to_friend = these.received - these.back, these.rebate_paid
    cash = bought - to_friend
    if order.cancelled or _given_back(money, these):
        return (cash, 0, 0, 0, 0, 0, -bought, 0, to_friend)
    asked, owed = these.asked, _rebate(order, money, these)
    held = 0 if order.paid else these.deposited
    part = these.allowance
    # What is left of the price, and below nothing what the buyer has paid too much.
    left = asked - (these.received - held) + (these.back - part)
    receivable, credit = (left, 0) if left > 0 else (0, left)
    return (cash, receivable, -held, -money.gross, money.gross - asked, part, credit, owed, to_friend - owed)


# --- entries ----------------------------------------------------------------------------------------


def difference(before: Balances, after: Balances) -> Balances:
    """What an entry must post to come from one to the other."""
    return tuple(map(sub, after, before))


def total(before: Balances, change: Balances) -> Balances:
    """The balances with an entry posted."""
    return tuple(map(add, before or NOTHING, change))


def named(amounts: Balances) -> dict[str, int]:
    """The accounts on which something stands, by name."""
    return {name: fen for name, fen in zip(ACCOUNTS, amounts, strict=True) if fen}
