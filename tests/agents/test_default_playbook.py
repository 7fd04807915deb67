from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

import agents
from agents.claims import claims
from agents.playbook_check import check
from schemas.playbook import Duty, Formula, PhasePlan, Playbook, Reaction, ScriptText
from schemas.values import VISIBLE_ACTIONS, Action, PersonaClass, Phase, Role

FILE = Path(agents.__file__).parent / "playbooks" / "new-estate-own-group.yaml"
PLAYBOOK = Playbook.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))

PEOPLE = {Role.MAIN_PERSONA, Role.SHILL, Role.CUSTOMER_SERVICE, Role.DESIGNER, Role.GROUP_ADMIN}
#: Several shills share a day's duties; each is held to the playbook's posts a day when the work is handed out.
SHILL_DUTIES_A_DAY = 6
CATEGORIES = {"whole_house", "wardrobe", "kitchen", "wooden_door"}
READING_WINDOWS = ("morning", "noon", "evening", "night")

ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined)
VALUES = {
    "estate": {"name": "绿地城", "city": "哈尔滨", "district": "松北区"},
    "group": {"name": "绿地城业主交流群"},
    "store": {"name": "松北店"},
    "dealer": {"name": "松北家居"},
    "persona": {"name": "林晚", "title": "客服"},
    "campaign": {"day": 3},
    "offer": {key: {"name": o.name, "terms": o.terms, "price": o.price} for key, o in PLAYBOOK.offers.items()},
}
WITH_MEMBER = {**VALUES, "member": {"name": "小王"}}

PRETENDING = re.compile(
    "我家(?!具|居)|我们家|俺家|咱|我们小区|我们这栋|我们楼|我们业主|我也是业主|我是业主|我是.{0,4}栋的|我也住|我住|我也买|我买了|我刚订|我订了|"
    "我也订|我刚下单|我也报名|我报了名|作为业主|作为邻居|作为客户|身为业主|同为业主|邻居们我是|我当时选|我用了|用了半年|亲测"
)
PRICED = re.compile(r"\d\s*(?:元|块|折|%|％|万)|[一二两三四五六七八九十百千半]\s*(?:折|元|块钱|万块)|[¥￥]|百分之")
PRESSING = re.compile(
    r"仅剩|只剩|最后\d|名额有限|名额不多|手慢|抢光|秒光|错过.{0,4}等|倒计时|已经?有\s*\d+|\d+\s*户(?:已|都|报)"
)
BOASTING = re.compile(r"零甲醛|零增项|全网最低|最低价|史上|第一品牌|国家级|顶级|百分百|保证不|永不")
CALENDAR = re.compile(r"周[一二三四五六日末]|星期|礼拜|元旦|春节|五一|国庆|双十一|中秋|端午|清明|\d+月|\d+号(?!楼)")


def phases() -> tuple[PhasePlan, ...]:
    return PLAYBOOK.stages[0].phases


def days() -> list[tuple[str, tuple[Duty, ...]]]:
    return [(f"{plan.phase} {day}", plan.plan[day]) for plan in phases() for day in sorted(plan.plan)]


def scripts_of(item: Duty | Reaction) -> list[tuple[str, ScriptText]]:
    instead = item.instead if isinstance(item, Duty) else None
    return [(item.id, item.script), *([(f"{item.id} (instead)", instead)] if instead else [])]


ITEMS: list[Duty | Reaction] = [*PLAYBOOK.duties(), *PLAYBOOK.reactions]
SCRIPTS = [pair for item in ITEMS for pair in scripts_of(item)]
STAFF_SCRIPTS = [(name, script) for name, script in SCRIPTS if script.speaks_as is PersonaClass.STAFF]


def rendered(script: ScriptText) -> str:
    return ENVIRONMENT.from_string(script.text).render(WITH_MEMBER)


def window_of(duty: Duty) -> str:
    return next(name for name, span in PLAYBOOK.windows.items() if span.holds(duty.at))


def offenders(pattern: re.Pattern[str], scripts: list[tuple[str, ScriptText]]) -> list[tuple[str, str]]:
    found = [(name, pattern.search("\n".join((rendered(script), *script.attachments)))) for name, script in scripts]
    return [(name, match[0]) for name, match in found if match]


def test_the_check_that_every_playbook_passes_finds_nothing():
    assert check(PLAYBOOK) == []


def test_the_stage_is_eleven_days_three_three_two_two_one():
    assert [plan.days for plan in phases()] == [3, 3, 2, 2, 1]
    assert [plan.longest for plan in phases()] == [5, 5, 3, 3, 2]
    assert (PLAYBOOK.for_.estate, PLAYBOOK.for_.group) == ("new", "own")


def test_every_phase_has_a_gate_that_a_small_group_can_reach():
    for plan in phases():
        asked = plan.gate.asked()
        assert asked, plan.phase
        assert asked.get("active_share", 0) <= 0.2
        assert all(value <= 10 for name, value in asked.items() if name != "active_share"), plan.phase


@pytest.mark.parametrize(("name", "duties"), days())
def test_every_reading_window_of_every_day_has_two_duties(name: str, duties: tuple[Duty, ...]):
    counted = Counter(window_of(duty) for duty in duties)
    assert {window: counted[window] for window in READING_WINDOWS if counted[window] < 2} == {}, name
    assert 11 <= len(duties) <= 14, name


@pytest.mark.parametrize(("name", "duties"), days())
def test_every_role_has_work_every_day(name: str, duties: tuple[Duty, ...]):
    assert {duty.role for duty in duties} == PEOPLE, name


@pytest.mark.parametrize(("name", "duties"), days())
def test_nobody_is_asked_for_more_posts_than_the_limits_allow(name: str, duties: tuple[Duty, ...]):
    posts = Counter(duty.role for duty in duties if duty.action in VISIBLE_ACTIONS)
    shills = posts.pop(Role.SHILL)
    assert shills <= SHILL_DUTIES_A_DAY, name
    assert all(count <= PLAYBOOK.limits.posts_per_day for count in posts.values()), (name, posts)


@pytest.mark.parametrize(("name", "duties"), days())
def test_customer_service_can_ask_for_every_buyer_who_is_missing(name: str, duties: tuple[Duty, ...]):
    """Where no buyer can testify, customer service asks instead: that is a post of theirs too."""
    own = sum(duty.role is Role.CUSTOMER_SERVICE and duty.action is Action.POST for duty in duties)
    assert own + sum(duty.instead is not None for duty in duties) <= PLAYBOOK.limits.posts_per_day, name


@pytest.mark.parametrize(("name", "duties"), days())
def test_posts_of_a_window_are_ten_to_twenty_minutes_apart(name: str, duties: tuple[Duty, ...]):
    for before, after in pairwise(duties):
        gap = (after.at.hour - before.at.hour) * 60 + after.at.minute - before.at.minute
        assert gap > 0, (name, after.id)
        if window_of(before) == window_of(after):
            assert 10 <= gap <= 20, (name, after.id)


def test_a_duty_is_over_when_its_window_closes():
    for duty in PLAYBOOK.duties():
        span = PLAYBOOK.windows[window_of(duty)]
        left = (span.end.hour - duty.at.hour) * 60 + span.end.minute - duty.at.minute
        assert duty.minutes <= left, duty.id


def test_the_quiz_runs_on_most_days_and_the_flash_sale_when_value_is_shown():
    quizzes = [name for name, duties in days() if any(window_of(duty) == "quiz" for duty in duties)]
    sales = [name for name, duties in days() if any(window_of(duty) == "flash_sale" for duty in duties)]
    assert len(quizzes) >= 8
    assert sales == ["value 1", "value 2", "sign_up 1", "sign_up 2"]


def test_every_phase_has_three_or_four_rescue_duties_with_their_own_angle():
    for plan in phases():
        assert 3 <= len(plan.rescue) <= 4, plan.phase
        assert len({window_of(duty) for duty in plan.rescue}) == len(plan.rescue), plan.phase


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_every_template_renders(item: Duty | Reaction):
    values = WITH_MEMBER if isinstance(item, Reaction) else VALUES
    for name, script in scripts_of(item):
        for text in (script.text, *script.attachments):
            out = ENVIRONMENT.from_string(text).render(values)
            assert out.strip(), name
            assert "{" not in out, name
            assert "。。" not in out, name


def test_every_text_can_be_read_at_a_glance():
    lengths = {name: len(rendered(script).replace("\n", "")) for name, script in SCRIPTS}
    assert {name: length for name, length in lengths.items() if not 40 <= length <= 160} == {}


def test_no_two_scripts_have_the_same_text():
    texts = Counter(re.sub(r"\W", "", script.text) for _, script in SCRIPTS)
    assert [text for text, count in texts.items() if count > 1] == []


def test_no_two_posts_open_with_the_same_words():
    posts = [rendered(duty.script) for duty in PLAYBOOK.duties() if duty.action is Action.POST]
    openings = Counter(re.sub(r"\W", "", text)[:8] for text in posts)
    assert [opening for opening, count in openings.items() if count > 1] == []


def test_the_stage_serves_all_six_parts_of_the_formula():
    served = Counter(part for _, duties in days() for duty in duties for part in duty.script.formula)
    assert set(served) == set(Formula)
    assert min(served.values()) >= 10, served


@pytest.mark.parametrize(("phase", "parts"), [
    (Phase.WARM_UP, {Formula.TRUST, Formula.NEED}),
    (Phase.TRUST, {Formula.TRUST}),
    (Phase.VALUE, {Formula.VALUE, Formula.NEED}),
    (Phase.SIGN_UP, {Formula.BENEFIT, Formula.RISK, Formula.THRESHOLD}),
    (Phase.CLOSING, {Formula.RISK, Formula.THRESHOLD, Formula.TRUST}),
])
def test_a_phase_serves_its_parts_of_the_formula_every_day(phase: Phase, parts: set[Formula]):
    plan = next(plan for plan in phases() if plan.phase is phase)
    for day, duties in plan.plan.items():
        assert parts <= {part for duty in duties for part in duty.script.formula}, (phase, day)


def test_nothing_is_sold_while_people_get_acquainted():
    warm_up = phases()[0]
    duties = [*(duty for day in warm_up.plan.values() for duty in day), *warm_up.rescue]
    assert not [duty.id for duty in duties if Formula.BENEFIT in duty.script.formula or "offer." in duty.script.text]


def test_staff_never_speak_as_an_owner_or_a_buyer():
    assert offenders(PRETENDING, STAFF_SCRIPTS) == []
    assert [(name, claim) for name, script in STAFF_SCRIPTS for claim in claims(rendered(script))] == []


def test_buyers_testify_eight_to_ten_times_and_only_once_trust_is_the_matter():
    buyers = [(plan.phase, duty) for plan in phases() for day in plan.plan.values() for duty in day
              if duty.script.speaks_as is PersonaClass.BUYER]
    assert 8 <= len(buyers) <= 10
    assert {phase for phase, _ in buyers} == {Phase.TRUST, Phase.VALUE, Phase.SIGN_UP, Phase.CLOSING}
    assert {duty.role for _, duty in buyers} == {Role.SHILL}
    assert {duty.script.testimonial for _, duty in buyers} == CATEGORIES


def test_a_buyer_says_that_the_shop_asked_them_to_speak():
    texts = {name: script.text for name, script in SCRIPTS if script.speaks_as is PersonaClass.BUYER}
    assert [name for name, text in texts.items() if not re.search(r"店里.{0,4}[请邀让]", text)] == []


def test_where_no_buyer_can_testify_staff_ask_for_one():
    for duty in PLAYBOOK.duties():
        if duty.script.testimonial:
            assert duty.instead is not None, duty.id
            assert duty.instead.speaks_as is PersonaClass.STAFF, duty.id
        else:
            assert duty.instead is None, duty.id


def test_no_script_names_a_price():
    assert offenders(PRICED, SCRIPTS) == []
    assert not any("offer." in script.text and ".price" in script.text for _, script in SCRIPTS)


def test_no_offer_promises_a_price():
    for name, offer in PLAYBOOK.offers.items():
        assert "以门店当日公示价为准" in offer.terms, name
        assert offer.price == "", name
        assert not PRICED.search(offer.name + offer.terms), name
        assert not offer.terms.endswith("。"), name


def test_no_script_counts_people_or_presses():
    assert offenders(PRESSING, SCRIPTS) == []


def test_no_script_boasts_what_advertising_law_forbids():
    assert offenders(BOASTING, SCRIPTS) == []


def test_no_script_hangs_on_the_calendar():
    assert offenders(CALENDAR, SCRIPTS) == []


def test_tomorrow_is_only_promised_where_the_phase_has_a_next_day():
    for plan in phases():
        last = [*plan.plan[plan.days], *plan.rescue]
        assert [duty.id for duty in last if duty.script.speaks_as is PersonaClass.STAFF
                and re.search("明天|明晚|明日", duty.script.text)] == [], plan.phase


def test_an_instruction_is_never_something_to_post():
    """What opens with 【…】 is read by whoever does the task; a post is copied as it stands."""
    for item in ITEMS:
        instructed = item.script.text.startswith("【")
        assert instructed == (item.action in {Action.CHECK, Action.REVIEW, Action.VISIT, Action.CALL}), item.id


def test_reactions_answer_what_people_ask_and_a_complaint_first():
    by_signal = {reaction.on: reaction for reaction in PLAYBOOK.reactions}
    assert set(by_signal) == {
        "joined", "asks_price", "asks_design", "asks_product", "asks_service", "asks_progress", "complains",
        "signs_up", "agrees_to_visit", "home_unclear",
    }
    assert by_signal["complains"].priority == 1
    assert by_signal["complains"].role is Role.CUSTOMER_SERVICE
    assert by_signal["signs_up"].role is Role.MAIN_PERSONA
    assert {reaction.script.speaks_as for reaction in PLAYBOOK.reactions} == {PersonaClass.STAFF}
