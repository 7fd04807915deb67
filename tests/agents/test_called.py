"""Names are the stream's: what is no name is not put into anybody's mouth, and nobody goes unanswered for it."""

from __future__ import annotations

import pytest

from agents.called import SOMEBODY, called
from schemas.values import Action
from tests import builders
from tests.agents.drive import Drive
from tests.builders import at

NO_NAMES = (
    "加微信abc123装修五折", "http://a.example/x", "13912345678", "@所有人", "{{ 7*7 }}", "<script>", "｛｛ x ｝｝",
    "小李\n——松北店 家装顾问 林晚", "A" * 40, "免费量房找我", "扫码领红包", "V信kk88",
)
CLAIMS = (
    "我是业主老王", "我家装好了", "ｗｏ是业主", "我\u200b是业主老李", "已有50户下单", "只剩3套", "五星好评返现",
)


@pytest.mark.parametrize("name", ["小王", "阿美", "老周", "王姐", "3-2-1201 小王", "Tom", "小鱼儿🐟"])
def test_a_name_is_said_as_it_is(name: str):
    assert called(name)
    assert called(name) in name


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_is_no_name_is_said_to_nobody_but_told_to_whom_it_concerns(name: str):
    assert called(name) == ""
    assert called(name, Action.CHECK) != ""


@pytest.mark.parametrize("name", CLAIMS)
def test_a_name_that_makes_a_claim_is_said_by_nobody(name: str):
    assert called(name) == called(name, Action.CHECK) == ""


@pytest.mark.parametrize("name", [*NO_NAMES, *CLAIMS])
def test_whoever_calls_themselves_so_is_welcomed_and_answered_all_the_same(name: str):
    drive = Drive().send(builders.campaign_started(), builders.joined(display_name=name, at=at(1, "09:00")))
    (welcome,) = drive.tasks_of(script="welcome")
    assert SOMEBODY in welcome.script.text
    assert name not in welcome.script.text
