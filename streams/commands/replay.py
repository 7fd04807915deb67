"""`loupan replay`: a recorded stream through the whole pipeline."""

from __future__ import annotations

from datetime import datetime, tzinfo
from pathlib import Path
from typing import Annotated

import typer

from schemas.errors import BadFile
from streams import memory
from streams.commands.shared import AsJson, out, print_json, progress, readable
from streams.reference_files import read_folder
from streams.replaying import Replay
from streams.worlds import make_world


def replay_command(
    events: Annotated[Path, typer.Argument(help="CloudEvents, one a line.")],
    reference: Annotated[Path, typer.Option("--reference", help="The folder with estates.csv and the others.")],
    to: Annotated[Path, typer.Option("--out", help="The folder for the results.")],
    until: Annotated[
        str | None, typer.Option(help="Stop the clock here (RFC 3339) instead of at the last stage's end.")
    ] = None,
    log: Annotated[
        bool, typer.Option("--estate-events", help="It is a log of estate-events, as `loupan admin log` records it.")
    ] = False,
    batch: Annotated[int, typer.Option(min=1, help="Events a transaction; the results don't depend on it.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Run a recorded stream through the whole pipeline, on the stream's own clock."""
    readable(events)
    folder = read_folder(reference)
    world = make_world(folder.reference, folder.playbooks)
    memory.settle()
    end = _moment(until, world.default.zone) if until else None
    with progress("replaying", quiet=as_json) as report:
        summary = Replay(world, batch=batch, until=end, log=log).run(events, to, report)
    if as_json:
        print_json(summary)
    else:
        out.print(", ".join(f"{value} {name.replace('_', ' ')}" for name, value in summary.items()) + f" → {to}")


def _moment(text: str, zone: tzinfo) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadFile("--until", None, f"{text} is not a time", "write it as 2026-03-12T23:00:00+08:00") from error
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)
