from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.errors import BadEvent
from schemas.events import KINDS, MAX_EVENT_BYTES, GroupMessage, GroupUpdated, Woke, decode, decode_logged
from schemas.examples import EXAMPLES
from tests import builders as build


def spoil(name: str, **fields: Any) -> bytes:
    return json.dumps({**EXAMPLES[name], **fields}).encode()


MESSAGE = "loupan.group.message.v1"


def test_a_message_is_read_with_its_text_and_its_ref():
    event = decode(build.message(text="我是绿地城3栋的", id="x-1", source="wecom"))
    assert isinstance(event, GroupMessage)
    assert (event.data.text, event.ref, event.type) == ("我是绿地城3栋的", "wecom#x-1", MESSAGE)


def test_fields_that_no_model_knows_are_no_error():
    raw = spoil(MESSAGE, weather="雨", data={**EXAMPLES[MESSAGE]["data"], "mood": 3})
    assert isinstance(decode(raw), GroupMessage)


def test_a_kind_that_is_not_known_is_read():
    event = decode(build.message(kind="hologram"))
    assert isinstance(event, GroupMessage)
    assert event.data.kind not in KINDS


def test_a_field_that_is_absent_differs_from_one_that_is_cleared():
    absent, cleared = decode(build.group_updated(name="新名")), decode(build.group_updated(notice=None))
    assert isinstance(absent, GroupUpdated)
    assert isinstance(cleared, GroupUpdated)
    assert not isinstance(absent.data.notice, str | None)
    assert cleared.data.notice is None


@pytest.mark.parametrize(("raw", "reason"), [
    (b"{", "not JSON"),
    (b"", "not JSON"),
    (b"[1]", "Expected `object`"),
    (b"\xff\xfe", "not JSON"),
    (spoil(MESSAGE).replace(b"u5927", b"\xff"), "not JSON"),
    (b'{"weather":' + b"[" * 100_000, "nested too deeply"),
    (spoil(MESSAGE, type="loupan.weather.v1"), "unknown event type"),
    (spoil(MESSAGE, specversion="0.3"), r"specversion"),
    (spoil(MESSAGE, time="2026-03-02 07:52"), r"\$.time"),
    (spoil(MESSAGE, time="2026-03-02T07:52:30"), r"\$.time"),
    (spoil(MESSAGE, id=""), r"\$.id"),
    (spoil(MESSAGE, data={}), "group_id"),
    (spoil(MESSAGE, data={**EXAMPLES[MESSAGE]["data"], "text": 7}), r"\$.data.text"),
    (spoil("loupan.order.placed.v1", data={"order_id": "o", "items": [], "amount_fen": 1}), r"\$.data.items"),
    (build.order_placed(amount_fen=-5), r">= 0 - at `\$.data.amount_fen`"),
    (build.order_placed(items=[{**build.item(), "quantity": -1}]), r"\$.data.items\[0\].quantity"),
    (build.order_placed(items=[{**build.item(), "unit_price_fen": -1}], amount_fen=1), r"items\[0\].unit_price_fen"),
    (build.message(text="大家好").decode().encode("gbk"), "written in GBK"),
    (spoil(MESSAGE, id="\ud800"), r"half of a character \(\\ud800\)"),
    (spoil("loupan.order.placed.v1", data={**EXAMPLES["loupan.order.placed.v1"]["data"], "amount_fen": 9.9}), "fen"),
])
def test_what_cannot_be_read_is_a_bad_event_that_says_what_and_where(raw: bytes, reason: str):
    with pytest.raises(BadEvent, match=reason) as caught:
        decode(raw)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("crs", [None, "wgs-84", "GCJ02"])
def test_a_point_without_its_datum_is_refused_and_the_reason_names_the_datums(crs: str | None):
    point = {"lng": 116.4, "lat": 39.9} | ({"crs": crs} if crs else {})
    with pytest.raises(BadEvent, match="crs"):
        decode(build.message(kind="location", location=point))


def test_an_event_larger_than_a_door_takes_is_refused_before_it_is_parsed():
    with pytest.raises(BadEvent, match="10000000 bytes"):
        decode(b"{" * 10_000_000)
    assert isinstance(decode(build.message(text="长" * (MAX_EVENT_BYTES // 4))), GroupMessage)


def test_a_wake_up_is_read_from_the_log_and_refused_at_a_door():
    raw = build.woke("e1", build.AT)
    assert isinstance(decode_logged(raw), Woke)
    with pytest.raises(BadEvent, match="unknown event type"):
        decode(raw)
