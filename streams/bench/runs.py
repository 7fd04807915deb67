"""Single measurements: each gives plain figures; `report` puts them beside each other."""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from sqlalchemy import Engine

from agents.state import (
    MemberHome,
    MemberRow,
    PersonRow,
    Tally,
    member_home,
    member_row,
    person,
    tally,
)
from agents.world import World
from schemas.errors import BrokenRule
from schemas.values import RUNGS
from streams import memory
from streams.bench.bare import Recording, write_bare
from streams.bench.streams import ZONE, chat, life, town
from streams.clocks import WallClock
from streams.database import open_database
from streams.embedded import Pipeline
from streams.inbox import Door
from streams.rows import StoredRows
from streams.runner import Runner
from streams.starting import campaign_starts

BATCH = 1000
ROUNDS = 3
#: At most so long the last events of a paced run may take, in seconds.
PATIENCE = 30
NIGHT = datetime(2026, 3, 1, 20, 0, tzinfo=ZONE)
MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=ZONE)


def beside_bare(world: World, warm: Sequence[bytes], lines: Sequence[bytes], folder: Path) -> dict[str, float]:
    """Events/s of the pipeline and of the bare transactions that write the same rows: medians of rounds in turn."""
    base = folder / "base.db"
    engine = open_database(base)
    door = Door()
    pipeline = Pipeline(engine, world, door, batch=BATCH)
    with engine.begin() as connection:
        door.accept(connection, campaign_starts(world.reference, ZONE))
    feed(engine, pipeline, door, warm)
    engine.dispose()
    _checkpoint(base)
    recording = Recording()
    _timed(world, lines, _copy(base, folder / "recorded.db"), recording)
    ours, bare = [], []
    for round_ in range(ROUNDS):
        ours.append(_timed(world, lines, _copy(base, folder / f"ours-{round_}.db")))
        bare.append(write_bare(recording, _copy(base, folder / f"bare-{round_}.db")))
    return {
        "events": len(lines),
        "rows_per_event": round(recording.rows / len(lines), 2),
        "events_per_second": round(len(lines) / median(ours)),
        "bare_events_per_second": round(len(lines) / median(bare)),
        "ratio": round(median(b / o for o, b in zip(ours, bare, strict=True)), 3),
        "us_per_event": round(median(ours) / len(lines) * 1e6, 1),
    }


def chat_beside_bare(events: int) -> dict[str, float]:
    """Plain chat in 50 groups of a thousand-estate town, ten thousand members, campaigns running."""
    world, groups = town(1_000, 10_000)
    memory.settle()
    warm = list(chat(groups, 10_000, 20_000, MORNING))
    lines = list(chat(groups, 10_000, events, MORNING + timedelta(hours=2), seed=8))
    with tempfile.TemporaryDirectory(prefix="loupan-bench-") as folder:
        return beside_bare(world, warm, lines, Path(folder))


def life_beside_bare(events: int) -> dict[str, float]:
    """The demo city's whole life: joins, chat, orders, erasures, and every task of forty groups."""
    with tempfile.TemporaryDirectory(prefix="loupan-bench-") as folder:
        world, lines = life(Path(folder), events)
        memory.settle()
        return beside_bare(world, [], lines, Path(folder))


def at_size(estates: int, members: int, events: int) -> dict[str, float]:
    """The cost of an event where there are so many estates and members, and the memory that the process took."""
    world, groups = town(estates, members)
    memory.settle()
    with tempfile.TemporaryDirectory(prefix="loupan-bench-") as folder:
        engine = open_database(Path(folder) / "size.db")
        door = Door()
        pipeline = Pipeline(engine, world, door, batch=BATCH)
        with engine.begin() as connection:
            door.accept(connection, campaign_starts(world.reference, ZONE))
        feed(engine, pipeline, door, chat(groups, members, len(groups) * 2, NIGHT, seed=1))
        before = _resident()
        _people(engine, world, groups, members)
        pipeline = Pipeline(engine, world, door, batch=BATCH)
        feed(engine, pipeline, door, chat(groups, members, 20_000, MORNING, seed=2))
        lines = list(chat(groups, members, events, MORNING + timedelta(hours=2), seed=3))
        took = []
        for start in range(0, len(lines), 10_000):
            part = lines[start:start + 10_000]
            begin = time.perf_counter()
            feed(engine, pipeline, door, part)
            took.append((time.perf_counter() - begin) / len(part))
        engine.dispose()
    return {
        "estates": estates, "members": members, "us_per_event": round(median(took) * 1e6, 1),
        "hot_mb": round(_resident() - before), "resident_mb": round(_resident()),
    }


def at_size_alone(estates: int, members: int, events: int) -> dict[str, float]:
    """`at_size` in a process of its own, so that its memory is its own."""
    code = (
        "import json; from streams.bench.runs import at_size; "
        f"print(json.dumps(at_size({estates}, {members}, {events})))"
    )
    # Nothing of it comes from outside: three numbers of our own.
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: S603
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def latency(rate: int, seconds: int) -> dict[str, float]:
    """From handing an event over to its task being readable, at `rate` events a second: p50 and p99 in ms."""
    world, groups = town(1_000, 10_000)
    memory.settle()
    clock = WallClock(ZONE)
    with tempfile.TemporaryDirectory(prefix="loupan-bench-") as folder:
        engine = open_database(Path(folder) / "latency.db")
        with engine.begin() as connection:
            Door().accept(connection, campaign_starts(world.reference, ZONE, clock.now()))
        runner = Runner(engine, world, clock)
        runner.start()
        try:
            while runner.worked < len(world.reference.campaigns):
                time.sleep(0.01)
            lines = list(chat(groups, 10_000, rate * seconds, clock.now(), every_ms=1000 / rate))
            waits = asyncio.run(_paced(runner, lines, rate))
        finally:
            runner.stop()
            engine.dispose()
    return percentiles(rate, waits)


def percentiles(rate: int, waits: list[float]) -> dict[str, float]:
    """The figures of waits (s) at a rate (events/s): p50 and p99 in ms."""
    waits.sort()
    return {
        "rate": rate, "events": len(waits), "p50_ms": round(waits[len(waits) // 2] * 1000, 1),
        "p99_ms": round(waits[int(len(waits) * 0.99)] * 1000, 1),
    }


async def _paced(runner: Runner, lines: Sequence[bytes], rate: int) -> list[float]:
    """Hand the events over at the rate; an event's wait ends when all that it brings about is committed."""
    waits: list[float] = []
    step = max(1, rate // 200)
    begin = time.perf_counter()
    open_: list[tuple[int, float]] = []
    handed = runner.worked
    for start in range(0, len(lines), step):
        due = begin + start / rate
        while (rest := due - time.perf_counter()) > 0:
            await asyncio.sleep(min(rest, 0.002))
            _settle(runner, open_, waits)
        part = lines[start:start + step]
        handed += len(part)
        open_.append((handed, time.perf_counter()))
        runner.hand_over(part)
        _settle(runner, open_, waits)
    end = time.perf_counter() + PATIENCE
    while open_ and time.perf_counter() < end:
        await asyncio.sleep(0.002)
        _settle(runner, open_, waits)
    if open_:
        raise BrokenRule(f"{handed - runner.worked} events were never worked")
    return waits


def _settle(runner: Runner, open_: list[tuple[int, float]], waits: list[float]) -> None:
    now = time.perf_counter()
    while open_ and runner.worked >= open_[0][0]:
        waits.append(now - open_.pop(0)[1])


def feed(engine: Engine, pipeline: Pipeline, door: Door, lines: Iterable[bytes]) -> None:
    """Everything through the door and the pipeline, a batch at a time: two transactions each."""
    part: list[bytes] = []
    for line in lines:
        part.append(line)
        if len(part) == BATCH:
            _batch(engine, pipeline, door, part)
            part = []
    if part:
        _batch(engine, pipeline, door, part)


def _batch(engine: Engine, pipeline: Pipeline, door: Door, part: list[bytes]) -> None:
    with engine.begin() as connection:
        door.accept(connection, part)
    while pipeline.work():
        pass


def _timed(world: World, lines: Sequence[bytes], database: Path, recording: Recording | None = None) -> float:
    engine = open_database(database)
    door = Door()
    pipeline = Pipeline(engine, world, door, batch=BATCH)
    if recording is not None:
        recording.listen(engine)
    begin = time.perf_counter()
    feed(engine, pipeline, door, lines)
    seconds = time.perf_counter() - begin
    engine.dispose()
    return seconds


def _people(engine: Engine, world: World, groups: Sequence[str], members: int) -> None:
    """Everybody is there already: the rows that so many joins leave behind, without the joins."""
    with engine.begin() as connection:
        rows = StoredRows()
        rows.attach(connection)
        share = members // len(groups)
        for number, group_id in enumerate(groups):
            estate_id = world.reference.groups[group_id].estate_id or ""
            for k in range(share):
                member_id = f"m{number + len(groups) * k:08d}"
                rows.put(member_home(group_id, member_id), MemberHome(estate_id=estate_id, confidence=0.95))
                rows.put(person(member_id), PersonRow(groups=(group_id,)))
                rows.put(member_row(estate_id, group_id, member_id), MemberRow(home=True, active_in=-1))
            rows.put(tally(estate_id, group_id), Tally(share, 0, 0, share, (share, *[0] * (len(RUNGS) - 1))))
            rows.keep()
            if number % 50 == 0:
                rows.flush(connection)
                rows.committed()
        rows.flush(connection)


def _copy(source: Path, to: Path) -> Path:
    shutil.copy(source, to)
    return to


def _checkpoint(database: Path) -> None:
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _resident() -> float:
    """The memory that the process holds now, in MB; its peak where the system doesn't say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


