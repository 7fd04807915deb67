"""Campaigns that the reference data asks for, as the events that start them.

They enter by the same door as any other. Their ids follow from what they ask for, so that loading the same
reference again starts nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from schemas.events import CampaignStarted, CampaignStartedData
from schemas.ids import derived_id_ms
from schemas.playbook import Playbook
from schemas.reference import CampaignPlan, Reference
from streams.inbox import Answer, find_known

SOURCE = "loupan/reference"


class Started(NamedTuple):
    """Planned campaigns that were not known yet.

    `started` will run; day 1 of those among them that are `late` should have been before today, and is the day on
    which they are taken up. `over` could not be running any more today, and were not started.
    """

    started: list[CampaignPlan]
    late: list[CampaignPlan]
    over: list[CampaignPlan]


class Plans(NamedTuple):
    """Planned campaigns: those that can run, and those that could not be running any more, that were not known yet."""

    to_start: list[CampaignPlan]
    over: list[CampaignPlan]


def plans_of(
    connection: Connection, reference: Reference, playbooks: Mapping[str, Playbook], zone: ZoneInfo, now: datetime
) -> Plans:
    """What a live run's reference data plans; `now` is its clock."""
    today = now.astimezone(zone).date()
    over = [plan for plan in reference.campaigns if last_day(plan, playbooks[plan.playbook]) < today]
    known = {id for _, id in find_known(connection, [(SOURCE, _id(plan)) for plan in over])}
    return Plans(
        [plan for plan in reference.campaigns if plan not in over], [plan for plan in over if _id(plan) not in known])


def start_planned(
    plans: Plans, zone: ZoneInfo, now: datetime, accept: Callable[[list[bytes]], list[Answer]]
) -> Started:
    """Start what is planned: the events that do so are handed to a door."""
    today = now.astimezone(zone).date()
    answers = accept([msgspec.json.encode(_start(plan, now)) for plan in plans.to_start]) if plans.to_start else []
    started = [plans.to_start[answer.index] for answer in answers if answer.status == "accepted"]
    late = [plan for plan in started if date.fromisoformat(plan.start_date) < today]
    return Started(started, late, plans.over)


def last_day(plan: CampaignPlan, playbook: Playbook) -> date:
    """The last day on which a campaign can run: every phase as long as it may."""
    stage = playbook.stage(plan.stage)
    days = sum(phase.longest for phase in stage.phases) if stage is not None else 0
    return date.fromisoformat(plan.start_date) + timedelta(days=days - 1)


def campaign_starts(reference: Reference, zone: ZoneInfo, now: datetime | None = None) -> list[bytes]:
    """A `loupan.campaign.started.v1` for each planned campaign, ready for the door.

    `now` is a live run's clock. Without it (a replay) they are dated a day before the first campaign's first
    day, so that none of them moves the stream's clock past anything that is due.
    """
    if not reference.campaigns:
        return []
    at = now or min(_midnight(plan, zone) for plan in reference.campaigns) - timedelta(days=1)
    return [msgspec.json.encode(_start(plan, at)) for plan in reference.campaigns]


def _midnight(plan: CampaignPlan, zone: ZoneInfo) -> datetime:
    day = date.fromisoformat(plan.start_date)
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _id(plan: CampaignPlan) -> str:
    return derived_id_ms(0, "campaign", plan.estate_id, plan.playbook, str(plan.stage), plan.start_date)


def _start(plan: CampaignPlan, at: datetime) -> CampaignStarted:
    return CampaignStarted(
        specversion="1.0", id=_id(plan), source=SOURCE, time=at, partitionkey=plan.estate_id,
        data=CampaignStartedData(
            estate_id=plan.estate_id, playbook=plan.playbook, stage=plan.stage, start_date=plan.start_date,
            target_orders=plan.target_orders,
        ),
    )
