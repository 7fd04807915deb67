"""What both streams share: where a stream starts, when it ends, and how its events are written."""

from __future__ import annotations

import random
import time
from typing import Annotated

import msgspec
from fastapi import Depends, Header, Query
from fastapi.sse import ServerSentEvent

from streams.gateway.auth import still_holds
from streams.gateway.context import Gateway, Here
from streams.gateway.problems import BAD_PARAMETER, Problem
from streams.readers import Cursor
from streams.tokens import Grant

#: How long a stream waits before it looks for itself, in seconds. FastAPI sends a heartbeat as often.
HEARTBEAT = 15.0
#: How often a stream asks whether its token still holds, in seconds.
_RECHECK = 30.0


class _Type(msgspec.Struct):
    type: str


_type = msgspec.json.Decoder(_Type)


async def _start(
    since: Annotated[str | None, Query(description="The cursor of a list: what changed after it comes")] = None,
    last_event_id: Annotated[str | None, Header(description="Sent by a browser that comes back")] = None,
) -> int | None:
    text = last_event_id or since
    if text is None:
        return None
    try:
        return Cursor.parse(text).changed
    except ValueError as error:
        raise Problem(BAD_PARAMETER, f"不是游标：{text}", f"Not a cursor: {text}") from error


#: After which outbox offset a stream starts; None is now.
Start = Annotated[int | None, Depends(_start)]


async def _now(here: Here) -> int:
    return here.changes.version()


#: What was committed before the stream was answered: whoever has the answer misses nothing after it.
Now = Annotated[int, Depends(_now)]


def opening() -> ServerSentEvent:
    """The first line of a stream: it opens the connection at once, and says how soon to come back."""
    return ServerSentEvent(comment="loupan", retry=2000)


def type_of(raw: bytes) -> str:
    """The type of a CloudEvent, as a stream names it."""
    return _type.decode(raw).type


class Leave:
    """Whether a stream's token still holds, asked once in a while."""

    def __init__(self, here: Gateway, grant: Grant) -> None:
        self._here, self._grant = here, grant
        self._next = self._due()

    @staticmethod
    def _due() -> float:
        # Not all at once: those who came together do not ask together.
        return time.monotonic() + _RECHECK * random.uniform(0.5, 1.0)

    async def holds(self) -> bool:
        """Whether the stream may go on."""
        if self._here.bell.closing:
            return False
        if time.monotonic() < self._next:
            return True
        self._next = self._due()
        return await still_holds(self._here, self._grant)
