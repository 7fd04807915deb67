from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest

from schemas.tasks import Evidence
from schemas.values import TaskStatus
from tests import builders
from tests.streams.gateway_world import NOW, World, task

ZH = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def listed(world: World, query: str = "", **request) -> list[str]:
    return [one["task_id"] for one in world.get(f"/v1/tasks{query}", **request).json()["tasks"]]


# --- the list -------------------------------------------------------------------------------------


def test_a_task_comes_as_it_was_issued_with_the_names_that_people_know(world):
    made = task()
    world.issue(made)
    [one] = world.get("/v1/tasks", who="own").json()["tasks"]
    names = {"estate_name": "绿地城", "group_name": "绿地城业主交流群", "persona_name": "林晚"}
    assert one == {**msgspec.json.decode(msgspec.json.encode(made)), **names}
    assert one["window"]["start"] == "2026-03-05T11:30:00+08:00"


def test_a_name_that_is_not_known_is_the_id(world):
    world.issue(task(estate="e9", group="g9", persona_id=None))
    [one] = world.get("/v1/tasks").json()["tasks"]
    assert (one["estate_name"], one["group_name"], one["persona_name"]) == ("e9", "g9", None)


def test_tasks_come_by_window_and_are_filtered_by_what_is_asked(world):
    late, early, other = task(clock="19:30"), task(clock="07:30"), task(dealer="d2", estate="e2", group="g2")
    for made in (late, early, other):
        world.issue(made)
    world.move(early, TaskStatus.DONE)
    assert listed(world) == [early.task_id, other.task_id, late.task_id]
    assert listed(world, "?status=issued&estate_id=e1") == [late.task_id]
    assert set(listed(world, "?status=done,issued&group_id=g1")) == {early.task_id, late.task_id}
    assert listed(world, "?status=done&status=verified") == [early.task_id]
    assert listed(world, "?dealer_id=d2") == [other.task_id]
    assert listed(world, "?persona_id=nobody") == []


def test_from_and_to_ask_for_windows_that_overlap(world):
    yesterday, today = task(day=3), task(day=4)
    for made in (yesterday, today):
        world.issue(made)
    assert listed(world, "?from=2026-03-05") == [today.task_id]
    assert listed(world, "?to=2026-03-05") == [yesterday.task_id]
    assert listed(world, f"?from={quote('2026-03-05T11:59:00+08:00')}") == [today.task_id]
    assert listed(world, "?from=2026-03-05T11:59:00+08:00") == [today.task_id]
    assert listed(world, "?from=2026-03-05T04:00:00Z") == []


@pytest.mark.parametrize("query", [
    "?from=noon", "?status=lost", "?since=~", "?since=9999999999999999999", "?limit=0", "?limit=x",
])
def test_a_wrong_parameter_is_a_problem_that_names_it(world, query):
    answer = world.get(f"/v1/tasks{query}")
    assert answer.status_code == 422
    assert query[1:].split("=")[0] in answer.text or "lost" in answer.text


def test_a_list_that_is_cut_says_so(world):
    for day in (1, 2, 3):
        world.issue(task(day=day))
    assert world.get("/v1/tasks?limit=2").json()["more"] is True
    assert world.get("/v1/tasks?limit=20").json()["more"] is False


def test_pages_of_changes_bring_every_change_once_and_then_what_is_new(world):
    made = [task(day=day) for day in range(1, 8)]
    for one in made:
        world.issue(one)
    seen, since = [], "0"
    while True:
        page = world.get(f"/v1/tasks?since={since}&limit=3").json()
        seen += [one["task_id"] for one in page["tasks"]]
        since = page["cursor"]
        if not page["more"]:
            break
    assert seen == [one.task_id for one in made]
    world.move(made[2], TaskStatus.DONE)
    assert listed(world, f"?since={since}")[-1] == made[2].task_id


# --- marks ----------------------------------------------------------------------------------------


def test_a_mark_goes_through_the_door_as_an_event(world):
    made = task()
    world.issue(made)
    answer = world.post(f"/v1/tasks/{made.task_id}/done", who="own", json={"message_id": "m-7"})
    assert answer.status_code == 202
    [event] = world.inbox()
    assert answer.json() == {"id": event["id"], "status": "accepted", "task_id": made.task_id}
    assert (event["type"], event["source"], event["time"]) == (
        "loupan.task.done.v1", "loupan/dealer/d1", NOW.isoformat(),
    )
    assert event["data"] == {"task_id": made.task_id, "persona_id": "p-main", "message_id": "m-7"}
    assert event["partitionkey"] == "e1"


def test_a_double_tap_is_one_event_whenever_it_was_tapped(world):
    made = task()
    world.issue(made)
    first = world.post(f"/v1/tasks/{made.task_id}/claim", who="own").json()
    world.clock.at += timedelta(minutes=5)
    second = world.post(f"/v1/tasks/{made.task_id}/claim", who="own").json()
    assert (first["id"], second["status"]) == (second["id"], "duplicate")
    assert len(world.inbox()) == 1


def test_each_deed_is_its_own_event(world):
    made = task()
    world.issue(made)
    ids = {world.post(f"/v1/tasks/{made.task_id}/{deed}").json()["id"] for deed in ("claim", "done", "skip")}
    assert len(ids) == 3
    assert {event["source"] for event in world.inbox()} == {"loupan/hq"}


def test_a_skip_says_why_or_that_no_reason_was_given(world):
    made, other = task(), task(clock="19:30")
    for one in (made, other):
        world.issue(one)
    world.post(f"/v1/tasks/{made.task_id}/skip", who="own", json={"reason": "群里在吵物业费"})
    world.post(f"/v1/tasks/{other.task_id}/skip", who="own")
    assert [event["data"]["reason"] for event in world.inbox()] == ["群里在吵物业费", "没有说明原因"]


@pytest.mark.parametrize(("status", "deed", "answered"), [
    (TaskStatus.VERIFIED, "done", 409), (TaskStatus.WITHDRAWN, "done", 409), (TaskStatus.VERIFIED, "skip", 409),
    (TaskStatus.DONE, "claim", 409), (TaskStatus.SKIPPED, "done", 409), (TaskStatus.EXPIRED, "claim", 409),
    (TaskStatus.DONE, "done", 202), (TaskStatus.CLAIMED, "claim", 202), (TaskStatus.CLAIMED, "done", 202),
])
def test_what_the_table_of_moves_does_not_have_is_refused_with_a_sentence(world, status, deed, answered):
    made = task()
    world.issue(made)
    world.move(made, status)
    answer = world.post(f"/v1/tasks/{made.task_id}/{deed}", who="own", headers=ZH)
    assert answer.status_code == answered
    if answered == 409:
        assert answer.json()["task_status"] == status
        assert answer.json()["detail"].startswith("任务已")
        assert world.inbox() == []


def test_a_mark_that_a_phone_kept_counts_from_when_it_was_said(world):
    made = task()
    world.issue(made)
    world.move(made, TaskStatus.EXPIRED)
    world.clock.at = NOW + timedelta(hours=6)
    path = f"/v1/tasks/{made.task_id}/done"
    assert world.post(path, who="own").status_code == 409
    assert world.post(path, who="own", json={"at": NOW.isoformat()}).status_code == 202
    assert datetime.fromisoformat(world.inbox()[0]["time"]) == NOW


def test_a_task_is_done_a_quarter_of_an_hour_early_and_no_earlier(world):
    made = task(clock="22:15")
    world.issue(made)
    path = f"/v1/tasks/{made.task_id}/done"
    early = world.post(path, who="own", headers=ZH)
    assert (early.status_code, early.json()["type"]) == (409, "urn:loupan:problem:too-early")
    assert early.json()["detail"] == "这条任务是 22:15 的，12:00 完成太早了。"
    assert world.post(path).json()["detail"] == "The task is for 22:15: done at 12:00 is too early."
    assert world.post(path.replace("done", "claim"), who="own").status_code == 202
    world.clock.at = made.window.start - timedelta(minutes=15)
    assert world.post(path, who="own").status_code == 202


def test_a_task_whose_time_is_over_is_refused_though_nobody_let_it_expire(world):
    made = task()
    world.issue(made)
    world.clock.at = made.window.end + timedelta(minutes=31)
    answer = world.post(f"/v1/tasks/{made.task_id}/done", who="own")
    assert (answer.status_code, answer.json()["task_status"]) == (409, "expired")


def test_nobody_marks_a_task_ahead_of_time(world):
    made = task()
    world.issue(made)
    world.post(f"/v1/tasks/{made.task_id}/done", json={"at": (NOW + timedelta(days=1)).isoformat()})
    assert datetime.fromisoformat(world.inbox()[0]["time"]) == NOW


def test_a_task_is_not_marked_for_another_persona(world):
    made = task()
    world.issue(made)
    answer = world.post(f"/v1/tasks/{made.task_id}/done", who="own", json={"persona_id": "p-shill"})
    assert answer.status_code == 422
    assert "p-main" in answer.json()["detail"]


# --- why ------------------------------------------------------------------------------------------


def test_why_tells_the_rule_the_script_and_the_events(world):
    asked = builders.message(text="你们家衣柜多少钱一平？")
    world.publish(asked)
    rule = "rule:new-estate-own-group@3/answer-price"
    made = task(because=(builders.event_ref(asked), rule), evidence=Evidence(message_id="m-1", member_id="m1"))
    world.issue(made)
    why = world.get(f"/v1/tasks/{made.task_id}/why", who="own", headers=ZH).json()
    assert why["because"] == [builders.event_ref(asked), rule]
    assert why["script"] == {"id": "trust-1-noon", "version": 2}
    assert why["rule"]["id"] == rule
    assert "新盘自建群" in why["rule"]["words"]
    assert "第 4 天（信任期）" in why["rule"]["words"]
    assert why["events"] == [{
        "ref": builders.event_ref(asked), "type": "loupan.group.message.v1", "time": builders.AT,
        "what": "群里的一条消息", "text": "你们家衣柜多少钱一平？",
    }]


def test_a_wake_up_that_only_the_log_holds_is_told_with_its_time(world):
    made = task(because=("loupan#0195b000-0000-8000-8000-000000000000", "rule:p@3/morning:instead"))
    world.issue(made)
    why = world.get(f"/v1/tasks/{made.task_id}/why").json()
    assert why["events"][0]["type"] == "loupan.clock.woke.v1"
    assert why["events"][0]["time"].startswith("2025-03-")
    assert "real buyers are asked instead" in why["rule"]["words"]


def test_an_event_that_is_not_kept_any_more_is_named(world):
    made = task(because=("wecom#with#hash#gone",))
    world.issue(made)
    [event] = world.get(f"/v1/tasks/{made.task_id}/why").json()["events"]
    assert (event["ref"], event["type"], event["what"]) == ("wecom#with#hash#gone", None, "not kept")


def test_why_finds_what_went_out_itself(world):
    first = task()
    offset = world.issue(first)
    assert offset == 1
    id = world.get("/v1/estates/e1/timeline").json()["items"][0]["id"]
    made = task(clock="19:30", because=(f"loupan#{id}",))
    world.issue(made)
    [event] = world.get(f"/v1/tasks/{made.task_id}/why").json()["events"]
    assert event["type"] == "loupan.task.issued.v1"


def test_why_tells_from_whom_a_task_was_taken_over(world):
    away = builders.persona_away()
    world.publish(away)
    made = task(because=(builders.event_ref(away), "rule:p@3/morning", "from:p-two/t-1"))
    world.issue(made)
    why = world.get(f"/v1/tasks/{made.task_id}/why").json()
    assert why["from"] == {"persona_id": "p-two", "task_id": "t-1"}
    assert [event["type"] for event in why["events"]] == ["loupan.persona.away.v1"]


def test_a_task_outside_of_any_group_says_so(world):
    made = task(group_id="", day=0, because=("wecom#1", "rule:p@3/build/by-manager/call"))
    world.issue(made)
    (told,) = world.get("/v1/tasks").json()["tasks"]
    assert (told["group_id"], told["group_name"]) == ("", "群外")
    assert "before there is a group" in world.get(f"/v1/tasks/{made.task_id}/why").json()["rule"]["words"]
