"""Room for what waits to be sent: so many bytes, shared by all threads, and not one more."""

from __future__ import annotations

from threading import Condition


class Room:
    """So many bytes. kafka-python's own buffer has no end, so that a broker that stands still would cost all memory."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = size
        self._changed = Condition()

    def take(self, wanted: int, patience: float) -> bool:
        """Take bytes, waiting for them so many seconds; False where they did not come free.

        What is larger than the whole room may have all of it, alone.
        """
        wanted = min(wanted, self.size)
        with self._changed:
            if self._free < wanted and not self._changed.wait_for(lambda: self._free >= wanted, patience):
                return False
            self._free -= wanted
            return True

    def give(self, taken: int) -> None:
        """Give back what was taken."""
        with self._changed:
            self._free += min(taken, self.size)
            self._changed.notify_all()
