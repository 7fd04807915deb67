"""What a bare word says after a call of ours."""

from __future__ import annotations

import msgspec
import pytest

from agents import ladder
from agents.call_rows import LAST_CALL
from agents.calls import Call, call_in
from agents.last_call import HOLDS_MESSAGES
from agents.rows import CAMPAIGN
from agents.signals import signals_of
from tests import builders
from tests.agents.drive import Drive

CALL = "周六团购开始报名啦，想参加的邻居扣1"
PLAN = "大家要的A户型方案整理好了，欢迎来看"
#: The main persona of the small reference, who speaks in g1.
US = "m-main"


def names(text: str, after: str = "") -> set[str]:
    return {signal.name for signal in signals_of(text, after=after)}


@pytest.mark.parametrize("text", ["1", "+1", "报名", "接", "我", "算我", "来一个", "好的", "🙋"])
def test_a_bare_word_after_a_call_to_sign_up_is_a_sign_up(text: str):
    assert "signs_up" in names(text, Call.SIGN_UP)


@pytest.mark.parametrize("text", ["1", "接", "好的", "我", "可以"])
def test_the_same_word_without_a_call_is_none(text: str):
    assert "signs_up" not in names(text)


@pytest.mark.parametrize("text", ["今天好热", "不用了", "1栋停水了", "别发了", "哈哈"])
def test_other_words_after_a_call_are_no_sign_up(text: str):
    assert "signs_up" not in names(text, Call.SIGN_UP)


@pytest.mark.parametrize("text", ["在哪看", "哪里看", "发我看看", "怎么看", "有我家户型吗"])
def test_who_asks_where_after_a_plan_was_posted_asks_for_it(text: str):
    assert "asks_design" in names(text, Call.PLAN)


def test_what_was_called_for_may_be_given_by_its_words():
    assert call_in(CALL) is Call.SIGN_UP
    assert call_in(PLAN) is Call.PLAN
    assert call_in("今天天气真好，大家周末去哪玩") is None
    assert "signs_up" in names("1", CALL)


def said(drive: Drive, member: str, text: str, minute: int) -> Drive:
    at = builders.at(1, f"{10 + minute // 60}:{minute % 60:02d}")
    return drive.send(builders.message("g1", member, text, at, message_id=f"{member}-{minute}"))


def signed_up(drive: Drive, member: str) -> bool:
    return bool(drive.member(member).evidence & ladder.BIT["signs_up"])


def test_a_call_that_was_seen_in_the_group_makes_a_bare_one_a_sign_up():
    drive = said(Drive(), "m1", "1", 0)
    said(drive, US, CALL, 1)
    said(drive, "m2", "1", 2)
    assert (signed_up(drive, "m1"), signed_up(drive, "m2")) == (False, True)


def test_a_call_of_somebody_who_is_none_of_ours_calls_for_nothing():
    drive = said(Drive(), "m1", CALL, 0)
    assert not signed_up(said(drive, "m2", "1", 1), "m2")


def test_a_call_is_forgotten_after_some_hours():
    drive = said(Drive(), US, CALL, 0)
    assert signed_up(said(drive, "m1", "1", 299), "m1")
    assert not signed_up(said(drive, "m2", "1", 302), "m2")


def test_a_call_is_forgotten_after_so_many_messages():
    drive = said(said(Drive(), US, CALL, 0), "m0", "几点开始呀？", 0)
    drive.send(builders.message("g1", "m99", "我也想问这个", builders.at(1, "10:00"), reply_to="m0-0"))
    for minute in range(1, HOLDS_MESSAGES + 3):
        said(drive, f"m{minute}", "今天有人去看夕阳了吗？", minute)
    assert not signed_up(said(drive, "m0", "1", 60), "m0")


def test_where_nobody_replies_a_call_is_forgotten_after_an_hour():
    drive = said(Drive(), US, CALL, 0)
    for minute in range(1, HOLDS_MESSAGES + 3):
        said(drive, f"m{minute}", "今天有人去看夕阳了吗？", minute)
    assert signed_up(said(drive, "m0", "1", 60), "m0")
    assert not signed_up(said(drive, "m100", "1", 61), "m100")


def test_a_call_that_was_recalled_calls_for_nothing():
    drive = said(Drive(), US, CALL, 0)
    drive.send(builders.recalled("g1", f"{US}-0", builders.at(1, "10:01")))
    assert not signed_up(said(drive, "m1", "1", 2), "m1")


def test_an_answer_to_a_call_that_is_recalled_is_no_sign_up_any_more():
    drive = said(said(Drive(), US, CALL, 0), "m1", "1", 1)
    assert signed_up(drive, "m1")
    drive.send(builders.recalled("g1", "m1-1", builders.at(1, "10:02")))
    assert not signed_up(drive, "m1")


def test_what_is_kept_of_a_call_is_one_row_a_group_and_names_nobody():
    drive = said(Drive(), US, CALL, 0)
    for minute in range(1, 6):
        said(drive, f"m{minute}", "1", minute)
    ((group, row),) = drive.rows.scan(CAMPAIGN, "e1", LAST_CALL)
    assert (group, row.call, row.after) == ("g1", "sign_up", 0)
    assert len(msgspec.msgpack.encode(row)) < 40
