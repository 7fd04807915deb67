"""A campaign against what its category's groups usually reach: HQ hears early, and where it is weakest."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from agents.baselines import expectations, leak_of, weakest_of
from schemas.playbook_baselines import Baseline, Baselines
from schemas.tasks import CampaignBehind
from schemas.values import Role
from tests import builders
from tests.agents.drive import Drive, crowd, world
from tests.builders import at

CURVES = {"stage": 1, "participants": {3: 12, 11: 24}, "orders": {10: 1, 11: 4}}
SECTION = {"source": "estimate", "stages": [CURVES]}


def drive(section: dict[str, Any] | None = None, members: int = 50) -> Drive:
    """A campaign of so many members, with baselines."""
    playbook = builders.playbook(baselines={**SECTION, **(section or {})})
    people = [builders.persona("p-main", Role.MAIN_PERSONA)]
    here = Drive(world(builders.reference(personas=people), playbook))
    return here.send(*crowd(members), builders.campaign_started())


def speak(here: Drive, count: int, day: int) -> Drive:
    return here.send(*(builders.message(member=f"m{n}", at=at(day, "12:00")) for n in range(1, count + 1)))


# --- the curves ---------------------------------------------------------------------------------------


def test_a_curve_is_straight_between_its_days_and_flat_after_the_last():
    baseline = Baseline.model_validate(CURVES)
    figures = [expectations(baseline, 50, day)["participants"] for day in (0, 1, 3, 7, 11, 20)]
    assert figures == [0, 2, 6, 9, 12, 12]


@pytest.mark.parametrize(("change", "word"), [
    ({"stages": [{**CURVES, "orders": {10: 4, 11: 1}}]}, "falls"),
    ({"stages": [{**CURVES, "orders": {0: 1}}]}, "first is 1"),
    ({"stages": [CURVES, CURVES]}, "stands twice"),
    ({"source": ""}, "source"),
    ({"stages": [{"stage": 1}]}, "orders"),
])
def test_a_baseline_that_cannot_be_is_refused(change, word):
    with pytest.raises(ValidationError, match=word):
        Baselines.model_validate({**SECTION, **change})


# --- told early ---------------------------------------------------------------------------------------


def test_hq_is_told_on_the_day_on_which_a_campaign_has_fallen_behind():
    here = speak(drive(), 2, 1).until(2)
    assert here.sent(CampaignBehind) == []
    here.until(3)
    (said,) = here.sent(CampaignBehind)
    assert (said.day, said.phase, said.measure, said.expected, said.actual) == (2, "warm_up", "participants", 4, 2)
    assert (said.source, said.measures["members"]) == ("estimate", 50)
    assert here.flow()["behind"]["measure"] == "participants"


def test_a_campaign_that_keeps_up_is_let_alone():
    here = speak(drive(), 12, 1).until(10)
    assert here.sent(CampaignBehind) == []
    assert here.flow()["behind"] is None


def test_nothing_is_said_while_chance_decides():
    assert drive(members=8).until(8).sent(CampaignBehind) == []


def test_it_is_said_once_a_phase_and_again_only_when_it_worsens():
    here = speak(drive({"worse": 0.3}), 2, 1).until(7)
    # Within a phase it falls from 2 of 6 to 2 of 7.5: too little to be said again.
    assert [(said.phase, said.day) for said in here.sent(CampaignBehind)] == [
        ("warm_up", 2), ("trust", 3), ("value", 6)]


def test_worsening_is_said():
    here = speak(drive({"worse": 0.05, "behind": 0.9}), 2, 1).until(7)
    said = [(one.day, one.actual / one.expected) for one in here.sent(CampaignBehind) if one.phase == "trust"]
    assert len(said) > 1
    assert all(later[1] <= former[1] - 0.05 for former, later in pairwise(said))


def test_who_catches_up_is_not_behind_any_more():
    here = speak(drive(), 1, 1).until(3)
    assert here.flow()["behind"]
    speak(here, 20, 3).until(5)
    assert here.flow()["behind"] is None


def test_a_playbook_without_baselines_tells_nothing():
    here = Drive().send(*crowd(50), builders.campaign_started()).until(10)
    assert here.sent(CampaignBehind) == []
    assert not [address for address in here.rows.at if address[2] in (42, 43)]


def test_a_machine_that_was_off_says_it_once():
    here = drive()
    here.wake_late(3, "12:00")
    assert [said.day for said in here.sent(CampaignBehind)] == [2]


# --- where it is weak ---------------------------------------------------------------------------------


def test_the_weakest_part_is_the_one_of_whose_duties_least_was_done():
    data = builders.playbook_data(baselines=SECTION)
    words = {"risk": "07:40", "value": "07:50"}
    data["stages"][0]["phases"][0]["plan"][1] = [
        {"id": f"d-{part}", "at": clock, "role": "main_persona",
         "script": {**builders.script(f"今天说说{part}"), "formula": [part]}} for part, clock in words.items()]
    here = Drive(world(builders.reference(), builders.playbook(**data)))
    here.send(*crowd(50), builders.campaign_started()).until(1)
    done = here.task("d-value")
    here.send(builders.task_done(done.task_id, at(1, "07:55"), persona=done.persona_id)).until(3)
    (said,) = here.sent(CampaignBehind)
    assert (said.done["value"], said.done["risk"]) == (1.0, 0.0)
    assert said.weakest in {"risk", "trust"}
    assert said.weakest == weakest_of(said.done, said.leak)


def test_of_equally_weak_parts_the_one_that_the_leak_rests_on_is_named():
    done = {"need": 0.5, "value": 0.5, "benefit": 0.5, "risk": 0.5}
    assert weakest_of(done, "sign_ups") == "benefit"
    assert weakest_of(done, "orders") == "risk"
    assert weakest_of(done, None) == "need"
    assert weakest_of({}, "orders") is None


def test_the_leak_is_where_most_was_lost_against_the_baseline():
    expected = {"participants": 20.0, "interested": 10.0, "sign_ups": 5.0, "orders": 2.0}
    kept = {"participants": 20.0, "interested": 9.0, "sign_ups": 1.0, "orders": 1.0}
    assert leak_of(expected, kept) == "sign_ups"
    assert leak_of(expected, {**kept, "participants": 2.0}) == "participants"
    assert leak_of({}, kept) is None
