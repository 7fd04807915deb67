"""The relationship ladder: which evidence lifts a member onto which rung.

Evidence is a set of bits, so that a second message that says nothing new changes nothing. The playbook's
`ladder` says which evidence counts for which rung; the highest rung that has any of its evidence holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schemas.playbook import Step
from schemas.values import RUNGS

#: Every piece of evidence that a ladder may name. The order is the order of the bits: only ever append.
EVIDENCE: tuple[str, ...] = (
    "reacted", "spoke", "greets", "introduces_self", "refers", "states_home", "states_need", "talks_estate",
    "asks_price", "asks_product", "asks_design", "asks_service", "asks_progress", "agrees_to_visit", "signs_up",
    "declines", "praises", "shares_experience", "complains", "competitor", "advertises", "breaks_rules", "opts_out",
    "order_placed", "deposit_paid", "order_paid", "delivered", "praised_after_buying", "referred", "referral_order",
    "parent",
)
BIT: dict[str, int] = {name: 1 << position for position, name in enumerate(EVIDENCE)}

#: What makes a buyer: only of a buyer is praise praise after buying.
BOUGHT = BIT["deposit_paid"] | BIT["order_paid"] | BIT["delivered"]
#: The evidence that rests on orders, and falls with them.
FROM_ORDERS = BIT["order_placed"] | BOUGHT
#: The evidence that rests on being a buyer, and falls with the last order.
OF_BUYERS = BIT["praised_after_buying"] | BIT["referred"]
PRAISE = BIT["praises"] | BIT["shares_experience"]

#: What says only that somebody is there. It stays where the message is taken back: who takes a word back was there.
PRESENCE = BIT["reacted"] | BIT["spoke"]

Masks = tuple[tuple[int, int], ...]


def masks_of(ladder: Iterable[Step]) -> Masks:
    """The ladder as (rung, evidence bits), highest rung first."""
    steps = [(RUNGS.index(step.rung), sum({BIT[name] for name in step.by})) for step in ladder]
    return tuple(sorted(steps, reverse=True))


def rung_of(evidence: int, masks: Masks) -> int:
    """The rung (an index into RUNGS) that the evidence reaches; 0, a stranger, without any."""
    for rung, mask in masks:
        if evidence & mask:
            return rung
    return 0


def fades_of(ladder: Iterable[Step]) -> dict[int, int]:
    """After how many days of silence a member falls from a rung, of those rungs from which one does."""
    return {RUNGS.index(step.rung): step.fades_after for step in ladder if step.fades_after is not None}


def faded(evidence: int, silent_days: int, masks: Masks, fades: Mapping[int, int]) -> int:
    """The evidence that is left after so many days of silence: rung by rung, what has faded counts no more.

    What rests on orders does not fade, so that a buyer stays one.
    """
    while True:
        rung = rung_of(evidence, masks)
        if silent_days < fades.get(rung, silent_days + 1):
            return evidence
        left = evidence & ~(dict(masks)[rung] & ~FROM_ORDERS)
        if left == evidence:
            return evidence
        evidence = left


def worth_of(points: Mapping[str, int]) -> tuple[tuple[int, int], ...]:
    """The points of pieces of evidence, as (bit, points); what is no evidence is left out."""
    return tuple((BIT[name], worth) for name, worth in points.items() if name in BIT)


def names_of(bits: int) -> list[str]:
    """The names of pieces of evidence, in the order of their bits."""
    return [name for name, bit in BIT.items() if bits & bit]


def with_said(evidence: int, said: int) -> int:
    """Add what a member has just said, and what it means from a buyer: praise after buying, a neighbour brought in."""
    evidence |= said
    if evidence & BOUGHT:
        if said & PRAISE:
            evidence |= BIT["praised_after_buying"]
        if said & BIT["refers"]:
            evidence |= BIT["referred"]
    return evidence


def with_orders(evidence: int, of_orders: int) -> int:
    """Put what the member's orders bear out now in the place of what they bore out before."""
    evidence = (evidence & ~FROM_ORDERS) | of_orders
    return evidence if evidence & BOUGHT else evidence & ~OF_BUYERS
