"""The way in and out over HTTP: forms, one-time links, cookies, and what other sites cannot do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.login_links import make_link
from streams.tokens import revoke
from tests.streams.gateway_world import World

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def link(world: World, **scope) -> str:
    with world.engine.begin() as connection:
        return make_link(connection, scope.pop("role", "dealer"), scope.pop("dealer_id", "d1"), "林晚的手机", **scope)


def send(world: World, headers: dict[str, str] | None = None, path: str = "/login", **fields: str):
    return world.post(path, who=None, data=fields, headers=headers or {})


def cookie_of(answer) -> dict[str, str]:
    found = re.match(r"loupan_token=([^;]+);", answer.headers["set-cookie"])
    assert found is not None
    return {"Cookie": f"loupan_token={found[1]}"}


def test_a_pasted_token_becomes_a_cookie_and_leads_to_its_page(world):
    for who, page in (("own", "/dealer"), ("store", "/dealer"), ("hq", "/hq"), ("region", "/hq")):
        answer = send(world, token=f" {world.tokens[who]}\n")
        assert (answer.status_code, answer.headers["location"]) == (303, page)
        said = answer.headers["set-cookie"]
        assert "HttpOnly" in said
        assert "SameSite=strict" in said
        assert world.get(page, who=None, headers=cookie_of(answer)).status_code == 200


def test_looking_at_a_link_uses_nothing_up_and_a_tap_does(world):
    code = link(world)
    for _ in range(3):
        # Chat programs look at addresses before people do.
        page = world.get(f"/login?code={code}&next=/dealer", who=None)
        assert (page.status_code, "set-cookie" in page.headers) == (200, False)
    assert f'name="code" value="{code}"' in page.text
    answer = send(world, code=code, next="/dealer?day=today")
    assert (answer.status_code, answer.headers["location"]) == (303, "/dealer?day=today")
    assert world.get("/v1/me", who=None, headers=cookie_of(answer)).json()["dealer_id"] == "d1"
    again = send(world, code=code)
    assert (again.status_code, "set-cookie" in again.headers) == (401, False)
    assert "已经用过" in again.text


@pytest.mark.parametrize("fields", [{}, {"token": ""}, {"code": "guess"}, {"token": "guess"}, {"next": "/hq"}])
def test_who_brings_nothing_good_gets_nothing(world, fields):
    answer = send(world, **fields)
    assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)


@pytest.mark.parametrize(("headers", "status"), [
    ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Origin": "https://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": "http://loupan.test"}, 303),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "http://loupan.test"}, 303), ({"Sec-Fetch-Site": "none"}, 303),
    ({}, 303),
])
def test_no_other_site_logs_anybody_in_or_out(world, headers, status):
    assert send(world, headers, token=world.tokens["own"]).status_code == status
    assert send(world, headers, "/logout").status_code == status


def test_a_form_without_end_is_not_read_to_it(world):
    async def endless():
        while True:
            yield b"token=" + b"x" * 4096

    answer = world.post("/login", who=None, content=endless(), headers=FORM)
    assert answer.status_code == 401


def test_what_stands_in_a_link_is_text_on_the_page(world):
    page = world.get('/login?code="><script>alert(1)</script>&next="><img src=x>', who=None).text
    assert "<script" not in page
    assert "<img" not in page


def test_logging_out_revokes_what_a_link_gave_and_no_token_that_was_pasted(world):
    for fields, holds in (({"code": link(world)}, False), ({"token": world.tokens["own"]}, True)):
        cookie = cookie_of(send(world, **fields))
        answer = send(world, cookie, "/logout")
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        assert 'loupan_token="";' in answer.headers["set-cookie"]
        assert (world.get("/v1/me", who=None, headers=cookie).status_code == 200) is holds


def test_who_is_in_already_finds_the_way_out_at_the_way_in(world):
    assert "/logout" not in world.get("/login", who=None).text
    page = world.get("/login", who=None, headers=cookie_of(send(world, token=world.tokens["own"]))).text
    assert '<form action="/logout" method="post">' in page
    assert 'href="/dealer"' in page
    # Labels are whatever somebody wrote.
    assert "the task&#x27;s dealer" in page


def test_a_cookie_lives_no_longer_than_its_token(world):
    said = send(world, code=link(world, days=2)).headers["set-cookie"]
    found = re.search(r"Max-Age=(\d+)", said)
    assert found is not None
    assert 2 * 86_400 - 60 < int(found[1]) <= 2 * 86_400


def test_a_revoked_token_is_out_at_once(world):
    cookie = cookie_of(send(world, code=link(world)))
    with world.engine.begin() as connection:
        key = connection.exec_driver_sql("SELECT hash FROM tokens WHERE session = 1").scalar_one()
        assert revoke(connection, key[:12]) == 1
    assert world.get("/v1/me", who=None, headers=cookie).status_code == 401


def test_no_other_origin_may_read_anything(world):
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    for method in ("GET", "OPTIONS"):
        answer = world.ask(method, "/v1/flow", headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.status_code == 405


def test_a_wrong_token_is_told_from_none(world):
    none, wrong = (world.get("/v1/me", who=None, headers=headers) for headers in ({}, {"Authorization": "Bearer nope"}))
    assert (none.status_code, wrong.status_code) == (401, 401)
    assert "Send a token" in none.json()["detail"]
    assert "unknown, it was revoked" in wrong.json()["detail"]
    assert 'error="invalid_token"' in wrong.headers["www-authenticate"]
