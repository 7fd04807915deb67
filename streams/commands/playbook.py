"""`loupan playbook`: check, show and copy playbooks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from schemas.errors import BadFile
from schemas.playbook import NAME, Playbook
from streams.commands.shared import AsJson, err, out, print_json, text_of
from streams.playbook_files import builtin_playbooks, builtin_texts, examine
from streams.whole import write_new

_NAMES = "write 2 to 64 small letters, digits and -, no - in front"

playbook_app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, help="Playbooks: the choreography as data.")


@playbook_app.command("check")
def check_command(
    file: Annotated[Path, typer.Argument(help="The YAML file.")], as_json: AsJson = False,
) -> None:
    """Say what is wrong with a playbook: file, line, what, remedy. Errors end with status 2, warnings don't."""
    playbook, complaints = examine(text_of(file), str(file))
    errors = [complaint for complaint in complaints if complaint.severity == "error"]
    if as_json:
        print_json([
            {"file": c.file, "line": c.line, "severity": c.severity, "what": c.what, "remedy": c.remedy}
            for c in complaints
        ])
    else:
        for complaint in complaints:
            err.print(f"{complaint.severity}: {complaint.error()}", markup=False)
        if playbook is not None and not errors:
            out.print(f"{playbook.playbook} version {playbook.version} is right: {len(playbook.duties())} duties, "
                      f"{len(playbook.reactions)} reactions")
    if errors:
        raise typer.Exit(2)


@playbook_app.command("show")
def show_command(
    name: Annotated[str | None, typer.Argument(help="A playbook that ships, or a YAML file; none lists them.")] = None,
    source: Annotated[bool, typer.Option("--source", help="Print the YAML itself.")] = False,
) -> None:
    """Show a playbook as a board: its days, windows and roles."""
    if name is None:
        for playbook in builtin_playbooks().values():
            out.print(f"{playbook.playbook}  {playbook.title}  v{playbook.version}", markup=False)
        return
    text, playbook = _read(name)
    if source:
        typer.echo(text, nl=False)
        return
    for stage in playbook.stages:
        for phase in stage.phases:
            table = Table(title=f"{playbook.title} · {stage.stage} · {phase.phase}: {phase.aim}", expand=True)
            for column in ("day", "at", "role", "action", "script", "serves"):
                table.add_column(column, overflow="fold")
            for day, duties in sorted(phase.plan.items()):
                for duty in sorted(duties, key=lambda duty: duty.at):
                    table.add_row(str(day), f"{duty.at:%H:%M}", duty.role, duty.action, duty.script.text.strip(),
                                  ", ".join(duty.script.formula))
            out.print(table)


@playbook_app.command("new")
def new_command(
    to: Annotated[Path, typer.Argument(help="The file to write.")],
    like: Annotated[str, typer.Option("--from", help="The playbook to start from.")] = "new-estate-own-group",
    name: Annotated[str | None, typer.Option(help="Its name; otherwise the file's.")] = None,
) -> None:
    """Write a playbook of your own, as a copy of one that ships."""
    text, playbook = _read(like)
    own = to.stem if name is None else name
    if re.fullmatch(NAME, own) is None:
        where = str(to) if name is None else "--name"
        raise BadFile(where, None, f"{own!r} is no name for a playbook", _NAMES)
    text = text.replace(f"playbook: {playbook.playbook}", f"playbook: {own}", 1)
    _, complaints = examine(text, str(to))
    worst = next((complaint for complaint in complaints if complaint.severity == "error"), None)
    if worst is not None:
        raise worst.error()
    write_new(to, text)
    out.print(f"{to}: {own}, a copy of {playbook.playbook}; change it, then loupan playbook check {to}")


def _read(name: str) -> tuple[str, Playbook]:
    """A playbook that ships, by its name, or one in a file: its YAML and what it says."""
    if name in builtin_playbooks():
        return builtin_texts()[name], builtin_playbooks()[name]
    ships = ", ".join(sorted(builtin_playbooks()))
    text = text_of(Path(name), f"playbook or file; these ship: {ships}")
    playbook, complaints = examine(text, name)
    if playbook is None:
        raise complaints[0].error()
    return text, playbook
