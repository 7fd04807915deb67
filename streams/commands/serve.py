"""`loupan serve`: pipeline, gateway and pages in one process."""

from __future__ import annotations

import socket
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from schemas.errors import BadFile
from streams import logs
from streams.clocks import WallClock
from streams.commands.carrying import Carrier, Kafka, Log, Prefix, cluster_of
from streams.commands.shared import DEFAULT_DATABASE, Database, Host, Port, err, opened
from streams.database import shown
from streams.gateway.limits import Limits
from streams.kafka.cluster import Cluster
from streams.living import Living
from streams.reference_store import keep_shipped, load_reference, reference_version
from streams.served_at import say_served
from streams.serving import address_of, listen, serve, serve_over
from streams.settings import Settings, read_settings
from streams.tokens import TokenRole, any_holds, create_token
from streams.wecom.crypto import Lock
from streams.wecom.settings import lock_of
from streams.worlds import make_world


def serve_command(
    database: Database = DEFAULT_DATABASE, host: Host = "127.0.0.1", port: Port = 8460,
    batch: Annotated[int, typer.Option("--batch", envvar="LOUPAN_BATCH", min=1, help="Events a transaction.")] = 1000,
    log: Log = Carrier.EMBEDDED, kafka: Kafka = "127.0.0.1:9092", prefix: Prefix = "",
) -> None:
    """Run pipeline, gateway and pages in one process (with `--log kafka`, gateway and pages alone)."""
    settings = read_settings()
    logs.set_up(settings.log_level)
    wecom = lock_of(settings)
    cluster = cluster_of(kafka, prefix) if log is Carrier.KAFKA else None
    with opened(database, must_exist=True, takes_events=True) as engine:
        with engine.begin() as connection:
            keep_shipped(connection)
        with engine.connect().execution_options(reading=True) as connection:
            version = reference_version(connection)
            reference, playbooks = load_reference(connection)
        if not reference.estates:
            raise BadFile(shown(database), None, "it holds no estates", "load them: loupan import DIR")
        listener = listen(host, port)
        world = make_world(reference, playbooks)
        url = address_of(listener)
        with engine.begin() as connection:
            known = any_holds(connection, TokenRole.HQ)
            token = None if known else create_token(connection, TokenRole.HQ, None, "first start")
            say_served(connection, url)
        err.print(f"loupan listens on {url}")
        if token is not None:
            err.print(f"HQ's page, with its first token (shown once): {url}/login?token={token}&next=/hq")
        clock, living = WallClock(world.default.zone), Living(engine, world, version)
        living.start()
        try:
            if cluster is None:
                serve(engine, world, clock, listener, batch=batch, log_level=settings.log_level, now=living.world,
                      attachments=settings.attachments, wecom=wecom, limits=_limits(settings))
            else:
                _serve_over_kafka(engine, living, clock, listener, cluster, settings, wecom)
        finally:
            living.stop()


def _serve_over_kafka(
    engine: Engine, living: Living, clock: WallClock, listener: socket.socket, cluster: Cluster, settings: Settings,
    wecom: Lock | None,
) -> None:
    # kafka-python takes its time to load, and most who serve have no use for it.
    from streams.kafka.figures import Figures  # noqa: PLC0415  # see above
    from streams.kafka.gateway import Remote  # noqa: PLC0415  # as above
    from streams.kafka.working import connect  # noqa: PLC0415  # as above

    remote = Remote(engine, connect(cluster), cluster, clock)
    registry = CollectorRegistry()
    registry.register(Figures(lambda: remote.watch.seen))
    serve_over(
        remote, engine, living.world(), clock, listener, log_level=settings.log_level, registry=registry,
        now=living.world, attachments=settings.attachments, wecom=wecom, limits=_limits(settings))


def _limits(settings: Settings) -> Limits:
    return Limits(settings.rate, settings.rate_burst, settings.audit_days)
