"""Staffing: which persona does what. The same facts give the same person."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from agents.state import OrderRow
from schemas.reference import Persona
from schemas.values import PersonaClass, Role

#: Who stands in where a group has nobody of a role: in a small shop the main persona does most of it.
STANDS_IN: dict[Role, tuple[Role, ...]] = {
    Role.CUSTOMER_SERVICE: (Role.MAIN_PERSONA,),
    Role.GROUP_ADMIN: (Role.CUSTOMER_SERVICE, Role.MAIN_PERSONA),
    Role.DESIGNER: (),
    Role.INSTALLER: (),
    Role.LEADER: (Role.MAIN_PERSONA,),
    Role.MAIN_PERSONA: (),
    Role.SHILL: (),
}


def persona_for(role: Role, personas: Sequence[Persona], turn_number: int) -> Persona | None:
    """The staff member for a duty of `role`: those of the role in turn, or whoever stands in for it."""
    for wanted in (role, *STANDS_IN[role]):
        of_role = [p for p in personas if p.role is wanted and p.cls is PersonaClass.STAFF]
        if of_role:
            return of_role[turn_number % len(of_role)]
    return None


def active_shills(personas: Sequence[Persona], allowed: int) -> tuple[Persona, ...]:
    """The shills that may be active: the classes take turns (staff, buyer, partner), within a class by id."""
    shills = [p for p in personas if p.role is Role.SHILL]
    by_class = [[p for p in shills if p.cls is cls] for cls in PersonaClass]
    in_turn = [p for row in zip_longest(*by_class) for p in row if p is not None]
    return tuple(in_turn[:allowed])


def shill_for(speaks_as: PersonaClass, shills: Sequence[Persona], turn_number: int) -> Persona | None:
    """The active shill of that class, in turn."""
    of_class = [p for p in shills if p.cls is speaks_as]
    return of_class[turn_number % len(of_class)] if of_class else None


def witness(
    product: str, shills: Sequence[Persona], orders: Sequence[tuple[str, OrderRow]], turn_number: int
) -> tuple[Persona, str, OrderRow] | None:
    """An active shill who bought `product` and has it, with the order that bears it out; in turn, by id."""
    found = []
    for persona in shills:
        if persona.cls is not PersonaClass.BUYER:
            continue
        for order_id, order in orders:
            if order.member_id == persona.member_id and order.testifies and product in order.products:
                found.append((persona, order_id, order))
                break
    return found[turn_number % len(found)] if found else None
