"""`loupan signals`: what messages say, JSON lines to JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import typer

from agents.data import signal_weights as shipped
from agents.signals import signals_of
from schemas.encodings import looks_gbk
from schemas.errors import BadFile
from streams.commands.shared import readable


class _Line(msgspec.Struct):
    id: str | int
    text: str
    #: What was called for last: sign_up, plan, or the words of the post.
    after: str | None = None


def _say_version(asked: bool) -> None:
    """Print the model's version and evaluation, and end."""
    if asked:
        typer.echo(msgspec.json.format(msgspec.json.encode({
            "version": shipped.VERSION, "trained_on": shipped.TRAINED_ON, "messages": shipped.MESSAGES,
            "macro_f1_unseen": shipped.UNSEEN_MEAN, "f1_unseen": shipped.UNSEEN})))
        raise typer.Exit


def signals_command(
    lines: Annotated[Path, typer.Argument(help='JSON lines: {"id", "text"[, "after"]}; - is standard input.')],
    version: Annotated[bool, typer.Option(  # noqa: ARG001  # its callback answers
        "--version", is_eager=True, callback=_say_version, help="The model's version and evaluation.")] = False,
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
            yield msgspec.json.decode(_as_utf8(line), type=_Line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadFile(str(path), number, str(error), 'write {"id": …, "text": …}') from error


def _as_utf8(line: bytes) -> bytes:
    """A line as UTF-8: one in GBK, as Excel and older systems write it, is read as well."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return line.decode("gb18030").encode() if looks_gbk(line) else line
    return line


def _answer(messages: Iterable[_Line]) -> None:
    for message in messages:
        found = signals_of(message.text, after=message.after or "")
        typer.echo(msgspec.json.encode({"id": message.id, "signals": found}))
