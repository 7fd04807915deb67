"""Patches: what they may change, and what comes of it."""

from __future__ import annotations

from typing import Any

from agents.patching import laxer, origin, patched
from schemas.playbook import Playbook
from schemas.playbook_patch import Patch
from tests import builders
from tests.agents.shipped import DEFAULT, PLAYBOOKS


def patch(**fields: Any) -> Patch:
    return Patch.model_validate({
        "patch": "small-test.tiles", "version": 7, "base": "small-test", "base_version": 1, "by": "category",
        "category": "tiles", **fields,
    })


def derived(upon: Playbook | None = None, **fields: Any) -> Playbook:
    data, wrong = patched(patch(**fields), upon or builders.playbook())
    assert not wrong
    return Playbook.model_validate(data)


def faults(**fields: Any) -> list[str]:
    return [fault.what for fault in patched(patch(**fields), builders.playbook())[1]]


def duty(playbook: Playbook, id: str) -> Any:
    return next(duty for duty in playbook.duties() if duty.id == id)


NEW = {"id": "x-new", "at": "12:00", "role": "designer", "script": builders.script("地砖怎么选，先看哪里")}


def test_a_patch_that_changes_nothing_gives_its_base_under_another_name_and_version():
    playbook = derived()
    assert (playbook.playbook, playbook.version, playbook.edition) == ("small-test.tiles", 1007, "1.7")
    assert playbook.category == "tiles"
    assert playbook.stages == builders.playbook().stages
    assert playbook.reactions == builders.playbook().reactions


def test_a_patched_playbook_can_be_patched_again():
    twice = derived(derived(), patch="small-test.tiles.spring", base="small-test.tiles", base_version="1.7", version=2)
    assert (twice.version, twice.edition) == (1007002, "1.7.2")


def test_a_text_is_replaced_and_its_version_goes_up_by_itself():
    changed = duty(derived(replace={"trust-1-morning": {"text": "早，今天说砖", "at": "08:10"}}), "trust-1-morning")
    assert (changed.script.text, changed.script.version, f"{changed.at:%H:%M}") == ("早，今天说砖", 2, "08:10")
    assert changed.role == "main_persona"


def test_a_part_is_taken_out_with_null():
    changed = derived(replace={"trust-1-evening": {
        "instead": None, "role": "designer", "script": {**builders.script("今天画图"), "testimonial": None}}})
    assert duty(changed, "trust-1-evening").instead is None


def test_duties_are_dropped_and_added():
    playbook = derived(
        drop=["value-1-morning", "welcome"],
        add=[
            {"phase": "trust", "day": 2, "item": NEW},
            {"phase": "trust", "rescue": True, "item": {**NEW, "id": "r-new"}},
            {"to": "reactions", "item": {
                "id": "thanks", "on": "praises", "role": "main_persona",
                "script": builders.script("{{ member.name }}，谢谢")}},
        ],
    )
    ids = [duty.id for duty in playbook.duties()]
    assert "value-1-morning" not in ids
    assert {"x-new", "r-new"} < set(ids)
    assert [reaction.id for reaction in playbook.reactions] == ["answer-price", "thanks"]


QUESTION = {"id": "slope", "question": "卫生间的坡往哪走？", "options": {"A": "往门", "B": "往地漏"}, "answer": "B",
            "explanation": "水要自己流进地漏。"}


def test_a_question_is_added_to_the_quiz_where_it_shall_stand():
    shipped = PLAYBOOKS[DEFAULT]
    upon = {"base": shipped.playbook, "base_version": shipped.edition, "patch": f"{shipped.playbook}.x"}
    to = {"to": "recurring.quiz.quiz.bank"}
    changed = derived(shipped, **upon, add=[{**to, "after": "two-books", "item": QUESTION},
                                            {**to, "item": {**QUESTION, "id": "last"}},
                                            {"to": "knowledge.entries", "item": {
                                                "id": "k-x", "about": "price", "keys": ["砖"], "text": "看公示"}}])
    bank = next(item.quiz for item in changed.recurring if item.quiz is not None).bank
    assert [bank[0].id, bank[1].id, bank[-1].id] == ["two-books", "slope", "last"]
    assert changed.knowledge is not None
    assert changed.knowledge.entries[-1].id == "k-x"


def test_a_list_that_is_not_there_is_told_with_those_that_are():
    assert faults(add=[{"to": "limits", "item": QUESTION}, {"to": "recurring.quiz.bank", "item": QUESTION},
                       {"to": "reactions", "after": "nothing", "item": QUESTION}]) == [
        "limits is no section that is a list", "recurring.quiz.bank is no section that is a list",
        "reactions has nothing with the id nothing"]


def test_a_dealer_adds_nothing_to_what_all_groups_share():
    dealer = {"by": "dealer", "dealer_id": "d1", "category": None}
    assert faults(**dealer, add=[{"to": "ladder", "item": {"rung": "referrer", "by": ["referral_order"]}}]) == [
        "a dealer's patch changes ladder, which all groups of an estate share"]


def test_an_id_that_is_not_there_is_told_with_those_that_are_near():
    found = patched(patch(drop=["trust-1-mornin"], replace={"nothing-like-it": {}}), builders.playbook())[1]
    assert [(fault.loc, fault.what) for fault in found] == [
        (("drop", 0), "the base has nothing with the id trust-1-mornin"),
        (("replace", "nothing-like-it"), "the base has nothing with the id nothing-like-it"),
    ]
    assert "trust-1-morning" in found[0].remedy


def test_a_phase_is_made_shorter_with_its_plan():
    playbook = derived(phases=[{"phase": "trust", "days": 2, "longest": 2}])
    (phase,) = [phase for phase in playbook.stages[0].phases if phase.phase == "trust"]
    assert (phase.days, sorted(phase.plan)) == (2, [1, 2])


def test_gates_limits_and_curfew_become_stricter_only():
    assert faults(phases=[{"phase": "trust", "gate": {"participants": 1}}]) == [
        "the gate asks for less: participants 1 where the base asks 2"]
    stricter = derived(
        phases=[{"phase": "trust", "gate": {"participants": 3, "orders": 1}}], limits={"posts_per_day": 3},
        curfew="22:30-07:00")
    assert stricter.limits.posts_per_day == 3
    assert list(laxer(builders.playbook(), stricter)) == []
    lax = derived(limits={"posts_per_day": 5}, curfew="23:00-06:00")
    assert [fault.loc for fault in laxer(builders.playbook(), lax)] == [("limits", "posts_per_day"), ("curfew",)]


def test_a_dealer_changes_what_is_said_and_not_the_campaigns_course():
    dealers = {"by": "dealer", "dealer_id": "d1", "category": None}
    assert faults(**dealers, replace={"trust-1-morning": {"text": "早"}}, limits={"posts_per_day": 2}) == []
    found = faults(**dealers, phases=[{"phase": "trust", "days": 2}], sections={"ladder": []})
    assert [what.split(",")[0] for what in found] == [
        "a dealer's patch changes phases", "a dealer's patch changes ladder"]


def test_only_some_stages_are_kept():
    assert faults(stages=[1, 4]) == ["the base has no stage 4"]


def test_what_has_a_rule_of_its_own_is_no_section():
    assert faults(sections={"limits": {"posts_per_day": 20}}) == ["limits is not replaced as a section"]


def test_the_line_of_a_mistake_is_that_of_the_patch():
    made = patch(replace={"trust-1-morning": {"text": "早"}}, add=[{"phase": "trust", "day": 2, "item": NEW}])
    data, _ = patched(made, builders.playbook())
    trust = ("stages", 0, "phases", 1, "plan")
    assert origin(made, data, (*trust, 1, 0, "script", "text")) == ("replace", "trust-1-morning", "text")
    assert origin(made, data, (*trust, 2, 2, "script", "text")) == ("add", 0, "item", "script", "text")
    assert origin(made, data, (*trust, 3, 0, "script", "text")) == ("base",)
