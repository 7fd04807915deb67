"""What a gateway sees of workers elsewhere: how far they are, and that something was committed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.structs import TopicPartition
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from schemas.errors import Unavailable
from streams import places
from streams.changed import Changed
from streams.kafka.cluster import Cluster
from streams.kafka.outbox import RELAYED
from streams.kafka.reaching import reach
from streams.sql import sql_of
from streams.topology import TOPOLOGY

_log = structlog.get_logger(__name__)

#: How often the database is asked for the end of the outbox, and Kafka for the ends of its logs, in seconds.
LOOK, _FAR_LOOK = 0.05, 2.0
#: An outbox that has not been sent for so long is stalled, in seconds.
STALLED = 60.0


class Seen:
    """Figures of the whole: lag by step, topic and partition; the outbox; what waits."""

    def __init__(self) -> None:
        self.lag: dict[tuple[str, str, int], int] = {}
        self.waiting = 0
        self.age = 0.0
        self.dead = 0
        self.due = 0
        self.campaigns: dict[str, int] = {}

    @property
    def unworked(self) -> int:
        """Events that came in and are not placed yet."""
        first = TOPOLOGY.steps[0].name
        return sum(count for (step, _, _), count in self.lag.items() if step == first)


class Watch:
    """Looks at database and brokers, in threads of its own; `changed` are the `Changes` of a gateway."""

    def __init__(self, engine: Engine, cluster: Cluster, now: Callable[[], float] = time.time) -> None:
        self.engine, self._cluster, self._now = engine, cluster, now
        self.seen = Seen()
        self.changed = Changed()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(self._near, LOOK), name="watch-database", daemon=True),
            threading.Thread(target=self._repeat, args=(self._far, _FAR_LOOK), name="watch-kafka", daemon=True),
        ]
        self._admin: Any = None

    def start(self) -> None:
        """Start looking."""
        self._near()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(5)
        if self._admin is not None:
            self._admin.close()

    @property
    def stalled(self) -> str | None:
        """What stands still, in a sentence; None where all goes on."""
        if self.seen.age > STALLED:
            return f"the outbox has not been sent for {self.seen.age:.0f} seconds: is a worker running?"
        return None

    # --- looking ------------------------------------------------------------------------------------

    def _repeat(self, look: Callable[[], None], every: float) -> None:
        while not self._stopping.wait(every):
            try:
                look()
            except (SQLAlchemyError, Unavailable) as error:
                _log.warning("watch.blind", error=str(error).splitlines()[0])
                self._stopping.wait(1)
            except Exception:  # noqa: BLE001  # kafka-python's many: whatever it was, the next look may see
                _log.exception("watch.blind")
                self._stopping.wait(1)

    def _near(self) -> None:
        with self.engine.connect() as connection:
            version = sql_of(connection)(
                "SELECT next FROM positions WHERE consumer = ?", (places.OUT,)).scalar() or 0
        if version != self.changed.version():
            self.changed.say(version)

    def _far(self) -> None:
        seen = Seen()
        with self.engine.connect() as connection:
            self._count(connection, seen)
            positions = dict(sql_of(connection)("SELECT consumer, next FROM positions").all())
        for (step, topic, partition), end in self._ends().items():
            at = positions.get(places.consumer(step, topic, partition), 0)
            seen.lag[step, topic, partition] = max(0, end - at)
        self.seen = seen

    def _count(self, connection: Connection, seen: Seen) -> None:
        sql = sql_of(connection)
        relayed = sql("SELECT next FROM positions WHERE consumer = ?", (RELAYED,)).scalar() or 0
        first = sql('SELECT at FROM outbox WHERE "offset" > ? ORDER BY "offset" LIMIT 1', (relayed,)).scalar()
        seen.waiting = max(0, self.changed.version() - relayed)
        seen.age = max(0.0, self._now() - first / 1000) if first else 0.0
        seen.dead = sql("SELECT count(*) FROM dead_letters WHERE status = 'dead'").scalar_one()
        seen.due = sql("SELECT count(*) FROM wakes WHERE due <= ?", (int(self._now() * 1e6),)).scalar_one()

    def _ends(self) -> dict[tuple[str, str, int], int]:
        """The end of each partition that a step reads."""
        if self._admin is None:
            self._admin = reach(
                KafkaAdminClient, self._cluster.address, access=self._cluster.access, client_id="loupan-watch")
        steps = {
            self._cluster.name(topic.name): (step.name, topic.name) for step in TOPOLOGY.steps for topic in step.reads}
        try:
            found = self._admin.describe_topics(list(steps))
            wanted = {
                TopicPartition(topic["name"], one["partition_index"]): OffsetSpec.LATEST
                for topic in found for one in topic["partitions"]}
            ends = self._admin.list_partition_offsets(wanted)
        except Exception:
            self._admin.close()
            self._admin = None
            raise
        return {(*steps[tp.topic], tp.partition): end.offset for tp, end in ends.items()}
