"""Staffing: which persona does what. The same facts give the same person."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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
    found = staff_for(role, personas, turn_number)
    return found[0] if found else None


def staff_for(role: Role, personas: Sequence[Persona], turn_number: int) -> tuple[Persona, ...]:
    """Every staff member who may do a duty of `role`, the best first.

    Those of the role in turn, then those who have the skill, then who stands in for it. Whoever does it keeps their
    own face: their post and their name.
    """
    staff = [p for p in personas if p.cls is PersonaClass.STAFF]
    found: list[Persona] = []
    for of_kind in (
        [p for p in staff if p.role is role],
        [p for p in staff if role in p.skills and p.role is not role],
        *([p for p in staff if p.role is wanted] for wanted in STANDS_IN[role]),
    ):
        found += [p for p in in_turn(of_kind, turn_number) if p not in found]
    return tuple(found)


def in_turn(personas: Sequence[Persona], turn_number: int) -> list[Persona]:
    """The same people, beginning with the one whose turn it is."""
    at = turn_number % len(personas) if personas else 0
    return [*personas[at:], *personas[:at]]


def active_shills(personas: Sequence[Persona], allowed: int) -> tuple[Persona, ...]:
    """The shills that may be active: the classes take turns (staff, buyer, partner), within a class by id."""
    shills = [p for p in personas if p.role is Role.SHILL]
    by_class = [[p for p in shills if p.cls is cls] for cls in PersonaClass]
    in_turn = [p for row in zip_longest(*by_class) for p in row if p is not None]
    return tuple(in_turn[:allowed])


def shill_for(speaks_as: PersonaClass, shills: Sequence[Persona], turn_number: int) -> Persona | None:
    """The active shill of that class, in turn."""
    found = shills_for(speaks_as, shills, turn_number)
    return found[0] if found else None


def shills_for(speaks_as: PersonaClass, shills: Sequence[Persona], turn_number: int) -> tuple[Persona, ...]:
    """Every active shill of that class, beginning with the one whose turn it is."""
    return tuple(in_turn([p for p in shills if p.cls is speaks_as], turn_number))


def witness(
    product: str, shills: Sequence[Persona], orders: Sequence[tuple[str, OrderRow]], turn_number: int
) -> tuple[Persona, str, OrderRow] | None:
    """An active shill who bought `product` and has it, with the order that bears it out; in turn, by id."""
    found = witnesses(product, shills, orders)
    return found[turn_number % len(found)] if found else None


def witnesses(
    product: str, shills: Sequence[Persona], orders: Sequence[tuple[str, OrderRow]]
) -> list[tuple[Persona, str, OrderRow]]:
    """Every active shill who bought `product` and has it, each with the order that bears it out; by id."""
    found = []
    for persona in shills:
        if persona.cls is not PersonaClass.BUYER:
            continue
        for order_id, order in orders:
            if order.member_id == persona.member_id and order.testifies and product in order.products:
                found.append((persona, order_id, order))
                break
    return found


# --- many duties at once ------------------------------------------------------------------------------

#: A duty's own name in a plan.
Key = Hashable


@dataclass(frozen=True, slots=True)
class Post:
    """A duty that wants somebody: its name, its window of local time, who may do it (the best first)."""

    key: Key
    start: datetime
    end: datetime
    candidates: tuple[Persona, ...]
    priority: int = 5


def assign(
    posts: Sequence[Post], room: Mapping[str, int], is_free: Callable[[Persona, datetime, datetime], bool],
) -> dict[Key, Persona]:
    """Who does which duty, so that as many as can be are done and nobody does more than they have room for.

    `room` is how many tasks each account takes (no entry: no bound); `is_free` says who works at that time. Greedy, in
    one pass: what fewest people can do comes first, then what is more urgent, then what is earlier; it goes to the best
    who has room. A duty that nobody has room for then takes the place of one that somebody else can do. That is one
    step of an augmenting path, so it may leave up to half of the best number undone in a case made for it; in a
    thousand made-up shops it left 0.01 % (tests/agents/test_assign.py, against the optimum).
    """
    left = dict(room)
    able = {post.key: tuple(p for p in post.candidates if is_free(p, post.start, post.end)) for post in posts}
    order = sorted(posts, key=lambda post: (len(able[post.key]), post.priority, post.start, str(post.key)))
    given: dict[Key, Persona] = {}
    for post in order:
        persona = _first_with_room(able[post.key], left) or _made_room(able[post.key], given, able, left)
        if persona is not None:
            take(left, persona)
            given[post.key] = persona
    return given


def _first_with_room(able: Sequence[Persona], left: Mapping[str, int]) -> Persona | None:
    return next((p for p in able if left.get(p.member_id, 1) > 0), None)


def _made_room(
    able: Sequence[Persona], given: dict[Key, Persona], all_able: Mapping[Key, Sequence[Persona]], left: dict[str, int]
) -> Persona | None:
    """One of those who can do it, after a duty of theirs went to somebody else."""
    accounts = {p.member_id: p for p in able}
    for key, busy in given.items():
        if busy.member_id in accounts and (other := _first_with_room(all_able[key], left)) is not None:
            take(left, other)
            take(left, busy, -1)
            given[key] = other
            return accounts[busy.member_id]
    return None


def take(left: dict[str, int], persona: Persona, count: int = 1) -> None:
    """Take so many tasks of the persona's room, where it has a bound."""
    if persona.member_id in left:
        left[persona.member_id] -= count
