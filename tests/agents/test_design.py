"""Plans before the neighbours' eyes: no consent, no post; what is said of one becomes one task."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agents.after_rows import AFTER, DESIGN, REVIEWS
from agents.rows import CAMPAIGN
from schemas.errors import BadEvent
from schemas.playbook import Playbook
from schemas.tasks import Task, TaskIssued, TaskWithdrawn
from tests import builders
from tests.agents.drive import Drive, crowd, open_tasks, world
from tests.builders import at


def errand(role: str, action: str, text: str, **fields: Any) -> dict[str, Any]:
    return {"role": role, "action": action, "script": builders.script(text), **fields}


def section(**fields: Any) -> dict[str, Any]:
    return {
        "general": errand("designer", "post", "{{ design.unit_type }}的通用方案出来了，大家看看"),
        "ask": errand("customer_service", "invite", "{{ member.name }}，您那套方案愿意给邻居们看看吗？不愿意也没关系"),
        "post": errand("designer", "post", "{{ design.title }}，主人同意拿出来，大家帮着挑挑毛病"),
        "comments": errand("designer", "review", "{{ design.title }}的意见收齐了，逐条看"),
        "take_down": errand("group_admin", "remove", "把那条方案撤下来", priority=1),
        **fields,
    }


def playbook(**fields: Any) -> Playbook:
    return builders.playbook(design=section(**fields))


def studio(*events: bytes, **fields: Any) -> Drive:
    drive = Drive(world(None, playbook(**fields)))
    return drive.send(builders.campaign_started(), *crowd(4, clock="06:30"), *events)


def drawn(*events: bytes, **fields: Any) -> Drive:
    return studio(builders.design_drafted(at=at(1, "09:30")), *events, **fields)


def agreed(*events: bytes, **fields: Any) -> Drive:
    return drawn(builders.design_consented(at=at(1, "10:00")), *events, **fields)


def shown(*events: bytes, **fields: Any) -> Drive:
    """The plan hangs in the group by the message `plan`, since 10:05."""
    drive = agreed(**fields)
    drive.send(builders.message(
        member="m-designer", text=drive.task("design-post").script.text, at=at(1, "10:05"), message_id="plan"))
    return drive.send(*events)


def open_ones(drive: Drive) -> list[str]:
    return [task.script.id for task in open_tasks(drive) if task.script.id.startswith("design-")]


def say(text: str, member: str = "m2", clock: str = "11:00", **data: Any) -> bytes:
    return builders.message(member=member, text=text, at=at(1, clock), **data)


# --- consent ----------------------------------------------------------------------------------------------


def test_a_personal_plan_is_first_a_question_to_its_owner():
    drive = studio(event := builders.design_drafted(at=at(1, "09:30")))
    assert open_ones(drive) == ["design-ask"]
    task = drive.task("design-ask")
    assert (task.evidence and task.evidence.member_id, task.because[0]) == ("m1", builders.event_ref(event))


def test_no_consent_no_post():
    assert drawn().until(9).tasks_of(script="design-post") == []
    declined = drawn(builders.design_consented(granted=False, at=at(1, "10:00"))).until(9)
    assert declined.tasks_of(script="design-post") == []
    assert open_ones(declined) == []


def test_with_the_owners_consent_the_plan_is_posted_and_the_task_names_it():
    said = builders.design_consented(at=at(1, "10:00"))
    drive = drawn(said)
    task = drive.task("design-post")
    assert (task.role, task.status, task.evidence and task.evidence.consent) == (
        "designer", "issued", builders.event_ref(said))
    assert task.because[0] == builders.event_ref(said)
    assert drive.task("design-ask").status == "verified"


def test_nobody_agrees_for_the_owner():
    with pytest.raises(BadEvent, match="m2 is not the owner of the plan ds1"):
        drawn(builders.design_consented(member="m2", at=at(1, "10:00")))


def test_every_post_of_a_personal_plan_rests_on_a_consent_that_stood():
    drive = agreed(
        builders.design_consented(granted=False, at=at(1, "10:30")), builders.design_consented(at=at(1, "11:00")))
    posts = [e.data for e in drive.out if isinstance(e, TaskIssued) and e.data.script.id == "design-post"]
    assert [task.status for task in drive.tasks_of(script="design-post")] == ["withdrawn", "issued"]
    assert len({task.evidence.consent for task in posts if task.evidence}) == 2


def test_consent_taken_back_withdraws_the_open_post():
    back = builders.design_consented(granted=False, at=at(1, "10:30"))
    drive = agreed(back).until(5)
    assert drive.task("design-post").status == "withdrawn"
    assert open_ones(drive) == []
    assert builders.event_ref(back) in drive.sent(TaskWithdrawn)[0].reason


def test_consent_taken_back_after_the_post_asks_to_take_it_down():
    drive = shown(builders.design_consented(granted=False, at=at(1, "12:00")))
    task = drive.task("design-take-down")
    assert (task.action, task.role, task.evidence and task.evidence.message_id) == ("remove", "group_admin", "plan")
    assert list(drive.rows.scan(CAMPAIGN, "e1", REVIEWS)) == []
    drive.send(builders.recalled(message_id="plan", at=at(1, "12:10")))
    assert open_ones(drive) == []


def test_a_plan_that_is_drawn_anew_wants_a_new_consent():
    drive = agreed(builders.design_drafted(title="改过的方案", at=at(1, "10:10")))
    assert drive.task("design-post").status == "withdrawn"
    assert open_ones(drive) == ["design-ask"]


def test_the_same_plan_and_the_same_word_again_change_nothing():
    drive = agreed()
    before = len(drive.out)
    drive.send(builders.design_drafted(at=at(1, "10:10")), builders.design_consented(at=at(1, "10:20")))
    assert len(drive.out) == before


def test_a_personal_plan_names_its_owner():
    with pytest.raises(BadEvent, match="names no owner"):
        studio(builders.design_drafted(member=None))


def test_a_consent_to_a_plan_that_is_not_known_says_what_is_missing():
    with pytest.raises(BadEvent, match=r"send its loupan\.design\.drafted\.v1 first"):
        studio(builders.design_consented("ds9"))


def test_a_plan_for_no_estate_is_refused():
    with pytest.raises(BadEvent, match="for no estate that is known"):
        studio(builders.design_drafted(group_id=None))


def test_a_plan_may_say_by_its_order_where_it_belongs():
    drive = studio(
        builders.order_placed(at=at(1, "09:00")),
        builders.design_drafted(group_id=None, order_id="o1", at=at(1, "09:30")))
    assert open_ones(drive) == ["design-ask"]
    assert drive.task("design-ask").group_id == "g1"


def test_the_title_in_the_post_names_no_door():
    drive = studio(
        builders.design_drafted(title="3-2-1201 原木风方案", at=at(1, "09:30")),
        builders.design_consented(at=at(1, "10:00")))
    assert "1201" not in drive.task("design-post").script.text


def test_a_general_plan_belongs_to_nobody_and_is_shown_as_it_comes():
    drive = studio(builders.design_drafted(member=None, kind="general", at=at(1, "09:30")))
    task = drive.task("design-general")
    assert (task.status, task.script.text.startswith("89平三室的通用方案")) == ("issued", True)


def test_an_owner_who_wants_no_messages_is_not_asked_until_they_want_some_again():
    drive = studio(
        builders.consent("m9", "marketing", at=at(1, "09:00")), builders.design_drafted(member="m9", at=at(1, "09:30")))
    assert open_ones(drive.until(2)) == []
    assert open_ones(drive.send(builders.consent("m9", "marketing", granted=True, at=at(2, "09:00")))) == ["design-ask"]
    drive.send(builders.consent("m9", "marketing", at=at(2, "09:05")))
    assert open_ones(drive.until(5)) == []


# --- what is said of it -------------------------------------------------------------------------------------


def comments(drive: Drive) -> list[Task]:
    return drive.tasks_of(script="design-comments")


def test_what_is_said_of_a_plan_becomes_one_task_for_the_designer():
    first = say("餐边柜会不会太深", reply_to="plan", message_id="a")
    second = say("玄关这样设计挺好看", "m3", "11:10", mentions=["m-designer"], message_id="b")
    drive = shown(first, second, say("今天物业又停水", "m4", "11:20", message_id="c"))
    assert comments(drive) == []
    (task,) = comments(drive.until(2, "12:00"))
    assert (task.role, task.action) == ("designer", "review")
    assert task.evidence is not None
    assert task.evidence.message_ids == ("a", "b")
    assert {builders.event_ref(first), builders.event_ref(second)} <= set(task.because)


def test_who_asks_about_a_design_while_one_is_looked_at_is_heard_too():
    drive = shown(say("求方案，89平的", message_id="a")).until(2, "12:00")
    (task,) = comments(drive)
    assert task.evidence is not None
    assert task.evidence.message_ids == ("a",)


def test_nobody_said_anything_so_nothing_is_to_be_read():
    drive = shown().until(3)
    assert comments(drive) == []
    assert list(drive.rows.scan(CAMPAIGN, "e1", REVIEWS)) == []
    assert list(drive.rows.scan(CAMPAIGN, "e1", AFTER)) == []


def test_what_comes_after_the_review_is_not_collected():
    late = builders.message(member="m2", text="餐边柜太深", at=at(2, "11:00"), reply_to="plan")
    assert comments(shown(late, review_hours=24).until(4)) == []


def test_no_more_is_collected_than_the_playbook_says():
    said = [say("餐边柜太深", clock=f"11:{n:02}", reply_to="plan", message_id=f"c{n}") for n in range(9)]
    (task,) = comments(shown(*said, most=3).until(2, "12:00"))
    assert task.evidence is not None
    assert task.evidence.message_ids == ("c0", "c1", "c2")


def test_a_comment_that_is_recalled_is_not_collected():
    drive = shown(
        say("餐边柜太深", reply_to="plan", message_id="a"), builders.recalled(message_id="a", at=at(1, "12:00")))
    assert comments(drive.until(3)) == []


# --- forgetting ---------------------------------------------------------------------------------------------


def kept_of(drive: Drive) -> bytes:
    return b"".join(
        msgspec.json.encode(value) for kind in (DESIGN, REVIEWS, AFTER)
        for _, value in drive.rows.scan(CAMPAIGN, "e1", kind))


@pytest.mark.parametrize("asked", [
    builders.erased("m1", at(1, "12:00")), builders.consent("m1", "profiling", at=at(1, "12:00"))])
def test_of_an_owner_who_may_not_be_known_nothing_of_the_plan_stays(asked: bytes):
    drive = agreed(
        builders.design_drafted("ds2", title="书房方案", link="https://d.example/2", at=at(1, "11:00")), asked)
    assert open_ones(drive.until(4)) == []
    kept = kept_of(drive)
    assert not any(word in kept for word in (b"m1", "方案".encode(), b"d.example"))
    assert all("方案" not in task.script.text for task in drive.tasks.values() if task.script.id.startswith("design-"))


def test_a_plan_that_hangs_in_the_group_is_taken_down_unnamed_when_its_owner_is_erased():
    drive = shown(builders.erased("m1", at(1, "12:00")))
    task = drive.task("design-take-down")
    assert (task.status, task.evidence and task.evidence.message_id) == ("issued", "plan")
    assert b"m1" not in msgspec.json.encode(task.evidence)


def test_what_somebody_said_who_is_erased_is_collected_no_more():
    said = [say("餐边柜太深", who, reply_to="plan", message_id=name) for who, name in (("m2", "a"), ("m3", "b"))]
    drive = shown(*said).until(2, "10:30").send(builders.erased("m2", at(2, "10:31")))
    (task,) = comments(drive)
    assert task.evidence is not None
    assert task.evidence.message_ids == ("b",)
    assert b"m2" not in kept_of(drive)


def test_nobody_who_was_erased_has_a_plan():
    drive = studio(builders.erased("m1", at(1, "08:00")), builders.design_drafted(at=at(1, "09:30")))
    assert list(drive.rows.scan(CAMPAIGN, "e1", DESIGN)) == []
