"""The distributed run as an operator starts it: the settings of the compose file, as processes of this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import msgspec
import pytest
from kafka import KafkaConsumer, KafkaProducer

from schemas.reference import Reference
from schemas.topics import ESTATE_EVENTS, TOPICS
from streams.demo.people import demo_reference
from streams.demo.writing import write_reference
from streams.playbook_files import builtin_texts
from streams.topology import TOPOLOGY
from tests import commands
from tests.assignments import shared_out

PATIENCE = 90
PARTITIONS = 4
GROUP = "g-chaoyang-1"


class Deployment:
    """Two workers and a gateway over Kafka and PostgreSQL, and the commands beside them."""

    def __init__(self, root: Path, folder: Path, reference: Reference, kafka: str, database: str) -> None:
        said = (root / "compose" / "loupan.env").read_text().splitlines()
        settings = dict(line.split("=", 1) for line in said if line and not line.startswith("#"))
        self.prefix = f"e2e-{uuid4().hex[:8]}-"
        self.kafka, self.folder, self.reference = kafka, folder, reference
        # What differs on one machine: where the servers are, and ports that are free.
        self.environment = {
            **os.environ, **settings, "LOUPAN_DATABASE": database, "LOUPAN_KAFKA": kafka,
            "LOUPAN_TOPIC_PREFIX": self.prefix, "LOUPAN_HOST": "127.0.0.1", "LOUPAN_PORT": "0",
            "LOUPAN_METRICS_HOST": "127.0.0.1", "LOUPAN_METRICS_PORT": "0", "LOUPAN_PARTITIONS": str(PARTITIONS)}
        self.processes: list[subprocess.Popen[bytes]] = []
        self.url = self.hq = ""

    def run(self, *words: str, status: int = 0) -> str:
        """Run a command to its end; what it printed."""
        done = commands.run(*words, env=self.environment, cwd=self.folder)
        said = (done.stdout + done.stderr).decode()
        assert done.returncode == status, f"{words}: {done.returncode}\n{said}"
        return said

    def start(self, name: str, *words: str) -> Path:
        """Start a command that stays; where it writes what it says."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as stream:
            self.processes.append(subprocess.Popen(
                self._command(*words), env=self.environment, stdout=stream, stderr=stream, cwd=self.folder))
        return log

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-c", "from streams.cli import main; main()", *words]

    def ask(self, path: str, body: Any = None, content: str = "application/json") -> tuple[int, Any]:
        """Ask the gateway as HQ."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = Request(self.url + path, data, {"Authorization": f"Bearer {self.hq}", "Content-Type": content})
        try:
            with urlopen(request, timeout=20) as answer:
                raw = answer.read()
                return answer.status, json.loads(raw) if raw[:1] in b"[{" else raw.decode()
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def until(self, what: Any) -> Any:
        """Ask until it is there."""
        end = time.monotonic() + PATIENCE
        while not (found := what()):
            assert time.monotonic() < end, "\n".join(p.read_text()[-1500:] for p in self.folder.glob("*.log"))
            time.sleep(0.2)
        return found

    def stop(self) -> list[int]:
        """End everything; their statuses."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        return [process.wait(30) for process in self.processes]


@pytest.fixture(scope="module")
def deployment(root: Path, tmp_path_factory: Any, kafka: Any, postgres: Any) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("distributed")
    start = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    reference = demo_reference(start, groups=8)
    write_reference(reference, folder / "reference")
    _where_it_is_noon(folder / "reference" / "playbooks")
    database = postgres.new_database()
    made = Deployment(root, folder, reference, kafka.address, database)
    try:
        made.run("migrate")
        made.run("admin", "topics", "--apply")
        made.run("import", "reference")
        made.start("worker-1", "worker", "--name", "worker-1")
        made.start("worker-2", "worker", "--name", "worker-2")
        log = made.start("gateway", "serve", "--log", "kafka")
        said = made.until(lambda: "login?token=" in log.read_text() and log.read_text())
        made.url = said.split("loupan listens on ", 1)[1].split()[0]
        made.hq = said.split("login?token=", 1)[1].split("&")[0]
        made.until(lambda: made.ask("/v1/tasks?limit=1")[1]["tasks"])
        yield made
    finally:
        for process in made.processes:
            process.kill()
            process.wait(10)
        postgres.drop_database(database)


def _where_it_is_noon(folder: Path) -> None:
    """The playbook of the campaigns in a zone in which there is something to do now, whatever the hour is here."""
    east = 12 - datetime.now(UTC).hour
    folder.mkdir(exist_ok=True)
    text = builtin_texts()["new-estate-own-group"].replace("zone: Asia/Shanghai", f"zone: Etc/GMT{-east:+d}")
    (folder / "new-estate-own-group.yaml").write_text(text, encoding="utf-8")


def message(text: str = "大家好，我是3栋的", group: str = GROUP, **fields: Any) -> dict[str, Any]:
    id_ = uuid4().hex
    return {
        "specversion": "1.0", "type": "loupan.group.message.v1", "source": "e2e", "id": id_,
        "time": datetime.now(UTC).isoformat(),
        "data": {"group_id": group, "message_id": id_, "member_id": f"m-{id_[:6]}", "kind": "text", "text": text},
        **fields}


def in_log(deployment: Deployment, id_: str) -> bool:
    """Whether the log of estate-events has the event."""
    return id_ in deployment.run("admin", "log")


def test_the_campaigns_of_the_reference_give_tasks_that_hq_reads(deployment):
    _, found = deployment.ask("/v1/tasks?limit=50")
    assert len(found["tasks"]) > 5
    assert {task["status"] for task in found["tasks"]} <= {"issued", "claimed", "done", "verified", "expired"}


def test_an_event_that_is_published_over_http_is_worked_by_a_worker(deployment):
    sent = message("我是3栋的，柜子大概多少钱")
    status, answer = deployment.ask("/v1/events", sent, "application/cloudevents+json")
    assert (status, answer["accepted"]) == (200, 1)
    deployment.until(lambda: in_log(deployment, sent["id"]))
    _, again = deployment.ask("/v1/events", sent, "application/cloudevents+json")
    assert again["duplicate"] == 1


def test_events_of_a_file_are_published_to_kafka(deployment):
    sent = [message() for _ in range(5)]
    (deployment.folder / "events.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, sent)))
    assert "5 accepted" in deployment.run("publish", "events.jsonl")
    deployment.until(lambda: in_log(deployment, sent[-1]["id"]))
    assert "5 duplicate" in deployment.run("publish", "events.jsonl")


def test_a_task_can_be_claimed_and_asked_why(deployment):
    _, found = deployment.ask("/v1/tasks?status=issued&limit=1")
    [task] = found["tasks"]
    assert deployment.ask(f"/v1/tasks/{task['task_id']}/claim", {})[0] == 202
    deployment.until(
        lambda: deployment.ask(f"/v1/tasks?status=claimed&group_id={task['group_id']}")[1]["tasks"])
    status, why = deployment.ask(f"/v1/tasks/{task['task_id']}/why")
    assert status == 200
    assert why["rule"]["id"]
    assert task["task_id"] in deployment.run("tasks", "tail", "-n", "5000", "--json")


def first_of(deployment: Deployment, topic: str) -> Any:
    """The first record of a topic."""
    consumer = KafkaConsumer(
        deployment.prefix + topic, bootstrap_servers=deployment.kafka, auto_offset_reset="earliest",
        enable_auto_commit=False, consumer_timeout_ms=15_000)
    one = next(iter(consumer))
    consumer.close()
    return one


def test_tasks_go_out_as_binary_cloudevents_keyed_by_dealer(deployment):
    one = first_of(deployment, "tasks")
    headers = dict(one.headers)
    assert headers["ce_type"] == b"loupan.task.issued.v1"
    assert headers["ce_specversion"] == b"1.0"
    assert json.loads(one.value)["dealer_id"] == one.key.decode()


def test_campaign_events_and_the_flow_map_go_out_keyed_by_estate(deployment):
    one = first_of(deployment, "campaign-events")
    assert dict(one.headers)["ce_partitionkey"] == one.key
    one = first_of(deployment, "flow")
    assert json.loads(one.value)["estate_id"] == one.key.decode()


POISON: dict[str, tuple[bytes | None, list[tuple[str, bytes]]]] = {
    "no JSON": (b"{", []),
    "no UTF-8": (b'{"specversion":"1.0","id":"\xff"}', []),
    "no value": (None, []),
    "half a binary event": (b"{}", [("ce_id", b"x"), ("content-type", b"application/json")]),
    "another content": (b"<event/>", [("content-type", b"text/xml")]),
    "giant": (b'{"specversion":"1.0","data":"' + b"x" * 1_300_000 + b'"}', []),
    "an unknown type": (
        msgspec.json.encode(message(type="loupan.of.tomorrow.v1")),
        [("content-type", b"application/cloudevents+json")]),
}


@pytest.mark.parametrize("topic", [*(topic.name for topic in TOPOLOGY.steps[0].reads), ESTATE_EVENTS.name])
def test_a_record_of_each_poison_is_one_dead_letter_and_the_stream_goes_on(deployment, topic):
    def dead() -> list[dict[str, Any]]:
        return [one for one in json.loads(deployment.run("dead-letters", "list", "--limit", "10000", "--json"))
                if one["origin"].startswith(f"{topic}/")]

    before = len(dead())
    producer = KafkaProducer(bootstrap_servers=deployment.kafka, max_request_size=4_000_000)
    for value, headers in POISON.values():
        producer.send(deployment.prefix + topic, value, key=b"poison", headers=headers)
    producer.flush(20)
    producer.close()
    deployment.until(lambda: len(dead()) >= before + len(POISON))
    letters = dead()[before:]
    assert len(letters) == len(POISON)
    assert all(one["reason"] and one["status"] == "dead" for one in letters)
    assert "still wrong" in deployment.run("dead-letters", "retry", str(letters[0]["id"]), status=2)
    sent = message()
    deployment.ask("/v1/events", sent, "application/cloudevents+json")
    deployment.until(lambda: in_log(deployment, sent["id"]))


def test_the_gateway_is_ready_and_measures_the_whole(deployment):
    assert deployment.ask("/readyz")[0] == 200
    text = deployment.until(lambda: "loupan_partition_lag{" in (said := str(deployment.ask("/metrics")[1])) and said)
    for name in ("loupan_outbox_waiting", "loupan_outbox_age_seconds", "loupan_dead_letters", "loupan_wakeups_due",
                 'loupan_campaigns{phase="warm_up"}', 'loupan_partition_lag{partition="0",step="campaign"'):
        assert name in text


def metrics_of(deployment: Deployment, worker: str, path: str = "/metrics") -> str:
    """What a worker answers on its own address."""
    address = (deployment.folder / f"{worker}.log").read_text().split("health on ", 1)[1].split()[0]
    with urlopen(f"{address}{path}", timeout=5) as answer:
        assert answer.status == 200
        return str(answer.read().decode())


def fenced(deployment: Deployment, worker: str) -> float:
    [line] = [line for line in metrics_of(deployment, worker).splitlines() if line.startswith("loupan_fenced_total ")]
    return float(line.split()[1])


def test_a_worker_has_health_and_metrics_of_its_own(deployment):
    for worker in ("worker-1", "worker-2"):
        assert metrics_of(deployment, worker, "/healthz")
        assert "loupan_step_seconds_bucket" in metrics_of(deployment, worker)


def test_workers_that_keep_their_partitions_never_fence_each_other(deployment):
    def worked() -> None:
        sent = [message(group=group.group_id) for group in deployment.reference.groups.values()]
        deployment.ask("/v1/events", sent, "application/cloudevents-batch+json")
        deployment.until(lambda: all(one["id"] in log for log in [deployment.run("admin", "log")] for one in sent))

    # While the second one joins, a batch of the first may come too late.
    logs = [deployment.folder / f"{worker}.log" for worker in ("worker-1", "worker-2")]
    deployment.until(lambda: shared_out(logs, PARTITIONS))
    worked()
    before = [fenced(deployment, worker) for worker in ("worker-1", "worker-2")]
    for _ in range(5):
        worked()
    assert [fenced(deployment, worker) for worker in ("worker-1", "worker-2")] == before


def test_the_topics_are_as_they_should_be(deployment):
    assert f"{len(TOPICS)} topics are as they should be" in deployment.run("admin", "topics")


def test_doctor_finds_everything_well(deployment):
    said = deployment.run("doctor")
    for check in ("brokers", "topics", "clocks", "outbox", "reference"):
        assert f"✓ {check}" in said


def test_doctor_says_what_is_wrong_and_what_to_do(deployment):
    said = deployment.run("doctor", "--kafka", "127.0.0.1:9", status=1)
    assert "✗ brokers" in said
    assert "--kafka" in said


def test_workers_and_gateway_end_when_they_are_told_to(deployment):
    assert deployment.stop() == [0, 0, 0]
