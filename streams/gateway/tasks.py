"""The dealers' tasks: the list, the stream, what was done of them, and why they were asked for."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from schemas.reference import Reference
from schemas.values import TaskStatus
from streams.gateway.auth import Viewer
from streams.gateway.context import Gateway, Here, json
from streams.gateway.fresh import Fresh
from streams.gateway.problems import BAD_PARAMETER, NOT_FOUND, Problem, prefers_chinese
from streams.gateway.scope import estates_of, sees_task
from streams.gateway.sse import Now, Start
from streams.gateway.streaming import TaskStream
from streams.gateway.why import explain
from streams.readers import Cursor, TaskFilter, TaskRow, find_task, list_tasks, worked
from streams.tokens import Grant, TokenRole

router = APIRouter(tags=["tasks"])


@router.get("/v1/tasks", summary="Tasks, by window, or what changed since a cursor")
def read_tasks(
    request: Request,
    here: Here,
    grant: Viewer,
    status: Annotated[list[str] | None, Query(description="One or more, repeated or with commas between")] = None,
    estate_id: str | None = None,
    group_id: str | None = None,
    persona_id: str | None = None,
    dealer_id: Annotated[str | None, Query(description="HQ and a region: one dealer's")] = None,
    since: Annotated[str | None, Query(description="A cursor: what changed since, in the order of change")] = None,
    start: Annotated[str | None, Query(alias="from", description="Windows that end after it")] = None,
    end: Annotated[str | None, Query(alias="to", description="Windows that start before it")] = None,
    limit: Annotated[int, Query(ge=1, le=2000)] = 500,
) -> Response:
    """`{"tasks", "cursor", "more"}`: a dealer's or a store's own, those of a region's estates, or all for HQ.

    Without `since` they come by window; where `more` is true, ask for a narrower time. With it they come in the
    order of change, page by page: ask again with the new cursor. The cursor also starts the stream.
    """
    version = here.changes.version()
    fresh = Fresh(here, request, grant, version, here.read(worked))
    if (known := fresh.known()) is not None:
        return known
    if grant.role is TokenRole.REGION:
        here.read(lambda connection: here.board.refresh(connection, version))
    wanted = TaskFilter(
        dealer_id=grant.dealer_id or dealer_id, estate_id=estate_id, group_id=group_id, persona_id=persona_id,
        statuses=_statuses(status), start=here.moment("from", start), end=here.moment("to", end),
        since=_cursor(since), limit=limit, store_id=grant.store_id, estates=estates_of(here, grant),
    )
    rows = here.read(lambda connection: list_tasks(connection, wanted))
    reference = here.reference()
    more = len(rows) == limit
    return json({
        "tasks": [with_names(row.body, reference) for row in rows],
        "cursor": str(_next(wanted, rows, version, more)),
        "more": more,
    }, headers=fresh.headers)


def _next(wanted: TaskFilter, rows: list[TaskRow], version: int, more: bool) -> Cursor:
    if wanted.since is None:
        return Cursor(version)
    return Cursor(rows[-1].changed, rows[-1].task_id) if more else Cursor(max(version, wanted.since.changed))


def _statuses(given: list[str] | None) -> tuple[str, ...]:
    names = tuple(name for part in given or () for name in part.split(",") if name)
    unknown = [name for name in names if name not in set(TaskStatus)]
    if unknown:
        known = ", ".join(TaskStatus)
        raise Problem(
            BAD_PARAMETER, f"没有这个任务状态：{unknown[0]}（有：{known}）。",
            f"There is no task status {unknown[0]} (there are: {known}).",
        )
    return names


def _cursor(text: str | None) -> Cursor | None:
    if text is None:
        return None
    try:
        return Cursor.parse(text)
    except ValueError as error:
        raise Problem(BAD_PARAMETER, f"since 不是游标：{text}", f"since is not a cursor: {text}") from error


class _Whose(msgspec.Struct, gc=False):
    estate_id: str
    group_id: str
    persona_id: str | None = None


_whose = msgspec.json.Decoder(_Whose)


#: Where a task is that belongs to no group yet: outside, on the way in.
OUTSIDE = "群外"


def with_names(body: bytes, reference: Reference) -> msgspec.Raw:
    """A task's JSON with the names that people know things by, put at its end."""
    ids = _whose.decode(body)
    estate = reference.estates.get(ids.estate_id)
    group = reference.groups.get(ids.group_id)
    persona = reference.personas.get(ids.persona_id or "")
    names = msgspec.json.encode({
        "estate_name": estate.name if estate else ids.estate_id,
        "group_name": (group.name if group else "") or ids.group_id or OUTSIDE,
        "persona_name": persona.name if persona else ids.persona_id,
    })
    # Both are objects: the one's last brace and the other's first become the comma between them.
    return msgspec.Raw(body.rstrip()[:-1] + b"," + names[1:])


@router.get(
    "/v1/tasks/stream", response_class=Response, summary="Tasks as they change (SSE)",
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def stream_tasks(
    here: Here, grant: Viewer, start: Start, version: Now, dealer_id: str | None = None
) -> Response:
    """Every event of the topic `tasks`: id = its place in the outbox, event = its type, data = the CloudEvent.

    Comes back with Last-Event-ID where it stopped. A slow reader gets everything later, never less.
    """
    return TaskStream(here, grant, version if start is None else min(start, version), grant.dealer_id or dealer_id)


@router.get("/v1/tasks/{task_id}/why", summary="Why a task was asked for")
def read_why(task_id: str, request: Request, here: Here, grant: Viewer) -> Response:
    """The rule in words, the script and its version, what it rests on, and the events that brought it about."""
    chinese = prefers_chinese(request.headers.get("accept-language"))
    row = own_task(here, grant, task_id)
    return json(here.read(lambda connection: explain(connection, row, chinese=chinese)))


def own_task(here: Gateway, grant: Grant, task_id: str) -> TaskRow:
    """A task that the grant's holder may see. Another dealer's is not there, as far as they can tell."""
    row = here.read(lambda connection: find_task(connection, task_id))
    if row is None or not sees_task(here, grant, row):
        raise Problem(NOT_FOUND, f"没有任务 {task_id}。", f"There is no task {task_id}.")
    return row
