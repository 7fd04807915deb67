"""What a person says of a task, over HTTP or on the command line: whether it can be, and the event that says it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from agents.tasks import GRACE, MOVES, OPEN, is_early
from schemas.ids import derived_id_ms
from schemas.tasks import Task
from schemas.values import TaskStatus
from streams.readers import TaskRow

Deed = Literal["claim", "done", "skip"]

_STATUS: dict[Deed, TaskStatus] = {
    "claim": TaskStatus.CLAIMED, "done": TaskStatus.DONE, "skip": TaskStatus.SKIPPED,
}
_STANDS = {
    TaskStatus.ISSUED: "待办", TaskStatus.CLAIMED: "已认领", TaskStatus.DONE: "已完成", TaskStatus.VERIFIED: "已核实",
    TaskStatus.SKIPPED: "已跳过", TaskStatus.EXPIRED: "已过期", TaskStatus.WITHDRAWN: "已撤回",
}
_WANTED: dict[Deed, str] = {"claim": "认领", "done": "标记完成", "skip": "跳过"}
_decode = msgspec.json.Decoder(Task).decode


class Refusal(NamedTuple):
    """Why something cannot be said of a task, in both languages (English as part of a sentence)."""

    why: Literal["not theirs", "too early", "too late"]
    zh: str
    en: str
    status: TaskStatus


class Said(NamedTuple):
    """What is said of a task, when (with an offset), and by which of its own people, where they are named."""

    deed: Deed
    at: datetime
    persona_id: str | None = None
    message_id: str | None = None
    reason: str | None = None


def refusal(row: TaskRow, said: Said) -> Refusal | None:
    """Why it cannot be said of the task as it stands; None where it can. The campaign has the last word."""
    stands, wanted = TaskStatus(row.status), _STATUS[said.deed]
    if said.persona_id is not None and said.persona_id != row.persona_id:
        return Refusal(
            "not theirs", f"这条任务派给了 {row.persona_id}，不是 {said.persona_id}。",
            f"the task was given to {row.persona_id}, not to {said.persona_id}", stands)
    if stands is wanted:
        # Saying again what is so already is a double tap, not a mistake.
        return None
    task = _decode(row.body)
    if stands in OPEN and said.at > task.window.end + GRACE:
        stands = TaskStatus.EXPIRED
    if wanted not in MOVES[stands] or (stands is TaskStatus.EXPIRED and said.at > task.window.end + GRACE):
        return Refusal(
            "too late", f"任务{_STANDS[stands]}，不能再{_WANTED[said.deed]}。",
            f"the task is {stands.value}: it cannot be {wanted.value} any more", stands)
    if wanted is TaskStatus.DONE and is_early(task, said.at):
        start, now = task.window.start, said.at.astimezone(task.window.start.tzinfo)
        return Refusal(
            "too early", f"这条任务是 {start:%H:%M} 的，{now:%H:%M} 完成太早了。",
            f"the task is for {start:%H:%M}: done at {now:%H:%M} is too early", stands)
    return None


def event_of(row: TaskRow, said: Said, source: str) -> dict[str, object]:
    """The event that says it. Its id follows from what is said, not from when: said twice, it is one event."""
    persona_id = said.persona_id or row.persona_id
    data: dict[str, object] = {"task_id": row.task_id}
    if persona_id is not None:
        data["persona_id"] = persona_id
    if said.deed == "skip":
        data["reason"] = (said.reason or "").strip() or "没有说明原因"
    elif said.message_id:
        data["message_id"] = said.message_id
    return {
        "specversion": "1.0",
        "id": derived_id_ms(_born(row.task_id), row.task_id, said.deed, persona_id or ""),
        "source": source,
        "type": f"loupan.task.{_STATUS[said.deed].value}.v1",
        "time": said.at,
        "subject": row.task_id,
        "datacontenttype": "application/json",
        "partitionkey": row.estate_id,
        "data": data,
    }


def _born(task_id: str) -> int:
    """The milliseconds in a task's id."""
    try:
        return int(task_id[:8] + task_id[9:13], 16)
    except ValueError:
        return 0
