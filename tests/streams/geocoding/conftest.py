"""A map service of the test's own."""

from collections.abc import Iterator

import pytest

from tests.streams.geocoding.vendors import MapService


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[MapService]:
    """A service on 127.0.0.1; whatever proxy the machine has is not asked for it."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = MapService()
    yield made
    made.stop()
