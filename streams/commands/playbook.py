"""`loupan playbook`: check, show and copy playbooks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from agents.balance import tallies
from agents.playbook_diff import differences
from schemas.errors import BadFile
from schemas.playbook import Drive, Formula, Playbook, Scene
from schemas.playbook_parts import PLAYBOOK_NAME
from schemas.values import GroupKind
from streams.campaign_copy import copy_campaign
from streams.commands.shared import DEFAULT_DATABASE, AsJson, Database, err, opened, out, print_json, text_of
from streams.playbook_files import builtin_playbooks, builtin_texts, examine, readable_among, written
from streams.reference_store import load_reference
from streams.whole import write_new

_CAMPAIGN = "campaign"
_NAMES = "write 2 to 64 small letters, digits and -, no - in front"

playbook_app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, help="Playbooks: the choreography as data.")


@playbook_app.command("check")
def check_command(
    file: Annotated[Path, typer.Argument(help="The YAML file, of a playbook or a patch.")], as_json: AsJson = False,
) -> None:
    """Say what is wrong with a playbook or a patch: file, line, what, remedy. Errors end with status 2, warnings don't.

    A patch is put upon its base among those that ship and those that lie in its folder.
    """
    playbook, complaints = examine(text_of(file), str(file), bases=_beside(file))
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
            out.print(f"{playbook.playbook} version {playbook.edition} is right: {len(playbook.duties())} duties, "
                      f"{len(playbook.reactions)} reactions")
    if errors:
        raise typer.Exit(2)


@playbook_app.command("show")
def show_command(
    name: Annotated[str | None, typer.Argument(help="A playbook that ships, or a YAML file; none lists them.")] = None,
    base: Annotated[str | None, typer.Argument(help="With --diff: with which to compare; otherwise its base.")] = None,
    source: Annotated[bool, typer.Option("--source", help="Print the YAML itself.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show what is other than in its base.")] = False,
    balance: Annotated[bool, typer.Option("--balance", help="Show what each day serves.")] = False,
) -> None:
    """Show a playbook as a board: its days, windows and roles."""
    if name is None:
        for playbook in builtin_playbooks().values():
            out.print(f"{playbook.playbook}  {playbook.title}  v{playbook.edition}", markup=False)
        return
    text, playbook = _read(name)
    if source:
        typer.echo(text, nl=False)
    elif diff:
        _show_difference(_base_of(playbook, name, base), playbook)
    elif balance:
        _show_balance(playbook)
    else:
        _show_board(playbook)


def _show_board(playbook: Playbook) -> None:
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
    if playbook.recurring:
        _show_recurring(playbook)


def _show_recurring(playbook: Playbook) -> None:
    table = Table(title=f"{playbook.title} · what comes again", expand=True)
    for column in ("id", "kind", "days", "at", "role", "phases", "texts"):
        table.add_column(column, overflow="fold")
    for item in playbook.recurring:
        days = [*item.weekdays, *(f"{day}." for day in item.days_of_month)]
        texts = len(item.quiz.bank) if item.quiz is not None else len(item.scripts)
        table.add_row(item.id, item.kind, " ".join(days) or "every day", f"{item.at:%H:%M}", item.role,
                      " ".join(item.phases) or "all", str(texts))
    out.print(table)


def _show_balance(playbook: Playbook) -> None:
    table = Table(title=f"{playbook.title}: how many scripts of a day serve what", expand=True)
    for column in ("stage", "day", "phase", *Formula, "drives", "scenes"):
        table.add_column(column, overflow="fold")
    for day in tallies(playbook):
        table.add_row(
            str(day.stage), str(day.day), day.phase, *(str(day.formula[part] or "·") for part in Formula),
            ", ".join(f"{drive} {day.drives[drive]}" for drive in Drive if day.drives[drive]),
            ", ".join(f"{scene} {day.scenes[scene]}" for scene in Scene if day.scenes[scene]))
    out.print(table)


def _show_difference(base: Playbook, playbook: Playbook) -> None:
    out.print(f"{playbook.playbook} {playbook.edition} ← {base.playbook} {base.edition}", markup=False)
    for line in differences(base, playbook) or ["nothing is other"]:
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def _base_of(playbook: Playbook, name: str, base: str | None) -> Playbook:
    """With what a playbook is compared: what was named, else what it was derived from."""
    if base is not None:
        return _read(base)[1]
    made = playbook.derived
    if made is None:
        raise BadFile(name, None, "it was derived from nothing", "name what to compare it with: --diff BASE")
    for other in _beside(Path(name)):
        if (other.playbook, other.edition) == (made.base, made.base_edition):
            return other
    raise BadFile(name, None, f"its base {made.base} {made.base_edition} is not here", "name it: --diff BASE")


@playbook_app.command("new")
def new_command(
    to: Annotated[Path, typer.Argument(help="The file to write.")],
    estate: Annotated[
        str | None, typer.Argument(help="With --from campaign: the estate whose campaign it was.")] = None,
    like: Annotated[
        str, typer.Option("--from", help="The playbook to start from; `campaign`: one that was played.")
    ] = "new-estate-own-group",
    name: Annotated[str | None, typer.Option(help="Its name; otherwise the file's.")] = None,
    group: Annotated[
        GroupKind | None, typer.Option(help="With --from campaign: the kind of group that it is for.")] = None,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Write a playbook of your own: a copy of one that ships, or what a campaign that worked has to say to the next."""
    own = to.stem if name is None else name
    if re.fullmatch(PLAYBOOK_NAME, own) is None:
        where = str(to) if name is None else "--name"
        raise BadFile(where, None, f"{own!r} is no name for a playbook", _NAMES)
    if like == _CAMPAIGN:
        _from_campaign(to if to.suffix else to.with_suffix(".yaml"), estate, own, group, database)
        return
    if estate is not None or group is not None:
        what = estate if estate is not None else f"--group {group}"
        raise BadFile(what, None, "goes with --from campaign alone", "take it out, or say --from campaign")
    text, playbook = _read(like)
    named = rf"^(playbook|patch): {re.escape(playbook.playbook)}$"
    text = re.sub(named, rf"\1: {own}", text, count=1, flags=re.MULTILINE)
    _write_right(to, text)
    out.print(f"{to}: {own}, a copy of {playbook.playbook}; change it, then loupan playbook check {to}")


def _from_campaign(to: Path, estate: str | None, name: str, group: GroupKind | None, database: str) -> None:
    if estate is None:
        remedy = f"say: loupan playbook new {to} --from campaign ESTATE_ID"
        raise BadFile("--from campaign", None, "no estate is named", remedy)
    with opened(database, must_exist=True) as engine, engine.connect().execution_options(reading=True) as connection:
        text = copy_campaign(connection, estate, name, str(to), group)
        bases = list(load_reference(connection)[1].values())
    _write_right(to, text, bases)
    out.print(f"{to}: {name}, from what worked on {estate}; read it, then loupan playbook show {to} --diff")


def _write_right(to: Path, text: str, bases: list[Playbook] | None = None) -> None:
    _, complaints = examine(text, str(to), bases=bases)
    worst = next((complaint for complaint in complaints if complaint.severity == "error"), None)
    if worst is not None:
        raise worst.error()
    write_new(to, text)


def _read(name: str) -> tuple[str, Playbook]:
    """A playbook that ships, by its name, or one in a file: its YAML and what it says."""
    ship = builtin_playbooks()
    if name in ship:
        return builtin_texts().get(name) or written(ship[name]), ship[name]
    text = text_of(Path(name), f"playbook or file; these ship: {', '.join(sorted(ship))}")
    playbook, complaints = examine(text, name, bases=_beside(Path(name)))
    if playbook is None:
        raise complaints[0].error()
    return text, playbook


def _beside(file: Path) -> list[Playbook]:
    """The playbooks upon which a file may be put: those that ship, and those that lie beside it and are right."""
    found = list(builtin_playbooks().values())
    folder = file.absolute().parent
    if not file.is_file() or folder == Path(folder.anchor):
        return found
    texts = [
        (str(other), text_of(other)) for other in sorted(folder.glob("*.y*ml"))
        if other.is_file() and not other.samefile(file)]
    return [*found, *readable_among(texts, found)]
