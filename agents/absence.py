"""When one of our people is away: their open tasks go to whoever stands in for them honestly, with a word to both.

The withdrawn task says who has it now, the new one from whom it comes. Staff stand in for staff; a testimonial goes to
another buyer with a delivered order of their own, or to nobody. The reason of an absence is nobody's business: it is
not kept, and no task says it.
"""

from __future__ import annotations

from datetime import date

from msgspec.structs import replace

from agents import design, dialogues, entry, honesty, install, quiz, staffing, tasks
from agents.called import SOMEBODY
from agents.handout import GroupAtWork, Job, hand_out
from agents.shop_rows import Absence, AwayRow, away_row
from agents.state import OrderRow, TaskRow
from agents.turn import Turn
from schemas import events as ev
from schemas.errors import BadEvent
from schemas.playbook import ScriptText
from schemas.reference import Persona
from schemas.tasks import Evidence, Task
from schemas.values import Role, TaskStatus


def away(turn: Turn, event: ev.PersonaAway) -> None:
    """A persona said to be away: the last word counts, and the same word again changes nothing.

    Raises:
        BadEvent: when the days are none, or end before they begin.
    """
    data = event.data
    try:
        first, last = date.fromisoformat(data.first), date.fromisoformat(data.until)
    except ValueError as error:
        raise BadEvent(f"persona {data.persona_id} is away from {data.first} until {data.until}: no date") from error
    if last < first:
        raise BadEvent(f"persona {data.persona_id} is away until {last}, which is before {first}")
    if _keep(turn, data.persona_id, Absence(data.persona_id, data.first, data.until)):
        _move_all(turn, data.persona_id, data.first, data.until)


def back(turn: Turn, event: ev.PersonaBack) -> None:
    """A persona is back. What was moved stays with whoever has it; from now on they are asked again."""
    _keep(turn, event.data.persona_id, None)


def forget(turn: Turn, member_id: str) -> None:
    """One of our people was erased: nothing is kept of when they were away."""
    for persona in turn.world.reference.personas_of_member.get(member_id, ()):
        _keep(turn, persona.persona_id, None)


def tidy(turn: Turn, today: date) -> None:
    """A day has turned: absences that are over are forgotten."""
    row: AwayRow | None = turn.rows.get(away_row(turn.estate_id))
    if row is not None:
        for absence in row.absences:
            if absence.last < today.isoformat():
                _keep(turn, absence.persona_id, None)


def _keep(turn: Turn, persona_id: str, absence: Absence | None) -> bool:
    """Keep a persona's absence, or none; False where that says nothing new."""
    address = away_row(turn.estate_id)
    row: AwayRow = turn.rows.get(address) or AwayRow()
    others = [one for one in row.absences if one.persona_id != persona_id]
    kept = tuple(sorted((*others, *((absence,) if absence is not None else ())), key=lambda one: one.persona_id))
    if kept == row.absences:
        return False
    if kept:
        turn.rows.put(address, AwayRow(kept))
    else:
        turn.rows.drop(address)
    return True


# --- tasks move ---------------------------------------------------------------------------------------


def _move_all(turn: Turn, persona_id: str, first: str, last: str) -> None:
    """Move every open task of the persona's in those days that can still be done."""
    at_work: dict[str, GroupAtWork] = {}
    for row in turn.tasks():
        task = row.task
        day = turn.day_of(task.window.start).isoformat()
        if task.persona_id != persona_id or task.status not in tasks.OPEN or not first <= day <= last:
            continue
        if task.group_id not in at_work and (found := _at_work(turn, task)) is not None:
            at_work[task.group_id] = found
        _move(turn, at_work.get(task.group_id), row, last)


def _at_work(turn: Turn, task: Task) -> GroupAtWork | None:
    """The group of a task, where it is worked still; of a task without a group the shop's people."""
    if not task.group_id:
        return entry.at_work(turn)
    group = turn.worked(task.group_id) if turn.running else None
    return GroupAtWork(turn, group) if group is not None else None


def _move(turn: Turn, at_work: GroupAtWork | None, row: TaskRow, last: str) -> None:
    """Withdraw one task, and hand it out to who stands in, where there is somebody and still time."""
    task, moved = row.task, None
    job = _job(at_work, task) if at_work is not None and task.window.end > turn.now else None
    if at_work is not None and job is not None:
        # While the other takes it over, the first has it no more: together they are one, not two.
        at_work.taken(task.task_id)
        moved = hand_out(at_work, job)
    whose = turn.world.reference.personas.get(task.persona_id or "")
    name = whose.name if whose is not None else task.persona_id
    if moved is None or job is None:
        reason = f"{name} is away until {last}, and nobody can stand in"
    else:
        reason = f"{name} is away until {last}: {job.persona.name} does it"
        dialogues.moved(turn, task.group_id, task.task_id, moved.task_id)
        quiz.moved(turn, task.group_id, task.task_id, moved.task_id)
        install.moved(turn, task.task_id, moved.task_id)
        design.moved(turn, task.task_id, moved.task_id)
    tasks.change(turn, row, TaskStatus.WITHDRAWN, reason)


def _job(at_work: GroupAtWork, task: Task) -> Job | None:
    """The task as a job of who stands in; None where nobody does, or its script is not in the playbook any more."""
    script = at_work.play.scripts.get(task.script.id)
    found = _stand_in(at_work, task, script) if script is not None else None
    if script is None or found is None:
        return None
    persona, order_id, order = found
    evidence = task.evidence or Evidence()
    if evidence.neighbour_id is not None:
        # Two names would be needed that were never kept; the two are introduced another day.
        return None
    evidence = replace(evidence, order_id=order_id or evidence.order_id)
    return Job(
        task.script.id, task.role, task.action, script, persona, task.window.start.astimezone(at_work.turn.play.zone),
        task.window.end.astimezone(at_work.turn.play.zone), task.priority,
        evidence if evidence != Evidence() else None, order, SOMEBODY if evidence.member_id else "",
        rule=task.because[1].partition("/")[2] if len(task.because) > 1 else "",
        also=(*task.because[2:], f"from:{task.persona_id}/{task.task_id}"),
        thing=evidence.order_id or "",
    )


def _stand_in(
    at_work: GroupAtWork, task: Task, script: ScriptText
) -> tuple[Persona, str | None, OrderRow | None] | None:
    """Who may do it in their place, with the order that a testimonial rests on."""
    zone = at_work.turn.play.zone
    free = at_work.free(task.window.start.astimezone(zone), task.window.end.astimezone(zone))
    if task.role is not Role.SHILL:
        persona = staffing.persona_for(task.role, free, 0)
        return (persona, None, None) if persona is not None else None
    allowed = honesty.shills_allowed(at_work.members, at_work.play.playbook.limits)
    shills = staffing.active_shills(free, allowed)
    if script.testimonial is not None:
        return staffing.witness(script.testimonial, shills, at_work.turn.orders(), 0)
    persona = staffing.shill_for(script.speaks_as, shills, 0)
    return (persona, None, None) if persona is not None else None
