from __future__ import annotations

import gzip
import http.client
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest

from tests import builders
from tests.streams.gateway_world import World

BATCH = {"Content-Type": "application/cloudevents-batch+json"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def array(*raws: bytes) -> bytes:
    return b"[" + b",".join(raws) + b"]"


def test_a_structured_event_is_accepted_and_kept_whole(world):
    raw = builders.message(text="你好", unknown_field={"kept": True})
    answer = world.publish(raw, who="integration")
    assert answer.status_code == 200
    assert answer.json() == {
        "results": [{"index": 0, "status": "accepted", "id": builders.event_id(raw), "detail": None}],
        "accepted": 1, "duplicate": 0, "error": 0,
    }
    assert world.inbox() == [msgspec.json.decode(raw)]


def test_the_same_event_again_is_a_duplicate(world):
    world.publish(builders.message())
    assert world.publish(builders.message()).json()["results"][0]["status"] == "duplicate"
    assert len(world.inbox()) == 1


@pytest.mark.parametrize("headers", [BATCH, JSON])
def test_a_batch_answers_each_event_by_its_place(world, headers):
    good, bad = builders.message(), builders.message(location={"lng": 116.4, "lat": 39.9})
    answer = world.post("/v1/events", content=array(good, bad, good), headers=headers)
    assert answer.status_code == 200
    assert [one["status"] for one in answer.json()["results"]] == ["accepted", "error", "duplicate"]
    assert "crs" in answer.json()["results"][1]["detail"]
    assert (answer.json()["accepted"], answer.json()["duplicate"], answer.json()["error"]) == (1, 1, 1)


def test_half_of_a_character_spoils_its_own_event_and_no_other(world):
    good, other = builders.message(), builders.message(message_id="m-2", text='[1,2], "x"')
    cut = builders.message(message_id="m-3", text="好X").replace(b"X", b"\\ud83d")
    answer = world.publish(b" [ " + good + b" ,\n" + cut + b"," + other + b"]", headers=BATCH).json()
    assert [one["status"] for one in answer["results"]] == ["accepted", "error", "accepted"]
    assert "half of a character (\\ud83d)" in answer["results"][1]["detail"]
    assert world.inbox() == [msgspec.json.decode(good), msgspec.json.decode(other)]
    alone = world.publish(cut)
    assert alone.status_code == 422
    assert "half of a character" in alone.json()["detail"]


def test_a_whole_pair_is_a_character_beside_half_of_one(world):
    whole = builders.message(text="好X").replace(b"X", b"\\ud83d\\ude00")
    cut = builders.message(message_id="m-3", text="X").replace(b"X", b"\\\\\\udc00")
    answer = world.publish(array(whole, cut), headers=BATCH).json()
    assert [one["status"] for one in answer["results"]] == ["accepted", "error"]


@pytest.mark.parametrize("headers", [BATCH, JSON])
def test_the_mark_before_utf8_is_passed_over(world, headers):
    answer = world.publish(b"\xef\xbb\xbf" + array(builders.message()), headers=headers)
    assert answer.json()["accepted"] == 1


def test_an_empty_batch_is_answered_with_nothing(world):
    assert world.post("/v1/events", content=b"[]", headers=BATCH).json()["results"] == []


def test_plain_json_may_be_one_event(world):
    assert world.publish(builders.message(), headers=JSON).json()["accepted"] == 1


def test_a_single_wrong_event_is_a_problem_that_says_what_is_wrong(world):
    answer = world.publish(builders.event("loupan.unheard-of.v1", {}))
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:loupan:problem:bad-event"
    assert "unknown event type" in answer.json()["detail"]


def test_a_wrong_event_is_named_by_its_id_and_said_to_be_kept(world):
    answer = world.publish(builders.event("loupan.unheard-of.v1", {}, id="x-1")).json()
    assert answer["results"][0]["id"] == "x-1"
    assert answer["detail"].endswith(" It is kept as a dead letter.")
    assert len(world.get("/v1/dead-letters").json()["dead_letters"]) == 1
    assert world.publish(b'{"id": 7}').json()["results"][0]["id"] is None


@pytest.mark.parametrize(("raw", "says"), [
    (builders.event("loupan.unheard-of.v1", {}), "未知的事件类型“loupan.unheard-of.v1”（$.type）"),
    (builders.message(location={"lng": 1, "lat": 2}),
     "坐标没有写坐标系 crs（wgs84、gcj02 或 bd09）（$.data.location）"),
    (builders.message(at="2026-03-02T08:00:00"), "时间没有时区（$.time）"),
    (builders.event("loupan.group.message.v1", {}), "缺少字段 group_id（$.data）"),
    (builders.order_placed(amount_fen=-5), "不能小于 0（$.data.amount_fen）"),
    (builders.message(at="1999-03-02T08:00:00+08:00"), "时间 1999-03-02T08:00:00+08:00 不可信（$.time）"),
    (builders.message(member=""), "不能为空（$.data.member_id）"),
    (builders.message(location={"lng": "a", "lat": 2}), "应为数字，却是文字（$.data.location.lng）"),
])
def test_a_wrong_event_is_said_in_chinese_to_who_reads_chinese(world, raw, says):
    detail = world.publish(raw, headers={"Accept-Language": "zh-CN"}).json()["detail"]
    assert detail == f"事件没有被接收：{says}。它已存为死信。"


def test_each_event_of_a_batch_is_answered_in_the_readers_language(world):
    batch = b"[" + builders.message() + b"," + builders.message(member="", id="e-2") + b"]"
    said = {
        language: world.publish(batch, headers={**BATCH, "Accept-Language": language}).json()["results"][1]["detail"]
        for language in ("zh-CN,zh;q=0.9", "en")
    }
    assert said == {
        "zh-CN,zh;q=0.9": "不能为空（$.data.member_id）",
        "en": "Expected `str` of length >= 1 - at `$.data.member_id`",
    }


def test_a_dead_letter_tells_why_in_the_readers_language(world):
    world.publish(builders.message(member=""))
    chinese, english = (
        world.get("/v1/dead-letters", headers={"Accept-Language": language}).json()["dead_letters"][0]["reason"]
        for language in ("zh", "en")
    )
    assert chinese == "不能为空（$.data.member_id）"
    assert english == "Expected `str` of length >= 1 - at `$.data.member_id`"


def test_a_request_that_is_too_large_is_read_to_its_end_and_then_refused(world):
    with world.served() as client:
        headers = {"Authorization": f"Bearer {world.tokens['integration']}", **BATCH}
        connection = http.client.HTTPConnection(client.base_url.host, client.base_url.port, timeout=20)
        connection.request("POST", "/v1/events", body=b"[" + b" " * 10_000_000 + b"]", headers=headers)
        assert connection.getresponse().status == 413
        connection.close()


@pytest.mark.parametrize("type", ["loupan.clock.woke.v1", "loupan.task.issued.v1", "loupan.member.placed.v1"])
def test_nobody_may_send_what_only_we_say(world, type):
    assert world.publish(builders.event(type, {"estate_id": "e1"})).status_code == 422
    assert world.inbox() == []


@pytest.mark.parametrize("body", [b"", b"{", b"no", b"{}{}", b"[" * 100_000])
def test_a_body_that_is_not_json_is_a_bad_request(world, body):
    assert world.publish(body).status_code == 400
    assert world.post("/v1/events", content=body, headers=BATCH).status_code == 400


def binary(**headers: str) -> dict[str, str]:
    event = msgspec.json.decode(builders.message())
    names = ("specversion", "id", "source", "type", "time")
    return {"Content-Type": "application/json", **{f"ce-{name}": event[name] for name in names}, **headers}


def test_binary_mode_puts_headers_and_data_together(world):
    data = msgspec.json.decode(builders.message(text="几号交房？"))["data"]
    headers = binary(**{"ce-subject": quote("绿地城 50%"), "ce-partitionkey": "g1"})
    answer = world.post("/v1/events", content=msgspec.json.encode(data), headers=headers, who="integration")
    assert answer.json()["accepted"] == 1
    [kept] = world.inbox()
    assert (kept["data"], kept["subject"], kept["partitionkey"]) == (data, "绿地城 50%", "g1")
    assert kept["datacontenttype"] == "application/json"


def test_binary_data_cannot_rewrite_the_envelope(world):
    data = msgspec.json.encode(msgspec.json.decode(builders.message())["data"])
    answer = world.post("/v1/events", content=data + b',"source":"somebody-else"', headers=binary())
    assert answer.status_code == 400
    headers = binary(**{"ce-data": "{}", "ce-data_base64": "e30="})
    assert world.post("/v1/events", content=data, headers=headers).json()["accepted"] == 1
    assert "data_base64" not in world.inbox()[0]


@pytest.mark.parametrize("headers", [
    {"Content-Type": "text/plain"}, {}, {"Content-Type": "application/cloudevents+xml"},
    {"Content-Type": "application/cloudevents+json", "Content-Encoding": "br"},
])
def test_another_content_type_is_refused_with_those_that_are_taken(world, headers):
    answer = world.post("/v1/events", content=builders.message(), headers=headers)
    assert answer.status_code == 415
    assert "application/cloudevents+json" in answer.json()["detail"]


GZIP = {"Content-Encoding": "gzip"}


def test_what_comes_in_gzip_is_unpacked(world):
    one, other = builders.message(text="一"), builders.message(text="二")
    assert world.publish(gzip.compress(one), headers=GZIP).json()["accepted"] == 1
    # Two members, one after the other, are one body: RFC 1952, section 2.2.
    body = gzip.compress(b"[" + one + b",") + gzip.compress(other + b"]")
    answer = world.post("/v1/events", content=body, headers={**BATCH, **GZIP}).json()
    assert (answer["accepted"], answer["duplicate"]) == (1, 1)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(world):
    bomb = gzip.compress(b"[" + b" " * 100_000_000 + b"]", 9)
    assert len(bomb) < 300_000
    tracemalloc.start()
    answer = world.post("/v1/events", content=bomb, headers={**BATCH, **GZIP})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code == 413
    assert peak < 40_000_000


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", gzip.compress(builders.message())[:-9], gzip.compress(b"{}") + b"more"],
    ids=["nothing", "json", "cut", "more"],
)
def test_what_is_not_gzip_is_said(world, body):
    answer = world.publish(body, headers={**GZIP, "Accept-Language": "zh"})
    assert answer.status_code == 400
    assert body == b"" or "gzip" in answer.json()["detail"]


def test_an_event_over_one_mebibyte_is_too_large(world):
    assert world.publish(builders.message(text="x" * 1_048_576)).status_code == 413


def test_a_request_over_eight_mebibytes_is_too_large(world):
    big = builders.message(text="x" * 900_000)
    answer = world.post("/v1/events", content=array(*[big] * 10), headers=BATCH)
    assert answer.status_code == 413


def test_a_request_that_hides_its_length_is_stopped_at_eight_mebibytes(world):
    async def endless():
        while True:
            yield b" " * 65_536

    assert world.post("/v1/events", content=endless(), headers=BATCH).status_code == 413


def test_more_than_a_thousand_events_are_too_many(world):
    assert world.post("/v1/events", content=array(*[b"{}"] * 1001), headers=BATCH).status_code == 413


def test_a_sender_is_asked_to_wait_where_the_inbox_is_not_worked(world):
    world.door.lag = 50_001
    answer = world.publish(builders.message())
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    world.door.lag = 50_000
    assert world.publish(builders.message()).status_code == 200


def test_what_came_in_is_measured_by_its_answer(world):
    world.publish(builders.message())
    world.publish(builders.message())
    text = world.get("/metrics", who=None).text
    assert 'loupan_events_received_total{status="accepted"} 1.0' in text
    assert 'loupan_events_received_total{status="duplicate"} 1.0' in text
    assert 'loupan_http_requests_total{method="POST",route="/v1/events",status="200"} 2.0' in text
