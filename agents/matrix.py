"""The matrix of a day: who does what in which of a dealer's groups, what is left uncovered, and why.

It rests on the reference data alone: the campaigns that campaigns.csv plans, on their planned days. Who is one face in
a group holds already, because one account is one persona there; loads hold over all of a dealer's groups at once.
Testimonials are not in it: who may give one hangs on orders.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby

from msgspec import Struct

from agents import planner, staffing
from agents.rota import HOURS, LOAD, OFF, in_hours, is_off, room_of
from agents.world import Play, World
from schemas.playbook import Duty, PhasePlan
from schemas.reference import CampaignPlan, Group, Persona, Reference
from schemas.values import GroupKind, PersonaClass, Role

#: Why a duty is uncovered where nobody of the group could do it on any day.
NOBODY = "nobody of the role in the group"


class Wanted(Struct, frozen=True, eq=False):
    """One duty in one group on the day."""

    group: Group
    duty: Duty
    start: datetime
    candidates: tuple[Persona, ...]

    @property
    def end(self) -> datetime:
        """When it is to be done."""
        return self.start + timedelta(minutes=self.duty.minutes)


class Line(Struct, frozen=True):
    """So many duties of a role in a group, from `first` to `last`: by a persona, or by nobody and `why`.

    `stands_in` says that it isn't their own role; `could_join` is who of the dealer's has the role and room for it, and
    would have to join the group first.
    """

    group: Group
    role: Role
    persona: Persona | None
    tasks: int
    first: datetime
    last: datetime
    stands_in: bool = False
    why: str = ""
    could_join: Persona | None = None


def matrix(world: World, day: date) -> list[Line]:
    """Every line of the day, dealer by dealer, group by group, role by role."""
    reference = world.reference
    wanted = sorted(_wanted(world, day), key=lambda one: str(one.group.dealer_id))
    return [
        line for _, of_dealer in groupby(wanted, key=lambda one: one.group.dealer_id)
        for line in _of_dealer(reference, list(of_dealer), day)
    ]


# --- what the day asks for ----------------------------------------------------------------------------


def _wanted(world: World, day: date) -> Iterator[Wanted]:
    reference = world.reference
    for plan in reference.campaigns:
        base = world.plays.get(plan.playbook)
        for group in reference.groups_of_estate.get(plan.estate_id, ()) if base is not None else ():
            if base is None or not group.open or group.dealer_id not in reference.dealers:
                continue
            play = world.in_group(base, group.group_id)
            found = _day_of(plan, play, day) if group.kind is GroupKind(base.playbook.for_.group) else None
            if found is not None:
                yield from _in_group(reference, play, group, *found, day)


def _day_of(plan: CampaignPlan, play: Play, day: date) -> tuple[PhasePlan, int, int] | None:
    """The phase of a planned campaign on a day, the day of the phase and of the stage; None where it doesn't run."""
    stage_day = (day - date.fromisoformat(plan.start_date)).days + 1
    stage, left = play.playbook.stage(plan.stage), stage_day
    for phase in stage.phases if stage is not None and stage_day >= 1 else ():
        if left <= phase.days:
            return phase, left, stage_day
        left -= phase.days
    return None


def _in_group(
    reference: Reference, play: Play, group: Group, phase: PhasePlan, phase_day: int, stage_day: int, day: date
) -> Iterator[Wanted]:
    people = reference.people_of(group)
    shills = [p for p in people if p.role is Role.SHILL]
    for number, duty in enumerate(planner.duties_of(phase, phase_day, day)):
        if duty.script.testimonial is not None:
            continue
        turn = number + stage_day
        candidates = (
            staffing.shills_for(duty.script.speaks_as, shills, turn) if duty.role is Role.SHILL
            else staffing.staff_for(duty.role, people, turn))
        yield Wanted(group, duty, datetime.combine(day, duty.at, tzinfo=play.zone), candidates)


# --- who does it --------------------------------------------------------------------------------------


def works(persona: Persona, start: datetime, end: datetime) -> bool:
    """Whether the persona works in a window, by the reference data."""
    return not is_off(persona, start.date()) and in_hours(persona, start, end)


def _of_dealer(reference: Reference, wanted: list[Wanted], day: date) -> list[Line]:
    ours = [p for p in reference.personas.values() if p.dealer_id == wanted[0].group.dealer_id]
    room = room_of(ours)
    posts = [
        staffing.Post(number, one.start, one.end, one.candidates, one.duty.priority)
        for number, one in enumerate(wanted)
    ]
    given = staffing.assign(posts, room, works)
    left = dict(room)
    for persona in given.values():
        staffing.take(left, persona)
    lines: dict[tuple[str, Role, str, str], list[Wanted]] = {}
    for number, one in enumerate(wanted):
        doing = given.get(number)
        why = "" if doing is not None else _why(one, day)
        key = (one.group.group_id, one.duty.role, doing.persona_id if doing is not None else "", why)
        lines.setdefault(key, []).append(one)
    return [
        _line(reference, ours, left, persona_id, why, of_line)
        for (_, _, persona_id, why), of_line in sorted(lines.items())
    ]


def _why(one: Wanted, day: date) -> str:
    """Why nobody does it: the first reason that holds for all who could."""
    there = [persona for persona in one.candidates if not is_off(persona, day)]
    if not one.candidates:
        return NOBODY
    if not there:
        return OFF
    return LOAD if any(in_hours(persona, one.start, one.end) for persona in there) else HOURS


def _line(
    reference: Reference, ours: list[Persona], left: Mapping[str, int], persona_id: str, why: str, duties: list[Wanted]
) -> Line:
    group, role = duties[0].group, duties[0].duty.role
    persona = reference.personas.get(persona_id)
    return Line(
        group, role, persona, len(duties), min(one.start for one in duties), max(one.end for one in duties),
        persona is not None and persona.role is not role, why,
        _could_join(reference, ours, left, duties) if persona is None else None,
    )


def _could_join(
    reference: Reference, ours: list[Persona], left: Mapping[str, int], duties: list[Wanted]
) -> Persona | None:
    """Who of the dealer's staff has the role, works then and has room, and is no face in the group yet."""
    group, role = duties[0].group, duties[0].duty.role
    faces = {p.member_id for p in reference.personas_of_group.get(group.group_id, ())}
    able = Counter({
        p.persona_id: min(sum(works(p, one.start, one.end) for one in duties), left.get(p.member_id, len(duties)))
        for p in ours if p.role is role and p.cls is PersonaClass.STAFF and p.member_id not in faces
    })
    best = min(able, key=lambda persona_id: (-able[persona_id], persona_id), default=None)
    return reference.personas[best] if best is not None and able[best] > 0 else None
