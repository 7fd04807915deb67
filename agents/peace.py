"""Who declines is left in peace: for the phase nobody approaches them, unless they speak up themselves.

A question, a yes or a sign-up of their own ends it; so does the next phase. What is about their own order, a
complaint of theirs, and what is done without them (a check, a review, keeping order) is not held up.
"""

from __future__ import annotations

from collections.abc import Collection

from agents import tasks
from agents.rows import CAMPAIGN
from agents.state import PEACE, PeaceRow, peace_row
from agents.turn import Turn
from schemas.tasks import Evidence, Task
from schemas.values import VISIBLE_ACTIONS, Action, TaskStatus

#: What a member says who wants to be spoken to.
LIFTS = frozenset({
    "asks_price", "asks_product", "asks_design", "asks_service", "asks_progress", "agrees_to_visit", "signs_up",
})
#: What comes up to a person.
APPROACHES = VISIBLE_ACTIONS | {Action.INVITE, Action.CALL, Action.VISIT}


def heard(turn: Turn, member_id: str, names: Collection[str]) -> None:
    """A member's message: does it decline, or want an answer?"""
    if "declines" in names:
        _leave(turn, member_id)
    elif not LIFTS.isdisjoint(names):
        _lift(turn, member_id)


def is_left(turn: Turn, task: Task) -> bool:
    """Whether a task comes up to somebody who is left in peace."""
    evidence = task.evidence
    if evidence is None or evidence.member_id is None or not _approaches(task, evidence):
        return False
    return any(rests(turn, member_id) for member_id in tasks.people_in(evidence))


def rests(turn: Turn, member_id: str) -> bool:
    """Whether a member declined in this phase, and has wanted nothing since."""
    row: PeaceRow | None = turn.rows.get(peace_row(turn.estate_id, member_id))
    return row is not None and turn.campaign is not None and row.phase_seq == turn.campaign.phase_seq


def forget(turn: Turn, member_id: str) -> None:
    """The member must not be known any more."""
    _lift(turn, member_id)


def over(turn: Turn) -> None:
    """A phase is over, and with it everybody's peace."""
    for member_id, _ in list(turn.rows.scan(CAMPAIGN, turn.estate_id, PEACE)):
        turn.rows.drop(peace_row(turn.estate_id, member_id))


def _approaches(task: Task, evidence: Evidence) -> bool:
    return task.action in APPROACHES and evidence.order_id is None and evidence.about != "complains"


def _leave(turn: Turn, member_id: str) -> None:
    if turn.campaign is None or not turn.running:
        return
    row, address = PeaceRow(turn.campaign.phase_seq), peace_row(turn.estate_id, member_id)
    if turn.rows.get(address) == row:
        return
    turn.rows.put(address, row)
    for open_ in turn.tasks():
        task, evidence = open_.task, open_.task.evidence
        # Who is introduced to a neighbour is approached as much as the neighbour.
        if task.status not in tasks.OPEN or evidence is None or not tasks.is_about(task, member_id):
            continue
        if _approaches(task, evidence):
            tasks.change(turn, open_, TaskStatus.WITHDRAWN, "the member declined, and is left in peace")


def _lift(turn: Turn, member_id: str) -> None:
    address = peace_row(turn.estate_id, member_id)
    if turn.rows.get(address) is not None:
        turn.rows.drop(address)
