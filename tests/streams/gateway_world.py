"""A small world behind the gateway: a SQLite file, a door that keeps what it takes, a clock that stands still."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec
import uvicorn
from sqlalchemy import CursorResult, Engine, create_engine, event, insert, select, update
from sqlalchemy.exc import IntegrityError

from schemas.errors import BadEvent
from schemas.events import decode
from schemas.ids import derived_id
from schemas.reference import Reference
from schemas.tasks import Script, Task, TaskChange, TaskIssued, TaskVerified, Window
from schemas.values import Action, Phase, Role, TaskStatus
from streams.gateway.app import close, create_app, end_streams
from streams.gateway.ports import Accepted
from streams.inbox import id_of
from streams.tables import dead_letters, flow, inbox, metadata, outbox, tasks
from streams.tokens import create_token
from tests import builders

NOW = datetime.fromisoformat(builders.at(4, "12:00"))


class StillClock:
    """A clock that stands until a test moves it."""

    speed = 60.0
    simulated = True

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


class InboxDoor:
    """A door that decodes, checks, keeps in the inbox what is new, and buries what is wrong."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.lag = 0
        self.trouble: str | None = None

    async def accept(self, raws: Sequence[bytes]) -> list[Accepted]:
        return [self._one(index, raw) for index, raw in enumerate(raws)]

    def _one(self, index: int, raw: bytes) -> Accepted:
        try:
            event = decode(raw)
        except BadEvent as error:
            self._bury(raw, str(error))
            return Accepted(index, "error", id_of(raw), str(error))
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(inbox).values(source=event.source, id=event.id, raw=raw))
        except IntegrityError:
            return Accepted(index, "duplicate", event.id)
        return Accepted(index, "accepted", event.id)


    def _bury(self, raw: bytes, reason: str) -> None:
        row = {"origin": "door:1", "reason": reason, "raw": raw, "at": ms(NOW), "status": "dead"}
        with self.engine.begin() as connection:
            connection.execute(insert(dead_letters).values(row))


class Commits:
    """The outbox offset that was committed; whoever waits looks every few milliseconds."""

    def __init__(self) -> None:
        self.at = 0

    def version(self) -> int:
        return self.at

    async def wait(self, after: int, timeout: float) -> int:  # noqa: ASYNC109  # as the port has it
        end = time.monotonic() + timeout
        # The test commits from another thread, which no asyncio.Event may be set from.
        while self.at <= after and time.monotonic() < end:  # noqa: ASYNC110  # as said
            await asyncio.sleep(0.005)
        return self.at


class World:
    """The app over its own database, and tokens for everybody."""

    def __init__(self, folder: Path, reference: Reference | None = None, **ports: Any) -> None:
        empty, tokens = _founded()
        self.tokens = dict(tokens)
        file = folder / "gateway.db"
        if not file.exists():
            file.write_bytes(empty)
        self.engine = _engine(file)
        self.reference = reference or two_dealers()
        self.clock, self.door, self.commits = StillClock(), InboxDoor(self.engine), Commits()
        self.app = create_app(
            engine=self.engine, door=self.door, clock=self.clock, changes=self.commits,
            reference=lambda: self.reference, zone=ZoneInfo("Asia/Shanghai"), **ports,
        )
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False), base_url="http://loupan.test"
        )

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()
        close(self.app)
        self.engine.dispose()

    def ask(self, method: str, path: str, *, who: str | None = "hq", **request: Any) -> httpx.Response:
        headers = dict(request.pop("headers", {}))
        if who is not None:
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        return self._runner.run(self._client.request(method, path, headers=headers, **request))

    def get(self, path: str, **request: Any) -> httpx.Response:
        return self.ask("GET", path, **request)

    def post(self, path: str, **request: Any) -> httpx.Response:
        return self.ask("POST", path, **request)

    def publish(self, raw: bytes, **request: Any) -> httpx.Response:
        headers = {"Content-Type": "application/cloudevents+json"} | request.pop("headers", {})
        return self.post("/v1/events", content=raw, headers=headers, **request)

    def inbox(self) -> list[dict[str, Any]]:
        """Every event in the inbox, in order."""
        with self.engine.connect() as connection:
            raws = connection.execute(select(inbox.c.raw).order_by(inbox.c.offset)).scalars().all()
        return [msgspec.json.decode(raw) for raw in raws]

    # --- what the pipeline would write -------------------------------------------------------------

    def send(self, topic: str, key: str, event: Any, *, commit: bool = True) -> int:
        """Put an event into the outbox; its offset."""
        raw = msgspec.json.encode(event)
        with self.engine.begin() as connection:
            row = {"topic": topic, "key": key, "id": event.id, "raw": raw}
            offset = inserted(connection.execute(insert(outbox).values(row)))
        if commit:
            self.commits.at = offset
        return offset

    def issue(self, made: Task) -> int:
        """Hand out a task: its event and its row; the offset."""
        event = TaskIssued(
            id=derived_id(made.issued_at, made.task_id), time=made.issued_at, subject=made.task_id,
            partitionkey=made.dealer_id, data=made,
        )
        offset = self.send("tasks", made.dealer_id, event, commit=False)
        with self.engine.begin() as connection:
            connection.execute(insert(tasks).values(
                task_id=made.task_id, seq=offset, dealer_id=made.dealer_id, estate_id=made.estate_id,
                group_id=made.group_id, persona_id=made.persona_id, status=made.status.value,
                window_start=ms(made.window.start), window_end=ms(made.window.end), changed=offset,
                body=msgspec.json.encode(made), store_id=made.store_id,
            ))
        self.commits.at = offset
        return offset

    def move(self, made: Task, status: TaskStatus) -> int:
        """Change a task's status, with an event that says it was verified; the offset."""
        data = TaskChange(made.task_id, made.dealer_id, made.estate_id, made.group_id, status, "seen in the group")
        event = TaskVerified(
            id=derived_id(NOW, made.task_id, status), time=NOW, subject=made.task_id, partitionkey=made.dealer_id,
            data=data,
        )
        offset = self.send("tasks", made.dealer_id, event, commit=False)
        body = msgspec.json.encode(msgspec.structs.replace(made, status=status))
        with self.engine.begin() as connection:
            connection.execute(
                update(tasks).where(tasks.c.task_id == made.task_id)
                .values(status=status.value, changed=offset, body=body)
            )
        self.commits.at = offset
        return offset

    def put_flow(self, estate_id: str = "e1", changed: int | None = None, **figures: Any) -> None:
        """Put an estate's row on the flow map."""
        body = msgspec.json.encode(flow_body(estate_id, **figures))
        changed = self.commits.at if changed is None else changed
        with self.engine.begin() as connection:
            connection.execute(flow.delete().where(flow.c.estate_id == estate_id))
            connection.execute(insert(flow).values(estate_id=estate_id, changed=changed, body=body))

    def put_dead(self, raw: bytes, reason: str = "a point without its datum") -> int:
        """Put a dead letter away; its id."""
        row = {"origin": "http", "reason": reason, "raw": raw, "at": ms(NOW), "status": "dead"}
        with self.engine.begin() as connection:
            return inserted(connection.execute(insert(dead_letters).values(row)))

    @contextmanager
    def served(self) -> Iterator[httpx.Client]:
        """The app behind a real server on a port of its own: for streams, which httpx's transport holds back."""
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            server = uvicorn.Server(uvicorn.Config(self.app, log_level="error", access_log=False, lifespan="off"))
            thread = threading.Thread(target=self._serve, args=(server, listening), daemon=True)
            thread.start()
            while not server.started:
                time.sleep(0.01)
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            try:
                with httpx.Client(base_url=url, timeout=5) as client:
                    yield client
            finally:
                self.loop.call_soon_threadsafe(end_streams, self.app)
                server.should_exit = True
                thread.join(10)
                assert not thread.is_alive(), "the server waits for a stream that does not end"

    def _serve(self, server: uvicorn.Server, listening: socket.socket) -> None:
        async def serve() -> None:
            self.loop = asyncio.get_running_loop()
            await server.serve([listening])

        asyncio.run(serve())


def _engine(file: Path) -> Engine:
    engine = create_engine(f"sqlite:///{file}")
    # What a gateway says is not said sooner or later for the disk.
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    return engine


@cache
def _founded() -> tuple[bytes, dict[str, str]]:
    """The file of a world in which nothing has happened yet, and its tokens: made once, copied for each world."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "gateway.db")
        engine = _engine(file)
        metadata.create_all(engine)
        with engine.begin() as connection:
            tokens = {
                "hq": create_token(connection, "hq", None, "hq"),
                "own": create_token(connection, "dealer", "d1", "the task's dealer"),
                "other": create_token(connection, "dealer", "d2", "another dealer"),
                "integration": create_token(connection, "integration", None, "wecom"),
                "region": create_token(connection, "region", None, "the task's region", cities=["北京"]),
                "elsewhere": create_token(connection, "region", None, "another region", cities=["天津"]),
                "store": create_token(connection, "store", "d1", "the task's store", store_id="s1"),
                "next door": create_token(connection, "store", "d1", "its dealer's other store", store_id="s3"),
            }
        engine.dispose()
        return file.read_bytes(), tokens


def two_dealers() -> Reference:
    """Two dealers with an estate, a group and a store each, and an estate that nobody works."""
    return builders.reference(
        estates=[
            builders.estate(), builders.estate("e2", "万科城", lng=116.5, aliases=("金域华府",)),
            builders.estate("e3", "龙湖花园", lng=116.45, crs="gcj02", city="天津", district="南开区"),
            builders.estate("e4", "没有坐标的楼盘", lng=None, lat=None, crs=None),
        ],
        dealers=[builders.dealer(), builders.dealer("d2", "南城家居（测试）")],
        stores=[builders.store(), builders.store("s2", "d2", "南城店")],
        groups=[builders.group(), builders.group("g2", "e2", dealer_id="d2", store_id="s2", name="万科城业主群")],
    )


def task(day: int = 4, clock: str = "11:30", *, dealer: str = "d1", estate: str = "e1", group: str = "g1",
         because: tuple[str, ...] = (), **fields: Any) -> Task:
    """A task of the dealer `d1` at noon of day 4."""
    start = datetime.fromisoformat(builders.at(day, clock))
    issued = start - timedelta(hours=4)
    whole: dict[str, Any] = {
        "task_id": derived_id(issued, dealer, estate, group, clock, str(day)), "dealer_id": dealer,
        "store_id": "s1", "estate_id": estate, "group_id": group, "campaign_id": f"c-{estate}", "stage": 1,
        "phase": Phase.TRUST, "day": day, "role": Role.MAIN_PERSONA, "persona_id": "p-main",
        "action": Action.POST, "window": Window(start, start + timedelta(minutes=30)),
        "script": Script("trust-1-noon", 2, "绿地城的邻居们，中午好"), "because": because, "priority": 5,
        "status": TaskStatus.ISSUED, "issued_at": issued, **fields,
    }
    return Task(**whole)


def flow_body(estate_id: str = "e1", **figures: Any) -> dict[str, Any]:
    """The figures of an estate on day 4 of its campaign."""
    tasks = {"issued": 3, "claimed": 1, "done": 2, "verified": 4, "skipped": 0, "expired": 1, "withdrawn": 0}
    rungs = {
        "stranger": 10, "onlooker": 20, "participant": 30, "interested": 20, "prospective_buyer": 10, "buyer": 5,
        "loyal_fan": 3, "spreader": 1, "referrer": 1,
    }
    return {
        "estate_id": estate_id, "phase": "trust", "status": "running", "stage": 1, "day": 4, "days": 11,
        "dealer_id": "d1", "dealer_name": "木语家居（测试）", "store_id": "s1", "store_name": "木语全屋定制·测试店",
        "groups": 1, "members": 100, "active": 40, "placed": 80, "rungs": rungs, "sign_ups": 20, "orders": 6,
        "target_orders": 10, "tasks": tasks, "started_on": builders.DAY_1, "updated_at": NOW.isoformat(), **figures,
    }


def inserted(result: CursorResult[Any]) -> int:
    """The offset that a row was given."""
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


def ms(at: datetime) -> int:
    """Unix milliseconds."""
    return int(at.timestamp() * 1000)


class Heard:
    """The events of an SSE stream, read line by line."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.iter_lines()

    def next(self) -> dict[str, str]:
        """The next event, comments left out."""
        event: dict[str, str] = {}
        for line in self._lines:
            if not line and "data" in event:
                return event
            name, _, value = line.partition(": ")
            if name:
                event[name] = value
        raise AssertionError("the stream ended")

    def named(self, name: str) -> Any:
        """The data of the next event of that name."""
        while True:
            event = self.next()
            if event["event"] == name:
                return msgspec.json.decode(event["data"])

    def to_the_end(self) -> None:
        """Read until the server ends the stream; whoever waits in vain runs into the client's timeout."""
        for _ in self._lines:
            pass
