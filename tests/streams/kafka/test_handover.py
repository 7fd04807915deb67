"""From placement to campaign: what is packed is unpacked, in order, however much it is."""

import json

import pytest
from msgspec import ValidationError

from agents.records import EstateRecord, Place
from schemas.errors import BrokenRule
from schemas.events import decode
from streams.kafka.handover import ENOUGH, Handed, Parcel, lane_of, of_event, pack, unpack
from streams.kafka.placing import Runs
from tests import builders


def records(count: int, size: int = 10) -> list[bytes]:
    raws = [builders.message(text="早" * size, at=builders.at(1, "08:00"), member=f"m{n}") for n in range(count)]
    return [of_event(EstateRecord(f"e{n}", decode(raw), Place(f"e{n}")), raw, n) for n, raw in enumerate(raws)]


def test_what_is_packed_is_unpacked_in_order():
    handed = [one for body in pack(records(100)) for one in unpack(body)]
    assert [one.estate_id for one in handed] == [f"e{n}" for n in range(100)]
    assert [one.inbox for one in handed] == list(range(100))
    assert handed[3].record().place == Place("e3")


def test_a_body_is_closed_when_it_is_large_enough():
    bodies = list(pack(records(60, 20_000)))
    assert len(bodies) > 3
    assert all(len(body) < ENOUGH + 100_000 for body in bodies)


def test_an_event_keeps_its_bytes_with_fields_that_we_do_not_know():
    raw = json.dumps({**json.loads(builders.message()), "anything": {"a": [1]}}).encode()
    [body] = pack([of_event(EstateRecord("e1", decode(raw)), raw, 1)])
    assert raw in body


def test_what_is_not_ours_is_refused():
    with pytest.raises(ValidationError):
        unpack(b'[{"event": {}}]')
    with pytest.raises(BrokenRule):
        Handed("e1").record()


def test_a_parcel_says_its_lane_and_number_in_its_headers():
    parcel = Parcel("group-events/3", 17, 2, b"[]")
    assert lane_of(parcel.headers) == ("group-events/3", 17)
    assert lane_of([("lane", b"x")]) is None
    assert lane_of([("lane", b"x"), ("seq", b"y")]) is None


def test_records_of_a_partition_stay_in_their_order_across_lanes_and_lanes_are_numbered_on():
    runs = Runs()
    for lane, partition, record in (("g", 0, b"1"), ("g", 0, b"2"), ("o", 0, b"3"), ("g", 1, b"4"), ("g", 0, b"5")):
        runs.add(lane, partition, record)
    parcels, lanes = runs.numbered({"lane/g": 7, "lane/o": 0})
    assert [(one.lane, one.seq, one.partition, one.body) for one in parcels] == [
        ("g", 7, 0, b"[1,2]"), ("o", 0, 0, b"[3]"), ("g", 8, 1, b"[4]"), ("g", 9, 0, b"[5]")]
    assert lanes == {"lane/g": 10, "lane/o": 1}
