"""Rows: the cache says what the table would say, whatever was put, undone, rolled back or evicted."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import Connection, Engine, text

from agents.rows import CAMPAIGN, PLACEMENT, Address
from agents.state import (
    MEMBER,
    ORDER_HOME,
    PERSON,
    ROW_TYPES,
    TASK,
    MemberRow,
    OrderHome,
    PersonRow,
    TaskRow,
    member_row,
    task_row,
)
from schemas.tasks import Script, Task, Window
from schemas.values import Action, Phase, Role, TaskStatus
from streams.rows import StoredRows
from tests.databases import opened


@pytest.fixture
def engine(tmp_path):
    engine = opened(tmp_path / "rows.db")
    yield engine
    engine.dispose()


def transaction(engine: Engine, rows: StoredRows, work: Callable[[StoredRows], object]) -> object:
    """One transaction as the pipeline runs it."""
    with engine.begin() as connection:
        rows.attach(connection)
        said = work(rows)
        rows.keep()
        rows.flush(connection)
    rows.committed()
    return said


def member(number: int, rung: int = 0) -> tuple[Address, MemberRow]:
    return member_row("e1", "g1", f"m{number:02d}"), MemberRow(rung=rung, evidence=number)


def fill(engine: Engine, count: int) -> None:
    def put(rows: StoredRows) -> None:
        for number in range(count):
            rows.put(*member(number))

    transaction(engine, StoredRows(), put)


def test_what_was_written_is_read_back_as_it_was(engine):
    address, row = member(1, rung=4)
    transaction(engine, StoredRows(), lambda rows: rows.put(address, row))
    assert transaction(engine, StoredRows(), lambda rows: rows.get(address)) == row


def test_a_row_that_is_not_there_is_none(engine):
    assert transaction(engine, StoredRows(), lambda rows: rows.get(member(1)[0])) is None


def test_only_what_changed_is_written(engine):
    fill(engine, 500)
    rows = StoredRows()

    def one_of_all(rows):
        assert len(list(rows.scan(CAMPAIGN, "e1", MEMBER))) == 500
        rows.put(*member(7, rung=3))

    with engine.begin() as connection:
        rows.attach(connection)
        one_of_all(rows)
        rows.keep()
        before = _changes(connection)
        rows.flush(connection)
        assert _changes(connection) - before == 1


def _changes(connection: Connection) -> int:
    return int(connection.execute(text("SELECT total_changes()")).scalar_one())


def test_what_an_event_that_is_refused_changed_is_undone(engine):
    fill(engine, 3)
    rows = StoredRows()
    with engine.begin() as connection:
        rows.attach(connection)
        rows.put(*member(0, rung=2))
        rows.keep()
        assert len(list(rows.scan(CAMPAIGN, "e1", MEMBER))) == 3
        rows.put(*member(0, rung=5))
        rows.drop(member(1)[0])
        rows.put(*member(9))
        rows.undo()
        assert rows.get(member(0)[0]).rung == 2
        assert rows.get(member(1)[0]) == member(1)[1]
        assert rows.get(member(9)[0]) is None
        there = [(sub[-3:], row.rung) for sub, row in rows.scan(CAMPAIGN, "e1", MEMBER)]
        assert there == [("m00", 2), ("m01", 0), ("m02", 0)]
        assert list(rows.dirty) == [member(0)[0]]


def test_a_scan_sees_what_is_not_written_yet_and_not_what_was_dropped(engine):
    fill(engine, 3)
    rows = StoredRows()
    with engine.begin() as connection:
        rows.attach(connection)
        rows.put(*member(5))
        rows.drop(member(1)[0])
        rows.put(*member(2, rung=4))
        first = list(rows.scan(CAMPAIGN, "e1", MEMBER))
        rows.drop(member(0)[0])
        rows.put(*member(4))
        second = list(rows.scan(CAMPAIGN, "e1", MEMBER))
    assert [(sub[-3:], row.rung) for sub, row in first] == [("m00", 0), ("m02", 4), ("m05", 0)]
    assert [sub[-3:] for sub, _ in second] == ["m02", "m04", "m05"]


def test_a_scan_knows_nothing_of_other_keys_and_kinds(engine):
    rows = StoredRows()

    def put(rows):
        rows.put(member_row("e1", "g1", "m1"), MemberRow())
        rows.put(member_row("e2", "g1", "m1"), MemberRow(rung=1))
        rows.put((PLACEMENT, "e1", PERSON, ""), PersonRow(groups=("g1",)))

    transaction(engine, rows, put)
    assert len(list(transaction(engine, StoredRows(), lambda rows: rows.scan(CAMPAIGN, "e1", MEMBER)))) == 1  # type: ignore[call-overload]  # it is what the lambda gives


def test_a_scan_may_drop_what_it_meets(engine):
    fill(engine, 4)

    def drop_all(rows):
        for sub, _ in rows.scan(CAMPAIGN, "e1", MEMBER):
            rows.drop((CAMPAIGN, "e1", MEMBER, sub))
        return list(rows.scan(CAMPAIGN, "e1", MEMBER))

    assert transaction(engine, StoredRows(), drop_all) == []
    assert transaction(engine, StoredRows(), lambda rows: list(rows.scan(CAMPAIGN, "e1", MEMBER))) == []


def test_what_was_prefetched_is_what_single_reads_give(engine):
    fill(engine, 1200)
    addresses = [member(n)[0] for n in range(0, 1400, 3)] * 2
    ahead, single = StoredRows(), StoredRows()

    def many(rows):
        rows.prefetch(addresses)
        return [rows.get(address) for address in addresses]

    assert transaction(engine, ahead, many) == transaction(
        engine, single, lambda rows: [rows.get(address) for address in addresses])


def test_what_was_gathered_needs_no_reading_any_more(engine):
    fill(engine, 40)
    rows = StoredRows()
    with engine.begin() as connection:
        rows.attach(connection)
        rows.put(*member(1, rung=6))
        rows.drop(member(2)[0])
        rows.put(*member(99))
        rows.gather(CAMPAIGN, ["e1", "e2"])
        # Whoever read the table now would find nothing.
        connection.execute(text("DELETE FROM state"))
        assert [rows.get(member(n)[0]) is None for n in (0, 1, 2, 99, 100)] == [False, False, True, False, True]
        assert [sub for sub, _ in rows.scan(CAMPAIGN, "e1", MEMBER)] == sorted(
            member(n)[0][3] for n in (*range(40), 99) if n != 2)
        assert list(rows.scan(CAMPAIGN, "e2", MEMBER)) == list(rows.scan(CAMPAIGN, "e1", TASK)) == []


def test_a_prefetch_leaves_what_is_not_written_yet(engine):
    fill(engine, 3)
    rows = StoredRows()
    with engine.begin() as connection:
        rows.attach(connection)
        rows.put(*member(1, rung=6))
        rows.drop(member(2)[0])
        rows.prefetch([member(n)[0] for n in range(4)])
        assert [getattr(rows.get(member(n)[0]), "rung", None) for n in range(4)] == [0, 6, None, None]


def test_the_memory_is_bounded_by_two_generations(engine):
    fill(engine, 300)
    rows = StoredRows(generation=10)
    for start in range(0, 300, 5):
        transaction(engine, rows, lambda rows: [rows.get(member(n)[0]) for n in range(start, start + 5)])  # noqa: B023  # runs at once
        assert len(rows._young) + len(rows._old) <= 2 * (10 + 5)


def test_what_was_read_lately_stays_in_memory(engine):
    fill(engine, 100)
    rows = StoredRows(generation=10)
    for n in range(1, 100):
        transaction(engine, rows, lambda rows: (rows.get(member(0)[0]), rows.get(member(n)[0])))  # noqa: B023  # runs at once
        assert member(0)[0] in {**rows._young, **rows._old}


def test_after_a_rollback_only_the_table_counts(engine):
    fill(engine, 2)
    rows = StoredRows()
    connection = engine.connect()
    with connection.begin() as begun:
        rows.attach(connection)
        rows.put(*member(0, rung=7))
        rows.put(*member(5))
        rows.keep()
        rows.flush(connection)
        begun.rollback()
    connection.close()
    rows.discard()
    assert transaction(engine, rows, lambda rows: (rows.get(member(0)[0]).rung, rows.get(member(5)[0]))) == (0, None)


def test_what_was_changed_and_dropped_in_one_batch_still_says_what_it_was_last(engine):
    rows = StoredRows()
    with engine.begin() as connection:
        rows.attach(connection)
        rows.put(*member(1, rung=1))
        rows.keep()
        rows.put(*member(1, rung=2))
        rows.drop(member(1)[0])
        rows.keep()
        assert rows.get(member(1)[0]) is None
        assert rows.last(member(1)[0]).rung == 2
        rows.flush(connection)
    rows.committed()
    assert transaction(engine, rows, lambda rows: rows.get(member(1)[0])) is None


def test_a_task_that_is_read_back_has_its_times_with_their_offset(engine):
    start, end = (datetime.fromisoformat(f"2026-03-02T{clock}:00+08:00") for clock in ("22:00", "22:30"))
    task = Task(
        task_id="t1", dealer_id="d1", estate_id="e1", group_id="g1", campaign_id="c1", stage=1, phase=Phase.WARM_UP,
        day=1, role=Role.DESIGNER, action=Action.POST, window=Window(start, end), script=Script("s", 1, "晚上好"),
        because=("x#1",), priority=5, status=TaskStatus.ISSUED, issued_at=start,
    )
    address = task_row("e1", "t1")
    transaction(engine, StoredRows(), lambda rows: rows.put(address, TaskRow(task, end)))
    back = transaction(engine, StoredRows(), lambda rows: rows.get(address))
    assert isinstance(back, TaskRow)
    assert back.task == task
    assert (back.task.window.start.isoformat(), back.task.issued_at.utcoffset()) == (
        "2026-03-02T22:00:00+08:00", start.utcoffset())


def test_every_kind_of_row_can_be_read_back():
    from streams.rows import _DECODE

    assert set(_DECODE) == set(ROW_TYPES)
    assert TASK in _DECODE


# --- against a plain dict -------------------------------------------------------------------------------

ADDRESSES = st.sampled_from([
    *((CAMPAIGN, estate, MEMBER, f"g1\x1fm{n}") for estate in ("e1", "e2") for n in range(4)),
    *((PLACEMENT, f"o{n}", ORDER_HOME, "") for n in range(3)),
])
NUMBERS = st.integers(0, 5)


def row(address: Address, number: int) -> object:
    return MemberRow(rung=number) if address[2] == MEMBER else OrderHome((f"e{number}",))


class AgainstADict(RuleBasedStateMachine):
    """What `StoredRows` says is what a dict says that is copied at every commit and every event."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.engine = opened(Path(self.folder.name, "rows.db"))
        self.rows = StoredRows(generation=3)
        self.committed: dict[Address, object] = {}
        self.kept: dict[Address, object] = {}
        self.now: dict[Address, object] = {}
        self._begin()

    def _begin(self) -> None:
        self.connection = self.engine.connect()
        self.begun = self.connection.begin()
        self.rows.attach(self.connection)

    @rule(address=ADDRESSES, number=NUMBERS)
    def put(self, address: Address, number: int) -> None:
        self.rows.put(address, row(address, number))
        self.now[address] = row(address, number)

    @rule(address=ADDRESSES)
    def drop(self, address: Address) -> None:
        self.rows.drop(address)
        self.now.pop(address, None)

    @rule(address=ADDRESSES)
    def get(self, address: Address) -> None:
        assert self.rows.get(address) == self.now.get(address)

    @rule(addresses=st.lists(ADDRESSES))
    def prefetch(self, addresses: list[Address]) -> None:
        self.rows.prefetch(addresses)

    @rule(estates=st.lists(st.sampled_from(["e1", "e2", "e3"])))
    def gather(self, estates: list[str]) -> None:
        self.rows.gather(CAMPAIGN, estates)

    @rule(estate=st.sampled_from(["e1", "e2"]))
    def scan(self, estate: str) -> None:
        there = sorted((a[3], value) for a, value in self.now.items() if a[:3] == (CAMPAIGN, estate, MEMBER))
        assert list(self.rows.scan(CAMPAIGN, estate, MEMBER)) == there

    @rule()
    def keep(self) -> None:
        self.rows.keep()
        self.kept = dict(self.now)

    @rule()
    def undo(self) -> None:
        self.rows.undo()
        self.now = dict(self.kept)

    @rule()
    def commit(self) -> None:
        self.keep()
        self.rows.flush(self.connection)
        self.begun.commit()
        self.connection.close()
        self.rows.committed()
        self.committed = dict(self.kept)
        self._begin()
        self._as_in_the_table()

    @rule(flushed=st.booleans())
    def rollback(self, flushed: bool) -> None:
        if flushed:
            self.rows.flush(self.connection)
        self.begun.rollback()
        self.connection.close()
        self.rows.discard()
        self.now, self.kept = dict(self.committed), dict(self.committed)
        self._begin()
        self._as_in_the_table()

    def _as_in_the_table(self) -> None:
        stored = self.connection.exec_driver_sql("SELECT step, key, kind, sub FROM state").all()
        assert {tuple(address) for address in stored} == set(self.committed)

    @precondition(lambda self: not self.rows._undo)
    @invariant()
    def whatever_changed_is_dirty(self) -> None:
        changed = {a for a in {*self.now, *self.committed} if self.now.get(a) != self.committed.get(a)}
        assert changed <= set(self.rows.dirty)

    def teardown(self) -> None:
        self.begun.rollback()
        self.connection.close()
        self.engine.dispose()
        self.folder.cleanup()


AgainstADict.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_rows_say_what_a_plain_dict_would_say = AgainstADict.TestCase
