"""Who comes into our own groups: five ways in, four circles, and names by which nobody is mistaken."""

from __future__ import annotations

from typing import Any

import pytest

from agents.admission import is_named
from schemas.tasks import Task
from tests import builders
from tests.agents.drive import Drive, crowd, world
from tests.agents.test_default_playbook import PLAYBOOK
from tests.builders import at

START = builders.campaign_started()
WAYS = ("invitation", "task", "payment", "request", "waiting_list")


def order(**fields: Any) -> dict[str, Any]:
    return {
        "admission": [{"id": f"by-{way.replace('_', '-')}", "way": way, "script": builders.script(f"【核对】{way}")}
                      for way in WAYS],
        "circles": [
            {"id": "to-advanced", "circle": "advanced", "from_rung": "interested",
             "invite": builders.script("{{ member.name }}您好，还有个看图的小群"),
             "check": builders.script("【核对】{{ member.name }}是不是点错了")},
        ],
        "names": {"id": "our-name", "script": builders.script("【名片】{{ member.name }}的名片没写全")},
        **fields,
    }


def ready(group: dict[str, Any] | None = None, more: tuple[Any, ...] = (), **fields: Any) -> Drive:
    groups = [builders.group("g1", **(group or {})), *more]
    people = builders.staff(tuple(one.group_id for one in groups))
    name = {"id": "ask-name", "on": "name_unclear", "role": "group_admin", "script": builders.script("楼栋加称呼可好")}
    play = builders.playbook(order=order(**fields), reactions=[name])
    drive = Drive(world(builders.reference(groups=groups, personas=people), play))
    return drive.send(*crowd(10), START).until(1, "08:40")


def joins(drive: Drive, member: str = "m77", group: str = "g1", clock: str = "09:00", **fields: Any) -> list[Task]:
    before = set(drive.tasks)
    drive.send(builders.joined(group, member, at(1, clock), **{"display_name": "3栋小王", **fields}))
    return [task for id, task in drive.tasks.items() if id not in before]


def test_who_was_invited_is_admitted_and_of_others_the_admin_asks():
    assert joins(ready(), invited_by="m1") == []
    (task,) = joins(ready())
    assert (task.script.id, task.action) == ("by-invitation", "check")
    assert (task.role, task.persona_id) == ("group_admin", "p-admin")
    assert task.evidence is not None
    assert (task.evidence.member_id, task.evidence.about) == ("m77", "admission:invitation")


@pytest.mark.parametrize("way", ["task", "payment", "request"])
def test_a_group_may_have_its_own_way_in(way: str):
    assert [task.script.id for task in joins(ready({"admission": (way,)}), invited_by="m1")] == [f"by-{way}"]


def test_when_the_group_is_full_there_is_a_waiting_list():
    drive = ready(full_at=11)
    assert joins(drive, "m77", invited_by="m1") == []
    assert [task.script.id for task in joins(drive, "m78", invited_by="m1", clock="09:05")] == ["by-waiting-list"]


def test_the_admin_is_not_asked_for_more_checks_a_day_than_the_playbook_says():
    drive = ready()
    assert sum(len(joins(drive, f"m{n}", clock=f"09:{n}")) for n in range(20, 30)) == 5


# --- circles --------------------------------------------------------------------------------------------


def two() -> Drive:
    return ready(more=(builders.group("g2", name="看图群", circle="advanced"),))


def asks(drive: Drive, member: str = "m1", clock: str = "09:00") -> list[Task]:
    drive.send(builders.message("g1", member, "全屋多少钱一平", at(1, clock)))
    return drive.tasks_of(script="to-advanced")


def test_who_stands_where_a_circle_begins_is_invited_to_its_group_once():
    drive = two()
    (task,) = asks(drive)
    assert (task.action, task.group_id, task.persona_id) == ("invite", "g1", "p-admin")
    assert task.because[1] == "rule:small-test@1/order:to-advanced"
    assert len(asks(drive, clock="10:00")) == 1


def test_without_a_group_of_that_circle_or_when_they_are_in_it_nobody_is_invited():
    assert asks(ready()) == []
    drive = two().send(builders.joined("g2", "m1", at(1, "08:50"), display_name="3栋小王", invited_by="m2"))
    assert asks(drive) == []


def test_who_joins_a_circle_before_they_stand_there_is_checked():
    drive = two()
    assert [task.script.id for task in joins(drive, "m2", "g2", invited_by="m1")] == ["to-advanced-check"]
    asks(drive, "m3")
    assert joins(drive, "m3", "g2", "09:30", invited_by="m1") == []


# --- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "clear"), [
    ("3栋小王", True), ("12号楼老李", True), ("3-2-1201 小王", True),
    ("小王", False), ("开心就好", False), (None, True),
])
def test_a_members_name_says_their_building(name: str | None, clear: bool):
    assert is_named(name) is clear


def test_who_is_shown_without_a_building_is_asked_gently():
    assert [task.script.id for task in joins(ready(), display_name="开心就好", invited_by="m1")] == ["ask-name"]
    assert joins(ready(), display_name="3栋小王", invited_by="m1") == []


@pytest.mark.parametrize(("name", "tasks"), [
    ("木语-客服-周晴", 0), ("木语全屋定制客服周晴", 0), ("周晴", 1), ("3栋周晴", 1), ("客服周晴", 1), ("木语客服", 1),
])
def test_one_of_ours_who_is_not_shown_as_shop_post_and_name_is_set_right(name: str, tasks: int):
    found = joins(ready(), "m-service", display_name=name)
    assert [task.script.text for task in found] == ["【名片】周晴的名片没写全"] * tasks


def test_the_playbook_that_ships_has_the_five_ways_and_the_four_circles():
    assert [check.way for check in PLAYBOOK.order.admission] == list(WAYS)
    assert [plan.circle for plan in PLAYBOOK.order.circles] == ["basic", "advanced", "core", "theme"]
    assert PLAYBOOK.order.names is not None
