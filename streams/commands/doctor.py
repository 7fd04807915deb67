"""`loupan doctor` and `loupan migrate`: whether loupan can run here, and what to do where it can't."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import typer

from schemas.errors import Unavailable
from streams.commands.shared import DEFAULT_DATABASE, AsJson, Database, opened, out, print_json
from streams.database import is_server, shown
from streams.reference_store import load_reference


def migrate_command(database: Database = DEFAULT_DATABASE) -> None:
    """Bring the database's schema up to date (`serve` and `import` do it by themselves)."""
    with opened(database) as engine, engine.connect().execution_options(reading=True) as connection:
        (version,) = connection.exec_driver_sql("SELECT version_num FROM alembic_version").one()
    out.print(f"{shown(database)} is at revision {version}")


def doctor_command(database: Database = DEFAULT_DATABASE, as_json: AsJson = False) -> None:
    """Check that loupan can run here, and say what to do where it can't."""
    checks = [_python(), _sqlite(), *_database(database)]
    if as_json:
        print_json([{"check": name, "ok": ok, "says": says} for name, ok, says in checks])
    else:
        for name, ok, says in checks:
            out.print(f"{'[green]✓[/green]' if ok else '[red]✗[/red]'} {name}: {says}")
    if not all(ok for _, ok, _ in checks):
        raise typer.Exit(1)


Check = tuple[str, bool, str]


def _python() -> Check:
    ok = (3, 11) <= sys.version_info[:2] < (3, 14)
    version = ".".join(str(part) for part in sys.version_info[:3])
    return "python", ok, version if ok else f"{version}: loupan needs 3.11, 3.12 or 3.13"


def _sqlite() -> Check:
    ok = sqlite3.sqlite_version_info >= (3, 35)
    return "sqlite", ok, sqlite3.sqlite_version if ok else f"{sqlite3.sqlite_version}: loupan needs 3.35 or newer"


def _database(database: str) -> list[Check]:
    if not is_server(database) and not Path(database).exists():
        return [("database", True, f"{database} is not there yet: loupan import DIR makes it")]
    try:
        with opened(database) as engine, engine.connect().execution_options(reading=True) as connection:
            sql = connection.exec_driver_sql
            # PostgreSQL checks its pages as it reads them.
            whole = "ok" if is_server(database) else sql("PRAGMA quick_check(1)").scalar_one()
            reference, _ = load_reference(connection)
            waiting = sql(
                'SELECT (SELECT coalesce(max("offset"), 0) + 1 FROM inbox) - '
                "coalesce((SELECT next FROM positions WHERE consumer = 'placement'), 1)").scalar_one()
            dead = sql("SELECT count(*) FROM dead_letters WHERE status = 'dead'").scalar_one()
    except Unavailable as error:
        return [("database", False, str(error))]
    return [
        ("database", whole == "ok",
         shown(database) if whole == "ok" else f"{database} is damaged: {whole}; restore it"),
        ("reference", bool(reference.estates),
         f"{len(reference.estates)} estates, {len(reference.groups)} groups, {len(reference.campaigns)} campaigns"
         if reference.estates else "no estates: loupan import DIR"),
        ("inbox", True, f"{waiting} events wait to be worked"),
        ("dead letters", True, f"{dead}" + (": loupan dead-letters list" if dead else "")),
    ]
