"""What nobody can honestly be given to say or do, whoever they are: invented demand, invented scarcity, pretence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agents.untrue import untrue
from schemas.playbook import Playbook
from schemas.values import PersonaClass, Role
from tests import builders
from tests.agents.drive import Drive, crowd, world
from tests.builders import at

_ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "untrue.jsonl").read_text(encoding="utf-8").splitlines()
]
#: Those of the set `blind` only let it be understood, and are not found.
UNTRUE = [row["text"] for row in _ROWS if not row["honest"] and row["set"] != "blind"]
HONEST = [row["text"] for row in _ROWS if row["honest"] and row["set"] != "blind"]
TRICKS = ("\u200b", " ", "·", "😀", "[微笑]", "\u202e", "\u3164")


@pytest.mark.parametrize("text", UNTRUE)
def test_what_nobody_can_know_or_do_honestly_is_found(text: str):
    assert untrue(text, "绿地城", template=True) is not None


@pytest.mark.parametrize("text", HONEST)
def test_what_holds_whatever_happens_may_be_said(text: str):
    assert untrue(text, "绿地城", template=True) is None


@pytest.mark.parametrize("trick", TRICKS)
def test_it_is_found_whatever_stands_between_its_characters(trick: str):
    for text in ("只剩最后3套", "已有50户业主下单", "假装成业主问价格", "已經有５０戶報名"):
        assert untrue(trick.join(text)) is not None


def test_a_deed_of_somebody_whose_name_came_in_may_be_real():
    assert untrue("3栋的王姐已经定了", template=True) is not None
    assert untrue("3栋的王姐已经定了") is None


def first_duty(text: str, role: str = "main_persona", speaks_as: str = "staff", **fields: str) -> Playbook:
    data = builders.playbook_data()
    duty = data["stages"][0]["phases"][0]["plan"][1][0]
    duty |= {"role": role, "script": builders.script(text, speaks_as, **fields)}
    return Playbook.model_validate(data)


def handed_out(play: Playbook, **rows: Any) -> list[str]:
    own = [builders.order_placed(member="m-buyer", at=at(1, "05:00")), builders.delivered(at=at(1, "05:10"))]
    drive = Drive(world(builders.reference(**rows), play)).send(*crowd(25, clock="04:00"), *own)
    drive.send(builders.campaign_started()).until(1, "07:00")
    return [task.script.text for task in drive.tasks_of(script="warm-up-1-morning")]


@pytest.mark.parametrize("text", ["已有50户业主下单", "3栋的王姐已经定了", "用小号扮成邻居接话", "好评返现50元"])
def test_a_playbook_that_was_never_checked_gets_no_untruth_out(text: str):
    assert handed_out(first_duty(text)) == []
    assert len(handed_out(first_duty("早上好，今天聊聊收房"))) == 1


def test_a_buyer_who_may_testify_still_invents_no_others():
    words = {"role": Role.SHILL.value, "speaks_as": PersonaClass.BUYER.value, "testimonial": "全屋定制"}
    assert handed_out(first_duty("我家柜子装好了，小区里已经有50户订了", **words)) == []
    assert len(handed_out(first_duty("我家柜子装好了", **words))) == 1


def test_the_name_of_a_group_or_a_store_invents_nothing():
    play = first_duty("{{ group.name }}，早")
    assert handed_out(play, groups=[builders.group(name="已有50户下单群")]) == []


def test_the_line_that_says_who_speaks_is_judged_too():
    assert handed_out(first_duty("早"), stores=[builders.store(name="我也是本小区业主的店")]) == []


# --- a buyer's words, and what their order bears out ----------------------------------------------------

BUYER = {"role": Role.SHILL.value, "speaks_as": PersonaClass.BUYER.value, "testimonial": "全屋定制"}
HERE = {"address": "北京市东城区绿地城3栋2单元1201"}
AWAY = {"location": {"lng": 121.47, "lat": 31.23, "crs": "wgs84"}}


def said_by_a_buyer(text: str, *, since: str = at(1, "05:10"), **order: Any) -> list[str]:
    """What the buyer is given to say on the campaign's first day, with their own order as it is."""
    own = [builders.order_placed(member="m-buyer", at=at(1, "05:00"), **order), builders.delivered(at=since)]
    drive = Drive(world(None, first_duty(text, **BUYER))).send(*crowd(25, clock="04:00"), *own)
    drive.send(builders.campaign_started()).until(1, "07:00")
    return [task.script.text for task in drive.tasks_of(script="warm-up-1-morning")]


@pytest.mark.parametrize("text", ["我也是绿地城3栋的，柜子装好了", "我是本小区业主，在他家做的", "咱们楼上楼下的"])
def test_a_buyer_is_no_neighbour_without_an_order_for_a_home_here(text: str):
    assert said_by_a_buyer(text, delivery=AWAY) == []
    assert said_by_a_buyer(text, delivery=HERE) == [text]
    assert said_by_a_buyer("我家柜子装好了，在用", delivery=AWAY) == ["我家柜子装好了，在用"]


@pytest.mark.parametrize("text", ["用了三年了，没味道", "我家柜子去年装的", "住了半年", "我用了快两个月"])
def test_a_buyer_has_used_it_no_longer_than_since_its_delivery(text: str):
    assert said_by_a_buyer(text) == []


def test_a_buyer_who_has_used_it_for_so_long_may_say_so():
    assert said_by_a_buyer("我用了半年了", since="2025-08-01T10:00:00+08:00") == ["我用了半年了"]
    assert said_by_a_buyer("我家柜子去年装的", since="2025-08-01T10:00:00+08:00") == ["我家柜子去年装的"]
