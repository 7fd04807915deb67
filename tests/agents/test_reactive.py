"""A complaint is two people's matter, a visit is an appointment, and who declines is left in peace."""

from __future__ import annotations

from typing import Any

import pytest

from agents.rows import CAMPAIGN
from agents.said_time import when_said
from agents.state import PEACE
from schemas.playbook import Playbook
from schemas.tasks import Task
from schemas.values import Role
from tests import builders
from tests.agents.drive import Drive, crowd, world
from tests.agents.test_default_playbook import PLAYBOOK
from tests.builders import at

START = builders.campaign_started()
STAFF = [*builders.staff(), builders.persona("p-leader", Role.LEADER)]


def reaction(
    id: str, on: str, role: str = "customer_service", action: str = "reply", text: str = "收到"
) -> dict[str, Any]:
    return {"id": id, "on": on, "role": role, "action": action, "script": builders.script(text)}


def play(**fields: Any) -> Playbook:
    return builders.playbook(reactions=[
        reaction("welcome", "joined", "group_admin", "welcome", "欢迎{{ member.name }}"),
        reaction("price", "asks_price", text="{{ member.name }}，以公示为准"),
        reaction("sorry", "complains", text="{{ member.name }}，这事我接下了"),
        reaction("lead", "complains", "leader", "check", "【投诉】看一下{{ member.name }}说的事"),
        reaction("book", "agrees_to_visit", "customer_service", "call",
                 "【预约】{% if member.when %}{{ member.when }}{% else %}没说时间{% endif %}"),
        reaction("thanks", "praises", text="谢谢{{ member.name }}"),
    ], **fields)


def ready(playbook: Playbook | None = None) -> Drive:
    drive = Drive(world(builders.reference(personas=STAFF), playbook or play()))
    return drive.send(*crowd(30), START).until(1, "08:40")


def say(drive: Drive, text: str, clock: str = "09:00", day: int = 1, member: str = "m1", **fields: Any) -> Drive:
    return drive.send(builders.message("g1", member, text, at(day, clock), **fields))


def about(drive: Drive, member: str = "m1") -> list[Task]:
    return [task for task in drive.tasks_of() if task.evidence is not None and task.evidence.member_id == member]


def scripts(drive: Drive) -> list[tuple[str, str]]:
    return [(task.script.id, task.status.value) for task in about(drive)]


def test_a_complaint_is_a_task_for_customer_service_and_for_the_leader():
    drive = say(ready(), "你们这服务太差了，约好的没来")
    assert {(task.role, task.persona_id, task.action) for task in about(drive)} == {
        ("customer_service", "p-service", "reply"), ("leader", "p-leader", "check")}


def test_the_playbook_that_ships_puts_a_complaint_first_for_both():
    found = {r.role: r.priority for r in PLAYBOOK.reactions if r.on == "complains"}
    assert found == {Role.CUSTOMER_SERVICE: 1, Role.LEADER: 1}


# --- an appointment -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "when"), [
    ("我周六下午过去看看", "周六下午"), ("明天三点到店", "明天三点"),
    ("行，周末去你们店", "周末"), ("下周三上午十点半去", "下周三上午十点半"),
    ("8号楼的，明早9:30到", "明早9:30"), ("我和老公周六日都行", "周六日"),
    ("今晚八点多能去吗", "今晚八点多"),
    ("5号下午两点左右到", "5号下午两点左右"), ("给我留个位置", ""), ("看了三遍了，来", ""), ("早，我来", ""),
])
def test_the_time_of_a_visit_is_taken_in_the_members_own_words(text: str, when: str):
    assert when_said(text) == when


def test_who_says_they_would_come_gets_an_appointment_with_the_time_that_they_named():
    assert say(ready(), "我周六下午过去看看").task("book").script.text == "【预约】周六下午"


def test_without_a_time_the_appointment_says_so():
    assert say(ready(), "好的，我到时候过去").task("book").script.text == "【预约】没说时间"


# --- left in peace --------------------------------------------------------------------------------------


def test_who_declines_is_left_in_peace_for_the_phase():
    drive = say(ready(), "不需要，谢谢")
    say(drive, "你们做得真不错，好评", "10:00", 2)
    assert about(drive) == []
    assert drive.counts().refused == 1


def test_what_was_to_be_done_about_them_is_withdrawn():
    drive = say(ready(), "多少钱一平")
    say(drive, "不用了，谢谢", "09:10")
    assert scripts(drive) == [("price", "withdrawn")]


def test_their_own_question_ends_it():
    drive = say(say(ready(), "不需要，谢谢"), "那柜子多少钱一平", "15:00")
    assert scripts(drive) == [("price", "issued")]
    assert list(drive.rows.scan(CAMPAIGN, "e1", PEACE)) == []


def test_the_next_phase_ends_it():
    drive = say(ready(play()), "不需要，谢谢")
    say(drive, "好吧", "12:00", member="m2")
    drive.until(4, "08:00")
    assert drive.campaign().phase == "trust"
    assert list(drive.rows.scan(CAMPAIGN, "e1", PEACE)) == []
    assert [script for script, _ in scripts(say(drive, "你们做得真不错，好评", "10:00", 4))] == ["thanks"]


def test_a_complaint_of_theirs_is_seen_to_all_the_same():
    drive = say(say(ready(), "不需要，谢谢"), "你们这服务太差了，约好的没来", "10:00")
    assert {script for script, _ in scripts(drive)} == {"sorry", "lead"}


def test_who_declines_twice_writes_one_row():
    drive = say(ready(), "不需要，谢谢")
    before = dict(drive.rows.at)
    say(drive, "不用了，谢谢", "09:30")
    new = [address for address, row in drive.rows.at.items() if before.get(address) is not row]
    assert [address for address in new if address[2] == PEACE] == []


@pytest.mark.parametrize("event", [
    builders.erased("m1", at(1, "10:00")), builders.consent("m1", at=at(1, "10:00")),
], ids=["erased", "consent taken back"])
def test_nothing_is_kept_of_who_declined_and_then_asks_to_be_forgotten(event: bytes):
    drive = say(ready(), "不需要，谢谢").send(event)
    assert list(drive.rows.scan(CAMPAIGN, "e1", PEACE)) == []
