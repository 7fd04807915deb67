"""Fans: what members do for the group, in points, and the tier that these reach.

Points are told from the evidence, not added up beside it: what is given back or recalled takes its points along, what
silence took from the ladder keeps them.
"""

from __future__ import annotations

from agents.state import MemberRow
from agents.world import Play
from schemas.playbook_people import FanTier

#: What counts beside evidence: three different people answered them; they have friends enough.
BESIDE = ("answered_by_three", "has_friends")


def points_of(row: MemberRow, play: Play) -> int:
    """What a member has done, in the playbook's points; 0 where it has no `fans`."""
    evidence, points = row.evidence | row.faded, 0
    for mask, worth in play.fan_points:
        if evidence & mask:
            points += worth
    fans = play.playbook.fans
    if fans is not None and row.answered >= 3:
        points += fans.points.get(BESIDE[0], 0)
    if fans is not None and row.friends >= play.playbook.connections.friends:
        points += fans.points.get(BESIDE[1], 0)
    return points


def tier_of(row: MemberRow, play: Play) -> FanTier | None:
    """The highest tier that a member's points reach; None below the first, and for who was taken out of all counts."""
    fans = play.playbook.fans
    if fans is None:
        return None
    points = points_of(row, play)
    return next((tier for tier in reversed(fans.tiers) if points >= tier.points), None)
