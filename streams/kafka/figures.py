"""What Prometheus reads of the whole, from a gateway: how far each step is, the outbox, what waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from streams.kafka.watching import Seen


class Figures(Collector):
    """The figures as they were last seen."""

    def __init__(self, seen: Callable[[], Seen]) -> None:
        self._seen = seen

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The metrics, anew at each scrape."""
        seen = self._seen()
        lag = GaugeMetricFamily(
            "loupan_partition_lag", "Records of a partition that a step has not worked yet",
            labels=("step", "topic", "partition"))
        for (step, topic, partition), count in seen.lag.items():
            lag.add_metric((step, topic, str(partition)), count)
        yield lag
        for name, about, value in (
            ("outbox_waiting", "Events of the outbox that Kafka does not have yet", seen.waiting),
            ("outbox_age_seconds", "How long the first of them has been waiting", seen.age),
            ("dead_letters", "Dead letters that wait for somebody", seen.dead),
            ("wakeups_due", "Estates that should have been woken by now", seen.due),
        ):
            yield GaugeMetricFamily(f"loupan_{name}", about, value)
