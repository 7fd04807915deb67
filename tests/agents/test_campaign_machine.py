"""A campaign as a machine: whatever is asked of it, in whatever order, illegal moves and broken quotas do not happen.

What may be said of any task by the rules of honesty is judged in test_whatever_happens.py; here it is the campaign's
books, its moves, and what hangs on somebody's word.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agents.rows import CAMPAIGN
from agents.standing import KEY_PERSON_ANSWERED
from agents.state import MEMBER, TALLY, member_of
from agents.tasks import MOVES
from schemas.errors import BadEvent
from schemas.tasks import Task, TaskExpired, TaskIssued, TaskVerified, TaskWithdrawn
from schemas.values import RUNGS, Action, PersonaClass, Role, TaskStatus
from tests import builders
from tests.agents import test_design, test_install
from tests.agents.drive import Drive, world

PEOPLE = ("wm-an", "wm-bo", "wm-chi", "wm-dan")
WHO, PLANS = st.sampled_from(PEOPLE), st.sampled_from(("ds-1", "ds-2"))
ORDERS = st.sampled_from(("so-1", "so-2", "so-3"))
TEXTS = (
    "大家好", "柜子多少钱一平", "你们柜子质量太差了，我要投诉", "不要再给我发广告了，请勿打扰", "求方案", "我报名",
)
PLAYBOOK = builders.playbook(after_order=test_install.section(), design=test_design.section(review_hours=5))
#: What HQ may ask for, and of a campaign that stands how.
LEGAL: dict[str, set[str | None]] = {
    "started": {None, "ended"}, "paused": {"scheduled", "running"}, "resumed": {"paused"},
    "ended": {"scheduled", "running", "paused"},
}
_OVER = (TaskWithdrawn, TaskExpired, TaskVerified)


@dataclass
class Order:
    """What is known of an order from its events alone."""

    buyer: str
    facts: set[str] = field(default_factory=set)
    photos: bool = False

    @property
    def stands(self) -> bool:
        return not {"cancelled", "refunded"} & self.facts


class CampaignMachine(RuleBasedStateMachine):
    """One estate, one group, four members, three orders, two plans; the model beside it knows only the events."""

    @initialize()
    def begin(self) -> None:
        people = [*test_install.team(), builders.persona("p-b2", Role.SHILL, PersonaClass.BUYER, name="赵姐")]
        self.drive = Drive(world(builders.reference(personas=people), PLAYBOOK))
        self.classes = {persona.persona_id: persona for persona in people}
        self.now = datetime.fromisoformat(builders.at(1, "05:00"))
        self.seen = self.number = 0
        self.issued: dict[str, Task] = {}
        self.live: set[str] = set()
        self.denied: set[tuple[str, str]] = set()
        self.asked_for_peace: set[str] = set()
        self.gone: set[str] = set()
        self.orders: dict[str, Order] = {}
        self.plans: dict[str, tuple[str, bool]] = {}
        self.drive.send(*(
            builders.joined(member=f"crowd-{n}", at=builders.at(1, "04:00")) for n in range(26)))
        self.run: str | None = None

    # --- events ---------------------------------------------------------------------------------------

    def send(self, build: Any, *args: Any, **said: Any) -> bool:
        """Send one event, a minute after the last; False where it was refused."""
        self.number += 1
        self.now += timedelta(minutes=1)
        self.drive.wake_until(self.now)
        self.judge()
        self.run = self.stands()
        try:
            self.drive.send(build(*args, at=self.now.isoformat(), id=f"event-{self.number}", **said))
        except BadEvent:
            return False
        return True

    def stands(self) -> str | None:
        row = self.drive.campaign()
        return row.run if row is not None else None

    @rule(what=st.sampled_from(sorted(LEGAL)))
    def command(self, what: str) -> None:
        build = getattr(builders, f"campaign_{what}")
        said = {"start_date": self.now.date().isoformat()} if what == "started" else {}
        taken = self.send(build, **said)
        legal = self.run in LEGAL[what]
        assert not taken or legal or what == "started", f"{what} while {self.run}"
        if not legal:
            assert self.stands() == self.run
        self.judge()

    @rule(hours=st.sampled_from((1, 3, 9, 26)))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.drive.wake_until(self.now)
        self.judge()

    @rule(who=WHO, text=st.sampled_from(TEXTS))
    def speak(self, who: str, text: str) -> None:
        if "请勿打扰" in text and (who, "profiling") not in self.denied:
            self.asked_for_peace.add(who)
        self.send(builders.message, member=who, text=text)
        self.judge()

    @rule(who=WHO, build=st.sampled_from((builders.joined, builders.left)))
    def come_or_go(self, who: str, build: Any) -> None:
        self.send(build, member=who)
        self.judge()

    @rule(who=WHO, scope=st.sampled_from(("marketing", "profiling")), granted=st.booleans())
    def consent(self, who: str, scope: str, granted: bool) -> None:
        if not granted:
            self.denied.add((who, scope))
        if not granted and scope == "profiling":
            self.forgotten(who)
        self.send(builders.consent, who, scope, granted)
        if granted:
            # To messages, or to be known again, from nothing.
            self.denied.discard((who, scope))
            self.asked_for_peace.discard(who)
        self.judge()

    @precondition(lambda self: len(self.gone) < 2)
    @rule(who=WHO)
    def erase(self, who: str) -> None:
        self.gone.add(who)
        self.forgotten(who)
        self.send(builders.erased, who)
        self.judge()

    def forgotten(self, who: str) -> None:
        self.plans = {plan: (owner, said and owner != who) for plan, (owner, said) in self.plans.items()}
        for order in self.orders.values():
            order.photos = order.photos and order.buyer != who

    @rule(order=ORDERS, who=st.sampled_from((*PEOPLE, "m-buyer", "m-b2")))
    def place(self, order: str, who: str) -> None:
        self.send(builders.order_placed, order, who)
        self.orders.setdefault(order, Order(who))
        self.judge()

    @rule(order=ORDERS, what=st.sampled_from((
        "deposit_paid", "paid", "delivered", "delivered", "installed", "cancelled", "refunded")))
    def move(self, order: str, what: str) -> None:
        if order in self.orders:
            self.orders[order].facts.add(what)
            self.send(getattr(builders, what), order)
            self.judge()

    @rule(order=ORDERS, step=st.integers(1, 5), passed=st.booleans())
    def check(self, order: str, step: int, passed: bool) -> None:
        self.send(builders.install_checked, order, step, passed)
        self.judge()

    @rule(order=ORDERS, who=WHO, granted=st.booleans())
    def agree_to_photos(self, order: str, who: str, granted: bool) -> None:
        taken = self.send(builders.order_consented, order, who, "photos", granted)
        known = self.orders.get(order)
        assert not taken or known is not None
        if taken and known is not None and known.buyer == who:
            known.photos = granted
        self.judge()

    @rule(plan=PLANS, who=WHO, title=st.sampled_from(("原木风", "奶油风")))
    def draw(self, plan: str, who: str, title: str) -> None:
        before = self.plans.get(plan)
        self.send(builders.design_drafted, plan, who, title=title)
        if before is None or before[0] != who:
            self.plans[plan] = (who, False)
        self.judge()

    @rule(plan=PLANS, who=WHO, granted=st.booleans())
    def agree(self, plan: str, who: str, granted: bool) -> None:
        owner = self.plans.get(plan, ("", False))[0]
        if self.send(builders.design_consented, plan, who, granted) and who == owner and who not in self.gone:
            self.plans[plan] = (who, granted)
        self.judge()

    @precondition(lambda self: self.issued)
    @rule(data=st.data(), build=st.sampled_from((builders.task_claimed, builders.task_done, builders.task_skipped)),
          by_other=st.booleans())
    def mark(self, data: st.DataObject, build: Any, by_other: bool) -> None:
        # The latest are the ones that can still be done.
        task_id = data.draw(st.sampled_from(sorted(self.issued)[-8:]))
        before = self.drive.tasks[task_id]
        persona = "p-nobody" if by_other else before.persona_id
        taken = self.send(build, task_id, persona=persona)
        after = self.drive.tasks[task_id]
        assert not (taken and by_other), "somebody did another one's task"
        if not taken and after.status is not before.status:
            assert after.status in (TaskStatus.EXPIRED, TaskStatus.WITHDRAWN)
        self.judge()

    # --- what goes out --------------------------------------------------------------------------------

    def judge(self) -> None:
        """Hold all that went out since against the model."""
        for event in self.drive.out[self.seen:]:
            if isinstance(event, TaskIssued):
                self.fair(event.data)
            elif isinstance(event, _OVER):
                self.live.discard(event.data.task_id)
        self.seen = len(self.drive.out)

    def fair(self, task: Task) -> None:
        assert task.task_id not in self.issued, "handed out twice"
        assert self.asked_once(task), f"{task.script.id} asked twice"
        self.issued[task.task_id] = task
        self.live.add(task.task_id)
        evidence, start, end = task.evidence, task.window.start, task.window.end
        assert (7, 0) <= (start.hour, start.minute) < (end.hour, end.minute) <= (23, 0)
        about = evidence.member_id if evidence is not None else None
        assert about not in self.gone | self.asked_for_peace | {who for who, _ in self.denied}
        if self.classes[task.persona_id or ""].cls is PersonaClass.BUYER:
            order = self.orders[evidence.order_id or ""] if evidence is not None else Order("")
            assert order.stands
            assert "delivered" in order.facts
            assert order.buyer == self.classes[task.persona_id or ""].member_id
        if task.script.id == "design-post":
            assert (evidence.member_id if evidence else "", True) in self.plans.values(), "a plan without consent"
        if task.script.id == "install-3-agreed":
            assert evidence is not None
            assert self.orders[evidence.order_id or ""].photos, "photos without consent"

    def asked_once(self, task: Task) -> bool:
        """Nobody is asked twice on a day for the same about the same, while the first still stands."""
        def about(one: Task) -> tuple[object, ...]:
            evidence = msgspec.structs.replace(one.evidence, consent=None) if one.evidence is not None else None
            return one.script.id, one.group_id, one.window.start.date(), evidence, one.because
        return all(about(self.issued[other]) != about(task) for other in self.live)

    # --- invariants -----------------------------------------------------------------------------------

    @invariant()
    def quotas_hold(self) -> None:
        days: dict[Any, list[Task]] = {}
        for task in self.drive.tasks.values():
            if task.status is not TaskStatus.WITHDRAWN:
                days.setdefault(task.window.start.date(), []).append(task)
        for of_day in days.values():
            posts = Counter(task.persona_id for task in of_day if task.action is Action.POST)
            assert max(posts.values(), default=0) <= PLAYBOOK.limits.posts_per_day

    @invariant()
    def the_counts_equal_a_recount(self) -> None:
        rows = [row for sub, row in self.drive.rows.scan(CAMPAIGN, "e1", MEMBER) if member_of(sub)[0] == "g1"]
        there = [row for row in rows if row.present]
        for _, counts in self.drive.rows.scan(CAMPAIGN, "e1", TALLY):
            assert counts.members == len(there)
            assert counts.active == sum(row.active_in == self.drive.phase_seq() for row in there)
            assert counts.key_people == sum(row.heard >= KEY_PERSON_ANSWERED for row in there)
            assert counts.rungs == tuple(sum(row.rung == rung for row in there) for rung in range(len(RUNGS)))

    @invariant()
    def the_tasks_equal_a_recount(self) -> None:
        stand = Counter(task.status for task in self.drive.tasks.values())
        counts = self.drive.counts()
        assert {status: getattr(counts, status) for status in MOVES} == {status: stand[status] for status in MOVES}

    @invariant()
    def nothing_is_asked_while_nothing_runs(self) -> None:
        if self.stands() == "paused":
            assert not any(task.status in (TaskStatus.ISSUED, TaskStatus.CLAIMED) for task in self.drive.tasks.values())

    @invariant()
    def nobody_who_was_erased_is_known(self) -> None:
        kept = {address: row for address, row in self.drive.rows.at.items() if address[0] == CAMPAIGN}
        for who in self.gone:
            assert [(address, row) for address, row in kept.items() if who in f"{address}{row}"] == []


CampaignMachine.TestCase.settings = settings(
    max_examples=25, stateful_step_count=30, derandomize=True, deadline=None)
TestCampaign = CampaignMachine.TestCase
