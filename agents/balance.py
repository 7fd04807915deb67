"""Whether a playbook's days are in balance: what each serves of the deal formula and the drives, and no text twice.

What a day and a phase must serve is the playbook's (`balance:`, schemas/playbook_balance.py); the trade's manual says
what they are by default, and how long a stage is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from schemas.playbook import Duty, Formula, PhasePlan, Playbook
from schemas.playbook_parts import Drive, ScriptText
from schemas.values import Phase

Loc = tuple[str | int, ...]
#: A place in the playbook, what is out of balance there, and the remedy.
Unbalanced = tuple[Loc, str, str]

#: The days that a stage of a low-frequency product has (the trade's manual).
STAGE_DAYS = range(7, 16)


class DayTally(Struct, frozen=True):
    """How often a day serves each part and each drive. `day` counts the stage's days, `phase_day` the phase's."""

    stage: int
    day: int
    phase: Phase
    phase_day: int
    loc: Loc
    formula: Counter[Formula]
    drives: Counter[Drive]


def tallies(playbook: Playbook) -> Iterator[DayTally]:
    """Every planned day's tally, in order; what is said in an exchange counts with its post."""
    for number, stage in enumerate(playbook.stages):
        before = 0
        for place, phase in enumerate(stage.phases):
            for phase_day in range(1, phase.days + 1):
                said = [script for duty in phase.plan[phase_day] for script in _said(duty)]
                yield DayTally(
                    stage.stage, before + phase_day, phase.phase, phase_day,
                    ("stages", number, "phases", place, "plan", phase_day),
                    Counter(part for script in said for part in script.formula),
                    Counter(drive for script in said for drive in script.drives),
                )
            before += phase.days


def _said(duty: Duty) -> Iterator[ScriptText]:
    yield duty.script
    for reply in duty.replies:
        yield reply.script


def unbalanced(playbook: Playbook) -> Iterator[Unbalanced]:
    """Everything that is out of balance."""
    days = list(tallies(playbook))
    for day in days:
        yield from _of_day(playbook, day)
    for number, stage in enumerate(playbook.stages):
        length = sum(phase.days for phase in stage.phases)
        if length not in STAGE_DAYS:
            what = f"stage {stage.stage} has {length} days"
            yield ("stages", number), what, "a stage has 7 to 15 days (the trade's manual)"
        for place, phase in enumerate(stage.phases):
            of_phase = [day for day in days if day.stage == stage.stage and day.phase is phase.phase]
            yield from _of_phase(playbook, phase, of_phase, ("stages", number, "phases", place))
        yield from _said_twice(stage.phases, ("stages", number))


def _of_day(playbook: Playbook, day: DayTally) -> Iterator[Unbalanced]:
    asked = playbook.balance
    for part in asked.every_day:
        if not day.formula[part]:
            what = f"day {day.day} of stage {day.stage} has no {part}"
            yield day.loc, what, f"let a script of it serve {part}, or change balance: every_day"
    if len(day.drives) < asked.drives_a_day:
        have = ", ".join(sorted(day.drives)) or "none"
        what = f"day {day.day} of stage {day.stage} uses fewer than {asked.drives_a_day} drives: {have}"
        yield day.loc, what, "tag its scripts' drives, or change balance: drives_a_day"


def _of_phase(playbook: Playbook, phase: PhasePlan, days: list[DayTally], loc: Loc) -> Iterator[Unbalanced]:
    served = {part for day in days for part in day.formula}
    missing = [part for part in playbook.balance.of_phase(phase.phase) if part not in served]
    if missing:
        what = f"{phase.phase} does not cover {', '.join(missing)}"
        yield loc, what, f"a phase covers what it is for, or balance: phases: {phase.phase}: says what it covers"


def _said_twice(phases: tuple[PhasePlan, ...], loc: Loc) -> Iterator[Unbalanced]:
    """Texts that come again in one stage, punctuation and emoji set aside."""
    first: dict[str, str] = {}
    for place, phase in enumerate(phases):
        at = (*loc, "phases", place)
        days = [((*at, "plan", day, n), duty) for day in sorted(phase.plan) for n, duty in enumerate(phase.plan[day])]
        rescue = [((*at, "rescue", n), duty) for n, duty in enumerate(phase.rescue)]
        for where, duty in (*days, *rescue):
            for id, script, step in _texts(duty):
                words = "".join(filter(str.isalnum, script.text))
                known = first.setdefault(words, id)
                if known != id:
                    yield (*where, *step), f"{id} says word for word what {known} says", "say it in other words"


def _texts(duty: Duty) -> Iterator[tuple[str, ScriptText, Loc]]:
    yield duty.id, duty.script, ("script", "text")
    for place, reply in enumerate(duty.replies):
        yield reply.id, reply.script, ("replies", place, "script", "text")
