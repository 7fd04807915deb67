"""Who breaks a rule of our own group is asked privately first, once an act, and removed only after that was done."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from agents.manners import unkind
from agents.playbook_check import check
from agents.rows import CAMPAIGN
from agents.state import OFFENCES, PICTURES
from schemas.playbook import Playbook
from schemas.tasks import Task
from schemas.values import GroupKind, Role
from tests import builders
from tests.agents.drive import Drive, crowd, world
from tests.agents.shipped import PLAYBOOKS
from tests.agents.test_default_playbook import PLAYBOOK
from tests.builders import at

AD = "专业开荒保洁，价格优惠，需要的加我微信"
ABUSE = "你个傻逼，闭嘴"
START = builders.campaign_started()
WARN = "{{ member.name }}您好，方便的话撤回一下"


def rule(id: str, on: str, **fields: Any) -> dict[str, Any]:
    return {"id": id, "on": on, "warn": builders.script(WARN), **fields}


def order(**fields: Any) -> dict[str, Any]:
    rules = [
        rule("ads", "advertises"), rule("abuse", "breaks_rules"), rule("flood", "pictures", pictures=4, minutes=5),
        rule("night", "curfew", warnings=2),
    ]
    return {"rules": rules, "remove": builders.script("【移出】{{ member.name }}又犯了"), **fields}


def ready(playbook: Playbook | None = None, **rows: Any) -> Drive:
    drive = Drive(world(builders.reference(**rows), playbook or builders.playbook(order=order(), reactions=[])))
    return drive.send(*crowd(10), START).until(1, "08:40")


def say(drive: Drive, clock: str = "09:00", text: str = AD, day: int = 1, member: str = "m1", **fields: Any) -> Drive:
    return drive.send(builders.message("g1", member, text, at(day, clock), **fields))


def pictures(drive: Drive, *clocks: str, member: str = "m1") -> Drive:
    for clock in clocks:
        drive.send(builders.message("g1", member, None, at(1, clock), kind="image", message_id=f"pic-{clock}"))
    return drive


def orders(drive: Drive) -> list[Task]:
    return sorted((t for t in drive.tasks.values() if t.action in ("warn", "remove")), key=lambda t: t.issued_at)


def done(drive: Drive, clock: str = "09:30", day: int = 1) -> Drive:
    task = orders(drive)[-1]
    return drive.send(builders.task_done(task.task_id, at(day, clock), persona="p-admin"))


def kinds(drive: Drive) -> list[tuple[str, str]]:
    return [(task.action.value, task.status.value) for task in orders(drive)]


# --- a warning ------------------------------------------------------------------------------------------


def test_an_advertisement_is_a_private_warning_for_the_admin_with_the_message_as_evidence():
    (task,) = orders(say(ready(), message_id="msg-ad"))
    assert (task.action, task.role, task.persona_id) == ("warn", Role.GROUP_ADMIN, "p-admin")
    assert task.evidence is not None
    assert (task.evidence.member_id, task.evidence.about) == ("m1", "advertises")
    assert task.evidence.message_ids == ("msg-ad",)
    assert task.script.text == f"朋友您好，方便的话撤回一下\n{task.disclosure}"
    assert task.because[1] == "rule:small-test@1/order:ads"


def test_abuse_and_a_message_in_the_curfew_are_warned_of_too():
    assert [task.script.id for task in orders(say(ready(), text=ABUSE))] == ["abuse"]
    (task,) = orders(say(ready(), "23:30", "还有人没睡吗"))
    assert (task.script.id, task.window.start.isoformat()) == ("night", at(2, "07:00"))


def test_so_many_pictures_within_the_span_are_a_flood_and_spread_out_they_are_not():
    drive = pictures(ready(), "09:00:00", "09:00:10", "09:00:20", "09:00:30")
    (task,) = orders(drive)
    assert task.evidence is not None
    assert task.evidence.message_ids == ("pic-09:00:00", "pic-09:00:10", "pic-09:00:20", "pic-09:00:30")
    assert orders(pictures(ready(), "09:00", "09:02", "09:04", "09:06", "09:08")) == []


def test_only_who_posts_pictures_has_a_row_and_on_the_next_day_no_longer():
    drive = say(ready(), text="大家好")
    assert list(drive.rows.scan(CAMPAIGN, "e1", PICTURES)) == []
    assert len(list(pictures(drive, "09:10").rows.scan(CAMPAIGN, "e1", PICTURES))) == 1
    assert list(drive.until(2, "00:30").rows.scan(CAMPAIGN, "e1", PICTURES)) == []


def test_never_two_warnings_for_one_act():
    drive = pictures(say(say(ready(), "09:00"), "09:10", ABUSE), *(f"09:20:{n:02}" for n in range(6)))
    assert kinds(drive) == [("warn", "issued")]
    ((_, row),) = drive.rows.scan(CAMPAIGN, "e1", OFFENCES)
    assert [len(act.messages) for act in row.acts] == [8]


def test_while_a_warning_is_still_to_be_given_another_act_adds_none():
    assert kinds(say(say(ready(), "09:00"), "10:30")) == [("warn", "issued")]


def test_a_warning_that_was_never_given_is_followed_by_another():
    drive = say(ready(), "09:00").until(1, "12:00")
    assert kinds(say(drive, "12:30")) == [("warn", "expired"), ("warn", "issued")]


# --- a removal ------------------------------------------------------------------------------------------


def test_a_removal_comes_only_after_a_warning_was_done():
    drive = done(say(ready()))
    assert kinds(say(drive, "09:50")) == [("warn", "done")], "the same act"
    assert kinds(say(drive, "10:30")) == [("warn", "done"), ("remove", "issued")]
    assert drive.task("order-remove").script.text == "【移出】朋友又犯了"


def test_a_rule_may_ask_for_more_warnings_first():
    drive = done(say(ready(), "23:30", "睡不着"), "07:10", 2)
    assert kinds(say(drive, "23:30", "又睡不着", 2)) == [("warn", "done"), ("warn", "issued")]
    done(drive, "07:10", 3)
    assert kinds(say(drive, "23:30", "还是睡不着", 3))[-1] == ("remove", "issued")


def test_an_act_beyond_the_memory_is_forgotten():
    drive = done(say(ready(builders.playbook(order=order(memory_days=2), reactions=[]))))
    drive.until(4, "08:00")
    assert list(drive.rows.scan(CAMPAIGN, "e1", OFFENCES)) == []
    assert kinds(say(drive, "09:00", day=4)) == [("warn", "done"), ("warn", "issued")]


def test_who_leaves_need_not_be_removed():
    drive = say(done(say(ready())), "10:30").send(builders.left("g1", "m1", at(1, "10:40")))
    assert kinds(drive)[-1] == ("remove", "withdrawn")


# --- against whom, and where ----------------------------------------------------------------------------


def test_never_against_the_groups_owner_or_our_own_people():
    drive = ready(groups=[builders.group(owner_id="m1")])
    say(say(say(drive), member="m-shill", clock="09:05"), member="m-buyer", clock="09:10")
    assert orders(drive) == []
    assert list(drive.rows.scan(CAMPAIGN, "e1", OFFENCES)) == []


# --- groups that are not our own ------------------------------------------------------------------------

TELLS = [
    {"id": "tell-ads", "on": "advertises", "script": builders.script("【私下告诉群主】{{ member.name }}发了推广")},
    {"id": "tell-abuse", "on": "breaks_rules", "script": builders.script("【私下告诉群主】{{ member.name }}说重话")},
]


def elsewhere(kind: GroupKind, *left_out: str, owner: str | None = None, **fields: Any) -> Drive:
    """A group of that kind, with rules and words to its owner, without those of our people that are left out."""
    play = builders.playbook(
        order=order(tells=TELLS, **fields), reactions=[], **{"for": {"estate": "new", "group": kind.value}})
    people = [one for one in builders.staff() if one.persona_id not in left_out]
    return ready(play, groups=[builders.group(kind=kind, owner_id=owner)], personas=people)


def words(drive: Drive) -> list[Task]:
    return [task for task in drive.tasks.values() if task.script.id in {"tell-ads", "tell-abuse"}]


def test_in_a_joined_group_nobody_is_warned_or_removed():
    drive = say(elsewhere(GroupKind.JOINED))
    for hour in range(10, 16):
        say(drive, f"{hour}:00", ABUSE)
    assert orders(pictures(drive, "16:00", "16:01", "16:02", "16:03")) == []


def test_in_a_joined_group_the_owner_is_told_privately_by_our_leader_or_who_stands_in_with_the_evidence():
    (task,) = words(say(elsewhere(GroupKind.JOINED), message_id="msg-ad"))
    assert (task.action, task.role, task.persona_id) == ("check", Role.LEADER, "p-main")
    assert task.evidence is not None
    assert (task.evidence.member_id, task.evidence.about, task.evidence.message_ids) == (
        "m1", "advertises", ("msg-ad",))


def test_the_owner_of_a_joined_group_is_told_once_a_day_at_most_whoever_it_is_about():
    drive = say(say(say(elsewhere(GroupKind.JOINED)), "12:00", member="m2"), "14:00", ABUSE, member="m3")
    assert len(words(drive)) == 1
    say(drive.until(2, "08:40"), "09:00", ABUSE, day=2, member="m3")
    assert len(words(drive)) == 2


def test_the_owner_of_a_joined_group_is_not_told_of_pictures_or_the_hour():
    drive = pictures(elsewhere(GroupKind.JOINED), "09:00", "09:01", "09:02", "09:03")
    assert words(say(drive, "23:30", "还没睡的冒个泡")) == []


def test_the_owner_of_a_joined_group_is_not_told_of_themselves():
    assert words(say(elsewhere(GroupKind.JOINED, owner="m1"))) == []


def test_in_an_alliance_group_whose_admin_is_ours_the_order_is_kept_as_in_our_own():
    drive = done(say(elsewhere(GroupKind.ALLIANCE)))
    say(drive, "11:00")
    assert [(task.action, task.persona_id) for task in orders(drive)] == [("warn", "p-admin"), ("remove", "p-admin")]
    assert words(drive) == []


def test_in_an_alliance_group_that_one_of_us_owns_its_owner_keeps_the_order():
    (task,) = orders(say(elsewhere(GroupKind.ALLIANCE, "p-admin", owner="m-main")))
    assert (task.action, task.persona_id) == ("warn", "p-main")


def test_in_an_alliance_group_in_which_we_are_guests_its_owner_is_told():
    drive = say(elsewhere(GroupKind.ALLIANCE, "p-admin"))
    assert orders(drive) == []
    assert [task.script.id for task in words(drive)] == ["tell-ads"]


def test_words_to_an_owner_are_of_advertising_and_abuse_alone():
    with pytest.raises(ValidationError, match="advertises"):
        builders.playbook(order={"tells": [{**TELLS[0], "on": "curfew"}]})


@pytest.mark.parametrize(("name", "rules"), [("alliance-group", 4), ("new-estate-joined-group", 0)])
def test_the_playbooks_for_groups_that_are_not_our_own_ship_their_order(name: str, rules: int):
    shipped = PLAYBOOKS[name].order
    assert (len(shipped.rules), [word.on.value for word in shipped.tells]) == (rules, ["advertises", "breaks_rules"])


def test_a_playbook_without_rules_warns_nobody_and_keeps_no_row():
    drive = pictures(say(ready(builders.playbook(reactions=[]))), "09:00", "09:01", "09:02", "09:03")
    assert orders(drive) == []
    assert [list(drive.rows.scan(CAMPAIGN, "e1", kind)) for kind in (OFFENCES, PICTURES)] == [[], []]


def test_somebody_who_wants_no_messages_is_sent_no_warning():
    assert orders(say(say(ready(), text="别再发了"), "09:30")) == []


# --- taken back -----------------------------------------------------------------------------------------


def test_a_message_recalled_after_it_counted_lifts_a_warning_that_was_not_given():
    drive = say(ready(), message_id="msg-ad").send(builders.recalled("g1", "msg-ad", at(1, "09:05")))
    assert kinds(drive) == [("warn", "withdrawn")]
    assert list(drive.rows.scan(CAMPAIGN, "e1", OFFENCES)) == []


def test_a_recalled_message_lifts_no_warning_that_was_given():
    drive = done(say(ready(), message_id="msg-ad")).send(builders.recalled("g1", "msg-ad", at(1, "09:35")))
    assert kinds(say(drive, "10:30"))[-1] == ("remove", "issued")


def test_an_act_of_several_messages_stands_on_those_that_are_left():
    drive = say(say(ready(), message_id="msg-1"), "09:05", message_id="msg-2")
    assert kinds(drive.send(builders.recalled("g1", "msg-1", at(1, "09:06")))) == [("warn", "issued")]
    assert kinds(drive.send(builders.recalled("g1", "msg-2", at(1, "09:07")))) == [("warn", "withdrawn")]
    flood = pictures(ready(), "09:00:00", "09:00:10", "09:00:20", "09:00:30")
    flood.send(builders.recalled("g1", "pic-09:00:10", at(1, "09:01")))
    assert kinds(flood) == [("warn", "withdrawn")], "three pictures are no flood"


@pytest.mark.parametrize("event", [
    builders.erased("m1", at(1, "10:00")), builders.consent("m1", at=at(1, "10:00")),
], ids=["erased", "consent taken back"])
def test_nothing_of_an_act_is_kept_of_who_must_not_be_known(event: bytes):
    drive = pictures(say(ready(), message_id="msg-ad"), "09:10").send(event)
    kept = {address: row for address, row in drive.rows.at.items() if address[2] in (OFFENCES, PICTURES, 17)}
    assert "'m1'" not in repr(kept)
    assert "msg-ad" not in repr(kept)
    assert "pic-09:10" not in repr(kept)
    assert kinds(drive) == [("warn", "withdrawn")]


# --- in a playbook --------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [
    "再发就把您踢出群", "警告您一次", "大家看看，点名批评", "@所有人 这位邻居发广告", "滚出去",
])
def test_a_warning_that_shames_or_threatens_is_refused(text: str):
    wrong = order(rules=[rule("ads", "advertises", warn=builders.script(text))])
    found = [one for one in check(builders.playbook(order=wrong)) if one.severity == "error"]
    assert [one.loc for one in found] == [("order", "rules", 0, "warn", "text")]


def test_the_warnings_that_ship_are_polite_and_cover_the_four_rules():
    assert [rule.on for rule in PLAYBOOK.order.rules] == ["advertises", "breaks_rules", "pictures", "curfew"]
    assert [rule.id for rule in PLAYBOOK.order.rules if unkind(rule.warn.text) is not None] == []
    assert PLAYBOOK.order.rules[2].pictures == 10


@pytest.mark.parametrize(("fields", "says"), [
    ({"remove": None}, "rules end in a removal: remove: is missing"),
    ({"rules": [rule("a1", "advertises"), rule("a2", "advertises")]}, "there are two rules about advertises"),
    ({"rules": [rule("ads", "spam")]}, "Input should be 'advertises'"),
    ({"circles": [{"id": "c1", "circle": "core", "from_rung": "buyer"}] * 2}, "there are two circles core"),
])
def test_an_order_that_is_not_whole_is_refused(fields: dict[str, Any], says: str):
    with pytest.raises(ValidationError, match=says):
        builders.playbook(order=order(**fields))
