"""When estates are woken."""

from datetime import UTC, datetime

from streams.alarms import Alarms, woke
from streams.effects import microseconds


def test_who_is_due_is_woken_in_order_of_due_time_then_of_estate():
    alarms = Alarms([("b", 20), ("a", 20), ("c", 10), ("d", 30)])
    assert list(alarms.upto(20, 10)) == [(10, "c"), (20, "a"), (20, "b")]
    assert alarms.next() == 30
    assert len(alarms) == 1


def test_who_is_due_may_be_asked_without_waking():
    alarms = Alarms([(f"e{n}", n % 7) for n in range(40)])
    alarms.set("e6", 1)
    assert sorted(alarms.due_by(2)) == sorted([*(f"e{n}" for n in range(40) if n % 7 <= 2), "e6"])
    assert list(alarms.due_by(-1)) == []
    assert len(list(alarms.upto(100, 100))) == 40


def test_of_an_estate_only_its_earliest_counts():
    alarms = Alarms()
    assert alarms.set("a", 20)
    assert not alarms.set("a", 30)
    assert alarms.set("a", 10)
    assert list(alarms.upto(100, 10)) == [(10, "a")]
    assert alarms.next() is None


def test_a_wake_up_has_the_same_id_whenever_it_is_made():
    due = microseconds(datetime(2026, 3, 2, 7, tzinfo=UTC))
    one, other = (woke("e1", due, datetime(2026, 3, 2, hour, tzinfo=UTC)) for hour in (7, 9))
    assert one.id == other.id
    assert one.time != other.time
    assert woke("e2", due, one.time).id != one.id
