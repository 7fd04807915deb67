"""What the topics should be, and what counts as a difference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.events import MAX_EVENT_BYTES
from schemas.topics import TOPICS
from streams.kafka.differences import Found, differences
from streams.kafka.wanted import wanted_topics

DAY = 86_400_000


def by_name(**words):
    return {topic.name: topic for topic in wanted_topics(**words)}


def as_wanted(topic):
    return Found(topic.partitions, topic.replication, dict(topic.config))


def test_every_topic_is_wanted_once_under_its_prefix():
    assert [topic.name for topic in wanted_topics(prefix="test.")] == [f"test.{topic.name}" for topic in TOPICS]


def test_topics_with_the_same_key_are_equally_wide():
    topics = by_name(partitions=7)
    wide: dict[str, set[int]] = {topic.key: set() for topic in TOPICS}
    for topic in TOPICS:
        wide[topic.key].add(topics[topic.name].partitions)
    assert all(len(partitions) == 1 for partitions in wide.values())
    assert topics["estate-events"].partitions == 7
    assert topics["reference"].partitions == 1


@pytest.mark.parametrize(("replication", "in_sync"), [(1, "1"), (2, "1"), (3, "2"), (5, "2")])
def test_a_record_counts_with_two_copies_where_there_are_three(replication, in_sync):
    assert {topic.config["min.insync.replicas"] for topic in wanted_topics(replication=replication)} == {in_sync}


def test_compacted_topics_keep_the_last_of_each_key_and_the_others_their_time():
    topics = by_name()
    kept = {name: int(topic.config["retention.ms"]) // DAY for name, topic in topics.items()
            if topic.config["cleanup.policy"] == "delete"}
    assert kept == {
        "group-events": 14, "order-events": 14, "task-events": 14, "commands": 14, "estate-events": 30, "tasks": 30,
        "campaign-events": 30, "dead-letters": 90}
    assert {name for name, topic in topics.items() if topic.config["cleanup.policy"] == "compact"} == {
        "reference", "flow"}


def test_the_largest_event_fits_into_every_topic():
    assert all(int(topic.config["max.message.bytes"]) > MAX_EVENT_BYTES + 65_536 for topic in wanted_topics())


def test_a_topic_as_wanted_does_not_differ():
    for topic in wanted_topics():
        assert list(differences(topic, as_wanted(topic))) == []


def test_a_wider_topic_does_not_differ_because_partitions_cannot_be_taken_away():
    topic = wanted_topics()[0]
    assert list(differences(topic, replace(as_wanted(topic), partitions=topic.partitions + 1))) == []


def test_each_difference_is_said_in_a_sentence():
    topic = by_name()["group-events"]
    config = {**topic.config, "retention.ms": "1", "cleanup.policy": "compact"}
    found = replace(as_wanted(topic), partitions=4, replication=1, config=config)
    assert [str(difference) for difference in differences(topic, found)] == [
        "group-events: has 4 partitions, not 16",
        "group-events: replication is 1, not 3",
        "group-events: cleanup.policy is compact, not delete",
        f"group-events: retention.ms is 1, not {14 * DAY}",
    ]
    assert [str(difference) for difference in differences(topic, None)] == [
        "group-events: is missing (16 partitions, replication 3)"]
