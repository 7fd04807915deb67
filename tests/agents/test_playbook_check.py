from __future__ import annotations

from typing import Any

import pytest

from agents.playbook_check import ANSWERABLE, Finding, check
from schemas.playbook import Playbook
from tests import builders

SCRIPT = ("stages", 0, "phases", 0, "plan", 1, 0, "script")
LADDER = [
    {"rung": "onlooker", "by": ["reacted"]}, {"rung": "participant", "by": ["spoke"]},
    {"rung": "interested", "by": ["asks_price"]}, {"rung": "buyer", "by": ["order_paid"]},
]


def playbook(**fields: Any) -> dict[str, Any]:
    return builders.playbook_data(**{"ladder": LADDER, **fields})


def first_duty(data: dict[str, Any]) -> dict[str, Any]:
    duty: dict[str, Any] = data["stages"][0]["phases"][0]["plan"][1][0]
    return duty


def with_words(text: str, role: str = "main_persona", **script: Any) -> dict[str, Any]:
    data = playbook()
    first_duty(data).update(role=role, script=builders.script(text, **script))
    return data


def errors(data: dict[str, Any], offers: tuple[str, ...] = ()) -> list[Finding]:
    found = check(Playbook.model_validate(data), offers)
    return [finding for finding in found if finding.severity == "error"]


def warnings(data: dict[str, Any]) -> list[str]:
    return [finding.what for finding in check(Playbook.model_validate(data)) if finding.severity == "warning"]


def test_a_good_playbook_has_no_errors():
    assert errors(playbook()) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{{ estate.nmae }}", "estate.nmae is not a name that a script may use"),
        ("{{ member.name }}", "member.name is only known in a reaction"),
        ("{{ offer.flash_sale.terms }}", "there is no offer flash_sale"),
        ("{{ estate.name", "cannot be read"),
        ("{% for x in y %}{% endfor %}", "a loop is not allowed"),
    ],
)
def test_a_script_that_cannot_be_filled_is_an_error(text, what):
    found = errors(with_words(f"早\n{text}"))
    assert [finding.loc for finding in found] == [(*SCRIPT, "text")]
    assert what in found[0].what
    assert found[0].what.startswith("warm-up-1-morning: ")
    assert found[0].within == 2


@pytest.mark.parametrize("text", ["我也是本小区业主，柜子装好了", "我家柜子用了三年了", "柜子去年装的"])
def test_what_few_buyers_can_say_is_a_warning(text):
    data = with_words(text, role="shill", speaks_as="buyer", testimonial="全屋定制")
    assert errors(data) == []
    assert any("is only for a buyer" in what for what in warnings(data))


@pytest.mark.parametrize("text", ["已有50户业主下单", "用小号扮成邻居接话", "好评返现50元"])
def test_an_untruth_is_an_error_whoever_says_it(text):
    for role, words in (("main_persona", {}), ("shill", {"speaks_as": "buyer", "testimonial": "全屋定制"})):
        (found,) = errors(with_words(text, role=role, **words))
        assert "nobody can know or do that honestly" in found.what


def test_an_attachments_words_are_a_template_too():
    found = errors(with_words("早", attachments=["实景图", "{{ estate.plan }}"]))
    assert [finding.loc for finding in found] == [(*SCRIPT, "attachments", 1)]


def test_an_offer_of_the_dealer_may_be_spoken_of():
    assert errors(with_words("{{ offer.flash_sale.terms }}"), offers=("flash_sale",)) == []


@pytest.mark.parametrize(
    "role", ["main_persona", "customer_service", "designer", "group_admin", "installer", "leader"]
)
@pytest.mark.parametrize("speaks_as", ["buyer", "partner"])
def test_a_role_of_the_shop_speaks_as_staff(role, speaks_as):
    extra = {"testimonial": "全屋定制"} if speaks_as == "buyer" else {}
    found = errors(with_words("柜子不错", role, speaks_as=speaks_as, **extra))
    assert [finding.loc for finding in found] == [(*SCRIPT, "speaks_as")]
    assert f"a {role} is staff and cannot speak as a {speaks_as}" in found[0].what


@pytest.mark.parametrize("speaks_as", ["staff", "partner"])
def test_a_shill_may_speak_as_staff_or_partner(speaks_as):
    assert errors(with_words("今天店里有量房名额", "shill", speaks_as=speaks_as)) == []


@pytest.mark.parametrize("speaks_as", ["staff", "partner"])
@pytest.mark.parametrize(
    "text",
    [
        "我家柜子就是在这里做的",
        "{{ '我' ~ '家' }}柜子就是在这里做的",
        "{% if campaign.day == 1 %}早{% else %}我家柜子就是在这里做的{% endif %}",
        "{{ '早' if campaign.day == 1 else '我家柜子就是在这里做的' }}",
        "{% raw %}我家{% endraw %}柜子就是在这里做的",
        "{{ offer.measure.price or '我家柜子就是在这里做的' }}",
        "我{# #}家柜子就是在这里做的",
    ],
)
def test_staff_and_partners_do_not_speak_as_owners_however_it_is_written(speaks_as, text):
    found = errors(with_words(f"早\n{text}", "shill", speaks_as=speaks_as))
    assert [finding.loc for finding in found] == [(*SCRIPT, "text")]
    assert f"a {speaks_as} speaks as an owner" in found[0].what


def test_an_estates_name_does_not_hide_a_claim():
    assert errors(with_words("我是{{ estate.name }}的业主")) != []


def test_the_line_of_a_claim_within_its_text_is_told():
    assert errors(with_words("早\n\n我家柜子就是在这里做的"))[0].within == 3


def test_a_buyer_may_speak_as_one():
    text = "我家柜子就是在这里做的"
    assert errors(with_words(text, "shill", speaks_as="buyer", testimonial="全屋定制")) == []


def test_what_is_done_instead_of_a_testimonial_is_said_by_staff():
    data = with_words("我家柜子不错", "shill", speaks_as="buyer", testimonial="全屋定制")
    first_duty(data)["instead"] = builders.script("请问谁愿意说说", "partner")
    assert [finding.loc for finding in errors(data)] == [(*SCRIPT[:-1], "instead", "speaks_as")]


def test_an_instead_that_is_never_used_is_a_warning():
    data = with_words("早")
    first_duty(data)["instead"] = builders.script("请问谁愿意说说")
    assert any("never replaced" in what for what in warnings(data))


def test_an_offers_words_claim_nothing_either():
    data = playbook(offers={"measure": {"name": "免费量房", "terms": "我家柜子就是这样做的"}})
    assert [finding.loc for finding in errors(data)] == [("offers", "measure", "terms")]


def test_a_reaction_answers_joining_or_a_signal():
    reaction = {"id": "r1", "on": "asks_prise", "role": "customer_service", "script": builders.script("您好")}
    assert [finding.loc for finding in errors(playbook(reactions=[reaction]))] == [("reactions", 0, "on")]
    for on in ("joined", "asks_price", "opts_out"):
        assert on in ANSWERABLE
        assert errors(playbook(reactions=[{**reaction, "on": on}])) == []
    assert "order_paid" not in ANSWERABLE


def test_a_reaction_may_name_the_member():
    reaction = {
        "id": "r1", "on": "joined", "role": "group_admin", "script": builders.script("欢迎{{ member.name }}"),
    }
    assert errors(playbook(reactions=[reaction])) == []


def test_the_ladders_evidence_is_known():
    ladder = [*LADDER[:2], {"rung": "interested", "by": ["asks_price", "looks_rich"]}]
    assert [finding.loc for finding in errors(playbook(ladder=ladder))] == [("ladder", 2, "by", 1)]


def test_a_rung_stands_once():
    ladder = [LADDER[0], LADDER[1], LADDER[1]]
    assert {finding.loc for finding in errors(playbook(ladder=ladder))} == {("ladder", 1), ("ladder", 2)}


def test_a_gate_counts_only_rungs_that_the_ladder_has():
    found = errors(playbook(ladder=[LADDER[0]]))
    assert found[0].loc == ("stages", 0, "phases", 0, "gate", "participants")
    assert len(found) == 5


def test_the_curfew_is_never_shorter_than_the_houses():
    assert [finding.loc for finding in errors(playbook(curfew="23:30-07:00"))] == [("curfew",)]
    assert [finding.loc for finding in errors(playbook(curfew="23:00-06:00"))] == [("curfew",)]
    assert errors(playbook(curfew="22:31-07:15")) == []


def test_a_day_without_a_reading_window_is_a_warning():
    assert "day 1 of warm_up has nothing in the window noon" in warnings(playbook())
    assert not any("the window morning" in what for what in warnings(playbook()))


def test_a_window_for_a_sale_is_not_asked_for_every_day():
    windows = {**builders.playbook_data()["windows"], "flash_sale": "21:00-21:30"}
    assert not any("flash_sale" in what for what in warnings(playbook(windows=windows)))


def test_a_day_that_does_not_serve_what_its_phase_is_for_is_a_warning():
    said = warnings(playbook())
    assert "no script on day 1 of value serves need, value" in said
    assert not any("of trust serves" in what for what in said)


def test_more_posts_than_the_limits_allow_are_a_warning():
    limits = {"shills_per_100": 0, "posts_per_day": 4}
    assert "day 1 of warm_up asks 1 posts of the shill, more than 0" in warnings(playbook(limits=limits))


def test_errors_stand_before_warnings():
    severities = [finding.severity for finding in check(Playbook.model_validate(with_words("{{ estate.nmae }}")))]
    assert severities[0] == "error"
    assert severities == sorted(severities)
