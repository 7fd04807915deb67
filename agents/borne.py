"""What rests on one message alone, and falls with it when the message is taken back.

Bounded: of a member at most one message is remembered for each piece of evidence, and none any more once a second
message has said the same. That somebody spoke or reacted at all stays: who takes a word back was there.
"""

from __future__ import annotations

from zlib import crc32

from msgspec.structs import replace

from agents import standing
from agents.ladder import EVIDENCE, PRESENCE
from agents.people_rows import BORNE, Borne, of_member
from agents.rows import CAMPAIGN
from agents.state import MemberRow, member_of, member_row
from agents.turn import Turn


def bear(turn: Turn, group_id: str, member_id: str, message_id: str, shown: int, before: int) -> None:
    """A message showed the evidence `shown`, where `before` was known: what is new rests on it alone."""
    shown &= ~PRESENCE
    address = of_member(BORNE, turn.estate_id, group_id, member_id)
    known: Borne | None = turn.rows.get(address)
    by = known.by if known is not None else ()
    if not (by or shown & ~before):
        # It says nothing new, and what it says rests on many.
        return
    name = crc32(message_id.encode())
    # What was said once more, by another message, rests on none alone.
    kept = tuple((bit, by_whom) for bit, by_whom in by if not shown >> bit & 1 or by_whom == name)
    fresh = shown & ~before
    kept += tuple((bit, name) for bit in range(len(EVIDENCE)) if fresh >> bit & 1) if fresh else ()
    if kept != by:
        turn.rows.put(address, Borne(kept))


def take_back(turn: Turn, group_id: str, message_id: str) -> None:
    """A message was recalled: what rested on it alone falls, and with it the rung that rested on that."""
    name = crc32(message_id.encode())
    for sub, known in list(turn.rows.scan(CAMPAIGN, turn.estate_id, BORNE)):
        of_group, member_id = member_of(sub)
        fallen = sum(1 << bit for bit, by_whom in known.by if by_whom == name)
        if of_group != group_id or not fallen:
            continue
        turn.rows.put(
            of_member(BORNE, turn.estate_id, group_id, member_id),
            Borne(tuple(one for one in known.by if one[1] != name)))
        row: MemberRow | None = turn.rows.get(member_row(turn.estate_id, group_id, member_id))
        if row is not None:
            after = replace(row, evidence=row.evidence & ~fallen, faded=row.faded & ~fallen)
            standing.put(turn, group_id, member_id, row, after, lost="recalled")
