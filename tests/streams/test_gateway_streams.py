"""Server-sent events, over a real server: what is sent, that nothing is dropped, and that streams end."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from sqlalchemy import event

from schemas.values import TaskStatus
from streams.tokens import look_up, revoke
from tests.streams.gateway_world import Heard, World, task


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


@contextmanager
def stream(client: httpx.Client, world: World, path: str, who: str = "own", **headers: str) -> Iterator[Heard]:
    headers["Authorization"] = f"Bearer {world.tokens[who]}"
    with client.stream("GET", path, headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-cache"
        yield Heard(response)


def test_a_task_reaches_its_dealers_stream_and_no_other(world):
    own, other = task(), task(dealer="d2", estate="e2", group="g2")
    with world.served() as client, stream(client, world, "/v1/tasks/stream?since=0") as heard:
        world.issue(other)
        offset = world.issue(own)
        event = heard.next()
        assert (event["event"], event["id"]) == ("loupan.task.issued.v1", str(offset))
        said = msgspec.json.decode(event["data"])
        assert (said["specversion"], said["data"]["task_id"]) == ("1.0", own.task_id)


def test_hq_hears_every_dealer_or_one(world):
    with world.served() as client, stream(client, world, "/v1/tasks/stream", "hq") as every, \
            stream(client, world, "/v1/tasks/stream?dealer_id=d2", "hq") as one:
        world.issue(task())
        world.issue(task(dealer="d2", estate="e2", group="g2"))
        assert [msgspec.json.decode(every.next()["data"])["data"]["dealer_id"] for _ in range(2)] == ["d1", "d2"]
        assert msgspec.json.decode(one.next()["data"])["data"]["dealer_id"] == "d2"


def test_a_stream_without_a_start_begins_now(world):
    world.issue(task(day=1))
    with world.served() as client, stream(client, world, "/v1/tasks/stream") as heard:
        offset = world.issue(task(day=2))
        assert heard.next()["id"] == str(offset)


def test_a_stream_comes_back_where_it_stopped_and_misses_nothing(world):
    offsets = [str(world.issue(task(day=day))) for day in range(1, 8)]
    with world.served() as client:
        with stream(client, world, "/v1/tasks/stream?since=0") as heard:
            first = [heard.next()["id"] for _ in range(3)]
        offsets += [str(world.issue(task(day=day))) for day in range(8, 12)]
        with stream(client, world, "/v1/tasks/stream?since=0", **{"Last-Event-ID": first[-1]}) as heard:
            rest = [heard.next()["id"] for _ in range(8)]
    assert first + rest == offsets


def test_what_went_out_is_read_once_for_all_who_listen(world):
    asked = []

    @event.listens_for(world.engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, *_):
        if "FROM outbox" in statement:
            asked.append(statement)

    with world.served() as client, contextlib.ExitStack() as open_:
        heard = [open_.enter_context(stream(client, world, "/v1/tasks/stream", who)) for who in ["own", "hq"] * 8]
        offset = world.issue(task())
        assert [one.next()["id"] for one in heard] == [str(offset)] * 16
    assert len(asked) == 1


def test_who_is_further_behind_than_the_memory_reads_for_themselves(world, monkeypatch):
    monkeypatch.setattr("streams.gateway.bell.KEPT", 3)
    monkeypatch.setattr("streams.gateway.streaming._CHUNK", 4)
    early = [str(world.issue(task(day=day))) for day in range(1, 10)]
    with world.served() as client, stream(client, world, "/v1/tasks/stream", "hq") as now:
        late = [str(world.issue(task(day=day, clock="17:30"))) for day in range(1, 10)]
        assert [now.next()["id"] for _ in late] == late
        with stream(client, world, "/v1/tasks/stream?since=0") as all_:
            assert [all_.next()["id"] for _ in early + late] == early + late
            last = str(world.issue(task(day=10)))
            assert (now.next()["id"], all_.next()["id"]) == (last, last)


def test_a_stream_that_hears_nothing_says_that_it_lives_and_goes_on(world, monkeypatch):
    monkeypatch.setattr("streams.gateway.streaming.HEARTBEAT", 0.05)
    monkeypatch.setattr("streams.gateway.bell.KEPT", 1)
    with world.served() as client, stream(client, world, "/v1/tasks/stream") as heard:
        for _ in range(3):
            assert next(line for line in heard._lines if line.startswith(":")) is not None
        offset = world.issue(task())
        assert heard.next()["id"] == str(offset)


def test_a_stream_whose_client_has_gone_is_closed_at_once(world):
    with world.served() as client:
        with stream(client, world, "/v1/tasks/stream") as heard:
            assert next(heard._lines) == ": loupan"
            assert world.app.state.gateway.bell._listeners
        ends = time.monotonic() + 5
        while world.app.state.gateway.bell._listeners:
            assert time.monotonic() < ends
            time.sleep(0.01)


def test_a_slow_reader_gets_everything_later_and_in_order(world):
    with world.served() as client, stream(client, world, "/v1/tasks/stream?since=0") as heard:
        offsets = [str(world.issue(task(day=day, clock=clock))) for day in range(1, 31) for clock in
                   ("07:30", "09:00", "11:30", "12:00", "17:30", "19:30", "20:00", "22:00")]
        assert [heard.next()["id"] for _ in offsets] == offsets


def test_what_is_not_committed_yet_is_not_sent(world):
    first, second = task(day=1), task(day=2)
    world.issue(first)
    with world.served() as client, stream(client, world, "/v1/tasks/stream?since=0") as heard:
        assert heard.next()["id"] == "1"
        world.issue(second)
        world.commits.at = 1
        held = threading.Timer(0.2, setattr, (world.commits, "at", 2))
        held.start()
        assert heard.next()["id"] == "2"
        assert held.finished.is_set()


def test_a_wrong_last_event_id_is_refused_before_the_stream_opens(world):
    assert world.get("/v1/tasks/stream", headers={"Last-Event-ID": "x"}).status_code == 422


def test_open_streams_end_when_the_program_stops(world):
    with world.served() as client, stream(client, world, "/v1/tasks/stream") as tasks, \
            stream(client, world, "/v1/flow/stream", "hq") as flow:
        flow.named("counts")
        world.app.state.gateway.bell.closing = True
        world.issue(task())
        flow.to_the_end()
        tasks.to_the_end()


def test_a_stream_ends_soon_after_its_token_was_revoked(world, monkeypatch):
    monkeypatch.setattr("streams.gateway.sse._RECHECK", 0.0)
    with world.served() as client, stream(client, world, "/v1/flow/stream", "hq") as heard:
        heard.named("counts")
        with world.engine.begin() as connection:
            grant = look_up(connection, world.tokens["hq"])
            assert grant is not None
            revoke(connection, grant.key)
        heard.to_the_end()


def test_the_flow_stream_tells_which_estates_changed_and_the_new_counts(world):
    world.put_flow("e1", members=100)
    with world.served() as client, stream(client, world, "/v1/flow/stream", "hq") as heard:
        assert heard.named("counts")["members"] == 100
        world.put_flow("e2", members=50)
        world.issue(task())
        [changed] = heard.named("flow")
        assert (changed["estate_id"], changed["name"], changed["members"]) == ("e2", "万科城", 50)
        counts = heard.named("counts")
        assert (counts["members"], counts["simulated"]) == (150, True)


def test_the_flow_stream_of_a_city_tells_of_that_city(world):
    with world.served() as client, stream(client, world, "/v1/flow/stream?city=天津", "hq") as heard:
        world.put_flow("e1")
        world.issue(task())
        world.put_flow("e3", members=9)
        world.issue(task(day=5))
        assert [one["estate_id"] for one in heard.named("flow")] == ["e3"]


def test_what_happens_once_a_stream_is_answered_is_not_missed_however_slow_the_database_is(world):
    @event.listens_for(world.engine, "before_cursor_execute")
    def slow(*_):
        if threading.current_thread() is not threading.main_thread():
            time.sleep(0.1)

    with world.served() as client, stream(client, world, "/v1/tasks/stream") as tasks, \
            stream(client, world, "/v1/flow/stream", "hq") as flow:
        world.put_flow("e2")
        offset = world.issue(task())
        assert [one["estate_id"] for one in flow.named("flow")] == ["e2"]
        assert tasks.next()["id"] == str(offset)


def test_a_flow_stream_that_comes_back_gets_what_changed_meanwhile_once(world):
    world.put_flow("e1", changed=3)
    world.put_flow("e2", changed=8)
    world.commits.at = 8
    with world.served() as client, \
            stream(client, world, "/v1/flow/stream", "hq", **{"Last-Event-ID": "5"}) as heard:
        assert [one["estate_id"] for one in heard.named("flow")] == ["e2"]


def test_a_change_that_sends_nothing_out_is_seen_within_moments(world):
    made = task()
    world.issue(made)
    world.put_flow("e1", orders=1)
    with world.served() as client, stream(client, world, "/v1/flow/stream", "hq") as heard:
        heard.named("counts")
        world.put_flow("e1", orders=2)
        assert heard.named("flow")[0]["orders"] == 2


def test_a_verified_task_is_told_by_its_own_type(world):
    made = task()
    world.issue(made)
    with world.served() as client, stream(client, world, "/v1/tasks/stream") as heard:
        world.move(made, TaskStatus.VERIFIED)
        assert heard.next()["event"] == "loupan.task.verified.v1"


@pytest.mark.parametrize(("who", "hears", "own"), [
    ("region", True, {"dealer": "d2", "estate": "e2"}), ("elsewhere", False, {"estate": "e3"}),
    ("store", True, {}), ("next door", False, {"store_id": "s3"}), ("other", False, {"dealer": "d2", "estate": "e2"}),
])
def test_a_stream_of_tasks_tells_nobody_what_is_anothers(world, who, hears, own):
    made, theirs = task(), task(clock="22:00", **own)
    with world.served() as client, stream(client, world, "/v1/tasks/stream?since=0", who) as heard:
        world.issue(made)
        world.issue(theirs)
        wanted = [made.task_id, theirs.task_id] if hears else [theirs.task_id]
        assert [msgspec.json.decode(heard.next()["data"])["data"]["task_id"] for _ in wanted] == wanted
