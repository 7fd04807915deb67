"""An open stream of tasks, written straight to the server: a thousand of them are a thousand writes, and no more."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import Response
from starlette.types import Receive, Scope, Send

from schemas.topics import TASKS
from streams.gateway.bell import EVERYBODY, Frame
from streams.gateway.context import Gateway
from streams.gateway.scope import in_region
from streams.gateway.sse import HEARTBEAT, Leave, type_of
from streams.readers import LogRow, of_store, sent_between
from streams.tokens import Grant, TokenRole

#: Events that a stream that is behind reads at once.
_CHUNK = 200
#: The first line of a stream: it opens the connection at once, and says how soon to come back.
_OPENING = b": loupan\nretry: 2000\n\n"
_ALIVE = b": alive\n\n"


class _Which(msgspec.Struct, gc=False):
    task_id: str
    estate_id: str


class _About(msgspec.Struct, gc=False):
    data: _Which


_about = msgspec.json.Decoder(_About)


def frame_of(row: LogRow) -> Frame:
    """A CloudEvent as it went out: named by its type, its id the outbox offset."""
    data = row.raw
    if b"\n" in data or b"\r" in data:
        # An event is one line where we wrote it; a field of SSE must be one.
        data = b"\ndata: ".join(data.splitlines())
    return Frame(
        row.offset, row.key, b"event: %b\ndata: %b\nid: %d\n\n" % (type_of(row.raw).encode(), data, row.offset))


class TaskStream(Response):
    """The events of the topic `tasks` after an offset, of one dealer or of all."""

    media_type = "text/event-stream"

    def __init__(self, here: Gateway, grant: Grant, at: int, key: str | None) -> None:
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._here, self._at, self._key = here, at, key
        self._grant, self._leave = grant, Leave(here, grant)
        #: Whether all of the key's events are theirs; else each stream looks for itself.
        self._all = grant.role in (TokenRole.HQ, TokenRole.DEALER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # ASGI's words
        """Send until the client goes, the token is revoked, or the program stops."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await self._send(send, gone)
        finally:
            gone.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, gone: asyncio.Future[None]) -> None:
        bell, key = self._here.bell, self._key or EVERYBODY
        streams = self._here.measures.streams.labels("tasks")
        with bell.listening(key) as listener, streams.track_inprogress():
            gone.add_done_callback(lambda _: listener.signal.set())
            await _write(send, _OPENING)
            while not gone.done() and await self._leave.holds():
                known = bell.since(key, self._at) if self._all else None
                data, self._at = known or await self._behind()
                if data:
                    await _write(send, data)
                elif (quiet := await bell.wait(listener, self._at, HEARTBEAT)) is not None:
                    self._at = quiet
                    await _write(send, _ALIVE)

    async def _behind(self) -> tuple[bytes, int]:
        """What went out next, read for this stream alone, at most a chunk, and up to where that is all."""
        version = self._here.changes.version()
        rows = await self._here.ask(
            lambda connection: sent_between(connection, TASKS.name, self._at, version, key=self._key, limit=_CHUNK))
        upto = rows[-1].offset if len(rows) == _CHUNK else max(self._at, version)
        return b"".join(frame_of(row).data for row in await _shown(self._here, self._grant, rows)), upto


async def _shown(here: Gateway, grant: Grant, rows: list[LogRow]) -> list[LogRow]:
    """Of a dealer's events those of the store's tasks; of all, those of the region's estates."""
    if grant.role is TokenRole.REGION:
        return [row for row in rows if in_region(here, grant, _about.decode(row.raw).data.estate_id)]
    if grant.store_id is None or not rows:
        return rows
    ids, store_id = [_about.decode(row.raw).data.task_id for row in rows], grant.store_id
    own = await here.ask(lambda connection: of_store(connection, store_id, sorted(set(ids))))
    return [row for row, id in zip(rows, ids, strict=True) if id in own]


async def _write(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})


async def _gone(receive: Receive) -> None:
    """Until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
