"""`loupan dead-letters`: what could not be read or applied, and sending it again."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import Engine, select

from schemas.errors import BadEvent, BadFile
from streams.commands.carrying import Accept, Carrier, Kafka, Log, Prefix, door
from streams.commands.shared import DEFAULT_DATABASE, AsJson, Database, opened, out, print_json
from streams.dead_letters import resent
from streams.inbox import read_event
from streams.readers import find_dead_letter, mark_retried
from streams.tables import dead_letters

letters_app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    help="What could not be read or applied, and sending it again.")


@letters_app.command("list")
def list_letters_command(
    database: Database = DEFAULT_DATABASE,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many at most, the oldest first.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show the dead letters with their reasons."""
    with opened(database, must_exist=True) as engine, engine.connect().execution_options(reading=True) as connection:
        rows = connection.execute(
            select(dead_letters.c.offset, dead_letters.c.origin, dead_letters.c.reason, dead_letters.c.raw,
                   dead_letters.c.status).order_by(dead_letters.c.offset).limit(limit)).all()
    if as_json:
        print_json([
            {"id": row.offset, "origin": row.origin, "reason": row.reason, "status": row.status,
             "raw": row.raw.decode(errors="replace")} for row in rows
        ])
        return
    for row in rows:
        out.print(f"{row.offset:>6}  {row.status:<8} {row.origin:<16} {row.reason}", markup=False)
    if not rows:
        out.print("no dead letters")


@letters_app.command("retry")
def retry_command(
    ids: Annotated[list[int], typer.Argument(min=1, max=2**63 - 1, help="Their ids, from `dead-letters list`.")],
    database: Database = DEFAULT_DATABASE,
    log: Log = Carrier.EMBEDDED, kafka: Kafka = "127.0.0.1:9092", prefix: Prefix = "",
) -> None:
    """Send them again, after what was wrong is mended."""
    with opened(database, must_exist=True, takes_events=True) as engine, door(
        engine, log, kafka, prefix, None
    ) as accept:
        for number in ids:
            _retry(engine, number, accept)


def _retry(engine: Engine, number: int, accept: Accept) -> None:
    with engine.connect().execution_options(reading=True) as connection:
        row = find_dead_letter(connection, number)
    if row is None:
        raise BadFile(str(number), None, "there is no such dead letter", "see `loupan dead-letters list`")
    raw = resent(row.raw, row.origin, number)
    try:
        # Before the door, which would keep it as another dead letter.
        read_event(raw, None)
    except BadEvent as error:
        raise BadEvent(f"dead letter {number} is still wrong: {error}") from error
    (answer,) = accept([raw], f"retry:{number}")
    with engine.begin() as connection:
        mark_retried(connection, number)
    out.print(f"{number}: {answer.status}")
