"""Group order: what is against the rules is first a private warning, then a removal, by the admin.

All messages of one member within `act_minutes` of the first are one act, and one act has one warning. Somebody is
removed for a new act when as many warnings as the rule says were done, within the memory; while one is still
to be given, a new act adds nothing to it. Nobody is warned who owns the group or is one of ours.

This holds in our own groups, and in an alliance's whose owner or admin is one of our staff. In any other group we are
guests: nobody is warned or removed there; our leader is asked to tell the group's owner, privately and once a day at
most, of advertising and abuse alone. What the member recalls in time lifts a warning that was not given yet.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from msgspec.structs import replace

from agents import staffing, tasks
from agents.called import addressed
from agents.handout import GroupAtWork, Job, hand_out
from agents.reactions import counted_on, window
from agents.rows import CAMPAIGN
from agents.state import (
    OFFENCES,
    PICTURES,
    Act,
    DayCount,
    OffencesRow,
    PicturesRow,
    TaskRow,
    day_count,
    member_of,
    offences_row,
    pictures_row,
    task_row,
)
from agents.turn import Turn
from schemas.events import MessageData, TaskMarkData, TaskSkippedData
from schemas.playbook_order import Breach, GroupOrder, OrderRule, OwnerWord
from schemas.reference import Group, Persona
from schemas.tasks import Evidence
from schemas.values import Action, GroupKind, PersonaClass, Role, TaskStatus

#: Messages of one act that are kept as its evidence.
KEPT = 30
#: Minutes in which the admin sees to it, and how urgent that is.
MINUTES, PRIORITY = 120, 2
#: Under this name it is counted that a group's owner was told today.
TELL = "order-tell"
_DONE = frozenset({TaskStatus.DONE, TaskStatus.VERIFIED})


# --- what members do ------------------------------------------------------------------------------------


def watch(turn: Turn, data: MessageData, names: Collection[str]) -> None:
    """A member said something: is it against the rules of the group?"""
    asked = turn.play.playbook.order
    if not (asked.rules or asked.tells) or not turn.running:
        return
    at_night = turn.play.playbook.curfew.holds(turn.local.time())
    if not (names or at_night or data.kind == "image"):
        # Most of what is ever said.
        return
    order, group = turn.play_in(data.group_id).playbook.order, _watched(turn, data)
    if group is None:
        return
    if not keepers(turn, group):
        _tell(turn, group, order, data, names)
        return
    for rule in order.rules:
        if not (at_night or rule.on in names or data.kind == "image"):
            continue
        messages = _breaks(turn, data, names, rule, at_night=at_night)
        if messages:
            _act(turn, group, order, rule, data, messages)
            return


def _breaks(
    turn: Turn, data: MessageData, names: Collection[str], rule: OrderRule, *, at_night: bool
) -> tuple[str, ...]:
    """The messages by which the rule is broken now; none where it isn't."""
    if rule.on is Breach.PICTURES:
        return _flood(turn, data, rule) if data.kind == "image" else ()
    broken = at_night if rule.on is Breach.CURFEW else rule.on.value in names
    return (data.message_id,) if broken else ()


def _flood(turn: Turn, data: MessageData, rule: OrderRule) -> tuple[str, ...]:
    """One picture more: all of the last minutes, where they are too many. Only who posts pictures has a row."""
    address = pictures_row(turn.estate_id, data.group_id, data.member_id)
    row: PicturesRow = turn.rows.get(address) or PicturesRow()
    now = int(turn.now.timestamp())
    since = now - 60 * rule.minutes
    if any(message_id == data.message_id for message_id, _ in row.seen):
        return ()
    seen = (*(one for one in row.seen if since < one[1] <= now), (data.message_id, now))[-rule.pictures:]
    turn.rows.put(address, PicturesRow(seen))
    return tuple(message_id for message_id, _ in seen) if len(seen) >= rule.pictures else ()


def _watched(turn: Turn, data: MessageData) -> Group | None:
    """The group, where we work it and the member is not its owner."""
    group = turn.worked(data.group_id)
    return None if group is None or turn.group_row(data.group_id).owner_id == data.member_id else group


def keepers(turn: Turn, group: Group) -> tuple[Persona, ...]:
    """Those of our people who may keep order in the group, none where we are guests.

    In our own all of them; in an alliance's its owner and its admins, where they are staff of ours.
    """
    people = turn.world.reference.people_of(group)
    if group.kind is GroupKind.OWN:
        return people
    if group.kind is not GroupKind.ALLIANCE:
        return ()
    owner = turn.world.persona_of(group.group_id, turn.group_row(group.group_id).owner_id or "")
    staff = [one for one in people if one.cls is PersonaClass.STAFF]
    return tuple(one for one in staff if one.role is Role.GROUP_ADMIN or one == owner)


def keeper(at_work: GroupAtWork, start: datetime, end: datetime) -> Persona | None:
    """Who of the keepers is asked to see to something, the free ones first."""
    ours = keepers(at_work.turn, at_work.group)
    free = [one for one in at_work.free(start, end) if one in ours]
    return staffing.persona_for(Role.GROUP_ADMIN, free or ours, 0)


def _tell(turn: Turn, group: Group, order: GroupOrder, data: MessageData, names: Collection[str]) -> None:
    """We are guests: ask the leader to tell the group's owner, once for an act and once a day in the group."""
    word = next((one for one in order.tells if one.on.value in names), None)
    if word is None:
        return
    address = offences_row(turn.estate_id, data.group_id, data.member_id)
    row: OffencesRow = turn.rows.get(address) or OffencesRow()
    acts, merged = _joined(turn, order, row, (data.message_id,))
    if not merged:
        told = "" if any(_is_open(turn, before) for before in acts) else _told(turn, group, word, data)
        acts = (*acts, Act(turn.now, word.id, (data.message_id,), task=told))
    if acts != row.acts:
        turn.rows.put(address, OffencesRow(acts))


def _told(turn: Turn, group: Group, word: OwnerWord, data: MessageData) -> str:
    at_work = GroupAtWork(turn, group)
    start, end = window(turn, MINUTES)
    persona = staffing.persona_for(Role.LEADER, at_work.free(start, end) or at_work.personas, 0)
    address, day = day_count(turn.estate_id, group.group_id, TELL), start.date().isoformat()
    if persona is None or counted_on(turn, address, day):
        return ""
    task = hand_out(at_work, Job(
        word.id, Role.LEADER, Action.CHECK, word.script, persona, start, end, PRIORITY,
        Evidence(member_id=data.member_id, about=word.on.value, message_ids=(data.message_id,)),
        member_name=addressed(turn.place.name, Action.CHECK), rule=f"order:{word.id}",
    ))
    if task is None:
        return ""
    turn.rows.put(address, DayCount(day, 1))
    return task.task_id


def _joined(
    turn: Turn, order: GroupOrder, row: OffencesRow, messages: tuple[str, ...]
) -> tuple[tuple[Act, ...], bool]:
    """The acts within the memory, and whether the messages belong to the last of them; then they are in it."""
    acts = tuple(act for act in row.acts if act.at > turn.now - timedelta(days=order.memory_days))
    if not acts or turn.now >= acts[-1].at + timedelta(minutes=order.act_minutes):
        return acts, False
    more = tuple(dict.fromkeys((*acts[-1].messages, *messages)))[:KEPT]
    return (*acts[:-1], replace(acts[-1], messages=more)), True


def _act(
    turn: Turn, group: Group, order: GroupOrder, rule: OrderRule, data: MessageData, messages: tuple[str, ...]
) -> None:
    address = offences_row(turn.estate_id, data.group_id, data.member_id)
    row: OffencesRow = turn.rows.get(address) or OffencesRow()
    acts, merged = _joined(turn, order, row, messages)
    if not merged:
        needs = rule.pictures if rule.on is Breach.PICTURES else 1
        act = Act(turn.now, rule.id, messages, needs)
        if not any(_is_open(turn, before) for before in acts):
            removes = sum(before.done for before in acts) >= rule.warnings
            act = replace(act, task=_task(turn, group, order, rule, data, messages, removes=removes))
        acts = (*acts, act)
    if acts != row.acts:
        turn.rows.put(address, OffencesRow(acts))


def _task(  # the rule and the evidence, and what of the two is due
    turn: Turn, group: Group, order: GroupOrder, rule: OrderRule, data: MessageData, messages: tuple[str, ...],
    *, removes: bool,
) -> str:
    """Ask the admin to warn, or to remove; gives the task's id, or nothing where nobody can be asked."""
    at_work = GroupAtWork(turn, group)
    start, end = window(turn, MINUTES)
    persona = keeper(at_work, start, end)
    script = order.remove if removes else rule.warn
    if persona is None or script is None:
        return ""
    action = Action.REMOVE if removes else Action.WARN
    task = hand_out(at_work, Job(
        "order-remove" if removes else rule.id, Role.GROUP_ADMIN, action, script,
        persona, start, end, PRIORITY,
        Evidence(member_id=data.member_id, about=rule.on.value, message_ids=messages),
        member_name=addressed(turn.place.name, action), rule=f"order:{rule.id}",
    ))
    return task.task_id if task is not None else ""


# --- what becomes of it ---------------------------------------------------------------------------------


def marked(turn: Turn, data: TaskMarkData | TaskSkippedData) -> None:
    """A task was marked: a warning that was given counts."""
    row: TaskRow | None = turn.rows.get(task_row(turn.estate_id, data.task_id))
    if row is None or row.task.action is not Action.WARN or row.task.status not in _DONE:
        return
    member_id = row.task.evidence.member_id if row.task.evidence is not None else None
    if member_id is None:
        return
    address = offences_row(turn.estate_id, row.task.group_id, member_id)
    known: OffencesRow = turn.rows.get(address) or OffencesRow()
    acts = tuple(replace(act, done=True) if act.task == data.task_id else act for act in known.acts)
    if acts != known.acts:
        turn.rows.put(address, OffencesRow(acts))


def recalled(turn: Turn, group_id: str, message_id: str) -> None:
    """A message was taken back: an act that is none without it is lifted, unless its warning was given."""
    for sub, row in list(turn.rows.scan(CAMPAIGN, turn.estate_id, OFFENCES)):
        if member_of(sub)[0] == group_id:
            acts = tuple(kept for act in row.acts if (kept := _without(turn, act, message_id)) is not None)
            _keep(turn, sub, row, acts)
    for sub, pictures in list(turn.rows.scan(CAMPAIGN, turn.estate_id, PICTURES)):
        seen = tuple(one for one in pictures.seen if one[0] != message_id)
        if member_of(sub)[0] == group_id and seen != pictures.seen:
            turn.rows.put((CAMPAIGN, turn.estate_id, PICTURES, sub), PicturesRow(seen))


def _without(turn: Turn, act: Act, message_id: str) -> Act | None:
    if message_id not in act.messages:
        return act
    after = replace(act, messages=tuple(one for one in act.messages if one != message_id))
    if act.done or len(after.messages) >= act.needs:
        return after
    row: TaskRow | None = turn.rows.get(task_row(turn.estate_id, act.task)) if act.task else None
    if row is not None and row.task.status in tasks.OPEN:
        tasks.change(turn, row, TaskStatus.WITHDRAWN, "the member took back what was against the rules")
    return None


def _is_open(turn: Turn, act: Act) -> bool:
    row: TaskRow | None = turn.rows.get(task_row(turn.estate_id, act.task)) if act.task else None
    return row is not None and row.task.status in tasks.OPEN


# --- and is forgotten -----------------------------------------------------------------------------------


def tidy(turn: Turn) -> None:
    """A day is over: what is beyond the memory is forgotten, and pictures of yesterday are no flood."""
    since = turn.now - timedelta(days=turn.play.playbook.order.memory_days)
    for sub, row in list(turn.rows.scan(CAMPAIGN, turn.estate_id, OFFENCES)):
        _keep(turn, sub, row, tuple(act for act in row.acts if act.at > since))
    for sub, pictures in list(turn.rows.scan(CAMPAIGN, turn.estate_id, PICTURES)):
        if not any(at > turn.now.timestamp() - 7_200 for _, at in pictures.seen):
            turn.rows.drop((CAMPAIGN, turn.estate_id, PICTURES, sub))


def forget(turn: Turn, member_id: str) -> None:
    """The member must not be known any more."""
    _drop(turn, member_id=member_id)


def leave_all(turn: Turn, group_id: str) -> None:
    """The group went to another estate."""
    _drop(turn, group_id=group_id)


def _drop(turn: Turn, group_id: str | None = None, member_id: str | None = None) -> None:
    for kind in (OFFENCES, PICTURES):
        for sub, _ in list(turn.rows.scan(CAMPAIGN, turn.estate_id, kind)):
            group, member = member_of(sub)
            if group_id in (None, group) and member_id in (None, member):
                turn.rows.drop((CAMPAIGN, turn.estate_id, kind, sub))


def _keep(turn: Turn, sub: str, row: OffencesRow, acts: tuple[Act, ...]) -> None:
    address = (CAMPAIGN, turn.estate_id, OFFENCES, sub)
    if not acts:
        turn.rows.drop(address)
    elif acts != row.acts:
        turn.rows.put(address, OffencesRow(acts))
