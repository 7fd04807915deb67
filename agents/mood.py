"""A group's mood (心情): what its members said in the last days, in one word. Counts that exist, no guess at feelings.

Of those who spoke in the last `DAYS` days: how many of them have praised and how many have complained so far, and of
all who are there, how many want no messages any more. The thresholds are our own (docs/dealers.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from msgspec import Struct

from agents.ladder import BIT, PRAISE
from agents.state import MemberRow

#: So many days, today among them, are "lately".
DAYS = 3
#: A group in which so many complain, and more than praise, is upset; or in which so large a share of who spoke does.
COMPLAINTS, COMPLAINING = 3, 0.2
#: The share of members who spoke lately: from here on a group is lively, below the other it is quiet.
LIVELY, QUIET = 0.2, 0.05

EMPTY, UPSET, WARM, CALM, COOL = "empty", "upset", "warm", "calm", "cool"
MOODS = (EMPTY, UPSET, WARM, CALM, COOL)
_COMPLAINS = BIT["complains"]


class Mood(Struct, frozen=True):
    """The word, and the counts that it rests on."""

    word: str
    members: int = 0
    spoke: int = 0
    praise: int = 0
    complain: int = 0
    opted_out: int = 0


def mood_of(members: Iterable[MemberRow], today: date, phase_seq: int) -> Mood:
    """The mood of a group of these members, on a day of the campaign's zone.

    Where a playbook lets nobody fade, no days are kept: who spoke in the phase of that number spoke lately.
    """
    since = today.toordinal() - DAYS + 1
    there = [member for member in members if member.present]
    lately = [
        member for member in there
        if (member.spoke_on >= since if member.spoke_on else member.active_in == phase_seq)]
    praise = sum(bool(member.evidence & PRAISE) for member in lately)
    complain = sum(bool(member.evidence & _COMPLAINS) for member in lately)
    word = _word(len(there), len(lately), praise, complain)
    return Mood(word, len(there), len(lately), praise, complain, sum(member.opted_out for member in there))


def _word(members: int, spoke: int, praise: int, complain: int) -> str:
    if not members:
        return EMPTY
    if complain > praise and (complain >= COMPLAINTS or complain >= COMPLAINING * spoke):
        return UPSET
    if spoke >= LIVELY * members:
        return WARM
    return CALM if spoke >= QUIET * members else COOL
