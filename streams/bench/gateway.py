"""The gateway's figures: events a second that it takes in batches on one core, and how soon a thousand dealers hear.

The gateway is a process of its own with a real uvicorn, asked over loopback; what is measured of it alone is the
processor's time that it took, which does not depend on what else the machine does.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from schemas.errors import BrokenRule
from schemas.reference import Dealer, Estate, Reference
from streams.bench.streams import ZONE, chat, town
from streams.clocks import WallClock
from streams.database import open_database
from streams.reference_store import save_reference
from streams.tokens import TokenRole, create_token

#: Events of a request, and how many requests are on their way at once.
BATCH, AT_ONCE = 500, 8
#: Events by which everybody is known before it is measured.
WARM = 20_000
#: Dealers who listen at once.
LISTENERS = 1_000
#: Waves of tasks that are committed, and how far apart, in seconds.
WAVES, APART = 10, 1.0
#: At most so long a run may take, in seconds.
PATIENCE = 120.0
_ENVIRONMENT = {"LOUPAN_LOG_LEVEL": "error"}


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway that runs: where, as which process, and who may come in."""

    port: int
    process: int
    token: str

    def seconds(self) -> float:
        """The processor's time that it has taken, in its own threads and in the system for it."""
        try:
            fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            # Another system than Linux: the figures that rest on it are 0.
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def served(database: Path, *words: str, token: str, core: int | None = None) -> Iterator[Served]:
    """`loupan serve` over a database, in a process of its own, on one core where the system can see to that."""
    program = "from streams.cli import main; main()"
    command = [sys.executable, "-c", program, *words, "--database", str(database), "--port", "0"]
    process = subprocess.Popen(  # noqa: S603  # nothing of it comes from outside
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, **_ENVIRONMENT})
    try:
        if core is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, {core})
        yield Served(_port(process), process.pid, token)
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _port(process: subprocess.Popen[str]) -> int:
    said = []
    for line in process.stderr or ():
        said.append(line)
        if "listens on http://" in line:
            port = int(line.strip().rpartition(":")[2])
            _until_ready(port)
            return port
    raise BrokenRule(f"the gateway did not start: {''.join(said)[-500:]}")


def _readiness(port: int) -> tuple[int, dict[str, Any]]:
    """What `/readyz` answers."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status, msgspec.json.decode(answer.read())


def _until_ready(port: int) -> None:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if _readiness(port)[0] == 200:
                return
        time.sleep(0.05)
    raise BrokenRule("the gateway was never ready")


# --- events in ------------------------------------------------------------------------------------


def ingest(events: int) -> dict[str, float]:
    """Chat in batches of 500 over HTTP, while the pipeline works it in the same process, on one core.

    `events_per_second` is until every batch was answered, by the clock; `events_per_core_second` by the time that the
    process had of its core until then. `worked_per_second` and `cpu_us_per_event_worked` are until all were worked.
    """
    world, groups = town(1_000, 10_000)
    with tempfile.TemporaryDirectory(prefix="loupan-bench-") as folder:
        database = Path(folder) / "ingest.db"
        token = _prepared(database, world.reference, TokenRole.INTEGRATION)[0]
        now = WallClock(ZONE).now()
        warm = _batches(list(chat(groups, 10_000, WARM, now - timedelta(hours=2), every_ms=1, seed=1)))
        lines = _batches(list(chat(groups, 10_000, events, now - timedelta(hours=1), every_ms=1)))
        core = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        with served(database, "serve", token=token, core=core) as gateway:
            asyncio.run(_posted(gateway, warm))
            _worked(gateway)
            cpu, begun = gateway.seconds(), time.perf_counter()
            asyncio.run(_posted(gateway, lines))
            answered = time.perf_counter() - begun
            taken = gateway.seconds() - cpu
            _worked(gateway)
            worked, spent = time.perf_counter() - begun, gateway.seconds() - cpu
    return {
        "events": events, "batch": BATCH, "events_per_second": round(events / answered),
        "events_per_core_second": round(events / taken) if taken else 0,
        "cpu_us_per_event": round(taken / events * 1e6, 1),
        "worked_per_second": round(events / worked), "cpu_us_per_event_worked": round(spent / events * 1e6, 1),
    }


def _batches(lines: Sequence[bytes]) -> list[bytes]:
    return [b"[" + b",".join(lines[at:at + BATCH]) + b"]" for at in range(0, len(lines), BATCH)]


def _prepared(database: Path, reference: Reference, role: TokenRole, dealers: Sequence[str] = ()) -> list[str]:
    """A database with reference data; its tokens."""
    engine = open_database(database)
    try:
        with engine.begin() as connection:
            save_reference(connection, reference, {})
            if not dealers:
                return [create_token(connection, role, None, "bench")]
            return [create_token(connection, TokenRole.DEALER, dealer, "bench") for dealer in dealers]
    finally:
        engine.dispose()


async def _posted(gateway: Served, bodies: Sequence[bytes]) -> None:
    """Post all, a few at a time, each on a connection that stays open."""
    waiting = list(reversed(bodies))

    async def sender() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=2**20)
        while waiting:
            body = waiting.pop()
            writer.write(
                b"POST /v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer " + gateway.token.encode()
                + b"\r\nContent-Type: application/cloudevents-batch+json\r\nContent-Length: "
                + str(len(body)).encode() + b"\r\n\r\n" + body)
            status, length = await _head(reader)
            said = await reader.readexactly(length)
            if status == 429:
                waiting.append(body)
                await asyncio.sleep(0.2)
            elif status != 200 or b'"error":0' not in said:
                raise BrokenRule(f"a batch was answered {status}: {said[-200:]!r}")
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(sender() for _ in range(AT_ONCE)))


async def _head(reader: asyncio.StreamReader) -> tuple[int, int]:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((line for line in lines if line.startswith(b"content-length:")), b":0")
    return int(lines[0].split()[1]), int(length.split(b":")[1])


def _worked(gateway: Served) -> None:
    """Wait until everything in the inbox is worked."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        if _readiness(gateway.port)[1].get("lag") == 0:
            return
        time.sleep(0.05)
    raise BrokenRule("the events were never worked")


# --- streams out ----------------------------------------------------------------------------------


def streams(listeners: int = LISTENERS, waves: int = WAVES) -> dict[str, float]:
    """So many dealers listen at once, each to their own tasks; an event for each is committed at once, wave by wave.

    The figures are from the commit to the client having read the event; `cpu_ms_per_wave` is the processor's time that
    the gateway took to tell all of them of one.
    """
    _allow_files(listeners * 2 + 200)
    dealers = [f"d{number:04d}" for number in range(listeners)]
    reference = Reference.of(
        estates=[Estate("e1", "小区", lng=116.4, lat=39.9, crs="wgs84", city="北京")],
        dealers=[Dealer(dealer, dealer, "北京") for dealer in dealers])
    with tempfile.TemporaryDirectory(prefix="loupan-bench-") as folder:
        database = Path(folder) / "streams.db"
        tokens = _prepared(database, reference, TokenRole.DEALER, dealers)
        with _waving(database) as gateway:
            waits, opened, spent = asyncio.run(_heard(gateway, tokens, waves))
    waits.sort()
    return {
        "listeners": listeners, "events": len(waits), "opened_s": round(opened, 1),
        "p50_ms": round(waits[len(waits) // 2] * 1000, 1), "p99_ms": round(waits[int(len(waits) * 0.99)] * 1000, 1),
        "max_ms": round(waits[-1] * 1000, 1), "cpu_ms_per_wave": round(spent / waves * 1000, 1),
    }


@dataclass(frozen=True, slots=True)
class Waving(Served):
    """A gateway that commits a wave when it is told to."""

    pipes: subprocess.Popen[str]

    def wave(self) -> tuple[int, float]:
        """Commit a wave; the offset before it, and when it was committed."""
        stdin, stdout = self.pipes.stdin, self.pipes.stdout
        if stdin is None or stdout is None:
            raise BrokenRule("the gateway has no pipes")
        stdin.write("\n")
        stdin.flush()
        before, at = stdout.readline().split()
        return int(before), float(at)


@contextlib.contextmanager
def _waving(database: Path) -> Iterator[Waving]:
    command = [sys.executable, "-m", "streams.bench.waves", str(database)]
    process = subprocess.Popen(  # noqa: S603  # nothing of it comes from outside
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **_ENVIRONMENT})
    try:
        port = int(process.stdout.readline()) if process.stdout is not None else 0
        _until_ready(port)
        yield Waving(port, process.pid, "", process)
    finally:
        _end(process)


async def _heard(gateway: Waving, tokens: Sequence[str], waves: int) -> tuple[list[float], float, float]:
    """The waits of every event of every wave, in seconds; how long it took to open; the processor's time for them."""
    commits: dict[int, float] = {}
    arrivals: list[tuple[int, float]] = []
    begun = time.perf_counter()
    open_: list[asyncio.Task[None]] = []
    for start in range(0, len(tokens), 50):
        part = await asyncio.gather(*(_opened(gateway.port, token) for token in tokens[start:start + 50]))
        open_ += [asyncio.create_task(_listen(reader, writer, arrivals)) for reader, writer in part]
    opened = time.perf_counter() - begun
    await asyncio.sleep(APART)
    cpu = gateway.seconds()
    for number in range(1, waves + 1):
        before, at = await asyncio.to_thread(gateway.wave)
        commits.update((before + offset, at) for offset in range(1, len(tokens) + 1))
        ends = time.monotonic() + PATIENCE
        while len(arrivals) < number * len(tokens):
            if time.monotonic() > ends:
                raise BrokenRule(f"{len(arrivals)} of {number * len(tokens)} events were heard")
            await asyncio.sleep(0.01)
        await asyncio.sleep(max(0.0, at + APART - time.time()))
    spent = gateway.seconds() - cpu
    for task in open_:
        task.cancel()
    await asyncio.gather(*open_, return_exceptions=True)
    # Transports close on the loop's next turn.
    await asyncio.sleep(0.05)
    return [at - commits[offset] for offset, at in arrivals], opened, spent


async def _opened(port: int, token: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """An open stream, past its answer's head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET /v1/tasks/stream HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer " + token.encode()
        + b"\r\nAccept: text/event-stream\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise BrokenRule(f"a stream was answered {head[:100]!r}")
    return reader, writer


async def _listen(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, arrivals: list[tuple[int, float]]
) -> None:
    """Note when each event arrives, by its id."""
    try:
        while line := await reader.readline():
            if line.startswith(b"id: "):
                arrivals.append((int(line[4:]), time.time()))
    finally:
        writer.close()


def _allow_files(wanted: int) -> None:
    """Let this process, and the gateway that it starts, have so many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
