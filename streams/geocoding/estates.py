"""Points for estates that have none, before they are imported."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from schemas.reference import Estate
from streams.geocoding.answers import Precision
from streams.geocoding.service import Geocoding


def fill_points(
    estates: Iterable[Estate], geocoding: Geocoding, progress: Callable[[int, int], None] | None = None
) -> tuple[list[Estate], list[str]]:
    """The estates in their order, those without a point with one where the geocoder has it to the door.

    An estate is asked for by its address with its name, in its city; an answer that is only a road or a district is no
    estate's point. The second list is of the ids that got a point.
    """
    rows = list(estates)
    filled: list[str] = []
    for place, estate in enumerate(rows):
        if estate.lng is None and (estate.address or estate.name):
            address = estate.address if estate.name in estate.address else f"{estate.address}{estate.name}"
            found = geocoding.locate(address, estate.city, of_estate=True)
            if found is not None and found.precision is Precision.DOOR:
                rows[place] = replace(estate, lng=found.lng, lat=found.lat, crs=found.crs)
                filled.append(estate.estate_id)
        if progress is not None:
            progress(place + 1, len(rows))
    return rows, filled
