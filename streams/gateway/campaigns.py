"""The campaigns' list and the funnel, summed from the flow map's rows."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from fastapi import APIRouter, Request, Response

from schemas.values import RUNGS, Phase, Rung
from streams.gateway.auth import Watcher
from streams.gateway.board import body_of, number
from streams.gateway.context import Gateway, Here, json
from streams.gateway.fresh import Fresh
from streams.gateway.scope import cities_of

_ORDER = {phase.value: place for place, phase in enumerate(Phase)}
#: The funnel's steps: everybody at this rung of the ladder or above.
_STEPS = {
    "members": Rung.STRANGER, "active": Rung.PARTICIPANT, "interested": Rung.INTERESTED,
    "prospective": Rung.PROSPECTIVE_BUYER, "buyers": Rung.BUYER,
}

router = APIRouter(tags=["hq"])


@router.get("/v1/campaigns", summary="All campaigns, by phase and progress")
def read_campaigns(request: Request, here: Here, grant: Watcher, city: str | None = None) -> Response:
    """`{"campaigns"}`: the flow map's figures of each, those nearest to closing first."""
    cities = cities_of(grant, city)
    _refresh(here)
    fresh = Fresh(here, request, grant, here.board.revision)
    if (known := fresh.known()) is not None:
        return known
    rows = [body for body in _bodies(here, cities) if body.get("phase") or body.get("campaign_id")]
    rows.sort(key=_progress)
    return json(
        {"campaigns": rows, "now": here.clock.now(), "simulated": here.clock.simulated}, headers=fresh.headers)


def _progress(body: dict[str, Any]) -> tuple[int, int, int, str]:
    return (
        -_ORDER.get(body.get("phase") or "", -1), -number(body.get("day")), -number(body.get("orders")),
        str(body["estate_id"]),
    )


@router.get("/v1/funnel", summary="Members, active, interested, prospective, buyers")
def read_funnel(
    here: Here, grant: Watcher, by: Literal["city", "dealer", "estate", "group"] = "city"
) -> Response:
    """`{"by", "rows"}`: each with `id`, `name` and the five steps; a step holds those who went further, too."""
    sums: dict[str, Counter[str]] = {}
    names: dict[str, str] = {}
    for body in _bodies(here, cities_of(grant, None)):
        for id, name, part in _parts(here, body, by):
            names[id] = name
            sums.setdefault(id, Counter()).update(_steps(part))
    ids = sorted(sums, key=lambda key: (-sums[key]["members"], key))
    rows = [{"id": id, "name": names[id], **{step: sums[id][step] for step in _STEPS}} for id in ids]
    return json({"by": by, "rows": rows})


def _parts(here: Gateway, body: dict[str, Any], by: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Whose the figures are: the estate's row goes to one city, dealer or estate, or is parted by group."""
    estate_id = str(body["estate_id"])
    if by == "estate":
        return [(estate_id, str(body.get("name") or estate_id), body)]
    if by == "dealer":
        dealer_id = body.get("dealer_id") or ""
        return [(dealer_id, str(body.get("dealer_name") or dealer_id or "—"), body)]
    if by == "city":
        return [(city := str(body.get("city") or ""), city or "—", body)]
    return _groups(here, estate_id, body)


def _groups(here: Gateway, estate_id: str, body: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    groups = here.reference().groups
    parted = body.get("by_group")
    if isinstance(parted, dict):
        return [(id, groups[id].name if id in groups else id, part) for id, part in parted.items()]
    # A row that is not parted belongs to its only group, or to the estate's groups together.
    own = here.reference().groups_of_estate.get(estate_id, ())
    if len(own) == 1:
        return [(own[0].group_id, own[0].name or own[0].group_id, body)]
    return [(estate_id, str(body.get("name") or estate_id), body)]


def _steps(body: dict[str, Any]) -> Counter[str]:
    rungs = body.get("rungs") or {}
    reached = {
        step: sum(number(rungs.get(rung.value)) for rung in RUNGS[RUNGS.index(lowest) :])
        for step, lowest in _STEPS.items()
    }
    return Counter({**reached, "members": number(body.get("members")) or reached["members"]})


def _bodies(here: Gateway, cities: frozenset[str] | None) -> list[dict[str, Any]]:
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
