"""The life of a task: issued, claimed, done, verified; or skipped, expired, withdrawn.

One table of moves; the diagram in docs/phases.md is drawn from it. Whether a task was really done is checked
against the group's own messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from agents.rows import CAMPAIGN
from agents.similar import likeness
from agents.state import (
    PERSONA,
    PersonaRow,
    SeenPost,
    TaskCounts,
    TaskRow,
    member_of,
    persona_row,
    task_counts,
    task_row,
)
from agents.turn import Turn
from schemas.errors import BadEvent, IllegalMove
from schemas.events import MessageData, TaskMarkData, TaskSkippedData
from schemas.reference import Persona
from schemas.tasks import Evidence, OutEvent, Task, TaskChange, TaskExpired, TaskVerified, TaskWithdrawn
from schemas.values import VISIBLE_ACTIONS, Role, TaskStatus

#: How long after its window a task may still be done.
GRACE = timedelta(minutes=30)
#: How long before its window a task may be done, and a post already counts.
EARLY = timedelta(minutes=15)
#: From which likeness on a message is the posting of a script.
ALIKE = 0.65
#: How many unclaimed messages of a persona are remembered.
REMEMBERED = 6

_S = TaskStatus
MOVES: dict[TaskStatus, frozenset[TaskStatus]] = {
    _S.ISSUED: frozenset({_S.CLAIMED, _S.DONE, _S.VERIFIED, _S.SKIPPED, _S.EXPIRED, _S.WITHDRAWN}),
    _S.CLAIMED: frozenset({_S.DONE, _S.VERIFIED, _S.SKIPPED, _S.EXPIRED, _S.WITHDRAWN}),
    _S.DONE: frozenset({_S.VERIFIED}),
    # A mark that was made in time may come late (a phone without network).
    _S.EXPIRED: frozenset({_S.DONE, _S.VERIFIED}),
    _S.VERIFIED: frozenset(),
    _S.SKIPPED: frozenset(),
    _S.WITHDRAWN: frozenset(),
}
OPEN = frozenset({_S.ISSUED, _S.CLAIMED})
#: What a claim adds nothing to: it was overtaken, by the deed or by the clock.
_PAST_CLAIMING = frozenset({_S.DONE, _S.EXPIRED})

_SAYS: dict[TaskStatus, type[OutEvent]] = {
    _S.VERIFIED: TaskVerified, _S.EXPIRED: TaskExpired, _S.WITHDRAWN: TaskWithdrawn,
}


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> issued"]
    for status, moves in MOVES.items():
        lines += [f"    {status} --> {after}" for after in TaskStatus if after in moves]
        if not moves:
            lines.append(f"    {status} --> [*]")
    return "\n".join(lines)


def change(turn: Turn, row: TaskRow, status: TaskStatus, reason: str = "", verified_by: str | None = None) -> TaskRow:
    """Move a task, set right the counts, and say so where it goes out.

    Raises:
        IllegalMove: when the table has no such move.
    """
    task = row.task
    if status not in MOVES[task.status]:
        raise IllegalMove(f"a task that is {task.status} cannot be {status}")
    after = replace(row, task=replace(task, status=status), verified_by=verified_by or row.verified_by)
    turn.moved.append(after.task)
    turn.rows.put(task_row(turn.estate_id, task.task_id), after)
    count(turn, task.status, status)
    if (event := _SAYS.get(status)) is not None:
        data = TaskChange(task.task_id, task.dealer_id, task.estate_id, task.group_id, status, reason)
        turn.emit(event, data, task.task_id, subject=task.task_id, key=task.dealer_id)
    return after


def count(
    turn: Turn, before: TaskStatus | None, after: TaskStatus | None, refused: int = 0, unstaffed: int = 0,
) -> None:
    """Set right how many of the campaign's tasks stand where."""
    address = task_counts(turn.estate_id)
    counts = turn.rows.get(address) or TaskCounts()
    steps = {"refused": counts.refused + refused} if refused else {}
    if unstaffed:
        steps["unstaffed"] = counts.unstaffed + unstaffed
    for status, step in ((before, -1), (after, 1)):
        if status is not None:
            name = status.value
            steps[name] = steps.get(name, getattr(counts, name)) + step
    turn.rows.put(address, replace(counts, **steps))
    turn.touched = True


# --- marks: what people say of their tasks -----------------------------------------------------------


def mark(turn: Turn, data: TaskMarkData | TaskSkippedData, status: TaskStatus) -> None:
    """Somebody claimed, did or skipped a task.

    Raises:
        BadEvent: when it isn't theirs, or it cannot be any more.
    """
    row = _marked(turn, data)
    if _says_nothing_new(row.task.status, status):
        return
    if status not in MOVES[row.task.status]:
        raise BadEvent(f"task {row.task.task_id} is {row.task.status} and cannot be {status} any more")
    if turn.now > row.expires:
        raise BadEvent(f"task {row.task.task_id} was to be done by {row.expires.isoformat()}: it was too late")
    if status is TaskStatus.DONE and is_early(row.task, turn.now):
        raise BadEvent(too_early(row.task, turn.now))
    reason = data.reason if isinstance(data, TaskSkippedData) else ""
    row = change(turn, row, status, reason)
    if status is TaskStatus.DONE and isinstance(data, TaskMarkData):
        _look_back(turn, row, data.message_id)


def is_early(task: Task, at: datetime) -> bool:
    """Whether it is too early to do a task: the group would read it when nobody is to be written to."""
    return at < task.window.start - EARLY


def too_early(task: Task, at: datetime) -> str:
    """The sentence that says so, in the zone of the task's window."""
    start = task.window.start
    return f"task {task.task_id} is for {start:%H:%M}: done at {at.astimezone(start.tzinfo):%H:%M} is too early"


def _marked(turn: Turn, data: TaskMarkData | TaskSkippedData) -> TaskRow:
    row: TaskRow | None = turn.rows.get(task_row(turn.estate_id, data.task_id))
    if row is None:
        raise BadEvent(f"task {data.task_id} is over and settled")
    if data.persona_id is not None and data.persona_id != row.task.persona_id:
        raise BadEvent(f"task {data.task_id} was given to {row.task.persona_id}, not to {data.persona_id}")
    return row


def _says_nothing_new(stands: TaskStatus, marked: TaskStatus) -> bool:
    if stands is marked or (stands is TaskStatus.VERIFIED and marked is not TaskStatus.SKIPPED):
        return True
    return marked is TaskStatus.CLAIMED and stands in _PAST_CLAIMING


def _look_back(turn: Turn, row: TaskRow, message_id: str | None) -> None:
    """Look for the message that did the task among those that came before the mark."""
    task = row.task
    address = persona_row(turn.estate_id, task.group_id, task.persona_id or "")
    memory: PersonaRow = turn.rows.get(address) or PersonaRow()
    found = [post for post in memory.seen if _does(row, post) and message_id in (None, post.message_id)]
    if found:
        turn.rows.put(address, PersonaRow(tuple(post for post in memory.seen if post is not found[-1])))
        change(turn, row, TaskStatus.VERIFIED, "seen in the group", verified_by=found[-1].message_id)


# --- messages: what was really said --------------------------------------------------------------------


def persona_spoke(turn: Turn, data: MessageData, persona: Persona) -> None:
    """One of our personas said something in a group: it may be a task's doing, marked or not yet."""
    post = SeenPost(data.message_id, turn.now, (data.text or "")[:2000], data.kind)
    theirs = [
        row for row in turn.tasks()
        if row.task.persona_id == persona.persona_id and row.task.group_id == data.group_id
    ]
    if any(row.verified_by == post.message_id for row in theirs):
        return
    waiting = [row for row in theirs if TaskStatus.VERIFIED in MOVES[row.task.status] and _does(row, post)]
    if waiting:
        best = min(waiting, key=lambda row: (-likeness(row.task.script.text, post.text), row.task.task_id))
        change(turn, best, TaskStatus.VERIFIED, "seen in the group", verified_by=post.message_id)
    else:
        _remember(turn, data.group_id, persona, post)


def _remember(turn: Turn, group_id: str, persona: Persona, post: SeenPost) -> None:
    """Keep a message that does no task yet: its task may still be handed out, or the mark come."""
    address = persona_row(turn.estate_id, group_id, persona.persona_id)
    memory: PersonaRow = turn.rows.get(address) or PersonaRow()
    if all(known.message_id != post.message_id for known in memory.seen):
        turn.rows.put(address, PersonaRow((*memory.seen, post)[-REMEMBERED:]))


def forget_post(turn: Turn, message_id: str) -> None:
    """A message was recalled: what rests on none yet will never rest on it; what it did was seen."""
    for sub, memory in list(turn.rows.scan(CAMPAIGN, turn.estate_id, PERSONA)):
        kept = tuple(post for post in memory.seen if post.message_id != message_id)
        if kept != memory.seen:
            turn.rows.put(persona_row(turn.estate_id, *member_of(sub)), PersonaRow(kept))


def _does(row: TaskRow, post: SeenPost) -> bool:
    """Whether a message is the doing of a task: in its time, and its text."""
    task = row.task
    if task.action not in VISIBLE_ACTIONS or not task.window.start - EARLY <= post.at <= row.expires:
        return False
    return likeness(task.script.text, post.text) >= ALIKE


# --- the end of a task -----------------------------------------------------------------------------------


def expire(turn: Turn, now: datetime) -> None:
    """Let every open task expire whose time is over."""
    for row in turn.tasks():
        if row.task.status in OPEN and row.expires <= now:
            change(turn, row, TaskStatus.EXPIRED, "its time is over")


def settle(turn: Turn, before: datetime) -> None:
    """Drop the rows of tasks whose time was over before `before`: nothing can change them any more."""
    for row in turn.tasks():
        if row.task.status not in OPEN and row.expires < before:
            turn.rows.drop(task_row(turn.estate_id, row.task.task_id))


def withdraw(turn: Turn, reason: str, *, group_id: str | None = None, member_id: str | None = None,
             order_id: str | None = None, message_id: str | None = None) -> None:
    """Withdraw the open tasks: all, those of a group, about a member, resting on an order, answering a message."""
    for row in turn.tasks():
        task, evidence = row.task, row.task.evidence
        if (
            task.status in OPEN
            and group_id in (None, task.group_id)
            and (member_id is None or is_about(task, member_id))
            and (order_id is None or (evidence is not None and evidence.order_id == order_id))
            and (message_id is None or (evidence is not None and evidence.message_id == message_id))
        ):
            change(turn, row, TaskStatus.WITHDRAWN, reason)


def is_about(task: Task, member_id: str) -> bool:
    """Whether a task is about that member, or introduces somebody to them."""
    return task.evidence is not None and member_id in people_in(task.evidence)


def people_in(evidence: Evidence) -> tuple[str, ...]:
    """The members whom a task with this evidence is about: whom it is done to, and who is introduced to them."""
    return tuple(one for one in (evidence.member_id, evidence.neighbour_id) if one is not None)


def shills_active(rows: Iterable[TaskRow]) -> list[str]:
    """The shills who have a task among these that was not withdrawn; who has done something comes first."""
    of_shills = [row.task for row in rows if row.task.role is Role.SHILL and row.task.status is not _S.WITHDRAWN]
    began = [task.persona_id or "" for task in of_shills if task.status not in OPEN]
    return list(dict.fromkeys([*began, *(task.persona_id or "" for task in of_shills)]))


def withdraw_surplus_shills(turn: Turn, group_id: str, allowed: int) -> None:
    """The group has shrunk: withdraw the open tasks of the shills that are too many now."""
    rows = [row for row in turn.tasks() if row.task.group_id == group_id]
    for day in sorted({turn.day_of(row.task.window.start) for row in rows}):
        of_day = [row for row in rows if turn.day_of(row.task.window.start) == day]
        surplus = shills_active(of_day)[allowed:]
        for row in of_day:
            if row.task.status in OPEN and row.task.role is Role.SHILL and row.task.persona_id in surplus:
                change(turn, row, TaskStatus.WITHDRAWN, "too many shills for the group's members")


def forget_member(turn: Turn, member_id: str, reason: str) -> None:
    """A member must not be known any more: what was to be done about them isn't, and no task names them."""
    withdraw(turn, reason, member_id=member_id)
    for row in turn.tasks():
        evidence = row.task.evidence
        if evidence is not None and is_about(row.task, member_id):
            script = replace(row.task.script, text="", attachments=())
            bare = replace(evidence, member_id=None, message_id=None, neighbour_id=None, message_ids=())
            kept = replace(row.task, script=script, evidence=bare)
            turn.rows.put(task_row(turn.estate_id, kept.task_id), replace(row, task=kept))
    # What our people said and no task rests on may have been said to them, by name.
    for sub, _ in list(turn.rows.scan(CAMPAIGN, turn.estate_id, PERSONA)):
        turn.rows.drop(persona_row(turn.estate_id, *member_of(sub)))
