"""The people of a day: what each group's members call for beside the playbook's duties.

Read once a day and estate, in one pass over its members; what is counted along the way is set right where a new
playbook counts otherwise.
"""

from __future__ import annotations

from datetime import date

from msgspec.structs import replace

from agents import connections, graph, key_people, neighbours, rewards, standing
from agents.crowd import Crowd
from agents.handout import GroupAtWork
from agents.people_rows import CONNECTED, TIES, Connected, Ties
from agents.rows import CAMPAIGN
from agents.state import MEMBER, MemberRow, member_of
from agents.turn import Turn
from schemas.playbook import Playbook


def plan(turn: Turn, at_works: list[GroupAtWork], day: date) -> None:
    """Issue the day's tasks about single members, in every group that the campaign works."""
    found = _crowds(turn) if any(_asks(at_work.play.playbook) for at_work in at_works) else {}
    for at_work in at_works:
        crowd = found.get(at_work.group.group_id)
        if crowd is not None:
            key_people.plan(at_work, crowd, day)
            neighbours.introduce(at_work, crowd, day)
            neighbours.ask_first(at_work, crowd, day)
            rewards.plan(at_work, crowd, day)


def _asks(playbook: Playbook) -> bool:
    return any((playbook.key_people, playbook.introductions, playbook.ask_first, playbook.fans))


def _crowds(turn: Turn) -> dict[str, Crowd]:
    """The members of each group who are there, with their ties."""
    rows: dict[str, dict[str, MemberRow]] = {}
    for sub, row in turn.rows.scan(CAMPAIGN, turn.estate_id, MEMBER):
        group_id, member_id = member_of(sub)
        if row.present:
            rows.setdefault(group_id, {})[member_id] = row
    ties: dict[str, dict[str, Ties]] = {}
    for sub, known in turn.rows.scan(CAMPAIGN, turn.estate_id, TIES):
        group_id, member_id = member_of(sub)
        ties.setdefault(group_id, {})[member_id] = known
    found = {group_id: Crowd(members, ties.get(group_id, {})) for group_id, members in rows.items()}
    _set_right(turn, found)
    return found


def _set_right(turn: Turn, found: dict[str, Crowd]) -> None:
    """Another version of the playbook may call others friends: count anew, and write what differs."""
    exchanges = turn.play.playbook.connections.exchanges
    known = dict(turn.rows.scan(CAMPAIGN, turn.estate_id, CONNECTED))
    for group_id, crowd in found.items():
        for member_id, ties in crowd.ties.items():
            row = crowd.members.get(member_id)
            friends = len(graph.friends_in(ties.edges, exchanges))
            if row is not None and row.friends != friends:
                crowd.members[member_id] = replace(row, friends=friends)
                standing.put(turn, group_id, member_id, row, crowd.members[member_id])
        counted = connections.counted(turn, list(crowd.members.values()))
        if counted != known.get(group_id, Connected()):
            connections.put(turn, group_id, counted)
