"""What each campaign was like at the end of each day: read from what went out, and kept.

Nobody waits for it while events are worked. Whoever asks for the past first takes in what went out since the last time
(`gather`, then `keep`), from a position of its own; a row of `history` is the state at the end of a day on which
something changed, so that a span of days is read by an index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, bindparam, func, select

from schemas.topics import CAMPAIGN_EVENTS, TASKS
from streams import places
from streams.sql import Put, sql_of
from streams.tables import history, outbox

#: The position up to which the outbox has been taken in.
CONSUMER = "history"
#: Rows of the outbox that are taken in at once: some tens of milliseconds.
SLICE = 10_000


class Ended(Struct, omit_defaults=True):
    """A campaign at the end of a day; `phase` is empty before its first and after its last.

    The phase was entered on day `day` of the stage, which was the date `since`.
    `sold` and `lost` are the orders that something was paid for, and those given back or cancelled; `rungs` whoever
    rose to a rung, the stranger's left out; `tasks` whatever was issued, verified, expired or withdrawn so far.
    """

    phase: str = ""
    stage: int = 0
    day: int = 0
    since: str = ""
    over: bool = False
    missed: bool = False
    behind: bool = False
    placed: int = 0
    rungs: dict[str, int] = {}
    sold: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    tasks: dict[str, int] = {}

    @property
    def orders(self) -> int:
        """How many orders counted then."""
        return len(set(self.sold) - set(self.lost))


class Gathered(NamedTuple):
    """What a slice of the outbox said: where it began and ended, and the days by (estate, day)."""

    before: int
    after: int
    days: dict[tuple[str, str], Ended]


class _Data(Struct):
    estate_id: str | None = None
    phase: str | None = None
    stage: int = 0
    day: int = 0
    rung: str = ""
    previous: str | None = None
    rule: str = ""
    order_id: str = ""
    campaign_id: str | None = None


class _Out(Struct):
    type: str
    time: str
    data: _Data


_read = msgspec.json.Decoder(_Out).decode
_write = msgspec.json.Encoder().encode
_ended = msgspec.json.Decoder(Ended).decode
_put = Put(history, "estate_id", "day", "body", update=("body",))
_TOPICS = (CAMPAIGN_EVENTS.name, TASKS.name)
_PAID, _GONE = frozenset({"deposit-paid", "paid"}), frozenset({"cancelled", "refunded"})
_TASKS = frozenset({"issued", "verified", "expired", "withdrawn"})


# --- taking in what went out ----------------------------------------------------------------------


def gather(connection: Connection, upto: int, most: int = SLICE) -> Gathered:
    """What went out after the last time and at or below the offset `upto`, at most so many rows; nothing is written."""
    before = int(sql_of(connection)("SELECT next FROM positions WHERE consumer = ?", (CONSUMER,)).scalar() or 0)
    rows = connection.execute(
        select(outbox.c.offset, outbox.c.key, outbox.c.topic, outbox.c.raw)
        .where(outbox.c.offset > before, outbox.c.offset <= upto).order_by(outbox.c.offset).limit(most)
    ).all()
    after = max(before, upto) if len(rows) < most else rows[-1].offset
    said = [(row.key, _read(row.raw)) for row in rows if row.topic in _TOPICS]
    return Gathered(before, after, _days(connection, said))


def _days(connection: Connection, said: list[tuple[str, _Out]]) -> dict[tuple[str, str], Ended]:
    last: dict[str, tuple[str, Ended]] = {}
    days: dict[tuple[str, str], Ended] = {}
    for key, event in said:
        area, _, what = event.type.removesuffix(".v1").removeprefix("loupan.").partition(".")
        estate_id = (event.data.estate_id or key) if area != "task" else event.data.estate_id
        if estate_id is None or not _tells(area, what):
            continue
        if estate_id not in last:
            last[estate_id] = _last(connection, estate_id)
        # The log's order holds: what is dated before the last day is told on it.
        day = max(event.time[:10], last[estate_id][0])
        state = last[estate_id][1] if day == last[estate_id][0] else _copy(last[estate_id][1])
        _take(state, area, what, event.data, day)
        last[estate_id] = day, state
        days[estate_id, day] = state
    return days


def _tells(area: str, what: str) -> bool:
    return area in ("campaign", "ledger") or (area == "task" and what in _TASKS) or (
        area == "member" and what in ("placed", "rung-changed"))


def _last(connection: Connection, estate_id: str) -> tuple[str, Ended]:
    row = connection.execute(
        select(history.c.day, history.c.body).where(history.c.estate_id == estate_id)
        .order_by(history.c.day.desc()).limit(1)
    ).one_or_none()
    return (row.day, _ended(row.body)) if row is not None else ("", Ended())


def _copy(state: Ended) -> Ended:
    return msgspec.structs.replace(state, rungs=dict(state.rungs), tasks=dict(state.tasks))


def _take(state: Ended, area: str, what: str, data: _Data, day: str) -> None:
    if area == "task":
        state.tasks[what] = state.tasks.get(what, 0) + 1
    elif area == "member":
        _of_member(state, what, data)
    elif area == "ledger":
        _of_order(state, data)
    else:
        _of_campaign(state, what, data, day)


def _of_member(state: Ended, what: str, data: _Data) -> None:
    if what == "placed":
        state.placed = max(0, state.placed + (1 if data.estate_id else -1))
        return
    for rung, step in ((data.previous, -1), (data.rung, 1)):
        if rung and rung != "stranger":
            state.rungs[rung] = max(0, state.rungs.get(rung, 0) + step)


def _of_order(state: Ended, data: _Data) -> None:
    if data.campaign_id is None:
        # Nobody's campaign: it counts for none.
        return
    if data.rule in _PAID and data.order_id not in state.sold:
        state.sold = (*state.sold, data.order_id)
    elif data.rule in _GONE and data.order_id not in state.lost:
        state.lost = (*state.lost, data.order_id)


def _of_campaign(state: Ended, what: str, data: _Data, day: str) -> None:
    if what == "phase-entered":
        if data.stage != state.stage:
            state.sold, state.lost = (), ()
        state.phase, state.stage, state.day, state.since = data.phase or "", data.stage, data.day, day
        state.over = state.missed = state.behind = False
    elif what == "gate-missed":
        state.missed = True
    elif what == "behind":
        state.behind = True
    elif what == "stage-ended":
        state.phase, state.over = "", True


def keep(connection: Connection, gathered: Gathered) -> None:
    """Write the days and move the position on, in the caller's transaction.

    Raises:
        Fenced: when somebody else took the same slice in meanwhile; theirs holds.
    """
    _put(connection, [(estate_id, day, _write(state)) for (estate_id, day), state in gathered.days.items()])
    known = {CONSUMER: gathered.before} if gathered.before else {}
    places.advance(connection, known, {CONSUMER: gathered.after})


# --- reading it -----------------------------------------------------------------------------------


def between(connection: Connection, first: str, last: str) -> Iterator[tuple[str, str, Ended]]:
    """The days (ISO dates) from first to last, and before them each estate's last state; by estate, then by day."""
    before = (
        select(history.c.estate_id, func.max(history.c.day).label("day"))
        .where(history.c.day < bindparam("first")).group_by(history.c.estate_id).subquery()
    )
    held = select(history.c.estate_id, history.c.day, history.c.body).join(
        before, (history.c.estate_id == before.c.estate_id) & (history.c.day == before.c.day))
    within = select(history.c.estate_id, history.c.day, history.c.body).where(
        history.c.day >= bindparam("first"), history.c.day <= bindparam("last"))
    rows = [*connection.execute(held, {"first": first}), *connection.execute(within, {"first": first, "last": last})]
    for estate_id, day, body in sorted(rows, key=lambda row: (row[0], row[1])):
        yield estate_id, day, _ended(body)


def of_estate(connection: Connection, estate_id: str) -> Iterable[tuple[str, Ended]]:
    """One estate's days, in order."""
    rows = connection.execute(
        select(history.c.day, history.c.body).where(history.c.estate_id == estate_id).order_by(history.c.day))
    return [(day, _ended(body)) for day, body in rows]


def span(connection: Connection) -> tuple[str, str] | None:
    """The first and the last day that there is anything of."""
    first, last = connection.execute(select(func.min(history.c.day), func.max(history.c.day))).one()
    return (first, last) if first is not None else None
