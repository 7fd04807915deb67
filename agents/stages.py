"""From one stage to the next, and by which version of the playbook each is played.

A stage is played to its end by the version with which it began, also when a newer one comes; the next stage begins
with the newest. A stage that HQ starts early waits for the one before it. Members, their rungs and the key people are
the estate's, so the deeper stages begin where the one before them ended.
"""

from __future__ import annotations

from datetime import date, timedelta

from msgspec.structs import replace

from agents.state import CampaignRow, Queued
from agents.turn import Turn
from agents.world import World
from schemas.errors import BadEvent
from schemas.events import CampaignStartedData
from schemas.ids import derived_id
from schemas.tasks import PlaybookChange, PlaybookChanged


def startable(world: World, data: CampaignStartedData) -> int:
    """The version of the playbook that is to be started.

    Raises:
        BadEvent: when there is no such playbook, stage or date.
    """
    play = world.plays.get(data.playbook)
    if play is None:
        of_dealer = any(variant.playbook.playbook == data.playbook for variant in world.variants.values())
        what = "is a dealer's variant: start its base" if of_dealer else "is not loaded"
        raise BadEvent(f"playbook {data.playbook} {what}")
    if play.playbook.stage(data.stage) is None:
        raise BadEvent(f"playbook {data.playbook} has no stage {data.stage}")
    try:
        date.fromisoformat(data.start_date)
    except ValueError as error:
        raise BadEvent(f"start_date {data.start_date} is not a date") from error
    return play.playbook.version


def queue(turn: Turn, campaign: CampaignRow, data: CampaignStartedData) -> bool:
    """Keep a later stage of the campaign's own playbook until the one before it ends; False where it is no such stage.

    A stage that waits already waits for the day that was said last.

    Raises:
        BadEvent: as `startable`.
    """
    if data.playbook != campaign.playbook or data.stage <= campaign.stage:
        return False
    startable(turn.world, data)
    wanted = Queued(data.stage, data.start_date, data.target_orders)
    others = [queued for queued in campaign.queued if queued.stage != data.stage]
    after = tuple(sorted([*others, wanted], key=lambda queued: queued.stage))
    if after != campaign.queued:
        turn.put_campaign(replace(campaign, queued=after))
    return True


def following(turn: Turn, campaign: CampaignRow, day: date) -> CampaignRow | None:
    """The stage after one that ended of itself, with `day` its first at the earliest; None where HQ is to say so."""
    stage = turn.play.playbook.stage(campaign.stage)
    if campaign.queued:
        wanted, *rest = campaign.queued
        start = max(wanted.start_date, day.isoformat())
        return _scheduled(turn, campaign, wanted.stage, start, wanted.target_orders, tuple(rest))
    newest = turn.world.plays.get(campaign.playbook)
    if stage is None or stage.next != "auto" or newest is None or newest.playbook.stage(campaign.stage + 1) is None:
        return None
    start = (day + timedelta(days=stage.rest_days)).isoformat()
    return _scheduled(turn, campaign, campaign.stage + 1, start, campaign.target_orders, ())


def _scheduled(
    turn: Turn, before: CampaignRow, stage: int, start: str, target: int | None, queued: tuple[Queued, ...]
) -> CampaignRow:
    return CampaignRow(
        campaign_id=derived_id(turn.now, "campaign", turn.estate_id, before.playbook, str(stage), start),
        playbook=before.playbook, version=before.version, stage=stage, start_date=start, run="scheduled",
        target_orders=target, phase_seq=before.phase_seq, queued=queued,
    )


def in_its_newest(turn: Turn, campaign: CampaignRow) -> CampaignRow:
    """A campaign on the first day of its stage, to be played by the newest version that has the stage."""
    newest = turn.world.plays.get(campaign.playbook)
    if newest is None or newest.playbook.stage(campaign.stage) is None:
        return campaign
    return replace(campaign, version=newest.playbook.version)


def keep_playbook(turn: Turn) -> None:
    """Where the campaign's version is not loaded any more: go on with the nearest, and tell HQ once."""
    campaign, playbook = turn.campaign, turn.play.playbook
    if campaign is None or campaign.run == "ended":
        return
    gone = turn.play is turn.world.silent
    if gone is campaign.lost and (gone or playbook.version == campaign.version):
        return
    version = campaign.version if gone else playbook.version
    turn.put_campaign(replace(campaign, version=version, lost=gone))
    reason = f"no version of {campaign.playbook} is loaded: nothing is handed out until one is" if gone else (
        f"version {campaign.version} of {campaign.playbook} is not loaded any more: the nearest goes on"
        if version != campaign.version else f"{campaign.playbook} is loaded again")
    turn.emit(
        PlaybookChanged, PlaybookChange(
            turn.estate_id, campaign.campaign_id, campaign.playbook, campaign.version,
            None if gone else playbook.version, reason),
        campaign.campaign_id, subject=turn.estate_id,
    )
