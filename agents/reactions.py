"""What calls for an answer at once: somebody joined, asked, complained. At night it waits for the morning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from agents import honesty, staffing
from agents.called import addressed
from agents.handout import GroupAtWork, Job, hand_out, wants_nothing
from agents.knowledge import answer_to
from agents.rows import Address
from agents.said_time import when_said
from agents.state import DayCount, day_count
from agents.tasks import OPEN
from agents.turn import Turn
from schemas.playbook import Reaction, ScriptText
from schemas.reference import Persona
from schemas.tasks import Evidence, Task
from schemas.values import Action, Role, TaskStatus


def react(
    turn: Turn, on: str, group_id: str, member_id: str, message_id: str | None, text: str = ""
) -> None:
    """Issue what the playbook asks for when `on` happens (`joined`, or a signal's name); `text` is what was said."""
    reactions = turn.play_in(group_id).reactions.get(on)
    if reactions is None or not turn.running or wants_nothing(turn, group_id, member_id):
        return
    # Most often nothing is to be done: a busy group has had its answers of the day by noon, and who asks twice has been
    # answered once. That is looked at before anything else.
    open_ = [reaction for reaction in reactions if not _had_its_day(turn, group_id, reaction)]
    if open_:
        open_ = _not_out(turn, group_id, member_id, open_)
    group = turn.worked(group_id) if open_ else None
    if group is None:
        return
    at_work = GroupAtWork(turn, group)
    for reaction in open_:
        _answer(at_work, reaction, Evidence(message_id=message_id, member_id=member_id, about=on), text)


def _had_its_day(turn: Turn, group_id: str, reaction: Reaction) -> bool:
    """Whether today's answers are given, for sure: one that waits for the morning is looked at closer."""
    row: DayCount | None = turn.rows.get(day_count(turn.estate_id, group_id, reaction.id))
    if row is None or row.count < reaction.a_day:
        return False
    start, _ = window(turn, reaction.minutes)
    return row.date >= start.date().isoformat()


def _answer(at_work: GroupAtWork, reaction: Reaction, evidence: Evidence, text: str) -> None:
    """One answer: not while another to the same person is out, and no more a day than the playbook says."""
    turn = at_work.turn
    start, end = window(turn, reaction.minutes)
    if turn.campaign is not None and end.date().isoformat() < turn.campaign.turned:
        # The event came so late that its day is over: nobody can answer in the past.
        return
    day = start.date().isoformat()
    address = day_count(turn.estate_id, at_work.group.group_id, reaction.id)
    count = counted_on(turn, address, day)
    when = when_said(text) if evidence.about == "agrees_to_visit" else ""
    people = at_work.free(start, end) or at_work.personas
    for draft in _drafts(at_work, people, reaction, evidence, text):
        job = Job(
            draft.id, draft.role, reaction.action, draft.script, draft.persona, start, end, reaction.priority, evidence,
            member_name=addressed(turn.place.name, reaction.action), member_when=when, rule=draft.rule,
        )
        # Only what is really handed out takes one of the day's places.
        if hand_out(at_work, job) is not None:
            turn.rows.put(address, DayCount(day, count + 1))
            return


def counted_on(turn: Turn, address: Address, day: str) -> int:
    """How many tasks a `DayCount` has for a day."""
    row: DayCount | None = turn.rows.get(address)
    return row.count if row is not None and row.date == day else 0


class _Draft(Struct, frozen=True):
    """Who answers in which words, and by which rule of the playbook."""

    id: str
    role: Role
    script: ScriptText
    persona: Persona
    rule: str


def _drafts(
    at_work: GroupAtWork, people: Sequence[Persona], reaction: Reaction, evidence: Evidence, text: str
) -> Iterator[_Draft]:
    """The answer of the knowledge base where one fits and its role is there; then the reaction's own.

    The second is for where the first cannot be handed out: it may speak of an offer that this dealer does not have.
    """
    world = at_work.turn.world
    entry = None
    if reaction.action is Action.REPLY:
        own = world.answers_of(at_work.group.dealer_id)
        entry = answer_to(evidence.about or "", text, world.knowledge_of(at_work.play), own)
    if entry is not None and (persona := staffing.persona_for(entry.role, people, 0)) is not None:
        yield _Draft(entry.id, entry.role, entry.script, persona, f"{reaction.id}:{entry.id}")
    persona = staffing.persona_for(reaction.role, people, 0)
    if persona is not None:
        yield _Draft(reaction.id, reaction.role, reaction.script, persona, reaction.id)


def _not_out(turn: Turn, group_id: str, member_id: str, reactions: Iterable[Reaction]) -> list[Reaction]:
    """Those that were not asked for already for that member: still open, or within its time and not withdrawn."""
    theirs = [
        task for row in turn.tasks()
        if (evidence := (task := row.task).evidence) is not None and evidence.member_id == member_id
        and task.group_id == group_id
    ]
    if not theirs:
        return list(reactions)
    return [reaction for reaction in reactions if not any(_is_out(turn, task, reaction) for task in theirs)]


def _is_out(turn: Turn, task: Task, reaction: Reaction) -> bool:
    if not _is_of(task, reaction) or task.status is TaskStatus.WITHDRAWN:
        return False
    return task.status in OPEN or task.issued_at > turn.now - timedelta(minutes=reaction.again_after)


def _is_of(task: Task, reaction: Reaction) -> bool:
    """Whether the reaction called for the task, whatever words it was given."""
    rules = [cause.rpartition("/")[2] for cause in task.because if cause.startswith("rule:")]
    return any(rule.partition(":")[0] == reaction.id for rule in rules)


def window(turn: Turn, minutes: int) -> tuple[datetime, datetime]:
    """From now on for so many minutes; what would touch the curfew waits for its end."""
    curfew = turn.play.playbook.curfew
    start, length = turn.local, timedelta(minutes=minutes)
    if not honesty.in_curfew(curfew, start, start + length):
        return start, start + length
    morning = turn.at(start.date(), curfew.end)
    if morning <= start:
        morning = turn.at(start.date() + timedelta(days=1), curfew.end)
    return morning, morning + length
