"""The gateway's measurements do measure: a real gateway in a process of its own, in small."""

from __future__ import annotations

import pytest

from streams.bench import gateway
from streams.bench.streams import town


def test_every_event_of_every_wave_is_heard_by_whom_it_is_for():
    found = gateway.streams(listeners=20, waves=2)
    assert (found["listeners"], found["events"]) == (20, 40)
    assert 0 <= found["p50_ms"] <= found["p99_ms"] <= found["max_ms"]


def test_every_event_is_taken_and_worked(monkeypatch: pytest.MonkeyPatch):
    small = town(50, 500)
    monkeypatch.setattr(gateway, "town", lambda *_: small)
    monkeypatch.setattr(gateway, "WARM", 500)
    found = gateway.ingest(1_000)
    assert found["events"] == 1_000
    assert found["events_per_second"] >= found["worked_per_second"] > 0
