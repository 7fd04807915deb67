"""The life of a task: who may say what of it, and what the group's own messages bear out."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from agents import tasks
from agents.handout import GroupAtWork
from agents.state import TaskRow, task_row
from agents.tasks import MOVES, OPEN, diagram
from schemas.errors import BadEvent, IllegalMove
from schemas.tasks import Task, TaskVerified, TaskWithdrawn
from schemas.values import Role, TaskStatus
from tests import builders
from tests.agents.drive import Drive, crowd, open_tasks, world
from tests.builders import at

MORNING = "warm-up-1-morning"


def seven(*before: bytes) -> Drive:
    """Seven in the morning of day 1."""
    return Drive().send(*before, builders.campaign_started()).until(1, "07:00")


def done(task: Task, clock: str = "07:40", **said: str) -> bytes:
    return builders.task_done(task.task_id, at(1, clock), persona=said.pop("persona", task.persona_id), **said)


def posted(task: Task, clock: str = "07:35", text: str | None = None, message_id: str = "msg-1", day: int = 1) -> bytes:
    member = (task.persona_id or "").replace("p-", "m-", 1)
    return builders.message(
        task.group_id, member, task.script.text if text is None else text, at(day, clock), message_id=message_id)


def status(drive: Drive, script: str = MORNING) -> str:
    return drive.task(script).status.value


# --- the table ----------------------------------------------------------------------------------------


def test_every_status_has_its_row_and_leads_only_to_statuses():
    assert set(MOVES) == set(TaskStatus)
    assert TaskStatus.ISSUED not in {after for moves in MOVES.values() for after in moves}


def test_what_is_verified_skipped_or_withdrawn_stays_so():
    assert {status.value for status, moves in MOVES.items() if not moves} == {"verified", "skipped", "withdrawn"}


def test_every_open_status_can_end_in_every_way():
    ends = {TaskStatus.DONE, TaskStatus.VERIFIED, TaskStatus.SKIPPED, TaskStatus.EXPIRED, TaskStatus.WITHDRAWN}
    assert all(ends <= MOVES[status] for status in OPEN)


def test_a_move_that_the_table_does_not_have_raises_and_changes_nothing():
    drive = seven()
    turn = drive.turns[-1]
    row: TaskRow = drive.rows.get(task_row("e1", drive.task(MORNING).task_id))
    tasks.change(turn, row, TaskStatus.SKIPPED)
    before = dict(drive.rows.at)
    with pytest.raises(IllegalMove, match="a task that is skipped cannot be done"):
        tasks.change(turn, drive.rows.get(task_row("e1", row.task.task_id)), TaskStatus.DONE)
    assert drive.rows.at == before


def test_the_diagram_shows_every_move_once():
    lines = diagram().splitlines()
    ends = sum(not moves for moves in MOVES.values())
    assert len(lines) == len(set(lines)) == 2 + sum(len(moves) for moves in MOVES.values()) + ends


# --- marks --------------------------------------------------------------------------------------------


def test_a_task_is_claimed_and_done():
    drive = seven()
    task = drive.task(MORNING)
    assert status(drive.send(builders.task_claimed(task.task_id, at(1, "07:20")))) == "claimed"
    assert status(drive.send(done(task))) == "done"
    assert (drive.counts().claimed, drive.counts().done) == (0, 1)


def test_a_task_is_skipped_and_can_then_not_be_done():
    drive = seven()
    task = drive.task(MORNING)
    assert status(drive.send(builders.task_skipped(task.task_id, at=at(1, "07:20")))) == "skipped"
    with pytest.raises(BadEvent, match="is skipped and cannot be done any more"):
        drive.send(done(task))


def test_saying_it_twice_counts_once():
    drive = seven()
    task = drive.task(MORNING)
    drive.send(done(task, "07:40"), done(task, "07:41"))
    assert drive.counts().done == 1


def test_a_task_done_by_someone_it_was_not_given_to_is_refused():
    drive = seven()
    with pytest.raises(BadEvent, match="was given to p-main, not to p-service"):
        drive.send(done(drive.task(MORNING), persona="p-service"))
    assert status(drive) == "issued"


def test_a_mark_that_names_nobody_is_the_personas():
    drive = seven()
    assert status(drive.send(builders.task_done(drive.task(MORNING).task_id, at(1, "07:40"), persona=None))) == "done"


def test_a_mark_made_in_time_may_come_late_from_a_phone_without_network():
    drive = seven().until(1, "12:00")
    assert status(drive) == "expired"
    task = drive.task(MORNING)
    drive.send(builders.task_claimed(task.task_id, at(1, "07:31")), done(task, "07:50"))
    assert status(drive) == "done"
    assert (drive.counts().expired, drive.counts().done) == (0, 1)


def test_a_task_is_done_a_little_before_its_window_and_no_earlier():
    drive = seven()
    with pytest.raises(BadEvent, match="is for 07:30: done at 07:14 is too early"):
        drive.send(done(drive.task(MORNING), "07:14"))
    assert status(drive) == "issued"
    assert status(drive.send(done(drive.task(MORNING), "07:15"))) == "done"


def test_a_task_is_claimed_or_skipped_as_early_as_it_is_known():
    drive = seven()
    task = drive.task(MORNING)
    assert status(drive.send(builders.task_claimed(task.task_id, at(1, "07:01")))) == "claimed"
    assert status(drive.send(builders.task_skipped(task.task_id, at=at(1, "07:02")))) == "skipped"


def test_a_mark_made_too_late_is_refused():
    drive = seven().until(1, "12:00")
    with pytest.raises(BadEvent, match="it was too late"):
        drive.send(done(drive.task(MORNING), "08:31"))
    assert status(drive) == "expired"


def test_a_mark_made_too_late_is_refused_though_nobody_woke_the_campaign():
    drive = seven()
    task = drive.task(MORNING)
    drive.rows.put(task_row("e1", task.task_id), TaskRow(task, datetime.fromisoformat(at(1, "07:30"))))
    drive.rows.keep()
    with pytest.raises(BadEvent, match="it was too late"):
        drive.send(done(task, "07:45"))


def test_a_claim_that_the_deed_has_overtaken_adds_nothing():
    drive = seven()
    task = drive.task(MORNING)
    drive.send(done(task, "07:40"), builders.task_claimed(task.task_id, at(1, "07:31")))
    assert status(drive) == "done"


def test_a_task_that_is_long_settled_is_refused_in_a_word():
    drive = seven()
    task = drive.task(MORNING)
    drive.until(4, "12:00")
    with pytest.raises(BadEvent, match="is over and settled"):
        drive.send(done(task))


# --- what was seen in the group ---------------------------------------------------------------------------


def test_a_mark_and_then_the_post_verifies():
    drive = seven()
    task = drive.task(MORNING)
    assert status(drive.send(done(task), posted(task, "07:41"))) == "verified"
    assert len(drive.sent(TaskVerified)) == 1


def test_the_post_alone_verifies():
    drive = seven()
    assert status(drive.send(posted(drive.task(MORNING)))) == "verified"


def test_the_post_and_then_the_mark_changes_nothing_more():
    drive = seven()
    task = drive.task(MORNING)
    assert status(drive.send(posted(task), done(task))) == "verified"
    assert (drive.counts().verified, drive.counts().done) == (1, 0)


def test_a_post_that_is_lightly_edited_verifies_and_an_unlike_one_does_not():
    drive = seven()
    task = drive.task(MORNING)
    assert status(drive.send(posted(task, text="今天物业停水，大家知道吗？", message_id="other"))) == "issued"
    assert status(drive.send(posted(task, text=task.script.text.replace("早，", "早上好呀，") + "😀"))) == "verified"


def test_a_mark_with_the_wrong_words_stays_unverified():
    drive = seven()
    task = drive.task(MORNING)
    drive.send(posted(task, text="今天物业停水，大家知道吗？"), done(task, message_id="msg-1"))
    assert status(drive) == "done"


def test_the_post_of_somebody_else_or_in_another_group_verifies_nothing():
    reference = builders.reference(
        groups=[builders.group("g1"), builders.group("g2")], personas=builders.staff(("g1", "g2")))
    drive = Drive(world(reference)).send(builders.campaign_started()).until(1, "07:00")
    task = drive.tasks_of(script=MORNING, group="g1")[0]
    drive.send(builders.message("g1", "m-service", task.script.text, at(1, "07:35")))
    assert drive.tasks[task.task_id].status == "issued"
    drive.send(builders.message("g2", "m-main", task.script.text, at(1, "07:36")))
    assert drive.tasks[task.task_id].status == "issued"


def test_a_post_before_its_time_or_after_it_verifies_nothing():
    drive = seven()
    task = drive.task(MORNING)
    assert status(drive.send(posted(task, "07:14", message_id="early"))) == "issued"
    assert status(drive.send(posted(task, "08:31", message_id="late"))) == "expired"


def test_a_post_made_in_time_that_comes_late_verifies():
    drive = seven().until(1, "12:00")
    assert status(drive.send(posted(drive.task(MORNING), "07:50"))) == "verified"
    assert (drive.counts().expired, drive.counts().verified) == (0, 1)


def test_one_message_does_one_task_and_not_two():
    twice = builders.playbook_data()
    evening = twice["stages"][0]["phases"][0]["plan"][1]
    evening[1] = {**evening[0], "id": "warm-up-1-again", "at": "07:45"}
    drive = Drive(world(None, builders.playbook(stages=twice["stages"])))
    drive.send(builders.campaign_started()).until(1, "07:00")
    first, second = drive.tasks_of(day=1)
    assert first.script.text == second.script.text
    drive.send(posted(first, "07:50"))
    assert [drive.tasks[task.task_id].status.value for task in (first, second)] == ["verified", "issued"]
    drive.send(builders.message("g1", "m-main", first.script.text, at(1, "07:51"), message_id="msg-1", id="sent again"))
    assert drive.tasks[second.task_id].status == "issued", "the same message, sent again, does nothing more"
    drive.send(posted(second, "07:52", message_id="msg-2"))
    assert drive.tasks[second.task_id].status == "verified"


def test_a_post_is_remembered_for_a_task_that_comes_after_it():
    drive = Drive().send(builders.campaign_started()).until(1, "08:00")
    drive.send(builders.campaign_paused(at=at(1, "19:00")))
    evening = drive.task("warm-up-1-evening-instead")
    drive.send(posted(evening, "19:20"), builders.campaign_resumed(at=at(1, "19:25")))
    (again,) = open_tasks(drive)
    drive.send(done(again, "19:30", message_id="msg-1"))
    assert drive.tasks[again.task_id].status == "verified"


def test_a_post_that_was_recalled_verifies_nothing_afterwards():
    drive = Drive().send(builders.campaign_started()).until(1, "08:00")
    drive.send(builders.campaign_paused(at=at(1, "19:00")))
    evening = drive.task("warm-up-1-evening-instead")
    drive.send(posted(evening, "19:20"), builders.recalled(message_id="msg-1", at=at(1, "19:21")))
    drive.send(builders.campaign_resumed(at=at(1, "19:25")))
    (again,) = open_tasks(drive)
    assert drive.send(done(again, "19:30")).tasks[again.task_id].status == "done"


def test_what_was_seen_stays_done_when_it_is_recalled():
    drive = seven()
    task = drive.task(MORNING)
    assert status(drive.send(posted(task), builders.recalled(message_id="msg-1", at=at(1, "07:40")))) == "verified"


def test_an_instruction_is_done_by_its_mark_and_no_message_verifies_it():
    data = builders.playbook_data()
    data["stages"][0]["phases"][0]["plan"][1][0]["action"] = "check"
    drive = Drive(world(None, builders.playbook(stages=data["stages"])))
    drive.send(builders.campaign_started()).until(1, "07:00")
    task = drive.task(MORNING)
    assert status(drive.send(posted(task))) == "issued"
    assert status(drive.send(done(task))) == "done"


# --- withdrawn ------------------------------------------------------------------------------------------


def test_a_group_that_is_closed_withdraws_its_tasks_and_gets_none_until_it_is_open():
    drive = seven().send(builders.group_updated(at=at(1, "07:10"), open=False))
    assert {task.status.value for task in drive.tasks.values()} == {"withdrawn"}
    assert {event.reason for event in drive.sent(TaskWithdrawn)} == {"the group's owner closed it to us"}
    assert drive.until(2, "12:00").tasks_of(day=2) == []
    drive.send(builders.group_updated(at=at(2, "13:00"), open=True))
    assert len(drive.until(3, "12:00").tasks_of(day=3)) == 2


def test_a_group_that_is_renamed_keeps_its_tasks():
    drive = seven().send(builders.group_updated(at=at(1, "07:10"), name="绿地城邻里群"))
    assert status(drive) == "issued"


def test_a_withdrawn_task_cannot_be_done():
    drive = seven().send(builders.campaign_paused(at=at(1, "07:10")))
    with pytest.raises(BadEvent, match="is withdrawn and cannot be done any more"):
        drive.send(done(drive.task(MORNING)))


def test_a_group_that_has_shrunk_has_fewer_shills_and_who_has_begun_goes_on():
    data = builders.playbook_data()
    asking = builders.script("大家周末都在忙什么呀，今天天气真不错")
    data["stages"][0]["phases"][0]["plan"][1] = [
        {"id": f"talk-{n}", "at": f"{7 + n}:30", "role": "shill", "script": asking} for n in (0, 1)]
    shills = [builders.persona(f"p-s{n}", Role.SHILL) for n in (1, 2)]
    drive = Drive(world(builders.reference(personas=shills), builders.playbook(stages=data["stages"])))
    drive.send(*crowd(25, clock="05:00"), builders.campaign_started()).until(1, "07:00")
    first, second = drive.tasks_of(day=1)
    assert {first.persona_id, second.persona_id} == {"p-s1", "p-s2"}
    drive.send(done(first), *(builders.left(member=f"m{n}", at=at(1, "08:00")) for n in range(1, 11)))
    assert drive.tally().members == 15
    assert [drive.tasks[task.task_id].status.value for task in (first, second)] == ["done", "withdrawn"]


def test_the_words_of_a_task_about_an_erased_member_go_with_them():
    drive = Drive().send(builders.campaign_started(), builders.joined(display_name="张小满", at=at(1, "09:00")))
    task = drive.task("welcome")
    assert "张小满" in task.script.text
    drive.send(builders.erased(at=at(1, "09:05")))
    task = drive.task("welcome")
    assert (task.status.value, task.script.text) == ("withdrawn", "")
    assert "m1" not in str(task)


def test_a_welcome_to_somebody_who_has_left_is_withdrawn():
    drive = Drive().send(
        builders.campaign_started(), builders.joined(at=at(1, "09:00")), builders.left(at=at(1, "09:05")))
    assert drive.task("welcome").status == "withdrawn"
    assert [task.status.value for task in drive.tasks_of(day=1) if task.script.id != "welcome"] == ["expired", "issued"]


def test_the_window_and_half_an_hour_more_is_the_time_of_a_task():
    drive = seven()
    task = drive.task(MORNING)
    row: TaskRow = drive.rows.get(task_row("e1", task.task_id))
    assert row.expires == task.window.end + timedelta(minutes=30)
    assert GroupAtWork(drive.turns[-1], drive.world.reference.groups["g1"]).was_asked(MORNING)
