"""Every documented type of an archived message, as an event.

The bodies are those of https://developer.work.weixin.qq.com/document/path/91774, shortened.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.errors import BadEvent
from schemas.events import KINDS, decode
from streams.coarsening import kept
from streams.wecom.records import TYPES, Skipped, event_of
from tests.streams.wecom.archive import AT, MEMBER, ROOM, message

MEDIA = {"md5sum": "50de8e5ae8ffe4f1df7a93841f71993a", "filesize": 70961, "sdkfileid": "CtYBMzA2OTAyMDEwMjA0"}


def mixed(*parts: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"item": [{"type": type_, "content": msgspec.json.encode(content).decode()} for type_, content in parts]}


#: Type → its fields, and what the event's data holds beside ids and the raw form.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "text": ({"text": {"content": "我是3栋的，想问下全屋定制"}}, {"kind": "text", "text": "我是3栋的，想问下全屋定制"}),
    "image": ({"image": MEDIA}, {"kind": "image"}),
    "voice": ({"voice": {"voice_size": 10, "play_length": 4, "sdkfileid": "x", "md5sum": "y"}}, {"kind": "voice"}),
    "video": ({"video": MEDIA | {"play_length": 16}}, {"kind": "video"}),
    "card": ({"card": {"corpname": "微信联系人", "userid": "wmGAgeDQAAVeCpvx"}}, {"kind": "card"}),
    "location": (
        {"location": {"longitude": 116.586285899, "latitude": 39.911125799, "address": "北京市xxx区xxx路xx大厦x座",
                      "title": "xxx管理中心", "zoom": 15}},
        {"kind": "location", "location": {"lng": 116.586285899, "lat": 39.911125799, "crs": "gcj02",
                                          "label": "xxx管理中心", "address": "北京市xxx区xxx路xx大厦x座"}}),
    "emotion": ({"emotion": {"type": 1, "width": 290, "height": 290, "imagesize": 962604, "sdkfileid": "x"}},
                {"kind": "other"}),
    "file": ({"file": MEDIA | {"filename": "户型图.pdf", "fileext": "pdf"}}, {"kind": "file", "text": "户型图.pdf"}),
    "link": ({"link": {"title": "邀请你加入群聊", "description": "技术支持群，进入可查看详情", "link_url": "https://a/b",
                       "image_url": "https://a/c.png"}},
             {"kind": "link", "text": "邀请你加入群聊\n技术支持群，进入可查看详情", "link": "https://a/b"}),
    "weapp": ({"weapp": {"title": "开始聊天前请仔细阅读", "description": "客户需同意存档", "username": "xxx@app",
                         "displayname": "服务须知"}},
              {"kind": "mini_program", "text": "开始聊天前请仔细阅读\n客户需同意存档"}),
    "chatrecord": ({"chatrecord": {"title": "群聊", "item": [
        {"type": "ChatRecordText", "msgtime": 1603875610, "content": '{"content":"test"}', "from_chatroom": False}]}},
                   {"kind": "other"}),
    "todo": ({"todo": {"title": "XXX的结束事项", "content": "下午3点量尺"}},
             {"kind": "other", "text": "XXX的结束事项\n下午3点量尺"}),
    "vote": ({"vote": {"votetitle": "周末量尺还是下周？", "voteitem": ["周末", "下周"], "votetype": 101}},
             {"kind": "vote", "text": "周末量尺还是下周？"}),
    "collect": ({"collect": {"room_name": "绿地城业主群", "creator": "zhang", "create_time": "2026-03-02 08:00:00",
                             "title": "量尺登记", "details": [{"id": 1, "ques": "楼栋", "type": "Text"}]}},
                {"kind": "collect", "text": "量尺登记"}),
    "redpacket": ({"redpacket": {"type": 1, "wish": "恭喜发财，大吉大利", "totalcnt": 10, "totalamount": 3000}},
                  {"kind": "red_packet", "text": "恭喜发财，大吉大利"}),
    "external_redpacket": ({"redpacket": {"type": 2, "wish": "恭喜", "totalcnt": 1, "totalamount": 20}},
                           {"kind": "red_packet", "text": "恭喜"}),
    "meeting": ({"meeting": {"topic": "夕会", "starttime": 1603877400, "endtime": 1603881000, "address": "",
                             "remarks": "", "meetingtype": 102, "meetingid": 1210342560, "status": 1}},
                {"kind": "other", "text": "夕会"}),
    "meeting_voice_call": ({"voiceid": "grb8a4c48a3c094a70", "meeting_voice_call": {
        "endtime": 1594197635, "sdkfileid": "x", "demofiledata": [], "sharescreendata": []}}, {"kind": "other"}),
    "docmsg": ({"doc": {"title": "测试&演示客户", "doc_creator": "test", "link_url": "https://doc.weixin.qq.com/a"}},
               {"kind": "link", "text": "测试&演示客户", "link": "https://doc.weixin.qq.com/a"}),
    "markdown": ({"info": {"content": "请前往系统查看，谢谢。"}}, {"kind": "text", "text": "请前往系统查看，谢谢。"}),
    "news": ({"info": {"item": [{"title": "service", "description": "样板间开放", "url": "http://a/b"}]}},
             {"kind": "link", "text": "service\n样板间开放", "link": "http://a/b"}),
    "calendar": ({"calendar": {"title": "xxx业绩复盘会", "creatorname": "zhang", "attendeename": ["a"],
                               "starttime": 1603882800, "endtime": 1603886400, "place": "", "remarks": ""}},
                 {"kind": "other", "text": "xxx业绩复盘会"}),
    "mixed": ({"mixed": mixed(
        ("text", {"content": "你好[微笑]\n"}), ("image", MEDIA), ("text", {"content": "我是2栋的"}))},
              {"kind": "mixed", "text": "你好[微笑]\n\n我是2栋的"}),
    "voip_doc_share": ({"voipid": "gr2751c98b19300571", "voip_doc_share": MEDIA | {"filename": "欢迎使用微盘.pdf"}},
                       {"kind": "file", "text": "欢迎使用微盘.pdf"}),
    "sphfeed": ({"sphfeed": {"feed_type": 4, "sph_name": "云游天地旅行家", "feed_desc": "瑞士丨盖尔默缆车"}},
                {"kind": "link", "text": "云游天地旅行家\n瑞士丨盖尔默缆车"}),
    "voiptext": ({"info": {"callduration": 10, "invitetype": 1}}, {"kind": "other"}),
    "qydiskfile": ({"info": {"filename": "报价单.xlsx"}}, {"kind": "file", "text": "报价单.xlsx"}),
}


def read(record: dict[str, Any]) -> dict[str, Any]:
    """The event, which is one that the door takes."""
    raw = event_of(record)
    assert decode(raw)
    event: dict[str, Any] = msgspec.json.decode(raw)
    return event


def test_there_is_a_case_of_every_type():
    assert set(CASES) == TYPES
    assert {beside["kind"] for _, beside in CASES.values()} <= KINDS


@pytest.mark.parametrize("msgtype", CASES)
def test_a_documented_type_is_a_message_of_its_kind(msgtype):
    fields, expected = CASES[msgtype]
    event = read(message(msgtype, **fields))
    assert (event["type"], event["source"]) == ("loupan.group.message.v1", "wecom")
    assert event["time"] == "2026-03-02T00:00:00.250000+00:00"
    data = event["data"]
    raw = data.pop("wecom", None)
    assert data == {"group_id": ROOM, "message_id": "m1", "member_id": MEMBER, **expected}
    assert raw == ({"msgtype": msgtype, **fields} if msgtype not in ("text", "location") else None)


def test_a_type_that_nobody_knows_is_other_with_its_raw_form():
    data = read(message("solitaire", solitaire={"title": "接龙", "rows": [1]}))["data"]
    assert data["kind"] == "other"
    assert data["wecom"] == {"msgtype": "solitaire", "solitaire": {"title": "接龙", "rows": [1]}}


def test_fields_that_nobody_knows_are_kept():
    data = read(message("text", text={"content": "好", "quote": "m0"}, extra=7))["data"]
    assert data["wecom"] == {"msgtype": "text", "text": {"quote": "m0"}, "extra": 7}
    assert read(message("location", extra=7, location={"longitude": 1.5, "latitude": 2.5}))["data"]["wecom"] == {
        "msgtype": "location", "extra": 7}


def test_the_same_record_is_the_same_event():
    record = message("text", text={"content": "好"})
    assert event_of(record) == event_of(dict(record))
    assert read(record)["id"] != read(record | {"msgid": "m2"})["id"]


def test_a_revoked_message_is_recalled():
    event = read(message("revoke", msgid="m9", revoke={"pre_msgid": "m1"}))
    assert (event["type"], event["data"]) == (
        "loupan.group.message-recalled.v1", {"group_id": ROOM, "message_id": "m1"})


@pytest.mark.parametrize(("msgtype", "granted"), [("agree", True), ("disagree", False)])
@pytest.mark.parametrize("room", [ROOM, ""])
def test_who_agrees_or_not_to_the_archive_is_profiled_or_not(msgtype, granted, room):
    body = {"userid": MEMBER, f"{msgtype}_time": AT + 1000}
    event = read(message(msgtype) | {msgtype: body} | {"roomid": room})
    assert (event["type"], event["time"]) == ("loupan.member.consent.v1", "2026-03-02T00:00:01.250000+00:00")
    assert event["data"] == {"member_id": MEMBER, "scope": "profiling", "granted": granted}


@pytest.mark.parametrize(("record", "why"), [
    ({"msgid": "x", "action": "switch", "time": AT, "user": "zhang"}, "switch"),
    (message("text", text={"content": "private"}) | {"roomid": ""}, "single"),
    (message("revoke", revoke={"pre_msgid": "m1"}) | {"roomid": ""}, "single"),
])
def test_what_is_in_no_group_is_skipped(record, why):
    with pytest.raises(Skipped, match=why):
        event_of(record)


def test_where_somebody_is_stands_nowhere_but_in_the_field_that_is_made_coarse():
    fields, _ = CASES["location"]
    raw = event_of(message("location", **fields))
    assert b"116.586285899" not in kept(raw, decode(raw))
    place = {"longitude": 116.586285899, "latitude": 39.911125799, "title": "家"}
    for msgtype, type_ in (("chatrecord", "ChatRecordLocation"), ("mixed", "location")):
        raw = event_of(message(msgtype) | {msgtype: mixed((type_, place), ("text", {"content": "好"}))})
        assert b"116.58" not in raw
        assert type_.encode() in raw


def test_who_received_a_message_is_not_kept():
    assert b"tolist" not in event_of(message("image", image=MEDIA))


@pytest.mark.parametrize("spoilt", [
    {"msgtype": None}, {"msgtype": 7}, {"msgid": ""}, {"msgid": 3}, {"from": None}, {"msgtime": "soon"},
    {"msgtime": None}, {"msgtime": 10**30}, {"text": None}, {"text": "words"}, {"msgtype": "location"},
    {"msgtype": "revoke", "revoke": {}}, {"msgtype": "agree"}, {"msgtype": "agree", "agree": {"agree_time": AT}},
])
def test_a_record_of_another_form_says_what_is_wrong(spoilt):
    with pytest.raises(BadEvent, match=r"it has no|without|its time"):
        event_of(message("text", text={"content": "好"}) | spoilt)


@pytest.mark.parametrize("body", [
    {}, {"item": None}, {"item": "x"}, {"item": [None, 3, {"type": None}, {"type": "text"}]},
    {"item": [{"type": "text", "content": "not json"}]}, {"item": [{"type": "text", "content": "[1]"}]},
])
def test_the_parts_of_a_mixed_message_may_be_anything(body):
    assert read(message("mixed", mixed=body))["data"]["kind"] == "mixed"
