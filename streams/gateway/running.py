"""Running it: whether it lives, whether it is ready, what it measures, its contracts, and who asks."""

from __future__ import annotations

from functools import cache

import msgspec
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from schemas import asyncapi
from streams.gateway.auth import Anyone
from streams.gateway.context import Gateway, Here, json
from streams.gateway.problems import unavailable
from streams.readers import is_ready
from streams.tokens import Grant

router = APIRouter(tags=["running"])


@router.get("/healthz", summary="Whether the process answers")
async def healthz() -> Response:
    """Always well, or no answer at all."""
    return json({"status": "ok"})


@router.get("/readyz", summary="Whether it can work", responses={503: {"description": "Not now, and why"}})
def readyz(here: Here) -> Response:
    """Whether the database can be read, its tables are there, and events are worked."""
    try:
        here.read(is_ready)
    except Exception as error:
        raise unavailable("the database cannot be read") from error
    if here.door.trouble is not None:
        raise unavailable(here.door.trouble)
    return json({"status": "ready", "lag": here.door.lag})


@router.get("/metrics", summary="For Prometheus", response_class=Response)
def metrics(here: Here) -> Response:
    """The metrics in Prometheus' text format: counts alone, nothing of anybody."""
    here.read(lambda connection: here.board.refresh(connection, here.changes.version()))
    here.measures.phases(here.board.phases())
    return Response(generate_latest(here.measures.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


@router.get("/asyncapi.json", summary="The events' contract, as AsyncAPI 3")
def read_asyncapi() -> Response:
    """Every topic and event type."""
    return Response(_contract(), media_type="application/json")


@cache
def _contract() -> bytes:
    """The document, made once: anybody may ask for it, however often."""
    return msgspec.json.encode(asyncapi.document())


@router.get("/v1/me", summary="Whose token this is, and the campaigns' time")
def me(here: Here, grant: Anyone) -> Response:
    """The token's role and whose it is, and the clock that campaigns live by."""
    return json(who(here, grant))


def who(here: Gateway, grant: Grant) -> dict[str, object]:
    """Whose token it is, and the clock that campaigns live by."""
    reference = here.reference()
    dealer, store = reference.dealers.get(grant.dealer_id or ""), reference.stores.get(grant.store_id or "")
    return {
        "role": grant.role, "dealer_id": grant.dealer_id,
        "dealer_name": dealer.name if dealer else grant.dealer_id,
        **({"store_id": grant.store_id, "store_name": store.name if store else grant.store_id}
           if grant.store_id else {}),
        **({"cities": sorted(grant.cities)} if grant.cities else {}),
        **({"source": grant.source} if grant.source else {}),
        "now": here.clock.now(), "speed": here.clock.speed, "simulated": here.clock.simulated,
    }
