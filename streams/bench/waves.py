"""A gateway whose outbox grows by waves: one task's event for each dealer, all committed at once.

Run as a process of its own by `streams.bench.gateway`: `python -m streams.bench.waves DATABASE`. It prints its port;
for each line that it reads it commits a wave, and prints the offset before it, and when it was committed.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Engine

from schemas.ids import derived_id
from schemas.tasks import TaskChange, TaskVerified
from schemas.topics import TASKS
from schemas.values import TaskStatus
from streams.changed import Changed
from streams.clocks import WallClock
from streams.database import open_database
from streams.effects import put_out
from streams.gateway.ports import Accepted
from streams.playbook_files import builtin_playbooks
from streams.readers import last_sent
from streams.reference_store import load_reference
from streams.serving import listen, serve_over
from streams.worlds import make_world

ZONE = ZoneInfo("Asia/Shanghai")


class Waves:
    """What the gateway stands on: no events come in, and what goes out is written when a line is read."""

    lag, trouble = 0, None

    def __init__(self, engine: Engine, dealers: Sequence[str]) -> None:
        self._engine, self._dealers = engine, dealers
        with engine.connect().execution_options(reading=True) as connection:
            self._changed = Changed(last_sent(connection))
        self.version, self.wait = self._changed.version, self._changed.wait
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Read lines from now on."""
        self._thread.start()

    def stop(self) -> None:
        """The program ends, and the thread with it."""

    async def accept(self, raws: Sequence[bytes]) -> list[Accepted]:
        """Nothing is sent here."""
        return [Accepted(index, "error", None, "a bench takes no events") for index, _ in enumerate(raws)]

    def _run(self) -> None:
        for _ in sys.stdin:
            before = self.version()
            with self._engine.begin() as connection:
                put_out(connection, [
                    (offset, TASKS.name, dealer, *_event(dealer, offset), 0)
                    for offset, dealer in enumerate(self._dealers, before + 1)])
            at = time.time()
            self._changed.say(before + len(self._dealers))
            sys.stdout.write(f"{before} {at}\n")
            sys.stdout.flush()


def _event(dealer: str, offset: int) -> tuple[str, bytes]:
    now = datetime.now(UTC)
    data = TaskChange(f"t{offset:08d}", dealer, "e1", "g1", TaskStatus.VERIFIED, "seen in the group")
    event = TaskVerified(id=derived_id(now, dealer, str(offset)), time=now, subject=data.task_id, partitionkey=dealer,
                         data=data)
    return event.id, msgspec.json.encode(event)


def main(database: str) -> None:
    """Serve until the process is told to stop."""
    engine = open_database(database)
    with engine.connect().execution_options(reading=True) as connection:
        reference, _ = load_reference(connection)
    world = make_world(reference, builtin_playbooks())
    listener = listen("127.0.0.1", 0)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    serve_over(Waves(engine, sorted(reference.dealers)), engine, world, WallClock(ZONE), listener, log_level="error")


if __name__ == "__main__":
    main(sys.argv[1])
