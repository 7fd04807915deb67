"""Why a task was asked for: its rule in words, its script, what it rests on, and the events behind it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from schemas.tasks import Task
from schemas.values import Phase
from streams.playbook_files import builtin_playbooks
from streams.readers import TaskRow, came_in, went_out

_task = msgspec.json.Decoder(Task)
RULE = re.compile(
    r"^rule:(?P<playbook>.+)@(?P<version>[\d.]+)/(?P<id>[^:]+)(?P<instead>:instead)?(?::(?P<entry>[^:]+))?$")
#: Before the persona and the task that a task takes the place of (agents/absence.py).
FROM = "from:"
#: How much of a text is shown.
_SHORT = 80

_PHASE = {
    Phase.WARM_UP: "预热期", Phase.TRUST: "信任期", Phase.VALUE: "价值期", Phase.SIGN_UP: "报名期",
    Phase.CLOSING: "成交期",
}
_TYPES = {
    "loupan.group.message.v1": ("群里的一条消息", "a message in the group"),
    "loupan.group.member-joined.v1": ("有人进群", "somebody joined the group"),
    "loupan.group.member-left.v1": ("有人退群", "somebody left the group"),
    "loupan.group.updated.v1": ("群资料有变", "the group changed"),
    "loupan.member.home-declared.v1": ("有人登记了房号", "a member declared their home"),
    "loupan.order.placed.v1": ("有人下单", "an order was placed"),
    "loupan.order.deposit-paid.v1": ("有人付了定金", "a deposit was paid"),
    "loupan.order.paid.v1": ("有人付清", "an order was paid"),
    "loupan.order.delivered.v1": ("订单已送达", "an order was delivered"),
    "loupan.order.install-checked.v1": ("安装验收了一步", "an install check was made"),
    "loupan.order.installed.v1": ("安装完成", "an order was installed"),
    "loupan.order.rebate-paid.v1": ("介绍人的返利付了", "a rebate was paid"),
    "loupan.order.consented.v1": ("业主表示同意或不再同意", "the buyer agreed, or agreed no more"),
    "loupan.design.drafted.v1": ("设计方案画好了", "a plan was drawn"),
    "loupan.design.consented.v1": ("方案的主人表示同意或不再同意", "the plan's owner agreed, or agreed no more"),
    "loupan.member.erased.v1": ("已按本人要求删除", "erased at the member's own request"),
    "loupan.order.cancelled.v1": ("订单取消", "an order was cancelled"),
    "loupan.order.refunded.v1": ("订单退款", "an order was refunded"),
    "loupan.member.consent.v1": ("有人更改了授权", "a member's consent changed"),
    "loupan.campaign.started.v1": ("总部启动了作战", "the campaign was started"),
    "loupan.campaign.resumed.v1": ("作战恢复", "the campaign goes on"),
    "loupan.persona.away.v1": ("有同事请假，由人接手", "one of our people is away, and somebody stands in"),
    "loupan.clock.woke.v1": ("到了当天排任务的时间", "it was time to plan the day"),
    "loupan.campaign.phase-entered.v1": ("进入新阶段", "a phase was entered"),
    "loupan.campaign.gate-missed.v1": ("阶段目标没达成", "a phase's gate was missed"),
    "loupan.member.rung-changed.v1": ("有人上了一级台阶", "a member moved on the ladder"),
}


def explain(connection: Connection, row: TaskRow, *, chinese: bool) -> dict[str, Any]:
    """Everything behind a task, as JSON has it. Events that are not kept any more come with their name alone."""
    task = _task.decode(row.body)
    refs = [cause for cause in task.because if not cause.startswith(("rule:", FROM))]
    rules = [cause for cause in task.because if cause.startswith("rule:")]
    sent = went_out(connection, task.estate_id, task.dealer_id, [id for ref in refs for _, id in _names(ref)])
    events = [_event(ref, _find(connection, ref, sent), chinese=chinese) for ref in refs]
    return {
        "task_id": task.task_id,
        "status": task.status,
        "because": task.because,
        "rule": {"id": rules[0] if rules else None, "words": _in_words(task, rules, chinese=chinese)},
        "script": {"id": task.script.id, "version": task.script.version},
        "evidence": task.evidence,
        "disclosure": task.disclosure,
        "from": _taken_over(task),
        "events": events,
        "issued_at": task.issued_at,
    }


def _taken_over(task: Task) -> dict[str, str] | None:
    """Whose task it was before, and which."""
    for cause in task.because:
        if cause.startswith(FROM):
            persona_id, _, task_id = cause.removeprefix(FROM).rpartition("/")
            return {"persona_id": persona_id, "task_id": task_id}
    return None


def _names(ref: str) -> list[tuple[str, str]]:
    """Every (source, id) that a `source#id` may mean: a source may itself hold a #."""
    parts = ref.split("#")
    return [("#".join(parts[:i]), "#".join(parts[i:])) for i in range(1, len(parts))]


def raw_of(connection: Connection, ref: str) -> bytes | None:
    """The event of that name that came through a door, whole."""
    return _find(connection, ref, {})


def _find(connection: Connection, ref: str, sent: dict[str, bytes]) -> bytes | None:
    for source, id in _names(ref):
        raw = came_in(connection, source, id) or sent.get(id)
        if raw is not None:
            return raw
    return None


def _event(ref: str, raw: bytes | None, *, chinese: bool) -> dict[str, Any]:
    if raw is None:
        return _unseen(ref, chinese=chinese)
    event = msgspec.json.decode(raw)
    type = event["type"]
    zh, en = _TYPES.get(type, (type, type))
    return {
        "ref": ref, "type": type, "time": event["time"], "what": zh if chinese else en,
        "text": _short(event.get("data") or {}),
    }


def _unseen(ref: str, *, chinese: bool) -> dict[str, Any]:
    """An event that came through no door: the clock's wake-ups stand in the estates' log alone."""
    source, _, id = ref.rpartition("#")
    if source != "loupan" and not source.startswith("loupan/"):
        return {"ref": ref, "type": None, "time": None, "what": "记录里没有了" if chinese else "not kept", "text": ""}
    zh, en = _TYPES["loupan.clock.woke.v1"]
    return {
        "ref": ref, "type": "loupan.clock.woke.v1", "time": _time_of(id), "what": zh if chinese else en, "text": "",
    }


def _time_of(id: str) -> datetime | None:
    """The time in one of our own ids (schemas/ids.py)."""
    try:
        return datetime.fromtimestamp(int(id[:8] + id[9:13], 16) / 1000, UTC)
    except (ValueError, OverflowError):
        return None


def _short(data: dict[str, Any]) -> str:
    for name in ("text", "display_name", "name", "reason", "note", "address", "estate_name", "title"):
        if isinstance(text := data.get(name), str) and text:
            return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"
    if isinstance(fen := data.get("amount_fen"), int):
        return f"¥{fen / 100:,.2f}"
    return ""


def _in_words(task: Task, rules: list[str], *, chinese: bool) -> str:
    match = RULE.match(rules[0]) if rules else None
    if match is None:
        return rules[0] if rules else ""
    playbook, version, id = match["playbook"], match["version"], match["id"]
    if chinese:
        when = f"活动第 {task.day} 天（{_PHASE[task.phase]}）" if task.group_id else "建群、进群之前"
        why = f"打法《{_title(playbook)}》（第 {version} 版）在{when}的安排"
        why += "：群里有人说了话或有了动静，需要接住" if task.evidence and task.evidence.message_id else ""
        why += f"；依据订单 {task.evidence.order_id}" if task.evidence and task.evidence.order_id else ""
        return why + ("；没有可以作证的买家，改为请真实买家来说。" if match["instead"] else "。")
    when = f"on day {task.day} ({task.phase.value})" if task.group_id else "before there is a group"
    why = f"Playbook {playbook}, version {version}: “{id}” {when}"
    why += ", an answer to a message in the group" if task.evidence and task.evidence.message_id else ""
    why += f", resting on the order {task.evidence.order_id}" if task.evidence and task.evidence.order_id else ""
    return why + ("; no buyer can testify, so real buyers are asked instead." if match["instead"] else ".")


def _title(playbook: str) -> str:
    """What people call the playbook; its name where it is not one that ships."""
    found = builtin_playbooks().get(playbook)
    return found.title if found is not None else playbook
