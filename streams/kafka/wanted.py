"""The topics as a broker should have them: how wide, how often copied, how long kept, how large a record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.topics import (
    CAMPAIGN_EVENTS,
    DEAD_LETTERS,
    ESTATE_EVENTS,
    REFERENCE,
    TASKS,
    TOPICS,
    Topic,
)

_DAY: Final = 86_400_000
_MIB: Final = 1_048_576

#: What one record of a topic may have, in bytes, after compression. An event has 1 MiB at most, so that two fit.
RECORD_BYTES: Final = 2 * _MIB
#: The same where a record carries more than one event: `estate-events` are packed, and a dead letter holds a whole
#: record of another topic beside its reason.
LARGE_RECORD_BYTES: Final = 8 * _MIB

#: One partition: every worker reads all reference data in one order, and dead letters are few and read by people.
_ONE_PARTITION: Final = (REFERENCE, DEAD_LETTERS)
_LARGE: Final = (ESTATE_EVENTS, DEAD_LETTERS)

#: How long a record is kept, in days. A log cannot forget one member, so none is kept longer than it is needed.
#: What came in lives on in `estate-events` and the database: two weeks are for whoever finds the pipeline
#: standing after a long holiday.
_INGEST_DAYS: Final = 14
_DAYS: Final = {
    # The longest stage has fifteen days: a stage can be played again when it is over, and once more.
    ESTATE_EVENTS: 30,
    # Whoever reads our results may stand still for a month and miss nothing.
    TASKS: 30,
    CAMPAIGN_EVENTS: 30,
    # They wait for a person, who may have to wait for another house's release.
    DEAD_LETTERS: 90,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A topic as it should be; `config` is by Kafka's own names for it."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str]


def name_of(topic: Topic, prefix: str = "") -> str:
    """The topic's name on a broker; a prefix keeps several installations apart."""
    return f"{prefix}{topic.name}"


def wanted_topics(partitions: int = 16, replication: int = 3, prefix: str = "") -> tuple[Wanted, ...]:
    """All our topics. Those with the same key are equally wide, so that an estate has one number in each."""
    return tuple(
        Wanted(
            name_of(topic, prefix), 1 if topic in _ONE_PARTITION else partitions, replication,
            _config(topic, replication))
        for topic in TOPICS
    )


def _config(topic: Topic, replication: int) -> dict[str, str]:
    config = {
        # A copy may fail and writing goes on; two fail, and nothing is taken that one disk alone would have.
        "min.insync.replicas": "2" if replication >= 3 else "1",
        "max.message.bytes": str(LARGE_RECORD_BYTES if topic in _LARGE else RECORD_BYTES),
        # As the producer packed it: the broker unpacks nothing and packs nothing again.
        "compression.type": "producer",
        "cleanup.policy": "compact" if topic.compacted else "delete",
    }
    if not topic.compacted:
        config["retention.ms"] = str(_DAYS.get(topic, _INGEST_DAYS) * _DAY)
        # Kept from when it arrived: a backfill that carries old times is not deleted before it is read.
        config["message.timestamp.type"] = "LogAppendTime"
    return config
