"""`loupan bench`: how fast it is here, beside the peers of the same run."""

from __future__ import annotations

from typing import Annotated

import typer

from schemas.errors import BadFile
from streams.bench.report import run
from streams.commands.shared import AsJson


def bench_command(
    driver: Annotated[str, typer.Option(help="embedded (kafka comes with the distributed driver).")] = "embedded",
    events: Annotated[int, typer.Option(min=1_000, max=10_000_000, help="Events of the main run.")] = 100_000,
    quick: Annotated[bool, typer.Option("--quick", help="Only the main run beside its peer.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure events/s, latency and memory beside the peers of the same run."""
    if driver != "embedded":
        raise BadFile("--driver", None, f"there is no driver {driver} in this version", "say embedded")
    run(events=events, quick=quick, as_json=as_json)
