"""Playbooks as HQ looks at them over HTTP: the board, its balance, what is other in a version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.playbook import Playbook
from schemas.reference import Reference
from streams.playbook_files import builtin_playbooks, written
from streams.playbook_shelf import name_of
from streams.reference_store import save_reference
from tests import builders
from tests.streams.gateway_world import World

FIRST = "new-estate-own-group"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(Path(tmp_path_factory.mktemp("playbooks")))
    keep(world, builders.playbook())
    yield world
    world.close()


def keep(world: World, *playbooks: Playbook) -> None:
    with world.engine.begin() as connection:
        save_reference(connection, Reference.of(), {name_of(one): written(one) for one in playbooks})


def board(world: World, name: str, **asked: Any) -> dict[str, Any]:
    answer = world.get(f"/v1/playbooks/{name}", params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("name", [FIRST, "alliance-group", f"{FIRST}.tiles"])
def test_a_board_has_every_script_of_its_stages_once(world, name):
    playbook = builtin_playbooks()[name]
    ids: list[str] = []
    for stage in playbook.stages:
        shown = board(world, name, stage=stage.stage)
        cards = [*shown["cards"], *shown["rescue"]]
        assert shown["counts"]["days"] == sum(phase.days for phase in stage.phases) == len(shown["columns"])
        assert len(shown["cards"]) == sum(len(day) for phase in stage.phases for day in phase.plan.values())
        ids += [card["id"] for card in cards]
    assert sorted(ids) == sorted(duty.id for duty in playbook.duties())
    assert all(card["window"] for card in cards)
    sections = {section["section"] for section in shown["sections"]}
    assert {said.loc[0] for said in playbook.said()} - {"recurring"} <= sections


def test_a_preview_reads_as_the_task_would(world):
    shown = board(world, FIRST)
    card = next(card for card in shown["cards"] if card["replies"])
    said = card["said"]
    assert said["who"] == f"松北店·{said['title']}·{said['name']}"
    assert said["disclosure"] == f"——松北店 {said['title']} {said['name']}"
    assert "{{" not in said["text"]
    assert [reply["after"] for reply in card["replies"]] == sorted(reply["after"] for reply in card["replies"])
    assert all(reply["said"]["who"] != said["who"] for reply in card["replies"])


def test_a_card_says_which_scene_it_plays(world):
    shown = board(world, FIRST, stage=2)
    assert [phase["scene"] for phase in shown["phases"]] == [
        "estate", "key_person_plan", "deep_plan", "deep_plan", "deep_plan"]
    scenes = {card["id"]: card["said"]["scene"] for card in shown["cards"]}
    assert scenes["st2-w1-morning-back"] == "estate"
    assert scenes["st2-s2-noon-friend"] == "referrals"
    days = world.get(f"/v1/playbooks/{FIRST}/balance").json()["days"]
    assert {scene for day in days for scene in day["scenes"]} == {
        "estate", "unit_plan", "key_person_plan", "deep_plan", "services", "group_buy", "own_topic", "referrals"}


def test_a_buyer_speaks_under_their_own_name_and_what_is_no_message_discloses_nothing(world):
    said = next(card["said"] for card in board(world, "small-test")["cards"] if card["said"]["speaks_as"] == "buyer")
    assert (said["who"], said["disclosure"], said["testimonial"]) == ("吴敏", None, "全屋定制")
    done = [card for stage in (1, 2) for card in board(world, FIRST, stage=stage)["cards"] if card["action"] == "check"]
    assert done
    assert {card["said"]["where"] for card in done} == {None}
    assert {card["said"]["disclosure"] for card in done} == {None}


@pytest.mark.parametrize("name", [FIRST, "old-estate-own-group", "new-estate-joined-group", "alliance-group"])
def test_what_is_said_is_shown_as_a_message_and_what_is_done_as_an_instruction_in_every_section(world, name):
    shown = {card["id"]: card for section in board(world, name)["sections"] for card in section["cards"]}
    for said in builtin_playbooks()[name].said():
        if said.loc[0] == "recurring":
            continue
        card, done = shown[said.id], said.script.text.startswith("【")
        assert card["action"] == said.action
        assert (card["said"]["where"] is None) == done, said.id
        assert (card["said"]["disclosure"] is None) == done, said.id


def test_who_reads_a_text_is_told_of_the_way_in_of_order_and_of_what_comes_after_an_order(world):
    cards = {card["id"]: card for section in board(world, FIRST)["sections"] for card in section["cards"]}
    where = {id: cards[id]["said"]["where"] for id in (
        "ep-invitation-send", "eb-handover-desk", "order-flood", "order-remove", "design-general", "design-ask",
        "design-comments", "install-1", "install-3-agreed", "install-take-down")}
    assert where == {
        "ep-invitation-send": "private", "eb-handover-desk": None, "order-flood": "private", "order-remove": None,
        "design-general": "group", "design-ask": "private", "design-comments": None, "install-1": None,
        "install-3-agreed": "group", "install-take-down": None}


def test_a_text_that_only_the_dealer_can_fill_is_shown_as_it_stands(world):
    data = builders.playbook_data(playbook="needs-an-offer", version=1)
    data["stages"][0]["phases"][0]["plan"][1][0]["script"]["text"] = "量房只要{{ offer.measure.price }}"
    keep(world, Playbook.model_validate(data))
    said = board(world, "needs-an-offer")["cards"][0]["said"]
    assert (said["text"], said["unfilled"]) == ("量房只要{{ offer.measure.price }}", "offer.measure.price")


def test_versions_stand_side_by_side_and_the_newest_is_shown(world):
    line = next(one for one in world.get("/v1/playbooks").json()["playbooks"] if one["name"] == "small-test")
    assert line["version"] == "1"
    keep(world, builders.playbook(version=3))
    line = next(one for one in world.get("/v1/playbooks").json()["playbooks"] if one["name"] == "small-test")
    assert (line["version"], line["versions"]) == ("3", ["1", "3"])
    assert board(world, "small-test", version="1")["version"] == "1"


def test_balance_names_the_day_without_trust(world):
    keep(world, same_but_no_trust_on_day_6())
    answer = world.get("/v1/playbooks/no-trust/balance").json()
    assert len(answer["days"]) == 11
    (found,) = [one for one in answer["warnings"] if one["kind"] == "day_without"]
    assert (found["stage"], found["day"], found["parts"]) == (1, 6, ["trust"])
    assert found["what"] == "day 6 of stage 1 has no trust"


def same_but_no_trust_on_day_6() -> Playbook:
    data = builders.playbook_data(playbook="no-trust")
    for duty in data["stages"][0]["phases"][1]["plan"][3]:
        duty["script"]["formula"] = ["value"]
    return Playbook.model_validate(data)


def test_a_patch_is_compared_with_its_base_and_a_version_with_another(world):
    patch = world.get(f"/v1/playbooks/{FIRST}.tiles/diff").json()
    assert (patch["from"]["name"], patch["to"]["name"]) == (FIRST, f"{FIRST}.tiles")
    assert {item["sign"] for item in patch["items"]} == {"~", "-", "+"}
    same = world.get(f"/v1/playbooks/{FIRST}/diff", params={"from": name_of(builtin_playbooks()[FIRST])}).json()
    assert same["items"] == []
    other = world.get("/v1/playbooks/no-trust/diff", params={"from": "small-test@1"}).json()
    assert [(item["id"], item["place"]) for item in other["items"]] == [
        ("trust-3-morning", "stage 1 · trust · day 3"), ("trust-3-evening", "stage 1 · trust · day 3")]
    assert other["items"][0]["lines"] == [{"sign": "", "text": "script · formula: trust → value"}]


def test_a_dealers_own_playbook_is_shown_to_hq_and_its_region_alone(world):
    data = builders.playbook_data(playbook="small-test.own")
    data["derived"] = {"base": "small-test", "base_edition": "1", "patch_version": 1, "by": "dealer", "dealer_id": "d1"}
    keep(world, Playbook.model_validate(data))
    asked = ("hq", "region", "elsewhere")
    seen = {who: world.get("/v1/playbooks/small-test.own", who=who).status_code for who in asked}
    assert seen == {"hq": 200, "region": 200, "elsewhere": 404}
    names = [one["name"] for one in world.get("/v1/playbooks", who="elsewhere").json()["playbooks"]]
    assert "small-test" in names
    assert "small-test.own" not in names


@pytest.mark.parametrize(("path", "status", "says"), [
    ("/v1/playbooks/new-estate-own-grup", 404, "new-estate-own-group"),
    ("/v1/playbooks/small-test@1", 404, "没有打法"),
    (f"/v1/playbooks/{FIRST}?version=9", 404, "没有第 9 版"),
    (f"/v1/playbooks/{FIRST}?stage=7", 404, "没有第 7 轮"),
    (f"/v1/playbooks/{FIRST}?stage=x", 422, "参数有误"),
    (f"/v1/playbooks/{FIRST}/diff?from=", 404, "没有第"),
    (f"/v1/playbooks/{FIRST}/diff", 422, "只有这一版"),
    ("/v1/playbooks/..%2f..%2fetc", 404, "没有"),
])
def test_what_is_not_there_is_said_with_what_is(world, path, status, says):
    answer = world.get(path, headers={"Accept-Language": "zh-CN"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["title"] + answer.json()["detail"]
