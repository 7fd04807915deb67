"""Why a task was asked for, told in full: who does it as what, its rule's place, the events, the order, how it ended.

Read from the tables alone, so that it is the same on either driver. Of somebody who was erased, or forbade to be
profiled, nothing is shown of what they said, nor who they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from agents.order_life import state_of
from agents.state import OrderRow, PersonRow, order_row, person
from schemas.errors import BadPlaybook
from schemas.playbook import Playbook
from schemas.reference import Persona
from schemas.tasks import Task
from schemas.topics import TASKS
from schemas.values import SAID_ACTIONS, PersonaClass, Role
from streams.gateway.why import RULE, explain, raw_of
from streams.playbook_files import builtin_playbooks, builtin_texts
from streams.readers import TaskRow
from streams.redaction import REQUEST
from streams.reference_store import find_kept
from streams.rows import StoredRows
from streams.tables import outbox
from streams.yaml_lines import read_yaml

Loc = tuple[str | int, ...]


def told(connection: Connection, row: TaskRow, *, chinese: bool) -> dict[str, Any]:
    """Everything behind a task, as `explain`, with its people, the rule's place, the order, the checks and its end."""
    task = msgspec.json.decode(row.body, type=Task)
    rows = StoredRows()
    rows.attach(connection)
    whole = explain(connection, row, chinese=chinese)
    whole["task"] = {
        "action": task.action, "role": task.role, "group_id": task.group_id, "estate_id": task.estate_id,
        "window": task.window, "stage": task.stage, "phase": task.phase, "day": task.day, "text": task.script.text,
    }
    whole["persona"] = _persona(connection, task)
    whole["rule"]["place"] = _place(connection, task)
    for event in whole["events"]:
        event["who"] = _who(connection, rows, event)
    whole["order"] = _order(rows, task)
    whole["checked"] = [zh if chinese else en for zh, en in _checked(task, whole["persona"], whole["order"])]
    whole["ended"] = _ended(connection, task, row)
    return whole


# --- who --------------------------------------------------------------------------------------------


def _persona(connection: Connection, task: Task) -> dict[str, Any]:
    known = find_kept(connection, "persona", task.persona_id or "", Persona)
    return {
        "persona_id": task.persona_id, "name": known.name if known is not None else None,
        "class": known.cls if known is not None else None, "role": task.role,
    }


def _who(connection: Connection, rows: StoredRows, event: dict[str, Any]) -> str | None:
    """Whose doing an event was; hides what it says where that member may not be known."""
    raw = raw_of(connection, event["ref"])
    body = msgspec.json.decode(raw) if raw is not None else {}
    if body.get("type") == REQUEST:
        event["text"] = ""
        return None
    member_id = (body.get("data") or {}).get("member_id")
    if not isinstance(member_id, str):
        return None
    known: PersonRow = rows.get(person(member_id)) or PersonRow()
    if known.erased or "profiling" in known.denied:
        event["text"] = ""
        return None
    return member_id


# --- the rule ---------------------------------------------------------------------------------------


def _place(connection: Connection, task: Task) -> dict[str, Any] | None:
    """Where the rule stands: the playbook's file and line, and of a duty its stage, phase and day."""
    match = next(filter(None, map(RULE.match, task.because)), None)
    if match is None:
        return None
    name, edition, id = match["playbook"], match["version"], match["id"]
    shipped = builtin_playbooks().get(name)
    place: dict[str, Any] = {"playbook": name, "version": edition, "id": id, "file": None, "line": None, "loc": None}
    if shipped is not None and shipped.edition == edition:
        text, file, playbook = builtin_texts().get(name), f"agents/playbooks/{name}.yaml", shipped
    else:
        kept = (find_kept(connection, kind, f"{name}@{edition}", str) for kind in ("playbook", "shipped"))
        text = next(filter(None, kept), None)
        if text is None:
            return place
        file, playbook = f"{name}@{edition}", Playbook.model_validate(read_yaml(text, name, BadPlaybook).data)
    loc = next((loc for known, loc in _rules(playbook) if known == id), None)
    place |= {"file": file, "loc": list(loc) if loc is not None else None}
    if loc is not None and text is not None and playbook.derived is None:
        place["line"] = read_yaml(text, file, BadPlaybook).line(loc)
    return place


def _rules(playbook: Playbook) -> Iterator[tuple[str, Loc]]:
    """The place in the YAML of everything that has an id."""
    for number, stage in enumerate(playbook.stages):
        for at, phase in enumerate(stage.phases):
            here: Loc = ("stages", number, "phases", at)
            days = [((*here, "plan", day), phase.plan[day]) for day in sorted(phase.plan)]
            for loc, duties in (*days, ((*here, "rescue"), phase.rescue)):
                for place, duty in enumerate(duties):
                    yield duty.id, (*loc, place)
                    for n, reply in enumerate(duty.replies):
                        yield reply.id, (*loc, place, "replies", n)
    for place, reaction in enumerate(playbook.reactions):
        yield reaction.id, ("reactions", place)
    for said in playbook.said():
        yield said.id, said.loc


# --- what it rests on, what was checked, how it ended -----------------------------------------------


def _order(rows: StoredRows, task: Task) -> dict[str, Any] | None:
    """The order that it rests on, as it stands now."""
    order_id = task.evidence.order_id if task.evidence is not None else None
    if order_id is None:
        return None
    order: OrderRow | None = rows.get(order_row(task.estate_id, order_id))
    if order is None:
        return {"order_id": order_id, "state": None, "products": [], "testifies": None}
    return {
        "order_id": order_id, "state": state_of(order), "products": list(order.products),
        "testifies": order.testifies,
    }


def _checked(task: Task, who: dict[str, Any], order: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    """What honesty looked at before it was handed out, in Chinese and in English (`agents.honesty.refusal`)."""
    cls = who["class"]
    yield "说话的人是登记过的真人，在这个群里有账号", "a registered, real person, with an account in the group"
    if task.role is not Role.SHILL:
        yield "这个岗位只由店里的人做", "only staff do what this role does"
    if cls is PersonaClass.BUYER and order is not None:
        yield "自己的订单已送达、没有退款，产品也对", "their own order of that product was delivered and not given back"
    elif task.action in SAID_ACTIONS:
        yield "文字写明身份，没有冒充业主或买家", "the text says who speaks, and passes for no owner's or buyer's"
    if task.evidence is not None and task.evidence.answers is not None:
        yield "是回同事已发的一条任务，没有装作偶遇", "it answers a colleague's post that is out, feigning nothing"
    if task.evidence is not None and task.evidence.member_id is not None:
        yield "这位成员没有说过不要打扰", "the member had not asked for no messages"
    if task.evidence is not None and task.evidence.consent is not None:
        yield "主人的同意有记录", "the owner's own word is on record"
    if task.role is Role.SHILL:
        yield "当天活跃的马甲不超过群人数的上限", "no more shills were active than the group's members allow"
    yield "群主没有关闭这个群，时间不在夜里", "the group was open to us, the time outside the curfew"


def _ended(connection: Connection, task: Task, row: TaskRow) -> dict[str, Any] | None:
    """How the task ended, by the last event that went out about it, and why."""
    question = (
        select(outbox.c.raw)
        .where(outbox.c.topic == TASKS.name, outbox.c.key == task.dealer_id, outbox.c.offset <= row.changed)
        .order_by(outbox.c.offset.desc()))
    needle = msgspec.json.encode(task.task_id)
    for raw in connection.execute(question).scalars():
        body = msgspec.json.decode(raw) if needle in raw else {}
        data = body.get("data", {})
        if data.get("task_id") != task.task_id:
            continue
        if body["type"] == "loupan.task.issued.v1":
            return None
        return {"status": data["status"], "reason": data.get("reason", ""), "time": body["time"]}
    return None


# --- in sentences -----------------------------------------------------------------------------------


def sentences(whole: dict[str, Any], *, chinese: bool) -> list[str]:
    """The same for people, one sentence a line."""
    return list(_zh(whole) if chinese else _en(whole))


def _zh(whole: dict[str, Any]) -> Iterator[str]:
    task, who, place, order = whole["task"], whole["persona"], whole["rule"]["place"], whole["order"]
    yield (f"任务 {whole['task_id']}：{_clock(task['window'])} 在群 {task['group_id']}，动作 {task['action']}，"
           f"现在是 {whole['status']}。")
    yield (f"由 {who['name'] or who['persona_id']}（{who['persona_id']}，身份 {who['class'] or '未登记'}，"
           f"岗位 {who['role']}）来做。")
    yield f"规则：{whole['rule']['words']}"
    if place is not None and place["file"]:
        line = f" 第 {place['line']} 行" if place["line"] else ""
        yield f"规则写在 {place['file']}{line}，编号 {place['id']}。"
    yield f"话术 {whole['script']['id']}，第 {whole['script']['version']} 版。"
    for event in whole["events"]:
        said = f"：“{event['text']}”" if event["text"] else ""
        yield f"依据：{event['time'] or '时间不详'} {event['who'] or ''} {event['what']}{said}（{event['ref']}）。"
    if order is not None:
        yield f"订单 {order['order_id']} 现在是 {order['state'] or '没有记录'}" + (
            "，可以作证。" if order["testifies"] else "，不能拿来作证。")
    if whole["from"] is not None:
        yield f"从 {whole['from']['persona_id']} 的任务 {whole['from']['task_id']} 接手。"
    yield f"派发前核对过：{'；'.join(whole['checked'])}。"
    if whole["ended"] is not None:
        yield f"{whole['ended']['time']} 变为 {whole['ended']['status']}：{whole['ended']['reason'] or '没有写原因'}。"


def _en(whole: dict[str, Any]) -> Iterator[str]:
    task, who, place, order = whole["task"], whole["persona"], whole["rule"]["place"], whole["order"]
    yield (f"Task {whole['task_id']}: {task['action']} in the group {task['group_id']}, {_clock(task['window'])}; "
           f"it is {whole['status']}.")
    yield (f"It is for {who['name'] or who['persona_id']} ({who['persona_id']}, {who['class'] or 'not registered'}) "
           f"as {who['role']}.")
    yield f"Rule: {whole['rule']['words']}"
    if place is not None and place["file"]:
        line = f", line {place['line']}" if place["line"] else ""
        yield f"The rule stands in {place['file']}{line}, as {place['id']}."
    yield f"Script {whole['script']['id']}, version {whole['script']['version']}."
    for event in whole["events"]:
        said = f": “{event['text']}”" if event["text"] else ""
        by = f" by {event['who']}" if event["who"] else ""
        yield f"Because: {event['time'] or 'at an unknown time'}, {event['what']}{by}{said} ({event['ref']})."
    if order is not None:
        yield f"The order {order['order_id']} is {order['state'] or 'not known any more'}, and " + (
            "may be spoken about." if order["testifies"] else "nobody may speak about it as a buyer.")
    if whole["from"] is not None:
        yield f"Taken over from {whole['from']['persona_id']}, task {whole['from']['task_id']}."
    yield f"Checked before it was handed out: {'; '.join(whole['checked'])}."
    if whole["ended"] is not None:
        ended = whole["ended"]
        yield f"It was {ended['status']} at {ended['time']}: {ended['reason'] or 'no reason given'}."


def _clock(window: Any) -> str:
    start: datetime = window.start
    return f"{start:%Y-%m-%d %H:%M}–{window.end:%H:%M}"
