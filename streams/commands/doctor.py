"""`loupan doctor` and `loupan migrate`: whether loupan can run here, and what to do where it can't."""

from __future__ import annotations

import sqlite3
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import typer
from sqlalchemy import Connection

from schemas.errors import BadFile, Refused, Unavailable
from streams import places
from streams.commands.carrying import Carrier, Kafka, Log, Partitions, Prefix, Replication, cluster_of
from streams.commands.shared import DEFAULT_DATABASE, AsJson, Database, is_empty, opened, out, print_json
from streams.database import is_server, shown
from streams.reference_store import load_reference
from streams.settings import Settings, read_settings
from streams.webhooks.endpoints import Status, list_all
from streams.wecom import settings as wecom


def migrate_command(database: Database = DEFAULT_DATABASE) -> None:
    """Bring the database's schema up to date (`serve` and `import` do it by themselves)."""
    with (
        opened(database, must_exist=True) as engine,
        engine.connect().execution_options(reading=True) as connection,
    ):
        (version,) = connection.exec_driver_sql("SELECT version_num FROM alembic_version").one()
    out.print(f"{shown(database)} is at revision {version}")


def doctor_command(
    database: Database = DEFAULT_DATABASE, as_json: AsJson = False, log: Log = Carrier.EMBEDDED,
    kafka: Kafka = "127.0.0.1:9092", prefix: Prefix = "", partitions: Partitions = 16, replication: Replication = 3,
) -> None:
    """Check that loupan can run here, and say what to do where it can't."""
    checks = [_python(), _sqlite(), *_database(database, log), *_geocoder(database), *_wecom(database)]
    if log is Carrier.KAFKA:
        checks += _kafka(kafka, prefix, partitions, replication)
    if as_json:
        print_json([{"check": name, "ok": ok, "says": says} for name, ok, says in checks])
    else:
        for name, ok, says in checks:
            out.print(f"{'[green]✓[/green]' if ok else '[red]✗[/red]'} {name}: {says}")
    if not all(ok for _, ok, _ in checks):
        raise typer.Exit(1)


Check = tuple[str, bool, str]

#: So far may two clocks be apart, in seconds; so many records may wait to be sent.
_APART, _MANY = 2.0, 10_000


def _python() -> Check:
    ok = (3, 11) <= sys.version_info[:2] < (3, 14)
    version = ".".join(str(part) for part in sys.version_info[:3])
    return "python", ok, version if ok else f"{version}: loupan needs 3.11, 3.12 or 3.13"


def _sqlite() -> Check:
    ok = sqlite3.sqlite_version_info >= (3, 35)
    return "sqlite", ok, sqlite3.sqlite_version if ok else f"{sqlite3.sqlite_version}: loupan needs 3.35 or newer"


def _kafka(address: str, prefix: str, partitions: int, replication: int) -> list[Check]:
    """Whether the brokers answer, and have the topics that they should have."""
    from streams.kafka.admin import connected, plan  # noqa: PLC0415  # it takes its time to load
    from streams.kafka.wanted import wanted_topics  # noqa: PLC0415  # as above

    try:
        with connected(address, access=cluster_of(address).access) as admin:
            differences = plan(admin, wanted_topics(partitions, replication, prefix))
    except (BadFile, Refused) as error:
        return [("brokers", False, str(error))]
    except Unavailable as error:
        return [("brokers", False, f"{error}; start them, or name others with --kafka")]
    return [
        ("brokers", True, address),
        ("topics", not differences, "as they should be" if not differences else
         f"{differences[0]}" + (f", and {len(differences) - 1} more" if differences[1:] else "")
         + ": loupan admin topics says all; --apply makes what is missing"),
    ]


def _geocoder(database: str) -> list[Check]:
    """Whether the geocoder that is set answers (one call of its budget), and what is left of that."""
    settings = read_settings()
    if settings.geocoder is None or not (is_server(database) or Path(database).exists()):
        return []
    from streams.geocoding.choosing import geocoding_of  # noqa: PLC0415  # it takes its time to load

    try:
        with opened(database) as engine:
            geocoding = geocoding_of(settings, engine)
            wrong = geocoding.ready() if geocoding else None
            left = geocoding.left() if geocoding else 0
    except (Unavailable, BadFile) as error:
        return [("geocoder", False, str(error))]
    budget = f"{left} of {settings.geocoder_budget} calls left today"
    if wrong is None:
        return [("geocoder", True, f"{settings.geocoder}, {budget}")]
    remedy = "look at LOUPAN_GEOCODER and its key, or unset it: loupan works without"
    return [("geocoder", False, f"{settings.geocoder} does not answer: {wrong}; {budget}; {remedy}")]


def _wecom(database: str) -> list[Check]:
    """What of WeCom is set up, and what is missing of what was begun; WeCom itself is not asked."""
    settings = read_settings()
    if not any(wecom.is_wanted(settings, part) for part in wecom.PARTS):
        return [("wecom", True, "not set up")]
    return [_wecom_part(settings, part, database) for part in wecom.PARTS]


def _wecom_part(settings: Settings, part: str, database: str) -> Check:
    name, lacking = f"wecom {part}", ", ".join(wecom.missing(settings, part))
    if not wecom.is_wanted(settings, part):
        return name, True, f"not set up: {lacking}"
    if lacking:
        return name, False, f"{lacking} is not set (docs/wecom.md)"
    try:
        return name, True, _wecom_checked(settings, part, database)
    except (BadFile, Unavailable) as error:
        return name, False, str(error)


def _wecom_checked(settings: Settings, part: str, database: str) -> str:
    if part == "callback":
        wecom.lock_of(settings)
        return "set up; its address is /v1/wecom/callback"
    if part == "groups":
        return "set up"
    from streams.wecom.archive import POSITION  # noqa: PLC0415  # it takes its time to load
    from streams.wecom.keys import read_keys  # noqa: PLC0415  # as above

    read_keys(wecom.archive_of(settings).keys)
    if not is_server(database) and not Path(database).exists():
        return "set up"
    with opened(database) as engine, engine.connect().execution_options(reading=True) as connection:
        at = places.below(connection, POSITION).get(POSITION, 0)
    return f"set up; the last record taken is number {at}"


def _inbox(connection: Connection) -> Check:
    waiting = connection.exec_driver_sql(
        'SELECT (SELECT coalesce(max("offset"), 0) + 1 FROM inbox) - '
        "coalesce((SELECT next FROM positions WHERE consumer = 'placement'), 1)").scalar_one()
    return "inbox", True, f"{waiting} events wait to be worked"


def _clocks(connection: Connection) -> Check:
    """Whether the database's clock and ours agree: what is due is decided by ours."""
    theirs = connection.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())::float8").scalar_one()
    apart = abs(theirs - time.time())
    return "clocks", apart < _APART, f"{apart:.1f} s apart" + (
        "" if apart < _APART else ": set the clocks of this machine and of the database's (NTP)")


def _workers(connection: Connection) -> Check:
    """Whether the workers send what goes out."""
    from streams.kafka.outbox import RELAYED  # noqa: PLC0415  # it takes its time to load

    at = places.below(connection, "")
    relayed, end = at.get(RELAYED, 0), at.get(places.OUT, 0)
    handed = connection.exec_driver_sql("SELECT count(*) FROM handover").scalar_one()
    waiting = end - relayed + handed
    return "outbox", waiting < _MANY, f"{waiting} records wait to be sent" + (
        "" if waiting < _MANY else ": is a worker running? loupan worker")


def _webhooks(connection: Connection) -> Check:
    """Whether everybody is told who asked to be."""
    found = list_all(connection)
    for status, why in ((Status.GONE, "wants nothing any more"), (Status.GAVE_UP, "was given up")):
        lost = next((one for one in found if one.status is status), None)
        if lost is not None:
            return "webhooks", False, (
                f"{lost.name} {why} ({lost.said}): mend it, then loupan webhooks enable {lost.name}, or remove it")
    failing = [one for one in found if one.status is Status.ON and one.failures]
    says = f"{len(found)}" + "".join(
        f"; {one.name} has failed {one.failures} times since {_when(one.failing_since)}: {one.said}" for one in failing)
    return "webhooks", True, says


def _when(milliseconds: int | None) -> str:
    return datetime.fromtimestamp((milliseconds or 0) / 1000, UTC).isoformat(timespec="minutes")


def _database(database: str, log: Carrier) -> list[Check]:
    if not is_server(database) and not Path(database).exists():
        return [("database", True, f"{database} is not there yet: loupan import DIR makes it")]
    if not is_server(database) and is_empty(Path(database)):
        return [("database", True, f"{database} is empty yet: loupan import DIR fills it")]
    try:
        with opened(database) as engine, engine.connect().execution_options(reading=True) as connection:
            sql = connection.exec_driver_sql
            # PostgreSQL checks its pages as it reads them.
            whole = "ok" if is_server(database) else sql("PRAGMA quick_check(1)").scalar_one()
            reference, _ = load_reference(connection)
            more = [_clocks(connection)] if is_server(database) else []
            more.append(_workers(connection) if log is Carrier.KAFKA else _inbox(connection))
            more.append(_webhooks(connection))
            dead = sql("SELECT count(*) FROM dead_letters WHERE status = 'dead'").scalar_one()
    except Unavailable as error:
        return [("database", False, str(error))]
    return [
        ("database", whole == "ok",
         shown(database) if whole == "ok" else f"{database} is damaged: {whole}; restore it"),
        ("reference", bool(reference.estates),
         f"{len(reference.estates)} estates, {len(reference.groups)} groups, {len(reference.campaigns)} campaigns"
         if reference.estates else "no estates: loupan import DIR"),
        *more,
        ("dead letters", True, f"{dead}" + (": loupan dead-letters list" if dead else "")),
    ]
