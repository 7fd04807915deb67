"""What a gateway's answers mean to its client, as exceptions.

    ClientError
    ├── Unreachable          nobody answered, however often it was asked
    └── ProblemError         the gateway answered with a problem (RFC 9457)
        ├── BadRequest           the request is wrong: its form, a parameter, its size
        │   └── EventRefused         the event is wrong; it is kept as a dead letter
        ├── NotLetIn             no token, or one that does not hold
        ├── NotAllowed           not for this token's role
        ├── NotFound             not there, or not this token's to see
        ├── TooEarly, TooLate    it cannot be said of the task now, or any more
        ├── Busy                 too fast, and still so after every try
        └── ServerTrouble        the gateway cannot work at present
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx
import msgspec

from schemas.errors import LoupanError

_URN: Final = "urn:loupan:problem:"


class ClientError(LoupanError):
    """The root of the tree above."""


class Unreachable(ClientError):
    """Nobody answered."""


class ProblemError(ClientError):
    """The gateway's problem document: `kind` is its name, `members` what it has beside title and detail."""

    def __init__(self, kind: str, status: int, title: str, detail: str, members: Mapping[str, Any]) -> None:
        self.kind, self.status, self.title, self.detail, self.members = kind, status, title, detail, dict(members)
        super().__init__(f"{title}: {detail}" if detail else title)


class BadRequest(ProblemError):
    """The request is wrong."""


class EventRefused(BadRequest):
    """The event is wrong; it is kept as a dead letter."""


class NotLetIn(ProblemError):
    """No token, or one that does not hold."""


class NotAllowed(ProblemError):
    """Not for this token's role."""


class NotFound(ProblemError):
    """Not there, or not this token's to see."""


class TooEarly(ProblemError):
    """It cannot be said of the task yet."""


class TooLate(ProblemError):
    """It cannot be said of the task any more."""


class Busy(ProblemError):
    """Too fast, and still so after every try."""


class ServerTrouble(ProblemError):
    """The gateway cannot work at present, or broke."""


_BY_KIND: Final[dict[str, type[ProblemError]]] = {
    "bad-event": EventRefused, "no-token": NotLetIn, "not-allowed": NotAllowed, "no-header": NotAllowed,
    "not-found": NotFound, "too-early": TooEarly, "too-late": TooLate, "busy": Busy,
}
_BY_STATUS: Final[dict[int, type[ProblemError]]] = {
    401: NotLetIn, 403: NotAllowed, 404: NotFound, 409: TooLate, 429: Busy,
}
_OWN: Final = frozenset(("type", "title", "status", "detail", "instance"))


def error_of(response: httpx.Response) -> ProblemError:
    """The exception for an answer that is no success, also where something between us and the gateway wrote it."""
    try:
        document = msgspec.json.decode(response.content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        document = {}
    if not isinstance(document, dict):
        document = {}
    kind = str(document.get("type", "")).removeprefix(_URN)
    status = response.status_code
    other = ServerTrouble if status >= 500 else BadRequest
    made = _BY_KIND.get(kind) or _BY_STATUS.get(status, other)
    title = str(document.get("title") or f"HTTP {status} {response.reason_phrase}")
    members = {name: value for name, value in document.items() if name not in _OWN}
    return made(kind or "http", status, title, str(document.get("detail", "")), members)
