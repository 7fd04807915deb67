"""`loupan tokens`: who may come in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy import Connection, select

from schemas.errors import BadFile
from streams.commands.shared import DEFAULT_DATABASE, AsJson, Database, err, opened, out, print_json
from streams.tables import reference
from streams.tokens import TokenRole, create_token, list_tokens, revoke

tokens_app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    help="Who may come in: tokens for HQ, dealers and integrations.")


@tokens_app.command("create")
def create_command(
    role: Annotated[TokenRole, typer.Argument(help="hq reads everything, dealer its own, integration publishes.")],
    dealer: Annotated[str | None, typer.Option(help="The dealer, for a dealer's token.")] = None,
    label: Annotated[str, typer.Option(help="Whom it is for: a name to know it by.")] = "",
    database: Database = DEFAULT_DATABASE, as_json: AsJson = False,
) -> None:
    """Make a token and show it, once."""
    if (role is TokenRole.DEALER) != bool(dealer):
        raise BadFile("--dealer", None, "a dealer's token names its dealer, and no other token does")
    with opened(database, must_exist=True) as engine, engine.begin() as connection:
        if dealer is not None:
            _known(connection, dealer)
        token = create_token(connection, role, dealer, label or "command line")
    if as_json:
        print_json({"token": token, "role": role.value, "dealer_id": dealer})
        return
    typer.echo(token)
    if role is not TokenRole.INTEGRATION:
        err.print(f"the page to open with it: /login?token={token}&next=/{role.value}", markup=False)


@tokens_app.command("list")
def list_command(database: Database = DEFAULT_DATABASE, as_json: AsJson = False) -> None:
    """Show the tokens: their keys, whose, and if they hold."""
    with opened(database, must_exist=True) as engine, engine.connect().execution_options(reading=True) as connection:
        grants = list_tokens(connection)
    if as_json:
        print_json([
            {"key": grant.key, "role": grant.role.value, "dealer_id": grant.dealer_id, "label": grant.label,
             "created_at": _time(grant.created_at), "revoked": grant.revoked_at is not None} for grant in grants
        ])
        return
    for grant in grants:
        state = "revoked" if grant.revoked_at is not None else "holds"
        out.print(f"{grant.key[:12]}  {state:<8} {grant.role.value:<12} {grant.dealer_id or '':<16} "
                  f"{_time(grant.created_at)}  {grant.label}", markup=False)


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
    if not count:
        raise BadFile(key, None, "there is no such token, or it was revoked before", "see `loupan tokens list`")
    out.print(f"{key}: revoked")


def _known(connection: Connection, dealer: str) -> None:
    dealers = set(connection.execute(select(reference.c.id).where(reference.c.kind == "dealer")).scalars())
    if dealer not in dealers:
        raise BadFile("--dealer", None, f"there is no dealer {dealer}", "see dealers.csv, or import it first")


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")
