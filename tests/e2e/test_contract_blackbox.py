"""The contracts of the commands, as an integrator meets them: files in by the published columns, files out.

Nothing here looks inside: the folders and streams are written by hand, and what comes out is read as text.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from streams.cli import main

ZONE = ZoneInfo("Asia/Shanghai")
DAY_1 = datetime(2026, 3, 2, tzinfo=ZONE)
FILES = {
    "estates.csv": (
        "estate_id,name,address,lng,lat,crs,households,city,district,build_year,aliases\n"
        "E1,绿地城,北京市朝阳区绿地路1号,116.40,39.90,wgs84,1200,北京,朝阳区,2024,绿地中央城;绿地新城\n"),
    "dealers.csv": "dealer_id,name,city\nD1,好家,北京\n",
    "groups.csv": (
        "group_id,name,kind,estate_id,dealer_id,store_id,owner_id,open\ng1,绿地城业主群,own,E1,D1,,,true\n"),
    "personas.csv": (
        "persona_id,name,role,class,member_id,dealer_id,groups\n"
        "p-main,王店长,main_persona,staff,m-main,D1,g1\n"
        "p-shill,小李,shill,staff,m-shill,D1,g1\n"
        "p-buyer,张姐,shill,buyer,m-buyer,D1,g1\n"
        "p-service,小陈,customer_service,staff,m-service,D1,g1\n"
        "p-admin,小赵,group_admin,staff,m-admin,D1,g1\n"
        "p-designer,老周,designer,staff,m-designer,D1,g1\n"),
    "campaigns.csv": "estate_id,playbook,stage,start_date,target_orders\nE1,new-estate-own-group,1,2026-03-02,10\n",
}
SHIPPED = Path(__file__).parents[2] / "agents/playbooks/new-estate-own-group.yaml"
RESULTS = {
    "tasks.jsonl", "campaign-events.jsonl", "members.jsonl", "flow.geojson", "dead-letters.jsonl", "summary.json",
}
TASK_FIELDS = {
    "task_id", "dealer_id", "store_id", "estate_id", "group_id", "campaign_id", "stage", "phase", "day", "role",
    "persona_id", "action", "window", "script", "disclosure", "evidence", "because", "priority", "status", "issued_at",
}
SAID = (
    "大家好，我是3栋的", "衣柜多少钱一平", "什么时候交房", "板材环保吗",
    "我家想做全屋定制", "谢谢，很有用", "我报名", "周末去店里看看",
)
Run = Callable[..., "Result"]


class Result(NamedTuple):
    """What a command left: its exit status, its one line, and its files."""

    status: int
    said: str
    out: Path

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.out / name).read_text("utf-8").splitlines()]

    @property
    def tasks(self) -> list[dict[str, Any]]:
        return self.lines("tasks.jsonl")

    @property
    def dead(self) -> list[dict[str, Any]]:
        return self.lines("dead-letters.jsonl")

    @property
    def summary(self) -> dict[str, int]:
        return json.loads((self.out / "summary.json").read_text("utf-8"))  # type: ignore[no-any-return]  # JSON

    def bytes(self) -> dict[str, bytes]:
        return {name: (self.out / name).read_bytes() for name in RESULTS}

    def phases(self) -> list[tuple[str, int]]:
        return [
            (event["data"]["phase"], event["data"]["day"]) for event in self.lines("campaign-events.jsonl")
            if event["type"] == "loupan.campaign.phase-entered.v1"]


@pytest.fixture
def loupan(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Type a command; gives its exit status, standard output and standard error."""
    def typed(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["loupan", *map(str, words)])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        sys.stdout.flush()
        said = capfd.readouterr()
        return status, said.out, said.err.strip()

    return typed


@pytest.fixture
def replay(tmp_path: Path, loupan: Callable[..., tuple[int, str, str]]) -> Run:
    """Replay a stream on a folder of the files above, some of them `over`written."""
    count = 0

    def run(events: Iterable[Any], over: dict[str, str | bytes] | None = None, *words: object) -> Result:
        nonlocal count
        count += 1
        here = tmp_path / str(count)
        for name, text in {**FILES, **(over or {})}.items():
            file = here / "reference" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
        (here / "events.jsonl").write_bytes(b"".join(_line(event) + b"\n" for event in events))
        status, _, said = loupan(
            "replay", here / "events.jsonl", "--reference", here / "reference", "--out", here / "out", *words)
        return Result(status, said, here / "out")

    return run


def _line(event: Any) -> bytes:
    return event if isinstance(event, bytes) else json.dumps(event, ensure_ascii=False).encode()


def event(type_: str, at: datetime, name: str, /, **data: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": name, "source": "exam", "type": f"loupan.{type_}.v1",
            "time": at.isoformat(), "data": data}


def says(at: datetime, member_id: str, text: str, name: str, *, to: str | None = None) -> dict[str, Any]:
    return event("group.message", at, name, group_id="g1", message_id=name, member_id=member_id, kind="text", text=text,
                 mentions=[to] if to else [])


def at(day: int, clock: str) -> datetime:
    """A time on the campaign's day."""
    return datetime.combine(DAY_1.date() + timedelta(days=day - 1), time.fromisoformat(clock), tzinfo=ZONE)


def life(members: int, days: int = 11) -> list[dict[str, Any]]:
    """Members join in the first minutes, and every day two of five say something."""
    staff = ("m-main", "m-shill", "m-buyer", "m-service", "m-admin", "m-designer")
    out = [event("group.member-joined", at(1, "00:05"), f"j-{who}", group_id="g1", member_id=who) for who in staff]
    out += [
        event("group.member-joined", at(1, "00:10"), f"j-{i}", group_id="g1", member_id=f"m{i}", display_name=f"{i}栋")
        for i in range(members)]
    talk = [
        says(at(day, f"{8 + i % 12:02d}:{i * 13 % 60:02d}"), f"m{i}", SAID[(i + day) % len(SAID)], f"t-{day}-{i}",
             to=f"m{(i + 1) % members}" if i % 3 == 0 else None)
        for day in range(1, days + 1) for i in range(members) if (i * 7 + day * 3) % 10 < 4]
    return out + sorted(talk, key=lambda one: str(one["time"]))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(ZONE)


def with_event(events: list[dict[str, Any]], *more: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted([*events, *more], key=lambda one: moment(one["time"]))


# --- what a replay writes -------------------------------------------------------------------------------


def test_a_replay_writes_what_the_contract_says(replay: Run) -> None:
    stream = life(30)
    result = replay(stream)
    assert (result.status, {file.name for file in result.out.iterdir()}) == (0, RESULTS)
    assert result.phases() == [("warm_up", 1), ("trust", 4), ("value", 7), ("sign_up", 9), ("closing", 11)]
    books = result.summary
    assert books["read"] == len(stream) == books["applied"] + books["duplicate"] + books["dead"]
    tasks = result.tasks
    assert all(set(task) == TASK_FIELDS for task in tasks)
    assert len({task["task_id"] for task in tasks}) == len(tasks) > 0
    issued = [moment(task["issued_at"]) for task in tasks]
    assert issued == sorted(issued)
    out = result.lines("campaign-events.jsonl")
    assert len({(one["source"], one["id"]) for one in out}) == len(out)
    assert [one["data"]["task_id"] for one in out if one["type"] == "loupan.task.issued.v1"] == [
        task["task_id"] for task in tasks]
    assert {(one["member_id"], one["estate_id"]) for one in result.lines("members.jsonl")} >= {
        (f"m{i}", "E1") for i in range(30)}
    flow = json.loads((result.out / "flow.geojson").read_text("utf-8"))
    assert flow["type"] == "FeatureCollection"
    assert flow["features"][0]["geometry"] == {"type": "Point", "coordinates": [116.4, 39.9]}
    assert result.dead == []


def test_every_task_keeps_the_day_the_curfew_and_the_limits(replay: Run) -> None:
    tasks = replay(life(30)).tasks
    posts: Counter[tuple[str, date]] = Counter()
    for task in tasks:
        start, end = moment(task["window"]["start"]), moment(task["window"]["end"])
        assert moment(task["issued_at"]) <= start < end
        assert start.date() == end.date()
        assert time(7) <= start.time() < end.time() <= time(23)
        assert any(cause.startswith("rule:") for cause in task["because"])
        if task["action"] == "post":
            posts[task["persona_id"], start.date()] += 1
        if task["action"] in ("post", "reply", "welcome"):
            assert task["script"]["text"].endswith(task["disclosure"])
    assert max(posts.values()) <= 4


@pytest.mark.parametrize(("members", "shills"), [(5, 0), (20, 1)])
def test_a_group_has_no_more_shills_than_eight_to_a_hundred(replay: Run, members: int, shills: int) -> None:
    tasks = replay(life(members, 1), None, "--until", at(2, "06:00").isoformat()).tasks
    assert len({task["persona_id"] for task in tasks if task["role"] == "shill"}) == shills


# --- the same again -------------------------------------------------------------------------------------


def test_batches_and_what_comes_twice_change_nothing(replay: Run) -> None:
    stream = life(15)
    once = replay(stream)
    assert replay(stream, None, "--batch", "7").bytes() == once.bytes()
    twice = replay([*stream, *stream])
    assert {**twice.bytes(), "summary.json": b""} == {**once.bytes(), "summary.json": b""}
    assert (twice.summary["duplicate"], twice.summary["applied"]) == (len(stream), len(stream))


def test_the_offset_in_which_a_time_is_written_changes_no_task(replay: Run) -> None:
    stream = life(15)
    in_utc = [{**one, "time": moment(one["time"]).astimezone(ZoneInfo("UTC")).isoformat()} for one in stream]
    assert [task["task_id"] for task in replay(in_utc).tasks] == [task["task_id"] for task in replay(stream).tasks]


def test_events_that_come_days_late_give_no_day_a_second_time(replay: Run) -> None:
    """Late messages were answered, woke the campaign in its past, and had its last day planned for eight days."""
    stream = life(30)
    held_back = [one for one in stream if at(3, "12:00") <= moment(one["time"]) < at(3, "14:00")]
    late = replay([*(one for one in stream if one not in held_back), *held_back])
    planned = [task for task in late.tasks if task["action"] not in ("reply", "welcome")]
    assert held_back
    assert late.summary["dead"] == 0
    for task in planned:
        assert moment(task["window"]["start"]).date() == DAY_1.date() + timedelta(days=task["day"] - 1)


def test_until_leaves_out_what_happened_later(replay: Run) -> None:
    stream, until = life(15), at(3, "08:10")
    result = replay(stream, None, "--until", until.isoformat())
    books, before = result.summary, [one for one in stream if moment(one["time"]) <= until]
    assert (books["read"], books["later"]) == (len(before), len(stream) - len(before))
    assert max(moment(task["issued_at"]) for task in result.tasks) <= until
    assert any(task["status"] == "issued" for task in result.tasks)


# --- orders, consent, commands --------------------------------------------------------------------------


def _order(**steps: datetime) -> list[dict[str, Any]]:
    line = {"sku": "s", "category": "whole_house", "line": "regular", "quantity": 1, "unit_price_fen": 100}
    placed = event("order.placed", at(-20, "10:00"), "o-placed", order_id="o1", member_id="m-buyer", group_id="g1",
                   dealer_id="D1", items=[line], amount_fen=100)
    return [placed, *(event(f"order.{step}", when, f"o-{step}", order_id="o1") for step, when in steps.items())]


@pytest.mark.parametrize(("steps", "statuses"), [
    ({}, []),
    ({"delivered": at(-2, "10:00")}, ["expired", "expired", "expired"]),
    ({"delivered": at(-2, "10:00"), "refunded": at(-1, "10:00")}, []),
    ({"delivered": at(-2, "10:00"), "refunded": at(7, "09:00")}, ["withdrawn"]),
])
def test_a_buyer_testifies_only_on_a_delivered_order_that_was_not_refunded(
    replay: Run, steps: dict[str, datetime], statuses: list[str],
) -> None:
    found = [task for task in replay(with_event(life(30), *_order(**steps))).tasks if task["persona_id"] == "p-buyer"]
    assert [task["status"] for task in found] == statuses
    assert all(task["evidence"]["order_id"] == "o1" for task in found)


@pytest.mark.parametrize("when", [at(1, "00:01"), at(1, "00:30")], ids=["before joining", "after joining"])
def test_nothing_is_asked_for_a_member_who_wants_no_messages(replay: Run, when: datetime) -> None:
    refusal = event("member.consent", when, "no", member_id="m0", scope="marketing", granted=False)
    about = [task for task in replay(with_event(life(15), refusal)).tasks
             if (task["evidence"] or {}).get("member_id") == "m0"]
    assert {task["status"] for task in about} <= {"withdrawn"}


def test_an_erased_member_is_in_no_file(replay: Run) -> None:
    result = replay(with_event(life(15), event("member.erased", at(4, "12:00"), "gone", member_id="m0")))
    assert result.summary["dead"] == 0
    assert not [name for name, text in result.bytes().items() if b'"m0"' in text]


def test_no_group_is_worked_that_is_closed_to_us(replay: Run) -> None:
    assert replay(life(15, 2), {"groups.csv": FILES["groups.csv"].replace("true", "false")}).tasks == []


def test_a_campaign_started_by_event_is_the_one_of_the_file(replay: Run) -> None:
    start = event("campaign.started", at(0, "21:00"), "start", estate_id="E1", playbook="new-estate-own-group",
                  stage=1, start_date="2026-03-02", target_orders=10)
    none = {"campaigns.csv": "estate_id,playbook,stage,start_date,target_orders\n"}
    by_event, by_file = replay([start, *life(15)], none), replay(life(15))
    assert by_event.phases() == by_file.phases()
    assert [task["script"]["id"] for task in by_event.tasks] == [task["script"]["id"] for task in by_file.tasks]


def test_what_is_said_of_a_task_and_what_is_seen_in_the_group_both_count(replay: Run) -> None:
    stream = life(15, 2)
    done, seen, skipped, foreign, quiet = [task for task in replay(stream).tasks if task["action"] == "post"][:5]
    account = {"p-main": "m-main", "p-service": "m-service", "p-admin": "m-admin", "p-designer": "m-designer",
               "p-shill": "m-shill"}

    def during(task: dict[str, Any]) -> datetime:
        return moment(task["window"]["start"]) + timedelta(minutes=4)

    more = [
        event("task.done", during(done), "x1", task_id=done["task_id"], persona_id=done["persona_id"]),
        says(during(seen), account[seen["persona_id"]], seen["script"]["text"], "x2"),
        event("task.skipped", during(skipped), "x3", task_id=skipped["task_id"], reason="没空"),
        event("task.done", during(foreign), "x4", task_id=foreign["task_id"], persona_id="p-nobody"),
        event("task.done", during(quiet), "x5", task_id="unknown", persona_id="p-main"),
    ]
    result = replay(with_event(stream, *more))
    status = {task["task_id"]: task["status"] for task in result.tasks}
    assert [status[task["task_id"]] for task in (done, seen, skipped, foreign)] == [
        "done", "verified", "skipped", "expired"]
    assert [json.loads(letter["raw"])["id"] for letter in result.dead] == ["x4", "x5"]


# --- bad input ------------------------------------------------------------------------------------------


def test_each_broken_line_is_a_dead_letter_with_its_number_and_the_stream_goes_on(replay: Run) -> None:
    good, when = life(5, 1), at(1, "12:00")
    message = says(when, "m1", "你好", "bad")
    no_datum = event("group.message", when, "p", group_id="g1", message_id="p", member_id="m1", kind="location",
                     location={"lng": 116.4, "lat": 39.9})
    broken = [
        b'{"specversion"', b"[1]", b"\xff\xfe", {**message, "time": "2026-03-02T12:00:00"},
        {**message, "type": "loupan.group.exploded.v1"}, {**message, "data": {"group_id": 5}}, no_datum,
        {**message, "id": ""}, event("order.paid", when, "q", order_id="nobody's"),
    ]
    kept = {**message, "id": "ok", "unknown": 1, "data": {**message["data"], "kind": "hologram", "more": True}}
    result = replay([*good, *broken, kept])
    first = len(good) + 1
    assert [letter["line"] for letter in result.dead] == list(range(first, first + len(broken)))
    assert all(set(letter) >= {"line", "reason", "raw"} and letter["reason"] for letter in result.dead)
    assert (result.summary["dead"], result.summary["applied"]) == (len(broken), len(good) + 1)


@pytest.mark.parametrize(("file", "old", "new", "line"), [
    ("estates.csv", "wgs84", "", 2), ("estates.csv", "116.40,39.90", "39.90,116.40", 2),
    ("groups.csv", ",own,", ",weird,", 2), ("personas.csv", "buyer,m", "owner,m", 4),
    ("campaigns.csv", "2026-03-02", "2026/03/02", 2), ("campaigns.csv", "new-", "no-such-", 2),
])
def test_a_bad_reference_file_is_one_line_with_its_place_and_nothing_is_written(
    replay: Run, file: str, old: str, new: str, line: int,
) -> None:
    result = replay([], {file: FILES[file].replace(old, new, 1)})
    assert (result.status, len(result.said.splitlines()), result.out.exists()) == (2, 1, False)
    assert f"{file}:{line}:" in result.said


@pytest.mark.parametrize(("columns", "place"), [
    ("116.40,39.90,gcj02", [116.393759, 39.898598]), ("116.40,39.90,bd09", [116.38737, 39.89227]), (",,", None),
])
def test_a_point_is_read_in_its_datum_and_an_estate_needs_none(
    replay: Run, columns: str, place: list[float] | None,
) -> None:
    swapped = FILES["estates.csv"].replace("116.40,39.90,wgs84", columns).replace("\n", "\r\n")
    result = replay(life(5, 1), {"estates.csv": b"\xef\xbb\xbf" + swapped.encode()})
    geometry = json.loads((result.out / "flow.geojson").read_text("utf-8"))["features"][0]["geometry"]
    assert geometry == (place and {"type": "Point", "coordinates": place})


_HELLO = "早上好，{{ estate.name }}的各位邻居。"


@pytest.mark.parametrize(("old", "new"), [
    (_HELLO, "我家也在这个小区。"), (_HELLO, "我 家也在。"), (_HELLO, "作为邻居说一句。"), (_HELLO, "我是3栋的。"),
    (_HELLO, "{% if true %}我{% endif %}也订了一套。"), (_HELLO, "我老公说他们家不错。"), (_HELLO, "我刚交了定金。"),
    (_HELLO, "我{{ '' }}家"), (_HELLO, "我也是{{ estate.name }}的业主。"),
    ("speaks_as: staff", "speaks_as: owner"), ("speaks_as: staff", "speaks_as: buyer"),
    ("{{ estate.name }}", "{{ estate.nane }}"), ('at: "07:40"', 'at: "23:30"'),
    ("shills_per_100: 8", "shills_per_100: 9"), ("- phase: closing", "- phase: clozing"),
])
def test_a_dishonest_or_broken_playbook_is_refused_with_file_and_line(replay: Run, old: str, new: str) -> None:
    shipped = SHIPPED.read_text("utf-8")
    assert old in shipped
    mine = shipped.replace("playbook: new-estate-own-group", "playbook: mine", 1).replace(old, new, 1)
    result = replay([], {
        "playbooks/mine.yaml": mine, "campaigns.csv": FILES["campaigns.csv"].replace("new-estate-own-group", "mine")})
    assert (result.status, len(result.said.splitlines()), result.out.exists()) == (2, 1, False)
    assert "playbooks/mine.yaml:" in result.said


# --- locate and signals ---------------------------------------------------------------------------------


def test_locate_answers_each_probe_and_leaves_open_what_it_does_not_know(
    tmp_path: Path, loupan: Callable[..., tuple[int, str, str]],
) -> None:
    (tmp_path / "estates.csv").write_text(
        "estate_id,name,address,lng,lat\nA,绿地城,北京市朝阳区绿地路1号,116.4,39.9\n"
        "B,保利花园一期,北京市海淀区花园路9号,116.30,39.98\n"
        "C,保利花园二期,北京市海淀区花园路11号,116.31,39.98\n", "utf-8")
    (tmp_path / "probes.csv").write_text(
        "lng,probe_id,text,name,address,lat,crs\n"
        ",1,我是绿地城3栋的,,,,\n,2,,绿地城,,,\n,3,,,北京市朝阳区绿地路1号,,\n116.4,4,,,,39.9001,wgs84\n"
        "116.406241,5,,,,39.901401,gcj02\n,6,我家在保利花园二期5号楼,,,,\n"
        ",7,,保利花园,,,\n,8,今天天气不错,,,,\n39.9,9,,,,116.4,wgs84\n121.47,10,,,,31.23,wgs84\n,11,,,,,\n", "utf-8")
    status, out, _ = loupan("locate", "--catalogue", tmp_path / "estates.csv", tmp_path / "probes.csv")
    rows = [line.split(",") for line in out.splitlines()]
    assert (status, rows[0]) == (0, ["probe_id", "estate_id", "confidence", "reason", "candidates"])
    assert [row[1] for row in rows[1:]] == ["A", "A", "A", "A", "A", "C", "", "", "", "", ""]
    assert set(rows[7][-1].split(";")) == {"B", "C"}


def test_signals_answers_each_line_or_none_where_one_is_bad(
    tmp_path: Path, loupan: Callable[..., tuple[int, str, str]],
) -> None:
    lines = tmp_path / "lines.jsonl"
    lines.write_text('{"id":"1","text":"这个衣柜多少钱？"}\n{"id":2,"text":""}\n', "utf-8")
    status, out, _ = loupan("signals", lines)
    answers = [json.loads(line) for line in out.splitlines()]
    assert (status, [answer["id"] for answer in answers]) == (0, ["1", 2])
    assert [(signal["name"], set(signal)) for signal in answers[0]["signals"]] == [
        ("asks_price", {"name", "score", "span"})]
    assert answers[1]["signals"] == []
    with lines.open("a") as more:
        more.write("no json\n")
    status, out, said = loupan("signals", lines)
    assert (status, out, len(said.splitlines())) == (2, "", 1)
    assert "lines.jsonl:3:" in said
