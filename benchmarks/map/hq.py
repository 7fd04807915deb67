"""How fast HQ's page is with a country's estates: first paint, panning, zooming, by the browser's own clock.

    python benchmarks/map/hq.py [--estates 100000] [--worked 2000] [--picture FILE]

Makes a database of invented estates (and rows of the flow map for some of them), runs `loupan serve` over it, opens
`/hq` in Chromium, and prints JSON: milliseconds from the start of the navigation to the first contentful paint and to
the drawn map, and the times between frames while the map is dragged and zoomed. Not part of the tests.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from playwright.sync_api import Page, sync_playwright
from sqlalchemy import insert

from schemas.reference import Dealer, Estate, Group, Reference, Store
from schemas.values import Phase
from streams.database import migrate, open_database
from streams.reference_store import save_reference
from streams.tables import flow
from streams.tokens import TokenRole, create_token

CHROMIUM = "/usr/bin/chromium"
PORT = 18_460
DISTRICTS = ("东城区", "西城区", "朝阳区", "海淀区", "丰台区", "石景山区", "通州区", "大兴区", "顺义区", "昌平区")


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--estates", type=int, default=100_000)
    parser.add_argument("--worked", type=int, default=2_000)
    parser.add_argument("--picture", type=Path, help="save a screenshot here")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loupan-map-") as folder:
        database = Path(folder) / "map.db"
        token = build(database, asked.estates, asked.worked)
        with serving(database) as url:
            print(json.dumps(measure(url, token, asked.picture), indent=2))


def build(database: Path, estates: int, worked: int) -> str:
    """A database of so many estates; HQ's token."""
    engine = open_database(database)
    migrate(engine)
    dice = random.Random(7)
    reference = invented(dice, estates, worked)
    with engine.begin() as connection:
        save_reference(connection, reference, {})
        rows = [row(dice, estate_id) for estate_id in list(reference.estates)[:worked]]
        connection.execute(insert(flow), rows)
        token = create_token(connection, TokenRole.HQ, None, "benchmark")
    engine.dispose()
    return token


def invented(dice: random.Random, count: int, worked: int) -> Reference:
    """Estates in clusters over 200 km, as a province has them."""
    towns = [(116.4 + dice.gauss(0, 0.9), 39.9 + dice.gauss(0, 0.7), dice.uniform(0.01, 0.12)) for _ in range(120)]
    estates = []
    for number in range(count):
        lng, lat, wide = dice.choice(towns)
        estates.append(Estate(
            f"e{number:06}", f"楼盘{number}号院", lng=dice.gauss(lng, wide), lat=dice.gauss(lat, wide * 0.8),
            crs="gcj02", households=dice.randrange(100, 4000), city="北京", district=dice.choice(DISTRICTS),
        ))
    return Reference.of(
        estates=estates,
        dealers=[Dealer(f"d{n}", f"第{n}家经销商", "北京") for n in range(60)],
        stores=[
            Store(f"s{n}", f"d{n}", f"第{n}店", lng=towns[n][0], lat=towns[n][1], crs="gcj02", staff=6)
            for n in range(60)
        ],
        groups=[
            Group(f"g{n}", f"{n}号群", estate_id=f"e{n:06}", dealer_id=f"d{n % 60}", store_id=f"s{n % 60}")
            for n in range(min(worked, count))
        ],
    )


def row(dice: random.Random, estate_id: str) -> dict[str, Any]:
    """A row of the flow map."""
    number = int(estate_id[1:])
    body = {
        "estate_id": estate_id, "phase": dice.choice(list(Phase)).value, "status": "running", "stage": 1,
        "day": dice.randrange(1, 12), "days": 11, "coverage": "worked", "category": "whole_house",
        "dealer_id": f"d{number % 60}", "dealer_name": f"第{number % 60}家经销商", "store_id": f"s{number % 60}",
        "groups": 1, "members": dice.randrange(50, 500), "active": 40, "placed": 40, "sign_ups": dice.randrange(30),
        "orders": dice.randrange(12), "target_orders": 10, "rungs": {"stranger": 40, "participant": 30, "buyer": 5},
        "tasks": {"done": dice.randrange(300), "verified": dice.randrange(300), "expired": 5},
    }
    return {"estate_id": estate_id, "changed": 0, "body": json.dumps(body).encode()}


@contextmanager
def serving(database: Path) -> Iterator[str]:
    """`loupan serve` over the database; its address."""
    command = [sys.executable, "-c", "from streams.cli import main; main()", "serve", "--database", str(database),
               "--port", str(PORT)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603  # our own command
    try:
        url = f"http://127.0.0.1:{PORT}"
        for _ in range(240):
            time.sleep(0.5)
            try:
                with urlopen(f"{url}/readyz", timeout=2):  # noqa: S310  # our own address
                    break
            except OSError:
                continue
        yield url
    finally:
        process.terminate()
        process.wait(20)


def measure(url: str, token: str, picture: Path | None) -> dict[str, Any]:
    """Open the page twice (the server packs its columns for the first), then drag and zoom."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.context.add_cookies([{"name": "loupan_token", "value": token, "url": url}])
        found: dict[str, Any] = {"first visit": visit(page, url)}
        page.context.clear_cookies()
        fresh = browser.new_context(viewport={"width": 1440, "height": 900})
        fresh.add_cookies([{"name": "loupan_token", "value": token, "url": url}])
        page = fresh.new_page()
        found["empty cache"] = visit(page, url)
        found["again"] = visit(page, url)
        page.wait_for_timeout(1500)
        page.evaluate(_COUNT_FRAMES)
        drag(page)
        found["dragging"] = page.evaluate("window.framesSeen()")
        for _ in range(12):
            page.mouse.wheel(0, -120)
            page.wait_for_timeout(60)
        found["zooming"] = page.evaluate("window.framesSeen()")
        found["points"] = page.evaluate(_POINTS)
        if picture:
            page.screenshot(path=picture)
        browser.close()
    return found


def visit(page: Page, url: str) -> dict[str, int]:
    """Milliseconds from the start of the navigation, by the browser's performance API."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(f"{url}/hq")
    page.wait_for_function("() => performance.getEntriesByName('loupan-drawn').length > 0", timeout=60_000)
    marks: dict[str, int] = page.evaluate("""() => ({
      "first contentful paint": Math.round(performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? -1),
      "map drawn": Math.round(performance.getEntriesByName("loupan-drawn")[0].startTime),
      "columns, KB on the wire": Math.round((performance.getEntriesByType("resource")
        .find((one) => one.name.includes("/v1/map"))?.transferSize ?? 0) / 1024),
    })""")
    metrics = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
    # What the page's thread had of the processor: on a machine that does other things the clock says more.
    marks["main thread, ms of processor"] = round(metrics["TaskDuration"] * 1000)
    marks["of it scripts"] = round(metrics["ScriptDuration"] * 1000)
    return marks


def drag(page: Page) -> None:
    """Drag the map around for two seconds."""
    page.mouse.move(900, 500)
    page.mouse.down()
    for step in range(120):
        page.mouse.move(900 + 200 * ((step % 40) / 40), 500 + (step % 30) * 4)
        page.wait_for_timeout(16)
    page.mouse.up()


_COUNT_FRAMES = """() => {
  let times = [], last = performance.now();
  const step = (now) => { times.push(now - last); last = now; requestAnimationFrame(step); };
  requestAnimationFrame(step);
  window.framesSeen = () => {
    const sorted = times.slice(1).sort((a, b) => a - b);
    times = [];
    const at = (share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] * 10) / 10;
    return { frames: sorted.length, "median ms": at(0.5), "p95 ms": at(0.95), "worst ms": at(1) };
  };
}"""
#: How many points a page has whose estates are all told apart: as many as the columns have.
_POINTS = "async () => (await (await fetch('/v1/map')).json()).id.length"

if __name__ == "__main__":
    main()
