# ruff: noqa: E501  (Chinese characters count double)
"""Whether a text has its speaker pass for an owner or a buyer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import folded
from agents.claims import claims

#: Sentences of staff, honest and dishonest, written for this test. The set `blind` was written last, and no rule after
#: it: its dishonest half pretends without saying so.
SENTENCES = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "claims.jsonl").read_text(encoding="utf-8").splitlines()
]


def of(honest: bool) -> list[str]:
    return [row["text"] for row in SENTENCES if row["honest"] is honest and (honest or row["set"] != "blind")]


def test_there_are_eighty_sentences_of_either_kind() -> None:
    assert len(of(honest=True)) >= 80
    assert len(of(honest=False)) >= 80


@pytest.mark.parametrize("text", of(honest=False))
def test_pretending_is_found(text: str) -> None:
    found = claims(text)
    assert found
    for claim in found:
        assert text[slice(*claim.span)] == claim.text != ""


def test_pretending_without_saying_so_is_found_in_part_only() -> None:
    hidden = [row["text"] for row in SENTENCES if row["set"] == "blind" and not row["honest"]]
    found = [text for text in hidden if claims(text)]
    assert len(hidden) / 5 <= len(found) < len(hidden)


@pytest.mark.parametrize("text", of(honest=True))
def test_honest_staff_may_say_it(text: str) -> None:
    assert claims(text) == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [("我家也收房了", "owner"), ("我是3栋的", "owner"), ("同为业主", "owner"), ("我也买了", "buyer"), ("亲测好用", "buyer")],
)
def test_a_claim_says_what_it_claims(text: str, kind: str) -> None:
    assert [claim.kind for claim in claims(text)] == [kind]


@pytest.mark.parametrize("trick", ["\u200b", "\u2060", "\ufeff", " ", "\u3000", "·", "*", "😀", "[微笑]", "\u0301", "\u3164", "~", "_", "|"])
@pytest.mark.parametrize("text", ["我家装了", "我也是业主", "我们小区", "我买了"])
def test_nothing_between_the_characters_hides_a_claim(text: str, trick: str) -> None:
    assert claims(trick.join(text))


@pytest.mark.parametrize("text", ["我，家，装，了", "我。家。装。了", "我\n家\n装\n了", "【我】【家】【装】【了】", "我……家……装……了"])
def test_punctuation_between_single_characters_hides_nothing(text: str) -> None:
    assert claims(text)


@pytest.mark.parametrize("text", ["我們社區", "我家裝了", "作為業主", "我也買了", "我們這棟樓", "鄰居一枚"])
def test_traditional_characters_hide_nothing(text: str) -> None:
    assert claims(text)


def test_words_of_others_count_as_the_speakers_unless_it_is_said_whose_they_are() -> None:
    assert claims("业主说：“我家装了，真不错”")
    assert not claims("业主反馈：“我家装了，真不错”")
    assert claims("业主反馈：“真不错”。我家也装了")
    assert claims("我这个业主反馈：我家装了")
    assert claims("业主反馈：好用。我家也用了")


def test_an_answer_that_the_reader_is_asked_for_is_not_the_speakers() -> None:
    assert not claims("想来的回复“算我一个”")
    assert claims("算我一个，想来的回复“1”")


def test_the_estates_own_name_counts_as_this_estate() -> None:
    assert claims("我是观澜的，刚进群", estate="观澜")
    assert claims("我们观澜小区", estate="观澜")
    assert not claims("我是观澜项目的设计师", estate="观澜")


@pytest.mark.parametrize("name", ["3栋小王", "业主小王", "5号楼李姐", "绿地城业主王"])
def test_a_name_that_passes_for_a_residents_is_a_claim(name: str) -> None:
    assert claims(name)


@pytest.mark.parametrize("name", ["林晚", "松北店 小陈", "设计师阿杰", "小李", "客服小雨", "绿地城业主群", "业主服务中心"])
def test_a_plain_name_is_none(name: str) -> None:
    assert not claims(name)


@given(st.text(alphabet=st.sampled_from("我们也家装了买，。 \u200b😀[]“”：业主反馈小区3栋的x"), max_size=60))
def test_any_text_is_read_the_same_way_twice_and_spans_lie_in_order_inside_it(text: str) -> None:
    found = claims(text)
    assert found == claims(text)
    end = 0
    for claim in found:
        assert end <= claim.span[0] < claim.span[1] <= len(text)
        assert text[slice(*claim.span)] == claim.text
        end = claim.span[1]


@given(st.text(alphabet="我家住了，。,、？!“”「」 *😀a１①㎡\u200b\u3164\n樓々~【】…\x00", max_size=30))
def test_a_text_that_is_folded_run_by_run_reads_as_one_folded_character_by_character(text: str) -> None:
    assert folded.fold(text) == folded._mended(folded._by_character(text))
