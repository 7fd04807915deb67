"""Somebody else's web server: keeps what is posted to it, and answers as it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """`answer` gives status, headers and body for the n-th request (from 0) and what is in it."""

    answer: Callable[[int, Request], tuple[int, dict[str, str], bytes]] = lambda *_: (200, {}, b"")
    requests: list[Request] = field(default_factory=list)
    url: str = ""

    def wait(self, count: int, within: float = 8.0) -> list[Request]:
        """The first so many requests, as soon as there are so many."""
        ends = time.monotonic() + within
        while len(self.requests) < count:
            assert time.monotonic() < ends, f"{len(self.requests)} of {count} came: {self.requests}"
            time.sleep(0.005)
        return self.requests[:count]


@dataclass(frozen=True)
class Request:
    """What was posted, and when."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@contextmanager
def receiving(answer: Any = None) -> Iterator[Receiver]:
    """A receiver on a port of its own."""
    receiver = Receiver() if answer is None else Receiver(answer)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.path, headers, body, time.monotonic())
            with lock:
                number = len(receiver.requests)
                receiver.requests.append(request)
            status, named, said = receiver.answer(number, request)
            self.send_response(status)
            for name, value in named.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
