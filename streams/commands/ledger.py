"""`loupan ledger`: the books of orders, from the database."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from schemas.errors import BadFile
from streams.commands.shared import DEFAULT_DATABASE, AsJson, Database, opened, out, print_json
from streams.ledger_view import Asked, books, estate_of, sums, waiting_as_lines

_COLUMNS = ("time", "order_id", "rule", "account", "debit_fen", "credit_fen", "cause")


def ledger_command(
    database: Database = DEFAULT_DATABASE,
    estate: Annotated[str | None, typer.Option("--estate", help="The books of this estate.")] = None,
    order: Annotated[str | None, typer.Option("--order", help="The books of this order alone.")] = None,
    dealer: Annotated[str | None, typer.Option("--dealer", help="Only this dealer's orders.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="The entries as CSV, one line of an entry a row.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the books of orders: balances, entries, group-buys; without an estate or order, sums and what waits."""
    with opened(database, must_exist=True) as engine, engine.connect().execution_options(reading=True) as connection:
        if estate is None and order is None:
            _show_all(connection, as_json=as_json)
            return
        found = _books(connection, estate, order, dealer)
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(_rows(found["entries"]))
    elif as_json:
        print_json(found)
    else:
        _show(found)


def _books(connection: Connection, estate: str | None, order: str | None, dealer: str | None) -> dict[str, Any]:
    estate_id = estate or estate_of(connection, order or "")
    if estate_id is None:
        raise BadFile(str(order), None, "there are no books of such an order", "name an order that was placed")
    return books(connection, Asked(estate_id, order, dealer))


def _rows(entries: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for entry in entries:
        for line in entry["lines"]:
            fen = line["fen"]
            yield (
                entry["time"], entry["order_id"], entry["rule"], line["account"], max(fen, 0), max(-fen, 0),
                entry["cause"])


def _show_all(connection: Connection, *, as_json: bool) -> None:
    balance, waits = sums(connection), waiting_as_lines(connection)
    if as_json:
        print_json({"balance": balance, "waiting": waits})
        return
    _show_balance(balance)
    for line in waits:
        fen = "" if line["amount_fen"] is None else yuan(line["amount_fen"])
        out.print(f"waits  {line['time'][:16]}  {line['type']:<28} {fen:>14}  {line['reason']}", markup=False)
    if not waits:
        out.print("no order event waits for a placement")


def _show(found: dict[str, Any]) -> None:
    for entry in found["entries"]:
        lines = "  ".join(f"{line['account']} {yuan(line['fen'])}" for line in entry["lines"])
        out.print(f"{entry['time'][:16]}  {entry['order_id']:<24} {entry['rule']:<20} {lines}", markup=False)
    for group in found["group_buys"]:
        for now in group["together_now"]:
            out.print(
                f"group-buy {group['group_buy_id']} ({group['offer']}): {now['buyers']} buyers, {now['percent']:g} %, "
                f"orders {', '.join(now['orders'])}", markup=False)
    _show_balance(found["balance"])


def _show_balance(balance: dict[str, int]) -> None:
    for account, fen in balance.items():
        out.print(f"{account:<16} {yuan(fen):>16}", markup=False)
    out.print(f"{'sum':<16} {yuan(sum(balance.values())):>16}", markup=False)


def yuan(fen: int) -> str:
    """Fen as yuan, for people: 123456 is 1,234.56."""
    sign, whole = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{whole // 100:,}.{whole % 100:02d}"
