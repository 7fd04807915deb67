"""The planner: fills a day's windows with jobs, and finds for each the person who can do it honestly."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from msgspec.structs import replace

from agents import dialogues, honesty, staffing
from agents.handout import GroupAtWork, Job, hand_out
from agents.state import OrderRow
from agents.turn import Turn
from schemas.playbook import Duty, PhasePlan
from schemas.reference import Persona
from schemas.tasks import Evidence, Task
from schemas.values import Action, Role


def plan_day(turn: Turn, day: date) -> None:
    """Issue the day's tasks in every group that the campaign works. Windows that are over are left out."""
    campaign, plan = turn.campaign, turn.phase_plan()
    if campaign is None:
        return
    turn.put_campaign(replace(campaign, planned=day.isoformat()))
    if plan is None:
        return
    duties = duties_of(plan, campaign.phase_day)
    orders = turn.orders()
    for group in turn.worked_groups():
        at_work = GroupAtWork(turn, group)
        staff = _Staff(at_work, orders, campaign.day)
        for number, duty in enumerate(duties):
            start = turn.at(day, duty.at)
            end = start + timedelta(minutes=duty.minutes)
            if end > turn.now and (job := staff.job(duty, number, start, end)) is not None:
                post = _hand_out_once(at_work, job)
                if post is not None:
                    dialogues.plan(at_work, duty, post, orders)


def _hand_out_once(at_work: GroupAtWork, job: Job) -> Task | None:
    """A day that is planned again, after a pause, asks for nothing twice."""
    return None if at_work.was_asked(job.id) else hand_out(at_work, job)


def duties_of(plan: PhasePlan, phase_day: int) -> tuple[Duty, ...]:
    """The duties of a phase's day, in the order of the day.

    Beyond the planned days the rescue's: every other one on every other day where the phase may run over by
    several, so that no text comes on two days running.
    """
    if phase_day <= plan.days:
        return _by_time(plan.plan[phase_day])
    rescue = _by_time(plan.rescue)
    parts = min(len(rescue), plan.longest - plan.days, 2)
    return rescue[(phase_day - plan.days - 1) % parts::parts] if parts > 0 else rescue


def _by_time(duties: tuple[Duty, ...]) -> tuple[Duty, ...]:
    return tuple(sorted(duties, key=lambda duty: duty.at))


class _Staff:
    """The people of a group on a day: who does a duty. Duties go round by their place in the day and by the day."""

    __slots__ = ("personas", "shills", "orders", "day")

    def __init__(self, at_work: GroupAtWork, orders: list[tuple[str, OrderRow]], day: int) -> None:
        allowed = honesty.shills_allowed(at_work.members, at_work.turn.play.playbook.limits)
        self.personas, self.orders, self.day = at_work.personas, orders, day
        self.shills = staffing.active_shills(at_work.personas, allowed)

    def job(self, duty: Duty, number: int, start: datetime, end: datetime) -> Job | None:
        """The duty with the person who does it; None where nobody can, honestly."""
        number += self.day
        script = duty.script
        if script.testimonial is not None:
            return self._testimony(duty, script.testimonial, number, start, end)
        if duty.role is Role.SHILL:
            persona = staffing.shill_for(script.speaks_as, self.shills, number)
        else:
            persona = staffing.persona_for(duty.role, self.personas, number)
        return _job(duty, persona, start, end)

    def _testimony(self, duty: Duty, product: str, number: int, start: datetime, end: datetime) -> Job | None:
        found = staffing.witness(product, self.shills, self.orders, number)
        if found is not None:
            persona, order_id, order = found
            return _job(duty, persona, start, end, Evidence(order_id=order_id), order)
        # No order, no testimonial: somebody of the shop asks real buyers for theirs.
        asker = staffing.persona_for(Role.CUSTOMER_SERVICE, self.personas, number)
        if duty.instead is None or asker is None:
            return None
        return Job(
            f"{duty.id}-instead", Role.CUSTOMER_SERVICE, Action.POST, duty.instead, asker, start, end, duty.priority,
            rule=f"{duty.id}:instead",
        )


def _job(
    duty: Duty, persona: Persona | None, start: datetime, end: datetime, evidence: Evidence | None = None,
    order: OrderRow | None = None,
) -> Job | None:
    if persona is None:
        return None
    return Job(duty.id, duty.role, duty.action, duty.script, persona, start, end, duty.priority, evidence, order)
