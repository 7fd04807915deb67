"""The options that say what carries events, and a door for a command that has some."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Protocol

import typer
from sqlalchemy import Engine

from streams.inbox import Answer, Door


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


class Accept(Protocol):
    """Takes events in: each answered, none lost. `origin` and `numbers` say where they come from: a file, its lines."""

    def __call__(self, raws: Sequence[bytes], origin: str, numbers: Sequence[int] | None = None) -> list[Answer]:
        """One answer each, in order."""


@contextmanager
def door(
    engine: Engine, log: Carrier, kafka: str, prefix: str, now: Callable[[], datetime] | None
) -> Iterator[Accept]:
    """The door to whatever carries events, for the time of a command.

    Raises:
        Unavailable: when Kafka cannot be reached.
    """
    if log is Carrier.EMBEDDED:
        inbox = Door(now=now)

        def accept(raws: Sequence[bytes], origin: str, numbers: Sequence[int] | None = None) -> list[Answer]:
            with engine.begin() as connection:
                answers = inbox.accept(connection, raws, origin, numbers)
            inbox.handed_on.clear()
            return answers

        yield accept
        return
    # kafka-python takes its time to load, and most commands have no use for it.
    from streams.kafka.cluster import Cluster  # noqa: PLC0415  # see above
    from streams.kafka.door import KafkaDoor  # noqa: PLC0415  # as above
    from streams.kafka.producer import Publisher  # noqa: PLC0415  # as above

    publisher = Publisher(kafka, prefix=prefix)
    try:
        yield KafkaDoor(engine, publisher, Cluster(kafka, prefix).name, now).accept
    finally:
        publisher.close()
