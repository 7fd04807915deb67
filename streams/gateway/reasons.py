"""Why the door did not take an event, in both languages: in Chinese the common reasons, the rest as they are."""

from __future__ import annotations

import re
from typing import Any

from streams.gateway.problems import BAD_EVENT, Problem

_WHERE = re.compile(r" - at `(?P<where>[^`]+)`$")
_TYPES = {
    "str": "文字", "int": "整数", "float": "数字", "bool": "true 或 false", "object": "对象", "array": "数组",
    "datetime": "时间",
}
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
    (re.compile(r"(\w+) is missing"), "缺少字段 {}"),
    (re.compile(r"(\w+) is no text"), "字段 {} 应为文字"),
    (re.compile(r"timestamp is no time in seconds or milliseconds since 1970"), "timestamp 不是时间戳（秒或毫秒）"),
    (re.compile(r"nobody stands in the list of members"), "成员列表是空的"),
    (re.compile(r"a payload is an object"), "每条内容应为对象"),
    (re.compile(r"no payload of wechaty's that is known: .*"),
     "不是 wechaty 的 message、room-join、room-leave 或 room-topic"),
    (re.compile(r"not JSON in UTF-8: (.*)"), "不是 UTF-8 的 JSON（{}）"),
)


def in_chinese(reason: str) -> str:
    """A reason of the door in Chinese; one that is not known stays English."""
    found = _WHERE.search(reason)
    what = reason[: found.start()] if found else reason
    where = f"（{found['where']}）" if found else ""
    for pattern, words in _IN_CHINESE:
        if (said := pattern.fullmatch(what)) is not None:
            return words.format(*(_TYPES.get(part, part) for part in said.groups())) + where
    return reason


def not_taken(reason: str | None, **members: Any) -> Problem:
    """The door refused an event, and kept it."""
    return Problem(
        BAD_EVENT, f"事件没有被接收：{in_chinese(reason or '')}。它已存为死信。",
        f"The event was not taken: {reason}. It is kept as a dead letter.", **members)
