from __future__ import annotations

import random

from schemas.reference import Reference
from tests import builders as build


def test_no_answer_hangs_on_the_order_of_a_file():
    personas = [build.persona(f"p{n}", groups=("g1", "g2")) for n in range(9)]
    groups = [build.group(f"g{n}", "e1") for n in range(9)]
    one = Reference.of(personas=personas, groups=groups)
    shaken = random.Random(3)
    shaken.shuffle(personas)
    shaken.shuffle(groups)
    two = Reference.of(personas=personas, groups=groups)
    assert one.personas_of_group == two.personas_of_group
    assert one.groups_of_estate == two.groups_of_estate
    assert list(one.groups) == list(two.groups)


def test_a_group_without_an_estate_belongs_to_none():
    reference = Reference.of(groups=[build.group("g1", None), build.group("g2", "e2")])
    assert set(reference.groups_of_estate) == {"e2"}
