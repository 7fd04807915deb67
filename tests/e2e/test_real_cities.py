"""A recorded stream over real estates, replayed: phases, tasks, honesty and the books, checked from the outside.

What is checked against is the stream's own lines and the playbook, never the program's state.
"""

import csv
import json
import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.errors import BadEvent
from schemas.events import Erased, InEvent, decode
from schemas.playbook import Duty, Playbook
from schemas.reference import Estate, Reference
from schemas.values import VISIBLE_ACTIONS, PersonaClass, Phase, Role
from streams.demo.chatter import Scale
from streams.demo.people import demo_reference
from streams.demo.recording import record
from streams.playbook_files import builtin_playbooks
from streams.replaying import Replay
from streams.worlds import make_world
from tests.builders import DAY_1, campaign, dealer, group, persona, store

PLAYBOOK = "new-estate-own-group"
ZONE = ZoneInfo("Asia/Shanghai")
GROUPS, DAYS = 6, 12
#: Real streams are late by so much at most (see streams/demo/wire.py).
LATE = timedelta(minutes=20)


# --- the worlds -----------------------------------------------------------------------------------------


def real_city(path: Path) -> Reference:
    """All estates of a city; six of them, spread over the list, have a group, its people and a campaign."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    estates = [estate_of(row) for row in rows]
    fit = [
        estate for estate, row in zip(estates, rows, strict=True)
        if estate.lng is not None and not row["flags"] and len(estate.name) >= 4
    ]
    worked = fit[:: len(fit) // GROUPS][:GROUPS]
    groups = [
        group(f"g{n}", estate.estate_id, name=f"{estate.name}业主群", owner_id=f"w{n}-main")
        for n, estate in enumerate(worked)
    ]
    starts = [str(date.fromisoformat(DAY_1) + timedelta(days=n % 3)) for n in range(GROUPS)]
    return Reference.of(
        estates=estates, dealers=[dealer(city=estates[0].city)],
        stores=[store(lng=worked[0].lng, lat=worked[0].lat, crs="bd09")], groups=groups,
        personas=[someone for n in range(GROUPS) for someone in people(n)],
        campaigns=[
            campaign(estate.estate_id, playbook=PLAYBOOK, start_date=starts[n], target_orders=2)
            for n, estate in enumerate(worked)
        ],
    )


def estate_of(row: dict[str, str]) -> Estate:
    lng, lat = (float(row[column]) if row[column] else None for column in ("lng_bd09", "lat_bd09"))
    return Estate(
        f"{row['source']}-{row['source_id']}", row["name"], row["address"], lng=lng, lat=lat,
        crs="bd09" if lng else None, city=row["city"], district=row["district"],
    )


def people(n: int) -> list[Any]:
    """The people of a group: four of the shop, four shills, two of whom have bought."""
    of = (
        ("main", Role.MAIN_PERSONA, PersonaClass.STAFF, "林晚"),
        ("service", Role.CUSTOMER_SERVICE, PersonaClass.STAFF, "周晴"),
        ("designer", Role.DESIGNER, PersonaClass.STAFF, "沈默"),
        ("admin", Role.GROUP_ADMIN, PersonaClass.STAFF, "陈可"),
        ("shill1", Role.SHILL, PersonaClass.STAFF, "何苗"), ("shill2", Role.SHILL, PersonaClass.STAFF, "方远"),
        ("buyer1", Role.SHILL, PersonaClass.BUYER, "许姐"), ("buyer2", Role.SHILL, PersonaClass.BUYER, "老秦"),
    )
    return [
        persona(f"p{n}-{who}", role, cls, (f"g{n}",), name=name, member_id=f"w{n}-{who}") for who, role, cls, name in of
    ]


@dataclass
class City:
    """A replayed city: what went in, what came out."""

    reference: Reference
    counts: dict[str, int]
    lines: list[bytes]
    folder: Path
    summary: dict[str, Any]
    quiet: bool
    events: list[InEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        seen = set()
        for line in self.lines:
            try:
                event = decode(line)
            except BadEvent:
                continue
            if event.ref not in seen:
                seen.add(event.ref)
                self.events.append(event)

    def written(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / name).read_bytes().splitlines()]

    @property
    def tasks(self) -> list[dict[str, Any]]:
        return self.written("tasks.jsonl")

    @property
    def playbook(self) -> Playbook:
        return builtin_playbooks()[PLAYBOOK]


@pytest.fixture(scope="module", params=["beijing", "beijing, where few talk", "harbin", "qiqihar"])
def city(request, tmp_path_factory) -> City:
    quiet = "few talk" in request.param
    if request.param.startswith("beijing"):
        reference = demo_reference(DAY_1, groups=GROUPS)
    else:
        path = request.getfixturevalue("shared") / "data" / "estates" / f"{request.param}.csv"
        if not path.is_file():
            pytest.skip(f"{path.name} is not among the real data")
        reference = real_city(path)
    folder = tmp_path_factory.mktemp("city")
    stream = folder / "events.jsonl"
    scale = Scale((60, 110), 0.04 if quiet else 1.0)
    counts = record(reference, seed=11, days=DAYS, noise=True, out=stream, scale=scale)
    world = make_world(reference, builtin_playbooks())
    summary = Replay(world).run(stream, folder)
    return City(reference, counts, stream.read_bytes().splitlines(), folder, summary, quiet)


# --- phases ---------------------------------------------------------------------------------------------


def days_of_phases(city: City) -> dict[str, list[tuple[str, date, bool]]]:
    """Of each estate: every phase with the day it was entered on and whether its gate was missed, then the end."""
    found: dict[str, list[tuple[str, date, bool]]] = defaultdict(list)
    for event in city.written("campaign-events.jsonl"):
        estate, day = event["data"].get("estate_id"), datetime.fromisoformat(event["time"]).astimezone(ZONE).date()
        match event["type"]:
            case "loupan.campaign.phase-entered.v1":
                found[estate].append((event["data"]["phase"], day, False))
            case "loupan.campaign.gate-missed.v1":
                assert event["data"]["phase"] == found[estate][-1][0]
                found[estate][-1] = (*found[estate][-1][:2], True)
            case "loupan.campaign.stage-ended.v1":
                found[estate].append(("ended", day, False))
    return found


def test_every_campaign_goes_through_the_five_phases_in_their_order_and_ends(city):
    found = days_of_phases(city)
    assert set(found) == {plan.estate_id for plan in city.reference.campaigns}
    for phases in found.values():
        assert [name for name, _, _ in phases] == [*Phase, "ended"]


def test_a_phase_lasts_its_days_and_longer_only_where_its_gate_is_missed_never_longer_than_its_longest(city):
    plans = {plan.phase.value: plan for plan in city.playbook.stages[0].phases}
    assert [plan.days for plan in plans.values()] == [3, 3, 2, 2, 1]
    for phases in days_of_phases(city).values():
        for (name, entered, missed), (_, left, _) in pairwise(phases):
            lasted, plan = (left - entered).days, plans[name]
            if missed:
                assert min(plan.days + 1, plan.longest) <= lasted <= plan.longest, (name, lasted)
            else:
                assert lasted == plan.days, (name, lasted)


def test_gates_are_missed_where_few_talk_and_are_said_once_a_phase(city):
    missed = [
        (event["data"]["campaign_id"], event["data"]["phase"]) for event in city.written("campaign-events.jsonl")
        if event["type"] == "loupan.campaign.gate-missed.v1"
    ]
    assert bool(missed) == city.quiet
    assert len(set(missed)) == len(missed)


def test_a_campaign_begins_on_its_first_day_at_midnight(city):
    starts = {plan.estate_id: plan.start_date for plan in city.reference.campaigns}
    for estate, phases in days_of_phases(city).items():
        assert str(phases[0][1]) == starts[estate]
    entered = [e for e in city.written("campaign-events.jsonl") if e["type"] == "loupan.campaign.phase-entered.v1"]
    assert {datetime.fromisoformat(event["time"]).astimezone(ZONE).time() for event in entered} == {time(0)}


def test_a_task_is_of_the_phase_that_its_campaign_is_in(city):
    entered = days_of_phases(city)
    for task in city.tasks:
        issued = local(task["issued_at"]).date()
        phases = [name for name, day, _ in entered[task["estate_id"]] if day <= issued]
        assert task["phase"] == phases[-1]


# --- tasks ----------------------------------------------------------------------------------------------


def local(said: str) -> datetime:
    return datetime.fromisoformat(said).astimezone(ZONE)


def duties(playbook: Playbook) -> dict[str, Duty]:
    return {
        duty.id: duty for stage in playbook.stages for plan in stage.phases
        for day in (*plan.plan.values(), plan.rescue) for duty in day
    }


def rule_of(task: dict[str, Any]) -> str:
    return str(task["because"][-1]).rpartition("/")[2].partition(":")[0]


def test_every_day_of_a_campaign_has_tasks_in_every_group(city):
    groups = {g.group_id: g.estate_id for g in city.reference.groups.values()}
    worked = {(task["group_id"], local(task["window"]["start"]).date()) for task in city.tasks}
    entered = days_of_phases(city)
    for group_id, estate_id in groups.items():
        if estate_id in entered:
            first, last = entered[estate_id][0][1], entered[estate_id][-1][1]
            days = [first + timedelta(days=n) for n in range((last - first).days)]
            assert [day for day in days if (group_id, day) not in worked] == []


def test_a_planned_task_stands_where_the_playbook_has_its_duty_and_in_a_window(city):
    known, windows = duties(city.playbook), city.playbook.windows.values()
    planned = [task for task in city.tasks if rule_of(task) in known]
    assert len(planned) > 300
    for task in planned:
        duty, start, end = known[rule_of(task)], local(task["window"]["start"]), local(task["window"]["end"])
        assert start.time() == duty.at
        assert end - start == timedelta(minutes=duty.minutes)
        assert any(window.start <= start.time() and end.time() <= window.end for window in windows), task["window"]


def test_no_task_lies_in_the_curfew(city):
    for task in city.tasks:
        start, end = local(task["window"]["start"]), local(task["window"]["end"])
        assert time(7) <= start.time() < time(23)
        assert end <= datetime.combine(start.date(), time(23), ZONE)


def test_nobody_is_asked_for_more_posts_a_day_than_the_playbook_allows(city):
    asked = Counter(
        (task["persona_id"], task["group_id"], local(task["window"]["start"]).date())
        for task in city.tasks if task["action"] == "post"
    )
    assert max(asked.values()) <= city.playbook.limits.posts_per_day


def test_at_most_eight_shills_to_a_hundred_members_are_active_a_day(city):
    active: dict[tuple[str, date], set[str]] = defaultdict(set)
    issued: dict[tuple[str, date], datetime] = {}
    for task in city.tasks:
        if task["role"] == "shill":
            key = task["group_id"], local(task["window"]["start"]).date()
            active[key].add(task["persona_id"])
            issued[key] = local(task["issued_at"])
    assert max(len(who) for who in active.values()) > 1
    for (group_id, day), who in active.items():
        members = members_at(city, group_id, issued[group_id, day])
        assert len(who) <= math.floor(0.08 * members), (group_id, day, members)


def members_at(city: City, group_id: str, at: datetime) -> int:
    """How many members a group has, our own people not counted, by its joins, messages and leaves."""
    ours = {someone.member_id for someone in city.reference.personas.values() if group_id in someone.groups}
    there: set[str] = set()
    for event in city.events:
        data: Any = event.data
        member: str = getattr(data, "member_id", "")
        if event.type == "loupan.member.erased.v1" and event.time <= at - LATE:
            there.discard(member)
        elif getattr(data, "group_id", None) == group_id and member not in ours:
            if event.type in ("loupan.group.message.v1", "loupan.group.member-joined.v1") and event.time <= at:
                there.add(member)
            elif event.type == "loupan.group.member-left.v1" and event.time <= at - LATE:
                there.discard(member)
    return len(there)


# --- honesty --------------------------------------------------------------------------------------------


def test_staff_say_who_they_are_and_only_buyers_speak_for_themselves(city):
    for task in city.tasks:
        cls = city.reference.personas[task["persona_id"]].cls
        if cls is PersonaClass.BUYER:
            assert task["disclosure"] is None
        elif task["action"] in VISIBLE_ACTIONS:
            assert city.reference.personas[task["persona_id"]].name in task["disclosure"]
            # Whoever the text was about asked to be erased: nothing of it is left.
            assert task["script"]["text"].endswith(task["disclosure"]) or task["script"]["text"] == ""


def test_a_testimonial_names_a_delivered_unrefunded_order_of_its_persona_and_product(city):
    known = duties(city.playbook)
    orders: list[Any] = [event for event in city.events if event.type.startswith("loupan.order.")]
    placed = {event.data.order_id: event.data for event in orders if event.type == "loupan.order.placed.v1"}
    when = {(event.type.split(".")[2], event.data.order_id): event.time for event in orders}
    told = [task for task in city.tasks if city.reference.personas[task["persona_id"]].cls is PersonaClass.BUYER]
    assert len(told) > 5
    for task in told:
        order = placed[task["evidence"]["order_id"]]
        assert order.member_id == city.reference.personas[task["persona_id"]].member_id
        product = known[rule_of(task)].script.testimonial
        assert product in {word for item in order.items for word in (item.category, item.sku)}
        issued = local(task["issued_at"])
        assert when["delivered", order.order_id] <= issued
        assert when.get(("refunded", order.order_id), issued + LATE) >= issued - LATE


def test_every_task_can_be_asked_why(city):
    refs = {event.ref for event in city.events}
    book = city.playbook
    replies = [reply for duty in book.duties() for reply in duty.replies]
    rules = {said.id for said in (*book.duties(), *replies, *book.reactions, *book.recurring, *book.said())}
    for task in city.tasks:
        (rule,) = (cause for cause in task["because"] if cause.startswith("rule:"))
        assert rule.startswith(f"rule:{PLAYBOOK}@{book.edition}/")
        # Of what a section asks for, the script's id is one part of the rule's name.
        assert set(re.split("[/:]", rule)) & rules
        events = [cause for cause in task["because"] if not cause.startswith(("rule:", "from:"))]
        assert events
        for ref in events:
            assert ref in refs or ref.startswith(("loupan/clock#", "loupan/reference#")), ref


def test_a_task_goes_to_somebody_who_is_in_the_group_and_of_its_dealer(city):
    for task in city.tasks:
        someone = city.reference.personas[task["persona_id"]]
        assert task["group_id"] in someone.groups
        assert task["dealer_id"] == someone.dealer_id == city.reference.groups[task["group_id"]].dealer_id
        assert task["estate_id"] == city.reference.groups[task["group_id"]].estate_id
        assert someone.role == task["role"] or task["role"] != "shill"


def test_no_text_has_a_hole_in_it(city):
    for task in city.tasks:
        assert "{{" not in task["script"]["text"]
        assert "None" not in task["script"]["text"]
        assert "undefined" not in task["script"]["text"].lower()


# --- placement and the books ----------------------------------------------------------------------------


def test_members_are_placed_on_estates_of_the_book_with_a_confidence_and_a_reason(city):
    members = city.written("members.jsonl")
    assert len(members) > 150
    placed = [member for member in members if member["estate_id"]]
    assert {member["estate_id"] for member in placed} <= set(city.reference.estates)
    assert all(0 < member["confidence"] <= 1 and member["reason"] for member in placed)
    at_home = [m for m in placed if m["estate_id"] == city.reference.groups[m["group_id"]].estate_id]
    assert len(at_home) > 0.7 * len(members)


def test_the_books_add_up_and_say_what_was_put_in(city):
    found, counts = city.summary, city.counts
    unplaced = len(never_placed(city))
    assert found["read"] == counts["lines"] == len(city.lines)
    assert found["read"] == found["applied"] + found["duplicate"] + found["dead"]
    assert found["duplicate"] == counts["duplicates"]
    assert found["dead"] == counts["broken"] + counts["unknown_type"] + counts["no_datum"] + unplaced
    assert found["applied"] == counts["events"] + counts["unknown_group"] - unplaced


def never_placed(city: City) -> set[int]:
    """The lines of order events that still wait for their order's placement when the stream ends."""
    placed: set[str] = set()
    lines: dict[int, str] = {}
    seen: set[str] = set()
    for number, line in enumerate(city.lines, 1):
        try:
            event = decode(line)
        except BadEvent:
            continue
        order: str = getattr(event.data, "order_id", "")
        if event.type == "loupan.order.placed.v1":
            placed.add(order)
        elif order and event.ref not in seen:
            lines[number] = order
        seen.add(event.ref)
    return {number for number, order in lines.items() if order not in placed}


def test_each_line_is_accounted_for(city):
    dead = {letter["line"]: letter["reason"] for letter in city.written("dead-letters.jsonl")}
    unreadable, seen, twice = set(), set(), 0
    for number, line in enumerate(city.lines, 1):
        try:
            ref = decode(line).ref
        except BadEvent:
            unreadable.add(number)
            continue
        twice += ref in seen
        seen.add(ref)
    early = never_placed(city)
    assert set(dead) == unreadable | early
    assert all("send its loupan.order.placed.v1 first" in dead[number] for number in early)
    assert (len(seen) - len(early), twice) == (city.summary["applied"], city.summary["duplicate"])


def test_who_asked_to_be_erased_is_in_no_file(city):
    erased = {event.data.member_id for event in city.events if isinstance(event, Erased)}
    assert erased
    for name in ("tasks.jsonl", "campaign-events.jsonl", "members.jsonl", "dead-letters.jsonl"):
        written = (city.folder / name).read_text()
        assert not [member for member in erased if f'"{member}"' in written], name
