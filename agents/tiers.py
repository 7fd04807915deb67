"""To which tiers a member belongs: what an offer's `tiers` may name."""

from __future__ import annotations

from agents import fans
from agents.state import MemberRow, member_row
from agents.turn import Turn
from schemas.values import RUNGS


def tiers_of(turn: Turn, group_id: str | None, member_id: str | None) -> tuple[str, ...]:
    """The tiers of a member in a group: every rung up to theirs, and every tier of fans that their points reach."""
    if not group_id or not member_id:
        return ()
    row: MemberRow | None = turn.rows.get(member_row(turn.estate_id, group_id, member_id))
    if row is None or not row.present:
        return ()
    reached = fans.tier_of(row, turn.play)
    section = turn.play.playbook.fans
    named = tuple(
        tier.tier for tier in section.tiers if tier.points <= reached.points) if section and reached else ()
    return (*RUNGS[: row.rung + 1], *named)
