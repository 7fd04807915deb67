"""The funnel 引流 → 转化 → 复购 → 裂变: who came, bought, bought again, and brought others, and the steps between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import msgspec
from fastapi import APIRouter, Response
from sqlalchemy import Connection, select

from agents.rows import CAMPAIGN
from agents.state import ORDER, ROW_TYPES, TALLY, OrderRow, Tally
from schemas.reference import Reference
from schemas.values import RUNGS, Rung
from streams.gateway.auth import Watcher
from streams.gateway.board import number
from streams.gateway.campaigns import bodies
from streams.gateway.context import Here, json
from streams.gateway.scope import cities_of
from streams.tables import state

#: The steps that are rungs of the ladder: everybody at this one or above.
_RUNGS = {
    "members": Rung.STRANGER, "active": Rung.PARTICIPANT, "interested": Rung.INTERESTED,
    "prospective": Rung.PROSPECTIVE_BUYER, "buyers": Rung.BUYER,
}
_STEPS = (*_RUNGS, "repeat", "referrers")
#: The trade's four stages, and the step that each ends with.
STAGES = {"引流": "members", "转化": "buyers", "复购": "repeat", "裂变": "referrers"}
#: Estates whose rows are looked up by one statement.
_AT_ONCE = 400
_order = msgspec.msgpack.Decoder(ROW_TYPES[ORDER]).decode
_tally = msgspec.msgpack.Decoder(ROW_TYPES[TALLY]).decode

router = APIRouter(tags=["hq"])


class _Part(NamedTuple):
    """A group's share of an estate's funnel, or, with an empty group, the estate's as a whole."""

    group_id: str
    counts: Counter[str]


@router.get("/v1/funnel", summary="引流 → 转化 → 复购 → 裂变: who came, bought, bought again, brought others")
def read_funnel(
    here: Here, grant: Watcher, by: Literal["city", "dealer", "estate", "group"] = "city",
    city: str | None = None, dealer_id: str | None = None,
) -> Response:
    """`{"by", "stages", "rows"}`: each with `id`, `name` and the steps; the first five hold who went further, too.

    `members`, `active`, `interested`, `prospective`, `buyers` are the ladder; `repeat` are members with two orders or
    more that something was paid for, `referrers` those who brought somebody in (rungs spreader and referrer).
    """
    found = [
        body for body in bodies(here, cities_of(grant, city)) if dealer_id is None or body.get("dealer_id") == dealer_id
    ]
    estates = [str(body["estate_id"]) for body in found]
    again, parted = here.read(
        lambda connection: (_again(connection, estates), _tallies(connection, estates) if by == "group" else {}))
    sums: dict[str, Counter[str]] = {}
    names: dict[str, str] = {}
    for body in found:
        for id, name, counts in _parts(here.reference(), body, by, again, parted):
            names[id] = name
            sums.setdefault(id, Counter()).update(counts)
    ids = sorted(sums, key=lambda key: (-sums[key]["members"], key))
    rows = [{"id": id, "name": names[id], **{step: sums[id][step] for step in _STEPS}} for id in ids]
    return json({"by": by, "stages": STAGES, "rows": rows})


def _parts(
    reference: Reference, body: dict[str, Any], by: str, again: dict[str, Counter[str]],
    parted: dict[str, dict[str, Tally]],
) -> Iterator[tuple[str, str, Counter[str]]]:
    """Whose the figures are: the estate's row goes to one city, dealer or estate, or is parted by group."""
    estate_id = str(body["estate_id"])
    bought = again.get(estate_id, Counter())
    if by == "group":
        yield from _groups(reference, body, bought, parted.get(estate_id, {}))
        return
    counts = _steps(body.get("rungs") or {}, number(body.get("members")), sum(bought.values()))
    name = str(body.get("name") or estate_id)
    if by == "dealer":
        dealer = str(body.get("dealer_id") or "")
        yield dealer, str(body.get("dealer_name") or dealer or "—"), counts
    elif by == "city":
        city = str(body.get("city") or "")
        yield city, city or "—", counts
    else:
        yield estate_id, name, counts


def _groups(
    reference: Reference, body: dict[str, Any], bought: Counter[str], tallies: dict[str, Tally]
) -> Iterator[tuple[str, str, Counter[str]]]:
    estate_id = str(body["estate_id"])
    own = [group.group_id for group in reference.groups_of_estate.get(estate_id, ())]
    if len(tallies) < 2:
        # The row of an estate with one group is that group's.
        id = own[0] if len(own) == 1 else next(iter(tallies), estate_id)
        counts = _steps(body.get("rungs") or {}, number(body.get("members")), sum(bought.values()))
        name = reference.groups[id].name if id in reference.groups else ""
        yield id, name or (id if id != estate_id else str(body.get("name") or id)), counts
        return
    for id, tally in tallies.items():
        rungs = {rung.value: count for rung, count in zip(RUNGS, tally.rungs, strict=True)}
        name = reference.groups[id].name if id in reference.groups else ""
        yield id, name or id, _steps(rungs, tally.members, bought[id])


def _steps(rungs: dict[str, Any], members: int, again: int) -> Counter[str]:
    reached = {
        step: sum(number(rungs.get(rung.value)) for rung in RUNGS[RUNGS.index(lowest):])
        for step, lowest in _RUNGS.items()
    }
    brought = sum(number(rungs.get(rung.value)) for rung in RUNGS[RUNGS.index(Rung.SPREADER):])
    return Counter({
        **reached, "members": members or reached["members"], "repeat": again, "referrers": brought,
    })


def _again(connection: Connection, estates: list[str]) -> dict[str, Counter[str]]:
    """By estate and group: how many members have two orders or more that count."""
    found: dict[str, Counter[str]] = {}
    for estate_id, rows in _rows(connection, estates, ORDER):
        orders: list[OrderRow] = [_order(value) for _, value in rows]
        of: Counter[tuple[str, str]] = Counter(
            (order.member_id, order.group_id or "") for order in orders if order.member_id and order.counts)
        counted = Counter(group for (_, group), count in of.items() if count > 1)
        if counted:
            found[estate_id] = counted
    return found


def _tallies(connection: Connection, estates: list[str]) -> dict[str, dict[str, Tally]]:
    """By estate: its groups' counts."""
    return {
        estate_id: {group: _tally(value) for group, value in rows}
        for estate_id, rows in _rows(connection, estates, TALLY)
    }


def _rows(
    connection: Connection, estates: list[str], kind: int
) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """The rows of one kind that each estate's campaign has, by their own key."""
    for start in range(0, len(estates), _AT_ONCE):
        part = estates[start:start + _AT_ONCE]
        grouped: dict[str, list[tuple[str, bytes]]] = {}
        question = select(state.c.key, state.c.sub, state.c.value).where(
            state.c.step == CAMPAIGN, state.c.key.in_(part), state.c.kind == kind
        ).order_by(state.c.key, state.c.sub)
        for key, sub, value in connection.execute(question):
            grouped.setdefault(key, []).append((sub, value))
        yield from grouped.items()
