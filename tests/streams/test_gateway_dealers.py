"""What the dealers' page reads: the day in one answer, tomorrow, groups with their mood, estates, pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.tasks import Script
from tests import builders
from tests.streams.dealers_world import lived
from tests.streams.gateway_world import World, task

#: The smallest JPEG that a browser takes for one, as far as its first bytes.
_JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


# --- the day ------------------------------------------------------------------------------------------


def test_a_day_comes_in_one_answer(world):
    world.put_flow("e1")
    for made in (task(4, "07:30"), task(4, "22:00"), task(5, "07:30"), task(4, "11:30", dealer="d2", group="g2")):
        world.issue(made)
    day = world.get("/v1/dealer/day", who="own").json()
    assert [one["window"]["start"][11:16] for one in day["tasks"]] == ["07:30", "22:00"]
    assert (day["date"], day["me"]["dealer_id"], day["campaigns"], day["more"]) == (
        "2026-03-05", "d1", {"running": 1}, False)
    assert day["tasks"][0]["group_name"]
    assert day["cursor"] == str(world.commits.at)
    tomorrow = world.get("/v1/dealer/day?date=2026-03-06", who="own").json()
    assert [one["window"]["start"][:10] for one in tomorrow["tasks"]] == ["2026-03-06"]
    assert len(world.get("/v1/dealer/day", who="hq").json()["tasks"]) == 3
    assert len(world.get("/v1/dealer/day?dealer_id=d2", who="hq").json()["tasks"]) == 1
    assert len(world.get("/v1/dealer/day?dealer_id=d2", who="own").json()["tasks"]) == 2, "a dealer's own all the same"


@pytest.mark.parametrize("date", ["tomorrow", "2026-02-30", "9999-12-31", "0001-01-01", ""])
def test_a_date_that_is_none_says_so(world, date):
    answer = world.get("/v1/dealer/day", who="own", params={"date": date}, headers={"Accept-Language": "zh-CN"})
    assert answer.status_code == 422
    assert "不是日期" in answer.json()["detail"]


# --- tomorrow -----------------------------------------------------------------------------------------


def test_tomorrow_is_foreseen_by_the_campaigns_own_rules(tmp_path):
    world = lived(tmp_path)
    world.issue(planned := task(5, "07:30"))
    tomorrow = world.get("/v1/dealer/tomorrow", who="own").json()
    assert tomorrow["date"] == "2026-03-06"
    assert [one["task_id"] for one in tomorrow["tasks"]] == [planned.task_id]
    assert tomorrow["foreseen"]
    for one in tomorrow["foreseen"]:
        assert one["foreseen"] is True
        assert one["window"]["start"].startswith("2026-03-06")
        assert one["script"]["text"]
        assert not {"task_id", "status", "because", "evidence"} & one.keys(), "nothing can be said of it"
    [stand] = tomorrow["estates"]
    assert (stand["estate_id"], stand["day"], stand["phase"]) == ("e1", 5, "trust")
    assert world.get("/v1/dealer/tomorrow", who="own").json() == tomorrow, "and again"
    assert world.get("/v1/dealer/tomorrow", who="other").json()["foreseen"] == []
    world.close()


def test_without_a_world_nothing_is_foreseen(world):
    world.put_flow("e1")
    assert world.get("/v1/dealer/tomorrow", who="own").json() == {
        "date": "2026-03-06", "tasks": [], "foreseen": [], "estates": []}


# --- groups and estates -------------------------------------------------------------------------------


def test_my_groups_say_where_they_stand_and_how_they_feel(tmp_path):
    said = {"text": "你们这质量也太差了，要投诉", "at": builders.at(4, "10:00")}
    world = lived(tmp_path, *(
        builders.message(member=f"m{n}", id=f"c{n}", message_id=f"c{n}", **said) for n in (1, 2, 3)))
    world.issue(task(4, "09:00"))
    world.issue(due := task(4, "17:30"))
    [group] = world.get("/v1/dealer/groups", who="own").json()["groups"]
    assert (group["group_id"], group["estate_name"], group["phase"], group["day"]) == ("g1", "绿地城", "trust", 4)
    assert (group["members"], sum(group["rungs"].values())) == (50, 50)
    assert group["mood"] == {
        "word": "upset", "members": 50, "spoke": 3, "praise": 0, "complain": 3, "opted_out": 0}
    assert group["next"]["task_id"] == due.task_id
    assert world.get("/v1/dealer/groups", who="other").json()["groups"] == []
    world.close()


def test_groups_come_page_by_page(world):
    first = world.get("/v1/dealer/groups?limit=1").json()
    second = world.get("/v1/dealer/groups", params={"limit": 1, "cursor": first["cursor"]}).json()
    assert [page["groups"][0]["group_id"] for page in (first, second)] == ["g1", "g2"]
    assert second["cursor"] is None


def test_my_estates_come_with_target_and_orders_and_beside_them_whom_nobody_works(tmp_path):
    near = builders.estate("e3", "没人做的小区", lng=116.41, lat=39.92)
    far = builders.estate("e4", "远处的小区", lng=117.2, lat=39.1)
    reference = builders.reference(
        estates=[builders.estate(), near, far], stores=[builders.store(lng=116.404, lat=39.915, crs="wgs84")])
    world = World(tmp_path, reference)
    world.put_flow("e1")
    answer = world.get("/v1/dealer/estates", who="own").json()
    [mine] = answer["estates"]
    assert (mine["name"], mine["phase"], mine["orders"], mine["target_orders"]) == ("绿地城", "trust", 6, 10)
    [free] = answer["near"]
    assert (free["estate_id"], 0 < free["distance_m"] < 5000) == ("e3", True)
    world.close()


# --- pictures -----------------------------------------------------------------------------------------


def pictured(folder: Path, *names: str, attachments: tuple[str, ...] = ("实景图", "户型图.JPG")) -> tuple[World, Any]:
    files = folder / "files"
    for name in names:
        (files / name).parent.mkdir(parents=True, exist_ok=True)
        (files / name).write_bytes(_JPEG + name.encode())
    world = World(folder, attachments_in=files)
    made = task(4, "11:30", script=Script("trust-1-noon", 2, "中午好", attachments))
    world.issue(made)
    return world, made


def test_a_picture_is_found_by_its_script_or_by_its_name(tmp_path):
    world, made = pictured(tmp_path, "trust-1-noon-1.jpg", "户型图.jpg")
    assert world.get("/v1/dealer/day", who="own").json()["files"] == {made.task_id: [1, 2]}
    first = world.get(f"/v1/tasks/{made.task_id}/attachments/1", who="own")
    assert (first.status_code, first.headers["content-type"]) == (200, "image/jpeg")
    assert first.content.endswith(b"trust-1-noon-1.jpg")
    assert first.headers["content-disposition"].startswith("inline")
    saved = world.get(f"/v1/tasks/{made.task_id}/attachments/2?save=true", who="own")
    assert saved.headers["content-disposition"].startswith("attachment")
    assert world.get(f"/v1/tasks/{made.task_id}/attachments/1", who="other").status_code == 404
    world.close()


def test_a_dealers_own_picture_stands_over_everybodys_and_is_for_no_other(tmp_path):
    world, made = pictured(tmp_path, "trust-1-noon-1.jpg", "d1/trust-1-noon-1.jpg", "d2/trust-1-noon-2.jpg")
    assert world.get(f"/v1/tasks/{made.task_id}/attachments/1", who="own").content.endswith(b"d1/trust-1-noon-1.jpg")
    assert world.get(f"/v1/tasks/{made.task_id}/attachments/2", who="own").status_code == 404
    world.close()


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/hostname", "..%2fsecret.jpg", "d1/../../secret.jpg", "", "."])
def test_no_attachment_leads_out_of_the_folder(tmp_path, name):
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    world, made = pictured(tmp_path, "a.jpg", "evil.svg", attachments=(name, "evil.svg", "linked.jpg"))
    (tmp_path / "files" / "linked.jpg").symlink_to(tmp_path / "secret.jpg")
    for place in (1, 2, 3, 4):
        assert world.get(f"/v1/tasks/{made.task_id}/attachments/{place}", who="own").status_code == 404
    world.close()


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    world = World(tmp_path, attachments_in=tmp_path / "nowhere")
    world.issue(task(4, "11:30", script=Script("s", 1, "中午好", ("实景图",))))
    assert world.get("/v1/dealer/day", who="own").json()["files"] == {}
    world.close()
