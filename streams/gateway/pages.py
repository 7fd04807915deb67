"""The pages, and the way in: a login link puts the token into a cookie and leaves it out of the address bar."""

from __future__ import annotations

import html
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from streams.gateway.auth import COOKIE, page_grant
from streams.gateway.context import Here
from streams.gateway.headers import POLICY
from streams.tokens import Grant, TokenRole, look_up

WEB = Path(__file__).resolve().parent.parent / "web"
#: How long a browser stays logged in, in seconds; the token may be revoked at any time.
_STAYS = 30 * 24 * 3600

router = APIRouter(include_in_schema=False)

Visitor = Annotated[Grant | None, Depends(page_grant)]


@router.get("/")
async def home() -> Response:
    """The first page is HQ's."""
    return RedirectResponse("/hq", 303)


@router.get("/hq")
async def hq(visitor: Visitor) -> Response:
    """The flow map."""
    return _page("hq.html", visitor, TokenRole.HQ)


@router.get("/dealer")
async def dealer(visitor: Visitor) -> Response:
    """A dealer's tasks."""
    return _page("dealer.html", visitor, TokenRole.DEALER, TokenRole.HQ)


@router.get("/playbooks")
async def playbooks(visitor: Visitor) -> Response:
    """The playbooks, as boards."""
    return _page("playbooks.html", visitor, TokenRole.HQ)


@router.get("/login")
async def login(request: Request, here: Here, token: str = "", next: str = "/hq") -> Response:
    """Put the token into a cookie that no script reads and no other site sends, and go on."""
    token = token.strip()
    grant = await here.ask(lambda connection: look_up(connection, token)) if token else None
    if grant is None:
        return _gate("这个令牌不对，或者已经作废。", "This token is unknown, or it was revoked.", 401)
    answer = RedirectResponse(_local(next), 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, token, max_age=_STAYS, httponly=True, secure=secure, samesite="strict")
    return answer


def _local(path: str) -> str:
    """A path of ours: nobody is sent elsewhere by a link that looks like ours."""
    safe = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if safe else "/hq"


def _page(name: str, visitor: Grant | None, *roles: TokenRole) -> Response:
    if visitor is None:
        return _gate("您还没有登录。", "You are not logged in.", 401)
    if visitor.role not in roles:
        return _gate("这个页面不属于您的角色。", "This page is not for your role.", 403)
    file = WEB / name
    if not file.is_file():
        return _gate("这个页面还没有装好。", "This page is not installed.", 404)
    return FileResponse(file, media_type="text/html; charset=utf-8", headers={"Cache-Control": "no-cache"})


_STYLE = (
    "body{margin:0;min-height:100vh;display:grid;place-items:center;background:#f4f5f2;color:#1d2b28;"
    "font:16px/1.7 system-ui,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif}"
    "main{max-width:26rem;padding:2rem}h1{font-size:1.5rem;margin:0 0 .5rem}p{margin:.25rem 0}"
    ".en{color:#5c6b67;font-size:.9rem}form{margin-top:1.25rem;display:flex;gap:.5rem}"
    "input,button{font:inherit;padding:.6rem .8rem;border:1px solid #c6cec9;border-radius:.5rem}"
    "input{flex:1;min-width:0;background:#fff}button{background:#1f6f5c;border-color:#1f6f5c;color:#fff}a{color:#1f6f5c}"
)
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()


def _gate(zh: str, en: str, status: int) -> Response:
    """The page of someone who cannot come in yet: what is missing, and how to get it."""
    body = f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>楼盘 loupan</title><style>{_STYLE}</style></head><body><main>
<h1>{html.escape(zh)}</h1><p class="en">{html.escape(en)}</p>
<p>请打开启动 loupan 时打印的登录链接，或向管理员要一个令牌，贴在下面。</p>
<p class="en">Open the login link that loupan printed at its start, or ask whoever runs it for a token and paste it.</p>
<form action="/login" method="get"><input name="token" type="password" autocomplete="off" required
 aria-label="令牌 token" placeholder="令牌 token"><button>进入 Enter</button></form>
<p><a href="/hq">总部 HQ</a> · <a href="/dealer">经销商 Dealer</a></p>
</main></body></html>
"""
    policy = f"{POLICY}; style-src 'self' 'sha256-{_STYLE_HASH}'"
    return HTMLResponse(body, status, {"Content-Security-Policy": policy, "Cache-Control": "no-store"})


class _Files(StaticFiles):
    """Our own files: a browser asks each time whether they changed (ETag), so that an update is seen at once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers.setdefault("Cache-Control", "no-cache")
        return answer


def mount(app: FastAPI) -> None:
    """Put the pages and their files into the app."""
    app.include_router(router)
    app.mount("/web", _Files(directory=WEB, check_dir=False), name="web")
