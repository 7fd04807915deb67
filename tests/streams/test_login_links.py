"""One-time links: opened once, within minutes, by one of two who come at once; and tokens that end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine, select

from streams import login_links, tokens
from streams.login_links import make_link, open_link
from streams.tables import login_links as table
from streams.tables import metadata
from streams.tokens import DAY, TokenRole, any_holds, create_token, grant_of, list_tokens, look_up, revoke


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def later(monkeypatch):
    """Moves the machine's time on, by so many milliseconds."""
    moved = 0
    real = tokens.now_ms

    def move(by: int) -> None:
        nonlocal moved
        moved += by

    for module in (tokens, login_links):
        monkeypatch.setattr(module, "now_ms", lambda: real() + moved)
    return move


def test_a_link_gives_a_token_of_its_own_once(connection):
    code = make_link(connection, "store", "d1", "林晚的手机", store_id="s1")
    opened = open_link(connection, code)
    assert opened.token is not None
    grant = look_up(connection, opened.token)
    assert grant is not None
    assert (grant.role, grant.dealer_id, grant.store_id) == (TokenRole.STORE, "d1", "s1")
    assert (grant.label, grant.session) == ("林晚的手机", True)
    assert open_link(connection, code) == (None, "used")
    assert len(list_tokens(connection)) == 1


def test_a_link_is_no_token_and_a_token_no_link(connection):
    code = make_link(connection, "hq", None, "hq")
    assert look_up(connection, code) is None
    assert open_link(connection, create_token(connection, "hq", None, "hq")) == (None, "unknown")
    assert code not in str(connection.execute(select(table)).all())


def test_a_link_is_good_for_minutes_and_forgotten_after_days(connection, later):
    code = make_link(connection, "dealer", "d1", "", minutes=5)
    later(5 * 60_000 + 1)
    assert open_link(connection, code) == (None, "late")
    later(8 * DAY)
    make_link(connection, "hq", None, "")
    assert open_link(connection, code) == (None, "unknown")


def test_who_opened_a_link_is_out_when_its_days_are_over(connection, later):
    opened = open_link(connection, make_link(connection, "region", None, "", cities=["北京", "天津"], days=2))
    assert opened.token is not None
    grant = look_up(connection, opened.token)
    assert grant is not None
    assert grant.cities == {"北京", "天津"}
    later(2 * DAY + 1)
    assert look_up(connection, opened.token) is None
    assert grant_of(connection, grant.key) is None


def test_a_token_with_an_end_holds_until_then(connection, later):
    token = create_token(connection, "integration", None, "orders", source="orders", days=1)
    grant = look_up(connection, token)
    assert grant is not None
    assert grant.source == "orders"
    assert any_holds(connection, TokenRole.INTEGRATION)
    assert not any_holds(connection, TokenRole.HQ)
    later(DAY + 1)
    assert look_up(connection, token) is None
    assert not any_holds(connection, TokenRole.INTEGRATION)
    assert [one.revoked_at for one in list_tokens(connection)] == [None]
    assert revoke(connection, grant.key) == 1


@pytest.mark.parametrize(("role", "scope", "says"), [
    ("store", {}, "names its store"), ("region", {}, "names its cities"), ("dealer", {"store_id": "s1"}, "its dealer"),
    ("hq", {"cities": ["北京"]}, "names no dealer"), ("hq", {"source": "wecom"}, "names no dealer"),
    ("region", {"cities": ["北京"], "store_id": "s1"}, "nothing else"),
])
def test_a_token_names_what_its_role_is_bound_to_and_nothing_else(connection, role, scope, says):
    with pytest.raises(ValueError, match=says):
        create_token(connection, role, "d1" if role == "dealer" else None, "x", **scope)


def test_an_integration_gets_no_link(connection):
    with pytest.raises(ValueError, match="no page"):
        make_link(connection, "integration", None, "")
