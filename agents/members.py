"""Members in a campaign: who is there, who is active, and on which rung each one stands."""

from __future__ import annotations

from msgspec.structs import replace

from agents import borne, graph, ladder, last_call, standing
from agents.connections import SPOKE_TO_US
from agents.heard import heard_in
from agents.records import Resident
from agents.rows import CAMPAIGN
from agents.standing import put
from agents.state import MEMBER, MemberRow, member_of, member_row
from agents.turn import Turn
from schemas.events import MessageData

#: A member to whom this many messages of others answered counts as a key person.
KEY_PERSON_ANSWERED = standing.KEY_PERSON_ANSWERED
#: What a message says of somebody who did not buy, or says beside that they are there.
_NEWS = ~(ladder.PRESENCE | ladder.BOUGHT)


# --- what members do ----------------------------------------------------------------------------------


def speak(turn: Turn, data: MessageData) -> tuple[str, ...]:
    """A member said something: count it, move them on the ladder. Gives the names of the message's signals."""
    if turn.place.blocked:
        return ()
    text = data.text or ""
    heard = heard_in(text, data.kind, last_call.called_for(turn, data) if text else "")
    row: MemberRow | None = turn.rows.get(member_row(turn.estate_id, data.group_id, data.member_id))
    before = row if row is not None else MemberRow(present=False, opted_out=turn.place.no_messages)
    bought = before.evidence & ladder.BOUGHT
    shown = ladder.with_said(bought, heard.evidence) if bought else heard.evidence
    others: list[str] = []
    met = before.met
    if data.mentions or data.reply_to is not None:
        answered = graph.answered_by(turn, data)
        others = [other for other in answered if not graph.is_ours(turn, data.group_id, other)]
        met |= SPOKE_TO_US if len(others) < len(answered) else 0
    after = _as_heard(turn, before, before.evidence | shown, met)
    # Who says nothing new, again, changes nothing: this is most of what is ever said.
    if after is not before:
        _meet(turn, data.group_id, row)
        put(turn, data.group_id, data.member_id, row, after)
    if shown & _NEWS:
        borne.bear(turn, data.group_id, data.member_id, data.message_id, shown & ~ladder.BOUGHT, before.evidence)
    for other in others:
        graph.answer(turn, data.group_id, data.member_id, other)
    graph.remember(turn, data, bool(heard.names), before.answered)
    return heard.names


def _as_heard(turn: Turn, before: MemberRow, evidence: int, met: int) -> MemberRow:
    """The member as they are after a message; the very same row where it says nothing new."""
    place, seq = turn.place, turn.phase_seq
    home = place.home == turn.estate_id
    spoke_on = turn.local.toordinal() if turn.play.fades else before.spoke_on
    name, building = place.name or before.name, place.building or before.building
    if (
        evidence == before.evidence and before.active_in == seq and before.present and before.home is home
        and met == before.met and spoke_on == before.spoke_on and name == before.name and building == before.building
    ):
        return before
    return replace(
        before, evidence=evidence, active_in=seq, present=True, home=home, met=met, spoke_on=spoke_on,
        faded=before.faded & ~evidence, name=name, building=building)


def join(turn: Turn, group_id: str, member_id: str) -> bool:
    """A member joined. False where they were there already, or must not be profiled."""
    if turn.place.blocked:
        return False
    row: MemberRow | None = turn.rows.get(member_row(turn.estate_id, group_id, member_id))
    home = turn.place.home == turn.estate_id
    # Nobody is active by joining: a phase counts who spoke in it.
    before = row if row is not None else MemberRow(present=False, opted_out=turn.place.no_messages)
    after = replace(
        before, present=True, home=home, name=turn.place.name or before.name,
        building=turn.place.building or before.building)
    if after != row:
        _meet(turn, group_id, row)
        put(turn, group_id, member_id, row, after)
    return not before.present


def _meet(turn: Turn, group_id: str, row: MemberRow | None) -> None:
    if row is None:
        turn.meet_group(group_id)


def leave(turn: Turn, group_id: str, member_id: str) -> None:
    """A member left: they stay on their rung, but count no more."""
    row: MemberRow | None = turn.rows.get(member_row(turn.estate_id, group_id, member_id))
    if row is not None and row.present:
        put(turn, group_id, member_id, row, replace(row, present=False))


# --- what placement says of them ------------------------------------------------------------------------


def place_home(turn: Turn, group_id: str, member_id: str) -> None:
    """Placement weighed anew where a member's home is: here or not; gone is who counts for another estate now."""
    row: MemberRow | None = turn.rows.get(member_row(turn.estate_id, group_id, member_id))
    home = turn.place.home == turn.estate_id
    if row is None:
        return
    if turn.place.gone:
        put(turn, group_id, member_id, row, None, silent=True)
        graph.forget(turn, member_id)
    elif row.home is not home:
        put(turn, group_id, member_id, row, replace(row, home=home))


def come(turn: Turn, group_id: str, resident: Resident) -> None:
    """A member comes to the estate together with their group."""
    row: MemberRow | None = turn.rows.get(member_row(turn.estate_id, group_id, resident.member_id))
    before = row if row is not None else MemberRow()
    after = replace(
        before, present=True, home=resident.at_home, opted_out=before.opted_out or resident.no_messages)
    put(turn, group_id, resident.member_id, row, after)


def leave_all(turn: Turn, group_id: str) -> None:
    """The group went to another estate: nothing is kept of its members here."""
    for sub, row in list(turn.rows.scan(CAMPAIGN, turn.estate_id, MEMBER)):
        of_group, member_id = member_of(sub)
        if of_group == group_id:
            put(turn, group_id, member_id, row, None, silent=True)


# --- what they forbid -----------------------------------------------------------------------------------


def rows_of(turn: Turn, member_id: str) -> list[tuple[str, MemberRow]]:
    """A member's rows in every group of the estate, by group."""
    found = ((member_of(sub), row) for sub, row in turn.rows.scan(CAMPAIGN, turn.estate_id, MEMBER))
    return [(group_id, row) for (group_id, other), row in found if other == member_id]


def forget(turn: Turn, member_id: str, *, erase: bool) -> list[str]:
    """Consent was taken back, or the member erased: take them out of every count and forget what they said.

    Who only forbade profiling stays known as somebody who wants no messages; who is erased leaves nothing.
    Gives the groups in which they were counted.
    """
    rows = rows_of(turn, member_id)
    for group_id, row in rows:
        after = None if erase else MemberRow(present=False, opted_out=True)
        put(turn, group_id, member_id, row, after, silent=True)
        standing.drop_beside(turn, group_id, member_id)
    graph.forget(turn, member_id)
    return [group_id for group_id, row in rows if row.present]


def want_messages(turn: Turn, member_id: str, *, wanted: bool) -> None:
    """A member wants no (or again some) messages from us, in every group of the estate."""
    for group_id, row in rows_of(turn, member_id):
        if row.opted_out is wanted:
            turn.rows.put(member_row(turn.estate_id, group_id, member_id), replace(row, opted_out=not wanted))


def know_again(turn: Turn, member_id: str) -> None:
    """A member may be profiled again: they start anew, as somebody of whom nothing was heard."""
    for group_id, row in rows_of(turn, member_id):
        if not row.evidence and row.opted_out and not turn.place.no_messages:
            turn.rows.put(member_row(turn.estate_id, group_id, member_id), replace(row, opted_out=False))


# --- evidence that is not said --------------------------------------------------------------------------


def set_order_evidence(turn: Turn, group_id: str, member_id: str, of_orders: int) -> None:
    """The evidence that rests on the member's orders is now `of_orders`: all other evidence stays.

    In the groups of this estate, that is: an order for a home here may have been made in a group elsewhere.
    """
    row: MemberRow | None = turn.rows.get(member_row(turn.estate_id, group_id, member_id))
    if row is None and not (of_orders and turn.group_row(group_id).here):
        return
    before = row if row is not None else MemberRow(present=False, opted_out=turn.place.no_messages)
    after = replace(before, evidence=ladder.with_orders(before.evidence, of_orders))
    if after != row:
        put(turn, group_id, member_id, row, after)


def add_evidence(turn: Turn, group_id: str, member_id: str, name: str) -> bool:
    """One more piece of evidence about a member who is here; False where they are not."""
    row: MemberRow | None = turn.rows.get(member_row(turn.estate_id, group_id, member_id))
    if row is None or not row.present:
        return False
    if not row.evidence & ladder.BIT[name]:
        put(turn, group_id, member_id, row, replace(row, evidence=row.evidence | ladder.BIT[name]))
    return True
