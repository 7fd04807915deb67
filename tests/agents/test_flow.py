"""An estate's point on the flow map says what the rows say."""

from __future__ import annotations

from agents.clock import measure
from schemas.values import RUNGS, GroupKind, TaskStatus
from tests import builders
from tests.agents.drive import Drive, crowd, world
from tests.builders import at


def lived() -> Drive:
    alliance = builders.group("g9", None, name="异业联盟", kind=GroupKind.ALLIANCE)
    groups = [builders.group("g1"), builders.group("g2"), alliance]
    drive = Drive(world(builders.reference(groups=groups, personas=builders.staff(("g1", "g2")))))
    drive.send(builders.campaign_started(target_orders=3), *crowd(15, clock="06:30"), *crowd(3, "g2", clock="06:40"))
    drive.send(builders.joined("g9", "m30", at(1, "06:50"), join_state="e1"))
    drive.send(builders.joined("g1", "m31", at(1, "06:50"), join_state="e7"))
    drive.send(
        builders.message(text="柜子多少钱一平", at=at(1, "09:00")), builders.message("g2", "m2", at=at(1, "09:01")))
    drive.send(builders.message(member="m3", text="我要报名量尺", at=at(1, "09:02")))
    drive.send(builders.order_placed(at=at(1, "10:00")), builders.deposit_paid(at=at(1, "10:01")))
    return drive.until(2, "12:00")


def test_the_counts_are_the_sums_of_the_rows():
    drive = lived()
    flow, rows = drive.flow(), list(drive.members().values())
    present = [row for row in rows if row.present]
    assert flow["members"] == len(present) == 20
    assert flow["active"] == sum(row.active_in == drive.campaign().phase_seq for row in present) == 3
    assert flow["placed"] == sum(row.home for row in present)
    assert flow["rungs"] == {rung.value: sum(row.rung == i for row in present) for i, rung in enumerate(RUNGS)}
    assert flow["orders"] == 1


def test_the_sign_ups_are_those_that_gates_are_judged_by():
    drive = lived()
    measures = measure(drive.turns[-1])
    assert {name: drive.flow()[name] for name in ("members", "key_people", "sign_ups", "orders")} == {
        name: measures[name] for name in ("members", "key_people", "sign_ups", "orders")}


def test_it_shows_how_far_the_campaign_is():
    flow = lived().flow()
    assert (flow["status"], flow["phase"], flow["stage"]) == ("running", "warm_up", 1)
    assert (flow["day"], flow["days"], flow["phase_day"], flow["phase_days"]) == (2, 11, 2, 3)
    assert (flow["started_on"], flow["gate_missed"], flow["target_orders"]) == (builders.DAY_1, False, 3)


def test_the_tasks_are_counted_by_where_they_stand():
    drive = lived()
    counted = {name: count for name, count in drive.flow()["tasks"].items() if count and name != "refused"}
    stand = [task.status.value for task in drive.tasks.values()]
    assert counted == {status.value: stand.count(status.value) for status in TaskStatus if status.value in stand}


def test_a_pause_keeps_the_phase_and_an_end_shows_none():
    drive = lived().send(builders.campaign_paused(at=at(2, "13:00")))
    assert (drive.flow()["status"], drive.flow()["phase"]) == ("paused", "warm_up")
    drive.send(builders.campaign_ended(at=at(2, "14:00")))
    assert (drive.flow()["status"], drive.flow()["phase"]) == ("ended", None)


def test_the_groups_are_the_estates_own_and_their_dealer_the_first_ones():
    flow = lived().flow()
    assert flow["groups"] == 2
    assert (flow["dealer_id"], flow["dealer_name"]) == ("d1", "木语家居（测试）")
    assert (flow["store_id"], flow["store_name"]) == ("s1", "木语全屋定制·测试店")


def test_a_group_that_went_away_is_not_shown():
    drive = Drive(world(builders.reference(estates=[builders.estate(), builders.estate("e2", "翡翠湾", lng=116.46)])))
    drive.send(*crowd(3), builders.group_updated(at=at(1, "09:00"), estate_id="e2"))
    assert (drive.flow("e1")["groups"], drive.flow("e1")["members"], drive.flow("e1")["dealer_id"]) == (0, 0, None)
    assert (drive.flow("e2")["groups"], drive.flow("e2")["members"], drive.flow("e2")["dealer_id"]) == (1, 3, "d1")


def test_an_estate_without_a_campaign_shows_its_people():
    flow = Drive().send(builders.message()).flow()
    assert (flow["status"], flow["phase"], flow["day"], flow["days"]) == (None, None, None, None)
    assert flow["members"] == 1
