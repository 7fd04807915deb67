"""`POST /v1/tasks/{id}/claim|done|skip`: what a person says of a task, published through the door like any event."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, Field
from starlette.concurrency import run_in_threadpool

from agents.tasks import GRACE, MOVES
from schemas.ids import derived_id_ms
from schemas.tasks import Window
from schemas.values import TaskStatus
from streams.gateway.auth import Reader
from streams.gateway.context import Gateway, Here, json
from streams.gateway.problems import BAD_EVENT, BAD_PARAMETER, TOO_LATE, Problem
from streams.gateway.tasks import own_task
from streams.readers import TaskRow
from streams.tokens import Grant

Deed = Literal["claim", "done", "skip"]

_STATUS: dict[Deed, TaskStatus] = {
    "claim": TaskStatus.CLAIMED, "done": TaskStatus.DONE, "skip": TaskStatus.SKIPPED,
}
_STANDS = {
    TaskStatus.ISSUED: "待办", TaskStatus.CLAIMED: "已认领", TaskStatus.DONE: "已完成", TaskStatus.VERIFIED: "已核实",
    TaskStatus.SKIPPED: "已跳过", TaskStatus.EXPIRED: "已过期", TaskStatus.WITHDRAWN: "已撤回",
}
_WANTED = {"claim": "认领", "done": "标记完成", "skip": "跳过"}

router = APIRouter(tags=["tasks"])


class _Due(msgspec.Struct):
    window: Window


_window = msgspec.json.Decoder(_Due)


class Mark(BaseModel):
    """What may be said beside it. Without `persona_id` it is the persona that the task was given to."""

    persona_id: str | None = Field(default=None, max_length=256)
    message_id: Annotated[str | None, Field(max_length=256, description="The message that did it, if known")] = None
    reason: Annotated[str | None, Field(max_length=2000, description="Why it is skipped")] = None
    at: Annotated[AwareDatetime | None, Field(description="When it was said, where the phone had no network")] = None


@router.post("/v1/tasks/{task_id}/claim", status_code=202, summary="Take a task")
async def claim(task_id: str, here: Here, grant: Reader, mark: Mark | None = None) -> Response:
    """Say that somebody takes the task. Saying it twice counts once."""
    return await _say(here, grant, task_id, "claim", mark or Mark())


@router.post("/v1/tasks/{task_id}/done", status_code=202, summary="Say that a task is done")
async def done(task_id: str, here: Here, grant: Reader, mark: Mark | None = None) -> Response:
    """Say that the task is done. Whether it was is checked against the group's own messages."""
    return await _say(here, grant, task_id, "done", mark or Mark())


@router.post("/v1/tasks/{task_id}/skip", status_code=202, summary="Say that a task will not be done")
async def skip(task_id: str, here: Here, grant: Reader, mark: Mark | None = None) -> Response:
    """Say that the task will not be done, and why."""
    return await _say(here, grant, task_id, "skip", mark or Mark())


async def _say(here: Gateway, grant: Grant, task_id: str, deed: Deed, mark: Mark) -> Response:
    row = await run_in_threadpool(own_task, here, grant, task_id)
    now = here.clock.now()
    said_at = min(mark.at or now, now)
    _check(row, deed, mark, said_at)
    event = _event(grant, row, deed, mark, said_at)
    [said] = await here.door.accept([msgspec.json.encode(event)])
    if said.status == "error":
        raise Problem(BAD_EVENT, f"没有被接收：{said.detail}", f"It was not taken: {said.detail}")
    return json({"id": event["id"], "status": said.status, "task_id": task_id}, 202)


def _check(row: TaskRow, deed: Deed, mark: Mark, said_at: datetime) -> None:
    if mark.persona_id is not None and mark.persona_id != row.persona_id:
        raise Problem(
            BAD_PARAMETER, f"这条任务派给了 {row.persona_id}，不是 {mark.persona_id}。",
            f"The task was given to {row.persona_id}, not to {mark.persona_id}.",
        )
    stands, wanted = TaskStatus(row.status), _STATUS[deed]
    late = stands is TaskStatus.EXPIRED and said_at > _window.decode(row.body).window.end + GRACE
    # Saying again what is so already is a double tap, not a mistake.
    if stands is not wanted and (late or wanted not in MOVES[stands]):
        raise Problem(
            TOO_LATE, f"任务{_STANDS[stands]}，不能再{_WANTED[deed]}。",
            f"The task is {stands.value}: it cannot be {wanted.value} any more.", task_status=stands.value,
        )


def _event(grant: Grant, row: TaskRow, deed: Deed, mark: Mark, said_at: datetime) -> dict[str, object]:
    persona_id = mark.persona_id or row.persona_id
    data: dict[str, object] = {"task_id": row.task_id}
    if persona_id is not None:
        data["persona_id"] = persona_id
    if deed == "skip":
        data["reason"] = (mark.reason or "").strip() or "没有说明原因"
    elif mark.message_id:
        data["message_id"] = mark.message_id
    status = _STATUS[deed].value
    return {
        "specversion": "1.0",
        "id": derived_id_ms(_born(row.task_id), row.task_id, deed, persona_id or ""),
        "source": f"loupan/dealer/{grant.dealer_id}" if grant.dealer_id else "loupan/hq",
        "type": f"loupan.task.{status}.v1",
        "time": said_at,
        "subject": row.task_id,
        "datacontenttype": "application/json",
        "partitionkey": row.estate_id,
        "data": data,
    }


def _born(task_id: str) -> int:
    """The milliseconds in a task's id: a mark's id must not hang on when it was tapped."""
    try:
        return int(task_id[:8] + task_id[9:13], 16)
    except ValueError:
        return 0
