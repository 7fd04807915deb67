"""Evidence of which estate a member, a group or a row of a table belongs to."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

#: How many estates a clue or an answer names at most.
MOST = 5


class ClueKind(StrEnum):
    """Where a clue comes from."""

    JOIN_CODE = "join_code"
    GROUP_BINDING = "group_binding"
    GROUP_NAME = "group_name"
    MEMBERS = "members"
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

    The likelihoods add up to 1 at most; what is missing to 1 is the chance that it means none of them. `day` is when
    it was given, in days since 1970; 0 where it does not age.
    """

    kind: ClueKind
    scores: tuple[tuple[str, float], ...]
    day: int = 0

    @property
    def best(self) -> tuple[str, float]:
        """The estate that it speaks for most, and how much; nothing speaks for none."""
        return self.scores[0] if self.scores else ("", 0.0)


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
    ClueKind.MEMBERS: Trust(0.95, 1.0),
    ClueKind.OWN_WORDS: Trust(0.92, 0.01),
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

#: After so many days a clue is worth half of what it was: people move, and a home is furnished once. Estimates; what a
#: group is bound to or called holds until it is changed, as what a catalogue says.
HALF_LIFE: dict[ClueKind, int] = {
    ClueKind.POINT: 180,
    ClueKind.OWN_WORDS: 730,
    ClueKind.DISPLAY_NAME: 730,
    ClueKind.JOIN_CODE: 730,
    ClueKind.DELIVERY_POINT: 1_095,
    ClueKind.DELIVERY_ADDRESS: 1_095,
    ClueKind.DECLARED: 1_095,
}


def faded(clue: Clue, day: int) -> Clue:
    """The clue as it is worth on that day."""
    life = HALF_LIFE.get(clue.kind)
    if life is None or not clue.day or day <= clue.day:
        return clue
    worth = 0.5 ** ((day - clue.day) / life)
    return replace(clue, scores=tuple((estate_id, round(score * worth, 4)) for estate_id, score in clue.scores))
