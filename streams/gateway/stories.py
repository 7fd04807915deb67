"""An estate's story for HQ: phases with their gates, the ladder day by day, punctuality, dead letters."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection, select
from starlette.concurrency import run_in_threadpool

from agents.rows import CAMPAIGN
from agents.state import ORDER
from schemas.values import RUNGS
from streams import chronicle
from streams.gateway.auth import Watcher
from streams.gateway.context import Gateway, Here, json
from streams.gateway.estates import own_estate
from streams.gateway.history import take_in
from streams.gateway.reasons import reason_for
from streams.readers import LAST, MOST, LogRow, campaign_log, list_dead_letters, of_estate, sent_at
from streams.sql import sql_of
from streams.tables import tasks
from streams.tokens import Grant, TokenRole

#: Pages of the estate's log that are looked through for its phases, the latest first.
_PAGES = 10
#: How many dead letters are shown.
_LETTERS = 50
_ABOUT_PHASES = ("phase-entered", "gate-missed", "goal-reached", "stage-ended", "behind", "entry-ended")

router = APIRouter(tags=["hq"])


class _Timed(msgspec.Struct):
    time: str


_timed = msgspec.json.Decoder(_Timed)


@router.get("/v1/estates/{estate_id}/story", summary="An estate's phases, ladder, punctuality and dead letters")
async def read_story(request: Request, estate_id: str, here: Here, grant: Watcher) -> Response:
    """`{"phases", "ladder", "tasks", "letters"}` of one estate.

    `phases`: what the campaign entered, missed and reached, in order, each with the measures against its gate;
    `ladder`: by day, how many had risen to each rung; `tasks`: by day, those done in their window, done late, expired,
    skipped and open; `letters`: the latest dead letters of its groups, tasks and orders, for HQ alone, each with its
    reason by Accept-Language.
    """
    await run_in_threadpool(own_estate, here, grant, estate_id)
    await take_in(here)
    story = await here.ask(lambda connection: _story(here, grant, connection, estate_id))
    for letter in story["letters"]:
        letter["reason"] = reason_for(request, letter["reason"])
    return json(story)


def _story(here: Gateway, grant: Grant, connection: Connection, estate_id: str) -> dict[str, Any]:
    return {
        "estate_id": estate_id,
        "phases": _phases(connection, estate_id),
        "ladder": _ladder(connection, estate_id),
        "tasks": _tasks(here, connection, estate_id),
        "letters": _letters(here, connection, estate_id) if grant.role is TokenRole.HQ else [],
    }


# --- phases ---------------------------------------------------------------------------------------


def _phases(connection: Connection, estate_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    before = LAST
    for _ in range(_PAGES):
        rows = campaign_log(connection, estate_id, before, MOST)
        found += [line for row in rows if b'"loupan.campaign.' in row.raw and (line := _phase(row)) is not None]
        if len(rows) < MOST:
            break
        before = rows[-1].offset
    return found[::-1]


def _phase(row: LogRow) -> dict[str, Any] | None:
    event = msgspec.json.decode(row.raw)
    what = event["type"].removeprefix("loupan.campaign.").removesuffix(".v1")
    if what not in _ABOUT_PHASES:
        return None
    data = event["data"]
    shown = (
        "stage", "phase", "previous", "day", "rule", "measures", "gate", "reason", "next_stage", "orders",
        "target_orders", "measure", "expected", "actual", "weakest", "leak", "baseline", "reached", "series",
    )
    return {"what": what, "time": event["time"], **{name: data[name] for name in shown if name in data}}


def _ladder(connection: Connection, estate_id: str) -> dict[str, Any]:
    days = [(day, state) for day, state in chronicle.of_estate(connection, estate_id) if state.stage]
    return {
        "days": [day for day, _ in days],
        "rungs": {rung.value: [state.rungs.get(rung.value, 0) for _, state in days] for rung in RUNGS[1:]},
        "placed": [state.placed for _, state in days],
        "orders": [state.orders for _, state in days],
    }


# --- tasks ----------------------------------------------------------------------------------------


def _tasks(here: Gateway, connection: Connection, estate_id: str) -> dict[str, Any]:
    """By the day of their window. A task seen in the group after its window's end was done late."""
    columns = (tasks.c.status, tasks.c.window_start, tasks.c.window_end, tasks.c.changed)
    rows = connection.execute(
        select(*columns).where(tasks.c.estate_id == estate_id).order_by(tasks.c.window_start.desc()).limit(MOST)
    ).all()
    seen = sent_at(connection, (row.changed for row in rows if row.status == "verified"))
    times = {offset: _ms(_timed.decode(row.raw).time) for offset, row in seen.items()}
    days: dict[str, Counter[str]] = {}
    for row in rows:
        day = datetime.fromtimestamp(row.window_start / 1000, here.zone).date().isoformat()
        days.setdefault(day, Counter())[_how(row, times)] += 1
    total: Counter[str] = sum(days.values(), Counter())
    over = total["done"] + total["late"] + total["expired"] + total["skipped"]
    return {
        "days": [{"day": day, **{name: days[day][name] for name in _HOW}} for day in sorted(days)],
        **{name: total[name] for name in _HOW},
        "on_time": round(total["done"] / over, 4) if over else None,
    }


_HOW = ("done", "late", "expired", "skipped", "open")


def _how(row: Any, times: dict[int, int]) -> str:
    status = str(row.status)
    if status == "verified":
        return "late" if times.get(row.changed, 0) > row.window_end else "done"
    return "open" if status in ("issued", "claimed") else status


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


# --- dead letters ---------------------------------------------------------------------------------


def _letters(here: Gateway, connection: Connection, estate_id: str) -> list[dict[str, Any]]:
    """The latest dead letters that name the estate, one of its groups, tasks or orders."""
    letters = [(row, _data(row.raw)) for row in list_dead_letters(connection, status="dead", limit=MOST)]
    groups = {group.group_id for group in here.reference().groups_of_estate.get(estate_id, ())}
    own = of_estate(connection, estate_id, [str(data.get("task_id")) for _, data in letters if data.get("task_id")])
    orders = set(sql_of(connection)(
        "SELECT sub FROM state WHERE step = ? AND key = ? AND kind = ?", (CAMPAIGN, estate_id, ORDER)).scalars())
    return [
        {
            "id": row.offset, "origin": row.origin, "reason": row.reason, "type": data.get("type"),
            "at": datetime.fromtimestamp(row.at / 1000, UTC),
        }
        for row, data in letters
        if data.get("estate_id") == estate_id or data.get("group_id") in groups or data.get("task_id") in own
        or data.get("order_id") in orders
    ][:_LETTERS]


def _data(raw: bytes) -> dict[str, Any]:
    """What a dead letter says of itself; nothing, where it cannot be read at all."""
    try:
        event = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    data = event.get("data") if isinstance(event, dict) else None
    names = ("estate_id", "group_id", "task_id", "order_id")
    said = {name: data[name] for name in names if isinstance(data.get(name), str)} if isinstance(data, dict) else {}
    kind = event.get("type") if isinstance(event, dict) else None
    return said | {"type": kind if isinstance(kind, str) else None}
