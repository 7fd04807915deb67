"""Nothing is handed out that would have a person pretend: gate by gate, and through the whole planner."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from agents import honesty
from agents.called import SOMEBODY
from agents.honesty import Draft, in_curfew, refusal
from agents.state import OrderRow
from agents.texts import is_an_offers_name, text_of
from schemas.playbook import Limits, Playbook, ScriptText, Span
from schemas.tasks import Evidence, Script, Task, Window
from schemas.values import Action, PersonaClass, Phase, Role, TaskStatus
from streams.playbook_files import builtin_playbooks
from tests import builders
from tests.agents.drive import Drive, crowd, world
from tests.builders import at

STAFF, BUYER, PARTNER = PersonaClass.STAFF, PersonaClass.BUYER, PersonaClass.PARTNER
START = builders.campaign_started()
CURFEW = Span(start=time(23), end=time(7))
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


# --- the last word: every reason, and only it ---------------------------------------------------------


def task(text: str = "早", line: str | None = "——店 门店主理人 林晚", **fields: Any) -> Task:
    said = f"{text}\n{line}" if line else text
    whole: dict[str, Any] = {
        "task_id": "t1", "dealer_id": "d1", "estate_id": "e1", "group_id": "g1", "campaign_id": "c1", "stage": 1,
        "phase": Phase.TRUST, "day": 1, "role": Role.MAIN_PERSONA, "persona_id": "p-main", "action": Action.POST,
        "window": Window(NINE, NINE + timedelta(minutes=30)), "script": Script("s1", 1, said), "disclosure": line,
        "because": ("x",), "priority": 5, "status": TaskStatus.ISSUED, "issued_at": NINE, **fields,
    }
    return Task(**whole)


def draft(**facts: Any) -> Draft:
    """An honest task of the main persona, and every fact about it; `facts` replace."""
    whole: dict[str, Any] = {
        "task": task(), "words": "早", "estate": "绿地城", "speaks_as": STAFF, "persona": builders.persona(),
        "product": None, "order": None, "limits": Limits(), "curfew": CURFEW, "local_start": NINE,
        "local_end": NINE + timedelta(minutes=30), "members": 100, "active_shills": frozenset(), "posts_today": 0,
        "group_open": True, "target_opted_out": False, **facts,
    }
    return Draft(**whole)


def told_by_a_buyer(**facts: Any) -> Draft:
    """A buyer who speaks of what they have."""
    own = OrderRow("m-buyer", "g1", ("全屋定制",), 100, delivered=True)
    whole = {
        "task": task("我家柜子装好了", None, role=Role.SHILL, persona_id="p-buyer", evidence=Evidence(order_id="o1")),
        "persona": builders.persona("p-buyer", Role.SHILL, BUYER), "speaks_as": BUYER, "product": "全屋定制",
        "order": own, **facts,
    }
    return draft(**whole)


def test_an_honest_task_is_not_refused():
    assert refusal(draft()) is None
    assert refusal(draft(task=task(group_id="", action=Action.VISIT), persona=builders.persona(groups=()))) is None
    assert refusal(told_by_a_buyer()) is None


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"persona": None}, "no registered person was named for it"),
        ({"persona": builders.persona("p-other")}, "no registered person was named for it"),
        ({"persona": builders.persona(groups=("g2",))}, "p-main has no account in the group"),
        ({"task": task(group_id="")}, "it would be said in a group, and names none"),
        ({"task": task(group_id="", action=Action.VISIT), "persona": builders.persona(cls=PARTNER)},
         "it belongs to no group, and is not for the shop's staff"),
        ({"task": task(group_id="", action=Action.VISIT, role=Role.SHILL)},
         "it belongs to no group, and is not for the shop's staff"),
        ({"persona": builders.persona(cls=BUYER)}, "p-main is buyer, a main_persona must be staff"),
        ({"persona": builders.persona(cls=PARTNER)}, "p-main is partner, a main_persona must be staff"),
        ({"speaks_as": PARTNER}, "p-main is staff and cannot speak as partner"),
        ({"speaks_as": BUYER}, "p-main is staff and cannot speak as buyer"),
        ({"task": task(line=None)}, "it does not say who speaks"),
        ({"task": msgspec.structs.replace(task(), script=Script("s1", 1, "早"))}, "it does not say who speaks"),
        ({"words": "我是业主"}, "staff would speak as an owner: “我是业主”"),
        ({"words": "我家也装了"}, "staff would speak as a buyer: “我家也装了”"),
        ({"words": "我是绿地城的，大家好"}, "staff would speak as an owner: “我是绿地城的”"),
        ({"product": "全屋定制"}, "no order of the speaker's own bears it out"),
        ({"posts_today": 4}, "p-main has posted 4 times that day"),
        ({"group_open": False}, "the group's owner closed it to us"),
        ({"target_opted_out": True}, "the member wants no messages from us"),
        ({"local_start": NINE.replace(hour=23), "local_end": NINE.replace(hour=23, minute=30)},
         "it lies in the curfew"),
        ({"local_start": NINE.replace(hour=22, minute=50), "local_end": NINE.replace(hour=23, minute=20)},
         "it lies in the curfew"),
    ],
)
def test_each_reason_is_found(facts: dict[str, Any], reason: str):
    assert refusal(draft(**facts)) == reason


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"product": None}, "a buyer would speak, but of no product"),
        ({"order": OrderRow("m-other", "g1", ("全屋定制",), 1, delivered=True)},
         "no order of the speaker's own bears it out"),
        ({"order": OrderRow("m-buyer", "g1", ("地板",), 1, delivered=True)},
         "the speaker has no delivered, unrefunded order of 全屋定制"),
        ({"order": OrderRow("m-buyer", "g1", ("全屋定制",), 1)},
         "the speaker has no delivered, unrefunded order of 全屋定制"),
        ({"order": OrderRow("m-buyer", "g1", ("全屋定制",), 1, delivered=True, refunded=True)},
         "the speaker has no delivered, unrefunded order of 全屋定制"),
        ({"order": OrderRow("m-buyer", "g1", ("全屋定制",), 1, delivered=True, cancelled=True)},
         "the speaker has no delivered, unrefunded order of 全屋定制"),
        ({"task": task("好用", None, role=Role.SHILL, persona_id="p-buyer")},
         "it does not name the order that it rests on"),
        ({"members": 12}, "1 shills to 12 members are too many"),
        ({"members": 24, "active_shills": frozenset({"p-a"})}, "2 shills to 24 members are too many"),
    ],
)
def test_each_reason_against_a_testimony_is_found(facts: dict[str, Any], reason: str):
    assert refusal(replace(told_by_a_buyer(), **facts)) == reason


def test_no_order_at_all_bears_nothing_out():
    assert refusal(replace(told_by_a_buyer(), order=None)) == "no order of the speaker's own bears it out"


def test_who_is_active_already_takes_no_further_place():
    assert refusal(told_by_a_buyer(members=13, active_shills=frozenset({"p-buyer"}))) is None


def test_an_instruction_has_no_line_in_its_text_but_is_judged_all_the_same():
    check = task("【群务】看一遍名片", action=Action.CHECK)
    assert refusal(draft(task=check, words="【群务】看一遍名片")) is None
    assert refusal(draft(task=check, words="我家也装了")) == "staff would speak as a buyer: “我家也装了”"


def test_a_line_says_who_speaks_for_the_shop_and_a_buyer_speaks_for_themselves():
    staff, buyer = builders.persona(), builders.persona("p-buyer", Role.SHILL, BUYER)
    assert honesty.disclosure_of(staff, "木语", "门店主理人") == "——木语 门店主理人 林晚"
    assert honesty.disclosure_of(buyer, "木语", "老客户") is None


def test_a_partner_is_called_one():
    partner = builders.persona("p-x", Role.SHILL, PARTNER)
    assert honesty.disclosure_of(partner, "木语", "设计师") == "——木语 合作方 林晚"


@pytest.mark.parametrize(
    ("members", "allowed"), [(0, 0), (12, 0), (13, 1), (24, 1), (25, 2), (99, 7), (100, 8), (500, 40)])
def test_eight_to_a_hundred_is_rounded_down(members: int, allowed: int):
    assert honesty.shills_allowed(members, Limits()) == allowed


def test_a_playbook_may_be_stricter():
    assert honesty.shills_allowed(100, Limits(shills_per_100=3)) == 3
    assert refusal(draft(limits=Limits(posts_per_day=1), posts_today=1)) == "p-main has posted 1 times that day"


@pytest.mark.parametrize(
    ("start", "minutes", "held"),
    [("06:59", 10, True), ("07:00", 30, False), ("22:30", 30, False), ("22:31", 30, True), ("22:59", 1, False),
     ("23:00", 10, True), ("23:59", 10, True), ("00:00", 10, True), ("21:00", 600, True)],
)
def test_a_window_touches_the_curfew_or_not(start: str, minutes: int, held: bool):
    begins = datetime.combine(NINE.date(), time.fromisoformat(start), UTC)
    assert in_curfew(CURFEW, begins, begins + timedelta(minutes=minutes)) is held


def test_a_curfew_may_lie_within_the_day():
    noon = Span(start=time(12), end=time(14))
    assert in_curfew(noon, NINE.replace(hour=11, minute=50), NINE.replace(hour=12, minute=10))
    assert not in_curfew(noon, NINE.replace(hour=14), NINE.replace(hour=15))


# --- at load ------------------------------------------------------------------------------------------


def script(text: str = "早", speaks_as: PersonaClass = STAFF, **fields: Any) -> ScriptText:
    return ScriptText.model_validate(builders.script(text, speaks_as, **fields))


@pytest.mark.parametrize("role", sorted(honesty.STAFF_ROLES))
def test_whoever_leads_advises_or_serves_speaks_as_staff(role: Role):
    own = script("好用", BUYER, testimonial="全屋定制")
    assert honesty.script_fault(role, own) == f"a {role} is staff and cannot speak as buyer"
    assert honesty.script_fault(Role.SHILL, own) is None


def test_a_script_in_which_staff_claim_to_live_here_is_refused():
    assert honesty.script_fault(Role.SHILL, script("我也是本小区业主")) is not None
    assert honesty.script_fault(Role.SHILL, script("我是店里的同事")) is None


# --- values -------------------------------------------------------------------------------------------


def first_duty(text: str, **fields: Any) -> Playbook:
    data = builders.playbook_data(**fields)
    data["stages"][0]["phases"][0]["plan"][1][0]["script"] = builders.script(text)
    return Playbook.model_validate(data)


def morning(play: Playbook, **rows: Any) -> Drive:
    return Drive(world(builders.reference(**rows), play)).send(START).until(1, "07:00")


def out(drive: Drive) -> list[Task]:
    return drive.tasks_of(script="warm-up-1-morning")


def test_the_name_of_a_group_can_make_no_claim():
    play = first_duty("{{ group.name }}，早")
    assert len(out(morning(play))) == 1
    drive = morning(play, groups=[builders.group(name="我家装好了群")])
    assert out(drive) == []
    assert drive.counts().refused == 1


def test_the_name_of_a_member_can_make_no_claim():
    drive = Drive().send(START, builders.joined(display_name="我是业主老王", at=at(1, "09:00")))
    (welcome,) = drive.tasks_of(script="welcome")
    assert "老王" not in welcome.script.text
    assert SOMEBODY in welcome.script.text, "and they are welcomed all the same"
    assert drive.counts().refused == 0


def test_the_name_of_the_estate_is_known_to_the_judge():
    assert out(morning(first_duty("我是{{ estate.name }}的，大家好"))) == []
    assert len(out(morning(first_duty("我是{{ store.name }}的，给{{ estate.name }}做柜子")))) == 1


def test_an_offer_that_is_for_owners_makes_nobody_an_owner():
    play = first_duty("我是{{ offer.measure.name }}活动的负责人，有问题找我")
    drive = morning(play, offers=[builders.offer("measure@d1", "业主专享")])
    (one,) = out(drive)
    assert "我是业主专享活动的负责人" in one.script.text


@pytest.mark.parametrize("name", ["业主专享", "业主专属福利", "老业主答谢", "邻里团购", "新春特惠", "收房季"])
def test_a_name_that_can_only_be_an_offers_is_set_aside(name: str):
    assert is_an_offers_name(name)


@pytest.mark.parametrize(
    "name",
    ["业主", "我家", "我", "我家专享", "买的柜子", "我们业主的活动", "自家福利", "本人报名", "买的套餐", "3栋业主李姐"],
)
def test_a_name_that_could_be_read_as_the_speakers_is_judged_where_it_stands(name: str):
    assert not is_an_offers_name(name)


def test_an_offers_terms_are_judged_as_they_stand():
    play = first_duty("{{ offer.measure.name }}：{{ offer.measure.terms }}")
    assert out(morning(play, offers=[builders.offer("measure@d1", terms="我家也装了，放心")])) == []


def test_what_goes_along_with_a_text_is_judged_with_it():
    values = {"store": {"name": "木语"}}
    text = text_of(script("早", attachments=("{{ store.name }}实拍：我家客厅装好了",)), values)
    assert honesty.text_fault(STAFF, text.judged) is not None


def test_no_text_of_the_house_is_refused_whatever_the_estate_is_called():
    play = builtin_playbooks()["new-estate-own-group"]
    items = [builders.item(play.category)]
    for name in ("绿地城", "业主之家", "我的家园", "阳光100", "1号院"):
        groups = [builders.group(name=f"{name}业主交流群")]
        drive = Drive(world(builders.reference(estates=[builders.estate(name=name)], groups=groups), play))
        drive.send(
            *crowd(25, clock="04:00"), builders.order_placed(member="m-buyer", at=at(1, "05:00"), items=items),
            builders.delivered(at=at(1, "05:10")), builders.campaign_started(playbook=play.playbook)).until(20)
        assert drive.counts().refused == 0, name
        assert len(drive.tasks) > 100


# --- limits, through the planner --------------------------------------------------------------------------


def test_nobody_posts_more_a_day_than_the_playbook_says():
    data = builders.playbook_data(limits={"posts_per_day": 2})
    duty = data["stages"][0]["phases"][0]["plan"][1][0]
    data["stages"][0]["phases"][0]["plan"][1] = [
        {**duty, "id": f"post-{n}", "at": f"{11 + n // 2}:{30 + n % 2 * 20}"} for n in range(3)]
    drive = morning(Playbook.model_validate(data))
    assert [one.script.id for one in drive.tasks_of()] == ["post-0", "post-1"]
    assert drive.counts().refused == 1


def test_answers_are_no_posts():
    play = builders.playbook(limits={"posts_per_day": 1})
    drive = Drive(world(None, play)).send(START, *crowd(2, clock="10:00")).until(1, "12:00")
    assert len(drive.tasks_of(script="welcome")) == 2


def test_what_was_withdrawn_counts_as_no_post():
    play = builders.playbook(limits={"posts_per_day": 1})
    drive = Drive(world(None, play)).send(START).until(1, "07:00")
    drive.send(builders.campaign_paused(at=at(1, "07:10")), builders.campaign_resumed(at=at(1, "07:20")))
    assert [one.status.value for one in out(drive)] == ["withdrawn", "issued"]
    assert drive.counts().refused == 0


def test_a_person_of_the_wrong_class_gets_no_duty_of_the_shop():
    for cls in (BUYER, PARTNER):
        assert morning(builders.playbook(), personas=[builders.persona(cls=cls)]).tasks == {}


def test_a_duty_that_would_have_staff_testify_is_never_handed_out():
    data = builders.playbook_data()
    own = builders.script("我家柜子就是这家做的", "buyer", testimonial="全屋定制")
    data["stages"][0]["phases"][0]["plan"][1][0]["script"] = own
    drive = Drive(world(None, Playbook.model_validate(data)))
    order = [builders.order_placed(member="m-main", at=at(1, "05:00")), builders.delivered(at=at(1, "05:10"))]
    assert out(drive.send(*crowd(25, clock="04:00"), *order, START).until(1, "07:00")) == []


def test_an_instruction_names_its_line_beside_the_text():
    data = builders.playbook_data()
    data["stages"][0]["phases"][0]["plan"][1][0] |= {"action": "check", "script": builders.script("【群务】看一遍名片")}
    (one,) = out(morning(Playbook.model_validate(data)))
    assert one.script.text == "【群务】看一遍名片"
    assert one.disclosure
    assert one.disclosure.startswith("——")
