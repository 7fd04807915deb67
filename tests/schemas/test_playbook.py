from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.playbook import Limits, Playbook, ScriptText, Span
from schemas.values import Phase
from tests import builders as build


def test_a_playbook_that_is_whole_is_read():
    book = build.playbook()
    stage = book.stage(1)
    assert stage is not None
    assert [plan.phase for plan in stage.phases] == list(Phase)
    assert book.stage(9) is None
    assert len(book.duties()) == len({duty.id for duty in book.duties()})


def drop_phase(data: dict[str, Any]) -> None:
    del data["stages"][0]["phases"][2]


def swap_phases(data: dict[str, Any]) -> None:
    phases = data["stages"][0]["phases"]
    phases[0], phases[1] = phases[1], phases[0]


def drop_day(data: dict[str, Any]) -> None:
    del data["stages"][0]["phases"][0]["plan"][1]


def first_duty(data: dict[str, Any]) -> dict[str, Any]:
    duty: dict[str, Any] = data["stages"][0]["phases"][0]["plan"][1][0]
    return duty


def twice(data: dict[str, Any]) -> None:
    data["stages"][0]["phases"][0]["plan"][1].append(copy.deepcopy(first_duty(data)))


def in_the_curfew(data: dict[str, Any]) -> None:
    first_duty(data)["at"] = "23:30"


def in_no_window(data: dict[str, Any]) -> None:
    first_duty(data)["at"] = "15:00"


def buyer_without_product(data: dict[str, Any]) -> None:
    first_duty(data)["script"]["speaks_as"] = "buyer"


def staff_that_testify(data: dict[str, Any]) -> None:
    first_duty(data)["script"]["testimonial"] = "全屋定制"


def too_many_shills(data: dict[str, Any]) -> None:
    data["limits"] = {"shills_per_100": 9}


def misspelt(data: dict[str, Any]) -> None:
    data["windws"] = {}


def shorter_than_its_days(data: dict[str, Any]) -> None:
    phase = data["stages"][0]["phases"][0]
    phase["longest"] = phase["days"] - 1 or 0


@pytest.mark.parametrize(("spoil", "reason"), [
    (drop_phase, "misses the phase value"),
    (swap_phases, "in the order"),
    (drop_day, "day 1 of warm_up has no duties"),
    (twice, "used twice"),
    (in_the_curfew, "lies in the curfew"),
    (in_no_window, "lies in no window"),
    (buyer_without_product, "testimonial is missing"),
    (staff_that_testify, "speaks_as must be buyer"),
    (too_many_shills, "less than or equal to 8"),
    (misspelt, "windws"),
    (shorter_than_its_days, "longest"),
])
def test_a_playbook_that_is_incomplete_or_dishonest_is_refused(spoil: Callable[[dict[str, Any]], None], reason: str):
    data = copy.deepcopy(build.playbook_data())
    spoil(data)
    with pytest.raises(ValidationError, match=reason):
        Playbook.model_validate(data)


def test_a_playbook_may_be_stricter_than_the_house_but_not_laxer():
    assert Limits(shills_per_100=3).shills_per_100 == 3
    with pytest.raises(ValidationError):
        Limits(shills_per_100=9)


def test_a_time_of_day_without_quotes_is_refused_because_yaml_reads_it_as_a_number():
    data = copy.deepcopy(build.playbook_data())
    first_duty(data)["at"] = 450  # what YAML 1.1 makes of 7:30
    with pytest.raises(ValidationError, match="in quotes"):
        Playbook.model_validate(data)
    with pytest.raises(ValidationError, match="in quotes"):
        build.playbook(curfew="23-7")


@given(st.times(), st.times(), st.times())
def test_a_span_and_the_rest_of_the_day_hold_every_time_exactly_once(start, end, at):
    if start != end:
        assert Span(start=start, end=end).holds(at) != Span(start=end, end=start).holds(at)


def test_a_curfew_passes_midnight():
    curfew = Span(start=time(23), end=time(7))
    held = [hour for hour in range(24) if curfew.holds(time(hour))]
    assert held == [0, 1, 2, 3, 4, 5, 6, 23]


def test_a_script_says_whom_it_speaks_as_and_what_it_serves():
    with pytest.raises(ValidationError, match="speaks_as"):
        ScriptText.model_validate({"text": "大家好", "formula": ["trust"]})
    with pytest.raises(ValidationError, match="formula"):
        ScriptText.model_validate({"text": "大家好", "speaks_as": "staff", "formula": []})
