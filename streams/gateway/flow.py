"""The flow map (楼盘流量地图): every estate of a city, what is done there, and its changes as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import lru_cache, partial
from hashlib import sha256
from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy import Connection

from streams.gateway.atlas import Site, feature, properties_of, stores_of
from streams.gateway.auth import Watcher
from streams.gateway.board import Entry, body_of
from streams.gateway.context import Gateway, Here, json
from streams.gateway.fresh import KEPT, Fresh, has, not_modified
from streams.gateway.scope import cities_of
from streams.gateway.sse import Leave, Start, opening
from streams.tokens import TokenRole

#: A flow stream says no more than this often what changed, in seconds.
_PACE = 0.25
#: How long it waits before it looks for itself, in seconds: a mark may change a row and send nothing out.
_LOOK = 1.0
_GEOJSON = "application/geo+json"
_CITY = {"Beijing": {"value": "北京"}}

router = APIRouter(tags=["hq"])


@router.get("/v1/flow", summary="The flow map of a city, as GeoJSON")
def read_flow(
    request: Request, here: Here, grant: Watcher, city: str | None = None,
    worked: Annotated[bool, Query(description="Only estates that have a row: the others are in `/v1/map`")] = False,
) -> Response:
    """A FeatureCollection of all estates that have a point (WGS-84); worked ones with their campaign's figures.

    Beside it: `counts`, `now`, `simulated`, `without_point`, and `cursor`, from which the stream goes on.
    """
    version, cities = here.changes.version(), cities_of(grant, city)
    revision, counts = here.read(partial(_look, here, version, cities))
    # The cursor is the version's: an answer that is known has one from which the stream misses nothing, either.
    fresh = Fresh(here, request, grant, revision, counts)
    if (known := fresh.known()) is not None:
        return known
    rows = here.board.entries()
    sites = here.atlas.sites_among(rows, cities) if worked else here.atlas.sites_of(cities)
    return json(
        {
            "type": "FeatureCollection",
            "features": [_feature(site, rows.get(site.estate_id)) for site in sites],
            "counts": counts,
            "now": here.clock.now(),
            "simulated": here.clock.simulated,
            "without_point": here.atlas.without_point(cities),
            "cursor": str(version),
        },
        media_type=_GEOJSON, headers=fresh.headers,
    )


def _look(
    here: Gateway, version: int, cities: frozenset[str] | None, connection: Connection
) -> tuple[int, dict[str, int]]:
    """The board's revision and its counts, after a look at what changed."""
    return here.board.refresh(connection, version), here.board.counts(connection, cities)


def _feature(site: Site, entry: Entry | None) -> msgspec.Raw:
    if entry is None:
        return site.feature
    return feature(site.estate_id, site.geometry, _merged(site.properties, entry))


def _merged(properties: dict[str, Any], entry: Entry) -> dict[str, Any]:
    return {**properties, **body_of(entry), "estate_id": entry.estate_id}


class _Opening(NamedTuple):
    """Where a stream begins: what was committed, and the board and its counts at that time."""

    version: int
    revision: int
    counts: dict[str, int]
    cities: frozenset[str] | None


async def _open(here: Here, grant: Watcher, city: str | None = None) -> _Opening:
    # A dependency, so that a stream begins before it is answered: whoever has the answer misses nothing after it.
    version, cities = here.changes.version(), cities_of(grant, city)
    return _Opening(version, *await here.ask(partial(_look, here, version, cities)), cities)


@router.get("/v1/flow/stream", response_class=EventSourceResponse, summary="The flow map's changes (SSE)")
async def stream_flow(
    here: Here, grant: Watcher, start: Start, opened: Annotated[_Opening, Depends(_open)]
) -> AsyncIterator[ServerSentEvent]:
    """`flow`: the properties of the estates that changed; `counts`: the totals. At most four times a second.

    Comes back with Last-Event-ID: whatever changed meanwhile comes once, in its last state.
    """
    version, revision, counts, cities = opened
    leave = Leave(here, grant)
    with here.measures.streams.labels("flow").track_inprogress():
        yield opening()
        if start is not None and (missed := _of_cities(here.board.changed_since(start), cities)):
            yield _flow(here, missed, version)
        yield _counts(here, counts, version)
        while await leave.holds():
            version = await here.changes.wait(version, _LOOK)
            seen, (revision, now) = revision, await here.ask(partial(_look, here, version, cities))
            if changed := _of_cities(here.board.changed_after(seen), cities):
                yield _flow(here, changed, version)
            if now != counts:
                counts = now
                yield _counts(here, counts, version)
            await asyncio.sleep(_PACE)


def _of_cities(entries: list[Entry], cities: frozenset[str] | None) -> list[Entry]:
    return [entry for entry in entries if cities is None or entry.city in cities]


def _flow(here: Gateway, entries: list[Entry], version: int) -> ServerSentEvent:
    estates = here.reference().estates
    changed = [
        _merged(properties_of(estates[entry.estate_id]) if entry.estate_id in estates else {}, entry)
        for entry in entries
    ]
    return ServerSentEvent(id=str(version), event="flow", raw_data=msgspec.json.encode(changed).decode())


def _counts(here: Gateway, counts: dict[str, int], version: int) -> ServerSentEvent:
    body = {**counts, "now": here.clock.now(), "simulated": here.clock.simulated}
    return ServerSentEvent(id=str(version), event="counts", raw_data=msgspec.json.encode(body).decode())


@router.get("/v1/districts", summary="A city's district outlines, as GeoJSON")
def read_districts(
    request: Request, _: Watcher, city: Annotated[str, Query(max_length=100, openapi_examples=_CITY)]
) -> Response:
    """A FeatureCollection of outlines in WGS-84."""
    body, tag = _outlines(city)
    headers = {"ETag": tag, "Cache-Control": KEPT}
    if has(request.headers.get("if-none-match"), tag):
        return not_modified(headers)
    return Response(body, headers=headers, media_type=_GEOJSON)


@lru_cache(maxsize=32)
def _outlines(city: str) -> tuple[bytes, str]:
    """A city's outlines as they are sent, and their tag: the data come with the program."""
    # Outlines are large: whoever first asks for them loads them, not every start.
    from streams.districts import districts_of  # noqa: PLC0415  # as said

    body = msgspec.json.encode(districts_of(city))
    return body, f'W/"{sha256(body).hexdigest()[:24]}"'


@router.get("/v1/stores", summary="The stores of a city's dealers, as GeoJSON")
def read_stores(request: Request, here: Here, grant: Watcher, city: str | None = None) -> Response:
    """A FeatureCollection of points in WGS-84."""
    dealers, cities = grant.dealers if grant.role is TokenRole.REGION else None, cities_of(grant, city)
    fresh = Fresh(here, request, grant)
    headers = {**fresh.headers, "Cache-Control": KEPT}
    if fresh.known() is not None:
        return not_modified(headers)
    return json(stores_of(here.reference(), cities, dealers), media_type=_GEOJSON, headers=headers)
