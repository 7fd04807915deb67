"""A library in the form of the vendor's SDK, compiled once."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.streams.wecom.company import Company


@pytest.fixture(scope="session")
def sdk_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library's path; without a C compiler the test is skipped."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler here")
    made = Path(tmp_path_factory.mktemp("sdk")) / "libWeWorkFinanceSdk_C.so"
    source = Path(__file__).with_name("sdk.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O0", "-o", made, source], check=True)
    return made


@pytest.fixture
def company(monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    """WeCom on 127.0.0.1; whatever proxy the machine has is not asked for it."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = Company()
    yield made
    made.stop()
