"""`loupan wecom`: the conversation archive and the customers' groups of WeCom (企业微信), as events."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import Engine

from schemas.errors import BadFile, Fenced, Refused, Unavailable
from schemas.reference import Reference
from streams.clocks import WallClock
from streams.commands.carrying import Carrier, Kafka, Log, Prefix, door
from streams.commands.shared import DEFAULT_DATABASE, AsJson, Database, err, opened, out, print_json, progress
from streams.reference_store import load_reference
from streams.settings import Settings, read_settings
from streams.wecom.archive import Embedded, Keeper, Puller, Sent, take_notice
from streams.wecom.client import Api
from streams.wecom.groups import Groups
from streams.wecom.keys import read_keys
from streams.wecom.sdk import Library
from streams.wecom.settings import archive_of, contacts_of
from streams.whole import not_written, write_new

wecom_app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    help="WeCom (企业微信): the conversation archive and the customers' groups, as events.")

#: How often it is looked whether WeCom has said that there is something new, in seconds.
LOOK = 1.0
#: How often it is looked for groups that changed, and how often all are fetched, in seconds.
CHANGED, DAY = 5.0, 86_400.0
#: How long is waited after what may pass by itself, doubling up to the longest, in seconds; so often it is tried.
FIRST_WAIT, LONGEST_WAIT, TRIES = 1.0, 60.0, 4


@wecom_app.command("pull")
def pull_command(
    once: Annotated[bool, typer.Option("--once", help="Take what there is, and end.")] = False,
    since: Annotated[
        int | None, typer.Option(
            "--from", min=0, metavar="SEQ", help="Take again what comes behind this number; what is known is "
            "recognised.")] = None,
    every: Annotated[
        float, typer.Option(min=1, max=86_400, help="Seconds between two looks, where no callback says more.")] = 60,
    database: Database = DEFAULT_DATABASE, as_json: AsJson = False,
    log: Log = Carrier.EMBEDDED, kafka: Kafka = "127.0.0.1:9092", prefix: Prefix = "",
) -> None:
    """Pull the conversation archive into the inbox, and go on with what comes."""
    settings = read_settings()
    with (
        opened(database, must_exist=True, takes_events=True) as engine,
        _library(settings) as library,
        _keeper(engine, settings, log, kafka, prefix) as keeper,
    ):
        puller = Puller(library, read_keys(archive_of(settings).keys), keeper)
        stop = _stopped()
        counts = _patiently(puller, stop, since, TRIES)
        _say(counts, as_json=as_json)
        while not (once or stop.is_set()):
            if _wait(engine, stop, every):
                counts = _patiently(puller, stop, None, None)
                if counts:
                    _say(counts, as_json=as_json)
    if once and counts["error"]:
        raise typer.Exit(2)


@wecom_app.command("groups")
def groups_command(
    changed: Annotated[
        bool, typer.Option("--changed", help="Only the groups of which a callback said that they changed.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on: those that changed at once, all of them every day.")] = False,
    table: Annotated[
        Path | None, typer.Option(
            "--out", metavar="FILE", help="Write the groups as a groups.csv, for a person to complete and to import.")
    ] = None,
    database: Database = DEFAULT_DATABASE, as_json: AsJson = False,
    log: Log = Carrier.EMBEDDED, kafka: Kafka = "127.0.0.1:9092", prefix: Prefix = "",
) -> None:
    """Fetch the customers' groups: names, owners, who joined by which link, who is gone."""
    if follow and table is not None:
        raise BadFile("--out", None, "does not go with --follow", "write the table by a run of its own")
    if table is not None and table.exists():
        raise BadFile(str(table), None, "is there already", "name a file that isn't")
    settings = read_settings()
    stop = _stopped()
    with (
        opened(database, must_exist=True, takes_events=True) as engine,
        _api(settings, stop) as api,
        door(engine, log, kafka, prefix, WallClock(ZoneInfo(settings.zone)).now) as accept,
    ):
        groups = Groups(api, engine, accept, _known(engine), WallClock(ZoneInfo(settings.zone)).now, stop.is_set)
        if changed:
            counts = groups.changed()
        else:
            with progress("groups", quiet=as_json) as bar:
                counts = groups.all(lambda number: bar(number, number) if bar else None)
        _say_groups(counts, as_json=as_json)
        if table is not None:
            write_new(table, groups.table())
        if follow:
            _follow(groups, stop, as_json=as_json)


def _follow(groups: Groups, stop: threading.Event, *, as_json: bool) -> None:
    waited = 0.0
    while not stop.wait(CHANGED):
        waited += CHANGED
        all_due = waited >= DAY
        waited = 0.0 if all_due else waited
        try:
            counts = groups.all() if all_due else groups.changed()
        except (Fenced, Refused):
            raise
        except Unavailable as error:
            err.print(f"{error}; trying again", markup=False)
            continue
        if counts:
            _say_groups(counts, as_json=as_json)


def _say_groups(counts: Counter[str], *, as_json: bool) -> None:
    told = {name: counts[name] for name in ("groups", "gone", "accepted", "duplicate", "error")}
    if as_json:
        print_json(told)
        return
    out.print(
        f"{told['groups']} groups, {told['gone']} gone: {told['accepted']} accepted, {told['duplicate']} duplicate, "
        f"{told['error']} dead letters")


@contextmanager
def _api(settings: Settings, stop: threading.Event) -> Iterator[Api]:
    corp_id, secret = contacts_of(settings)
    api = Api(corp_id, secret, stop.wait, settings.wecom_api)
    try:
        yield api
    finally:
        api.close()


def _known(engine: Engine) -> Reference:
    with engine.connect().execution_options(reading=True) as connection:
        return load_reference(connection)[0]


@wecom_app.command("media")
def media_command(
    file_id: Annotated[str, typer.Argument(metavar="SDKFILEID", help="As it stands in an event, under wecom.")],
    file: Annotated[Path, typer.Argument(help="Where it is written; a file that isn't there yet.")],
) -> None:
    """Fetch one file of the archive: a picture, a voice, a document; WeCom keeps them for some days only."""
    with _library(read_settings()) as library:
        try:
            with file.open("xb") as into:
                try:
                    _fetch(library, file_id, into.write)
                except BaseException:
                    file.unlink(missing_ok=True)
                    raise
        except FileExistsError as error:
            raise BadFile(str(file), None, "is there already", "name a file that isn't") from error
        except OSError as error:
            raise not_written(file, error) from error
    out.print(f"{file}: written", markup=False)


def _fetch(library: Library, file_id: str, write: object) -> None:
    index, is_last = "", False
    while not is_last:
        data, index, is_last = library.get_media_data(index, file_id)
        write(data)  # type: ignore[operator]  # a file's


@contextmanager
def _library(settings: Settings) -> Iterator[Library]:
    needed = archive_of(settings)
    library = Library(needed.library, needed.corp_id, needed.secret, needed.proxy)
    try:
        yield library
    finally:
        library.close()


@contextmanager
def _keeper(engine: Engine, settings: Settings, log: Carrier, kafka: str, prefix: str) -> Iterator[Keeper]:
    now = WallClock(ZoneInfo(settings.zone)).now
    if log is Carrier.EMBEDDED:
        yield Embedded(engine, now)
        return
    with door(engine, log, kafka, prefix, now) as accept:
        yield Sent(engine, now, accept)


def _stopped() -> threading.Event:
    """Set when the program is told to stop: the batch at hand is finished."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _patiently(puller: Puller, stop: threading.Event, since: int | None, tries: int | None) -> Counter[str]:
    """Pull; what may pass by itself is waited for, `tries` times or as long as it takes."""
    wait, tried = FIRST_WAIT, 0
    while True:
        try:
            return puller.pull(since, stopped=stop.is_set)
        except (Fenced, Refused):
            raise
        except Unavailable as error:
            tried += 1
            if (tries is not None and tried >= tries) or not getattr(error, "passing", True):
                raise
            err.print(f"{error}; trying again in {wait:.0f} s", markup=False)
            if stop.wait(wait):
                return Counter()
            wait = min(2 * wait, LONGEST_WAIT)


def _wait(engine: Engine, stop: threading.Event, every: float) -> bool:
    """Wait until WeCom has said that there is something new, or it is time anyhow; False when told to stop."""
    waited = 0.0
    while waited < every and not take_notice(engine):
        if stop.wait(min(LOOK, every)):
            return False
        waited += LOOK
    return not stop.is_set()


def _say(counts: Counter[str], *, as_json: bool) -> None:
    skipped = sum(number for name, number in counts.items() if name.startswith("skipped_"))
    told = {name: counts[name] for name in ("accepted", "duplicate", "error")} | {"skipped": skipped}
    if as_json:
        print_json(told)
        return
    out.print(
        f"{told['accepted']} accepted, {told['duplicate']} duplicate, {told['error']} dead letters, "
        f"{skipped} of no group")
