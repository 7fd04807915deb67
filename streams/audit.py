"""The audit log: who did or saw what, what was refused, when, and from where.

A gateway notes what it answers in memory and writes it every second, many rows in one transaction; a command writes in
its own. Members are noted by a short hash: whoever is erased stands in no log.
"""

from __future__ import annotations

import threading
import time
from hashlib import sha256

import structlog
from msgspec import Struct
from sqlalchemy import Connection, Engine, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from streams.tables import audit
from streams.tokens import DAY, Grant, now_ms

_log = structlog.get_logger(__name__)

#: How often notes are written, in seconds, and how many may wait: more are dropped, and that is noted.
PACE, WAITING = 1.0, 50_000
#: How long what happens often is summed, in seconds.
_MINUTE = 60.0
#: How often what is too old is looked for, in seconds.
_SWEEP = 3600.0
#: The longest of what is kept of a name that somebody else chose.
_LONGEST = 200


class Entry(Struct, frozen=True, kw_only=True):
    """One line of the log; `seq` is 0 until it is written."""

    what: str
    thing: str
    status: int = 0
    key: str | None = None
    role: str | None = None
    label: str | None = None
    address: str | None = None
    times: int = 1
    at: int = 0
    seq: int = 0


def entry_of(grant: Grant | None, what: str, thing: str, *, status: int = 0, address: str | None = None) -> Entry:
    """A line about the holder of a grant, or about nobody that we know, as of now."""
    who = (None, None, None) if grant is None else (grant.key[:12], grant.role.value, grant.label[:_LONGEST])
    return Entry(
        what=what, thing=thing[:_LONGEST], status=status, key=who[0], role=who[1], label=who[2], address=address,
        at=now_ms())


def member_name(member_id: str) -> str:
    """How a member stands in the log: the same one the same each time, and nobody by name."""
    return f"member:{sha256(member_id.encode()).hexdigest()[:12]}"


def write(connection: Connection, entries: list[Entry]) -> None:
    """Write lines, in the caller's transaction."""
    if entries:
        connection.execute(insert(audit), [
            {"at": one.at or now_ms(), "key": one.key, "role": one.role, "label": one.label, "what": one.what,
             "thing": one.thing, "status": one.status, "address": one.address, "times": one.times}
            for one in entries])


def read(
    connection: Connection, *, before: int | None = None, limit: int = 100, what: str | None = None,
    key: str | None = None, thing: str | None = None, refused: bool = False,
) -> list[Entry]:
    """The lines below the cursor `before`, the latest first; of one kind, one token, one thing, or refusals alone."""
    question = select(audit).order_by(audit.c.seq.desc()).limit(limit)
    if before is not None:
        question = question.where(audit.c.seq < before)
    if what is not None:
        question = question.where(audit.c.what.startswith(what, autoescape=True))
    if key is not None:
        question = question.where(audit.c.key == key[:12])
    if thing is not None:
        question = question.where(audit.c.thing.contains(thing, autoescape=True))
    if refused:
        question = question.where(audit.c.status >= 400)
    return [Entry(**row._mapping) for row in connection.execute(question)]  # noqa: SLF001  # SQLAlchemy's own name for it


def forget(connection: Connection, days: int) -> int:
    """Drop what is older than so many days; how many lines."""
    return connection.execute(delete(audit).where(audit.c.at < now_ms() - days * DAY)).rowcount


class Audit:
    """A gateway's notes. `note` costs an append; a thread of its own writes, once there is something to write."""

    def __init__(self, engine: Engine, days: int, pace: float = PACE) -> None:
        self._engine, self._days, self._pace = engine, days, pace
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._noted: list[Entry] = []
        self._sums: dict[tuple[str | None, str, str, str | None], Entry] = {}
        self._dropped = 0
        self._wake, self._closed = threading.Event(), False
        self._thread: threading.Thread | None = None
        self._swept = float("-inf")

    def note(self, entry: Entry) -> None:
        """Note a line, from any thread."""
        with self._lock:
            if len(self._noted) >= WAITING:
                self._dropped += 1
                return
            self._noted.append(entry)
            self._begin()

    def add(self, entry: Entry) -> None:
        """Note something that happens often as a sum: one line for all of it until it is written."""
        name = entry.key, entry.what, entry.thing, entry.address
        with self._lock:
            if len(self._sums) >= WAITING and name not in self._sums:
                self._dropped += 1
                return
            old = self._sums.get(name)
            times = entry.times + (old.times if old is not None else 0)
            self._sums[name] = Entry(
                what=entry.what, thing=entry.thing, status=entry.status, key=entry.key, role=entry.role,
                label=entry.label, address=entry.address, times=times, at=old.at if old is not None else entry.at)
            self._begin()

    def _begin(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        summed = time.monotonic()
        while not self._closed:
            self._wake.wait(self._pace)
            if sums := time.monotonic() - summed > _MINUTE:
                summed = time.monotonic()
            try:
                self.flush(sums=sums)
            except SQLAlchemyError as error:
                # They wait in memory; whoever looks at the log of the program sees why.
                _log.warning("audit.unwritten", error=str(error))

    def flush(self, *, sums: bool = True) -> None:
        """Write what was noted; the sums, too, unless they may go on."""
        with self._writing:
            with self._lock:
                entries, self._noted = self._noted, []
                if sums:
                    entries, self._sums = [*entries, *self._sums.values()], {}
                dropped, self._dropped = self._dropped, 0
            if dropped:
                entries.append(Entry(what="audit.dropped", thing="", times=dropped, at=now_ms()))
            sweep = time.monotonic() - self._swept > _SWEEP
            if not entries and not sweep:
                return
            try:
                with self._engine.begin() as connection:
                    write(connection, entries)
                    if sweep:
                        forget(connection, self._days)
            except BaseException:
                with self._lock:
                    self._noted = [*entries, *self._noted]
                raise
            if sweep:
                self._swept = time.monotonic()

    def close(self) -> None:
        """Write the rest, and end."""
        self._closed = True
        self._wake.set()
        try:
            self.flush()
        except SQLAlchemyError as error:
            _log.warning("audit.unwritten", error=str(error))


