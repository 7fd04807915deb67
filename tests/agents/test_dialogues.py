"""A post and the replies to it stand or fall together, and no shill speaks where an owner has answered."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from agents.feigned import feigned
from agents.playbook_check import check
from agents.rows import CAMPAIGN
from agents.state import EXCHANGES
from schemas.playbook import Playbook
from schemas.tasks import Task, TaskIssued, TaskWithdrawn
from schemas.values import PersonaClass, Role
from tests import builders
from tests.agents.drive import Drive, crowd, world
from tests.builders import at

POST = "warm-up-1-morning"
START = builders.campaign_started()
SHILL, DESIGNER = "shill-adds", "designer-adds"
ADDS = "补一句：照片先别删，店里同事整理清单用得上"


def reply(id: str = SHILL, after: int = 10, text: str = ADDS, **fields: Any) -> dict[str, Any]:
    return {"id": id, "role": "shill", "after": after, "minutes": 10, "script": builders.script(text), **fields}


TWO = (reply(), reply(DESIGNER, 20, "图纸也一起带上，我按您的尺寸看", role="designer", order=2))


def data(*replies: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The small playbook whose first post, at 07:30 of day 1, has these replies."""
    whole = builders.playbook_data(**fields)
    whole["stages"][0]["phases"][0]["plan"][1][0]["replies"] = list(replies or TWO)
    return whole


def play(*replies: dict[str, Any], **fields: Any) -> Playbook:
    return Playbook.model_validate(data(*replies, **fields))


def seven(*replies: dict[str, Any], personas: Any = None, before: tuple[bytes, ...] = (), **fields: Any) -> Drive:
    """Seven in the morning of day 1, with 30 members in the group."""
    reference = builders.reference(**({} if personas is None else {"personas": personas}))
    drive = Drive(world(reference, play(*replies, **fields)))
    return drive.send(*crowd(30), *before, START).until(1, "07:00")


def posted(drive: Drive, clock: str = "07:33", script: str = POST) -> bytes:
    task = drive.task(script)
    member = (task.persona_id or "").replace("p-", "m-", 1)
    return builders.message("g1", member, task.script.text, at(1, clock), message_id=f"msg-{script}")


def said(text: str | None = "我们家下周收房", clock: str = "07:36", member: str = "m1", **fields: Any) -> bytes:
    return builders.message("g1", member, text, at(1, clock), **fields)


def status(drive: Drive, script: str = SHILL) -> str:
    return drive.task(script).status.value


def reasons(drive: Drive) -> list[str]:
    return [change.reason for change in drive.sent(TaskWithdrawn)]


def exchanges(drive: Drive) -> list[Any]:
    return list(drive.rows.scan(CAMPAIGN, "e1", EXCHANGES))


# --- planned together -----------------------------------------------------------------------------------


def test_a_post_and_its_replies_are_handed_out_together_in_their_order():
    drive = seven()
    post, first, second = (drive.task(script) for script in (POST, SHILL, DESIGNER))
    assert [(t.window.start.isoformat(), t.window.end.isoformat()) for t in (first, second)] == [
        (at(1, "07:40"), at(1, "07:50")), (at(1, "07:50"), at(1, "08:00"))]
    assert {t.issued_at for t in (post, first, second)} == {post.issued_at}
    assert [t.role for t in (first, second)] == [Role.SHILL, Role.DESIGNER]


def test_a_replys_task_carries_what_it_answers():
    drive = seven()
    evidence = drive.task(SHILL).evidence
    assert evidence is not None
    assert evidence.answers == drive.task(POST).task_id
    assert drive.task(SHILL).because[1] == f"rule:small-test@1/{SHILL}"


def test_a_reply_by_staff_says_who_speaks():
    task = seven().task(SHILL)
    assert task.script.text.endswith("——木语全屋定制·测试店 家装顾问 何苗")


def test_nobody_answers_themselves_and_nobody_twice():
    personas = [builders.persona("p-main"), builders.persona("p-shill", Role.SHILL)]
    again = reply("shill-again", 30, "再补一句：水表底数也拍上", order=2)
    by_main = reply("main-adds", 45, "谢谢同事，我接着说", role="main_persona", order=3)
    drive = seven(reply(), again, by_main, personas=personas)
    assert {task.persona_id for task in drive.tasks_of(day=1)} == {"p-main", "p-shill"}
    assert drive.tasks_of(script="shill-again") == drive.tasks_of(script="main-adds") == []


def test_a_buyer_answers_only_with_an_order_that_bears_it_out():
    words = builders.script("我在这家店做的柜子，店里请我来答", "buyer", testimonial="全屋定制")
    assert seven(reply(script=words)).tasks_of(script=SHILL) == []
    order = [
        builders.order_placed(member="m-buyer", at=at(1, "05:00")),
        builders.deposit_paid(at=at(1, "05:01")), builders.delivered(at=at(1, "05:02")),
    ]
    task = seven(reply(script=words), before=tuple(order)).task(SHILL)
    assert task.evidence is not None
    assert (task.persona_id, task.evidence.order_id) == ("p-buyer", "o1")


def test_a_post_that_is_not_handed_out_has_no_replies():
    assert seven(personas=[builders.persona("p-shill", Role.SHILL)]).tasks_of(script=SHILL) == []


def test_nobody_takes_part_in_more_exchanges_a_day_than_the_limit():
    whole = data(reply(), limits={"exchanges_per_day": 1})
    day = whole["stages"][0]["phases"][0]["plan"][1]
    day.append({**day[0], "id": "noon", "at": "12:00", "replies": [reply("noon-adds", 10, "图纸的事问设计师就行")]})
    drive = Drive(world(None, Playbook.model_validate(whole))).send(*crowd(30), START).until(1, "07:00")
    assert [t.script.id for t in drive.tasks_of(role="shill", status="issued") if t.action == "reply"] == [SHILL]
    assert drive.counts().refused == 1


# --- if the first did not go out ------------------------------------------------------------------------


@pytest.mark.parametrize(("mark", "why"), [("skipped", "was skipped"), ("late", "was not out by 08:05")])
def test_when_the_post_did_not_go_out_its_replies_are_withdrawn(mark: str, why: str):
    drive = seven(reply(after=40))
    if mark == "skipped":
        drive.send(builders.task_skipped(drive.task(POST).task_id, at=at(1, "07:35")))
    drive.until(1, "08:06")
    assert status(drive) == "withdrawn"
    assert reasons(drive) == [f"the post that it answers {why}"]
    assert exchanges(drive) == []


def test_when_the_post_is_withdrawn_so_are_its_replies():
    drive = seven().send(builders.group_updated(at=at(1, "07:10"), open=False))
    assert status(drive) == status(drive, DESIGNER) == "withdrawn"
    assert exchanges(drive) == []


def test_a_post_that_was_marked_done_is_out():
    drive = seven()
    drive.send(builders.task_done(drive.task(POST).task_id, at(1, "07:34"))).until(1, "08:06")
    assert status(drive) == "issued"


def test_a_post_that_was_recalled_is_answered_by_nobody():
    drive = seven()
    drive.send(posted(drive), builders.recalled("g1", f"msg-{POST}", at(1, "07:35")))
    assert status(drive) == status(drive, DESIGNER) == "withdrawn"
    assert reasons(drive)[0] == "the post that it answers was recalled"


def test_a_reply_that_was_given_closes_the_exchange_and_is_verified():
    drive = seven(reply())
    drive.send(posted(drive), posted(drive, "07:42", SHILL))
    assert status(drive) == "verified"
    assert exchanges(drive) == []


# --- if an owner answered -------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [
    {"text": "我们家下周收房"}, {"text": "好", "mentions": ["m-main"]}, {"text": "好", "reply_to": f"msg-{POST}"},
], ids=["says something", "mentions", "replies"])
def test_where_an_owner_answered_the_shill_is_not_needed(answer: dict[str, Any]):
    drive = seven()
    event = said(**answer)
    drive.send(posted(drive), event)
    assert (status(drive), status(drive, DESIGNER)) == ("withdrawn", "issued")
    assert reasons(drive) == [f"an owner answered: {builders.event_ref(event)}"]


@pytest.mark.parametrize("event", [
    said("嗯"), said("[微笑][微笑]"), said(None, kind="image"), said("收房了", clock="07:31"),
    said("专业开荒保洁，价格优惠，需要的加我微信"), said("大家好大家好", member="m-designer"),
], ids=["a syllable", "a face", "a picture", "before the post", "an advertisement", "one of us"])
def test_what_is_no_answer_leaves_the_shills_reply(event: bytes):
    drive = seven()
    drive.send(*sorted([posted(drive), event], key=lambda raw: raw.split(b'"time":"')[1]))
    assert status(drive) == "issued"


def test_an_owner_who_answers_after_the_shill_takes_nothing_back():
    drive = seven(reply())
    drive.send(posted(drive), posted(drive, "07:42", SHILL), said(clock="07:45"))
    assert status(drive) == "verified"


def test_a_group_without_an_open_exchange_keeps_no_row_and_a_message_writes_none():
    drive = seven(reply())
    drive.send(posted(drive), said(), said("还有谁家", "07:50"))
    assert exchanges(drive) == []
    before = dict(drive.rows.at)
    drive.send(said("还有谁家", "07:55"))
    assert drive.rows.at == before


def test_a_member_who_is_erased_leaves_nothing_in_an_exchange():
    drive = seven()
    drive.send(posted(drive), said(mentions=["m-main"]), builders.erased("m1", at(1, "07:37")))
    assert "'m1'" not in repr([row for address, row in drive.rows.at.items() if address[2] == EXCHANGES])


def test_a_day_that_is_planned_again_hands_out_the_exchange_again_once():
    drive = seven()
    drive.send(builders.campaign_paused(at=at(1, "07:05")), builders.campaign_resumed(at=at(1, "07:06")))
    drive.until(1, "07:10")
    tasks: list[Task] = [event.data for event in drive.out if isinstance(event, TaskIssued)]
    assert [task.script.id for task in tasks].count(SHILL) == 2
    assert [task.status.value for task in drive.tasks_of(script=SHILL)] == ["withdrawn", "issued"]
    assert [len(row.exchanges) for _, row in exchanges(drive)] == [1]


# --- in a playbook --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("replies", "says"), [
    ([reply(), reply("then", 15)], "the reply then is due before shill-adds is over"),
    ([reply(), reply("then", 30, order=1), reply("last", 25, order=2)], "the reply last is due before then is over"),
    ([reply(), reply(after=30)], "the id shill-adds is used twice"),
    ([reply(after=3)], "greater than or equal to 5"),
])
def test_replies_out_of_order_are_refused(replies: list[dict[str, Any]], says: str):
    with pytest.raises(ValidationError, match=says):
        play(*replies)


def test_a_reply_in_the_curfew_is_refused():
    whole = data(reply(after=55))
    whole["stages"][0]["phases"][0]["plan"][1][0]["at"] = "22:00"
    with pytest.raises(ValidationError, match="55 minutes after warm-up-1-morning, lies in the curfew"):
        Playbook.model_validate(whole)


def test_only_a_post_has_replies():
    whole = data()
    whole["stages"][0]["phases"][0]["plan"][1][0]["action"] = "check"
    with pytest.raises(ValidationError, match="has replies, but is no post"):
        Playbook.model_validate(whole)


@pytest.mark.parametrize(("text", "what"), [
    ("没想到收房还有这么多讲究", "feigns: “没想到”"), ("天哪，这么多讲究", "feigns: “天哪”"),
    ("我家也是这么验的", "speaks as an owner"), ("我上个月也买了，确实好", "speaks as a buyer"),
])
def test_a_reply_that_pretends_is_refused_when_it_is_loaded(text: str, what: str):
    (finding,) = [one for one in check(play(reply(text=text))) if one.severity == "error"]
    assert what in finding.what
    assert finding.loc[-4:] == ("replies", 0, "script", "text")


def test_what_is_refused_at_loading_is_refused_at_hand_out_too():
    drive = seven(reply(text="{{ group.name }}里真的假的"))
    assert drive.tasks_of(script=SHILL) == []
    assert drive.counts().refused == 1


@pytest.mark.parametrize("text", [
    "我是店里的小何，补充一句：水管接头也摸一遍", "各位邻居遇到过吗？说说看", "第一次收房的，建议带上卷尺",
])
def test_an_honest_addition_feigns_nothing(text: str):
    assert feigned(text) is None


def test_the_speaker_of_a_reply_is_of_the_class_that_it_speaks_as():
    task = seven().task(SHILL)
    persona = builders.reference().personas[task.persona_id or ""]
    assert persona.cls is PersonaClass.STAFF
