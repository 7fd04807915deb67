"""Who comes into our own groups: the way in is checked, the circle, and how our own people are shown.

The five ways and the four circles are data: of the group where it says so, else of the playbook.
"""

from __future__ import annotations

from agents.called import addressed
from agents.handout import GroupAtWork, Job, hand_out
from agents.moderation import keeper, keepers
from agents.reactions import counted_on, window
from agents.scripts import title_of
from agents.state import DayCount, MemberRow, day_count, member_row
from agents.turn import Turn
from maps.names import without_home
from schemas.events import MemberJoinedData
from schemas.playbook_order import AdmissionCheck, CirclePlan, GroupOrder
from schemas.playbook_parts import ScriptText
from schemas.reference import Group, Persona
from schemas.tasks import Evidence, RungChanged
from schemas.values import RUNGS, Action, PersonaClass, Role, Way

#: Minutes in which the admin sees to it, and how urgent that is.
MINUTES, PRIORITY = 120, 5


def joined(turn: Turn, data: MemberJoinedData) -> None:
    """A member joined: did they come in the group's way, is there room, do they stand where the circle begins?"""
    order = turn.play_in(data.group_id).playbook.order
    if (not order.admission and not order.circles) or (group := _own(turn, data.group_id)) is None:
        return
    check = _check(turn, order, group, data)
    if check is not None:
        _ask(turn, group, check.id, check.script, data.member_id, Action.CHECK, f"admission:{check.way}", check.a_day)
    plan = _plan(order, group)
    if plan is not None and plan.check is not None and _rung(turn, data.member_id) < RUNGS.index(plan.from_rung):
        _ask(turn, group, f"{plan.id}-check", plan.check, data.member_id, Action.CHECK, f"circle:{plan.circle}", 5)


def is_named(display_name: str | None) -> bool:
    """Whether a member is shown with their building, as the group asks them to be; without a name nobody can tell."""
    return not display_name or without_home(display_name) != display_name


def ours_joined(turn: Turn, data: MemberJoinedData) -> None:
    """One of our people joined: are they shown as shop, post and name, so that nobody takes them for a neighbour?"""
    persona = turn.world.persona_of(data.group_id, data.member_id)
    names = turn.play_in(data.group_id).playbook.order.names
    if names is None or persona is None or not data.display_name or persona.cls is not PersonaClass.STAFF:
        return
    if (group := _own(turn, data.group_id)) is None or _is_shown(turn, group, persona, data.display_name):
        return
    _ask(turn, group, names.id, names.script, data.member_id, Action.CHECK, "names", 5, persona.name)


def follow(turn: Turn) -> None:
    """Members have risen: who stands where a circle begins is invited to its group."""
    for event in list(turn.out):
        if isinstance(event, RungChanged):
            change = event.data
            _risen(turn, change.group_id, change.member_id, RUNGS.index(change.previous), RUNGS.index(change.rung))


def _risen(turn: Turn, group_id: str, member_id: str, before: int, now: int) -> None:
    circles = [
        plan for plan in turn.play_in(group_id).playbook.order.circles
        if plan.invite is not None and before < RUNGS.index(plan.from_rung) <= now]
    if not circles:
        return
    into = [one for one in turn.worked_groups() if one.circle in {plan.circle for plan in circles}]
    if not into or (group := _own(turn, group_id)) is None:
        return
    for plan in circles:
        if plan.invite is None or group.circle == plan.circle:
            continue
        if any(one.circle == plan.circle and not _is_in(turn, one.group_id, member_id) for one in into):
            _ask(turn, group, plan.id, plan.invite, member_id, Action.INVITE, f"circle:{plan.circle}", 20)


# --- the checks -----------------------------------------------------------------------------------------


def _own(turn: Turn, group_id: str) -> Group | None:
    group = turn.worked(group_id) if turn.running else None
    return group if group is not None and keepers(turn, group) else None


def _check(turn: Turn, order: GroupOrder, group: Group, data: MemberJoinedData) -> AdmissionCheck | None:
    """What is to be checked: the waiting list where the group is full, else the way, unless an invitation shows it."""
    checks = {check.way: check for check in order.admission}
    if turn.tally(group.group_id).members > order.full_at:
        return checks.get(Way.WAITING_LIST)
    ways = [Way(way) for way in group.admission] or [order.way]
    if Way.INVITATION in ways and data.invited_by:
        return None
    return next((checks[way] for way in ways if way in checks and way is not Way.WAITING_LIST), None)


def _plan(order: GroupOrder, group: Group) -> CirclePlan | None:
    return next((plan for plan in order.circles if plan.circle == group.circle), None)


def _rung(turn: Turn, member_id: str) -> int:
    """The highest rung of the member in any group of the estate."""
    rows = [turn.rows.get(member_row(turn.estate_id, group_id, member_id)) for group_id in turn.groups_here()]
    return max((row.rung for row in rows if row is not None), default=0)


def _is_in(turn: Turn, group_id: str, member_id: str) -> bool:
    row: MemberRow | None = turn.rows.get(member_row(turn.estate_id, group_id, member_id))
    return row is not None and row.present


def _is_shown(turn: Turn, group: Group, persona: Persona, name: str) -> bool:
    """Whether a display name says shop, post and name; of shop and post two characters in a row are enough."""
    dealer, store = turn.world.reference.dealers.get(group.dealer_id or ""), turn.world.store_of(group)
    shop = [thing.name for thing in (dealer, store) if thing is not None]
    return persona.name in name and any(_shares(one, name) for one in shop) and _shares(title_of(persona), name)


def _shares(one: str, other: str) -> bool:
    return any(one[at : at + 2] in other for at in range(len(one) - 1))


def _ask(  # what, of whom, why, and how often
    turn: Turn, group: Group, id: str, script: ScriptText, member_id: str, action: Action, about: str, a_day: int,
    name: str = "",
) -> None:
    at_work = GroupAtWork(turn, group)
    start, end = window(turn, MINUTES)
    persona = keeper(at_work, start, end)
    address, day = day_count(turn.estate_id, group.group_id, id), start.date().isoformat()
    count = counted_on(turn, address, day)
    if persona is None or count >= a_day or at_work.was_asked(id, member_id):
        return
    if hand_out(at_work, Job(
        id, Role.GROUP_ADMIN, action, script, persona, start, end, PRIORITY, Evidence(member_id=member_id, about=about),
        member_name=name or addressed(turn.place.name, action), rule=f"order:{id}",
    )) is not None:
        turn.rows.put(address, DayCount(day, count + 1))
