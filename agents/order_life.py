"""The life of an order: what each event sets on its row, and where that leaves it. The diagram in docs/orders.md is it.

Events may come in any order, so nothing is refused: an order stands where its furthest fact puts it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec.structs import replace

from agents.state import OrderRow
from schemas import events as ev


class OrderState(StrEnum):
    """Where an order stands."""

    PLACED = "placed"
    DEPOSIT = "deposit"
    PAID = "paid"
    DELIVERED = "delivered"
    INSTALLED = "installed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


#: What each order event sets on the order's row; a refund of a part sets `kept` beside it (`agents.orders`).
SETS: dict[type[ev.Event], dict[str, bool]] = {
    ev.DepositPaid: {"deposit": True},
    ev.OrderPaid: {"paid": True},
    ev.OrderDelivered: {"delivered": True},
    ev.OrderInstalled: {"installed": True},
    ev.OrderCancelled: {"cancelled": True},
    ev.OrderRefunded: {"refunded": True},
    ev.InstallChecked: {},
    ev.RebatePaid: {},
}

#: A row in each state, furthest last.
_IN: dict[OrderState, dict[str, bool]] = {
    OrderState.PLACED: {},
    OrderState.DEPOSIT: {"deposit": True},
    OrderState.PAID: {"paid": True},
    OrderState.DELIVERED: {"delivered": True},
    OrderState.INSTALLED: {"installed": True},
    OrderState.CANCELLED: {"cancelled": True},
    OrderState.REFUNDED: {"refunded": True},
}


def state_of(order: OrderRow) -> OrderState:
    """Where an order stands; one of which only a part was refunded stands where it stood."""
    if order.cancelled:
        return OrderState.CANCELLED
    if not order.stands:
        return OrderState.REFUNDED
    return next(
        (OrderState(name) for name in ("installed", "delivered", "paid", "deposit") if getattr(order, name)),
        OrderState.PLACED)


def diagram() -> str:
    """The life as a Mermaid state diagram, found by applying every event in every state."""
    lines = ["stateDiagram-v2", "    [*] --> waiting : any other event first", "    waiting --> placed : placed",
             "    [*] --> placed : placed"]
    for state, facts in _IN.items():
        for event, sets in SETS.items():
            changes: dict[str, Any] = {**facts, **sets}
            after = state_of(replace(_BLANK, **changes))
            if after != state:
                lines.append(f"    {state} --> {after} : {_name(event)}")
    return "\n".join(lines)


_BLANK = OrderRow(None, None, (), 0)


def _name(event: type[ev.Event]) -> str:
    return str(event.__struct_config__.tag).split(".")[2]
