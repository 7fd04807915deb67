"""Silence: who says nothing for long falls from their rung, once a day, in one pass over those who are due."""

from __future__ import annotations

from datetime import date

from msgspec.structs import replace

from agents import ladder, standing
from agents.rows import CAMPAIGN
from agents.state import MEMBER, member_of, member_row
from agents.turn import Turn


def fade(turn: Turn, today: date) -> None:
    """Let fall whoever was silent for as long as the playbook's ladder says; only who changes is written."""
    fades = turn.play.fades
    if not fades:
        return
    day = today.toordinal()
    for sub, row in list(turn.rows.scan(CAMPAIGN, turn.estate_id, MEMBER)):
        after_days = fades.get(row.rung)
        if after_days is None or not row.present or 0 < day - row.spoke_on < after_days:
            continue
        group_id, member_id = member_of(sub)
        if not row.spoke_on:
            # Since when they are silent is not known: it is counted from today.
            turn.rows.put(member_row(turn.estate_id, group_id, member_id), replace(row, spoke_on=day))
            continue
        left = ladder.faded(row.evidence, day - row.spoke_on, turn.play.masks, fades)
        if left != row.evidence:
            after = replace(row, evidence=left, faded=row.faded | (row.evidence & ~left))
            standing.put(turn, group_id, member_id, row, after, lost="faded")
