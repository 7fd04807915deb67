"""The streams that the bench runs: the demo city's life, and plain chat in as many groups as one likes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from agents.world import World
from schemas.ids import derived_id
from schemas.reference import CampaignPlan, Dealer, Estate, Group, Persona, Reference, Store
from schemas.values import PersonaClass, Role
from streams.demo.people import demo_reference
from streams.demo.recording import record
from streams.playbook_files import builtin_playbooks
from streams.worlds import make_world

ZONE = ZoneInfo("Asia/Shanghai")
DAY_1 = "2026-03-02"
#: What is said in plain chat; about one message in eight says something that a rule listens to.
SAYINGS = (
    "今天电梯又停了一会儿", "有人一起团购窗纱吗", "物业电话多少", "好的谢谢", "哈哈哈", "楼下那家早餐不错",
    "明天几点停水来着", "我家在3栋，请多关照", "车位怎么租的", "收到", "请问全屋定制大概多少钱一平", "晚上风好大",
    "快递柜满了", "[图片]", "同问", "有没有认识开锁师傅的",
)


def life(folder: Path, events: int) -> tuple[World, list[bytes]]:
    """The demo city over twelve days (no personas at work), cut or repeated with new ids to `events` events."""
    reference = demo_reference(DAY_1)
    path = folder / "life.jsonl"
    record(reference, seed=7, days=12, noise=False, out=path)
    lines = path.read_bytes().splitlines()
    return make_world(reference, builtin_playbooks()), lines[:events]


def town(estates: int, members: int, *, per_group: int = 200, campaigns: bool = True) -> tuple[World, list[str]]:
    """A town of so many estates, with groups enough for so many members; gives the world and the group ids."""
    groups = max(1, min(estates, members // per_group or 1))
    extra = max(1, -(-members // (groups * per_group)))
    side = int(estates**0.5) + 1
    book = [
        Estate(f"e{i:06d}", f"測試小区{i:06d}号院", lng=116.0 + (i % side) * 0.002, lat=39.0 + (i // side) * 0.002,
               crs="wgs84", city="北京", district="朝阳区")
        for i in range(estates)
    ]
    rooms = [
        Group(f"g{i:06d}", f"业主群{i:06d}", estate_id=f"e{i % groups:06d}", dealer_id="d1", store_id="s1")
        for i in range(groups * extra)
    ]
    people = [
        Persona(
            f"p{room.group_id}", "小木", Role.MAIN_PERSONA, PersonaClass.STAFF, f"staff-{room.group_id}", "d1",
            (room.group_id,))
        for room in rooms
    ]
    plans = [CampaignPlan(f"e{i:06d}", "new-estate-own-group", 1, DAY_1) for i in range(groups)] if campaigns else []
    reference = Reference.of(
        estates=book, dealers=[Dealer("d1", "经销商", "北京")], stores=[Store("s1", "d1", "样板店")], groups=rooms,
        personas=people, campaigns=plans)
    return make_world(reference, builtin_playbooks()), [g.group_id for g in rooms]


def chat(
    groups: list[str], members: int, events: int, start: datetime, seed: int = 7, every_ms: float = 50,
) -> Iterator[bytes]:
    """Plain chat: now this group talks, now that one, a few minutes each; members at random."""
    rng = random.Random(seed)
    at = start
    for number in range(events):
        # About forty groups talk at a time; who talks changes as the minutes pass.
        active = (number // 400 + rng.randrange(40)) * 7919 % len(groups)
        member = active + len(groups) * rng.randrange(max(1, members // len(groups)))
        at += timedelta(milliseconds=every_ms)
        yield _event("loupan.group.message.v1", at, f"c{seed}-{number:09d}", {
            "group_id": groups[active], "message_id": f"c{number:09d}", "member_id": f"m{member:08d}", "kind": "text",
            "text": SAYINGS[rng.randrange(len(SAYINGS))]})


def _event(type_: str, at: datetime, name: str, data: dict[str, str]) -> bytes:
    return msgspec.json.encode({
        "specversion": "1.0", "id": derived_id(at, name), "source": "bench", "type": type_, "time": at, "data": data})
