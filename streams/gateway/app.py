"""`create_app`: the gateway put together over the ports that it is given."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine
from starlette.middleware.gzip import GZipMiddleware

from agents.world import World
from maps.book import EstateBook
from schemas import asyncapi
from schemas.reference import Reference
from schemas.topics import TASKS
from streams.audit import Audit
from streams.gateway import (
    attachments,
    audited,
    campaigns,
    connectors,
    day,
    estates,
    events,
    flow,
    groups,
    hooks,
    ledger,
    letters,
    marks,
    openapi,
    pages,
    playbooks,
    problems,
    running,
    tasks,
    wecom,
)
from streams.gateway.ahead import Ahead
from streams.gateway.atlas import Atlas
from streams.gateway.bell import READ, Bell, Frame
from streams.gateway.board import Board
from streams.gateway.context import Gateway
from streams.gateway.headers import Headers
from streams.gateway.hq import router as hq_views
from streams.gateway.limits import Buckets, Limits
from streams.gateway.measures import Measures
from streams.gateway.pictures import Pictures
from streams.gateway.ports import Changes, Clock, Door
from streams.gateway.streaming import frame_of
from streams.readers import sent_between
from streams.wecom.crypto import Lock

#: A gateway of a test or a demo: nobody is slowed down.
NO_LIMITS = Limits()

_ABOUT = """\
Events in, tasks out, and what HQ watches. Send `Authorization: Bearer <token>`; a token's role is `hq`, `region`
(watches some cities), `dealer` or `store` (see and do only their own) or `integration` (publishes only). Errors are
problem documents (RFC 9457), in Chinese where Accept-Language prefers it. The events themselves are
described at `/asyncapi.json`.
"""


def create_app(
    *,
    engine: Engine,
    door: Door,
    clock: Clock,
    changes: Changes,
    reference: Callable[[], Reference],
    zone: ZoneInfo,
    registry: CollectorRegistry | None = None,
    book: Callable[[], EstateBook] | None = None,
    world: Callable[[], World] | None = None,
    attachments_in: Path | None = None,
    opener: Lock | None = None,
    limits: Limits = NO_LIMITS,
) -> FastAPI:
    """The gateway as an ASGI app.

    It reads over `engine`, on its own connections and in threads; everything that changes a campaign goes through
    `door`. `book` is the estate book of the reference data, where there is one already. `zone` is that of dates in
    parameters. `world` is what the campaigns decide in, for looks ahead; `attachments_in` the folder of the
    pictures that go along with tasks. `opener` opens what WeCom calls with, where that is set up. `limits` say how
    fast one token may ask. Its metrics go into `registry` (its own where none is given).
    Call `end_streams` when the program stops: open streams would keep a server waiting.
    """
    atlas = Atlas(reference, book)
    measures = Measures(registry or CollectorRegistry(), door)
    audit = Audit(engine, limits.audit_days)
    buckets = Buckets(limits.rate, limits.burst) if limits.rate else None
    bell = Bell(changes, partial(_frames_between, engine))
    # The documentation pages of FastAPI load their scripts from elsewhere; ours load nothing from elsewhere.
    app = FastAPI(
        title="loupan", version=asyncapi.VERSION, description=_ABOUT, docs_url=None, redoc_url=None,
        openapi_url="/openapi.json", redirect_slashes=False,
    )
    app.state.gateway = Gateway(
        engine, door, clock, changes, reference, zone, atlas, Board(atlas), bell, measures, audit,
        world or (lambda: None), Pictures(attachments_in), Ahead(), opener, buckets,
    )
    app.state.shelf = playbooks.Shelf()
    problems.install(app)
    openapi.install(app)
    app.include_router(hq_views)
    for part in (events, connectors, tasks, marks, attachments, day, groups, estates, flow, campaigns, playbooks,
                 ledger, letters, audited, running, wecom):
        app.include_router(part.router)
    hooks.install(app)
    pages.mount(app)
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5)
    app.add_middleware(Headers, measures=measures, audit=audit)
    return app


def end_streams(app: FastAPI) -> None:
    """Let every open event stream end within a second. Call it on the app's loop, when the program stops."""
    gateway: Gateway = app.state.gateway
    gateway.bell.close()


def close(app: FastAPI) -> None:
    """Write down what was noted for the audit log. Call it when the last answer is given."""
    gateway: Gateway = app.state.gateway
    gateway.audit.close()


def _frames_between(engine: Engine, after: int, upto: int) -> list[Frame]:
    with engine.connect() as connection:
        return [frame_of(row) for row in sent_between(connection, TASKS.name, after, upto, limit=READ)]
