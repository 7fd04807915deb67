"""What a campaign that was played has to say to the next: which duties were done, late or left, and its gates.

From that a patch of its playbook: what nobody did is left out, what was always late is asked for later, and a gate that
was far passed asks for more. Everything else is told beside it, for a person to decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any

from msgspec import Struct

from schemas.playbook import Duty, Playbook
from schemas.tasks import PhaseChange, StageEnd, Task
from schemas.values import Phase, TaskStatus

#: A duty that was handed out so often and never done is left out.
NEVER_DONE = 2
#: A duty that was done so many minutes after its window, in the median, is asked for later.
LATE = timedelta(minutes=5)
#: A gate that was passed by half asks for four fifths of what was reached.
PASSED, KEPT = 1.5, 0.8

_DONE = frozenset({TaskStatus.DONE, TaskStatus.VERIFIED})


class Lived(Struct, frozen=True):
    """What is known of a campaign: its tasks in their last state, when each was seen, and what its phases came to.

    `entered` and `missed` are its changes of phase, `ended` its stages' ends; `moved` is how many members rose on the
    ladder in the hour after a task was seen.
    """

    playbook: Playbook
    tasks: Sequence[Task]
    seen: Mapping[str, datetime] = {}
    moved: Mapping[str, int] = {}
    entered: Sequence[PhaseChange] = ()
    missed: Sequence[PhaseChange] = ()
    ended: Sequence[StageEnd] = ()


class DutyLived(Struct, frozen=True):
    """How a duty went: how often it was handed out and how each ended, how late it was, whom it moved."""

    id: str
    issued: int
    done: int
    late: timedelta
    moved: int
    statuses: Counter[TaskStatus]


def duties_lived(lived: Lived) -> dict[str, DutyLived]:
    """How each duty of the playbook went that was handed out, by id."""
    known = {duty.id for duty in lived.playbook.duties()}
    of: dict[str, list[Task]] = {}
    for task in lived.tasks:
        id = task.script.id.removesuffix("-instead")
        if id in known and task.status is not TaskStatus.WITHDRAWN:
            of.setdefault(id, []).append(task)
    return {id: _lived(lived, id, tasks) for id, tasks in sorted(of.items())}


def _lived(lived: Lived, id: str, tasks: list[Task]) -> DutyLived:
    after = [
        (lived.seen[task.task_id] - task.window.end).total_seconds() for task in tasks if task.task_id in lived.seen]
    return DutyLived(
        id, len(tasks), sum(task.status in _DONE for task in tasks), timedelta(seconds=median(after) if after else 0),
        sum(lived.moved.get(task.task_id, 0) for task in tasks), Counter(task.status for task in tasks))


class PhaseLived(Struct, frozen=True):
    """How a phase went: the days that it had, whether its gate was missed on its day, and what it came to."""

    stage: int
    phase: Phase
    days: int
    missed: bool
    measures: Mapping[str, float]
    gate: Mapping[str, float]


def phases_lived(lived: Lived) -> list[PhaseLived]:
    """How each phase went that was entered and left, in order."""
    found = []
    entered = list(lived.entered)
    for here, after in zip(entered, [*entered[1:], None], strict=True):
        end = next((end for end in lived.ended if end.campaign_id == here.campaign_id), None)
        if after is not None and after.campaign_id == here.campaign_id:
            days, measures = after.day - here.day, after.measures
        elif end is not None:
            days, measures = end.day - here.day + 1, end.measures
        else:
            continue
        missed = any(one.campaign_id == here.campaign_id and one.phase is here.phase for one in lived.missed)
        found.append(PhaseLived(here.stage, here.phase, days, missed, measures, _gate(lived.playbook, here)))
    return found


def _gate(playbook: Playbook, here: PhaseChange) -> Mapping[str, float]:
    stage = playbook.stage(here.stage)
    plan = next((plan for plan in stage.phases if plan.phase is here.phase), None) if stage is not None else None
    return plan.gate.asked() if plan is not None else {}


# --- what the next one does otherwise -------------------------------------------------------------------


def drops(lived: Lived) -> Iterator[tuple[str, str]]:
    """The duties that are left out, with why."""
    for duty in duties_lived(lived).values():
        if duty.issued >= NEVER_DONE and not duty.done:
            yield duty.id, f"handed out {duty.issued} times, done by nobody"


def later(lived: Lived) -> Iterator[tuple[str, time, str]]:
    """The duties that are asked for later, with when, and why; only where a window of the day holds that time."""
    by_id = {duty.id: duty for duty in lived.playbook.duties()}
    for duty in duties_lived(lived).values():
        if duty.done and duty.late > LATE:
            at = _moved(lived.playbook, by_id[duty.id], duty.late)
            if at is not None:
                minutes = round(duty.late.total_seconds() / 60)
                yield duty.id, at, f"done {minutes} minutes after its window, in the median of {duty.done}"


def _moved(playbook: Playbook, duty: Duty, late: timedelta) -> time | None:
    """The duty's time, later by so much in steps of five minutes, where it stays in its window of the day."""
    window = next(span for span in playbook.windows.values() if span.holds(duty.at))
    steps = -(-late // timedelta(minutes=5))
    moved = datetime.combine(date.min, duty.at) + timedelta(minutes=5 * steps)
    return moved.time() if window.holds(moved.time()) and not playbook.curfew.holds(moved.time()) else None


def gates(lived: Lived) -> Iterator[tuple[PhaseLived, dict[str, float]]]:
    """The gates that ask for more, with what of each measure."""
    for phase in phases_lived(lived):
        more: dict[str, float] = {}
        for name, asked in phase.gate.items():
            reached = phase.measures.get(name, 0)
            if asked and reached >= PASSED * asked:
                kept = KEPT * reached
                more[name] = round(kept, 2) if name.endswith("share") else int(kept)
        if more:
            yield phase, more


def figures(lived: Lived) -> dict[str, Any]:
    """The campaign in a few figures: its tasks by how they ended, and the first and the last day."""
    days = [task.window.start.date() for task in lived.tasks]
    return {
        "tasks": len(lived.tasks), "by": Counter(task.status.value for task in lived.tasks),
        "first": min(days, default=None), "last": max(days, default=None),
    }
