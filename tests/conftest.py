"""What any test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ["tests.servers.fixtures"]

ROOT = Path(__file__).resolve().parent.parent


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
