"""Where a Kafka cluster is, and how our topics are called there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cluster:
    """Its brokers (``HOST:PORT``, parted by commas), and what its names of our topics begin with."""

    address: str
    prefix: str = ""

    def name(self, topic: str) -> str:
        """A topic's name there."""
        return self.prefix + topic
