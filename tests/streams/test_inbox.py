"""The door: what can be read is taken in once, what can't is kept whole with its reason, and each is answered."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from schemas.events import MAX_EVENT_BYTES, decode
from streams.dead_letters import resent
from streams.inbox import HANDED_ON, Door
from streams.readers import find_dead_letter, mark_retried
from tests import builders
from tests.databases import opened

NOW = datetime.fromisoformat("2026-03-02T08:00:00+08:00")


@pytest.fixture
def engine(tmp_path):
    engine = opened(tmp_path / "inbox.db")
    yield engine
    engine.dispose()


def accept(engine, raws, door=None):
    with engine.begin() as connection:
        return (door or Door()).accept(connection, raws)


def inbox(engine) -> list[bytes]:
    with engine.connect().execution_options(reading=True) as connection:
        rows = connection.exec_driver_sql('SELECT "offset", raw FROM inbox ORDER BY "offset"').all()
    assert [offset for offset, _ in rows] == list(range(1, len(rows) + 1))
    return [raw for _, raw in rows]


def dead(engine) -> list[tuple[str, bytes]]:
    with engine.connect().execution_options(reading=True) as connection:
        rows = connection.exec_driver_sql('SELECT reason, raw FROM dead_letters ORDER BY "offset"').all()
    return [(reason, raw) for reason, raw in rows]


GOOD = builders.message(text="大家好")

NO_DATUM = builders.message(kind="location", text=None, location={"lng": 116.4, "lat": 39.9})
BAD = {
    "broken JSON": (GOOD[:-7], "not JSON in UTF-8"),
    "a wrong UTF-8 byte": (GOOD.replace("大".encode(), b"\xff"), "not JSON in UTF-8"),
    "a cut UTF-8 character": (GOOD.replace("大".encode(), "大".encode()[:2]), "not JSON in UTF-8"),
    "a BOM": (b"\xef\xbb\xbf" + GOOD, "not JSON in UTF-8"),
    "nothing": (b"", "not JSON in UTF-8"),
    "a NUL": (b"\x00", "not JSON in UTF-8"),
    "an escaped NUL": (GOOD.replace("大".encode(), b"\\u0000"), "NUL"),
    "nested too deeply": (GOOD.replace(b'"data":', b'"x":' + b"[" * 100_000 + b"]" * 100_000 + b',"data":'), "JSON"),
    "a list": (b"[1, 2]", "Expected `object`"),
    "a number for a name": (GOOD.replace(b'"m1"', b"1"), "$.data.member_id"),
    "an empty id": (GOOD.replace(b'"m1"', b'""'), "$.data.member_id"),
    "an id of 257 characters": (GOOD.replace(b'"m1"', b'"' + b"m" * 257 + b'"'), "$.data.member_id"),
    "no data": (builders.event("loupan.group.message.v1", {}), "group_id"),
    "no id": (GOOD.replace(b'"id":', b'"jd":', 1), "`id`"),
    "a time without an offset": (builders.message(at="2026-03-02T08:00:00", id="x"), "$.time"),
    "a time that is none": (builders.erased(at="2026-13-45T08:00:00+08:00", id="x"), "$.time"),
    "a year before ours": (builders.erased(at="0001-01-01T00:00:00+08:00", id="x"), "$.time"),
    "a year after ours": (builders.erased(at="9999-12-31T23:59:59+00:00", id="x"), "$.time"),
    "another CloudEvents": (GOOD.replace(b'"specversion":"1.0"', b'"specversion":"0.3"'), "$.specversion"),
    "a point without its datum": (NO_DATUM, "datum"),
    "a datum that we don't know": (builders.message(location=builders.location(crs="cgcs")), "$.data.location.crs"),
    "a point outside the earth": (builders.message(location=builders.location(lng=216.0)), "$.data.location.lng"),
    "an unknown type": (builders.event("loupan.group.sang.v1", {"group_id": "g1"}), "unknown event type"),
    "no type": (GOOD.replace(b'"type":', b'"tipe":', 1), "type"),
    "a wake-up from outside": (builders.woke(), "unknown event type"),
    "one of our own outgoing events": (builders.event("loupan.task.issued.v1", {}), "unknown event type"),
    "an order of nothing": (builders.order_placed(items=[]), "$.data.items"),
    "money in parts of a fen": (builders.order_placed(amount_fen=1.5), "$.data.amount_fen"),
    "a sixth install check": (builders.install_checked(step=6), "$.data.step"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_read_is_kept_whole_with_its_reason_and_the_stream_goes_on(engine, what):
    raw, reason = BAD[what]
    after = builders.joined()
    first, bad, last = accept(engine, [GOOD, raw, after])
    assert (first.status, bad.status, last.status) == ("accepted", "error", "accepted")
    assert reason in (bad.detail or "")
    assert inbox(engine) == [GOOD, after]
    assert dead(engine) == [(bad.detail, raw)]
    assert "\n" not in (bad.detail or "")


def test_ten_megabytes_are_a_dead_letter_kept_whole(engine):
    raw = builders.message(text="长" * 3_500_000)
    assert len(raw) > 10_000_000
    [answer] = accept(engine, [raw])
    assert answer.status == "error"
    assert str(MAX_EVENT_BYTES) in (answer.detail or "")
    assert dead(engine) == [(answer.detail, raw)]


def test_an_event_that_comes_again_is_a_duplicate_whenever_it_comes(engine):
    door = Door()
    answers = accept(engine, [GOOD, GOOD], door)
    answers += accept(engine, [GOOD], door)
    answers += accept(engine, [GOOD])
    assert [answer.status for answer in answers] == ["accepted", "duplicate", "duplicate", "duplicate"]
    assert inbox(engine) == [GOOD]
    assert dead(engine) == []


def test_an_id_that_comes_again_with_other_content_is_the_first_event_still(engine):
    one, other = builders.message(text="一", id="same"), builders.message(text="二", id="same")
    assert [answer.status for answer in accept(engine, [one, other])] == ["accepted", "duplicate"]
    assert [answer.status for answer in accept(engine, [other])] == ["duplicate"]
    assert inbox(engine) == [one]


def test_the_same_id_of_another_source_is_another_event(engine):
    raws = [builders.message(id="same", source="a"), builders.message(id="same", source="b")]
    assert [answer.status for answer in accept(engine, raws)] == ["accepted", "accepted"]


def test_source_and_id_are_two_things(engine):
    raws = [builders.message(id="b#c", source="a"), builders.message(id="c", source="a#b")]
    assert [answer.status for answer in accept(engine, raws)] == ["accepted", "accepted"]


def test_answers_stand_in_the_order_of_the_events(engine):
    bad = b"{"
    raws = [bad, GOOD, bad, GOOD, builders.joined(), bad]
    answers = accept(engine, raws)
    assert [answer.index for answer in answers] == list(range(6))
    assert [answer.status for answer in answers] == ["error", "accepted", "error", "duplicate", "accepted", "error"]
    assert [answer.offset for answer in answers] == [None, 1, None, None, 2, None]
    assert [answer.id for answer in answers if answer.status == "accepted"] == [
        builders.event_id(GOOD), builders.event_id(builders.joined())]


def test_whatever_is_handed_in_is_accounted_for(engine):
    raws = [raw for raw, _ in BAD.values()] + [GOOD, GOOD, builders.joined()] * 3
    statuses = [answer.status for answer in accept(engine, raws)]
    assert len(statuses) == len(raws)
    assert (statuses.count("accepted"), statuses.count("duplicate")) == (len(inbox(engine)), 7)
    assert statuses.count("error") == len(dead(engine)) == len(BAD)


def test_thousands_at_once_are_recognised_when_they_come_again(engine):
    raws = [builders.message(member=f"m{n}", id=f"id-{n}") for n in range(2_300)]
    assert {answer.status for answer in accept(engine, raws)} == {"accepted"}
    again = accept(engine, [*raws[::-1], builders.joined()])
    assert [answer.status for answer in again] == ["duplicate"] * 2_300 + ["accepted"]
    assert inbox(engine) == [*raws, builders.joined()]


def test_unknown_fields_are_kept_in_the_bytes(engine):
    body = json.loads(GOOD)
    body["data"]["sticker"] = {"pack": 7}
    body["tenant"] = "north"
    raw = json.dumps(body).encode()
    assert accept(engine, [raw])[0].status == "accepted"
    assert inbox(engine) == [raw]


def test_nothing_at_all_is_fine(engine):
    assert accept(engine, []) == []


def test_an_event_from_the_future_is_refused_at_a_live_door(engine):
    door = Door(now=lambda: NOW)
    soon, later = NOW + timedelta(minutes=4), NOW + timedelta(minutes=6)
    answers = accept(engine, [builders.joined(at=soon.isoformat()), builders.joined(at=later.isoformat())], door)
    assert [answer.status for answer in answers] == ["accepted", "error"]
    assert "future" in (answers[1].detail or "")


def test_an_event_from_the_past_is_taken_whenever_it_comes(engine):
    door = Door(now=lambda: NOW)
    [answer] = accept(engine, [builders.joined(at="2019-01-01T00:00:00+00:00")], door)
    assert answer.status == "accepted"


def test_a_recording_has_no_now_to_run_ahead_of(engine):
    assert accept(engine, [builders.joined(at="2090-01-01T00:00:00+00:00")])[0].status == "accepted"


def test_what_was_decoded_is_handed_on_under_its_offset(engine):
    door = Door()
    accept(engine, [GOOD, b"{", builders.joined()], door)
    assert dict(door.handed_on) == {1: decode(GOOD), 2: decode(builders.joined())}


def test_after_a_rollback_nothing_was_handed_on(engine):
    door = Door()
    with engine.connect() as connection:
        begun = connection.begin()
        door.accept(connection, [GOOD, b"{"])
        begun.rollback()
    door.rolled_back()
    assert not door.handed_on
    assert (inbox(engine), dead(engine)) == ([], [])
    assert accept(engine, [GOOD], door)[0].offset == 1


def test_what_is_handed_on_is_bounded(engine):
    door = Door()
    raws = [builders.erased(f"m{n}", id=f"id-{n}") for n in range(5_000)]
    for start in range(0, HANDED_ON + 10_000, 5_000):
        accept(engine, [raw.replace(b'"id-', b'"id%d-' % start) for raw in raws], door)
    assert len(door.handed_on) <= HANDED_ON


def test_a_dead_letter_says_when_it_died_at_a_live_door(engine):
    accept(engine, [b"{"], Door(now=lambda: NOW))
    with engine.connect().execution_options(reading=True) as connection:
        at = connection.exec_driver_sql("SELECT at FROM dead_letters").scalar_one()
    assert datetime.fromtimestamp(at / 1000, UTC) == NOW


# --- sending a dead letter again ------------------------------------------------------------------------


def retry(engine, number, door):
    with engine.begin() as connection:
        row = find_dead_letter(connection, number)
        assert row is not None
        [answer] = door.accept(connection, [resent(row.raw, row.origin, number)])
        if answer.status == "accepted":
            mark_retried(connection, number)
    return answer


def test_a_dead_letter_is_taken_when_what_was_wrong_is_mended(engine):
    later = (NOW + timedelta(hours=1)).isoformat()
    raw = builders.joined(at=later)
    assert accept(engine, [raw], Door(now=lambda: NOW))[0].status == "error"
    still = Door(now=lambda: NOW + timedelta(minutes=50))
    assert retry(engine, 1, still).status == "error"
    mended = Door(now=lambda: NOW + timedelta(minutes=59))
    assert retry(engine, 1, mended).status == "accepted"
    assert inbox(engine) == [raw]
