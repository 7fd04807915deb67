"""Why a member stands where they stand: evidence that is gained, recalled or fades, and who comes back."""

from __future__ import annotations

from typing import Any

import pytest

from agents import ladder
from agents.fans import points_of, tier_of
from agents.ladder import BIT
from agents.parents import is_parent
from agents.people_rows import BORNE, Borne, of_member
from agents.state import MemberRow
from schemas.playbook import Step
from schemas.tasks import RungChanged, TaskWithdrawn
from schemas.values import RUNGS, Rung
from tests import builders
from tests.agents.drive import Drive, crowd, world
from tests.builders import at

PRICE = "柜子多少钱一平"


def say(text: str | None = "大家好", member: str = "m1", clock: str = "09:00", day: int = 1, **data: Any) -> bytes:
    return builders.message(member=member, text=text, at=at(day, clock), **data)


def fading() -> Drive:
    """The small playbook, in which participants fade after 5 days and the interested after 3."""
    steps = builders.playbook_data()["ladder"]
    days = {"participant": 5, "interested": 3, "prospective_buyer": 4}
    steps = [{**step, "fades_after": days[step["rung"]]} if step["rung"] in days else step for step in steps]
    steps.append({"rung": "loyal_fan", "by": ["praised_after_buying"], "fades_after": 2})
    return Drive(world(None, builders.playbook(ladder=steps)))


def rung(drive: Drive, member: str = "m1") -> Rung:
    return RUNGS[drive.member(member).rung]


# --- why ------------------------------------------------------------------------------------------------


def test_a_new_rung_says_which_event_and_which_evidence_it_rests_on():
    drive = Drive().send(say(), told := say(PRICE, clock="09:05"))
    assert drive.sent(RungChanged)[-1].because == (builders.event_ref(told), "evidence:asks_price")


def test_a_rung_that_is_lost_with_an_order_says_so():
    drive = Drive().send(say(), builders.order_placed(at=at(1, "10:00")), builders.paid(at=at(1, "10:05")))
    drive.send(back := builders.refunded(at=at(1, "11:00")))
    assert drive.sent(RungChanged)[-1].because == (builders.event_ref(back), "lost:order_paid")


# --- a message recalled after it counted ------------------------------------------------------------------


def test_a_message_recalled_after_it_counted():
    drive = Drive().send(say(), say(PRICE, clock="09:05", message_id="a"))
    assert rung(drive) == Rung.INTERESTED
    drive.send(back := builders.recalled(message_id="a", at=at(1, "09:06")))
    assert rung(drive) == Rung.PARTICIPANT
    change = drive.sent(RungChanged)[-1]
    assert (change.previous, change.because) == (
        Rung.INTERESTED, (builders.event_ref(back), "recalled:asks_price"))
    assert drive.tally().rungs[RUNGS.index(Rung.INTERESTED)] == 0


def test_what_a_second_message_said_too_does_not_fall_with_the_first():
    drive = Drive().send(say(PRICE, message_id="a"), say("多少钱", clock="09:05"))
    drive.send(builders.recalled(message_id="a", at=at(1, "09:06")))
    assert rung(drive) == Rung.INTERESTED


def test_a_parent_who_says_so_twice_stays_one_when_the_first_message_is_recalled():
    drive = Drive().send(say("我家娃今年上小学", message_id="a"), say("我家孩子怕吵", clock="09:05"))
    drive.send(builders.recalled(message_id="a", at=at(1, "09:06")))
    assert drive.member().evidence & BIT["parent"]


def test_a_message_recalled_twice_or_never_heard_of_changes_nothing():
    drive = Drive().send(say(PRICE, message_id="a"), builders.recalled(message_id="a", at=at(1, "09:01")))
    before = dict(drive.rows.at)
    drive.send(builders.recalled(message_id="a", at=at(1, "09:02")), builders.recalled(message_id="zz"))
    assert drive.rows.at == before


def test_a_recall_in_one_group_leaves_the_same_id_in_another():
    reference = builders.reference(groups=[builders.group("g1"), builders.group("g2")])
    drive = Drive(world(reference)).send(
        say(PRICE, message_id="a"), say(PRICE, message_id="a", group="g2", clock="09:01"),
        builders.recalled("g2", "a", at(1, "09:02")))
    assert rung(drive) == Rung.INTERESTED
    assert RUNGS[drive.member(group="g2").rung] == Rung.PARTICIPANT


def test_praise_after_buying_falls_with_its_message_and_the_purchase_stays():
    drive = fading().send(say(), builders.order_placed(at=at(1, "10:00")), builders.paid(at=at(1, "10:05")))
    drive.send(say("装得真不错，很满意", clock="11:00", message_id="p"))
    assert rung(drive) == Rung.LOYAL_FAN
    drive.send(builders.recalled(message_id="p", at=at(1, "11:01")))
    assert rung(drive) == Rung.BUYER


def test_the_task_that_answers_a_recalled_message_is_withdrawn():
    drive = Drive().send(builders.campaign_started(), *crowd(20, clock="06:30"), say(PRICE, message_id="a"))
    task = drive.task("answer-price")
    drive.send(builders.recalled(message_id="a", at=at(1, "09:01")))
    assert drive.tasks[task.task_id].status == "withdrawn"
    assert drive.sent(TaskWithdrawn)[-1].reason == "the message that it answers was recalled"


def test_of_a_member_at_most_one_message_is_remembered_for_each_piece_of_evidence():
    texts = (PRICE, "我要报名量尺", "装得真不错，很满意", "我是绿地城3栋的", "大家好", "我叫老王")
    drive = Drive().send(*[say(text, clock=f"09:{n:02}") for n, text in enumerate(texts * 4)])
    borne: Borne = drive.rows.get(of_member(BORNE, "e1", "g1", "m1"))
    assert borne.by == (), "each was said by another message too"


# --- silence --------------------------------------------------------------------------------------------


def test_who_is_silent_falls_rung_by_rung_and_it_is_told_why():
    drive = fading().send(builders.campaign_started(), *crowd(3, clock="06:30"), say(), say(PRICE, clock="09:05"))
    drive.until(3, "23:00")
    assert rung(drive) == Rung.INTERESTED
    drive.until(4, "08:00")
    assert rung(drive) == Rung.PARTICIPANT
    assert drive.sent(RungChanged)[-1].because[1] == "faded:asks_price"
    drive.until(6, "08:00")
    assert rung(drive) == Rung.STRANGER
    assert drive.sent(RungChanged)[-1].because[1] == "faded:spoke"


def test_who_speaks_in_between_does_not_fade():
    drive = fading().send(builders.campaign_started(), *crowd(3, clock="06:30"), say(PRICE))
    for day in (3, 5, 7):
        drive.send(say("早上好啊各位", day=day))
    drive.until(8, "08:00")
    assert rung(drive) == Rung.INTERESTED


def test_who_fell_climbs_again_by_saying_it_again():
    drive = fading().send(builders.campaign_started(), *crowd(3, clock="06:30"), say(PRICE)).until(7, "08:00")
    assert rung(drive) == Rung.STRANGER
    drive.send(say(PRICE, day=7))
    assert rung(drive) == Rung.INTERESTED


def test_a_buyer_never_falls_below_buyer():
    drive = fading().send(builders.campaign_started(), *crowd(3, clock="06:30"), say())
    drive.send(builders.order_placed(at=at(1, "10:00")), builders.paid(at=at(1, "10:05")))
    drive.send(say("装得真不错，很满意", clock="11:00")).until(2, "08:00")
    assert rung(drive) == Rung.LOYAL_FAN
    drive.until(11, "08:00")
    assert rung(drive) == Rung.BUYER


def test_silence_is_written_only_for_who_changes():
    drive = fading().send(builders.campaign_started(), *crowd(9, clock="06:30"), say(PRICE), say("早", member="m2"))
    drive.until(4, "06:59")
    before = drive.members()
    drive.until(4, "08:00")
    changed = [who for who, row in drive.members().items() if before[who] != row]
    assert changed == [("g1", "m1")]


def test_without_a_playbook_that_fades_no_day_is_kept_and_nobody_falls():
    drive = Drive().send(builders.campaign_started(), *crowd(3, clock="06:30"), say(PRICE)).until(11, "08:00")
    assert (rung(drive), drive.member().spoke_on) == (Rung.INTERESTED, 0)


@pytest.mark.parametrize("days", [0, 2, 3, 400])
def test_what_rests_on_orders_does_not_fade(days: int):
    steps = [Step(rung=Rung.PROSPECTIVE_BUYER, by=("signs_up", "order_placed"), fades_after=3)]
    masks, fades = ladder.masks_of(steps), ladder.fades_of(steps)
    left = ladder.faded(BIT["order_placed"] | BIT["signs_up"], days, masks, fades)
    assert left == BIT["order_placed"] | (BIT["signs_up"] if days < 3 else 0)


# --- who comes back --------------------------------------------------------------------------------------


def test_a_member_who_left_and_came_back_under_another_name():
    drive = Drive().send(
        builders.joined(display_name="3栋小王", at=at(1, "08:00")), say(PRICE), builders.left(at=at(1, "10:00")),
        builders.joined(display_name="王先生", at=at(2, "10:00")))
    row = drive.member()
    assert (row.present, row.name, RUNGS[row.rung]) == (True, "王先生", Rung.INTERESTED)
    assert drive.tally().rungs[RUNGS.index(Rung.INTERESTED)] == 1


def test_another_member_id_with_the_same_name_is_a_new_member():
    drive = Drive().send(
        builders.joined(display_name="3栋小王", at=at(1, "08:00")), say(PRICE), builders.left(at=at(1, "10:00")),
        builders.joined(member="m2", display_name="3栋小王", at=at(2, "10:00")))
    assert (rung(drive, "m1"), rung(drive, "m2")) == (Rung.INTERESTED, Rung.STRANGER)
    assert drive.tally().members == 1


# --- parents ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [
    "我家娃今年上小学，书桌放哪儿好", "我是二胎宝妈，想多做点收纳", "我们家两个孩子，想做上下床",
    "宝妈一枚，求推荐学区",
    "我闺女怕黑，走廊灯要亮一点", "我平时在家带娃，白天都有空", "俺家大宝也在那个幼儿园",
])
def test_who_says_that_they_have_a_child_is_a_parent(text: str):
    assert is_parent(text)


@pytest.mark.parametrize("text", [
    "你家娃多大了", "隔壁孩子半夜哭", "宝妈们看过来，新到一批童装", "我家没有孩子，次卧做书房",
    "我们准备要孩子，先装一间",
    "我家娃娃菜种得不错", "小朋友不要在电梯里跳", "我家装好了", "他家闺女结婚", "有宝宝的邻居举个手",
    "我是小王，大家好",
])
def test_nobody_is_taken_for_a_parent_by_others_children_or_by_wishes(text: str):
    assert not is_parent(text)


def test_a_parent_is_known_by_their_own_words_and_no_more_without_consent():
    drive = Drive().send(say("我家娃今年上小学，书桌放哪儿好"))
    assert drive.member().evidence & BIT["parent"]
    drive.send(builders.consent(at=at(1, "10:00")), say("我家娃今年上小学，书桌放哪儿好", clock="11:00"))
    assert not drive.member().evidence & BIT["parent"]


# --- points -----------------------------------------------------------------------------------------------


def fans() -> dict[str, Any]:
    script = builders.script("{{ member.name }}，谢谢您一直帮邻居")
    return {
        "at": "12:10", "points": {"introduces_self": 2, "referred": 10, "answered_by_three": 5},
        "tiers": [
            {"tier": name, "name": name, "points": points, "honour": "h", "benefit": "b", "script": script}
            for name, points in (("warm", 2), ("close", 12))
        ],
    }


def test_points_are_told_from_the_evidence_and_reach_a_tier():
    play = world(None, builders.playbook(fans=fans())).default
    rows = {
        0: MemberRow(), 2: MemberRow(evidence=BIT["introduces_self"]), 10: MemberRow(faded=BIT["referred"]),
        17: MemberRow(evidence=BIT["introduces_self"] | BIT["referred"], answered=3),
    }
    assert {points: points_of(row, play) for points, row in rows.items()} == {points: points for points in rows}
    assert [tier and tier.tier for tier in (tier_of(row, play) for row in rows.values())] == [
        None, "warm", "warm", "close"]


def test_without_a_section_of_fans_there_are_no_tiers():
    play = world().default
    assert tier_of(MemberRow(evidence=BIT["referred"]), play) is None
    assert points_of(MemberRow(evidence=BIT["referred"], answered=3), play) == 0
