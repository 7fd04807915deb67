"""What a campaign's story tells: everything of it that is read from the database, as plain values.

Nobody is named who is not ours: members are counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, select

from agents import copying
from agents.baselines import expectations
from agents.copying import DutyLived, Lived, PhaseLived
from agents.rows import CAMPAIGN
from agents.state import ORDER, CampaignRow, OrderRow
from schemas.errors import BadFile
from schemas.playbook import Playbook
from schemas.reference import Estate
from schemas.tasks import Behind
from schemas.topics import CAMPAIGN_EVENTS, TASKS
from schemas.values import RUNGS, TaskStatus
from streams.campaign_copy import life_of
from streams.ledger_view import Asked, books
from streams.reference_store import load_reference
from streams.simulated import CLOCK, SIMULATED
from streams.tables import flow, meta, outbox, state

_RUNG_CHANGED: Final = "loupan.member.rung-changed.v1"
_BEHIND: Final = "loupan.campaign.behind.v1"
_TOLD_OF_TASKS: Final = ("loupan.task.expired.v1", "loupan.task.withdrawn.v1")
_order = msgspec.msgpack.Decoder(OrderRow)
_DONE: Final = frozenset({TaskStatus.DONE, TaskStatus.VERIFIED})


@dataclass(frozen=True, slots=True)
class Story:
    """A campaign from its first day to `as_of`. Money is in fen, `ladder` a count of each rung by day."""

    estate: Estate
    campaign: CampaignRow
    playbook: Playbook
    lived: Lived
    row: Mapping[str, Any]
    as_of: datetime
    first: date
    simulated: bool
    phases: list[PhaseLived]
    ladder: list[tuple[date, dict[str, int]]]
    orders: list[tuple[date, int]]
    expected: list[tuple[date, float]]
    money: Mapping[str, int]
    behind: list[tuple[datetime, Behind]]
    best: list[DutyLived]
    reasons: list[tuple[str, str, int]] = field(default_factory=list)

    @property
    def days(self) -> int:
        """How many days it has run, its first among them."""
        return max((self.as_of.date() - self.first).days + 1, 1)

    def punctual(self) -> tuple[int, int, float]:
        """How many tasks were seen, how many of them within their half hour, and the median of minutes after it."""
        after = [
            (self.lived.seen[task.task_id] - task.window.end).total_seconds() / 60
            for task in self.lived.tasks if task.task_id in self.lived.seen]
        return len(after), sum(minutes <= 0 for minutes in after), max(median(after), 0) if after else 0

    def by_role(self) -> dict[str, Counter[str]]:
        """The tasks of each role, by how they ended."""
        found: dict[str, Counter[str]] = {}
        for task in self.lived.tasks:
            found.setdefault(task.role, Counter())[task.status] += 1
        return dict(sorted(found.items(), key=lambda item: -item[1].total()))


def story_of(connection: Connection, estate_id: str) -> Story:
    """The story of an estate's last campaign.

    Raises:
        BadFile: when there is no such estate, or it has had no campaign, or its playbook is gone.
    """
    reference, playbooks = load_reference(connection)
    estate = reference.estates.get(estate_id)
    if estate is None:
        raise BadFile(estate_id, None, "there is no such estate", _near(reference.estates, estate_id))
    campaign, lived = life_of(connection, estate_id, playbooks, estate_id)
    playbook, zone = lived.playbook, ZoneInfo(lived.playbook.zone)
    body = connection.execute(select(flow.c.body).where(flow.c.estate_id == estate_id)).scalar()
    row = msgspec.json.decode(bytes(body)) if body is not None else {}
    first = date.fromisoformat(campaign.start_date)
    as_of = _as_of(row, lived, zone, first)
    kept = books(connection, Asked(estate_id))
    return Story(
        estate=estate, campaign=campaign, playbook=playbook, lived=lived, row=row, as_of=as_of, first=first,
        simulated=connection.execute(select(meta.c.value).where(meta.c.name == CLOCK)).scalar() == SIMULATED,
        phases=copying.phases_lived(lived), ladder=list(_ladder(connection, estate_id, zone, first, as_of.date())),
        orders=list(_orders(kept, _sold(connection, estate_id, campaign), zone, first, as_of.date())),
        expected=list(_expected(playbook, campaign, row, estate, first)),
        money=_money(kept), behind=_behind(connection, estate_id, campaign),
        best=sorted((duty for duty in copying.duties_lived(lived).values() if duty.moved),
                    key=lambda duty: (-duty.moved, duty.id))[:6],
        reasons=_reasons(connection, lived))


def _near(estates: Mapping[str, Estate], wanted: str) -> str:
    """Those that may be meant: by name, or by the beginning of an id."""
    found = [id for id, estate in estates.items() if wanted and (wanted in estate.name or id.startswith(wanted))]
    said = ", ".join(f"{id} ({estates[id].name})" for id in found[:3])
    return f"is it {said}?" if said else "name it by its id, as in estates.csv"


def _as_of(row: Mapping[str, Any], lived: Lived, zone: ZoneInfo, first: date) -> datetime:
    if said := row.get("updated_at"):
        return datetime.fromisoformat(str(said)).astimezone(zone)
    last = max((task.window.end for task in lived.tasks), default=datetime.combine(first, time(), zone))
    return last.astimezone(zone)


# --- by day -----------------------------------------------------------------------------------------


def _days(first: date, last: date) -> Iterator[date]:
    for number in range(max((last - first).days, 0) + 1):
        yield first + timedelta(days=number)


def _ladder(
    connection: Connection, estate_id: str, zone: ZoneInfo, first: date, last: date
) -> Iterator[tuple[date, dict[str, int]]]:
    """How many members stood on each rung above the lowest by the evening of each day."""
    counts: Counter[str] = Counter()
    moves: dict[date, list[tuple[str, str]]] = {}
    for event in _told(connection, CAMPAIGN_EVENTS.name, estate_id, (_RUNG_CHANGED,)):
        day = max(_day(event["time"], zone), first)
        moves.setdefault(min(day, last), []).append((event["data"]["previous"], event["data"]["rung"]))
    for day in _days(first, last):
        for before, after in moves.get(day, ()):
            counts[before] -= 1
            counts[after] += 1
        yield day, {rung.value: max(counts[rung.value], 0) for rung in RUNGS[1:]}


def _sold(connection: Connection, estate_id: str, campaign: CampaignRow) -> set[str]:
    """The orders that count as sold by the campaign: something was paid, and they stand."""
    question = select(state.c.sub, state.c.value).where(
        state.c.step == CAMPAIGN, state.c.key == estate_id, state.c.kind == ORDER)
    rows = ((order_id, _order.decode(bytes(value))) for order_id, value in connection.execute(question))
    return {order_id for order_id, row in rows if row.counts and row.campaign_id == campaign.campaign_id}


def _orders(
    kept: Mapping[str, Any], sold: set[str], zone: ZoneInfo, first: date, last: date
) -> Iterator[tuple[date, int]]:
    """How many of the orders that were sold had brought their first money by the evening of each day."""
    began: dict[str, date] = {}
    for entry in kept["entries"]:
        came = any(line["account"] == "cash" and line["fen"] > 0 for line in entry["lines"])
        if came and entry["order_id"] in sold:
            began.setdefault(entry["order_id"], _day(entry["time"], zone))
    for day in _days(first, last):
        yield day, sum(max(when, first) <= day for when in began.values())


def _expected(
    playbook: Playbook, campaign: CampaignRow, row: Mapping[str, Any], estate: Estate, first: date
) -> Iterator[tuple[date, float]]:
    """What such groups usually have sold by the evening of each day of the stage, where the playbook says."""
    section, stage = playbook.baselines, playbook.stage(campaign.stage)
    baseline = section.stage(campaign.stage) if section is not None else None
    if section is None or baseline is None or stage is None:
        return
    base = float(row.get("members") or 0) if section.per == "members" else float(estate.households or 0)
    for day in range(1, sum(phase.days for phase in stage.phases) + 1):
        figure = expectations(baseline, base, day).get("orders")
        if figure is not None:
            yield first + timedelta(days=day - 1), figure


def _day(text: str, zone: ZoneInfo) -> date:
    return datetime.fromisoformat(text).astimezone(zone).date()


# --- what else is told ------------------------------------------------------------------------------


def _money(kept: Mapping[str, Any]) -> dict[str, int]:
    """What was sold, what came in, what is owed: the accounts as amounts, without their signs."""
    return {name: abs(fen) for name, fen in kept["balance"].items()}


def _behind(connection: Connection, estate_id: str, campaign: CampaignRow) -> list[tuple[datetime, Behind]]:
    found = []
    for event in _told(connection, CAMPAIGN_EVENTS.name, estate_id, (_BEHIND,)):
        data = msgspec.convert(event["data"], Behind)
        if data.campaign_id == campaign.campaign_id:
            found.append((datetime.fromisoformat(event["time"]), data))
    return found


def _reasons(connection: Connection, lived: Lived) -> list[tuple[str, str, int]]:
    """Why tasks came to nothing: how each ended, the reason that was given, how often; the commonest first."""
    lost = {task.task_id: task for task in lived.tasks if task.status not in _DONE}
    found: Counter[tuple[str, str]] = Counter()
    for dealer_id in sorted({task.dealer_id for task in lost.values()}):
        for event in _told(connection, TASKS.name, dealer_id, _TOLD_OF_TASKS):
            task = lost.get(event["data"]["task_id"])
            if task is not None and task.status == event["data"]["status"]:
                found[event["data"]["status"], _plain(event["data"].get("reason", ""))] += 1
    return [(status, reason, count) for (status, reason), count in found.most_common(6)]


def _plain(reason: str) -> str:
    """A reason without the event and the person that it names: the same ones are counted together."""
    words = reason.partition(": ")[0]
    if " is away until " in words:
        return "a colleague is away"
    return "a colleague has answered" if words.endswith(" has answered") else words


def _told(connection: Connection, topic: str, key: str, types: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """What went out about a key, of these types, in order."""
    question = select(outbox.c.raw).where(outbox.c.topic == topic, outbox.c.key == key).order_by(outbox.c.offset)
    needles = [name.encode() for name in types]
    for raw in connection.execute(question).scalars():
        if any(needle in raw for needle in needles):
            event: dict[str, Any] = msgspec.json.decode(bytes(raw))
            if event["type"] in types:
                yield event
