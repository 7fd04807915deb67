"""One estate's campaign: commands, what each event means for it, and that the same events give the same tasks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents import campaign, placement
from agents.state import campaign_row
from schemas import events as ev
from schemas.errors import BadEvent
from schemas.playbook import Playbook
from schemas.tasks import PhaseEntered, StageEnded, TaskIssued, TaskVerified
from schemas.values import Phase
from streams.playbook_files import builtin_playbooks
from tests import builders
from tests.agents.drive import Drive, crowd, open_tasks, world
from tests.builders import at

START = builders.campaign_started()


# --- every event has its handler ------------------------------------------------------------------------


def test_both_steps_know_every_event_that_may_come():
    assert set(placement._HANDLERS) == set(ev.IN_EVENTS)
    assert set(campaign._HANDLERS) == {*ev.IN_EVENTS, ev.Woke}


def test_what_a_step_asks_for_first_is_among_the_likely_rows():
    drive = Drive().send(START, builders.joined())
    for raw in (builders.message(), builders.order_placed(), builders.campaign_paused(), builders.task_done("t1")):
        event = ev.decode(raw)
        assert campaign_row("e1") in campaign.likely_rows("e1", event)
        assert len(set(placement.likely_rows(event))) == len(placement.likely_rows(event))
    message = ev.decode(builders.message())
    assert set(placement.likely_rows(message)) <= set(drive.rows.at)


@pytest.mark.parametrize("said", [{}, {"text": "请问多少钱一平"}, {"mentions": ["m2"]}])
def test_all_that_a_members_message_asks_for_is_among_the_likely_rows(said):
    drive = Drive().send(START, builders.joined(), builders.joined(member="m2"))
    # What is asked of the estate as a whole is in memory after the first message of anybody.
    drive.send(builders.message(member="m2", **{"text": "请问多少钱一平", **said}))
    event = ev.decode(builders.message(**said))
    asked, get = [], drive.rows.get

    def noted(address):
        asked.append(address)
        return get(address)

    drive.rows.get = noted
    for record in placement.place(event, drive.rows, drive.world).records:
        campaign.advance(record, drive.rows, drive.world)
    likely = {*placement.likely_rows(event), *campaign.likely_rows("e1", event)}
    of_member = [address for address in asked if "m1" in address[3] or "m1" in address[1]]
    assert of_member
    assert set(of_member) <= likely


# --- commands -------------------------------------------------------------------------------------------


def test_a_start_begins_the_first_phase_and_says_so():
    drive = Drive().send(START)
    row = drive.campaign()
    assert (row.run, row.phase, row.day, row.phase_day) == ("running", Phase.WARM_UP, 1, 1)
    (entered,) = drive.sent(PhaseEntered)
    assert (entered.campaign_id, entered.previous) == (row.campaign_id, None)


def test_the_same_start_again_changes_nothing():
    drive = Drive().send(START)
    before = dict(drive.rows.at)
    drive.send(builders.campaign_started(id="again"))
    assert drive.rows.at == before


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"start_date": "2026-04-01"}, "estate e1 has a campaign that is running: end it before starting another"),
        ({"playbook": "other"}, "estate e1 has a campaign that is running: end it before starting another"),
    ],
)
def test_a_second_start_is_refused_while_the_first_goes_on(said: dict[str, Any], reason: str):
    drive = Drive().send(START)
    with pytest.raises(BadEvent, match=reason):
        drive.send(builders.campaign_started(at=at(1, "09:00"), **said))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"playbook": "other"}, "playbook other is not loaded"),
        ({"stage": 2}, "playbook small-test has no stage 2"),
        ({"start_date": "2026-02-30"}, "start_date 2026-02-30 is not a date"),
    ],
)
def test_a_start_that_cannot_be_is_refused_and_leaves_nothing(said: dict[str, Any], reason: str):
    drive = Drive()
    with pytest.raises(BadEvent, match=reason):
        drive.send(builders.campaign_started(**said))
    assert drive.rows.at == {}


def test_after_the_end_another_may_be_started():
    drive = Drive().send(START, builders.campaign_ended(at=at(1, "12:00")))
    drive.send(builders.campaign_started(at=at(1, "13:00"), start_date="2026-03-05")).until(5, "08:00")
    assert (drive.campaign().run, drive.campaign().day) == ("running", 2)
    assert len({task.campaign_id for task in drive.tasks.values()}) == 2


@pytest.mark.parametrize(
    ("before", "command", "reason"),
    [
        ([], builders.campaign_paused(at=at(1, "09:00")), "estate e1 has no campaign"),
        ([START], builders.campaign_resumed(at=at(1, "09:00")), "a campaign that is warm_up cannot be resumed"),
        ([START, builders.campaign_paused()], builders.campaign_paused(at=at(1, "09:00")),
         "a campaign that is paused cannot be paused"),
        ([START, builders.campaign_ended()], builders.campaign_ended(at=at(1, "09:00")),
         "a campaign that is ended cannot be stopped"),
        ([builders.campaign_started(start_date="2026-05-01")], builders.campaign_paused(at=at(1, "09:00")),
         "a campaign that is scheduled cannot be paused"),
    ],
)
def test_a_command_that_the_table_does_not_have_is_refused_and_changes_nothing(
    before: list[bytes], command: bytes, reason: str
):
    drive = Drive().send(*before).until(1, "09:00")
    rows = dict(drive.rows.at)
    with pytest.raises(BadEvent, match=reason):
        drive.send(command)
    assert drive.rows.at == rows


def test_a_campaign_that_is_still_to_come_can_be_called_off():
    drive = Drive().send(builders.campaign_started(start_date="2026-05-01"), builders.campaign_ended(at=at(1, "09:00")))
    assert drive.campaign().run == "ended"
    assert drive.until(90).sent(PhaseEntered) == []


# --- a stage, day by day ----------------------------------------------------------------------------------


def a_whole_stage() -> Drive:
    """The house's playbook from the first day to the last, with a group that lives through it."""
    play = builtin_playbooks()["new-estate-own-group"]
    drive = Drive(world(None, play))
    drive.send(*crowd(30, clock="04:00"), builders.campaign_started(playbook=play.playbook, target_orders=2))
    for day in range(1, 13):
        for number in range(1, 12):
            said = ("大家好", "柜子多少钱一平", "我要报名量尺", "收房了吗")[(day // 4 + number) % 4]
            answered = [f"m{other}" for other in (1, 2, 3) if other != number]
            drive.send(builders.message(member=f"m{number}", text=said, at=at(day, "10:00"), mentions=answered))
        for task in open_tasks(drive)[:3]:
            member = (task.persona_id or "").replace("p-", "m-", 1)
            drive.send(builders.message(member=member, text=task.script.text, at=task.window.start.isoformat()))
        if day in (9, 10):
            drive.send(builders.order_placed(f"o{day}", f"m{day}", at=at(day, "21:00")))
            drive.send(builders.deposit_paid(f"o{day}", at=at(day, "21:10")))
    return drive.until(20)


def test_a_living_group_goes_through_the_whole_stage():
    drive = a_whole_stage()
    assert [change.phase for change in drive.sent(PhaseEntered)] == list(Phase)
    (end,) = drive.sent(StageEnded)
    assert end.measures["orders"] == 2
    assert drive.campaign().goal_reached
    assert len(drive.sent(TaskVerified)) > 10
    assert open_tasks(drive) == []


def test_every_task_of_a_stage_went_out_once_and_can_be_asked_why():
    drive = a_whole_stage()
    issued = drive.sent(TaskIssued)
    assert len(issued) == len({task.task_id for task in issued}) == len(drive.tasks)
    assert len({event.id for event in drive.out}) == len(drive.out)
    for task in issued:
        assert task.because[0].startswith(("loupan/clock#", "wecom#", "hq#"))
        assert task.because[1].startswith("rule:new-estate-own-group@3/")


# --- the same events, the same answers ----------------------------------------------------------------------


def test_the_same_events_give_the_same_answers_whatever_the_hash_seed(root: Path):
    code = "from tests.agents.test_campaign import answers; print(answers())"
    said = set()
    for seed in ("0", "1", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed})
        said.add(done.stdout)
    assert len(said) == 1
    assert said.pop().count("loupan.task.issued.v1") > 50


SAID = ("柜子多少钱一平，质量怎么样", "你们太差了我要投诉", "不要再给我发广告了，请勿打扰", "我是绿地城3栋的")


def answers() -> str:
    """All that goes out of a small life of two groups, and the rows that stay."""
    play = builtin_playbooks()["new-estate-own-group"]
    groups = [builders.group("g1"), builders.group("g2")]
    drive = Drive(world(builders.reference(groups=groups, personas=builders.staff(("g1", "g2"))), play, small()))
    drive.send(*crowd(26, clock="04:00"), *crowd(13, "g2", clock="04:00"))
    drive.send(builders.campaign_started(playbook=play.playbook, target_orders=1))
    for day in range(1, 5):
        for number, text in enumerate(SAID):
            drive.send(
                builders.message("g1" if number % 2 else "g2", f"m{number + day}", text, at(day, f"1{number}:00")))
    drive.send(builders.order_placed(), builders.paid(), builders.erased("m3", at(4, "20:00"))).until(9)
    rows = sorted(drive.rows.at.items(), key=lambda row: row[0])
    return msgspec.json.encode([drive.out, [[list(address), row] for address, row in rows]]).decode()


def small() -> Playbook:
    return builders.playbook()
