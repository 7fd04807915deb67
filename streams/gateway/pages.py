"""The pages, and the way in: a token or a one-time link becomes a cookie, and stands in no address bar."""

from __future__ import annotations

import html
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from sqlalchemy import Connection
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from streams.audit import Entry, entry_of, write
from streams.gateway import worker
from streams.gateway.auth import COOKIE, page_grant
from streams.gateway.context import Gateway, Here
from streams.gateway.headers import POLICY
from streams.login_links import Opened, open_link
from streams.tokens import Grant, TokenRole, look_up, now_ms, revoke

WEB = Path(__file__).resolve().parent.parent / "web"
#: How long a browser stays logged in, in seconds; the token may be revoked at any time.
_STAYS = 30 * 24 * 3600
#: Whose page is whose.
_HOME = {TokenRole.DEALER: "/dealer", TokenRole.STORE: "/dealer"}
_LONGEST_FORM = 8192

router = APIRouter(include_in_schema=False)

Visitor = Annotated[Grant | None, Depends(page_grant)]


@router.get("/")
async def home() -> Response:
    """The first page is HQ's."""
    return RedirectResponse("/hq", 303)


@router.get("/hq")
async def hq(visitor: Visitor) -> Response:
    """The flow map."""
    return _page("hq.html", visitor, TokenRole.HQ, TokenRole.REGION)


@router.get("/dealer")
async def dealer(visitor: Visitor) -> Response:
    """A dealer's tasks."""
    return _page("dealer.html", visitor, TokenRole.DEALER, TokenRole.STORE, TokenRole.HQ)


@router.get("/playbooks")
async def playbooks(visitor: Visitor) -> Response:
    """The playbooks, as boards."""
    return _page("playbooks.html", visitor, TokenRole.HQ, TokenRole.REGION)


@router.get("/dealer/brief")
async def brief(visitor: Visitor) -> Response:
    """A day's tasks on paper."""
    return _page("brief.html", visitor, TokenRole.DEALER, TokenRole.STORE, TokenRole.HQ)


@router.get("/login")
async def login(
    request: Request, here: Here, visitor: Visitor, token: str = "", code: str = "", next: str = ""
) -> Response:
    """The way in: a form for a token, or a button for a one-time link.

    A link is used up by the button alone: chat programs open addresses to look at them before a person does. A token
    in the address (the demo's links) goes into the cookie at once.
    """
    if token.strip():
        return await _enter(request, here, token=token, next=next)
    if code:
        return _button(code, next)
    return _gate("请登录。", "Log in.", 200, next) if visitor is None else _out(visitor)


@router.post("/login")
async def log_in(request: Request, here: Here) -> Response:
    """Put the token that was pasted, or that a one-time link gives, into a cookie, and go on."""
    if not _from_here(request):
        return _gate("请从本站的页面登录。", "Log in from this site's own page.", 403)
    form = await _form(request)
    return await _enter(request, here, **form)


@router.post("/logout")
async def log_out(request: Request, here: Here, visitor: Visitor) -> Response:
    """Forget the cookie; a token that only this browser had is revoked."""
    if not _from_here(request):
        return _gate("请从本站的页面退出。", "Log out from this site's own page.", 403)
    if visitor is not None:
        entry = entry_of(visitor, "logout", "", status=303, address=_address(request))
        await here.change(lambda connection: _leave(connection, visitor, entry))
    answer = RedirectResponse("/login", 303, {"Cache-Control": "no-store", "Clear-Site-Data": '"cache", "storage"'})
    answer.delete_cookie(COOKIE, httponly=True, secure=request.url.scheme == "https", samesite="strict")
    return answer


def _leave(connection: Connection, grant: Grant, entry: Entry) -> None:
    write(connection, [entry])
    if grant.session:
        revoke(connection, grant.key)


async def _enter(request: Request, here: Gateway, *, token: str = "", code: str = "", next: str = "") -> Response:
    """In, by a token or a one-time link; or what is wrong with it."""
    address, token = _address(request), token.strip()
    if code:
        opened = await here.change(lambda connection: _opened(connection, code, address))
        if opened.token is None:
            here.audit.add(entry_of(None, "login", f"link {opened.why}", status=401, address=address))
            return _gate(*_WRONG_LINK[opened.why], 401, next)
        token = opened.token
    grant = await here.ask(lambda connection: look_up(connection, token)) if token else None
    if grant is None:
        here.audit.add(entry_of(None, "login", "token", status=401, address=address))
        return _gate(
            "这个令牌不对，或者已经作废。", "This token is unknown, it was revoked, or its time is over.", 401, next)
    if not code:
        here.audit.note(entry_of(grant, "login", "token", status=303, address=address))
    answer = RedirectResponse(
        _local(next) or _HOME.get(grant.role, "/hq"), 303,
        {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    stays = _STAYS if grant.expires_at is None else min(_STAYS, max(1, (grant.expires_at - now_ms()) // 1000))
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, token, max_age=stays, httponly=True, secure=secure, samesite="strict")
    return answer


def _opened(connection: Connection, code: str, address: str | None) -> Opened:
    """Use the link up and note it, in one transaction."""
    opened = open_link(connection, code)
    if opened.token is not None:
        write(connection, [entry_of(look_up(connection, opened.token), "login", "link", status=303, address=address)])
    return opened


_WRONG_LINK = {
    "unknown": ("这个登录链接不对。", "There is no such login link."),
    "used": ("这个登录链接已经用过了，请再要一个。", "This login link was used already: ask for another."),
    "late": ("这个登录链接已经过期，请再要一个。", "This login link is too old: ask for another."),
}


def _address(request: Request) -> str | None:
    return request.client.host if request.client else None


def _from_here(request: Request) -> bool:
    """Whether a page of ours sent the form, or a program that is no browser: nobody is logged in or out by others."""
    if (site := request.headers.get("sec-fetch-site")) is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host")


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form that we know, from the first bytes of a request: no form of ours is longer."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST_FORM:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    return {name: fields[name][0] for name in ("token", "code", "next") if name in fields}


def _local(path: str) -> str:
    """A path of ours, else nothing: nobody is sent elsewhere by a link that looks like ours."""
    safe = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if safe else ""


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
    ":root{color-scheme:light dark;--ground:#f4f5f2;--ink:#1d2b28;--quiet:#5c6b67;--line:#c6cec9;--field:#fff;"
    "--green:#1f6f5c;--on-green:#fff}@media(prefers-color-scheme:dark){:root{--ground:#141a18;--ink:#e4ebe8;"
    "--quiet:#9fb0aa;--line:#3a4743;--field:#1c2422;--green:#6fc3ad;--on-green:#0c1513}}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--ground);color:var(--ink);"
    "font:16px/1.7 system-ui,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif}"
    "main{max-width:26rem;padding:2rem}h1{font-size:1.5rem;margin:0 0 .5rem}p{margin:.25rem 0}"
    ".en{color:var(--quiet);font-size:.9rem}form{margin-top:1.25rem;display:flex;gap:.5rem}"
    "input,button{font:inherit;padding:.6rem .8rem;border:1px solid var(--line);border-radius:.5rem;color:inherit}"
    "input{flex:1;min-width:0;background:var(--field)}"
    "button{background:var(--green);border-color:var(--green);color:var(--on-green);min-height:2.75rem}"
    "a{color:var(--green)}"
)
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()


def _gate(zh: str, en: str, status: int, next: str = "") -> Response:
    """The page of someone who cannot come in yet: what is missing, and how to get it."""
    return _small(zh, en, status, f"""
<p>请打开登录链接，或向管理员要一个令牌，贴在下面。</p>
<p class="en">Open your login link, or ask whoever runs loupan for a token and paste it.</p>
<form action="/login" method="post"><input name="token" type="password" autocomplete="off" required
 aria-label="令牌 token" placeholder="令牌 token">{_hidden("next", next)}<button>进入 Enter</button></form>
<p><a href="/hq">总部 HQ</a> · <a href="/dealer">经销商 Dealer</a></p>""")


def _button(code: str, next: str) -> Response:
    """The page of a one-time link: one tap, and it is used up."""
    return _small("登录楼盘", "Log in to loupan", 200, f"""
<p>这个链接只能用一次，请在您自己的手机或电脑上打开。</p>
<p class="en">This link works once: open it on the phone or computer that you will use.</p>
<form action="/login" method="post">{_hidden("code", code)}{_hidden("next", next)}
<button autofocus>进入 Enter</button></form>""")


def _out(visitor: Grant) -> Response:
    """The page of someone who is in already: on, or out."""
    home = _HOME.get(visitor.role, "/hq")
    return _small("您已登录。", "You are logged in.", 200, f"""
<p>{html.escape(visitor.label)}</p><p><a href="{home}">继续 Go on</a></p>
<form action="/logout" method="post"><button>退出登录 Log out</button></form>""")


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{html.escape(value)}">' if value else ""


def _small(zh: str, en: str, status: int, rest: str) -> Response:
    body = f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex"><link rel="icon" href="/web/favicon.svg">
<title>楼盘 loupan</title><style>{_STYLE}</style></head><body><main>
<h1>{html.escape(zh)}</h1><p class="en">{html.escape(en)}</p>{rest}
</main></body></html>
"""
    policy = f"{POLICY}; style-src 'self' 'sha256-{_STYLE_HASH}'"
    return HTMLResponse(body, status, {"Content-Security-Policy": policy, "Cache-Control": "no-store"})


class _Files(StaticFiles):
    """Our own files: a browser asks each time whether they changed (ETag), so that an update is seen at once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers.setdefault("Cache-Control", "no-cache")
        if path.endswith(".webmanifest"):
            # Python's own table of media types does not know it.
            answer.headers["Content-Type"] = "application/manifest+json"
        return answer


def mount(app: FastAPI) -> None:
    """Put the pages and their files into the app."""
    app.include_router(router)
    app.include_router(worker.router)
    app.mount("/web", _Files(directory=WEB, check_dir=False), name="web")
