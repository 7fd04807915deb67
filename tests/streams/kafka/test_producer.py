"""Records that were taken are there, in order; what was not taken is said, and memory has an end."""

from __future__ import annotations

from random import Random
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, TopicPartition

from schemas.errors import BadEvent, Unavailable
from streams.kafka.admin import connected
from streams.kafka.partitioning import partition_of
from streams.kafka.producer import Publisher
from streams.kafka.records import encode_binary, events_of
from streams.kafka.wanted import RECORD_BYTES
from tests import builders as b

PARTITIONS = 4


@pytest.fixture
def topics(kafka):
    """Makes topics, and takes them away."""
    made: list[str] = []

    def make(partitions: int = PARTITIONS, **config: str) -> str:
        name = f"test-{uuid4().hex}"
        with connected(kafka.address) as admin:
            admin.create_topics(
                {name: {"num_partitions": partitions, "replication_factor": 1, "configs": config}},
                wait_for_metadata=True)
        made.append(name)
        return name

    yield make
    with connected(kafka.address) as admin:
        admin.delete_topics(made)


@pytest.fixture
def publisher(kafka):
    publisher = Publisher(kafka.address)
    yield publisher
    publisher.close()


def stand_still(publisher: Publisher, topic: str) -> None:
    """Let nothing of the topic's first partition go out, as if its leader were gone."""
    publisher._producer._accumulator.muted.add(TopicPartition(topic, 0))


def records(address: str, topic: str, partitions: int = PARTITIONS) -> list[Any]:
    """All records of a topic, partition by partition."""
    consumer = KafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest")
    places = [TopicPartition(topic, number) for number in range(partitions)]
    consumer.assign(places)
    ends = consumer.end_offsets(places)
    found: list[Any] = []
    while any(consumer.position(place) < ends[place] for place in places):
        for batch in consumer.poll(timeout_ms=500).values():
            found.extend(batch)
    consumer.close()
    return sorted(found, key=lambda record: (record.partition, record.offset))


def test_an_event_that_was_taken_is_there_as_it_was(kafka, topics, publisher):
    topic, raw = topics(), b.message(group="楼盘群", text="多少钱一平？")
    value, headers = encode_binary(raw)
    sent = publisher.send(topic, "楼盘群", value, headers).result(10)
    assert (sent.topic, sent.partition, sent.offset) == (topic, partition_of("楼盘群", PARTITIONS), 0)
    (record,) = records(kafka.address, topic)
    assert record.key.decode() == "楼盘群"
    (again,) = events_of(record.value, record.headers)
    assert encode_binary(again) == (value, headers)


def test_many_threads_lose_nothing_and_each_keeps_its_order(kafka, topics, publisher):
    topic = topics()

    def send(thread: int) -> None:
        for number in range(500):
            publisher.send(topic, f"estate-{thread}", f"{thread}:{number}".encode())

    threads = [Thread(target=send, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    publisher.flush()
    values = [record.value.decode().split(":") for record in records(kafka.address, topic)]
    for mine in range(4):
        assert [int(number) for of, number in values if of == str(mine)] == list(range(500))


def test_a_partition_that_is_named_stands_over_the_key(topics, publisher):
    topic = topics()
    assert [publisher.send(topic, "e1", b"{}", partition=number).result(10).partition for number in range(4)] == [
        0, 1, 2, 3]


def test_a_tombstone_can_be_sent(kafka, topics, publisher):
    topic = topics(1)
    publisher.send(topic, "estate/e1", None).result(10)
    assert [record.value for record in records(kafka.address, topic, 1)] == [None]


def test_a_record_that_no_topic_takes_is_refused_before_it_is_sent(publisher):
    for topic, size in (("group-events", 2), ("estate-events", 8), ("unknown", 2)):
        with pytest.raises(BadEvent, match=f"more than the {size * 1_048_576 - 256} that {topic} takes"):
            publisher.send(topic, "e1", bytes(size * 1_048_576))


def test_the_largest_record_is_taken_even_where_it_cannot_be_compressed(kafka, topics, publisher):
    topic = topics(1, **{"max.message.bytes": str(RECORD_BYTES)})
    largest = Random(1).randbytes(RECORD_BYTES - 256 - len("estate-1ce_id") - 8)
    publisher.send(topic, "estate-1", largest, [("ce_id", b"12345678")]).result(10)
    assert [record.value for record in records(kafka.address, topic, 1)] == [largest]


def test_what_the_broker_refuses_fails_and_the_next_is_sent(topics, publisher):
    topic = topics(1, **{"max.message.bytes": "100000"})
    refused = publisher.send(topic, "e1", Random(1).randbytes(200_000))
    with pytest.raises(Unavailable, match="did not take a record"):
        refused.result(10)
    assert publisher.send(topic, "e1", b"{}").result(10).offset == 0


def test_a_topic_that_is_not_there_is_said_with_the_remedy(kafka):
    publisher = Publisher(kafka.address, max_block=0.5)
    with pytest.raises(Unavailable, match="takes no records of nowhere"):
        publisher.send("nowhere", "e1", b"{}")
    publisher.close()


def test_what_waits_has_an_end_and_is_said_when_it_is_reached(kafka, topics):
    topic = topics(1)
    publisher = Publisher(kafka.address, buffer_bytes=100_000, max_block=0.2)
    stand_still(publisher, topic)
    receipts = [publisher.send(topic, "e1", bytes(20_000)) for _ in range(4)]
    with pytest.raises(Unavailable, match="is behind: 100000 bytes may wait for it"):
        publisher.send(topic, "e1", bytes(20_000))
    with pytest.raises(Unavailable, match="has not taken all records yet"):
        publisher.flush(0.2)
    publisher.close(0.5)
    assert all(receipt.done() for receipt in receipts)
    for receipt in receipts:
        with pytest.raises(Unavailable, match="did not take a record"):
            receipt.result(0)
    publisher.close(0.5)


def test_a_record_that_is_not_taken_in_time_has_failed_and_gives_its_room_back(kafka, topics):
    never, topic = topics(1), topics(1)
    publisher = Publisher(kafka.address, buffer_bytes=30_000, max_block=0.2, delivery_timeout=1)
    stand_still(publisher, never)
    receipt = publisher.send(never, "e1", bytes(25_000))
    with pytest.raises(Unavailable, match="did not take a record"):
        receipt.result(10)
    assert publisher.send(topic, "e1", bytes(25_000)).result(10).offset == 0
    publisher.close()


def test_a_broker_that_does_not_answer_is_unavailable():
    with pytest.raises(Unavailable, match="no Kafka broker answers at"):
        Publisher("127.0.0.1:1", patience=0.2)
