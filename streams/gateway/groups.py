"""A dealer's groups and estates: where each stands, its mood, its next task, and what nobody works near the shop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from agents.mood import Mood, mood_of
from agents.rows import CAMPAIGN
from agents.state import MEMBER, CampaignRow, GroupHome, MemberRow, Tally, campaign_row, group_home, member_of, tally
from schemas.reference import Group, Reference
from schemas.values import RUNGS
from streams.gateway.atlas import point_of, properties_of
from streams.gateway.auth import Doer, sees
from streams.gateway.board import body_of
from streams.gateway.context import Gateway, Here, json
from streams.gateway.covering import coverage_of
from streams.gateway.day import Dealer, estates_of
from streams.gateway.nearby import nearest_first
from streams.gateway.tasks import with_names
from streams.readers import TaskFilter, list_tasks
from streams.rows import StoredRows
from streams.tokens import Grant

#: How far from a shop an estate that nobody works is told of, in metres, and of how many: what one can walk or ride to.
NEAR_M, _NEAREST = 5000.0, 12
#: How far ahead a group's next task is looked for.
_AHEAD = timedelta(days=2)

router = APIRouter(tags=["dealers"])


@router.get("/v1/dealer/groups", summary="My groups: where they stand, their mood, their next task")
def read_groups(
    here: Here, grant: Doer, dealer_id: Dealer = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
    cursor: Annotated[str | None, Query(max_length=256, description="The last page's cursor")] = None,
) -> Response:
    """`{"groups", "cursor"}`, by id: the estate, its phase and day, members by rung, the mood and its counts.

    `mood.word` is empty, upset, warm, calm or cool (docs/dealers.md); `next` is the next open task.
    """
    reference = here.reference()
    mine = sorted(
        group.group_id for group in reference.groups.values()
        if sees(grant, group.dealer_id, group.store_id) and dealer_id in (None, group.dealer_id))
    page = [group_id for group_id in mine if cursor is None or group_id > cursor][: limit + 1]
    groups = [reference.groups[group_id] for group_id in page[:limit]]
    version = here.changes.version()
    return json({
        "groups": here.read(lambda connection: list(_groups(connection, here, grant, groups, version))),
        "cursor": page[limit - 1] if len(page) > limit else None,
    })


def _groups(
    connection: Connection, here: Gateway, grant: Grant, groups: list[Group], version: int
) -> Iterator[dict[str, Any]]:
    here.board.refresh(connection, version)
    rows = StoredRows()
    rows.attach(connection)
    due = _next(connection, here, grant, groups)
    crowds: dict[str, dict[str, list[MemberRow]]] = {}
    for group in groups:
        home: GroupHome | None = rows.get(group_home(group.group_id))
        estate_id = (home.estate_id if home is not None else None) or group.estate_id
        if estate_id is not None and estate_id not in crowds:
            crowds[estate_id] = _crowds(rows, estate_id)
        members = crowds.get(estate_id or "", {}).get(group.group_id, [])
        yield _group(here, rows, group, estate_id, members) | {"next": due.get(group.group_id)}


def _crowds(rows: StoredRows, estate_id: str) -> dict[str, list[MemberRow]]:
    """The members of an estate's groups."""
    crowds: dict[str, list[MemberRow]] = {}
    for sub, row in rows.scan(CAMPAIGN, estate_id, MEMBER):
        crowds.setdefault(member_of(sub)[0], []).append(row)
    return crowds


def _group(
    here: Gateway, rows: StoredRows, group: Group, estate_id: str | None, members: list[MemberRow]
) -> dict[str, Any]:
    reference = here.reference()
    estate, store = reference.estates.get(estate_id or ""), reference.stores.get(group.store_id or "")
    campaign: CampaignRow | None = rows.get(campaign_row(estate_id)) if estate_id is not None else None
    counts: Tally = (rows.get(tally(estate_id, group.group_id)) if estate_id is not None else None) or Tally()
    entry = here.board.entry(estate_id or "")
    mood = mood_of(members, here.today(), campaign.phase_seq if campaign is not None else 0)
    stands = ("status", "stage", "phase", "day", "days", "phase_day", "phase_days")
    body = body_of(entry) if entry is not None else {}
    return {
        "group_id": group.group_id, "name": group.name or group.group_id, "kind": group.kind, "open": group.open,
        "estate_id": estate_id, "estate_name": estate.name if estate else None,
        "store_name": store.name if store else None, "dealer_id": group.dealer_id,
        **{name: body.get(name) for name in stands},
        "members": counts.members, "active": counts.active,
        "rungs": dict(zip(RUNGS, counts.rungs, strict=True)), "mood": _mood(mood),
    }


def _mood(mood: Mood) -> dict[str, Any]:
    return {name: getattr(mood, name) for name in Mood.__struct_fields__}


def _next(connection: Connection, here: Gateway, grant: Grant, groups: list[Group]) -> dict[str, msgspec.Raw]:
    """The next open task of each group."""
    now, reference = here.clock.now(), here.reference()
    start, end = int(now.timestamp() * 1000), int((now + _AHEAD).timestamp() * 1000)
    wanted = {group.group_id for group in groups}
    dealers = {group.dealer_id for group in groups}
    only = next(iter(dealers)) if len(dealers) == 1 else grant.dealer_id
    open_ = TaskFilter(dealer_id=only, statuses=("issued", "claimed"), start=start, end=end, limit=2000,
        store_id=grant.store_id)
    found: dict[str, msgspec.Raw] = {}
    for row in list_tasks(connection, open_):
        if row.group_id in wanted and row.group_id not in found and sees(grant, row.dealer_id, row.store_id):
            found[row.group_id] = with_names(row.body, reference)
    return found


@router.get("/v1/dealer/estates", summary="My estates, and those near the shop that nobody works")
def read_own_estates(here: Here, grant: Doer, dealer_id: Dealer = None) -> Response:
    """`{"estates", "near", "near_m"}`: where I work, with phase, orders and target; and the nearest that nobody works.

    `near` are estates without group and campaign within `near_m` metres of one of my shops, the nearest first.
    """
    version = here.changes.version()
    here.read(lambda connection: here.board.refresh(connection, version))
    reference = here.reference()
    mine = sorted(set(estates_of(here, grant, dealer_id)) & reference.estates.keys())
    lines = sorted((_estate(here, reference, grant, estate_id) for estate_id in mine[:500]), key=_by_worth)
    return json({
        "estates": lines, "near": _near(here, reference, grant.dealer_id or dealer_id, grant.store_id),
        "near_m": NEAR_M})


_SHOWN = ("status", "stage", "phase", "day", "days", "members", "active", "orders", "target_orders", "sign_ups",
          "started_on", "gate_missed")
_RUNS = ("running", "paused", "scheduled")


def _by_worth(line: dict[str, Any]) -> tuple[int, str]:
    """What is worked comes first."""
    status = line.get("status")
    return _RUNS.index(status) if status in _RUNS else len(_RUNS), line["name"]


def _estate(here: Gateway, reference: Reference, grant: Grant, estate_id: str) -> dict[str, Any]:
    estate, entry = reference.estates[estate_id], here.board.entry(estate_id)
    body = body_of(entry) if entry is not None else {}
    there = reference.groups_of_estate.get(estate_id, ())
    groups = [group for group in there if sees(grant, group.dealer_id, group.store_id)]
    return {
        **properties_of(estate), "address": estate.address, **{name: body.get(name) for name in _SHOWN},
        "groups": len(groups), "coverage": coverage_of(here, reference, estate),
    }


def _near(
    here: Gateway, reference: Reference, dealer_id: str | None, store_id: str | None
) -> list[dict[str, Any]]:
    """The estates near a dealer's shops, or one of them, that nobody works: no group, no campaign."""
    if dealer_id is None:
        return []
    found: dict[str, tuple[float, str]] = {}
    for store in reference.stores.values():
        own = store.dealer_id == dealer_id and store_id in {None, store.store_id}
        at = point_of(store) if own else None
        if at is None:
            continue
        taken = 0
        for estate_id, away in nearest_first(here.atlas.book(), at, None):
            if away > NEAR_M or taken == _NEAREST:
                break
            if coverage_of(here, reference, reference.estates[estate_id]) in ("nobody", "idle"):
                taken += 1
                found[estate_id] = min(found.get(estate_id, (away, store.name)), (away, store.name))
    nearest = sorted(found, key=lambda estate_id: (found[estate_id][0], estate_id))[:_NEAREST]
    return [
        {
            **properties_of(reference.estates[estate_id]), "address": reference.estates[estate_id].address,
            "distance_m": round(found[estate_id][0]), "store_name": found[estate_id][1],
        }
        for estate_id in nearest
    ]
