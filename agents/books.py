"""Keeping the books of an estate's orders: the rows, the entries that go out, the sums."""

from __future__ import annotations

from hashlib import sha1

from msgspec.structs import replace

from agents import ledger
from agents.order_rows import (
    MoneyRow,
    OrdersOf,
    Payment,
    SalesRow,
    group_buy_id_of,
    money_row,
    orders_of,
    sales_row,
)
from agents.state import OrderRow, order_row
from agents.turn import Turn
from schemas import events as ev
from schemas.tasks import LedgerEntry, LedgerLine, LedgerPosted

_KIND: dict[type[ev.Event], int] = {
    ev.DepositPaid: ledger.DEPOSIT, ev.OrderPaid: ledger.PAID, ev.OrderRefunded: ledger.BACK,
    ev.RebatePaid: ledger.REBATE,
}


def money_of(turn: Turn, order_id: str) -> MoneyRow | None:
    """The facts of an order whose books are kept here."""
    row: MoneyRow | None = turn.rows.get(money_row(turn.estate_id, order_id))
    return row


def order_of(turn: Turn, order_id: str) -> OrderRow | None:
    """An order of the estate."""
    row: OrderRow | None = turn.rows.get(order_row(turn.estate_id, order_id))
    return row


#: An order's row and its facts.
Facts = tuple[OrderRow, MoneyRow]


def keep(turn: Turn, order_id: str, before: Facts | None, after: Facts, rule: str) -> None:
    """Keep an order's facts as they are now, and post what that changes on the accounts."""
    order, money = after
    if before is None or money != before[1]:
        turn.rows.put(money_row(turn.estate_id, order_id), money)
    now = ledger.balances(order, money)
    was = ledger.balances(*before) if before is not None else ledger.NOTHING
    if now == was:
        return
    change = ledger.difference(was, now)
    lines = tuple([LedgerLine(name, fen) for name, fen in zip(ledger.ACCOUNTS, change, strict=True) if fen])
    turn.emit(
        LedgerPosted,
        LedgerEntry(
            turn.estate_id, order_id, rule, turn.event.ref, lines, money.dealer_id,
            group_buy_id_of(money.group_buy) or None, order.campaign_id),
        order_id, rule, subject=order_id)
    sales = sales_of(turn)
    turn.rows.put(sales_row(turn.estate_id), replace(sales, balances=ledger.total(sales.balances, change)))


def with_payment(money: MoneyRow, event: ev.DepositPaid) -> MoneyRow:
    """The facts with what one event says of money; the very same where it says nothing new."""
    kind = _KIND.get(type(event))
    if kind is None:
        return money
    fen = event.data.amount_fen
    if fen is None:
        if kind == ledger.DEPOSIT:
            return replace(money, unsaid=True)
        return replace(money, rest=True) if kind == ledger.PAID else replace(money, all_back=True)
    key = _key(event.ref)
    if key in [one.key for one in money.payments]:
        return money
    payments = sorted((*money.payments, Payment(key, kind, fen)), key=_of_payment)
    return replace(money, payments=tuple(payments))


def _key(ref: str) -> int:
    # Stands for the event's name, which may be long: seven bytes are enough to tell an order's events apart.
    return int.from_bytes(sha1(ref.encode(), usedforsecurity=False).digest()[:7])


def _of_payment(one: Payment) -> tuple[int, int]:
    return one.kind, one.key


# --- the sums, and who is named by which order ------------------------------------------------------


def sales_of(turn: Turn) -> SalesRow:
    """The estate's sums. Where none were kept yet, they are counted once, from all orders."""
    row: SalesRow | None = turn.rows.get(sales_row(turn.estate_id))
    return row if row is not None else _count(turn)


def _count(turn: Turn) -> SalesRow:
    orders = turn.orders()
    campaign_id = turn.campaign.campaign_id if turn.campaign is not None else None
    named: dict[str, list[str]] = {}
    for order_id, row in orders:
        for member_id in {row.member_id, row.referrer_id} - {None}:
            named.setdefault(str(member_id), []).append(order_id)
    for member_id, ids in named.items():
        turn.rows.put(orders_of(turn.estate_id, member_id), OrdersOf(tuple(ids)))
    sold = sum(row.campaign_id == campaign_id and row.counts for _, row in orders) if campaign_id else 0
    sales = SalesRow(campaign_id, sold)
    turn.rows.put(sales_row(turn.estate_id), sales)
    return sales


def put_order(turn: Turn, order_id: str, before: OrderRow | None, after: OrderRow) -> None:
    """Keep an order's new row, and count on."""
    sales = sales_of(turn)
    turn.rows.put(order_row(turn.estate_id, order_id), after)
    campaign = turn.campaign
    if campaign is None or after.campaign_id != campaign.campaign_id:
        return
    more = after.counts - (before is not None and before.counts)
    if more:
        sold = sales.sold if sales.campaign_id == campaign.campaign_id else 0
        sales = replace(sales, campaign_id=campaign.campaign_id, sold=sold + more)
        turn.rows.put(sales_row(turn.estate_id), sales)


def sold(turn: Turn) -> int:
    """How many orders count for the campaign that there is."""
    campaign = turn.campaign
    if campaign is None:
        return 0
    row: SalesRow | None = turn.rows.get(sales_row(turn.estate_id))
    if row is None:
        return sum(order.campaign_id == campaign.campaign_id and order.counts for _, order in turn.orders())
    return row.sold if row.campaign_id == campaign.campaign_id else 0


def name(turn: Turn, order_id: str, *members: str | None) -> None:
    """Note that an order names these members: its buyer, and who brought them."""
    for member_id in dict.fromkeys(members):
        if member_id is None:
            continue
        known = named_by(turn, member_id)
        if order_id not in known:
            turn.rows.put(orders_of(turn.estate_id, member_id), OrdersOf((*known, order_id)))


def named_by(turn: Turn, member_id: str) -> tuple[str, ...]:
    """The orders that name a member, in the order in which they came."""
    row: OrdersOf | None = turn.rows.get(orders_of(turn.estate_id, member_id))
    return row.orders if row is not None else ()
