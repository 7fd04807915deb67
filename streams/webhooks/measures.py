"""What Prometheus reads of the webhooks: of the gateway that holds the lease."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.webhooks.courier import Told


class Figures(Collector):
    """Lag, failures in a row and attempts of each endpoint, by its name."""

    def __init__(self, told: Callable[[], Told]) -> None:
        self._told = told

    def collect(self) -> Iterator[Metric]:
        """The figures as they stand."""
        told = self._told()
        lag = GaugeMetricFamily(
            "loupan_webhook_lag", "Events that went out after what an endpoint has", labels=("webhook",))
        failures = GaugeMetricFamily(
            "loupan_webhook_failures", "Failures in a row of an endpoint", labels=("webhook",))
        attempts = CounterMetricFamily(
            "loupan_webhook_attempts", "Attempts to deliver, by how they ended", labels=("webhook", "outcome"))
        for name, value in dict(told.lag).items():
            lag.add_metric((name,), value)
        for name, value in dict(told.failures).items():
            failures.add_metric((name,), value)
        for labels, value in dict(told.counted).items():
            attempts.add_metric(labels, value)
        yield from (lag, failures, attempts)
