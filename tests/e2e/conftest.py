"""The running demo that the pages are looked at on, and the browser that looks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
_FLAGS = (
    "--no-sandbox --disable-quic --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run --disable-dev-shm-usage"
).split()
#: The morning on which the pages are looked at: the campaigns stand in two phases, and tasks are open.
MORNING = "2026-03-05T07:35"
#: At most so long the demo may take to get there, in seconds.
PATIENCE = 300


class Demo(NamedTuple):
    """Where a demo runs, and the tokens of HQ and of one dealer."""

    url: str
    hq: str
    dealer: str


@pytest.fixture(scope="module")
def demo(chromium: Browser) -> Iterator[Demo]:
    """A demo of the bundled city; or a running one, where LOUPAN_E2E says 'ADDRESS HQ_TOKEN DEALER_TOKEN'."""
    parts = os.environ.get("LOUPAN_E2E", "").split()
    if len(parts) == 3:
        yield Demo(parts[0].rstrip("/"), parts[1], parts[2])
        return
    command = [sys.executable, "-c", "from streams.cli import main; main()", "demo", "--port", "0", "--json",
               "--until", MORNING, "--speed", "60"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        said = _first_json(process)
        demo = Demo(said["url"], said["tokens"]["hq"], next(v for k, v in said["tokens"].items() if k.startswith("d-")))
        _wait_until_there(demo, process)
        yield demo
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def _first_json(process: subprocess.Popen[str]) -> dict[str, Any]:
    text = ""
    for line in process.stdout or ():
        text += line
        if line.startswith("}"):
            said: dict[str, Any] = json.loads(text)
            return said
    raise AssertionError(f"the demo ended with {process.wait()} and said: {text}")


def _wait_until_there(demo: Demo, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        request = Request(f"{demo.url}/v1/me", headers={"Authorization": f"Bearer {demo.hq}"})
        with urlopen(request, timeout=10) as answer:
            if json.load(answer)["now"][:16] >= MORNING:
                return
        time.sleep(0.3)
    raise AssertionError(f"the demo did not get to {MORNING} in {PATIENCE} s")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One headless Chromium for a module's tests. No longer: Playwright keeps an event loop running meanwhile."""
    if not CHROMIUM.exists():
        pytest.skip(f"there is no browser at {CHROMIUM}: install Debian's chromium and fonts-wqy-zenhei")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=_FLAGS)
        yield browser
        browser.close()
