"""What the commands share: options, progress, opening the database."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from schemas.errors import BadFile, DatabaseInUse, Unavailable
from streams.database import is_server, open_database, shown
from streams.simulated import refuse_simulated

Database = Annotated[
    str, typer.Option(
        "--database", envvar="LOUPAN_DATABASE", help="A SQLite file, or a PostgreSQL URL.", show_default=True)
]
Host = Annotated[str, typer.Option("--host", envvar="LOUPAN_HOST", help="The address to listen on.")]
Port = Annotated[
    int, typer.Option("--port", envvar="LOUPAN_PORT", min=0, max=65535, help="The port; 0 takes any that is free.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


class _Console(Console):
    """Rich's console; when whoever reads it has gone (`| head`), the program ends as one that did its work."""

    def on_broken_pipe(self) -> None:
        """Leave the end to `streams.cli`."""
        self.quiet = True
        raise BrokenPipeError


#: Words for people go to stderr, results to stdout.
err = _Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
out = _Console(highlight=False, soft_wrap=True, emoji=False)

DEFAULT_DATABASE = "loupan.db"


@contextmanager
def opened(database: Path | str, *, must_exist: bool = False, takes_events: bool = False) -> Iterator[Engine]:
    """Open the database for the time of a command, which `takes_events` into it that carry the machine's time.

    Raises:
        BadFile: when it holds nothing and must, is a folder, or is a demo's and `takes_events`.
        Unavailable: when it cannot be opened, or something happens to it meanwhile.
    """
    engine = open_database(database) if is_server(database) else _opened_file(Path(database), must_exist=must_exist)
    try:
        if takes_events:
            with engine.connect().execution_options(reading=True) as connection:
                refuse_simulated(connection, shown(database))
        yield engine
    except OperationalError as error:
        raise _happened(shown(database), str(error.orig)) from error
    finally:
        engine.dispose()


def _opened_file(database: Path, *, must_exist: bool) -> Engine:
    if must_exist and not database.exists():
        raise BadFile(str(database), None, "there is no such database", "make it: loupan import DIR")
    if database.is_dir():
        raise BadFile(str(database), None, "is a folder", "name the SQLite file with --database")
    if must_exist and is_empty(database):
        raise BadFile(str(database), None, "is empty", "fill it: loupan import DIR")
    folder = database.absolute().parent
    if folder.is_dir() and not os.access(folder, os.W_OK):
        raise Unavailable(
            f"{database} cannot be opened: {folder} may not be written, and SQLite keeps its log beside the file")
    try:
        return open_database(database)
    except OSError as error:
        raise BadFile(str(database), None, f"its folder cannot be made: {error.strerror}") from error


def is_empty(database: Path) -> bool:
    """Whether it is a file without a byte, as `touch` makes it."""
    return database.is_file() and database.stat().st_size == 0


def _happened(database: str, what: str) -> Unavailable:
    """What the database says in the middle of the work, in our words."""
    if "locked" in what or "busy" in what:
        return DatabaseInUse(f"{database} is in use by another process: stop it, or wait until it is done")
    if "full" in what:
        return Unavailable(f"the disk of {database} is full: make room; what was not answered is not in it")
    if "disk I/O" in what:
        return Unavailable(f"the disk of {database} cannot be written or read: make room, and look whether it is well")
    if "readonly" in what:
        return Unavailable(f"{database} may only be read: give yourself the right to write it and its folder")
    return Unavailable(f"{database} cannot be worked with: {what.strip().splitlines()[0]}")


@contextmanager
def progress(what: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on stderr, where somebody is watching."""
    if quiet or not err.is_terminal:
        yield None
        return
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=err,
        transient=True,
    ) as bar:
        job = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(job, completed=done, total=total)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def existing(path: Path, what: str) -> Path:
    """The path, which must be there.

    Raises:
        BadFile: when it isn't.
    """
    if not path.exists():
        raise BadFile(str(path), None, f"there is no such {what}")
    return path


def readable(path: Path, what: str = "file") -> Path:
    """The path of a file that can be read.

    Raises:
        BadFile: when there is none, or it is a folder, or the rights to read it are missing.
    """
    if existing(path, what).is_dir():
        raise BadFile(str(path), None, "is a folder", "name a file")
    if not os.access(path, os.R_OK):
        raise BadFile(str(path), None, "may not be read", "give yourself the right to read it")
    return path


def text_of(path: Path, what: str = "file") -> str:
    """What a text file says.

    Raises:
        BadFile: as `readable`, and when it is not UTF-8.
    """
    try:
        return readable(path, what).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(str(path), None, "is not UTF-8", "save it as UTF-8") from error
