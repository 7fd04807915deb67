"""`/v1/wecom/callback`: what WeCom calls when a group or a customer changes, or the archive has something new.

No token is asked for: WeCom signs what it sends. An answer means that it is kept; where there is none within five
seconds, WeCom sends it again, three times in all, and what came already is recognised.
Source: https://developer.work.weixin.qq.com/document/path/90930.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response

from streams.gateway.context import Gateway, Here
from streams.gateway.problems import BAD_REQUEST, NOT_ALLOWED, NOT_FOUND, TOO_LARGE, Problem, unavailable
from streams.wecom.crypto import Lock, Unreadable, Unsigned
from streams.wecom.marks import put_due
from streams.wecom.notices import Heard, fields_of, heard

#: A callback's largest body, in bytes; WeCom's own have a few hundred.
MAX_BODY = 1_048_576
#: How long it may take until what was said is kept, in seconds.
PATIENCE = 0.8

Signature = Annotated[str, Query(max_length=64)]
Stamp = Annotated[str, Query(max_length=32)]
Nonce = Annotated[str, Query(max_length=128)]
Echo = Annotated[str, Query(max_length=4096)]

_ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {"description": "It cannot be read"}, 403: {"description": "It was not WeCom that sent it"},
    404: {"description": "WeCom is not set up here"},
}
async def _lock(here: Here) -> Lock:
    if here.wecom is None:
        raise Problem(
            NOT_FOUND, "还没有配置企业微信：请设置 LOUPAN_WECOM_CORP_ID、LOUPAN_WECOM_TOKEN 和 LOUPAN_WECOM_AES_KEY，"
            "然后重启（见 docs/wecom.md）。",
            "WeCom is not set up here: set LOUPAN_WECOM_CORP_ID, LOUPAN_WECOM_TOKEN and LOUPAN_WECOM_AES_KEY, and "
            "start again (docs/wecom.md).")
    return here.wecom


#: What the callback is opened with. Asked for first: whoever has not set WeCom up hears of nothing else.
Opener = Annotated[Lock, Depends(_lock)]
router = APIRouter(tags=["wecom"])
_log = structlog.get_logger(__name__)


@router.get("/v1/wecom/callback", summary="WeCom checks this address", responses=_ANSWERS)
async def check(
    here: Here, lock: Opener, msg_signature: Signature, timestamp: Stamp, nonce: Nonce, echostr: Echo
) -> Response:
    """Answer with what was enciphered in `echostr`: it shows that the key is ours."""
    return Response(_opened(here, lock, msg_signature, timestamp, nonce, echostr), media_type="text/plain")


@router.post(
    "/v1/wecom/callback", summary="WeCom says that something changed", responses=_ANSWERS,
    openapi_extra={"requestBody": {"required": True, "content": {"text/xml": {"schema": {"type": "string"}}}}},
)
async def receive(
    request: Request, here: Here, lock: Opener, msg_signature: Signature, timestamp: Stamp, nonce: Nonce
) -> Response:
    """Keep what is said, and answer with nothing: WeCom takes that for yes."""
    cipher = _cipher(await _body(request))
    said = _opened(here, lock, msg_signature, timestamp, nonce, cipher)
    try:
        told = heard(fields_of(said), here.reference().estates)
    except Unreadable as error:
        raise _unreadable(here, error) from error
    await _keep(here, told)
    return Response(media_type="text/plain")


async def _keep(here: Gateway, told: Heard) -> None:
    """Both before the answer: what is answered is never told again."""
    try:
        async with asyncio.timeout(PATIENCE):
            # Shielded: what is handed over is kept all the same, and recognised when it is told again.
            await asyncio.shield(asyncio.ensure_future(_kept(here, told)))
    except TimeoutError as error:
        _count(here, told.name, "late")
        raise unavailable("it is not kept yet") from error
    _count(here, told.name, told.how)
    if told.how == "unknown":
        _log.warning("wecom.unknown")


async def _kept(here: Gateway, told: Heard) -> None:
    if told.due:
        at = int(here.clock.now().timestamp() * 1000)
        await here.change(lambda connection: put_due(connection, told.due, at))
    if told.events:
        await here.door.accept(told.events)


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise Problem(TOO_LARGE, "一次回调最大 1 MiB。", "A callback has at most 1 MiB.")
        parts.append(part)
    return b"".join(parts)


def _cipher(body: bytes) -> str:
    try:
        cipher = fields_of(body).get("Encrypt", "")
    except Unreadable as error:
        raise Problem(BAD_REQUEST, f"读不懂：{error.zh}。", f"It cannot be read: {error}.") from error
    if not cipher or not isinstance(cipher, str):
        raise Problem(BAD_REQUEST, "里面没有 Encrypt。", "There is no Encrypt in it.")
    return cipher


def _opened(here: Gateway, lock: Lock, signature: str, timestamp: str, nonce: str, cipher: str) -> bytes:
    try:
        lock.check(signature, timestamp, nonce, cipher)
        return lock.open(cipher)
    except Unsigned as error:
        _count(here, "none", "refused")
        raise Problem(
            NOT_ALLOWED, "签名不对：请核对 LOUPAN_WECOM_TOKEN 和管理后台里的 Token。",
            "The signature is wrong: does LOUPAN_WECOM_TOKEN agree with the console's Token?") from error
    except Unreadable as error:
        raise _unreadable(here, error) from error


def _unreadable(here: Gateway, error: Unreadable) -> Problem:
    _count(here, "none", "unreadable")
    _log.warning("wecom.unreadable", why=str(error))
    return Problem(BAD_REQUEST, f"解不开：{error.zh}。", f"It cannot be deciphered: {error}.")


def _count(here: Gateway, name: str, how: str) -> None:
    here.measures.wecom.labels(name, how).inc()
