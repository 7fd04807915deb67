"""`loupan staffing`: the matrix of a day, who does what in which groups, and what is left uncovered."""

from __future__ import annotations

import csv
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from agents.matrix import NOBODY, Line, matrix
from agents.rota import HOURS, LOAD, OFF
from agents.scripts import TITLES
from schemas.errors import BadFile
from schemas.reference import Reference
from streams.commands.shared import AsJson, err, existing, out, print_json
from streams.reference_files import read_folder
from streams.worlds import make_world

COLUMNS = ("日期", "经销商", "楼盘", "群", "岗位", "人员", "任务数", "时段", "说明")
_WHY = {
    NOBODY: "群里没有这个岗位的人", OFF: "当天都休息", HOURS: "不在上班时间", LOAD: "当天的任务已排满",
}


def staffing_command(
    reference: Annotated[Path, typer.Option("--reference", help="The folder of reference data.")],
    on: Annotated[str, typer.Option("--date", help="The day, as 2026-03-02.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV to standard output, for a spreadsheet.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print who does what in which groups on a day, what is left uncovered, and why."""
    day = _date(on)
    folder = read_folder(existing(reference, "folder"))
    world = make_world(folder.reference, folder.playbooks)
    lines = matrix(world, day)
    wanted, left = sum(line.tasks for line in lines), sum(line.tasks for line in lines if line.persona is None)
    if as_json:
        print_json({"date": on, "duties": wanted, "uncovered": left, "lines": [_plain(line) for line in lines]})
        return
    rows = [_row(line, folder.reference, on) for line in lines]
    if as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerows([COLUMNS, *rows])
    elif rows:
        table = Table(*COLUMNS[1:-1])
        table.add_column(COLUMNS[-1], overflow="fold")
        for row in rows:
            table.add_row(*row[1:])
        out.print(table)
    if not lines:
        err.print(f"campaigns.csv plans no campaign for {on} in a group that is open: there is nothing to staff")
        return
    err.print(f"{on}: {wanted} duties, {left} uncovered")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadFile("--date", None, f"{text} is no date", "write it as 2026-03-02") from error


def _row(line: Line, reference: Reference, on: str) -> tuple[str, ...]:
    group = line.group
    dealer, estate = reference.dealers.get(group.dealer_id or ""), reference.estates.get(group.estate_id or "")
    return (
        on, dealer.name if dealer else "", estate.name if estate else "", group.name or group.group_id,
        TITLES[line.role], line.persona.name if line.persona else "—", str(line.tasks),
        f"{line.first:%H:%M}-{line.last:%H:%M}", _said(line),
    )


def _said(line: Line) -> str:
    """What there is to say of a line, in the dealer's words."""
    if line.persona is not None:
        return f"由{TITLES[line.persona.role]}代" if line.stands_in else ""
    said = f"没人接：{_WHY[line.why]}"
    return said + (f"；可请{line.could_join.name}进群" if line.could_join is not None else "")


def _plain(line: Line) -> dict[str, Any]:
    return {
        "group_id": line.group.group_id, "estate_id": line.group.estate_id, "dealer_id": line.group.dealer_id,
        "role": line.role, "persona_id": line.persona.persona_id if line.persona else None, "tasks": line.tasks,
        "first": line.first.isoformat(), "last": line.last.isoformat(), "stands_in": line.stands_in,
        "why": line.why or None, "could_join": line.could_join.persona_id if line.could_join else None,
    }
