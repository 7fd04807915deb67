"""A worker put together, from what it is told: database, brokers, topics."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine

from agents.world import World
from schemas.errors import Refused, Unavailable
from schemas.topics import ESTATE_EVENTS
from streams.gateway.ports import Clock
from streams.kafka.admin import connected
from streams.kafka.campaigning import Campaigning
from streams.kafka.carrier import Carrier
from streams.kafka.cluster import Cluster
from streams.kafka.hearing import hearing
from streams.kafka.lanes import Lanes
from streams.kafka.measures import Measures
from streams.kafka.outbox import OutboxRelay
from streams.kafka.placing import Placing
from streams.kafka.producer import Publisher
from streams.kafka.worker import FAILED, Worker
from streams.living import Living
from streams.topology import TOPOLOGY, Topology

_log = structlog.get_logger(__name__)

#: How long a worker waits for a broker that isn't up yet, in seconds.
PATIENCE = 60.0
#: After how long a record is sent by another connection, in seconds: a broker's restart takes less.
_DELIVERY = 15.0


@dataclass(frozen=True, slots=True)
class Work:
    """How a worker works.

    `batch` events of one transaction at most; `instance` is its name among the workers, by which Kafka gives it its old
    partitions again; `session` how long they wait for it when it is silent, in seconds.
    """

    batch: int = 1000
    instance: str | None = None
    session: float = 6.0
    topology: Topology = TOPOLOGY


def connect(cluster: Cluster, patience: float = PATIENCE) -> Publisher:
    """A publisher, as soon as a broker answers.

    Raises:
        Refused: at once, when one does not let us in, or is not to be trusted.
        Unavailable: when none answers within `patience` seconds.
    """
    end = time.monotonic() + patience
    while True:
        try:
            return Publisher(
                cluster.address, prefix=cluster.prefix, access=cluster.access, delivery_timeout=_DELIVERY)
        except Refused:
            raise
        except Unavailable as error:
            if time.monotonic() > end:
                raise
            _log.warning("worker.waits", error=str(error))


def partitions_of(cluster: Cluster, topic: str = ESTATE_EVENTS.name) -> int:
    """How many partitions a topic has.

    Raises:
        Unavailable: when there is no such topic.
    """
    with connected(cluster.address, access=cluster.access) as admin:
        [found] = admin.describe_topics([cluster.name(topic)])
    if not found["partitions"]:
        raise Unavailable(f"Kafka has no topic {cluster.name(topic)}: loupan admin topics --apply makes it")
    return len(found["partitions"])


def make_worker(
    engine: Engine, world: World, cluster: Cluster, clock: Clock, publisher: Publisher, measures: Measures,
    how: Work, datadir: str, now: Callable[[], World] | None = None,
) -> Worker:
    """A worker that is ready to run. To be made in the loop that it will run in: Faust wants it so."""
    partitions = partitions_of(cluster)
    return Worker(
        engine,
        lambda assigned: Carrier(
            cluster.name("loupan"), cluster, datadir=datadir, instance=how.instance, session=how.session,
            assigned=assigned),
        Placing(engine, world, partitions, topology=how.topology, now=clock.now),
        Campaigning(engine, world, partitions, topology=how.topology, now=clock.now),
        Lanes(engine, publisher, cluster.name(ESTATE_EVENTS.name)), OutboxRelay(engine, publisher, cluster.name),
        clock, measures, topology=how.topology, batch=how.batch, world=now,
    )


def work(
    engine: Engine, living: Living, cluster: Cluster, clock: Clock, measures: Measures, how: Work,
    ready: Callable[[Worker], None],
) -> None:
    """Run a worker until SIGTERM or Ctrl-C. What is imported meanwhile is taken up between two batches.

    Raises:
        Unavailable: when Kafka cannot be reached or does not let us in, or its topics aren't there.
    """
    publisher = connect(cluster)

    async def run(datadir: str) -> None:
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        worker = make_worker(
            engine, living.world(), cluster, clock, publisher, measures, how, datadir, living.world)
        ready(worker)
        await worker.run(stopping)

    refused = hearing(cluster, lambda: os._exit(FAILED))
    with refused, tempfile.TemporaryDirectory(prefix="loupan-worker-") as folder:
        living.start()
        try:
            asyncio.run(run(folder))
        finally:
            living.stop()
    publisher.close()
