"""`loupan import`: a folder of reference data into the database."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from streams.clocks import WallClock
from streams.commands.carrying import Carrier, Kafka, Log, Prefix, door
from streams.commands.shared import DEFAULT_DATABASE, AsJson, Database, err, existing, opened, out, print_json
from streams.database import shown
from streams.reference_files import READ, read_folder, unread
from streams.reference_store import save_reference
from streams.settings import read_settings
from streams.starting import Started, plans_of, start_planned


def import_command(
    directory: Annotated[Path, typer.Argument(help="The folder with estates.csv and the others.")],
    database: Database = DEFAULT_DATABASE, as_json: AsJson = False,
    log: Log = Carrier.EMBEDDED, kafka: Kafka = "127.0.0.1:9092", prefix: Prefix = "",
) -> None:
    """Check a folder of reference data, load it, and start the campaigns that it asks for."""
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
        out.print(f"{len(campaigns.started)} campaigns will start on their dates")
    out.print("A running `loupan serve` takes new reference data when it is started again.")


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
