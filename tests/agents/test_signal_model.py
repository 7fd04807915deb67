# ruff: noqa: E501  (Chinese characters count double)
"""The small model of signals, on messages that it was not trained on."""

from __future__ import annotations

import json
from base64 import b85decode
from hashlib import sha256
from pathlib import Path
from typing import Any
from zlib import decompress

import pytest

from agents import signal_model
from agents.data import signal_weights as shipped
from agents.lexicon import SignalName
from agents.signal_features import MODEL_CHARS, features
from agents.signal_kinds import KINDS, kinds_in
from agents.signals import SIGNALS, signals_of

_HERE = Path(__file__).parent
_TRAINING = _HERE.parents[1] / "agents" / "data" / "signals-train.jsonl"


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


#: Never trained on. The first was written in one go before any model was seen; the second and the third by other hands,
#: who knew neither the rules nor the training messages.
FIRST, SECOND, THIRD = (
    _rows(_HERE / "data" / name) for name in ("signals-held.jsonl", "signals-held-2.jsonl", "signals-held-3.jsonl"))
HELD = [*FIRST, *SECOND, *THIRD]
TRAINED = _rows(_TRAINING)


def names(text: str) -> set[str]:
    return {signal.name for signal in signals_of(text)}


@pytest.mark.parametrize(("held", "least"), [(FIRST, 0.9), (SECOND, 0.9), (THIRD, 0.85)], ids=["first", "second", "third"])
def test_messages_that_were_never_trained_on_are_told_with_a_macro_f1_of_at_least(
    held: list[dict[str, Any]], least: float
):
    heard = [(row, names(row["text"])) for row in held]
    scores = {}
    for name in SIGNALS:
        said = {row["text"] for row, _ in heard if name in row["signals"]}
        told = {row["text"] for row, found in heard if name in found}
        scores[name] = 2 * len(said & told) / (len(said) + len(told))
    assert sum(scores.values()) / len(scores) >= least, scores


def test_no_held_out_message_is_in_the_training_set():
    assert len(FIRST) >= 350
    assert len(SECOND) >= 1000
    assert len(THIRD) >= 1200
    assert {row["text"] for row in HELD} & {row["text"] for row in TRAINED} == set()


def test_the_shipped_model_was_trained_on_the_messages_that_are_here():
    assert sha256(_TRAINING.read_bytes()).hexdigest() == shipped.TRAINED_ON
    assert len(TRAINED) == shipped.MESSAGES >= 26_000


@pytest.mark.parametrize(("text", "name"), [
    ("抱名", "signs_up"), ("多烧钱一平", "asks_price"), ("好多钱嘛", "asks_price"), ("表再发了", "opts_out"), ("俺也要报一个", "signs_up"),
    ("bm", "signs_up"), ("求放案", "asks_design"),
])  # fmt: skip
def test_slips_of_sound_dialect_and_short_forms_are_understood(text: str, name: str):
    assert name in names(text)


def test_a_word_with_unseen_characters_between_its_own_is_read_as_one():
    (found,) = [signal for signal in signals_of("我要\u200b报\u200b名") if signal.name == "signs_up"]
    assert found.span == (0, 6)


@pytest.mark.parametrize("text", ["👍" * 3000, "\u200b" * 10_000, "报名" * 5000, "a" * 10_000, " " * 10_000, "？！" * 5000])
def test_hostile_texts_are_read_in_bounded_time_with_spans_inside_them(text: str):
    assert all(0 <= signal.span[0] < signal.span[1] <= len(text) for signal in signals_of(text))


def test_one_walk_finds_what_is_found_by_looking_for_every_feature():
    known = signal_model.model()
    names = decompress(b85decode(shipped.FEATURES)).decode().split("\n")
    for row in HELD[::120]:
        low = row["text"].lower()
        there = features(low)
        numbers = {number for number, name in enumerate(names) if name in there}
        found = signal_model.read(low)
        assert found.count == len(numbers)
        assert found.logits() == signal_model.Read(sum(known.packed[number] for number in numbers)).logits()


def test_a_kind_of_which_a_message_has_many_words_counts_once():
    assert "pos" in kinds_in("好看")
    few, many = (signal_model.read("好看" * times) for times in (6, MODEL_CHARS // 2))
    assert few.count == many.count
    assert few.logits() == many.logits()


def test_no_word_of_a_kind_is_written_so_that_it_is_never_found():
    for name, words in KINDS.items():
        assert all(name in kinds_in(word) for word in words.split()), name


@pytest.mark.parametrize("text", ["算我倒霉", "算我白说", "算我没问", "算我求你", "算我求你了 少说两句吧", "这次算我倒霉 认了", "算我欠你的"])
def test_who_calls_themselves_unlucky_or_begs_signs_up_for_nothing(text: str):
    assert "signs_up" not in names(text)


@pytest.mark.parametrize("text", ["算我一个", "算我", "也算我", "算我一户", "那就算我吧"])
def test_who_is_to_be_counted_in_signs_up(text: str):
    assert "signs_up" in names(text)


def test_the_sums_are_whole_numbers_so_that_every_machine_says_the_same():
    logits = signal_model.read("多少钱一平").ruled(["asks_price"]).logits()
    assert len(logits) == len(SIGNALS)
    assert all(type(logit) is int for logit in logits)
    assert logits[SIGNALS.index(SignalName.ASKS_PRICE)] > 0


def test_what_the_model_adds_rests_on_the_words_that_speak_for_it():
    (found,) = [signal for signal in signals_of("昨天没睡好 这个几多钱啊") if signal.name == "asks_price"]
    start, end = found.span
    assert "钱" in "昨天没睡好 这个几多钱啊"[start:end]
    assert start >= 5
