"""What of a request stands in the audit log: every change, every refusal, and every look at one thing by its name.

It goes by routes, not by a list: an endpoint that comes new is noted like the others.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from starlette.types import Scope

from streams.audit import Audit, entry_of, member_name

#: Lists whose rows are somebody's own, too: orders, and messages as they came.
PERSONAL = frozenset({"/v1/ledger", "/v1/dead-letters"})
#: Parameters that say which thing was asked for.
_NAMING = ("estate_id", "order_id", "group_id", "member_id")
#: What comes so often that it is summed: events, each of which is kept whole beside its source anyway.
_SUMMED = frozenset({"/v1/events", "/v1/connectors/wechaty", "/v1/hooks/{sender}", "/v1/wecom/callback"})
#: Noted by the endpoint itself, which alone knows who it was.
_OWN = frozenset({"/login", "/logout"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def note(audit: Audit, scope: Scope, status: int) -> None:
    """Note what was answered, where it is to be noted."""
    route = getattr(scope.get("route"), "path", None)
    if route is None or route in _OWN or not _counts(scope["method"], route, status):
        return
    grant = scope.get("state", {}).get("grant")
    client = scope.get("client")
    # Of strangers no names are noted: they would fill the log with whatever they think of.
    entry = entry_of(
        grant, f"{scope['method']} {route}", "" if status == 401 else _thing(scope, route), status=status,
        address=client[0] if client else None)
    if route in _SUMMED or status == 401:
        audit.add(entry)
    else:
        audit.note(entry)


def _counts(method: str, route: str, status: int) -> bool:
    by_name = "{" in route
    if status in {401, 403} or (status == 404 and by_name):
        return True
    if method not in _SAFE:
        return True
    return status < 400 and (by_name or route in PERSONAL) and route.startswith("/v1/")


def _thing(scope: Scope, route: str) -> str:
    """The names of what was asked for, members by their hash."""
    named: dict[str, Any] = dict(scope.get("path_params") or {})
    if route in PERSONAL or "{" in route:
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        named.update({name: asked[name][0] for name in _NAMING if name in asked})
    return " ".join(member_name(str(value)) if "member" in name else str(value) for name, value in named.items())
