"""An estate's point on the flow map: the properties of its GeoJSON feature, from its rows."""

from __future__ import annotations

from typing import Any

import msgspec

from agents import baselines, connections, coverage, entry, key_people
from agents.orders import sold
from agents.state import CampaignRow, TaskCounts, task_counts
from agents.turn import Turn
from schemas.values import RUNGS, Rung


def properties(turn: Turn) -> dict[str, Any]:
    """The properties of the turn's estate as they are after it."""
    campaign, reference = turn.campaign, turn.world.reference
    counts = turn.rows.get(task_counts(turn.estate_id)) or TaskCounts()
    tallies = [tally for _, tally in turn.tallies()]
    rungs = [sum(tally.rungs[i] for tally in tallies) for i in range(len(RUNGS))]
    groups = turn.groups_here()
    group = next((reference.groups[g] for g in groups if g in reference.groups), None)
    dealer = reference.dealers.get(group.dealer_id or "") if group else None
    store = turn.world.store_of(group) if group else None
    plan = turn.phase_plan()
    return {
        "estate_id": turn.estate_id,
        "phase": campaign.phase if campaign and campaign.run in ("running", "paused") else None,
        "status": campaign.run if campaign else None,
        "playbook": campaign.playbook if campaign else None,
        "category": turn.play.playbook.category if campaign else None,
        "stage": campaign.stage if campaign else None,
        "day": campaign.day if campaign else None,
        "days": _days(turn, campaign),
        "phase_day": campaign.phase_day if campaign else None,
        "phase_days": plan.days if plan else None,
        "started_on": campaign.start_date if campaign else None,
        "gate_missed": campaign.missed if campaign else False,
        "behind": baselines.shown(turn),
        "expected": baselines.usual(turn),
        "entry": entry.shown(turn),
        "coverage": (how_far := coverage.coverage(
            run=campaign.run if campaign else None, groups=len(groups), dealer_id=_near(turn))),
        "support": _support(turn) if how_far == coverage.WORKED else [],
        "dealer_id": dealer.dealer_id if dealer else None,
        "dealer_name": dealer.name if dealer else None,
        "store_id": store.store_id if store else None,
        "store_name": store.name if store else None,
        "groups": len(groups),
        "members": sum(tally.members for tally in tallies),
        "active": sum(tally.active for tally in tallies),
        "placed": sum(tally.placed for tally in tallies),
        "key_people": sum(tally.key_people for tally in tallies),
        "connections": {**connections.measures(turn), "groups": connections.by_group(turn)},
        "kinds": key_people.kinds(turn),
        "rungs": {rung.value: count for rung, count in zip(RUNGS, rungs, strict=True)},
        "sign_ups": sum(rungs[RUNGS.index(Rung.PROSPECTIVE_BUYER):]),
        "orders": sold(turn),
        "target_orders": campaign.target_orders if campaign else None,
        "tasks": msgspec.structs.asdict(counts),
        "updated_at": turn.local.isoformat(),
    }


def _near(turn: Turn) -> str | None:
    """The dealer who could work the estate; looked for only where nobody has a group there."""
    estate = turn.world.reference.estates.get(turn.estate_id)
    if estate is None or turn.groups_here():
        return None
    found = coverage.dealer_for(turn.world.reference, estate)
    return found[0] if found is not None else None


def _support(turn: Turn) -> list[dict[str, str]]:
    """What HQ gives to an estate that is worked, as its playbook has it."""
    section = turn.play.playbook.entry
    return [{"what": one.what, "text": one.text} for one in section.support] if section is not None else []


def _days(turn: Turn, campaign: CampaignRow | None) -> int | None:
    if campaign is None:
        return None
    stage = turn.play.playbook.stage(campaign.stage)
    return sum(plan.days for plan in stage.phases) if stage else None
