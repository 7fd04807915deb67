"""The dealers' page on a phone: its tabs, without a network, installed, on paper, for everybody's eyes and hands.

The gateway is a real server over rows that the core has made, on a clock that stands at noon of day 4.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Locator, Page, expect

from schemas.tasks import Script
from schemas.values import Action, Role
from streams.gateway import worker
from tests import builders
from tests.streams.dealers_world import lived
from tests.streams.gateway_world import World, task

_MARKUP = '<img src=x onerror="window.hit=1"><b>群</b>'
_SOON = 10_000
_PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True,
    "locale": "zh-CN",
}
_TABS = ("today", "tomorrow", "groups", "estates")
_PANELS = {"today": "day", "tomorrow": "tomorrow", "groups": "groups", "estates": "estates"}
#: A picture of one pixel.
_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082")


class Here(NamedTuple):
    """The gateway behind the page, and where it listens."""

    world: World
    url: str


def furnished(folder: Path, name: str = "绿地城 5 期业主群") -> World:
    """A dealer's noon: overdue, due, done and to come, a picture, an upset group, and an estate that nobody works."""
    reference = builders.reference(
        estates=[builders.estate("e1", name if name == _MARKUP else "绿地城"),
                 builders.estate("e3", name if name == _MARKUP else "没人做的小区", lng=116.41, lat=39.92)],
        stores=[builders.store(lng=116.404, lat=39.915, crs="wgs84")], personas=builders.staff(),
        groups=[builders.group(name=name)],
    )
    files = folder / "files"
    files.mkdir()
    (files / "trust-1-noon-1.png").write_bytes(_PNG)
    said = {"text": "你们这质量也太差了，要投诉", "at": builders.at(4, "10:00")}
    crowd = (builders.message(member=f"m{n}", id=f"c{n}", message_id=f"c{n}", **said) for n in (1, 2, 3))
    world = lived(folder, *crowd, reference=reference, attachments_in=files)
    script = Script("trust-1-noon", 2, name if name == _MARKUP else "邻居们中午好，今天聊聊收房", ("实景图", "说明"))
    world.issue(task(4, "07:30"))
    world.issue(task(4, "11:45", script=script, disclosure="——木语全屋定制 主理人 林一"))
    world.issue(task(4, "12:00", role=Role.CUSTOMER_SERVICE, persona_id="p-service"))
    world.issue(task(4, "20:00"))
    world.issue(task(5, "07:30"))
    return world


@contextmanager
def served(folder: Path, **furniture: str) -> Iterator[Here]:
    """A furnished gateway, served. It ends in a thread of its own: the browser keeps a loop running in this one."""
    world = furnished(folder, **furniture)
    with world.served() as client:
        yield Here(world, str(client.base_url).rstrip("/"))
    with ThreadPoolExecutor(1) as beside:
        beside.submit(world.close).result()


@pytest.fixture(scope="module")
def here(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    with served(tmp_path_factory.mktemp("dealer")) as here:
        yield here


Open = Callable[..., Page]


@pytest.fixture
def own(chromium: Browser, tmp_path: Path) -> Iterator[Here]:
    """A gateway of the test's own: what is marked there is told to no other test."""
    with served(tmp_path) as here:
        yield here


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Open]:
    """Opens a page of a dealer's, logged in; says at the end what the browser complained of."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_(at: Here, path: str = "/dealer", *, worker: bool = False, script: str = "", **options: Any) -> Page:
        blocked: Any = "allow" if worker else "block"
        context = chromium.new_context(**_PHONE, service_workers=blocked, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
        if script:
            page.add_init_script(script)
        page.goto(f"{at.url}/login?token={at.world.tokens['own']}&next={path}")
        ready = "#day[aria-busy=false]" if path == "/dealer" else "#sheet[aria-busy=false]"
        page.wait_for_selector(ready, timeout=_SOON, state="attached")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def to(page: Page, tab: str) -> Locator:
    page.locator(f"#tab-{tab}").tap()
    panel = page.locator(f"#{_PANELS[tab]}")
    expect(panel.locator(".card").first).to_be_visible(timeout=_SOON)
    return panel


def card(page: Page) -> Locator:
    """The task that is due now."""
    return page.locator(".card:not(.early):not(.late)", has_text="客服")


def mark_done(page: Page) -> None:
    card(page).get_by_role("button", name="完成", exact=True).tap()
    page.wait_for_timeout(350)
    card(page).get_by_role("button", name="确认已完成").tap()


# --- a task -------------------------------------------------------------------------------------------


def test_a_task_is_done_in_two_taps(open_page: Open, own: Here) -> None:
    page = open_page(own)
    mark_done(page)
    expect(card(page)).to_have_attribute("data-status", "done")
    expect(page.locator("#toast")).to_contain_text("已记为完成")
    page.wait_for_function("() => JSON.parse(localStorage.getItem('loupan.outbox') ?? '[]').length === 0")
    assert own.world.inbox()[-1]["type"] == "loupan.task.done.v1"


def test_what_the_gateway_has_taken_is_not_forgotten_by_an_older_list(open_page: Open, own: Here) -> None:
    page = open_page(own)
    mark_done(page)
    page.wait_for_function("() => JSON.parse(localStorage.getItem('loupan.outbox') ?? '[]').length === 0")
    # Nobody works events here: a list that is read now says still that it is to be done.
    with page.expect_response("**/v1/dealer/day**"):
        own.world.issue(task(4, "21:00"))
    expect(page.locator(".card", has_text="21:00")).to_have_count(1)
    expect(card(page)).to_have_attribute("data-status", "done")


def test_a_task_whose_time_has_not_come_cannot_be_done_yet(open_page: Open, here: Here) -> None:
    page = open_page(here)
    early = page.locator(".card.early").first
    expect(early.get_by_role("button", name="完成", exact=True)).to_be_disabled()


def test_a_finger_that_bounces_confirms_nothing(open_page: Open, here: Here) -> None:
    page = open_page(here)
    card(page).evaluate("card => { card.querySelector('.main').click(); card.querySelector('.sure').click(); }")
    expect(card(page).get_by_role("button", name="确认已完成")).to_be_visible()


def test_what_the_network_loses_is_kept_and_sent_when_it_is_back(open_page: Open, own: Here) -> None:
    page = open_page(own)
    page.route("**/v1/tasks/*/done", lambda route: route.abort())
    mark_done(page)
    expect(card(page).get_by_text("待送出")).to_be_visible()
    expect(page.locator("#toast")).to_contain_text("联网后自动送出")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.locator("#net")).to_be_in_viewport(ratio=1)
    assert page.evaluate("JSON.parse(localStorage.getItem('loupan.outbox')).length") == 1
    page.unroute("**/v1/tasks/*/done")
    with page.expect_response("**/v1/tasks/*/done", timeout=40_000) as answer:
        page.evaluate("dispatchEvent(new Event('online'))")
    assert answer.value.status == 202
    expect(card(page).get_by_text("待送出")).to_be_hidden()
    expect(page.locator("#toast")).to_contain_text("已送出")


@pytest.mark.parametrize("clipboard", ["clipboard", "textarea"])
def test_what_is_copied_carries_its_disclosure(open_page: Open, here: Here, clipboard: str) -> None:
    refused = "navigator.clipboard.writeText = () => Promise.reject(new Error('not here'))"
    page = open_page(
        here, script=refused if clipboard == "textarea" else "", permissions=["clipboard-read", "clipboard-write"])
    signed = page.locator(".card:has(.disclosure:not([hidden]))").first
    line = signed.locator(".disclosure .body > span").inner_text()
    said = signed.locator(".text").inner_text()
    signed.get_by_role("button", name="复制文案").tap()
    expect(page.locator("#toast")).to_contain_text("文案已复制")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(said)
    assert copied.rstrip().endswith(line)


@pytest.mark.parametrize(("action", "line"), [(Action.CHECK, ""), (Action.VISIT, "——木语全屋定制 客服 小李")])
def test_what_is_done_and_not_sent_has_nothing_to_copy(
    open_page: Open, own: Here, action: Action, line: str
) -> None:
    signed = "——木语全屋定制 客服 小李"
    own.world.issue(task(
        4, "12:10", action=action, disclosure=signed, script=Script("list", 1, "【理名单】把到店登记合成一张表")))
    page = open_page(own)
    one = page.locator(".card", has_text="理名单")
    expect(one.locator(".todo")).to_have_text("要做的事，不用发出去")
    expect(one.get_by_role("button", name="复制文案")).to_be_hidden()
    expect(one.locator(".disclosure .body > span")).to_have_text(line)
    expect(one.locator(".disclosure")).to_be_visible(visible=bool(line))
    expect(one).not_to_contain_text("署名随文发出")
    expect(page.locator(".card", has_text="聊聊收房").locator(".todo")).to_be_hidden()
    page.goto(f"{own.url}/dealer/brief")
    assert (signed in page.locator(".task", has_text="理名单").inner_text()) == bool(line)


def test_a_task_says_why(open_page: Open, here: Here) -> None:
    page = open_page(here)
    card(page).get_by_role("button", name="为什么让我做这个？").tap()
    expect(card(page).locator(".reasons p").first).not_to_have_text("正在查…", timeout=_SOON)
    said = card(page).locator(".reasons").inner_text()
    assert re.search(r"[\u4e00-\u9fff]", said)
    assert not re.search(r"[a-z]+-[a-z]+", said), "a playbook's own id says nothing to a dealer"


@pytest.mark.parametrize("height", [568, 844])
def test_what_opens_under_a_card_comes_into_sight(open_page: Open, here: Here, height: int) -> None:
    page = open_page(here, reduced_motion="reduce")
    page.set_viewport_size({"width": 390, "height": height})
    skip = card(page).get_by_role("button", name="跳过")
    skip.evaluate("el => scrollBy(0, el.getBoundingClientRect().bottom - innerHeight)")
    skip.click()
    form = card(page).locator(".skips form")
    expect(form).to_be_in_viewport(ratio=1)
    page.wait_for_function(
        "form => form.getBoundingClientRect().bottom <= innerHeight - 80", arg=form.element_handle(), timeout=2000
    )


def test_whatever_is_touched_is_44_pixels_high(open_page: Open, here: Here) -> None:
    page = open_page(here)
    card(page).get_by_role("button", name="跳过").tap()
    small = page.evaluate("""() => [...document.querySelectorAll("button, select, input")]
      .filter(el => el.checkVisibility()).map(el => [el.textContent || el.id, el.getBoundingClientRect()])
      .filter(([, box]) => box.height < 44 || box.width < 44)
      .map(([text, box]) => `${text} ${box.width}x${box.height}`)""")
    assert small == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# --- the tabs -----------------------------------------------------------------------------------------


def test_each_tab_shows_its_own(open_page: Open, here: Here) -> None:
    page = open_page(here)
    expect(page.locator("#day .late .card")).to_have_count(1)
    tomorrow = to(page, "tomorrow")
    expect(tomorrow.locator("h2").first).to_contain_text("3月6日")
    groups = to(page, "groups")
    expect(groups.locator(".feel")).to_have_text("有情绪")
    expect(groups.locator(".mood")).to_contain_text("抱怨过 3")
    estates = to(page, "estates")
    expect(estates.locator(".reached")).to_have_text("订单 6 / 目标 10")
    expect(estates.locator(".near li")).to_have_count(1)
    expect(estates.locator(".near li")).to_contain_text("没人做的小区")
    page.go_back()
    expect(page.locator("#groups")).to_be_visible()
    page.reload()
    expect(page.locator("#groups .card").first).to_be_visible(timeout=_SOON)


def test_what_is_foreseen_can_be_read_and_never_marked(open_page: Open, here: Here) -> None:
    page = open_page(here)
    panel = to(page, "tomorrow")
    for head in panel.locator(".head[aria-expanded=false]").all():
        head.tap()
    assert panel.locator(".chip", has_text="预告").count() > 0
    expect(panel.locator(".chip", has_text="已安排")).to_have_count(1)
    expect(panel.locator(".card button")).to_have_count(0)


def test_a_groups_next_task_leads_to_its_tasks_today(open_page: Open, here: Here) -> None:
    page = open_page(here)
    to(page, "groups").locator("button.next").tap()
    expect(page.locator("#day")).to_be_visible()
    expect(page.locator("#group")).to_have_value("g1")


def test_a_picture_is_shown_and_saved_where_there_is_one(open_page: Open, here: Here) -> None:
    page = open_page(here)
    clips = page.locator(".card", has_text="收房").locator(".clips")
    clips.scroll_into_view_if_needed()
    expect(clips.locator("img")).to_have_count(1)
    page.wait_for_function("() => document.querySelector('.clips img').naturalWidth === 1")
    with page.expect_download() as saved:
        clips.get_by_text("保存图片").tap()
    assert saved.value.suggested_filename == "trust-1-noon-1.png"
    expect(clips.locator("li").nth(1)).to_have_text("说明")


def test_english_is_one_tap_away_on_every_tab(open_page: Open, here: Here) -> None:
    page = open_page(here)
    page.locator("#language").tap()
    said = [page.locator("header.top").inner_text(), page.locator(".tabs").inner_text()]
    for tab in _TABS:
        panel = to(page, tab)
        ours = panel.locator("h2 strong, .chip, button, .feel, .stands small, .ladder span, .near h2")
        said += ours.all_inner_texts()
    names = "木语家居（测试）|林晚|绿地城.*业主群|中文"
    left = [text for text in said if re.search(r"[\u4e00-\u9fff]", re.sub(names, "", text))]
    assert left == []
    assert page.evaluate("document.documentElement.lang") == "en"


def test_no_name_of_a_new_view_is_markup(open_page: Open, tmp_path: Path) -> None:
    with served(tmp_path, name=_MARKUP) as at:
        page = open_page(at)
        for tab in _TABS[1:]:
            expect(to(page, tab)).to_contain_text("<img src=x")
        brief = open_page(at, "/dealer/brief")
        expect(brief.locator("#sheet")).to_contain_text("<img src=x")
        for one in (page, brief):
            one.wait_for_timeout(200)
            assert one.evaluate("window.hit === undefined && !document.querySelector('b:not(.ladder b), img[src=x]')")


# --- without a network --------------------------------------------------------------------------------


def controlled(page: Page) -> None:
    """The worker has taken the page over, with all its files."""
    page.wait_for_function("() => navigator.serviceWorker.controller?.state === 'activated'", timeout=_SOON)


def test_without_a_network_the_page_opens_and_what_is_marked_is_sent_later(open_page: Open, here: Here) -> None:
    page = open_page(here, worker=True)
    controlled(page)
    page.context.set_offline(True)
    page.reload()
    expect(card(page)).to_be_visible(timeout=_SOON)
    expect(page.locator("#net")).to_contain_text("没有网络：这是上次保存的任务（3月5日 周四）", timeout=_SOON)
    mark_done(page)
    expect(card(page).get_by_text("待送出")).to_be_visible()
    page.reload()
    expect(card(page).get_by_text("待送出")).to_be_visible(timeout=_SOON)
    before = len(here.world.inbox())
    page.context.set_offline(False)
    page.wait_for_function("() => JSON.parse(localStorage.getItem('loupan.outbox')).length === 0", timeout=_SOON)
    expect(page.locator("#net")).to_be_hidden(timeout=_SOON)
    sent = here.world.inbox()[before:]
    assert [event["type"] for event in sent] == ["loupan.task.done.v1"]


def test_what_waits_is_sent_in_the_background_when_the_page_is_shut(open_page: Open, here: Here) -> None:
    page = open_page(here, worker=True)
    controlled(page)
    before = len(here.world.inbox())
    page.context.set_offline(True)
    due = page.locator(".card", has_text="20:00")
    due.get_by_role("button", name="跳过").tap()
    due.get_by_role("button", name="已经有人说过了").tap()
    expect(page.locator("#toast")).to_contain_text("联网后自动送出")
    page.wait_for_function(
        "async () => (await (await (await caches.open('loupan-marks')).match('/waiting'))?.json())?.length === 1")
    other = page.context.new_page()
    page.close()
    page.context.set_offline(False)
    deadline = time.monotonic() + 20
    # What the browser does by itself when the network is back: it wakes the worker.
    other.goto(f"{here.url}/login")
    workers: dict[str, str] = {}
    session = other.context.new_cdp_session(other)
    session.on("ServiceWorker.workerRegistrationUpdated", lambda said: workers.update(
        {one["scopeURL"]: one["registrationId"] for one in said["registrations"]}))
    session.send("ServiceWorker.enable")
    while not workers and time.monotonic() < deadline:
        other.wait_for_timeout(50)
    registered = workers[f"{here.url}/dealer"]
    while len(here.world.inbox()) == before and time.monotonic() < deadline:
        # As the browser does, again until it is done: the page may be on its way out, the network on its way in.
        session.send("ServiceWorker.dispatchSyncEvent", {
            "origin": here.url, "registrationId": registered, "tag": "loupan-outbox", "lastChance": False})
        other.wait_for_timeout(500)
    [event] = here.world.inbox()[before:]
    assert (event["type"], event["data"]["reason"]) == ("loupan.task.skipped.v1", "已经有人说过了")
    back = page.context.new_page()
    back.goto(f"{here.url}/dealer")
    back.wait_for_function("() => JSON.parse(localStorage.getItem('loupan.outbox')).length === 0", timeout=_SOON)


def test_a_new_version_is_told_and_taken_at_a_tap(
    open_page: Open, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(here, worker=True)
    controlled(page)
    expect(page.locator("#update")).to_be_hidden()
    monkeypatch.setattr(worker, "version", lambda: "another")
    page.evaluate("async () => (await navigator.serviceWorker.getRegistration('/dealer')).update()")
    expect(page.locator("#update")).to_be_visible(timeout=_SOON)
    with page.expect_navigation():
        page.locator("#update-now").tap()
    page.wait_for_selector("#day[aria-busy=false]", timeout=_SOON, state="attached")
    expect(page.locator("#update")).to_be_hidden()
    assert page.evaluate("caches.keys()") == ["loupan-dealer-another"]


_NOTHING_THERE = """
for (const name of ["serviceWorker", "clipboard", "onLine"]) {
  Object.defineProperty(Navigator.prototype, name, { get: () => undefined });
}
delete globalThis.caches;
delete CacheStorage.prototype.open;
Object.defineProperty(globalThis, "localStorage", { get() { throw new Error("shut off"); } });
"""


def answering(page: Page) -> list[str]:
    """Says yes to whatever the page asks; what it asked."""
    asked: list[str] = []

    def yes(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept()

    page.on("dialog", yes)
    return asked


def test_who_logs_out_leaves_nothing_on_the_phone(open_page: Open, own: Here) -> None:
    page = open_page(own, worker=True)
    controlled(page)
    page.locator("#language").tap()
    other = page.context.new_page()
    other.goto(f"{own.url}/dealer")
    expect(other.locator(".card").first).to_be_visible(timeout=_SOON)
    # Of two tabs, Chromium without a screen answers no dialog of the one behind.
    page.evaluate("window.confirm = () => true")
    page.locator("#log-out").tap()
    page.wait_for_url("**/login", timeout=_SOON)
    other.wait_for_url("**/login", timeout=_SOON)  # an open tab is no way back in
    assert page.evaluate("Object.entries(localStorage)") == [["loupan.language", "en"]]
    assert page.evaluate("caches.keys()") == []
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0
    page.goto(f"{own.url}/dealer")
    expect(page.locator("h1")).to_have_text("您还没有登录。")


def test_what_is_not_sent_is_spoken_of_before_it_is_lost(open_page: Open, own: Here) -> None:
    page = open_page(own)
    for lost in ("**/v1/tasks/*/done", "**/logout"):
        page.route(lost, lambda route: route.abort())
    mark_done(page)
    expect(card(page).get_by_text("待送出")).to_be_visible()
    asked = answering(page)
    with page.expect_event("dialog", lambda dialog: "还没有退出" in dialog.message):
        page.locator("#log-out").tap()
    assert "还有 1 条没有送出" in asked[0]
    assert "登录链接" in asked[0]
    page.reload()
    expect(card(page).get_by_text("待送出")).to_be_visible(timeout=_SOON)


def test_a_browser_that_has_next_to_nothing_works_all_the_same(open_page: Open, here: Here) -> None:
    page = open_page(here, script=_NOTHING_THERE)
    due = page.locator(".card", has_text="收房")
    due.get_by_role("button", name="复制文案").tap()
    expect(page.locator("#toast")).to_contain_text("复制")
    due.get_by_role("button", name="完成", exact=True).tap()
    page.wait_for_timeout(350)
    due.get_by_role("button", name="确认已完成").tap()
    expect(page.locator("#toast")).to_contain_text("已记为完成")
    for tab in _TABS[1:]:
        to(page, tab)


def test_the_page_can_be_installed(open_page: Open, here: Here) -> None:
    page = open_page(here, worker=True)
    controlled(page)
    session = page.context.new_cdp_session(page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["url"].endswith("/web/manifest.webmanifest")
    assert manifest["errors"] == []
    # A test's browser keeps nothing, and says so; nothing else may be wrong.
    wrong = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [error["errorId"] for error in wrong if error["errorId"] != "in-incognito"] == []
    answer = page.request.get(f"{here.url}/web/manifest.webmanifest")
    assert answer.headers["content-type"] == "application/manifest+json"
    for icon in answer.json()["icons"]:
        assert page.request.get(here.url + icon["src"]).headers["content-type"] == icon["type"]
    script = page.request.get(f"{here.url}/dealer-worker.js")
    assert script.headers["service-worker-allowed"] == "/dealer"
    assert script.headers["cache-control"] == "no-cache"
    assert "worker-src 'self'" in script.headers["content-security-policy"]


def test_the_worker_keeps_every_file_of_the_pages() -> None:
    wanted, found = ["dealer.html", "brief.html", "dealer.css", "brief.css"], set()
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        found.add(name)
        if not name.endswith(".png"):
            text = (worker.WEB / name).read_text("utf-8")
            wanted += re.findall(r"/web/([\w.-]+)", text) + re.findall(r"""(?:from |import\()"\./([\w.-]+)\"""", text)
    assert found - {"dealer.html", "brief.html", "icon-512.png", "icon-maskable-512.png"} == set(worker.SHELL)


# --- a weak network -----------------------------------------------------------------------------------

#: Megabits a second, and milliseconds to and fro: what Chrome's own tools once called "Slow 4G", Lighthouse's phone.
_MEGABITS, _LATENCY = 1.6, 150


def test_on_a_weak_network_the_page_is_light_and_asks_once(
    open_page: Open, here: Here, record_testsuite_property: Callable[[str, object], None]
) -> None:
    page = open_page(here)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    speed = _MEGABITS * 1e6 / 8
    session.send("Network.emulateNetworkConditions", {
        "offline": False, "latency": _LATENCY, "downloadThroughput": speed, "uploadThroughput": speed})
    page.reload()
    page.wait_for_function("() => performance.getEntriesByName('usable').length", timeout=_SOON)
    entries = page.evaluate("""() => ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
      .map(({ name, transferSize, decodedBodySize }) => [new URL(name).pathname, transferSize, decodedBodySize])""")
    files = [entry for entry in entries if entry[0].startswith(("/web/", "/dealer"))]
    usable = page.evaluate("performance.getEntriesByName('usable')[0].startTime")
    over_the_air = sum(entry[1] for entry in files)
    # The time is told, and decides nothing: a machine may be busy.
    record_testsuite_property("dealer_usable_ms", round(usable))
    record_testsuite_property("dealer_bytes", over_the_air)
    assert sum(entry[2] for entry in files) <= 100 * 1024
    assert over_the_air <= 50 * 1024
    assert [entry[0] for entry in entries if entry[0].startswith("/v1/")].count("/v1/dealer/day") == 1
    assert not [entry[0] for entry in entries if entry[0] in ("/v1/me", "/v1/tasks", "/v1/estates")]


# --- on paper -----------------------------------------------------------------------------------------


def test_the_days_brief_is_a_sheet_with_boxes_to_tick(open_page: Open, here: Here) -> None:
    page = open_page(here, "/dealer/brief")
    expect(page.locator("#sheet")).to_contain_text("3月5日 周四")
    assert page.locator(".box").count() == 4
    expect(page.locator(".people li")).to_have_count(2)
    page.emulate_media(media="print")
    expect(page.locator(".bar")).to_be_hidden()
    paper = page.pdf(prefer_css_page_size=True)
    [(width, height)] = set(re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper))
    assert (round(float(width)), round(float(height))) == (595, 842), "A4"
    page.goto(f"{here.url}/dealer/brief?date=2026-03-06")
    expect(page.locator(".box")).to_have_count(1)
    page.goto(f"{here.url}/dealer/brief?date=never")
    expect(page.locator("#sheet")).to_contain_text("不是日期")


# --- for everybody's eyes and hands -------------------------------------------------------------------

#: Functions that say what is wrong with a page's looks.
_LOOKS = (Path(__file__).parent / "looks.js").read_text("utf-8")


def looks(page: Page, question: str) -> list[str]:
    page.evaluate(_LOOKS)
    wrong: list[str] = page.evaluate(f"looks.{question}()")
    return wrong


def test_whatever_can_be_read_stands_out_enough(open_page: Open, here: Here) -> None:
    page = open_page(here, color_scheme="light", reduced_motion="reduce")
    low: list[str] = []
    for tab in _TABS:
        to(page, tab)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            low += looks(page, "faint")
    assert low == []
    page.evaluate("document.documentElement.style.setProperty('--soft', '#555')")
    assert looks(page, "faint"), "a test that finds nothing wrong says nothing"


def test_text_twice_as_large_still_has_its_place(open_page: Open, here: Here) -> None:
    page = open_page(here, reduced_motion="reduce")
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    cramped = looks(page, "cramped")
    for tab in _TABS[1:]:
        to(page, tab)
        cramped += looks(page, "cramped")
    assert cramped == []
    page.locator("#tab-today").tap()
    top = page.locator("header.top").bounding_box()
    tabs = page.locator(".tabs").bounding_box()
    assert top
    assert tabs
    assert top["height"] + tabs["height"] < 844 / 2, "what stays in place leaves room to read"


def test_the_page_is_used_by_keys_alone(open_page: Open, here: Here) -> None:
    page = open_page(here)
    page.keyboard.press("Tab")
    expect(page.locator("#jump")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#day")).to_be_focused()
    page.locator("#tab-today").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-tomorrow")).to_be_focused()
    expect(page.locator("#tomorrow")).to_be_visible()
    page.keyboard.press("End")
    expect(page.locator("#tab-estates")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-today")).to_have_attribute("aria-selected", "true")
    assert page.locator("[role=tab][tabindex='0']").count() == 1
    button = page.locator(".card", has_text="07:30").get_by_role("button", name="完成", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="确认已完成")).to_be_focused()


def test_whatever_can_be_used_has_a_name_and_a_size(open_page: Open, here: Here) -> None:
    page = open_page(here)
    for tab in _TABS:
        to(page, tab)
        assert looks(page, "nameless") == []
        assert looks(page, "small") == []
    assert page.locator("#toast").get_attribute("role") == "status"


# --- pictures -----------------------------------------------------------------------------------------


def test_pictures_of_the_views_are_taken(open_page: Open, here: Here, tmp_path: Path) -> None:
    # With LOUPAN_SCREENSHOTS=docs/images they are the documentation's.
    folder = Path(os.environ.get("LOUPAN_SCREENSHOTS", tmp_path))
    page = open_page(here, color_scheme="light", reduced_motion="reduce")
    for tab in _TABS[1:]:
        to(page, tab)
        page.screenshot(path=folder / f"dealer-{tab}.png")
    page.goto(f"{here.url}/dealer/brief")
    expect(page.locator(".box").first).to_be_visible()
    page.screenshot(path=folder / "dealer-brief.png")
    assert all((folder / f"dealer-{name}.png").stat().st_size > 10_000 for name in (*_TABS[1:], "brief"))
