"""What a gateway stands on where workers do the work: a door to Kafka, and an eye on how far they are."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from streams.gateway.ports import Accepted, Clock
from streams.kafka.cluster import Cluster
from streams.kafka.door import KafkaDoor
from streams.kafka.producer import Publisher
from streams.kafka.watching import Watch


class Remote:
    """The gateway's `Door` and `Changes`, over Kafka and the database that the workers write."""

    def __init__(self, engine: Engine, publisher: Publisher, cluster: Cluster, clock: Clock) -> None:
        self._door = KafkaDoor(engine, publisher, cluster.name, clock.now)
        self._publisher = publisher
        self.watch = Watch(engine, cluster, lambda: clock.now().timestamp())
        self.version, self.wait = self.watch.changed.version, self.watch.changed.wait

    def start(self) -> None:
        """Start looking."""
        self.watch.start()

    def stop(self) -> None:
        """Send what waits, and end."""
        self.watch.stop()
        self._publisher.close()

    @property
    def lag(self) -> int:
        """Events that came in and are not placed yet."""
        return self.watch.seen.unworked

    @property
    def trouble(self) -> str | None:
        """Why nothing goes on, in a sentence; None where all is well."""
        return self.watch.stalled

    async def accept(self, raws: Sequence[bytes]) -> list[Accepted]:
        """Take events in; answers when Kafka has them."""
        answers = await run_in_threadpool(self._door.accept, raws)
        return [Accepted(a.index, a.status, a.id, a.detail) for a in answers]
