"""What Prometheus reads of a worker: events, batches, how long they take, and what had to be tried again."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram


class Measures:
    """A worker's own metrics, in a registry that is given."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._events = Counter(
            "loupan_step_events", "Events that a step dealt with, by what became of them", ("step", "outcome"),
            registry=self.registry)
        self._seconds = Histogram(
            "loupan_step_seconds", "How long the transaction of a batch took, in seconds", ("step",),
            registry=self.registry, buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5))
        self._batches = Histogram(
            "loupan_step_batch_events", "Records of a batch", ("step",), registry=self.registry,
            buckets=(1, 10, 50, 100, 250, 500, 1000, 2500, 5000))
        self.fenced = Counter(
            "loupan_fenced", "Batches that another worker had worked already", registry=self.registry)
        self.retries = Counter(
            "loupan_retries", "What had to be tried again", ("what",), registry=self.registry)

    def batch(self, step: str, records: int, seconds: float) -> None:
        """A batch was committed."""
        self._batches.labels(step).observe(records)
        self._seconds.labels(step).observe(seconds)

    def count(self, step: str, applied: int, duplicate: int, dead: int) -> None:
        """What became of the events of a batch."""
        for outcome, count in (("applied", applied), ("duplicate", duplicate), ("dead", dead)):
            if count:
                self._events.labels(step, outcome).inc(count)
