"""What any test may ask for."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How fast a machine is, or what else it does, decides no test.
settings.register_profile("loupan", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("loupan")

pytest_plugins = ["tests.servers.fixtures"]

ROOT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, Any, Any]:
    """Find the tests, in every second worker by a clock that is fast.

    Workers must find the same tests by the same names, else xdist ends the run and says where they differ. Each has a
    hash seed of its own already. So a name that holds the time or a hash's order fails here, every time, and not
    only on the day when a second ends between two workers.
    """
    worker = getattr(session.config, "workerinput", {}).get("workerid", "gw0")
    if int(worker.removeprefix("gw")) % 2 == 0:
        return (yield)
    clock, time.time = time.time, lambda: clock() + _FAST
    try:
        return (yield)
    finally:
        time.time = clock


#: By how much, in seconds: a minute and a second.
_FAST = 61


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the repository (LOUPAN_SHARED, or ../shared); without it the test is skipped."""
    folder = Path(os.environ.get("LOUPAN_SHARED") or ROOT.parent / "shared")
    if not (folder / "data").is_dir():
        pytest.skip(f"the folder of real data is not here ({folder}); say where it is with LOUPAN_SHARED")
    return folder
