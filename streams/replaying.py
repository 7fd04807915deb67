"""`loupan replay`: a recorded stream through the whole pipeline, on the stream's own clock.

It is the embedded driver on a database of its own; nothing but the clock differs from a live run.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from agents.rows import PLACEMENT
from agents.state import MEMBER, MEMBER_HOME, MemberHome, MemberRow, member_of
from agents.world import World
from maps.flow import collection, feature
from schemas.errors import BadFile, Unavailable
from schemas.topics import CAMPAIGN_EVENTS, TASKS
from schemas.values import RUNGS
from streams.database import open_database
from streams.embedded import Pipeline
from streams.erasure import erased_people
from streams.inbox import Door
from streams.ledger_view import never_placed, sums, waiting
from streams.log_replay import replay_log
from streams.redaction import redacted
from streams.sql import sql_of
from streams.starting import campaign_starts
from streams.whole import whole_folder

#: Lines that go through the door at once.
LINES = 1000
#: A line longer than this is not read into memory whole: its beginning is kept as a dead letter.
LONGEST_LINE = 64 * 1024 * 1024

#: A time that lies further than this after all others is not believed.
FAR_AHEAD = timedelta(days=366)

Progress = Callable[[int, int], None]


class Replay:
    """A replay: the counts of its books. `read` = `applied` + `duplicate` + `dead`; what is `later` is not read.

    With `log` it is a recorded log of estate-events that is replayed, in which everything was placed and woken already.
    """

    def __init__(
        self, world: World, *, batch: int = 1000, until: datetime | None = None, log: bool = False
    ) -> None:
        self.world, self.batch, self.until, self.log = world, batch, until, log
        self.read = self.duplicate = self.dead_at_door = self.later = 0
        self.lines: dict[int, int] = {}
        self.refused: list[tuple[int, str, bytes]] = []
        #: How far the outbox went when something last came out, and what was due then.
        self._sent = -1
        self._silent_since: datetime | None = None

    def run(self, events: Path, out: Path, progress: Progress | None = None) -> dict[str, Any]:
        """Replay the file and write the results into `out`, all or nothing; gives the summary.

        Raises:
            BadFile: when the stream cannot be read or `out` can be no folder.
            Unavailable: when the system does not let us write it.
        """
        if not events.is_file():
            raise BadFile(str(events), None, "cannot be read: there is no such file", "name a recorded stream")
        with whole_folder(out) as folder, _on_the_disk_of(out):
            engine = open_database(folder / "work" / "replay.db", durable=False)
            try:
                if self.log:
                    self._feed_log(engine, events)
                else:
                    self._feed(engine, events, progress)
                return self._write(engine, folder)
            finally:
                engine.dispose()

    def _feed(self, engine: Engine, events: Path, progress: Progress | None) -> None:
        door = Door(latest=believable_end(events))
        pipeline = Pipeline(engine, self.world, door, batch=self.batch)
        starts = campaign_starts(self.world.reference, self.world.default.zone)  # type: ignore[arg-type]  # a ZoneInfo
        if starts:
            with engine.begin() as connection:
                door.accept(connection, starts)
        size, done = events.stat().st_size, 0
        for number, lines in _batches(events):
            with engine.begin() as connection:
                self._accept(connection, door, number, lines)
            while pipeline.work():
                pass
            done += sum(len(line) + 1 for line in lines)
            if progress is not None:
                progress(min(done, size), size)
        while pipeline.work() or self._run_out(pipeline) or pipeline.scrub():
            pass

    def _run_out(self, pipeline: Pipeline) -> int:
        """Wake what is due next; 0 when nothing is, or nothing will come of it any more.

        A campaign that waits for a group looks for it every morning. When the stream is over, none comes.
        """
        due = pipeline.next_due()
        if due is None or pipeline.changed != self._sent:
            self._sent, self._silent_since = pipeline.changed, due
        elif self._silent_since is not None and due - self._silent_since > FAR_AHEAD:
            return 0
        return pipeline.run_out(self.until)

    def _feed_log(self, engine: Engine, events: Path) -> None:
        self.read, self.dead_at_door = replay_log(engine, self.world, _batches(events), str(events))

    def _accept(self, connection: Connection, door: Door, number: int, lines: list[bytes]) -> None:
        places = [(number + index, line) for index, line in enumerate(lines) if line.strip()]
        if self.until is not None:
            known = len(places)
            places = [(line, raw) for line, raw in places if not _happened_after(raw, self.until)]
            self.later += known - len(places)
        self.read += len(places)
        for answer in door.accept(connection, [line for _, line in places], origin="line"):
            line, raw = places[answer.index]
            if answer.status == "duplicate":
                self.duplicate += 1
            elif answer.status == "error":
                self.dead_at_door += 1
                self.refused.append((line, answer.detail or "", raw))
            elif answer.offset is not None:
                self.lines[answer.offset] = line

    # --- results ----------------------------------------------------------------------------------

    def _write(self, engine: Engine, folder: Path) -> dict[str, Any]:
        with engine.connect().execution_options(reading=True) as connection:
            sql = sql_of(connection)
            buried = [
                {"line": self.lines.get(int(origin.partition(":")[2]), 0), "reason": reason, **_raw(bytes(raw))}
                for origin, reason, raw in sql(
                    "SELECT origin, reason, raw FROM dead_letters WHERE origin LIKE 'inbox:%' ORDER BY \"offset\"")
            ]
            # A campaign of the reference that could not start has no line of its own.
            of_stream = [letter for letter in buried if letter["line"]]
            tasks = [bytes(body) for (body,) in sql("SELECT body FROM tasks ORDER BY seq, task_id")]
            out = [
                bytes(raw) for (raw,) in sql(
                    'SELECT raw FROM outbox WHERE topic IN (?, ?) ORDER BY "offset"',
                    (TASKS.name, CAMPAIGN_EVENTS.name))
            ]
            members = list(_members(connection))
            features = [
                feature(self.world.reference.estates[estate_id], msgspec.json.decode(body))
                for estate_id, body in sql("SELECT estate_id, body FROM flow ORDER BY estate_id")
            ]
            campaigns = sql("SELECT body FROM flow").scalars().all()
            gone = sorted(erased_people(connection))
            waited, booked = self._waited(connection), sums(connection)
        refused = [
            {"line": line, "reason": reason, **_raw(_without(raw, gone))} for line, reason, raw in self.refused]
        dead = sorted([*refused, *buried, *waited], key=lambda letter: letter["line"])
        summary = {
            "read": self.read,
            "applied": self.read - self.duplicate - self.dead_at_door - len(of_stream) - len(waited),
            "duplicate": self.duplicate,
            "dead": self.dead_at_door + len(of_stream) + len(waited),
            **({"later": self.later} if self.until is not None else {}),
            "tasks": len(tasks),
            "campaign_events": len(out),
            "members": len(members),
            "campaigns": sum(1 for body in campaigns if msgspec.json.decode(body)["status"]),
            "ledger": booked,
        }
        _lines(folder / "tasks.jsonl", tasks)
        _lines(folder / "campaign-events.jsonl", out)
        _lines(folder / "members.jsonl", (msgspec.json.encode(member) for member in members))
        _lines(folder / "dead-letters.jsonl", (msgspec.json.encode(letter) for letter in dead))
        (folder / "flow.geojson").write_bytes(msgspec.json.encode(collection(features)) + b"\n")
        (folder / "summary.json").write_bytes(msgspec.json.format(msgspec.json.encode(summary)) + b"\n")
        return summary


    def _waited(self, connection: Connection) -> list[dict[str, Any]]:
        """What came of orders that were never placed: a stream has an end, and nothing waits beyond it."""
        question = 'SELECT "offset", raw FROM inbox WHERE source = ? AND id = ?'
        found = (
            sql_of(connection)(question, (event.source, event.id)).one()
            for row in waiting(connection) for event in row.events)
        return [
            {"line": self.lines.get(offset, 0), "reason": never_placed(bytes(raw)), **_raw(bytes(raw))}
            for offset, raw in found]


@contextmanager
def _on_the_disk_of(out: Path) -> Iterator[None]:
    """The database is ours alone, and lies where the results will: what fails in it is their disk."""
    try:
        yield
    except (OperationalError, Unavailable) as error:
        cause = error if isinstance(error, OperationalError) else error.__cause__
        if not isinstance(cause, OperationalError):
            raise
        raise Unavailable(f"{out} cannot be written: {cause.orig}; make room, or name another place") from error


RESULTS = (
    "tasks.jsonl", "campaign-events.jsonl", "members.jsonl", "flow.geojson", "dead-letters.jsonl", "summary.json",
)


class _Dated(msgspec.Struct):
    """As much of an event as says when it happened."""

    time: datetime


_decode_time = msgspec.json.Decoder(_Dated).decode


def believable_end(path: Path) -> datetime | None:
    """The last time of a recorded stream that its clock may follow; None where all may be believed.

    One event dated years ahead would end every campaign. What lies more than a year after everything else, and
    is at most one event in a hundred (or a single one), is somebody's broken clock.
    """
    times = sorted(time for _, lines in _batches(path) for line in lines if (time := _time_of(line)) is not None)
    few = max(1, len(times) // 100)
    for at in range(max(1, len(times) - few), len(times)):
        if times[at] - times[at - 1] > FAR_AHEAD:
            return times[at - 1]
    return None


def _time_of(raw: bytes) -> datetime | None:
    """When a line says that it happened; None where it doesn't say."""
    try:
        time = _decode_time(raw).time
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return time if time.tzinfo is not None else None


def _happened_after(raw: bytes, until: datetime) -> bool:
    """Whether it is an event of a time after `until`; what cannot be read is left to the door."""
    time = _time_of(raw)
    return time is not None and time > until


def _members(connection: Connection) -> Iterator[dict[str, Any]]:
    """Every member with where they were placed and their rung, by group and member."""
    rungs: dict[tuple[str, str], int] = {}
    decode_row = msgspec.msgpack.Decoder(MemberRow).decode
    for sub, value in sql_of(connection)("SELECT sub, value FROM state WHERE kind = ?", (MEMBER,)):
        who, row = member_of(sub), decode_row(value)
        rungs[who] = max(rungs.get(who, 0), row.rung)
    decode_home = msgspec.msgpack.Decoder(MemberHome).decode
    for group_id, member_id, value in sql_of(connection)(
        "SELECT key, sub, value FROM state WHERE step = ? AND kind = ? ORDER BY key, sub", (PLACEMENT, MEMBER_HOME)
    ):
        home = decode_home(value)
        yield {
            "group_id": group_id, "member_id": member_id, "estate_id": home.estate_id,
            "confidence": round(home.confidence, 4), "reason": home.reason,
            "rung": RUNGS[rungs.get((group_id, member_id), 0)],
        }


def _without(raw: bytes, people: Iterable[str]) -> bytes:
    """A refused line without those who were erased."""
    for member_id in people:
        raw = redacted(raw, member_id)
    return raw


def _batches(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """The file's lines in batches, each with the number of its first line (from 1)."""
    try:
        with path.open("rb") as stream:
            number, lines = 1, []
            while line := stream.readline(LONGEST_LINE):
                rest = line
                while len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
                    rest = stream.readline(LONGEST_LINE)
                lines.append(line.rstrip(b"\r\n"))
                if len(lines) == LINES:
                    yield number, lines
                    number, lines = number + LINES, []
            if lines:
                yield number, lines
    except OSError as error:
        raise BadFile(str(path), None, f"cannot be read: {error.strerror}") from error


def _raw(raw: bytes) -> dict[str, str]:
    """A dead letter's bytes, whole: as text, and where they are no UTF-8 also as base64."""
    try:
        return {"raw": raw.decode()}
    except UnicodeDecodeError:
        return {"raw": raw.decode(errors="replace"), "raw_base64": base64.b64encode(raw).decode()}


def _lines(path: Path, lines: Any) -> None:
    with path.open("wb") as stream:
        for line in lines:
            stream.write(line + b"\n")
