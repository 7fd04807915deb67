"""What holds for every playbook that ships, in every stage of it."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from itertools import pairwise

import pytest
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from agents.balance import tallies
from agents.playbook_check import check
from agents.script_grammar import outcomes
from agents.similar import likeness, words
from schemas.playbook import Duty, Formula, PhasePlan, Playbook, Reaction, ScriptText
from schemas.values import SAID_ACTIONS, VISIBLE_ACTIONS, Action, PersonaClass, Phase, Role
from tests.agents.shipped import DEFAULT, FOLDER, PLAYBOOKS, rendered, scripts

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

NAMES = sorted(PLAYBOOKS)
every_playbook = pytest.mark.parametrize("name", NAMES)


@cache
def whole_texts(name: str) -> dict[str, str]:
    """What every script of a playbook says, by its name: made when it is first asked for, not where tests are found."""
    playbook = PLAYBOOKS[name]
    return {id: rendered("\n".join((script.text, *script.attachments)), playbook) for id, script in scripts(playbook)}


def phases(playbook: Playbook) -> list[tuple[int, PhasePlan]]:
    return [(stage.stage, plan) for stage in playbook.stages for plan in stage.phases]


def days(playbook: Playbook) -> list[tuple[str, Phase, tuple[Duty, ...]]]:
    return [
        (f"{stage} {plan.phase} {day}", plan.phase, plan.plan[day])
        for stage, plan in phases(playbook) for day in sorted(plan.plan)
    ]


def offenders(name: str, pattern: re.Pattern[str], of: tuple[PersonaClass, ...] = tuple(PersonaClass)) -> list[str]:
    chosen = [id for id, script in scripts(PLAYBOOKS[name]) if script.speaks_as in of]
    found = [(id, pattern.search(whole_texts(name)[id])) for id in chosen]
    return [f"{id}: {match[0]}" for id, match in found if match]


def test_the_playbooks_of_all_kinds_of_group_ship():
    kinds = {(playbook.for_.estate, playbook.for_.group) for playbook in PLAYBOOKS.values()}
    assert kinds >= {("new", "own"), ("old", "own"), ("new", "joined"), ("new", "alliance")}
    assert DEFAULT in PLAYBOOKS


@every_playbook
def test_the_check_that_every_playbook_passes_finds_nothing(name: str):
    assert check(PLAYBOOKS[name]) == []


@every_playbook
def test_every_stage_runs_seven_to_fifteen_days(name: str):
    for stage in PLAYBOOKS[name].stages:
        assert 7 <= sum(plan.days for plan in stage.phases) <= 15, stage.stage


@every_playbook
def test_every_phase_has_a_gate_that_a_small_group_can_reach(name: str):
    for stage, plan in phases(PLAYBOOKS[name]):
        asked = plan.gate.asked()
        assert asked, (stage, plan.phase)
        assert asked.get("active_share", 0) <= 0.2
        assert all(value <= 15 for name, value in asked.items() if name != "active_share"), (stage, plan.phase)


@every_playbook
def test_every_day_serves_trust_and_what_its_phase_is_for(name: str):
    for day, phase, duties in days(PLAYBOOKS[name]):
        served = {part for duty in duties for part in duty.script.formula}
        assert Formula.TRUST in served, day
        if phase is Phase.SIGN_UP:
            assert {Formula.RISK, Formula.THRESHOLD} <= served, day


@every_playbook
def test_a_stage_of_an_own_group_serves_all_six_parts_of_the_formula(name: str):
    for stage in PLAYBOOKS[name].stages:
        served = {
            part for plan in stage.phases for day in plan.plan.values() for duty in day for part in duty.script.formula}
        assert served == set(Formula) or PLAYBOOKS[name].for_.group == "joined", stage.stage


@every_playbook
def test_nothing_is_sold_while_people_get_acquainted(name: str):
    for stage, plan in phases(PLAYBOOKS[name]):
        if plan.phase is Phase.WARM_UP:
            duties = [*(duty for day in plan.plan.values() for duty in day), *plan.rescue]
            sold = [d.id for d in duties if Formula.BENEFIT in d.script.formula or "offer." in d.script.text]
            assert sold == [], stage


@every_playbook
def test_nobody_is_asked_for_more_posts_than_the_limits_allow(name: str):
    limits = PLAYBOOKS[name].limits
    for day, _, duties in days(PLAYBOOKS[name]):
        posts = Counter(duty.role for duty in duties if duty.action in VISIBLE_ACTIONS)
        shills = posts.pop(Role.SHILL, 0)
        assert shills <= 6, day
        assert all(count <= limits.posts_per_day for count in posts.values()), (day, posts)


@every_playbook
def test_customer_service_can_ask_for_every_buyer_who_is_missing(name: str):
    """Where no buyer can testify, customer service asks instead: that is a post of theirs too."""
    for day, _, duties in days(PLAYBOOKS[name]):
        own = sum(duty.role is Role.CUSTOMER_SERVICE and duty.action is Action.POST for duty in duties)
        asked = sum(duty.instead is not None for duty in duties)
        assert own + asked <= PLAYBOOKS[name].limits.posts_per_day, day


@every_playbook
def test_the_posts_of_a_day_are_ten_minutes_apart_or_more(name: str):
    for day, _, duties in days(PLAYBOOKS[name]):
        for before, after in pairwise(duties):
            assert (after.at.hour - before.at.hour) * 60 + after.at.minute - before.at.minute >= 10, (day, after.id)


@every_playbook
def test_a_duty_is_over_when_its_window_closes(name: str):
    for duty in PLAYBOOKS[name].duties():
        span = next(span for span in PLAYBOOKS[name].windows.values() if span.holds(duty.at))
        left = (span.end.hour - duty.at.hour) * 60 + span.end.minute - duty.at.minute
        assert duty.minutes <= left, duty.id


@every_playbook
def test_every_text_can_be_read_at_a_glance(name: str):
    playbook = PLAYBOOKS[name]
    lengths = {id: len(rendered(script.text, playbook).replace("\n", "")) for id, script in scripts(playbook)}
    assert {id: length for id, length in lengths.items() if not 40 <= length <= 160} == {}


@every_playbook
def test_every_text_comes_out_whole(name: str):
    assert [id for id, text in whole_texts(name).items() if "{" in text or "。。" in text] == []


@every_playbook
def test_no_two_posts_open_with_the_same_words(name: str):
    posts = [duty.id for duty in PLAYBOOKS[name].duties() if duty.action is Action.POST]
    openings = Counter(re.sub(r"\W", "", whole_texts(name)[id])[:8] for id in posts)
    assert [opening for opening, count in openings.items() if count > 1] == []


def test_no_two_scripts_of_all_playbooks_are_alike():
    """Else a message would be taken for the posting of another script (agents/similar.py).

    A variant's script may be like the one in whose place it stands, and so may the two ends of a quiz: they
    are never out together.
    """
    texts = {
        text: (family_of(name), id) for name in NAMES for id, script in scripts(PLAYBOOKS[name])
        if not id.endswith("-nobody") for text in outcomes(script.text)
    }
    said, ids = [words(text) for text in texts], list(texts.values())
    alike = cdist(said, said, scorer=Indel.normalized_similarity, score_cutoff=0.6)
    near = [
        (ids[a], ids[b]) for a, b in zip(*alike.nonzero(), strict=True)
        if a < b and ids[a] != ids[b] and likeness(said[a], said[b])
    ]
    assert near == []


def family_of(name: str) -> str:
    derived = PLAYBOOKS[name].derived
    return derived.base if derived is not None else name


@every_playbook
def test_no_playbook_says_the_same_twice(name: str):
    said = Counter(words(script.text) for _, script in scripts(PLAYBOOKS[name]))
    assert [text for text, count in said.items() if count > 1] == []


@every_playbook
def test_staff_never_speak_as_an_owner_or_a_buyer(name: str):
    assert offenders(name, PRETENDING, (PersonaClass.STAFF, PersonaClass.PARTNER)) == []


@every_playbook
def test_a_buyer_says_that_the_shop_asked_them_to_speak(name: str):
    texts = {id: script.text for id, script in scripts(PLAYBOOKS[name]) if script.speaks_as is PersonaClass.BUYER}
    assert [id for id, text in texts.items() if not re.search(r"店里.{0,4}[请邀让喊叫]", text)] == []


@every_playbook
def test_buyers_testify_only_once_trust_is_the_matter_and_staff_ask_where_none_can(name: str):
    for stage, plan in phases(PLAYBOOKS[name]):
        for duty in (*(duty for day in plan.plan.values() for duty in day), *plan.rescue):
            if duty.script.testimonial is None:
                assert duty.instead is None, duty.id
                continue
            assert plan.phase is not Phase.WARM_UP, (stage, duty.id)
            assert duty.role is Role.SHILL, duty.id
            assert duty.instead is not None, duty.id
            assert duty.instead.speaks_as is PersonaClass.STAFF, duty.id


@every_playbook
def test_no_script_names_a_price(name: str):
    assert offenders(name, PRICED) == []
    texts: list[ScriptText] = [script for _, script in scripts(PLAYBOOKS[name])]
    assert not any("offer." in script.text and ".price" in script.text for script in texts)


@every_playbook
def test_no_offer_promises_a_price(name: str):
    for offer in PLAYBOOKS[name].offers.values():
        assert "以门店当日公示价为准" in offer.terms, offer.name
        assert offer.price == "", offer.name
        assert not PRICED.search(offer.name + offer.terms), offer.name
        assert not offer.terms.endswith("。"), offer.name


@every_playbook
def test_no_script_counts_people_presses_boasts_or_hangs_on_the_calendar(name: str):
    assert [found for pattern in (PRESSING, BOASTING, CALENDAR) for found in offenders(name, pattern)] == []


@every_playbook
def test_tomorrow_is_only_promised_where_the_phase_has_a_next_day(name: str):
    for stage, plan in phases(PLAYBOOKS[name]):
        last = [*plan.plan[plan.days], *plan.rescue]
        assert [duty.id for duty in last if duty.script.speaks_as is PersonaClass.STAFF
                and re.search("明天|明晚|明日", duty.script.text)] == [], (stage, plan.phase)


@every_playbook
def test_an_instruction_is_never_something_to_post(name: str):
    """What opens with 【…】 is read by whoever does the task; a post is copied as it stands."""
    items: list[Duty | Reaction] = [*PLAYBOOKS[name].duties(), *PLAYBOOKS[name].reactions]
    for item in items:
        instructed = item.script.text.startswith("【")
        assert instructed == (item.action in {Action.CHECK, Action.REVIEW, Action.VISIT, Action.CALL}), item.id
    for said in PLAYBOOKS[name].said():
        assert said.script.text.startswith("【") != (said.action in SAID_ACTIONS), said.id


def test_every_file_of_the_folder_ships():
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if family_of(name) != name])
def test_a_category_speaks_of_its_own_product(name: str):
    """In a category's playbook buyers testify to that product, and nobody talks of the base's to the owners."""
    playbook = PLAYBOOKS[name]
    before_the_group = {said.id for said in playbook.said() if said.loc[0] == "entry"}
    own = {id: script for id, script in scripts(playbook) if id not in before_the_group}
    before = dict(scripts(PLAYBOOKS[family_of(name)]))
    assert sum(id not in before or script.text != before[id].text for id, script in own.items()) >= 250
    assert {script.testimonial for script in own.values() if script.testimonial} == {playbook.category}
    kept = {id for id, script in own.items() if id in before and script.text == before[id].text}
    assert [id for id in kept if re.search("橱柜|衣柜|板材|封边|铰链|抽屉|样柜|柜门|量尺", own[id].text)] == []


CATEGORIES = [name for name in NAMES if family_of(name) != name]


@pytest.mark.parametrize("name", CATEGORIES)
def test_a_category_has_all_stages_and_each_phase_speaks_of_it(name: str):
    playbook, base = PLAYBOOKS[name], PLAYBOOKS[family_of(name)]
    assert [stage.stage for stage in playbook.stages] == [stage.stage for stage in base.stages]
    before = {duty.id: duty.script.text for duty in base.duties()}
    for stage, plan in phases(playbook):
        duties = [*(duty for day in plan.plan.values() for duty in day), *plan.rescue]
        own = [duty.id for duty in duties if duty.script.text != before[duty.id]]
        assert len(own) >= (len(duties) // 8 if plan.phase is Phase.WARM_UP else len(duties) // 3), (stage, plan.phase)


@pytest.mark.parametrize("name", CATEGORIES)
def test_a_category_is_balanced_day_by_day_as_its_base(name: str):
    pairs = list(zip(tallies(PLAYBOOKS[name]), tallies(PLAYBOOKS[family_of(name)]), strict=True))
    for own, base in pairs:
        assert set(own.formula) >= set(base.formula), (own.stage, own.day)
        assert set(own.drives) >= set(base.drives), (own.stage, own.day)
        assert set(own.scenes) == set(base.scenes), (own.stage, own.day)


@pytest.mark.parametrize("name", CATEGORIES)
def test_what_comes_again_speaks_of_the_category_too(name: str):
    own = {said.id: said.script for said in PLAYBOOKS[name].said() if said.loc[0] == "recurring"}
    before = {said.id: said.script for said in PLAYBOOKS[family_of(name)].said() if said.loc[0] == "recurring"}
    sold = [id for id in before if re.match("flash-sale|friday-bargain|night-surprise|referral-day|neighbours", id)]
    assert len(sold) == 15
    assert [id for id in sold if own[id].text == before[id].text or own[id].version <= before[id].version] == []
    asked = [id for id in own.keys() - before.keys() if not id.endswith(("-win", "-nobody"))]
    assert len(asked) >= 12
    bank = [question.id in {id.removeprefix("quiz-") for id in asked}
            for item in PLAYBOOKS[name].recurring if item.quiz is not None for question in item.quiz.bank]
    assert all(any(bank[first:first + 5]) for first in range(len(bank) - 4)), "spread, not in one heap"
