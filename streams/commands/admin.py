"""`loupan admin`: preparing what loupan stands on."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from schemas.errors import BadFile
from streams.commands.carrying import Kafka, Partitions, Prefix, Replication, cluster_of
from streams.commands.shared import DEFAULT_DATABASE, AsJson, Database, opened, out, print_json
from streams.kafka.admin import Applied, Left, apply, connected, plan
from streams.kafka.wanted import Wanted, wanted_topics
from streams.log_replay import record_log

admin_app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    help="What loupan stands on: the topics of a Kafka broker, and the log of estate-events.")

@admin_app.callback()
def _callback() -> None:
    """Make a group of it."""


@admin_app.command("topics")
def topics_command(
    kafka: Kafka = "127.0.0.1:9092", partitions: Partitions = 16, replication: Replication = 3, prefix: Prefix = "",
    create: Annotated[bool, typer.Option("--apply", help="Create the topics that are missing.")] = False,
    change: Annotated[
        bool, typer.Option("--change", help="With --apply: change those that are there, too.")
    ] = False,
    repartition: Annotated[
        bool, typer.Option(
            "--repartition", help="With --change: add partitions even where there were records, whose keys then move.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say how the broker's topics differ from what they should be; status 1 while they do."""
    if (change and not create) or (repartition and not change):
        raise BadFile("--repartition" if repartition else "--change", None, "says how to apply", "say --apply too")
    if not re.fullmatch(r"[a-zA-Z0-9._-]{0,200}", prefix):
        raise BadFile("--prefix", None, "a topic's name has letters, digits, dots, dashes and underscores only")
    wanted = wanted_topics(partitions, replication, prefix)
    with connected(kafka, access=cluster_of(kafka).access) as admin:
        if create:
            applied = apply(admin, wanted, change=change, repartition=repartition)
        else:
            applied = Applied([], [Left(difference, "") for difference in plan(admin, wanted)])
    if as_json:
        print_json(_as_json(wanted, applied))
    else:
        _say(wanted, applied)
    if applied.left:
        raise typer.Exit(1)


@admin_app.command("log")
def log_command(database: Database = DEFAULT_DATABASE) -> None:
    """Print the log of estate-events, one record a line: `loupan replay --estate-events` gives all of it again."""
    with opened(database, must_exist=True) as engine, engine.connect().execution_options(reading=True) as connection:
        for line in record_log(connection):
            sys.stdout.buffer.write(line + b"\n")


def _say(wanted: tuple[Wanted, ...], applied: Applied) -> None:
    for difference in applied.done:
        out.print(f"done: {difference}", markup=False)
    for difference, why in applied.left:
        out.print(f"{difference}" + (f": {why}" if why else ""), markup=False)
    if not applied.left:
        out.print(f"{len(wanted)} topics are as they should be")


def _as_json(wanted: tuple[Wanted, ...], applied: Applied) -> dict[str, Any]:
    return {
        "topics": [asdict(topic) for topic in wanted],
        "done": [asdict(difference) for difference in applied.done],
        "left": [{**asdict(difference), "why": why or None} for difference, why in applied.left],
    }
