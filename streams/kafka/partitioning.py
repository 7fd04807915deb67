"""Where a key belongs: the partition that Kafka's own clients would choose."""

from __future__ import annotations

from kafka.partitioner.default import murmur2


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key, of so many (1 or more), counted from 0.

    As the default partitioner of Apache Kafka's Java client has it: murmur2 over the key's UTF-8 bytes, its sign
    bit masked away, modulo the number of partitions. So whoever writes with the default finds the same place.
    """
    return int((murmur2(key.encode()) & 0x7FFF_FFFF) % partitions)
