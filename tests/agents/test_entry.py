"""Before there is a group, and to fill it: series of ways as tasks of the shop's people, until there is evidence."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from agents.coverage import coverage, dealer_for
from schemas.playbook_entry import Entry
from schemas.tasks import EntryEnded, PhaseEntered, TaskWithdrawn
from schemas.values import GroupKind, PersonaClass, Role
from tests import builders
from tests.agents.drive import Drive, crowd, open_tasks, world
from tests.builders import at


def step(id: str, day: int = 1, **fields: Any) -> dict[str, Any]:
    words = builders.script("【走一趟】到{{ estate.name }}的物业坐一坐，说明来意，人家不方便就改天")
    return {"id": id, "day": day, "at": "09:30", "role": "leader", "action": "visit", "script": words, **fields}


def way(id: str, *steps: dict[str, Any], days: int = 2) -> dict[str, Any]:
    return {"id": id, "title": f"走{id}", "days": days, "steps": list(steps)}


BUILD = {"ways": [way("by-manager", step("b-1"), step("b-2", 2)), way("by-owner", step("b-3", action="call"))]}
STAFF = builders.staff(groups=())


def drive(group: str = "own", groups: tuple[Any, ...] = (), people: list[Any] | None = None, **entry: Any) -> Drive:
    playbook = builders.playbook(entry=entry or {"build": BUILD}, **{"for": {"estate": "new", "group": group}})
    reference = builders.reference(groups=list(groups), personas=STAFF if people is None else people)
    return Drive(world(reference, playbook))


# --- a way in -----------------------------------------------------------------------------------------


def test_without_a_group_the_shops_people_are_sent_and_the_campaign_waits():
    here = drive().send(builders.campaign_started()).until(1, "10:00")
    (task,) = here.tasks_of()
    assert (task.group_id, task.persona_id, task.dealer_id, task.store_id) == ("", "p-main", "d1", "s1")
    assert (task.phase, task.day, task.action, task.role) == ("warm_up", 0, "visit", "leader")
    assert task.because[1] == "rule:small-test@1/build/by-manager/b-1"
    assert here.campaign().run == "scheduled"
    assert here.sent(PhaseEntered) == []
    assert here.flow()["entry"] == {
        "series": "build", "way": "by-manager", "title": "走by-manager", "day": 1, "over": False}
    assert here.flow()["coverage"] == "idle"


def test_the_ways_are_gone_one_after_the_other_and_each_step_once():
    here = drive().send(builders.campaign_started()).until(4, "10:00")
    assert [(task.script.id, task.window.start.day) for task in here.tasks_of()] == [("b-1", 2), ("b-2", 3), ("b-3", 4)]


def test_a_group_of_the_estate_is_the_evidence_and_the_campaign_begins():
    here = drive().send(builders.campaign_started()).until(2, "08:00")
    here.send(builders.group_updated("g9", at(2, "09:00"), estate_id="e1", name="绿地城业主交流群"))
    (ended,) = here.sent(EntryEnded)
    assert (ended.series, ended.reached, ended.reason, ended.way) == ("build", True, "group g9", "by-manager")
    assert open_tasks(here) == []
    assert [gone.reason for gone in here.sent(TaskWithdrawn)] == ["the way in is over"]
    assert here.campaign().run == "running"
    assert here.campaign().day == 1
    assert here.flow()["coverage"] == "worked"
    assert here.flow()["entry"] is None


def test_the_owners_leave_is_the_evidence_that_an_owners_group_is_entered():
    joined = builders.group(kind=GroupKind.JOINED, open=False)
    here = drive("joined", (joined,), enter=BUILD).send(builders.campaign_started()).until(2, "08:00")
    assert here.campaign().run == "scheduled"
    here.send(builders.group_updated("g1", at(2, "09:00"), open=True))
    assert here.campaign().run == "running"
    assert [ended.series for ended in here.sent(EntryEnded)] == ["enter"]


def test_after_the_last_way_hq_is_told_once_and_the_campaign_waits_on():
    here = drive().send(builders.campaign_started()).until(9)
    (ended,) = here.sent(EntryEnded)
    assert (ended.reached, ended.reason, ended.day) == (False, "the last way is over", 5)
    assert here.flow()["entry"]["over"]
    here.send(builders.group_updated("g9", at(9, "09:00"), estate_id="e1"))
    assert here.campaign().run == "running"
    assert [ended.reached for ended in here.sent(EntryEnded)] == [False, True]


def test_an_estate_that_no_shop_is_near_is_told_to_hq_and_nobody_is_sent():
    far = builders.store(lng=121.4, lat=31.2)
    playbook = builders.playbook(entry={"build": BUILD})
    here = Drive(world(builders.reference(groups=[], personas=STAFF, stores=[far]), playbook))
    here.send(builders.campaign_started()).until(2)
    assert here.tasks_of() == []
    (ended,) = here.sent(EntryEnded)
    assert ended.reason == "no dealer has a group or a shop within reach"


def test_a_playbook_without_an_entry_begins_as_ever():
    here = Drive(world(builders.reference(groups=[]))).send(builders.campaign_started()).until(1)
    assert here.campaign().run == "running"


def test_an_estate_that_has_its_group_needs_no_way_in():
    here = drive(groups=(builders.group(),), people=builders.staff()).send(builders.campaign_started()).until(2)
    assert here.campaign().day == 2
    assert here.sent(EntryEnded) == []


def test_somebody_away_is_stood_in_for_outside_of_groups_too():
    leader = builders.persona("p-lead", Role.LEADER, groups=(), name="高远")
    here = drive(people=[*STAFF, leader]).send(builders.campaign_started()).until(1)
    assert [task.persona_id for task in here.tasks_of()] == ["p-lead"]
    # Whoever is in no group is reached by no absence of an estate: their day off is in the reference data.
    off = builders.persona("p-lead", Role.LEADER, groups=(), name="高远", days_off=("mon",))
    again = drive(people=[*STAFF, off]).send(builders.campaign_started()).until(1)
    assert [task.persona_id for task in again.tasks_of()] == ["p-main"]


def test_only_the_shops_own_staff_go():
    others = [builders.persona("p-a", Role.LEADER, PersonaClass.PARTNER, groups=()),
              builders.persona("p-b", Role.SHILL, PersonaClass.BUYER, groups=())]
    here = drive(people=others).send(builders.campaign_started()).until(1)
    assert here.tasks_of() == []
    assert here.counts().unstaffed == 1


# --- filling the group --------------------------------------------------------------------------------


def test_the_pool_is_filled_until_the_group_has_its_members():
    pool = {"members": 30, "ways": [way("by-flyer", step("p-1"), step("p-2", 2))]}
    here = drive(groups=(builders.group(),), people=builders.staff(), pool=pool)
    here.send(*crowd(5), builders.campaign_started()).until(1, "10:00")
    (task,) = here.tasks_of(script="p-1")
    assert (task.group_id, task.day) == ("g1", 1)
    here.send(*crowd(40, day=1, clock="12:00", first=6)).until(2, "10:00")
    assert here.tasks_of(script="p-2") == []
    (ended,) = here.sent(EntryEnded)
    assert (ended.series, ended.reached, ended.reason) == ("pool", True, "45 members")


# --- bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("change", "word"), [
    ({"action": "post"}, "says something in a group"),
    ({"role": "shill"}, "is for staff"),
    ({"script": builders.script("我家就在这", "buyer", testimonial="全屋定制")}, "is for staff"),
    ({"day": 3}, "is on day 3 of by-manager, which has 2"),
])
def test_a_step_that_cannot_be_is_refused(change, word):
    with pytest.raises(ValidationError, match=word):
        Entry.model_validate({"build": {"ways": [way("by-manager", step("b-1", **change))]}})


# --- who could work an estate -------------------------------------------------------------------------


def test_coverage_says_whether_anybody_works_an_estate():
    assert coverage(run=None, groups=0, dealer_id=None) == "nobody"
    assert coverage(run=None, groups=0, dealer_id="d1") == "idle"
    assert coverage(run="ended", groups=1, dealer_id="d1") == "group, no operation"
    assert coverage(run="running", groups=1, dealer_id="d1") == "worked"
    assert coverage(run="scheduled", groups=0, dealer_id="d1") == "idle"


def test_an_estates_dealer_is_the_one_with_a_group_there_else_the_nearest_shop_within_reach():
    near, far = builders.store("s1"), builders.store("s2", "d2", lng=116.9)
    reference = builders.reference(
        dealers=[builders.dealer(), builders.dealer("d2", "远东家居")], stores=[near, far], groups=[], personas=[])
    estate = reference.estates["e1"]
    assert dealer_for(reference, estate) == ("d1", near)
    assert dealer_for(reference, estate, reach_km=0.1) is None
    with_group = builders.reference(
        dealers=[builders.dealer(), builders.dealer("d2", "远东家居")], stores=[near, far],
        groups=[builders.group(dealer_id="d2", store_id="s2")], personas=[])
    assert dealer_for(with_group, estate) == ("d2", far)
