"""`loupan publish`: events from a file into the inbox."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from streams.clocks import WallClock
from streams.commands.carrying import Carrier, Kafka, Log, Prefix, door
from streams.commands.shared import DEFAULT_DATABASE, AsJson, Database, err, opened, out, print_json, readable
from streams.settings import read_settings

#: Lines published by one transaction.
LINES = 1000
#: Bad lines that are named one by one; whoever gave us the wrong file need not read it all.
NAMED = 20


def publish_command(
    events: Annotated[Path, typer.Argument(help="CloudEvents, one a line; - is standard input.")],
    database: Database = DEFAULT_DATABASE, as_json: AsJson = False,
    log: Log = Carrier.EMBEDDED, kafka: Kafka = "127.0.0.1:9092", prefix: Prefix = "",
) -> None:
    """Put events into the inbox, or into Kafka; a running `loupan serve` or `loupan worker` works them at once."""
    if str(events) != "-":
        readable(events)
    counts = {"accepted": 0, "duplicate": 0, "error": 0}
    now = WallClock(ZoneInfo(read_settings().zone)).now
    with opened(database, must_exist=True, takes_events=True) as engine, door(
        engine, log, kafka, prefix, now
    ) as accept:
        for numbers, lines in _lines(events):
            for answer in accept(lines, str(events), numbers):
                counts[answer.status] += 1
                if answer.status == "error" and counts["error"] <= NAMED:
                    err.print(f"{events}:{numbers[answer.index]}: {answer.detail}", markup=False)
    if counts["error"] > NAMED:
        err.print(f"… and {counts['error'] - NAMED} more: loupan dead-letters list")
    if as_json:
        print_json(counts)
    else:
        out.print(f"{counts['accepted']} accepted, {counts['duplicate']} duplicate, {counts['error']} dead letters")
    if counts["error"]:
        raise typer.Exit(2)


def _lines(path: Path) -> Iterator[tuple[list[int], list[bytes]]]:
    """Lines that say something, with their numbers, in batches."""
    stream = sys.stdin.buffer if str(path) == "-" else path.open("rb")
    with stream:
        numbers, lines = list[int](), list[bytes]()
        for number, line in enumerate(stream, start=1):
            if line.strip():
                numbers.append(number)
                lines.append(line.rstrip(b"\r\n"))
            if len(lines) >= LINES:
                yield numbers, lines
                numbers, lines = [], []
        if lines:
            yield numbers, lines
