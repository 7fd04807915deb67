"""Who does a task: the same facts give the same person."""

from __future__ import annotations

from agents.staffing import STANDS_IN, active_shills, persona_for, shill_for, witness
from agents.state import OrderRow
from schemas.reference import Persona
from schemas.values import PersonaClass, Role
from tests import builders

STAFF, BUYER, PARTNER = PersonaClass.STAFF, PersonaClass.BUYER, PersonaClass.PARTNER


def shill(name: str, cls: PersonaClass = STAFF) -> Persona:
    return builders.persona(f"p-{name}", Role.SHILL, cls)


def ids(personas: tuple[Persona, ...]) -> list[str]:
    return [persona.persona_id for persona in personas]


def test_every_role_says_who_stands_in_for_it():
    assert set(STANDS_IN) == set(Role)


def test_those_of_a_role_take_turns():
    designers = [builders.persona(f"p-d{n}", Role.DESIGNER) for n in (1, 2)]
    turns = [persona_for(Role.DESIGNER, designers, number) for number in range(4)]
    assert [persona.persona_id for persona in turns if persona] == ["p-d1", "p-d2", "p-d1", "p-d2"]


def test_in_a_small_shop_the_main_persona_stands_in():
    main = builders.persona("p-main", Role.MAIN_PERSONA)
    found = {role: persona_for(role, [main], 0) for role in Role}
    assert {role for role, persona in found.items() if persona is main} == {
        Role.MAIN_PERSONA, Role.CUSTOMER_SERVICE, Role.GROUP_ADMIN, Role.LEADER}


def test_nobody_stands_in_for_a_skill_that_they_lack():
    everybody = [builders.persona(f"p-{role}", role) for role in Role if role not in (Role.DESIGNER, Role.INSTALLER)]
    assert persona_for(Role.DESIGNER, everybody, 0) is None
    assert persona_for(Role.INSTALLER, everybody, 0) is None


def test_a_duty_of_the_shop_goes_to_staff_only():
    people = [builders.persona("p-a", Role.DESIGNER, BUYER), builders.persona("p-b", Role.DESIGNER, PARTNER)]
    assert persona_for(Role.DESIGNER, people, 0) is None


def test_the_classes_of_shills_take_turns_so_that_none_crowds_out_the_other():
    shills = [shill("a1"), shill("a2"), shill("a3"), shill("b1", BUYER), shill("b2", BUYER), shill("c1", PARTNER)]
    assert ids(active_shills(shills, 6)) == ["p-a1", "p-b1", "p-c1", "p-a2", "p-b2", "p-a3"]
    assert ids(active_shills(shills, 2)) == ["p-a1", "p-b1"]


def test_where_there_is_one_class_it_has_every_place():
    assert ids(active_shills([shill("b1", BUYER), shill("b2", BUYER)], 2)) == ["p-b1", "p-b2"]


def test_no_more_shills_are_active_than_allowed_and_only_shills():
    people = [builders.persona("p-main"), shill("a1"), shill("a2")]
    assert ids(active_shills(people, 0)) == []
    assert ids(active_shills(people, 9)) == ["p-a1", "p-a2"]


def test_a_shill_speaks_as_who_they_are():
    shills = [shill("a1"), shill("b1", BUYER)]
    assert shill_for(STAFF, shills, 0) is shills[0]
    assert shill_for(BUYER, shills, 0) is shills[1]
    assert shill_for(PARTNER, shills, 0) is None


# --- witnesses ----------------------------------------------------------------------------------------


def order(member: str, product: str = "全屋定制", **stands: bool) -> OrderRow:
    return OrderRow(member, "g1", (product, "sku-1"), 100, **{"delivered": True, **stands})  # type: ignore[arg-type]  # flags


def test_a_witness_has_the_product_and_the_order_that_bears_it_out():
    buyer = shill("b1", BUYER)
    found = witness("全屋定制", [buyer], [("o1", order("m-x")), ("o2", order("m-b1"))], 0)
    assert found is not None
    assert (found[0], found[1]) == (buyer, "o2")


def test_witnesses_take_turns():
    buyers = [shill("b1", BUYER), shill("b2", BUYER)]
    orders = [("o1", order("m-b2")), ("o2", order("m-b1")), ("o3", order("m-b1"))]
    found = [witness("全屋定制", buyers, orders, number) for number in range(3)]
    assert [(one[0].persona_id, one[1]) for one in found if one] == [("p-b1", "o2"), ("p-b2", "o1"), ("p-b1", "o2")]


def test_staff_and_partners_are_no_witnesses_whatever_they_bought():
    orders = [("o1", order("m-a1")), ("o2", order("m-c1"))]
    assert witness("全屋定制", [shill("a1"), shill("c1", PARTNER)], orders, 0) is None


def test_what_is_not_delivered_or_given_back_bears_nothing_out():
    buyer = [shill("b1", BUYER)]
    for row in (
        order("m-b1", delivered=False), order("m-b1", refunded=True), order("m-b1", cancelled=True),
        order("m-b1", "地板"),
    ):
        assert witness("全屋定制", buyer, [("o1", row)], 0) is None
