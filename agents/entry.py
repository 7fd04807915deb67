"""Before there is a group, and to fill it: the playbook's series of ways, as tasks of the shop's people.

A campaign whose playbook has an `entry` waits, scheduled, while its estate has no group: its ways are gone one after
the other, a few steps a day, until the evidence is there. For `build` that is a group of the estate, for `enter` one
that its owner has opened to us. Then the campaign begins with day 1. `pool` runs beside the campaign until the group
has the members that it asks for. Where the last way is over and there is no evidence, HQ is told, and the campaign
waits on.

Outside of a group a task is for staff alone, and nothing of it is said in any group (`honesty.refusal`).
"""

from __future__ import annotations

from datetime import date, timedelta

from msgspec.structs import replace

from agents import staffing, tasks
from agents.coverage import dealer_for
from agents.handout import GroupAtWork, Job, hand_out
from agents.shop_rows import EntryRow, entry_row
from agents.turn import Turn, days_between, next_day
from schemas.playbook_entry import Entry, EntryStep, PoolSeries, Series
from schemas.reference import Group
from schemas.tasks import EntryEnd, EntryEnded
from schemas.values import GroupKind, PersonaClass, TaskStatus

BUILD, ENTER, POOL = "build", "enter", "pool"
#: Nobody is near who could go: the series ends before it began.
NOBODY_NEAR = "no dealer has a group or a shop within reach"
NO_EVIDENCE = "the last way is over"


def waits(turn: Turn, today: date) -> bool:
    """Whether a campaign that is due waits for its group; what is to be done today is handed out."""
    name, series = _first(turn)
    if series is None or turn.campaign is None:
        return False
    if (group_id := _led_in(turn, name)) is not None:
        _end(turn, name, reached=True, reason=f"group {group_id}")
        return False
    _go_on(turn, name, series, today, at_work(turn))
    return True


def is_awaited(turn: Turn) -> bool:
    """Whether the campaign waits for a group, and one has just come."""
    row = _row(turn, _first(turn)[0])
    waiting = turn.campaign is not None and turn.campaign.run == "scheduled" and row is not None
    return waiting and _led_in(turn, _first(turn)[0]) is not None


def fill(turn: Turn, today: date) -> None:
    """Fill the group of a campaign that runs until it has the members that `pool` asks for; the smallest first."""
    section = turn.play.playbook.entry
    groups = turn.worked_groups()
    if section is None or section.pool is None or not groups:
        return
    smallest = min(groups, key=lambda group: (turn.tally(group.group_id).members, group.group_id))
    members = turn.tally(smallest.group_id).members
    if members >= section.pool.members:
        _end(turn, POOL, reached=True, reason=f"{members} members")
    else:
        _go_on(turn, POOL, section.pool, today, GroupAtWork(turn, smallest))


def next_wake(turn: Turn, today: date) -> None:
    """Ask to be woken for the next morning of a campaign that waits for its group."""
    morning = turn.play.playbook.curfew.end
    at = turn.at(today, morning)
    turn.wake(at if at > turn.now else turn.at(next_day(today), morning))


def shown(turn: Turn) -> dict[str, object] | None:
    """What the flow map says of a campaign that waits for its group."""
    name, series = _first(turn)
    row = _row(turn, name)
    if row is None or series is None or turn.campaign is None or turn.campaign.run != "scheduled":
        return None
    found = series.on(_day(row, turn.local.date()))
    way = found[0] if found is not None and not row.over else None
    return {
        "series": name, "way": way.id if way else None, "title": way.title if way else None,
        "day": _day(row, turn.local.date()), "over": row.over,
    }


def at_work(turn: Turn) -> GroupAtWork | None:
    """The shop's people at work for an estate without a group; None where no dealer is near."""
    reference, section = turn.world.reference, turn.play.playbook.entry
    estate = reference.estates.get(turn.estate_id)
    found = dealer_for(reference, estate, section.reach_km) if estate is not None and section is not None else None
    if found is None:
        return None
    dealer_id, store = found
    here = GroupAtWork(turn, Group(
        "", kind=GroupKind(turn.play.playbook.for_.group), estate_id=turn.estate_id, dealer_id=dealer_id,
        store_id=store.store_id if store is not None else None))
    here.personas = tuple(
        p for p in reference.personas.values() if p.dealer_id == dealer_id and p.cls is PersonaClass.STAFF)
    return here


# --- a series -----------------------------------------------------------------------------------------


def _first(turn: Turn) -> tuple[str, Series | None]:
    """The series that leads to a group of the campaign's kind."""
    section: Entry | None = turn.play.playbook.entry
    name = ENTER if turn.play.playbook.for_.group == "joined" else BUILD
    return name, (section.series().get(name) if section is not None else None)


def _led_in(turn: Turn, name: str) -> str | None:
    """The group that is the evidence: one of the campaign's kind, for `enter` one that its owner opened to us."""
    known, kind = turn.world.reference.groups, turn.play.playbook.for_.group
    for group_id in turn.groups_here():
        group = known.get(group_id)
        if (group is None or group.kind == kind) and (name != ENTER or turn.group_row(group_id).open):
            return group_id
    return None


def _row(turn: Turn, name: str) -> EntryRow | None:
    row: EntryRow | None = turn.rows.get(entry_row(turn.estate_id, name))
    same = row is not None and turn.campaign is not None and row.campaign_id == turn.campaign.campaign_id
    return row if same else None


def _day(row: EntryRow, today: date) -> int:
    return days_between(row.began, today) + 1


def _go_on(turn: Turn, name: str, series: Series, today: date, here: GroupAtWork | None) -> None:
    """Hand out today's steps, once a day, when the curfew is over."""
    campaign = turn.campaign
    if campaign is None:
        return
    row = _row(turn, name) or EntryRow(campaign.campaign_id, today.isoformat())
    if row.planned >= today.isoformat() or row.over or turn.local.time() < turn.play.playbook.curfew.end:
        _keep(turn, name, row)
        return
    found = series.on(_day(row, today))
    _keep(turn, name, replace(row, planned=today.isoformat()))
    if not isinstance(series, PoolSeries):
        tasks.settle(turn, turn.now - timedelta(days=1))
    if here is None or found is None:
        _end(turn, name, reached=False, reason=NOBODY_NEAR if here is None else NO_EVIDENCE)
        return
    way, day = found
    for number, step in enumerate(way.steps):
        if step.day == day:
            _step(turn, here, step, today, f"{name}/{way.id}", number)


def _step(turn: Turn, here: GroupAtWork, step: EntryStep, today: date, rule: str, number: int) -> None:
    start = turn.at(today, step.at)
    end = start + timedelta(minutes=step.minutes)
    if end <= turn.now or here.was_asked(step.id):
        return
    able = here.rota.free(staffing.staff_for(step.role, here.personas, number), start, end)
    if not able:
        tasks.count(turn, None, None, unstaffed=1)
        return
    hand_out(here, Job(
        step.id, step.role, step.action, step.script, able[0], start, end, step.priority, rule=f"{rule}/{step.id}"))


def _end(turn: Turn, name: str, *, reached: bool, reason: str) -> None:
    """The series is over, and HQ is told, once; a group that was there from the start ends none."""
    row = _row(turn, name)
    if row is None or (row.over and not reached) or row.reached or turn.campaign is None:
        return
    _keep(turn, name, replace(row, over=True, reached=reached))
    section = turn.play.playbook.entry
    series = section.series().get(name) if section is not None else None
    day = _day(row, turn.local.date())
    found = series.on(day) if series is not None else None
    _withdraw(turn, series)
    turn.emit(EntryEnded, EntryEnd(
        turn.estate_id, turn.campaign.campaign_id, name, reached, reason, found[0].id if found is not None else "", day,
    ), turn.campaign.campaign_id, name, str(reached), subject=turn.estate_id)


def _withdraw(turn: Turn, series: Series | None) -> None:
    """What is still open of the series needs no doing any more."""
    steps = {step.id for way in series.ways for step in way.steps} if series is not None else set()
    for row in turn.tasks():
        if row.task.status in tasks.OPEN and row.task.script.id in steps:
            tasks.change(turn, row, TaskStatus.WITHDRAWN, "the way in is over")


def _keep(turn: Turn, name: str, row: EntryRow) -> None:
    address = entry_row(turn.estate_id, name)
    if turn.rows.get(address) != row:
        turn.rows.put(address, row)
        turn.touched = True
