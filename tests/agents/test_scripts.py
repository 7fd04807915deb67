from __future__ import annotations

from typing import Any

import pytest

from agents.script_grammar import MOST_OUTCOMES, needed, outcomes
from agents.scripts import (
    LONGEST_NAME,
    LONGEST_TERMS,
    BadScript,
    clean,
    compile_script,
    fill,
    missing,
    offers_for,
    render,
    store_of,
    stores_by_dealer,
    title_of,
    values_for,
    variables,
    with_member,
)
from schemas.errors import BadPlaybook
from schemas.playbook import OfferText, ScriptText
from schemas.values import PersonaClass, Role
from tests import builders


def values(**changes: Any) -> dict[str, object]:
    """The values of the small world, one of whose parts a test may change."""
    parts = {
        "estate": builders.estate(), "group": builders.group(), "store": builders.store(),
        "dealer": builders.dealer(), "persona": builders.persona(), "offers": {"measure": builders.offer()}, "day": 3,
        **changes,
    }
    return values_for(**parts)


def test_every_name_of_a_script_is_filled():
    text = (
        "{{ estate.name }} {{ estate.city }} {{ estate.district }} {{ group.name }} {{ store.name }} {{ dealer.name }} "
        "{{ persona.name }} {{ persona.title }} {{ offer.measure.name }} {{ offer.measure.terms }} {{ campaign.day }} "
        "{{ member.name }}"
    )
    assert fill(text, with_member(values(), "王姐")) == (
        "绿地城 北京 东城区 绿地城业主交流群 木语全屋定制·测试店 木语家居（测试） 林晚 门店主理人 免费量房 "
        "预约后三天内上门，不满意不收费 3 王姐"
    )


def test_a_script_of_a_playbook_is_rendered():
    script = ScriptText.model_validate(builders.script("早，{{ estate.name }}"))
    assert render(script, values()) == "早，绿地城"


def test_a_missing_value_is_an_error_that_names_it():
    with pytest.raises(BadScript, match=r"offer\.flash_sale\.terms has no value") as caught:
        fill("今晚{{ offer.flash_sale.terms }}", values())
    assert caught.value.name == "offer.flash_sale.terms"
    assert isinstance(caught.value, BadPlaybook)


def test_an_empty_value_is_missing():
    with pytest.raises(BadScript, match=r"estate\.district has no value"):
        fill("{{ estate.district }}的邻居", values(estate=builders.estate(district=" ")))


def test_a_value_of_nothing_but_invisible_characters_is_missing():
    with pytest.raises(BadScript, match=r"member\.name has no value"):
        fill("欢迎{{ member.name }}", with_member(values(), "\u200b\u2060"))


def test_a_condition_may_ask_for_an_empty_value():
    text = "免费量房{% if offer.measure.price %}，{{ offer.measure.price }}{% endif %}"
    assert fill(text, values()) == "免费量房"
    assert fill(text, values(offers={"measure": builders.offer(price="0元")})) == "免费量房，0元"


def test_a_text_that_is_empty_for_its_values_is_an_error():
    with pytest.raises(BadScript, match="empty"):
        fill("{% if offer.measure.price %}{{ offer.measure.price }}{% endif %}", values())


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{% for x in estate.name %}{{ x }}{% endfor %}", "a loop"),
        ("{% macro m() %}{% endmacro %}", "a macro"),
        ("{% import 'x' as y %}", "an import"),
        ("{% include 'x' %}", "an include"),
        ("{% extends 'x' %}", "an extends"),
        ("{% set a = 1 %}", "a set"),
        ("{% block b %}{% endblock %}", "a block"),
        ("{{ range(9) }}", "a call"),
        ("{{ estate.name.format() }}", "a call"),
        ("{{ estate.name|upper }}", "a filter"),
        ("{{ 'a' * 1000000000 }}", "arithmetic"),
        ("{{ 9 ** 9 ** 9 }}", "arithmetic"),
        ("{{ -campaign.day }}", "arithmetic"),
        ("{% if estate.name is defined %}x{% endif %}", "a test"),
        ("{{ [1, 2] }}", "List"),
        ("{{ estate[group.name] }}", "not a plain name"),
        ("{{ estate.name[0:2] }}", "not a plain name"),
        ("{{ 'x'.join }}", "not a plain name"),
        ("{{ 'x' if estate.name }}", "no else"),
        ("{{ 1.5 }}", "1.5"),
        ("{{ " + "not " * 100 + "campaign.day }}", "nested too deeply"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "nested too deeply"),
        ("{{ estate.name", "cannot be read"),
        ("{% if estate.name %}", "cannot be read"),
        ("我\u200b家", r"U\+200B"),
        ("我\u200d家", r"U\+200D"),
        ("{{ estate }}", "estate is not a name"),
        ("{{ self }}", "self is not a name"),
        ("{{ estate.__class__ }}", "estate.__class__ is not a name"),
        ("{{ estate.name.__class__.__mro__ }}", "is not a name"),
        ("{{ estate.nmae }}", "estate.nmae is not a name"),
        ("{{ offer.measure.cost }}", "offer.measure.cost is not a name"),
        ("{{ group['__init__'] }}", "is not a name"),
    ],
)
def test_a_script_is_text_names_and_conditions_and_nothing_else(text, what):
    with pytest.raises(BadScript, match=what):
        compile_script(text)


def test_an_error_in_a_script_tells_the_line_within_its_text():
    with pytest.raises(BadScript) as caught:
        compile_script("早\n\n{{ estate.nmae }}")
    assert caught.value.line == 3


def test_the_emoji_joiner_is_let_through_after_an_emoji():
    assert fill("早👩\u200d👧❤\ufe0f", values()) == "早👩\u200d👧❤\ufe0f"


def test_an_offer_may_be_called_like_a_method_of_a_mapping():
    offers = {"items": OfferText(name="单品", terms="周一见"), "flash-sale": OfferText(name="秒杀", terms="八点")}
    assert fill("{{ offer.items.terms }}{{ offer['flash-sale'].terms }}", values(offers=offers)) == "周一见八点"


def test_a_value_is_text_and_never_run():
    said = "{{ 7 * 7 }}{% for x in y %}<b>"
    assert fill("欢迎{{ member.name }}", with_member(values(), said)) == f"欢迎{said}"


def test_a_value_stays_on_one_line_without_hidden_characters():
    assert clean(" 小\u202e王\r\n\t【3栋】\u0007\u2028x ") == "小王 【3栋】 x"


def test_a_value_is_cut_at_its_longest():
    assert len(clean("王" * 500)) == LONGEST_NAME
    assert clean("王" * 500).endswith("王…")
    text = fill("{{ offer.measure.terms }}", values(offers={"measure": builders.offer(terms="好" * 150)}))
    assert text == "好" * 150
    assert len(clean("好" * 500, LONGEST_TERMS)) == LONGEST_TERMS


def test_a_text_that_is_too_long_for_a_message_is_an_error():
    offers = {"measure": builders.offer(terms="好" * LONGEST_TERMS)}
    with pytest.raises(BadScript, match="2200 characters, more than 2000"):
        fill("{{ offer.measure.terms }}" * 11, values(offers=offers))


def test_variables_are_the_dotted_names():
    text = "{% if campaign.day == 1 %}{{ offer['flash_sale'].terms }}{% else %}{{ estate.name ~ '好' }}{% endif %}"
    assert variables(text) == {"campaign.day", "offer.flash_sale.terms", "estate.name"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{ estate.name }}", {"estate.name"}),
        ("{% if offer.a.price %}{{ offer.a.price }}{% endif %}", set()),
        ("{% if offer.a.price %}{{ offer.a.price }}{% else %}{{ offer.a.terms }}{% endif %}", {"offer.a.terms"}),
        ("{% if offer.a.price %}x{% else %}{{ offer.a.price }}{% endif %}", {"offer.a.price"}),
        ("{% if offer.a.price and estate.city %}{{ offer.a.price }}{{ estate.city }}{% endif %}", set()),
        ("{% if offer.a.price or estate.city %}{{ estate.city }}{% endif %}", {"estate.city"}),
        ("{% if not offer.a.price %}{{ store.name }}{% endif %}", {"store.name"}),
        ("{{ offer.a.price or offer.a.terms }}", {"offer.a.terms"}),
        ("{{ offer.a.price if offer.a.price else group.name }}", {"group.name"}),
        ("{% if estate.city == '北京' %}京{% endif %}", {"estate.city"}),
        ("{% if offer.a.price %}{% elif estate.city %}{{ estate.city }}{{ dealer.name }}{% endif %}", {"dealer.name"}),
    ],
)
def test_what_is_shown_without_being_asked_for_is_needed(text, names):
    assert needed(text) == names


def test_a_script_is_checked_in_everything_that_it_can_become():
    text = "{{ '我' ~ '家' }}{% if offer.a.price %}有{% else %}无{% endif %}{{ 'A' if estate.city else 'B' }}"
    assert set(outcomes(text)) == {"我家有A", "我家有B", "我家无A", "我家无B"}


def test_a_script_with_too_many_outcomes_is_refused():
    text = "".join(f"{{% if campaign.day == {day} %}}{day}{{% endif %}}" for day in range(12))
    with pytest.raises(BadScript, match=f"more than {MOST_OUTCOMES}"):
        outcomes(text)


def test_missing_names_are_those_without_a_value():
    required = {"estate.name", "estate.district", "offer.measure.price", "offer.x.terms", "member.name"}
    without = values(estate=builders.estate(district=""))
    assert missing(required, without) == ["estate.district", "member.name", "offer.measure.price", "offer.x.terms"]


def test_a_dealer_without_a_store_lends_it_their_name():
    assert fill("{{ store.name }}", values(store=None)) == "木语家居（测试）"


def test_a_group_is_worked_by_its_store_or_by_its_dealers_first():
    stores = {s.store_id: s for s in (builders.store("s2"), builders.store("s1"), builders.store("s9", "d9"))}
    first = stores_by_dealer(stores.values())
    assert store_of(builders.group(store_id="s2"), stores, first) is stores["s2"]
    assert store_of(builders.group(store_id=None), stores, first) is stores["s1"]
    assert store_of(builders.group(store_id=None, dealer_id="d2"), stores, first) is None


def test_only_staff_are_called_by_a_post_in_the_shop():
    assert title_of(builders.persona(role=Role.SHILL)) == "家装顾问"
    assert title_of(builders.persona(role=Role.SHILL, cls=PersonaClass.BUYER)) == "老客户"
    assert title_of(builders.persona(role=Role.SHILL, cls=PersonaClass.PARTNER)) == "合作伙伴"


def test_a_dealers_offer_stands_over_everybodys_and_that_over_the_playbooks():
    own = {"a": OfferText(name="a", terms="playbook"), "b": OfferText(name="b", terms="playbook")}
    offers = {
        o.offer_id: o
        for o in (
            builders.offer("a@d1", terms="d1", dealer_id="d1"), builders.offer("a@d2", terms="d2", dealer_id="d2"),
            builders.offer("a", terms="all", dealer_id=None), builders.offer("c", terms="all", dealer_id=None),
        )
    }
    assert {name: o.terms for name, o in offers_for(own, offers, "d1").items()} == {
        "a": "d1", "b": "playbook", "c": "all",
    }
    assert offers_for(own, offers, None)["a"].terms == "all"
