"""A key's partition is the one that Kafka's own clients choose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2

from streams.kafka.partitioning import partition_of


@pytest.mark.parametrize(
    ("key", "java"),
    [  # Apache Kafka's own test of its `Utils.murmur2`
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    ],
)
def test_the_hash_is_that_of_kafkas_java_client(key, java):
    assert murmur2(key.encode()) == java % 2**32
    assert partition_of(key, 16) == (java & 0x7FFF_FFFF) % 16


@given(st.text(), st.integers(1, 10_000))
def test_every_key_has_a_partition_and_always_the_same(key, partitions):
    assert 0 <= partition_of(key, partitions) < partitions
    assert partition_of(key, partitions) == partition_of(key, partitions)


def test_ten_thousand_estates_are_spread_evenly():
    counts = [0] * 16
    for number in range(10_000):
        counts[partition_of(f"bj-{number:013d}", 16)] += 1
    assert 500 < min(counts) <= max(counts) < 750
