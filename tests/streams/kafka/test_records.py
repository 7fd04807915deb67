"""Events to Kafka records and back: nothing is lost, and what is no event is said to be none."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import BadEvent
from schemas.events import MAX_EVENT_BYTES, decode
from streams.kafka.records import MAX_BATCH_BYTES, MAX_EVENTS, encode_binary, events_of
from tests import builders as b

STRUCTURED = [("content-type", b"application/cloudevents+json")]
BATCH = [("content-type", b"application/cloudevents-batch+json; charset=utf-8")]
NAMES = ("specversion", "id", "source", "type")


def there_and_back(raw: bytes) -> Any:
    (again,) = events_of(*encode_binary(raw))
    return json.loads(again)


def headers_of(raw: bytes, **changed: bytes | None) -> list[tuple[str, bytes]]:
    """The binary headers of an event; with `content_type=…` or `ce_id=None` changed or left out."""
    headers = {**dict(encode_binary(raw)[1]), **{name.replace("content_type", "content-type"): value
                                                 for name, value in changed.items()}}
    return [(name, value) for name, value in headers.items() if value is not None]


# --- to a record ----------------------------------------------------------------------------------


def test_the_attributes_are_headers_and_the_data_is_the_value():
    raw = (b'{"specversion":"1.0","id":"1","source":"wecom","type":"t","time":"2026-03-02T08:00:00+08:00",'
           b'"partitionkey":"g1","data": {"a" : 1}}')
    assert encode_binary(raw) == (b'{"a" : 1}', [
        ("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"wecom"), ("ce_type", b"t"),
        ("ce_time", b"2026-03-02T08:00:00+08:00"), ("ce_partitionkey", b"g1"), ("content-type", b"application/json")])


def test_escapes_become_the_text_that_they_are():
    value, headers = encode_binary(
        b'{"specversion":"1.0","id":"\\u697c\\"","source":"\xe6\xa5\xbc","type":"t","data":{}}')
    assert (value, dict(headers)["ce_id"], dict(headers)["ce_source"]) == (b"{}", '楼"'.encode(), "楼".encode())


@pytest.mark.parametrize(
    "extra",
    [
        {"strange": {"nested": [1, None]}}, {"strange": 1.5}, {"data_base64": "e30="}, {"subject": 7},
        {"datacontenttype": "text/plain"}, {"datacontenttype": True},
    ],
    ids=str,
)
def test_what_headers_cannot_say_is_carried_whole(extra):
    raw = b.event("t", {"a": 1}, **extra)
    assert encode_binary(raw) == (raw, STRUCTURED)
    assert there_and_back(raw) == json.loads(raw)


def test_an_event_of_the_largest_size_is_still_one_when_it_comes_back():
    room = MAX_EVENT_BYTES - len(b.event("loupan.member.erased.v1", {"member_id": "m", "x": ""}, id="1"))
    for less in (0, 1, 36, 37, 38):
        raw = b.event("loupan.member.erased.v1", {"member_id": "m", "x": "x" * (room - less)}, id="1")
        (again,) = events_of(*encode_binary(raw))
        assert decode(again).ref == decode(raw).ref


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b'"text"', b"\xff", b'{"id":"1"}', b"[" * 100_000, b'{"a":"\xff"}',
     b'{"specversion":"1.0","id":"\\ud800","source":"s","type":"t","data":{}}'],
    ids=lambda raw: repr(raw[:12]),
)
def test_what_is_no_event_cannot_be_encoded(raw):
    with pytest.raises(BadEvent):
        encode_binary(raw)


# --- there and back ---------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8)
extensions = st.dictionaries(
    texts.filter(lambda name: name not in {*NAMES, "data", "data_base64", "datacontenttype", "time", "subject",
                                           "dataschema"}),
    texts | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.none() | values, max_size=4)


def as_headers_say(name: str, value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int) else value


@given(
    st.fixed_dictionaries(dict.fromkeys(NAMES, texts)), extensions, values,
    st.none() | st.sampled_from(["application/json", "application/json; charset=utf-8", "application/x+json"]),
    st.booleans(), st.booleans())
def test_an_event_comes_back_as_it_was(required, extra, data, content, escaped, spaced):
    event = {**required, **extra, "data": data}
    if content is not None:
        event["datacontenttype"] = content
    raw = json.dumps(event, ensure_ascii=escaped, indent=1 if spaced else None).encode()
    back = there_and_back(raw)
    if encode_binary(raw)[1] != STRUCTURED:
        event = {name: value if name == "data" else as_headers_say(name, value) for name, value in event.items()
                 if name == "data" or value is not None}
        event.setdefault("datacontenttype", "application/json")
    assert back == event


@given(st.binary() | st.none(), st.lists(st.tuples(
    st.sampled_from(["ce_specversion", "ce_id", "ce_source", "ce_type", "content-type", "ce_data", "other"]),
    st.binary() | st.sampled_from([b"1.0", b"application/json", STRUCTURED[0][1], BATCH[0][1]])
), max_size=6))
def test_no_record_does_worse_than_be_a_bad_event(value, headers):
    with suppress(BadEvent):
        for event in events_of(value, headers):
            json.loads(event)


# --- from a record ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers", [STRUCTURED, [], None, [("content-type", b"application/json")], [("mine", b"\xff")]])
def test_an_event_that_is_the_value_is_read_whatever_else_the_record_says(headers):
    raw = b.message()
    assert events_of(b"\n " + raw + b"\n", headers) == [raw]


def test_a_batch_gives_its_events_in_their_order_and_one_that_is_wrong_harms_no_other():
    raws = [b.message(text="一"), b"5", b.message(text="二")]
    assert events_of(b"[" + b" ,\n".join(raws) + b"]", BATCH) == raws
    assert events_of(b"[]", BATCH) == []


def test_data_that_is_left_out_stays_out():
    headers = headers_of(b.message())
    (event,) = events_of(b"", headers)
    assert "data" not in json.loads(event)


def test_a_record_of_another_producer_is_one_of_our_events():
    headers = [("ce_specversion", b"1.0"), ("ce_type", b"loupan.group.message.v1"), ("ce_source", "企微".encode()),
               ("ce_id", b"1"), ("ce_time", b"2026-03-02T08:00:00+08:00"), ("traceparent", b"\xff\x00")]
    data = {"group_id": "g1", "message_id": "1", "member_id": "m1", "kind": "text", "text": "多少钱"}
    (raw,) = events_of(json.dumps(data).encode(), headers)
    assert decode(raw).ref == "企微#1"


GOOD = b.message()
DATA = encode_binary(GOOD)[0]


@pytest.mark.parametrize(
    ("value", "headers", "why"),
    [
        (None, headers_of(GOOD), "tombstone"),
        (b"\xff", STRUCTURED, "not JSON in UTF-8"),
        (b'{"specversion":"1.0","a":"\xff"}', STRUCTURED, "not JSON in UTF-8"),
        (b"{", STRUCTURED, "not JSON"),
        (b"[" * 100_000, STRUCTURED, "not JSON"),
        (b"[]", STRUCTURED, "not a CloudEvent"),
        (b"5", [], "not a CloudEvent"),
        (b'{"id":"1"}', [], "specversion"),
        (b"", [], "not JSON"),
        (GOOD + GOOD, [], "not JSON"),
        (GOOD, [("content-type", b"text/plain")], "text/plain"),
        (GOOD, [("content-type", b"application/cloudevents+avro")], "avro"),
        (GOOD, [("content-type", b"\xff")], "content-type is not text"),
        (b" " * (MAX_EVENT_BYTES + 1), STRUCTURED, "more than"),
        (b"{}", BATCH, "not a batch"),
        (b"[" + b",".join([b"1"] * (MAX_EVENTS + 1)) + b"]", BATCH, "more than the 1000"),
        (b" " * (MAX_BATCH_BYTES + 1), BATCH, "more than"),
        (DATA, headers_of(GOOD, ce_id=None), "ce_id is missing"),
        (DATA, headers_of(GOOD, ce_specversion=None), "ce_specversion is missing"),
        (DATA, headers_of(GOOD, ce_id=b"\xff"), "ce_id is not text"),
        (DATA, [*headers_of(GOOD), ("ce_time", None)], "ce_time is not text"),
        (DATA, [*headers_of(GOOD), ("ce_id", b"2")], "twice"),
        (DATA, headers_of(GOOD, ce_data=b"{}"), "ce_data is no header"),
        (DATA, headers_of(GOOD, content_type=b"application/avro"), "not JSON"),
        (b"{", headers_of(GOOD), "not JSON"),
        (b"\xff", headers_of(GOOD), "not JSON in UTF-8"),
        (b'{"a":"\xff"}', headers_of(GOOD), "not JSON in UTF-8"),
        (b" " * (MAX_EVENT_BYTES + 1), headers_of(GOOD), "more than"),
    ],
)
def test_poison_is_refused_with_its_reason(value, headers, why):
    with pytest.raises(BadEvent, match=why) as refused:
        events_of(value, headers)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300
