from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from geopy.distance import geodesic

from maps.datum import from_wgs84, to_wgs84
from schemas.ids import derived_id
from schemas.tasks import MemberPlace, MemberPlaced, PhaseChange, PhaseEntered, RungChange, RungChanged
from schemas.values import Phase, Rung, TaskStatus
from tests import builders
from tests.streams.gateway_world import NOW, World, flow_body, task


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def enter(world: World, phase: Phase, day: int, estate: str = "e1") -> int:
    change = PhaseChange(estate, f"c-{estate}", 1, phase, day, "gate")
    event = PhaseEntered(
        id=derived_id(NOW, estate, phase), time=NOW, subject=estate, partitionkey=estate, data=change
    )
    return world.send("campaign-events", estate, event)


def features(world: World, query: str = "") -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in world.get(f"/v1/flow{query}").json()["features"]}


# --- who works what -------------------------------------------------------------------------------


def test_every_estate_says_whether_anybody_works_it(world):
    def covered(query: str = "") -> dict[str, str]:
        return {one["estate_id"]: one["coverage"] for one in world.get(f"/v1/estates{query}").json()["estates"]}

    before = covered()
    assert before["e1"] == "group, no operation"
    # A shop is near, and has no group there: the dealer has the estate, and does nothing.
    assert before["e3"] == "idle"
    # Nobody knows where it lies.
    assert before["e4"] == "nobody"
    world.put_flow("e1")
    assert covered()["e1"] == "worked"
    assert set(covered("?coverage=idle")) == {one for one, how in before.items() if how == "idle"}
    assert world.get("/v1/estates/e3").json()["coverage"] == "idle"
    assert world.get("/v1/estates?coverage=lazy").status_code == 422


# --- the flow map ---------------------------------------------------------------------------------


def test_the_map_has_every_estate_of_the_city_that_has_a_point(world):
    answer = world.get("/v1/flow?city=北京")
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.json()["type"] == "FeatureCollection"
    assert {one["id"] for one in answer.json()["features"]} == {"e1", "e2"}
    assert answer.json()["without_point"] == 1
    assert set(features(world)) == {"e1", "e2", "e3"}
    assert features(world, "?city=上海") == {}


def test_an_estate_that_nobody_works_has_its_own_properties(world):
    assert features(world)["e2"] == {
        "type": "Feature", "id": "e2", "geometry": {"type": "Point", "coordinates": [116.5, 39.9]},
        "properties": {"estate_id": "e2", "name": "万科城", "city": "北京", "district": "东城区", "households": 400},
    }


def test_an_estate_that_is_worked_has_its_campaigns_figures_too(world):
    world.put_flow("e1")
    own = {"name": "绿地城", "city": "北京", "district": "东城区", "households": 400}
    assert features(world)["e1"]["properties"] == {**own, **flow_body("e1")}


def test_points_are_wgs84_whatever_the_book_has(world):
    lng, lat = to_wgs84(116.45, 39.9, "gcj02")
    assert features(world)["e3"]["geometry"]["coordinates"] == pytest.approx([lng, lat], abs=1e-6)
    assert abs(lng - 116.45) > 0.003


def test_a_change_is_on_the_map_with_the_next_look(world):
    world.put_flow("e1", day=4)
    assert features(world)["e1"]["properties"]["day"] == 4
    world.put_flow("e1", day=5)
    assert features(world)["e1"]["properties"]["day"] == 5


def test_new_reference_data_are_on_the_map_with_the_next_look(world):
    assert features(world)["e1"]["properties"]["name"] == "绿地城"
    world.reference = builders.reference(estates=[builders.estate(name="绿地新城")])
    assert {one["properties"]["name"] for one in features(world).values()} == {"绿地新城"}


def test_counts_are_sums_of_the_rows_and_move_with_them(world):
    world.put_flow("e1")
    world.put_flow("e2", members=50, placed=10, orders=0, status="ended", phase=None)
    world.publish(builders.message())
    world.put_dead(b"{")
    counts = {
        "events": 1, "placed_members": 90, "estates": 4, "estates_worked": 1, "groups": 2, "members": 150,
        "tasks_issued": 22, "tasks_done": 12, "tasks_verified": 8, "orders": 6, "dead_letters": 1,
    }
    assert world.get("/v1/flow").json()["counts"] == counts
    world.put_flow("e2", members=60, placed=10, orders=2)
    moved = {**counts, "members": 160, "orders": 8, "estates_worked": 2}
    assert world.get("/v1/flow").json()["counts"] == moved


def test_a_citys_counts_are_its_own(world):
    world.put_flow("e1")
    world.put_flow("e3", members=7)
    counts = world.get("/v1/flow?city=天津").json()["counts"]
    assert (counts["members"], counts["estates"]) == (7, 1)


def test_the_map_says_the_campaigns_time_and_that_it_is_simulated(world):
    answer = world.get("/v1/flow").json()
    assert (answer["now"], answer["simulated"]) == (NOW.isoformat(), True)


def test_the_map_is_packed_for_who_takes_it_so(world):
    world.put_flow("e1")
    assert world.get("/v1/flow", headers={"Accept-Encoding": "gzip"}).headers["content-encoding"] == "gzip"
    assert "content-encoding" not in world.get("/v1/flow", headers={"Accept-Encoding": "identity"}).headers


def test_stores_are_points_with_their_dealers(world):
    stores = world.get("/v1/stores?city=北京").json()["features"]
    assert [one["id"] for one in stores] == ["s1", "s2"]
    assert stores[0]["geometry"]["coordinates"] == [116.41, 39.905]
    assert stores[1]["properties"]["dealer_name"] == "南城家居（测试）"


# --- campaigns and the funnel ---------------------------------------------------------------------


def test_campaigns_come_by_phase_then_by_progress(world):
    world.put_flow("e1", phase="trust", day=5)
    world.put_flow("e2", phase="closing", day=11)
    world.put_flow("e3", phase="trust", day=6)
    rows = world.get("/v1/campaigns").json()["campaigns"]
    assert [(one["estate_id"], one["name"]) for one in rows] == [("e2", "万科城"), ("e3", "龙湖花园"), ("e1", "绿地城")]
    assert [one["estate_id"] for one in world.get("/v1/campaigns?city=天津").json()["campaigns"]] == ["e3"]


def test_an_estate_with_groups_and_no_campaign_is_no_campaign(world):
    world.put_flow("e1", phase=None, status=None)
    assert world.get("/v1/campaigns").json()["campaigns"] == []


@pytest.mark.parametrize(("by", "ids"), [
    ("city", ["北京", "天津"]), ("dealer", ["d1", "d2"]), ("estate", ["e1", "e2", "e3"]), ("group", ["g1", "g2", "e3"]),
])
def test_the_funnel_sums_by_what_is_asked_and_narrows_at_every_step(world, by, ids):
    world.put_flow("e1")
    world.put_flow("e2", dealer_id="d2")
    world.put_flow("e3", dealer_id="d2", members=90, rungs={"onlooker": 80, "buyer": 10})
    rows = world.get(f"/v1/funnel?by={by}").json()["rows"]
    assert {row["id"] for row in rows} == set(ids)
    for row in rows:
        steps = [row[step] for step in ("members", "active", "interested", "prospective", "buyers")]
        assert steps == sorted(steps, reverse=True)
    assert sum(row["members"] for row in rows) == 290
    assert sum(row["buyers"] for row in rows) == 30


def test_the_funnel_is_asked_by_what_it_knows(world):
    assert world.get("/v1/funnel?by=weather").status_code == 422


# --- estates --------------------------------------------------------------------------------------


def test_the_book_is_searched_by_name_alias_address_and_id(world):
    def found(q: str) -> list[str]:
        return [one["estate_id"] for one in world.get("/v1/estates", params={"q": q}).json()["estates"]]

    assert found("万科") == ["e2"]
    assert found("金域") == ["e2"]
    assert found("E3") == ["e3"]
    assert found("nowhere") == []


def test_the_book_is_read_page_by_page(world):
    first = world.get("/v1/estates?limit=3").json()
    rest = world.get(f"/v1/estates?limit=3&cursor={first['cursor']}").json()
    assert [one["estate_id"] for one in first["estates"] + rest["estates"]] == ["e1", "e2", "e3", "e4"]
    assert rest["cursor"] is None


def test_a_name_as_people_write_it_is_found_where_nothing_says_it_literally(world):
    def found(q: str) -> list[str]:
        return [one["estate_id"] for one in world.get("/v1/estates", params={"q": q}).json()["estates"]]

    assert found("萬科·城") == ["e2"]
    assert found("金域华府小区") == ["e2"]


def test_the_nearest_estates_come_first_with_their_metres_in_any_datum(world):
    def near(point: str, **more) -> list[tuple[str, float]]:
        estates = world.get("/v1/estates", params={"near": point, **more}).json()["estates"]
        return [(one["estate_id"], one["distance_m"]) for one in estates]

    lng, lat = 116.49, 39.9
    found = near(f"{lng},{lat}")
    assert found[0][0] == "e2"
    assert found[0][1] == pytest.approx(geodesic((lat, lng), (39.9, 116.5)).m, abs=0.1)
    assert [away for _, away in found] == sorted(away for _, away in found)
    x, y = from_wgs84(lng, lat, "gcj02")
    assert near(f"{x:.9f}, {y:.9f}, GCJ02")[0] == found[0]
    # One without a point is not near to anything, and a name narrows.
    assert "e4" not in dict(found)
    assert [one for one, _ in near("116.4,39.9", q="万科")] == ["e2"]


def test_the_nearest_estates_are_read_page_by_page(world):
    whole = [one["estate_id"] for one in world.get("/v1/estates?near=116.45,39.9").json()["estates"]]
    pages: list[str] = []
    page: dict[str, Any] = {}
    while page.get("cursor", "first") is not None:
        more = {"cursor": page["cursor"]} if page else {}
        page = world.get("/v1/estates", params={"near": "116.45,39.9", "limit": 1, **more}).json()
        pages += [one["estate_id"] for one in page["estates"]]
    # Two of them are equally far: by id.
    assert pages == whole == ["e3", "e1", "e2"]


@pytest.mark.parametrize(("near", "says"), [
    ("116.4", "is not a point"), ("116.4,", "is not a point"), ("a,b", "is not a point"),
    ("nan,39.9", "is not a point"),
    ("116.4,39.9,wgs84,1", "is not a point"), ("116.4,39.9,utm", "unknown datum"), ("39.9,116.4", "are swapped"),
    ("0,0", "in the sea off Africa"), ("200,39.9", "out of range"), ("", "is not a point"),
])
def test_a_point_that_is_none_is_a_problem_that_says_so(world, near, says):
    answer = world.get("/v1/estates", params={"near": near})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]


def test_a_cursor_of_another_list_is_a_problem(world):
    answer = world.get("/v1/estates", params={"near": "116.4,39.9", "cursor": "e1"})
    assert (answer.status_code, "list by nearness" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize(("query", "says"), [
    ("limit=0", "query.limit 不能小于 1"), ("limit=many", "query.limit 应为整数"),
    ("q=" + "长" * 101, "query.q 最多 100 个字符"),
    ("coverage=lazy", "之一"), ("near=39.9,116.4", "lng 39.9 和 lat 116.4 写反了"),
    ("near=200,10", "lng 200.0 超出范围（-180 到 180）"), ("near=0,0", "非洲"),
])
def test_a_wrong_parameter_is_said_in_chinese_to_who_reads_chinese(world, query, says):
    detail = world.get(f"/v1/estates?{query}", headers={"Accept-Language": "zh-CN"}).json()["detail"]
    assert says in detail
    assert "should" not in detail


def test_a_dealer_finds_its_own_estates_by_nearness_and_no_others(world):
    for who, own in (("own", ["e1"]), ("other", ["e2"])):
        estates = world.get("/v1/estates?near=116.45,39.9", who=who).json()["estates"]
        assert [one["estate_id"] for one in estates] == own


def test_the_book_is_narrowed_to_estates_that_have_a_campaign(world):
    world.put_flow("e2")
    world.put_flow("e3", status="ended", phase=None)
    world.put_flow("e4", status=None, phase=None)
    answer = world.get("/v1/estates?worked=true").json()
    assert [(one["estate_id"], one["status"]) for one in answer["estates"]] == [("e2", "running"), ("e3", "ended")]


def test_an_estate_comes_with_its_groups_its_figures_and_its_tasks(world):
    world.put_flow("e1")
    world.issue(task())
    estate = world.get("/v1/estates/e1").json()
    assert estate["point"] == [116.4, 39.9]
    assert estate["flow"] == flow_body("e1")
    assert estate["tasks"] == {"issued": 1}
    assert [one["group_id"] for one in estate["groups"]] == ["g1"]
    assert estate["groups"][0]["personas"][0]["class"] == "staff"


def test_an_estate_that_is_not_in_the_book_is_not_found(world):
    assert world.get("/v1/estates/e9").status_code == 404


def test_the_timeline_tells_phases_and_tasks_the_latest_first(world):
    made = task()
    enter(world, Phase.WARM_UP, 1)
    world.issue(made)
    enter(world, Phase.TRUST, 4)
    enter(world, Phase.TRUST, 4, estate="e2")
    world.move(made, TaskStatus.VERIFIED)
    items = world.get("/v1/estates/e1/timeline").json()["items"]
    assert [one["type"].split(".")[2] for one in items] == ["verified", "phase-entered", "phase-entered"]
    assert items[0]["data"]["status"] == "verified"
    assert [one["data"]["phase"] for one in items[1:]] == ["trust", "warm_up"]


def test_pages_of_the_timeline_bring_everything_once(world):
    for place, phase in enumerate(Phase):
        enter(world, phase, place)
        world.issue(task(day=place + 1))
    whole = world.get("/v1/estates/e1/timeline").json()["items"]
    paged, query = [], ""
    while True:
        page = world.get(f"/v1/estates/e1/timeline?limit=3{query}").json()
        paged += page["items"]
        if page["cursor"] is None:
            break
        query = f"&before={page['cursor']}"
    assert paged == whole
    assert len(whole) == 10


def test_the_timeline_of_a_member_tells_each_rung_and_why(world):
    enter(world, Phase.TRUST, 4)
    for number, member in enumerate(("m1", "m2", "m1")):
        because = (f"wecom#{number}", "evidence:asks_price")
        change = RungChange("g1", member, "e1", Rung.INTERESTED, Rung.PARTICIPANT, because)
        world.send("campaign-events", "e1", RungChanged(
            id=derived_id(NOW, str(number)), time=NOW, subject=member, partitionkey="e1", data=change))
    page = world.get("/v1/estates/e1/timeline?member_id=m1").json()
    assert [one["data"]["because"][0] for one in page["items"]] == ["wecom#2", "wecom#0"]
    first = world.get("/v1/estates/e1/timeline?member_id=m1&limit=1").json()
    rest = world.get(f"/v1/estates/e1/timeline?member_id=m1&limit=1&before={first['cursor']}").json()
    assert first["items"] + rest["items"] == page["items"]
    assert world.get("/v1/estates/e1/timeline?member_id=nobody").json() == {"items": [], "cursor": None}


def test_a_dealer_who_shares_an_estate_sees_its_own_tasks_and_groups_there(world):
    shared = [builders.group(), builders.group("g2", "e1", dealer_id="d2")]
    world.reference = builders.reference(dealers=[builders.dealer(), builders.dealer("d2")], groups=shared)
    world.issue(task())
    world.issue(task(dealer="d2", group="g2"))
    for group in ("g1", "g2"):
        place = MemberPlace(group, "m1", "e1", 0.9, "said so")
        id = derived_id(NOW, group)
        world.send("campaign-events", "e1", MemberPlaced(
            id=id, time=NOW, subject="m1", partitionkey="e1", data=place
        ))
    enter(world, Phase.TRUST, 4)

    def groups(who: str) -> list[str]:
        items = world.get("/v1/estates/e1/timeline", who=who).json()["items"]
        return sorted(str(one["data"].get("group_id")) for one in items)

    assert groups("hq") == ["None", "g1", "g1", "g2", "g2"]
    assert groups("own") == ["None", "g1", "g1"]
    assert groups("other") == ["None", "g2", "g2"]
    own = world.get("/v1/estates/e1", who="own").json()
    assert (own["tasks"], [one["group_id"] for one in own["groups"]]) == ({"issued": 1}, ["g1"])


# --- dead letters ---------------------------------------------------------------------------------


def test_a_dead_letter_is_shown_with_its_reason_and_what_it_was(world):
    letter = world.put_dead('{"坏": \xff'.encode("latin-1", "replace"), "not JSON in UTF-8")
    [one] = world.get("/v1/dead-letters").json()["dead_letters"]
    assert (one["id"], one["reason"], one["status"]) == (letter, "not JSON in UTF-8", "dead")
    assert one["raw_bytes"] > 0


def test_a_dead_letter_that_the_door_takes_now_is_retried(world):
    letter = world.put_dead(builders.message())
    answer = world.post(f"/v1/dead-letters/{letter}/retry")
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    assert world.inbox() == [msgspec.json.decode(builders.message())]
    assert world.get("/v1/dead-letters?status=dead").json()["dead_letters"] == []
    assert world.post(f"/v1/dead-letters/{letter}/retry").status_code == 409


def test_a_dead_letter_that_is_still_wrong_stays_dead(world):
    letter = world.put_dead(b"{")
    assert world.post(f"/v1/dead-letters/{letter}/retry").status_code == 422
    # It is the same letter, and no second one beside it.
    assert [one["status"] for one in world.get("/v1/dead-letters").json()["dead_letters"]] == ["dead"]


def test_a_dead_letter_that_is_not_there_is_not_found(world):
    assert world.post("/v1/dead-letters/77/retry").status_code == 404
