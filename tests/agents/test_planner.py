"""The planner fills a day's windows; reactions answer at once, and at night in the morning."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from agents.planner import duties_of
from schemas.playbook import PhasePlan, Playbook
from schemas.tasks import TaskIssued
from schemas.values import GroupKind, PersonaClass, Role
from tests import builders
from tests.agents.drive import Drive, crowd, open_tasks, world
from tests.builders import at

START = builders.campaign_started()


def with_duty(reactions: list[dict[str, Any]] | None = None, **fields: Any) -> Playbook:
    """The small playbook with another first duty on day 1."""
    data = builders.playbook_data()
    duty = data["stages"][0]["phases"][0]["plan"][1][0]
    data["stages"][0]["phases"][0]["plan"][1][0] = {**duty, **fields}
    if reactions is not None:
        data["reactions"] = reactions
    return Playbook.model_validate(data)


# --- the day ------------------------------------------------------------------------------------------


def test_a_task_says_all_that_its_person_needs():
    task = Drive().send(START).until(1, "07:00").task("warm-up-1-morning")
    assert (task.dealer_id, task.store_id, task.estate_id, task.group_id) == ("d1", "s1", "e1", "g1")
    assert (task.persona_id, task.role, task.action, task.priority) == ("p-main", "main_persona", "post", 5)
    assert (task.stage, task.phase, task.day) == (1, "warm_up", 1)
    assert (task.window.start.isoformat(), task.window.end.isoformat()) == (at(1, "07:30"), at(1, "08:00"))
    assert task.disclosure == "——木语全屋定制·测试店 门店主理人 林晚"
    assert task.script.text == f"早，绿地城的第1个早晨\n{task.disclosure}"


def test_a_task_says_why():
    drive = Drive().send(START).until(1, "07:00")
    (issued, _) = [event for event in drive.out if isinstance(event, TaskIssued)]
    assert issued.data.because == (drive.turns[-1].event.ref, "rule:small-test@1/warm-up-1-morning")
    assert issued.causationid == drive.turns[-1].event.id
    assert (issued.partitionkey, issued.correlationid) == ("d1", drive.campaign().campaign_id)


def test_every_group_of_the_estate_that_is_worked_gets_the_days_tasks():
    groups = [
        builders.group("g1"), builders.group("g2"), builders.group("g-closed", open=False),
        builders.group("g-joined", kind=GroupKind.JOINED), builders.group("g-nobodys", dealer_id=None),
        builders.group("g-strange", dealer_id="d9"), builders.group("g-there", "e2"),
    ]
    everywhere = builders.staff(tuple(group.group_id for group in groups))
    drive = Drive(world(builders.reference(groups=groups, personas=everywhere))).send(START).until(1, "07:00")
    assert sorted({task.group_id for task in drive.tasks.values()}) == ["g1", "g2"]


def test_a_group_without_people_gets_no_tasks():
    assert Drive(world(builders.reference(personas=[]))).send(START).until(1, "08:00").tasks == {}


def test_in_a_group_that_several_dealers_share_each_asks_their_own_people():
    personas = [builders.persona("p-a", dealer_id="d2"), builders.persona("p-b")]
    drive = Drive(world(builders.reference(personas=personas))).send(START).until(1, "07:00")
    assert {task.persona_id for task in drive.tasks.values()} == {"p-b"}


def test_those_of_a_role_take_turns_by_the_day():
    personas = [builders.persona("p-a"), builders.persona("p-b")]
    drive = Drive(world(builders.reference(personas=personas))).send(START).until(4, "00:00")
    assert [drive.task(f"warm-up-{day}-morning").persona_id for day in (1, 2, 3)] == ["p-b", "p-a", "p-b"]


def test_a_text_uses_what_the_group_is_called_now():
    play = with_duty(script=builders.script("{{ group.name }}早上好"))
    drive = Drive(world(None, play)).send(START, builders.group_updated(at=at(1, "06:30"), name="邻里之家"))
    assert drive.until(1, "07:00").task("warm-up-1-morning").script.text.startswith("邻里之家早上好")


def test_a_dealers_own_offer_goes_over_the_playbooks():
    play = with_duty(script=builders.script("这周有{{ offer.measure.name }}：{{ offer.measure.terms }}"))
    reference = builders.reference(offers=[builders.offer("measure@d1", "上门量尺")])
    drive = Drive(world(reference, play)).send(START).until(1, "07:00")
    assert drive.task("warm-up-1-morning").script.text.startswith("这周有上门量尺：预约后三天内上门，不满意不收费")


def test_a_text_that_cannot_be_filled_is_no_task_and_is_counted():
    play = with_duty(script=builders.script("价格{{ offer.measure.price }}"))
    drive = Drive(world(None, play)).send(START).until(1, "07:00")
    assert drive.tasks_of(script="warm-up-1-morning") == []
    assert drive.counts().refused == 1


# --- rescue -------------------------------------------------------------------------------------------


def rescued(count: int, days: int, longest: int) -> PhasePlan:
    duty = {"at": "08:00", "role": "main_persona", "script": builders.script("早")}
    clocks = ["19:00", "08:00", "12:00", "18:00", "21:00"]
    return PhasePlan.model_validate({
        "phase": "trust", "days": days, "longest": longest, "aim": "x", "gate": {},
        "plan": {day: [{**duty, "id": f"day-{day}"}] for day in range(1, days + 1)},
        "rescue": [{**duty, "id": f"rescue-{n}", "at": clocks[n]} for n in range(count)],
    })


def test_the_duties_of_a_day_come_in_the_order_of_the_day():
    assert [duty.id for duty in duties_of(rescued(4, 1, 2), 2)] == ["rescue-1", "rescue-2", "rescue-3", "rescue-0"]


@pytest.mark.parametrize(("count", "longest"), [(count, longest) for count in (2, 3, 4, 5) for longest in (3, 4, 5, 7)])
def test_no_rescue_text_comes_on_two_days_running(count: int, longest: int):
    plan = rescued(count, 2, longest)
    days = [{duty.id for duty in duties_of(plan, day)} for day in range(3, longest + 1)]
    assert all(days)
    assert all(not one & other for one, other in pairwise(days))
    assert longest == 3 or set().union(*days) == {f"rescue-{n}" for n in range(count)}


def test_a_single_day_over_has_the_whole_rescue_and_a_single_text_comes_every_day():
    assert len(duties_of(rescued(4, 2, 3), 3)) == 4
    assert [len(duties_of(rescued(1, 2, 5), day)) for day in (3, 4, 5)] == [1, 1, 1]


def test_days_beyond_the_longest_have_a_rescue_too():
    assert duties_of(rescued(3, 2, 4), 9)


# --- reactions ----------------------------------------------------------------------------------------


def ask(clock: str = "09:00", member: str = "m1", text: str = "柜子多少钱一平", day: int = 1) -> bytes:
    return builders.message(member=member, text=text, at=at(day, clock), message_id=f"ask-{member}-{clock}")


def asked(*events: bytes, play: Playbook | None = None) -> Drive:
    return Drive(world(None, *([play] if play else []))).send(START, *events)


def test_a_question_is_answered_at_once_and_the_task_names_it():
    task = asked(ask()).task("answer-price")
    assert (task.window.start.isoformat(), task.window.end.isoformat()) == (at(1, "09:00"), at(1, "09:30"))
    assert (task.persona_id, task.action) == ("p-service", "reply")
    assert task.evidence is not None
    assert (task.evidence.message_id, task.evidence.member_id) == ("ask-m1-09:00", "m1")


def test_who_was_never_named_is_addressed_as_a_friend():
    assert asked(ask()).task("answer-price").script.text.startswith("朋友您好")
    named = asked(builders.joined(display_name="小王", at=at(1, "08:30")), ask())
    assert named.task("answer-price").script.text.startswith("小王您好")


def test_newcomers_are_welcomed_but_no_more_a_day_than_the_playbook_says():
    drive = Drive().send(START, *crowd(5, clock="09:00"), *crowd(5, clock="10:00", day=2, first=6))
    assert [len(drive.tasks_of(script="welcome", day=day)) for day in (1, 2)] == [3, 3]


def test_what_honesty_refuses_takes_no_place_of_the_day():
    names = ["小王", "小李", "小张", "小赵", "小孙", "小周"]
    newcomers = [builders.joined(member=f"m{n}", display_name=name, at=at(1, "09:00")) for n, name in enumerate(names)]
    claims, claims_nothing = (
        builders.group_updated(name=name, at=at(1, "08:50")) for name in ("我家装好了群", "绿地城业主交流群"))
    drive = Drive().send(START, claims, *newcomers[:2], claims_nothing, *newcomers[2:])
    assert [task.script.text[:4] for task in drive.tasks_of(script="welcome")] == ["欢迎小张", "欢迎小赵", "欢迎小孙"]
    assert drive.counts().refused == 2


def test_while_one_answer_is_out_the_same_person_gets_no_second():
    drive = asked(ask("09:00"), ask("09:05"), ask("09:06", "m2"))
    assert len(drive.tasks_of(script="answer-price")) == 2
    drive.send(ask("10:30"))
    assert len(drive.tasks_of(script="answer-price")) == 3


def test_nothing_is_answered_where_no_campaign_runs():
    assert Drive().send(ask()).tasks == {}
    assert asked(builders.campaign_paused(at=at(1, "08:30")), ask()).tasks_of(script="answer-price") == []


def test_nothing_is_answered_in_a_group_that_is_closed_to_us():
    assert asked(builders.group_updated(at=at(1, "08:30"), open=False), ask()).tasks_of(script="answer-price") == []


def test_who_wants_no_messages_gets_none_though_they_ask():
    stop = builders.message(text="不要再给我发广告了，请勿打扰", at=at(1, "08:30"))
    assert asked(stop, ask()).tasks_of(script="answer-price") == []
    assert asked(builders.consent(scope="marketing", at=at(1, "08:30")), ask()).tasks_of(script="answer-price") == []


@pytest.mark.parametrize("clock", ["22:31", "22:50", "23:30"])
def test_what_is_asked_at_night_waits_for_the_morning(clock: str):
    task = asked(ask(clock)).task("answer-price")
    assert (task.window.start.isoformat(), task.window.end.isoformat()) == (at(2, "07:00"), at(2, "07:30"))
    assert task.status == "issued"


def test_a_member_is_called_as_they_write_their_name():
    drive = Drive().send(START, builders.joined(display_name="3-2-1201 Kevin", at=at(1, "09:00")))
    assert "Kevin" in drive.task("welcome").script.text


def test_what_is_asked_before_seven_waits_for_seven():
    assert asked(ask("06:30")).task("answer-price").window.start.isoformat() == at(1, "07:00")


def test_an_answer_may_end_just_when_the_curfew_starts():
    assert asked(ask("22:30")).task("answer-price").window.start.isoformat() == at(1, "22:30")


def test_the_places_of_a_night_are_those_of_the_morning():
    night = [builders.joined(member=f"m{n}", at=at(1, "23:30")) for n in range(3)]
    morning = [builders.joined(member=f"n{n}", at=at(2, "07:30")) for n in range(3)]
    drive = Drive().send(START, *night, *morning)
    assert [task.evidence.member_id for task in drive.tasks_of(script="welcome") if task.evidence] == ["m0", "m1", "m2"]


def test_who_asks_at_night_and_then_wants_no_messages_is_left_alone():
    stop = builders.message(text="不要再给我发广告了，请勿打扰", at=at(1, "23:50"))
    assert asked(ask("23:30"), stop).task("answer-price").status == "withdrawn"


def test_who_signs_up_or_complains_at_night_is_counted_at_once_and_answered_in_the_morning():
    reaction = {
        "id": "mend", "on": "complains", "role": "customer_service", "minutes": 15,
        "script": builders.script("{{ member.name }}，对不住，我去查"),
    }
    complaint = ask("23:40", "m2", "你们柜子质量太差了，我要投诉")
    drive = asked(ask("23:30", text="我要报名量尺"), complaint, play=with_duty([reaction]))
    assert drive.flow()["sign_ups"] == 1
    assert drive.task("mend").window.start.isoformat() == at(2, "07:00")


def test_what_was_to_be_answered_in_the_morning_is_withdrawn_with_the_end_of_the_stage():
    drive = asked(ask("23:30")).send(builders.campaign_ended(at=at(1, "23:40")))
    assert drive.task("answer-price").status == "withdrawn"


def test_an_answer_is_given_in_the_group_where_it_was_asked():
    groups = [builders.group("g1"), builders.group("g2")]
    drive = Drive(world(builders.reference(groups=groups, personas=builders.staff(("g1", "g2")))))
    drive.send(START, builders.message("g2", text="柜子多少钱一平", at=at(1, "09:00")))
    assert drive.task("answer-price").group_id == "g2"


# --- shills -------------------------------------------------------------------------------------------


def talk(number: int) -> dict[str, Any]:
    clock = ("08:30", "12:00", "12:30")[number]
    return {"id": f"talk-{number}", "at": clock, "role": "shill", "script": builders.script("周末大家忙什么呢")}


def talking(members: int, groups: tuple[str, ...] = ("g1",)) -> Drive:
    """Three duties for shills on day 1, four staff shills, and so many members in each group."""
    data = builders.playbook_data()
    data["stages"][0]["phases"][0]["plan"][1] = [talk(number) for number in range(3)]
    people = [builders.persona(f"p-s{n}", Role.SHILL, groups=groups) for n in range(4)]
    reference = builders.reference(groups=[builders.group(group) for group in groups], personas=people)
    drive = Drive(world(reference, Playbook.model_validate(data)))
    for group in groups:
        drive.send(*crowd(members, group, clock="05:00"))
    return drive.send(START).until(1, "07:00")


@pytest.mark.parametrize(("members", "shills"), [(0, 0), (12, 0), (13, 1), (24, 1), (25, 2), (37, 2), (38, 3)])
def test_there_are_eight_shills_to_a_hundred_members_and_no_more(members: int, shills: int):
    assert len({task.persona_id for task in talking(members).tasks.values()}) == shills


def test_shills_are_counted_in_each_group_on_its_own():
    drive = talking(13, ("g1", "g2"))
    for group in ("g1", "g2"):
        assert len({task.persona_id for task in drive.tasks_of(group=group)}) == 1


def test_our_own_people_do_not_make_room_for_shills():
    staff = [builders.joined(member=f"m-s{n}", at=at(1, "05:30")) for n in range(4)]
    drive = talking(12)
    drive.send(*staff)
    assert drive.tally().members == 12


def test_staff_and_buyers_share_the_places():
    shills = [builders.persona(f"p-b{n}", Role.SHILL, PersonaClass.BUYER) for n in (1, 2)]
    staff = [builders.persona(f"p-c{n}", Role.SHILL) for n in (1, 2)]
    orders = [builders.order_placed(f"o{n}", f"m-b{n}", at=at(1, "05:00")) for n in (1, 2)]
    orders += [builders.delivered(f"o{n}", at(1, "05:30")) for n in (1, 2)]
    data = builders.playbook_data()
    data["stages"][0]["phases"][0]["plan"][1].append(talk(1))
    drive = Drive(world(builders.reference(personas=[*shills, *staff]), Playbook.model_validate(data)))
    drive.send(*crowd(25, clock="04:00"), *orders, START).until(1, "07:00")
    assert drive.task("warm-up-1-evening").persona_id == "p-b1"
    assert drive.task("talk-1").persona_id == "p-c1"
    assert len(open_tasks(drive)) == 2
