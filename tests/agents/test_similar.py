# ruff: noqa: E501  (Chinese characters count double)
"""Whether a message is the posting of a script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.script_grammar import outcomes
from agents.similar import likeness
from schemas.playbook import Duty, Reaction
from tests.agents.shipped import DEFAULT, PLAYBOOKS

PLAYBOOK = PLAYBOOKS[DEFAULT]
ITEMS: tuple[Duty | Reaction, ...] = (*PLAYBOOK.duties(), *PLAYBOOK.reactions)
SCRIPTS = {
    name: text
    for item in ITEMS
    for name, script in ((item.id, item.script), (f"{item.id} instead", getattr(item, "instead", None)))
    if script is not None
    for text in outcomes(script.text)
}

POST = (
    "早上好，绿地城的各位邻居。今天说说收房：门窗开一遍，水龙头放一遍，插座用充电头试一遍。"
    "发现问题就拍照，写在交房单上再签字。\n——松北店 家装顾问 林晚"
)


def test_a_text_is_like_itself_and_not_like_nothing() -> None:
    assert likeness(POST, POST) == 1
    assert likeness(POST, "") == 0
    assert likeness("", POST) == 0


@pytest.mark.parametrize(
    "message",
    [
        POST.partition("\n")[0],
        POST.replace("\n", ""),
        POST.replace("，", " ").replace("。", "\n"),
        "🌞" + POST.replace("早上好", "大家早上好[太阳][玫瑰]"),
        "@小王\u2005" + POST,
        POST.replace("各位邻居", "业主朋友们").replace("拍照", "拍个照").replace("再签字", "再签"),
        POST.replace("发现问题就拍照，", ""),
        "「小王：在吗」\n- - - - - - - - - - - - - - -\n" + POST,
    ],
)
def test_a_lightly_edited_posting_is_still_that_script(message: str) -> None:
    assert likeness(POST, message) >= 0.7


@pytest.mark.parametrize("message", ["早上好", "收到", "绿地城的各位邻居", "好的谢谢", "早上好，绿地城的各位邻居。今天去哪吃"])
def test_a_short_message_is_never_a_long_script(message: str) -> None:
    assert likeness(POST, message) < 0.6


def test_each_script_of_the_playbook_is_known_after_a_light_edit() -> None:
    def edited(text: str) -> str:
        return text[:4] + "[微笑]" + text[7:].replace("，", " ").replace("。", "~") + "😊"

    assert {name for name, text in SCRIPTS.items() if likeness(text, edited(text)) < 0.7} == set()


@given(st.text(max_size=200), st.text(max_size=200))
def test_likeness_is_the_same_both_ways_and_between_nothing_and_one(one: str, other: str) -> None:
    assert likeness(one, other) == likeness(other, one)
    assert 0 <= likeness(one, other) <= 1
