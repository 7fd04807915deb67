"""The books of orders: HQ sees all, a dealer its own orders in the estates that it works."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from streams.gateway.auth import Bookkeeper
from streams.gateway.context import Here, json
from streams.gateway.estates import own_estate
from streams.gateway.problems import BAD_PARAMETER, NOT_FOUND, Problem
from streams.gateway.scope import in_region
from streams.ledger_view import Asked, books, estate_of, sums, waiting_as_lines
from streams.tokens import TokenRole

router = APIRouter(tags=["hq"])


@router.get("/v1/ledger", summary="The books of orders")
def read_ledger(
    here: Here,
    grant: Bookkeeper,
    estate_id: Annotated[str | None, Query(max_length=256, description="The estate whose books are asked for")] = None,
    order_id: Annotated[str | None, Query(max_length=256, description="One order alone")] = None,
) -> Response:
    """`{"estate_id", "balance", "orders", "group_buys", "entries"}`, in fen; debit is positive, credit negative.

    Without an estate and an order, for HQ: `{"balance", "waiting"}` over all estates, with the order events whose order
    was not placed yet.
    """
    if estate_id is None and order_id is None:
        if grant.role is not TokenRole.HQ:
            raise Problem(
                BAD_PARAMETER, "请写明楼盘 estate_id 或订单 order_id。", "Name an estate_id or an order_id.")
        return json(here.read(lambda connection: {
            "balance": sums(connection), "waiting": waiting_as_lines(connection)}))
    if order_id is None and estate_id is not None:
        own_estate(here, grant, estate_id)
    found = here.read(lambda connection: _books(connection, estate_id, order_id, grant.dealer_id))
    # An order's books may be kept in an estate that its dealer does not work: they are still the dealer's.
    hidden = found is not None and grant.role is TokenRole.REGION and not in_region(here, grant, found["estate_id"])
    if found is None or hidden or (order_id is not None and not found["orders"]):
        raise Problem(NOT_FOUND, f"没有订单 {order_id} 的账。", f"There are no books of an order {order_id}.")
    return json(found)


def _books(
    connection: Connection, estate_id: str | None, order_id: str | None, dealer_id: str | None
) -> dict[str, Any] | None:
    where = estate_id or estate_of(connection, order_id or "")
    return None if where is None else books(connection, Asked(where, order_id, dealer_id))
