"""Orders in a campaign: who bought what, how far it is, and what may be said because of it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from agents import books, group_buys, ledger, members, offers, tasks
from agents.books import sold
from agents.ladder import BIT
from agents.order_life import SETS
from agents.order_rows import MoneyRow, money_row, orders_of
from agents.state import OrderRow, order_row
from agents.turn import Turn
from schemas import events as ev
from schemas.tasks import Goal, GoalReached

__all__ = ["forget", "moved", "placed", "sold"]

_PLACED, _DEPOSIT, _PAID, _DELIVERED = BIT["order_placed"], BIT["deposit_paid"], BIT["order_paid"], BIT["delivered"]


def placed(turn: Turn, event: ev.OrderPlaced) -> None:
    """An order came in. It counts for the campaign when it is for a home here, while the campaign runs.

    Of who may not be profiled, or was erased, it keeps the figures only. A placement that comes again changes nothing.
    """
    data = event.data
    if books.order_of(turn, data.order_id) is not None:
        return
    books.sales_of(turn)
    products = tuple(dict.fromkeys(word for item in data.items for word in (item.category, item.sku)))
    row = OrderRow(
        None if turn.place.blocked else data.member_id, data.group_id, products, data.amount_fen,
        data.referrer_id if _referred(turn, data) else None, _counts_for(turn),
        here=turn.place.sure and turn.place.home == turn.estate_id,
    )
    books.put_order(turn, data.order_id, None, row)
    referrer_id = row.referrer_id
    # The estate that the order is for keeps its books.
    if turn.place.home == turn.estate_id:
        money = _opened(turn, data)
        referrer_id = referrer_id or money.referrer_id
        books.keep(turn, data.order_id, None, (row, money), "placed")
        group_buys.settle(turn, data.order_id, None, (row, money), "placed")
    books.name(turn, data.order_id, row.member_id, referrer_id)
    _settle(turn, row)


def _counts_for(turn: Turn) -> str | None:
    """The campaign that an order of this moment counts for."""
    here = turn.campaign is not None and turn.running and turn.place.home == turn.estate_id
    return turn.campaign.campaign_id if turn.campaign is not None and here else None


def _referred(turn: Turn, data: ev.OrderPlacedData) -> bool:
    """A member of the group brought this buyer; nobody brings themselves."""
    if not data.referrer_id or not data.group_id or data.referrer_id == data.member_id:
        return False
    return members.add_evidence(turn, data.group_id, data.referrer_id, "referral_order")


def _opened(turn: Turn, data: ev.OrderPlacedData) -> MoneyRow:
    """The facts of an order's books as they are when it comes."""
    # What is more than the goods' list price (a fee, a mistake in the list) counts as list price.
    gross = max(data.amount_fen, sum(item.quantity * item.unit_price_fen for item in data.items))
    money = MoneyRow(gross, data.amount_fen, dealer_id=_dealer(turn, data))
    brought = _brought_by(turn, data)
    if not data.group_buy_id and brought is None:
        return money
    terms = offers.terms_for(turn, money.dealer_id)
    # Our own people's orders fill no group: its buyers are counted before everybody's eyes.
    joined = offers.of_group_buy(data.group_buy_id, terms) if data.group_buy_id and not _is_ours(turn, data) else None
    if joined is not None:
        money = group_buys.enter(turn, data, money, joined)
    if brought is not None:
        money = replace(money, rebate=offers.rebate_of(data, terms, joined), referrer_id=brought)
    return money


def _dealer(turn: Turn, data: ev.OrderPlacedData) -> str | None:
    """Whose order it is: the dealer that it names, else the one whose group it was made in."""
    group = turn.world.reference.groups.get(data.group_id or "")
    return data.dealer_id or (group.dealer_id if group is not None else None)


def _is_ours(turn: Turn, data: ev.OrderPlacedData) -> bool:
    return data.member_id is not None and turn.world.is_staff(data.member_id)


def _brought_by(turn: Turn, data: ev.OrderPlacedData) -> str | None:
    """To whom a rebate may come to be owed: not to the buyer, not to our own people, nor to who may not be known."""
    who = data.referrer_id
    if not who or who == data.member_id or turn.place.unreferred or turn.world.is_staff(who):
        return None
    return who


def moved(turn: Turn, event: Any) -> None:
    """Something happened to an order: deposit, payment, delivery, cancellation, refund."""
    order_id = event.data.order_id
    before = books.order_of(turn, order_id)
    if before is None:
        return
    facts = books.money_of(turn, order_id)
    money = books.with_payment(facts, event) if facts is not None else None
    after = _kept(_since(turn, replace(before, **SETS[type(event)]), event), money, event)
    changed = after != before
    if not changed and money == facts:
        return
    if changed:
        books.put_order(turn, order_id, before, after)
        turn.touched = True
    if facts is not None and money is not None:
        rule = event.type.split(".")[2]
        books.keep(turn, order_id, (before, facts), (after, money), rule)
        group_buys.settle(turn, order_id, (before, facts), (after, money), rule)
    if before.testifies and not after.testifies:
        tasks.withdraw(turn, "the order that it rests on was given back", order_id=order_id)
    _settle(turn, after)
    _goal(turn)


def _since(turn: Turn, order: OrderRow, event: Any) -> OrderRow:
    """The order with the day since when its buyer has it: of several deliveries, the first that came."""
    if type(event) is not ev.OrderDelivered or order.delivered_on:
        return order
    return replace(order, delivered_on=turn.day_of(event.time).toordinal())


def _kept(order: OrderRow, money: MoneyRow | None, event: Any) -> OrderRow:
    """The order with whether it stands although it was refunded: in part only."""
    if not order.refunded:
        return order
    if money is not None:
        return replace(order, kept=not ledger.given_back(money))
    # Its books are kept elsewhere: what this refund says has to do.
    if type(event) is not ev.OrderRefunded:
        return order
    fen = event.data.amount_fen
    return replace(order, kept=fen is not None and fen < order.amount_fen)


def _settle(turn: Turn, order: OrderRow) -> None:
    """Set right the buyer's place on the ladder by all of their orders here."""
    if order.member_id is None or order.group_id is None or turn.world.is_staff(order.member_id):
        return
    if turn.world.persona_of(order.group_id, order.member_id) is not None:
        return
    gained = 0
    for order_id in books.named_by(turn, order.member_id):
        row = books.order_of(turn, order_id)
        if row is not None and row.member_id == order.member_id and row.stands:
            gained |= _PLACED | row.deposit * _DEPOSIT | row.paid * _PAID | row.delivered * _DELIVERED
    members.set_order_evidence(turn, order.group_id, order.member_id, gained)


def _goal(turn: Turn) -> None:
    campaign = turn.campaign
    if campaign is None or not campaign.target_orders or campaign.goal_reached:
        return
    orders = sold(turn)
    if orders >= campaign.target_orders:
        turn.put_campaign(replace(campaign, goal_reached=True))
        goal = Goal(turn.estate_id, campaign.campaign_id, campaign.target_orders, orders)
        turn.emit(GoalReached, goal, campaign.campaign_id, subject=turn.estate_id)


def forget(turn: Turn, member_id: str) -> list[str]:
    """The member must not be known any more: their orders keep their figures, and lose the person.

    Gives the orders of which they were the buyer.
    """
    if not turn.orders():
        return []
    books.sales_of(turn)
    bought = []
    named = books.named_by(turn, member_id)
    group_buys.forget(turn, member_id, named)
    for order_id in named:
        row, money = books.order_of(turn, order_id), books.money_of(turn, order_id)
        if row is not None and row.member_id == member_id:
            bought.append(order_id)
            turn.rows.put(order_row(turn.estate_id, order_id), replace(row, member_id=None))
        elif row is not None and row.referrer_id == member_id:
            turn.rows.put(order_row(turn.estate_id, order_id), replace(row, referrer_id=None))
        if money is not None and money.referrer_id == member_id:
            turn.rows.put(money_row(turn.estate_id, order_id), replace(money, referrer_id=None))
    if named:
        turn.rows.drop(orders_of(turn.estate_id, member_id))
    return bought
