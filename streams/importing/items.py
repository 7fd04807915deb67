"""What a file is read as: things that become events, things that are wrong, things that are passed over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

#: Rows as they stand in the file: made only when somebody wants to see them.
Rows = Callable[[], tuple[tuple[str, ...], ...]]


class Unit(NamedTuple):
    """One thing of a file (an order, a message): its row or line, and the events that it becomes, all or none."""

    place: int
    raws: tuple[bytes, ...]
    rows: Rows


class Fault(NamedTuple):
    """What is wrong: in which row, in which column (empty where it is the row as a whole), and what."""

    place: int
    column: str
    what: str


class Wrong(NamedTuple):
    """One thing that cannot be taken: every fault of it, and its rows as they stand in the file."""

    faults: tuple[Fault, ...]
    rows: Rows


class Passed(NamedTuple):
    """A row that says nothing to us, and why."""

    place: int
    why: str


Item = Unit | Wrong | Passed


class Source(Protocol):
    """A file that can be read again and again, each time into the same items.

    `digest` names what is read and how: another file, or another mapping, is another one.
    """

    @property
    def file(self) -> str:
        """Its path, as it was given."""
        ...

    @property
    def digest(self) -> str:
        """What is read, and how."""
        ...

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns, for rows that are put aside."""
        ...

    def read(self) -> Iterator[Item]:
        """The items, in the order of the file."""
        ...
