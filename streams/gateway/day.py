"""A dealer's day in one answer, and the next one as far as it can be told: what the dealers' page begins with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from agents.foresight import Foreseen, foresee
from agents.world import World
from schemas.events import FIRST_YEAR, LAST_YEAR
from schemas.tasks import Task
from streams.gateway.auth import Doer, sees
from streams.gateway.board import body_of
from streams.gateway.context import Gateway, Here, json
from streams.gateway.problems import BAD_PARAMETER, Problem
from streams.gateway.running import who
from streams.gateway.tasks import with_names
from streams.readers import Cursor, TaskFilter, TaskRow, list_tasks
from streams.rows import StoredRows
from streams.tokens import Grant

#: The most tasks of a day, and the most estates that are looked ahead for: HQ may ask for all dealers at once.
_MOST, _ESTATES = 2000, 60

router = APIRouter(tags=["dealers"])

Dealer = Annotated[str | None, Query(max_length=256, description="HQ only: one dealer's")]
Day = Annotated[str | None, Query(alias="date", max_length=10, description="A date, say 2026-03-05; today without it")]


@router.get("/v1/dealer/day", summary="A dealer's day in one answer")
def read_day(here: Here, grant: Doer, day: Day = None, dealer_id: Dealer = None) -> Response:
    """`{"me", "date", "tasks", "files", "campaigns", "cursor", "more"}`: the day's tasks by window.

    `files` says of which attachments there is a file, as places from 1; `campaigns` how many stand where. From the
    cursor `/v1/tasks/stream` goes on.
    """
    wanted = day_in(here, day)
    version = here.changes.version()
    rows = here.read(lambda connection: of_day(connection, here, grant, dealer_id, wanted, version))
    return json({
        "me": who(here, grant), "date": wanted, "tasks": [with_names(row.body, here.reference()) for row in rows],
        "files": _files(here, rows), "campaigns": _campaigns(here, grant, dealer_id), "cursor": str(Cursor(version)),
        "more": len(rows) == _MOST,
    })


@router.get("/v1/dealer/tomorrow", summary="A coming day, as far as it can be told")
def read_tomorrow(here: Here, grant: Doer, dealer_id: Dealer = None) -> Response:
    """`{"date", "tasks", "foreseen", "estates"}`: what is handed out for tomorrow already, and what is to be expected.

    What is foreseen is told by the campaign's own rules, as if nothing happened until then; its texts may change, and
    it has no id: nothing can be said of it yet. `estates` say where each campaign would stand.
    """
    tomorrow = here.today() + timedelta(days=1)
    version, world = here.changes.version(), here.world()
    return json(here.read(lambda connection: _tomorrow(connection, here, grant, dealer_id, tomorrow, version, world)))


def _tomorrow(
    connection: Connection, here: Gateway, grant: Grant, dealer_id: str | None, day: date, version: int,
    world: World | None,
) -> dict[str, Any]:
    rows = of_day(connection, here, grant, dealer_id, day, version)
    seen = list(_ahead(connection, here, grant, dealer_id, day, world)) if world is not None else []
    known = {row.task_id for row in rows}
    tasks = [
        task for _, one in seen for task in one.tasks
        if task.task_id not in known and dealer_id in (None, task.dealer_id)
        and sees(grant, task.dealer_id, task.store_id)
    ]
    tasks.sort(key=lambda task: (task.window.start, task.priority, task.task_id))
    reference = here.reference()
    return {
        "date": day, "tasks": [with_names(row.body, reference) for row in rows],
        "foreseen": [with_names(_told(task), reference) for task in tasks[:_MOST]],
        "estates": [_stand(here, estate_id, one) for estate_id, one in seen if one.campaign is not None],
    }


def _ahead(
    connection: Connection, here: Gateway, grant: Grant, dealer_id: str | None, day: date, world: World
) -> Iterator[tuple[str, Foreseen]]:
    """The day of each of the holder's estates that has a campaign under way or to come."""
    rows, now = StoredRows(), here.clock.now()
    rows.attach(connection)
    entries = (entry for entry in here.board.entries().values() if _goes_on(body_of(entry)))
    estates = sorted({entry.estate_id for entry in entries} & set(estates_of(here, grant, dealer_id)))
    for estate_id in estates[:_ESTATES]:
        yield estate_id, here.ahead.of(
            estate_id, day, world, now, partial(foresee, rows, world, estate_id, now, day))


def _goes_on(body: dict[str, Any]) -> bool:
    return body.get("status") in ("running", "scheduled")


def _told(task: Task) -> bytes:
    """What is shown of a task that is not one yet: no id, no status, no cause."""
    shown = ("dealer_id", "store_id", "estate_id", "group_id", "phase", "stage", "day", "role", "persona_id", "action",
             "window", "script", "disclosure", "priority")
    return msgspec.json.encode({name: getattr(task, name) for name in shown} | {"foreseen": True})


def _stand(here: Gateway, estate_id: str, one: Foreseen) -> dict[str, Any]:
    estate, campaign = here.reference().estates.get(estate_id), one.campaign
    return {
        "estate_id": estate_id, "estate_name": estate.name if estate else estate_id,
        **{name: getattr(campaign, name, None) for name in ("run", "stage", "phase", "day", "phase_day")},
    }


# --- shared by the dealers' views -------------------------------------------------------------------


def day_in(here: Gateway, text: str | None) -> date:
    """A date parameter, today where there is none.

    Raises:
        Problem: where it is no date.
    """
    if text is None:
        return here.today()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Problem(
            BAD_PARAMETER, f"参数 date 不是日期：{text}（例如 2026-03-05）。",
            f"date is not a date: {text} (say 2026-03-05).")
    return day


def of_day(
    connection: Connection, here: Gateway, grant: Grant, dealer_id: str | None, day: date, version: int
) -> list[TaskRow]:
    """The tasks whose window begins on a day, that the holder may see, by window."""
    here.board.refresh(connection, version)
    days = (day, day + timedelta(days=1))
    start, end = (int(datetime.combine(at, time(), here.zone).timestamp() * 1000) for at in days)
    wanted = TaskFilter(
        dealer_id=grant.dealer_id or dealer_id, store_id=grant.store_id, start=start, end=end, limit=_MOST)
    return [row for row in list_tasks(connection, wanted) if sees(grant, row.dealer_id, row.store_id)]


def estates_of(here: Gateway, grant: Grant, dealer_id: str | None) -> Iterable[str]:
    """The estates in which the holder has groups, or a campaign; HQ's are all that anybody works."""
    chart = here.atlas.chart()
    if grant.store_id is not None:
        own = {entry.estate_id for entry in here.board.entries().values()
               if body_of(entry).get("store_id") == grant.store_id}
        return own | chart.estates_by_store.get(grant.store_id, frozenset())
    whose = grant.dealer_id or dealer_id
    if whose is None:
        return {entry.estate_id for entry in here.board.entries().values()}
    # Most rows of the flow map are another dealer's: their bytes say so before they are read.
    name = msgspec.json.encode(whose)
    worked = {
        entry.estate_id for entry in here.board.entries().values()
        if name in entry.raw and body_of(entry).get("dealer_id") == whose}
    return worked | chart.estates_by_dealer.get(whose, frozenset())


def _files(here: Gateway, rows: list[TaskRow]) -> dict[str, list[int]]:
    """Which attachments of which task have a file."""
    if not here.pictures.there:
        return {}
    found = {row.task_id: here.pictures.places(row.body) for row in rows}
    return {task_id: places for task_id, places in found.items() if places}


def _campaigns(here: Gateway, grant: Grant, dealer_id: str | None) -> dict[str, int]:
    """How many of the holder's campaigns stand where."""
    entries = here.board.entries()
    stands = (body_of(entries[id]).get("status") for id in estates_of(here, grant, dealer_id) if id in entries)
    return dict(Counter(status for status in stands if status))
