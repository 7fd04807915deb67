"""Whether a question was answered already, by one of us, before its task was done.

A persona's message that replies to the question, or mentions who asked, is an answer. Is it the task's own text
(`agents.similar`), from the task's own person, the task is verified; else it is withdrawn, with who answered. A mention
that does another task of ours for that member answers that one alone.
"""

from __future__ import annotations

from agents import tasks
from agents.knowledge import ABOUT
from agents.state import TaskRow
from agents.turn import Turn
from schemas.events import MessageData
from schemas.reference import Persona
from schemas.values import Action, TaskStatus


def staff_spoke(turn: Turn, data: MessageData, persona: Persona) -> None:
    """One of us spoke, and what it verifies is verified: what else it answers need not be answered again."""
    if not data.mentions and data.reply_to is None:
        return
    of_group = [row for row in turn.tasks() if row.task.group_id == data.group_id]
    mentioned = frozenset(data.mentions or ()) - {_verified(of_group, data.message_id)}
    for row in of_group:
        if _is_open_question(turn, row) and _answers(data, mentioned, row):
            tasks.change(turn, row, TaskStatus.WITHDRAWN, f"{persona.persona_id} has answered: {turn.event.ref}")


def _verified(rows: list[TaskRow], message_id: str) -> str | None:
    """The member whose task the message did."""
    done = next((row.task.evidence for row in rows if row.verified_by == message_id), None)
    return done.member_id if done is not None else None


def _is_open_question(turn: Turn, row: TaskRow) -> bool:
    task, evidence = row.task, row.task.evidence
    if task.status not in tasks.OPEN or task.action is not Action.REPLY or turn.now < task.issued_at:
        return False
    return evidence is not None and evidence.about in ABOUT


def _answers(data: MessageData, mentioned: frozenset[str | None], row: TaskRow) -> bool:
    evidence = row.task.evidence
    if evidence is None:
        return False
    replied = data.reply_to is not None and data.reply_to == evidence.message_id
    return replied or (evidence.member_id is not None and evidence.member_id in mentioned)
