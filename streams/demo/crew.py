"""The simulated personas at work: they take the tasks that they are handed, and are human about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec

from agents.tasks import GRACE
from schemas.tasks import Task
from schemas.values import VISIBLE_ACTIONS, Action, TaskStatus
from streams.demo.chatter import JOINED, LEFT, Chatter
from streams.demo.talk import Talk
from streams.demo.wire import DEALERS, MINUTE, SECOND, WECOM, Data, Wire

_OPEN = frozenset({TaskStatus.ISSUED, TaskStatus.CLAIMED})
_GRACE = int(GRACE.total_seconds()) * SECOND
#: Who is late is so by this at most: no window of a day ends so near to the curfew that more would fit.
_LATEST = 28 * MINUTE
#: A task that was open until so shortly before its end has run out; one that closed earlier was called back.
_ALMOST = 20 * MINUTE
_EXCUSES = ("群里正在吵物业费，不合适", "人在工地，没来得及", "同样的话昨天刚发过", "客户在店里，走不开")


@dataclass(frozen=True, slots=True)
class Habits:
    """How a persona works; shares of their tasks."""

    skips: float
    ignores: float
    late: float
    forgets_to_mark: float
    marks_without_doing: float
    edits: float
    claims: float

    @classmethod
    def of(cls, rng: Random) -> Habits:
        """Most are diligent, some are not."""
        sloppy = rng.choice((0.3, 0.6, 1.0, 1.0, 1.6, 2.5))
        return cls(
            skips=0.02 * sloppy, ignores=0.04 * sloppy, late=0.05 * sloppy, forgets_to_mark=0.1 * sloppy,
            marks_without_doing=0.03 * sloppy, edits=rng.uniform(0.05, 0.3), claims=rng.uniform(0.1, 0.8),
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What somebody has decided to do about a task, and when."""

    task: Task
    at_ms: int
    deed: str
    end_ms: int


class Crew:
    """All personas of the simulation."""

    def __init__(self, wire: Wire, talk: Talk, chatters: Mapping[str, Chatter]) -> None:
        self.wire, self.talk, self.chatters = wire, talk, chatters
        self._habits: dict[str, Habits] = {}
        self._plans: dict[str, Plan] = {}
        self._open_until: dict[str, int] = {}
        self._done: set[str] = set()

    def work(self, tasks: Iterable[Task | Mapping[str, Any]], from_ms: int, until_ms: int) -> None:
        """Do what is due between the two times; a task that isn't open any more is left alone."""
        handed = {task.task_id: task for task in map(_task, tasks) if task.status in _OPEN}
        for id, task in handed.items():
            if id in self._done:
                continue
            if id not in self._plans:
                self._plans[id] = self._decide(task)
            self._open_until[id] = until_ms
        due = sorted(
            (max(plan.at_ms, from_ms + SECOND), id) for id, plan in self._plans.items() if plan.at_ms <= until_ms
        )
        for at_ms, id in due:
            plan = self._plans.pop(id)
            self._done.add(id)
            last_open = self._open_until.pop(id)
            if id in handed or (plan.deed == "late" and last_open >= plan.end_ms - _ALMOST):
                self._act(plan, at_ms)

    def _decide(self, task: Task) -> Plan:
        rng = Random(f"{self.wire.seed}/{task.task_id}")
        habits = self._habits_of(task.persona_id or "")
        start, end = (int(at.timestamp() * 1000) for at in (task.window.start, task.window.end))
        at_ms = start + int(rng.triangular(0, 1, 0.3) * (end - start))
        chance = rng.random() - habits.skips
        if chance < 0:
            return Plan(task, at_ms, "skip", end)
        if task.persona_id is None or chance < habits.ignores:
            return Plan(task, at_ms, "ignore", end)
        if chance < habits.ignores + habits.late:
            return Plan(task, end + min(int(rng.expovariate(1 / (15 * MINUTE))), _LATEST), "late", end)
        return Plan(task, at_ms, "do", end)

    def _habits_of(self, persona_id: str) -> Habits:
        if persona_id not in self._habits:
            self._habits[persona_id] = Habits.of(Random(f"{self.wire.seed}/{persona_id}"))
        return self._habits[persona_id]

    def _act(self, plan: Plan, at_ms: int) -> None:
        task = plan.task
        rng = Random(f"{self.wire.seed}/{task.task_id}/act")
        habits = self._habits_of(task.persona_id or "")
        if plan.deed == "skip":
            self._mark("skipped", plan, at_ms, {"reason": rng.choice(_EXCUSES)})
        if plan.deed not in {"do", "late"}:
            return
        if task.status is TaskStatus.ISSUED and rng.random() < habits.claims:
            self._mark("claimed", plan, at_ms, {})
            at_ms += SECOND
        message = "" if rng.random() < habits.marks_without_doing else self._do(task, at_ms, rng, habits)
        if message is None or rng.random() >= habits.forgets_to_mark:
            known = {"message_id": message} if message and rng.random() < 0.6 else {}
            self._mark("done", plan, at_ms + rng.randint(5, 150) * SECOND, known)

    def _do(self, task: Task, at_ms: int, rng: Random, habits: Habits) -> str | None:
        """Do it; the message id where it was done by a message that could be posted."""
        chatter = self.chatters.get(task.group_id)
        if chatter is None:
            return None
        people = (*chatter.census.staff, *chatter.census.buyers)
        persona = next((person for person in people if person.persona_id == task.persona_id), None)
        if persona is None:
            return None
        if task.action in VISIBLE_ACTIONS:
            return self._post(task, chatter, persona.member_id, at_ms, rng, habits)
        member = task.evidence.member_id if task.evidence else None
        if task.action is Action.REMOVE and member:
            gone = {"group_id": task.group_id, "member_id": member}
            self.wire.send(at_ms, WECOM, LEFT, gone, task.task_id, "removed")
        elif task.action is Action.INVITE and rng.random() < 0.5:
            came: Data = {
                "group_id": task.group_id, "member_id": f"{task.group_id}-i{task.task_id[-6:]}",
                "invited_by": persona.member_id, "join_scene": 1,
            }
            self.wire.send(at_ms + rng.randint(2, 200) * MINUTE, WECOM, JOINED, came, task.task_id, "invited")
        return None

    def _post(
        self, task: Task, chatter: Chatter, member_id: str, at_ms: int, rng: Random, habits: Habits
    ) -> str:
        text = task.script.text
        if rng.random() < habits.edits:
            text = edited(text, rng)
        if task.disclosure and task.disclosure not in text:
            text = f"{text}\n{task.disclosure}"
        said: Data = {"kind": "text", "text": text}
        evidence = task.evidence
        if evidence and evidence.member_id and task.action is not Action.POST:
            said["mentions"] = [evidence.member_id]
        if evidence and evidence.message_id and rng.random() < 0.5:
            said["reply_to"] = evidence.message_id
        message = self.wire.message(at_ms, task.group_id, member_id, said, task.task_id, "posted")
        self._answers(task, chatter, member_id, message, at_ms, rng)
        return message

    def _answers(
        self, task: Task, chatter: Chatter, author: str, message: str, at_ms: int, rng: Random
    ) -> None:
        if task.action is Action.WELCOME:
            count = 1 if rng.random() < 0.3 else 0
        else:
            count = min(int(rng.expovariate(1 / 1.8)), 8)
        for n in range(count):
            at_ms += 15 * SECOND + int(rng.expovariate(1 / (4 * MINUTE)))
            member = chatter.someone(rng, at_ms)
            if member is None:
                return
            if task.action is Action.WELCOME:
                text = self.talk.line(rng, "joined_reply", member.home)
            else:
                text = self.talk.answer(rng, task.script.text, member.home)
            body: Data = {"kind": "chain" if "接龙" in text else "text", "text": text}
            if rng.random() < 0.5:
                body["reply_to"] = message
            if rng.random() < 0.25:
                body["mentions"] = [author]
            self.wire.message(at_ms, task.group_id, member.member_id, body, task.task_id, "answer", str(n))

    def _mark(self, what: str, plan: Plan, at_ms: int, more: Data) -> None:
        """Say it of the task; who comes to it only when the task's time is over doesn't."""
        if at_ms > plan.end_ms + _GRACE:
            return
        task = plan.task
        data = {"task_id": task.task_id, "persona_id": task.persona_id, **more}
        data = {name: value for name, value in data.items() if value is not None}
        self.wire.send(at_ms, DEALERS, f"loupan.task.{what}.v1", data, task.task_id, what)


def edited(text: str, rng: Random) -> str:
    """The text as people change it before posting; the last line, where the disclosure stands, is left alone."""
    body, line, last = text.rpartition("\n")
    if not line:
        body, last = text, ""
    how = rng.randrange(4)
    if how == 0:
        body = f"大家好，{body}"
    elif how == 1:
        body = body.replace("。", "～", 1)
    elif how == 2:
        body = body.replace("！", "。")
    else:
        body = f"{body}😊"
    return body + line + last


def _task(row: Task | Mapping[str, Any]) -> Task:
    return row if isinstance(row, Task) else msgspec.convert(row, Task)
