from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine, select

from streams.tables import metadata, tokens
from streams.tokens import TokenRole, create_token, grant_of, list_tokens, look_up, revoke


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def test_a_token_grants_what_it_was_made_for(connection):
    token = create_token(connection, "dealer", "d1", "林晚的手机")
    grant = look_up(connection, token)
    assert grant is not None
    assert (grant.role, grant.dealer_id, grant.label) == (TokenRole.DEALER, "d1", "林晚的手机")


def test_a_token_has_256_random_bits_and_no_two_are_alike(connection):
    made = {create_token(connection, "hq", None, "hq") for _ in range(50)}
    assert len(made) == 50
    assert all(len(token) == 43 for token in made)


def test_the_table_holds_nothing_that_opens_the_door(connection):
    token = create_token(connection, "hq", None, "hq")
    rows = connection.execute(select(tokens)).all()
    assert token not in str(rows)
    assert look_up(connection, rows[0].hash) is None


def test_an_unknown_token_grants_nothing(connection):
    assert look_up(connection, "") is None
    assert look_up(connection, "nobody's") is None


def test_a_revoked_token_grants_nothing_and_stays_in_the_list(connection):
    token = create_token(connection, "integration", None, "wecom")
    grant = look_up(connection, token)
    assert grant is not None
    assert revoke(connection, grant.key[:12]) == 1
    assert look_up(connection, token) is None
    assert grant_of(connection, grant.key) is None
    assert [one.revoked_at is None for one in list_tokens(connection)] == [False]
    assert revoke(connection, grant.key) == 0


def test_a_token_is_revoked_by_a_key_that_means_one(connection):
    with pytest.raises(ValueError, match="8 of its characters"):
        revoke(connection, "ab")
    create_token(connection, "hq", None, "hq")
    assert revoke(connection, "%" * 12) == 0


@pytest.mark.parametrize(("role", "dealer"), [("dealer", None), ("hq", "d1"), ("integration", "d1"), ("boss", None)])
def test_a_dealers_token_names_its_dealer_and_no_other_does(connection, role, dealer):
    with pytest.raises(ValueError):
        create_token(connection, role, dealer, "x")
