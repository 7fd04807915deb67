"""What the gateway needs from whoever runs the pipeline: a door, a clock, and word that something changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec


class Accepted(msgspec.Struct, frozen=True):
    """What the door says of one event, by its place in the request."""

    index: int
    status: Literal["accepted", "duplicate", "error"]
    id: str | None
    detail: str | None = None


class Door(Protocol):
    """Where events come in. One call is one transaction."""

    @property
    def lag(self) -> int:
        """Events in the inbox that aren't worked yet."""
        ...

    @property
    def trouble(self) -> str | None:
        """Why nothing goes on, in a sentence; None where all is well."""
        ...

    async def accept(self, raws: Sequence[bytes]) -> list[Accepted]:
        """Take structured CloudEvents, one each; decode, check and keep them. One answer each, in order."""
        ...


class Clock(Protocol):
    """The time that campaigns live in. A demo's runs faster than ours."""

    speed: float
    simulated: bool

    def now(self) -> datetime:
        """The time, with its offset."""
        ...


class Changes(Protocol):
    """Word of what was committed."""

    def version(self) -> int:
        """The outbox offset up to which everything is committed."""
        ...

    async def wait(self, after: int, timeout: float) -> int:  # noqa: ASYNC109  # it is part of the answer, no error
        """The version, as soon as it is higher than `after`, or when `timeout` (seconds) has passed."""
        ...
