"""`loupan map` and `loupan report` as whoever is sent them sees them: one file, opened from the disk, in a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from streams.commands import pictures
from streams.pictures.map_page import map_page
from streams.pictures.words import Words
from tests.streams.test_map import HOSTILE, scene

Open = Callable[[Path], Page]


@pytest.fixture
def open_file(chromium: Browser) -> Iterator[Open]:
    """Opens a file; it may ask for nothing else, and the browser may complain of nothing."""
    contexts: list[BrowserContext] = []
    asked: list[str] = []
    complaints: list[str] = []

    def open_(file: Path) -> Page:
        context = chromium.new_context(viewport={"width": 1400, "height": 900}, locale="zh-CN")
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(file.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []
    assert len(asked) == len(contexts)
    assert all(url.startswith("file://") for url in asked)


def test_a_map_opens_from_the_disk_tells_and_filters(open_file: Open, tmp_path: Path) -> None:
    (tmp_path / "map.html").write_text(map_page(scene(), Words("zh"), 1200, 800), encoding="utf-8")
    page = open_file(tmp_path / "map.html")
    expect(page.locator("#side")).to_contain_text("北京楼盘流量地图")
    page.locator('.sites[data-state="trust"] circle').hover()
    expect(page.locator("#said")).to_contain_text(HOSTILE.replace("\x00", ""))
    expect(page.locator("#said")).to_contain_text("订单 6 / 目标 10")
    page.locator('.key[data-state="ended"]').press("Enter")
    expect(page.locator(".sites.shown")).to_have_attribute("data-state", "ended")
    before = page.locator("#map").get_attribute("viewBox")
    page.locator("#map").press("+")
    assert page.locator("#map").get_attribute("viewBox") != before
    page.locator("#map").press("0")
    expect(page.locator("#map")).to_have_attribute("viewBox", "0 0 900 800")
    assert page.locator("script").count() == 1


def test_the_documentations_pictures_are_drawn(tmp_path: Path) -> None:
    # With LOUPAN_SCREENSHOTS=docs/images, and in LOUPAN_PICTURED a database of `loupan demo`, they are made anew.
    folder, database = os.environ.get("LOUPAN_SCREENSHOTS"), os.environ.get("LOUPAN_PICTURED")
    if not folder or not database:
        pytest.skip("LOUPAN_SCREENSHOTS and LOUPAN_PICTURED say where to, and of what")
    pictures.map_command(tmp_path / "map.png", "北京", database, size="1400x900")
    shutil.copy(tmp_path / "map.png", folder)
