"""What calls for an answer at once: somebody joined, asked, complained. At night it waits for the morning."""

from __future__ import annotations

from datetime import datetime, timedelta

from agents import honesty, staffing
from agents.handout import GroupAtWork, Job, hand_out, wants_nothing
from agents.state import DayCount, day_count
from agents.tasks import OPEN
from agents.turn import Turn
from maps.names import without_home
from schemas.playbook import Reaction
from schemas.tasks import Evidence

#: How somebody is addressed whose name was never shown to us.
SOMEBODY = "朋友"


def react(turn: Turn, on: str, group_id: str, member_id: str, message_id: str | None) -> None:
    """Issue what the playbook asks for when `on` happens (`joined`, or a signal's name)."""
    reactions = turn.play_in(group_id).reactions.get(on)
    if reactions is None or not turn.running or wants_nothing(turn, group_id, member_id):
        return
    # A busy group has had its answers of the day by noon: that is looked at before anything else.
    open_ = [reaction for reaction in reactions if not _had_its_day(turn, group_id, reaction)]
    group = turn.worked(group_id) if open_ else None
    if group is None:
        return
    at_work = GroupAtWork(turn, group)
    for reaction in open_:
        _answer(at_work, reaction, Evidence(message_id=message_id, member_id=member_id))


def _had_its_day(turn: Turn, group_id: str, reaction: Reaction) -> bool:
    """Whether today's answers are given, for sure: one that waits for the morning is looked at closer."""
    row: DayCount | None = turn.rows.get(day_count(turn.estate_id, group_id, reaction.id))
    if row is None or row.count < reaction.a_day:
        return False
    start, _ = window(turn, reaction.minutes)
    return row.date >= start.date().isoformat()


def _answer(at_work: GroupAtWork, reaction: Reaction, evidence: Evidence) -> None:
    """One answer: not while another to the same person is out, and no more a day than the playbook says."""
    turn = at_work.turn
    start, end = window(turn, reaction.minutes)
    if turn.campaign is not None and end.date().isoformat() < turn.campaign.turned:
        # The event came so late that its day is over: nobody can answer in the past.
        return
    day = start.date().isoformat()
    address = day_count(turn.estate_id, at_work.group.group_id, reaction.id)
    row: DayCount | None = turn.rows.get(address)
    count = row.count if row is not None and row.date == day else 0
    persona = staffing.persona_for(reaction.role, at_work.free(start, end) or at_work.personas, 0)
    if persona is None or _is_out(at_work, reaction, evidence):
        return
    job = Job(
        reaction.id, reaction.role, reaction.action, reaction.script, persona, start, end, reaction.priority, evidence,
        member_name=called(turn.place.name) or SOMEBODY,
    )
    # Only what is really handed out takes one of the day's places.
    if hand_out(at_work, job) is not None:
        turn.rows.put(address, DayCount(day, count + 1))


def called(name: str) -> str:
    """How a member is called in the group: without the door number that some have in their name; may be empty."""
    return without_home(name).strip(" -—_·.,，。、")


def _is_out(at_work: GroupAtWork, reaction: Reaction, evidence: Evidence) -> bool:
    return any(
        row.task.script.id == reaction.id and row.task.status in OPEN
        and row.task.evidence is not None and row.task.evidence.member_id == evidence.member_id
        for row in at_work.tasks.values()
    )


def window(turn: Turn, minutes: int) -> tuple[datetime, datetime]:
    """From now on for so many minutes; what would touch the curfew waits for its end."""
    curfew = turn.play.playbook.curfew
    start, length = turn.local, timedelta(minutes=minutes)
    if not honesty.in_curfew(curfew, start, start + length):
        return start, start + length
    morning = turn.at(start.date(), curfew.end)
    if morning <= start:
        morning = turn.at(start.date() + timedelta(days=1), curfew.end)
    return morning, morning + length
