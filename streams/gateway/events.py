"""`POST /v1/events`: CloudEvents over HTTP, structured, in a batch, or binary, handed whole to the door."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import AsyncGenerator
from typing import NamedTuple
from urllib.parse import unquote

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from schemas.events import MAX_EVENT_BYTES
from streams.gateway.auth import Publisher
from streams.gateway.context import Gateway, Here, json
from streams.gateway.parts import is_list, value_of, values_of
from streams.gateway.ports import Accepted
from streams.gateway.problems import BAD_REQUEST, BUSY, NOT_ALLOWED, TOO_LARGE, WRONG_TYPE, Problem
from streams.gateway.reasons import in_chinese, not_taken, results_for

#: The largest request, in bytes and in events.
MAX_REQUEST_BYTES = 8 * 1_048_576
MAX_EVENTS = 1000
#: Of a request that is too large so much is read, in bytes and in seconds, so that its sender hears why.
MAX_DRAINED, DRAIN_SECONDS = 64 * 1_048_576, 10.0
#: More events than this in the inbox that nobody worked yet: the sender is asked to slow down.
MAX_LAG = 50_000

_STRUCTURED = "application/cloudevents+json"
_BATCH = "application/cloudevents-batch+json"

router = APIRouter(tags=["events"])


class Sent(NamedTuple):
    """The events of a request, each as a structured CloudEvent; `single` where it was not a batch."""

    raws: list[bytes]
    single: bool


def not_too_many(here: Gateway) -> None:
    """Ask the sender to slow down where the inbox is not worked."""
    if here.door.lag > MAX_LAG:
        raise Problem(
            BUSY, f"收件箱里还有 {here.door.lag} 条没处理，请过几秒再发。",
            f"{here.door.lag} events in the inbox aren't worked yet: send again in a few seconds.",
            headers={"Retry-After": "5"},
        )


@router.post(
    "/v1/events",
    summary="Publish one event or a batch",
    openapi_extra={"requestBody": {"required": True, "content": {
        _STRUCTURED: {"schema": {"type": "object", "description": "One CloudEvent"}},
        _BATCH: {"schema": {"type": "array", "items": {"type": "object"}, "maxItems": MAX_EVENTS}},
        "application/json": {"schema": {"description": "One CloudEvent, an array of them, or with ce-* headers data"}},
    }}},
    responses={422: {"description": "The one event is wrong; in a batch, `results` says which"}},
)
async def publish(request: Request, here: Here, grant: Publisher) -> Response:
    """Take events; each is answered by its place: accepted, duplicate, or error with what is wrong."""
    not_too_many(here)
    sent = _read(request, await body_of(request))
    foreign = _foreign(sent, grant.source)
    own = [raw for index, raw in enumerate(sent.raws) if index not in foreign] if foreign else sent.raws
    results = await here.door.accept(own) if own else []
    placed = _in_place(results, foreign, len(sent.raws)) if foreign else results
    return _answer(here, sent, results_for(request, placed), foreign)


class _Named(msgspec.Struct):
    source: str = ""
    id: str | None = None


_named = msgspec.json.Decoder(_Named)


def _foreign(sent: Sent, source: str | None) -> dict[int, Accepted]:
    """The events, by their place, whose source is not the one that the token is limited to; the door hears none."""
    if source is None:
        return {}
    found: dict[int, Accepted] = {}
    for index, raw in enumerate(sent.raws):
        try:
            event = _named.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            # No source at all, or no text: the door refuses that by itself.
            continue
        if event.source != source:
            why = f"its source is {event.source[:200]!r}: this token publishes {source!r} alone"
            found[index] = Accepted(index, "error", event.id, why)
    return found


def _in_place(results: list[Accepted], foreign: dict[int, Accepted], count: int) -> list[Accepted]:
    """The door's answers and the refusals, each at its event's place."""
    given = iter(results)
    return [
        foreign[index] if index in foreign else msgspec.structs.replace(next(given), index=index)
        for index in range(count)
    ]


def _answer(here: Gateway, sent: Sent, results: list[Accepted], foreign: dict[int, Accepted]) -> Response:
    counts = dict.fromkeys(("accepted", "duplicate", "error"), 0)
    for result in results:
        counts[result.status] += 1
    for status, count in counts.items():
        here.measures.events.labels(status).inc(count)
    if sent.single and foreign:
        why = foreign[0].detail or ""
        raise Problem(
            NOT_ALLOWED, f"事件没有被接收：{in_chinese(why)}。", f"The event was not taken: {why}.", results=results)
    if sent.single and results[0].status == "error":
        raise not_taken(results[0].detail, results=results)
    return json({"results": results, **counts})


async def body_of(request: Request) -> bytes:
    """The body, refused as soon as it is known to be too large; what came in gzip is unpacked."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip"}:
        raise _wrong_type(f"Content-Encoding: {encoding}")
    body = await whole_body(request)
    return body if encoding == "identity" else await run_in_threadpool(_unpacked, body)


def _unpacked(body: bytes) -> bytes:
    """What gzip packed, in one member or more; no more of it is ever unpacked than a request may hold."""
    parts: list[bytes] = []
    room, rest = MAX_REQUEST_BYTES, body
    while rest:
        member = zlib.decompressobj(wbits=31)
        try:
            part = member.decompress(rest, room + 1)
        except zlib.error as error:
            raise _not_gzip(str(error)) from error
        if len(part) > room:
            raise _too_large()
        if not member.eof:
            raise _not_gzip("it ends too early")
        parts.append(part)
        room, rest = room - len(part), member.unused_data
    return b"".join(parts)


def _not_gzip(why: str) -> Problem:
    return Problem(
        BAD_REQUEST, f"Content-Encoding 是 gzip，内容却解不开：{why}。",
        f"Content-Encoding is gzip, and the body cannot be unpacked: {why}.")


async def whole_body(request: Request) -> bytes:
    """The body as it was sent, refused as soon as it is known to be too large."""
    length, stream = request.headers.get("content-length", ""), request.stream()
    if length.isdigit() and int(length) > MAX_REQUEST_BYTES:
        await _drain(stream)
        raise _too_large()
    parts, size = [], 0
    async for part in stream:
        size += len(part)
        if size > MAX_REQUEST_BYTES:
            await _drain(stream)
            raise _too_large()
        parts.append(part)
    return b"".join(parts)


async def _drain(stream: AsyncGenerator[bytes]) -> None:
    """Read on and drop it: a client that is still sending hears no answer. What is far too large is cut off."""
    size = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for part in stream:
                size += len(part)
                if size > MAX_DRAINED:
                    return


def _read(request: Request, body: bytes) -> Sent:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == _STRUCTURED:
        return Sent([_event(body)], single=True)
    if media_type == _BATCH:
        return Sent(_batch(body), single=False)
    if "ce-type" in request.headers or "ce-specversion" in request.headers:
        return Sent([_binary(request, media_type, body)], single=True)
    if media_type == "application/json":
        return Sent(_batch(body), single=False) if is_list(body) else Sent([_event(body)], single=True)
    raise _wrong_type(media_type or "none")


def _event(body: bytes) -> bytes:
    _check_size(body)
    return value_of(body)


def _batch(body: bytes) -> list[bytes]:
    raws = values_of(body)
    if len(raws) > MAX_EVENTS:
        raise _too_large()
    return raws


def _binary(request: Request, media_type: str, body: bytes) -> bytes:
    """A structured event from `ce-*` headers (percent-encoded UTF-8) and data.

    Source: CloudEvents HTTP protocol binding 1.0.2, section 3.1.
    """
    event: dict[str, object] = {
        name[3:]: unquote(value) for name, value in request.headers.items() if name.startswith("ce-")
    }
    for name in ("data", "data_base64", "datacontenttype"):
        event.pop(name, None)
    _check_size(body)
    if body:
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise _wrong_type(media_type or "none")
        event["datacontenttype"] = media_type
        event["data"] = msgspec.Raw(value_of(body))
    return msgspec.json.encode(event)


def _check_size(body: bytes) -> None:
    if len(body) > MAX_EVENT_BYTES:
        raise _too_large()


def _too_large() -> Problem:
    return Problem(
        TOO_LARGE, "一个事件最大 1 MiB；一次请求最多 8 MiB、1000 个事件。",
        "An event has at most 1 MiB, a request at most 8 MiB and 1,000 events.",
        headers={"Connection": "close"},
    )


def _wrong_type(what: str) -> Problem:
    return Problem(
        WRONG_TYPE, f"这里收 {_STRUCTURED}、{_BATCH} 或 application/json，不收 {what}。",
        f"This takes {_STRUCTURED}, {_BATCH} or application/json, not {what}.",
    )
