"""Keys: a row is given out only to the worker that has locked its key."""

import pytest

from agents.rows import PLACEMENT
from agents.state import GROUP_HOME, GroupHome, TaskHome, group_home, person, task_home
from streams.kafka.keys import Keys, LockedRows, Unlocked
from tests.databases import opened


@pytest.fixture
def engine(tmp_path):
    engine = opened(tmp_path / "keys.db")
    yield engine
    engine.dispose()


def test_a_row_whose_key_is_not_locked_is_not_given_out(engine):
    keys = Keys()
    keys.add([group_home("g1"), person("m1")])
    rows = LockedRows(keys)
    with engine.begin() as connection:
        rows.attach(connection)
        assert rows.get(group_home("g1")) is None
        assert rows.get(person("m1")) is None
        assert rows.get(task_home("t1")) is None
        for address, of_person in ((group_home("g2"), False), (person("m2"), True), (group_home("m1"), False)):
            with pytest.raises(Unlocked) as asked:
                rows.get(address)
            assert (asked.value.key, asked.value.person) == (address[1], of_person)
        with pytest.raises(Unlocked):
            rows.scan(PLACEMENT, "g2", GROUP_HOME)


def test_a_row_in_memory_is_no_more_given_out_than_one_in_the_table(engine):
    rows = LockedRows(Keys())
    with engine.begin() as connection:
        rows.attach(connection)
        rows.put(group_home("g1"), GroupHome(name="业主群"))
        rows.put(task_home("t1"), TaskHome("e1"))
        assert rows.get(task_home("t1")) == TaskHome("e1")
        with pytest.raises(Unlocked):
            rows.get(group_home("g1"))
