"""Erasing a person: after it no table holds their id, name or words, and a replay of the log finds nothing of them."""

import json
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine

from agents.state import PERSON, PersonRow
from schemas.events import decode
from schemas.examples import EXAMPLES
from streams import erasure
from streams.embedded import Pipeline
from streams.inbox import Door
from streams.ledger_view import Asked, books
from streams.playbook_files import builtin_playbooks
from streams.redaction import NOBODY, REQUEST, redacted
from streams.tables import metadata
from streams.worlds import make_world
from tests import builders
from tests.builders import at
from tests.databases import opened

WHO, NAME = "wm-张小满", "3-2-1201 张小满"
WORDS = ("我家在绿地城3栋", "柜子大概多少钱", "翡翠路9号", "报名")


def data_of(raw: bytes) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(raw)
    found: dict[str, Any] = body["data"]
    return found


# --- one event ------------------------------------------------------------------------------------------


def test_of_what_they_said_themselves_only_the_place_in_the_log_stays():
    raw = builders.message(member=WHO, text="柜子大概多少钱")
    body = json.loads(redacted(raw, WHO))
    assert body["data"] == {"member_id": NOBODY}
    assert {name: body[name] for name in ("id", "source", "time")} == {
        name: json.loads(raw)[name] for name in ("id", "source", "time")}


def test_who_is_not_named_stays_as_they_were_byte_for_byte():
    raw = json.dumps(json.loads(builders.message(member="m2", text="张小满是谁")), indent=1).encode()
    assert redacted(raw, WHO) == raw


def test_a_mention_becomes_nobody_and_the_rest_of_the_words_stay():
    raw = builders.message(member="m2", text=f"@{NAME} 你家几栋的", mentions=["m3", WHO])
    said = data_of(redacted(raw, WHO, [NAME]))
    assert said["mentions"] == ["m3", NOBODY]
    assert "你家几栋的" in said["text"]
    assert NAME not in said["text"]
    assert said["member_id"] == "m2"


@pytest.mark.parametrize("role", ["member_id", "neighbour_id"])
def test_of_an_introduction_neither_name_nor_words_stay(role):
    about = {"member_id": "m2", "neighbour_id": "m3", role: WHO}
    script = {"id": "s", "version": 1, "text": f"小王、{NAME}"}
    task = {"task_id": "t1", "group_id": "g1", "script": script, "evidence": about}
    raw = json.dumps({"type": "loupan.task.issued.v1", "data": task}, ensure_ascii=False).encode()
    after = data_of(redacted(raw, WHO))
    assert after["script"]["text"] == ""
    assert after["evidence"][role] == NOBODY


@pytest.mark.parametrize("field", ["group_id", "message_id", "kind", "text"])
def test_a_group_or_a_word_that_happens_to_be_called_like_them_stays(field):
    raw = builders.message(group="17", member="m2", text="17", kind="17", message_id="17", mentions=["17"])
    said = data_of(redacted(raw, "17"))
    assert said[field] == "17"
    assert said["mentions"] == [NOBODY]


def test_the_envelope_stays_whatever_the_member_is_called():
    raw = builders.message(member="m2", mentions=["1.0"], source="1.0", id="1.0")
    body = json.loads(redacted(raw, "1.0"))
    assert (body["specversion"], body["source"], body["id"]) == ("1.0", "1.0", "1.0")
    assert body["data"]["mentions"] == [NOBODY]


def test_an_order_keeps_its_figures_and_loses_the_person():
    raw = builders.order_placed("o1", WHO, delivery={"address": "翡翠路9号"}, referrer_id="m2")
    said = data_of(redacted(raw, WHO))
    assert said["amount_fen"] == 3_000_000
    assert "delivery" not in said
    assert said["member_id"] is None
    assert said["referrer_id"] == "m2"


def test_an_id_behind_jsons_escapes_is_found():
    raw = json.dumps(json.loads(builders.message(member=WHO, text="报名"))).encode()
    assert WHO.encode() not in raw
    assert data_of(redacted(raw, WHO)) == {"member_id": NOBODY}
    assert redacted(raw.replace(b"\\u5f20", b"\\u5F20"), WHO) != raw


def test_a_broken_letter_that_names_them_is_emptied_and_any_other_stays_whole():
    assert WHO not in redacted(builders.message(member=WHO)[:-9], WHO).decode()
    other = json.dumps(json.loads(builders.message(member="m2", text="大家好"))).encode()[:-9]
    assert redacted(other, WHO) == other
    assert redacted(b"\xff\xfe", WHO) == b"\xff\xfe"


def test_the_request_itself_stays():
    raw = builders.erased(WHO)
    assert redacted(raw, WHO) == raw


@pytest.mark.parametrize("type_", EXAMPLES)
def test_whatever_is_redacted_can_still_be_read(type_):
    body = EXAMPLES[type_]
    people = {"wm-zhao", "wm-wu", "wm-chen", *_people(body["data"])}
    raw = msgspec.json.encode(body)
    for person in sorted(people):
        after = redacted(raw, person)
        decode(after)
        if type_ != REQUEST:
            assert person not in _people(json.loads(after)["data"])


def _people(data: dict[str, Any]) -> set[str]:
    named = {data[field] for field in ("member_id", "invited_by", "owner_id", "referrer_id") if data.get(field)}
    return {*named, *data.get("mentions", ())} - {NOBODY}


# --- a whole life ---------------------------------------------------------------------------------------


def life() -> list[bytes]:
    """What a person may leave behind, and what others say of them, before and after they ask to be erased."""
    return [
        builders.campaign_started(playbook="new-estate-own-group", at=at(1, "06:00")),
        builders.joined(member="m2", at=at(1, "06:10"), display_name="5栋老周"),
        builders.joined(member=WHO, at=at(1, "06:20"), display_name=NAME, join_state="e1", invited_by="m2"),
        builders.joined(member="m3", at=at(1, "06:30"), invited_by=WHO),
        *(builders.joined(member=f"n{n}", at=at(1, f"06:{35 + n}")) for n in range(20)),
        builders.message(member=WHO, text="大家好，我家在绿地城3栋", at=at(1, "09:00")),
        builders.message(member=WHO, text="柜子大概多少钱", at=at(1, "09:05"), mentions=["m-service"]),
        builders.message(member=WHO, text=None, kind="location", location=builders.location(label="翡翠路9号"),
                         at=at(1, "09:06")),
        builders.message(member="m-service", text=f"{NAME}您好，看户型", at=at(1, "09:10"), mentions=[WHO]),
        builders.message(member="m2", text=f"@{NAME} 一起去吧", at=at(1, "09:12"), mentions=[WHO]),
        builders.message(member=WHO, text="我报名", at=at(1, "09:15")),
        builders.home_declared(WHO, at=at(1, "10:00"), group_id="g1", estate_id="e1", address="翡翠路9号"),
        builders.home_declared(WHO, at=at(1, "10:01"), estate_id="no-such-estate"),
        builders.order_placed("o1", WHO, at=at(1, "11:00"), delivery={"address": "翡翠路9号3栋"}, referrer_id="m2",
                              group_buy_id="gb-1"),
        builders.order_placed("o2", "m2", at=at(1, "11:10"), referrer_id=WHO, group_buy_id="gb-1"),
        builders.order_placed("o3", WHO, None, at=at(1, "11:20"), delivery={"address": "绿地城3栋"}),
        builders.paid("o1", at=at(1, "12:00")),
        builders.group_updated(at=at(1, "12:10"), owner_id=WHO),
        builders.consent(WHO, "location", at=at(1, "12:30")),
        builders.message(member=WHO, at=at(1, "13:00"), text="柜子大概多少钱")[:-9],
        builders.left(member=WHO, at=at(1, "13:30")),
        builders.joined(member=WHO, at=at(1, "13:40"), display_name=NAME),
        builders.erased(WHO, at=at(1, "14:00")),
    ]


def late() -> list[bytes]:
    """What comes of them or about them when they are erased already."""
    return [
        builders.message(member=WHO, text="我报名", at=at(1, "13:55")),
        builders.joined(member=WHO, at=at(1, "14:10"), display_name=NAME),
        builders.message(member="m2", text="人呢", at=at(1, "14:20"), mentions=[WHO]),
        builders.order_placed("o4", WHO, at=at(1, "14:30"), delivery={"address": "翡翠路9号3栋"}),
        builders.home_declared(WHO, at=at(1, "14:40"), address="翡翠路9号"),
        builders.left(member=WHO, at=at(1, "14:50")),
        builders.message(member="m2", text="我也报名", at=at(2, "10:00")),
    ]


class Lived:
    """A database with all that was handed in worked, and everybody erased who asked for it."""

    def __init__(self, path: Any, raws: list[bytes], *, batch: int, parts: int = 1) -> None:
        self.engine: Engine = opened(path)
        self.door = Door()
        self.pipeline = Pipeline(
            self.engine, make_world(builders.reference(), builtin_playbooks()), self.door, batch=batch)
        size = -(-len(raws) // parts)
        for start in range(0, len(raws), size):
            with self.engine.begin() as connection:
                self.door.accept(connection, raws[start:start + size])
            self.work()

    def work(self) -> None:
        """Work all that is there, and all that follows from it."""
        while self.pipeline.work() or self.pipeline.scrub():
            pass

    def traces(self, *needles: str) -> list[str]:
        """Where one of the words stands: table, column, and the row that holds it."""
        found = []
        with self.engine.connect().execution_options(reading=True) as connection:
            for table in metadata.tables.values():
                for row in connection.execute(table.select()):
                    if _may_stay(table.name, row):
                        continue
                    for column, value in row._mapping.items():
                        plain = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
                        if "\\u" in plain:
                            plain = plain.encode().decode("unicode_escape", errors="replace")
                        found += [f"{table.name}.{column}: {plain[:300]}" for needle in needles if needle in plain]
        return found

    def inbox(self) -> list[bytes]:
        """The log, as it stands."""
        with self.engine.connect().execution_options(reading=True) as connection:
            return [raw for (raw,) in connection.exec_driver_sql('SELECT raw FROM inbox ORDER BY "offset"')]


def _may_stay(table: str, row: Any) -> bool:
    """What must stay so that a person stays erased, and in a replay too: their tombstones and the request."""
    if table == "erasures":
        return not row.names
    if table == "state":
        return bool(row.kind == PERSON and msgspec.msgpack.decode(row.value, type=PersonRow) == PersonRow(erased=True))
    return table in ("inbox", "estate_events") and REQUEST.encode() in (row.raw or b"")


@pytest.fixture
def lived(tmp_path):
    made: list[Lived] = []

    def live(raws: list[bytes], *, batch: int = 1000, parts: int = 1) -> Lived:
        made.append(Lived(tmp_path / f"{len(made)}.db", raws, batch=batch, parts=parts))
        return made[-1]

    yield live
    for one in made:
        one.engine.dispose()


WAYS = {"one batch": (1000, 1), "event by event": (1, 1), "handed in bit by bit": (1000, 40), "both": (1, 40)}


def test_the_life_leaves_traces_everywhere_before_it_is_erased(lived):
    found = " ".join(lived(life()[:-1]).traces(WHO, NAME, *WORDS))
    for place in ("inbox.raw", "outbox.raw", "tasks.body", "state.key", "state.value", "state.sub", "dead_letters.raw"):
        assert place in found


@pytest.mark.parametrize("way", WAYS)
def test_after_it_no_table_holds_their_id_their_name_or_their_words(lived, way):
    batch, parts = WAYS[way]
    one = lived([*life(), *late()], batch=batch, parts=parts)
    assert one.traces(WHO) == []
    assert one.traces(NAME) == []
    assert one.traces("翡翠路9号", "柜子大概多少钱") == []
    assert "我也报名" in one.inbox()[-1].decode()


@pytest.mark.parametrize("way", WAYS)
def test_a_replay_of_the_redacted_log_gives_no_trace_either(lived, way):
    batch, parts = WAYS[way]
    log = lived([*life(), *late()], batch=batch, parts=parts).inbox()
    replayed = lived(log)
    assert replayed.inbox() == log
    assert replayed.traces(WHO, NAME, "翡翠路9号", "柜子大概多少钱") == []


def test_what_was_done_and_settled_long_ago_is_erased_too(lived):
    before = [*life()[:-1], builders.message(member="m2", text="早", at=at(5, "09:00"))]
    called = NAME.rpartition(" ")[2]
    assert "tasks.body" in " ".join(lived(before).traces(called))
    assert lived([*before, builders.erased(WHO, at=at(5, "10:00"))]).traces(WHO, NAME, called, "翡翠路9号") == []


def test_the_redacted_log_is_the_same_however_it_came_about(lived):
    logs = [lived([*life(), *late()], batch=batch, parts=parts).inbox() for batch, parts in WAYS.values()]
    assert all(log == logs[0] for log in logs)


def test_the_books_stay_as_they_were_and_name_nobody(lived):
    before, after = lived(life()[:-1]), lived(life())
    with before.engine.connect() as early, after.engine.connect() as late_:
        was, now = books(early, Asked("e1")), books(late_, Asked("e1"))
    assert was["balance"] == now["balance"]
    assert {order["order_id"]: order["rebate"] and order["rebate"]["to"] for order in now["orders"]} == {
        "o1": None, "o2": None, "o3": None}
    assert now["group_buys"][0]["together_now"] == [{"orders": ["o1", "o2"], "buyers": 2, "percent": 90.0}]


def test_everybody_else_stays(lived):
    one = lived([*life(), *late()])
    assert one.traces("5栋老周")
    assert len(one.traces("m2")) > 5


def test_an_event_that_was_redacted_is_recognised_when_it_comes_again(lived):
    one = lived([*life(), *late()])
    with one.engine.begin() as connection:
        answers = one.door.accept(connection, [raw for raw in life() if raw.endswith(b"}")])
    assert {answer.status for answer in answers} <= {"duplicate", "error"}
    assert one.traces(WHO) == []


def test_a_long_log_is_looked_through_in_slices_that_lose_nobody(lived, monkeypatch):
    monkeypatch.setattr(erasure, "SLICE", 4)
    noise = [builders.message(member=f"n{n % 7}", text=f"第{n}句", at=at(1, "13:59"), id=f"n-{n}") for n in range(60)]
    asked = builders.erased("n3", at=at(1, "14:01"))
    raws = [*life()[:-1], *noise, life()[-1], asked, *late()]
    one = lived(raws, batch=5)
    assert one.traces(WHO, NAME, "翡翠路9号") == []
    assert [trace for trace in one.traces('"n3"') if "inbox" in trace] == []
    said = " ".join(raw.decode() for raw in one.inbox())
    assert all((f"第{n}句" in said) == (n % 7 != 3) for n in range(60))


def test_a_restart_in_the_middle_of_an_erasure_goes_on_with_it(lived, tmp_path, monkeypatch):
    monkeypatch.setattr(erasure, "SLICE", 2)
    engine = opened(tmp_path / "restart.db")
    world, raws = make_world(builders.reference(), builtin_playbooks()), [*life(), *late()]
    with engine.begin() as connection:
        Door().accept(connection, raws)
    Pipeline(engine, world, Door()).work()
    for _ in range(100):
        Pipeline(engine, world, Door()).scrub()
    one = Lived.__new__(Lived)
    one.engine = engine
    assert one.traces(WHO, NAME, "翡翠路9号") == []
    engine.dispose()


# --- consent --------------------------------------------------------------------------------------------


def test_who_takes_back_consent_is_no_longer_placed_nor_on_the_ladder(lived):
    raws = [raw for raw in life()[:-1] if b"consent" not in raw]
    before, asked = raws, builders.consent(WHO, "profiling", at=at(1, "14:00"))
    after = [
        builders.message(member=WHO, text="我家在绿地城3栋，我报名", at=at(1, "14:10")),
        builders.joined(member=WHO, at=at(1, "14:20"), display_name=NAME),
        builders.deposit_paid("o1", at=at(1, "14:30")),
        builders.order_placed("o5", WHO, at=at(1, "14:40"), delivery={"address": "绿地城3栋"}),
        builders.paid("o5", at=at(1, "14:50")),
        builders.home_declared(WHO, at=at(1, "15:00"), group_id="g1", estate_id="e1"),
    ]
    one = lived([*before, asked, *after], batch=1)
    with one.engine.connect().execution_options(reading=True) as connection:
        sql = connection.exec_driver_sql
        asked_at = '(SELECT max("offset") FROM outbox WHERE raw LIKE \'%"time":"2026-03-02T14:00:00%\')'
        out = [json.loads(raw) for (raw,) in sql(f'SELECT raw FROM outbox WHERE "offset" > {asked_at}')]
        flow = json.loads(sql("SELECT body FROM flow WHERE estate_id = 'e1'").scalar_one())
    assert [event for event in out if event["subject"] == WHO] == []
    assert one.traces("wm-张小满\x1f") == []
    # The one who still stands on it is the neighbour who ordered.
    assert (flow["rungs"]["buyer"], flow["sign_ups"]) == (0, 1)
