"""`loupan import`: a folder of reference data into the database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from streams.clocks import WallClock
from streams.commands.shared import DEFAULT_DATABASE, AsJson, Database, err, existing, opened, out, print_json
from streams.database import shown
from streams.inbox import Door
from streams.reference_files import read_folder
from streams.reference_store import save_reference
from streams.settings import read_settings
from streams.starting import campaign_starts


def import_command(
    directory: Annotated[Path, typer.Argument(help="The folder with estates.csv and the others.")],
    database: Database = DEFAULT_DATABASE, as_json: AsJson = False,
) -> None:
    """Check a folder of reference data, load it, and start the campaigns that it asks for."""
    with err.status("reading"):
        folder = read_folder(existing(directory, "folder"))
    zone = ZoneInfo(read_settings().zone)
    with opened(database) as engine, engine.begin() as connection:
        counts = save_reference(connection, folder.reference, folder.playbook_texts)
        answers = Door().accept(connection, campaign_starts(folder.reference, zone, WallClock(zone).now()))
    started = sum(answer.status == "accepted" for answer in answers)
    if as_json:
        print_json({**counts, "campaigns_started": started})
        return
    out.print(f"{counts['new']} new, {counts['changed']} changed, {counts['unchanged']} unchanged → {shown(database)}")
    if started:
        out.print(f"{started} campaigns will start on their dates")
    out.print("A running `loupan serve` takes new reference data when it is started again.")
