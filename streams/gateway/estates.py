"""Estates as HQ looks at them: the book, one estate with all that is done there, and its timeline."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from schemas.reference import Estate, Group, Reference
from streams.gateway.atlas import Chart, point_of, properties_of
from streams.gateway.auth import Viewer
from streams.gateway.board import Entry, body_of
from streams.gateway.context import Gateway, Here, json
from streams.gateway.covering import coverage_of
from streams.gateway.fresh import Fresh
from streams.gateway.nearby import cursor_after, nearest_first, place_in, point_in
from streams.gateway.problems import NOT_FOUND, Problem
from streams.gateway.scope import sees_group, works
from streams.ledger_view import POSTED
from streams.readers import LAST, MOST, LogRow, TaskRow, campaign_log, sent_at, task_counts, tasks_changed
from streams.readers import worked as worked_so_far
from streams.tokens import Grant, TokenRole

#: The words of `agents.coverage`.
Coverage = Literal["nobody", "idle", "group, no operation", "worked"]

router = APIRouter(tags=["hq"])


@router.get("/v1/estates", summary="The estate book")
def read_estates(
    request: Request,
    here: Here,
    grant: Viewer,
    city: str | None = None,
    q: Annotated[str | None, Query(
        max_length=100, description="Part of a name, an alias, an address or an id; else a name, as people write it",
        openapi_examples={"part": {"value": "万科"}, "as people write it": {"value": "綠地·城2期"}},
    )] = None,
    near: Annotated[str | None, Query(
        max_length=100, description="A point, `lng,lat` or `lng,lat,crs` (wgs84 unless named): the nearest first",
        openapi_examples={"GPS": {"value": "116.404,39.915"}, "WeChat, AMap": {"value": "116.410,39.916,gcj02"}},
    )] = None,
    worked: Annotated[bool, Query(description="Only estates that have a campaign, ended ones included")] = False,
    coverage: Annotated[Coverage | None, Query(
        description="How far it is worked: `idle` is an estate that a dealer has, or a shop near, and does nothing",
    )] = None,
    limit: Annotated[int, Query(ge=1, le=2000)] = 100,
    cursor: Annotated[str | None, Query(description="The last page's cursor")] = None,
) -> Response:
    """`{"estates", "cursor"}`, each with its campaign's phase where it has one; a dealer sees where it works.

    By id; with `near` the nearest first, each with its `distance_m`, those without a point left out.
    """
    _refresh(here)
    fresh = Fresh(here, request, grant, here.board.revision)
    if (known := fresh.known()) is not None:
        return known
    at = None if near is None else point_in("near", near)
    after = None if at is None or cursor is None else place_in(cursor)
    chart = here.atlas.chart()
    wanted = _wanted(here, chart, city, q)
    rows: Iterator[tuple[Estate, float | None]]
    if at is None:
        rows = ((chart.reference.estates[estate_id], None) for estate_id in wanted if not cursor or estate_id > cursor)
    else:
        those = chart.reference.estates if wanted is chart.ids else frozenset(wanted)
        near_first = nearest_first(here.atlas.book(), at, after)
        rows = ((chart.reference.estates[estate_id], away) for estate_id, away in near_first if estate_id in those)
    seen = (
        row for row in rows
        if works(here, chart, grant, row[0].estate_id) and (not worked or _has_campaign(here, row[0].estate_id))
        and (coverage is None or coverage_of(here, chart.reference, row[0]) == coverage)
    )
    lines = list(islice(seen, limit + 1))
    page = lines[:limit]
    return json({
        "estates": [_line(here, chart.reference, estate, away) for estate, away in page],
        "cursor": cursor_after(*page[-1]) if len(lines) > limit else None,
    }, headers=fresh.headers)


def _has_campaign(here: Gateway, estate_id: str) -> bool:
    entry = here.board.entry(estate_id)
    return entry is not None and bool(body_of(entry).get("status"))


def _wanted(here: Gateway, chart: Chart, city: str | None, q: str | None) -> tuple[str, ...]:
    """The estates of a city, or all, that say `q` somewhere; where none does, those that people may mean by it."""
    ids = chart.ids_by_city.get(city, ()) if city else chart.ids
    wanted = (q or "").strip().casefold()
    if not wanted:
        return ids
    if found := tuple(estate_id for estate_id in ids if _says(chart.reference.estates[estate_id], wanted)):
        return found
    meant = {estate_id for estate_id, _ in here.atlas.book().called(wanted)}
    return tuple(estate_id for estate_id in ids if estate_id in meant)


def _says(estate: Estate, wanted: str) -> bool:
    return any(
        wanted in text.casefold() for text in (estate.name, *estate.aliases, estate.address, estate.estate_id)
    )


def _line(here: Gateway, reference: Reference, estate: Estate, away: float | None) -> dict[str, Any]:
    point = point_of(estate)
    entry = here.board.entry(estate.estate_id)
    worked = body_of(entry) if entry else {}
    shown = ("phase", "stage", "day", "days", "status", "dealer_id", "dealer_name", "members", "orders")
    return {
        **properties_of(estate), "address": estate.address, "point": point, "build_year": estate.build_year,
        "coverage": coverage_of(here, reference, estate),
        **({} if away is None else {"distance_m": round(away, 1)}),
        **{name: worked[name] for name in shown if name in worked},
    }


@router.get("/v1/estates/{estate_id}", summary="One estate")
def read_estate(estate_id: str, request: Request, here: Here, grant: Viewer) -> Response:
    """The estate, its point on the flow map, its groups, stores and dealers, and where its tasks stand."""
    estate = own_estate(here, grant, estate_id)
    fresh = Fresh(here, request, grant, here.board.revision, here.read(worked_so_far))
    if (known := fresh.known()) is not None:
        return known
    reference = here.reference()
    entry = here.board.entry(estate_id)
    groups = [group for group in reference.groups_of_estate.get(estate_id, ()) if sees_group(here, grant, group)]
    return json({
        **properties_of(estate), "address": estate.address, "point": point_of(estate),
        "build_year": estate.build_year, "aliases": estate.aliases, "outline": estate.outline,
        "parent": estate.parent or None, "parts": here.atlas.book().children(estate_id),
        "coverage": coverage_of(here, reference, estate),
        "point_flags": sorted(here.atlas.book().flags(estate_id)), "sources": estate.sources,
        "flow": _own_figures(here, grant, entry),
        "groups": [_group(group, reference) for group in groups],
        "tasks": here.read(lambda connection: task_counts(
            connection, estate_id, dealer_id=grant.dealer_id, store_id=grant.store_id)),
    }, headers=fresh.headers)


def _own_figures(here: Gateway, grant: Grant, entry: Entry | None) -> dict[str, Any] | msgspec.Raw | None:
    """The estate's figures on the flow map; those that are parted by group, of the groups that are shown alone."""
    if entry is None or grant.role in {TokenRole.HQ, TokenRole.REGION}:
        return msgspec.Raw(entry.raw) if entry else None
    body, known = body_of(entry), here.reference().groups
    parted = (body.get("connections") or {}).get("groups")
    if isinstance(parted, dict):
        body["connections"]["groups"] = {
            id: figures for id, figures in parted.items() if id in known and sees_group(here, grant, known[id])}
    return body


def _group(group: Group, reference: Reference) -> dict[str, Any]:
    dealer = reference.dealers.get(group.dealer_id or "")
    store = reference.stores.get(group.store_id or "")
    personas = reference.personas_of_group.get(group.group_id, ())
    return {
        "group_id": group.group_id, "name": group.name, "kind": group.kind, "open": group.open,
        "dealer_id": group.dealer_id, "dealer_name": dealer.name if dealer else None,
        "store_id": group.store_id, "store_name": store.name if store else None,
        "personas": [
            {"persona_id": p.persona_id, "name": p.name, "role": p.role, "class": p.cls} for p in personas
        ],
    }


@router.get("/v1/estates/{estate_id}/timeline", summary="What became of an estate's campaign")
def read_timeline(
    estate_id: str,
    here: Here,
    grant: Viewer,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    before: Annotated[int, Query(ge=0, le=LAST, description="The last page's cursor")] = LAST,
    member_id: Annotated[str | None, Query(
        max_length=256, description="Only one member's history: where they were placed, each rung and why",
    )] = None,
) -> Response:
    """`{"items", "cursor"}`, the latest first: campaign events, and the last change of each task.

    A dealer who shares the estate with another sees its own tasks and groups.
    """
    own_estate(here, grant, estate_id)
    if member_id is not None:
        items = here.read(lambda connection: _history(connection, estate_id, member_id, before, limit))
    else:
        items = here.read(lambda connection: _timeline(connection, estate_id, grant, before, limit))
    shown = [item for item in items if _shown(here, grant, item)]
    return json({"items": shown, "cursor": items[-1]["offset"] if len(items) >= limit else None})


def _timeline(
    connection: Connection, estate_id: str, grant: Grant, before: int, limit: int
) -> list[dict[str, Any]]:
    events = campaign_log(connection, estate_id, before, limit)
    # Below the page's last campaign event, tasks belong to the next page.
    after = events[-1].offset if len(events) == limit else -1
    changed = tasks_changed(
        connection, estate_id, after, before, limit, dealer_id=grant.dealer_id, store_id=grant.store_id)
    sent = sent_at(connection, (row.changed for row in changed))
    items = [_item(row) for row in events] + [_task_item(row, sent.get(row.changed)) for row in changed]
    items.sort(key=lambda item: item["offset"], reverse=True)
    # What changed at one offset stays on one page: the next begins below it.
    return [item for place, item in enumerate(items) if place < limit or item["offset"] == items[limit - 1]["offset"]]


def _history(
    connection: Connection, estate_id: str, member_id: str, before: int, limit: int
) -> list[dict[str, Any]]:
    """What the estate's campaign events say of one member."""
    needle = msgspec.json.encode(member_id)
    found: list[dict[str, Any]] = []
    while len(found) < limit:
        rows = campaign_log(connection, estate_id, before, MOST)
        items = (_item(row) for row in rows if needle in row.raw)
        found += [item for item in items if (item["data"] or {}).get("member_id") == member_id]
        if len(rows) < MOST:
            break
        before = rows[-1].offset
    return found[:limit]


def _shown(here: Gateway, grant: Grant, item: dict[str, Any]) -> bool:
    if item["type"] == POSTED:
        # Entries have a view of their own: /v1/ledger.
        return False
    group = here.reference().groups.get((item["data"] or {}).get("group_id") or "")
    return group is None or group.dealer_id is None or sees_group(here, grant, group)


def _item(row: LogRow) -> dict[str, Any]:
    event = msgspec.json.decode(row.raw)
    return {"offset": row.offset, **{name: event.get(name) for name in ("id", "type", "time", "causationid", "data")}}


def _task_item(row: TaskRow, sent: LogRow | None) -> dict[str, Any]:
    """A task's last change: the event that went out for it, or, for a mark that sent none, where it stands."""
    event = msgspec.json.decode(sent.raw) if sent else {}
    task = msgspec.json.decode(row.body)
    own = (event.get("data") or {}).get("task_id") == row.task_id
    shown = ("task_id", "group_id", "persona_id", "role", "action", "phase", "day", "status", "window")
    return {
        "offset": row.changed,
        "id": event["id"] if own else None,
        "type": event["type"] if own else f"loupan.task.{row.status}.v1",
        "time": event["time"] if own or event else task.get("issued_at"),
        "causationid": event.get("causationid") if own else None,
        "data": {name: task.get(name) for name in shown} | {"text": (task.get("script") or {}).get("text", "")[:80]},
    }


def own_estate(here: Gateway, grant: Grant, estate_id: str) -> Estate:
    """The estate, which the grant's holder may see.

    Raises:
        Problem: when there is none, or it is not theirs to see: nobody can tell which.
    """
    _refresh(here)
    chart = here.atlas.chart()
    estate = chart.reference.estates.get(estate_id)
    if estate is None or not works(here, chart, grant, estate_id):
        raise Problem(NOT_FOUND, f"没有楼盘 {estate_id}。", f"There is no estate {estate_id}.")
    return estate


def _refresh(here: Gateway) -> None:
    version = here.changes.version()
    here.read(lambda connection: here.board.refresh(connection, version))
