"""What comes again and again, and the quiz: asked, answered, closed."""

from __future__ import annotations

from datetime import date, time, timedelta
from itertools import pairwise
from typing import Any

import pytest

from agents.planner import duties_of
from agents.quiz import answer_of
from agents.quiz_rows import QUIZ
from agents.recurring import bare, falls_on, of_day
from agents.rows import CAMPAIGN
from agents.state import CampaignRow
from schemas.playbook import Playbook
from schemas.playbook_recurring import WEEKDAYS, Recurring
from schemas.values import Phase, Role, TaskStatus
from streams.playbook_files import builtin_playbooks
from tests import builders
from tests.agents import drive as driving
from tests.agents.drive import Drive

START = builders.campaign_started()
OPTIONS = {"A": "敲一敲，空的就能拆", "B": "看结构图、问物业", "C": "不厚就能拆"}
WORDS = {letter: bare(option) for letter, option in OPTIONS.items()}
BANK = [
    {"id": id, "question": question, "options": OPTIONS, "answer": "B", "explanation": why}
    for id, question, why in (
        ("wall", "想拆墙，先做什么？", "承重墙动不得。"), ("bulb", "灯泡看什么？", "看显色。"),
        ("tap", "龙头看什么？", "看阀芯。"))
]


def script(text: str) -> dict[str, Any]:
    return builders.script(text)


def quiz(**fields: Any) -> dict[str, Any]:
    return {
        "id": "quiz", "kind": "quiz", "at": "09:00", "role": "main_persona",
        "quiz": {
            "closes": "11:40", "answered_by": "customer_service", "bank": BANK,
            "ask": script("九点一问：{{ quiz.question }}\n{{ quiz.options }}"),
            "win": script("选{{ quiz.answer }}。{{ quiz.explanation }}头一个答对的是{{ member.name }}"),
            "nobody": script("选{{ quiz.answer }}。{{ quiz.explanation }}明早再来"),
        },
        **fields,
    }


def item(**fields: Any) -> dict[str, Any]:
    return {
        "id": "sale", "kind": "flash_sale", "at": "19:45", "role": "main_persona",
        "scripts": [script(f"今晚上单品，第{n}样") for n in (1, 2, 3)], **fields,
    }


def playbook(*items: dict[str, Any], **fields: Any) -> Playbook:
    windows = {**builders.playbook_data()["windows"], "quiz": "09:00-09:30"}
    return builders.playbook(**{"windows": windows, "recurring": list(items), **fields})


def campaign(**fields: Any) -> CampaignRow:
    return CampaignRow(**{
        "campaign_id": "c1", "playbook": "small-test", "version": 1, "stage": 1, "start_date": builders.DAY_1,
        "run": "running", "phase": Phase.WARM_UP, **fields})


def words(playbook: Playbook, days: int, **fields: Any) -> list[list[str]]:
    first = date.fromisoformat(builders.DAY_1)
    return [[duty.id for duty in of_day(playbook, campaign(**fields), first + timedelta(days=n))] for n in range(days)]


# --- which days ---------------------------------------------------------------------------------------


def test_an_item_comes_on_its_weekdays():
    ids = words(playbook(item(weekdays=["mon", "tue", "wed", "thu"]), item(id="bargain", weekdays=["fri"])), 7)
    assert [[id.rpartition("-")[0] for id in day] for day in ids] == [["sale"]] * 4 + [["bargain"], [], []]


def shipped_stage_one(first: str) -> dict[int, list[str]]:
    """What the sales of the shipped playbook's first stage are, by day, for a campaign that begins on a date."""
    play, start = builtin_playbooks()["new-estate-own-group"], date.fromisoformat(first)
    sold: dict[int, list[str]] = {}
    day = 0
    for plan in play.stages[0].phases:
        for phase_day in range(1, plan.days + 1):
            when = start + timedelta(days=day)
            row = campaign(start_date=first, phase=plan.phase)
            ids = [duty.id for duty in (*duties_of(plan, phase_day, when), *of_day(play, row, when))
                   if duty.at == time(20)]
            day += 1
            if ids:
                sold[when.weekday()] = [*sold.get(when.weekday(), []), *ids]
    return sold


@pytest.mark.parametrize("first", ["2026-03-02", "2026-03-05", "2026-03-07"])
def test_on_whatever_day_a_campaign_begins_sales_are_monday_to_thursday_and_the_bargain_is_on_friday(first):
    sold = shipped_stage_one(first)
    assert sold
    assert set(sold) <= {0, 1, 2, 3, 4}
    for weekday, ids in sold.items():
        assert all(("bargain" in id) == (weekday == 4) for id in ids), (weekday, ids)


def test_a_duty_of_a_weekday_is_not_handed_out_on_another():
    day = date.fromisoformat(builders.DAY_1)
    data = builders.playbook_data()
    data["stages"][0]["phases"][0]["plan"][1][0]["weekdays"] = ["tue"]
    plan = Playbook.model_validate(data).stages[0].phases[0]
    of_all, of_day_1 = duties_of(plan, 1), duties_of(plan, 1, day)
    assert len(of_all) - len(of_day_1) == (WEEKDAYS[day.weekday()] != "tue")
    tuesday = next(day + timedelta(days=n) for n in range(7) if (day + timedelta(days=n)).weekday() == 1)
    assert duties_of(plan, 1, tuesday) == of_all


def test_an_item_comes_on_its_days_of_the_month():
    sale = Recurring.model_validate(item(days_of_month=[18]))
    days = [day for day in range(1, 32) if falls_on(sale, date(2026, 3, day))]
    assert days == [18]


def test_an_item_comes_in_its_phases_and_stages_alone():
    sale = playbook(item(phases=["value", "closing"], stages=[2]))
    for phase in Phase:
        for stage in (1, 2):
            comes = words(sale, 1, phase=phase, stage=stage) != [[]]
            assert comes is (stage == 2 and phase in (Phase.VALUE, Phase.CLOSING))


def test_no_text_comes_twice_running_and_the_same_day_has_the_same_text():
    sale = playbook(item(weekdays=["fri"]))
    fridays = [day[0] for day in words(sale, 40) if day]
    assert all(before != after for before, after in pairwise(fridays))
    assert set(fridays) == {"sale-1", "sale-2", "sale-3"}
    assert words(sale, 40) == words(sale, 40)


def test_two_campaigns_begin_with_different_texts():
    first = {words(playbook(item()), 1, campaign_id=f"c{number}")[0][0] for number in range(9)}
    assert first == {"sale-1", "sale-2", "sale-3"}


def test_no_question_comes_twice_before_all_of_the_bank_were_asked():
    asked = [day[0] for day in words(playbook(quiz()), 3)]
    assert set(asked) == {"quiz-wall", "quiz-bulb", "quiz-tap"}


# --- planned like any duty ----------------------------------------------------------------------------


def driven(*items: dict[str, Any], **fields: Any) -> Drive:
    return Drive(driving.world(None, playbook(*items, **fields))).send(START)


def test_what_comes_again_is_handed_out_beside_the_days_duties():
    drive = driven(item()).until(1)
    said = [task.script.id for task in drive.tasks_of(day=1, role="main_persona")]
    assert said[0] == "warm-up-1-morning"
    assert said[1].startswith("sale-")
    assert drive.tasks_of(day=1)[-1].because[1].startswith("rule:small-test@1/sale-")


def test_the_limits_hold_for_what_comes_again_too():
    drive = driven(item(), limits={"posts_per_day": 1}).until(1)
    assert [task.script.id for task in drive.tasks_of(day=1, role="main_persona")] == ["warm-up-1-morning"]
    assert drive.counts().refused == 1


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (item(at="23:30"), "sale at 23:30 lies in the curfew"),
        (item(at="15:00"), "sale at 15:00 lies in no window"),
        (item(id="warm-up-1-morning"), "the id warm-up-1-morning is used twice"),
        (item(scripts=[]), "sale is no quiz: its words stand in scripts:"),
        (item(kind="quiz"), "sale is a quiz: its words stand in quiz:"),
        (quiz(at="11:50"), "quiz closes before it is asked"),
    ],
)
def test_what_comes_again_keeps_the_rules_of_the_day(wrong, what):
    with pytest.raises(ValueError, match=what):
        playbook(wrong)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"answer": "D"}, "the answer D of wall is none of its options"),
        ({"options": {"A": "敲", "C": "看"}}, "the options of wall are called A, B, in that order"),
        ({"question": "{{ estate.name }}？"}, "the question wall holds braces"),
    ],
)
def test_a_question_that_has_no_answer_is_refused(change, what):
    asked = quiz()
    asked["quiz"]["bank"] = [{**BANK[0], **change}]
    with pytest.raises(ValueError, match=what):
        playbook(asked)


# --- answers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [
    "B", "b", "Ｂ", "选B", "我选B！", "B吧", "答案是B", "应该是b", "BBB", "B。", "我觉得选B", "肯定B",
    "看结构图、问物业", "看结构图问物业呀", "B看结构图",
])
def test_an_answer_is_heard_by_its_letter_or_in_its_words(text):
    assert answer_of(bare(text), WORDS) == "B"


@pytest.mark.parametrize("text", [
    "A还是B", "AB", "E", "B栋的", "什么时候收房", "", "😄", "Bravo", "我家在B区", "3栋", "楼上选了什么",
    "看结构图、问物业是没错，可是物业一直不接电话怎么办呢", "ABC",
])
def test_anything_else_is_no_answer(text):
    assert answer_of(bare(text), WORDS) is None


def asked(drive: Drive, clock: str = "09:03") -> Drive:
    """The main persona asks the question of day 1 in the group."""
    drive.until(1)
    (task,) = [task for task in drive.tasks_of(day=1) if task.script.id.startswith("quiz-")]
    drive.send(builders.message(member="m-main", text=task.script.text, at=builders.at(1, clock)))
    assert drive.tasks[task.task_id].status is TaskStatus.VERIFIED
    return drive


def says(member: str, text: str, clock: str, **data: Any) -> bytes:
    return builders.message(member=member, text=text, at=builders.at(1, clock), **data)


def closed(drive: Drive) -> list[Any]:
    return [task for task in drive.until(1, "12:00").tasks_of(day=1) if task.script.id.endswith(("-win", "-nobody"))]


def rows(drive: Drive) -> list[Any]:
    return [quiz for _, row in drive.rows.scan(CAMPAIGN, "e1", QUIZ) for quiz in row.open]


def test_the_first_right_answer_is_named_with_its_message():
    drive = driven(quiz()).send(builders.joined(member="m2", display_name="小王", at=builders.at(1, "00:10")))
    asked(drive).send(
        says("m1", "A", "09:05"), says("m2", "我选B", "09:06", message_id="msg-b"), says("m3", "B", "09:07"))
    (task,) = closed(drive)
    assert "头一个答对的是小王" in task.script.text
    assert task.script.text.startswith("选B（看结构图、问物业）。")
    assert (task.evidence.message_id, task.evidence.member_id) == ("msg-b", "m2")
    assert (f"{task.window.start:%H:%M}", task.role) == ("11:40", "customer_service")
    assert task.because[1] == "rule:small-test@1/quiz"
    assert rows(drive) == []
    assert drive.campaign().quiz_until is None


def test_where_nobody_was_right_the_answer_is_told_without_a_winner():
    (task,) = closed(asked(driven(quiz())).send(says("m1", "A", "09:05"), says("m2", "收房了吗", "09:06")))
    assert task.script.id.endswith("-nobody")
    assert task.evidence is None


WALL = "九点一问：墙能拆吗？\nA 敲一敲　B 看图纸\n中午讲。"


def asking_duty(answer: str = "B", text: str = WALL, **of_quiz: Any) -> Playbook:
    """A playbook whose first day asks a question by a duty; its quiz comes in another phase."""
    first = script("上午那题头一个答对的是{{ member.name }}，道理中午讲")
    words = {**quiz()["quiz"], "first": first, **of_quiz}
    data = playbook(quiz(quiz=words, phases=["closing"])).model_dump(mode="json", by_alias=True)
    duty = data["stages"][0]["phases"][0]["plan"]["1"][0]
    duty |= {"at": "09:00", "role": "main_persona", "action": "post", "answer": answer, "script": script(text)}
    return Playbook.model_validate(data)


def test_the_first_right_answer_to_a_duty_that_asks_is_named_when_the_quiz_closes():
    drive = Drive(driving.world(None, asking_duty())).send(START, builders.joined(member="m2", display_name="小王"))
    drive.until(1)
    (post,) = [task for task in drive.tasks_of(day=1) if task.script.text.startswith("九点一问")]
    drive.send(builders.message(member="m-main", text=post.script.text, at=builders.at(1, "09:02")))
    drive.send(says("m1", "A", "09:05"), says("m2", "我选B", "09:06", message_id="msg-b"), says("m3", "B", "09:07"))
    (task,) = [task for task in drive.until(1, "12:00").tasks_of(day=1) if task.script.id == "quiz-first"]
    assert "头一个答对的是小王" in task.script.text
    assert task.evidence is not None
    assert (task.evidence.message_id, task.evidence.member_id) == ("msg-b", "m2")
    assert f"{task.window.start:%H:%M}" == "11:40"


def test_a_duty_that_asks_says_nothing_where_nobody_was_right():
    drive = Drive(driving.world(None, asking_duty())).send(START)
    drive.until(1)
    (post,) = [task for task in drive.tasks_of(day=1) if task.script.text.startswith("九点一问")]
    drive.send(builders.message(member="m-main", text=post.script.text, at=builders.at(1, "09:02")))
    drive.send(says("m1", "A", "09:05"))
    assert [task for task in drive.until(1, "12:00").tasks_of(day=1) if task.script.id == "quiz-first"] == []


@pytest.mark.parametrize(("wrong", "what"), [
    ({"answer": "C"}, "offers no such option"), ({"text": "九点一问：墙能拆吗？"}, "offers no such option"),
    ({"first": None}, "in `first` who had it first")])
def test_a_duty_with_an_answer_offers_it_and_somebody_is_to_be_named(wrong, what):
    with pytest.raises(ValueError, match=what):
        asking_duty(**wrong)


def test_every_question_of_the_first_stage_finds_who_was_first():
    for play in builtin_playbooks().values():
        if play.for_.group == "own" and play.for_.estate == "new":
            asks = [duty for duty in play.duties() if duty.options and "九点一问" in duty.script.text]
            assert len(asks) >= 9
            assert all(duty.answer in duty.options for duty in asks), play.playbook


def test_a_members_first_answer_counts():
    (task,) = closed(asked(driven(quiz())).send(
        says("m1", "A", "09:05"), says("m1", "B", "09:06"), says("m2", "B", "09:30")))
    assert task.evidence.member_id == "m2"


def test_answers_before_the_question_and_after_its_end_do_not_count():
    drive = driven(quiz()).until(1).send(says("m1", "B", "09:01"))
    asked(drive).send(says("m2", "A", "09:10"), says("m3", "B", "11:39"), says("m4", "B", "11:41"))
    (task,) = closed(drive)
    assert task.evidence.member_id == "m3"


def test_where_it_was_only_said_that_the_question_was_asked_answers_count_from_its_window_on():
    drive = driven(quiz()).until(1).send(says("m1", "B", "09:04"))
    (task,) = [task for task in drive.tasks_of(day=1) if task.script.id.startswith("quiz-")]
    drive.send(builders.task_done(task.task_id, builders.at(1, "09:20")))
    (answer,) = closed(drive)
    assert answer.evidence.member_id == "m1"


def test_a_question_that_was_never_asked_has_no_answer():
    assert closed(driven(quiz()).until(1).send(says("m1", "B", "09:05"))) == []


def test_a_winner_who_wants_no_messages_is_not_named():
    drive = asked(driven(quiz())).send(says("m1", "B", "09:05"), says("m2", "B", "09:06"))
    drive.send(builders.consent("m1", "marketing", at=builders.at(1, "10:00")))
    (task,) = closed(drive)
    assert task.evidence.member_id == "m2"


def test_a_message_recalled_after_it_counted():
    """An answer that was recalled is none: the next right one is the first."""
    drive = asked(driven(quiz())).send(
        says("m1", "B", "09:05", message_id="msg-1"), says("m2", "B", "09:06"),
        builders.recalled(message_id="msg-1", at=builders.at(1, "09:10")))
    (task,) = closed(drive)
    assert task.evidence.member_id == "m2"


def test_a_member_who_left_is_not_named():
    drive = asked(driven(quiz())).send(says("m1", "B", "09:05"), builders.left(member="m1", at=builders.at(1, "10:00")))
    (task,) = closed(drive)
    assert task.script.id.endswith("-nobody")


@pytest.mark.parametrize("gone", [builders.erased, builders.consent])
def test_who_is_erased_or_takes_back_consent_is_in_no_quiz(gone):
    drive = asked(driven(quiz())).send(says("m1", "B", "09:05"), says("m2", "A", "09:06"))
    drive.send(gone("m1", at=builders.at(1, "10:00")), gone("m2", at=builders.at(1, "10:01")))
    assert [(row.right, row.wrong) for row in rows(drive)] == [((), ())]
    (task,) = closed(drive)
    assert task.evidence is None


def test_our_own_people_win_nothing():
    (task,) = closed(asked(driven(quiz())).send(says("m-shill", "B", "09:05"), says("m-buyer", "B", "09:06")))
    assert task.evidence is None


def test_a_paused_campaign_answers_nothing():
    drive = asked(driven(quiz())).send(says("m1", "B", "09:05"), builders.campaign_paused(at=builders.at(1, "10:00")))
    assert closed(drive) == []
    assert rows(drive) == []


def test_a_campaign_that_is_ended_leaves_no_quiz_behind():
    drive = asked(driven(quiz())).send(builders.campaign_ended(at=builders.at(1, "10:00")))
    assert rows(drive) == []


def test_a_machine_that_was_off_answers_no_question_of_yesterday():
    drive = asked(driven(quiz())).send(says("m1", "B", "09:05"))
    drive.wake_late(2, "10:00")
    assert [task.script.id for task in drive.tasks_of() if task.script.id.endswith(("-win", "-nobody"))] == []
    assert all(quiz.closes.day == 3 for quiz in rows(drive))


def test_a_message_that_is_no_answer_writes_nothing_of_the_quiz():
    drive = asked(driven(quiz())).send(says("m1", "收房了吗", "09:05"))
    before = rows(drive)
    drive.send(says("m1", "收房了吗", "09:06"))
    assert rows(drive) == before


def test_a_question_that_somebody_else_asks_is_answered_too():
    people = builders.reference(
        personas=[*builders.staff(), builders.persona("p-second", Role.MAIN_PERSONA, name="苏青")])
    drive = Drive(driving.world(people, playbook(quiz()))).send(START).until(1)
    (task,) = [task for task in drive.tasks_of(day=1) if task.script.id.startswith("quiz-")]
    drive.send(builders.persona_away(task.persona_id or "", 1, 1, at=builders.at(1, "08:00")))
    (again,) = [task for task in drive.tasks_of(day=1, status="issued") if task.script.id.startswith("quiz-")]
    assert again.persona_id != task.persona_id
    member = (again.persona_id or "").replace("p-", "m-")
    drive.send(builders.message(member=member, text=again.script.text, at=builders.at(1, "09:03")))
    (answer,) = closed(drive.send(says("m1", "B", "09:05")))
    assert answer.evidence.member_id == "m1"


def test_a_winners_name_makes_nobody_pretend():
    """Where a name would have our staff say that they own a home, whoever was first is told without it."""
    drive = driven(quiz()).send(builders.joined(member="m1", display_name="我家也装了", at=builders.at(1, "00:10")))
    (task,) = closed(asked(drive).send(says("m1", "B", "09:05")))
    assert "我家也装了" not in task.script.text
    assert "朋友" in task.script.text
    assert drive.counts().refused == 0


def test_two_quizzes_of_a_day_are_two():
    later = quiz(id="evening", at="18:00")
    later["quiz"]["closes"] = "22:00"
    drive = asked(driven(quiz(), later)).send(says("m1", "B", "09:05"))
    assert [len(row.right) for row in sorted(rows(drive), key=lambda row: row.closes)] == [1, 0]
    (task,) = closed(drive)
    assert task.evidence.member_id == "m1"
    assert len(rows(drive)) == 1
    assert drive.campaign().quiz_until is not None
