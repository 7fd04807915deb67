"""`loupan webhooks`: whom to tell what goes out, and who may send what comes in."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from sqlalchemy import Connection, select

from schemas.errors import BadFile, Unavailable
from streams.commands.shared import DEFAULT_DATABASE, AsJson, Database, err, opened, out, print_json
from streams.database import is_server
from streams.settings import read_settings
from streams.tables import reference
from streams.tokens import now_ms
from streams.webhooks import endpoints, incoming, robot
from streams.webhooks.endpoints import Endpoint, Kind, Status
from streams.webhooks.guard import checked_url
from streams.webhooks.posting import Outcome, Poster
from streams.webhooks.secrets import KEEP_HOURS, signed

webhooks_app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    help="Webhooks: whom to tell what goes out, and who may send what comes in.")
receive_app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    help="Who may send us webhooks, and what their events are called here.")
webhooks_app.add_typer(receive_app, name="receive")

Name = Annotated[str, typer.Argument(help="Its name, from `loupan webhooks list`.")]
Theirs = Annotated[str, typer.Argument(help="The sender's name: events go to /v1/hooks/NAME.")]
KeepFor = Annotated[
    float, typer.Option("--keep", min=0, max=24 * 90, help="So many hours the old secret holds beside the new one.")]


@webhooks_app.command("add")
def add_command(
    name: Annotated[str, typer.Argument(help="A name to know it by: small letters, digits, dashes.")],
    url: Annotated[str, typer.Argument(help="Where to post to: https://…")],
    kind: Annotated[Kind, typer.Option(help="standard for programs; wecom for the robot of a staff group.")] =
    Kind.STANDARD,
    types: Annotated[list[str] | None, typer.Option(
        "--type", help="An event type, repeated for several, or loupan.task.*; without it tasks issued, phases "
        "entered, goals reached.")] = None,
    dealer: Annotated[str | None, typer.Option(help="Only what concerns this dealer.")] = None,
    city: Annotated[str | None, typer.Option(help="Only what concerns estates of this city.")] = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="All that ever went out, too.")] = False,
    database: Database = DEFAULT_DATABASE, as_json: AsJson = False,
) -> None:
    """Tell somebody what goes out, from now on; prints the secret to check signatures with."""
    wanted = endpoints.wanted_types(types or [])
    if dealer is not None and city is not None:
        raise BadFile("--city", None, "goes without --dealer", "say one of them")
    if kind is Kind.WECOM and dealer is None:
        raise BadFile("--dealer", None, "a robot speaks to the staff of one dealer", "name the dealer")
    endpoint = Endpoint(
        name=endpoints.checked_name(name), kind=kind, types=" ".join(wanted), dealer_id=dealer, city=city,
        url=checked_url(url, private=read_settings().webhook_private), created_at=now_ms())
    with _writing(database) as connection:
        _known(connection, "dealer", dealer)
        if city is not None and not _is_city(connection, city):
            raise BadFile("--city", None, f"there is no estate in {city}", "see estates.csv, or import it first")
        made = endpoints.add(connection, endpoint, from_start=from_start)
    if as_json:
        print_json({**_shown(made), "secret": made.secret})
        return
    if made.secret is not None:
        typer.echo(made.secret)
    err.print(f"{name} is told of {', '.join(wanted)}; try it: loupan webhooks test {name}", markup=False)


@webhooks_app.command("list")
def list_command(database: Database = DEFAULT_DATABASE, as_json: AsJson = False) -> None:
    """Show who is told, whether it arrives, and what is wrong where it does not."""
    with opened(database, must_exist=True) as engine, engine.connect().execution_options(reading=True) as connection:
        found = endpoints.list_all(connection)
    if as_json:
        print_json([_shown(one) for one in found])
        return
    for one in found:
        scope = one.dealer_id or one.city or "all"
        out.print(f"{one.name:<20} {one.status:<8} {one.kind:<8} {scope:<16} {one.shown}", markup=False)
        if one.said:
            again = f", again at {_time(one.due)}" if one.status is Status.ON else ""
            out.print(f"    failed {one.failures} times since {_time(one.failing_since or 0)}: {one.said}{again}",
                      markup=False)
    if not found:
        out.print("no webhooks: loupan webhooks add NAME URL")


@webhooks_app.command("test")
def try_command(name: Name, database: Database = DEFAULT_DATABASE) -> None:
    """Post a test message now, and say what came back."""
    with opened(database, must_exist=True) as engine, engine.connect().execution_options(reading=True) as connection:
        endpoint = endpoints.find(connection, name)
    outcome = asyncio.run(_tried(endpoint))
    if not outcome.ok:
        raise Unavailable(f"{name}: {outcome.said}")
    out.print(f"{name}: answered {outcome.status}")


async def _tried(endpoint: Endpoint) -> Outcome:
    settings = read_settings()
    poster = Poster(private=settings.webhook_private, timeout=settings.webhook_timeout)
    async with poster.session(endpoint.url) as session:
        if endpoint.kind is Kind.WECOM:
            body = robot.said("loupan 测试消息：机器人已接通，任务和阶段变化会发到这里。")
            return robot.judged(await session.post({"Content-Type": "application/json"}, body))[0]
        now = time.time()
        id = f"test-{endpoint.name}-{int(now)}"
        body = msgspec.json.encode({
            "specversion": "1.0", "id": id, "source": "loupan", "type": "loupan.webhook.test.v1",
            "time": datetime.fromtimestamp(now, UTC), "datacontenttype": "application/json", "data": {}})
        headers = {"Content-Type": "application/cloudevents+json"}
        return await session.post(headers | signed(id, body, endpoint.holders(now_ms()), now), body, now)


@webhooks_app.command("rotate")
def rotate_command(name: Name, keep: KeepFor = KEEP_HOURS, database: Database = DEFAULT_DATABASE) -> None:
    """Make a new secret and print it; for a while messages are signed with both."""
    with _writing(database) as connection:
        now = now_ms()
        typer.echo(endpoints.rotate(connection, name, now=now, until=now + int(keep * 3_600_000)))


@webhooks_app.command("enable")
def enable_command(
    name: Name,
    skip: Annotated[bool, typer.Option("--skip", help="Leave out what went out meanwhile.")] = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Tell an endpoint again, at once, from where it stood."""
    with _writing(database) as connection:
        endpoints.enable(connection, name, skip=skip)
    out.print(f"{name}: on")


@webhooks_app.command("disable")
def disable_command(name: Name, database: Database = DEFAULT_DATABASE) -> None:
    """Tell an endpoint nothing until it is enabled."""
    with _writing(database) as connection:
        endpoints.disable(connection, name)
    out.print(f"{name}: off")


@webhooks_app.command("remove")
def remove_command(name: Name, database: Database = DEFAULT_DATABASE) -> None:
    """Forget an endpoint, with its secret."""
    with _writing(database) as connection:
        endpoints.remove(connection, name)
    out.print(f"{name}: removed")


@receive_app.command("add")
def receive_add_command(
    name: Theirs,
    mapping: Annotated[list[str] | None, typer.Option(
        "--map", help="Their type and ours, order.paid=loupan.order.paid.v1, repeated; or ping=ignore.")] = None,
    database: Database = DEFAULT_DATABASE, as_json: AsJson = False,
) -> None:
    """Let somebody send webhooks; prints the secret that they sign with."""
    types = incoming.mapping_of(mapping or [])
    with _writing(database) as connection:
        secret = incoming.add(connection, endpoints.checked_name(name), types, now=now_ms())
    if as_json:
        print_json({"name": name, "types": types, "secret": secret, "path": f"/v1/hooks/{name}"})
        return
    typer.echo(secret)
    err.print(f"they post to /v1/hooks/{name}", markup=False)


@receive_app.command("list")
def receive_list_command(database: Database = DEFAULT_DATABASE, as_json: AsJson = False) -> None:
    """Show who may send, and what their events are called here."""
    with opened(database, must_exist=True) as engine, engine.connect().execution_options(reading=True) as connection:
        found = incoming.list_all(connection)
    if as_json:
        print_json([{"name": one.name, "types": one.types, "path": f"/v1/hooks/{one.name}"} for one in found])
        return
    for one in found:
        types = ", ".join(f"{theirs}={ours}" for theirs, ours in one.types.items())
        out.print(f"{one.name:<20} /v1/hooks/{one.name}  {types}", markup=False)
    if not found:
        out.print("nobody may send: loupan webhooks receive add NAME")


@receive_app.command("rotate")
def receive_rotate_command(name: Theirs, keep: KeepFor = KEEP_HOURS, database: Database = DEFAULT_DATABASE) -> None:
    """Make a new secret and print it; for a while both are taken."""
    with _writing(database) as connection:
        now = now_ms()
        typer.echo(incoming.rotate(connection, name, now=now, until=now + int(keep * 3_600_000)))


@receive_app.command("remove")
def receive_remove_command(name: Theirs, database: Database = DEFAULT_DATABASE) -> None:
    """Take nothing from them any more."""
    with _writing(database) as connection:
        incoming.remove(connection, name)
    out.print(f"{name}: removed")


@contextmanager
def _writing(database: str) -> Iterator[Connection]:
    """A transaction in a database that nobody but its owner may read: it holds secrets from now on."""
    with opened(database, must_exist=True) as engine:
        if not is_server(database):
            _close(Path(database))
        with engine.begin() as connection:
            yield connection


def _close(database: Path) -> None:
    for file in (database, Path(f"{database}-wal"), Path(f"{database}-shm")):
        if file.exists() and file.stat().st_mode & 0o077 and os.access(file, os.W_OK):
            file.chmod(0o600)
            if file == database:
                err.print(f"{database} may be read by its owner alone now: it holds secrets", markup=False)


def _known(connection: Connection, kind: str, id: str | None) -> None:
    if id is None:
        return
    rows = connection.execute(select(reference.c.id).where(reference.c.kind == kind, reference.c.id == id))
    if rows.first() is None:
        raise BadFile(f"--{kind}", None, f"there is no {kind} {id}", f"see {kind}s.csv, or import it first")


def _is_city(connection: Connection, city: str) -> bool:
    bodies = connection.execute(select(reference.c.body).where(reference.c.kind == "estate")).scalars()
    named = msgspec.json.Decoder(_Estate).decode
    return any(named(body).city == city for body in bodies)


class _Estate(msgspec.Struct):
    city: str = ""


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    """What may be shown of an endpoint: no secret, and of its URL not what stands behind the question mark."""
    return {
        "name": endpoint.name, "kind": endpoint.kind, "url": endpoint.shown, "types": endpoint.types.split(),
        "dealer_id": endpoint.dealer_id, "city": endpoint.city, "status": endpoint.status, "next": endpoint.next,
        "failures": endpoint.failures, "said": endpoint.said,
        "failing_since": _time(endpoint.failing_since) if endpoint.failing_since else None,
    }


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")



