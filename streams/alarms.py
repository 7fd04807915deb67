"""When each estate wants to be woken, and the events that wake it. Times are microseconds since 1970."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from datetime import datetime

from schemas.events import Woke, WokeData
from schemas.ids import derived_id
from streams.effects import time_of


class Alarms:
    """The due times of estates, the earliest first. Of an estate only its earliest counts."""

    def __init__(self, due: Iterable[tuple[str, int]] = ()) -> None:
        self._due = dict(due)
        self._heap = [(at, estate_id) for estate_id, at in self._due.items()]
        heapq.heapify(self._heap)

    def of(self, estate_id: str) -> int | None:
        """When the estate is due."""
        return self._due.get(estate_id)

    def next(self) -> int | None:
        """When the next estate is due."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def set(self, estate_id: str, due: int) -> bool:
        """Wake the estate no later than `due`; False where it is woken by then anyway."""
        known = self._due.get(estate_id)
        if known is not None and known <= due:
            return False
        self._due[estate_id] = due
        heapq.heappush(self._heap, (due, estate_id))
        return True

    def __len__(self) -> int:
        return len(self._due)

    def upto(self, end: int, most: int) -> Iterator[tuple[int, str]]:
        """The next estates that are due by `end`, as `pop` gives them."""
        for _ in range(most):
            popped = self.pop(end)
            if popped is None:
                return
            yield popped

    def due_by(self, end: int) -> Iterator[str]:
        """The estates that are due by `end`, in no order; they stay due."""
        heap, places = self._heap, [0]
        while places:
            place = places.pop()
            # What lies below in the heap is due no earlier.
            if place < len(heap) and heap[place][0] <= end:
                due, estate_id = heap[place]
                if self._due.get(estate_id) == due:
                    yield estate_id
                places += (2 * place + 1, 2 * place + 2)

    def pop(self, end: int) -> tuple[int, str] | None:
        """The next estate that is due by `end`, and since when; it is due no more."""
        due = self.next()
        if due is None or due > end:
            return None
        _, estate_id = heapq.heappop(self._heap)
        del self._due[estate_id]
        return due, estate_id


def woke(estate_id: str, due: int, at: datetime) -> Woke:
    """The event that wakes an estate at `at`, because it was due."""
    when = time_of(due)
    return Woke(
        specversion="1.0", id=derived_id(when, "woke", estate_id, str(due)), source="loupan/clock", time=at,
        partitionkey=estate_id, data=WokeData(estate_id, when))
