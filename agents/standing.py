"""Where a member stands: the row is kept, the group's counts are set right, a new rung is told with its reason."""

from __future__ import annotations

from msgspec.structs import replace

from agents import connections, ladder
from agents.people_rows import OF_MEMBER, of_member
from agents.state import MemberRow, Tally, member_row
from agents.turn import Turn
from schemas.tasks import RungChange, RungChanged
from schemas.values import RUNGS

#: A member to whom so many messages of others answered counts as a key person in a gate.
KEY_PERSON_ANSWERED = 3


def put(
    turn: Turn, group_id: str, member_id: str, before: MemberRow | None, after: MemberRow | None,
    *, silent: bool = False, lost: str = "lost",
) -> None:
    """Keep a member's new row (None: keep none), set right the group's counts, say so where the rung changed.

    `lost` is how evidence that is gone went: lost (with an order), faded, recalled.
    """
    address = member_row(turn.estate_id, group_id, member_id)
    if after is None:
        turn.rows.drop(address)
        drop_beside(turn, group_id, member_id)
    else:
        rung = ladder.rung_of(after.evidence, turn.play.masks)
        if rung != after.rung:
            after = replace(after, rung=rung)
        turn.rows.put(address, after)
    counts = turn.tally(group_id)
    new = _recount(counts, before, after, turn.phase_seq)
    if new != counts:
        turn.put_tally(group_id, new)
    connections.recount(turn, group_id, before, after)
    was = before.rung if before is not None else 0
    if after is not None and after.rung != was and not silent:
        _tell(turn, group_id, member_id, before, after, lost)


def drop_beside(turn: Turn, group_id: str, member_id: str) -> None:
    """Drop what is kept of a member in a group beside their row."""
    for kind in OF_MEMBER:
        address = of_member(kind, turn.estate_id, group_id, member_id)
        if turn.rows.get(address) is not None:
            turn.rows.drop(address)


def _tell(
    turn: Turn, group_id: str, member_id: str, before: MemberRow | None, after: MemberRow, lost: str
) -> None:
    was = before.rung if before is not None else 0
    because = turn.event.ref, _reason(turn, before.evidence if before is not None else 0, was, after, lost)
    turn.emit(
        RungChanged, RungChange(group_id, member_id, turn.estate_id, RUNGS[after.rung], RUNGS[was], because),
        group_id, member_id, RUNGS[after.rung], subject=member_id,
    )


def _reason(turn: Turn, before: int, was: int, after: MemberRow, lost: str) -> str:
    """The evidence that was gained or lost, as ``evidence:asks_price`` or ``faded:asks_price``."""
    masks = dict(turn.play.masks)
    gained = after.evidence & ~before & masks.get(after.rung, 0)
    if after.rung > was and gained:
        return f"evidence:{ladder.names_of(gained)[0]}"
    gone = before & ~after.evidence & masks.get(was, 0)
    if after.rung < was and gone:
        return f"{lost}:{ladder.names_of(gone)[0]}"
    # Nothing new is known of them: the playbook's ladder is another than it was.
    return f"ladder:{turn.play.playbook.playbook}@{turn.play.playbook.edition}"


def _recount(counts: Tally, before: MemberRow | None, after: MemberRow | None, seq: int) -> Tally:
    """The counts without the member as they were, and with the member as they are."""
    rungs = list(counts.rungs)
    members, active, key_people, placed = counts.members, counts.active, counts.key_people, counts.placed
    for row, step in ((before, -1), (after, 1)):
        if row is None or not row.present:
            continue
        members += step
        rungs[row.rung] += step
        active += step * (row.active_in == seq)
        key_people += step * (row.heard >= KEY_PERSON_ANSWERED)
        placed += step * row.home
    return Tally(members, active, key_people, placed, tuple(rungs))
