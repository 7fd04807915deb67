"""The audit log: what is noted, of whom, and what is not; written in the background, kept for so long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select, update
from sqlalchemy.exc import OperationalError

from streams import audit as module
from streams.audit import Audit, Entry, entry_of, forget, read, write
from streams.login_links import make_link
from streams.tables import audit, metadata
from streams.tokens import DAY, now_ms
from tests import builders
from tests.streams.gateway_world import World, task


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def lines(world: World, query: str = "") -> list[dict[str, Any]]:
    found = world.get(f"/v1/audit{query}").json()["audit"]
    return list(reversed(found))


def said(line: dict[str, Any]) -> tuple[Any, ...]:
    return line["role"], line["what"], line["thing"], line["status"]


def test_changes_refusals_and_looks_at_one_thing_are_noted_and_lists_are_not(world):
    made = task()
    world.issue(made)
    world.put_flow("e1")
    world.post(f"/v1/tasks/{made.task_id}/claim", who="own")
    world.get(f"/v1/tasks/{made.task_id}/why", who="other")
    world.get("/v1/estates/e1/timeline?member_id=m-secret", who="region")
    world.get("/v1/ledger?estate_id=e1", who="own")
    world.get("/v1/flow", who="own")
    for path in ("/v1/tasks", "/v1/estates", "/v1/me", "/healthz", "/v1/nothing", "/openapi.json"):
        world.get(path)
    [claim, guess, look, books, refused] = lines(world)
    assert said(claim) == ("dealer", "POST /v1/tasks/{task_id}/claim", made.task_id, 202)
    assert said(guess) == ("dealer", "GET /v1/tasks/{task_id}/why", made.task_id, 404)
    assert said(books) == ("dealer", "GET /v1/ledger", "e1", 200)
    assert said(refused) == ("dealer", "GET /v1/flow", "", 403)
    assert (claim["label"], guess["label"]) == ("the task's dealer", "another dealer")
    assert (len(claim["key"]), claim["address"], claim["times"]) == (12, "127.0.0.1", 1)
    assert look["thing"].startswith("e1 member:")
    assert "m-secret" not in str(lines(world))


def test_what_comes_often_is_summed_and_strangers_fill_nothing(world):
    for number in range(5):
        world.publish(builders.message(text=str(number)), who="integration")
        world.get("/v1/tasks", who=None)
        world.get("/login?token=guess", who=None)
    found = {line["what"]: line for line in lines(world)}
    assert {what: line["times"] for what, line in found.items()} == {
        "POST /v1/events": 5, "GET /v1/tasks": 5, "login": 5}
    assert found["login"]["key"] is None


def test_logging_in_and_out_is_noted(world):
    with world.engine.begin() as connection:
        code = make_link(connection, "dealer", "d1", "林晚的手机")
    answer = world.post("/login", who=None, data={"code": code})
    cookie = answer.headers["set-cookie"].partition(";")[0]
    world.post("/logout", who=None, headers={"Cookie": cookie})
    world.post("/login", who=None, data={"token": world.tokens["hq"]})
    assert [said(line) for line in lines(world)] == [
        ("dealer", "login", "link", 303), ("dealer", "logout", "", 303), ("hq", "login", "token", 303)]


def test_the_log_is_looked_through_and_leafed_through(world):
    for name in ("e1", "e2", "e3", "nothing"):
        world.get(f"/v1/estates/{name}")
    assert [line["thing"] for line in lines(world, "?refused=true")] == ["nothing"]
    assert [line["thing"] for line in lines(world, "?thing=e2")] == ["e2"]
    assert lines(world, "?what=POST") == []
    key = lines(world)[0]["key"]
    assert len(lines(world, f"?key={key}")) == 4
    first = world.get("/v1/audit?limit=3").json()
    rest = world.get(f"/v1/audit?limit=3&before={first['cursor']}").json()
    assert [line["thing"] for line in (*first["audit"], *rest["audit"])] == ["nothing", "e3", "e2", "e1"]
    assert rest["cursor"] is None


@pytest.fixture
def engine(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'audit.db'}")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def written(engine) -> list[Entry]:
    with engine.connect() as connection:
        return read(connection)


def test_notes_are_written_by_themselves_and_at_the_end(engine):
    log = Audit(engine, 180, pace=0.01)
    log.note(entry_of(None, "a", "1"))
    for _ in range(500):
        if written(engine):
            break
        time.sleep(0.01)
    assert [one.what for one in written(engine)] == ["a"]
    log.note(entry_of(None, "b", "2"))
    log.add(entry_of(None, "c", "3"))
    log.close()
    assert [one.what for one in written(engine)] == ["c", "b", "a"]


def test_what_could_not_be_written_waits(engine, monkeypatch):
    log = Audit(engine, 180, pace=3600)
    log.note(entry_of(None, "a", "1"))

    def fail(*_):
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    monkeypatch.setattr(module, "write", fail)
    with pytest.raises(OperationalError):
        log.flush()
    monkeypatch.undo()
    log.close()
    assert [one.what for one in written(engine)] == ["a"]


def test_too_many_notes_are_dropped_and_that_is_noted(engine, monkeypatch):
    monkeypatch.setattr(module, "WAITING", 3)
    log = Audit(engine, 180, pace=3600)
    for number in range(5):
        log.note(entry_of(None, "a", str(number)))
    log.close()
    assert next((one.what, one.times) for one in written(engine)) == ("audit.dropped", 2)


def test_old_lines_are_forgotten(engine):
    with engine.begin() as connection:
        write(connection, [entry_of(None, "old", ""), entry_of(None, "new", "")])
        connection.execute(update(audit).where(audit.c.what == "old").values(at=now_ms() - 8 * DAY))
        assert forget(connection, 7) == 1
        assert connection.execute(select(audit.c.what)).scalars().all() == ["new"]


def test_a_name_without_end_is_cut(engine):
    assert len(entry_of(None, "a", "x" * 10_000).thing) == 200
