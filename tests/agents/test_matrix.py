"""The matrix of a day: who does what in which groups, what is uncovered, and why."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import pytest

from agents.matrix import NOBODY, Line, matrix
from agents.rota import HOURS, LOAD, OFF
from schemas.reference import Persona
from schemas.values import Role
from tests import builders
from tests.agents.drive import world

DAY = date.fromisoformat(builders.DAY_1)


def lines(*people: Persona, day: date = DAY, **rows: Any) -> list[Line]:
    """The matrix of two estates with a group each, both in a campaign of the small playbook since day 1."""
    whole: dict[str, Any] = {
        "estates": [builders.estate("e1"), builders.estate("e2", "远洋里", lng=116.5)],
        "groups": [builders.group("g1"), builders.group("g2", "e2", name="远洋里群")],
        "campaigns": [builders.campaign("e1"), builders.campaign("e2")], "personas": list(people), **rows,
    }
    return matrix(world(builders.reference(**whole)), day)


def told(found: list[Line]) -> list[tuple[str, str | None, int, str]]:
    return [
        (line.group.group_id, line.persona.persona_id if line.persona else None, line.tasks, line.why)
        for line in found if line.role is Role.MAIN_PERSONA
    ]


def main(persona_id: str = "p-main", groups: tuple[str, ...] = ("g1", "g2"), **columns: Any) -> Persona:
    return builders.persona(persona_id, groups=groups, **columns)


def test_one_person_does_all_that_they_have_room_for():
    assert told(lines(main())) == [("g1", "p-main", 1, ""), ("g2", "p-main", 1, "")]


def test_a_load_holds_over_all_groups_at_once():
    assert told(lines(main(load=1))) == [("g1", "p-main", 1, ""), ("g2", None, 1, LOAD)]


@pytest.mark.parametrize(("columns", "why"), [
    ({"hours": (time(9), time(18))}, HOURS), ({"days_off": ("mon",)}, OFF), ({"groups": ()}, NOBODY),
])
def test_what_is_uncovered_says_why(columns, why):
    assert told(lines(main(**columns))) == [("g1", None, 1, why), ("g2", None, 1, why)]


def test_who_has_the_role_and_room_is_named_to_be_asked_in():
    here = lines(main(load=1), main("p-two", groups=(), name="韩露"))
    (uncovered,) = [line for line in here if line.persona is None and line.role is Role.MAIN_PERSONA]
    assert uncovered.could_join is not None
    assert uncovered.could_join.persona_id == "p-two"


def test_nobody_is_asked_in_where_they_are_a_face_already():
    face = builders.persona("p-shill", Role.SHILL, groups=("g2",), member_id="m-two", name="韩露")
    here = lines(main(load=1), face, main("p-two", groups=(), name="韩露", member_id="m-two"))
    assert [line.could_join for line in here if line.persona is None and line.role is Role.MAIN_PERSONA] == [None]


def test_a_group_that_no_campaign_works_on_that_day_asks_for_nothing():
    assert lines(main(), day=date(2026, 2, 27)) == []
    assert lines(main(), day=date(2026, 5, 1)) == []
    assert lines(main(), groups=[builders.group("g1", open=False)]) == []
