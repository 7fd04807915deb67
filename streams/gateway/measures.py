"""What Prometheus reads: requests, events by answer, the inbox's lag, open streams."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from streams.gateway.ports import Door


class Measures:
    """The gateway's own metrics, in a registry that is given: a second app in one process counts for itself."""

    def __init__(self, registry: CollectorRegistry, door: Door) -> None:
        self.registry = registry
        self.requests = Counter(
            "loupan_http_requests", "HTTP requests, by route and status", ("method", "route", "status"),
            registry=registry,
        )
        self.seconds = Histogram(
            "loupan_http_seconds", "Time to the first byte of an answer, in seconds", ("route",), registry=registry,
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
        )
        self.events = Counter(
            "loupan_events_received", "Events at the HTTP door, by its answer", ("status",), registry=registry
        )
        self.wecom = Counter(
            "loupan_wecom_callbacks", "WeCom's callbacks, by event and what became of it", ("event", "how"),
            registry=registry)
        self.streams = Gauge("loupan_streams_open", "Open event streams (SSE)", ("stream",), registry=registry)
        lag = Gauge("loupan_inbox_lag", "Events in the inbox that are not worked yet", registry=registry)
        lag.set_function(lambda: float(door.lag))
        self._campaigns = Gauge(
            "loupan_campaigns", "Campaigns that are worked, by phase", ("phase",), registry=registry)

    def phases(self, counts: Mapping[str, int]) -> None:
        """So many campaigns are in each phase."""
        for phase, count in counts.items():
            self._campaigns.labels(phase).set(count)
