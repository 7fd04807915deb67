"""Workers under load, and the books afterwards: what came in, what was worked, what went out, each once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec
from kafka import KafkaConsumer, TopicPartition
from sqlalchemy import Engine

from schemas.errors import Unavailable
from schemas.events import decode
from schemas.reference import CampaignPlan, Dealer, Estate, Group, Persona, Reference, Store
from schemas.topics import CAMPAIGN_EVENTS, TASKS, TOPIC_OF, key_of
from schemas.values import PersonaClass, Role
from streams.database import open_database
from streams.kafka.admin import apply, connected
from streams.kafka.producer import Publisher
from streams.kafka.records import encode_binary, events_of
from streams.kafka.wanted import wanted_topics
from streams.log_replay import record_log, replay_log
from streams.playbook_files import builtin_playbooks
from streams.reference_store import save_reference
from streams.starting import campaign_starts
from streams.worlds import make_world
from tests.contract.pipeline_contract import dump_of

ZONE = ZoneInfo("Asia/Shanghai")
ESTATES, MEMBERS, PARTITIONS = 24, 30, 4
SAYINGS = ("大家好", "我家在3栋", "柜子大概多少钱", "周末可以去店里看看吗", "我报名", "收房要带什么", "谢谢", "收到")
PLAYBOOK = "new-estate-own-group"


def small_town() -> Reference:
    """Some estates with a group each, staffed, whose campaigns began yesterday."""
    start = (datetime.now(ZONE) - timedelta(days=1)).date().isoformat()
    ids = [f"e{number:02d}" for number in range(ESTATES)]
    return Reference.of(
        estates=[
            Estate(id_, f"云栖{id_}号院", lng=116.4 + 0.01 * n, lat=39.9, crs="wgs84", city="北京", district="朝阳区")
            for n, id_ in enumerate(ids)],
        dealers=[Dealer("d1", "木语家居（测试）", "北京")],
        stores=[Store("s1", "d1", "木语全屋定制·测试店")],
        groups=[Group(f"g-{id_}", f"云栖{id_}号院业主群", estate_id=id_, dealer_id="d1", store_id="s1") for id_ in ids],
        personas=[
            Persona(f"p-{id_}", "小木", Role.MAIN_PERSONA, PersonaClass.STAFF, f"staff-{id_}", "d1", (f"g-{id_}",))
            for id_ in ids],
        campaigns=[CampaignPlan(id_, PLAYBOOK, 1, start, 10) for id_ in ids],
    )


class Field:
    """A town, its topics and database, and workers as processes of their own."""

    def __init__(self, address: str, database: str, folder: Path) -> None:
        self.address, self.database, self.folder = address, database, folder
        self.prefix = f"{uuid4().hex[:10]}-"
        self.reference = small_town()
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.sent: list[bytes] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.engine: Engine = open_database(database)
        with self.engine.begin() as connection:
            save_reference(connection, self.reference, {})
        with connected(address) as admin:
            applied = apply(admin, wanted_topics(PARTITIONS, 1, self.prefix))
        assert not applied.left
        self.publisher = Publisher(address, prefix=self.prefix, delivery_timeout=8)

    # --- workers ------------------------------------------------------------------------------------

    def start(self, name: str, *, static: bool = True) -> None:
        """Start a worker, or start it again."""
        environment = {
            **os.environ, "LOUPAN_DATABASE": self.database, "LOUPAN_KAFKA": self.address, "LOUPAN_LOG_LEVEL": "info",
            "LOUPAN_TOPIC_PREFIX": self.prefix, "LOUPAN_METRICS_PORT": "0", "LOUPAN_BATCH": "200"}
        if static:
            environment["LOUPAN_WORKER"] = name
        log = (self.folder / f"{name}.log").open("ab")
        command = [sys.executable, "-c", "from streams.cli import main; main()", "worker"]
        self.workers[name] = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        log.close()

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a worker a signal; one that ends it is waited for."""
        worker = self.workers[name]
        worker.send_signal(number)
        if number in {signal.SIGKILL, signal.SIGTERM}:
            worker.wait(20)

    def keep_up(self) -> None:
        """Start again whoever has ended, as a supervisor does."""
        for name, worker in list(self.workers.items()):
            if worker.poll() is not None:
                self.start(name)

    def logs(self) -> str:
        """What the workers said, at the end."""
        return "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in sorted(self.folder.glob("*.log")))

    # --- load ---------------------------------------------------------------------------------------

    def load(self, rate: float) -> None:
        """Publish messages at a rate (events/s), in a thread, until `quiet`."""
        self.send(campaign_starts(self.reference, ZONE, datetime.now(ZONE)))
        self._thread = threading.Thread(target=self._load, args=(rate,), daemon=True)
        self._thread.start()

    def quiet(self) -> None:
        """Stop the load."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(60)

    def _load(self, rate: float) -> None:
        number, begun = 0, time.monotonic()
        while not self._stop.is_set():
            due = int((time.monotonic() - begun) * rate)
            if due > number:
                self.send([self._message(n) for n in range(number, min(due, number + 500))])
                number = min(due, number + 500)
            else:
                time.sleep(0.02)

    def _message(self, number: int) -> bytes:
        estate = (number * 7) % ESTATES
        member = (number * 13) % MEMBERS
        data = {
            "group_id": f"g-e{estate:02d}", "message_id": f"m{number}", "member_id": f"m-{estate}-{member}",
            "kind": "text", "text": SAYINGS[number % len(SAYINGS)]}
        return msgspec.json.encode({
            "specversion": "1.0", "id": f"m{number}", "source": "load", "type": "loupan.group.message.v1",
            "time": datetime.now(UTC), "data": data})

    def send(self, raws: Sequence[bytes]) -> None:
        """Publish events until Kafka has all of them; what it may have is sent again, too."""
        while True:
            try:
                receipts = [self._send(raw) for raw in raws]
                for receipt in receipts:
                    receipt.result()
            except Unavailable:
                time.sleep(0.3)
                continue
            self.sent.extend(raws)
            return

    def _send(self, raw: bytes) -> Any:
        event = decode(raw)
        value, headers = encode_binary(raw)
        return self.publisher.send(self.prefix + TOPIC_OF[type(event)].name, key_of(event), value, headers)

    # --- the books ----------------------------------------------------------------------------------

    def settle(self, within: float = 180) -> None:
        """Wait until everything that was sent has been worked and has gone out."""
        end = time.monotonic() + within
        while not self._settled():
            assert time.monotonic() < end, f"{self._state()} of {len(self.sent)}\n{self.logs()}"
            self.keep_up()
            time.sleep(0.3)

    def _state(self) -> dict[str, Any]:
        with self.engine.connect() as connection:
            one = connection.exec_driver_sql(
                "SELECT (SELECT count(*) FROM inbox), (SELECT count(DISTINCT inbox_offset) FROM estate_events), "
                "(SELECT count(*) FROM dead_letters), (SELECT count(*) FROM handover), "
                "(SELECT next FROM positions WHERE consumer = 'outbox'), "
                "(SELECT next FROM positions WHERE consumer = 'relay/outbox')").one()
        return dict(zip(("inbox", "worked", "dead", "handover", "outbox", "relayed"), one, strict=True))

    def _settled(self) -> bool:
        state = self._state()
        return (state["inbox"] == state["worked"] + state["dead"] == len(self.sent) and not state["handover"]
                and state["outbox"] == state["relayed"])

    def check(self) -> dict[str, int]:
        """Nothing is lost, nothing is doubled, and the log gives everything that went out again, byte for byte."""
        with self.engine.connect() as connection:
            sql = connection.exec_driver_sql
            ids = set(sql("SELECT source || '#' || id FROM inbox").scalars())
            worked = Counter(sql("SELECT inbox_offset FROM estate_events WHERE inbox_offset IS NOT NULL").scalars())
            sent = {TASKS.name: Counter[str](), CAMPAIGN_EVENTS.name: Counter[str]()}
            by_key: dict[tuple[str, str], list[str]] = {}
            for topic, key, id_ in sql('SELECT topic, "key", id FROM outbox ORDER BY "offset"'):
                sent[topic][id_] += 1
                by_key.setdefault((topic, key), []).append(id_)
            lines = list(record_log(connection))
        expected = {f"{event.source}#{event.id}" for event in map(decode, self.sent)}
        assert ids == expected
        assert [at for at, count in worked.items() if count != 1] == []
        assert [id_ for counts in sent.values() for id_, count in counts.items() if count != 1] == []
        doubled = self._check_topics(by_key)
        self._check_replay(lines)
        return {"events": len(expected), "log": len(lines), "out": sum(map(len, by_key.values())), "resent": doubled}

    def _check_topics(self, by_key: dict[tuple[str, str], list[str]]) -> int:
        """Kafka has what went out, in the order of each key; what it has twice has the same id."""
        found: dict[tuple[str, str], list[str]] = {}
        doubled = 0
        for topic in (TASKS.name, CAMPAIGN_EVENTS.name):
            for key, value, headers in self.read(topic):
                event = msgspec.json.decode(events_of(value, headers)[0])
                ids = found.setdefault((topic, key), [])
                if event["id"] in ids[-5000:]:
                    doubled += 1
                else:
                    ids.append(event["id"])
        assert found == by_key
        return doubled

    def _check_replay(self, lines: list[bytes]) -> None:
        engine = open_database(self.folder / f"again-{uuid4().hex}.db", durable=False)
        world = make_world(self.reference, builtin_playbooks())
        parts = [(start + 1, lines[start:start + 1000]) for start in range(0, len(lines), 1000)]
        assert replay_log(engine, world, parts, "log") == (len(lines), 0)
        again, found = dump_of(engine), dump_of(self.engine)
        engine.dispose()
        assert again.out == found.out
        assert again.tasks == found.tasks
        assert again.flow == found.flow

    def read(self, topic: str) -> list[tuple[str, bytes | None, tuple[tuple[str, bytes], ...]]]:
        """Everything in a topic: key, value, headers; in the order of each partition."""
        consumer = KafkaConsumer(bootstrap_servers=self.address, enable_auto_commit=False)
        try:
            name = self.prefix + topic
            places = [TopicPartition(name, number) for number in sorted(consumer.partitions_for_topic(name) or ())]
            ends = consumer.end_offsets(places)
            consumer.assign(places)
            consumer.seek_to_beginning(*places)
            records: list[Any] = []
            at = dict.fromkeys(places, 0)
            end = time.monotonic() + 30
            while any(at[place] < ends[place] for place in places):
                assert time.monotonic() < end, f"{topic} cannot be read to its end"
                for place, part in consumer.poll(timeout_ms=200).items():
                    records.extend(part)
                    at[place] = part[-1].offset + 1
            return [(one.key.decode() if one.key else "", one.value, tuple(one.headers)) for one in records]
        finally:
            consumer.close()

    # --- the end ------------------------------------------------------------------------------------

    def close(self) -> None:
        """End the workers, and what else was opened."""
        self.quiet()
        for worker in self.workers.values():
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.terminate()
        for worker in self.workers.values():
            try:
                worker.wait(15)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait(10)
        self.publisher.close()
        self.engine.dispose()


def repeated(times: int, every: float, fault: Callable[[int], None]) -> None:
    """Do something so often, with pauses (s) between."""
    for number in range(times):
        fault(number)
        time.sleep(every)
