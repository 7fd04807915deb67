"""Conditional reads: an answer's ETag, and 304 to who has it already, before any of it is made.

A tag names the versions that an answer was made of, not its bytes: what was committed, the reference data, who asks and
for what. It is taken before the rows are read, so that an answer is never older than its tag; it is weak, because `now`
beside the rows moves on.
Source: RFC 9110, sections 8.8 and 13.1.2.
"""

from __future__ import annotations

from hashlib import sha256

from fastapi import Request, Response

from streams.gateway.context import Gateway
from streams.tokens import Grant

#: For what anybody may see: a browser keeps it, and asks each time whether it changed.
KEPT = "private, no-cache"


class Fresh:
    """The tag of an answer that is about to be made of `versions`."""

    def __init__(self, here: Gateway, request: Request, grant: Grant, *versions: object) -> None:
        whole = (here.boot, here.atlas.chart().edition, *versions, grant.key, request.url.path, request.url.query)
        self.tag = f'W/"{sha256(repr(whole).encode()).hexdigest()[:24]}"'
        self._asked = request.headers.get("if-none-match")

    @property
    def headers(self) -> dict[str, str]:
        """What the answer carries."""
        return {"ETag": self.tag, "Vary": "Authorization, Cookie"}

    def known(self) -> Response | None:
        """304, where whoever asks has this answer."""
        return not_modified(self.headers) if has(self._asked, self.tag) else None


def has(asked: str | None, tag: str) -> bool:
    """Whether an If-None-Match names the tag; weakly, as for GET."""
    if asked is None:
        return False
    names = {name.strip().removeprefix("W/") for name in asked.split(",")}
    return "*" in names or tag.removeprefix("W/") in names


def not_modified(headers: dict[str, str]) -> Response:
    """304 with what the whole answer would carry."""
    return Response(status_code=304, headers={"Cache-Control": "no-store", **headers})
