"""Messages that were refused: one that is sent again is no second dead letter."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

#: So many are remembered.
_REMEMBERED = 10_000


class Refused:
    """Messages that were refused, and why, the last few thousand."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()

    def why(self, name: str, id: str) -> str | None:
        """Why a message was refused; None where it was not."""
        with self._lock:
            return self._known.get((name, id))

    def note(self, name: str, id: str, why: str) -> None:
        """It was refused."""
        with self._lock:
            self._known[name, id] = why
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
