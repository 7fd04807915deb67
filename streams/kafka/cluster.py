"""Where a Kafka cluster is, how it lets us in, and how our topics are called there."""

from __future__ import annotations

from dataclasses import dataclass

from streams.kafka.access import OPEN, Access


@dataclass(frozen=True, slots=True)
class Cluster:
    """Its brokers (``HOST:PORT``, parted by commas), what its names of our topics begin with, and our access to it."""

    address: str
    prefix: str = ""
    access: Access = OPEN

    def name(self, topic: str) -> str:
        """A topic's name there."""
        return self.prefix + topic
