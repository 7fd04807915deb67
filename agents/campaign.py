"""The campaign of one estate: what an event means for it. Keyed by estate; values in, values out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from agents import (
    absence,
    admission,
    answered,
    borne,
    clock,
    design,
    dialogues,
    entry,
    graph,
    honesty,
    install,
    key_people,
    last_call,
    members,
    moderation,
    orders,
    peace,
    quiz,
    reactions,
    stages,
    tasks,
)
from agents.after_rows import reviews_row
from agents.call_rows import last_call as last_call_row
from agents.order_rows import money_row, sales_row
from agents.people_rows import BORNE, of_member, recent, ties
from agents.phases import Trigger, move, state_of
from agents.records import EstateRecord, GroupNow
from agents.rows import CAMPAIGN, Address, Rows
from agents.state import (
    GROUP,
    CampaignRow,
    GroupRow,
    campaign_row,
    exchanges_row,
    group_row,
    member_row,
    order_row,
    peace_row,
    tally,
)
from agents.turn import Turn
from agents.world import World
from schemas import events as ev
from schemas.errors import BadEvent, IllegalMove
from schemas.ids import derived_id
from schemas.values import TaskStatus


def advance(record: EstateRecord, rows: Rows, world: World) -> Turn:
    """Apply one record to its estate's campaign.

    Raises:
        BadEvent: when the event asks for what the rules do not have; nothing was changed that may be kept.
    """
    turn = Turn.of(record, rows, world)
    if record.place.group is not None:
        _regroup(turn, record.event.data.group_id, record.place.group)  # type: ignore[attr-defined]  # it is of a group
    _HANDLERS[type(record.event)](turn, record.event)
    for earlier in record.place.earlier:
        # What comes of it rests on the event that came too early, at the time of the one that it had waited for.
        turn.event = earlier
        _HANDLERS[type(earlier)](turn, earlier)
    turn.event = record.event
    if turn.place.gone:
        _gone(turn, record.event)
    if turn.touched:
        dialogues.follow(turn)
        admission.follow(turn)
        install.follow(turn)
        design.follow(turn)
    if turn.moved:
        key_people.follow(turn)
    return turn


def _gone(turn: Turn, event: ev.Event) -> None:
    """A member counts for another estate now: nothing is kept of them here."""
    member_id = getattr(event.data, "member_id", None)  # type: ignore[attr-defined]  # every event of a door has data
    if member_id is not None:
        peace.forget(turn, member_id)
        moderation.forget(turn, member_id)


def likely_rows(record_estate: str, event: ev.Event) -> tuple[Address, ...]:
    """The rows that the campaign will ask for first, so that a driver can fetch a batch's at once."""
    likely = _LIKELY.get(type(event))
    if likely is None:
        return (campaign_row(record_estate),)
    return likely(record_estate, event.data)  # type: ignore[attr-defined]  # these have data


def _rows_of_member(estate_id: str, data: Any) -> tuple[Address, ...]:
    group_id = data.group_id
    return campaign_row(estate_id), member_row(estate_id, group_id, data.member_id), tally(estate_id, group_id)


def _rows_of_order(estate_id: str, data: Any) -> tuple[Address, ...]:
    return (
        campaign_row(estate_id), order_row(estate_id, data.order_id), money_row(estate_id, data.order_id),
        sales_row(estate_id))


def _rows_of_speaker(estate_id: str, data: Any) -> tuple[Address, ...]:
    """Of the member too what is kept beside their row, and all that listens in the group; of an answer both sides."""
    group_id, member_id = data.group_id, data.member_id
    rows: tuple[Address, ...] = (
        *_rows_of_member(estate_id, data),
        of_member(BORNE, estate_id, group_id, member_id), peace_row(estate_id, member_id),
        group_row(estate_id, group_id), recent(estate_id, group_id), last_call_row(estate_id, group_id),
        exchanges_row(estate_id, group_id), reviews_row(estate_id, group_id))
    if data.mentions or data.reply_to is not None:
        rows += (ties(estate_id, group_id, member_id),)
        for other in (data.mentions or ())[:graph.ANSWERED_AT_ONCE]:
            rows += member_row(estate_id, group_id, other), ties(estate_id, group_id, other)
    return rows


_LIKELY: dict[type[ev.Event], Callable[[str, Any], tuple[Address, ...]]] = {
    ev.GroupMessage: _rows_of_speaker,
    **dict.fromkeys((ev.MemberJoined, ev.MemberLeft), _rows_of_member),
    **dict.fromkeys(ev.ORDER_EVENTS, _rows_of_order),
}


# --- groups and members ------------------------------------------------------------------------------


def _on_message(turn: Turn, event: ev.GroupMessage) -> None:
    data = event.data
    if data.member_id in turn.world.reference.personas_of_member and _is_one_of_us(turn, data):
        return
    if turn.place.gone:
        members.place_home(turn, data.group_id, data.member_id)
        return
    names = members.speak(turn, data)
    dialogues.heard(turn, data, names)
    moderation.watch(turn, data, names)
    quiz.heard(turn, data)
    design.heard(turn, data, names)
    if not names:
        return
    if "declines" in names or "opts_out" in names:
        key_people.decline(turn, data.group_id, data.member_id)
    if "opts_out" in names:
        _stop_messages(turn, data.member_id)
        return
    peace.heard(turn, data.member_id, names)
    for name in names:
        reactions.react(turn, name, data.group_id, data.member_id, data.message_id, data.text or "")
    if "states_home" in names and turn.place.home is None:
        reactions.react(turn, "home_unclear", data.group_id, data.member_id, data.message_id)


def _is_one_of_us(turn: Turn, data: ev.MessageData) -> bool:
    """One of our personas spoke: it may be a task's doing. Staff are no members anywhere, registered there or not."""
    persona = turn.world.persona_of(data.group_id, data.member_id)
    if persona is not None:
        tasks.persona_spoke(turn, data, persona)
        answered.staff_spoke(turn, data, persona)
        last_call.we_spoke(turn, data)
    if persona is None and not turn.world.is_staff(data.member_id):
        return False
    graph.we_spoke(turn, data)
    return True


def _on_joined(turn: Turn, event: ev.MemberJoined) -> None:
    data = event.data
    if graph.is_ours(turn, data.group_id, data.member_id):
        admission.ours_joined(turn, data)
        return
    if turn.place.gone:
        members.place_home(turn, data.group_id, data.member_id)
    elif members.join(turn, data.group_id, data.member_id):
        reactions.react(turn, "joined", data.group_id, data.member_id, None)
        if not admission.is_named(data.display_name):
            reactions.react(turn, "name_unclear", data.group_id, data.member_id, None)
        admission.joined(turn, data)


def _on_left(turn: Turn, event: ev.MemberLeft) -> None:
    data = event.data
    if graph.is_ours(turn, data.group_id, data.member_id):
        return
    members.leave(turn, data.group_id, data.member_id)
    tasks.withdraw(turn, "the member left the group", group_id=data.group_id, member_id=data.member_id)
    _shrunk(turn, (data.group_id,))


def _shrunk(turn: Turn, groups: Iterable[str]) -> None:
    """The groups have lost members: fewer shills may be active there."""
    for group_id in groups:
        allowed = honesty.shills_allowed(turn.tally(group_id).members, turn.play_in(group_id).playbook.limits)
        tasks.withdraw_surplus_shills(turn, group_id, allowed)


def _on_recalled(turn: Turn, event: ev.MessageRecalled) -> None:
    """What rested on the message alone falls with it: evidence, a place on the ladder, a task that answers it."""
    tasks.forget_post(turn, event.data.message_id)
    dialogues.recalled(turn, event.data.group_id, event.data.message_id)
    moderation.recalled(turn, event.data.group_id, event.data.message_id)
    quiz.recalled(turn, event.data.message_id)
    tasks.withdraw(turn, "the message that it answers was recalled", message_id=event.data.message_id)
    last_call.recalled(turn, event.data.group_id, event.data.message_id)
    borne.take_back(turn, event.data.group_id, event.data.message_id)
    design.recalled(turn, event.data.message_id)
    install.recalled(turn, event.data.message_id)


def _on_group_updated(turn: Turn, _: ev.GroupUpdated) -> None:
    """What it changed came with it, and was seen to; a campaign that waited for a group begins."""
    if entry.is_awaited(turn):
        clock.tick(turn)


def _regroup(turn: Turn, group_id: str, now: GroupNow) -> None:
    """The group is another than it was: by its own event, or because its members told where it belongs."""
    after = GroupRow(now.name, now.owner_id, now.open, now.estate_id == turn.estate_id)
    if after != turn.group_row(group_id):
        turn.put_group_row(group_id, after)
    if turn.place.gone:
        members.leave_all(turn, group_id)
        graph.leave_all(turn, group_id)
        moderation.leave_all(turn, group_id)
        peace.over(turn)
    for resident in now.residents:
        if not graph.is_ours(turn, group_id, resident.member_id):
            members.come(turn, group_id, resident)
    if not after.here:
        tasks.withdraw(turn, "the group belongs to another estate", group_id=group_id)
    elif not after.open:
        tasks.withdraw(turn, "the group's owner closed it to us", group_id=group_id)


# --- people, wherever they are -----------------------------------------------------------------------


def _on_home_declared(turn: Turn, event: ev.HomeDeclared) -> None:
    if turn.place.group_id is not None:
        members.place_home(turn, turn.place.group_id, event.data.member_id)


def _on_consent(turn: Turn, event: ev.Consent) -> None:
    data, place = event.data, turn.place
    if place.blocked:
        _forget(turn, data.member_id, "the member took back consent", erase=False)
        return
    if place.group_id is not None:
        members.place_home(turn, place.group_id, data.member_id)
    if place.no_messages:
        _stop_messages(turn, data.member_id)
    elif data.granted and data.scope == "marketing":
        members.want_messages(turn, data.member_id, wanted=True)
        design.hush(turn, data.member_id, quiet=False)
    elif data.granted and data.scope == "profiling":
        members.know_again(turn, data.member_id)


def _stop_messages(turn: Turn, member_id: str) -> None:
    members.want_messages(turn, member_id, wanted=False)
    tasks.withdraw(turn, "the member wants no messages from us", member_id=member_id)
    design.hush(turn, member_id, quiet=True)


def _on_erased(turn: Turn, event: ev.Erased) -> None:
    member_id = event.data.member_id
    _forget(turn, member_id, "the member was erased", erase=True)
    absence.forget(turn, member_id)
    for group_id, row in list(turn.rows.scan(CAMPAIGN, turn.estate_id, GROUP)):
        if row.owner_id == member_id:
            turn.put_group_row(group_id, replace(row, owner_id=None))


def _forget(turn: Turn, member_id: str, reason: str, *, erase: bool) -> None:
    """Nothing of what a member said or bought is tied to them any more, and nothing is done about them."""
    groups = members.forget(turn, member_id, erase=erase)
    for order_id in orders.forget(turn, member_id):
        tasks.withdraw(turn, reason, order_id=order_id)
        install.forget(turn, order_id)
    quiz.forget(turn, member_id)
    design.forget(turn, member_id)
    tasks.forget_member(turn, member_id, reason)
    peace.forget(turn, member_id)
    moderation.forget(turn, member_id)
    _shrunk(turn, groups)


# --- orders ------------------------------------------------------------------------------------------


def _on_order(turn: Turn, event: Any) -> None:
    orders.moved(turn, event)
    install.heard(turn, event)


# --- tasks -------------------------------------------------------------------------------------------


def _mark(status: TaskStatus) -> Callable[[Turn, Any], None]:
    def mark(turn: Turn, event: Any) -> None:
        tasks.mark(turn, event.data, status)
        moderation.marked(turn, event.data)

    return mark


# --- commands ----------------------------------------------------------------------------------------


def _on_started(turn: Turn, event: ev.CampaignStarted) -> None:
    data, before = event.data, turn.campaign
    wanted = (data.playbook, data.stage, data.start_date)
    if before is not None and (before.playbook, before.stage, before.start_date) == wanted:
        return
    if before is not None and before.run != "ended":
        if stages.queue(turn, before, data):
            return
        raise BadEvent(f"estate {turn.estate_id} has a campaign that is {before.run}: end it before starting another")
    version = stages.startable(turn.world, data)
    turn.put_campaign(CampaignRow(
        campaign_id=derived_id(
            turn.now, "campaign", turn.estate_id, data.playbook, str(data.stage), data.start_date),
        playbook=data.playbook, version=version, stage=data.stage, start_date=data.start_date, run="scheduled",
        target_orders=data.target_orders,
        # The count of phases goes on: who spoke in an earlier campaign's second phase did not speak in this one's.
        phase_seq=before.phase_seq if before is not None else 0,
    ))
    clock.tick(turn)


def _on_paused(turn: Turn, _: ev.CampaignPaused) -> None:
    campaign = _moved(turn, Trigger.PAUSED)
    turn.put_campaign(replace(campaign, run="paused"))
    tasks.withdraw(turn, "the campaign is paused")


def _on_resumed(turn: Turn, _: ev.CampaignResumed) -> None:
    campaign = _moved(turn, Trigger.RESUMED)
    # The days of the pause are not days of the campaign: it goes on on the day on which it stopped.
    turn.put_campaign(replace(campaign, run="running", turned=turn.local.date().isoformat(), planned=""))
    clock.tick(turn)


def _on_ended(turn: Turn, event: ev.CampaignEnded) -> None:
    campaign = _moved(turn, Trigger.STOPPED)
    clock.end(turn, campaign, event.data.reason or "ended", clock.measure(turn))


def _moved(turn: Turn, trigger: Trigger) -> CampaignRow:
    """The campaign, when the table lets `trigger` move it."""
    campaign = turn.campaign
    if campaign is None:
        raise BadEvent(f"estate {turn.estate_id} has no campaign")
    try:
        move(state_of(campaign.run, campaign.phase), trigger, campaign.phase)
    except IllegalMove as error:
        raise BadEvent(str(error)) from error
    return campaign


def _on_woke(turn: Turn, _: ev.Woke) -> None:
    clock.tick(turn)


_HANDLERS: dict[type[ev.Event], Callable[[Turn, Any], None]] = {
    ev.GroupMessage: _on_message,
    ev.MemberJoined: _on_joined,
    ev.MemberLeft: _on_left,
    ev.MessageRecalled: _on_recalled,
    ev.GroupUpdated: _on_group_updated,
    ev.HomeDeclared: _on_home_declared,
    ev.Consent: _on_consent,
    ev.Erased: _on_erased,
    ev.OrderPlaced: orders.placed,
    **dict.fromkeys(ev.ORDER_EVENTS[1:], _on_order),
    ev.TaskClaimed: _mark(TaskStatus.CLAIMED),
    ev.TaskDone: _mark(TaskStatus.DONE),
    ev.TaskSkipped: _mark(TaskStatus.SKIPPED),
    ev.CampaignStarted: _on_started,
    ev.CampaignPaused: _on_paused,
    ev.CampaignResumed: _on_resumed,
    ev.CampaignEnded: _on_ended,
    ev.PersonaAway: absence.away,
    ev.PersonaBack: absence.back,
    ev.DesignDrafted: design.drafted,
    ev.DesignConsented: design.consented,
    ev.OrderConsented: install.consented,
    ev.Woke: _on_woke,
}
