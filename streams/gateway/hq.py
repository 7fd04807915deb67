"""What HQ's page asks beside the flow map: the map in columns, an estate's story, the past, the funnel, the dealers."""

from __future__ import annotations

from fastapi import APIRouter

from streams.gateway import columns, dealers, funnel, history, stories

router = APIRouter()
for _part in (columns, stories, history, funnel, dealers):
    router.include_router(_part.router)
