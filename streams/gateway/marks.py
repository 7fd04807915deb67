"""`POST /v1/tasks/{id}/claim|done|skip`: what a person says of a task, published through the door like any event."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, Field
from starlette.concurrency import run_in_threadpool

from streams.gateway.auth import Doer
from streams.gateway.context import Gateway, Here, json
from streams.gateway.problems import BAD_PARAMETER, TOO_EARLY, TOO_LATE, Problem
from streams.gateway.reasons import not_taken
from streams.gateway.tasks import own_task
from streams.marking import Deed, Refusal, Said, event_of, refusal
from streams.tokens import Grant

_KINDS = {"not theirs": BAD_PARAMETER, "too early": TOO_EARLY, "too late": TOO_LATE}

router = APIRouter(tags=["tasks"])


class Mark(BaseModel):
    """What may be said beside it. Without `persona_id` it is the persona that the task was given to."""

    persona_id: str | None = Field(default=None, max_length=256)
    message_id: Annotated[str | None, Field(max_length=256, description="The message that did it, if known")] = None
    reason: Annotated[str | None, Field(max_length=2000, description="Why it is skipped")] = None
    at: Annotated[AwareDatetime | None, Field(description="When it was said, where the phone had no network")] = None


@router.post("/v1/tasks/{task_id}/claim", status_code=202, summary="Take a task")
async def claim(task_id: str, here: Here, grant: Doer, mark: Mark | None = None) -> Response:
    """Say that somebody takes the task. Saying it twice counts once."""
    return await _say(here, grant, task_id, "claim", mark or Mark())


@router.post("/v1/tasks/{task_id}/done", status_code=202, summary="Say that a task is done")
async def done(task_id: str, here: Here, grant: Doer, mark: Mark | None = None) -> Response:
    """Say that the task is done. Whether it was is checked against the group's own messages."""
    return await _say(here, grant, task_id, "done", mark or Mark())


@router.post("/v1/tasks/{task_id}/skip", status_code=202, summary="Say that a task will not be done")
async def skip(task_id: str, here: Here, grant: Doer, mark: Mark | None = None) -> Response:
    """Say that the task will not be done, and why."""
    return await _say(here, grant, task_id, "skip", mark or Mark())


async def _say(here: Gateway, grant: Grant, task_id: str, deed: Deed, mark: Mark) -> Response:
    row = await run_in_threadpool(own_task, here, grant, task_id)
    now = here.clock.now()
    said = Said(deed, min(mark.at or now, now), mark.persona_id, mark.message_id, mark.reason)
    refused = refusal(row, said)
    if refused is not None:
        raise _problem(refused)
    event = event_of(row, said, f"loupan/dealer/{grant.dealer_id}" if grant.dealer_id else "loupan/hq")
    [answer] = await here.door.accept([msgspec.json.encode(event)])
    if answer.status == "error":
        raise not_taken(answer.detail)
    return json({"id": event["id"], "status": answer.status, "task_id": task_id}, 202)


def _problem(refused: Refusal) -> Problem:
    english = f"{refused.en[0].upper()}{refused.en[1:]}."
    return Problem(_KINDS[refused.why], refused.zh, english, task_status=refused.status.value)
