"""`loupan serve`: pipeline, gateway and pages in one process."""

from __future__ import annotations

from typing import Annotated

import typer

from schemas.errors import BadFile
from streams import logs
from streams.clocks import WallClock
from streams.commands.shared import DEFAULT_DATABASE, Database, Host, Port, err, opened
from streams.database import shown
from streams.reference_store import load_reference
from streams.serving import address_of, listen, serve
from streams.settings import read_settings
from streams.tokens import TokenRole, create_token
from streams.worlds import make_world


def serve_command(
    database: Database = DEFAULT_DATABASE, host: Host = "127.0.0.1", port: Port = 8460,
    batch: Annotated[int, typer.Option("--batch", envvar="LOUPAN_BATCH", min=1, help="Events a transaction.")] = 1000,
) -> None:
    """Run pipeline, gateway and pages in one process, on the database that `loupan import` filled."""
    settings = read_settings()
    logs.set_up(settings.log_level)
    with opened(database, must_exist=True) as engine:
        with engine.connect().execution_options(reading=True) as connection:
            reference, playbooks = load_reference(connection)
        if not reference.estates:
            raise BadFile(shown(database), None, "it holds no estates", "load them: loupan import DIR")
        listener = listen(host, port)
        world = make_world(reference, playbooks)
        url = address_of(listener)
        with engine.begin() as connection:
            known = connection.exec_driver_sql("SELECT count(*) FROM tokens WHERE revoked_at IS NULL").scalar_one()
            token = None if known else create_token(connection, TokenRole.HQ, None, "first start")
        err.print(f"loupan listens on {url}")
        if token is not None:
            err.print(f"HQ's page, with the first token (shown once): {url}/login?token={token}&next=/hq")
        serve(engine, world, WallClock(world.default.zone), listener, batch=batch, log_level=settings.log_level)
