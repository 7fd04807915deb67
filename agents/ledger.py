"""The books of an order: what stands on each account follows from its facts, and every entry adds up to zero.

No rule here says what to book when. `balances` says what must stand on each account for the facts that are known, and
an entry is the difference that one event makes. So events may come twice or in any order: the same facts give the same
books. Debit is positive, credit negative, the unit is fen.
"""

from __future__ import annotations

from agents.order_rows import MoneyRow
from agents.state import OrderRow
from schemas.offer_terms import WHOLE

#: The accounts, in the order in which lines and balances stand. Only ever append.
ACCOUNTS = (
    "cash", "receivable", "deposits", "sales", "discounts", "refunds", "buyer_credit", "rebates", "rebates_payable",
)
#: What each account says, in the order of `ACCOUNTS`; docs/orders.md shows it.
MEANINGS = (
    "money that came in, less what was paid back",
    "what the buyer still owes",
    "deposits that are held until the order is paid in full",
    "the list price of what was sold",
    "what the price lies below the list: the order's own discount, and what the offer takes off",
    "what was paid back of an order that stands",
    "what is owed to the buyer: paid too much, a price that fell, a cancelled order's money",
    "rebates, as a cost",
    "rebates owed to who brought the buyer",
)
#: The kinds of `Payment`.
DEPOSIT, PAID, BACK = 0, 1, 2
NOTHING = (0,) * len(ACCOUNTS)

Balances = tuple[int, ...]


def half_even(value: int, divisor: int) -> int:
    """`value / divisor` rounded to a whole fen; what lies just between two goes to the even one."""
    whole, rest = divmod(value, divisor)
    twice = 2 * rest
    return whole + (twice > divisor or (twice == divisor and whole & 1 == 1))


# --- what the facts come to -----------------------------------------------------------------------


def price(money: MoneyRow) -> int:
    """What is owed for the order: its amount, or less where its offer makes it cheaper. Prices do not add up."""
    permille = min(money.own, money.step)
    if permille >= WHOLE:
        return money.amount
    return min(money.amount, half_even(money.base * permille, WHOLE) + money.gross - money.base)


def deposited(money: MoneyRow) -> int:
    """The deposits that were paid."""
    said = _sum(money, DEPOSIT)
    return max(said, money.deposit) if money.unsaid else said


def received(money: MoneyRow) -> int:
    """All that the buyer paid."""
    said = deposited(money) + _sum(money, PAID)
    return max(said, money.amount) if money.rest else said


def paid_back(money: MoneyRow) -> int:
    """What the buyer got back: never more than they paid, whatever a refund says."""
    came = received(money)
    return came if money.all_back else min(came, _sum(money, BACK))


def given_back(money: MoneyRow) -> bool:
    """Whether the order was refunded as a whole."""
    back = _sum(money, BACK)
    return money.all_back or (back > 0 and back >= received(money))


def allowance(money: MoneyRow) -> int:
    """What was paid back of the price itself, beyond what had been paid too much."""
    back = paid_back(money)
    return back - min(back, max(0, received(money) - price(money)))


def rebate(order: OrderRow, money: MoneyRow) -> int:
    """What is owed to who brought the buyer: of what the buyer keeps, from when it is due; never less than nothing."""
    terms = money.rebate
    if terms is None or not (order.paid if terms.due == "paid" else order.delivered) or closed(order, money):
        return 0
    asked = price(money)
    kept = max(0, asked - allowance(money))
    if terms.per_mille:
        return half_even(kept * terms.per_mille, 1000)
    return half_even(terms.fen * kept, asked) if asked else 0


def closed(order: OrderRow, money: MoneyRow) -> bool:
    """Whether nothing is sold any more: cancelled, or refunded as a whole."""
    return order.cancelled or given_back(money)


def balances(order: OrderRow, money: MoneyRow) -> Balances:
    """What stands on each account; the sum is zero."""
    came, back = received(money), paid_back(money)
    if closed(order, money):
        held = came - back
        return (held, 0, 0, 0, 0, 0, -held, 0, 0)
    asked, owed = price(money), rebate(order, money)
    held = 0 if order.paid else deposited(money)
    part = allowance(money)
    # What is left of the price, and below nothing what the buyer has paid too much.
    left = asked - (came - held) + (back - part)
    return (
        came - back, max(0, left), -held, -money.gross, money.gross - asked, part, min(0, left), owed, -owed)


def _sum(money: MoneyRow, kind: int) -> int:
    return sum([one.fen for one in money.payments if one.kind == kind])


# --- entries ----------------------------------------------------------------------------------------


def difference(before: Balances, after: Balances) -> Balances:
    """What an entry must post to come from one to the other."""
    return tuple([now - was for was, now in zip(before, after, strict=True)])


def total(before: Balances, change: Balances) -> Balances:
    """The balances with an entry posted."""
    return tuple([was + more for was, more in zip(before or NOTHING, change, strict=True)])


def named(amounts: Balances) -> dict[str, int]:
    """The accounts on which something stands, by name."""
    return {name: fen for name, fen in zip(ACCOUNTS, amounts, strict=True) if fen}
