"""A group's members on a day, and a task about one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta

from agents import graph, staffing
from agents.called import addressed
from agents.handout import GroupAtWork, Job, hand_out
from agents.people_rows import Ties
from agents.state import MemberRow
from schemas.playbook import ScriptText
from schemas.tasks import Evidence, Task
from schemas.values import Action, Role


@dataclass(frozen=True, slots=True)
class Crowd:
    """The members of a group who are there, and whom each answered; by member id."""

    members: dict[str, MemberRow]
    ties: Mapping[str, Ties]


@dataclass(frozen=True, slots=True)
class Errand:
    """What is to be done about one member: by whom, when on the day, in what words."""

    id: str
    role: Role
    action: Action
    at: time
    minutes: int
    priority: int
    script: ScriptText


def may_be_spoken_to(at_work: GroupAtWork, member_id: str, row: MemberRow | None) -> bool:
    """Whether a task about a member may be handed out: they are there, not ours, and want to hear from us."""
    if row is None or not row.present or row.opted_out:
        return False
    return not graph.is_ours(at_work.turn, at_work.group.group_id, member_id)


def send(
    at_work: GroupAtWork, errand: Errand, day: date, member_id: str, crowd: Crowd, neighbour_id: str | None = None
) -> Task | None:
    """Hand out a task about a member, once a day; None where its time is over or nobody can do it honestly."""
    turn = at_work.turn
    start = turn.at(day, errand.at)
    end = start + timedelta(minutes=errand.minutes)
    persona = staffing.persona_for(errand.role, at_work.free(start, end) or at_work.personas, 0)
    if end <= turn.now or persona is None or at_work.was_asked(errand.id, member_id):
        return None
    return hand_out(at_work, Job(
        errand.id, errand.role, errand.action, errand.script, persona, start, end, errand.priority,
        Evidence(member_id=member_id, neighbour_id=neighbour_id), member_name=_name(crowd, member_id),
        neighbour_name=_name(crowd, neighbour_id) if neighbour_id is not None else "",
    ))


def _name(crowd: Crowd, member_id: str) -> str:
    return addressed(crowd.members[member_id].name)
