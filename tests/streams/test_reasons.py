"""Why an event was not taken: no reason that we write is left in English for who reads Chinese."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.gateway.reasons import in_chinese

_ROOT = Path(__file__).resolve().parents[2]
#: What stands in a reason's gap, where not just anything does.
_GAPS = {
    "what": "is not loaded", "before.run": "paused", "row.task.status": "withdrawn", "status": "done",
    "len(before)": "64", "len(raw)": "2000000", "len(value)": "2000000", "len(events)": "2000", "size": "2000000",
    "limit": "1000", "longest": "1000", "MAX_EVENT_BYTES": "1000", "MAX_EVENTS": "1000", "topic": "tasks",
    "header": "ce_data", "names[0]": "roomId",
}
#: Who says it at a terminal, to who runs loupan.
_IN_ENGLISH = {"streams/commands/letters.py"}


def _said(node: ast.expr) -> Iterator[str]:
    """The sentences of an expression, their gaps filled."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(_gap(part) for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from (*_said(node.body), *_said(node.orelse))


def _gap(part: ast.expr) -> str:
    if isinstance(part, ast.FormattedValue):
        return _GAPS.get(ast.unparse(part.value), "x-1")
    assert isinstance(part, ast.Constant)
    return str(part.value)


def _reasons() -> list[str]:
    found: list[str] = []
    for folder in ("schemas", "agents", "streams"):
        for path in (_ROOT / folder).rglob("*.py"):
            if str(path.relative_to(_ROOT)) in _IN_ENGLISH:
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "BadEvent":
                    found += [said for argument in node.args for said in _said(argument)]
    return sorted(set(found))


def test_there_are_reasons_to_look_at() -> None:
    assert len(_reasons()) > 60


@pytest.mark.parametrize("reason", _reasons())
def test_every_reason_that_we_write_is_said_in_chinese(reason: str) -> None:
    said = in_chinese(reason)
    assert said != reason
    assert any("\u4e00" <= character <= "\u9fff" for character in said)


@pytest.mark.parametrize(("reason", "said"), [
    ("task t-1 is withdrawn and cannot be done any more", "任务 t-1 已撤回，不能再标为已完成"),
    ("task t-1 is for 12:00: done at 09:30 is too early", "任务 t-1 定在 12:00，09:30 就标完成太早了"),
    ("a campaign that is ended cannot be paused", "活动已结束，不能暂停"),
    ("not JSON in UTF-8: JSON is malformed: invalid character (byte 4)",
     "不是 UTF-8 的 JSON（第 4 个字节起不合 JSON 格式）"),
    ("order o-1: -5 fen is less than nothing - at `$.data.amount_fen`; what is paid back is another event",
     "订单 o-1 的金额 -5 分小于零：退款请用 loupan.order.refunded.v1，写正数"),
    ("Expected `int`, got `str` - at `$.data.amount_fen`", "应为整数，却是文字（$.data.amount_fen）"),
    ("something that nobody foresaw", "something that nobody foresaw"),
])
def test_what_a_reason_says_in_chinese(reason: str, said: str) -> None:
    assert in_chinese(reason) == said
