"""The dealers beside each other: what each has, what it works, and what comes of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fastapi import APIRouter, Response

from agents.coverage import COVERAGE, WORKED, coverage
from schemas.reference import Reference
from streams.gateway.auth import Watcher
from streams.gateway.board import number
from streams.gateway.campaigns import bodies
from streams.gateway.columns import owners
from streams.gateway.context import Here, json
from streams.gateway.scope import cities_of

router = APIRouter(tags=["hq"])

#: What is summed over a dealer's estates, as the flow map calls it.
_SUMS = ("members", "active", "sign_ups", "orders", "target_orders")
_DONE = ("done", "verified")
#: Tasks whose time is over: a task that was not done in its time has expired, one that was is done.
_OVER = (*_DONE, "expired", "skipped")


@router.get("/v1/dealers", summary="The dealers: estates, groups, tasks, orders")
def read_dealers(here: Here, grant: Watcher, city: str | None = None) -> Response:
    """`{"dealers"}`, each with its estates by coverage, its groups, members, orders and tasks.

    An estate is the dealer's who has a group there, else that of the nearest shop within reach. `on_time` is the share
    of the tasks whose time is over that were done in it (null: none is over yet), `behind` the number of estates that
    lag behind their category's baseline.
    """
    owned = owners(here)
    reference = here.atlas.chart().reference
    cities = cities_of(grant, city)
    rows = {str(body["estate_id"]): body for body in bodies(here, cities)}
    sums: dict[str, Counter[str]] = {
        dealer_id: Counter() for dealer_id, dealer in reference.dealers.items()
        if cities is None or dealer.city in cities
    }
    for estate_id in here.atlas.ids_of(cities):
        body = rows.get(estate_id)
        dealer_id, how = owned[estate_id]
        if body is not None:
            dealer_id = body.get("dealer_id") or dealer_id
            groups = max(len(reference.groups_of_estate.get(estate_id, ())), number(body.get("groups")))
            how = coverage(run=body.get("status"), groups=groups, dealer_id=dealer_id)
        if dealer_id is None:
            continue
        counted = sums.setdefault(dealer_id, Counter())
        counted["estates"] += 1
        counted[how] += 1
        if body is not None:
            _add(counted, body)
    return json({"dealers": [_line(reference, dealer_id, sums[dealer_id]) for dealer_id in sorted(sums)]})


def _add(counted: Counter[str], body: dict[str, Any]) -> None:
    counted["groups"] += number(body.get("groups"))
    counted["behind"] += bool(body.get("behind"))
    for name in _SUMS:
        counted[name] += number(body.get(name))
    for status, count in (body.get("tasks") or {}).items():
        counted[f"t_{status}"] += number(count)


def _line(reference: Reference, dealer_id: str, counted: Counter[str]) -> dict[str, Any]:
    dealer = reference.dealers.get(dealer_id)
    done = sum(counted[f"t_{status}"] for status in _DONE)
    over = sum(counted[f"t_{status}"] for status in _OVER)
    return {
        "dealer_id": dealer_id, "name": dealer.name if dealer else dealer_id, "city": dealer.city if dealer else "",
        "estates": counted["estates"], "coverage": {how: counted[how] for how in COVERAGE},
        "worked": counted[WORKED], "groups": counted["groups"], **{name: counted[name] for name in _SUMS},
        "tasks": {
            "issued": sum(counted[f"t_{name}"] for name in ("issued", "claimed", "withdrawn", *_OVER)),
            "done": done, "verified": counted["t_verified"], "expired": counted["t_expired"],
            "skipped": counted["t_skipped"],
        },
        "on_time": round(done / over, 4) if over else None,
        "behind": counted["behind"],
    }
