"""`loupan map` and `loupan report` as whoever is sent them sees them: one file, opened from the disk, in a browser."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from streams.commands import pictures
from streams.pictures.map_page import map_page
from streams.pictures.story import Story
from streams.pictures.story_page import story_page
from streams.pictures.story_words import STORY
from streams.pictures.words import Words
from tests import builders
from tests.streams.test_map import HOSTILE, scene
from tests.streams.test_report import told

Open = Callable[[Path], Page]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The story of a small campaign; made before there is a browser."""
    return told(Path(tmp_path_factory.mktemp("report")) / "loupan.db")


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


def test_a_report_opens_from_the_disk_and_prints_on_a4(open_file: Open, story: Story, tmp_path: Path) -> None:
    hostile = dataclasses.replace(story, estate=builders.estate(name=HOSTILE))
    (tmp_path / "report.html").write_text(story_page(hostile, Words("zh", STORY)), encoding="utf-8")
    page = open_file(tmp_path / "report.html")
    expect(page.locator("h1")).to_contain_text(HOSTILE.replace("\x00", ""))
    expect(page.locator("h2")).to_contain_text(["阶段与目标", "订单：对目标"])
    assert page.locator("script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # An A4 sheet within its margins: 182 mm.
    page.set_viewport_size({"width": 688, "height": 1017})
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_documentations_pictures_are_drawn(open_file: Open, tmp_path: Path) -> None:
    # With LOUPAN_SCREENSHOTS=docs/images, and in LOUPAN_PICTURED a database of `loupan demo`, they are made anew.
    folder, database = os.environ.get("LOUPAN_SCREENSHOTS"), os.environ.get("LOUPAN_PICTURED")
    if not folder or not database:
        pytest.skip("LOUPAN_SCREENSHOTS and LOUPAN_PICTURED say where to, and of what")
    pictures.map_command(tmp_path / "map.png", "北京", database, size="1400x900")
    shutil.copy(tmp_path / "map.png", folder)
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT estate_id FROM flow ORDER BY json_extract(body, '$.orders') DESC")
        (most,) = rows.fetchone()
    pictures.report_command(most, tmp_path / "report.html", database)
    page = open_file(tmp_path / "report.html")
    page.set_viewport_size({"width": 900, "height": 1250})
    page.screenshot(path=Path(folder) / "report.png")
