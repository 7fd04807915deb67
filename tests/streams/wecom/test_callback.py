"""`/v1/wecom/callback`: WeCom's own sample, what each change comes to, and what is never an error to WeCom."""

from __future__ import annotations

import asyncio
import time

import msgspec
import pytest
from sqlalchemy import delete

from schemas.errors import BadFile
from schemas.events import decode
from streams.settings import Settings
from streams.tables import dead_letters, inbox, wecom_marks
from streams.wecom.crypto import Lock, Unreadable, Unsigned, key_of
from streams.wecom.marks import due_chats, mark_of
from streams.wecom.notices import fields_of
from streams.wecom.settings import lock_of
from tests.streams.gateway_world import World
from tests.streams.wecom.sending import ADDRESS, AES_KEY, AT, CORP, LOCK, TOKEN, enciphered, send, signed, xml

CHAT, MEMBER = "wrOgQhDgAAMYQiS5ol9G7gK9JVAAAA", "wmOgQhDgAAuXFJGwbve4g4iXknfOAAAA"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("wecom"), opener=LOCK)
    yield world
    world.close()


@pytest.fixture
def world(made):
    """The world, with nothing in it."""
    with made.engine.begin() as connection:
        for table in (inbox, dead_letters, wecom_marks):
            connection.execute(delete(table))
    return made


def counted(world, event, how):
    said = f'loupan_wecom_callbacks_total{{event="{event}",how="{how}"}} '
    return float(next((line for line in world.get("/metrics", who=None).text.splitlines() if line.startswith(said)),
                      "0").split()[-1])


def letters(world):
    return world.get("/v1/dead-letters").json()["dead_letters"]


def marks(world):
    with world.engine.connect() as connection:
        return due_chats(connection, 10**15), mark_of(connection, "archive").due


# --- WeCom's own sample: Sample of WXBizMsgCrypt, by Tencent, as it ships with its libraries for every language -----

ECHO = ("5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "1409659589", "263014780",
        "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==")
MESSAGE = ("477715d11cdb4164915debcba66cb864d751f3e6", "1409659813", "1372623149", (
           "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvu"
           "JTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwG"
           "c2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9"
           "EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0"
           "lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q=="))


def test_the_vendors_sample_is_signed_and_deciphered():
    for signature, timestamp, nonce, cipher in (ECHO, MESSAGE):
        LOCK.check(signature, timestamp, nonce, cipher)
    assert LOCK.open(ECHO[3]) == b"1616140317555161061"
    fields = fields_of(LOCK.open(MESSAGE[3]))
    assert (fields["FromUserName"], fields["MsgType"], fields["Content"]) == ("mycreate", "text", "hello")


def test_the_address_is_checked_by_the_vendors_sample(world):
    signature, timestamp, nonce, echo = ECHO
    answer = world.get(ADDRESS, who=None, params={
        "msg_signature": signature, "timestamp": timestamp, "nonce": nonce, "echostr": echo})
    assert (answer.status_code, answer.text) == (200, "1616140317555161061")


@pytest.mark.parametrize("change", [
    {"msg_signature": "0" * 40}, {"nonce": "another"}, {"timestamp": "1409659590"}, {"msg_signature": "签名"},
])
def test_what_wecom_did_not_sign_is_refused(world, change):
    answer = world.get(ADDRESS, who=None, params={**signed(ECHO[3]), "echostr": ECHO[3], **change})
    assert answer.status_code == 403
    assert "LOUPAN_WECOM_TOKEN" in answer.json()["detail"]
    assert TOKEN not in answer.text


def test_a_lock_shows_no_secret():
    assert TOKEN not in repr(LOCK)
    assert LOCK.key.hex() not in repr(LOCK)
    assert repr(LOCK.key) not in repr(LOCK)


@pytest.mark.parametrize(("cipher", "says"), [
    (enciphered("hello", receiver="somebody-else"), "another corp id"), ("not base64!", "it is not base64"),
    ("aGVsbG8=", "whole blocks"), ("A" * 43 + "=", "padding"), ("", "whole blocks"),
])
def test_what_cannot_be_deciphered_says_why(world, cipher, says):
    with pytest.raises(Unreadable, match=says):
        LOCK.open(cipher)
    answer = world.get(ADDRESS, who=None, params={**signed(cipher), "echostr": cipher})
    assert answer.status_code == 400
    assert says in answer.json()["detail"]
    chinese = world.get(ADDRESS, who=None, params={**signed(cipher), "echostr": cipher},
                        headers={"Accept-Language": "zh"}).json()["detail"]
    assert chinese.startswith("解不开：")
    assert says not in chinese


def test_another_key_is_named_as_the_likely_reason():
    with pytest.raises(Unreadable, match="LOUPAN_WECOM_AES_KEY"):
        Lock(CORP, TOKEN, key_of("a" * 43)).open(ECHO[3])


def test_a_signature_is_checked_before_anything_is_deciphered():
    with pytest.raises(Unsigned):
        LOCK.check("", "", "", "")


# --- what a callback comes to ---------------------------------------------------------------------------------


def test_members_who_join_are_told_and_the_groups_details_become_due(world):
    text = xml("change_external_chat", ChatId=CHAT, ChangeType="update", UpdateDetail="add_member", JoinScene=3,
               QuitScene=0, MemChangeCnt=2, MemChangeList=[MEMBER, "wm2"], LastMemVer="a", CurMemVer="b")
    answer = send(world, text)
    assert (answer.status_code, answer.content) == (200, b"")
    assert [(e["type"], e["data"]) for e in world.inbox()] == [
        ("loupan.group.member-joined.v1", {"group_id": CHAT, "member_id": member, "join_scene": 3})
        for member in (MEMBER, "wm2")]
    assert world.inbox()[0]["time"] == "2026-03-02T00:00:00+00:00"
    assert marks(world) == ([CHAT], None)


def test_the_same_callback_again_is_recognised_though_it_is_enciphered_and_signed_anew(world):
    text = xml("change_external_chat", ChatId=CHAT, ChangeType="update", UpdateDetail="add_member",
               MemChangeList=[MEMBER])
    for nonce in ("1", "2", "3"):
        assert send(world, text, nonce=nonce).status_code == 200
    assert len(world.inbox()) == 1
    send(world, text.replace(str(AT), str(AT + 1)))
    assert len(world.inbox()) == 2


def test_members_parted_by_commas_are_read_too(world):
    send(world, xml("change_external_chat", ChatId=CHAT, ChangeType="update", UpdateDetail="del_member", QuitScene=1,
                    MemChangeList=f"{MEMBER},wm2"))
    assert [(e["type"], e["data"]["member_id"], e["data"]["quit_scene"]) for e in world.inbox()] == [
        ("loupan.group.member-left.v1", MEMBER, 1), ("loupan.group.member-left.v1", "wm2", 1)]


@pytest.mark.parametrize("fields", [
    {"ChangeType": "create"}, *({"ChangeType": "update", "UpdateDetail": detail} for detail in (
        "change_owner", "change_name", "change_notice", "add_member", "something_new")),
])
def test_what_a_callback_does_not_tell_is_fetched(world, fields):
    assert send(world, xml("change_external_chat", ChatId=CHAT, **fields)).status_code == 200
    assert world.inbox() == []
    assert marks(world) == ([CHAT], None)


def test_a_group_that_was_dismissed_is_worked_no_more(world):
    send(world, xml("change_external_chat", ChatId=CHAT, ChangeType="dismiss"))
    [event] = world.inbox()
    assert event["type"] == "loupan.group.updated.v1"
    assert (event["data"]["group_id"], event["data"]["open"]) == (CHAT, False)
    assert marks(world) == ([], None)


def test_news_in_the_archive_wakes_the_puller(world):
    send(world, xml("msgaudit_notify", AgentID=2000004))
    assert marks(world) == ([], int(world.clock.now().timestamp() * 1000))


def test_a_customer_who_agrees_to_the_archive_may_be_profiled(world):
    send(world, xml("change_external_contact", ChangeType="msg_audit_approved", UserID="zhang", ExternalUserID=MEMBER,
                    WelcomeCode="w"))
    [event] = world.inbox()
    assert event["type"] == "loupan.member.consent.v1"
    assert event["data"] == {"member_id": MEMBER, "scope": "profiling", "granted": True}


@pytest.mark.parametrize("state", ["e1", "estate:e1", "shop=e1"])
@pytest.mark.parametrize("change", ["add_external_contact", "add_half_external_contact", "edit_external_contact"])
def test_a_customer_who_comes_by_an_estates_link_has_told_their_estate(world, change, state):
    send(world, xml("change_external_contact", ChangeType=change, UserID="zhang", ExternalUserID=MEMBER, State=state))
    [event] = world.inbox()
    assert event["type"] == "loupan.member.home-declared.v1"
    assert event["data"] == {"member_id": MEMBER, "estate_id": "e1", "state": state, "staff_id": "zhang"}


@pytest.mark.parametrize("text", [
    xml("change_external_contact", ChangeType="add_external_contact", ExternalUserID=MEMBER, State="no-estate"),
    xml("change_external_contact", ChangeType="del_external_contact", ExternalUserID=MEMBER),
    xml("change_external_contact", ChangeType="del_follow_user", ExternalUserID=MEMBER),
    xml("change_contact", ChangeType="create_user", Mobile="13800000000"), xml("LOCATION", Latitude="39.9"),
    xml("", MsgType="text", Content="hello"),
])
def test_what_is_nothing_to_us_is_counted_and_not_kept(world, text):
    before = sum(counted(world, name, "ignored") for name in ("change_external_contact", "other", "message"))
    assert send(world, text).status_code == 200
    assert (world.inbox(), letters(world)) == ([], [])
    after = sum(counted(world, name, "ignored") for name in ("change_external_contact", "other", "message"))
    assert after == before + 1


@pytest.mark.parametrize("text", [
    xml("brand_new_event", ChangeType="of_some_kind", What="ever"), xml("change_external_chat", ChangeType="update"),
    xml("change_external_chat", ChangeType="merge", ChatId=CHAT), xml("change_external_contact", ChangeType="new"),
    xml("change_external_contact", ChangeType="msg_audit_approved"), "<xml><MsgType>event</MsgType></xml>",
])
def test_what_nobody_knows_is_kept_whole_and_is_no_error_to_wecom(world, text):
    before = counted(world, "other", "unknown")
    assert send(world, text).status_code == 200
    [letter] = letters(world)
    assert letter["reason"].startswith("unknown event type")
    kept = msgspec.json.decode(letter["raw"])
    assert kept["data"] == fields_of(text)
    assert kept["type"].startswith("wecom")
    assert counted(world, "other", "unknown") == before + 1


def test_what_the_door_refuses_is_a_dead_letter_and_no_error_to_wecom(world):
    text = xml("change_external_chat", ChatId=CHAT, ChangeType="dismiss", CreateTime="soon")
    assert send(world, text).status_code == 200
    assert "no time of ours" in letters(world)[0]["reason"]


def test_every_event_is_one_that_the_door_reads(world):
    for fields in ({"UpdateDetail": "add_member"}, {"UpdateDetail": "del_member"}):
        send(world, xml("change_external_chat", ChatId=CHAT, ChangeType="update", MemChangeList=[MEMBER], **fields))
    assert len(world.inbox()) == 2
    assert all(decode(msgspec.json.encode(event)) for event in world.inbox())


# --- what may go wrong ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "status"), [
    (b"", 400), (b"{}", 400), (b"<xml></xml>", 400), (b"<xml><Encrypt></Encrypt></xml>", 400),
    (b"<!DOCTYPE x [<!ENTITY a 'b'>]><xml><Encrypt>&a;</Encrypt></xml>", 400),
    (b"<xml><Encrypt>abcd</Encrypt></xml>", 403), (b" " * 1_048_577, 413), (b"\xff\xfe", 400),
])
def test_a_body_that_is_not_wecoms_is_refused(world, body, status):
    assert world.post(ADDRESS, who=None, params=signed("x"), content=body).status_code == status


def test_entities_within_the_ciphertext_are_not_expanded(world):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><xml><Event>&b;</Event></xml>'
    assert send(world, bomb).status_code == 400
    assert world.inbox() == []


def test_without_settings_the_address_is_not_there_and_says_how_to_set_it_up(tmp_path):
    world = World(tmp_path)
    answer = world.get(ADDRESS, who=None, params={**signed("x"), "echostr": "x"}, headers={"Accept-Language": "zh"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "LOUPAN_WECOM_TOKEN" in answer.json()["detail"]
    assert "还没有配置企业微信" in answer.json()["detail"]
    assert send(world, xml("msgaudit_notify")).status_code == 404
    assert world.post(ADDRESS, who=None, content=b"").status_code == 404
    world.close()


def test_parameters_that_are_missing_are_a_problem(world):
    assert world.post(ADDRESS, who=None, content=b"").status_code == 422


def test_wecom_is_asked_to_send_again_what_is_not_kept_in_time_and_it_is_kept_once(world, monkeypatch):
    monkeypatch.setattr("streams.gateway.wecom.PATIENCE", 0.05)
    take = world.door.accept

    async def slow(raws):
        await asyncio.sleep(0.15)
        return await take(raws)

    monkeypatch.setattr(world.door, "accept", slow)
    text = xml("change_external_chat", ChatId=CHAT, ChangeType="dismiss")
    began = time.monotonic()
    answer = send(world, text)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert time.monotonic() - began < 1
    monkeypatch.setattr("streams.gateway.wecom.PATIENCE", 5)
    assert send(world, text, nonce="again").status_code == 200
    assert len(world.inbox()) == 1


# --- settings -------------------------------------------------------------------------------------------------


def settings(**given):
    base = {"wecom_corp_id": CORP, "wecom_token": TOKEN, "wecom_aes_key": AES_KEY}
    return Settings(**{**base, **given})


def test_the_lock_is_made_of_the_settings():
    assert lock_of(settings()) == LOCK
    assert lock_of(Settings(wecom_corp_id=CORP)) is None


@pytest.mark.parametrize(("given", "names"), [
    ({"wecom_token": None}, "LOUPAN_WECOM_TOKEN"), ({"wecom_aes_key": None}, "LOUPAN_WECOM_AES_KEY"),
    ({"wecom_corp_id": None}, "LOUPAN_WECOM_CORP_ID"), ({"wecom_aes_key": "short"}, "43"),
    ({"wecom_aes_key": "!" * 43}, "base64"),
])
def test_settings_by_half_are_named_with_the_remedy(given, names):
    with pytest.raises(BadFile, match=names):
        lock_of(settings(**given))


def test_secrets_are_in_no_repr():
    assert TOKEN not in repr(settings())
    assert AES_KEY not in repr(settings())
