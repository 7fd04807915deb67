"""`loupan demo`: a real city, a simulated life, the whole pipeline."""

from __future__ import annotations

import socket
import sys
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import Engine

from schemas.errors import BadFile
from schemas.reference import Reference
from streams import logs
from streams.clocks import FastClock, WallClock
from streams.commands.shared import AsJson, Host, Port, opened, out, print_json
from streams.demo.people import demo_reference
from streams.demo.running import Demo
from streams.demo.writing import write_reference
from streams.inbox import Door
from streams.playbook_files import builtin_playbooks
from streams.reference_store import save_reference
from streams.served_at import say_served
from streams.serving import address_of, listen, serve
from streams.settings import read_settings
from streams.simulated import say_simulated
from streams.starting import campaign_starts
from streams.tokens import TokenRole, create_token
from streams.worlds import make_world

#: Day 1 of the demo's own campaigns: the same life whenever it is run.
DAY_1 = "2026-03-02"


def demo_command(
    host: Host = "127.0.0.1", port: Port = 8460,
    speed: Annotated[float, typer.Option(min=1, max=100_000, help="Simulated seconds a second.")] = 1440.0,
    seed: Annotated[int, typer.Option(help="Another seed, another life.")] = 7,
    groups: Annotated[int, typer.Option(min=1, max=400, help="How many owner groups.")] = 40,
    start: Annotated[
        str | None,
        typer.Option(help=f"Day 1 of the campaigns, YYYY-MM-DD: {DAY_1}, or tomorrow with --write-reference."),
    ] = None,
    until: Annotated[str | None, typer.Option(help="Hurry to this simulated time, then go on at --speed.")] = None,
    database: Annotated[
        Path | None, typer.Option(help="Keep the database here; otherwise it goes with the demo.")
    ] = None,
    write_reference_to: Annotated[
        Path | None, typer.Option("--write-reference", help="Write the demo's reference data as CSV, and stop.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Watch a city's estates being worked: real estates, simulated groups, the whole pipeline."""
    settings = read_settings()
    logs.set_up("warning" if settings.log_level == "info" else settings.log_level)
    zone = ZoneInfo(settings.zone)
    if write_reference_to is not None:
        # It is there to be imported, and a campaign of a day long past would not start.
        day_1 = _day(start) if start else WallClock(zone).now().date() + timedelta(days=1)
        write_reference(demo_reference(day_1.isoformat(), seed=seed, groups=groups), write_reference_to)
        out.print(f"the demo's reference data is in {write_reference_to}; its campaigns begin on {day_1}")
        return
    day_1 = _day(start or DAY_1)
    reference = demo_reference(day_1.isoformat(), seed=seed, groups=groups)
    listener = listen(host, port)
    begin = datetime(day_1.year, day_1.month, day_1.day, 6, tzinfo=zone) - timedelta(days=1)
    with (
        tempfile.TemporaryDirectory(prefix="loupan-demo-") as folder,
        opened(database or Path(folder) / "demo.db") as engine,
    ):
        if database is not None:
            _refuse_what_is_used(engine, database)
        _run_demo(engine, reference, begin, listener_url=address_of(listener), listener=listener, speed=speed,
                  seed=seed, until=until, as_json=as_json, batch=settings.batch, attachments=settings.attachments)


def _run_demo(engine: Engine, reference: Reference, begin: datetime, *, listener_url: str, listener: socket.socket,
              speed: float, seed: int, until: str | None, as_json: bool, batch: int,
              attachments: Path | None) -> None:
    clock = FastClock(begin, speed, begin + timedelta(days=21))
    if until is not None:
        clock.jump(_time(until, begin))
    world = make_world(reference, builtin_playbooks())
    tokens = {}
    with engine.begin() as connection:
        say_simulated(connection)
        say_served(connection, listener_url)
        save_reference(connection, reference, {})
        Door().accept(connection, campaign_starts(reference, ZoneInfo(str(world.default.zone)), begin))
        tokens["hq"] = create_token(connection, TokenRole.HQ, None, "demo")
        tokens["integration"] = create_token(connection, TokenRole.INTEGRATION, None, "demo")
        for dealer_id in sorted(reference.dealers):
            tokens[dealer_id] = create_token(connection, TokenRole.DEALER, dealer_id, "demo")
    demo = Demo(engine, reference, clock, seed, begin, url=listener_url, token=tokens["integration"])
    serve(engine, world, clock, listener, batch=batch, beside=demo.run, attachments=attachments,
          ready=lambda: _say(reference, listener_url, tokens, as_json=as_json))


def _refuse_what_is_used(engine: Engine, database: Path) -> None:
    """Simulated events must never be poured among real ones, nor a second life over a first."""
    with engine.connect().execution_options(reading=True) as connection:
        used = connection.exec_driver_sql(
            "SELECT EXISTS (SELECT 1 FROM reference) OR EXISTS (SELECT 1 FROM inbox)").scalar_one()
    if used:
        raise BadFile(str(database), None, "holds data already", "name a file that isn't there for the demo")


def _say(reference: Reference, url: str, tokens: dict[str, str], *, as_json: bool) -> None:
    dealer = min(reference.dealers)
    pages = {
        "hq": f"{url}/login?token={tokens['hq']}&next=/hq",
        "dealer": f"{url}/login?token={tokens[dealer]}&next=/dealer",
    }
    if as_json:
        print_json({"url": url, "pages": pages, "tokens": tokens})
        sys.stdout.flush()
        return
    out.print(f"\n[bold]loupan 楼盘[/bold]  {len(reference.estates)} estates, {len(reference.groups)} groups, "
              f"{len(reference.dealers)} dealers.")
    out.print("The estates are real; the life of the groups is simulated (模拟数据).\n")
    out.print(f"  总部 HQ      {pages['hq']}")
    out.print(f"  经销商 dealer {pages['dealer']}   ({reference.dealers[dealer].name})")
    out.print(f"\n  publish      LOUPAN={url} TOKEN={tokens['integration']}")
    out.print("\nCtrl-C ends it.")


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise BadFile("--start", None, f"{text} is not a date", "write it as 2026-03-02") from error
    if not 1970 < day.year < 2200:
        raise BadFile("--start", None, f"{text} is too far away", "write a day of this century")
    return day


def _time(text: str, like: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadFile("--until", None, f"{text} is not a time", "write it as 2026-03-06T12:00") from error
    return at if at.tzinfo is not None else at.replace(tzinfo=like.tzinfo)
