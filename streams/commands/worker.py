"""`loupan worker`: one of the workers that share the partitions of Kafka's topics."""

from __future__ import annotations

import threading
from typing import Annotated, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import typer
from prometheus_client import CollectorRegistry, make_wsgi_app

from schemas.errors import BadFile, PortInUse
from streams import logs
from streams.clocks import WallClock
from streams.commands.carrying import Kafka, Prefix, cluster_of
from streams.commands.shared import DEFAULT_DATABASE, Database, err, opened
from streams.database import shown
from streams.kafka.measures import Measures
from streams.kafka.worker import Worker
from streams.kafka.working import Work, work
from streams.living import Living
from streams.reference_store import keep_shipped, load_reference, reference_version
from streams.settings import read_settings
from streams.worlds import make_world


def worker_command(
    database: Database = DEFAULT_DATABASE, kafka: Kafka = "127.0.0.1:9092", prefix: Prefix = "",
    batch: Annotated[int, typer.Option("--batch", envvar="LOUPAN_BATCH", min=1, help="Events a transaction.")] = 1000,
    name: Annotated[
        str | None, typer.Option(
            "--name", envvar="LOUPAN_WORKER", help="Its name among the workers: after a restart it has its partitions.")
    ] = None,
    host: Annotated[
        str, typer.Option("--metrics-host", envvar="LOUPAN_METRICS_HOST", help="The address of metrics and health.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--metrics-port", envvar="LOUPAN_METRICS_PORT", min=0, max=65535, help="Their port.")
    ] = 8461,
) -> None:
    """Work the partitions that Kafka gives this worker, until it is told to stop; start as many as you like."""
    settings = read_settings()
    logs.set_up(settings.log_level)
    cluster = cluster_of(kafka, prefix)
    with opened(database, must_exist=True) as engine:
        with engine.begin() as connection:
            keep_shipped(connection)
        with engine.connect().execution_options(reading=True) as connection:
            version = reference_version(connection)
            reference, playbooks = load_reference(connection)
        if not reference.estates:
            raise BadFile(shown(database), None, "it holds no estates", "load them: loupan import DIR")
        world = make_world(reference, playbooks)
        measures = Measures()

        def ready(worker: Worker) -> None:
            address = _serve_measures(host, port, measures.registry, worker)
            err.print(f"loupan works; metrics and health on {address}")

        work(
            engine, Living(engine, world, version), cluster, WallClock(world.default.zone), measures,
            Work(batch=batch, instance=name), ready)


def _serve_measures(host: str, port: int, registry: CollectorRegistry, worker: Worker) -> str:
    """Serve `/metrics` and `/healthz`, in a thread; gives their address."""
    metrics = make_wsgi_app(registry)

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("PATH_INFO") != "/healthz":
            return metrics(environ, start_response)
        well = worker.well
        start_response("200 OK" if well else "503 Service Unavailable", [("Content-Type", "application/json")])
        return [b'{"status":"ok"}' if well else b'{"status":"failing"}']

    try:
        server = make_server(host, port, app, handler_class=_Quiet)
    except OSError as error:
        raise PortInUse(
            f"cannot listen on {host}:{port} ({error.strerror}): name another with --metrics-port") from error
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return f"http://{host}:{server.server_port}"


class _Quiet(WSGIRequestHandler):
    """Says nothing of requests."""

    def log_message(self, *_: object) -> None:
        """Nothing."""
