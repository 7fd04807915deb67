"""What we ask of the playbook that ships first, beyond what holds for all: its first stage, and its reactions."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from schemas.playbook import Duty, Formula, PhasePlan
from schemas.values import PersonaClass, Phase, Role
from tests.agents.shipped import DEFAULT, PLAYBOOKS

PLAYBOOK = PLAYBOOKS[DEFAULT]

PEOPLE = {Role.MAIN_PERSONA, Role.SHILL, Role.CUSTOMER_SERVICE, Role.DESIGNER, Role.GROUP_ADMIN}
CATEGORIES = {"whole_house", "wardrobe", "kitchen", "wooden_door"}
READING_WINDOWS = ("morning", "noon", "evening", "night")


def phases() -> tuple[PhasePlan, ...]:
    return PLAYBOOK.stages[0].phases


def days() -> list[tuple[str, tuple[Duty, ...]]]:
    return [(f"{plan.phase} {day}", plan.plan[day]) for plan in phases() for day in sorted(plan.plan)]


def window_of(duty: Duty) -> str:
    return next(name for name, span in PLAYBOOK.windows.items() if span.holds(duty.at))


def test_the_stage_is_eleven_days_three_three_two_two_one():
    assert [plan.days for plan in phases()] == [3, 3, 2, 2, 1]
    assert [plan.longest for plan in phases()] == [5, 5, 3, 3, 2]
    assert (PLAYBOOK.for_.estate, PLAYBOOK.for_.group) == ("new", "own")


@pytest.mark.parametrize(("name", "duties"), days())
def test_every_reading_window_of_every_day_has_two_duties(name: str, duties: tuple[Duty, ...]):
    counted = Counter(window_of(duty) for duty in duties)
    assert {window: counted[window] for window in READING_WINDOWS if counted[window] < 2} == {}, name
    assert 11 <= len(duties) <= 14, name


@pytest.mark.parametrize(("name", "duties"), days())
def test_every_role_has_work_every_day(name: str, duties: tuple[Duty, ...]):
    assert {duty.role for duty in duties} == PEOPLE, name


@pytest.mark.parametrize(("name", "duties"), days())
def test_posts_of_a_window_are_ten_to_twenty_minutes_apart(name: str, duties: tuple[Duty, ...]):
    for before, after in pairwise(duties):
        gap = (after.at.hour - before.at.hour) * 60 + after.at.minute - before.at.minute
        assert gap > 0, (name, after.id)
        if window_of(before) == window_of(after):
            assert 10 <= gap <= 20, (name, after.id)


def test_the_quiz_runs_on_most_days_and_the_flash_sale_when_value_is_shown():
    quizzes = [name for name, duties in days() if any(window_of(duty) == "quiz" for duty in duties)]
    sales = [name for name, duties in days() if any(window_of(duty) == "flash_sale" for duty in duties)]
    assert len(quizzes) >= 8
    assert sales == ["value 1", "value 2", "sign_up 1", "sign_up 2"]


def test_every_phase_has_three_or_four_rescue_duties_with_their_own_angle():
    for plan in phases():
        assert 3 <= len(plan.rescue) <= 4, plan.phase
        assert len({window_of(duty) for duty in plan.rescue}) == len(plan.rescue), plan.phase


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


def test_buyers_testify_eight_to_ten_times_and_only_once_trust_is_the_matter():
    buyers = [(plan.phase, duty) for plan in phases() for day in plan.plan.values() for duty in day
              if duty.script.speaks_as is PersonaClass.BUYER]
    assert 8 <= len(buyers) <= 10
    assert {phase for phase, _ in buyers} == {Phase.TRUST, Phase.VALUE, Phase.SIGN_UP, Phase.CLOSING}
    assert {duty.role for _, duty in buyers} == {Role.SHILL}
    assert {duty.script.testimonial for _, duty in buyers} == CATEGORIES


def test_reactions_answer_what_people_ask_and_a_complaint_first():
    by_signal = {reaction.on: reaction for reaction in reversed(PLAYBOOK.reactions)}
    assert set(by_signal) == {
        "joined", "asks_price", "asks_design", "asks_product", "asks_service", "asks_progress", "complains",
        "signs_up", "agrees_to_visit", "home_unclear", "name_unclear",
    }
    assert by_signal["complains"].priority == 1
    assert by_signal["complains"].role is Role.CUSTOMER_SERVICE
    assert by_signal["signs_up"].role is Role.MAIN_PERSONA
    assert {reaction.script.speaks_as for reaction in PLAYBOOK.reactions} == {PersonaClass.STAFF}
