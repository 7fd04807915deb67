"""HQ's and the dealer's page, looked at in a browser over a running demo."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.e2e.conftest import Demo
from tests.e2e.test_dealer_page import served

_MARKUP = '<img src=x onerror="window.hit=1"><b>群</b>'
#: A page is there within this many milliseconds; a demo's clock brings a task within the other.
_SOON, _A_DAY = 20_000, 180_000
_HEAVIEST = 100 * 1024

Open = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser, demo: Demo) -> Iterator[Open]:
    """Opens `/hq` or `/dealer`, logged in; says at the end what the browser complained of."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_(name: str, *, prepare: Callable[[Page], None] | None = None, **options: Any) -> Page:
        # The worker behind the dealers' page hides requests from a route; it has its tests in test_dealer_page.py.
        context = chromium.new_context(**{
            **(_PHONE if name == "dealer" else _DESK), "locale": "zh-CN", "service_workers": "block", **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if _matters(message.text) else None)
        if prepare:
            prepare(page)
        token = demo.dealer if name == "dealer" else demo.hq
        page.goto(f"{demo.url}/login?token={token}&next=/{name}")
        ready = "#campaigns .row" if name == "hq" else "#day[aria-busy=false]"
        page.wait_for_selector(ready, timeout=_SOON, state="attached")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


_DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
_PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True,
}


def _matters(text: str) -> bool:
    """What breaks the policy or the page; not the network that a test takes away."""
    return "Content Security Policy" in text or "Refused to" in text or "Uncaught" in text


def _count(page: Page, name: str) -> int:
    text = page.locator(f'[data-count="{name}"] strong').inner_text().replace(",", "")
    return int(text) if text.isdigit() else -1


# --- both pages -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["hq", "dealer"])
def test_simulated_data_are_called_simulated(open_page: Open, name: str) -> None:
    page = open_page(name)
    simulated = page.evaluate("async () => (await (await fetch('/v1/me')).json()).simulated")
    expect(page.locator("#simulated")).to_be_visible(visible=bool(simulated))


def test_whose_estates_they_are_is_said_of_those_that_ship_and_of_no_others(
    open_page: Open, chromium: Browser, tmp_path: Path
) -> None:
    expect(open_page("hq").locator("#credit")).to_contain_text("lianjiaSpider")
    with served(tmp_path) as own, chromium.new_context(**_DESK, locale="zh-CN") as context:
        page = context.new_page()
        page.goto(f"{own.url}/login?token={own.world.tokens['hq']}&next=/hq")
        page.wait_for_selector("#campaigns .row", timeout=_SOON, state="attached")
        expect(page.locator("#credit")).to_have_text("行政区划：fast-\u2060geocn（MIT）")


@pytest.mark.parametrize("name", ["hq", "dealer"])
def test_no_request_leaves_the_pages_origin(open_page: Open, demo: Demo, name: str) -> None:
    asked: list[str] = []
    page = open_page(name, prepare=lambda page: page.on("request", lambda request: asked.append(request.url)))
    page.wait_for_timeout(1500)
    assert len(asked) > 10
    assert {urlsplit(url)[:2] for url in asked} == {urlsplit(demo.url)[:2]}


@pytest.mark.parametrize("name", ["hq", "dealer"])
def test_a_page_weighs_at_most_100_kb_before_its_data(open_page: Open, name: str) -> None:
    sizes: dict[str, int] = {}

    def weigh(page: Page) -> None:
        page.on("response", lambda response: sizes.update({response.url: response.status}))

    page = open_page(name, prepare=weigh)
    # HQ's map marks when it is drawn; names, outlines and the like are asked for after that.
    later = set(page.evaluate("""() => {
      const drawn = performance.getEntriesByName("loupan-drawn")[0]?.startTime ?? Infinity;
      return performance.getEntriesByType("resource").filter((one) => one.startTime > drawn).map((one) => one.name);
    }"""))
    own = [url for url in sizes.keys() - later if urlsplit(url).path.startswith(("/web/", f"/{name}"))]
    weights = [len(page.request.get(url).body()) for url in own]
    assert len(own) > 5
    assert sum(weights) <= _HEAVIEST


@pytest.mark.parametrize("name", ["hq", "dealer"])
@pytest.mark.parametrize(("asks_for", "first"), [("zh-TW", "zh-CN"), ("de-DE", "en")])
def test_a_first_visit_is_in_chinese_unless_the_browser_asks_for_none(
    open_page: Open, name: str, asks_for: str, first: str
) -> None:
    page = open_page(name, locale=asks_for)
    html = page.locator("html")
    expect(html).to_have_attribute("lang", first)
    other = "en" if first == "zh-CN" else "zh-CN"
    page.click("#language")
    expect(html).to_have_attribute("lang", other)
    page.reload()
    expect(html).to_have_attribute("lang", other)


def test_who_logs_out_of_hq_means_it_and_is_out(open_page: Open, demo: Demo) -> None:
    page = open_page("hq")
    page.once("dialog", lambda dialog: dialog.dismiss())
    with page.expect_event("dialog"):
        page.click("#log-out")
    expect(page.locator("#campaigns .row").first).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("#log-out")
    page.wait_for_url("**/login")
    assert page.request.get(f"{demo.url}/v1/me").status == 401


@pytest.mark.parametrize("name", ["hq", "dealer"])
def test_a_name_is_text_and_never_markup(open_page: Open, name: str) -> None:
    def poison(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=json.dumps(_poisoned(answer.json())))

    def prepare(page: Page) -> None:
        for path in (r"/v1/flow(\?|$)", r"/v1/dealer/day", r"/v1/me$", r"/v1/stores", r"/timeline", r"/v1/districts",
                     r"/v1/map", r"/v1/funnel", r"/v1/dealers", r"/v1/estates/.*/story"):
            page.route(re.compile(path), poison)
        # What the stream brings has the real names again.
        page.route(re.compile("/stream"), lambda route: route.abort())

    page = open_page(name, prepare=prepare)
    if name == "hq":
        page.locator("#campaigns .row").first.click()
        expect(page.locator("#panel h2")).to_have_text(_MARKUP)
        page.mouse.move(700, 500)
        for view, named in (("coverage", ".column .name"), ("funnel", "tbody th"), ("dealers", "tbody th")):
            page.click(f"[data-view={view}]")
            expect(page.locator(f".view {named}").first).to_have_text(_MARKUP)
    else:
        expect(page.locator("#name")).to_have_text(_MARKUP)
    page.wait_for_timeout(500)
    assert page.evaluate("window.hit === undefined && document.querySelector('img') === null")


def _poisoned(value: Any) -> Any:
    """The same JSON, with markup for every name and text in it."""
    if isinstance(value, list):
        return [_poisoned(item) for item in value]
    if isinstance(value, dict):
        return {key: _poison(key, item) for key, item in value.items()}
    return value


def _poison(key: str, value: Any) -> Any:
    if key in ("name", "districts") and isinstance(value, list):
        return [_MARKUP] * len(value)
    if key == "dealers" and value and isinstance(value[0], list):
        return [[id, _MARKUP] for id, _ in value]
    return _MARKUP if _is_name(key, value) else _poisoned(value)


def _is_name(key: str, value: Any) -> bool:
    names = ("name", "text", "summary", "disclosure", "district", "reason")
    return isinstance(value, str) and (key in names or "_name" in key)


@pytest.mark.parametrize("width", [820, 1180, 1440])
def test_nothing_of_hq_sticks_out_of_its_screen(open_page: Open, width: int) -> None:
    page = open_page("hq")
    page.set_viewport_size({"width": width, "height": 900})
    page.locator("#campaigns .row").first.click()
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# --- HQ -------------------------------------------------------------------------------------------


def test_hq_draws_the_city_and_lists_what_is_worked(open_page: Open) -> None:
    page = open_page("hq")
    page.wait_for_timeout(1000)
    worked = page.locator("#campaigns .row").count()
    assert worked == _count(page, "worked") > 0
    for layer in ("base", "live"):
        assert page.evaluate(_COLOURS, layer) > 10


#: How many different colours a canvas shows: an empty one has one.
_COLOURS = """layer => {
  const canvas = document.querySelector(`canvas.${layer}`);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
}"""


def test_counts_move_as_events_come(open_page: Open) -> None:
    page = open_page("hq")
    before = _count(page, "events")
    page.wait_for_function(
        """before => {
          const shown = document.querySelector("[data-count=events] strong").textContent;
          return Number(shown.replaceAll(",", "")) > before;
        }""",
        arg=before, timeout=60_000,
    )


def test_an_estate_opens_with_its_phase_ladder_and_orders(open_page: Open) -> None:
    page = open_page("hq")
    row = page.locator("#campaigns .row").first
    name = row.locator(".name").text_content() or ""
    row.click()
    panel = page.locator("#panel")
    expect(panel.locator("h2")).to_have_text(name)
    expect(panel.locator(".steps li")).to_have_count(5)
    expect(panel.locator(".ladder li")).to_have_count(9)
    expect(panel.locator(".timeline li").first).to_be_visible(timeout=_SOON)
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_the_list_is_searched_by_name(open_page: Open) -> None:
    page = open_page("hq")
    name = page.locator("#campaigns .row .name").last.text_content() or ""
    page.fill("#search", name)
    expect(page.locator("#campaigns .row .name").first).to_have_text(name)
    page.fill("#search", "没有这样的楼盘名")
    expect(page.locator("#campaigns .row")).to_have_count(0)
    expect(page.locator("#none")).to_be_visible()


def test_a_dealer_filters_the_list(open_page: Open) -> None:
    page = open_page("hq")
    dealer = page.locator("#dealer option").nth(1).inner_text()
    page.select_option("#dealer", index=1)
    assert set(page.locator("#campaigns .row .dealer").all_text_contents()) == {dealer}


def _at_rest(page: Page) -> str:
    """What the map's bar says when the map has come to where it flies."""
    seen = [page.locator("#bar-text").inner_text()]
    while len(seen) < 4 or len(set(seen[-4:])) > 1:
        page.wait_for_timeout(250)
        seen.append(page.locator("#bar-text").inner_text())
    return seen[-1]


def test_the_map_is_walked_by_keys(open_page: Open) -> None:
    page = open_page("hq")
    page.locator("canvas.live").focus()
    page.keyboard.press("]")
    expect(page.locator("#panel")).to_be_visible()
    bar = _at_rest(page)
    page.locator("canvas.live").focus()
    for _ in range(4):
        page.keyboard.press("-")
    expect(page.locator("#bar-text")).not_to_have_text(bar)


def _flow_as(page: Page, change: Callable[[dict[str, Any]], None]) -> None:
    """The flow map's answer as the test wants it; what the stream brings is kept away."""

    def answer(route: Route) -> None:
        body = (got := route.fetch()).json()
        change(body)
        route.fulfill(response=got, body=json.dumps(body))

    page.route(re.compile(r"/v1/flow(\?|$)"), answer)
    page.route(re.compile("/stream"), lambda route: route.abort())


def _end_all(flow: dict[str, Any]) -> None:
    for feature in flow["features"]:
        if feature["properties"].get("status"):
            feature["properties"].update(status="ended", phase=None)


def test_campaigns_that_ended_are_counted_as_ended(open_page: Open) -> None:
    page = open_page("hq", prepare=lambda page: _flow_as(page, _end_all))
    rows = page.locator("#campaigns .row")
    shown = page.locator("#phases li:visible button")
    expect(shown.last).to_have_text(f"已结束{rows.count()}")
    expect(page.locator("#phases")).not_to_contain_text("未开始", use_inner_text=True)
    shown.last.click()
    expect(rows.first).to_contain_text("已结束")


def _many(flow: dict[str, Any]) -> None:
    flow["counts"].update(
        tasks_issued=1_214_210, tasks_done=1_214_209, tasks_verified=1_114_208, placed_members=216_143, members=216_223,
        events=12_522_247,
    )


@pytest.mark.parametrize("width", [1024, 1280, 1366, 1440])
def test_a_figure_is_never_cut(open_page: Open, width: int) -> None:
    page = open_page("hq", prepare=lambda page: _flow_as(page, _many))
    page.set_viewport_size({"width": width, "height": 720})
    expect(page.locator('[data-count="tasks"] strong')).to_have_text("1,214,209")
    assert page.evaluate(_CUT) == []


#: What sticks out of its tile, or a tile that sticks out of the screen.
_CUT = """() => [...document.querySelectorAll(".tile > *")].filter((el) => {
  const range = document.createRange();
  range.selectNodeContents(el);
  const [text, tile] = [range.getBoundingClientRect(), el.parentElement.getBoundingClientRect()];
  return text.right > Math.min(tile.right, innerWidth) || text.bottom > 96 || el.scrollWidth > el.clientWidth;
}).map((el) => el.textContent)"""


@pytest.mark.parametrize("width", [1024, 1180, 1440])
def test_nothing_covers_the_buttons_of_the_map(open_page: Open, width: int) -> None:
    page = open_page("hq")
    page.set_viewport_size({"width": width, "height": 700})
    page.locator("#campaigns .row").first.click()
    for name in ("in", "out", "fit"):
        page.locator(f"#{name}").click(trial=True, timeout=2000)
    low = page.locator("#fit").bounding_box()
    foot = page.locator("#foot").bounding_box()
    assert low
    assert foot
    assert low["y"] + low["height"] <= foot["y"]


@pytest.mark.parametrize("size", [(1440, 900), (1280, 720)])
def test_every_inner_district_is_named_at_first_sight(open_page: Open, size: tuple[int, int]) -> None:
    def prepare(page: Page) -> None:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.add_init_script(_WRITTEN)

    page = open_page("hq", prepare=prepare)
    for name in ("东城区", "西城区", "朝阳区", "海淀区", "丰台区", "石景山区"):
        page.wait_for_function("name => window.written.has(name)", arg=name, timeout=_SOON)


#: Keeps what was written on a canvas.
_WRITTEN = """
window.written = new Set();
const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
  window.written.add(text);
  return write.call(this, text, ...rest);
};
"""


def test_an_estate_that_nobody_works_is_found_and_shown_on_the_map(open_page: Open) -> None:
    page = open_page("hq", prepare=lambda page: page.add_init_script(_WRITTEN))
    page.fill("#search", "望京")
    row = page.locator("#campaigns .row.idle").first
    name = row.locator(".name").inner_text()
    assert "望京" in name
    expect(page.locator("#campaigns .heading")).to_contain_text("未开展的楼盘")
    bar = page.locator("#bar-text").inner_text()
    page.press("#search", "Enter")
    expect(page.locator("#panel h2")).to_have_text(name)
    expect(page.locator("#panel")).to_contain_text("还没有人开展")
    expect(page.locator("#bar-text")).not_to_have_text(bar)
    page.wait_for_function("name => window.written.has(name)", arg=name)
    page.fill("#search", "")
    expect(page.locator("#campaigns .row.idle")).to_have_count(0)


# --- HQ's views -----------------------------------------------------------------------------------


def _figure(text: str) -> int:
    return int(text.replace(",", ""))


def test_the_board_has_every_estate_in_one_column(open_page: Open) -> None:
    page = open_page("hq")
    page.click("[data-view=coverage]")
    columns = page.locator(".column strong")
    expect(columns).to_have_count(4)
    page.wait_for_selector(".column li button")
    # The figures above and the columns are drawn one after the other.
    page.wait_for_function("""() => {
      const figure = (at) => Number(document.querySelector(at).textContent.replaceAll(",", ""));
      return figure(".column:nth-child(4) strong") === figure("[data-count=worked] strong");
    }""")
    counts = [_figure(text) for text in columns.all_inner_texts()]
    assert sum(counts) == 4846
    page.fill("#search", "望京")
    page.wait_for_function("before => document.querySelectorAll('.column strong')[1].textContent !== before",
                           arg=f"{counts[1]:,}")
    assert all("望京" in name for name in page.locator('[data-coverage="idle"] .name').all_inner_texts()[:5])
    card = page.locator('[data-coverage="idle"] button').first
    name = card.locator(".name").inner_text()
    card.click()
    expect(page.locator("#panel h2")).to_have_text(name)


def test_a_view_and_an_estate_are_linked_by_the_address(open_page: Open) -> None:
    page = open_page("hq")
    page.click("[data-view=funnel]")
    page.locator("#campaigns .row").first.click()
    name = page.locator("#panel h2").inner_text()
    assert "view=funnel" in page.url
    assert "estate=" in page.url
    page.reload()
    expect(page.locator("#panel h2")).to_have_text(name, timeout=_SOON)
    expect(page.locator(".view.funnel h2")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    assert "estate=" not in page.url


def test_the_funnel_narrows_from_the_members_to_the_buyers(open_page: Open) -> None:
    page = open_page("hq")
    page.click("[data-view=funnel]")
    page.wait_for_selector(".funnel tbody tr")
    stages = [_figure(text) for text in page.locator(".stages strong").all_inner_texts()]
    assert stages[0] > stages[1] >= stages[2] >= 0
    total = _figure(page.locator(".funnel tfoot td").first.inner_text())
    assert total == stages[0]
    page.get_by_role("button", name="按群").click()
    expect(page.locator(".funnel tbody tr")).to_have_count(40)
    assert "by=group" in page.url


def test_the_dealers_are_sorted_by_a_tap_and_taken_along_as_csv(open_page: Open) -> None:
    page = open_page("hq")
    page.click("[data-view=dealers]")
    page.wait_for_selector(".dealers tbody tr")
    page.get_by_role("button", name="楼盘", exact=True).click()
    head = page.locator('.dealers th[data-key="estates"]')
    expect(head).to_have_attribute("aria-sort", "descending")
    counts = [_figure(text) for text in page.locator(".dealers tbody tr td:nth-child(2)").all_inner_texts()]
    assert counts == sorted(counts, reverse=True)
    with page.expect_download() as saved:
        page.get_by_role("button", name="导出 CSV").click()
    raw = Path(saved.value.path()).read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf"), "without the mark Excel reads Chinese as something else"
    lines = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
    assert lines[0][:2] == ["经销商", "楼盘"]
    assert [int(line[1]) for line in lines[1:]] == counts


def test_a_name_that_would_be_a_formula_is_no_formula_in_a_spreadsheet(open_page: Open) -> None:
    page = open_page("hq")
    cells = page.evaluate("""async () => {
      const { cell } = await import("/web/export.js");
      return ['=HYPERLINK("x")', '+1', '@a', 'a,b', '-5', -5, 0.5, null].map(cell);
    }""")
    assert cells == ['"\'=HYPERLINK(""x"")"', "'+1", "'@a", '"a,b"', "'-5", "-5", "0.5", ""]


def test_an_estate_tells_its_phases_its_people_and_its_punctuality(open_page: Open) -> None:
    page = open_page("hq")
    page.locator("#campaigns .row").first.click()
    panel = page.locator("#panel")
    expect(panel.locator(".gates > li").first).to_contain_text("预热", timeout=_SOON)
    expect(panel.locator(".gates")).to_contain_text("信任")
    expect(panel.locator(".filled svg polygon")).to_have_count(8)
    expect(panel.locator(".punctual svg rect").first).to_be_attached()
    expect(panel.get_by_role("heading", name="四种连接")).to_be_visible()
    expect(panel.locator(".against").last.locator("li")).to_have_count(4)


def test_light_and_dark_are_switched_and_kept(open_page: Open) -> None:
    page = open_page("hq", color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("#theme")
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == dark
    page.click("#theme")
    assert page.evaluate(ground) == light
    assert page.evaluate("localStorage.getItem('loupan.theme')") is None


def test_idle_estates_are_found_by_their_coverage(open_page: Open) -> None:
    page = open_page("hq")
    page.select_option("#coverage", "idle")
    expect(page.locator("#campaigns .row.idle").first).to_be_visible()
    expect(page.locator("#campaigns .row:not(.idle)")).to_have_count(0)
    page.select_option("#coverage", "worked")
    assert page.locator("#campaigns .row").count() == _count(page, "worked")


def test_layers_are_drawn_and_taken_away_by_a_tap(open_page: Open) -> None:
    page = open_page("hq")
    page.wait_for_timeout(1000)
    expect(page.locator(".key.covered").first).to_be_hidden()
    before = page.evaluate(_SHADES, ["base", "--cover-idle"])
    page.click("[data-layer=coverage]")
    expect(page.locator(".key.covered").first).to_be_visible()
    page.wait_for_timeout(500)
    assert page.evaluate(_SHADES, ["base", "--cover-idle"]) > before + 500
    assert page.evaluate(_SHADES, ["base", "--cover-nobody"]) > 0
    page.click("[data-layer=coverage]")
    page.wait_for_timeout(500)
    assert page.evaluate(_SHADES, ["base", "--cover-idle"]) <= before + 50


#: How many pixels of a canvas have just the colour of a variable.
_SHADES = """([layer, name]) => {
  const canvas = document.querySelector(`canvas.${layer}`);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  let n = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i] === r && data[i + 1] === g && data[i + 2] === b) n++;
  return n;
}"""


def test_the_past_is_walked_through_day_by_day(open_page: Open) -> None:
    page = open_page("hq")
    now = page.locator("#phases .n").all_inner_texts()
    page.click("#past")
    days = page.locator("#time input")
    expect(page.locator("#time strong")).to_have_text(re.compile(r"2026-03-\d\d"), timeout=_SOON)
    days.focus()
    page.keyboard.press("Home")
    expect(page.locator("#time strong")).to_have_text("2026-03-02")
    # On the first day everything that had begun was in its first phase.
    counts = [_figure(text) for text in page.locator("#phases li:visible .n").all_inner_texts()]
    first = [_figure(text) for text in page.locator('#phases li:has([data-phase="warm_up"]) .n').all_inner_texts()]
    assert first[0] > 0
    assert sum(counts) >= first[0]
    page.get_by_role("button", name="回到现在").click()
    expect(page.locator("#time")).to_be_hidden()
    assert page.locator("#phases .n").all_inner_texts() == now


def test_the_map_is_taken_along_as_a_picture(open_page: Open) -> None:
    page = open_page("hq")
    page.wait_for_timeout(500)
    with page.expect_download() as saved:
        page.click("#take")
    assert re.fullmatch(r"楼盘流量地图-\d{4}-\d\d-\d\d-\d{4}\.png", saved.value.suggested_filename)
    raw = Path(saved.value.path()).read_bytes()
    assert raw.startswith(b"\x89PNG")
    assert len(raw) > 30_000


def test_a_narrow_picture_has_its_legend_in_rows_and_the_sources_below(open_page: Open) -> None:
    page = open_page("hq", viewport={"width": 390, "height": 844})
    with page.expect_download() as saved:
        page.click("#take")
    raw = Path(saved.value.path()).read_bytes()
    width, height = (int.from_bytes(raw[at : at + 4]) for at in (16, 20))  # of PNG's first chunk
    seen = page.locator("#map canvas.base").bounding_box()
    assert seen is not None
    assert (width, height) == (round(seen["width"]), round(seen["height"]) + 56 + 44 + 2 * 24)


def test_on_paper_there_are_no_buttons_and_the_ground_is_light(open_page: Open) -> None:
    page = open_page("hq", color_scheme="dark")
    page.click("[data-view=dealers]")
    page.wait_for_selector(".dealers tbody tr")
    dealer = page.locator("#dealer option").nth(1).inner_text()
    page.select_option("#dealer", index=1)
    expect(page.locator(".dealers tbody tr")).to_have_count(1)
    page.fill("#search", dealer[:2])
    expect(page.locator("#only")).to_be_hidden()
    page.wait_for_selector("#style-print\\.css", state="attached")
    page.wait_for_function("() => document.getElementById('style-print.css').sheet !== null")
    page.emulate_media(media="print")
    for hidden in ("#views", ".take", "#search", "#theme"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.locator(".dealers table")).to_be_visible()
    expect(page.locator("#only")).to_be_visible()
    expect(page.locator("#only")).to_have_text(f"{dealer} · {dealer[:2]}")
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--paper')") == "#f4f1ea"


def test_english_is_one_tap_away(open_page: Open) -> None:
    page = open_page("hq")
    expect(page.locator("h1")).to_have_text("楼盘流量地图")
    page.click("#language")
    expect(page.locator("h1")).to_have_text("Estate flow map")
    page.reload()
    expect(page.locator("h1")).to_have_text("Estate flow map")


# --- the dealer -----------------------------------------------------------------------------------


def test_what_is_left_to_do_stands_above_what_is_done(open_page: Open) -> None:
    page = open_page("dealer")
    page.locator(".card:visible").first.wait_for(timeout=_A_DAY)
    places = page.evaluate("""() => [...document.querySelectorAll(".cards")].map((cards) =>
      [...cards.children].map((card) => card.classList.contains("closed")))""")
    assert len(places) > 1
    assert all(closed == sorted(closed) for closed in places)


def test_after_the_last_campaign_a_dealer_waits_for_nothing(open_page: Open) -> None:
    def prepare(page: Page) -> None:
        def ended(route: Route) -> None:
            answer = route.fetch()
            route.fulfill(response=answer, json=answer.json() | {"tasks": [], "campaigns": {"ended": 2}})

        page.route(re.compile(r"/v1/dealer/day"), ended)

    page = open_page("dealer", prepare=prepare)
    expect(page.locator(".nothing")).to_have_text("活动已全部结束，不会再有新任务。")


# --- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["coverage", "funnel", "dealers", "estate"])
def test_pictures_of_hqs_views_are_taken(open_page: Open, view: str, tmp_path: Path) -> None:
    # With LOUPAN_SCREENSHOTS=docs/images they are the documentation's.
    page = open_page("hq", color_scheme="dark" if view == "estate" else "light")
    if view == "estate":
        page.click("[data-layer=sell]")
        page.locator("#campaigns .row").first.click()
        page.wait_for_selector(".gates > li", timeout=_SOON)
    else:
        page.click(f"[data-view={view}]")
        page.wait_for_selector(".view li button, .view tbody tr", timeout=_SOON)
    page.wait_for_timeout(1200)
    path = Path(os.environ.get("LOUPAN_SCREENSHOTS", tmp_path)) / f"hq-{view}.png"
    page.screenshot(path=path)
    assert path.stat().st_size > 20_000


@pytest.mark.parametrize("name", ["hq", "dealer"])
def test_pictures_of_both_pages_are_taken(open_page: Open, name: str, tmp_path: Path) -> None:
    # With LOUPAN_SCREENSHOTS=docs/images they are the documentation's.
    page = open_page(name, color_scheme="light")
    if name == "dealer":
        page.locator(".card:visible").first.wait_for(timeout=_A_DAY)
    page.wait_for_timeout(2500)
    path = Path(os.environ.get("LOUPAN_SCREENSHOTS", tmp_path)) / f"{name}.png"
    page.screenshot(path=path)
    assert path.stat().st_size > 20_000
