"""Errors as RFC 9457 problem documents, in Chinese where the reader prefers it, else in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from schemas.errors import Unavailable

_log = structlog.get_logger(__name__)


class Kind(NamedTuple):
    """A kind of problem: its name, its HTTP status, its title in Chinese and in English."""

    name: str
    status: int
    zh: str
    en: str


BAD_REQUEST = Kind("bad-request", 400, "请求读不懂", "The request cannot be read")
NOT_JSON = Kind("not-json", 400, "内容不是 JSON", "The body is not JSON")
NO_TOKEN = Kind("no-token", 401, "需要令牌", "A token is needed")
NOT_ALLOWED = Kind("not-allowed", 403, "没有权限", "This is not yours to do")
NO_HEADER = Kind("no-header", 403, "缺少请求头 X-Loupan", "The X-Loupan header is missing")
NOT_FOUND = Kind("not-found", 404, "没有找到", "Not found")
WRONG_METHOD = Kind("wrong-method", 405, "方法不对", "Wrong method")
TOO_EARLY = Kind("too-early", 409, "还没到时候", "It is too early for that")
TOO_LATE = Kind("too-late", 409, "已经不能这样做了", "It is too late for that")
TOO_LARGE = Kind("too-large", 413, "内容太大", "Too large")
WRONG_TYPE = Kind("wrong-type", 415, "内容类型不对", "Wrong content type")
BAD_EVENT = Kind("bad-event", 422, "事件有误", "The event is wrong")
BAD_PARAMETER = Kind("bad-parameter", 422, "参数有误", "A parameter is wrong")
BUSY = Kind("busy", 429, "来得太快，请稍后再试", "Too fast: try again later")
BROKEN = Kind("broken", 500, "我们这边出了错", "Something broke on our side")
UNAVAILABLE = Kind("unavailable", 503, "暂时不可用", "Not available right now")

_BY_STATUS = {kind.status: kind for kind in (BAD_REQUEST, NO_TOKEN, NOT_ALLOWED, NOT_FOUND, WRONG_METHOD, TOO_LARGE)}


class Problem(Exception):
    """What is answered instead: a kind, a sentence in both languages, and members of its own."""

    def __init__(
        self, kind: Kind, zh: str, en: str, *, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        self.kind, self.zh, self.en, self.members = kind, zh, en, members
        self.headers = dict(headers or {})
        super().__init__(f"{kind.name}: {en}")


def prefers_chinese(accept_language: str | None) -> bool:
    """Whether an Accept-Language header puts Chinese before English (RFC 9110, section 12.5.4)."""
    best: dict[str, float] = {"zh": 0.0, "en": 0.0}
    for part in (accept_language or "").split(","):
        tag, _, weight = part.strip().partition(";")
        language = tag.strip().lower().split("-")[0]
        if language in best:
            best[language] = max(best[language], _weight(weight))
    return best["zh"] > best["en"] or (best["zh"] == best["en"] > 0 and _first(accept_language or "") == "zh")


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def _first(accept_language: str) -> str:
    tags = (part.strip().lower()[:2] for part in accept_language.split(","))
    return next((tag for tag in tags if tag in ("zh", "en")), "")


def answer(request: Request, problem: Problem) -> Response:
    """The problem document, in the reader's language."""
    chinese = prefers_chinese(request.headers.get("accept-language"))
    document = {
        "type": f"urn:loupan:problem:{problem.kind.name}",
        "title": problem.kind.zh if chinese else problem.kind.en,
        "status": problem.kind.status,
        "detail": problem.zh if chinese else problem.en,
        "instance": request.url.path,
        **problem.members,
    }
    return Response(
        msgspec.json.encode(document),
        problem.kind.status,
        {"Content-Language": "zh" if chinese else "en", "Vary": "Accept-Language", **problem.headers},
        "application/problem+json",
    )


def install(app: FastAPI) -> None:
    """Have every error of the app answered as a problem document."""

    @app.exception_handler(Problem)
    async def on_problem(request: Request, error: Problem) -> Response:
        return answer(request, error)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        return answer(request, _of_http(error, request.url.path))

    @app.exception_handler(RequestValidationError)
    async def on_parameters(request: Request, error: RequestValidationError) -> Response:
        return answer(request, _of_parameters(error))

    @app.exception_handler(Unavailable)
    async def on_unavailable(request: Request, error: Unavailable) -> Response:
        return answer(request, unavailable(str(error)))

    @app.exception_handler(OperationalError)
    @app.exception_handler(PoolTimeout)
    async def on_database(request: Request, error: Exception) -> Response:
        _log.warning("http.database", path=request.url.path, error=str(error))
        return answer(request, unavailable("the database cannot be reached"))

    @app.exception_handler(Exception)
    async def on_bug(request: Request, error: Exception) -> Response:
        # A stranger learns nothing of the cause: that is for the log.
        _log.error("http.broken", path=request.url.path, error=repr(error))
        zh, en = "请稍后再试；日志里有原因。", "Try again; the log has the cause."
        return answer(request, Problem(BROKEN, zh, en, headers={"X-Content-Type-Options": "nosniff"}))


def unavailable(why: str) -> Problem:
    """Something that we rest on is not there for the moment."""
    zh, en = f"请稍后再试（{why}）。", f"Try again in a moment: {why}."
    return Problem(UNAVAILABLE, zh, en, headers={"Retry-After": "2"})


def _of_http(error: HTTPException, path: str) -> Problem:
    kind = _BY_STATUS.get(error.status_code)
    if kind is None:
        kind = Kind("http", error.status_code, str(error.detail), str(error.detail))
    if kind is NOT_FOUND:
        return Problem(kind, f"这里没有 {path}。", f"There is nothing at {path}.", headers=error.headers)
    if kind is WRONG_METHOD and (allowed := (error.headers or {}).get("Allow")):
        return Problem(kind, f"这里可以用：{allowed}。", f"Allowed here: {allowed}.", headers=error.headers)
    return Problem(kind, f"{kind.zh}。", f"{error.detail}.", headers=error.headers)


#: What pydantic finds wrong, by its type, in Chinese; in braces what it says the bound or the choice is.
_IN_CHINESE = {
    "missing": "没有给出", "int_parsing": "应为整数", "int_type": "应为整数", "int_from_float": "应为整数",
    "int_parsing_size": "这个数太大", "float_parsing": "应为数字", "float_type": "应为数字",
    "finite_number": "应为有限的数字",
    "bool_parsing": "应为 true 或 false", "string_type": "应为文字", "greater_than_equal": "不能小于 {ge}",
    "less_than_equal": "不能大于 {le}", "greater_than": "应大于 {gt}", "less_than": "应小于 {lt}",
    "string_too_long": "最多 {max_length} 个字符", "string_too_short": "至少 {min_length} 个字符",
    "literal_error": "应为 {expected} 之一", "enum": "应为 {expected} 之一", "string_pattern_mismatch": "格式不对",
    "date_parsing": "应为日期，如 2026-03-02", "date_from_datetime_parsing": "应为日期，如 2026-03-02",
    "date_type": "应为日期，如 2026-03-02", "datetime_parsing": "应为时间，如 2026-03-02T07:30:00+08:00",
    "datetime_from_date_parsing": "应为时间，如 2026-03-02T07:30:00+08:00", "timezone_aware": "时间要带时区",
    "json_invalid": "不是 JSON", "too_long": "最多 {max_length} 项",
}


def _of_parameters(error: RequestValidationError) -> Problem:
    found = error.errors()[:20]
    places = [".".join(str(part) for part in item["loc"]) for item in found]
    errors = [{"in": place, "what": item["msg"]} for place, item in zip(places, found, strict=True)]
    said = "; ".join(f"{item['in']}: {item['what']}" for item in errors)
    zh = "；".join(f"{place} {_wrong_in_chinese(item)}" for place, item in zip(places, found, strict=True))
    return Problem(BAD_PARAMETER, f"参数有误：{zh}。", f"Wrong: {said}", errors=errors)


def _wrong_in_chinese(item: Mapping[str, Any]) -> str:
    """What is wrong with one parameter; of what is not known here its English words."""
    bounds = dict(item.get("ctx") or {})
    if "expected" in bounds:
        bounds["expected"] = str(bounds["expected"]).replace("'", "").replace(" or ", "、").replace(", ", "、")
    try:
        return _IN_CHINESE[item["type"]].format(**bounds)
    except KeyError:
        return str(item["msg"])
