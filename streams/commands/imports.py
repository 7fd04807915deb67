"""`loupan import`: a folder of reference data, listings of estates, or a file of orders or events."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, cast, get_args
from zoneinfo import ZoneInfo

import typer

from schemas.errors import BadFile
from schemas.reference import Reference
from schemas.values import Crs
from streams.clocks import WallClock
from streams.commands.carrying import Carrier, Kafka, Log, Prefix, door
from streams.commands.importing import TABLES, Format, Wish, import_file
from streams.commands.shared import DEFAULT_DATABASE, AsJson, Database, err, existing, opened, out, print_json, readable
from streams.database import is_server, shown
from streams.listings import NOTES, Listed, merge_listings, read_listings
from streams.reference_files import READ, read_folder, unread
from streams.reference_store import load_estates, save_reference
from streams.settings import read_settings
from streams.starting import Started, plans_of, start_planned
from streams.whole import write_new

#: The word that says: what follows are listings, no folder.
_LISTINGS: Final = "estates"
#: So many doubts are named where there is no report.
_SHOWN: Final = 20
_TAKEN: Final = "A running `loupan serve` or `loupan worker` takes new reference data up by itself."


def import_command(
    what: Annotated[
        list[Path], typer.Argument(
            metavar="DIR | estates FILE… | FILE", help="The folder with estates.csv and the others; or the word "
            "estates and listings of sites, the most trusted first: those of one estate are merged; or a file of "
            "orders or messages.")],
    database: Database = DEFAULT_DATABASE, as_json: AsJson = False,
    report: Annotated[
        Path | None, typer.Option("--report", help="A CSV of all that was merged, was left or is doubtful.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Of listings and files: say what would be done, and change nothing.")
    ] = False,
    crs: Annotated[
        str, typer.Option(help="The datum of listed points that name none: wgs84, gcj02 or bd09.")] = "",
    form: Annotated[
        Format | None, typer.Option("--format", help="What a file holds; a table (.csv, .xlsx) holds orders.")] = None,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="Of a table: the YAML file that says which column is what.")
    ] = None,
    suggest: Annotated[
        bool, typer.Option("--suggest-mapping", help="Of a table: guess its mapping and print it.")] = False,
    skip_wrong: Annotated[
        bool, typer.Option("--skip-wrong", help="Bring in what is right, and put the rest aside with the reasons.")
    ] = False,
    wrong_to: Annotated[
        Path | None, typer.Option("--wrong-to", help="Where: a CSV; FILE.wrong.csv unless it is named.")] = None,
    log: Log = Carrier.EMBEDDED, kafka: Kafka = "127.0.0.1:9092", prefix: Prefix = "",
) -> None:
    """Load a folder of reference data and start its campaigns, or bring in a file of orders or messages."""
    if str(what[0]) == _LISTINGS and (len(what) > 1 or not what[0].is_dir()):
        _import_listings(what[1:], database, as_json=as_json, report=report, dry_run=dry_run, crs=crs)
        return
    is_file = what[0].is_file() or form is not None or what[0].suffix.lower() in TABLES
    tried = dry_run and not is_file
    for option, given in (("--report", report is not None), ("--dry-run", tried), ("--crs", bool(crs))):
        if given:
            raise BadFile(option, None, "is for listings of estates", "say: loupan import estates FILE…")
    if len(what) > 1:
        second = "file" if is_file else "folder"
        remedy = "import one at a time, or: loupan import estates FILE…"
        raise BadFile(str(what[1]), None, f"is a second {second}", remedy)
    if is_file:
        import_file(Wish(
            what[0], form, mapping, suggest, dry_run, skip_wrong, wrong_to, database, as_json, log, kafka, prefix))
        return
    for option, given in (
        ("--mapping", mapping is not None), ("--suggest-mapping", suggest), ("--skip-wrong", skip_wrong),
        ("--wrong-to", wrong_to is not None),
    ):
        if given:
            raise BadFile(option, None, "is not for a folder of reference data", "name a file")
    _import_folder(what[0], database, as_json, log, kafka, prefix)


def _import_folder(directory: Path, database: str, as_json: bool, log: Carrier, kafka: str, prefix: str) -> None:
    with err.status("reading"):
        folder = read_folder(existing(directory, "folder"))
    for name in unread(directory):
        err.print(f"{directory / name}: is not read; these names are: {', '.join(READ)}", markup=False)
    zone = ZoneInfo(read_settings().zone)
    now = WallClock(zone).now()
    with opened(database, takes_events=True) as engine, door(engine, log, kafka, prefix, None) as accept:
        with engine.begin() as connection:
            counts = save_reference(connection, folder.reference, folder.playbook_texts)
            plans = plans_of(connection, folder.reference, folder.playbooks, zone, now)
        # A second transaction: should it fail, the same import again starts what was not started.
        campaigns = start_planned(plans, zone, now, lambda raws: accept(raws, "import"))
    _say_past(campaigns, now)
    if as_json:
        print_json({
            **counts, "campaigns_started": len(campaigns.started), "campaigns_late": len(campaigns.late),
            "campaigns_over": len(campaigns.over)})
        return
    out.print(f"{counts['new']} new, {counts['changed']} changed, {counts['unchanged']} unchanged → {shown(database)}")
    if campaigns.started:
        n = len(campaigns.started)
        out.print("1 campaign will start on its date" if n == 1 else f"{n} campaigns will start on their dates")
    out.print(_TAKEN)


def _import_listings(
    files: list[Path], database: str, *, as_json: bool, report: Path | None, dry_run: bool, crs: str
) -> None:
    if not files:
        raise BadFile(_LISTINGS, None, "no file of listings is named", "say: loupan import estates FILE…")
    if crs not in ("", *get_args(Crs)):
        raise BadFile("--crs", None, f"there is no datum {crs}", "say wgs84, gcj02 or bd09")
    if report is not None and report.exists():
        raise BadFile(str(report), None, "is there already", "name a file that isn't")
    with err.status("reading"):
        listings, places = read_listings([readable(path) for path in files], cast("Crs | None", crs or None))
    if dry_run and not is_server(database) and not Path(database).exists():
        # A trial makes no database.
        listed = merge_listings(listings, places, {})
        counts = {"new": len(listed.estates), "changed": 0, "unchanged": 0}
        _write(report, listed)
    else:
        with opened(database, takes_events=True) as engine, engine.connect() as connection, connection.begin() as all_:
            known = load_estates(connection)
            with err.status("merging"):
                listed = merge_listings(listings, places, known)
            counts = save_reference(connection, Reference.of(estates=listed.estates), {})
            _write(report, listed)
            if dry_run:
                all_.rollback()
    _say_listed(listed, counts, report, shown(database), as_json=as_json, dry_run=dry_run)


def _write(report: Path | None, listed: Listed) -> None:
    if report is not None:
        write_new(report, listed.report())


def _say_listed(
    listed: Listed, counts: dict[str, int], report: Path | None, database: str, *, as_json: bool, dry_run: bool
) -> None:
    said = listed.counts
    if as_json:
        print_json({
            "listings": listed.listings, "estates": len(listed.estates), "dry_run": dry_run,
            **{name: counts[name] for name in ("new", "changed", "unchanged")},
            **{name: said[name] for name in NOTES},
        })
        return
    if report is None:
        lines = [line for line in listed.lines() if line[0] != "merged"]
        for what, file, line, estate_id, name, _, _, other_id, _, why in lines[:_SHOWN]:
            place = f"{file}:{line}" if line else file
            both = f"{estate_id} {name}" + (f" and {other_id}" if other_id else "")
            err.print(f"{place}: {what}: {both}: {why}", markup=False)
        if len(lines) > _SHOWN:
            err.print(f"… and {len(lines) - _SHOWN} more: --report FILE.csv has them all")
    pairs = f"{said['merged']} merged into others, {said['left']} pairs left for a person"
    out.print(f"{listed.listings} listings: {pairs}")
    doubts = ", ".join(f"{said[name]} {name}" for name in NOTES if name not in ("merged", "left") and said[name])
    if doubts:
        out.print(f"points to be looked at: {doubts}")
    out.print(
        f"{counts['new']} estates new, {counts['changed']} changed, {counts['unchanged']} unchanged → {database}"
        + (" (a trial: nothing was written)" if dry_run else ""), markup=False)
    if report is not None:
        out.print(f"{report} says what was merged and why, and what was left", markup=False)
    if not dry_run:
        out.print(_TAKEN)


def _say_past(campaigns: Started, now: datetime) -> None:
    """Say which start dates are past, and what becomes of those campaigns."""
    for plans, what in (
        (campaigns.over, "could not be running any more and were not started; give them a start_date to come"),
        (campaigns.late, "begin late: their day 1 is the day on which `loupan serve` takes them up"),
    ):
        if plans:
            first = min(plans, key=lambda plan: plan.start_date)
            err.print(
                f"campaigns.csv: {len(plans)} with a start_date before today ({now.date()}), as estate_id "
                f"{first.estate_id} on {first.start_date}, {what}", markup=False)
