"""The Python client against a real server: events out, tasks in, what fails for a moment, what is refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from schemas.events import decode
from schemas.tasks import TaskIssued, TaskVerified
from schemas.values import TaskStatus
from streams import client_wire as wire
from streams.client import (
    AsyncLoupan,
    Busy,
    EventRefused,
    Loupan,
    NotAllowed,
    NotFound,
    NotLetIn,
    TooEarly,
    Unreachable,
)
from streams.client_errors import ServerTrouble, error_of
from tests import builders
from tests.streams.gateway_world import World, task

MESSAGE = {
    "type": "loupan.group.message.v1", "source": "bot",
    "data": {"group_id": "g1", "message_id": "m1", "member_id": "m1", "kind": "text", "text": "好"}}


class Served:
    """The world behind a server, and clients for it."""

    def __init__(self, world: World, url: str) -> None:
        self.world, self.url = world, url

    def client(self, who: str = "hq", **more: Any) -> Loupan:
        return Loupan(self.url, self.world.tokens[who], **more)

    def slow(self, who: str = "hq", **more: Any) -> AsyncLoupan:
        return AsyncLoupan(self.url, self.world.tokens[who], **more)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    world = World(Path(tmp_path_factory.mktemp("client")))
    with world.served() as http:
        yield Served(world, str(http.base_url))
    world.close()


class Losing(httpx.HTTPTransport):
    """A network that loses the first answers, after the server has worked on what it was asked."""

    def __init__(self, lost: int) -> None:
        super().__init__()
        self.lost, self.asked = lost, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        self.asked += 1
        if self.asked <= self.lost:
            response.close()
            raise httpx.ReadError("lost", request=request)
        return response


class Cut(httpx.SyncByteStream):
    """An answer that breaks off as soon as some words were in it."""

    def __init__(self, stream: Any, after: bytes) -> None:
        self._stream, self._after, self._seen = stream, after, b""

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._seen += chunk
            yield chunk
            if self._after in self._seen:
                raise httpx.ReadError("cut off")

    def close(self) -> None:
        self._stream.close()


class Cutting(httpx.HTTPTransport):
    """A network that breaks the first stream off after some words, and remembers from where each one started."""

    def __init__(self, after: bytes) -> None:
        super().__init__()
        self._after, self.starts = after, list[str | None]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if request.url.path.endswith("/stream"):
            self.starts.append(request.headers.get("last-event-id"))
            if len(self.starts) == 1:
                response.stream = Cut(response.stream, self._after)
        return response


# --- events ---------------------------------------------------------------------------------------


def test_an_event_is_published_with_an_id_and_a_time_of_its_own(served):
    with served.client("integration") as loupan:
        answer = loupan.publish(MESSAGE)
    [event] = [one for one in served.world.inbox() if one["id"] == answer.id]
    assert (answer.status, event["source"], event["data"]["text"]) == ("accepted", "bot", "好")
    assert abs(datetime.fromisoformat(event["time"]) - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_typed_event_is_published_as_it_is_and_again_it_is_a_duplicate(served):
    raw = builders.message(text="typed")
    with served.client("integration") as loupan:
        assert [loupan.publish(decode(raw)).status for _ in range(2)] == ["accepted", "duplicate"]


def test_an_answer_that_is_lost_is_asked_for_again_with_the_same_id(served):
    network = Losing(2)
    with served.client("integration", transport=network) as loupan:
        answer = loupan.publish(MESSAGE)
    assert (network.asked, answer.status) == (3, "duplicate")
    assert sum(one["id"] == answer.id for one in served.world.inbox()) == 1


def test_many_events_go_in_batches_and_each_is_answered_in_its_place(served, monkeypatch):
    monkeypatch.setattr(wire, "MOST_EVENTS", 3)
    events = [MESSAGE | {"id": f"many-{n}"} for n in range(8)]
    events[7] = {"type": "loupan.no.such.v1", "source": "bot", "id": "wrong"}
    with served.client("integration") as loupan:
        answers = loupan.publish_all(iter(events))
    assert [answer.index for answer in answers] == list(range(8))
    assert [answer.status for answer in answers[6:]] == ["accepted", "error"]
    assert "unknown event type" in (answers[7].detail or "")


def test_a_batch_is_neither_longer_nor_larger_than_is_taken():
    large = MESSAGE | {"data": {"text": "x" * 900_000}}
    calls = list(wire.batches([large] * 20))
    assert sum(len(msgspec.json.decode(call.content or b"")) for call in calls) == 20
    assert max(len(call.content or b"") for call in calls) <= wire.MOST_BYTES + 900_200


# --- what fails for a moment ----------------------------------------------------------------------


def answered(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, content=b"{}", request=httpx.Request("GET", "http://x/"))


def talk(answers: list[Any], retries: int = 5) -> tuple[Any, list[float]]:
    """What a conversation comes to when it is answered so, and how long it waited in between."""
    steps, waits, answer = wire.attempts(wire.asking("/v1/me"), retries), list[float](), None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as done:
            return done.value, waits
        answer = None
        if isinstance(step, float):
            waits.append(step)
        else:
            answer = answers.pop(0)


def test_retry_after_is_waited_for_in_seconds_or_until_a_date():
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    made, waits = talk([answered(429, **{"Retry-After": "7"}), answered(503, **{"Retry-After": soon}), answered(200)])
    assert (made.status_code, waits[0]) == (200, 7.0)
    assert 35 < waits[1] <= 40


def test_without_it_the_pauses_grow_and_end():
    with pytest.raises(Unreachable, match="/v1/me: nobody answered: no route"):
        talk([httpx.ConnectError("no route") for _ in range(6)])
    _, waits = talk([*(httpx.ConnectError("no route") for _ in range(5)), answered(200)])
    assert [round(wait / (0.25 * 2**n)) for n, wait in enumerate(waits)] == [1] * 5


def test_what_would_not_help_is_not_tried_again():
    with pytest.raises(ServerTrouble):
        talk([answered(500)])
    with pytest.raises(Busy):
        talk([answered(429, **{"Retry-After": "0"})] * 2, retries=1)


def test_a_busy_gateway_is_given_the_time_that_it_asks_for(served, monkeypatch):
    waits = list[float]()

    def wait(seconds: float) -> None:
        waits.append(seconds)
        served.world.door.lag = 0

    monkeypatch.setattr("streams.client.time.sleep", wait)
    served.world.door.lag = 60_000
    with served.client("integration") as loupan:
        assert loupan.publish(MESSAGE).status == "accepted"
    assert waits == [5.0]


# --- what is refused ------------------------------------------------------------------------------


def test_problems_are_exceptions_of_their_kind(served):
    early = task(clock="18:00")
    served.world.issue(early)
    with served.client() as hq, served.client("integration") as integration, Loupan(served.url, "wrong") as nobody:
        cases: list[tuple[type[Exception], Callable[[], object]]] = [
            (EventRefused, lambda: integration.publish({"type": "loupan.no.such.v1", "source": "bot"})),
            (NotAllowed, integration.tasks), (NotLetIn, nobody.tasks), (NotFound, lambda: hq.why("no/such?task")),
            (NotFound, lambda: hq.estate("nowhere")), (TooEarly, lambda: hq.done(early.task_id)),
        ]
        for kind, ask in cases:
            with pytest.raises(kind):
                ask()
        with pytest.raises(TooEarly) as caught:
            hq.done(early.task_id)
    assert (caught.value.status, caught.value.kind, caught.value.members) == (
        409, "too-early", {"task_status": "issued"})


def test_an_answer_of_something_in_between_is_an_exception_too():
    wrong = httpx.Response(502, content=b"<html>bad gateway</html>", request=httpx.Request("GET", "http://x/"))
    assert (type(error_of(wrong)), str(error_of(wrong))) == (ServerTrouble, "HTTP 502 Bad Gateway")


# --- tasks and estates ----------------------------------------------------------------------------


def test_tasks_are_read_said_of_and_explained(served):
    issued = task(clock="12:00")
    served.world.issue(issued)
    with served.client("own") as loupan:
        page = loupan.tasks(status=["issued", "claimed"], group_id="g1")
        [listed] = [one for one in page.tasks if one.task_id == issued.task_id]
        assert (listed.script, listed.estate_name) == (issued.script, "绿地城")
        assert issued.task_id in [one.task_id for one in loupan.tasks(since="0").tasks]
        assert [loupan.claim(issued.task_id).status for _ in range(2)] == ["accepted", "duplicate"]
        assert loupan.done(issued.task_id, message_id="m-9").task_id == issued.task_id
        assert loupan.skip(task(clock="12:00").task_id, "群里在吵架").status == "accepted"
        assert loupan.why(issued.task_id)["script"]["id"] == issued.script.id
        assert [one["estate_id"] for one in loupan.estates()] == ["e1"]
    with served.client() as loupan:
        assert [one["estate_id"] for one in loupan.estates(limit=3)] == ["e1", "e2", "e3"]
        assert loupan.estate("e1")["name"] == "绿地城"
    said = [one["data"] for one in served.world.inbox() if one["type"] == "loupan.task.done.v1"]
    assert said[-1]["message_id"] == "m-9"


def test_a_stream_that_breaks_off_goes_on_after_the_last_event(served):
    first, second = task(clock="13:00"), task(clock="13:30")
    network = Cutting(first.task_id.encode())
    with served.client("own", transport=network) as loupan:
        since = loupan.tasks().cursor
        offset = served.world.issue(first)
        told = loupan.stream(since)
        one = next(told)
        assert isinstance(one.event, TaskIssued)
        assert (one.event.data.task_id, one.cursor) == (first.task_id, str(offset))
        # Between two connections: nobody hears it at the time.
        served.world.issue(second)
        served.world.move(first, TaskStatus.VERIFIED)
        two, three = next(told), next(told)
        told.close()
    assert isinstance(two.event, TaskIssued)
    assert two.event.data.task_id == second.task_id
    assert isinstance(three.event, TaskVerified)
    assert network.starts == [since, str(offset)]


def test_a_stream_is_refused_as_anything_else(served):
    with served.client("integration") as loupan, pytest.raises(NotAllowed):
        next(loupan.stream("0"))


def test_asyncio_has_the_same(served):
    issued = task(clock="14:00")

    async def go() -> None:
        async with served.slow("own") as loupan, served.slow("integration") as bot:
            assert (await bot.publish(MESSAGE)).status == "accepted"
            assert [one.status for one in await bot.publish_all([MESSAGE, MESSAGE])] == ["accepted"] * 2
            told = loupan.stream()
            later = threading.Timer(0.3, served.world.issue, [issued])
            later.start()
            one = await asyncio.wait_for(anext(told), 10)
            later.join()
            assert isinstance(one.event, TaskIssued)
            page = await loupan.tasks(status="issued")
            assert issued.task_id in [listed.task_id for listed in page.tasks]
            assert (await loupan.claim(issued.task_id)).status == "accepted"
            assert (await loupan.skip(issued.task_id, "忙")).status == "accepted"
            assert (await loupan.why(issued.task_id))["task_id"] == issued.task_id
            assert [estate["estate_id"] async for estate in loupan.estates()] == ["e1"]
            assert (await loupan.estate("e1"))["name"] == "绿地城"
            with pytest.raises(NotFound):
                await loupan.estate("e2")
            served.world.issue(early := task(clock="18:30"))
            with pytest.raises(TooEarly):
                await loupan.done(early.task_id)

    asyncio.run(go())


def test_both_have_the_same_methods_and_parameters():
    import inspect

    def faces(kind: type) -> dict[str, list[str]]:
        found = inspect.getmembers(kind, inspect.isfunction)
        return {name: list(inspect.signature(one).parameters) for name, one in found if not name.startswith("_")}

    assert faces(Loupan) == faces(AsyncLoupan)
