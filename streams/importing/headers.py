"""Where a table's columns are named: below titles, in one row or in two, with cells merged over several."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice, pairwise
from typing import Final, NamedTuple

from streams.importing.tables import Cell, Row

#: The names stand in one of the first rows.
FIRST: Final = 30


def plain(name: str) -> str:
    """A column's name without what differs from program to program: blanks, line breaks, stars, wide letters."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", name)).strip("*").lower()


class Header(NamedTuple):
    """The columns of a table: the row of their names (the lower of two), the names, and the places of each name.

    A column below a heading of several is known by its own name and by both, as in `收货人/姓名`.
    """

    row: int
    names: tuple[str, ...]
    places: dict[str, tuple[int, ...]]

    def at(self, name: str) -> tuple[int, ...]:
        """The places of the columns called so: none, one, or several."""
        return self.places.get(plain(name), ())


def header_of(rows: Sequence[Row]) -> Header:
    """The header that one row, or two rows, make."""
    upper, lower = (rows[0].cells if len(rows) > 1 else []), rows[-1].cells
    width = max(len(upper), len(lower))
    heading, names, places = "", list[str](), dict[str, list[int]]()
    for place in range(width):
        above, own = _said(upper, place), _said(lower, place)
        heading = above or heading
        names.append(own or above)
        called = {plain(own or above)}
        if own and heading:
            called.add(plain(f"{heading}/{own}"))
        for name in called - {""}:
            places.setdefault(name, []).append(place)
    while names and not names[-1]:
        names.pop()
    return Header(rows[-1].number, tuple(names), {name: tuple(found) for name, found in places.items()})


def _said(cells: Sequence[Cell], place: int) -> str:
    cell = cells[place] if place < len(cells) else None
    return "" if cell is None else " ".join(str(cell).split())


def find_header(
    rows: Iterator[Row], score: Callable[[Header], int], at: tuple[int, ...] = ()
) -> tuple[Header, Iterator[Row]]:
    """The header with the best score (0 counts as none), and the rows after it.

    `at` are its rows, where they are known. The first of equals is taken, and with it the row below that has names
    where it has none. Where none has a score, it is the fullest row.
    """
    first = list(islice(rows, max([FIRST, *at])))
    if at:
        chosen = [row for row in first if row.number in at] or [Row(at[-1], [])]
        best = header_of(chosen)
    else:
        best = _best(first, score)
    return best, chain((row for row in first if row.number > best.row), rows)


def _best(rows: Sequence[Row], score: Callable[[Header], int]) -> Header:
    singles = [header_of([row]) for row in rows]
    pairs = [header_of(pair) for pair in pairwise(rows)]
    # By the row in which each ends, one row before two.
    both = sorted([*singles, *pairs], key=lambda header: header.row)
    best = max(both, key=score, default=Header(1, (), {}))
    if not score(best):
        return max(singles, key=lambda header: sum(map(bool, header.names)), default=best)
    below = next((pair for pair, single in zip(pairs, singles, strict=False) if single is best), None)
    # Nothing of the score is lost: so the row below is no row of data, it is empty where those are full.
    return below if below is not None and score(below) >= score(best) and below.names != best.names else best
