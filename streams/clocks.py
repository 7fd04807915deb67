"""The clocks of a live run: the machine's, or a demo's that runs faster."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, tzinfo


class WallClock:
    """The machine's own time, in a zone."""

    speed = 1.0
    simulated = False

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    def now(self) -> datetime:
        """The time now."""
        return datetime.now(UTC).astimezone(self._zone)


class FastClock:
    """A simulated time that starts at `start` and runs `speed` times as fast as ours, until `end`.

    It never runs ahead of `reach`: what is simulated up to there must have happened first.
    """

    simulated = True

    def __init__(self, start: datetime, speed: float, end: datetime) -> None:
        self._start, self._end, self.speed = start, end, speed
        self._reached = start
        self._since = time.monotonic()

    def jump(self, to: datetime) -> None:
        """Aim at a later time: what lies between is hurried through."""
        self._start, self._since = max(self._start, to), time.monotonic()

    def reach(self, at: datetime) -> None:
        """Everything up to `at` has happened."""
        self._reached = at

    def target(self) -> datetime:
        """The time that the simulation should have come to by now."""
        passed = timedelta(seconds=(time.monotonic() - self._since) * self.speed)
        return min(self._start + passed, self._end)

    def now(self) -> datetime:
        """The simulated time now; it stands still at the end."""
        return min(self.target(), self._reached)

    @property
    def over(self) -> bool:
        """Whether the end is reached."""
        return self._reached >= self._end
