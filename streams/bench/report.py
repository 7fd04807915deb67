"""`loupan bench`: runs the measurements and prints them, as a table or as JSON."""

from __future__ import annotations

import os
import platform
from typing import Any

from rich.table import Table

from streams import logs
from streams.bench import gateway, runs
from streams.commands.shared import err, out, print_json
from streams.kafka.cluster import Cluster

#: Sizes of the scaling runs: estates, members.
ESTATES = ((1_000, 10_000), (10_000, 10_000), (100_000, 10_000))
MEMBERS = ((1_000, 1_000), (1_000, 10_000), (1_000, 100_000), (10_000, 1_000_000))


def run(*, events: int, quick: bool, as_json: bool) -> None:
    """Measure, and print what was measured. Timings are this machine's; ratios are of one run."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    figures: dict[str, Any] = {"machine": machine}
    figures["chat"] = _say("chat beside bare SQLite", lambda: runs.chat_beside_bare(events))
    if not quick:
        figures["life"] = _say("the demo city's life beside bare SQLite", lambda: runs.life_beside_bare(events))
        figures["latency"] = _say("latency at 1,000 events/s", lambda: runs.latency(1_000, 20))
        figures["gateway_in"] = _say("the gateway takes events in batches", lambda: gateway.ingest(30_000))
        figures["gateway_out"] = _say("a thousand dealers hear of their tasks", gateway.streams)
        figures["by_estates"] = [
            _say(f"{estates} estates", lambda e=estates, m=members: runs.at_size_alone(e, m, 50_000))
            for estates, members in ESTATES
        ]
        figures["by_members"] = [
            _say(f"{members} members", lambda e=estates, m=members: runs.at_size_alone(e, m, 50_000))
            for estates, members in MEMBERS
        ]
    if as_json:
        print_json(figures)
    else:
        _table(figures)


def run_distributed(cluster: Cluster, database: str, *, events: int, quick: bool, as_json: bool) -> None:
    """Measure the distributed driver on a broker and a PostgreSQL that run, and print what was measured."""
    from streams.bench.distributed import Bench, latency, throughput  # noqa: PLC0415  # Faust takes its time to load

    logs.set_up("error")
    bench = Bench(cluster.address, cluster.access, database)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    figures: dict[str, Any] = {"machine": machine}
    figures["chat"] = _say("chat through Kafka and PostgreSQL", lambda: throughput(bench, events))
    if not quick:
        figures["latency"] = _say("latency at 1,000 events/s", lambda: latency(bench, 1_000, 20))
    if as_json:
        print_json(figures)
    else:
        _table(figures)


def _say(what: str, measure: Any) -> Any:
    with err.status(f"measuring: {what}"):
        return measure()


def _table(figures: dict[str, Any]) -> None:
    out.print(figures["machine"])
    table = Table("run", "figure", "value")
    for name, found in figures.items():
        for one in found if isinstance(found, list) else [found] if isinstance(found, dict) else []:
            for figure, value in one.items():
                table.add_row(name, figure.replace("_", " "), f"{value:,}")
            table.add_section()
    out.print(table)
