"""What differs between a topic as it should be and as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from streams.kafka.wanted import Wanted


@dataclass(frozen=True, slots=True)
class Found:
    """A topic as the broker has it; `replication` is that of its least copied partition."""

    partitions: int
    replication: int
    config: dict[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it should be; `setting` is Kafka's name for it where `what` is config."""

    topic: str
    what: Literal["missing", "partitions", "replication", "config"]
    found: str | None
    wanted: str
    setting: str | None = None

    def __str__(self) -> str:
        """The difference as a sentence without its full stop."""
        if self.what == "missing":
            return f"{self.topic}: is missing ({self.wanted})"
        if self.what == "partitions":
            return f"{self.topic}: has {self.found} partitions, not {self.wanted}"
        return f"{self.topic}: {self.setting or self.what} is {self.found}, not {self.wanted}"


def differences(wanted: Wanted, found: Found | None) -> Iterator[Difference]:
    """What differs, the widest first. More partitions than wanted are none: they can never be taken away."""
    if found is None:
        shape = f"{wanted.partitions} partitions, replication {wanted.replication}"
        yield Difference(wanted.name, "missing", None, shape)
        return
    if found.partitions < wanted.partitions:
        yield Difference(wanted.name, "partitions", str(found.partitions), str(wanted.partitions))
    if found.replication != wanted.replication:
        yield Difference(wanted.name, "replication", str(found.replication), str(wanted.replication))
    for setting, value in wanted.config.items():
        if found.config.get(setting) != value:
            yield Difference(wanted.name, "config", found.config.get(setting), value, setting)
