"""What was foreseen of estates lately, so that a page that is looked at again does not have it reckoned again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from threading import Lock

from agents.foresight import Foreseen
from agents.world import World

#: So long, in the campaigns' time, what was foreseen is told again; it is a preview, and says so.
_HOLDS = timedelta(minutes=10)
#: Estates that are remembered at most.
_MOST = 5000


class Ahead:
    """By estate and day. Safe from any thread: what two ask for at once is reckoned twice, and is the same."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[tuple[str, date], tuple[World, datetime, Foreseen]] = {}

    def of(
        self, estate_id: str, day: date, world: World, now: datetime, foresee: Callable[[], Foreseen]
    ) -> Foreseen:
        """What was foreseen within the last minutes in that world, else what `foresee` says now."""
        with self._lock:
            known = self._known.get((estate_id, day))
        if known is not None and known[0] is world and now - known[1] < _HOLDS:
            return known[2]
        seen = foresee()
        with self._lock:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[estate_id, day] = world, now, seen
        return seen
