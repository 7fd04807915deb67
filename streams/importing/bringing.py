"""Bringing a file in: checked as a whole first, then in batches, each in one transaction with how far it came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, Engine

from schemas.errors import BadEvent
from schemas.events import InEvent
from schemas.values import Crs, Location
from streams import places
from streams.importing.datums import KEPT, points_of
from streams.importing.items import Fault, Item, Passed, Source, Unit, Wrong
from streams.inbox import Answer, find_known, read_event

#: Events of one transaction; an order's are never parted.
BATCH: Final = 1000
#: So many things are kept for whoever wants to see what would be done.
SHOWN: Final = 8

#: Is told how many things are done, and of how many.
Progress = Callable[[int, int], None] | None
#: Takes events of these rows in; what the last word does is in the same transaction, where there is one.
Take = Callable[[Sequence[bytes], Sequence[int], Callable[[Connection], None]], list[Answer]]


@dataclass(slots=True)
class Checked:
    """What a file would do: how many things it has, its events by type, what is wrong, what is passed over."""

    items: int = 0
    units: int = 0
    events: Counter[str] = field(default_factory=Counter)
    wrong: list[Wrong] = field(default_factory=list)
    passed: Counter[str] = field(default_factory=Counter)
    first: list[Unit] = field(default_factory=list)
    duplicate: int = 0
    #: Where the events are, by the datum that they name; no more than are needed to tell whether it is right.
    points: dict[Crs, list[Location]] = field(default_factory=dict)

    @property
    def faults(self) -> list[Fault]:
        """Everything that is wrong, in the order of the file."""
        return [fault for wrong in self.wrong for fault in wrong.faults]

    @property
    def total(self) -> int:
        """How many events it has."""
        return sum(self.events.values())


def check(source: Source, latest: datetime | None, engine: Engine | None = None) -> Checked:
    """Read a whole file and change nothing. With an engine, count what its inbox has already."""
    found = Checked()
    names: list[tuple[str, str]] = []
    seen: set[tuple[str, str]] = set()
    for item in source.read():
        found.items += 1
        _note(found, *judged(item, latest), names)
        if len(names) >= BATCH:
            found.duplicate += _known(engine, names, seen)
            names = []
    found.duplicate += _known(engine, names, seen)
    return found


def _note(found: Checked, item: Item, events: Sequence[InEvent], names: list[tuple[str, str]]) -> None:
    if isinstance(item, Wrong):
        found.wrong.append(item)
    elif isinstance(item, Passed):
        found.passed[item.why] += 1
    else:
        found.units += 1
        if len(found.first) < SHOWN:
            found.first.append(item)
        for event in events:
            found.events[event.type] += 1
            names.append((event.source, event.id))
            if (point := points_of(event)) is not None and len(kept := found.points.setdefault(point.crs, [])) < KEPT:
                kept.append(point)


def _known(engine: Engine | None, names: list[tuple[str, str]], seen: set[tuple[str, str]]) -> int:
    """How many of these the inbox has, or the file had before."""
    if engine is None or not names:
        return 0
    with engine.connect().execution_options(reading=True) as connection:
        known = set(find_known(connection, list(set(names))))
    duplicate = 0
    for name in names:
        duplicate += name in known or name in seen
        seen.add(name)
    return duplicate


def judged(item: Item, latest: datetime | None) -> tuple[Item, Sequence[InEvent]]:
    """The item and its events; it is wrong where the door would not take one of them."""
    if not isinstance(item, Unit):
        return item, ()
    try:
        return item, [read_event(raw, latest) for raw in item.raws]
    except BadEvent as error:
        return Wrong((Fault(item.place, "", str(error)),), item.rows), ()


class Brought(NamedTuple):
    """What became of a file: events accepted, events that were known, and with how many things it had begun before."""

    accepted: int
    duplicate: int
    resumed: int


def position_of(source: Source) -> str:
    """The name under which is kept how far a file has come."""
    return f"import/{source.digest[:40]}"


def bring_in(
    source: Source, engine: Engine, take: Take, latest: datetime | None, total: int, progress: Progress = None
) -> Brought:
    """Take a file's events in, from where an import of the same file with the same mapping had stopped.

    What is wrong is left out. When all is done, the position is taken away: the file can be brought in again, and
    all of it is known then.

    Raises:
        Fenced: when another process brings the same file in.
    """
    name = position_of(source)
    with engine.begin() as connection:
        begun = at = places.load(connection, {name: 0})[name]
    counts: Counter[str] = Counter()
    for batch, upto in _batches(source.read(), begun, latest):
        raws = [raw for unit in batch for raw in unit.raws]
        numbers = [unit.place for unit in batch for _ in unit.raws]
        counts.update(answer.status for answer in take(raws, numbers, _moving(name, at, upto)))
        at = upto
        if progress is not None:
            progress(at, total)
    with engine.begin() as connection:
        places.forget(connection, name, at)
    return Brought(counts["accepted"], counts["duplicate"], begun)


def _moving(name: str, before: int, after: int) -> Callable[[Connection], None]:
    return lambda connection: places.advance(connection, {name: before}, {name: after})


def _batches(items: Iterator[Item], begun: int, latest: datetime | None) -> Iterator[tuple[list[Unit], int]]:
    """The units in batches, each with how many items of the file are done with it."""
    batch: list[Unit] = []
    size, number = 0, 0
    for number, item in enumerate(items, start=1):
        if number <= begun:
            continue
        # Judged only now: what an earlier run passed over is not counted anew.
        good, _ = judged(item, latest)
        if isinstance(good, Unit):
            batch.append(good)
            size += len(good.raws)
        if size >= BATCH:
            yield batch, number
            batch, size = [], 0
    if batch or number > begun:
        yield batch, number
