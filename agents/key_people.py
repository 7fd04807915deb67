"""Key people: who is one, of which kind, and the seven steps by which each is won.

Source of the kinds and of the steps: the trade's manual (group owner, past buyers, parents, those others answer;
KOL, KOC, seed users). The words, the days and the figures are the playbook's `key_people`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from msgspec import Struct
from msgspec.structs import replace

from agents import graph, tasks
from agents.centrality import Heard, ranked
from agents.connections import SERVED
from agents.crowd import Crowd, Errand, may_be_spoken_to, send
from agents.handout import GroupAtWork
from agents.ladder import BIT, BOUGHT
from agents.people_rows import KEY_PERSON, KeyPerson, of_member
from agents.rows import CAMPAIGN
from agents.state import MemberRow, member_of, task_row
from agents.turn import Turn, next_day
from schemas.playbook_people import KeyPeople, KeyStep, PersonKind
from schemas.tasks import Task
from schemas.values import TaskStatus

_TELLS = BIT["praised_after_buying"] | BIT["referred"] | BIT["referral_order"]
_SIGNED_UP = BIT["signs_up"] | BIT["agrees_to_visit"]
_DONE = frozenset({TaskStatus.DONE, TaskStatus.VERIFIED})
_IN_VAIN = frozenset({TaskStatus.EXPIRED, TaskStatus.SKIPPED})


# --- who is one -----------------------------------------------------------------------------------------


class Candidate(Struct, frozen=True):
    """Somebody who may be won: of which kind, and how much it matters."""

    member_id: str
    kind: PersonKind
    score: float


def candidates(crowd: Crowd, section: KeyPeople, owner_id: str | None) -> list[Candidate]:
    """The key people of a group, whoever matters most first; nobody who is ordinary."""
    listened = {one.member_id: one for one in ranked(crowd.ties, crowd.members)}
    found = []
    for member_id, row in crowd.members.items():
        known = listened.get(member_id)
        kind = kind_of(row, known, member_id == owner_id, section.answered_by)
        if kind is not PersonKind.ORDINARY:
            found.append(Candidate(member_id, kind, _worth(row, known, member_id == owner_id, section)))
    return sorted(found, key=lambda one: (-one.score, one.member_id))


def kind_of(row: MemberRow, known: Heard | None, is_owner: bool, answered_by: int) -> PersonKind:
    """What a member is to the others.

    KOC: bought, and tells of it or is listened to. KOL: is listened to, or owns the group and was answered. Seed:
    bought, owns the group, or has signed up or is a parent and was answered by somebody.
    """
    by = known.by if known is not None else 0.0
    # A count of bits is a little off: three people are told as 3.02.
    leads = round(by) >= answered_by
    if row.evidence & BOUGHT:
        return PersonKind.KOC if leads or row.evidence & _TELLS else PersonKind.SEED
    if leads or (is_owner and by):
        return PersonKind.KOL
    likely = row.evidence & (_SIGNED_UP | BIT["parent"])
    return PersonKind.SEED if is_owner or (likely and by) else PersonKind.ORDINARY


def _worth(row: MemberRow, known: Heard | None, is_owner: bool, section: KeyPeople) -> float:
    """How much it matters to win somebody: how they are listened to, and what they are beside that."""
    weights = section.weights
    worth = known.score if known is not None else 0.0
    worth += weights.owner * is_owner + weights.bought * bool(row.evidence & BOUGHT)
    return round(worth + weights.parent * bool(row.evidence & BIT["parent"]), 4)


def kinds(turn: Turn) -> dict[str, int]:
    """How many key people of each kind are being won or are won, and how many are won."""
    rows = [row for _, row in turn.rows.scan(CAMPAIGN, turn.estate_id, KEY_PERSON)]
    counts = {kind.value: sum(row.kind == kind for row in rows) for kind in PersonKind if kind != PersonKind.ORDINARY}
    return {**counts, "won": sum(row.state == "won" for row in rows)}


# --- the seven steps --------------------------------------------------------------------------------------


def plan(at_work: GroupAtWork, crowd: Crowd, day: date) -> None:
    """Begin with new key people while there is room, and issue the steps that are due."""
    section = at_work.play.playbook.key_people
    if section is None:
        return
    known = dict(_of_group(at_work.turn, at_work.group.group_id))
    _begin(at_work, crowd, section, known, day)
    for member_id, row in sorted(known.items()):
        if row.state == "open" and row.due <= day.isoformat() and member_id in crowd.members:
            _ask(at_work, crowd, section, member_id, row, day)


def _of_group(turn: Turn, group_id: str) -> Iterator[tuple[str, KeyPerson]]:
    for sub, row in turn.rows.scan(CAMPAIGN, turn.estate_id, KEY_PERSON):
        of_group, member_id = member_of(sub)
        if of_group == group_id:
            yield member_id, row


def _begin(at_work: GroupAtWork, crowd: Crowd, section: KeyPeople, known: dict[str, KeyPerson], day: date) -> None:
    """Take up whoever matters most and is not taken up yet."""
    busy = sum(row.state == "open" and member_id in crowd.members for member_id, row in known.items())
    room = min(section.at_a_time - busy, section.most - len(known))
    if room <= 0:
        return
    owner_id = at_work.turn.group_row(at_work.group.group_id).owner_id
    for one in candidates(crowd, section, owner_id):
        if not room:
            return
        if one.member_id not in known and may_be_spoken_to(at_work, one.member_id, crowd.members[one.member_id]):
            row = KeyPerson(one.kind.value, one.score, due=day.isoformat())
            known[one.member_id] = row
            _put(at_work.turn, at_work.group.group_id, one.member_id, row)
            room -= 1


def _ask(
    at_work: GroupAtWork, crowd: Crowd, section: KeyPeople, member_id: str, row: KeyPerson, day: date
) -> None:
    out = at_work.tasks.get(row.task_id)
    if out is not None and out.task.status in tasks.OPEN:
        return
    if not may_be_spoken_to(at_work, member_id, crowd.members[member_id]):
        return
    step = section.steps[row.step]
    task = send(at_work, _errand(section, step), day, member_id, crowd)
    if task is not None:
        _put(at_work.turn, at_work.group.group_id, member_id, replace(row, task_id=task.task_id))


def _errand(section: KeyPeople, step: KeyStep) -> Errand:
    return Errand(step.id, step.role, step.action, section.at, step.minutes, step.priority, step.script)


def follow(turn: Turn) -> None:
    """Tasks have moved in this turn: who was served has met us, and a step that was done leads to the next."""
    for task in turn.moved:
        member_id = task.evidence.member_id if task.evidence is not None else None
        if member_id is None:
            continue
        if task.status in _DONE:
            graph.meet(turn, task.group_id, member_id, SERVED)
        row: KeyPerson | None = turn.rows.get(of_member(KEY_PERSON, turn.estate_id, task.group_id, member_id))
        section = turn.play_in(task.group_id).playbook.key_people
        if row is not None and section is not None and row.task_id == task.task_id and row.state == "open":
            _put(turn, task.group_id, member_id, _after(turn, section, row, task))


def _after(turn: Turn, section: KeyPeople, row: KeyPerson, task: Task) -> KeyPerson:
    """The key person after their step's task has moved."""
    today = turn.local.date()
    if task.status in _DONE:
        step = row.step + 1
        if step >= len(section.steps):
            return replace(row, step=step, task_id="", tries=0, state="won")
        due = today + timedelta(days=section.steps[step].days)
        return replace(row, step=step, task_id="", tries=0, due=due.isoformat())
    if task.status in _IN_VAIN:
        tries = row.tries + 1
        state = "left" if tries >= section.tries else "open"
        return replace(row, tries=tries, state=state, due=next_day(today).isoformat())
    return row


def decline(turn: Turn, group_id: str, member_id: str) -> None:
    """A member said no: they are left in peace, and what is out to win them is withdrawn."""
    row: KeyPerson | None = turn.rows.get(of_member(KEY_PERSON, turn.estate_id, group_id, member_id))
    if row is None or row.state != "open":
        return
    _put(turn, group_id, member_id, replace(row, state="left"))
    out = turn.rows.get(task_row(turn.estate_id, row.task_id)) if row.task_id else None
    if out is not None and out.task.status in tasks.OPEN:
        tasks.change(turn, out, TaskStatus.WITHDRAWN, "the member declined and is left in peace")


def _put(turn: Turn, group_id: str, member_id: str, row: KeyPerson) -> None:
    turn.rows.put(of_member(KEY_PERSON, turn.estate_id, group_id, member_id), row)
    turn.touched = True
