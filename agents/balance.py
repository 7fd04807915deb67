"""Whether a playbook's days are in balance: what each serves of the deal formula and the drives, and no text twice.

What a day and a phase must serve is the playbook's (`balance:`, schemas/playbook_balance.py); the trade's manual says
what they are by default, and how long a stage is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from schemas.playbook import Duty, Formula, PhasePlan, Playbook, StagePlan
from schemas.playbook_parts import Drive, Scene, ScriptText
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
    scenes: Counter[Scene]


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
                    Counter(scene for script in said if (scene := script.scene or phase.scene) is not None),
                )
            before += phase.days


def _said(duty: Duty) -> Iterator[ScriptText]:
    yield duty.script
    for reply in duty.replies:
        yield reply.script


class Imbalance(Struct, frozen=True):
    """What is out of balance, as facts beside its sentence: a page says it in its reader's language.

    `kind` says which of the facts are meant: a day without the parts, a day with too few drives, a stage of so many
    days, a phase that does not cover the parts, a text (the id in `parts`) that says what another says, or scenes that
    no day of any stage plays (`stage` is the last).
    """

    kind: Literal["day_without", "few_drives", "stage_length", "phase_without", "said_twice", "scenes_left_out"]
    loc: Loc
    what: str
    remedy: str
    stage: int
    phase: Phase | None = None
    day: int | None = None
    parts: tuple[str, ...] = ()
    least: int | None = None


def unbalanced(playbook: Playbook) -> Iterator[Unbalanced]:
    """Everything that is out of balance, in words."""
    for found in imbalances(playbook):
        yield found.loc, found.what, found.remedy


def imbalances(playbook: Playbook) -> Iterator[Imbalance]:
    """Everything that is out of balance."""
    days = list(tallies(playbook))
    for day in days:
        yield from _of_day(playbook, day)
    for number, stage in enumerate(playbook.stages):
        length = sum(phase.days for phase in stage.phases)
        if length not in STAGE_DAYS:
            what, remedy = f"stage {stage.stage} has {length} days", "a stage has 7 to 15 days (the trade's manual)"
            yield Imbalance("stage_length", ("stages", number), what, remedy, stage.stage, least=length)
        for place, phase in enumerate(stage.phases):
            of_phase = [day for day in days if day.stage == stage.stage and day.phase is phase.phase]
            yield from _of_phase(playbook, phase, of_phase, stage.stage, ("stages", number, "phases", place))
        yield from _said_twice(stage, ("stages", number))
    yield from _left_out(playbook, {scene for day in days for scene in day.scenes})


def _left_out(playbook: Playbook, played: set[Scene]) -> Iterator[Imbalance]:
    """Scenes that are not played; a playbook that names none, and asks for none, leaves out none."""
    asked = playbook.balance.scenes
    if asked is None:
        asked = tuple(Scene) if played else ()
    if missing := tuple(scene for scene in asked if scene not in played):
        what = f"no day plays the scenes {', '.join(missing)}"
        remedy = "name a phase's or a script's scene, or change balance: scenes"
        yield Imbalance("scenes_left_out", ("stages",), what, remedy, playbook.stages[-1].stage, parts=missing)


def _of_day(playbook: Playbook, day: DayTally) -> Iterator[Imbalance]:
    asked = playbook.balance
    for part in asked.every_day:
        if not day.formula[part]:
            what = f"day {day.day} of stage {day.stage} has no {part}"
            remedy = f"let a script of it serve {part}, or change balance: every_day"
            yield Imbalance("day_without", day.loc, what, remedy, day.stage, day.phase, day.day, (part,))
    if len(day.drives) < asked.drives_a_day:
        have = tuple(sorted(day.drives))
        said = ", ".join(have) or "none"
        what = f"day {day.day} of stage {day.stage} uses fewer than {asked.drives_a_day} drives: {said}"
        yield Imbalance(
            "few_drives", day.loc, what, "tag its scripts' drives, or change balance: drives_a_day", day.stage,
            day.phase, day.day, have, asked.drives_a_day)


def _of_phase(
    playbook: Playbook, phase: PhasePlan, days: list[DayTally], stage: int, loc: Loc
) -> Iterator[Imbalance]:
    served = {part for day in days for part in day.formula}
    missing = tuple(part for part in playbook.balance.of_phase(phase.phase) if part not in served)
    if missing:
        what = f"{phase.phase} does not cover {', '.join(missing)}"
        remedy = f"a phase covers what it is for, or balance: phases: {phase.phase}: says what it covers"
        yield Imbalance("phase_without", loc, what, remedy, stage, phase.phase, None, missing)


def _said_twice(stage: StagePlan, loc: Loc) -> Iterator[Imbalance]:
    """Texts that come again in one stage, punctuation and emoji set aside."""
    first: dict[str, str] = {}
    for place, phase in enumerate(stage.phases):
        at = (*loc, "phases", place)
        days = [((*at, "plan", day, n), duty) for day in sorted(phase.plan) for n, duty in enumerate(phase.plan[day])]
        rescue = [((*at, "rescue", n), duty) for n, duty in enumerate(phase.rescue)]
        for where, duty in (*days, *rescue):
            for id, script, step in _texts(duty):
                words = "".join(filter(str.isalnum, script.text))
                known = first.setdefault(words, id)
                if known != id:
                    what = f"{id} says word for word what {known} says"
                    yield Imbalance(
                        "said_twice", (*where, *step), what, "say it in other words", stage.stage, phase.phase, None,
                        (id, known))


def _texts(duty: Duty) -> Iterator[tuple[str, ScriptText, Loc]]:
    yield duty.id, duty.script, ("script", "text")
    for place, reply in enumerate(duty.replies):
        yield reply.id, reply.script, ("replies", place, "script", "text")
