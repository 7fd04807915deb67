"""Which evidence lifts a member onto which rung."""

from __future__ import annotations

import pytest

from agents import ladder
from agents.ladder import BIT, with_orders, with_said
from agents.lexicon import SignalName
from schemas.playbook import Step
from schemas.values import RUNGS, Rung
from tests import builders

MASKS = ladder.masks_of(builders.playbook().ladder)


def bits(*names: str) -> int:
    return sum(BIT[name] for name in names)


def rung(*names: str) -> Rung:
    return RUNGS[ladder.rung_of(bits(*names), MASKS)]


def test_every_signal_is_evidence():
    assert {name.value for name in SignalName} <= set(ladder.EVIDENCE)


def test_each_piece_of_evidence_has_a_bit_of_its_own():
    assert len(set(BIT.values())) == len(ladder.EVIDENCE) == BIT[ladder.EVIDENCE[-1]].bit_length()


def test_the_highest_rung_that_has_any_of_its_evidence_holds():
    assert rung() == Rung.STRANGER
    assert rung("reacted") == Rung.ONLOOKER
    assert rung("spoke", "reacted") == Rung.PARTICIPANT
    assert rung("spoke", "asks_price") == Rung.INTERESTED
    assert rung("order_paid") == Rung.BUYER


def test_a_rung_without_a_step_is_skipped():
    masks = ladder.masks_of([Step(rung=Rung.SPREADER, by=("referred",)), Step(rung=Rung.ONLOOKER, by=("spoke",))])
    assert RUNGS[ladder.rung_of(bits("spoke"), masks)] == Rung.ONLOOKER
    assert RUNGS[ladder.rung_of(bits("referred"), masks)] == Rung.SPREADER


def test_a_step_is_lifted_by_any_one_of_its_evidence():
    assert rung("asks_design") == rung("asks_product") == Rung.INTERESTED


@pytest.mark.parametrize("praise", ["praises", "shares_experience"])
def test_praise_counts_as_a_buyers_only_where_a_buyer_says_it(praise: str):
    before_buying = with_said(bits("spoke"), bits(praise))
    assert not before_buying & BIT["praised_after_buying"]
    bought = with_orders(before_buying, bits("order_placed", "deposit_paid"))
    assert not bought & BIT["praised_after_buying"], "what was said before buying is no praise after it"
    assert with_said(bought, bits(praise)) & BIT["praised_after_buying"]


def test_a_neighbour_brought_in_counts_where_a_buyer_brings_them():
    assert not with_said(0, bits("refers")) & BIT["referred"]
    assert with_said(bits("delivered"), bits("refers")) & BIT["referred"]


def test_what_rests_on_orders_falls_with_them_and_what_was_said_stays():
    buyer = with_said(bits("order_paid", "asks_price"), bits("praises", "refers"))
    after = with_orders(buyer, 0)
    assert after == bits("asks_price", "praises", "refers")


def test_another_order_keeps_a_buyer_a_buyer():
    buyer = with_said(bits("order_paid"), bits("praises"))
    assert with_orders(buyer, bits("order_placed", "deposit_paid")) & BIT["praised_after_buying"]
