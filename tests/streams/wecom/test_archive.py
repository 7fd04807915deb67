"""Pulling the archive: nothing twice, nothing lost, whatever cannot be opened aside with its reason."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from schemas.errors import BadFile, Fenced, Unavailable
from streams import places
from streams.inbox import Door
from streams.tables import dead_letters, inbox
from streams.wecom.archive import POSITION, Embedded, Puller, Sent, take_notice
from streams.wecom.keys import Keys, read_keys
from streams.wecom.marks import put_due
from streams.wecom.sdk import SdkFailed
from tests.databases import opened
from tests.streams.gateway_world import NOW
from tests.streams.wecom.archive import FakeSdk, message, pem, private_key, sealed

KEYS = Keys({1: private_key(1), 2: private_key(2)})


def said(seq: int, version: int = 1, sealed_with: int | None = None) -> dict[str, Any]:
    return sealed(seq, message("text", f"m{seq}", text={"content": "好"}), version, sealed_with=sealed_with)


@pytest.fixture
def engine(tmp_path):
    engine = opened(tmp_path / "loupan.db")
    yield engine
    engine.dispose()


def now():
    return NOW


def puller(engine, sdk, keys=KEYS, limit=3):
    return Puller(sdk, keys, Embedded(engine, now), limit)


def kept(engine):
    with engine.connect().execution_options(reading=True) as connection:
        raws = connection.execute(select(inbox.c.raw).order_by(inbox.c.offset)).scalars()
        return [msgspec.json.decode(raw)["data"] for raw in raws]


def letters(engine):
    with engine.connect().execution_options(reading=True) as connection:
        columns = (dead_letters.c.origin, dead_letters.c.reason, dead_letters.c.raw)
        return list(connection.execute(select(*columns).where(dead_letters.c.status == "dead")))


def position(engine):
    return Embedded(engine, now).position()


def test_everything_is_pulled_in_batches_behind_the_last_number(engine):
    sdk = FakeSdk(*(said(seq) for seq in range(11, 19)))
    told: list[int] = []
    assert puller(engine, sdk).pull(told=told.append) == {"accepted": 8, "error": 0}
    assert [data["message_id"] for data in kept(engine)] == [f"m{seq}" for seq in range(11, 19)]
    assert (told, sdk.asked) == ([13, 16, 18], [(0, 3), (13, 3), (16, 3)])
    assert position(engine) == 18


def test_the_next_pull_goes_on_from_there(engine):
    sdk = FakeSdk(said(1))
    puller(engine, sdk).pull()
    sdk.records.append(said(2))
    assert puller(engine, sdk).pull() == {"accepted": 1, "error": 0}
    assert puller(engine, sdk).pull() == {}
    assert len(kept(engine)) == 2


def test_a_batch_that_could_not_be_kept_is_pulled_again_and_position_and_events_fall_together(engine, monkeypatch):
    sdk = FakeSdk(*(said(seq) for seq in range(1, 6)))
    advance = places.advance

    def failing(connection, before, after):
        advance(connection, before, after)
        if after[POSITION] == 5:
            raise OSError("the machine dies")

    monkeypatch.setattr(places, "advance", failing)
    with pytest.raises(OSError, match="dies"):
        puller(engine, sdk).pull()
    assert (len(kept(engine)), position(engine)) == (3, 3)
    monkeypatch.undo()
    assert puller(engine, sdk).pull() == {"accepted": 2, "error": 0}
    assert (len(kept(engine)), position(engine)) == (5, 5)


def test_two_who_pull_do_not_both_go_on(engine):
    sdk = FakeSdk(said(1), said(2))
    other = puller(engine, FakeSdk(said(1), said(2)))
    ours = puller(engine, sdk)
    fetch = sdk.get_chat_data

    def overtaken(seq, limit):
        sdk.get_chat_data = fetch  # type: ignore[method-assign]  # once
        other.pull()
        return fetch(seq, limit)

    sdk.get_chat_data = overtaken  # type: ignore[method-assign]  # as above
    with pytest.raises(Fenced):
        ours.pull()
    assert (len(kept(engine)), position(engine)) == (2, 2)


def test_each_record_is_opened_by_the_key_of_its_version(engine):
    sdk = FakeSdk(said(1), said(2, version=2))
    assert puller(engine, sdk).pull()["accepted"] == 2


def test_what_cannot_be_opened_is_a_dead_letter_and_the_stream_goes_on(engine):
    wrong = said(3, version=1, sealed_with=2)
    sdk = FakeSdk(
        said(1), said(2, version=7), wrong, said(4) | {"encrypt_random_key": "!"},
        said(5) | {"encrypt_chat_msg": "aGFoYQ=="}, sealed(6, b"not json"), sealed(7, b"[1]"),
        sealed(8, message("text", text=None)), said(9))
    assert puller(engine, sdk).pull() == {"accepted": 2, "error": 7}
    found = letters(engine)
    assert [origin for origin, _, _ in found] == [f"wecom-archive:{seq}" for seq in range(2, 9)]
    reasons = [reason for _, reason, _ in found]
    assert "version 7" in reasons[0]
    assert "LOUPAN_WECOM_ARCHIVE_KEYS" in reasons[0]
    assert "there is 1, 2" in reasons[0]
    assert "version 1" in reasons[1]
    assert "DecryptData says 10006" in reasons[3]
    assert "not JSON" in reasons[4]
    assert "no object" in reasons[5]
    assert "without text" in reasons[6]
    assert msgspec.json.decode(found[1][2]) == wrong
    assert position(engine) == 9


def test_with_the_key_that_was_missing_they_are_pulled_again(engine):
    sdk = FakeSdk(said(1), said(2, version=2), said(3))
    assert puller(engine, sdk, Keys({1: private_key(1)})).pull() == {"accepted": 2, "error": 1}
    assert puller(engine, sdk, Keys({1: private_key(1)})).pull(since=0)["error"] == 1
    assert len(letters(engine)) == 1
    assert puller(engine, sdk).pull(since=1) == {"accepted": 1, "duplicate": 1, "error": 0}
    assert letters(engine) == []
    assert position(engine) == 3
    assert sorted(data["message_id"] for data in kept(engine)) == ["m1", "m2", "m3"]


def test_a_pull_from_before_goes_on_beyond_where_it_had_been(engine):
    sdk = FakeSdk(*(said(seq) for seq in range(1, 5)))
    puller(engine, sdk).pull()
    sdk.records += [said(seq) for seq in range(5, 9)]
    assert puller(engine, sdk).pull(since=0) == {"accepted": 4, "duplicate": 4, "error": 0}
    assert position(engine) == 8


def test_a_key_that_is_named_without_its_version_is_for_all(engine):
    assert puller(engine, FakeSdk(said(1, version=9, sealed_with=1)), Keys({0: private_key(1)})).pull()["accepted"] == 1


def test_what_is_of_no_group_is_counted_and_kept_nowhere(engine):
    private = message("text", "m2", text={"content": "only for you"}) | {"roomid": ""}
    sdk = FakeSdk(said(1), sealed(2, private), sealed(3, {"msgid": "m3", "action": "switch", "time": 1, "user": "a"}))
    assert puller(engine, sdk).pull() == {
        "accepted": 1, "error": 0, "skipped_single": 1, "skipped_switch": 1}
    assert (len(kept(engine)), letters(engine), position(engine)) == (1, [], 3)


def test_what_the_door_refuses_is_a_dead_letter_with_its_number(engine):
    long = sealed(1, message("text", "m" * 300, text={"content": "好"}))
    assert puller(engine, FakeSdk(long, said(2))).pull() == {"accepted": 1, "error": 1}
    assert letters(engine)[0][0] == "wecom-archive:1"


@pytest.mark.parametrize(("answer", "says"), [
    (b"", "cannot be read"), (b"[]", "cannot be read"),
    (b'{"errcode": 301052, "errmsg": "expired"}', "301052: expired"),
    (b'{"chatdata": [{"seq": 0}]}', "not behind 0"), (b'{"chatdata": [{"no": 1}]}', "not behind 0"),
])
def test_an_answer_of_another_form_moves_nothing(engine, answer, says):
    sdk = FakeSdk()
    sdk.answer = answer
    with pytest.raises(Unavailable, match=says):
        puller(engine, sdk).pull()
    assert (position(engine), letters(engine)) == (0, [])


def test_a_failure_of_the_sdk_leaves_what_was_taken(engine):
    sdk = FakeSdk(*(said(seq) for seq in range(1, 5)))

    def fails_next(_: int) -> None:
        sdk.fails.append(10001)

    with pytest.raises(SdkFailed) as failed:
        puller(engine, sdk).pull(told=fails_next)
    assert failed.value.passing
    assert position(engine) == 3


def test_what_may_pass_in_the_middle_of_a_batch_makes_no_dead_letter(engine, monkeypatch):
    sdk = FakeSdk(said(1), said(2))

    def failing(key, message):
        raise SdkFailed("DecryptData", 10003)

    monkeypatch.setattr(sdk, "decrypt_data", failing)
    with pytest.raises(SdkFailed):
        puller(engine, sdk).pull()
    assert (position(engine), letters(engine)) == (0, [])


def test_it_stops_between_two_batches(engine):
    sdk = FakeSdk(*(said(seq) for seq in range(1, 9)))
    assert puller(engine, sdk).pull(stopped=lambda: len(sdk.asked) == 2)["accepted"] == 6
    assert position(engine) == 6


def test_where_events_are_sent_first_a_crash_before_the_position_doubles_nothing(engine, monkeypatch):
    door = Door(now=now)

    def accept(raws, origin, numbers):
        with engine.begin() as connection:
            return door.accept(connection, raws, origin, numbers)

    def pull():
        return Puller(FakeSdk(said(1), said(2)), KEYS, Sent(engine, now, accept), 3).pull()

    monkeypatch.setattr(places, "advance", lambda *_: (_ for _ in ()).throw(OSError("the machine dies")))
    with pytest.raises(OSError, match="dies"):
        pull()
    assert position(engine) == 0
    monkeypatch.undo()
    assert pull() == {"duplicate": 2, "error": 0}
    assert (len(kept(engine)), position(engine)) == (2, 2)


def test_a_notice_is_taken_once(engine):
    assert not take_notice(engine)
    with engine.begin() as connection:
        put_due(connection, ["archive"], 5)
    assert [take_notice(engine), take_notice(engine)] == [True, False]


def test_private_keys_are_read_from_files(tmp_path, engine):
    file = tmp_path / "key.pem"
    file.write_bytes(pem(2))
    assert puller(engine, FakeSdk(said(1, version=2)), read_keys({2: file})).pull()["accepted"] == 1


@pytest.mark.parametrize(("content", "says"), [(None, "cannot be read"), (b"nonsense", "no private key")])
def test_a_file_that_holds_no_key_is_named(tmp_path, content, says):
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadFile, match=f"key.pem: .*{says}"):
        read_keys({1: file})
