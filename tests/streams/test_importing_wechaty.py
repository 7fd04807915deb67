"""wechaty's payloads as group events: from a dump, and from a bot's webhook."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from schemas.errors import BadEvent
from schemas.events import KINDS, decode
from streams.database import open_database
from streams.importing import wechaty
from streams.importing.wechaty import convert, events_of
from streams.tables import dead_letters
from tests import builders, commands
from tests.streams.gateway_world import World

AT = 1_772_539_950
TEXT = {
    "id": "m-1", "type": 7, "roomId": "r@chatroom", "talkerId": "wxid_1", "timestamp": AT, "text": "大家好，我是3栋的"}
JOIN = {"inviteeIdList": ["wxid_2", "wxid_3"], "inviterId": "wxid_1", "roomId": "r@chatroom", "timestamp": AT}
LEAVE = {"removeeIdList": ["wxid_2"], "removerId": "wxid_1", "roomId": "r@chatroom", "timestamp": AT}
TOPIC = {"changerId": "wxid_1", "newTopic": "绿地城业主群", "oldTopic": "群", "roomId": "r@chatroom", "timestamp": AT}
PLACE = (
    '<?xml version="1.0"?>\n<msg>\n\t<location x="39.995121" y="116.334154" scale="16" label="北京市海淀区成府路45号" '
    'maptype="roadmap" poiname="绿地城" /></msg>')
LINK = (
    "<msg><appmsg appid='' sdkver='0'><title>柜门怎么选</title><url>https://mp.weixin.qq.com/s/x?a=1</url></appmsg>"
    "</msg>")


def made(payload: Any) -> list[dict[str, Any]]:
    """The payload's events, each as a door reads it."""
    raws = events_of(payload).raws
    for raw in raws:
        decode(raw)
    return [msgspec.json.decode(raw) for raw in raws]


def said(**fields: Any) -> dict[str, Any]:
    [event] = made(TEXT | fields)
    data: dict[str, Any] = event["data"]
    return data


def test_a_text_in_a_room_is_a_message_of_the_group():
    [event] = made(TEXT | {"mentionIdList": ["wxid_9"], "quoteId": "m-0"})
    assert event == {
        "specversion": "1.0", "id": "message/m-1", "source": "wechaty", "type": "loupan.group.message.v1",
        "time": "2026-03-03T12:12:30+00:00", "subject": "r@chatroom", "datacontenttype": "application/json",
        "data": {
            "group_id": "r@chatroom", "message_id": "m-1", "member_id": "wxid_1", "kind": "text",
            "text": "大家好，我是3栋的", "mentions": ["wxid_9"], "reply_to": "m-0"}}


def test_joins_leaves_and_names_are_the_groups_events():
    joined = made(JOIN)
    assert [(one["type"], one["data"]["member_id"], one["data"]["invited_by"]) for one in joined] == [
        ("loupan.group.member-joined.v1", "wxid_2", "wxid_1"), ("loupan.group.member-joined.v1", "wxid_3", "wxid_1")]
    assert len({one["id"] for one in joined}) == 2
    assert made(LEAVE)[0]["data"] == {"group_id": "r@chatroom", "member_id": "wxid_2", "removed_by": "wxid_1"}
    [topic] = made(TOPIC)
    assert (topic["type"], topic["data"]) == (
        "loupan.group.updated.v1", {"group_id": "r@chatroom", "name": "绿地城业主群"})


@pytest.mark.parametrize("envelope", [
    {"event": "room-join", "payload": JOIN}, {"type": "roomJoin", "data": JOIN},
    {"type": "EVENT_TYPE_ROOM_JOIN", "payload": json.dumps(JOIN)}, {"name": "room_join", "payload": JOIN},
    {"room_id": "r@chatroom", "invitee_id_list": ["wxid_2", "wxid_3"], "inviter_id": "wxid_1", "timestamp": AT * 1000},
])
def test_an_envelope_changes_nothing_nor_does_a_spelling(envelope):
    assert made(envelope) == made(JOIN)


@pytest.mark.parametrize(("type_", "kind"), [
    (0, "other"), (1, "file"), (2, "voice"), (3, "card"), (4, "other"), (5, "other"), (6, "image"), (7, "text"),
    (8, "location"), (9, "mini_program"), (10, "chain"), (11, "other"), (12, "red_packet"), (14, "link"), (15, "video"),
    (16, "other"), (17, "other"), (18, "other"), (19, "text"), (99, "other"), (-1, "other"), ("Text", "text"),
    ("MESSAGE_TYPE_RED_ENVELOPE", "red_packet"), ("MiniProgram", "mini_program"), ("chat_history", "other"),
    ("Whatever", "other"), (None, "other"), (True, "other"),
])
def test_every_type_by_number_or_name_has_a_kind_and_none_is_lost(type_, kind):
    data = said(type=type_)
    assert data["kind"] == kind
    assert kind in KINDS
    assert ("raw" in data) == (kind == "other")


def test_python_wechaty_counts_the_types_otherwise():
    payload = {"id": "m-1", "type": 6, "room_id": "r@chatroom", "from_id": "wxid_1", "timestamp": AT, "text": "好"}
    assert made(payload)[0]["data"]["kind"] == "text"
    assert made(payload | {"type": 12})[0]["data"]["kind"] == "red_packet"


def test_what_is_no_text_says_no_xml():
    assert said(type="Image", text="<msg><img aeskey='x'/></msg>") == {
        "group_id": "r@chatroom", "message_id": "m-1", "member_id": "wxid_1", "kind": "image"}
    link = said(type="Url", text=LINK)
    assert (link["text"], link["link"]) == ("柜门怎么选", "https://mp.weixin.qq.com/s/x?a=1")
    assert said(type="GroupNote", text="#接龙\n1. 小王")["text"] == "#接龙\n1. 小王"
    assert said(type="Attachment", filename="户型图.pdf")["text"] == "户型图.pdf"
    assert "link" not in said(type="Url", text=LINK.replace("https://", "javascript:"))


def test_a_shared_place_names_its_datum():
    place = {
        "lng": 116.334154, "lat": 39.995121, "crs": "gcj02", "label": "绿地城", "address": "北京市海淀区成府路45号"}
    assert said(type="Location", text=PLACE)["location"] == place
    beside = {
        "latitude": 39.995121, "longitude": 116.334154, "name": "绿地城", "address": place["address"], "accuracy": 15}
    assert said(type=8, location=beside)["location"] == place
    # What cannot be read is a shared place without one, and its text is kept nowhere: it may be exact.
    assert said(type=8, text="somewhere x=39.9 y=116.3") == said(type=8, text=None)


def test_a_bomb_in_xml_is_as_no_xml():
    entities = '<!ENTITY b "' + "x" * 100 + '"><!ENTITY c "&b;&b;&b;&b;">'
    bomb = f"<!DOCTYPE a [{entities}]><msg><appmsg><title>&c;</title></appmsg></msg>"
    assert "text" not in said(type="Url", text=bomb)


def test_a_recalled_message_names_the_one_that_it_takes_back():
    [event] = made(TEXT | {"type": "Recalled", "id": "m-9", "text": "m-1"})
    assert (event["type"], event["id"], event["data"]) == (
        "loupan.group.message-recalled.v1", "recalled/m-9", {"group_id": "r@chatroom", "message_id": "m-1"})


@pytest.mark.parametrize(("payload", "why"), [
    ({name: value for name, value in TEXT.items() if name != "roomId"}, "a message outside of groups"),
    (TEXT | {"talkerId": ""}, "a message without a speaker"),
    ({"event": "message", "payload": {"messageId": "m-1"}}, "a message's id alone: dump the message's payload"),
    ({"event": "heartbeat", "payload": {"data": "x"}}, "heartbeat: nothing of a group's"),
    ({"type": "EVENT_TYPE_LOGIN", "payload": '{"contactId": "x"}'}, "login: nothing of a group's"),
])
def test_what_is_of_no_group_is_passed_over_with_a_reason(payload, why):
    assert events_of(payload) == ((), why)


@pytest.mark.parametrize(("payload", "why"), [
    ({"hello": 1}, "no payload of wechaty's"), ([], "a payload is an object"),
    (TEXT | {"timestamp": None}, "timestamp"),
    (TEXT | {"timestamp": 10**30}, "timestamp"), (JOIN | {"inviteeIdList": []}, "nobody stands"),
    ({**TOPIC, "newTopic": ""}, "newTopic is missing"), (TEXT | {"id": {"a": 1}}, "id is no text"),
    ({"event": "message"}, "a message without its payload"),
    ({"event": "message", "payload": "{"}, "the payload in the envelope is not JSON"),
])
def test_what_is_wrong_is_said(payload, why):
    with pytest.raises(BadEvent, match=why):
        events_of(payload)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from([LINK, PLACE, "room-join", "message", "Text"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted({*TEXT, *JOIN, *TOPIC})), inner),
    max_leaves=6)


names = sorted({*TEXT, *JOIN, *LEAVE, *TOPIC, "event", "payload", "data", "location", "url", "filename", "quoteId"})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(names), values))
def test_whatever_is_sent_is_events_passed_over_or_a_reason(payload):
    try:
        raws = events_of(payload).raws
    except BadEvent:
        return
    for raw in raws:
        msgspec.json.decode(raw)


# --- a dump ---------------------------------------------------------------------------------------


def test_a_dump_is_brought_in_once_and_says_what_it_passed_over(tmp_path):
    open_database(tmp_path / "loupan.db").dispose()
    lines = [TEXT, JOIN, {"event": "heartbeat", "payload": {}}, TEXT | {"id": "m-2", "type": "Image"}, TEXT]
    (tmp_path / "dump.jsonl").write_text("\ufeff" + "\n".join(json.dumps(line) for line in lines) + "\n\n", "utf-8")
    words = ("import", "dump.jsonl", "--format", "wechaty")
    trial = json.loads(commands.run(*words, "--dry-run", "--json", cwd=tmp_path).stdout)
    assert (trial["new"], trial["duplicate"], trial["passed_over"]) == (4, 1, {"heartbeat: nothing of a group's": 1})
    done = commands.run(*words, cwd=tmp_path)
    assert done.stdout.decode().splitlines() == [
        "4 accepted, 1 duplicate → loupan.db", "passed over: 1 heartbeat: nothing of a group's"]
    (tmp_path / "dump.json").write_text(json.dumps(lines), "utf-8")
    again = commands.run("import", "dump.json", *words[2:], "--json", cwd=tmp_path)
    assert json.loads(again.stdout)["duplicate"] == 5


def test_a_line_that_cannot_be_read_is_named_and_put_aside_where_it_is_to_be_skipped(tmp_path):
    open_database(tmp_path / "loupan.db").dispose()
    (tmp_path / "dump.jsonl").write_text(json.dumps(TEXT) + "\n{oops\n", "utf-8")
    words = ("import", "dump.jsonl", "--format", "wechaty")
    refused = commands.run(*words, cwd=tmp_path)
    assert (refused.returncode, refused.stderr.decode().startswith("dump.jsonl:2: not JSON in UTF-8")) == (2, True)
    assert commands.run(*words, "--skip-wrong", cwd=tmp_path).returncode == 0
    assert "{oops" in (tmp_path / "dump.wrong.csv").read_text("utf-8-sig")
    with sqlite3.connect(tmp_path / "loupan.db") as database:
        assert database.execute("SELECT source, id FROM inbox").fetchall() == [("wechaty", "message/m-1")]
    database.close()


def test_cloudevents_are_brought_in_as_they_are_all_or_none(tmp_path):
    open_database(tmp_path / "loupan.db").dispose()
    raws = [builders.message(text=f"{n}", at=builders.at(1, f"08:{n:02d}")) for n in range(3)]
    (tmp_path / "events.jsonl").write_bytes(b"\n".join([*raws, b'{"type": "loupan.no.such.v1"}']) + b"\n")
    words = ("import", "events.jsonl", "--format", "events")
    refused = commands.run(*words, cwd=tmp_path)
    assert (refused.returncode, refused.stderr.decode().split(": ")[0]) == (2, "events.jsonl:4")
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(raws))
    assert json.loads(commands.run(*words, "--json", cwd=tmp_path).stdout)["accepted"] == 3


# --- a webhook ------------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def hear(world: World, body: Any, **request: Any) -> Any:
    return world.post("/v1/connectors/wechaty", who="integration", json=body, **request)


def test_a_webhook_sends_one_payload_or_many_and_each_is_answered(world):
    first = hear(world, TEXT)
    assert (first.status_code, first.json()["results"]) == (
        200, [{"index": 0, "status": "accepted", "ids": ["message/m-1"], "detail": None}])
    many = hear(world, [TEXT, JOIN, {"event": "heartbeat", "payload": {}}, {"hello": 1}]).json()
    assert [(one["status"], one["ids"]) for one in many["results"]] == [
        ("duplicate", ["message/m-1"]), ("accepted", ["join/r@chatroom/wxid_2/1772539950000",
                                                      "join/r@chatroom/wxid_3/1772539950000"]),
        ("ignored", []), ("error", [])]
    assert {name: many[name] for name in ("accepted", "duplicate", "ignored", "error")} == {
        "accepted": 1, "duplicate": 1, "ignored": 1, "error": 1}
    assert [event["type"] for event in world.inbox()] == [
        "loupan.group.message.v1", "loupan.group.member-joined.v1", "loupan.group.member-joined.v1"]


def test_a_payload_that_cannot_be_read_is_a_dead_letter_and_told_in_the_senders_language(world):
    refused = hear(world, TEXT | {"timestamp": "soon"}, headers={"Accept-Language": "zh"})
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert refused.json()["detail"] == "事件没有被接收：timestamp 不是时间戳（秒或毫秒）。它已存为死信。"
    with world.engine.connect() as connection:
        [(origin, reason, raw)] = connection.execute(
            select(dead_letters.c.origin, dead_letters.c.reason, dead_letters.c.raw)).all()
    assert (origin, json.loads(raw)["timestamp"]) == ("wechaty:1", "soon")
    assert reason.startswith("timestamp is no time")


@pytest.mark.parametrize(("content", "headers", "status"), [
    (b"{", {"Content-Type": "application/json"}, 422), (b"[{]", {"Content-Type": "application/json"}, 400),
    (b"{}", {"Content-Type": "text/plain"}, 415), (b"[]", {"Content-Type": "application/json"}, 200),
    (b"[" + b",".join([b"{}"] * 1001) + b"]", {"Content-Type": "application/json"}, 413),
])
def test_what_is_no_payload_at_all_is_a_problem(world, content, headers, status):
    answer = world.post("/v1/connectors/wechaty", who="integration", content=content, headers=headers)
    assert answer.status_code == status


def test_a_dump_and_the_webhook_give_the_same_event(world):
    assert convert(json.dumps(TEXT)) == events_of(TEXT)
    assert wechaty.SOURCE == "wechaty"
    hear(world, TEXT)
    assert hear(world, [TEXT | {"text": "anders"}]).json()["duplicate"] == 1
