"""Whether days are in balance, and what is other in a playbook than in its base."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agents.balance import tallies, unbalanced
from agents.patching import patched
from agents.playbook_check import check
from agents.playbook_diff import differences
from schemas.playbook import Playbook
from schemas.playbook_parts import Scene
from tests import builders
from tests.agents.shipped import PLAYBOOKS
from tests.agents.test_patching import NEW, patch


def served(*parts: str, **fields: Any) -> Playbook:
    """The small playbook whose texts all differ, and serve these parts of the formula."""
    data = builders.playbook_data()
    for phase in data["stages"][0]["phases"]:
        for duty in (*(duty for duties in phase["plan"].values() for duty in duties), *phase["rescue"]):
            duty["script"].update(formula=list(parts), text=f"{duty['id']}：{duty['script']['text']}")
    return builders.playbook(**{"stages": data["stages"], **fields})


def said(playbook: Playbook) -> list[str]:
    return [what for _, what, _ in unbalanced(playbook)]


def first_script(data: dict[str, Any], phase: int, day: int | str) -> dict[str, Any]:
    script: dict[str, Any] = data["stages"][0]["phases"][phase]["plan"][day][0]["script"]
    return script


def test_a_playbook_that_serves_everything_every_day_is_in_balance():
    assert said(served("need", "value", "trust", "benefit", "risk", "threshold")) == []


def test_a_day_without_trust_is_told_by_its_number_in_the_stage():
    playbook = served("need", "value", "trust", "benefit", "risk", "threshold")
    data = playbook.model_dump(mode="json", by_alias=True)
    for duty in data["stages"][0]["phases"][1]["plan"]["3"]:
        duty["script"]["formula"] = ["value"]
    (found,) = [finding for finding in check(Playbook.model_validate(data)) if "has no trust" in finding.what]
    assert (found.severity, found.what) == ("warning", "day 6 of stage 1 has no trust")
    assert found.loc == ("stages", 0, "phases", 1, "plan", 3)


def test_a_phase_covers_its_parts_in_its_days():
    found = said(served("trust", "need"))
    assert found == ["value does not cover value", "sign_up does not cover benefit, risk, threshold",
                     "closing does not cover benefit, risk, threshold"]


def test_the_playbook_itself_says_what_a_day_and_a_phase_serve():
    balance = {
        "every_day": ["need"], "drives_a_day": 2,
        "phases": {"value": ["need"], "sign_up": ["trust"], "closing": ["trust"]},
    }
    playbook = served("trust", "need", balance=balance)
    (drive,) = {drive for day in tallies(playbook) for drive in day.drives}
    assert said(playbook) == [f"day {day} of stage 1 uses fewer than 2 drives: {drive}" for day in range(1, 12)]


def test_a_text_that_comes_twice_in_a_stage_is_told_whatever_its_punctuation():
    data = builders.playbook_data()
    first_script(data, 0, 1)["text"] = "早，各位！今天聊收房"
    first_script(data, 2, 1)["text"] = "早！各位，今天聊收房～"
    assert "value-1-morning says word for word what warm-up-1-morning says" in said(builders.playbook(**data))


ALL = ("need", "value", "trust", "benefit", "risk", "threshold")


def staged(scenes: Sequence[str | None], **fields: Any) -> Playbook:
    """The small playbook, whose five phases play these scenes."""
    data = served(*ALL).model_dump(mode="json", by_alias=True)
    for phase, scene in zip(data["stages"][0]["phases"], scenes, strict=True):
        phase["scene"] = scene
    return Playbook.model_validate({**data, **fields})


def test_a_playbook_that_names_no_scene_leaves_out_none():
    assert said(staged([None] * 5)) == []
    (found,) = said(staged([None] * 5, balance={"scenes": ["services"]}))
    assert found == "no day plays the scenes services"


def test_scenes_that_no_day_plays_are_told_unless_the_playbook_asks_for_fewer():
    scenes = ["estate", "services", "unit_plan", "group_buy", "deep_plan"]
    (found,) = said(staged(scenes))
    assert found == "no day plays the scenes key_person_plan, own_topic, referrals"
    assert said(staged(scenes, balance={"scenes": ["estate", "deep_plan"]})) == []


def test_a_script_plays_its_own_scene_before_its_phases():
    data = staged(["estate"] * 5).model_dump(mode="json", by_alias=True)
    first_script(data, 0, "1")["scene"] = "own_topic"
    first, second = list(tallies(Playbook.model_validate(data)))[:2]
    assert first.scenes[Scene.OWN_TOPIC] == 1
    assert first.scenes[Scene.OWN_TOPIC] + first.scenes[Scene.ESTATE] == sum(second.scenes.values())
    assert second.scenes[Scene.ESTATE] == sum(second.scenes.values())


def test_a_stage_has_seven_to_fifteen_days():
    data = builders.playbook_data()
    for phase in data["stages"][0]["phases"]:
        phase.update(days=1, longest=1, plan={1: phase["plan"][1]})
    assert "stage 1 has 5 days" in said(builders.playbook(stages=data["stages"]))


def test_every_playbook_that_ships_is_in_balance():
    assert {name: said(playbook) for name, playbook in PLAYBOOKS.items() if said(playbook)} == {}


# --- differences --------------------------------------------------------------------------------------


def lines_of(**fields: Any) -> list[str]:
    data, _ = patched(patch(**fields), builders.playbook())
    return differences(builders.playbook(), Playbook.model_validate(data))


def test_nothing_is_other_in_a_playbook_than_in_itself():
    assert differences(builders.playbook(), builders.playbook()) == []


def test_a_text_is_compared_line_by_line():
    base = builders.playbook(reactions=[{
        "id": "welcome", "on": "joined", "role": "group_admin", "script": builders.script("欢迎\n这里聊收房")}])
    data, _ = patched(patch(replace={"welcome": {"text": "欢迎\n这里聊瓷砖", "minutes": 20}}), base)
    assert differences(base, Playbook.model_validate(data)) == [
        "category: 全屋定制 → tiles", "~ welcome (reactions)", "    script · version: 1 → 2", "    script · text:",
        "        欢迎", "      - 这里聊收房", "      + 这里聊瓷砖", "    minutes: 30 → 20"]


def test_what_is_gone_and_what_is_new_stands_with_its_place_and_its_words():
    found = lines_of(
        drop=["trust-1-morning"], add=[{"phase": "value", "day": 2, "item": NEW}], limits={"posts_per_day": 3},
        phases=[{"phase": "trust", "gate": {"participants": 5}}])
    assert "- trust-1-morning (stage 1 · trust · day 1)" in found
    assert found[found.index("+ x-new (stage 1 · value · day 2)") + 4] == "    + script · text: 地砖怎么选，先看哪里"
    assert found[:3] == [
        "category: 全屋定制 → tiles", "limits · posts_per_day: 4 → 3", "stage 1 · trust · gate · participants: 2 → 5"]
