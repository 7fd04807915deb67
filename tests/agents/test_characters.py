"""The main persona's character: seven traits, the dealer's own over the playbook's, and none that pretends."""

from __future__ import annotations

import pytest

from agents.characters import fault, traits_of
from agents.playbook_check import check
from schemas.reference import TRAITS, Character
from schemas.values import PersonaClass, Role
from tests import builders
from tests.agents.drive import Drive, world

ASKING = "早上好。{% if persona.catchphrase %}{{ persona.catchphrase }}。{% endif %}有事喊我"


def said(persona, **playbook: object) -> str:
    data = builders.playbook_data(**playbook)
    data["stages"][0]["phases"][0]["plan"][1][0]["script"]["text"] = ASKING
    here = Drive(world(builders.reference(personas=[persona]), builders.playbook(**data)))
    here.send(builders.campaign_started()).until(1)
    return here.task("warm-up-1-morning").script.text.partition("\n")[0]


def test_a_script_says_what_the_persona_always_says():
    own = builders.persona(character=Character(catchphrase="慢慢看"))
    assert said(own) == "早上好。慢慢看。有事喊我"


def test_the_dealers_own_goes_before_the_playbooks():
    default = {"catchphrase": "不着急", "temper": "慢性子"}
    assert said(builders.persona(), character=default) == "早上好。不着急。有事喊我"
    own = builders.persona(character=Character(catchphrase="慢慢看"))
    assert said(own, character=default) == "早上好。慢慢看。有事喊我"


def test_what_is_not_known_is_left_out():
    assert said(builders.persona()) == "早上好。有事喊我"


def test_a_sheet_that_pretends_does_not_get_past_the_hand_out():
    sly = builders.persona(character=Character(catchphrase="我也是本小区业主"))
    data = builders.playbook_data()
    data["stages"][0]["phases"][0]["plan"][1] = data["stages"][0]["phases"][0]["plan"][1][:1]
    data["stages"][0]["phases"][0]["plan"][1][0]["script"]["text"] = ASKING
    here = Drive(world(builders.reference(personas=[sly]), builders.playbook(**data)))
    here.send(builders.campaign_started()).until(1)
    assert here.tasks_of(script="warm-up-1-morning") == []
    assert here.counts().refused == 1


@pytest.mark.parametrize("trait", TRAITS)
def test_a_playbook_knows_every_trait_and_wants_it_asked_for(trait):
    def found(text: str) -> list[str]:
        data = builders.playbook_data()
        data["stages"][0]["phases"][0]["plan"][1][0]["script"]["text"] = text
        return [one.what for one in check(builders.playbook(**data)) if one.severity == "error"]

    assert found(f"早{{% if persona.{trait} %}}，{{{{ persona.{trait} }}}}{{% endif %}}") == []
    (what,) = found(f"早，{{{{ persona.{trait} }}}}")
    assert "may be empty" in what


@pytest.mark.parametrize(("trait", "text"), [
    ("identity", "同小区业主"), ("identity", "3栋的邻居"), ("story", "去年在他家订了全屋，现在天天用"),
    ("story", "五年前搬进咱们小区"), ("skill", "住在咱们小区十年"), ("catchphrase", "我家就是在这做的"),
])
def test_a_sheet_that_says_that_staff_are_owners_or_buyers_is_found(trait, text):
    found = fault({trait: text})
    assert found is not None
    assert found[0] == trait
    playbook = builders.playbook(character={trait: text})
    assert [one.loc for one in check(playbook) if one.severity == "error"] == [("character", trait)]


def test_an_honest_sheet_is_let_through():
    assert fault({
        "identity": "木语松北店的店长", "skill": "小户型收纳", "temper": "慢性子，问几遍都不烦", "voice": "说大白话",
        "values": "不懂的不装懂，替业主着想",
        "story": "从量尺学徒做起，跑过上百个工地", "catchphrase": "慢慢看，不着急",
    }) is None


def test_a_buyer_has_no_sheet():
    buyer = builders.persona("p-buyer", Role.SHILL, PersonaClass.BUYER, character=Character(catchphrase="慢慢看"))
    assert set(traits_of(buyer, None).values()) == {""}
