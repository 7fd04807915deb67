"""The playbooks' page in a browser: over a small world that holds the playbooks that ship, and a poisoned one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from schemas.playbook import Playbook
from schemas.reference import Reference
from streams.playbook_files import builtin_playbooks, written
from streams.playbook_shelf import name_of
from streams.reference_store import save_reference
from tests import builders
from tests.streams.gateway_world import World

FIRST = "new-estate-own-group"
SHIPPED = name_of(builtin_playbooks()[FIRST])
_MARKUP = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>'
_HEAVIEST = 100 * 1024
_DESK: dict[str, Any] = {"viewport": {"width": 1680, "height": 1000}}
#: An A3 sheet on its side within its margins, in CSS pixels.
_INSIDE_A3: Any = {"width": 1511, "height": 1047}

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, World]]:
    world = World(Path(tmp_path_factory.mktemp("page")))
    with world.engine.begin() as connection:
        save_reference(connection, Reference.of(), {name_of(one): written(one) for one in (poisoned(), unlike())})
    with world.served() as client:
        yield str(client.base_url).rstrip("/"), world
    world.close()


def poisoned() -> Playbook:
    data = builders.playbook_data(playbook="poisoned", title=f"坏{_MARKUP}")
    first = data["stages"][0]["phases"][0]
    first["aim"] = _MARKUP
    first["plan"][1][0]["script"].update(text=_MARKUP, attachments=[_MARKUP])
    return Playbook.model_validate(data)


def unlike() -> Playbook:
    """The next version of it: another text, and a day without trust."""
    data = builders.playbook_data(playbook="poisoned", title=f"坏{_MARKUP}", version=2)
    data["stages"][0]["phases"][0]["plan"][1][0]["script"]["text"] = f"新的{_MARKUP}"
    for duty in data["stages"][0]["phases"][1]["plan"][3]:
        duty["script"]["formula"] = ["value"]
    return Playbook.model_validate(data)


@pytest.fixture
def open_page(site: tuple[str, World], request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens the page as HQ; says at the end what the browser complained of. The browser comes after the server."""
    chromium: Browser = request.getfixturevalue("chromium")
    url, world = site
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_(query: str = "", *, prepare: Callable[[Page], None] | None = None, **options: Any) -> Page:
        context = chromium.new_context(**{**_DESK, **options}, locale="zh-CN")
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        if prepare:
            prepare(page)
        page.goto(f"{url}/login?token={world.tokens['hq']}&next={quote(f'/playbooks{query}')}")
        page.wait_for_selector("body:not([aria-busy])", timeout=20_000)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def test_the_board_shows_every_script_of_the_stage_and_filters_by_role(open_page: Open) -> None:
    page = open_page()
    stage = builtin_playbooks()[FIRST].stages[0]
    planned = [duty for phase in stage.phases for day in phase.plan.values() for duty in day]
    expect(page.locator("#board .cell .card")).to_have_count(len(planned))
    expect(page.locator("#board .rescue .card")).to_have_count(sum(len(phase.rescue) for phase in stage.phases))
    expect(page.locator("#board .day")).to_have_count(11)
    page.locator('#roles [data-role="designer"]').click()
    duties = [*planned, *(duty for phase in stage.phases for duty in phase.rescue)]
    says = [duty for duty in duties if "designer" in (duty.role, *(reply.role for reply in duty.replies))]
    expect(page.locator("#board .card.chosen")).to_have_count(len(says))
    page.locator("#stages button").nth(3).click()
    expect(page.locator("#board .day")).to_have_count(7)
    assert "stage=4" in page.url


def test_a_card_opens_as_a_chat_and_the_keyboard_is_enough(open_page: Open) -> None:
    page = open_page()
    page.locator("#board .card").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    panel = page.locator("#panel")
    expect(panel.locator(".who").first).to_have_text(re.compile(r"^松北店·\S+·\S+$"))
    expect(panel.locator(".disclosure").first).to_have_text(re.compile("^——松北店 "))
    expect(panel.locator(".tags").first).to_contain_text("成交公式")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    assert page.evaluate("document.activeElement.matches('#board .card')")


def test_replies_follow_the_post_with_their_minutes(open_page: Open) -> None:
    page = open_page()
    page.locator("#board .card:has(.replies)").first.click()
    expect(page.locator("#panel .message")).not_to_have_count(1)
    times = page.locator("#panel .time").all_text_contents()
    assert re.match(r"\d\d:\d\d · 发出 \d+ 分钟后", times[1])


def test_the_way_in_shows_a_message_as_a_bubble_and_an_errand_as_an_instruction(open_page: Open) -> None:
    page = open_page(f"?name={FIRST}&stage=1")
    for section in ("entry", "after_order"):
        page.locator(f'details[data-section="{section}"] summary').click()
    panel = page.locator("#panel")
    page.locator('[data-id="ep-invitation-send"]').click()
    expect(panel.locator(".bubble .disclosure")).to_have_text("——松北店 客服 赵一诺")
    expect(panel.locator("header")).to_contain_text("进场")
    expect(panel.locator("header")).to_contain_text("一对一私聊")
    page.locator('[data-id="install-1"]').click()
    expect(panel.locator(".bubble")).to_have_count(0)
    expect(panel.locator(".note")).to_contain_text("【第一关")
    expect(panel.locator(".note .attachment")).to_have_text("安装自检单，逐项打勾，签名和日期写上")


def test_balance_and_difference_are_told_in_the_readers_words(open_page: Open) -> None:
    page = open_page("?name=poisoned&view=balance")
    expect(page.locator(".warnings")).to_contain_text("第 1 轮第 6 天没有信任")
    page.locator("#tab-diff").click()
    page.wait_for_selector(".changes li")
    expect(page.locator(".changes")).to_contain_text("warm-up-1-morning")
    page.locator("#from").select_option(SHIPPED)
    expect(page.locator("#view-diff .count")).to_contain_text("新增")
    assert f"from={quote(SHIPPED)}" in page.url


def test_a_patch_is_shown_against_its_base(open_page: Open) -> None:
    page = open_page(f"?name={FIRST}.tiles&view=diff")
    expect(page.locator("#from")).to_have_value(SHIPPED)
    expect(page.locator("#facts")).to_contain_text("改自")
    expect(page.locator('.changes p[data-sign="+"]').first).to_be_visible()


@pytest.mark.parametrize("view", ["board", "balance", "diff"])
def test_what_a_playbook_says_is_text_and_never_markup(open_page: Open, view: str) -> None:
    page = open_page(f"?name=poisoned&version=1&view={view}&from=poisoned@2")
    expect(page.locator("#heading")).to_have_text(f"坏{_MARKUP}")
    if view == "board":
        page.locator('[data-id="warm-up-1-morning"]').click()
        expect(page.locator("#panel .bubble")).to_contain_text(_MARKUP)
        expect(page.locator("#panel .attachment")).to_have_text(_MARKUP)
    page.wait_for_timeout(200)
    assert page.evaluate("window.hit === undefined && !document.querySelector('img, body script')")


def test_the_page_is_light_and_asks_nobody_else(open_page: Open, site: tuple[str, World]) -> None:
    asked: set[str] = set()
    page = open_page(prepare=lambda page: page.on("request", lambda request: asked.add(request.url)))
    assert {urlsplit(url)[:2] for url in asked} == {urlsplit(site[0])[:2]}
    own = [url for url in asked if urlsplit(url).path.startswith(("/web/", "/playbooks"))]
    assert len(own) > 5
    assert sum(len(page.request.get(url).body()) for url in own) <= _HEAVIEST


def test_english_is_one_tap_away(open_page: Open) -> None:
    page = open_page("?name=poisoned&view=balance")
    page.locator("#language").click()
    expect(page.locator("h1")).to_have_text("Playbooks")
    expect(page.locator(".warnings")).to_contain_text("Stage 1, day 6 has no trust")


def test_who_logs_out_is_out(open_page: Open, site: tuple[str, World]) -> None:
    page = open_page()
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("#log-out").click()
    page.wait_for_url("**/login")
    assert page.request.get(f"{site[0]}/v1/playbooks").status == 401


def test_light_and_dark_are_chosen_for_all_pages(open_page: Open) -> None:
    page = open_page("?name=poisoned", color_scheme="light")
    role = "getComputedStyle(document.querySelector('#board .card')).getPropertyValue('--role')"
    ground = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(f"[{role}, {ground}]")
    page.locator("#theme").click()
    after = page.evaluate(f"[{role}, {ground}]")
    assert all(now != then for now, then in zip(after, before, strict=True))
    page.reload()
    page.wait_for_selector("body:not([aria-busy])")
    assert page.evaluate(f"[{role}, {ground}]") == after


def test_a_board_is_printed_on_one_sheet_of_a3(open_page: Open, tmp_path: Path) -> None:
    page = open_page(color_scheme="light")
    page.emulate_media(media="print")
    page.set_viewport_size(_INSIDE_A3)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    pages = page.pdf(prefer_css_page_size=True, print_background=True, path=tmp_path / "board.pdf")
    assert len(re.findall(rb"/Type\s*/Page\b", pages)) == 1


def test_a_picture_of_the_page_is_taken(open_page: Open, tmp_path: Path) -> None:
    # With LOUPAN_SCREENSHOTS=docs/images it is the documentation's.
    page = open_page(color_scheme="light")
    page.locator("#board .card:has(.replies)").first.click()
    page.wait_for_timeout(300)
    path = Path(os.environ.get("LOUPAN_SCREENSHOTS", tmp_path)) / "playbook.png"
    page.screenshot(path=path)
    assert path.stat().st_size > 20_000
