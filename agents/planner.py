"""The planner: fills a day's windows with jobs, and finds for each the person who can do it honestly."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from agents import dialogues, honesty, people, quiz, recurring, staffing, tasks
from agents.handout import GroupAtWork, Job, hand_out
from agents.rota import is_bound
from agents.state import CampaignRow, OrderRow
from agents.turn import Turn
from agents.world import Play
from schemas.playbook import Duty, PhasePlan, ScriptText
from schemas.reference import Persona
from schemas.tasks import Evidence, Task
from schemas.values import Action, Role


def plan_day(turn: Turn, day: date) -> None:
    """Issue the day's tasks in every group that the campaign works. Windows that are over are left out."""
    campaign = turn.campaign
    if campaign is None:
        return
    turn.put_campaign(replace(campaign, planned=day.isoformat()))
    orders = turn.orders()
    wanted: list[Wanted] = []
    at_works: list[GroupAtWork] = []
    for group in turn.worked_groups():
        at_work = GroupAtWork(turn, group)
        duties = _of_day(at_work.play, campaign, day)
        if at_works:
            # What one group asks of somebody counts in the next.
            at_work.rota = at_works[0].rota
        at_works.append(at_work)
        there = [persona for persona in at_work.personas if at_work.rota.comes(persona, day)]
        shills = staffing.active_shills(there, _allowed(at_work))
        for number, duty in enumerate(duties):
            start = turn.at(day, duty.at)
            end = start + timedelta(minutes=duty.minutes)
            if end > turn.now and not at_work.was_asked(duty.id):
                wanted.append(Wanted(at_work, duty, number + campaign.day, start, end, shills))
    for one, job in _staffed(wanted, orders):
        post = _hand_out_once(one.at_work, job)
        if post is not None:
            dialogues.plan(one.at_work, one.duty, post, orders)
            quiz.plan(one.at_work, post)
    people.plan(turn, at_works, day)


def _allowed(at_work: GroupAtWork) -> int:
    return honesty.shills_allowed(at_work.members, at_work.play.playbook.limits)


def _of_day(play: Play, campaign: CampaignRow, day: date) -> tuple[Duty, ...]:
    """All that the campaign's day asks for, in the order of the day; nothing where the play has no such phase."""
    plan = play.phases.get((campaign.stage, campaign.phase)) if campaign.phase is not None else None
    if plan is None:
        return ()
    again = tuple(recurring.of_day(play.playbook, campaign, day))
    duties = duties_of(plan, campaign.phase_day, day)
    return _by_time((*duties, *again)) if again else duties


def _hand_out_once(at_work: GroupAtWork, job: Job) -> Task | None:
    """A day that is planned again, after a pause, asks for nothing twice."""
    return None if at_work.was_asked(job.id) else hand_out(at_work, job)


def duties_of(plan: PhasePlan, phase_day: int, day: date | None = None) -> tuple[Duty, ...]:
    """The duties of a phase's day, in the order of the day; where its date is known, those alone that fall on it.

    Beyond the planned days the rescue's: every other one on every other day where the phase may run over by
    several, so that no text comes on two days running.
    """
    if phase_day <= plan.days:
        duties = plan.plan[phase_day]
        return _by_time(tuple(duty for duty in duties if day is None or recurring.is_on(duty.weekdays, day)))
    rescue = _by_time(plan.rescue)
    parts = min(len(rescue), plan.longest - plan.days, 2)
    return rescue[(phase_day - plan.days - 1) % parts::parts] if parts > 0 else rescue


def _by_time(duties: tuple[Duty, ...]) -> tuple[Duty, ...]:
    return tuple(sorted(duties, key=lambda duty: duty.at))


class Wanted(Struct, frozen=True, eq=False):
    """A duty in a group on a day: `number` says whose turn it is, `shills` are those who may be active there."""

    at_work: GroupAtWork
    duty: Duty
    number: int
    start: datetime
    end: datetime
    shills: tuple[Persona, ...]

    def candidates(self, orders: list[tuple[str, OrderRow]]) -> tuple[Persona, ...]:
        """Who may do it honestly, the best first. Duties go round by their place in the day and by the day."""
        script = self.duty.script
        if script.testimonial is not None:
            found = [persona for persona, _, _ in staffing.witnesses(script.testimonial, self.shills, orders)]
            return tuple(staffing.in_turn(found, self.number))
        if self.duty.role is Role.SHILL:
            return staffing.shills_for(script.speaks_as, self.shills, self.number)
        return staffing.staff_for(self.duty.role, self.at_work.personas, self.number)


def _staffed(wanted: list[Wanted], orders: list[tuple[str, OrderRow]]) -> Iterator[tuple[Wanted, Job]]:
    """Each duty with who does it, in order; where nobody can, honestly and in their hours, it is left out."""
    if not wanted:
        return
    turn, rota, day = wanted[0].at_work.turn, wanted[0].at_work.rota, wanted[0].start.date()
    found = {number: one.candidates(orders) for number, one in enumerate(wanted)}
    askers = {
        number: staffing.staff_for(Role.CUSTOMER_SERVICE, one.at_work.personas, one.number)
        for number, one in enumerate(wanted) if one.duty.script.testimonial is not None and one.duty.instead is not None
    }
    people = [*chain.from_iterable(found.values()), *chain.from_iterable(askers.values())]
    room = rota.room(people, day) if any(map(is_bound, people)) else {}

    def given(candidates: Mapping[int, tuple[Persona, ...]], room: Mapping[str, int]) -> dict[Hashable, Persona]:
        posts = [
            staffing.Post(number, wanted[number].start, wanted[number].end, who, wanted[number].duty.priority)
            for number, who in candidates.items()
        ]
        return staffing.assign(posts, room, rota.works)

    doing = given(found, room)
    # No order, no testimonial: somebody of the shop asks real buyers for theirs.
    left = dict(room)
    for persona in doing.values():
        staffing.take(left, persona)
    asking = given({number: who for number, who in askers.items() if number not in doing}, left)
    for number, one in enumerate(wanted):
        if number in doing:
            yield one, _job(one, doing[number], orders)
        elif (asker := asking.get(number)) is not None and one.duty.instead is not None:
            yield one, _asking(one, one.duty.instead, asker)
        elif found[number] or askers.get(number) or one.duty.role is not Role.SHILL:
            tasks.count(turn, None, None, unstaffed=1)


def _job(one: Wanted, persona: Persona, orders: list[tuple[str, OrderRow]]) -> Job:
    duty, order_id, order = one.duty, None, None
    if duty.script.testimonial is not None:
        _, order_id, order = next(
            found for found in staffing.witnesses(duty.script.testimonial, one.shills, orders) if found[0] is persona)
    return Job(
        duty.id, duty.role, duty.action, duty.script, persona, one.start, one.end, duty.priority,
        Evidence(order_id=order_id) if order_id is not None else None, order,
    )


def _asking(one: Wanted, instead: ScriptText, asker: Persona) -> Job:
    duty = one.duty
    return Job(
        f"{duty.id}-instead", Role.CUSTOMER_SERVICE, Action.POST, instead, asker, one.start, one.end, duty.priority,
        rule=f"{duty.id}:instead",
    )
