"""Group-buys: which orders are in one, how many buyers count together, and what the step makes of every price.

An order is in from when its offer says (placed, deposit or paid) until it is cancelled or refunded as a whole. Who
orders twice is one buyer. When the step falls in price, it does so for all that are in; when it rises again, because
somebody left, only for those that have not paid in full: what was paid is never asked for again.
"""

from __future__ import annotations

from hashlib import sha1

from msgspec.structs import replace

from agents import books, ledger, offers
from agents.order_rows import (
    ORDERS_OF,
    GroupBuyRow,
    MoneyRow,
    OrdersOf,
    group_buy_row,
    group_buy_sub,
    joined_key,
    joined_row,
    money_row,
    place_of,
)
from agents.rows import CAMPAIGN
from agents.state import OrderRow
from agents.tiers import tiers_of
from agents.turn import Turn
from maps.names import plain, split_home
from schemas.events import OrderPlacedData

#: Whoever may not be known, or was forgotten, stands under their order's id behind this.
_NAMELESS = "#"


def enter(turn: Turn, data: OrderPlacedData, money: MoneyRow, terms: offers.Terms) -> MoneyRow:
    """An order that belongs to a group-buy came: its facts with the price that it has by itself, and its place."""
    sub = group_buy_sub(money.dealer_id, data.group_buy_id or "")
    known: GroupBuyRow | None = turn.rows.get(group_buy_row(turn.estate_id, sub))
    row = known if known is not None else GroupBuyRow(terms.name, terms.category, terms.deal)
    deal = row.deal
    turn.rows.put(group_buy_row(turn.estate_id, sub), replace(row, ever=row.ever + 1))
    member_id = None if turn.place.blocked else data.member_id
    return replace(
        money,
        base=offers.base_of(data, row.category), deposit=deal.deposit_fen, group_buy=sub,
        own=offers.own_price(deal, row.ever, turn.local.date(), tiers_of(turn, data.group_id, member_id)),
        place=_place(turn, data, deal.together, sub), who=member_id or _NAMELESS + data.order_id,
    )


def _place(turn: Turn, data: OrderPlacedData, together: str, sub: str) -> str:
    """Where the order counts together with others: the estate, or its address under a name that does not tell it."""
    if together == "estate":
        return ""
    address = data.delivery.address if data.delivery is not None else None
    if turn.place.blocked or not address:
        return _NAMELESS + data.order_id
    said = f"{turn.estate_id} {sub} {_door(address)}"
    return sha1(said.encode(), usedforsecurity=False).hexdigest()[:16]


def _door(address: str) -> str:
    """What tells an address from others of the estate: its building, unit and room, else all of it without spaces."""
    _, home = split_home(address)
    if home is not None and home.room:
        return f"{home.building}-{home.unit}-{home.room}"
    return "".join(plain(address).split())


def settle(
    turn: Turn, order_id: str, before: books.Facts | None, facts: books.Facts, rule: str,
) -> None:
    """An order has changed from `before` to these facts: it may have joined or left, and the step with it."""
    order, money = facts
    if not money.group_buy:
        return
    address = group_buy_row(turn.estate_id, money.group_buy)
    row: GroupBuyRow = turn.rows.get(address)
    was = before is not None and _is_in(row, *before)
    now = _is_in(row, order, money)
    if was == now:
        return
    buyers = _count(turn, order_id, money, comes=now)
    if buyers:
        counts = dict(row.buyers)
        counts[money.place] = counts.get(money.place, 0) + buyers
        left = tuple(sorted((place, count) for place, count in counts.items() if count))
        after = replace(row, buyers=left)
        turn.rows.put(address, after)
        if row.deal.step(row.at(money.place)) != row.deal.step(after.at(money.place)):
            _reprice_all(turn, money, row.deal.step(after.at(money.place)), rule)
            return
    if now:
        _reprice(turn, order_id, row.deal.step(row.at(money.place)), rule)


def _is_in(row: GroupBuyRow, order: OrderRow, money: MoneyRow) -> bool:
    joined = {"placed": True, "deposit": order.deposit or order.paid, "paid": order.paid}[row.deal.joins]
    return joined and not ledger.closed(order, money)


def _count(turn: Turn, order_id: str, money: MoneyRow, *, comes: bool) -> int:
    """Keep which orders of the buyer are in; gives by how many the buyers grow: 1, 0 or -1."""
    address = joined_row(turn.estate_id, money.group_buy, money.place, money.who)
    row: OrdersOf | None = turn.rows.get(address)
    before = row.orders if row is not None else ()
    after = (*before, order_id) if comes else tuple(one for one in before if one != order_id)
    if after:
        turn.rows.put(address, OrdersOf(after))
    else:
        turn.rows.drop(address)
    return bool(after) - bool(before)


def _reprice_all(turn: Turn, money: MoneyRow, step: int, rule: str) -> None:
    """The step is another: every order that counts together with this one has a new price."""
    here = list(turn.rows.scan(CAMPAIGN, joined_key(turn.estate_id, money.group_buy), ORDERS_OF))
    for sub, row in here:
        if place_of(sub) == money.place:
            for order_id in row.orders:
                _reprice(turn, order_id, step, rule)


def _reprice(turn: Turn, order_id: str, step: int, rule: str) -> None:
    order, money = books.order_of(turn, order_id), books.money_of(turn, order_id)
    if order is None or money is None:
        return
    # Who has paid in full keeps the price at which they did, unless it falls further.
    new = min(money.step, step) if order.paid else step
    if new != money.step:
        books.keep(turn, order_id, (order, money), (order, replace(money, step=new)), f"step after {rule}")


def forget(turn: Turn, member_id: str, order_ids: tuple[str, ...]) -> None:
    """A buyer must not be known any more: they stay in each group-buy as one buyer without a name or an address."""
    theirs: dict[tuple[str, str], list[str]] = {}
    for order_id in order_ids:
        money = books.money_of(turn, order_id)
        if money is not None and money.group_buy and money.who == member_id:
            theirs.setdefault((money.group_buy, money.place), []).append(order_id)
    for (sub, place), ids in theirs.items():
        who = _NAMELESS + min(ids)
        after = _rename(turn, sub, place, member_id, who)
        for order_id in ids:
            money = books.money_of(turn, order_id)
            if money is not None:
                turn.rows.put(money_row(turn.estate_id, order_id), replace(money, who=who, place=after))


def _rename(turn: Turn, sub: str, place: str, member_id: str, who: str) -> str:
    """Count a buyer under another name; gives the place, which is renamed too where nobody else is there."""
    address = joined_row(turn.estate_id, sub, place, member_id)
    known: OrdersOf | None = turn.rows.get(address)
    row: GroupBuyRow = turn.rows.get(group_buy_row(turn.estate_id, sub))
    alone = bool(place) and row.at(place) <= (known is not None)
    after = who if alone else place
    if known is not None:
        turn.rows.drop(address)
        turn.rows.put(joined_row(turn.estate_id, sub, after, who), known)
    if alone and known is not None:
        buyers = tuple(sorted((after if name == place else name, count) for name, count in row.buyers))
        turn.rows.put(group_buy_row(turn.estate_id, sub), replace(row, buyers=buyers))
    return after
