"""The demo: a real city's estates, a simulated life of its groups, and everything after the door as it always is."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import httpx
import msgspec
import structlog
from sqlalchemy import Engine, select

from schemas.reference import Reference
from schemas.values import TaskStatus
from streams.clocks import FastClock
from streams.demo.life import Life
from streams.runner import Runner
from streams.tables import tasks as tasks_table

log = structlog.get_logger(__name__)

#: How much simulated time passes between two looks of the personas at their tasks. Less than the door lets an
#: event run ahead of the clock.
STEP = timedelta(minutes=4)
#: The same while it is far behind its clock and hurries: the clock is told beforehand.
LONG_STEP = timedelta(minutes=12)
#: Events that go to the door at once.
AT_ONCE = 500


class Demo:
    """Lets the groups live by the demo's clock, and hands what happens to the gateway's door over HTTP."""

    def __init__(
        self, engine: Engine, reference: Reference, clock: FastClock, seed: int, start: datetime, *,
        url: str, token: str,
    ) -> None:
        self._engine = engine.execution_options(reading=True)
        self._clock = clock
        self._life = Life(reference, seed, start)
        self._url, self._token = url, token
        self._at = start

    async def run(self, runner: Runner) -> None:
        """Live until the clock stands still. Behind its clock it hurries, but the pipeline comes first."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/cloudevents-batch+json"}
        async with httpx.AsyncClient(base_url=self._url, headers=headers, timeout=30, trust_env=False) as client:
            while not self._clock.over:
                target = self._clock.target()
                if target <= self._at:
                    await asyncio.sleep(0.02)
                    continue
                hurries = target - self._at > 5 * LONG_STEP
                self._at = min(target, self._at + (LONG_STEP if hurries else STEP))
                if hurries:
                    self._clock.reach(self._at)
                tasks = await asyncio.to_thread(self._open_tasks)
                events = self._life.until(self._at, tasks)
                for start in range(0, len(events), AT_ONCE):
                    await self._publish(client, events[start:start + AT_ONCE])
                while runner.lag:  # noqa: ASYNC110  # another thread works it off
                    await asyncio.sleep(0.002)
                self._clock.reach(self._at)
        log.info("the demo's campaigns are over; the pages stay")

    async def _publish(self, client: httpx.AsyncClient, events: list[bytes]) -> None:
        while True:
            try:
                answer = await client.post("/v1/events", content=b"[" + b",".join(events) + b"]")
            except httpx.TransportError:
                await asyncio.sleep(0.2)
                continue
            if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))
                continue
            if answer.is_error:
                log.error("the door refused the demo's events", status=answer.status_code, detail=answer.text[:300])
            return

    def _open_tasks(self) -> list[dict[str, object]]:
        """The tasks that personas still have before them."""
        with self._engine.connect() as connection:
            bodies = connection.execute(
                select(tasks_table.c.body).where(
                    tasks_table.c.status.in_([TaskStatus.ISSUED, TaskStatus.CLAIMED]),
                    tasks_table.c.window_end > int((self._at - timedelta(hours=1)).timestamp() * 1000),
                ).order_by(tasks_table.c.task_id)).scalars().all()
        return [msgspec.json.decode(body) for body in bodies]


