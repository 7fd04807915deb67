"""A breaker: a service that keeps failing is left alone for a while, and then tried again."""

from __future__ import annotations

from collections.abc import Callable

#: So many failures one after another open it; then it rests so long (s), twice as long each time, an hour at most.
FAILURES, REST, LONGEST = 3, 30.0, 3600.0


class Breaker:
    """Open while nobody should ask. `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._rest = REST
        self._until = 0.0
        self.reason = ""

    @property
    def open(self) -> bool:
        """Whether the service is being left alone."""
        return self._clock() < self._until

    def worked(self) -> None:
        """The service answered."""
        self._failures, self._rest, self.reason = 0, REST, ""

    def failed(self, reason: str, *, at_once: bool = False) -> bool:
        """The service failed; `at_once` where asking again would be of no use. Whether it is left alone from now on."""
        self._failures += 1
        self.reason = reason
        # After a rest one more failure is enough: it is not well yet.
        if not at_once and self._failures < FAILURES:
            return False
        rest = LONGEST if at_once else self._rest
        self._until, self._rest = self._clock() + rest, min(2 * self._rest, LONGEST)
        return True
