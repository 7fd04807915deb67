"""Neighbours: introduced to each other until each has friends enough; friends of buyers are asked first.

Source: the trade's manual. A member with three friends in the group is three times as active; one with three friends
who bought is 85 % likelier to buy.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from zlib import crc32

from msgspec.structs import replace

from agents import peace
from agents.called import called
from agents.crowd import Crowd, Errand, may_be_spoken_to, send
from agents.graph import friends_in
from agents.handout import GroupAtWork
from agents.ladder import BIT, BOUGHT
from agents.people_rows import Ties, ties
from schemas.playbook_people import ASKS_FIRST, INTRODUCES, AskFirst, Introductions
from schemas.values import Phase

_SPOKE = BIT["spoke"]
#: The phases in which somebody may be asked to come or to sign up.
ASKING = frozenset({Phase.SIGN_UP, Phase.CLOSING})


# --- introductions ----------------------------------------------------------------------------------------


def introduce(at_work: GroupAtWork, crowd: Crowd, day: date) -> None:
    """Introduce some neighbours to each other: of the same building first, and those with the fewest friends."""
    section = at_work.play.playbook.introductions
    if section is None:
        return
    errand = _errand(INTRODUCES, section)
    done = _of_day(at_work, day, errand.id)
    for one, other in _pairs(at_work, crowd, section):
        if done >= section.a_day:
            return
        if send(at_work, errand, day, one, crowd, other) is not None:
            _remember(at_work, one, other)
            _remember(at_work, other, one)
            done += 1


def _pairs(at_work: GroupAtWork, crowd: Crowd, section: Introductions) -> Iterator[tuple[str, str]]:
    """Who may be introduced to whom, each member once."""
    wanted = at_work.turn.play.playbook.connections.friends
    lonely = [
        member_id for member_id, row in crowd.members.items()
        if row.home and called(row.name) and row.friends < wanted and row.evidence & _SPOKE
        and len(_ties(crowd, member_id).introduced) < section.at_most and may_be_spoken_to(at_work, member_id, row)
        and not peace.rests(at_work.turn, member_id)
    ]
    lonely.sort(key=lambda member_id: (crowd.members[member_id].friends, member_id))
    for same_building in (True, False):
        while (pair := _first_pair(crowd, lonely, same_building)) is not None:
            yield pair
            lonely = [member_id for member_id in lonely if member_id not in pair]


def _first_pair(crowd: Crowd, lonely: list[str], same_building: bool) -> tuple[str, str] | None:
    for place, one in enumerate(lonely):
        building = crowd.members[one].building
        if same_building and not building:
            continue
        for other in lonely[place + 1 :]:
            neighbours = crowd.members[other].building == building
            if (neighbours or not same_building) and _strangers(crowd, one, other):
                return one, other
    return None


def _strangers(crowd: Crowd, one: str, other: str) -> bool:
    """Whether two have never answered each other, nor been introduced."""
    known = _ties(crowd, one)
    return crc32(other.encode()) not in known.introduced and all(edge[0] != other for edge in known.edges)


def _remember(at_work: GroupAtWork, one: str, other: str) -> None:
    address = ties(at_work.turn.estate_id, at_work.group.group_id, one)
    known: Ties = at_work.turn.rows.get(address) or Ties()
    at_work.turn.rows.put(address, replace(known, introduced=(*known.introduced, crc32(other.encode()))))


# --- asked first ------------------------------------------------------------------------------------------


def ask_first(at_work: GroupAtWork, crowd: Crowd, day: date) -> None:
    """In the days of signing up, ask those first whose friends bought: the most such friends first."""
    turn = at_work.turn
    section, campaign = at_work.play.playbook.ask_first, turn.campaign
    if section is None or campaign is None or campaign.phase not in ASKING:
        return
    errand = _errand(ASKS_FIRST, section)
    done = _of_day(at_work, day, errand.id)
    for member_id in by_friends_who_bought(crowd, turn.play.playbook.connections.exchanges, section.friends_who_bought):
        if done >= section.a_day:
            return
        address = ties(turn.estate_id, at_work.group.group_id, member_id)
        known: Ties = turn.rows.get(address) or Ties()
        if known.asked == turn.phase_seq or not may_be_spoken_to(at_work, member_id, crowd.members[member_id]):
            continue
        if send(at_work, errand, day, member_id, crowd) is not None:
            turn.rows.put(address, replace(known, asked=turn.phase_seq))
            done += 1


def by_friends_who_bought(crowd: Crowd, exchanges: int, at_least: int) -> list[str]:
    """Who has not bought and has so many friends who did; whoever has most first."""
    found = []
    for member_id, known in crowd.ties.items():
        row = crowd.members.get(member_id)
        if row is None or row.friends < at_least or row.evidence & BOUGHT:
            continue
        friends = (crowd.members.get(other) for other in friends_in(known.edges, exchanges))
        bought = sum(friend is not None and friend.evidence & BOUGHT != 0 for friend in friends)
        if bought >= at_least:
            found.append((-bought, member_id))
    return [member_id for _, member_id in sorted(found)]


def _errand(id: str, section: Introductions | AskFirst) -> Errand:
    return Errand(
        id, section.role, section.action, section.at, section.minutes, section.priority, section.script)


def _of_day(at_work: GroupAtWork, day: date, script: str) -> int:
    """How many of these tasks the group has today already."""
    return sum(row.task.script.id == script for row in at_work.tasks_of(day))


def _ties(crowd: Crowd, member_id: str) -> Ties:
    return crowd.ties.get(member_id) or Ties()
