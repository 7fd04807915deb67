"""`loupan bench`: how fast it is here, beside the peers of the same run."""

from __future__ import annotations

from typing import Annotated

import typer

from schemas.errors import BadFile
from streams.bench.report import run
from streams.commands.carrying import Carrier, Kafka, cluster_of
from streams.commands.shared import AsJson
from streams.database import is_server


def bench_command(
    driver: Annotated[Carrier, typer.Option(help="Which driver to measure.")] = Carrier.EMBEDDED,
    events: Annotated[int, typer.Option(min=1_000, max=10_000_000, help="Events of the main run.")] = 100_000,
    quick: Annotated[bool, typer.Option("--quick", help="Only the main run beside its peer.")] = False,
    as_json: AsJson = False, kafka: Kafka = "127.0.0.1:9092",
    database: Annotated[
        str, typer.Option(help="For --driver kafka: a PostgreSQL URL whose user may make databases.")
    ] = "",
) -> None:
    """Measure events/s, latency and memory beside the peers of the same run."""
    if driver is Carrier.EMBEDDED:
        run(events=events, quick=quick, as_json=as_json)
        return
    if not is_server(database):
        raise BadFile("--database", None, "is no PostgreSQL URL", "say postgresql+psycopg://user@host/name")
    from streams.bench.report import run_distributed  # noqa: PLC0415  # Faust takes its time to load

    run_distributed(cluster_of(kafka), database, events=events, quick=quick, as_json=as_json)
