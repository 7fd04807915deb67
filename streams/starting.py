"""Campaigns that the reference data asks for, as the events that start them.

They enter by the same door as any other. Their ids follow from what they ask for, so that loading the same
reference again starts nothing twice.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from schemas.events import CampaignStarted, CampaignStartedData
from schemas.ids import derived_id_ms
from schemas.reference import CampaignPlan, Reference

SOURCE = "loupan/reference"


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


def _start(plan: CampaignPlan, at: datetime) -> CampaignStarted:
    return CampaignStarted(
        specversion="1.0",
        id=derived_id_ms(0, "campaign", plan.estate_id, plan.playbook, str(plan.stage), plan.start_date),
        source=SOURCE, time=at, partitionkey=plan.estate_id,
        data=CampaignStartedData(
            estate_id=plan.estate_id, playbook=plan.playbook, stage=plan.stage, start_date=plan.start_date,
            target_orders=plan.target_orders,
        ),
    )
