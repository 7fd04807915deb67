"""The only way out: a job becomes a text, honesty has the last word, and the task is handed out.

Planned duties and reactions alike come through `hand_out`; nothing gets past `honesty.refusal` there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from agents import characters, honesty, peace, scripts, staffing, tasks
from agents.rota import Rota
from agents.state import MemberRow, OrderRow, TaskRow, member_row, task_row
from agents.texts import Text, text_of
from agents.turn import Turn
from schemas.ids import derived_id
from schemas.playbook import ScriptText
from schemas.reference import Group, Persona
from schemas.tasks import Evidence, Script, Task, TaskIssued, Window
from schemas.values import SAID_ACTIONS, Action, PersonaClass, Phase, Role, TaskStatus

#: A task that stands so has had its chance; only one that was withdrawn or expired may be asked for again.
_STANDS = frozenset(TaskStatus) - {TaskStatus.WITHDRAWN, TaskStatus.EXPIRED}


class Job(Struct, frozen=True, eq=False):
    """What is to be done, by whom, when, and on what it rests."""

    id: str
    role: Role
    action: Action
    script: ScriptText
    persona: Persona
    start: datetime
    end: datetime
    priority: int
    evidence: Evidence | None = None
    order: OrderRow | None = None
    member_name: str = ""
    neighbour_name: str = ""
    #: The time that the member named, in their words.
    member_when: str = ""
    #: Which rule of the playbook asks for it, where that isn't its id.
    rule: str = ""
    #: What it rests on beside the event and the rule: the task that it takes the place of.
    also: tuple[str, ...] = ()
    #: What it is about, where neither a message nor a member says so: an order, a plan.
    thing: str = ""
    #: What its text may speak of beside the usual.
    values: Mapping[str, object] = {}


class _Day(Struct):
    """A group's tasks of a day, those apart that were withdrawn; its active shills, and how often each one posts."""

    rows: list[TaskRow] = []
    shills: set[str] = set()
    posts: dict[str | None, int] = {}

    def add(self, row: TaskRow) -> None:
        """One more task of the day."""
        task = row.task
        self.rows.append(row)
        if task.role is Role.SHILL:
            self.shills.add(task.persona_id or "")
        if task.action is Action.POST:
            self.posts[task.persona_id] = self.posts.get(task.persona_id, 0) + 1


class GroupAtWork:
    """One group in one turn: its people, its counts, its tasks, the values of its texts; once for all its jobs."""

    __slots__ = (
        "turn", "group", "personas", "members", "tasks", "values", "store", "open", "rota", "play", "_by_day",
        "_by_script", "_people")

    def __init__(self, turn: Turn, group: Group) -> None:
        self.turn, self.group, self.play = turn, group, turn.play_in(group.group_id)
        reference, row = turn.world.reference, turn.group_row(group.group_id)
        self.personas = reference.people_of(group)
        self.members = turn.tally(group.group_id).members
        self.tasks = {r.task.task_id: r for r in turn.tasks() if r.task.group_id == group.group_id}
        self.rota: Rota = Rota.of(turn)
        self.store = turn.world.store_of(group)
        self.open = row.open
        dealer = reference.dealers[group.dealer_id or ""]
        offers = scripts.offers_for(self.play.playbook.offers, reference.offers, group.dealer_id)
        day = turn.campaign.day if turn.campaign is not None else 0
        self.values: dict[str, Any] = scripts.values_for(
            reference.estates[turn.estate_id], replace(group, name=row.name or group.name), self.store, dealer, None,
            offers, day)
        #: Its tasks by the day on which they are to be done, and by the script; made when first asked for.
        self._by_day: dict[date, _Day] | None = None
        self._by_script: dict[str, list[TaskRow]] = {}
        self._people: dict[str, dict[str, str]] = {}

    def free(self, start: datetime, end: datetime) -> tuple[Persona, ...]:
        """Those of its people who can be asked for a window of local time."""
        return self.rota.free(self.personas, start, end)

    def given(self, row: TaskRow) -> None:
        """One more task of the group's."""
        self.tasks[row.task.task_id] = row
        if self._by_day is not None:
            self._note(self._by_day, row)

    def taken(self, task_id: str) -> None:
        """One of the group's tasks goes to somebody else: it counts no more."""
        del self.tasks[task_id]
        self._by_day, self._by_script = None, {}

    def _days(self) -> dict[date, _Day]:
        if self._by_day is None:
            self._by_day = {}
            for row in self.tasks.values():
                self._note(self._by_day, row)
        return self._by_day

    def _note(self, days: dict[date, _Day], row: TaskRow) -> None:
        self._by_script.setdefault(row.task.script.id, []).append(row)
        if row.task.status is not TaskStatus.WITHDRAWN:
            day = self.turn.day_of(row.task.window.start)
            if day not in days:
                days[day] = _Day()
            days[day].add(row)

    def on(self, day: date) -> _Day:
        """What the group has on a day."""
        return self._days().get(day) or _Day()

    def tasks_of(self, day: date) -> list[TaskRow]:
        """The group's tasks of a day, those apart that were withdrawn."""
        return self.on(day).rows

    def values_of(self, persona: Persona) -> dict[str, str]:
        """What a text may say of one of its people."""
        known = self._people.get(persona.persona_id)
        if known is None:
            traits = characters.traits_of(persona, self.play.playbook.character)
            known = {"name": persona.name, "title": scripts.title_of(persona), **traits}
            self._people[persona.persona_id] = known
        return known

    def was_asked(self, script: str, member_id: str | None = None) -> bool:
        """Whether the script is out already on the campaign's day, about that member where there is one."""
        campaign = self.turn.campaign
        self._days()
        return any(
            row.task.status in _STANDS
            and campaign is not None and row.task.campaign_id == campaign.campaign_id and row.task.day == campaign.day
            and (member_id is None or (row.task.evidence is not None and row.task.evidence.member_id == member_id))
            for row in self._by_script.get(script, ())
        )


def hand_out(at_work: GroupAtWork, job: Job) -> Task | None:
    """Hand out a task. None where nothing is handed out: nobody is there, it has no text, or it would not be honest."""
    turn = at_work.turn
    if (found := _staffed(at_work, job)) is None:
        tasks.count(turn, None, None, unstaffed=1)
        return None
    job = found
    try:
        text = text_of(job.script, _values(at_work, job))
    except scripts.BadScript:
        # A value of the stream (a member's name) left nothing to say: no task is better than half a one.
        tasks.count(turn, None, None, refused=1)
        return None
    task = _task(at_work, job, text)
    if task is None:
        return None
    if honesty.refusal(_draft(at_work, job, task, text)) is not None:
        tasks.count(turn, None, None, refused=1)
        return None
    _issue(at_work, task, job.end)
    return task


def _staffed(at_work: GroupAtWork, job: Job) -> Job | None:
    """The job with somebody who works then: as it is, or for the shop's staff with who stands in; else None."""
    if at_work.rota.fault(job.persona, job.start, job.end) is None:
        return job
    if job.persona.cls is not PersonaClass.STAFF or (job.evidence is not None and job.evidence.answers):
        return None
    free = at_work.free(job.start, job.end)
    if job.role is not Role.SHILL:
        persona = staffing.persona_for(job.role, free, 0)
    else:
        persona = staffing.shill_for(job.persona.cls, [p for p in free if p.role is Role.SHILL], 0)
    return replace_persona(job, persona) if persona is not None else None


def replace_persona(job: Job, persona: Persona) -> Job:
    """The same job for somebody else."""
    return replace(job, persona=persona)


def _values(at_work: GroupAtWork, job: Job) -> dict[str, Any]:
    values = {**at_work.values, "persona": at_work.values_of(job.persona), **job.values}
    values = scripts.with_member(values, job.member_name, job.member_when) if job.member_name else values
    return {**values, "neighbour": {"name": job.neighbour_name}} if job.neighbour_name else values


def _task(at_work: GroupAtWork, job: Job, text: Text) -> Task | None:
    """The task of a job; None where there is no campaign for it, or it is there already."""
    turn, campaign, group = at_work.turn, at_work.turn.campaign, at_work.group
    # Without a group it is done before the first phase begins, which it leads to.
    phase = campaign.phase if campaign is not None and (campaign.phase or group.group_id) else Phase.WARM_UP
    if campaign is None or phase is None:
        return None
    task_id = _task_id(at_work, job, campaign.campaign_id)
    if task_id is None:
        return None
    playbook = at_work.play.playbook
    disclosure = honesty.disclosure_of(job.persona, at_work.values["store"]["name"], scripts.title_of(job.persona))
    said = f"{text.said}\n{disclosure}" if disclosure and job.action in SAID_ACTIONS else text.said
    return Task(
        task_id=task_id, dealer_id=group.dealer_id or "",
        store_id=at_work.store.store_id if at_work.store is not None else None,
        estate_id=turn.estate_id, group_id=group.group_id, campaign_id=campaign.campaign_id,
        stage=campaign.stage, phase=phase, day=campaign.day, role=job.role,
        persona_id=job.persona.persona_id, action=job.action, window=Window(job.start, job.end),
        script=Script(job.id, job.script.version, said, text.attachments),
        disclosure=disclosure, evidence=job.evidence,
        because=(turn.event.ref, f"rule:{playbook.playbook}@{playbook.edition}/{job.rule or job.id}", *job.also),
        priority=job.priority, status=TaskStatus.ISSUED, issued_at=turn.local,
    )


def _task_id(at_work: GroupAtWork, job: Job, campaign_id: str) -> str | None:
    """The id that follows from what the task is; another where it is asked for again after it was withdrawn."""
    evidence = job.evidence or Evidence()
    causes = (
        campaign_id, at_work.group.group_id, job.id, job.persona.persona_id,
        evidence.message_id or evidence.member_id or "", *((job.thing,) if job.thing else ()),
    )
    task_id = derived_id(job.start, *causes)
    known = at_work.tasks.get(task_id)
    if known is None:
        return task_id
    if known.task.status in _STANDS:
        return None
    again = derived_id(job.start, *causes, at_work.turn.event.ref)
    return again if again not in at_work.tasks else None


def _draft(at_work: GroupAtWork, job: Job, task: Task, text: Text) -> honesty.Draft:
    turn, playbook = at_work.turn, at_work.play.playbook
    of_day = at_work.on(turn.day_of(job.start))
    evidence = job.evidence or Evidence()
    answered = at_work.tasks.get(evidence.answers or "")
    return honesty.Draft(
        task=task, words=text.judged, estate=at_work.values["estate"]["name"], speaks_as=job.script.speaks_as,
        persona=job.persona, product=job.script.testimonial, order=job.order, limits=playbook.limits,
        curfew=playbook.curfew, local_start=job.start, local_end=job.end, members=at_work.members,
        active_shills=frozenset(of_day.shills), posts_today=of_day.posts.get(task.persona_id, 0),
        group_open=at_work.open,
        target_opted_out=any(wants_nothing(turn, task.group_id, one) for one in tasks.people_in(evidence)),
        store=at_work.values["store"]["name"],
        templates=(job.script.text, *job.script.attachments),
        target_in_peace=peace.is_left(turn, task),
        answered=answered.task if answered is not None else None,
        exchanges_today=_exchanges(of_day.rows, task, answered.task) if answered is not None else 0,
    )


def _exchanges(of_day: list[TaskRow], reply: Task, post: Task) -> int:
    """In how many other exchanges of the day whoever answers, or whoever posted, takes part: the larger of the two."""
    people: dict[str | None, set[str]] = {reply.persona_id: set(), post.persona_id: set()}
    by_id = {row.task.task_id: row.task for row in of_day}
    for task in by_id.values():
        answers = task.evidence.answers if task.evidence is not None else None
        if answers is None or answers == post.task_id:
            continue
        for one in (task, by_id.get(answers)):
            if one is not None and one.persona_id in people:
                people[one.persona_id].add(answers)
    return max(map(len, people.values()))


def wants_nothing(turn: Turn, group_id: str, member_id: str) -> bool:
    """Whether a member wants no messages from us."""
    row: MemberRow | None = turn.rows.get(member_row(turn.estate_id, group_id, member_id))
    return turn.place.no_messages or (row is not None and row.opted_out)


def _issue(at_work: GroupAtWork, task: Task, end: datetime) -> None:
    turn = at_work.turn
    row = TaskRow(task, end + tasks.GRACE)
    at_work.given(row)
    at_work.rota.give(task.persona_id or "", turn.day_of(task.window.start))
    turn.rows.put(task_row(turn.estate_id, task.task_id), row)
    tasks.count(turn, None, TaskStatus.ISSUED)
    turn.emit(TaskIssued, task, task.task_id, subject=task.task_id, key=task.dealer_id)
    turn.wake(row.expires)
