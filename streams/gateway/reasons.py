"""Why an event was not taken or could not be applied, in Chinese for who reads Chinese.

A reason is written in English where it arises (`BadEvent`), and kept so; here it is known by its shape. A test goes
through every place that raises one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import msgspec
from fastapi import Request

from streams.gateway.problems import BAD_EVENT, Problem, prefers_chinese

_WHERE = re.compile(r" - at `(?P<where>[^`]+)`$")
#: Words that stand in reasons.
_WORDS = {
    "str": "文字", "int": "整数", "float": "数字", "bool": "true 或 false", "object": "对象", "array": "数组",
    "datetime": "时间",
    "issued": "待办", "claimed": "已认领", "done": "已完成", "verified": "已核实", "skipped": "已跳过",
    "expired": "已过期", "withdrawn": "已撤回", "scheduled": "待开始", "running": "进行中", "paused": "已暂停",
    "ended": "已结束", "warm_up": "在预热期", "trust": "在信任期", "value": "在价值期", "sign_up": "在报名期",
    "closing": "在成交期",
}
#: What the core cannot apply.
_APPLYING: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"task (.*) is (\w+) and cannot be (\w+) any more"), "任务 {} {}，不能再标为{}"),
    (re.compile(r"task (.*) was to be done by (.*): it was too late"), "任务 {} 应在 {} 前完成，来不及了"),
    (re.compile(r"task (.*) is for (.*): done at (.*) is too early"), "任务 {} 定在 {}，{} 就标完成太早了"),
    (re.compile(r"task (.*) is over and settled"), "任务 {} 已经了结"),
    (re.compile(r"task (.*) was given to (.*), not to (.*)"), "任务 {} 派给了 {}，不是 {}"),
    (re.compile(r"task (.*) is not known"), "没有任务 {}"),
    (re.compile(r"persona (.*) is not known: .*"), "没有人设 {}：请写进 personas.csv，再重发这一条"),
    (re.compile(r"persona (.*) is away from (.*) until (.*): no date"), "人设 {} 请假的日期不对：{} 至 {}"),
    (re.compile(r"persona (.*) is away until (.*), which is before (.*)"), "人设 {} 请假到 {}，早于开始的 {}"),
    (re.compile(r"estate (.*) is not in the estate book"), "楼盘库里没有 {}"),
    (re.compile(r"estate (.*) has no campaign"), "楼盘 {} 没有活动"),
    (re.compile(r"estate (.*) has a campaign that is (\w+): .*"), "楼盘 {} 的活动{}：先结束它，再开始另一个"),
    (re.compile(r"a campaign that is (\w+) cannot be started"), "活动{}，不能开始"),
    (re.compile(r"a campaign that is (\w+) cannot be paused"), "活动{}，不能暂停"),
    (re.compile(r"a campaign that is (\w+) cannot be resumed"), "活动{}，不能恢复"),
    (re.compile(r"a campaign that is (\w+) cannot be stopped"), "活动{}，不能结束"),
    (re.compile(r"playbook (.*) is a dealer's variant: start its base"), "打法 {} 是经销商的改编版：请用它的原版开始"),
    (re.compile(r"playbook (.*) is not loaded"), "打法 {} 没有载入"),
    (re.compile(r"playbook (.*) has no stage (.*)"), "打法 {} 没有第 {} 轮"),
    (re.compile(r"start_date (.*) is not a date"), "start_date {} 不是日期"),
    (re.compile(r"order (.*): (.*) fen is less than nothing .*"),
     "订单 {} 的金额 {} 分小于零：退款请用 loupan.order.refunded.v1，写正数"),
    (re.compile(r"order (.*) is not known, and (\d+) events wait for it: .*"),
     "没有订单 {}，已有 {} 条事件在等它：先发它的 loupan.order.placed.v1，再重发这一条"),
    (re.compile(r"order (.*) is not known: .*"), "没有订单 {}：先发它的 loupan.order.placed.v1，再重发这一条"),
    (re.compile(r"(.*) is not the buyer of order (.*): .*"), "{} 不是订单 {} 的买家：只有买家本人能同意"),
    (re.compile(r"(.*) is not the owner of the plan (.*): .*"), "{} 不是方案 {} 的业主：只有业主本人能同意"),
    (re.compile(r"the plan (.*) is personal and names no owner: .*"), "方案 {} 是个人的，却没写是谁的：请填 member_id"),
    (re.compile(r"the plan (.*) is for no estate that is known: .*"), "不知道方案 {} 是哪个楼盘的：请写明群或订单"),
    (re.compile(r"the plan (.*) is not known: .*"), "没有方案 {}：先发它的 loupan.design.drafted.v1，再重发这一条"),
)
#: What arrives by another door than HTTP, or in somebody else's form.
_CARRYING: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"the record has (\d+) bytes, more than the (\d+) that (?:are taken|.* takes)"),
     "记录有 {} 字节，最多 {} 字节"),
    (re.compile(r"the record has no value: .*"), "记录没有内容（墓碑）"),
    (re.compile(r"the batch has (\d+) events, more than the (\d+) that are taken"), "一批有 {} 个事件，最多 {} 个"),
    (re.compile(r"not a batch of CloudEvents: (.*)"), "不是一批 CloudEvents（{}）"),
    (re.compile(r"not a CloudEvent: it has no `(.*)`"), "不是 CloudEvent：缺少 {}"),
    (re.compile(r"not a CloudEvent(?: in JSON)?: (.*)"), "不是 CloudEvent（{}）"),
    (re.compile(r"neither a CloudEvent nor an object with a type"), "既不是 CloudEvent，也不是带 type 的对象"),
    (re.compile(r"it has no type"), "没有 type"),
    (re.compile(r"no type of ours stands for (.*): (.*)"), "没有与 {} 对应的事件类型：{}"),
    (re.compile(r"the header (\S+) is not text in UTF-8"), "头 {} 不是 UTF-8 文字"),
    (re.compile(r"the header (\S+) is missing"), "缺少头 {}"),
    (re.compile(r"(\S+) is no header of an event"), "{} 不是事件的头"),
    (re.compile(r"a ce_ header stands there twice"), "同一个 ce_ 头出现了两次"),
    (re.compile(r"the content-type (.*) is none that events come in"), "content-type {} 不是事件用的类型"),
    (re.compile(r"the data is not JSON: the content-type is (.*)"), "数据不是 JSON：content-type 是 {}"),
    (re.compile(r"a message without its payload"), "消息没有 payload"),
    (re.compile(r"the payload in the envelope is not JSON: (.*)"), "信封里的 payload 不是 JSON（{}）"),
    (re.compile(r"a (\S+) without (\S+)"), "{} 消息里没有 {}"),
    (re.compile(r"it has no (\S+)"), "缺少字段 {}"),
    (re.compile(r"its time is none: (.*)"), "时间不对：{}"),
    (re.compile(r"the record is of another form than is documented: (.*)"), "记录的格式与文档不符（{}）"),
    (re.compile(r"the deciphered message is not JSON: (.*)"), "解密后的消息不是 JSON（{}）"),
    (re.compile(r"the deciphered message is no object"), "解密后的消息不是对象"),
    (re.compile(r"(.*); the private key of version (.*) may not belong to that version"),
     "{}；第 {} 版的私钥可能不是那一版的"),
    (re.compile(r"it is sealed with version (.*) of the public key, of which .*\(there is (.*)\): .*"),
     "用第 {} 版公钥加密，却没有那一版的私钥（现有：{}）：请写进 LOUPAN_WECOM_ARCHIVE_KEYS，再重新拉取"),
    (re.compile(r"encrypt_random_key cannot be opened with the private key of version (.*): .*"),
     "第 {} 版的私钥打不开 encrypt_random_key：它是那一版公钥的吗？"),
)
_NO_CRS = re.compile(r"a point without its datum \(crs: wgs84, gcj02 or bd09\): .*")
#: A reason's pattern and its Chinese; what the pattern caught stands in the braces' places.
_IN_CHINESE: tuple[tuple[re.Pattern[str], str], ...] = (
    (_NO_CRS, "坐标没有写坐标系 crs（wgs84、gcj02 或 bd09）"),
    (re.compile(r"unknown event type: Invalid value '(.*)'"), "未知的事件类型“{}”"),
    (re.compile(r"unknown event type: .*"), "事件类型应为文字"),
    (re.compile(r"Object missing required field `(.*)`"), "缺少字段 {}"),
    (re.compile(r"Invalid enum value '?(.*?)'?"), "不认识的值“{}”"),
    (re.compile(r"Expected `datetime` with a timezone component"), "时间没有时区"),
    (re.compile(r"Invalid RFC3339 encoded datetime"), "不是 RFC 3339 格式的时间"),
    (re.compile(r"Expected `(?:str|array)` of length >= 1"), "不能为空"),
    (re.compile(r"Expected `(?:str|array)` of length <= (\d+)"), "太长，最多 {}"),
    (re.compile(r"Expected `\w+` >= (\S+)"), "不能小于 {}"),
    (re.compile(r"Expected `\w+` <= (\S+)"), "不能大于 {}"),
    (re.compile(r"Expected `(\w+)(?: \| null)?`, got `(\w+)`"), "应为{}，却是{}"),
    (re.compile(r"its time (\S+) lies in the future"), "时间 {} 还没有到"),
    (re.compile(r"its time (\S+) is no time of ours"), "时间 {} 不可信"),
    (re.compile(r"the event has (\d+) bytes, more than the (\d+) that are taken"), "事件有 {} 字节，最多 {} 字节"),
    (re.compile(r"it is written in GBK: send it in UTF-8"), "内容是 GBK 编码，请用 UTF-8"),
    (re.compile(r"half of a character \((.*)\) stands in it without its other half"), "含有半个字符（{}）"),
    (re.compile(r"the character (\S+) stands in it.*"), "含有不允许的字符 {}"),
    (re.compile(r"not JSON that can be read: nested too deeply"), "嵌套太深"),
    (re.compile(r"lng (\S+) and lat (\S+) are swapped"), "lng {} 和 lat {} 写反了"),
    (re.compile(r"lng (\S+) is out of range"), "lng {} 超出范围（-180 到 180）"),
    (re.compile(r"lat (\S+) is out of range"), "lat {} 超出范围（-90 到 90）"),
    (re.compile(r"the point is 0, 0, in the sea off Africa"), "0, 0 在非洲外海，不是小区的位置"),
    (re.compile(r"(\w+) is missing"), "缺少字段 {}"),
    (re.compile(r"(\w+) is no text"), "字段 {} 应为文字"),
    (re.compile(r"timestamp is no time in seconds or milliseconds since 1970"), "timestamp 不是时间戳（秒或毫秒）"),
    (re.compile(r"nobody stands in the list of members"), "成员列表是空的"),
    (re.compile(r"a payload is an object"), "每条内容应为对象"),
    (re.compile(r"no payload of wechaty's that is known: .*"),
     "不是 wechaty 的 message、room-join、room-leave 或 room-topic"),
    (re.compile(r"not JSON in UTF-8: (.*)"), "不是 UTF-8 的 JSON（{}）"),
    (re.compile(r"JSON is malformed: (.*) \(byte (\d+)\)"), "第 {1} 个字节起不合 JSON 格式"),
    (re.compile(r"Input data was truncated"), "内容不完整"),
    (re.compile(r"its source is (.*): this token publishes (.*) alone"), "来源是 {}，这个令牌只能发来源为 {} 的事件"),
    *_APPLYING, *_CARRYING,
)


def in_chinese(reason: str) -> str:
    """A reason in Chinese; one that is not known stays English."""
    found = _WHERE.search(reason)
    what = reason[: found.start()] if found else reason
    where = f"（{found['where']}）" if found else ""
    for pattern, words in _IN_CHINESE:
        if (said := pattern.fullmatch(what)) is not None:
            return words.format(*(_WORDS.get(part) or in_chinese(part) for part in said.groups())) + where
    return reason


def reason_for(request: Request, reason: str) -> str:
    """A reason in the reader's language."""
    return in_chinese(reason) if prefers_chinese(request.headers.get("accept-language")) else reason


class _Result(Protocol):
    @property
    def detail(self) -> str | None: ...


R = TypeVar("R", bound=_Result)


def results_for(request: Request, results: Sequence[R]) -> list[R]:
    """What became of each event, its detail in the reader's language."""
    if not prefers_chinese(request.headers.get("accept-language")):
        return list(results)
    return [
        msgspec.structs.replace(one, detail=in_chinese(one.detail)) if one.detail else one  # type: ignore[type-var]  # they are structs
        for one in results
    ]


def not_taken(reason: str | None, **members: Any) -> Problem:
    """The door refused an event, and kept it."""
    return Problem(
        BAD_EVENT, f"事件没有被接收：{in_chinese(reason or '')}。它已存为死信。",
        f"The event was not taken: {reason}. It is kept as a dead letter.", **members)
