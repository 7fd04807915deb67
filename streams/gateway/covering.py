"""Who could work each estate, and whether anybody does: for the whole book, at the speed of an index."""

from __future__ import annotations

from agents.coverage import REACH_KM, coverage
from schemas.reference import Estate, Reference
from streams.gateway.atlas import point_of
from streams.gateway.board import body_of
from streams.gateway.context import Gateway


def coverage_of(here: Gateway, reference: Reference, estate: Estate) -> str:
    """How far an estate is worked (`agents.coverage`), by its row on the flow map and today's reference data."""
    entry = here.board.entry(estate.estate_id)
    body = body_of(entry) if entry is not None else {}
    groups = max(len(reference.groups_of_estate.get(estate.estate_id, ())), int(body.get("groups") or 0))
    near = _near(here, reference, estate) if not groups else None
    return coverage(run=body.get("status"), groups=groups, dealer_id=near)


def _near(here: Gateway, reference: Reference, estate: Estate) -> str | None:
    """The dealer of the nearest shop within reach."""
    point, shops = point_of(estate), here.atlas.shops()
    if point is None or not len(shops):
        return None
    store_id, away = shops.nearest(*point, 1)[0]
    store = reference.stores.get(store_id)
    return store.dealer_id if store is not None and away <= REACH_KM * 1000 else None
