"""Errands: one task at a time about one thing, asked for again where nobody did it, until it is done or in vain.

What is shown to neighbours and what is checked after an order are run by it. A campaign that is paused, or has not
begun, hands out nothing: the errand waits. One that has ended does: a shop owes its buyers their checks all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from msgspec import Struct
from msgspec.structs import replace

from agents import staffing, tasks
from agents.after_rows import AfterRow, Doing, after_row
from agents.handout import GroupAtWork, Job, hand_out
from agents.reactions import window
from agents.state import TaskRow, task_row
from agents.turn import Turn, next_day
from schemas.playbook_after import Errand
from schemas.tasks import Evidence
from schemas.values import TaskStatus

NOTHING = Doing()
_DONE = frozenset({TaskStatus.DONE, TaskStatus.VERIFIED})


class Wanted(Struct, frozen=True):
    """What is to be done next about a thing: the script's id, the errand, on what it rests.

    `because` are the events behind it, the first of them what called for it; `thing` is the order's or the plan's id.
    """

    id: str
    errand: Errand
    group_id: str | None
    thing: str
    because: tuple[str, ...]
    evidence: Evidence
    member_name: str = ""
    values: Mapping[str, object] = {}


# --- one errand -----------------------------------------------------------------------------------------


def pursue(turn: Turn, doing: Doing, wanted: Wanted, most: int) -> Doing:
    """Ask for what is wanted, where that isn't out already, had its tries, or waits for its day."""
    if doing.what != wanted.id or doing.cause != wanted.because[0]:
        doing = Doing(what=wanted.id, cause=wanted.because[0])
    doing = seen(turn, doing)
    today = turn.local.date()
    if doing.ended or is_open(turn, doing) or doing.tries >= most or doing.again > today.isoformat():
        return doing
    at_work = _at_work(turn, wanted.group_id)
    if at_work is None:
        return doing
    start, end = _when(turn, wanted.errand)
    persona = staffing.persona_for(wanted.errand.role, at_work.free(start, end) or at_work.personas, 0)
    job = Job(
        wanted.id, wanted.errand.role, wanted.errand.action, wanted.errand.script, persona, start, end,
        wanted.errand.priority, wanted.evidence, None, wanted.member_name,
        also=tuple(ref for ref in dict.fromkeys(wanted.because) if ref != turn.event.ref), thing=wanted.thing,
        values=wanted.values,
    ) if persona is not None else None
    task = hand_out(at_work, job) if job is not None else None
    if job is None:
        tasks.count(turn, None, None, unstaffed=1)
    again = next_day(turn.day_of(start)) if task is not None else next_day(today)
    return replace(
        doing, task_id=task.task_id if task is not None else "", tries=doing.tries + 1, again=again.isoformat())


def _at_work(turn: Turn, group_id: str | None) -> GroupAtWork | None:
    """The group that it is done in: the thing's own where it is worked, else the estate's first that is."""
    campaign = turn.campaign
    if campaign is None or campaign.phase is None or campaign.run not in ("running", "ended"):
        return None
    group = turn.worked(group_id) if group_id else None
    if group is None:
        group = next(iter(turn.worked_groups()), None)
    return GroupAtWork(turn, group) if group is not None else None


def _when(turn: Turn, errand: Errand) -> tuple[datetime, datetime]:
    """Its next time of day, so many days later at the earliest; at once where it has none."""
    if errand.at is None and not errand.days:
        return window(turn, errand.minutes)
    day, clock = turn.local.date() + timedelta(days=errand.days), errand.at or turn.local.time()
    start = _at(turn, day, clock)
    if start <= turn.local:
        start = _at(turn, next_day(day), clock)
    return start, start + timedelta(minutes=errand.minutes)


def _at(turn: Turn, day: date, clock: time) -> datetime:
    return turn.at(day, clock.replace(second=0, microsecond=0))


def seen(turn: Turn, doing: Doing) -> Doing:
    """The errand with that its task was done, while that is known: a settled task's row is dropped."""
    row = task_of(turn, doing)
    if row is None or doing.ended:
        return doing
    return replace(doing, ended=row.task.status.value) if row.task.status in _DONE else doing


def is_done(doing: Doing) -> bool:
    """Whether its task was done."""
    return doing.ended in _DONE


def is_open(turn: Turn, doing: Doing) -> bool:
    """Whether its task is out."""
    row = task_of(turn, doing)
    return row is not None and row.task.status in tasks.OPEN


def task_of(turn: Turn, doing: Doing) -> TaskRow | None:
    """Its task, while it may still change."""
    row: TaskRow | None = turn.rows.get(task_row(turn.estate_id, doing.task_id)) if doing.task_id else None
    return row


def close(turn: Turn, doing: Doing, status: TaskStatus, reason: str) -> None:
    """Its task is answered by an event (verified), or must not be done any more (withdrawn)."""
    row = task_of(turn, doing)
    if row is not None and row.task.status in tasks.OPEN:
        tasks.change(turn, row, status, reason)


def wake(turn: Turn, doing: Doing, most: int) -> None:
    """Ask to be woken in the morning on which it may be asked for again."""
    campaign = turn.campaign
    if not doing.what or doing.ended or is_open(turn, doing) or doing.tries >= most or campaign is None:
        return
    if campaign.run not in ("running", "ended") or campaign.phase is None:
        return
    day = max(date.fromisoformat(doing.again), turn.local.date()) if doing.again else turn.local.date()
    at = turn.at(day, turn.play.playbook.curfew.end)
    turn.wake(at if at > turn.now else turn.at(next_day(day), turn.play.playbook.curfew.end))


# --- what is open ---------------------------------------------------------------------------------------


def opened(turn: Turn) -> AfterRow:
    """Of which orders and plans something is still to be done."""
    return turn.rows.get(after_row(turn.estate_id)) or AfterRow()


def keep_open(turn: Turn, field: str, id: str, *, is_open: bool) -> None:
    """Keep in mind that something is still to be done about an order or a plan, or nothing any more."""
    before = opened(turn)
    ids = getattr(before, field)
    if (id in ids) is is_open:
        return
    after = replace(before, **{field: (*ids, id) if is_open else tuple(one for one in ids if one != id)})
    if after == AfterRow():
        turn.rows.drop(after_row(turn.estate_id))
    else:
        turn.rows.put(after_row(turn.estate_id), after)
