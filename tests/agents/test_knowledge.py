"""The best answer is chosen by the words of a question; none promises a price."""

from __future__ import annotations

from typing import Any

import pytest

from agents.knowledge import answer_to, fault, knowledge_of, own_knowledge
from agents.playbook_check import check
from schemas.playbook import Playbook
from schemas.playbook_knowledge import About
from schemas.reference import Answer
from schemas.values import Role
from tests import builders
from tests.agents.drive import Drive, crowd, world
from tests.agents.test_default_playbook import PLAYBOOK
from tests.builders import at

START = builders.campaign_started()
COMMON = knowledge_of(PLAYBOOK)


def entry(id: str = "k-board", **fields: Any) -> dict[str, Any]:
    return {
        "id": id, "about": "price", "keys": ["板材", "板子"], "role": "customer_service",
        "text": "{{ member.name }}，板材的价以店里公示为准", **fields,
    }


def play(*entries: dict[str, Any]) -> Playbook:
    return builders.playbook(knowledge={"entries": list(entries or [entry()])})


def answer(id: str = "k-board@d1", text: str = "看公示牌：板材一栏", **fields: Any) -> Answer:
    return Answer(id, fields.pop("about", "price"), fields.pop("keys", ("板材",)), text, dealer_id="d1", **fields)


def asked(drive: Drive, text: str, clock: str = "09:00", member: str = "m1", **fields: Any) -> Drive:
    return drive.send(builders.message("g1", member, text, at(1, clock), **fields))


def ready(*entries: dict[str, Any], **rows: Any) -> Drive:
    drive = Drive(world(builders.reference(**rows), play(*entries)))
    return drive.send(*crowd(30), START).until(1, "08:40")


# --- the choice -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("on", "text", "id"), [
    ("asks_price", "全屋做下来一共多少钱", "k-price-whole-house"),
    ("asks_price", "你家一平多少钱啊，投影还是展开", "k-price-per-square"),
    ("asks_price", "后期会不会增项加钱", "k-price-extra"),
    ("asks_price", "橱柜一延米多少", "k-price-kitchen"),
    ("asks_product", "板材是颗粒板还是多层", "k-product-board"),
    ("asks_product", "甲醛味道大不大，家里有孕妇", "k-product-air"),
    ("asks_design", "玄关鞋柜怎么做", "k-design-hall"),
    ("asks_design", "孩子房间书桌放哪", "k-design-child"),
    ("asks_service", "能上门量尺吗", "k-service-measure"),
    ("asks_service", "抽屉坏了谁管", "k-service-warranty"),
    ("asks_progress", "我那单到哪一步了", "k-progress-step"),
    ("asks_progress", "说好的都晚了几天了", "k-progress-late"),
])
def test_the_entry_whose_words_make_up_most_of_the_question_is_taken(on: str, text: str, id: str):
    found = answer_to(on, text, COMMON, None)
    assert found is not None
    assert found.id == id


@pytest.mark.parametrize(("on", "text"), [
    ("asks_price", "多少钱"), ("joined", "板材"), ("complains", "板材"), ("asks_price", ""),
])
def test_without_a_fitting_word_there_is_no_answer(on: str, text: str):
    assert answer_to(on, text, COMMON, None) is None


def test_of_two_that_fit_as_well_the_first_stands_whatever_the_order_of_the_words():
    found = knowledge_of(play(entry("k-one"), entry("k-two", keys=["板子", "板材"])))
    assert [answer.id for answer in (found.best(About.PRICE, "板材") or ())[1:]] == ["k-one"]


def test_a_dealers_own_entry_goes_over_the_playbooks_of_its_id_and_over_one_that_fits_as_well():
    common, own = knowledge_of(play()), own_knowledge([answer()])["d1"]
    found = answer_to("asks_price", "板材多少钱", common, own)
    assert found is not None
    assert (found.id, found.script.text) == ("k-board", "看公示牌：板材一栏")
    # Its keys are its own: what the playbook's entry would have answered is answered by nobody.
    assert answer_to("asks_price", "板子多少钱", common, own) is None
    other = own_knowledge([answer("k-mine@d1")])["d1"]
    assert (answer_to("asks_price", "板材多少钱", common, other) or found).id == "k-mine"


def test_an_answer_of_no_dealer_is_everybodys():
    everybodys = Answer("k-board", "price", ("板材",), "公示牌上有", Role.LEADER)
    answers = own_knowledge([everybodys, answer("k-other@d1", keys=("门",))])
    assert answers["d1"].ids == {"k-board", "k-other"}
    found = answer_to("asks_price", "板材多少钱", knowledge_of(play()), answers[None])
    assert found is not None
    assert found.role is Role.LEADER


# --- the task -------------------------------------------------------------------------------------------


def test_a_question_gets_a_reply_task_at_once_with_the_drafted_answer():
    task = asked(ready(), "你们板材多少钱").task("k-board")
    assert task.script.text.startswith("朋友，板材的价以店里公示为准")
    assert (task.action, task.role, task.issued_at.isoformat()) == ("reply", "customer_service", at(1, "09:00"))
    assert task.because[1] == "rule:small-test@1/answer-price:k-board"
    assert task.evidence is not None
    assert (task.evidence.member_id, task.evidence.about) == ("m1", "asks_price")


def test_without_a_fitting_entry_the_reactions_own_script_is_used():
    assert asked(ready(), "多少钱").task("answer-price").because[1] == "rule:small-test@1/answer-price"


def test_a_dealers_own_answer_is_given():
    task = asked(ready(answers=[answer()]), "板材多少钱").task("k-board")
    assert task.script.text.startswith("看公示牌：板材一栏")


def test_an_answer_for_a_role_that_nobody_has_leaves_the_reactions_own():
    people = [one for one in builders.staff() if one.role is not Role.DESIGNER]
    drive = asked(ready(entry(role="designer"), personas=people), "板材多少钱")
    assert [task.script.id for task in drive.tasks_of(day=1) if task.action == "reply"] == ["answer-price"]


def test_an_answer_that_cannot_be_filled_leaves_the_reactions_own():
    drive = asked(ready(entry(text="看公示：{{ offer.measure.price }}")), "板材多少钱")
    assert [task.script.id for task in drive.tasks_of(day=1) if task.action == "reply"] == ["answer-price"]


def test_a_playbook_without_a_knowledge_base_is_lent_that_of_its_category():
    lender, bare = play().model_copy(update={"playbook": "a-lender"}), builders.playbook()
    lent = world(None, lender, bare)
    assert lent.knowledge_of(lent.plays["small-test"]).ids == {"k-board"}
    other = world(None, lender, bare.model_copy(update={"category": "瓷砖"}))
    assert other.knowledge_of(other.plays["small-test"]).ids == set()


def test_questions_of_one_member_about_the_same_within_an_hour_are_one_task():
    drive = asked(asked(ready(), "板材多少钱"), "多少钱啊", "09:50")
    replies = [task for task in drive.tasks_of(day=1) if task.action == "reply"]
    assert [task.script.id for task in replies] == ["k-board"]
    asked(drive, "板材多少钱", "09:51", "m2")
    asked(drive, "多少钱一平", "10:40")
    replies = [task for task in drive.tasks_of(day=1) if task.action == "reply"]
    assert [(task.script.id, task.evidence.member_id) for task in replies if task.evidence] == [
        ("k-board", "m1"), ("k-board", "m2"), ("answer-price", "m1")]


# --- answered already -----------------------------------------------------------------------------------


def said(drive: Drive, text: str, member: str = "m-main", clock: str = "09:05", **fields: Any) -> Drive:
    return drive.send(builders.message("g1", member, text, at(1, clock), **fields))


@pytest.mark.parametrize("how", [{"mentions": ["m1"]}, {"reply_to": "msg-q"}], ids=["mentions", "replies"])
def test_what_one_of_us_has_answered_in_other_words_need_not_be_answered_again(how: dict[str, Any]):
    drive = asked(ready(), "板材多少钱", message_id="msg-q")
    said(drive, "您来店里看公示牌吧", **how)
    task = drive.task("k-board")
    assert task.status.value == "withdrawn"
    assert drive.turns[-1].out[-1].data.reason.startswith("p-main has answered: wecom#")  # type: ignore[attr-defined]  # a task's change


def test_the_tasks_own_text_from_its_own_person_verifies_it():
    drive = asked(ready(), "板材多少钱", message_id="msg-q")
    said(drive, drive.task("k-board").script.text, "m-service", mentions=["m1"])
    assert drive.task("k-board").status.value == "verified"


def test_a_task_done_by_someone_it_was_not_given_to_is_not_verified_but_withdrawn():
    drive = asked(ready(), "板材多少钱", message_id="msg-q")
    said(drive, drive.task("k-board").script.text, "m-main", reply_to="msg-q")
    assert drive.task("k-board").status.value == "withdrawn"


def test_what_answers_somebody_else_leaves_the_task():
    drive = asked(ready(), "板材多少钱", message_id="msg-q")
    said(drive, "您来店里看", mentions=["m2"])
    said(drive, "大家中午好", clock="09:06")
    asked(drive, "看公示牌", "09:07", "m3", mentions=["m1"])
    assert drive.task("k-board").status.value == "issued"


# --- honest ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("about", "text", "says"), [
    (About.PRICE, "一平很便宜", "neither to the public notice"),
    (About.PRICE, "公示价一平800元", "figure"),
    (About.PRODUCT, "这板打八折", "figure"),
    (About.PRICE, "以店里公示为准", None),
    (About.PRICE, "{{ offer.measure.terms }}", None), (About.DESIGN, "门宽80公分", None),
])
def test_an_answer_promises_no_price(about: About, text: str, says: str | None):
    wrong = fault(about, text)
    assert (wrong is None) if says is None else (says in (wrong or ""))


def test_an_answer_that_promises_or_pretends_is_refused_when_the_playbook_is_loaded():
    wrong = [entry("k-price", text="一平800元，看公示"), entry("k-pretends", text="我家做的就是这种，看公示")]
    found = [one for one in check(play(*wrong)) if one.severity == "error"]
    assert [one.loc for one in found] == [
        ("knowledge", "entries", 1, "text"), ("knowledge", "entries", 0, "text")]


def test_the_knowledge_base_that_ships_answers_all_five_kinds_of_questions():
    entries = PLAYBOOK.knowledge.entries
    assert len(entries) >= 30
    assert all(sum(one.about is about for one in entries) >= 5 for about in About)
    assert len({one.text for one in entries}) == len(entries)
    assert all(40 <= len(one.text.replace("\n", "")) <= 160 for one in entries)
