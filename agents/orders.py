"""Orders in a campaign: who bought what, how far it is, and what may be said because of it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from agents import members, tasks
from agents.ladder import BIT
from agents.state import OrderRow, order_row
from agents.turn import Turn
from schemas import events as ev
from schemas.tasks import Goal, GoalReached

#: What each order event sets on the order's row.
SETS: dict[type[ev.Event], dict[str, bool]] = {
    ev.DepositPaid: {"deposit": True},
    ev.OrderPaid: {"paid": True},
    ev.OrderCancelled: {"cancelled": True},
    ev.OrderRefunded: {"refunded": True},
    ev.OrderDelivered: {"delivered": True},
    ev.OrderInstalled: {"installed": True},
    ev.InstallChecked: {},
}


def placed(turn: Turn, event: ev.OrderPlaced) -> None:
    """An order came in. It counts for the campaign when it is for a home here, while the campaign runs.

    Of who may not be profiled, or was erased, it keeps the figures only.
    """
    data = event.data
    if turn.rows.get(order_row(turn.estate_id, data.order_id)) is not None:
        return
    products = tuple(dict.fromkeys(word for item in data.items for word in (item.category, item.sku)))
    row = OrderRow(
        None if turn.place.blocked else data.member_id, data.group_id, products, data.amount_fen,
        data.referrer_id if _referred(turn, data) else None, _counts_for(turn),
    )
    turn.rows.put(order_row(turn.estate_id, data.order_id), row)
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


def moved(turn: Turn, event: Any) -> None:
    """Something happened to an order: deposit, payment, delivery, cancellation, refund."""
    order_id = event.data.order_id
    before: OrderRow | None = turn.rows.get(order_row(turn.estate_id, order_id))
    if before is None:
        return
    after = replace(before, **SETS[type(event)])
    if after == before:
        return
    turn.rows.put(order_row(turn.estate_id, order_id), after)
    turn.touched = True
    if before.testifies and not after.testifies:
        tasks.withdraw(turn, "the order that it rests on was given back", order_id=order_id)
    _settle(turn, after)
    _goal(turn)


def _settle(turn: Turn, order: OrderRow) -> None:
    """Set right the buyer's place on the ladder by all of their orders here."""
    if order.member_id is None or order.group_id is None or turn.world.is_staff(order.member_id):
        return
    if turn.world.persona_of(order.group_id, order.member_id) is not None:
        return
    gained = 0
    for _, row in turn.orders():
        if row.member_id == order.member_id and not (row.cancelled or row.refunded):
            gained |= BIT["order_placed"]
            gained |= BIT["deposit_paid"] if row.deposit else 0
            gained |= BIT["order_paid"] if row.paid else 0
            gained |= BIT["delivered"] if row.delivered else 0
    members.set_order_evidence(turn, order.group_id, order.member_id, gained)


def sold(turn: Turn) -> int:
    """How many orders count for the campaign that there is."""
    if turn.campaign is None:
        return 0
    return sum(row.campaign_id == turn.campaign.campaign_id and row.counts for _, row in turn.orders())


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
    bought = []
    for order_id, row in turn.orders():
        if row.member_id == member_id:
            bought.append(order_id)
            turn.rows.put(order_row(turn.estate_id, order_id), replace(row, member_id=None))
        elif row.referrer_id == member_id:
            turn.rows.put(order_row(turn.estate_id, order_id), replace(row, referrer_id=None))
    return bought
