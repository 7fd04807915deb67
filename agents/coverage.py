"""Who could work an estate, and whether anybody does: the dealer with a group there, else the nearest shop."""

from __future__ import annotations

from typing import Final

from maps.datum import to_wgs84
from maps.ellipsoid import metres
from schemas.reference import Estate, Reference, Store

#: Nobody has a group or a shop near; a dealer has the estate, or a shop near, and does nothing; a group without a
#: campaign; a campaign. HQ looks after the second, and supports the last.
NOBODY: Final = "nobody"
IDLE: Final = "idle"
GROUP: Final = "group, no operation"
WORKED: Final = "worked"
COVERAGE: Final = (NOBODY, IDLE, GROUP, WORKED)

#: How far a shop reaches where no playbook says it, in kilometres: an estimate, half an hour's drive in a city.
REACH_KM: Final = 15.0


def coverage(*, run: str | None, groups: int, dealer_id: str | None) -> str:
    """How far an estate is worked: by its campaign's run, its groups, and the dealer who could."""
    if groups and run in ("scheduled", "running", "paused"):
        return WORKED
    if groups:
        return GROUP
    return IDLE if dealer_id is not None else NOBODY


def dealer_for(reference: Reference, estate: Estate, reach_km: float = REACH_KM) -> tuple[str, Store | None] | None:
    """The dealer who has the estate: by a group there, the first by id; else by the nearest shop within reach."""
    for group in reference.groups_of_estate.get(estate.estate_id, ()):
        if group.dealer_id is not None and group.dealer_id in reference.dealers:
            return group.dealer_id, reference.stores.get(group.store_id or "")
    near = nearest_store(reference, estate, reach_km)
    return (near.dealer_id, near) if near is not None else None


def nearest_store(reference: Reference, estate: Estate, reach_km: float) -> Store | None:
    """The shop that is nearest to an estate, by true distance, if it is within reach; of equally near ones by id."""
    here = _point(estate)
    if here is None:
        return None
    found = [
        (metres(*here, *there), store.store_id) for store in reference.stores.values()
        if store.dealer_id in reference.dealers and (there := _point(store)) is not None
    ]
    near = min(found, default=None)
    return reference.stores[near[1]] if near is not None and near[0] <= reach_km * 1000 else None


def _point(place: Estate | Store) -> tuple[float, float] | None:
    if place.lng is None or place.lat is None or place.crs is None:
        return None
    return to_wgs84(place.lng, place.lat, place.crs)
