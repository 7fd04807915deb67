# ruff: noqa: E501  (Chinese characters count double)
"""What a message says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.signals import READ_CHARS, SIGNALS, home_said, signals_of, states_home

#: Messages in the voice of owner groups, written and labelled for this test.
LABELLED = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "signals.jsonl").read_text(encoding="utf-8").splitlines()
]


def names(text: str, kind: str = "text") -> set[str]:
    return {signal.name for signal in signals_of(text, kind)}


def f1(rows: list[dict[str, object]], name: str) -> float | None:
    right = wrong = missed = 0
    for row in rows:
        said, found = name in row["signals"], name in names(str(row["text"]))  # type: ignore[operator]  # a JSON list
        right += said and found
        wrong += found and not said
        missed += said and not found
    return 2 * right / (2 * right + wrong + missed) if right + wrong + missed else None


def test_the_documentation_names_21_signals() -> None:
    assert len(SIGNALS) == len(set(SIGNALS)) == 21


def test_labelled_messages_are_told_with_macro_f1_of_at_least_85_percent() -> None:
    scores = {name: score for name in SIGNALS if (score := f1(LABELLED, name)) is not None}
    assert set(scores) == set(SIGNALS)
    assert sum(scores.values()) / len(scores) >= 0.85, scores


def test_no_signal_is_told_worse_than_60_percent() -> None:
    assert {name: score for name in SIGNALS if (score := f1(LABELLED, name) or 0.0) < 0.6} == {}


@pytest.mark.parametrize("text", ["不要报名", "我不报名", "我没报名", "要报名吗", "孩子在哪个小学报名", "我同事报名了舞蹈班"])
def test_a_denied_or_asked_or_foreign_sign_up_is_none(text: str) -> None:
    assert "signs_up" not in names(text)


@pytest.mark.parametrize("text", ["不需要", "不要报名了", "没兴趣", "不考虑，谢谢"])
def test_a_refusal_declines(text: str) -> None:
    assert "declines" in names(text)


@pytest.mark.parametrize("text", ["一点都不漂亮", "不太满意", "没觉得好看", "不靠谱"])
def test_denied_praise_is_none(text: str) -> None:
    assert "praises" not in names(text)


@pytest.mark.parametrize("text", ["会漏水吗", "不会变形吧？", "我怕开裂", "垃圾桶放哪里", "不是骗子", "物业太差了 车库漏水"])
def test_what_is_asked_feared_denied_or_about_the_estate_is_no_complaint_about_us(text: str) -> None:
    assert "complains" not in names(text)


@pytest.mark.parametrize("text", ["他说“太差了 漏水”", "「小王：我要报名」\n- - - - - - - - - -\n好的", "邻居问：“多少钱”"])
def test_what_others_said_is_not_the_speakers_word(text: str) -> None:
    assert names(text) <= {"talks_estate"}


@pytest.mark.parametrize("text", ["@欧派小李 你好", "@我要报名 收到"])
def test_a_mentioned_name_says_nothing(text: str) -> None:
    assert names(text) <= {"greets"}


@pytest.mark.parametrize(
    "text", ["他是3栋的", "我同事家在保利", "你家在哪栋", "我不是3栋的", "如果我是3栋的", "3栋的有人吗", "我家在哪你知道",
             "我以前住绿地城", "2020-5-1", "价格在5-200万", "我们是绿地城二期的欧派店"],
)
def test_anothers_denied_or_asked_home_is_not_the_speakers(text: str) -> None:
    assert not states_home(text)
    assert "states_home" not in names(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("我是绿地城3栋的", "绿地城3栋"), ("我家在保利", "保利"), ("3栋的业主报到", "3栋"), ("我买的绿地城二期", "绿地城二期"),
        ("3-2-1201 小王", "3-2-1201"), ("我家在3栋", "3栋"), ("我是2期15栋的小赵", "2期15栋"), ("家住保利花园", "保利花园"),
        ("我是A座的业主", "A座"), ("我在绿地城买的房", "绿地城"), ("大家好，我住12号楼2单元", "12号楼2单元"),
    ],
)  # fmt: skip
def test_the_place_that_is_named_as_home_is_given(text: str, place: str) -> None:
    assert home_said(text) == place
    assert states_home(text)


def test_an_advertisement_needs_a_trade_and_a_way_to_reach_it() -> None:
    assert "advertises" in names("加我微信 低价窗帘")
    assert "advertises" not in names("我加您微信了")
    assert "advertises" not in names("窗帘还没想好")


def test_what_is_only_passed_on_is_not_read_as_the_senders_words() -> None:
    assert names("我要报名", "link") == set()
    assert names("专业封窗 厂家直销 联系电话13800000000", "link") == {"advertises"}


def test_who_sends_a_chain_is_on_its_last_line() -> None:
    chain = "#接龙\n周六到店团购报名\n1. 小王 3-2-1201\n2. 5栋小李"
    found = {signal.name: chain[slice(*signal.span)] for signal in signals_of(chain, "chain")}
    assert found["signs_up"] == "5栋小李"
    assert names("#接龙\n收快递\n1. 小王", "chain") == set()


def test_a_flood_breaks_the_rules_and_a_laugh_does_not() -> None:
    assert "breaks_rules" in names("刷" * 60)
    assert names("哈" * 20) == set()


def test_one_message_may_say_several_things() -> None:
    assert {"states_home", "asks_price", "competitor"} <= names("我是3栋的，欧派多少钱一平")


@given(st.text(max_size=300))
def test_any_text_is_read_the_same_way_twice_with_spans_inside_it(text: str) -> None:
    found = signals_of(text)
    assert found == signals_of(text)
    assert [s.name for s in found] == [name for name in SIGNALS if name in {s.name for s in found}]
    for signal in found:
        assert 0 <= signal.span[0] < signal.span[1] <= len(text)
        assert 0 < signal.score <= 1


def test_only_the_first_characters_of_a_very_long_message_are_read() -> None:
    assert names("。，啊" * READ_CHARS + "我要报名") <= {"breaks_rules"}
