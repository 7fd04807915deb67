"""The options that say what carries events, and a door for a command that has some."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Protocol

import typer
from sqlalchemy import Connection, Engine

from streams.inbox import Answer, Door
from streams.kafka.access import read_access
from streams.kafka.cluster import Cluster


class Carrier(StrEnum):
    """What carries events."""

    EMBEDDED = "embedded"
    KAFKA = "kafka"


Log = Annotated[
    Carrier, typer.Option("--log", envvar="LOUPAN_LOG", help="What carries events: the database itself, or Kafka.")
]
Kafka = Annotated[
    str, typer.Option("--kafka", envvar="LOUPAN_KAFKA", metavar="HOST:PORT", help="The brokers, parted by commas.")
]
Prefix = Annotated[
    str, typer.Option("--prefix", envvar="LOUPAN_TOPIC_PREFIX", help="What stands before the names of topics.")
]

Partitions = Annotated[
    int, typer.Option("--partitions", envvar="LOUPAN_PARTITIONS", min=1, max=10_000, help="Partitions of a topic.")
]
Replication = Annotated[
    int, typer.Option("--replication", envvar="LOUPAN_REPLICATION", min=1, max=100, help="Copies of a topic.")
]


def cluster_of(kafka: str, prefix: str = "") -> Cluster:
    """The cluster that the options name, with the access that the environment tells of: no flag is for a secret.

    Raises:
        BadFile: naming the variable that is wrong.
    """
    return Cluster(kafka, prefix, read_access())


class Accept(Protocol):
    """Takes events in: each answered, none lost. `origin` and `numbers` say where they come from: a file, its lines.

    What is done `beside` them is in the same transaction; with Kafka it is done once Kafka has them.
    """

    def __call__(
        self, raws: Sequence[bytes], origin: str, numbers: Sequence[int] | None = None,
        beside: Callable[[Connection], None] | None = None,
    ) -> list[Answer]:
        """One answer each, in order."""


_Beside = Callable[[Connection], None] | None


@contextmanager
def door(
    engine: Engine, log: Carrier, kafka: str, prefix: str, now: Callable[[], datetime] | None
) -> Iterator[Accept]:
    """The door to whatever carries events, for the time of a command.

    Raises:
        BadFile: when what the environment tells of the access to Kafka is wrong.
        Unavailable: when Kafka cannot be reached.
    """
    if log is Carrier.EMBEDDED:
        inbox = Door(now=now)

        def accept(
            raws: Sequence[bytes], origin: str, numbers: Sequence[int] | None = None, beside: _Beside = None
        ) -> list[Answer]:
            with engine.begin() as connection:
                answers = inbox.accept(connection, raws, origin, numbers)
                if beside is not None:
                    beside(connection)
            inbox.handed_on.clear()
            return answers

        yield accept
        return
    # kafka-python takes its time to load, and most commands have no use for it.
    from streams.kafka.door import KafkaDoor  # noqa: PLC0415  # see above
    from streams.kafka.producer import Publisher  # noqa: PLC0415  # as above

    cluster = cluster_of(kafka, prefix)
    publisher = Publisher(cluster.address, prefix=cluster.prefix, access=cluster.access)
    try:
        yield _beside_kafka(engine, KafkaDoor(engine, publisher, cluster.name, now).accept)
    finally:
        publisher.close()


def _beside_kafka(engine: Engine, send: Callable[..., list[Answer]]) -> Accept:
    def accept(
        raws: Sequence[bytes], origin: str, numbers: Sequence[int] | None = None, beside: _Beside = None
    ) -> list[Answer]:
        answers = send(raws, origin, numbers)
        if beside is not None:
            with engine.begin() as connection:
                beside(connection)
        return answers

    return accept
