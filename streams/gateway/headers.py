"""The outermost layer: headers that every answer carries, the measures of every request, its line in the audit log."""

from __future__ import annotations

import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.audit import Audit
from streams.gateway.measures import Measures
from streams.gateway.noted import note

#: Pages load what we serve and nothing else, and nobody frames them.
POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; "
    "worker-src 'self'"
)
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": POLICY,
}


class Headers:
    """Adds what is missing of the headers, and measures. Plain ASGI, so that streams stay streams."""

    def __init__(self, app: ASGIApp, measures: Measures, audit: Audit) -> None:
        self._app, self._measures, self._audit = app, measures, audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                said = scope.get("state", {}).get("headers", {})
                for name, value in (*_ALWAYS.items(), *said.items()):
                    headers.setdefault(name, value)
                self._measure(scope, message["status"], time.perf_counter() - began)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            # A bug is answered outside of here; it is counted all the same.
            self._measure(scope, 500, time.perf_counter() - began)
            raise

    def _measure(self, scope: Scope, status: int, seconds: float) -> None:
        # The route's pattern, not the path: ids would make a metric each.
        route = getattr(scope.get("route"), "path", None) or "other"
        self._measures.requests.labels(scope["method"], route, str(status)).inc()
        self._measures.seconds.labels(route).observe(seconds)
        note(self._audit, scope, status)
