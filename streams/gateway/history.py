"""The campaigns' past, day by day: what the flow map showed then."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.concurrency import run_in_threadpool

from schemas.errors import Fenced
from schemas.values import RUNGS, Phase, Rung
from streams import chronicle
from streams.chronicle import Ended
from streams.gateway.auth import Watcher
from streams.gateway.context import Gateway, Here, json
from streams.gateway.problems import BAD_PARAMETER, Problem
from streams.gateway.scope import cities_of

#: At most so long one request takes in what went out since the last, in seconds; the next goes on from there.
_PATIENCE = 2.0
#: The most days of one answer: three months.
MOST_DAYS = 92
_SIGNED = tuple(rung.value for rung in RUNGS[RUNGS.index(Rung.PROSPECTIVE_BUYER):])
_SPOKE = tuple(rung.value for rung in RUNGS[RUNGS.index(Rung.PARTICIPANT):])

router = APIRouter(tags=["hq"])

Day = Annotated[str | None, Query(pattern=r"^\d{4}-\d\d-\d\d$", description="A date, 2026-03-02")]


@router.get("/v1/history", summary="Phases and counts by day")
async def read_history(
    here: Here, grant: Watcher, city: str | None = None,
    first: Annotated[Day, Query(alias="from")] = None, last: Annotated[Day, Query(alias="to")] = None,
) -> Response:
    """`{"days", "estates", "totals", "complete"}`: each estate's states by day, and the sums of each day.

    A state is `[day, phase, day of the stage, sign-ups, orders, active, over]`, with `day` an index of `days`; it holds
    until the next. Figures are sums of what the events say: whoever left a group stays counted. Without dates the last
    three months; `complete` is false while older events are still being taken in: ask again.
    """
    cities = cities_of(grant, city)
    complete = await take_in(here)
    return json(await here.ask(lambda connection: _answer(here, connection, cities, first, last)) | {
        "complete": complete, "now": here.clock.now()})


async def take_in(here: Gateway) -> bool:
    """Take in what went out since the last time; whether that is all there is."""
    upto = here.changes.version()
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        gathered = await here.ask(lambda connection: chronicle.gather(connection, upto))
        if gathered.after == gathered.before:
            return True
        try:
            await here.change(lambda connection, what=gathered: chronicle.keep(connection, what))  # type: ignore[misc]  # mypy knows no defaults of a lambda
        except Fenced:
            # Another process takes the same in: it is in good hands.
            await run_in_threadpool(time.sleep, 0.05)
        if gathered.after >= upto:
            return True
    return False


def _answer(
    here: Gateway, connection: Any, cities: frozenset[str] | None, first: str | None, last: str | None
) -> dict[str, Any]:
    known = chronicle.span(connection)
    if known is None:
        return {"days": [], "estates": {}, "totals": []}
    to = min(_date("to", last), _date("to", known[1])) if last else _date("to", known[1])
    begin = max(_date("from", first or known[0]), _date("from", known[0]), to - timedelta(days=MOST_DAYS - 1))
    days = [(begin + timedelta(days=n)).isoformat() for n in range((to - begin).days + 1)]
    if not days:
        return {"days": [], "estates": {}, "totals": []}
    estates: dict[str, list[tuple[int, Ended]]] = {}
    place = {day: n for n, day in enumerate(days)}
    wanted = None if cities is None else frozenset(here.atlas.ids_of(cities))
    for estate_id, day, state in chronicle.between(connection, days[0], days[-1]):
        # Before its first phase an estate has no campaign to be shown.
        if state.stage and (wanted is None or estate_id in wanted):
            estates.setdefault(estate_id, []).append((place.get(day, 0), state))
    skip = min((states[0][0] for states in estates.values()), default=0)
    days = days[skip:]
    estates = {key: [(n - skip, state) for n, state in states] for key, states in estates.items()}
    return {
        "days": days,
        "estates": {key: [_state(n, days[n], state) for n, state in states] for key, states in estates.items()},
        "totals": [_total(n, estates) for n in range(len(days))],
    }


def _date(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Problem(BAD_PARAMETER, f"参数 {name} 不是日期：{text}（例如 2026-03-02）。",
                      f"{name} is not a date: {text} (say 2026-03-02).") from error


def _state(n: int, day: str, state: Ended) -> list[Any]:
    return [n, state.phase or None, _stage_day(day, state), _sum(state, _SIGNED), state.orders, _sum(state, _SPOKE),
            state.over]


def _stage_day(day: str, state: Ended) -> int:
    """Which day of its stage a date was."""
    if not state.since or state.over:
        return state.day
    return state.day + (date.fromisoformat(day) - date.fromisoformat(state.since)).days


def _sum(state: Ended, rungs: tuple[str, ...]) -> int:
    return sum(state.rungs.get(rung, 0) for rung in rungs)


def _total(n: int, estates: dict[str, list[tuple[int, Ended]]]) -> dict[str, Any]:
    then = list(_then(n, estates))
    return {
        "worked": sum(bool(state.phase) for state in then),
        "phases": {phase.value: sum(state.phase == phase.value for state in then) for phase in Phase},
        "placed": sum(state.placed for state in then),
        "sign_ups": sum(_sum(state, _SIGNED) for state in then),
        "orders": sum(state.orders for state in then),
        "tasks_issued": sum(state.tasks.get("issued", 0) for state in then),
        "tasks_verified": sum(state.tasks.get("verified", 0) for state in then),
    }


def _then(n: int, estates: dict[str, list[tuple[int, Ended]]]) -> Iterator[Ended]:
    """Each estate's last state on or before a day."""
    for states in estates.values():
        found = [state for at, state in states if at <= n]
        if found:
            yield found[-1]
