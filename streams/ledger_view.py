"""The books as people read them: an order's facts and balances, group-buys, entries, and what waits for a placement.

Balances follow from the orders' own rows, entries stand in the outbox; the two agree, because an entry is what a change
of the rows comes to (`agents.ledger`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from agents import ledger
from agents.order_life import state_of
from agents.order_rows import (
    GROUP_BUY,
    MONEY,
    ORDER_WAITING,
    SALES,
    GroupBuyRow,
    MoneyRow,
    SalesRow,
    WaitingRow,
    group_buy_id_of,
)
from agents.rows import CAMPAIGN, PLACEMENT
from agents.state import ORDER, ORDER_HOME, ROW_TYPES, OrderHome, OrderRow
from schemas.tasks import LedgerPosted
from schemas.topics import CAMPAIGN_EVENTS
from streams.sql import sql_of

POSTED = str(LedgerPosted.__struct_config__.tag)
_DECODE = {
    kind: msgspec.msgpack.Decoder(ROW_TYPES[kind]).decode
    for kind in (MONEY, GROUP_BUY, ORDER_WAITING, SALES, ORDER, ORDER_HOME)}


class Waiting(msgspec.Struct, frozen=True):
    """What came of one order that was not placed yet."""

    order_id: str
    events: tuple[Any, ...]


def waiting(connection: Connection) -> list[Waiting]:
    """What waits for its order's placement, by order."""
    # The kind is written out: the index of these rows alone is used for a constant only.
    rows = sql_of(connection)("SELECT key, value FROM state WHERE kind = 21 ORDER BY key")
    found: list[tuple[str, WaitingRow]] = [(order_id, _DECODE[ORDER_WAITING](bytes(value))) for order_id, value in rows]
    return [Waiting(order_id, row.events) for order_id, row in found]


def waiting_as_lines(connection: Connection) -> list[dict[str, Any]]:
    """What waits, one event a line, with what to do."""
    return [
        {
            "order_id": one.order_id, "type": event.type, "source": event.source, "id": event.id,
            "time": event.time.isoformat(), "amount_fen": getattr(event.data, "amount_fen", None),
            "reason": _unplaced(one.order_id),
        }
        for one in waiting(connection) for event in one.events
    ]


def never_placed(raw: bytes) -> str:
    """Why an event of an order that was never placed could not be applied."""
    return _unplaced(msgspec.json.decode(raw)["data"]["order_id"])


def _unplaced(order_id: str) -> str:
    return f"order {order_id} is not known: send its loupan.order.placed.v1 first, then retry this one"


# --- an estate's books ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose books are asked for: of an estate, of one order there, of one dealer alone."""

    estate_id: str
    order_id: str | None = None
    dealer_id: str | None = None


def estate_of(connection: Connection, order_id: str) -> str | None:
    """The estate that keeps an order's books."""
    question = "SELECT value FROM state WHERE step = ? AND key = ? AND kind = ? AND sub = ''"
    value = sql_of(connection)(question, (PLACEMENT, order_id, ORDER_HOME)).scalar()
    if value is None:
        return None
    home: OrderHome = _DECODE[ORDER_HOME](bytes(value))
    return home.home


def books(connection: Connection, asked: Asked) -> dict[str, Any]:
    """`{"estate_id", "balance", "orders", "group_buys", "entries"}`: each order with its state, price and balance."""
    facts = _facts(connection, asked)
    total = ledger.NOTHING
    for order, money in facts.values():
        total = ledger.total(total, ledger.balances(order, money))
    return {
        "estate_id": asked.estate_id,
        "balance": ledger.named(total),
        "orders": [_order(order_id, order, money) for order_id, (order, money) in facts.items()],
        "group_buys": list(_group_buys(connection, asked, facts)),
        "entries": list(entries(connection, asked)),
    }


def _facts(connection: Connection, asked: Asked) -> dict[str, tuple[OrderRow, MoneyRow]]:
    orders: dict[str, OrderRow] = dict(_rows(connection, asked.estate_id, ORDER))
    return {
        order_id: (orders[order_id], money)
        for order_id, money in _rows(connection, asked.estate_id, MONEY)
        if (asked.order_id is None or order_id == asked.order_id)
        and (asked.dealer_id is None or money.dealer_id == asked.dealer_id)
    }


def _rows(connection: Connection, estate_id: str, kind: int) -> Iterator[tuple[str, Any]]:
    question = "SELECT sub, value FROM state WHERE step = ? AND key = ? AND kind = ? ORDER BY sub"
    for sub, value in sql_of(connection)(question, (CAMPAIGN, estate_id, kind)):
        yield sub, _DECODE[kind](bytes(value))


def _order(order_id: str, order: OrderRow, money: MoneyRow) -> dict[str, Any]:
    owed, came = ledger.rebate(order, money), ledger.sums(money)
    return {
        "order_id": order_id, "state": state_of(order), "dealer_id": money.dealer_id,
        "list_fen": money.gross, "amount_fen": money.amount, "price_fen": came.asked,
        "received_fen": came.received, "paid_back_fen": came.back,
        "group_buy_id": group_buy_id_of(money.group_buy) or None,
        "percent": min(money.own, money.step) / 10,
        "rebate": {"to": money.referrer_id, "fen": owed, "due": money.rebate.due} if money.rebate else None,
        "balance": ledger.named(ledger.balances(order, money)),
    }


def _group_buys(
    connection: Connection, asked: Asked, facts: dict[str, tuple[OrderRow, MoneyRow]]
) -> Iterator[dict[str, Any]]:
    """Which orders are in it, how many buyers count together, the step that they reached."""
    rows: Iterable[tuple[str, GroupBuyRow]] = _rows(connection, asked.estate_id, GROUP_BUY)
    for sub, row in rows:
        mine = {order_id: both for order_id, both in facts.items() if both[1].group_buy == sub}
        if not mine:
            continue
        yield {
            "group_buy_id": group_buy_id_of(sub), "offer": row.offer, "together": row.deal.together,
            "together_now": [
                {
                    "orders": [
                        order_id for order_id, (order, money) in mine.items()
                        if money.place == place and not ledger.closed(order, money)],
                    "buyers": count, "percent": row.deal.step(count) / 10,
                }
                for place, count in row.buyers
            ],
        }


def entries(connection: Connection, asked: Asked) -> Iterator[dict[str, Any]]:
    """The entries, in the order in which they were made."""
    question = 'SELECT raw FROM outbox WHERE topic = ? AND key = ? ORDER BY "offset"'
    for (raw,) in sql_of(connection)(question, (CAMPAIGN_EVENTS.name, asked.estate_id)):
        if POSTED.encode() not in raw:
            continue
        event = msgspec.json.decode(bytes(raw))
        data = event["data"]
        if event["type"] != POSTED or (asked.order_id is not None and data["order_id"] != asked.order_id):
            continue
        if asked.dealer_id is None or data.get("dealer_id") == asked.dealer_id:
            yield {"id": event["id"], "time": event["time"], **data}


def sums(connection: Connection) -> dict[str, int]:
    """What stands on each account, over all estates."""
    total = ledger.NOTHING
    for (value,) in sql_of(connection)("SELECT value FROM state WHERE kind = 24"):
        row: SalesRow = _DECODE[SALES](bytes(value))
        total = ledger.total(total, row.balances or ledger.NOTHING)
    return ledger.named(total)


