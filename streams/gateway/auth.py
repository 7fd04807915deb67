"""Who asks: a bearer token or the pages' cookie, and what its role may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from streams.gateway.context import Gateway, Here
from streams.gateway.problems import BUSY, NO_HEADER, NO_TOKEN, NOT_ALLOWED, Problem
from streams.tokens import Grant, TokenRole, grant_of, look_up

COOKIE = "loupan_token"
#: Methods that change nothing: a page elsewhere may cause them, it can't read the answer.
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(auto_error=False, description="A token made by `loupan`; only its hash is kept.")
_cookie = APIKeyCookie(
    name=COOKIE, auto_error=False, description="Set by /login. A change needs the header `X-Loupan: 1` beside it.")


async def identify(
    request: Request,
    here: Here,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    cookie: Annotated[str | None, Depends(_cookie)],
) -> Grant:
    """The grant of whoever asks. The cookie counts for a change only beside ``X-Loupan: 1``, which no form can send."""
    token = bearer.credentials if bearer else cookie
    grant = await here.ask(lambda connection: look_up(connection, token)) if token else None
    if grant is None:
        raise wrong_token() if token else no_token()
    request.state.grant = grant
    _not_too_fast(request, here, grant)
    if bearer is None and request.method not in _SAFE and request.headers.get("x-loupan") != "1":
        raise Problem(
            NO_HEADER, "用 cookie 登录的写操作要带请求头 X-Loupan: 1。",
            "A change that is made with the cookie must carry the header X-Loupan: 1.",
        )
    return _with_dealers(here, grant)


def _not_too_fast(request: Request, here: Gateway, grant: Grant) -> None:
    if here.buckets is None:
        return
    taken = here.buckets.take(grant.key)
    request.state.headers = here.buckets.headers(taken)
    if taken.wait:
        raise Problem(
            BUSY, f"这个令牌请求太快了，每秒最多 {here.buckets.rate:g} 次，请按 Retry-After 稍后再试。",
            f"This token asks too fast: {here.buckets.rate:g} requests a second. Wait as Retry-After says.",
            headers={"Retry-After": request.state.headers["Retry-After"]})


def _with_dealers(here: Gateway, grant: Grant) -> Grant:
    """A region's grant with the dealers of its cities, as the reference data have them now."""
    if grant.role is not TokenRole.REGION:
        return grant
    by_city = here.atlas.chart().dealers_by_city
    dealers = frozenset().union(*(by_city.get(city, frozenset()) for city in grant.cities))
    return msgspec.structs.replace(grant, dealers=dealers)


async def page_grant(request: Request, here: Here) -> Grant | None:
    """The grant behind a page's cookie, or None."""
    token = request.cookies.get(COOKIE)
    return await here.ask(lambda connection: look_up(connection, token)) if token else None


def wrong_token() -> Problem:
    """Somebody asks with a token that lets nobody in (RFC 6750, 3.1)."""
    return Problem(
        NO_TOKEN, "这个令牌不对，或者已经作废、过期：请换一个。",
        "This token is unknown, it was revoked, or its time is over: ask for another.",
        headers={"WWW-Authenticate": 'Bearer realm="loupan", error="invalid_token"'},
    )


def no_token() -> Problem:
    """Nobody we know asks."""
    return Problem(
        NO_TOKEN, "请带上令牌：Authorization: Bearer …，或先打开登录链接。",
        "Send a token (Authorization: Bearer …), or open your login link first.",
        headers={"WWW-Authenticate": 'Bearer realm="loupan"'},
    )


def _holder(*roles: TokenRole) -> Callable[[Grant], Awaitable[Grant]]:
    """The check that a grant has one of the roles."""

    async def check(grant: Annotated[Grant, Depends(identify)]) -> Grant:
        if grant.role not in roles:
            raise Problem(
                NOT_ALLOWED, f"令牌的角色是 {grant.role.value}，这里只给 {'、'.join(roles)}。",
                f"The token's role is {grant.role.value}; this is for {' or '.join(roles)}.",
            )
        return grant

    return check


#: Endpoints' parameters: who may ask. A `Reader` is HQ or a dealer, for what knows of these two alone; a `Watcher` sees
#: the estates of some cities or all, a `Viewer` whatever streams/gateway/scope.py shows it; a `Doer` works its
#: tasks and says what became of them, which a region only watches.
Anyone = Annotated[Grant, Depends(identify)]
Hq = Annotated[Grant, Depends(_holder(TokenRole.HQ))]
Watcher = Annotated[Grant, Depends(_holder(TokenRole.HQ, TokenRole.REGION))]
Reader = Annotated[Grant, Depends(_holder(TokenRole.HQ, TokenRole.DEALER))]
Bookkeeper = Annotated[Grant, Depends(_holder(TokenRole.HQ, TokenRole.REGION, TokenRole.DEALER))]
Viewer = Annotated[
    Grant, Depends(_holder(TokenRole.HQ, TokenRole.REGION, TokenRole.DEALER, TokenRole.STORE))]
Doer = Annotated[Grant, Depends(_holder(TokenRole.HQ, TokenRole.DEALER, TokenRole.STORE))]
Publisher = Annotated[Grant, Depends(_holder(TokenRole.HQ, TokenRole.INTEGRATION))]


def sees(grant: Grant, dealer_id: str | None, store_id: str | None = None) -> bool:
    """Whether what belongs to the dealer (and the store) is shown to the grant's holder.

    A store sees nothing that does not name it. What lies in an estate is asked of streams/gateway/scope.py instead.
    """
    if grant.role is TokenRole.STORE:
        return store_id is not None and grant.store_id == store_id
    if grant.role is TokenRole.REGION:
        return dealer_id in grant.dealers
    return grant.role is TokenRole.HQ or (grant.role is TokenRole.DEALER and grant.dealer_id == dealer_id)


async def still_holds(here: Gateway, grant: Grant) -> bool:
    """Whether the grant was not revoked meanwhile: a stream may outlive its token."""
    return await here.ask(lambda connection: grant_of(connection, grant.key)) is not None
