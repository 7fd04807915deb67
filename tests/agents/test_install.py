"""The five install checks: from order events to tasks and back, whatever comes late, twice or not at all."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents import install
from agents.after_rows import AFTER, INSTALL, InstallRow, install_row
from agents.rows import CAMPAIGN
from agents.state import OrderRow, order_row
from schemas.errors import BadEvent
from schemas.playbook import Playbook
from schemas.tasks import Task, TaskWithdrawn
from schemas.values import Role
from tests import builders
from tests.agents.drive import Drive, crowd, open_tasks, world
from tests.builders import at

ROLES = ("installer", "customer_service", "installer", "customer_service", "customer_service")


def errand(role: str, action: str, text: str, **fields: Any) -> dict[str, Any]:
    return {"role": role, "action": action, "script": builders.script(text), **fields}


def said(action: str, text: str) -> dict[str, Any]:
    return errand("customer_service", action, text, at="19:30")


def checks() -> list[dict[str, Any]]:
    made = [
        {"step": step, "at": "09:00", "minutes": 240, **errand(role, "check", f"第{step}步自检"),
         "repair": errand("installer", "visit", f"第{step}步返修", priority=1, minutes=120)}
        for step, role in enumerate(ROLES, 1)
    ]
    made[2] |= {"needs": "photos", "agreed": said("post", "新装好的柜子，主人同意我发几张")}
    made[3] |= {"needs": "visit", "agreed": said("invite", "想去看看的邻居跟我约时间")}
    made[4] |= {"to_owner": said("invite", "{{ member.name }}，装好了，好的坏的都想听您说说")}
    return made


def section(**fields: Any) -> dict[str, Any]:
    return {"checks": checks(), "take_down": errand("group_admin", "remove", "把那条照片撤下来", priority=1), **fields}


def playbook(**fields: Any) -> Playbook:
    return builders.playbook(after_order=section(), **fields)


def team() -> list[Any]:
    return [*builders.staff(), builders.persona("p-fitter", Role.INSTALLER, name="王师傅")]


def shop(*events: bytes) -> Drive:
    """An estate at work where m1 has an order; what happens to it follows."""
    drive = Drive(world(builders.reference(personas=team()), playbook()))
    drive.send(builders.campaign_started(), *crowd(4, clock="06:30"), builders.order_placed(at=at(1, "07:00")))
    return drive.send(*events)


def delivered(*events: bytes) -> Drive:
    return shop(builders.delivered(at=at(1, "10:00")), *events)


def check(step: int, clock: str, passed: bool = True, day: int = 2, **data: Any) -> bytes:
    return builders.install_checked("o1", step, passed, at(day, clock), **data)


def of_checks(drive: Drive) -> list[Task]:
    return [task for task in drive.tasks_of() if task.script.id.startswith("install-")]


def open_checks(drive: Drive) -> list[str]:
    return [task.script.id for task in open_tasks(drive) if task.script.id.startswith("install-")]


def row(drive: Drive) -> InstallRow:
    found: InstallRow = drive.rows.get(install_row("e1", "o1"))
    return found


# --- the way through ------------------------------------------------------------------------------------


def test_a_delivered_order_brings_the_fitter_the_first_check():
    drive = shop(came := builders.delivered(at=at(1, "10:00")))
    (task,) = of_checks(drive)
    assert (task.script.id, task.persona_id, task.role) == ("install-1", "p-fitter", "installer")
    assert task.evidence is not None
    assert task.evidence.order_id == "o1"
    assert task.because[:2] == (builders.event_ref(came), "rule:small-test@1/install-1")
    assert f"{task.window.start:%d %H:%M}" == "03 09:00"


def test_each_check_that_passed_closes_its_task_and_opens_the_next_to_the_end():
    drive, seen = delivered(), []
    for step in range(1, 6):
        seen += open_checks(drive)
        drive.send(check(step, f"1{step}:00"))
    assert seen == ["install-1", "install-2", "install-3", "install-4", "install-5-to-owner"]
    assert {task.status for task in of_checks(drive)} == {"verified"}
    order: OrderRow = drive.rows.get(order_row("e1", "o1"))
    assert order.installed
    assert row(drive) == InstallRow(closed=True)
    assert list(drive.rows.scan(CAMPAIGN, "e1", AFTER)) == []


def test_the_next_check_names_the_one_before_it():
    drive = delivered(passed := check(1, "11:00"))
    assert builders.event_ref(passed) in drive.task("install-2").because


def test_the_last_check_asks_the_owner_for_an_honest_word():
    drive = delivered(*(check(step, f"1{step}:00") for step in range(1, 5)))
    task = drive.task("install-5-to-owner")
    assert (task.action, task.evidence and task.evidence.member_id) == ("invite", "m1")
    assert "好的坏的" in task.script.text


def test_an_owner_who_wants_no_messages_is_not_asked_but_the_check_is_made():
    drive = delivered(builders.consent("m1", "marketing", at=at(2, "08:00")))
    drive.send(*(check(step, f"1{step}:00") for step in range(1, 5)))
    assert open_checks(drive) == ["install-5"]


# --- a check that failed ----------------------------------------------------------------------------------


def test_a_failed_check_opens_a_repair_names_itself_and_blocks_the_next():
    drive = delivered(check(1, "11:00"), failed := check(2, "12:00", passed=False))
    assert open_checks(drive) == ["install-2-repair"]
    task = drive.task("install-2-repair")
    assert (task.priority, task.because[0]) == (1, builders.event_ref(failed))
    assert drive.until(3, "12:00").tasks_of(script="install-3") == []


def test_what_was_repaired_is_checked_again():
    drive = delivered(check(1, "11:00", passed=False))
    drive.send(builders.task_done(drive.task("install-1-repair").task_id, at(2, "12:00"), persona="p-fitter"))
    assert open_checks(drive) == ["install-1"]
    assert open_checks(drive.send(check(1, "13:00", passed=False))) == ["install-1-repair"]
    assert open_checks(drive.send(check(1, "14:00"))) == ["install-2"]


def test_a_check_that_passed_and_fails_later_comes_before_the_others():
    drive = delivered(check(1, "11:00"), check(2, "12:00"), check(1, "13:00", passed=False))
    assert open_checks(drive) == ["install-1-repair"]
    assert drive.task("install-3").status == "withdrawn"


# --- out of order, twice, not at all ------------------------------------------------------------------------


def test_a_check_before_the_delivery_counts_when_it_is_delivered():
    drive = shop(check(1, "08:00", day=1))
    assert of_checks(drive) == []
    assert open_checks(drive.send(builders.delivered(at=at(1, "10:00")))) == ["install-2"]


def test_what_comes_twice_changes_nothing():
    drive = delivered(check(1, "11:00"))
    before = (row(drive), len(drive.out))
    drive.send(builders.delivered(at=at(2, "11:30")), check(1, "11:00", note="again"))
    assert (row(drive), len(drive.out)) == before


def test_an_older_word_that_comes_late_does_not_take_back_the_newer():
    drive = delivered(check(1, "11:00"), check(1, "10:30", passed=False))
    assert open_checks(drive) == ["install-2"]


def test_the_checks_stand_alike_in_whatever_order_they_come():
    said = [check(1, "11:00"), check(2, "11:30", passed=False), check(2, "12:00"), check(3, "12:30")]
    assert {tuple(open_checks(delivered(*some))) for some in permutations(said)} == {("install-4",)}


def test_installed_before_the_checks_does_not_stand_in_for_them():
    drive = delivered(builders.installed(at=at(1, "11:00")))
    assert open_checks(drive) == ["install-1"]


def test_checks_after_the_last_one_are_over():
    drive = delivered(*(check(step, f"1{step}:00") for step in range(1, 6)))
    before = len(of_checks(drive))
    drive.send(check(2, "17:00", passed=False)).until(4)
    assert len(of_checks(drive)) == before


def test_an_order_that_is_given_back_is_not_checked_any_more():
    for build in (builders.refunded, builders.cancelled):
        drive = delivered(build(at=at(1, "12:00"))).until(4)
        assert open_checks(drive) == []
        assert len(of_checks(drive)) == 1


def test_a_check_that_nobody_made_is_asked_for_again_and_not_for_ever():
    drive = delivered().until(9)
    assert [task.status for task in of_checks(drive)] == ["expired"] * 3
    assert open_checks(drive.send(check(1, "10:00", day=9))) == ["install-2"]


def test_a_paused_campaign_asks_for_no_check_and_a_resumed_one_does():
    drive = shop(builders.campaign_paused(at=at(1, "09:00")), builders.delivered(at=at(1, "10:00"))).until(2)
    assert of_checks(drive) == []
    assert open_checks(drive.send(builders.campaign_resumed(at=at(2, "08:30")))) == ["install-1"]


def test_a_buyer_has_their_checks_after_the_campaign_has_ended():
    drive = shop(builders.campaign_ended(at=at(1, "09:00")), builders.delivered(at=at(1, "10:00")))
    assert open_checks(drive) == ["install-1"]


def test_a_playbook_without_the_section_keeps_nothing_of_checks():
    drive = Drive().send(
        builders.campaign_started(), builders.order_placed(at=at(1, "07:00")), builders.delivered(at=at(1, "10:00")),
        check(1, "11:00"), builders.order_consented(at=at(2, "12:00")))
    assert list(drive.rows.scan(CAMPAIGN, "e1", INSTALL)) == []


def test_two_orders_of_one_day_have_a_check_each():
    drive = delivered(
        builders.order_placed("o2", "m2", at=at(1, "11:00")), builders.delivered("o2", at=at(1, "12:00")))
    assert sorted(task.evidence.order_id or "" for task in of_checks(drive) if task.evidence) == ["o1", "o2"]


# --- what the owner agrees to -------------------------------------------------------------------------------


def before_photos(*events: bytes) -> Drive:
    return delivered(check(1, "11:00"), check(2, "11:30"), *events)


def test_without_consent_no_photo_goes_to_the_group():
    assert open_checks(before_photos()) == ["install-3"]
    assert open_checks(before_photos(builders.order_consented(use="visit", at=at(2, "12:00")))) == ["install-3"]


def test_with_the_owners_consent_photos_are_posted_and_the_task_names_it():
    drive = before_photos(said := builders.order_consented(at=at(2, "12:00")))
    task = drive.task("install-3-agreed")
    assert (task.status, task.action, task.evidence and task.evidence.consent) == (
        "issued", "post", builders.event_ref(said))
    assert builders.event_ref(said) in task.because
    assert drive.task("install-3").status == "withdrawn"


def test_neighbours_are_invited_only_with_the_owners_consent_to_that():
    drive = before_photos(check(3, "12:00"), builders.order_consented(at=at(2, "12:30")))
    assert open_checks(drive) == ["install-4"]
    assert open_checks(drive.send(builders.order_consented(use="visit", at=at(2, "13:00")))) == ["install-4-agreed"]


def test_consent_that_is_taken_back_takes_the_post_with_it():
    drive = before_photos(
        builders.order_consented(at=at(2, "12:00")), builders.order_consented(granted=False, at=at(2, "12:30")))
    assert open_checks(drive) == ["install-3"]
    assert drive.task("install-3-agreed").status == "withdrawn"


def test_photos_that_hang_in_the_group_are_taken_down_when_consent_is_taken_back():
    drive = before_photos(builders.order_consented(at=at(2, "12:00")))
    post = drive.task("install-3-agreed")
    account = builders.persona(post.persona_id or "").member_id
    drive.send(builders.message(member=account, text=post.script.text, at=at(2, "19:35"), message_id="photo"))
    drive.send(*(check(step, f"20:{step}0") for step in (3, 4, 5)))
    assert row(drive).closed
    drive.send(back := builders.order_consented(granted=False, at=at(3, "09:00")))
    down = drive.task("install-take-down")
    assert (down.action, down.status, down.because[0]) == ("remove", "issued", builders.event_ref(back))
    assert down.evidence is not None
    assert (down.evidence.message_id, down.evidence.member_id) == ("photo", None)


def test_only_the_buyer_agrees():
    with pytest.raises(BadEvent, match="not the buyer of order o1"):
        delivered(builders.order_consented(member="m2", at=at(2, "12:00")))


def test_a_consent_for_an_order_that_is_not_known_says_what_is_missing():
    with pytest.raises(BadEvent, match=r"send its loupan\.order\.placed\.v1 first"):
        shop(builders.order_consented("o9", at=at(2, "12:00")))


def test_a_buyer_who_is_erased_leaves_nothing_of_their_checks():
    drive = before_photos(builders.order_consented(at=at(2, "12:00")), builders.erased("m1", at(2, "13:00"))).until(4)
    assert open_checks(drive) == []
    assert row(drive) == InstallRow(closed=True)
    kept = msgspec.json.encode([value for _, value in drive.rows.scan(CAMPAIGN, "e1", INSTALL)])
    assert b"m1" not in kept


def test_the_withdrawn_task_says_that_what_the_buyer_agrees_to_changed():
    drive = before_photos(builders.order_consented(at=at(2, "12:00")))
    assert drive.sent(TaskWithdrawn)[-1].reason == "what the buyer agrees to has changed"


# --- the form -----------------------------------------------------------------------------------------------


def test_the_checks_stand_in_their_order():
    with pytest.raises(ValueError, match="five checks stand in the order"):
        builders.playbook(after_order=section(checks=checks()[::-1]))


def test_a_step_that_needs_consent_says_what_is_done_with_it():
    broken = checks()
    del broken[2]["agreed"]
    with pytest.raises(ValueError, match="`needs` and `agreed` stand together"):
        builders.playbook(after_order=section(checks=broken))


def test_a_post_has_its_half_hour():
    broken = checks()
    broken[2]["agreed"]["minutes"] = 60
    with pytest.raises(ValueError, match="at most 30 minutes"):
        builders.playbook(after_order=section(checks=broken))


def test_the_diagram_in_the_page_is_the_table():
    page = Path(__file__).parents[2] / "docs" / "after-the-order.md"
    assert install.diagram() in page.read_text("utf-8")
