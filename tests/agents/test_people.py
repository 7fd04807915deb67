"""Key people and the seven steps, neighbours, friends of buyers, fans: the tasks about single members."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from agents.campaign import advance
from agents.centrality import heard, ranked
from agents.key_people import kind_of
from agents.ladder import BIT
from agents.people_rows import FAN, KEY_PERSON, TIES, Fan, KeyPerson, Ties, of_member, ties
from agents.playbook_check import check
from agents.records import EstateRecord, Place
from agents.rows import CAMPAIGN
from agents.state import MemberRow, member_of
from schemas.playbook_people import PersonKind, WinStep
from schemas.tasks import Task
from schemas.values import TaskStatus
from tests import builders
from tests.agents.drive import Drive, crowd, world
from tests.agents.simulated_groups import Group
from tests.builders import at
from tests.memory_rows import MemoryRows


def say(member: str, text: str = "收房那天要带什么", clock: str = "09:00", day: int = 1, **data: Any) -> bytes:
    return builders.message(member=member, text=text, at=at(day, clock), **data)


def script(word: str) -> dict[str, Any]:
    return builders.script(f"{{{{ member.name }}}}，{word}")


def steps() -> list[dict[str, Any]]:
    return [{"step": step.value, "script": script(f"第{n}步")} for n, step in enumerate(WinStep, 1)]


def of_key_people(**fields: Any) -> Drive:
    section = {"at": "18:00", "at_a_time": 1, "most": 2, "steps": steps(), **fields}
    return Drive(world(None, builders.playbook(key_people=section)))


def leader(drive: Drive, member: str = "m1", by: int = 4, day: int = 1, first: int = 2) -> Drive:
    """So many different people answer a member, who writes once."""
    drive.send(say(member, clock="09:00", day=day))
    return drive.send(*[
        say(f"m{n}", f"对{n}", f"10:{n:02}", day, mentions=[member]) for n in range(first, first + by)])


def key_person(drive: Drive, member: str = "m1") -> KeyPerson:
    row: KeyPerson = drive.rows.get(of_member(KEY_PERSON, "e1", "g1", member))
    return row


def begun(**fields: Any) -> Drive:
    drive = of_key_people(**fields).send(builders.campaign_started(), *crowd(20, clock="06:30"))
    return leader(drive).until(2, "08:00")


def about(task: Task) -> str | None:
    assert task.evidence is not None
    return task.evidence.member_id


def do(drive: Drive, task: Task, day: int) -> Drive:
    return drive.send(builders.task_done(task.task_id, at(day, "18:05"), persona=task.persona_id))


# --- who is one -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["quiet", "busy", "asked"])
def test_of_the_leaders_of_simulated_groups_nine_in_ten_are_found(kind: str):
    world_, found, wanted = world(), 0, 0
    for seed in range(3):
        group = Group(seed, members=80, messages_each=16, pull=8.0, kind=kind)
        rows = MemoryRows()
        for message in group.messages():
            advance(EstateRecord("e1", message, Place("e1")), rows, world_)
        known = {member_of(sub)[1]: row for sub, row in rows.scan(CAMPAIGN, "e1", TIES)}
        found += len({one.member_id for one in ranked(known, known)[:3]} & set(group.leaders))
        wanted += 3
    assert found / wanted >= 0.9


def test_who_is_answered_all_day_by_one_friend_leads_nobody():
    lone = heard("m1", Ties(edges=(("m2", 1, 7),), seen=b"\x01".rjust(32, b"\0")))
    assert lone.by == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(("evidence", "by", "owner", "kind"), [
    ((), 0, False, PersonKind.ORDINARY),
    ((), 2, False, PersonKind.ORDINARY),
    ((), 3, False, PersonKind.KOL),
    ((), 1, True, PersonKind.KOL),
    ((), 0, True, PersonKind.SEED),
    (("order_paid",), 0, False, PersonKind.SEED),
    (("order_paid", "praised_after_buying"), 0, False, PersonKind.KOC),
    (("order_paid",), 3, False, PersonKind.KOC),
    (("parent",), 1, False, PersonKind.SEED),
    (("parent",), 0, False, PersonKind.ORDINARY),
    (("signs_up",), 1, False, PersonKind.SEED),
])
def test_what_a_member_is_to_the_others(evidence: tuple[str, ...], by: int, owner: bool, kind: PersonKind):
    drive = Drive().send(*crowd(6))
    if by:
        drive.send(*[say(f"m{n}", mentions=["m1"], clock=f"09:0{n}") for n in range(2, 2 + by)])
    known = drive.rows.get(ties("e1", "g1", "m1"))
    row = MemberRow(evidence=sum(BIT[name] for name in evidence))
    assert kind_of(row, heard("m1", known) if known else None, owner, 3) is kind


# --- the seven steps --------------------------------------------------------------------------------------


def test_who_is_listened_to_is_invited():
    drive = begun()
    task = drive.task("win-invite")
    assert (about(task), task.day, task.action.value) == ("m1", 2, "invite")
    assert task.window.start.hour == 18
    assert drive.flow()["kinds"] == {"kol": 1, "koc": 0, "seed": 0, "won": 0}


def test_each_step_that_was_done_leads_to_the_next_and_the_last_one_wins():
    drive = begun()
    for day, step in enumerate(WinStep, 2):
        task = drive.until(day, "17:00").task("win-" + step.replace("_", "-"))
        assert task.day == day
        do(drive, task, day)
    assert key_person(drive).state == "won"
    assert drive.flow()["kinds"]["won"] == 1
    drive.until(10, "08:00")
    assert not [task for task in drive.tasks_of(day=10) if task.script.id.startswith("win-")]


def test_days_lie_between_two_steps_as_the_playbook_says():
    slow = steps()
    slow[1]["days"] = 3
    drive = begun(steps=slow)
    do(drive, drive.task("win-invite"), 2)
    drive.until(5, "23:00")
    assert drive.task("win-show-skill").day == 5


def test_a_mark_and_the_message_that_verifies_it_are_one_step():
    said = steps()
    said[0]["action"] = "reply"
    drive = begun(steps=said)
    task = drive.task("win-invite")
    do(drive, task, 2).send(say("m-main", task.script.text, "18:06", 2))
    assert drive.tasks[task.task_id].status is TaskStatus.VERIFIED
    assert key_person(drive).step == 1


def test_a_step_that_nobody_did_is_asked_for_again_and_then_they_are_left_in_peace():
    drive = begun(tries=2).until(5, "08:00")
    assert [task.day for task in drive.tasks_of(script="win-invite")] == [2, 3]
    assert key_person(drive).state == "left"


@pytest.mark.parametrize("said", ["不需要，谢谢", "不需要，谢谢，别联系了", "不要再给我发广告了，请勿打扰"])
def test_a_key_person_who_declines_is_left_in_peace(said):
    drive = begun().send(say("m1", said, "12:00", 2))
    assert drive.task("win-invite").status is TaskStatus.WITHDRAWN
    assert key_person(drive).state == "left"
    drive.until(4, "08:00")
    assert len(drive.tasks_of(script="win-invite")) == 1


def test_no_more_are_won_at_a_time_than_the_playbook_says_and_no_more_in_all():
    drive = of_key_people(at_a_time=1, most=2).send(builders.campaign_started(), *crowd(20, clock="06:30"))
    for number, member in enumerate(("m1", "m2", "m3")):
        leader(drive, member, 4, first=4 + 4 * number)
    drive.until(2, "08:00")
    assert len(drive.tasks_of(script="win-invite")) == 1
    drive.send(say(about(drive.task("win-invite")) or "", "不需要，谢谢，别联系了", "12:00", 2))
    drive.until(9, "08:00")
    assert len({about(task) for task in drive.tasks_of(script="win-invite")}) == 2


def test_whoever_wants_no_messages_or_left_is_not_won():
    for gone in (say("m1", "不要再给我发广告了，请勿打扰", "20:00"), builders.left(member="m1", at=at(1, "20:00"))):
        drive = of_key_people().send(builders.campaign_started(), *crowd(20, clock="06:30"))
        leader(drive).send(gone).until(3, "08:00")
        assert drive.tasks_of(script="win-invite") == []


def test_a_key_person_who_took_back_consent_is_none_any_more():
    drive = begun().send(builders.consent("m1", at=at(2, "12:00")))
    assert key_person(drive) is None
    assert drive.task("win-invite").status is TaskStatus.WITHDRAWN
    assert about(drive.task("win-invite")) is None


def test_the_steps_stand_all_seven_in_their_order():
    with pytest.raises(ValidationError, match="the seven steps stand in the order invite, show_skill"):
        of_key_people(steps=steps()[::-1])


# --- introductions ----------------------------------------------------------------------------------------


def of_introductions(**fields: Any) -> Drive:
    text = builders.script("{{ member.name }}、{{ neighbour.name }}，都是邻居，认识一下")
    section = {"at": "12:35", "action": "reply", "minutes": 20, "script": text, **fields}
    drive = Drive(world(None, builders.playbook(introductions=section)))
    drive.send(builders.campaign_started())
    for n, name in enumerate(("3栋小王", "5栋老李", "3栋阿美", "7栋大刘"), 1):
        drive.send(builders.joined(member=f"m{n}", display_name=name, at=at(1, "06:30"), join_state="e1"))
        drive.send(say(f"m{n}", clock=f"09:0{n}"))
    return drive


def introduced(drive: Drive) -> list[tuple[str, str]]:
    evidence = [task.evidence for task in drive.tasks_of(script="introduce-neighbours")]
    return [(one.member_id or "", one.neighbour_id or "") for one in evidence if one is not None]


def test_neighbours_of_the_same_building_are_introduced_first():
    drive = of_introductions(a_day=1).until(2, "08:00")
    assert introduced(drive) == [("m1", "m3")]
    assert drive.task("introduce-neighbours").script.text.startswith("小王、阿美，都是邻居")


def test_nobody_is_introduced_to_the_same_neighbour_twice_nor_more_often_than_enough():
    drive = of_introductions(a_day=9, at_most=2).until(11, "08:00")
    pairs = introduced(drive)
    assert len({frozenset(pair) for pair in pairs}) == len(pairs)
    each = [member for pair in pairs for member in pair]
    assert max(each.count(member) for member in each) == 2


def test_who_has_three_friends_or_never_spoke_or_has_no_name_is_not_introduced():
    drive = of_introductions(a_day=9)
    drive.send(*crowd(9, clock="06:40", first=11), say("m11", clock="11:00"))
    for n in range(12, 15):
        for turn in (0, 2):
            drive.send(say("m1", "对", f"1{turn}:{n}", mentions=[f"m{n}"]))
            drive.send(say(f"m{n}", "是", f"1{turn}:3{n - 10}", mentions=["m1"]))
    drive.until(2, "08:00")
    assert {member for pair in introduced(drive) for member in pair} == {"m2", "m3"}


def test_who_declined_is_introduced_to_nobody_and_nobody_to_them():
    quiet = of_introductions(a_day=9).send(say("m3", "不需要，谢谢", "20:00")).until(2, "08:00")
    assert {member for pair in introduced(quiet) for member in pair} == {"m1", "m2"}
    late = of_introductions(a_day=1).until(2, "08:00").send(say("m3", "不需要，谢谢", "08:10", 2))
    assert late.task("introduce-neighbours").status.value == "withdrawn"


def test_of_an_introduction_nothing_stays_when_either_is_erased():
    for gone in ("m1", "m3"):
        drive = of_introductions(a_day=1).until(2, "08:00").send(builders.erased(gone, at(2, "09:00")))
        task = drive.task("introduce-neighbours")
        assert (task.status, task.script.text) == (TaskStatus.WITHDRAWN, "")
        assert introduced(drive) == [("", "")]
        assert gone not in str({key: row for key, row in drive.rows.at.items() if key[1] != gone})


def test_the_neighbours_name_is_only_for_introductions():
    play = builders.playbook_data()
    play["reactions"][0]["script"] = builders.script("{{ member.name }}，这是{{ neighbour.name }}")
    found = check(builders.playbook(reactions=play["reactions"]))
    assert [finding.what for finding in found if finding.severity == "error"] == [
        "welcome: neighbour.name is only known in introductions:"]


# --- asked first ------------------------------------------------------------------------------------------


def test_who_has_three_friends_who_bought_is_asked_before_all_others():
    section = {"at": "11:30", "a_day": 2, "script": script("报名单先给您看一眼")}
    phases = builders.playbook_data()["stages"][0]["phases"]
    for phase in phases:
        phase["gate"] = {"members": 1}
    drive = Drive(world(None, builders.playbook(ask_first=section, stages=[{"stage": 1, "phases": phases}])))
    drive.send(builders.campaign_started(), *crowd(12, clock="06:30"))
    pairs = [("m1", n) for n in (3, 4, 5)] + [("m2", n) for n in (3, 4, 5, 6)] + [("m7", n) for n in (3, 4, 8)]
    for place, (one, n) in enumerate([*pairs, *pairs]):
        drive.send(say(one, "对", f"10:{place:02}:01", mentions=[f"m{n}"]))
        drive.send(say(f"m{n}", "是", f"10:{place:02}:02", mentions=[one]))
    for n in (3, 4, 5, 6):
        drive.send(builders.order_placed(f"o{n}", f"m{n}", at=at(1, "15:00")))
        drive.send(builders.paid(f"o{n}", at(1, "15:01")))
    drive.until(8, "22:00")
    assert drive.tasks_of(script="ask-first") == []
    drive.until(11, "22:00")
    asked = [(task.day, about(task)) for task in drive.tasks_of(script="ask-first")]
    assert sorted(asked) == [(9, "m1"), (9, "m2"), (11, "m1"), (11, "m2")], "once in each of the two phases"


# --- fans -------------------------------------------------------------------------------------------------


def of_fans() -> Drive:
    tiers = [
        {"tier": tier, "name": tier, "points": points, "honour": "谢", "benefit": "先", "script": script(f"{tier}谢谢")}
        for tier, points in (("warm", 2), ("close", 12))
    ]
    section = {"at": "12:10", "a_day": 5, "points": {"introduces_self": 2, "order_paid": 10}, "tiers": tiers}
    drive = Drive(world(None, builders.playbook(fans=section)))
    return drive.send(builders.campaign_started(), *crowd(20, clock="06:30"))


def test_a_fan_who_reaches_a_tier_is_thanked_at_most_once_a_month():
    drive = of_fans().send(say("m1", "大家好，我叫王小明")).until(2, "08:00")
    assert about(drive.task("fan-warm")) == "m1"
    assert drive.rows.get(of_member(FAN, "e1", "g1", "m1")) == Fan(1, 2026 * 12 + 3)
    drive.send(builders.order_placed(at=at(2, "10:00")), builders.paid(at=at(2, "10:01"))).until(6, "08:00")
    assert drive.tasks_of(script="fan-close") == []
    drive.send(builders.campaign_paused(at=at(6, "09:00")), builders.campaign_resumed(at=at(32, "06:00")))
    drive.until(32, "08:00")
    assert len(drive.tasks_of(script="fan-close")) == 1, "day 32 is in April"
    assert len(drive.tasks_of(script="fan-warm")) == 1


def test_a_tier_that_was_lost_and_reached_again_is_not_thanked_for_twice():
    drive = of_fans().send(say("m1", "大家好，我叫王小明", message_id="a")).until(2, "08:00")
    drive.send(builders.recalled(message_id="a", at=at(2, "09:00")), say("m1", "我叫王小明", "10:00", 2))
    drive.until(8, "08:00")
    assert len(drive.tasks_of(script="fan-warm")) == 1


def test_a_fan_who_was_erased_leaves_nothing():
    drive = of_fans().send(say("m1", "大家好，我叫王小明")).until(2, "08:00")
    drive.send(builders.erased("m1", at(2, "09:00")))
    assert drive.rows.get(of_member(FAN, "e1", "g1", "m1")) is None


@pytest.mark.parametrize(("tiers", "points", "what"), [
    ((("aa", 5), ("bb", 5)), {"referred": 1}, "the tiers stand from the fewest points"),
    ((("aa", 5), ("aa", 9)), {"referred": 1}, "two tiers have the same name"),
    ((("aa", 5),), {"referred": 0}, "worth 1 to 1000 points"),
])
def test_tiers_rise_and_points_are_points(tiers: Any, points: dict[str, int], what: str):
    made = [{"tier": t, "name": t, "points": p, "honour": "h", "benefit": "b", "script": script("x")} for t, p in tiers]
    with pytest.raises(ValidationError, match=what):
        builders.playbook(fans={"at": "12:10", "points": points, "tiers": made})


def test_points_for_what_is_no_evidence_are_told_by_the_check():
    tier = {"tier": "aa", "name": "a", "points": 5, "honour": "h", "benefit": "b", "script": script("谢谢")}
    play = builders.playbook(fans={"at": "12:10", "points": {"smiles": 1, "has_friends": 2}, "tiers": [tier]})
    assert [f.what for f in check(play) if f.severity == "error"] == ["smiles is no evidence that is worth points"]


def test_nothing_is_said_to_members_in_the_curfew():
    tier = {"tier": "aa", "name": "a", "points": 5, "honour": "h", "benefit": "b", "script": script("谢谢")}
    play = builders.playbook(fans={"at": "23:30", "points": {"referred": 1}, "tiers": [tier]})
    assert [f.what for f in check(play) if f.severity == "error"] == ["fan-aa at 23:30 lies in the curfew"]


def test_who_was_served_has_met_us_in_person():
    drive = begun()
    do(drive, drive.task("win-invite"), 2)
    assert drive.flow()["connections"]["persona_everyone"] == 0.05
