"""What every endpoint works with: the ports that the gateway was given, and its own caches over them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import partial
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from fastapi import Depends, Request, Response
from sqlalchemy import Connection, Engine
from starlette.concurrency import run_in_threadpool

from agents.world import World
from schemas.reference import Reference
from streams.audit import Audit
from streams.gateway.ahead import Ahead
from streams.gateway.atlas import Atlas
from streams.gateway.bell import Bell
from streams.gateway.board import Board
from streams.gateway.limits import Buckets
from streams.gateway.measures import Measures
from streams.gateway.pictures import Pictures
from streams.gateway.ports import Changes, Clock, Door
from streams.gateway.problems import BAD_PARAMETER, Problem
from streams.wecom.crypto import Lock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Gateway:
    """The ports, and what is kept over them. One an app."""

    engine: Engine
    door: Door
    clock: Clock
    changes: Changes
    reference: Callable[[], Reference]
    zone: ZoneInfo
    atlas: Atlas
    board: Board
    bell: Bell
    measures: Measures
    audit: Audit
    world: Callable[[], World | None]
    pictures: Pictures
    ahead: Ahead
    wecom: Lock | None = None
    buckets: Buckets | None = None
    #: Another for each start: versions are counted from there.
    boot: str = field(default_factory=partial(secrets.token_hex, 8))

    def today(self) -> date:
        """The date of campaigns' time, in our zone."""
        return self.clock.now().astimezone(self.zone).date()

    def read(self, question: Callable[[Connection], T]) -> T:
        """Ask the database, on a connection of the pool. Only in a thread, never on the loop."""
        with self.engine.connect() as connection:
            return question(connection)

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """As `read`, from the loop: the question is asked in a thread."""
        return await run_in_threadpool(self.read, question)

    async def change(self, change: Callable[[Connection], T]) -> T:
        """Change the database in one transaction, in a thread."""
        return await run_in_threadpool(self._write, change)

    def _write(self, change: Callable[[Connection], T]) -> T:
        with self.engine.begin() as connection:
            return change(connection)

    def moment(self, name: str, text: str | None) -> int | None:
        """A parameter that is a time (RFC 3339) or a date (midnight in our zone), in Unix milliseconds."""
        if text is None:
            return None
        try:
            if len(text) == 10:
                return _ms(datetime.combine(date.fromisoformat(text), time(), self.zone))
            # A "+" that nobody escaped reads as a space in a query.
            at = datetime.fromisoformat(text.replace(" ", "+"))
        except ValueError as error:
            raise _not_a_time(name, text) from error
        return _ms(at if at.tzinfo else at.replace(tzinfo=self.zone))


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _not_a_time(name: str, text: str) -> Problem:
    return Problem(
        BAD_PARAMETER, f"参数 {name} 不是时间：{text}（例如 2026-03-02 或 2026-03-02T07:00:00+08:00）。",
        f"{name} is not a time: {text} (say 2026-03-02, or 2026-03-02T07:00:00+08:00).",
    )


async def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


#: The gateway, as an endpoint's parameter.
Here = Annotated[Gateway, Depends(_gateway)]


def json(
    body: object, status: int = 200, media_type: str = "application/json", headers: Mapping[str, str] | None = None
) -> Response:
    """A body as JSON; `msgspec.Raw` parts are taken over as they are. Never kept by a cache: it is somebody's own."""
    return Response(
        msgspec.json.encode(body), status, {"Cache-Control": "no-store", **(headers or {})}, media_type)
