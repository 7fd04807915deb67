"""`loupan signals`: what messages say, JSON lines to JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import typer

from agents.signals import signals_of
from schemas.errors import BadFile
from streams.commands.shared import readable


class _Line(msgspec.Struct):
    id: str | int
    text: str


def signals_command(
    lines: Annotated[Path, typer.Argument(help='JSON lines: {"id", "text"}; - is standard input.')],
) -> None:
    """Tell what each message says: JSON lines to standard output."""
    if str(lines) == "-":
        _answer(_messages(lines, sys.stdin.buffer))
        return
    with readable(lines).open("rb") as stream:
        # Read to the end before the first answer: a bad line leaves no half of a file behind.
        for _ in _messages(lines, stream):
            pass
        stream.seek(0)
        _answer(_messages(lines, stream))


def _messages(path: Path, stream: BinaryIO) -> Iterator[_Line]:
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            yield msgspec.json.decode(line, type=_Line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadFile(str(path), number, str(error), 'write {"id": …, "text": …}') from error


def _answer(messages: Iterable[_Line]) -> None:
    for message in messages:
        typer.echo(msgspec.json.encode({"id": message.id, "signals": signals_of(message.text)}))
