"""Whether a file's points can be in the datum that they name: read in a wrong one, most homes are next door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Engine

from maps.book import EstateBook
from maps.locator import FEW_POINTS, Locator, Said
from schemas.events import InEvent
from schemas.values import Crs, Location
from streams.reference_store import load_estates

#: So many of a file's points are kept of each datum: more than tell which it is.
KEPT: Final = 2_000


def points_of(event: InEvent) -> Location | None:
    """Where an event says that somebody is or lives: a message's place, an order's delivery."""
    data = event.data
    delivery = getattr(data, "delivery", None)
    found = delivery.location if delivery is not None else getattr(data, "location", None)
    return found if isinstance(found, Location) else None


def doubts(points: Mapping[Crs, Sequence[Location]], engine: Engine | None) -> list[str]:
    """What is to be said of the points of each datum that fit the estates much better in another."""
    # Fewer points tell nothing: no estate book is read for them.
    many = [Said(point=point) for found in points.values() if len(found) >= FEW_POINTS for point in found]
    if engine is None or not many:
        return []
    with engine.connect().execution_options(reading=True) as connection:
        estates = load_estates(connection)
    return [
        f"the points said to be {crs} lie far from the estates, and fit {better} much better: most homes would "
        f"be taken for others next door; say {better} if they are, or leave the points out"
        for crs, (better, _) in Locator(EstateBook.of(estates.values())).wrong_datums(many).items()
    ]
