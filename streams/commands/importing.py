"""`loupan import FILE`: orders, wechaty's payloads or CloudEvents from a file; checked, tried, brought in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Engine

from schemas.errors import BadFile
from streams.clocks import WallClock
from streams.commands.carrying import Carrier, door
from streams.commands.shared import err, opened, out, print_json, progress, readable
from streams.database import is_server, shown
from streams.importing.aside import put_aside
from streams.importing.bringing import Brought, Checked, bring_in, check
from streams.importing.datums import doubts
from streams.importing.items import Source, Unit
from streams.importing.lines import event_lines, wechaty_lines
from streams.importing.mapping import read_mapping
from streams.importing.orders import Orders
from streams.importing.suggesting import suggest
from streams.inbox import AHEAD
from streams.settings import read_settings


class Format(StrEnum):
    """What a file holds."""

    ORDERS = "orders"
    WECHATY = "wechaty"
    EVENTS = "events"


_LINES: Final[dict[Format | None, Callable[[Path], Source]]] = {
    Format.WECHATY: wechaty_lines, Format.EVENTS: event_lines}
TABLES: Final = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".xlsb", ".et")
#: So many faults are named one by one.
_NAMED: Final = 20
_MAPPING: Final = "make one: loupan import FILE --suggest-mapping > mapping.yaml"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the words of the command ask for."""

    path: Path
    format: Format | None
    mapping: Path | None
    suggest: bool
    dry_run: bool
    skip_wrong: bool
    wrong_to: Path | None
    database: str
    as_json: bool
    log: Carrier
    kafka: str
    prefix: str


def import_file(wish: Wish) -> None:
    """Bring a file in, or say what would be done, or guess its mapping.

    Raises:
        BadFile: when the file, its mapping or the options are wrong.
        Exit: 2 when rows are wrong, or orders' points cannot be in their datum, and nothing was brought in.
    """
    path = readable(wish.path)
    if wish.suggest:
        _suggest(path)
        return
    source = _source(path, wish)
    latest = WallClock(ZoneInfo(read_settings().zone)).now() + AHEAD
    if wish.dry_run:
        _try(source, wish, latest)
        return
    with opened(wish.database, must_exist=True, takes_events=True) as engine:
        with err.status("checking"):
            found = check(source, latest)
        if found.wrong and not wish.skip_wrong:
            _say_faults(found, source)
            remedy = "correct them, or say --skip-wrong"
            err.print(f"nothing was brought in: {_many(len(found.wrong), _things(wish))} wrong; {remedy}")
            raise typer.Exit(2)
        doubtful = doubts(found.points, engine)
        _warn(doubtful)
        if doubtful and isinstance(source, Orders):
            err.print("nothing was brought in: correct crs in the mapping, or take lng and lat out of it")
            raise typer.Exit(2)
        aside = _aside(found, source, wish)
        with door(engine, wish.log, wish.kafka, wish.prefix, None) as accept, progress("importing") as moved:
            brought = bring_in(
                source, engine, lambda raws, numbers, beside: accept(raws, source.file, numbers, beside), latest,
                found.items, moved)
    _say_brought(brought, found, aside, wish)


def _source(path: Path, wish: Wish) -> Source:
    if wish.format in _LINES:
        if wish.mapping is not None:
            raise BadFile("--mapping", None, "is for tables of orders", "leave it out")
        return _LINES[wish.format](path)
    if path.suffix.lower() not in TABLES:
        if wish.format is Format.ORDERS:
            raise BadFile(str(path), None, "is no table", "save it as .csv or .xlsx")
        raise BadFile(str(path), None, "what is in it cannot be told by its name", "say --format wechaty or events")
    if wish.mapping is None:
        raise BadFile(str(path), None, "a table of orders wants a mapping", _MAPPING.replace("FILE", str(path)))
    return Orders(path, read_mapping(readable(wish.mapping, "mapping")))


def _suggest(path: Path) -> None:
    if path.suffix.lower() not in TABLES:
        raise BadFile(str(path), None, "is no table", "--suggest-mapping is for .csv and .xlsx")
    guess = suggest(path)
    typer.echo(guess.text, nl=False)
    if not guess.whole:
        err.print("not everything that is needed was found: fill in what is marked", markup=False)


# --- a trial --------------------------------------------------------------------------------------


def _try(source: Source, wish: Wish, latest: Any) -> None:
    with _looked_into(wish.database) as engine, err.status("checking"):
        found = check(source, latest, engine=engine)
        doubtful = doubts(found.points, engine)
    new = found.total - found.duplicate
    if wish.as_json:
        print_json({
            "dry_run": True, "items": found.items, "events": dict(found.events), "new": new,
            "duplicate": found.duplicate, "passed_over": dict(found.passed),
            "wrong": [
                {"file": source.file, "row": fault.place, "column": fault.column, "what": fault.what}
                for fault in found.faults],
            "doubtful_points": doubtful,
        })
    else:
        if found.first:
            out.print(_table(found.first))
        for type_, count in sorted(found.events.items()):
            out.print(f"{count:>8} {type_}", markup=False)
        of = _many(found.units, _things(wish))
        out.print(f"{found.total} events of {of}: {new} new, {found.duplicate} duplicate")
        _say_passed(found)
        _say_faults(found, source)
        _warn(doubtful)
        out.print("a trial: nothing was written")
    if found.wrong or (doubtful and isinstance(source, Orders)):
        raise typer.Exit(2)


@contextmanager
def _looked_into(database: str) -> Iterator[Engine | None]:
    """The database where there is one: a trial makes none."""
    if not is_server(database) and not Path(database).exists():
        yield None
        return
    with opened(database, takes_events=True) as engine:
        yield engine


def _table(units: list[Unit]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("row", "event", "time", "says"):
        table.add_column(name, overflow="fold")
    for unit in units:
        for number, raw in enumerate(unit.raws):
            event = msgspec.json.decode(raw)
            row = "" if number else str(unit.place)
            table.add_row(row, event["type"].removeprefix("loupan."), event["time"], escape(_says(event["data"])))
    return table


def _says(data: dict[str, Any]) -> str:
    """The first words of an event."""
    parts = [str(data[name]) for name in ("order_id", "group_id", "member_id", "kind") if data.get(name)]
    if isinstance(fen := data.get("amount_fen"), int):
        parts.append(f"¥{fen / 100:,.2f}")
    items = data.get("items", [])
    parts += [f"{item['category']} {item['sku']} ×{item['quantity']} ({item['line']})" for item in items]
    parts += [str(data[name]) for name in ("text", "name", "display_name", "note") if data.get(name)]
    if address := (data.get("delivery") or {}).get("address"):
        parts.append(address)
    said = "  ".join(parts)
    return said if len(said) <= 160 else f"{said[:160]}…"


# --- what is said ---------------------------------------------------------------------------------


def _say_faults(found: Checked, source: Source) -> None:
    faults = found.faults
    for fault in faults[:_NAMED]:
        column = f" {fault.column}:" if fault.column else ""
        err.print(f"{source.file}:{fault.place}:{column} {fault.what}", markup=False)
    if len(faults) > _NAMED:
        err.print(f"… and {len(faults) - _NAMED} more: --skip-wrong puts them all aside, with the reasons")


def _warn(doubtful: list[str]) -> None:
    for doubt in doubtful:
        err.print(f"warning: {doubt}", markup=False)


def _say_passed(found: Checked) -> None:
    if found.passed:
        said = ", ".join(f"{count} {why}" for why, count in found.passed.most_common())
        out.print(f"passed over: {said}", markup=False)


def _aside(found: Checked, source: Source, wish: Wish) -> Path | None:
    if not found.wrong:
        return None
    path = wish.wrong_to or wish.path.with_name(f"{wish.path.stem}.wrong.csv")
    put_aside(path, source, found.wrong)
    return path


def _say_brought(brought: Brought, found: Checked, aside: Path | None, wish: Wish) -> None:
    if wish.as_json:
        print_json({
            "accepted": brought.accepted, "duplicate": brought.duplicate, "resumed_after": brought.resumed,
            "wrong": len(found.wrong), "wrong_to": str(aside) if aside else None, "passed_over": dict(found.passed),
        })
        return
    if brought.resumed:
        out.print(f"went on after {brought.resumed} of {found.items}, where an earlier import had stopped")
    out.print(f"{brought.accepted} accepted, {brought.duplicate} duplicate → {shown(wish.database)}", markup=False)
    _say_passed(found)
    if aside is not None:
        out.print(f"{_many(len(found.wrong), _things(wish))} wrong, put aside with the reasons: {aside}", markup=False)


def _things(wish: Wish) -> str:
    return "order" if wish.format in (None, Format.ORDERS) else "line"


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
