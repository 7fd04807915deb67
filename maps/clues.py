"""Evidence of which estate a member, a group or a row of a table belongs to."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

#: How many estates a clue or an answer names at most.
MOST = 5


class ClueKind(StrEnum):
    """Where a clue comes from."""

    JOIN_CODE = "join_code"
    GROUP_BINDING = "group_binding"
    GROUP_NAME = "group_name"
    DECLARED = "declared"
    OWN_WORDS = "own_words"
    DISPLAY_NAME = "display_name"
    POINT = "point"
    DELIVERY_ADDRESS = "delivery_address"
    DELIVERY_POINT = "delivery_point"
    CATALOGUE = "catalogue"
    ADDRESS = "address"


class Clue(Struct, frozen=True):
    """What one piece of evidence says: estates with their likelihood, best first, `MOST` at most.

    The likelihoods add up to 1 at most; what is missing to 1 is the chance that it means none of them.
    """

    kind: ClueKind
    scores: tuple[tuple[str, float], ...]


class Trust(Struct, frozen=True):
    """How far a kind of clue is to be believed.

    `right`: the share of such clues that mean the home. `spread`: how easily a wrong one sits on any given
    other estate, against being wrong altogether. People of other estates are found in every group (1.0);
    hardly anybody says the name of a certain other estate and means their own (0.05). It is why a member's
    own words outweigh the binding of the group.
    """

    right: float
    spread: float


#: Estimates, to be replaced by what is counted once homes are known from deliveries.
TRUST: dict[ClueKind, Trust] = {
    ClueKind.JOIN_CODE: Trust(0.98, 0.1),
    ClueKind.DECLARED: Trust(0.97, 0.02),
    ClueKind.GROUP_BINDING: Trust(0.95, 1.0),
    ClueKind.GROUP_NAME: Trust(0.85, 1.0),
    ClueKind.OWN_WORDS: Trust(0.9, 0.02),
    ClueKind.DISPLAY_NAME: Trust(0.85, 0.1),
    ClueKind.DELIVERY_ADDRESS: Trust(0.92, 0.2),
    ClueKind.DELIVERY_POINT: Trust(0.9, 0.5),
    ClueKind.POINT: Trust(0.95, 0.5),
    ClueKind.CATALOGUE: Trust(0.95, 0.1),
    ClueKind.ADDRESS: Trust(0.85, 0.5),
}

#: What a kind is called in a reason.
WORDS: dict[ClueKind, str] = {kind: kind.value.replace("_", " ") for kind in ClueKind} | {
    ClueKind.CATALOGUE: "name",
    ClueKind.POINT: "point",
}
