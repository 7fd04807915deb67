"""The campaigns' list, from the flow map's rows."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from schemas.values import Phase
from streams.gateway.auth import Watcher
from streams.gateway.board import body_of, number
from streams.gateway.context import Gateway, Here, json
from streams.gateway.fresh import Fresh
from streams.gateway.scope import cities_of

_ORDER = {phase.value: place for place, phase in enumerate(Phase)}

router = APIRouter(tags=["hq"])


@router.get("/v1/campaigns", summary="All campaigns, by phase and progress")
def read_campaigns(request: Request, here: Here, grant: Watcher, city: str | None = None) -> Response:
    """`{"campaigns"}`: the flow map's figures of each, those nearest to closing first."""
    cities = cities_of(grant, city)
    _refresh(here)
    fresh = Fresh(here, request, grant, here.board.revision)
    if (known := fresh.known()) is not None:
        return known
    rows = [body for body in bodies(here, cities) if body.get("phase") or body.get("campaign_id")]
    rows.sort(key=_progress)
    return json(
        {"campaigns": rows, "now": here.clock.now(), "simulated": here.clock.simulated}, headers=fresh.headers)


def _progress(body: dict[str, Any]) -> tuple[int, int, int, str]:
    return (
        -_ORDER.get(body.get("phase") or "", -1), -number(body.get("day")), -number(body.get("orders")),
        str(body["estate_id"]),
    )


def bodies(here: Gateway, cities: frozenset[str] | None) -> list[dict[str, Any]]:
    """The flow map's rows with the estates' names."""
    _refresh(here)
    estates = here.reference().estates
    bodies = []
    for entry in here.board.entries().values():
        if cities is not None and entry.city not in cities:
            continue
        estate = estates.get(entry.estate_id)
        own = {"name": estate.name, "city": estate.city, "district": estate.district} if estate else {}
        bodies.append({**own, **body_of(entry), "estate_id": entry.estate_id})
    return bodies


def _refresh(here: Gateway) -> None:
    version = here.changes.version()
    here.read(lambda connection: here.board.refresh(connection, version))
