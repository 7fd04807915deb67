"""Whom a group listens to: told from who answered whom.

By how many different people somebody is answered, and how often by the same, against how many they answer themselves.
Who writes all day is answered now and then by everybody: without the second figure the loudest would be found, not
those who are listened to (benchmarks/people/key_people.py has both).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import log

from msgspec import Struct

from agents.graph import SEEN
from agents.people_rows import Ties

#: As if everybody had answered twenty: few answers are no measure. Fitted on simulated groups; 15 to 25 do as well.
BEFORE = 20
#: What an answer more of the same person counts beside another person's: less.
AGAIN = 0.5
_BITS = 8 * SEEN


class Heard(Struct, frozen=True, gc=False):
    """How much a member is listened to: answered `by` so many different people, having answered `said` others."""

    member_id: str
    by: float
    said: float
    score: float


def ranked(ties: Mapping[str, Ties], among: Iterable[str]) -> list[Heard]:
    """The members who were answered at all, whoever is listened to most first; `ties` are the group's."""
    found = [heard(member_id, ties[member_id]) for member_id in among if member_id in ties and ties[member_id].seen]
    return sorted(found, key=lambda one: (-one.score, one.member_id))


def heard(member_id: str, ties: Ties) -> Heard:
    """How much one member is listened to."""
    by, said = many(ties.seen), many(ties.spoken)
    often_by = sum(back for _, _, back in ties.edges)
    often_said = sum(out for _, out, _ in ties.edges)
    return Heard(member_id, by, said, (by + AGAIN * often_by) / (BEFORE + said + AGAIN * often_said))


def many(seen: bytes) -> float:
    """How many different people have set these bits, most likely (linear counting; Whang and others, 1990)."""
    unset = _BITS - int.from_bytes(seen, "big").bit_count()
    return _BITS * log(_BITS / max(unset, 1)) if seen else 0.0
