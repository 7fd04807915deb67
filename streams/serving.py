"""One process that does it all: the pipeline in its thread, the gateway on its port, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from agents.world import World
from schemas.errors import BadFile, PortInUse
from schemas.reference import Reference
from streams.gateway.app import NO_LIMITS, close, create_app, end_streams
from streams.gateway.limits import Limits
from streams.gateway.ports import Changes, Clock, Door
from streams.runner import Runner
from streams.settings import read_settings
from streams.webhooks.courier import Courier
from streams.webhooks.measures import Figures
from streams.webhooks.posting import Poster
from streams.wecom.crypto import Lock

_REMEDIES = {
    errno.EADDRINUSE: "stop what listens there, or name another with --port",
    errno.EACCES: "name a port above 1023 with --port",
    errno.EADDRNOTAVAIL: "name one of this machine's addresses with --host",
}


def listen(host: str, port: int) -> socket.socket:
    """The gateway's socket, bound before anything else is started.

    Raises:
        BadFile: when there is no such host.
        PortInUse: when somebody else has the port, or the address isn't ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (UnicodeError, socket.gaierror) as error:
        listener.close()
        raise BadFile("--host", None, f"there is no host {host}", "name one of this machine's addresses") from error
    except OSError as error:
        listener.close()
        remedy = _REMEDIES.get(error.errno or 0, "name another address with --host, or another port with --port")
        raise PortInUse(f"cannot listen on {host}:{port} ({error.strerror}): {remedy}") from error
    # Whoever comes before the gateway is up waits in the queue instead of being turned away.
    listener.listen(512)
    return listener


def address_of(listener: socket.socket) -> str:
    """The URL of the gateway."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class Backend(Door, Changes, Protocol):
    """What a gateway stands on: it is started before the gateway, and stopped after it."""

    def start(self) -> None:
        """Start whatever works or watches."""

    def stop(self) -> None:
        """End it."""


def serve(
    engine: Engine, world: World, clock: Clock, listener: socket.socket, *, batch: int, log_level: str = "warning",
    beside: Callable[[Runner], Coroutine[Any, Any, None]] | None = None, ready: Callable[[], None] | None = None,
    now: Callable[[], World] | None = None, attachments: Path | None = None,
    wecom: Lock | None = None, limits: Limits = NO_LIMITS,
) -> None:
    """Run pipeline and gateway until SIGTERM or Ctrl-C. `beside` is a task that runs as long (a demo's life).

    `now` gives the world as it stands, where it may change meanwhile; `wecom` opens WeCom's callbacks.
    """
    runner = Runner(engine, world, clock, batch=batch, now=now)
    serve_over(
        runner, engine, world, clock, listener, log_level=log_level, ready=ready, now=now, limits=limits,
        beside=None if beside is None else lambda: beside(runner), attachments=attachments, wecom=wecom)


def serve_over(
    backend: Backend, engine: Engine, world: World, clock: Clock, listener: socket.socket, *,
    log_level: str = "warning", beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ready: Callable[[], None] | None = None, registry: CollectorRegistry | None = None,
    now: Callable[[], World] | None = None, attachments: Path | None = None,
    wecom: Lock | None = None, limits: Limits = NO_LIMITS,
) -> None:
    """Run a gateway over whatever works the events, until SIGTERM or Ctrl-C; `now` as in `serve`.

    `attachments` is the folder of the pictures that go along with tasks; `wecom` opens WeCom's callbacks.
    """
    current, registry = now or (lambda: world), registry or CollectorRegistry()
    zone = ZoneInfo(str(world.default.zone))
    courier = _courier(engine, backend, lambda: current().reference, clock, zone)
    registry.register(Figures(lambda: courier.told))
    app = create_app(
        engine=engine.execution_options(reading=True), door=backend, clock=clock, changes=backend,
        reference=lambda: current().reference, zone=zone, registry=registry,
        book=lambda: current().locator.book, world=current, attachments_in=attachments, opener=wecom, limits=limits,
    )
    app.router.lifespan_context = _lifespan(beside, ready)
    server = _Server(uvicorn.Config(
        app, log_level=log_level, access_log=False, timeout_graceful_shutdown=5, lifespan="on"))
    server.app = app
    backend.start()
    courier.start()
    try:
        server.run(sockets=[listener])
    finally:
        courier.stop()
        close(app)
        backend.stop()


def _courier(
    engine: Engine, changes: Changes, reference: Callable[[], Reference], clock: Clock, zone: ZoneInfo
) -> Courier:
    """Whoever tells endpoints what went out."""
    settings = read_settings()
    poster = Poster(private=settings.webhook_private, timeout=settings.webhook_timeout)
    return Courier(engine, changes, reference, clock, zone, poster=poster, days=settings.webhook_days)


class _Server(uvicorn.Server):
    """Uvicorn, which lets the open event streams end before it waits for them."""

    app: FastAPI

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM and Ctrl-C mean: finish. Having finished, the program ends as one that did its work."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then shut down."""
        end_streams(self.app)
        await super().shutdown(sockets)


def _lifespan(
    beside: Callable[[], Coroutine[Any, Any, None]] | None, ready: Callable[[], None] | None
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(beside()) if beside is not None else None
        if ready is not None:
            ready()
        yield
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    return lifespan
