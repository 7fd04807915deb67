"""The four connections of a group, each as a share: counted as things change, so that a gate costs nothing.

`persona_group`: of the members, those who answered or mentioned one of our people, or were answered by one.
`member_member`: those who have friends enough in the group (three, by the trade's manual).
`persona_active`: as the first, of those who spoke in this phase.
`persona_everyone`: those to whom one of our people turned personally: answered them, or did a task about them.
"""

from __future__ import annotations

from msgspec.structs import replace

from agents.people_rows import CONNECTED, Connected, connected
from agents.rows import CAMPAIGN
from agents.state import MemberRow, Tally
from agents.turn import Turn

#: How a member and our people met: they spoke to us, we answered them, a task about them was done.
SPOKE_TO_US, ANSWERED_BY_US, SERVED = 1, 2, 4
#: The names of the measures, in the order in which they are shown.
CONNECTIONS = ("persona_group", "member_member", "persona_active", "persona_everyone")

_MET, _PERSONAL = SPOKE_TO_US | ANSWERED_BY_US, ANSWERED_BY_US | SERVED
_NOBODY = (False, False, False, False)


def recount(turn: Turn, group_id: str, before: MemberRow | None, after: MemberRow | None) -> None:
    """Count a member as they are, no more as they were."""
    seq, wanted = turn.phase_seq, turn.play.playbook.connections.friends
    was, now = _of(before, seq, wanted), _of(after, seq, wanted)
    if was == now:
        return
    known = turn.rows.get(connected(turn.estate_id, group_id)) or Connected()
    put(turn, group_id, Connected(
        known.group + now[0] - was[0], known.active + now[1] - was[1], known.personal + now[2] - was[2],
        known.befriended + now[3] - was[3]))


def _of(row: MemberRow | None, seq: int, wanted: int) -> tuple[bool, bool, bool, bool]:
    if row is None or not row.present or not (row.met or row.friends):
        return _NOBODY
    met = row.met & _MET != 0
    return met, met and row.active_in == seq, row.met & _PERSONAL != 0, row.friends >= wanted


def counted(turn: Turn, rows: list[MemberRow]) -> Connected:
    """The counts of a group, straight from its members' rows."""
    seq, wanted = turn.phase_seq, turn.play.playbook.connections.friends
    # Most members have met nobody yet, and add nothing.
    each = [one for row in rows if (one := _of(row, seq, wanted)) is not _NOBODY]
    return Connected(*(sum(one[place] for one in each) for place in range(4)))


def put(turn: Turn, group_id: str, counts: Connected) -> None:
    """Keep a group's counts."""
    turn.rows.put(connected(turn.estate_id, group_id), counts)
    turn.touched = True


def new_phase(turn: Turn) -> None:
    """Nobody has spoken in the new phase yet."""
    for group_id, counts in list(turn.rows.scan(CAMPAIGN, turn.estate_id, CONNECTED)):
        if counts.active:
            put(turn, group_id, replace(counts, active=0))


def measures(turn: Turn) -> dict[str, float]:
    """The four connections over all of the estate's groups, each 0 to 1."""
    all_counts = Connected()
    for _, counts in turn.rows.scan(CAMPAIGN, turn.estate_id, CONNECTED):
        all_counts = Connected(
            all_counts.group + counts.group, all_counts.active + counts.active,
            all_counts.personal + counts.personal, all_counts.befriended + counts.befriended)
    tallies = [tally for _, tally in turn.tallies()]
    return shares(all_counts, Tally(sum(t.members for t in tallies), sum(t.active for t in tallies)))


def by_group(turn: Turn) -> dict[str, dict[str, float]]:
    """The four connections of each group that has members."""
    known = dict(turn.rows.scan(CAMPAIGN, turn.estate_id, CONNECTED))
    return {
        group_id: shares(known.get(group_id, Connected()), tally)
        for group_id, tally in turn.tallies() if tally.members
    }


def shares(counts: Connected, tally: Tally) -> dict[str, float]:
    """The counts as shares of the members, of those active for the third."""
    parts = (counts.group, counts.befriended, counts.active, counts.personal)
    wholes = (tally.members, tally.members, tally.active, tally.members)
    return {
        name: round(part / whole, 4) if whole else 0.0
        for name, part, whole in zip(CONNECTIONS, parts, wholes, strict=True)
    }
