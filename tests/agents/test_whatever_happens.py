"""Whatever the playbook and whatever happens: an onlooker with the rules in hand finds no dishonest task."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.errors import BadEvent
from schemas.events import decode
from schemas.playbook import Playbook
from schemas.reference import Persona
from schemas.tasks import Task, TaskIssued
from schemas.values import VISIBLE_ACTIONS, Action, PersonaClass, Role
from tests import builders
from tests.agents.drive import Drive, crowd, world
from tests.builders import at

STAFF, BUYER, PARTNER = PersonaClass.STAFF, PersonaClass.BUYER, PersonaClass.PARTNER
HONEST = "早上好，今天聊聊收房"
TEXTS = (
    HONEST, "{{ group.name }}早", "我也是本小区业主", "我家也装了他们家的柜子，真好用", "价格{{ offer.measure.price }}",
    "【群务】看名片",
)
_SENTENCES = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "claims.jsonl").read_text(encoding="utf-8").splitlines()
]
#: Sentences by which staff would pass for owners or buyers, and sentences that they may say. Those of the set `blind`
#: pretend without saying so, which no rule finds for sure (see agents/claims.py).
PRETENDING: list[str] = [row["text"] for row in _SENTENCES if not row["honest"] and row["set"] != "blind"]
PLAIN: list[str] = [row["text"] for row in _SENTENCES if row["honest"] and row["set"] != "blind"]
#: What is put between the characters of a sentence, to hide it.
TRICKS = ("", "", "", "\u200b", " ", "·", "😀", "[微笑]", "\u0301", "~")
HIDDEN = {trick.join(text) for trick in TRICKS for text in PRETENDING}
#: What nobody may be given to say or do, a buyer neither: invented demand, invented scarcity, pretence.
UNTRUE: list[str] = [
    row["text"]
    for row in map(json.loads, (Path(__file__).parent / "data" / "untrue.jsonl").read_text("utf-8").splitlines())
    if not row["honest"] and row["set"] != "blind"
]
HIDDEN_UNTRUE = {trick.join(text) for trick in TRICKS for text in UNTRUE}
#: How many playbooks and streams are tried; a long run says more: LOUPAN_EXAMPLES=5000.
EXAMPLES = int(os.environ.get("LOUPAN_EXAMPLES", "120"))
NAMES = ("小王", "我是业主老李", "3栋小张", "", "我家装好了")
#: What a playbook asks for most is what can go wrong most.
ROLES = (*Role, Role.MAIN_PERSONA, Role.SHILL, Role.SHILL)
ACTIONS = (*Action, *[Action.POST] * 6)
PEOPLE = ("m1", "m2", "m3", "m-main", "m-buyer", "m-b2", "m-shill", "m-partner")
#: Of our people, who may be away: the main persona, who stands in for most, and two who speak as buyers.
OURS = ("p-main", "p-buyer", "p-b2")


@st.composite
def words(draw: st.DrawFn) -> str:
    """What a script says: often honest, often a claim that staff must not make, hidden in this way or that."""
    if draw(st.booleans()):
        return draw(st.sampled_from(TEXTS))
    if draw(st.booleans()):
        return draw(st.sampled_from(PLAIN))
    return draw(st.sampled_from(TRICKS)).join(draw(st.sampled_from(draw(st.sampled_from((PRETENDING, UNTRUE))))))


@st.composite
def duties(draw: st.DrawFn, name: str) -> dict[str, Any]:
    speaks_as = draw(st.sampled_from([*PersonaClass, STAFF]))
    of = {"testimonial": draw(st.sampled_from(("全屋定制", "地板")))} if speaks_as is BUYER else {}
    hour, minute = draw(st.sampled_from([(7, 30), (8, 40), (11, 30), (12, 40), (18, 0), (20, 40), (22, 0), (22, 15)]))
    duty = {
        "id": name, "at": f"{hour:02}:{minute:02}", "role": draw(st.sampled_from(ROLES)),
        "action": draw(st.sampled_from(ACTIONS)), "minutes": draw(st.sampled_from((10, 20, 30))),
        "script": builders.script(draw(words()), speaks_as, **of),
    }
    return duty | ({"instead": builders.script(draw(words()))} if draw(st.booleans()) else {})


def certain(day: str) -> list[dict[str, Any]]:
    """What every day has: something honest to say, and a buyer's word."""
    own = builders.script("我家柜子就在这家店做的", BUYER, testimonial="全屋定制")
    return [
        {"id": f"honest-{day}", "at": "07:30", "role": "main_persona", "script": builders.script(HONEST)},
        {"id": f"own-{day}", "at": "20:55", "role": "shill", "script": own},
    ]


@st.composite
def playbooks(draw: st.DrawFn) -> Playbook:
    """The small playbook with duties, reactions and limits of every kind; the first duty of a day is honest."""
    data = builders.playbook_data(limits={
        "shills_per_100": draw(st.sampled_from((8, 8, 8, 4, 0))), "posts_per_day": draw(st.integers(1, 2))})
    for number, plan in enumerate(data["stages"][0]["phases"][:2]):
        for day in plan["plan"]:
            some = [draw(duties(f"any-{number}-{day}-{n}")) for n in range(draw(st.integers(0, 4)))]
            plan["plan"][day] = [*certain(f"{number}-{day}"), *some]
    data["reactions"] = [
        {**draw(duties(f"react-{n}")), "on": on, "a_day": 5}
        for n, on in enumerate(("joined", "asks_price", "complains", "greets"))
    ]
    data["reactions"][1] |= {"role": "customer_service", "script": builders.script("{{ member.name }}您好")}
    for reaction in data["reactions"]:
        reaction.pop("at")
        reaction.pop("instead", None)
    return Playbook.model_validate(data)


@st.composite
def happenings(draw: st.DrawFn) -> Any:
    """One thing that happens, as a builder with its arguments, without its time."""
    member, order = draw(st.sampled_from(PEOPLE)), draw(st.sampled_from(("o1", "o2")))
    buyer = draw(st.sampled_from(("m-buyer", "m-b2", "m1")))
    return draw(st.sampled_from([
        (builders.joined, {"member": member, "display_name": draw(st.sampled_from(NAMES))}),
        (builders.left, {"member": member}),
        *[(builders.message, {"member": draw(st.sampled_from(("m1", "m2"))), "text": draw(st.sampled_from(
            ("柜子多少钱一平", "你们柜子质量太差了，我要投诉", "不要再给我发广告了，请勿打扰", "大家好")))})] * 3,
        (builders.message, {"member": member, "text": "大家好"}),
        (builders.group_updated, {"open": draw(st.booleans())}),
        (builders.group_updated, {"name": draw(st.sampled_from(("邻里群", "我家装好了群", "我也是本小区业主")))}),
        (builders.consent, {"member": member, "scope": draw(st.sampled_from(("marketing", "profiling"))),
                            "granted": draw(st.booleans())}),
        (builders.order_placed, {"order": order, "member": buyer, "items": [builders.item(draw(
            st.sampled_from(("全屋定制", "地板"))))]}),
        *[(draw(st.sampled_from((builders.delivered, builders.refunded, builders.cancelled))), {"order": order})] * 2,
        (builders.persona_away, {"persona": draw(st.sampled_from(OURS)), "first": draw(st.integers(1, 3)), "last": 3}),
        (builders.persona_back, {"persona": draw(st.sampled_from(OURS))}),
        (draw(st.sampled_from((builders.campaign_paused, builders.campaign_resumed))), {}),
    ]))


class Onlooker:
    """Knows only what came in and what went out, and calls a task dishonest by the rules as they are written."""

    def __init__(self, play: Playbook, personas: list[Persona]) -> None:
        self.play, self.personas = play, {persona.persona_id: persona for persona in personas}
        self.ours = {persona.member_id for persona in personas}
        self.scripts = {duty.id: duty.script for duty in play.duties()} | {r.id: r.script for r in play.reactions}
        self.scripts |= {f"{duty.id}-instead": duty.instead for duty in play.duties() if duty.instead is not None}
        self.there: set[str] = set()
        self.silent: set[str] = set()
        self.open = True
        self.orders: dict[str, dict[str, Any]] = {}
        self.asked: list[Task] = []

    def hears(self, raw: bytes) -> None:
        event: Any = decode(raw)
        data, name = event.data, event.type.split(".")[2]
        match name:
            case "member-joined" | "message":
                self.there.add(data.member_id)
                if "请勿打扰" in (getattr(data, "text", "") or ""):
                    self.silent.add(data.member_id)
            case "member-left":
                self.there.discard(data.member_id)
            case "updated":
                self.open = data.open if isinstance(data.open, bool) else self.open
            case "consent" if not data.granted:
                self.silent.add(data.member_id)
                if data.scope == "profiling":
                    self.there.discard(data.member_id)
            case "consent" if data.scope == "marketing":
                self.silent.discard(data.member_id)
            case "placed":
                # The first placement counts, also where something of the order came before it.
                order = self.orders.setdefault(data.order_id, {})
                order.setdefault("by", data.member_id)
                order.setdefault("of", data.items[0].category)
            case "delivered" | "refunded" | "cancelled":
                self.orders.setdefault(data.order_id, {})[name] = True

    def faults(self, one: Task) -> list[str]:
        """What is dishonest about a task that was just handed out."""
        persona, words = self.personas[one.persona_id or ""], self.scripts[one.script.id]
        said = one.script.text.removesuffix(one.disclosure or "")
        start, end = ((edge.hour, edge.minute) for edge in (one.window.start, one.window.end))
        self.asked.append(one)
        of_day = [t for t in self.asked if t.window.start.date() == one.window.start.date() and t.status != "withdrawn"]
        posts = [t for t in of_day if t.persona_id == one.persona_id and t.action is Action.POST]
        shills = {t.persona_id for t in of_day if t.role is Role.SHILL}
        rules = {
            "an account": one.group_id in persona.groups,
            "a class": persona.cls is words.speaks_as,
            "a post of the shop": one.role is Role.SHILL or persona.cls is STAFF,
            "a line": persona.cls is BUYER or one.action not in VISIBLE_ACTIONS or self._says_who(one, persona),
            "no claim": persona.cls is BUYER or not self._pretends(words.text, said),
            "nothing untrue": words.text not in HIDDEN_UNTRUE,
            # No order of theirs is delivered to a home here.
            "no neighbour": persona.cls is not BUYER or "本小区业主" not in said,
            "an order": persona.cls is not BUYER or self._bears_out(one, persona, words.testimonial),
            "few shills": one.role is not Role.SHILL or len(shills) * 100 <= (
                self.play.limits.shills_per_100 * len(self.there - self.ours)),
            "few posts": one.action is not Action.POST or len(posts) <= self.play.limits.posts_per_day,
            "no curfew": (7, 0) <= start < end <= (23, 0),
            "an open group": self.open,
            "a willing member": one.evidence is None or one.evidence.member_id not in self.silent,
        }
        return [name for name, kept in rules.items() if not kept]

    def _pretends(self, script: str, said: str) -> bool:
        if script in HIDDEN:
            return True
        # An honest sentence may speak of what is mine; a value of the stream may not.
        return script not in PLAIN and any(claim in said for claim in ("我家", "我也是本小区业主", "我是业主"))

    def _says_who(self, one: Task, persona: Persona) -> bool:
        last = one.script.text.rpartition("\n")[2]
        return last.startswith("——木语全屋定制·测试店 ") and last.endswith(persona.name)

    def _bears_out(self, one: Task, persona: Persona, product: str | None) -> bool:
        order = self.orders.get(one.evidence.order_id or "" if one.evidence else "", {})
        own = order.get("by") == persona.member_id and order.get("of") == product
        return own and "delivered" in order and not {"refunded", "cancelled"} & set(order)


def people() -> list[Persona]:
    return [
        *builders.staff(), builders.persona("p-b2", Role.SHILL, BUYER, name="赵姐"),
        builders.persona("p-partner", Role.SHILL, PARTNER, name="老钱"),
        builders.persona("p-odd", Role.DESIGNER, BUYER, name="奇怪"),
    ]


@given(
    playbooks(), st.lists(st.tuples(happenings(), st.integers(1, 900)), max_size=25),
    st.sampled_from((0, 12, 13, 25, 40)),
)
@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_whatever_happens_only_honest_tasks_come_out(
    play: Playbook, happened: list[tuple[tuple[Any, dict[str, Any]], int]], members: int
):
    drive, onlooker = Drive(world(builders.reference(personas=people()), play)), Onlooker(play, people())
    seen = 0
    for clock, raw in moments(members, happened):
        drive.wake_until(datetime.fromisoformat(clock))
        seen = judge(drive, onlooker, seen)
        try:
            drive.send(raw)
        except BadEvent:
            continue
        onlooker.hears(raw)
        seen = judge(drive, onlooker, seen)
    drive.until(1, "12:00")
    judge(drive, onlooker, seen)
    assert len(drive.tasks_of(script="honest-0-1")) >= 1, "honest duties do get out"


def moments(members: int, happened: list[tuple[tuple[Any, dict[str, Any]], int]]) -> Iterator[tuple[str, bytes]]:
    """A crowd, a start, and then, after seven, one thing after the other."""
    for raw in (*crowd(members, clock="04:00", first=10), builders.campaign_started()):
        yield at(1, "05:00"), raw
    minutes = 7 * 60
    for number, ((build, said), wait) in enumerate(happened):
        minutes += wait
        clock = at(1 + minutes // 1440, f"{minutes % 1440 // 60:02}:{minutes % 60:02}")
        yield clock, build(at=clock, id=f"happened-{number}", **said)


def judge(drive: Drive, onlooker: Onlooker, seen: int) -> int:
    """Show the onlooker what went out since; gives how much there is."""
    onlooker.asked = [drive.tasks[one.task_id] for one in onlooker.asked]
    for event in drive.out[seen:]:
        if isinstance(event, TaskIssued):
            assert onlooker.faults(event.data) == [], event.data
    return len(drive.out)
