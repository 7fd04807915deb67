"""A group's mood: plain counts of what members said lately, in one word."""

from __future__ import annotations

from datetime import date

import pytest

from agents.ladder import BIT
from agents.mood import mood_of
from agents.state import MemberRow

TODAY = date(2026, 3, 5)


def people(
    *, silent: int = 0, spoke: int = 0, praise: int = 0, complain: int = 0, days_ago: int = 0
) -> list[MemberRow]:
    """Members of a group, by what they said last, so many days ago."""
    on = TODAY.toordinal() - days_ago
    said = [0] * spoke + [BIT["praises"]] * praise + [BIT["complains"]] * complain
    return [MemberRow()] * silent + [MemberRow(spoke_on=on, evidence=bits | BIT["spoke"]) for bits in said]


@pytest.mark.parametrize(("members", "word"), [
    ([], "empty"),
    (people(silent=100), "cool"),
    (people(silent=96, spoke=4), "cool"),
    (people(silent=95, spoke=5), "calm"),
    (people(silent=80, spoke=20), "warm"),
    (people(silent=60, spoke=37, complain=3), "upset"),
    (people(silent=60, spoke=36, complain=3, praise=3), "warm"),
    (people(silent=95, spoke=4, complain=1), "upset"),
    (people(silent=60, spoke=38, complain=2), "warm"),
    (people(silent=50, complain=9, days_ago=3), "cool"),
    (people(silent=50, complain=9, days_ago=2), "upset"),
])
def test_a_mood_is_one_word_for_what_was_said_lately(members, word):
    assert mood_of(members, TODAY, 1).word == word


def test_who_left_counts_no_more_and_who_wants_no_messages_is_counted():
    members = [MemberRow(spoke_on=TODAY.toordinal(), evidence=BIT["complains"], present=False),
               MemberRow(opted_out=True), *people(spoke=1, praise=1)]
    mood = mood_of(members, TODAY, 1)
    assert (mood.members, mood.spoke, mood.praise, mood.complain, mood.opted_out) == (3, 2, 1, 0, 1)


def test_where_no_days_are_kept_the_phase_counts():
    members = [MemberRow(active_in=2)] * 3 + [MemberRow(active_in=1)] * 7
    assert (mood_of(members, TODAY, 2).spoke, mood_of(members, TODAY, 2).word) == (3, "warm")
