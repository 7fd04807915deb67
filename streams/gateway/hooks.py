"""`POST /v1/hooks/{sender}`: Standard Webhooks from outside. The signature lets them in; no token is asked for."""

from __future__ import annotations

import time
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, FastAPI, Header, Request, Response

from schemas.errors import BadEvent
from streams.gateway.context import Here, json
from streams.gateway.events import MAX_EVENTS, not_too_many, whole_body
from streams.gateway.problems import BAD_REQUEST, NO_TOKEN, Problem
from streams.gateway.reasons import in_chinese
from streams.webhooks import incoming
from streams.webhooks.refused import Refused
from streams.webhooks.secrets import TOLERANCE

router = APIRouter(tags=["events"])


def install(app: FastAPI) -> None:
    """Take webhooks."""
    app.state.refused = Refused()
    app.include_router(router)


Text = Annotated[str, Header()]


@router.post(
    "/v1/hooks/{sender}", summary="A webhook from outside (Standard Webhooks)",
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": {
        "description": 'A CloudEvent, an array of them, or `{"type", "timestamp", "data"}`'}}}}},
    responses={400: {"description": "Signed, and wrong: what is"}, 401: {"description": "Not signed, or not now"}},
)
async def receive(
    sender: str, request: Request, here: Here,
    webhook_id: Text = "", webhook_timestamp: Text = "", webhook_signature: Text = "",
) -> Response:
    """Take a message whose signature is right and not older than five minutes; sent again, it is a duplicate."""
    now, refused = time.time(), request.app.state.refused
    if not (0 < len(webhook_id) <= 200 and webhook_signature and _near(webhook_timestamp, now)):
        raise _not_let_in()
    body = await whole_body(request)
    found = await here.ask(lambda connection: incoming.find(connection, sender))
    if not incoming.is_theirs(found, webhook_id, webhook_timestamp, webhook_signature, body, now=int(now * 1000)):
        raise _not_let_in()
    not_too_many(here)
    assert found is not None  # noqa: S101  # nobody's message is anybody's
    # What was mended under the same id is another.
    said = f"{webhook_id} {sha256(body).hexdigest()}"
    if (why := refused.why(sender, said)) is not None:
        raise _wrong(why)
    try:
        raws = incoming.events_of(found, webhook_id, webhook_timestamp, body)
    except BadEvent as error:
        raise _wrong(str(error)) from error
    if len(raws) > MAX_EVENTS:
        raise _wrong(f"it holds {len(raws)} events, more than the {MAX_EVENTS} that are taken")
    results = await here.door.accept(raws) if raws else []
    for result in results:
        here.measures.events.labels(result.status).inc()
    if wrong := next((result for result in results if result.status == "error"), None):
        refused.note(sender, said, wrong.detail or "")
        raise _wrong(wrong.detail or "")
    return json({"results": results})


def _near(timestamp: str, now: float) -> bool:
    # Before the body is read: who is late by the clock need not send it all.
    return timestamp.isascii() and timestamp.isdigit() and abs(int(timestamp[:12]) - now) <= TOLERANCE


def _not_let_in() -> Problem:
    """One answer for all that is wrong: who guesses learns nothing."""
    return Problem(
        NO_TOKEN, "签名不对，或者不是刚发出的（前后 5 分钟以内）。",
        "The signature is not right, or not of now (within five minutes).",
        headers={"WWW-Authenticate": 'Webhook realm="loupan"'},
    )


def _wrong(why: str) -> Problem:
    return Problem(BAD_REQUEST, f"没有被接收：{in_chinese(why)}。", f"It was not taken: {why}.")
