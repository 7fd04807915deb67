"""What the clock does to a campaign: days turn, gates are judged, phases change, tasks are planned and expire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time, timedelta

from msgspec import Struct
from msgspec.structs import replace

from agents import (
    absence,
    baselines,
    connections,
    design,
    dialogues,
    entry,
    fading,
    install,
    moderation,
    peace,
    planner,
    quiz,
    stages,
    tasks,
)
from agents.orders import sold
from agents.phases import State, Trigger, move, state_of
from agents.state import CampaignRow
from agents.turn import Turn, days_between, next_day
from schemas.tasks import GateMissed, PhaseChange, PhaseEntered, StageEnd, StageEnded
from schemas.values import RUNGS, Phase, Rung

MIDNIGHT = time(0, 0)
#: Beyond so many missed days (a machine that was off for months) only the last ones are turned one by one.
TURNED_AT_MOST = 400

_PARTICIPANT, _INTERESTED, _PROSPECTIVE = (
    RUNGS.index(rung) for rung in (Rung.PARTICIPANT, Rung.INTERESTED, Rung.PROSPECTIVE_BUYER))


def tick(turn: Turn) -> None:
    """Time has passed: do all that is due at the turn's `now`, and ask for the next waking."""
    today = turn.local.date()
    tasks.expire(turn, turn.now)
    dialogues.follow(turn)
    quiz.close(turn)
    absence.tidy(turn, today)
    stages.keep_playbook(turn)
    _start_if_due(turn, today)
    _turn_days(turn, today)
    _plan_if_due(turn, today)
    install.follow(turn)
    design.follow(turn)
    next_wake(turn)


def _start_if_due(turn: Turn, today: date) -> None:
    """Begin with day 1: on its date, or today where that is past; where the way in is open yet, not before its end."""
    campaign = turn.campaign
    due = campaign is not None and campaign.run == "scheduled" and days_between(campaign.start_date, today) >= 0
    if campaign is not None and due and not entry.waits(turn, today):
        _enter(turn, stages.in_its_newest(turn, campaign), Trigger.STARTED, today, _Judged("started"))


def _plan_if_due(turn: Turn, today: date) -> None:
    """Hand out the day's tasks, once a day, when the curfew is over."""
    campaign = turn.campaign
    if campaign is None or not turn.running or campaign.planned >= today.isoformat():
        return
    if turn.local.time() >= turn.play.playbook.curfew.end:
        fading.fade(turn, today)
        planner.plan_day(turn, today)
        entry.fill(turn, today)


# --- days and gates -----------------------------------------------------------------------------------


class _Judged(Struct, frozen=True):
    """By which rule a campaign moves, and on which measures that rests."""

    rule: str
    measures: Mapping[str, float] = {}
    gate: Mapping[str, float] = {}

    @property
    def reached(self) -> bool:
        """Whether every measure that the gate names is what it asks; a gate that names none is open."""
        return all(self.measures[name] >= asked for name, asked in self.gate.items())


def _turn_days(turn: Turn, today: date) -> None:
    """Turn every day since the last one that was turned to; a stage that follows begins today, if it is due."""
    campaign = turn.campaign
    if campaign is None or not turn.running:
        return
    missed = days_between(campaign.turned, today)
    if missed <= 0:
        return
    day = today - timedelta(days=min(missed, TURNED_AT_MOST))
    while day < today and campaign.run == "running":
        baselines.count_day(turn)
        day = next_day(day)
        campaign = _turn_day(turn, campaign, day)
    _start_if_due(turn, today)
    if turn.play.playbook.baselines is not None:
        baselines.compare(turn, measure(turn))
    tasks.settle(turn, turn.at(today, MIDNIGHT) - timedelta(days=1))
    moderation.tidy(turn)


def _turn_day(turn: Turn, campaign: CampaignRow, day: date) -> CampaignRow:
    """One day is over: judge the gate where the phase has had its days."""
    plan = turn.phase_plan()
    if plan is None or campaign.phase_day < plan.days:
        return _go_on(turn, campaign, day)
    judged = _Judged("gate reached", measure(turn), plan.gate.asked())
    if judged.reached:
        return _enter(turn, campaign, Trigger.GATE_REACHED, day, judged)
    campaign = _miss(turn, campaign, judged)
    if campaign.phase_day < plan.longest:
        return _go_on(turn, campaign, day)
    return _enter(turn, campaign, Trigger.LONGEST_REACHED, day, replace(judged, rule="longest reached"))


def _go_on(turn: Turn, campaign: CampaignRow, day: date) -> CampaignRow:
    after = replace(campaign, day=campaign.day + 1, phase_day=campaign.phase_day + 1, turned=day.isoformat())
    turn.put_campaign(after)
    return after


def _miss(turn: Turn, campaign: CampaignRow, judged: _Judged) -> CampaignRow:
    """Tell HQ, once a phase, that the gate was not reached on its day."""
    move(state_of(campaign.run, campaign.phase), Trigger.GATE_MISSED)
    if campaign.missed or campaign.phase is None:
        return campaign
    after = replace(campaign, missed=True)
    turn.put_campaign(after)
    turn.emit(
        GateMissed, _change(turn, after, campaign.phase, replace(judged, rule="gate missed")),
        campaign.campaign_id, str(campaign.phase_seq), subject=turn.estate_id,
    )
    return after


def _enter(turn: Turn, campaign: CampaignRow, trigger: Trigger, day: date, judged: _Judged) -> CampaignRow:
    """Leave the phase by `trigger`: enter the next, or end the stage after the last."""
    state = move(state_of(campaign.run, campaign.phase), trigger)
    if state is State.ENDED:
        return end(turn, campaign, judged.rule, judged.measures, stages.following(turn, campaign, day))
    after = replace(
        campaign, run="running", phase=Phase(state.value), phase_seq=campaign.phase_seq + 1, phase_day=1,
        day=campaign.day + 1, turned=day.isoformat(), missed=False,
    )
    turn.put_campaign(after)
    peace.over(turn)
    for group_id, counts in turn.tallies():
        if counts.active:
            turn.put_tally(group_id, replace(counts, active=0))
    connections.new_phase(turn)
    turn.emit(
        PhaseEntered, _change(turn, after, Phase(state.value), judged, campaign.phase),
        campaign.campaign_id, str(after.phase_seq), subject=turn.estate_id,
    )
    return after


def _change(
    turn: Turn, campaign: CampaignRow, phase: Phase, judged: _Judged, previous: Phase | None = None
) -> PhaseChange:
    return PhaseChange(
        turn.estate_id, campaign.campaign_id, campaign.stage, phase, campaign.day, judged.rule,
        dict(judged.measures), dict(judged.gate), previous,
    )


def end(
    turn: Turn, campaign: CampaignRow, reason: str, measures: Mapping[str, float], follows: CampaignRow | None = None
) -> CampaignRow:
    """The stage is over: nothing more is to be done in it; the one that `follows` is kept for its first day."""
    tasks.withdraw(turn, "the campaign's stage is over")
    quiz.drop_all(turn)
    after = replace(campaign, run="ended", queued=(), quiz_until=None)
    turn.put_campaign(after)
    turn.emit(StageEnded, StageEnd(
        turn.estate_id, campaign.campaign_id, campaign.stage, campaign.day, dict(measures), reason,
        follows.stage if follows is not None else None, follows.start_date if follows is not None else None,
    ), campaign.campaign_id, subject=turn.estate_id)
    if follows is None:
        return after
    turn.put_campaign(follows)
    return follows


def measure(turn: Turn) -> dict[str, float]:
    """What gates are judged by, over all of the estate's groups."""
    members = active = key_people = 0
    rungs = [0] * len(RUNGS)
    for _, counts in turn.tallies():
        members += counts.members
        active += counts.active
        key_people += counts.key_people
        rungs = [a + b for a, b in zip(rungs, counts.rungs, strict=True)]
    return {
        "members": members,
        "active_share": round(active / members, 4) if members else 0.0,
        "participants": sum(rungs[_PARTICIPANT:]),
        "interested": sum(rungs[_INTERESTED:]),
        "key_people": key_people,
        "sign_ups": sum(rungs[_PROSPECTIVE:]),
        "orders": sold(turn),
        **connections.measures(turn),
    }


def next_wake(turn: Turn) -> None:
    """Ask to be woken for the next thing that is due: a start, a morning, a midnight, a task's end."""
    campaign = turn.campaign
    if campaign is None:
        return
    today = turn.local.date()
    if campaign.run == "scheduled":
        if days_between(campaign.start_date, today) < 0:
            turn.wake(turn.at(date.fromisoformat(campaign.start_date), MIDNIGHT))
        else:
            entry.next_wake(turn, today)
    elif campaign.run == "running":
        planned = campaign.planned >= today.isoformat()
        turn.wake(turn.at(next_day(today), MIDNIGHT) if planned else turn.at(today, turn.play.playbook.curfew.end))
    for row in turn.tasks():
        if row.task.status in tasks.OPEN:
            turn.wake(row.expires)
    dialogues.next_wake(turn)
    quiz.next_wake(turn)
