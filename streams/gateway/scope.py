"""What a grant's holder sees: estates, groups and tasks, each of which is theirs to see or not there at all.

HQ sees everything; a region what lies in the estates of its cities, whoever works them; a dealer and a store what is
their own, and of an estate that they share with others no more than that.
"""

from __future__ import annotations

from schemas.reference import Group
from streams.gateway.atlas import Chart
from streams.gateway.auth import sees
from streams.gateway.board import body_of
from streams.gateway.context import Gateway
from streams.gateway.problems import NOT_ALLOWED, Problem
from streams.readers import TaskRow
from streams.tokens import Grant, TokenRole


def works(here: Gateway, chart: Chart, grant: Grant, estate_id: str) -> bool:
    """Whether the grant's holder may see the estate: a dealer or a store where it has a group or a campaign."""
    if grant.role is TokenRole.HQ:
        return True
    if grant.role is TokenRole.REGION:
        return in_region(here, grant, estate_id)
    name, of_groups = "dealer_id", chart.estates_by_dealer.get(grant.dealer_id or "", frozenset())
    own = grant.dealer_id
    if grant.role is TokenRole.STORE:
        name, of_groups, own = "store_id", chart.estates_by_store.get(grant.store_id or "", frozenset()), grant.store_id
    elif grant.role is not TokenRole.DEALER:
        return False
    if estate_id in of_groups:
        return True
    entry = here.board.entry(estate_id)
    return entry is not None and own is not None and body_of(entry).get(name) == own


def in_region(here: Gateway, grant: Grant, estate_id: str | None) -> bool:
    """Whether an estate lies in the region's cities; of one that is not in the book nobody can say."""
    estate = here.reference().estates.get(estate_id or "")
    return estate is not None and estate.city in grant.cities


def sees_group(here: Gateway, grant: Grant, group: Group) -> bool:
    """Whether the group is shown to the grant's holder: in a region by its estate, where it is known."""
    if grant.role is TokenRole.REGION and group.estate_id:
        return in_region(here, grant, group.estate_id)
    return sees(grant, group.dealer_id, group.store_id)


def sees_task(here: Gateway, grant: Grant, row: TaskRow) -> bool:
    """Whether the task is shown to the grant's holder."""
    if grant.role is TokenRole.REGION:
        return in_region(here, grant, row.estate_id)
    return sees(grant, row.dealer_id, row.store_id)


def estates_of(here: Gateway, grant: Grant) -> frozenset[str] | None:
    """The estates on the flow map that a region sees; None where the grant is not bound to cities.

    Only these have tasks. The board is to be refreshed before.
    """
    if grant.role is not TokenRole.REGION:
        return None
    return frozenset(estate_id for estate_id in here.board.entries() if in_region(here, grant, estate_id))


def cities_of(grant: Grant, city: str | None) -> frozenset[str] | None:
    """The cities that are asked for: the one named, or all that the grant has; None is every city there is.

    Raises:
        Problem: a region asks for another's city.
    """
    if grant.role is not TokenRole.REGION:
        return None if city is None else frozenset({city})
    if city is None:
        return grant.cities
    if city not in grant.cities:
        named = "、".join(sorted(grant.cities))
        raise Problem(
            NOT_ALLOWED, f"{city}不属于您的区域（{named}）。", f"{city} is not of your region ({named}).")
    return frozenset({city})
