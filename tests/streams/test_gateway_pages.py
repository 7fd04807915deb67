from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.gateway.problems import prefers_chinese
from tests import builders
from tests.streams.gateway_world import World, task


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def cookie(world: World, who: str) -> dict[str, str]:
    return {"Cookie": f"loupan_token={world.tokens[who]}"}


def login(world: World, who: str, next: str = "/hq"):
    return world.get("/login", who=None, params={"token": world.tokens[who], "next": next})


def test_a_login_link_puts_the_token_into_a_cookie_and_out_of_the_address(world):
    answer = login(world, "own", "/dealer?day=today")
    assert (answer.status_code, answer.headers["location"]) == (303, "/dealer?day=today")
    said = answer.headers["set-cookie"]
    assert f"loupan_token={world.tokens['own']}" in said
    assert "HttpOnly" in said
    assert "SameSite=strict" in said
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("next", ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "", "/a\nb"])
def test_a_login_link_sends_nobody_elsewhere(world, next):
    assert login(world, "hq", next).headers["location"] == "/hq"
    assert login(world, "own", next).headers["location"] == "/dealer"


def test_a_wrong_token_says_how_to_get_in_and_sets_nothing(world):
    answer = world.get("/login?token=guess", who=None)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "登录链接" in answer.text
    assert "login link" in answer.text
    assert "guess" not in answer.text


def test_the_first_page_is_hqs(world):
    assert world.get("/", who=None).headers["location"] == "/hq"


@pytest.mark.parametrize(("path", "who", "status"), [
    ("/hq", "hq", 200), ("/hq", "own", 403), ("/hq", "integration", 403), ("/dealer", "own", 200),
    ("/dealer", "hq", 200), ("/dealer", "integration", 403),
])
def test_a_page_is_for_its_role(world, path, who, status):
    answer = world.get(path, who=None, headers=cookie(world, who))
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/hq", "/dealer"])
def test_a_page_without_a_token_is_a_friendly_one(world, path):
    answer = world.get(path, who=None)
    assert answer.status_code == 401
    assert "令牌" in answer.text
    assert "token" in answer.text


def test_the_pages_files_are_served_and_nothing_beside_them(world):
    assert world.get("/web/hq.js", who=None).status_code == 200
    assert world.get("/web/../tokens.py", who=None).status_code == 404
    assert world.get("/web/%2e%2e/tokens.py", who=None).status_code == 404


@pytest.mark.parametrize("path", ["/hq", "/web/hq.js", "/v1/me", "/nothing", "/healthz"])
def test_every_answer_carries_the_headers_that_keep_a_browser_honest(world, path):
    headers = world.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers


def test_a_cookie_reads_without_more_and_writes_only_beside_our_header(world):
    made = task()
    world.issue(made)
    path = f"/v1/tasks/{made.task_id}/claim"
    own = cookie(world, "own")
    assert world.get("/v1/me", who=None, headers=own).json()["dealer_id"] == "d1"
    assert world.post(path, who=None, headers=own).status_code == 403
    assert world.post(path, who=None, headers={**own, "X-Loupan": "1"}).status_code == 202


def test_who_asks_is_told_who_they_are_and_the_campaigns_time(world):
    assert world.get("/v1/me", who="own").json() == {
        "role": "dealer", "dealer_id": "d1", "dealer_name": "木语家居（测试）", "now": "2026-03-05T12:00:00+08:00",
        "speed": 60.0, "simulated": True,
    }


def test_readiness_falls_with_the_database(world):
    assert world.get("/readyz", who=None).json() == {"status": "ready", "lag": 0}
    with world.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE meta")
    assert world.get("/readyz", who=None).status_code == 503
    assert world.get("/healthz", who=None).status_code == 200


@pytest.mark.parametrize(("path", "status"), [("/v1/nothing", 404), ("/v1/tasks/", 404), ("/v1/me", 405)])
def test_what_is_not_there_is_a_problem_document(world, path, status):
    answer = world.ask("DELETE" if status == 405 else "GET", path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["status"] == status
    assert (answer.json()["detail"] == "Allowed here: GET.") == (status == 405)


def test_a_bug_is_answered_without_its_cause(world):
    world.reference = None
    answer = world.get("/v1/stores")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "NoneType" not in answer.text
    assert 'status="500"' in world.get("/metrics").text


def test_a_problem_is_told_in_the_language_that_is_preferred(world):
    chinese = world.publish(b"{", headers={"Accept-Language": "zh-CN"})
    assert chinese.json()["title"] == "内容不是 JSON"
    assert chinese.headers["content-language"] == "zh"
    assert world.publish(b"{", headers={"Accept-Language": "de"}).json()["title"] == "The body is not JSON"


@pytest.mark.parametrize(("header", "chinese"), [
    (None, False), ("", False), ("zh", True), ("zh-CN,zh;q=0.9,en;q=0.8", True), ("en-GB,en;q=0.9,zh;q=0.8", False),
    ("en;q=0.5, zh-Hant;q=0.7", True), ("zh;q=0", False), ("zh;q=x", False), ("fr, zh;q=0.1", True), ("en, zh", False),
    ("zh, en", True), ("*", False),
])
def test_the_preferred_language_is_read_from_the_header(header, chinese):
    assert prefers_chinese(header) is chinese


def test_the_contracts_are_published(world):
    openapi = world.get("/openapi.json", who=None).json()
    assert "/v1/tasks/{task_id}/why" in openapi["paths"]
    assert set(openapi["components"]["securitySchemes"]) == {"HTTPBearer", "APIKeyCookie"}
    assert world.get("/asyncapi.json", who=None).json()["asyncapi"].startswith("3.")


def test_districts_are_the_citys_outlines(world):
    answer = world.get("/v1/districts?city=北京").json()
    assert answer["type"] == "FeatureCollection"
    assert len(answer["features"]) == 16


def test_reads_go_on_while_an_event_is_taken(world):
    assert world.publish(builders.message()).status_code == 200
    assert world.get("/v1/flow").json()["counts"]["events"] == 1
