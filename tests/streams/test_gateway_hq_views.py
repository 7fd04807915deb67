from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, update

from agents.rows import CAMPAIGN
from agents.state import ORDER, TALLY, OrderRow, Tally
from schemas.ids import derived_id
from schemas.tasks import (
    GateMissed,
    LedgerEntry,
    LedgerLine,
    LedgerPosted,
    PhaseChange,
    PhaseEntered,
    RungChange,
    RungChanged,
    StageEnd,
    StageEnded,
)
from schemas.values import Phase, Rung, TaskStatus
from streams.tables import state, tasks
from tests import builders
from tests.streams.gateway_world import NOW, World, ms, task


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def on(day: int, clock: str = "10:00") -> datetime:
    return datetime.fromisoformat(builders.at(day, clock))


def say(world: World, kind: Any, data: Any, at: datetime, estate: str = "e1", *parts: str) -> None:
    id = derived_id(at, kind.__name__, estate, *parts)
    world.send("campaign-events", estate, kind(id=id, time=at, subject=estate, partitionkey=estate, data=data))


def enter(world: World, phase: Phase, day: int, estate: str = "e1", **more: Any) -> None:
    change = PhaseChange(estate, f"c-{estate}", 1, phase, day, "gate reached", **more)
    say(world, PhaseEntered, change, on(day), estate, phase)


def climb(world: World, member: str, rung: Rung, day: int, previous: Rung = Rung.STRANGER) -> None:
    say(world, RungChanged, RungChange("g1", member, "e1", rung, previous), on(day, "11:00"), "e1", member, rung)


def book(world: World, order: str, rule: str, day: int) -> None:
    lines = (LedgerLine("cash", 100), LedgerLine("sales", -100))
    entry = LedgerEntry("e1", order, rule, "shop#1", lines, "d1", campaign_id="c-e1")
    say(world, LedgerPosted, entry, on(day, "12:00"), "e1", order, rule)


def put_row(world: World, estate: str, kind: int, sub: str, row: Any) -> None:
    value = {"step": CAMPAIGN, "key": estate, "kind": kind, "sub": sub, "value": msgspec.msgpack.encode(row)}
    with world.engine.begin() as connection:
        connection.execute(insert(state).values(value))


# --- the map in columns ---------------------------------------------------------------------------


def test_the_columns_say_of_every_estate_with_a_point_what_the_map_draws(world):
    columns = world.get("/v1/map").json()
    assert columns["id"] == ["e1", "e2", "e3"]
    assert [columns["districts"][n] for n in columns["district"]] == ["东城区", "东城区", "南开区"]
    assert (columns["lng"][1], columns["lat"][1]) == (116_500_000, 39_900_000)
    feature = world.get("/v1/flow").json()["features"][2]
    assert feature["id"] == "e3"
    assert [n / 1e6 for n in (columns["lng"][2], columns["lat"][2])] == feature["geometry"]["coordinates"]
    assert world.get("/v1/map?city=天津").json()["id"] == ["e3"]
    assert world.get("/v1/map?city=上海").json()["id"] == []


def test_the_columns_say_who_has_an_estate_and_how_far_it_is_worked(world):
    columns = world.get("/v1/map").json()
    said = {
        id: (columns["dealers"][dealer][0], columns["coverages"][how])
        for id, dealer, how in zip(columns["id"], columns["dealer"], columns["coverage"], strict=True)
    }
    # Of e3 the store of a dealer is near, and nobody has a group there.
    assert said["e1"] == ("d1", "group, no operation")
    assert said["e3"][1] == "idle"
    by_one = {one["estate_id"]: one["coverage"] for one in world.get("/v1/estates").json()["estates"]}
    assert {id: how for id, (_, how) in said.items()} == {id: by_one[id] for id in said}


def test_who_has_the_columns_is_told_that_they_did_not_change(world):
    first = world.get("/v1/map")
    again = world.get("/v1/map", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    world.reference = builders.reference(estates=[builders.estate(name="绿地新城")])
    assert world.get("/v1/map", headers={"If-None-Match": first.headers["etag"]}).json()["name"] == ["绿地新城"]


def test_the_columns_come_packed_once(world):
    packed = world.get("/v1/map", headers={"Accept-Encoding": "gzip"})
    plain = world.get("/v1/map", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()
    assert gzip.decompress(gzip.compress(plain.content)) == plain.content


def test_beside_the_columns_the_flow_map_gives_the_rows_alone(world):
    world.put_flow("e1")
    whole, rows = world.get("/v1/flow").json(), world.get("/v1/flow?worked=true").json()
    assert [one["id"] for one in rows["features"]] == ["e1"]
    assert rows["features"][0] == whole["features"][0]
    assert rows["without_point"] == whole["without_point"] == 1
    assert world.get("/v1/flow?worked=true&city=天津").json()["features"] == []


# --- the funnel -----------------------------------------------------------------------------------


def test_the_funnel_ends_with_those_who_bought_again_and_those_who_brought_others(world):
    world.put_flow("e1")
    paid = OrderRow("m1", "g1", ("wardrobe",), 100, paid=True)
    for number, row in enumerate([
        paid, paid, OrderRow("m2", "g1", (), 100, paid=True), OrderRow("m2", "g1", (), 100),
        OrderRow("m3", "g1", (), 100, paid=True), OrderRow("m3", "g1", (), 100, paid=True, refunded=True),
    ]):
        put_row(world, "e1", ORDER, f"o{number}", row)
    answer = world.get("/v1/funnel?by=estate").json()
    assert answer["stages"] == {"引流": "members", "转化": "buyers", "复购": "repeat", "裂变": "referrers"}
    # m2 paid once, m3 gave one back: only m1 bought again.
    assert [answer["rows"][0][step] for step in answer["stages"].values()] == [100, 10, 1, 2]


def test_an_estate_with_two_groups_is_parted_by_group(world):
    world.put_flow("e1", groups=2)
    for group, rungs in (("g1", (5, 4, 3, 2, 1, 1, 0, 0, 0)), ("g9", (1, 0, 0, 0, 0, 0, 0, 0, 1))):
        put_row(world, "e1", TALLY, group, Tally(sum(rungs), 0, 0, 0, rungs))
    rows = {row["id"]: row for row in world.get("/v1/funnel?by=group").json()["rows"]}
    assert (rows["g1"]["members"], rows["g1"]["buyers"], rows["g1"]["referrers"]) == (16, 1, 0)
    assert (rows["g9"]["members"], rows["g9"]["buyers"], rows["g9"]["referrers"]) == (2, 1, 1)


def test_the_funnel_is_narrowed_to_a_city_or_a_dealer(world):
    world.put_flow("e1")
    world.put_flow("e3", dealer_id="d2")
    assert [row["id"] for row in world.get("/v1/funnel?by=estate&city=天津").json()["rows"]] == ["e3"]
    assert [row["id"] for row in world.get("/v1/funnel?by=estate&dealer_id=d1").json()["rows"]] == ["e1"]


# --- the dealers ----------------------------------------------------------------------------------


def test_the_dealers_table_sums_what_each_has_and_works(world):
    world.put_flow("e1", behind={"measure": "orders"})
    dealers = {one["dealer_id"]: one for one in world.get("/v1/dealers").json()["dealers"]}
    own = dealers["d1"]
    assert (own["groups"], own["worked"], own["orders"], own["target_orders"], own["behind"]) == (1, 1, 6, 10, 1)
    # Six are done, one expired, none was skipped: what is still open counts for nothing yet.
    assert own["on_time"] == pytest.approx(6 / 7, abs=1e-4)
    assert own["tasks"] == {"issued": 11, "done": 6, "verified": 4, "expired": 1, "skipped": 0}
    assert dealers["d2"]["on_time"] is None
    # Every estate that is near enough is somebody's, once.
    coverage = [one["coverage"] for one in dealers.values()]
    assert sum(sum(how.values()) for how in coverage) == sum(one["estates"] for one in dealers.values()) == 3
    assert (sum(how["idle"] for how in coverage), own["coverage"]["worked"]) == (1, 1)


def test_a_citys_dealers_are_those_with_estates_there(world):
    estates = {one["dealer_id"]: one["estates"] for one in world.get("/v1/dealers?city=天津").json()["dealers"]}
    assert sum(estates.values()) == 1


# --- the past -------------------------------------------------------------------------------------


def test_the_past_is_told_day_by_day(world):
    enter(world, Phase.WARM_UP, 1)
    climb(world, "m1", Rung.PARTICIPANT, 2)
    climb(world, "m2", Rung.PROSPECTIVE_BUYER, 2)
    enter(world, Phase.TRUST, 4)
    climb(world, "m1", Rung.BUYER, 5, Rung.PARTICIPANT)
    for order, rule in (("o1", "placed"), ("o1", "deposit-paid"), ("o1", "paid"), ("o2", "placed"), ("o2", "paid")):
        book(world, order, rule, 5)
    book(world, "o2", "cancelled", 6)
    answer = world.get("/v1/history").json()
    assert answer["complete"] is True
    assert answer["days"] == [f"2026-03-0{day}" for day in range(2, 8)]
    # day, phase, day of the stage, sign-ups, orders, active, over
    assert answer["estates"] == {"e1": [
        [0, "warm_up", 1, 0, 0, 0, False], [1, "warm_up", 2, 1, 0, 2, False], [3, "trust", 4, 1, 0, 2, False],
        [4, "trust", 5, 2, 2, 2, False], [5, "trust", 6, 2, 1, 2, False],
    ]}
    assert [one["orders"] for one in answer["totals"]] == [0, 0, 0, 0, 2, 1]
    assert [one["phases"]["trust"] for one in answer["totals"]] == [0, 0, 0, 1, 1, 1]


def test_what_went_out_is_taken_in_once_and_only_the_new(world):
    enter(world, Phase.WARM_UP, 1)
    first = world.get("/v1/history").json()
    assert world.get("/v1/history").json() == first
    enter(world, Phase.TRUST, 4)
    say(world, StageEnded, StageEnd("e1", "c-e1", 1, 5), on(5))
    states = world.get("/v1/history").json()["estates"]["e1"]
    assert [state[1] for state in states] == ["warm_up", "trust", None]
    assert states[-1][-1] is True


def test_a_span_of_days_begins_with_what_stood_before_it(world):
    enter(world, Phase.WARM_UP, 1)
    enter(world, Phase.TRUST, 4)
    enter(world, Phase.WARM_UP, 2, estate="e3")
    answer = world.get("/v1/history?from=2026-03-04&to=2026-03-04").json()
    assert answer["days"] == ["2026-03-04"]
    assert {id: states[-1][1] for id, states in answer["estates"].items()} == {"e1": "warm_up", "e3": "warm_up"}
    assert set(world.get("/v1/history?city=天津").json()["estates"]) == {"e3"}


@pytest.mark.parametrize("query", ["from=yesterday", "to=2026-02-31", "from=2026-03-04T00:00:00"])
def test_a_day_that_is_none_is_a_problem(world, query):
    enter(world, Phase.WARM_UP, 1)
    assert world.get(f"/v1/history?{query}").status_code == 422


def test_without_a_past_there_are_no_days(world):
    assert world.get("/v1/history").json()["days"] == []


# --- an estate's story ----------------------------------------------------------------------------


def test_a_story_has_the_phases_with_their_gates_and_the_ladder_as_it_filled(world):
    enter(world, Phase.WARM_UP, 1)
    climb(world, "m1", Rung.PARTICIPANT, 2)
    missed = PhaseChange("e1", "c-e1", 1, Phase.WARM_UP, 3, "gate missed", {"active_share": 0.1}, {"active_share": 0.3})
    say(world, GateMissed, missed, on(3))
    enter(world, Phase.TRUST, 5, measures={"active_share": 0.4}, gate={"active_share": 0.3})
    story = world.get("/v1/estates/e1/story").json()
    assert [(one["what"], one["phase"]) for one in story["phases"]] == [
        ("phase-entered", "warm_up"), ("gate-missed", "warm_up"), ("phase-entered", "trust")]
    assert story["phases"][1]["measures"] == {"active_share": 0.1}
    assert story["ladder"]["days"] == [f"2026-03-0{day}" for day in (2, 3, 4, 6)]
    assert story["ladder"]["rungs"]["participant"] == [0, 1, 1, 1]


def test_a_story_says_which_tasks_were_done_in_time(world):
    early, late, skipped, waiting = (task(clock=clock) for clock in ("09:00", "10:00", "11:00", "12:00"))
    for one in (early, late, skipped, waiting):
        world.issue(one)
    world.move(early, TaskStatus.VERIFIED)
    world.move(late, TaskStatus.VERIFIED)
    world.move(skipped, TaskStatus.SKIPPED)
    with world.engine.begin() as connection:
        # What was seen at noon is late for a window that was over an hour before, and not for one that still runs.
        connection.execute(
            update(tasks).where(tasks.c.task_id == early.task_id).values(window_end=ms(NOW) + 60_000))
    told = world.get("/v1/estates/e1/story").json()["tasks"]
    assert {name: told[name] for name in ("done", "late", "expired", "skipped", "open")} == {
        "done": 1, "late": 1, "expired": 0, "skipped": 1, "open": 1}
    assert told["on_time"] == pytest.approx(1 / 3, abs=1e-4)
    assert [one["day"] for one in told["days"]] == ["2026-03-05"]


def test_a_story_has_the_dead_letters_that_touch_its_estate_and_no_others(world):
    own = task()
    world.issue(own)
    put_row(world, "e1", ORDER, "o1", OrderRow(None, None, (), 1))
    touching = [
        builders.message("g1"), msgspec.json.encode({"type": "x", "data": {"estate_id": "e1"}}),
        msgspec.json.encode({"data": {"task_id": own.task_id}}), msgspec.json.encode({"data": {"order_id": "o1"}}),
    ]
    for raw in (*touching, builders.message("g2"), b"{", b"[1]", b'{"data": {"task_id": 7}}', b"\xff"):
        world.put_dead(raw)
    letters = world.get("/v1/estates/e1/story").json()["letters"]
    assert [one["id"] for one in letters] == [4, 3, 2, 1]
    assert letters[0]["reason"] == "a point without its datum"


def test_a_story_of_an_estate_that_is_not_there_is_not_found(world):
    assert world.get("/v1/estates/nothing/story").status_code == 404
