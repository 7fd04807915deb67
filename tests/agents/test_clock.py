"""What the clock does: days turn at midnight, gates are judged, tasks come at seven and expire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from schemas.tasks import GateMissed, PhaseEntered, StageEnded, TaskExpired, TaskIssued
from schemas.values import Phase
from tests import builders
from tests.agents.drive import Drive, crowd, open_tasks, world

START = builders.campaign_started()


def days(drive: Drive, first: int, last: int) -> list[tuple[Phase | None, int]]:
    """The phase and the phase's day at noon of each day."""
    seen = []
    for day in range(first, last + 1):
        row = drive.until(day, "12:00").campaign()
        seen.append((row.phase, row.phase_day) if row.run == "running" else (None, 0))
    return seen


def talk(count: int, day: int, clock: str = "10:00", group: str = "g1") -> list[bytes]:
    return [builders.message(group, f"m{number}", "大家好", builders.at(day, clock)) for number in range(1, count + 1)]


def gates(**asked: Any) -> Any:
    """The small playbook with one gate for all phases."""
    data = builders.playbook_data()
    for plan in data["stages"][0]["phases"]:
        plan["gate"] = asked
    return builders.playbook(stages=data["stages"])


# --- phases and gates ---------------------------------------------------------------------------------


def test_a_campaign_whose_gates_are_met_goes_through_its_days_and_ends():
    drive = Drive().send(START, *talk(2, 1))
    assert days(drive, 1, 12) == [
        *((Phase.WARM_UP, day) for day in (1, 2, 3)), *((Phase.TRUST, day) for day in (1, 2, 3)),
        *((Phase.VALUE, day) for day in (1, 2)), *((Phase.SIGN_UP, day) for day in (1, 2)), (Phase.CLOSING, 1),
        (None, 0),
    ]
    assert [(change.phase, change.day, change.rule) for change in drive.sent(PhaseEntered)] == [
        (Phase.WARM_UP, 1, "started"), (Phase.TRUST, 4, "gate reached"), (Phase.VALUE, 7, "gate reached"),
        (Phase.SIGN_UP, 9, "gate reached"), (Phase.CLOSING, 11, "gate reached"),
    ]
    (end,) = drive.sent(StageEnded)
    assert (end.day, end.reason, end.measures["participants"]) == (11, "gate reached", 2)
    assert drive.sent(GateMissed) == []
    assert drive.campaign().run == "ended"


def test_a_missed_gate_keeps_the_phase_tells_hq_once_and_brings_the_rescue_duties():
    drive = Drive().send(START)
    assert days(drive, 3, 4) == [(Phase.WARM_UP, 3), (Phase.WARM_UP, 4)]
    (missed,) = drive.sent(GateMissed)
    assert (missed.phase, missed.day, missed.rule) == (Phase.WARM_UP, 3, "gate missed")
    assert missed.gate == {"participants": 2}
    assert missed.measures["participants"] == 0
    assert [task.script.id for task in drive.tasks_of(day=4)] == ["warm-up-rescue"]
    assert drive.campaign().missed


def test_a_phase_that_has_run_its_longest_goes_on_and_hq_is_told_no_more():
    drive = Drive().send(START)
    assert days(drive, 5, 5) == [(Phase.TRUST, 1)]
    assert [change.rule for change in drive.sent(PhaseEntered)] == ["started", "longest reached"]
    assert len(drive.sent(GateMissed)) == 1
    assert not drive.campaign().missed, "the next phase has missed nothing"


def test_a_gate_that_is_met_on_an_overtime_day_ends_the_phase_that_night():
    drive = Drive().send(START, *talk(2, 4))
    assert [change.rule for change in drive.until(5, "01:00").sent(PhaseEntered)] == ["started", "gate reached"]


def test_a_phase_without_overtime_misses_its_gate_and_goes_on_in_the_same_night():
    drive = Drive().send(START).until(20)
    changes = [(change.phase, change.rule) for change in drive.sent(PhaseEntered)]
    assert (Phase.CLOSING, "longest reached") in changes
    assert [change.phase for change in drive.sent(GateMissed)] == list(Phase)
    assert drive.campaign().run == "ended"


def test_a_gate_that_asks_for_nothing_is_open():
    drive = Drive(world(None, gates())).send(START).until(20)
    assert drive.sent(GateMissed) == []
    assert drive.campaign().run == "ended"
    assert drive.campaign().day == 11


def test_a_gate_is_judged_by_who_was_active_in_the_phase_that_is_over():
    play = gates(active_share=0.5)
    quiet = [builders.joined(member=f"m{n}", at=builders.at(1, "06:30")) for n in (3, 4)]
    drive = Drive(world(None, play)).send(START, *quiet, *talk(2, 3, "23:30"))
    assert drive.until(4, "00:00").campaign().phase is Phase.TRUST
    entered = drive.sent(PhaseEntered)[-1]
    assert entered.measures["active_share"] == 0.5
    assert drive.tally().active == 0, "nobody has spoken in the new phase yet"


def test_who_speaks_after_midnight_is_active_in_the_next_phase():
    play = gates(active_share=0.5)
    quiet = [builders.joined(member=f"m{n}", at=builders.at(1, "06:30")) for n in (1, 2, 3, 4)]
    drive = Drive(world(None, play)).send(START, *quiet, *talk(2, 4, "00:00:01"))
    assert drive.sent(GateMissed)[0].measures["active_share"] == 0.0
    assert drive.tally().active == 2


def test_measures_are_those_of_all_the_estates_groups():
    reference = builders.reference(groups=[builders.group("g1"), builders.group("g2")])
    drive = Drive(world(reference, gates(participants=4)))
    others = [builders.message("g2", f"n{n}", "大家好", builders.at(1, "11:00")) for n in (1, 2)]
    drive.send(START, *talk(2, 1), *others)
    assert drive.until(4, "12:00").campaign().phase is Phase.TRUST
    assert drive.sent(PhaseEntered)[-1].measures["members"] == 4


# --- the day ------------------------------------------------------------------------------------------


def test_the_days_tasks_come_when_the_curfew_is_over():
    drive = Drive().send(START)
    assert drive.until(1, "06:59").tasks == {}
    drive.until(1, "07:00")
    assert {task.issued_at.isoformat() for task in drive.tasks.values()} == {builders.at(1, "07:00")}
    assert [(task.script.id, task.window.start.isoformat()) for task in drive.tasks_of()] == [
        ("warm-up-1-morning", builders.at(1, "07:30")), ("warm-up-1-evening-instead", builders.at(1, "19:30")),
    ]


def test_each_day_has_its_own_tasks():
    drive = Drive().send(START, *talk(2, 1)).until(12)
    assert [len(drive.tasks_of(day=day)) for day in range(1, 12)] == [2] * 11
    assert len(drive.sent(TaskIssued)) == len(drive.tasks) == 22


def test_a_task_expires_half_an_hour_after_its_window():
    drive = Drive().send(START).until(1, "08:29")
    assert drive.task("warm-up-1-morning").status == "issued"
    drive.until(1, "08:30")
    assert drive.task("warm-up-1-morning").status == "expired"
    assert len(drive.sent(TaskExpired)) == 1


def test_tasks_that_are_long_over_are_forgotten_and_their_counts_kept():
    drive = Drive().send(START, *talk(2, 1)).until(9)
    kept = [turn for turn in drive.turns if turn.tasks()][-1].tasks()
    assert {row.task.day for row in kept} <= {8, 9}
    assert drive.counts().expired == 16


# --- late, early, in the past ---------------------------------------------------------------------------


def test_a_machine_that_was_off_for_three_days_turns_them_and_asks_for_nothing_that_is_over():
    drive = Drive().send(START).until(1, "06:30").wake_late(4, "12:00")
    row = drive.campaign()
    assert (row.phase, row.day, row.phase_day) == (Phase.WARM_UP, 4, 4)
    assert [task.script.id for task in drive.tasks_of()] == ["warm-up-rescue"]
    assert drive.tasks_of()[0].window.start.isoformat() == builders.at(4, "19:00")
    assert len(drive.sent(GateMissed)) == 1


def test_what_was_open_when_the_machine_went_off_has_expired():
    drive = Drive().send(START).until(1, "07:00").wake_late(20, "12:00")
    assert {task.status.value for task in drive.tasks_of(day=1)} == {"expired"}
    assert drive.campaign().run == "ended"
    assert drive.due == {}


def test_a_window_that_is_half_over_is_still_asked_for():
    drive = Drive().send(START).until(1, "06:30").wake_late(1, "07:45")
    assert [task.script.id for task in open_tasks(drive)] == ["warm-up-1-morning", "warm-up-1-evening-instead"]


def test_a_campaign_for_later_waits_for_the_midnight_of_its_day():
    drive = Drive().send(builders.campaign_started(start_date="2026-03-05"))
    assert drive.campaign().run == "scheduled"
    assert drive.due["e1"].isoformat() == builders.at(4, "00:00")
    drive.until(4, "07:00")
    assert (drive.campaign().phase, drive.campaign().day) == (Phase.WARM_UP, 1)
    assert drive.tasks_of(day=1)[0].window.start.isoformat() == builders.at(4, "07:30")


def test_a_start_in_the_past_begins_with_day_1_today():
    drive = Drive().send(builders.campaign_started(start_date="2026-02-01"))
    assert (drive.campaign().phase, drive.campaign().day) == (Phase.WARM_UP, 1)
    assert len(drive.until(1).tasks_of(day=1)) == 2


def test_a_start_in_the_middle_of_the_day_asks_for_the_rest_of_it():
    drive = Drive().send(builders.campaign_started(at=builders.at(1, "15:00")))
    assert [task.script.id for task in drive.tasks_of()] == ["warm-up-1-evening-instead"]


def test_a_start_at_night_asks_for_nothing_until_the_morning():
    drive = Drive().send(builders.campaign_started(at=builders.at(1, "23:30")))
    assert drive.tasks == {}
    assert drive.due["e1"].isoformat() == builders.at(2, "00:00")


# --- pause, resume, end -----------------------------------------------------------------------------------


def test_a_pause_withdraws_what_is_open_and_freezes_the_days():
    drive = Drive().send(START).until(2, "07:10")
    drive.send(builders.campaign_paused(at=builders.at(2, "07:20")))
    assert {task.status.value for task in drive.tasks_of(day=2)} == {"withdrawn"}
    drive.until(9)
    assert (drive.campaign().run, drive.campaign().day) == ("paused", 2)
    assert drive.tasks_of(day=3) == []


def test_a_resumed_campaign_goes_on_with_the_day_on_which_it_stopped():
    drive = Drive().send(START, *talk(2, 1), builders.campaign_paused(at=builders.at(2, "09:00")))
    drive.send(builders.campaign_resumed(at=builders.at(6, "06:00"))).until(6, "12:00")
    assert (drive.campaign().phase, drive.campaign().day, drive.campaign().phase_day) == (Phase.WARM_UP, 2, 2)
    assert days(drive, 7, 8) == [(Phase.WARM_UP, 3), (Phase.TRUST, 1)]
    assert drive.sent(GateMissed) == []


def test_a_campaign_that_is_resumed_on_the_same_day_asks_again_for_what_was_withdrawn():
    drive = Drive().send(START).until(1, "07:00")
    drive.send(builders.campaign_paused(at=builders.at(1, "09:00")))
    drive.send(builders.campaign_resumed(at=builders.at(1, "10:00")))
    assert [task.script.id for task in open_tasks(drive)] == ["warm-up-1-evening-instead"]
    assert [task.status.value for task in drive.tasks_of(script="warm-up-1-evening-instead")] == ["withdrawn", "issued"]


def test_a_day_that_is_gone_on_with_does_not_repeat_what_was_done():
    drive = Drive().send(START).until(1, "07:00")
    morning = drive.task("warm-up-1-morning")
    drive.send(
        builders.task_done(morning.task_id, builders.at(1, "07:35")),
        builders.campaign_paused(at=builders.at(1, "09:00")), builders.campaign_resumed(at=builders.at(3, "06:00")))
    drive.until(3, "07:00")
    assert [task.script.id for task in open_tasks(drive)] == ["warm-up-1-evening-instead"]


def test_an_end_withdraws_what_is_open_and_nothing_wakes_it_again():
    drive = Drive().send(START).until(1, "07:00")
    drive.send(builders.campaign_ended(at=builders.at(1, "07:10"), reason="店休"))
    assert {task.status.value for task in drive.tasks.values()} == {"withdrawn"}
    assert drive.sent(StageEnded)[0].reason == "店休"
    assert drive.until(9).due == {}


def test_a_playbook_that_is_loaded_no_more_stops_the_tasks_and_nothing_else():
    drive = Drive().send(START).until(1, "08:00")
    other = builders.playbook(playbook="another", stages=[{**builders.playbook_data()["stages"][0], "stage": 2}])
    drive.world = world(None, other)
    drive.until(4, "12:00")
    assert drive.campaign().day == 4
    assert drive.tasks_of(day=4) == []


@pytest.mark.parametrize("clock", ["00:00", "06:59:59", "07:00", "08:30", "23:59:59"])
def test_whatever_the_hour_a_waking_asks_for_a_later_one(clock: str):
    drive = Drive().send(START).until(1, "06:00").wake_late(3, clock)
    assert drive.due["e1"] > datetime.fromisoformat(builders.at(3, clock))


def test_an_estates_zone_is_its_playbooks():
    play = builders.playbook(zone="Asia/Urumqi")
    drive = Drive(world(None, play)).send(START)
    drive.until(1, "07:00")
    assert drive.tasks == {}
    drive.until(1, "09:00")
    assert drive.tasks_of()[0].window.start.isoformat() == "2026-03-02T07:30:00+06:00"


def test_a_crowd_counts_as_members():
    drive = Drive().send(START, *crowd(25, clock="06:30"))
    assert drive.tally().members == 25
