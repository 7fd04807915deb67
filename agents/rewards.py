"""Fans are thanked: a task when somebody reaches a tier, for each at most once a month and never twice for one tier."""

from __future__ import annotations

from datetime import date

from agents.crowd import Crowd, Errand, may_be_spoken_to, send
from agents.fans import tier_of
from agents.handout import GroupAtWork
from agents.people_rows import FAN, Fan, of_member
from agents.rows import CAMPAIGN
from agents.state import member_of


def plan(at_work: GroupAtWork, crowd: Crowd, day: date) -> None:
    """Issue the day's tasks to thank fans: those who have done most first."""
    turn = at_work.turn
    section = at_work.play.playbook.fans
    if section is None:
        return
    given = {member_of(sub): row for sub, row in turn.rows.scan(CAMPAIGN, turn.estate_id, FAN)}
    month, group_id = day.year * 12 + day.month, at_work.group.group_id
    done = sum(row.task.script.id in {tier.id for tier in section.tiers} for row in at_work.tasks_of(day))
    due = []
    for member_id, row in crowd.members.items():
        tier = tier_of(row, at_work.play) if row.evidence | row.faded else None
        if tier is None:
            continue
        place, before = section.tiers.index(tier) + 1, given.get((group_id, member_id), Fan())
        if place > before.tier and month > before.month:
            due.append((-place, member_id))
    for place, member_id in sorted(due):
        if done >= section.a_day:
            return
        if not may_be_spoken_to(at_work, member_id, crowd.members[member_id]):
            continue
        tier = section.tiers[-place - 1]
        errand = Errand(
            tier.id, section.role, section.action, section.at, section.minutes, section.priority, tier.script)
        if send(at_work, errand, day, member_id, crowd) is not None:
            turn.rows.put(of_member(FAN, turn.estate_id, group_id, member_id), Fan(-place, month))
            done += 1
