"""`POST /v1/connectors/wechaty`: what a bot's webhook sends, made into events and handed to the door.

A payload that cannot be read is kept as a dead letter, whole, like an event that cannot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec
from fastapi import APIRouter, Request, Response

from schemas.errors import BadEvent
from streams.gateway.auth import Publisher
from streams.gateway.context import Gateway, Here, json
from streams.gateway.events import MAX_EVENTS, body_of, not_too_many
from streams.gateway.parts import is_list, values_of
from streams.gateway.ports import Accepted
from streams.gateway.problems import TOO_LARGE, WRONG_TYPE, Problem
from streams.gateway.reasons import not_taken, results_for
from streams.importing import wechaty
from streams.inbox import DEAD, bury, milliseconds

router = APIRouter(tags=["events"])


class Heard(msgspec.Struct):
    """What became of a payload: accepted, duplicate, ignored (of no group) or error; and the ids of its events."""

    index: int
    status: Literal["accepted", "duplicate", "ignored", "error"]
    ids: list[str]
    detail: str | None = None


@router.post(
    "/v1/connectors/wechaty",
    summary="What wechaty hears in groups: one payload or many",
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {
        "schema": {"oneOf": [
            {"type": "object", "description": "A payload of wechaty-puppet, or an envelope that names its event"},
            {"type": "array", "items": {"type": "object"}, "maxItems": MAX_EVENTS}]},
        "examples": {
            "message": {"value": {
                "id": "7263", "type": "Text", "roomId": "1024@chatroom", "talkerId": "wxid_1", "timestamp": 1772539950,
                "text": "大家好，我是3栋的"}},
            "room-join": {"value": {"event": "room-join", "payload": {
                "roomId": "1024@chatroom", "inviteeIdList": ["wxid_2"], "inviterId": "wxid_1",
                "timestamp": 1772539950}}},
        },
    }}}},
    responses={422: {"description": "The one payload is wrong; of many, `results` says which"}},
)
async def hear_wechaty(request: Request, here: Here, grant: Publisher) -> Response:
    """Take payloads; each is answered by its place: accepted, duplicate, ignored, or error with what is wrong."""
    not_too_many(here)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(
            WRONG_TYPE, f"这里收 application/json，不收 {media_type or '没有写明类型的内容'}。",
            f"This takes application/json, not {media_type or 'what names no type'}.")
    raws, single = _split(await body_of(request))
    source = grant.source or wechaty.SOURCE
    heard = results_for(request, await _take(here, raws, source))
    if single and heard[0].status == "error":
        raise not_taken(heard[0].detail, results=heard)
    counts = {name: sum(one.status == name for one in heard) for name in ("accepted", "duplicate", "ignored", "error")}
    return json({"results": heard, **counts})


def _split(body: bytes) -> tuple[list[bytes], bool]:
    """The payloads of a body, and whether it is one alone."""
    if not is_list(body):
        return [body], True
    raws = values_of(body)
    if len(raws) > MAX_EVENTS:
        raise Problem(
            TOO_LARGE, f"一次请求最多 {MAX_EVENTS} 条。", f"A request has at most {MAX_EVENTS} payloads.")
    return raws, False


async def _take(here: Gateway, raws: Sequence[bytes], source: str) -> list[Heard]:
    events: list[bytes] = []
    found: list[tuple[slice, str | None, str | None]] = []
    for raw in raws:
        try:
            made = wechaty.convert(raw, source)
        except BadEvent as error:
            found.append((slice(0, 0), None, str(error)))
            continue
        found.append((slice(len(events), len(events) + len(made.raws)), made.passed, None))
        events += made.raws
    letters = [
        (f"wechaty:{number}", wrong, raw, milliseconds(here.clock.now), DEAD)
        for number, (raw, (_, _, wrong)) in enumerate(zip(raws, found, strict=True), start=1) if wrong is not None]
    if letters:
        await here.change(lambda connection: bury(connection, letters))
    answers = await here.door.accept(events) if events else []
    for answer in answers:
        here.measures.events.labels(answer.status).inc()
    return list(_heard(found, answers))


def _heard(found: Sequence[tuple[slice, str | None, str | None]], answers: Sequence[Accepted]) -> Iterator[Heard]:
    for index, (part, passed, wrong) in enumerate(found):
        own = answers[part]
        ids = [answer.id for answer in own if answer.id is not None]
        refused = wrong or next((answer.detail for answer in own if answer.status == "error"), None)
        if refused is not None:
            yield Heard(index, "error", ids, refused)
        elif passed is not None:
            yield Heard(index, "ignored", [], passed)
        else:
            new: Any = any(answer.status == "accepted" for answer in own)
            yield Heard(index, "accepted" if new else "duplicate", ids)
