"""The topics of a broker: what differs from what should be, and putting it right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

import kafka.errors as broken
from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, OffsetSpec

from schemas.errors import Unavailable
from streams.kafka.access import OPEN, Access
from streams.kafka.differences import Difference, Found, differences
from streams.kafka.reaching import PATIENCE, reach
from streams.kafka.wanted import Wanted

#: kafka-python has no types.
Admin: TypeAlias = Any

_MISSING = broken.UnknownTopicOrPartitionError.errno
_EXISTS = broken.TopicAlreadyExistsError.errno


class Left(NamedTuple):
    """A difference that was not put right, and why."""

    difference: Difference
    why: str


class Applied(NamedTuple):
    """What was put right, and what was left."""

    done: list[Difference]
    left: list[Left]


@contextmanager
def connected(address: str, patience: float = PATIENCE, *, access: Access = OPEN) -> Iterator[Admin]:
    """A connection to administer the broker (``HOST:PORT``, several parted by commas) for the time of a `with`.

    Raises:
        BadFile: when that is no address.
        Refused: when the broker does not let us in, or is not to be trusted.
        Unavailable: when it does not answer, or will not do what it is asked.
    """
    admin: Admin = reach(
        KafkaAdminClient, address, patience, access, client_id="loupan-admin", request_timeout_ms=int(patience * 1000))
    try:
        yield admin
    except broken.KafkaError as error:
        raise Unavailable(f"the Kafka broker at {address} would not: {error}") from error
    finally:
        admin.close()


def plan(admin: Admin, wanted: Sequence[Wanted]) -> list[Difference]:
    """What differs from what is wanted, topic by topic; nothing is changed."""
    found = _found(admin, wanted)
    return [difference for topic in wanted for difference in differences(topic, found.get(topic.name))]


def apply(admin: Admin, wanted: Sequence[Wanted], *, change: bool = False, repartition: bool = False) -> Applied:
    """Create the topics that are missing and, with `change`, put right those that differ.

    Partitions are added to a topic that ever had a record only with `repartition` too: the partition of a key
    depends on how many there are, so keys would move. What is new of an estate would then be read beside what is
    old, no longer after it, and by a worker that holds none of its state.
    """
    applied = Applied([], [])
    found = plan(admin, wanted)
    missing = [difference for difference in found if difference.what == "missing"]
    if missing:
        names = {difference.topic for difference in missing}
        _book(applied, missing, _create(admin, [topic for topic in wanted if topic.name in names]))
    for difference in found:
        if difference.what == "replication":
            applied.left.append(Left(difference, "moving copies is kafka-reassign-partitions' work"))
        elif difference.what != "missing" and not change:
            applied.left.append(Left(difference, "what is there is changed only with --change"))
        elif difference.what == "partitions":
            _book(applied, [difference], _widen(admin, difference, repartition))
        elif difference.what == "config":
            _book(applied, [difference], _alter(admin, difference))
    return applied


def _book(applied: Applied, tried: Iterable[Difference], refusals: dict[str, str]) -> None:
    for difference in tried:
        if why := refusals.get(difference.topic):
            applied.left.append(Left(difference, why))
        else:
            applied.done.append(difference)


def _found(admin: Admin, wanted: Sequence[Wanted]) -> dict[str, Found]:
    """The topics of those wanted that are there."""
    described = {}
    for topic in admin.describe_topics([topic.name for topic in wanted]):
        if topic["partitions"]:
            described[topic["name"]] = topic["partitions"]
        elif topic["error_code"] != _MISSING:
            raise broken.for_code(topic["error_code"])(f"{topic['name']} cannot be described")
    configs = _configs(admin, [topic for topic in wanted if topic.name in described])
    return {
        name: Found(
            len(partitions), min(len(partition["replica_nodes"]) for partition in partitions), configs.get(name, {}))
        for name, partitions in described.items()
    }


def _configs(admin: Admin, topics: Sequence[Wanted]) -> dict[str, dict[str, str]]:
    if not topics:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic.name, list(topic.config)) for topic in topics]
    answer = admin.describe_configs(asked, config_filter="all")["topic"]
    return {
        name: {setting: str(said["value"]) for setting, said in settings.items()} for name, settings in answer.items()
    }


def _create(admin: Admin, topics: Sequence[Wanted]) -> dict[str, str]:
    """Create topics; gives those that the broker refused, each with why."""
    answer = admin.create_topics(
        {
            topic.name: {
                "num_partitions": topic.partitions, "replication_factor": topic.replication, "configs": topic.config}
            for topic in topics
        },
        raise_errors=False,
    )
    refusals = {
        topic["name"]: _reason(topic["error_code"], topic["error_message"]) for topic in answer["topics"]
        # Somebody else was faster: it is there, and the next look says how.
        if topic["error_code"] not in {0, _EXISTS}
    }
    admin.wait_for_topics([topic.name for topic in topics if topic.name not in refusals])
    return refusals


def _widen(admin: Admin, difference: Difference, repartition: bool) -> dict[str, str]:
    if not repartition and _ever_written(admin, difference.topic, int(difference.found or 0)):
        return {difference.topic: "it has had records, whose keys would move: only with --repartition"}
    answer = admin.create_partitions({difference.topic: int(difference.wanted)}, raise_errors=False)
    return {
        result.name: _reason(result.error_code, result.error_message) for result in answer.results if result.error_code
    }


def _ever_written(admin: Admin, name: str, partitions: int) -> bool:
    """If the topic ever had a record; one that is deleted by now has told its readers a partition too."""
    asked = {TopicPartition(name, number): OffsetSpec.LATEST for number in range(partitions)}
    return any(answer.offset > 0 for answer in admin.list_partition_offsets(asked).values())


def _alter(admin: Admin, difference: Difference) -> dict[str, str]:
    asked = ConfigResource(ConfigResourceType.TOPIC, difference.topic, {difference.setting: difference.wanted})
    # All of ours are known to every broker that is supported, so that it need not be asked for what it knows.
    answer = admin.alter_configs([asked], raise_on_unknown=False)["topic"]
    return {name: said for name, said in answer.items() if said != "OK"}


def _reason(code: int, message: str | None) -> str:
    return message or str(broken.for_code(code).__name__)
