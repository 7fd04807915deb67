"""Who may do what: one matrix of every endpoint and every role, made of the app's own routes; and nothing leaks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from fastapi.routing import APIRoute

from schemas.tasks import Script
from streams.tokens import create_token
from tests import builders
from tests.streams.gateway_world import World, task

SECRET = "只有自己人看得到的话术"
TASK = task(script=Script("trust-1-noon", 2, SECRET))

#: Everybody: HQ, the region of the task's estate and another, the task's dealer and another, the task's store and
#: another of its dealer, an integration.
WHO = ("nobody", "hq", "region", "elsewhere", "own", "other", "store", "next door", "integration")
#: Who is to see the task and what is about it.
INSIDERS = {"hq", "region", "own", "store"}

#: What each is answered where a policy lets them in: with "ok" as the endpoint answers, else with the status. Whoever
#: asks for another's gets 404: they can't tell whether it is there.
POLICIES: dict[str, tuple[int | str, ...]] = {
    #                   nobody  hq   region elsewhere own other store next-door integration
    "public":           ("ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok"),
    "anyone":           (401,  "ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok"),
    "hq":               (401,  "ok", 403,  403,  403,  403,  403,  403,  403),
    "watchers":         (401,  "ok", "ok", "ok", 403,  403,  403,  403,  403),
    "a watchers city":  (401,  "ok", "ok", 403,  403,  403,  403,  403,  403),
    "a watchers own":   (401,  "ok", "ok", 404,  403,  403,  403,  403,  403),
    "viewers":          (401,  "ok", "ok", "ok", "ok", "ok", "ok", "ok", 403),
    "a viewers own":    (401,  "ok", "ok", 404,  "ok", 404,  "ok", 404,  403),
    "bookkeepers own":  (401,  "ok", "ok", 404,  "ok", 404,  403,  403,  403),
    "a doers own":    (401,  "ok", 403,  403,  "ok", 404,  "ok", 404,  403),
    "doers":            (401,  "ok", 403,  403,  "ok", "ok", "ok", "ok", 403),
    "publishers":       (401,  "ok", 403,  403,  403,  403,  403,  403,  "ok"),
    "page of hq":       (401,  "ok", 403,  403,  403,  403,  403,  403,  403),
    "page of watchers": (401,  "ok", "ok", "ok", 403,  403,  403,  403,  403),
    "page of dealers":  (401,  "ok", 403,  403,  "ok", "ok", "ok", "ok", 403),
}


class Row(NamedTuple):
    """How an endpoint is asked, who may, and what those are answered who may."""

    policy: str
    ok: int = 200
    query: str = ""
    request: Mapping[str, Any] = MappingProxyType({})
    #: Streams are asked by those alone who are refused; those who are let in are in test_gateway_streams.py.
    stream: bool = False


EVENT = {"content": builders.message(), "headers": {"Content-Type": "application/cloudevents+json"}}
MATRIX: dict[str, Row] = {
    "POST /v1/events": Row("publishers", request=EVENT),
    # Who signs is let in, whoever else they are: test_webhooks_in.py.
    "POST /v1/hooks/{sender}": Row("public", 401),
    "POST /v1/connectors/wechaty": Row("publishers", request={"json": {
        "id": "1", "type": "Text", "roomId": "g1", "talkerId": "m1", "timestamp": 1772539950, "text": "好"}}),
    "GET /v1/tasks": Row("viewers"),
    "GET /v1/tasks/stream": Row("viewers", stream=True),
    "GET /v1/tasks/{task_id}/why": Row("a viewers own"),
    "POST /v1/tasks/{task_id}/claim": Row("a doers own", 202),
    "POST /v1/tasks/{task_id}/done": Row("a doers own", 202),
    "POST /v1/tasks/{task_id}/skip": Row("a doers own", 202),
    "GET /v1/tasks/{task_id}/attachments/{place}": Row("a viewers own", 404),
    "GET /v1/dealer/day": Row("doers"),
    "GET /v1/dealer/tomorrow": Row("doers"),
    "GET /v1/dealer/groups": Row("doers"),
    "GET /v1/dealer/estates": Row("doers"),
    "GET /v1/estates": Row("viewers"),
    "GET /v1/estates/{estate_id}": Row("a viewers own"),
    "GET /v1/estates/{estate_id}/timeline": Row("a viewers own"),
    "GET /v1/flow": Row("a watchers city", query="?city=北京"),
    "GET /v1/flow/stream": Row("a watchers city", query="?city=北京", stream=True),
    "GET /v1/districts": Row("watchers", query="?city=北京"),
    "GET /v1/stores": Row("watchers"),
    "GET /v1/campaigns": Row("watchers"),
    "GET /v1/map": Row("a watchers city", query="?city=北京"),
    "GET /v1/dealers": Row("a watchers city", query="?city=北京"),
    "GET /v1/history": Row("a watchers city", query="?city=北京"),
    "GET /v1/estates/{estate_id}/story": Row("a watchers own"),
    "GET /v1/funnel": Row("watchers"),
    "GET /v1/playbooks": Row("watchers"),
    "GET /v1/playbooks/{name}": Row("watchers"),
    "GET /v1/playbooks/{name}/balance": Row("watchers"),
    "GET /v1/playbooks/{name}/diff": Row("watchers", query="?from=new-estate-own-group@3"),
    "GET /v1/ledger": Row("bookkeepers own", query="?estate_id=e1"),
    "GET /v1/dead-letters": Row("hq"),
    "POST /v1/dead-letters/{letter_id}/retry": Row("hq", 202),
    "GET /v1/audit": Row("hq"),
    "GET /v1/me": Row("anyone"),
    # Where WeCom is not set up there is nothing; tests/streams/wecom has it set up, and asks with signatures.
    "GET /v1/wecom/callback": Row("public", 404),
    "POST /v1/wecom/callback": Row("public", 404),
    "GET /healthz": Row("public"),
    "GET /readyz": Row("public"),
    "GET /metrics": Row("public"),
    "GET /openapi.json": Row("public"),
    "GET /asyncapi.json": Row("public"),
    "GET /": Row("public", 303),
    "GET /hq": Row("page of watchers"),
    "GET /dealer": Row("page of dealers"),
    "GET /dealer/brief": Row("page of dealers"),
    "GET /dealer-worker.js": Row("public"),
    "GET /playbooks": Row("page of watchers"),
    "GET /login": Row("public"),
    "POST /login": Row("public", 401),
    "POST /logout": Row("public", 303),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(Path(tmp_path_factory.mktemp("roles")))
    world.issue(TASK)
    world.put_flow("e1")
    yield world
    world.close()


def ask(world: World, line: str, who: str, query: str | None = None) -> Any:
    row = MATRIX[line]
    method, path = line.split(" ", 1)
    letter = world.put_dead(builders.message(text=f"{line} {who}")) if "{letter_id}" in path else 0
    request = {**row.request, "headers": dict(row.request.get("headers", {}))}
    if row.policy.startswith("page of") and who != "nobody":
        request["headers"]["Cookie"] = f"loupan_token={world.tokens[who]}"
    path = path.format(task_id=TASK.task_id, letter_id=letter, estate_id="e1", place=1, name="new-estate-own-group",
                       sender="shop")
    query = row.query if query is None else query
    return world.ask(method, path + query, who=None if who == "nobody" else who, **request)


def expected(line: str) -> dict[str, int]:
    row = MATRIX[line]
    statuses = dict(zip(WHO, POLICIES[row.policy], strict=True))
    return {who: row.ok if status == "ok" else int(status) for who, status in statuses.items()
            if not (row.stream and status == "ok")}


def table() -> str:
    """The matrix as docs/security.md shows it: every endpoint, and what each role may ask of it."""
    lines = ["| | HQ | region | dealer | store | integration | nobody |", "|---|---|---|---|---|---|---|"]
    for line, row in MATRIX.items():
        may = dict(zip(WHO, POLICIES[row.policy], strict=True))
        both = [("hq", "hq"), ("region", "elsewhere"), ("own", "other"), ("store", "next door"),
                ("integration", "integration"), ("nobody", "nobody")]
        words = [("yes" if may[other] == "ok" else "own") if may[mine] == "ok" else "" for mine, other in both]
        lines.append(f"| `{line}` | {' | '.join(words)} |".replace("|  |", "| |").replace("|  |", "| |"))
    return "\n".join(lines)


def test_the_documentation_shows_the_matrix(root):
    shown = (root / "docs" / "security.md").read_text("utf-8")
    assert table() in shown, f"docs/security.md should show:\n\n{table()}"


def routes_of(router: Any) -> Iterator[Any]:
    """Every route of the app, those of the routers that it includes, too."""
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            assert not route.include_context.prefix
            yield from routes_of(inner)


@pytest.mark.parametrize("line", MATRIX)
def test_an_endpoint_answers_each_role_as_the_matrix_says(world, line):
    wanted = expected(line)
    assert {who: ask(world, line, who).status_code for who in wanted} == wanted


def test_the_matrix_holds_every_endpoint_of_the_app(world):
    routes = list(routes_of(world.app.router))
    there = {
        f"{method} {route.path}" for route in routes for method in (getattr(route, "methods", None) or ())
        if method != "HEAD"
    }
    assert there == set(MATRIX)
    # Whatever is not one of FastAPI's own endpoints passes by the checks of tokens.
    assert {route.path for route in routes if not isinstance(route, APIRoute)} == {"/openapi.json", "/web"}


@pytest.mark.parametrize("line", [line for line in MATRIX if "/v1/" in line and MATRIX[line].policy != "public"])
def test_every_refusal_is_a_problem_document(world, line):
    for who, status in expected(line).items():
        if status in {401, 403, 404}:
            refused = ask(world, line, who)
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.json()["status"] == status
            assert ("www-authenticate" in refused.headers) == (status == 401)


READS = [
    line for line, row in MATRIX.items() if line.startswith("GET") and not row.stream and row.policy != "public"]


@pytest.mark.parametrize("line", READS)
def test_nobody_reads_anywhere_what_is_anothers(world, line):
    for who in WHO:
        if who not in INSIDERS:
            for query in {MATRIX[line].query, "", "?dealer_id=d1", "?city=北京", "?city=天津"}:
                text = ask(world, line, who, query).text
                path = line.split(" ", 1)[1]
                # What was asked for comes back in the refusal; nothing else may.
                assert TASK.task_id not in text or "{task_id}" in path, (who, query)
                for word in (SECRET, "p-main", '"g1"'):
                    assert word not in text, (who, query, word)


def test_each_lists_its_own_tasks_and_estates_and_no_others(world):
    def tasks_of(who: str, query: str = "") -> list[str]:
        return [one["task_id"] for one in world.get(f"/v1/tasks{query}", who=who).json()["tasks"]]

    def estates_of(who: str) -> list[str]:
        return [one["estate_id"] for one in world.get("/v1/estates", who=who).json()["estates"]]

    for who in WHO[1:-1]:
        mine = [TASK.task_id] if who in INSIDERS else []
        assert tasks_of(who) == tasks_of(who, "?dealer_id=d1") == tasks_of(who, "?since=0") == mine
    assert estates_of("own") == estates_of("store") == ["e1"]
    assert estates_of("other") == ["e2"]
    assert estates_of("next door") == []
    assert estates_of("region") == ["e1", "e2", "e4"]
    assert estates_of("elsewhere") == ["e3"]


def test_a_region_watches_its_cities_and_counts_no_others(world):
    flow = world.get("/v1/flow", who="elsewhere").json()
    assert [one["id"] for one in flow["features"]] == ["e3"]
    assert (flow["counts"]["estates"], flow["counts"]["members"], flow["counts"]["tasks_issued"]) == (1, 0, 0)
    assert world.get("/v1/flow", who="region").json()["counts"] == world.get("/v1/flow?city=北京").json()["counts"]
    assert world.get("/v1/campaigns", who="elsewhere").json()["campaigns"] == []
    assert [one["id"] for one in world.get("/v1/funnel?by=estate", who="region").json()["rows"]] == ["e1"]
    assert world.get("/v1/funnel?by=estate", who="elsewhere").json()["rows"] == []
    assert world.get("/v1/stores", who="elsewhere").json()["features"] == []
    refused = world.get("/v1/campaigns?city=北京", who="elsewhere", headers={"Accept-Language": "zh"})
    assert (refused.status_code, refused.json()["detail"]) == (403, "北京不属于您的区域（天津）。")


def test_anothers_task_and_no_task_are_answered_alike(world):
    for who in ("other", "elsewhere", "next door"):
        hidden = world.get(f"/v1/tasks/{TASK.task_id}/why", who=who).json()
        missing = world.get("/v1/tasks/nothing/why", who=who).json()
        assert hidden["detail"].replace(TASK.task_id, "nothing") == missing["detail"]
        assert {**hidden, "detail": "", "instance": ""} == {**missing, "detail": "", "instance": ""}


def test_an_integration_that_has_a_source_publishes_no_other(world):
    with world.engine.begin() as connection:
        world.tokens["shop"] = create_token(connection, "integration", None, "orders", source="orders")
    theirs, mine = builders.message(text="from wecom"), builders.order_placed("o-source")
    source = builders.event_ref(mine).partition("#")[0]
    assert source == "orders"
    before = len(world.inbox())
    refused = world.publish(theirs, who="shop")
    assert (refused.status_code, refused.json()["results"][0]["status"]) == (403, "error")
    headers = {"Content-Type": "application/cloudevents-batch+json"}
    both = world.post("/v1/events", content=b"[" + theirs + b"," + mine + b"]", headers=headers, who="shop").json()
    assert [one["status"] for one in both["results"]] == ["error", "accepted"]
    assert [one["index"] for one in both["results"]] == [0, 1]
    assert len(world.inbox()) == before + 1
