"""`loupan report`: a campaign's story in one HTML file."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from sqlalchemy import Engine

from schemas.errors import BadFile
from streams.commands import pictures
from streams.pictures.story import Story, _plain, story_of
from streams.pictures.story_page import story_page
from streams.pictures.story_words import REASONS, STORY
from streams.pictures.words import Words
from streams.playbook_files import written
from streams.reference_store import save_reference
from tests import builders
from tests.commands import run
from tests.databases import opened
from tests.streams.test_campaign_copy import campaign, live, played

HOSTILE = "<script>hit()</script>绿地"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven days of a campaign, two orders of which one was cancelled, hostile names."""
    return lived(Path(tmp_path_factory.mktemp("report")) / "loupan.db")


def lived(path: Path) -> Path:
    """A database in which the campaign was played."""
    engine = opened(path)
    playbook = played().model_copy(update={"title": HOSTILE})
    with engine.begin() as connection:
        save_reference(connection, builders.reference(
            estates=[builders.estate(address=HOSTILE)], dealers=[builders.dealer(name=HOSTILE)],
            stores=[builders.store(name=HOSTILE)]), {"small-test@1": written(playbook)})
    orders = [
        builders.order_placed("o1", member="m1", at=builders.at(3, "10:00")),
        builders.paid("o1", at=builders.at(4, "10:00")),
        builders.order_placed("o2", member="m2", at=builders.at(5, "10:00")),
        builders.deposit_paid("o2", at=builders.at(5, "11:00")), builders.cancelled("o2", at=builders.at(6, "10:00")),
    ]
    live(engine, *sorted([*campaign(), *orders], key=lambda raw: re.findall(rb'"time":"([^"]+)"', raw)[0]))
    engine.dispose()
    return path


@pytest.fixture(scope="module")
def story(database: Path) -> Story:
    return story_in(database)


def told(path: Path) -> Story:
    """The story of that campaign, in a new database."""
    return story_in(lived(path))


def story_in(database: Path) -> Story:
    engine: Engine = opened(database)
    with engine.connect() as connection:
        story = story_of(connection, "e1")
    engine.dispose()
    return story


def test_orders_are_those_that_stand_by_the_day_of_their_first_money(story):
    counts = [count for _, count in story.orders]
    assert counts[:5] == [0, 0, 0, 1, 1]
    assert counts[-1] == 1


def test_the_ladder_ends_where_the_members_stand(story):
    above = {name: count for name, count in story.row["rungs"].items() if name != "stranger"}
    assert story.ladder[-1][1] == above
    assert sum(above.values()) > 0
    assert [day for day, _ in story.ladder] == [day for day, _ in story.orders]


def test_the_work_adds_up_and_lateness_is_told(story):
    assert sum(by.total() for by in story.by_role().values()) == len(story.lived.tasks)
    seen, on_time, late = story.punctual()
    assert (seen, on_time) == (len(story.lived.seen), 0)
    assert late == 20


def test_the_page_tells_it_in_chinese_and_in_english(story):
    page = story_page(story, Words("zh", STORY))
    for words in ("成交 1 单", "预热", "参与 5 / 目标 2", "群里最有回应的话术", "下一个盘怎么做", "过期",
                  "「预热」的目标提高到 参与 4。", "改到 07:50：通常晚 20 分钟才做", "1 位上了一级"):
        assert words in page
    assert "{{" not in page
    english = story_page(story, Words("en", STORY))
    for words in ("1 orders so far", "Warm-up", "participants 5 of 2", "What the next estate takes from it"):
        assert words in english
    assert 'lang="en"' in english


def test_a_page_asks_nobody_names_no_member_and_a_hostile_name_is_text(story):
    hostile = dataclasses.replace(story, estate=builders.estate(name=HOSTILE, address=HOSTILE))
    page = story_page(hostile, Words("zh", STORY))
    assert "<script>" not in page
    assert "&lt;script&gt;hit()&lt;/script&gt;绿地" in page
    assert not re.search(r"(?:src|href)=|https?://|url\(", page)
    assert "default-src 'none'" in page
    assert not re.search(r"\bm[1-5]\b|m-main", page)


def test_every_word_has_both_languages_and_the_same_gaps():
    for zh, en in STORY.values():
        assert not re.search(r"[一-鿿]", en)
        # What one language has no need of, it may leave out.
        assert set(re.findall(r"\{(\w+)\}", en)) <= set(re.findall(r"\{(\w+)\}", zh))


def test_the_command_writes_it_over_what_was_there(database: Path, tmp_path: Path):
    (tmp_path / "report.html").write_text("before")
    pictures.report_command("e1", tmp_path / "report.html", str(database))
    assert (tmp_path / "report.html").read_text("utf-8").startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_an_estate_that_is_not_there_is_answered_with_those_that_may_be_meant(database: Path, tmp_path: Path):
    with pytest.raises(BadFile, match=r"绿地: there is no such estate; is it e1 \("):
        pictures.report_command("绿地", tmp_path / "report.html", str(database))
    done = run("report", "e1", "--out", "report.pdf", "--database", database, cwd=tmp_path)
    assert (done.returncode, done.stderr.decode()) == (
        2, "loupan: --out: report.pdf is no .html; name it report.html\n")


@pytest.mark.parametrize("reason", ["an owner answered: wecom#m-1", "p-chaoyang-2 has answered: wecom#m-2",
                                    "p-chaoyang-2 is away until 2026-03-08: 孟可 does it"])
def test_a_reason_names_neither_event_nor_person_and_is_said_in_chinese(reason: str):
    assert REASONS[_plain(reason)].isascii() is False
    assert not {"wecom", "p-chaoyang-2"} & set(_plain(reason).replace("#", " ").split())
