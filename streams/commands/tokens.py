"""`loupan tokens`: who may come in, and who did what."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from getpass import getuser
from typing import Annotated, NamedTuple
from urllib.parse import urlencode

import msgspec
import segno
import typer
from sqlalchemy import Connection

from schemas.errors import BadFile
from schemas.reference import Dealer, Store
from streams.audit import Entry, read, write
from streams.commands.shared import DEFAULT_DATABASE, AsJson, Database, err, opened, out, print_json
from streams.login_links import DAYS, MINUTES, make_link
from streams.reference_store import find_kept
from streams.served_at import served_at
from streams.settings import read_settings
from streams.sql import sql_of
from streams.tokens import Grant, TokenRole, check_scope, create_token, list_tokens, look_up, now_ms, revoke

tokens_app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    help="Who may come in: tokens and one-time links, and who did or saw what.")

Role = Annotated[TokenRole, typer.Argument(
    help="hq sees everything, region the estates of its cities, dealer and store their own; integration publishes.")]
DealerId = Annotated[str | None, typer.Option("--dealer", help="The dealer, for a dealer's token.")]
StoreId = Annotated[str | None, typer.Option("--store", help="The store, for a store's token.")]
Cities = Annotated[list[str] | None, typer.Option("--city", help="A city of a region's token; may come again.")]
Label = Annotated[str, typer.Option(help="Whom it is for: a name to know it by.")]
#: The pages that a role opens.
_PAGE = {TokenRole.HQ: "/hq", TokenRole.REGION: "/hq", TokenRole.DEALER: "/dealer", TokenRole.STORE: "/dealer"}


class _Scope(NamedTuple):
    """Whose a token or a link is: checked against the reference data."""

    role: TokenRole
    dealer_id: str | None
    store_id: str | None
    cities: list[str]

    @property
    def name(self) -> str:
        """What it names, for a list."""
        return self.store_id or self.dealer_id or "、".join(self.cities)


@tokens_app.command("create")
def create_command(
    role: Role, dealer: DealerId = None, store: StoreId = None, city: Cities = None,
    source: Annotated[str | None, typer.Option(
        help="The only CloudEvents source that an integration may publish.")] = None,
    days: Annotated[float | None, typer.Option(
        min=0.001, max=36_500, help="How long it holds; without it until it is revoked.")] = None,
    label: Label = "", database: Database = DEFAULT_DATABASE, as_json: AsJson = False,
) -> None:
    """Make a token and show it, once."""
    _check(role, dealer, store, city, source)
    with opened(database, must_exist=True) as engine, engine.begin() as connection:
        scope = _scope(connection, role, dealer, store, city)
        token = create_token(
            connection, role, scope.dealer_id, label or "command line", store_id=scope.store_id, cities=scope.cities,
            source=source, days=days)
        grant = look_up(connection, token)
        _note(connection, "tokens create", f"{grant.key[:12] if grant else ''} {role.value} {scope.name}")
    if as_json:
        print_json({"token": token, "role": role.value, "dealer_id": scope.dealer_id, "store_id": scope.store_id,
                    "cities": scope.cities, "source": source,
                    "expires_at": _time(grant.expires_at) if grant and grant.expires_at else None})
        return
    typer.echo(token)
    if role is not TokenRole.INTEGRATION:
        err.print(f"paste it at /login, or make a link for a phone: loupan tokens link {role.value}", markup=False)


@tokens_app.command("link")
def link_command(
    role: Role, dealer: DealerId = None, store: StoreId = None, city: Cities = None,
    minutes: Annotated[float, typer.Option(min=0.1, max=10_080, help="How long the link is good.")] = MINUTES,
    days: Annotated[int, typer.Option(min=1, max=3_650, help="How long whoever opened it stays logged in.")] = DAYS,
    url: Annotated[str | None, typer.Option(
        envvar="LOUPAN_URL", help="The gateway's address as the phone reaches it, such as https://loupan.example.")
    ] = None,
    label: Label = "", database: Database = DEFAULT_DATABASE, as_json: AsJson = False,
) -> None:
    """Make a one-time login link, and show it with its QR code."""
    if role is TokenRole.INTEGRATION:
        raise BadFile("role", None, "an integration has no page to log in to", "make it a token: loupan tokens create")
    _check(role, dealer, store, city, None)
    with opened(database, must_exist=True) as engine, engine.begin() as connection:
        base = _base(url, connection)
        scope = _scope(connection, role, dealer, store, city)
        code = make_link(
            connection, role, scope.dealer_id, label or f"link {scope.name}".strip(), store_id=scope.store_id,
            cities=scope.cities, minutes=minutes, days=days)
        _note(connection, "tokens link", f"{role.value} {scope.name}")
    address = f"{base}/login?{urlencode({'code': code, 'next': _PAGE[role]})}"
    if as_json:
        print_json({"url": address, "role": role.value, "dealer_id": scope.dealer_id, "store_id": scope.store_id,
                    "cities": scope.cities, "expires_at": _time(now_ms() + int(minutes * 60_000))})
        return
    typer.echo(address)
    segno.make(address, error="m").terminal(out=typer.get_text_stream("stderr"), compact=True)
    if any(f"//{host}" in base for host in _NO_PHONES):
        err.print("a phone does not reach this address: say --url, or set LOUPAN_URL", markup=False)
    err.print(f"works once, within {minutes:g} minutes; whoever opens it stays logged in for {days} days", markup=False)


@tokens_app.command("list")
def list_command(database: Database = DEFAULT_DATABASE, as_json: AsJson = False) -> None:
    """Show the tokens: their keys, whose, and if they hold."""
    with opened(database, must_exist=True) as engine, engine.connect().execution_options(reading=True) as connection:
        grants = list_tokens(connection)
    if as_json:
        print_json([
            {"key": grant.key, "role": grant.role.value, "dealer_id": grant.dealer_id, "store_id": grant.store_id,
             "cities": sorted(grant.cities), "source": grant.source, "label": grant.label, "session": grant.session,
             "created_at": _time(grant.created_at), "revoked": grant.revoked_at is not None,
             "expires_at": _time(grant.expires_at) if grant.expires_at else None} for grant in grants
        ])
        return
    for grant in grants:
        end = f"  until {_time(grant.expires_at)}" if grant.expires_at and _state(grant) == "holds" else ""
        out.print(f"{grant.key[:12]}  {_state(grant):<8} {grant.role.value:<12} {_whose(grant):<16} "
                  f"{_time(grant.created_at)}  {grant.label}{' (link)' if grant.session else ''}{end}", markup=False)


@tokens_app.command("revoke")
def revoke_command(
    key: Annotated[str, typer.Argument(help="The key, or its first 8 characters or more, from `tokens list`.")],
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Take a token back; whoever holds it is out at once."""
    with opened(database, must_exist=True) as engine, engine.begin() as connection:
        try:
            count = revoke(connection, key)
        except ValueError as error:
            raise BadFile(key, None, str(error), "see `loupan tokens list`") from error
        if count:
            _note(connection, "tokens revoke", key[:12])
    if not count:
        raise BadFile(key, None, "there is no such token, or it was revoked before", "see `loupan tokens list`")
    out.print(f"{key}: revoked")


@tokens_app.command("audit")
def audit_command(
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, max=10_000, help="So many lines.")] = 50,
    before: Annotated[int | None, typer.Option(min=0, max=2**62, help="Lines below this number.")] = None,
    what: Annotated[str | None, typer.Option(help="How it begins, such as POST, login or tokens.")] = None,
    key: Annotated[str | None, typer.Option(help="One token's lines: its key, of 12 characters or more.")] = None,
    thing: Annotated[str | None, typer.Option(help="Part of the name of what was asked for.")] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Refusals alone.")] = False,
    database: Database = DEFAULT_DATABASE, as_json: AsJson = False,
) -> None:
    """Show who did or saw what, the latest first."""
    with opened(database, must_exist=True) as engine, engine.connect().execution_options(reading=True) as connection:
        rows = read(connection, before=before, limit=limit, what=what, key=key, thing=thing, refused=refused)
    if as_json:
        print_json([{**msgspec.structs.asdict(row), "at": _time(row.at)} for row in rows])
        return
    for row in rows:
        who = f"{row.key or '-':<12} {row.role or 'nobody':<12} {row.label or ''}"
        times = f" ×{row.times}" if row.times > 1 else ""
        out.print(f"{row.seq:>8}  {_time(row.at)}  {row.status or '':>3}  {row.what} {row.thing}{times}  "
                  f"by {who}  {row.address or ''}".rstrip(), markup=False)


def _check(
    role: TokenRole, dealer: str | None, store: str | None, cities: Iterable[str] | None, source: str | None
) -> None:
    """Whether what is given fits the role; a store's dealer is found by itself."""
    if role is TokenRole.STORE and dealer is not None:
        raise BadFile("--dealer", None, "a store's token names its store, and nothing else", "leave --dealer out")
    try:
        check_scope(role, "its own" if role is TokenRole.STORE else dealer, store, cities or (), source)
    except ValueError as error:
        wanted = {TokenRole.DEALER: ("--dealer", dealer), TokenRole.STORE: ("--store", store),
                  TokenRole.REGION: ("--city", cities)}
        option, given = wanted.get(role, ("role", True))
        remedy = "see `loupan tokens create --help`" if given else f"say {option} {option.removeprefix('--').upper()}"
        raise BadFile(option, None, str(error), remedy) from error


def _scope(
    connection: Connection, role: TokenRole, dealer: str | None, store: str | None, cities: Iterable[str] | None
) -> _Scope:
    """Whose it is, as the reference data know it."""
    if dealer is not None and find_kept(connection, "dealer", dealer, Dealer) is None:
        raise BadFile("--dealer", None, f"there is no dealer {dealer}", "see dealers.csv, or import it first")
    if store is not None:
        found = find_kept(connection, "store", store, Store)
        if found is None:
            raise BadFile("--store", None, f"there is no store {store}", "see stores.csv, or import it first")
        dealer = found.dealer_id
    named = sorted(set(cities or ()))
    for city in named:
        _known_city(connection, city)
    return _Scope(role, dealer, store, named)


class _Place(msgspec.Struct):
    city: str = ""


def _known_city(connection: Connection, city: str) -> None:
    decode = msgspec.json.Decoder(_Place).decode
    bodies = sql_of(connection)("SELECT body FROM reference WHERE kind IN ('estate', 'dealer')").scalars()
    if not any(decode(bytes(body)).city == city for body in bodies):
        raise BadFile("--city", None, f"there is no estate and no dealer in {city}", "write it as estates.csv does")


#: How addresses begin that are this machine's own.
_NO_PHONES = ("127.", "localhost", "0.0.0.0:", "[::")


def _base(url: str | None, connection: Connection) -> str:
    """The gateway's address for people: as it is given, else where it was last served, else where it would be."""
    settings = read_settings()
    if url is None:
        url = settings.url or served_at(connection) or f"http://{settings.host}:{settings.port or 8460}"
    if not url.startswith(("http://", "https://")) or any(character in url for character in " ?#"):
        raise BadFile("--url", None, f"{url} is no address of a gateway", "write it as https://loupan.example")
    return url.rstrip("/")


def _note(connection: Connection, what: str, thing: str) -> None:
    """Note it in the same transaction: it stands in the log if and only if it was done."""
    try:
        user = getuser()
    except (OSError, KeyError):
        user = ""
    write(connection, [Entry(what=what, thing=thing.strip(), role="operator", label=user or None, at=now_ms())])


def _whose(grant: Grant) -> str:
    return grant.store_id or grant.dealer_id or "、".join(sorted(grant.cities)) or grant.source or ""


def _state(grant: Grant) -> str:
    if grant.revoked_at is not None:
        return "revoked"
    return "holds" if grant.holds(now_ms()) else "ended"


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")
