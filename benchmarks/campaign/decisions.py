"""What deciding costs, without any I/O: an event, a day's planning for an estate, all estates at seven.

    python -m benchmarks.campaign.decisions [--estates 10000] [--events 40000]

Every estate has a group of seven of our people and sixty members, and a campaign on its third day. Rows stand in
memory; what a driver adds (reading, writing, committing) is `loupan bench`'s to measure.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from agents import campaign, placement
from agents.records import EstateRecord
from agents.rows import CAMPAIGN
from agents.state import MEMBER, TASK
from agents.turn import Turn
from agents.world import World
from schemas.errors import BadEvent
from schemas.events import Woke, WokeData, decode
from schemas.ids import derived_id
from schemas.reference import Dealer, Estate, Group, Persona, Reference, Store
from schemas.values import PersonaClass, Role
from streams import memory
from streams.bench.streams import SAYINGS, life
from streams.playbook_files import builtin_playbooks
from streams.starting import campaign_starts
from streams.worlds import make_world
from tests.memory_rows import MemoryRows

ZONE = ZoneInfo("Asia/Shanghai")
PLAYBOOK = "new-estate-own-group"
DAY_1 = datetime(2026, 3, 2, tzinfo=ZONE)
MEMBERS = 60
CREW = (
    *((role, PersonaClass.STAFF) for role in (
        Role.MAIN_PERSONA, Role.CUSTOMER_SERVICE, Role.DESIGNER, Role.GROUP_ADMIN, Role.SHILL, Role.SHILL)),
    (Role.SHILL, PersonaClass.BUYER),
)


class Town:
    """Estates at work in a world."""

    def __init__(self, world: World) -> None:
        self.estates = sorted(world.reference.estates)
        self.rows, self.world = MemoryRows(), world
        self.due: dict[str, datetime] = {}

    def send(self, raw: bytes) -> int:
        """Apply one event as it came; how long deciding took (ns), decoding apart."""
        event = decode(raw)
        began = time.perf_counter_ns()
        placed = placement.place(event, self.rows, self.world)
        turns = [campaign.advance(record, self.rows, self.world) for record in placed.records]
        took = time.perf_counter_ns() - began
        for turn in turns:
            self._settle(turn)
        return took

    def wake(self, estate_id: str, at: datetime) -> int:
        """Wake an estate; how long that took (ns)."""
        event = Woke(specversion="1.0", id=derived_id(at, estate_id), source="loupan/clock", time=at,
                     data=WokeData(estate_id, at))
        began = time.perf_counter_ns()
        turn = campaign.advance(EstateRecord(estate_id, event), self.rows, self.world)
        took = time.perf_counter_ns() - began
        self.due.pop(estate_id, None)
        self._settle(turn)
        return took

    def wake_until(self, end: datetime) -> None:
        """Let the time pass."""
        while due := sorted((at, estate_id) for estate_id, at in self.due.items() if at <= end):
            for at, estate_id in due:
                self.wake(estate_id, at)

    def _settle(self, turn: Turn) -> None:
        self.rows.keep()
        if turn.wake_at is not None:
            known = self.due.get(turn.estate_id)
            self.due[turn.estate_id] = turn.wake_at if known is None else min(known, turn.wake_at)


def _world(count: int) -> World:
    estates = [f"e{i:05}" for i in range(count)]
    side = int(len(estates) ** 0.5) + 1
    book = [
        Estate(id_, f"测试小区{id_[1:]}号院", lng=116.0 + i % side * 0.003, lat=39.0 + i // side * 0.003, crs="wgs84",
               households=800, city="北京", district="朝阳区")
        for i, id_ in enumerate(estates)
    ]
    groups = [Group(f"g-{id_}", f"业主群{id_}", estate_id=id_, dealer_id="d1", store_id="s1") for id_ in estates]
    crew = [
        Persona(f"p{n}-{id_}", f"小木{n}", role, cls, f"w{n}-{id_}", "d1", (f"g-{id_}",))
        for id_ in estates for n, (role, cls) in enumerate(CREW)
    ]
    return make_world(
        Reference.of(estates=book, dealers=[Dealer("d1", "经销商", "北京")], stores=[Store("s1", "d1", "样板店")],
                     groups=groups, personas=crew, campaigns=[]), builtin_playbooks())


def _event(kind: str, at: datetime, name: str, data: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"specversion": "1.0", "id": derived_id(at, name), "source": "bench",
                                "type": f"loupan.{kind}.v1", "time": at, "data": data})


def _begin(town: Town) -> None:
    for id_ in town.estates:
        for n in range(MEMBERS):
            data = {"group_id": f"g-{id_}", "member_id": f"m{n}-{id_}", "display_name": f"邻居{n}"}
            town.send(_event("group.member-joined", DAY_1 - timedelta(hours=2), f"j{n}{id_}", data))
        town.send(_event("campaign.started", DAY_1 - timedelta(hours=1), f"s{id_}", {
            "estate_id": id_, "playbook": PLAYBOOK, "start_date": DAY_1.date().isoformat()}))


def _live(events: int) -> list[int]:
    """What each event of the demo city's whole life takes (ns): joins, chat, orders, marks, what is erased."""
    with TemporaryDirectory(prefix="loupan-bench-") as folder:
        world, lines = life(Path(folder), events)
    town = Town(world)
    took = []
    for raw in [*campaign_starts(world.reference, ZONE), *lines]:
        town.wake_until(decode(raw).time)
        try:
            took.append(town.send(raw))
        except BadEvent:
            town.rows.undo()
    return took


def _chat(town: Town, events: int, start: datetime) -> Iterator[bytes]:
    for number in range(events):
        id_ = town.estates[number * 7919 % len(town.estates)]
        yield _event("group.message", start + timedelta(milliseconds=5 * number), f"c{number}", {
            "group_id": f"g-{id_}", "message_id": f"c{number}", "member_id": f"m{number * 31 % MEMBERS}-{id_}",
            "kind": "text", "text": SAYINGS[number * 13 % len(SAYINGS)]})


def _orders(town: Town, count: int, start: datetime) -> Iterator[bytes]:
    item = {"sku": "柜-1", "category": "whole_house", "line": "regular", "quantity": 1, "unit_price_fen": 1_000_000}
    for number in range(count):
        id_ = town.estates[number % len(town.estates)]
        who = {"order_id": f"o{number}", "member_id": f"m{number % MEMBERS}-{id_}", "group_id": f"g-{id_}"}
        at = start + timedelta(milliseconds=number)
        yield _event("order.placed", at, f"op{number}", {**who, "items": [item], "amount_fen": 1_000_000})
        yield _event("order.deposit-paid", at, f"od{number}", {"order_id": f"o{number}", "amount_fen": 100_000})
        yield _event("order.paid", at, f"oa{number}", {"order_id": f"o{number}", "amount_fen": 900_000})


def _percentiles(took: Iterable[int], unit: float) -> str:
    ordered = sorted(took)
    return f"{ordered[len(ordered) // 2] / unit:9.1f} {ordered[int(len(ordered) * 0.99)] / unit:9.1f}"


def _sizes(town: Town) -> tuple[float, float, float]:
    """Bytes of an estate's rows, encoded: beside members and tasks, its members', its tasks'."""
    encode = msgspec.msgpack.Encoder().encode
    parts = {MEMBER: 0, TASK: 0, 0: 0}
    for (step, _, kind, _), row in town.rows.at.items():
        if step == CAMPAIGN:
            parts[kind if kind in parts else 0] += len(encode(row))
    return parts[0] / len(town.estates), parts[MEMBER] / len(town.estates), parts[TASK] / len(town.estates)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--estates", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=40_000)
    said = parser.parse_args()
    town = Town(_world(said.estates))
    # As every program that works events does when it is ready to.
    memory.settle()
    _begin(town)
    town.wake_until(DAY_1 + timedelta(days=2, hours=6, minutes=59))
    seven = DAY_1 + timedelta(days=2, hours=7)
    began = time.thread_time()
    planning = [town.wake(id_, seven) for id_ in town.estates]
    whole = time.thread_time() - began
    morning = seven + timedelta(minutes=20)
    chat = [town.send(raw) for raw in _chat(town, said.events, morning)]
    orders = [town.send(raw) for raw in _orders(town, said.events // 10, morning + timedelta(minutes=5))]
    lived = _live(said.events)
    rest, members, tasks = _sizes(town)
    print(f"{'':32}   median       p99")
    print(f"a day's planning, one estate, ms {_percentiles(planning, 1e6)}")
    print(f"a message, µs                    {_percentiles(chat, 1e3)}")
    print(f"an order's event, µs             {_percentiles(orders, 1e3)}")
    print(f"an event of the demo's life, µs  {_percentiles(lived, 1e3)}")
    print(f"{said.estates} estates planned at seven: {whole:.1f} s")
    print(f"rows of an estate, bytes: {rest:.0f} beside {MEMBERS} members ({members:.0f}) and its tasks ({tasks:.0f})")


if __name__ == "__main__":
    main()
