"""What every driver owes, written once: a driver's own module supplies a `Driver` and inherits `PipelineContract`.

The stream is one small estate's first days; drivers differ in where its log and its state are, and in nothing
that can be seen here.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
from sqlalchemy import Engine

from agents.records import EstateRecord
from agents.rows import Rows
from agents.world import World
from schemas.errors import BadEvent, BrokenRule, Fenced
from schemas.events import GroupMessage
from streams.log_replay import record_log, replay_log
from streams.playbook_files import builtin_playbooks
from streams.topology import TOPOLOGY, Topology
from streams.worlds import make_world
from tests import builders
from tests.builders import at
from tests.databases import opened

PLAYBOOK = "new-estate-own-group"


@dataclass(frozen=True)
class Dump:
    """All that a reader may see: the tasks' last states in order of issue, what went out, dead letters."""

    tasks: list[bytes]
    out: list[bytes]
    flow: list[bytes]
    dead: list[tuple[str, bytes]]
    log: list[tuple[str, bytes]]

    def types(self) -> Counter[str]:
        """How many of each type went out."""
        return Counter(json.loads(raw)["type"] for raw in self.out)


_LOG = (
    'SELECT e.estate_id, coalesce(e.raw, i.raw) FROM estate_events e LEFT JOIN inbox i ON i."offset" = e.inbox_offset '
    'ORDER BY e."offset"'
)


def dump_of(engine: Engine) -> Dump:
    """What a reader sees in a database."""
    with engine.connect().execution_options(reading=True) as connection:
        sql = connection.exec_driver_sql
        return Dump(
            tasks=[body for (body,) in sql("SELECT body FROM tasks ORDER BY seq, task_id")],
            out=[raw for (raw,) in sql('SELECT raw FROM outbox ORDER BY "offset"')],
            flow=[body for (body,) in sql("SELECT body FROM flow ORDER BY estate_id")],
            dead=[(reason, raw) for reason, raw in sql('SELECT reason, raw FROM dead_letters ORDER BY "offset"')],
            log=[(estate, raw) for estate, raw in sql(_LOG)],
        )


class Driver(ABC):
    """One process's driver on a store that outlives it. `batch` is the most events of one transaction."""

    engine: Engine

    @abstractmethod
    def publish(self, raws: Sequence[bytes]) -> list[str]:
        """Hand events in: for each `accepted`, `duplicate` or `error`."""

    @abstractmethod
    def work_one_batch(self) -> int:
        """Work one batch of what was handed in; how many events it took, 0 when there are none left."""

    @abstractmethod
    def run_out(self) -> None:
        """Let the clock run to the end of whatever is still due."""

    @abstractmethod
    def retry(self, number: int) -> str:
        """Send the dead letter of that place (from 0) again; as `publish`."""

    @abstractmethod
    def dump(self) -> Dump:
        """What a reader sees now."""

    @abstractmethod
    def stop(self) -> None:
        """End the process."""

    def work(self) -> int:
        """Work everything that was handed in."""
        done = 0
        while taken := self.work_one_batch():
            done += taken
        return done


def small_world(**fields: Any) -> World:
    """One estate with one group, staffed; the playbook that ships; the campaign is started by an event."""
    return make_world(builders.reference(**fields), builtin_playbooks())


def small_stream() -> list[bytes]:
    """Four days of one group: a campaign, thirty members who talk, an order and its whole way, a mistake or two."""
    raws = [builders.campaign_started(playbook=PLAYBOOK, at=at(1, "06:00"), target_orders=1)]
    members = [f"m{number}" for number in range(30)]
    raws += [
        builders.joined(member=member, at=at(1, f"06:{10 + number:02d}"), display_name=f"{number + 1}栋邻居")
        for number, member in enumerate(members)
    ]
    raws.append(builders.order_placed("o-buyer", "m-buyer", None, at=at(1, "06:45"), delivery={"address": "绿地城3栋"}))
    raws.append(builders.delivered("o-buyer", at=at(1, "06:50")))
    words = ("大家好", "我是绿地城3栋的", "柜子大概多少钱", "周末可以去店里看看吗", "我报名", "收房要带什么", "谢谢")
    for day in range(1, 5):
        for hour in range(8, 22):
            who = members[(day * 5 + hour * 7) % 30]
            text = words[(day + hour) % len(words)]
            raws.append(builders.message(member=who, text=text, at=at(day, f"{hour:02d}:10"), mentions=[members[hour]]))
        raws.append(builders.message(member="m-main", text="早上好，各位邻居", at=at(day, "07:45")))
        raws.append(builders.task_done("no-such-task", at=at(day, "12:00")))
    raws += [
        builders.order_placed("o1", "m3", at=at(2, "15:00")), builders.deposit_paid("o1", at=at(2, "15:05")),
        builders.paid("o1", at=at(3, "10:00")), builders.refunded("o1", at=at(4, "09:30")),
        builders.consent("m4", at=at(3, "11:00")), builders.left(member="m5", at=at(3, "11:30")),
        builders.group_updated(at=at(4, "12:00"), open=False),
    ]
    return sorted(raws, key=lambda raw: json.loads(raw)["time"])


class PipelineContract:
    """Inherit it as `TestX` and give a driver."""

    @pytest.fixture
    def drivers(self, tmp_path: Any) -> Iterator[Drivers]:
        """Makes drivers on one store, and stops them."""
        made = Drivers(self, tmp_path)
        yield made
        made.stop()

    #: By the driver's own suite, what an undisturbed life of the small stream leaves: the same each time, says a test.
    _usual: ClassVar[dict[type, Dump]] = {}

    @pytest.fixture
    def usual(self, drivers: Drivers) -> Dump:
        """What an undisturbed life of the small stream leaves."""
        if type(self) not in self._usual:
            self._usual[type(self)] = drivers.lived(small_stream(), store="usual")
        return self._usual[type(self)]

    def driver(self, store: Any, world: World, batch: int, topology: Topology) -> Driver:
        """A driver on the store; a store that is new is made ready."""
        raise NotImplementedError

    # --- the whole way ------------------------------------------------------------------------------

    def test_events_become_tasks_and_campaign_events(self, drivers):
        found = drivers.lived(small_stream())
        types = found.types()
        assert types["loupan.campaign.phase-entered.v1"] >= 3
        assert types["loupan.campaign.stage-ended.v1"] == 1
        assert types["loupan.task.issued.v1"] == len(found.tasks) > 50
        assert types["loupan.member.rung-changed.v1"] > 5
        assert types["loupan.campaign.goal-reached.v1"] == 1

    def test_the_same_events_give_the_same_bytes_for_any_batch_size(self, drivers):
        one, seven, many = (drivers.lived(small_stream(), batch=batch, store=f"b{batch}") for batch in (1, 7, 1000))
        assert one == seven == many

    def test_the_same_events_give_the_same_bytes_however_they_are_handed_in(self, drivers, usual):
        driver = drivers.on("parts")
        for raw in small_stream():
            driver.publish([raw])
            driver.work()
        driver.run_out()
        assert driver.dump() == usual

    def test_a_new_process_goes_on_where_the_old_one_stopped(self, drivers, usual):
        stream = small_stream()
        for start in range(0, len(stream), 10):
            driver = drivers.on("again", batch=7)
            driver.publish(stream[start:start + 10])
            driver.work_one_batch()
            driver.stop()
        driver = drivers.on("again")
        driver.work()
        driver.run_out()
        assert driver.dump() == usual

    def test_a_run_out_can_be_broken_off_and_gone_on_with(self, drivers, usual):
        driver = drivers.on("broken off")
        driver.publish(small_stream())
        driver.work()
        driver.stop()
        driver = drivers.on("broken off", batch=1)
        driver.run_out()
        assert driver.dump() == usual

    def test_wake_ups_stand_in_the_log_before_the_events_that_they_came_before(self, drivers):
        log = drivers.lived(small_stream()).log
        times = [json.loads(raw)["time"] for estate, raw in log if estate == "e1"]
        assert sum(json.loads(raw)["type"] == "loupan.clock.woke.v1" for _, raw in log) > 10
        assert instants(times) == sorted(instants(times))

    def test_the_log_alone_gives_everything_that_went_out_again(self, drivers, tmp_path):
        driver = drivers.on("recorded")
        driver.publish(small_stream())
        driver.work()
        driver.run_out()
        found = driver.dump()
        with driver.engine.connect().execution_options(reading=True) as connection:
            lines = list(record_log(connection))
        engine = opened(tmp_path / "again.db")
        assert replay_log(engine, small_world(), [(1, lines[:50]), (51, lines[50:])], "log") == (len(lines), 0)
        again = dump_of(engine)
        engine.dispose()
        assert (again.tasks, again.out, again.flow) == (found.tasks, found.out, found.flow)

    def test_nothing_that_goes_out_has_an_id_twice(self, drivers):
        ids = Counter(json.loads(raw)["id"] for raw in drivers.lived(small_stream()).out)
        assert [id_ for id_, count in ids.items() if count > 1] == []

    # --- duplicates -----------------------------------------------------------------------------------

    def test_a_stream_that_is_sent_twice_is_worked_once(self, drivers, usual):
        driver = drivers.on("twice")
        for _ in range(2):
            driver.publish(small_stream())
            driver.work()
        driver.run_out()
        assert driver.dump() == usual

    def test_every_event_is_accounted_for(self, drivers):
        driver = drivers.on("books")
        raws = [*small_stream(), b"{", *small_stream()[:9], builders.message(group="nobody-knows")]
        said = Counter(driver.publish(raws))
        assert said == {"accepted": len(small_stream()) + 1, "duplicate": 9, "error": 1}
        assert driver.work() == said["accepted"]
        assert driver.work() == 0

    # --- what cannot be applied -------------------------------------------------------------------------

    POISON = (
        (builders.paid("o1", at=at(2, "16:00"), amount_fen=-1), "-1 fen is less than nothing"),
        (builders.task_done("no-such-task", at=at(2, "09:00")), "task no-such-task is not known"),
        (builders.task_skipped("no-such-task", at=at(2, "09:00")), "task no-such-task is not known"),
        (builders.campaign_started("no-such-estate", at=at(2, "09:00")), "not in the estate book"),
        (builders.campaign_started("e1", at=at(2, "09:00"), playbook="no-such-playbook"), "has a campaign"),
        (builders.campaign_resumed("e1", at=at(2, "09:00")), "cannot be resumed"),
        (builders.campaign_ended("e2", at=at(2, "09:00")), "e2"),
        (builders.group_updated("g1", at=at(2, "09:00"), estate_id="no-such-estate"), "not in the estate book"),
        (builders.home_declared("m1", at=at(2, "09:00"), estate_id="no-such-estate"), "not in the estate book"),
    )

    @pytest.mark.parametrize("batch", [1, 1000])
    def test_what_cannot_be_applied_is_a_dead_letter_and_changes_nothing_else(self, drivers, usual, batch):
        stream = sorted([*small_stream(), *(raw for raw, _ in self.POISON)], key=lambda raw: json.loads(raw)["time"])
        found = drivers.lived(stream, batch=batch, store="with poison")
        assert replace(found, dead=usual.dead) == usual
        letters = [letter for letter in found.dead if letter not in usual.dead]
        assert len(letters) == len(self.POISON)
        for raw, reason in self.POISON:
            [said] = [said for said, kept in letters if same_event(kept, raw)]
            assert reason in said

    @pytest.mark.parametrize("batch", [1, 1000])
    def test_an_event_that_is_refused_half_way_leaves_nothing_of_itself(self, drivers, usual, batch):
        refused = builders.message(member="m28", text="我报名，还要量房", at=at(2, "09:00"), mentions=["m1"])
        stream = sorted([*small_stream(), refused], key=lambda raw: json.loads(raw)["time"])
        driver = drivers.on("refused", batch=batch, topology=raising_on("我报名，还要量房", BadEvent("half-way")))
        driver.publish(stream)
        driver.work()
        driver.run_out()
        found = driver.dump()
        assert replace(found, dead=usual.dead) == usual
        [(said, kept)] = [letter for letter in found.dead if letter not in usual.dead]
        assert said == "half-way"
        assert same_event(kept, refused)

    def test_an_event_for_an_unknown_group_is_applied_and_starts_nothing(self, drivers):
        driver = drivers.on("unknown")
        raw = builders.message(group="nobody-knows", text="我是绿地城3栋的，柜子多少钱")
        assert driver.publish([raw]) == ["accepted"]
        assert driver.work() == 1
        found = driver.dump()
        assert (found.tasks, found.dead) == ([], [])

    @pytest.mark.parametrize("batch", [1, 1000])
    def test_an_order_event_before_its_placement_waits_for_it(self, drivers, batch):
        driver = drivers.on("early", batch=batch)
        placed, paid = builders.order_placed("o9", "m7", at=at(2, "15:00")), builders.paid("o9", at=at(2, "15:05"))
        driver.publish([*small_stream()[:60], paid])
        driver.work()
        assert not [letter for letter in driver.dump().dead if b"o9" in letter[1]]
        driver.publish([placed])
        driver.work()
        assert rungs(driver.dump(), "m7")[-1] == "buyer"

    def test_a_dead_letter_is_applied_when_its_cause_is_mended(self, drivers):
        driver = drivers.on("mended")
        resumed = builders.campaign_resumed("e1", at=at(2, "15:05"))
        driver.publish([*small_stream()[:60], resumed])
        driver.work()
        [(reason, raw)] = [letter for letter in driver.dump().dead if b"campaign.resumed" in letter[1]]
        assert same_event(raw, resumed)
        assert "cannot be resumed" in reason
        number = driver.dump().dead.index((reason, raw))
        driver.publish([builders.campaign_paused("e1", at=at(2, "15:00"))])
        driver.work()
        assert json.loads(driver.dump().flow[0])["status"] == "paused"
        assert driver.retry(number) == "accepted"
        assert driver.work() == 1
        assert json.loads(driver.dump().flow[0])["status"] == "running"

    def test_a_dead_letter_whose_cause_is_not_mended_dies_again(self, drivers):
        driver = drivers.on("again")
        driver.publish([builders.campaign_ended("e1")])
        driver.work()
        assert driver.retry(0) == "accepted"
        driver.work()
        assert len(driver.dump().dead) == 2

    # --- a broken rule ----------------------------------------------------------------------------------

    def test_a_broken_rule_stops_the_step_loudly_and_keeps_nothing_of_the_batch(self, drivers):
        driver = drivers.on("broken", topology=breaking_on("我报名"), batch=40)
        driver.publish(small_stream())
        with pytest.raises(BrokenRule, match="a rule that is broken"):
            driver.work()
        before = driver.dump()
        for _ in range(3):
            with pytest.raises(BrokenRule):
                driver.work_one_batch()
        assert driver.dump() == before
        assert not any("我报名" in raw.decode() for _, raw in before.log)

    def test_after_the_rule_is_mended_the_stream_goes_on_as_if_it_had_never_been_broken(self, drivers, usual):
        driver = drivers.on("mended", topology=breaking_on("我报名"), batch=7)
        driver.publish(small_stream())
        with pytest.raises(BrokenRule):
            driver.work()
        driver.stop()
        driver = drivers.on("mended")
        driver.work()
        driver.run_out()
        assert driver.dump() == usual

    # --- two at once --------------------------------------------------------------------------------------

    def test_who_is_behind_is_fenced_off_and_goes_on(self, drivers, usual):
        one, other = drivers.on("two", batch=9), drivers.on("two", batch=5)
        one.publish(small_stream())
        fenced, turn, done = 0, 0, False
        while not done:
            driver = (one, other)[turn % 2]
            try:
                done = driver.work_one_batch() == 0
            except Fenced:
                fenced += 1
            turn += 1
        other.run_out()
        assert fenced > 5
        assert other.dump() == usual

    def test_the_clock_is_fenced_too(self, drivers, usual):
        one, other = drivers.on("clocks"), drivers.on("clocks")
        one.publish(small_stream())
        one.work()
        with pytest.raises(Fenced):
            other.work_one_batch()
        one.run_out()
        with pytest.raises(Fenced):
            other.run_out()
        other.run_out()
        assert other.dump() == usual


class Drivers:
    """Drivers by the name of their store."""

    def __init__(self, contract: PipelineContract, folder: Any) -> None:
        self._contract, self._folder, self._made = contract, folder, list[Driver]()

    def on(self, store: str, *, batch: int = 1000, topology: Topology = TOPOLOGY, world: World | None = None) -> Driver:
        """A driver on the store of that name."""
        driver = self._contract.driver(self._folder / store, world or small_world(), batch, topology)
        self._made.append(driver)
        return driver

    def lived(self, raws: Sequence[bytes], *, batch: int = 1000, store: str = "lived") -> Dump:
        """What an undisturbed life of the stream leaves."""
        driver = self.on(store, batch=batch)
        driver.publish(raws)
        driver.work()
        driver.run_out()
        return driver.dump()

    def stop(self) -> None:
        """Stop all of them."""
        for driver in self._made:
            driver.stop()


def breaking_on(text: str) -> Topology:
    """The wiring with a campaign whose rule is broken: it raises at one text."""
    return raising_on(text, BrokenRule("a rule that is broken"))


def raising_on(text: str, error: Exception) -> Topology:
    """The wiring with a campaign that does its work on an event and then raises, at one text."""
    placement, campaign = TOPOLOGY.steps

    def work(record: EstateRecord, rows: Rows, world: World) -> Any:
        turn = campaign.work(record, rows, world)
        if isinstance(record.event, GroupMessage) and record.event.data.text == text:
            raise error
        return turn

    return Topology((placement, replace(campaign, work=work)))


def same_event(kept: bytes, raw: bytes) -> bool:
    """Whether it is the event as it was handed in; a carrier may have said that its data is JSON, which it is."""
    return {**json.loads(kept), "datacontenttype": None} == {**json.loads(raw), "datacontenttype": None}


def rungs(found: Dump, member_id: str) -> list[str]:
    """The rungs that a member came to."""
    events = [json.loads(raw) for raw in found.out]
    return [
        event["data"]["rung"] for event in events
        if event["type"] == "loupan.member.rung-changed.v1" and event["data"]["member_id"] == member_id
    ]


def instants(times: list[str]) -> list[Any]:
    """The times as instants."""
    from datetime import datetime

    return [datetime.fromisoformat(time) for time in times]
