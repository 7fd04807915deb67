"""Dead letters: what could not be read or applied, and sending it again through the door."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from schemas.errors import BadEvent
from streams.dead_letters import resent
from streams.gateway.auth import Hq
from streams.gateway.context import Here, json
from streams.gateway.problems import BAD_EVENT, NOT_FOUND, TOO_LATE, Problem
from streams.gateway.reasons import in_chinese, not_taken, reason_for
from streams.inbox import AHEAD, read_event
from streams.readers import LAST, DeadLetter, find_dead_letter, list_dead_letters, mark_retried

#: How much of a dead letter a list shows, in characters; `raw_bytes` says how long it is.
_SHOWN = 4000

router = APIRouter(tags=["hq"])


@router.get("/v1/dead-letters", summary="Dead letters, the latest first")
def read_dead_letters(
    request: Request,
    here: Here,
    _: Hq,
    status: Literal["dead", "retried"] | None = None,
    before: Annotated[int | None, Query(ge=0, le=LAST, description="The last page's cursor")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """`{"dead_letters", "cursor"}`: each with its origin, its reason (by Accept-Language) and what it was."""
    rows = here.read(lambda connection: list_dead_letters(connection, status=status, before=before, limit=limit))
    return json({
        "dead_letters": [_shown(row) | {"reason": reason_for(request, row.reason)} for row in rows],
        "cursor": rows[-1].offset if len(rows) == limit else None,
    })


def _shown(row: DeadLetter) -> dict[str, Any]:
    return {
        "id": row.offset, "origin": row.origin, "status": row.status,
        "at": datetime.fromtimestamp(row.at / 1000, UTC),
        "raw": row.raw[: _SHOWN * 4].decode(errors="replace")[:_SHOWN], "raw_bytes": len(row.raw),
    }


@router.post("/v1/dead-letters/{letter_id}/retry", status_code=202, summary="Send a dead letter again")
async def retry(letter_id: Annotated[int, Path(ge=0, le=LAST)], here: Here, _: Hq) -> Response:
    """Hand it to the door again, whole. What the door refuses stays dead."""
    row = await here.ask(lambda connection: find_dead_letter(connection, letter_id))
    if row is None:
        raise Problem(NOT_FOUND, f"没有死信 {letter_id}。", f"There is no dead letter {letter_id}.")
    if row.status != "dead":
        raise Problem(TOO_LATE, "它已经重发过了。", "It was sent again already.")
    raw = resent(row.raw, row.origin, letter_id)
    try:
        # Asked beforehand: the door would bury it a second time.
        read_event(raw, here.clock.now() + AHEAD)
    except BadEvent as error:
        raise Problem(
            BAD_EVENT, f"还是不能接收：{in_chinese(str(error))}。", f"It still cannot be taken: {error}.") from error
    [said] = await here.door.accept([raw])
    if said.status == "error":
        raise not_taken(said.detail)
    await here.change(lambda connection: mark_retried(connection, letter_id))
    return json({"id": letter_id, "status": said.status, "event_id": said.id}, 202)
