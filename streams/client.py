"""The Python client: events out, tasks in. `Loupan` for scripts and threads, `AsyncLoupan` for asyncio.

    with Loupan("http://127.0.0.1:8460", token) as loupan:
        loupan.publish({"type": "loupan.group.message.v1", "source": "bot", "data": {…}})
        for task in loupan.tasks(status="issued").tasks:
            print(task.window.start, task.script.text)

Whatever fails for a moment is tried again, as often as `retries` says and as the gateway's `Retry-After` asks; an event
keeps its id then, so nothing counts twice. What is refused is raised as one of streams/client_errors.py.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Literal, Self

import httpx

from streams import client_wire as wire
from streams.client_errors import (
    Busy,
    ClientError,
    EventRefused,
    NotAllowed,
    NotFound,
    NotLetIn,
    ProblemError,
    ServerTrouble,
    TooEarly,
    TooLate,
    Unreachable,
    error_of,
)
from streams.client_wire import Call, Marked, Outgoing, Published, Steps, Stream, TaskPage, Told

__all__ = [
    "AsyncLoupan", "Busy", "ClientError", "EventRefused", "Loupan", "Marked", "NotAllowed", "NotFound", "NotLetIn",
    "ProblemError", "Published", "ServerTrouble", "TaskPage", "Told", "TooEarly", "TooLate", "Unreachable",
]

#: A stream says something every 15 seconds; after this silence it is taken for dead.
_SILENCE: Final = 45.0
_STREAM: Final = "/v1/tasks/stream"
_Language = Literal["zh", "en"]


def _headers(token: str, language: _Language) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Accept-Language": language, "User-Agent": "loupan-client"}


def _silent(timeout: float) -> httpx.Timeout:
    return httpx.Timeout(timeout, read=_SILENCE)


def _request(call: Call) -> dict[str, Any]:
    headers = {"Content-Type": call.media_type} if call.media_type else {}
    return {
        "method": call.method, "url": call.path, "params": call.params or None, "content": call.content,
        "headers": headers}


class Loupan:
    """A gateway, from a thread.

    Args:
        url: where it is, as in http://127.0.0.1:8460.
        token: who asks; `loupan tokens create` makes one.
        retries: how often something is tried again that failed for a moment.
        timeout: seconds that an answer may take.
        language: of what the gateway says.
        transport: for whoever wants another way to the gateway, as a proxy or a test.
    """

    def __init__(
        self, url: str, token: str, *, retries: int = 5, timeout: float = 10.0, language: _Language = "en",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._retries, self._timeout = retries, timeout
        self._client = httpx.Client(
            base_url=url, headers=_headers(token, language), timeout=timeout, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def publish(self, event: Outgoing) -> Published:
        """Publish one event; what has no id or time is given one.

        Raises:
            EventRefused: when the gateway does not take it, with what is wrong.
            ClientError: when it could not be asked, or does not let us.
        """
        return wire.results_of(self._ask(wire.single(event)))[0]

    def publish_all(self, events: Iterable[Outgoing]) -> list[Published]:
        """Publish many events, in batches; each is answered, the wrong ones too."""
        found: list[Published] = []
        for call in wire.batches(events):
            found += wire.results_of(self._ask(call), len(found))
        return found

    def tasks(
        self, *, status: str | list[str] | None = None, estate_id: str | None = None, group_id: str | None = None,
        persona_id: str | None = None, dealer_id: str | None = None, since: str | None = None,
        start: datetime | None = None, end: datetime | None = None, limit: int = 500,
    ) -> TaskPage:
        """A page of tasks: by window, or with `since` (the last page's cursor) in the order of change."""
        return wire.page_of(self._ask(wire.asking(
            "/v1/tasks", status=status, estate_id=estate_id, group_id=group_id, persona_id=persona_id,
            dealer_id=dealer_id, since=since, from_=start, to=end, limit=limit)))

    def stream(self, since: str | None = None) -> Iterator[Told]:
        """What becomes of tasks, as it happens, without end; `since` is a cursor, without it from now on.

        A connection that breaks is made again, and goes on after the last event that was told.

        Raises:
            ProblemError: when the gateway does not let us.
            Unreachable: when it could not be reached `retries` times without a word between.
        """
        # Where it begins is fixed now: what happens before the first connection stands is told, too.
        stream, failed = Stream(since if since is not None else self.tasks(limit=1).cursor), 0
        while True:
            try:
                with self._client.stream(
                    "GET", _STREAM, headers=stream.headers(), timeout=_silent(self._timeout)
                ) as response:
                    if not response.is_success:
                        response.read()
                        raise error_of(response)
                    stream.begin()
                    for line in response.iter_lines():
                        failed = 0
                        if (told := stream.line(line)) is not None:
                            yield told
            except (Busy, ServerTrouble):
                if failed >= self._retries:
                    raise
            except httpx.TransportError as error:
                if failed >= self._retries:
                    raise Unreachable(f"{_STREAM}: nobody answered: {error}") from error
            time.sleep(wire.pause(failed) if failed else stream.retry)
            failed += 1

    def claim(self, task_id: str, *, persona_id: str | None = None, at: datetime | None = None) -> Marked:
        """Say that somebody takes a task."""
        return self._mark(wire.marking(task_id, "claim", at, persona_id=persona_id))

    def done(
        self, task_id: str, *, persona_id: str | None = None, message_id: str | None = None, at: datetime | None = None
    ) -> Marked:
        """Say that a task is done.

        Raises:
            TooEarly: when its window is not near yet.
            TooLate: when it is over, or withdrawn.
        """
        return self._mark(wire.marking(task_id, "done", at, persona_id=persona_id, message_id=message_id))

    def skip(
        self, task_id: str, reason: str, *, persona_id: str | None = None, at: datetime | None = None
    ) -> Marked:
        """Say that a task will not be done, and why."""
        return self._mark(wire.marking(task_id, "skip", at, persona_id=persona_id, reason=reason))

    def why(self, task_id: str) -> dict[str, Any]:
        """Why a task was asked for: its rule, script, evidence and events."""
        return wire.object_of(self._ask(wire.asking(wire.path("tasks", task_id, "why"))))

    def estates(
        self, *, city: str | None = None, q: str | None = None, near: str | None = None, worked: bool | None = None,
        limit: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """The estate book, page by page, up to `limit`; `near` is `lng,lat` or `lng,lat,crs`."""
        cursor, left = None, limit
        while left is None or left > 0:
            page = wire.object_of(self._ask(wire.asking(
                "/v1/estates", city=city, q=q, near=near, worked=worked, cursor=cursor, limit=min(left or 500, 500))))
            yield from page["estates"]
            left = None if left is None else left - len(page["estates"])
            cursor = page["cursor"]
            if cursor is None:
                return

    def estate(self, estate_id: str) -> dict[str, Any]:
        """One estate, with its groups, stores and how its tasks stand."""
        return wire.object_of(self._ask(wire.asking(wire.path("estates", estate_id))))

    def _mark(self, call: Call) -> Marked:
        return wire.marked_of(self._ask(call))

    def _ask(self, call: Call) -> bytes:
        return self._drive(wire.attempts(call, self._retries)).content

    def _drive(self, steps: Steps) -> httpx.Response:
        answer: wire.Answer = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as done:
                found: httpx.Response = done.value
                return found
            if isinstance(step, Call):
                try:
                    answer = self._client.request(**_request(step))
                except httpx.TransportError as error:
                    answer = error
            else:
                answer = None
                time.sleep(step)


class AsyncLoupan:
    """A gateway, from asyncio; everything as with `Loupan`."""

    def __init__(
        self, url: str, token: str, *, retries: int = 5, timeout: float = 10.0, language: _Language = "en",
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._retries, self._timeout = retries, timeout
        self._client = httpx.AsyncClient(
            base_url=url, headers=_headers(token, language), timeout=timeout, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def publish(self, event: Outgoing) -> Published:
        """As `Loupan.publish`."""
        return wire.results_of(await self._ask(wire.single(event)))[0]

    async def publish_all(self, events: Iterable[Outgoing]) -> list[Published]:
        """As `Loupan.publish_all`."""
        found: list[Published] = []
        for call in wire.batches(events):
            found += wire.results_of(await self._ask(call), len(found))
        return found

    async def tasks(
        self, *, status: str | list[str] | None = None, estate_id: str | None = None, group_id: str | None = None,
        persona_id: str | None = None, dealer_id: str | None = None, since: str | None = None,
        start: datetime | None = None, end: datetime | None = None, limit: int = 500,
    ) -> TaskPage:
        """As `Loupan.tasks`."""
        return wire.page_of(await self._ask(wire.asking(
            "/v1/tasks", status=status, estate_id=estate_id, group_id=group_id, persona_id=persona_id,
            dealer_id=dealer_id, since=since, from_=start, to=end, limit=limit)))

    async def stream(self, since: str | None = None) -> AsyncIterator[Told]:
        """As `Loupan.stream`."""
        stream, failed = Stream(since if since is not None else (await self.tasks(limit=1)).cursor), 0
        while True:
            try:
                async with self._client.stream(
                    "GET", _STREAM, headers=stream.headers(), timeout=_silent(self._timeout)
                ) as response:
                    if not response.is_success:
                        await response.aread()
                        raise error_of(response)
                    stream.begin()
                    async for line in response.aiter_lines():
                        failed = 0
                        if (told := stream.line(line)) is not None:
                            yield told
            except (Busy, ServerTrouble):
                if failed >= self._retries:
                    raise
            except httpx.TransportError as error:
                if failed >= self._retries:
                    raise Unreachable(f"{_STREAM}: nobody answered: {error}") from error
            await asyncio.sleep(wire.pause(failed) if failed else stream.retry)
            failed += 1

    async def claim(self, task_id: str, *, persona_id: str | None = None, at: datetime | None = None) -> Marked:
        """As `Loupan.claim`."""
        return await self._mark(wire.marking(task_id, "claim", at, persona_id=persona_id))

    async def done(
        self, task_id: str, *, persona_id: str | None = None, message_id: str | None = None, at: datetime | None = None
    ) -> Marked:
        """As `Loupan.done`."""
        return await self._mark(wire.marking(task_id, "done", at, persona_id=persona_id, message_id=message_id))

    async def skip(
        self, task_id: str, reason: str, *, persona_id: str | None = None, at: datetime | None = None
    ) -> Marked:
        """As `Loupan.skip`."""
        return await self._mark(wire.marking(task_id, "skip", at, persona_id=persona_id, reason=reason))

    async def why(self, task_id: str) -> dict[str, Any]:
        """As `Loupan.why`."""
        return wire.object_of(await self._ask(wire.asking(wire.path("tasks", task_id, "why"))))

    async def estates(
        self, *, city: str | None = None, q: str | None = None, near: str | None = None, worked: bool | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """As `Loupan.estates`."""
        cursor, left = None, limit
        while left is None or left > 0:
            page = wire.object_of(await self._ask(wire.asking(
                "/v1/estates", city=city, q=q, near=near, worked=worked, cursor=cursor, limit=min(left or 500, 500))))
            for estate in page["estates"]:
                yield estate
            left = None if left is None else left - len(page["estates"])
            cursor = page["cursor"]
            if cursor is None:
                return

    async def estate(self, estate_id: str) -> dict[str, Any]:
        """As `Loupan.estate`."""
        return wire.object_of(await self._ask(wire.asking(wire.path("estates", estate_id))))

    async def _mark(self, call: Call) -> Marked:
        return wire.marked_of(await self._ask(call))

    async def _ask(self, call: Call) -> bytes:
        return (await self._drive(wire.attempts(call, self._retries))).content

    async def _drive(self, steps: Steps) -> httpx.Response:
        answer: wire.Answer = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as done:
                found: httpx.Response = done.value
                return found
            if isinstance(step, Call):
                try:
                    answer = await self._client.request(**_request(step))
                except httpx.TransportError as error:
                    answer = error
            else:
                answer = None
                await asyncio.sleep(step)
