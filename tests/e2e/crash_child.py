"""A pipeline that is killed: `python -m tests.e2e.crash_child CHECK FOLDER …` forks children and kills them.

This process imports everything, builds the world and lives the undisturbed life, once; then it forks a child for
every life. It starts no thread, and has no database open when it forks. A child works the recorded stream on the
SQLite file of its round until it is killed; the next child goes on from what was acknowledged. Each check prints its
findings as one line of JSON.
"""

from __future__ import annotations

import gc
import json
import mmap
import os
import shutil
import signal
import sqlite3
import struct
import sys
import time
import traceback
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects import sqlite as _dialect  # noqa: F401  # loaded once, here, not by each of the children

from agents.world import World
from streams.database import open_database
from streams.demo.chatter import Scale
from streams.demo.people import demo_reference
from streams.demo.recording import record
from streams.embedded import Pipeline
from streams.inbox import Door
from streams.playbook_files import builtin_playbooks
from streams.starting import campaign_starts
from streams.worlds import make_world

DAY_1, EVE = "2026-03-02", b"2026-03-03T06:30"
#: A dump of every table that a batch writes: whatever is lost or doubled shows in one of them.
TABLES = {
    "inbox": 'SELECT source, id, raw FROM inbox ORDER BY "offset"',
    "estate_events": 'SELECT "offset", estate_id, inbox_offset, raw, place FROM estate_events ORDER BY "offset"',
    "state": "SELECT step, key, kind, sub, value FROM state ORDER BY step, key, kind, sub",
    "outbox": 'SELECT topic, "key", id, raw FROM outbox ORDER BY "offset"',
    "tasks": "SELECT task_id, body FROM tasks ORDER BY seq, task_id",
    "flow": "SELECT estate_id, body FROM flow ORDER BY estate_id",
    "wakes": "SELECT estate_id, due FROM wakes ORDER BY estate_id",
    "dead_letters": 'SELECT origin, reason, raw FROM dead_letters WHERE origin LIKE \'inbox:%\' ORDER BY "offset"',
    "positions": "SELECT consumer, next FROM positions ORDER BY consumer",
}


# --- the transaction, split in two: what the checks must notice ------------------------------------------


def _end_one_begin_another(connection: Connection) -> None:
    connection.exec_driver_sql("COMMIT")
    # As on a machine whose disk is slow: a few kills are to find it.
    time.sleep(0.003)
    connection.exec_driver_sql("BEGIN IMMEDIATE")


class PositionLater(Pipeline):
    """State, read models and outbox first, the position in a second transaction: what is killed between is doubled."""

    def _write(self, connection: Connection, output: Any, before: Any) -> None:
        super()._write(connection, output, before)
        _end_one_begin_another(connection)
        super()._advance(connection, before)

    def _advance(self, connection: Connection, before: Any) -> None:
        """Later."""


class PositionFirst(Pipeline):
    """The position first, the rest in a second transaction: what is killed between is lost."""

    def _advance(self, connection: Connection, before: Any) -> None:
        super()._advance(connection, before)
        _end_one_begin_another(connection)


PIPELINES: dict[str, type[Pipeline]] = {"whole": Pipeline, "later": PositionLater, "first": PositionFirst}


# --- one life --------------------------------------------------------------------------------------------


class Life:
    """What a child does: send lines through the door, work them, until the end or its own."""

    def __init__(self, nursery: Nursery, folder: Path, pipeline: type[Pipeline], rng: Random) -> None:
        self.nursery, self.folder, self.rng = nursery, folder, rng
        self._ack = os.open(folder / "acknowledged", os.O_RDWR | os.O_CREAT)
        self.engine = open_database(folder / "crash.db")
        nursery.watch(self.engine)
        self.door = Door()
        self.pipeline = pipeline(self.engine, nursery.world, self.door, batch=rng.randint(20, 50))

    def send(self, count: int) -> bool:
        """Send the next lines, some of them again; False when all were acknowledged."""
        at = self.acknowledged()
        lines = self.nursery.lines[max(0, at - self.rng.choice((0, 0, 1, 5, 20))):at + count]
        if at >= len(self.nursery.lines):
            return False
        with self.engine.begin() as connection:
            self.door.accept(connection, lines)
        self.acknowledge(min(at + count, len(self.nursery.lines)))
        return True

    def acknowledged(self) -> int:
        """How many lines the sender knows to be taken."""
        return int(os.pread(self._ack, 8, 0) or b"0")

    def acknowledge(self, lines: int) -> None:
        """The sender notes it after the door has committed; it may be killed between the two."""
        os.pwrite(self._ack, b"%08d" % lines, 0)

    def live(self) -> None:
        """Send and work to the end of the stream and of the last campaign."""
        more = True
        while more:
            more = self.send(self.rng.randint(20, 120))
            # A backlog may be left: the next batch is then read from the database, not taken from the door's hands.
            while self.pipeline.work() and self.rng.random() < 0.9:
                pass
        while self.pipeline.work() or self.pipeline.run_out():
            pass
        (self.folder / "finished").touch()
        self.close()

    def close(self) -> None:
        """Leave nothing open."""
        self.engine.dispose()
        os.close(self._ack)


def _refused(number: int, line: bytes) -> list[bytes]:
    """Now and then somebody marks a task that there is not: a dead letter."""
    at = line.find(b'"time":"')
    if number % 150 or at < 0:
        return []
    when = json.loads(line)["time"]
    return [json.dumps({
        "specversion": "1.0", "id": f"refused-{number}", "source": "crash", "type": "loupan.task.done.v1", "time": when,
        "data": {"task_id": f"none-{number}"}}).encode()]


class Nursery:
    """Forks children and kills them."""

    def __init__(self, groups: int, days: int, folder: Path, seed: int) -> None:
        reference = demo_reference(DAY_1, groups=groups)
        self.world: World = make_world(reference, builtin_playbooks())
        stream = folder / "stream.jsonl"
        record(reference, seed=seed, days=days, noise=True, out=stream, scale=Scale((30, 40), 1.0))
        zone = self.world.default.zone
        said = [*campaign_starts(reference, zone), *stream.read_bytes().splitlines()]  # type: ignore[arg-type]  # a ZoneInfo
        self.lines = [line for number, one in enumerate(said) for line in (one, *_refused(number, one))]
        self.folder, self.rng = folder, Random(seed)
        #: Shared with the child: whether it is in a transaction.
        self._flag = mmap.mmap(-1, 1)

    def watch(self, engine: Engine) -> None:
        """Let the parent see when the child is in a transaction."""

        def note(value: bytes) -> Callable[[Any], None]:
            def noted(_: Any) -> None:
                self._flag[0:1] = value
            return noted

        event.listen(engine, "begin", note(b"\x01"))
        # SQLAlchemy says "commit" before it commits: the flag falls when the connection is given back.
        event.listen(engine.pool, "checkin", lambda connection, _: note(b"\x00")(connection))

    def fork(self, live: Callable[[], None]) -> int:
        """A child that lives; it ends with 0, or with 3 and its reason in `reason` when it broke."""
        self._flag[0:1] = b"\x00"
        pid = os.fork()
        if pid:
            return pid
        code = 0
        try:
            live()
        except BaseException:  # noqa: BLE001  # whatever it was, the parent says it
            (self.folder / "reason").write_text(traceback.format_exc())
            code = 3
        finally:
            os._exit(code)

    def unbroken(self) -> dict[str, str]:
        """The digests of a run that nobody disturbs."""
        folder = fresh(self.folder / "unbroken")
        self.live(lambda: Life(self, folder, Pipeline, Random(1)).live())
        return digests(folder / "crash.db")

    @staticmethod
    def live(life: Callable[[], None]) -> None:
        """Live in this process: what it reads and compiles once, such as scripts, no child's short life begins with.

        What is there then stays: no child's collector need touch, and so copy, the parent's pages.
        """
        life()
        gc.collect()
        gc.freeze()

    def wait(self, pid: int) -> int:
        """Wait for a child's end; its exit code, negative for a signal."""
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if code == 3:
            raise Broken((self.folder / "reason").read_text())
        return code

    # --- at random ------------------------------------------------------------------------------------

    def at_random(self, name: str, kills: int, expected: dict[str, str]) -> dict[str, Any]:
        """Kill `kills` children after 5–60 ms of life each; compare every finished stream with the unbroken one."""
        found: dict[str, Any] = {"kills": 0, "in_transaction": 0, "rounds": 0, "differ": [], "broken": None}
        while found["kills"] < kills:
            folder = fresh(self.folder / "round")
            while not (folder / "finished").exists():
                try:
                    self._one_life(name, folder, found, killing=found["kills"] < kills)
                except Broken as error:
                    found["broken"] = said(error)
                    return found
            found["rounds"] += 1
            found["differ"] += differing(digests(folder / "crash.db"), expected)
            if found["differ"]:
                return found
        return found

    def _one_life(self, name: str, folder: Path, found: dict[str, Any], *, killing: bool) -> None:
        reading, writing = os.pipe()
        rng = Random(self.rng.random())

        def live() -> None:
            life = Life(self, folder, PIPELINES[name], rng)
            os.write(writing, b"!")
            life.live()

        pid = self.fork(live)
        os.close(writing)
        os.read(reading, 1)
        os.close(reading)
        if killing:
            time.sleep(rng.uniform(0.005, 0.060))
            os.kill(pid, signal.SIGKILL)
        if self.wait(pid) == -signal.SIGKILL:
            found["kills"] += 1
            found["in_transaction"] += self._flag[0]

    # --- at every statement -----------------------------------------------------------------------------

    def eve(self) -> Path:
        """Everything up to the morning of day 2, before its tasks are issued."""
        start = fresh(self.folder / "start")
        self.live(lambda: self._until_the_eve(start))
        return start

    def at_statements(self, name: str, start: Path, most: int) -> dict[str, Any]:
        """Let a child kill itself before each statement of a batch, on a copy each time; recover, and compare.

        The batch has a day's turn in it: planned tasks, wake-ups, rows of state, the outbox. It stops at the
        first difference.
        """
        finish = fresh(self.folder / "finish")
        shutil.copytree(start, finish, dirs_exist_ok=True)
        self.live(lambda: self._one_batch(name, finish))
        expected = digests(finish / "crash.db")
        statements = (finish / "statements").read_text().split("\n")
        points = chosen(statements, most)
        found: dict[str, Any] = {"statements": len(statements), "points": len(points), "differ": [], "broken": None}
        for point in points:
            folder = fresh(self.folder / "point")
            shutil.copytree(start, folder, dirs_exist_ok=True)
            code = self.wait(self.fork(lambda: self._one_batch(name, folder, point)))  # noqa: B023  # runs at once
            if code != -signal.SIGKILL:
                raise SystemExit(f"the child at statement {point} ended with {code}")
            try:
                self.wait(self.fork(lambda: self._one_batch(name, folder)))  # noqa: B023  # runs at once
            except Broken as error:
                found["broken"] = said(error)
                differ = [said(error)]
            else:
                differ = differing(digests(folder / "crash.db"), expected)
            if differ:
                found["differ"].append([point, statements[point], *differ])
                break
        return found

    def _until_the_eve(self, folder: Path) -> None:
        times = [line[line.find(b'"time":"') + 8:][:16] for line in self.lines]
        at = next(number for number, time in enumerate(times) if EVE < time < b"2026-03-04")
        life = Life(self, folder, Pipeline, Random(1))
        life.pipeline.batch = 1000
        while (sent := life.acknowledged()) < at:
            life.send(min(500, at - sent))
            while life.pipeline.work():
                pass
        life.close()

    def _one_batch(self, name: str, folder: Path, kill_before: int | None = None) -> None:
        """Send forty lines and work them as one batch, killed before a statement; at the end, or after it."""
        life = Life(self, folder, PIPELINES[name], Random(1))
        life.pipeline.batch = 1000
        seen: list[str] = []

        def trace(statement: str) -> None:
            if len(seen) == kill_before:
                os.kill(os.getpid(), signal.SIGKILL)
            seen.append(" ".join(statement.split()[:3]))

        with life.engine.connect() as connection:
            driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]  # it is one
            connection.rollback()
            driver.set_trace_callback(trace)
        sent = folder / "sent"
        if not sent.exists():
            life.send(60)
            sent.touch()
        while life.pipeline.work():
            pass
        if kill_before is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        (folder / "statements").write_text("\n".join(seen))
        life.close()


class Broken(Exception):
    """A child could not go on."""


def said(error: Broken) -> str:
    """The line of a traceback that says what it was."""
    return next(line for line in str(error).splitlines() if line and not line.startswith((" ", "Traceback")))


# --- comparing -------------------------------------------------------------------------------------------


def fresh(folder: Path) -> Path:
    """The folder, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def digests(path: Path) -> dict[str, str]:
    """Each table's content in one word."""
    connection = sqlite3.connect(path)
    try:
        out = {}
        for table, sql in TABLES.items():
            digest, count = sha256(), 0
            for row in connection.execute(sql):
                for value in row:
                    part = value if isinstance(value, bytes) else str(value).encode()
                    digest.update(struct.pack("<q", len(part)) + part)
                count += 1
            out[table] = f"{count} rows {digest.hexdigest()}"
        return out
    finally:
        connection.close()


def differing(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    """The tables that are not as in the unbroken run, with their counts."""
    return [
        f"{table}: {found[table].split()[0]} rows, not {expected[table].split()[0]}"
        for table in expected if found[table] != expected[table]
    ]


def chosen(statements: list[str], most: int) -> list[int]:
    """The statements to be killed before: around every begin and commit; unless `most` is 0, others as well.

    Those are the first of each kind, and evenly spread ones, up to `most` in all.
    """
    here = {0, len(statements) - 1}
    for index, statement in enumerate(statements):
        if statement.startswith(("BEGIN", "COMMIT")):
            here |= {index - 1, index, index + 1}
        elif most and index and statement != statements[index - 1]:
            here.add(index)
    here &= set(range(len(statements)))
    others = [index for index in range(len(statements)) if index not in here]
    step = max(1, len(others) // max(1, most - len(here)))
    return sorted(here | set(others[::step][:max(0, most - len(here))]))


def main(arguments: list[str]) -> None:
    """Run a check: `random FOLDER KILLS KILLS_OF_SPLIT` or `statements FOLDER POINTS POINTS_OF_SPLIT`."""
    check, folder, number, split = arguments[0], Path(arguments[1]), int(arguments[2]), int(arguments[3])
    nursery = Nursery(groups=3, days=14 if check == "random" else 3, folder=folder, seed=7)
    numbers = {"whole": number, "later": split, "first": split}
    found: dict[str, Any] = {}
    if check == "random":
        expected = found["expected"] = nursery.unbroken()
        found |= {name: nursery.at_random(name, kills, expected) for name, kills in numbers.items()}
    else:
        start = nursery.eve()
        found |= {name: nursery.at_statements(name, start, most) for name, most in numbers.items()}
    print(json.dumps(found))  # noqa: T201  # the answer to the test that started us


if __name__ == "__main__":
    main(sys.argv[1:])
