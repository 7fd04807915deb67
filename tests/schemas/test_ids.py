from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, RFC_4122, UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import NAMESPACE, derived_id, derived_id_ms

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MILLISECONDS = st.integers(0, 2**48 - 1)


def test_the_namespace_is_what_it_says():
    assert uuid5(NAMESPACE_URL, "https://loupan.example/ids") == NAMESPACE


def test_the_same_causes_at_the_same_time_give_the_same_id():
    assert derived_id(NOON, "e1", "trust") == derived_id(NOON, "e1", "trust")
    # Written down, because ids stand in databases: they never change.
    assert derived_id(NOON, "e1", "trust") == "019cae6b-6600-87db-ac5e-b2a1e98b8451"


def test_other_causes_or_another_time_give_another_id():
    ids = {derived_id(NOON, "e1", "t"), derived_id(NOON, "e1t"), derived_id(NOON, "t", "e1"),
           derived_id(NOON + timedelta(milliseconds=1), "e1", "t")}
    assert len(ids) == 4


@given(MILLISECONDS, st.text(), st.text())
def test_an_id_is_a_uuid_of_version_8(at, one, two):
    uuid = UUID(derived_id_ms(at, one, two))
    assert (uuid.version, uuid.variant) == (8, RFC_4122)
    assert uuid.int >> 80 == at


@given(MILLISECONDS, st.text(), st.text())
def test_behind_the_time_stands_the_uuid_5_of_the_causes(at, one, two):
    ours, named = UUID(derived_id_ms(at, one, two)).hex, uuid5(NAMESPACE, f"{one}\x1f{two}").hex
    assert (ours[13:16], ours[17:]) == (named[13:16], named[17:])


@given(MILLISECONDS, MILLISECONDS, st.text())
def test_ids_sort_by_time(one, two, cause):
    assert one == two or (derived_id_ms(one, cause) < derived_id_ms(two, cause)) == (one < two)


def test_a_time_before_1970_is_an_id_all_the_same():
    assert derived_id_ms(-5, "a").startswith("00000000-0000-8")
