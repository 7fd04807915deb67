"""The robot of a dealer's own staff group in WeCom (企业微信群机器人): what it says there, in Chinese.

It writes to the colleagues who added it to their group, and to nobody else: no customer, no owners' group. It takes
`{"msgtype": "markdown", "markdown": {"content": …}}` of 4,096 bytes at most, 20 messages a minute, and answers with 200
and an `errcode` (https://developer.work.weixin.qq.com/document/path/91770).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

import msgspec

from schemas.reference import Reference
from schemas.tasks import Goal, PhaseChange, Task
from schemas.values import Action, Phase
from streams.webhooks.posting import Outcome

#: The longest content, in bytes of UTF-8.
LONGEST = 4096
#: How long between two messages, in seconds: 4 a minute, so that several endpoints of one robot stay below its 20.
PACE = 15.0
#: How long it is waited for more before something is said, in seconds: a day's tasks come in several batches.
GATHER = 5.0
#: A task that begins within so long of being handed out is urgent.
URGENT = timedelta(minutes=60)
#: Lines of one kind at most.
_LINES = 6
#: Its errors: too many messages (a minute's pause), and no such robot any more.
TOO_MANY, NO_ROBOT = 45009, 93000

_PHASES = {
    Phase.WARM_UP: "预热期", Phase.TRUST: "信任期", Phase.VALUE: "价值期", Phase.SIGN_UP: "报名期",
    Phase.CLOSING: "成交期",
}
_ACTIONS = {
    Action.POST: "发消息", Action.REPLY: "回复", Action.WELCOME: "欢迎新人", Action.INVITE: "邀约",
    Action.CALL: "打电话", Action.VISIT: "上门",
    Action.WARN: "私下提醒", Action.REMOVE: "移出群", Action.REVIEW: "审核", Action.CHECK: "检查",
}
#: What would be read as markup, or would call somebody.
_MARKUP = re.compile(r"[\[\]<>`*_#@|\\\r\n\t]")
#: What would make an address of it, which a reader's client turns into a link.
_WIDE = str.maketrans(".:/", "．：／")


class _Issued(msgspec.Struct):
    data: Task


class _Entered(msgspec.Struct):
    data: PhaseChange


class _Reached(msgspec.Struct):
    data: Goal


_issued = msgspec.json.Decoder(_Issued).decode
_entered = msgspec.json.Decoder(_Entered).decode
_reached = msgspec.json.Decoder(_Reached).decode


def message(
    events: Sequence[tuple[str, bytes]], reference: Reference, now: datetime, zone: tzinfo
) -> bytes | None:
    """One message about all these events (type and bytes, in order); None where there is nothing to say."""
    lines = _Lines(reference, now.astimezone(zone), zone)
    for type, raw in events:
        lines.take(type, raw)
    content = lines.text()
    return None if not content else said(content)


def said(content: str) -> bytes:
    """The body of a message."""
    return msgspec.json.encode({"msgtype": "markdown", "markdown": {"content": _cut(content)}})


def _cut(content: str) -> str:
    raw = content.encode()
    if len(raw) <= LONGEST:
        return content
    return raw[: LONGEST - 3].decode(errors="ignore") + "…"


def judged(outcome: Outcome) -> tuple[Outcome, bool]:
    """An answer of WeCom's, which says in a 200 what went wrong; and whether there is no such robot any more."""
    if not outcome.ok:
        return outcome, outcome.gone
    try:
        answer = msgspec.json.decode(outcome.body)
        code, words = int(answer["errcode"]), str(answer.get("errmsg", ""))
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError, AttributeError):
        return Outcome(outcome.status, "its answer is not WeCom's: is the URL right?"), False
    if code == 0:
        return outcome, False
    return Outcome(
        outcome.status, f"errcode {code}: {words.partition(',')[0][:120]}", 60.0 if code == TOO_MANY else None,
    ), code == NO_ROBOT


class _Lines:
    """Collects what is to be said."""

    def __init__(self, reference: Reference, now: datetime, zone: tzinfo) -> None:
        self._reference, self._now, self._zone = reference, now, zone
        self._planned: dict[str, list[Task]] = {}
        self._urgent: list[str] = []
        self._news: list[str] = []
        self._other = 0

    def take(self, type: str, raw: bytes) -> None:
        """Note an event; one from which somebody was erased may be none of these any more."""
        try:
            if type == "loupan.task.issued.v1":
                self._task(_issued(raw).data)
            elif type == "loupan.campaign.phase-entered.v1":
                entered = _entered(raw).data
                self._news.append(
                    f"**{self._estate(entered.estate_id)}** 进入{_PHASES[entered.phase]}（第 {entered.day} 天）")
            elif type == "loupan.campaign.goal-reached.v1":
                goal = _reached(raw).data
                self._news.append(f"**{self._estate(goal.estate_id)}** 达成目标：{goal.orders} 单")
            else:
                self._other += 1
        except msgspec.MsgspecError:
            self._other += 1

    def _task(self, task: Task) -> None:
        if task.window.end < self._now:
            return
        start = task.window.start.astimezone(self._zone)
        if task.window.start - task.issued_at <= URGENT:
            until = task.window.end.astimezone(self._zone)
            self._urgent.append(f"{self._group(task)}：{_ACTIONS[task.action]}，{until:%H:%M} 前")
        else:
            self._planned.setdefault(f"{start:%Y-%m-%d}", []).append(task)

    def text(self) -> str:
        """The content, or nothing."""
        lines = []
        for day, tasks in sorted(self._planned.items()):
            lines += self._day(day, tasks)
        if self._urgent:
            lines.append(f'<font color="warning">新的急事 {len(self._urgent)} 条</font>')
            lines += _some(self._urgent)
        lines += _some(self._news)
        if self._other:
            lines.append(f"另有 {self._other} 条动态")
        return "\n".join(lines)

    def _day(self, day: str, tasks: list[Task]) -> list[str]:
        first = min(task.window.start for task in tasks).astimezone(self._zone)
        counted = Counter(self._group(task) for task in tasks)
        return [
            f"**{self._named(day)}有 {len(tasks)} 条任务**，第一条 {first:%H:%M} 开始",
            *_some([f"{group}：{count} 条" for group, count in counted.most_common()]),
        ]

    def _named(self, day: str) -> str:
        if day == f"{self._now:%Y-%m-%d}":
            return "今天"
        if day == f"{self._now + timedelta(days=1):%Y-%m-%d}":
            return "明天"
        return f"{int(day[5:7])}月{int(day[8:])}日"

    def _group(self, task: Task) -> str:
        group = self._reference.groups.get(task.group_id)
        return plain(group.name or group.group_id) if group is not None else self._estate(task.estate_id)

    def _estate(self, estate_id: str) -> str:
        estate = self._reference.estates.get(estate_id)
        return plain(estate.name if estate else estate_id)


def _some(lines: list[str]) -> list[str]:
    quoted = [f"> {line}" for line in lines[:_LINES]]
    return quoted + ([f"> 另有 {len(lines) - _LINES} 条"] if lines[_LINES:] else [])


def plain(name: str) -> str:
    """A name without what would be read as markup or as a link: groups are named by their owners."""
    text = _MARKUP.sub("", name).translate(_WIDE).strip() or "（未命名）"
    return text if len(text) <= 30 else f"{text[:30]}…"
