"""`loupan publish`: events from a file into the inbox."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from streams.clocks import WallClock
from streams.commands.shared import DEFAULT_DATABASE, AsJson, Database, err, opened, out, print_json, readable
from streams.inbox import Door
from streams.settings import read_settings

#: Lines published by one transaction.
LINES = 1000
#: Bad lines that are named one by one; whoever gave us the wrong file need not read it all.
NAMED = 20


def publish_command(
    events: Annotated[Path, typer.Argument(help="CloudEvents, one a line; - is standard input.")],
    database: Database = DEFAULT_DATABASE, as_json: AsJson = False,
) -> None:
    """Put events into the inbox; a running `loupan serve` on the same database works them at once."""
    if str(events) != "-":
        readable(events)
    counts = {"accepted": 0, "duplicate": 0, "error": 0}
    now = WallClock(ZoneInfo(read_settings().zone)).now
    with opened(database, must_exist=True) as engine:
        door = Door(now=now)
        number = 1
        for lines in _lines(events):
            with engine.begin() as connection:
                answers = door.accept(connection, lines, origin=str(events))
            door.handed_on.clear()
            for answer in answers:
                counts[answer.status] += 1
                if answer.status == "error" and counts["error"] <= NAMED:
                    err.print(f"{events}:{number + answer.index}: {answer.detail}", markup=False)
            number += len(lines)
    if counts["error"] > NAMED:
        err.print(f"… and {counts['error'] - NAMED} more: loupan dead-letters list")
    if as_json:
        print_json(counts)
    else:
        out.print(f"{counts['accepted']} accepted, {counts['duplicate']} duplicate, {counts['error']} dead letters")
    if counts["error"]:
        raise typer.Exit(2)


def _lines(path: Path) -> Iterator[list[bytes]]:
    stream = sys.stdin.buffer if str(path) == "-" else path.open("rb")
    with stream:
        lines: list[bytes] = []
        for line in stream:
            if line.strip():
                lines.append(line.rstrip(b"\r\n"))
            if len(lines) >= LINES:
                yield lines
                lines = []
        if lines:
            yield lines
