"""The distributed run over a broker that wants TLS and a login, as an operator starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from kafka.admin import KafkaAdminClient, ScramMechanism, UserScramCredentialUpsertion

from streams.database import open_database
from streams.kafka.worker import FAILED
from streams.log_replay import record_log
from streams.reference_store import save_reference
from tests import commands
from tests.faults.field import small_town
from tests.servers.servers import Postgres, SecuredKafkaServer

PATIENCE = 120


class Secured:
    """What runs there: commands, and a worker."""

    def __init__(self, server: SecuredKafkaServer, database: str, folder: Path) -> None:
        self.folder, self.engine = folder, open_database(database)
        with self.engine.begin() as connection:
            save_reference(connection, small_town(), {})
        self.prefix = f"secured-{uuid4().hex[:8]}-"
        self.environment = {
            **os.environ, "LOUPAN_DATABASE": database, "LOUPAN_LOG": "kafka", "LOUPAN_KAFKA": server.address,
            "LOUPAN_KAFKA_SECURITY": "sasl_tls", "LOUPAN_KAFKA_CA": str(server.file("ca.pem")),
            "LOUPAN_KAFKA_USER": server.user, "LOUPAN_KAFKA_PASSWORD_FILE": str(server.file("password")),
            "LOUPAN_TOPIC_PREFIX": self.prefix, "LOUPAN_PARTITIONS": "2", "LOUPAN_REPLICATION": "1",
            "LOUPAN_METRICS_PORT": "0", "LOUPAN_PORT": "0"}
        self.processes: list[subprocess.Popen[bytes]] = []

    def run(self, *words: str, **instead: str) -> tuple[int, str]:
        """Run a command to its end: its status and what it printed."""
        done = commands.run(*words, env={**self.environment, **instead}, cwd=self.folder, timeout=PATIENCE)
        return done.returncode, (done.stdout + done.stderr).decode()

    def start(self, *words: str) -> tuple[subprocess.Popen[bytes], Path]:
        """Start a command that stays; and where it writes what it says."""
        log = self.folder / f"{words[0]}.log"
        with log.open("wb") as stream:
            self.processes.append(subprocess.Popen(
                self._command(*words), env=self.environment, stdout=stream, stderr=stream, cwd=self.folder))
        return self.processes[-1], log

    def until(self, what: Callable[[], Any]) -> Any:
        """Ask until it is there."""
        end = time.monotonic() + PATIENCE
        while not (found := what()):
            assert time.monotonic() < end, "\n".join(p.read_text()[-1500:] for p in self.folder.glob("*.log"))
            time.sleep(0.2)
        return found

    def has_worked(self, id_: str) -> bool:
        """Whether the log of estate-events has the event."""
        with self.engine.connect().execution_options(reading=True) as connection:
            return any(id_.encode() in line for line in record_log(connection))

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-c", "from streams.cli import main; main()", *words]


@pytest.fixture
def secured(secured_kafka: SecuredKafkaServer, postgres: Postgres, tmp_path: Path) -> Iterator[Secured]:
    database = postgres.new_database()
    made = Secured(secured_kafka, database, tmp_path)
    try:
        yield made
    finally:
        for process in made.processes:
            process.kill()
            process.wait(10)
        made.engine.dispose()
        postgres.drop_database(database)


def change_password(server: SecuredKafkaServer, password: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=server.within)
    try:
        admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion(server.user, ScramMechanism.SCRAM_SHA_512, password)])
    finally:
        admin.close()


def test_an_event_goes_all_the_way_and_what_is_refused_is_said(secured: Secured, secured_kafka: SecuredKafkaServer):
    broker = secured_kafka.file("kafka.log")
    said = [secured.run("admin", "topics", "--apply")]
    assert said[0][0] == 0, said[0][1] + broker.read_text()[-1500:]
    id_ = uuid4().hex
    (secured.folder / "events.jsonl").write_bytes(msgspec.json.encode({
        "specversion": "1.0", "type": "loupan.group.message.v1", "source": "secured", "id": id_,
        "time": datetime.now(UTC).isoformat(),
        "data": {"group_id": "g-e00", "message_id": id_, "member_id": "m-1", "kind": "text", "text": "大家好"}}))
    said.append(secured.run("publish", "events.jsonl"))
    assert "1 accepted" in said[-1][1]
    worker, log = secured.start("worker", "--name", "worker-1")
    secured.until(lambda: secured.has_worked(id_))
    said.append(secured.run("doctor", "--json"))
    checks = {one["check"]: one for one in json.loads(said[-1][1])}
    assert all(one["ok"] for one in checks.values())
    assert secured_kafka.address in checks["brokers"]["says"]
    assert [status for status, _ in said] == [0, 0, 0]

    wrong = {"LOUPAN_KAFKA_PASSWORD": "hunter2", "LOUPAN_KAFKA_PASSWORD_FILE": ""}
    stranger = {"LOUPAN_KAFKA_CA": str(secured_kafka.file("other-ca.pem"))}
    for words in (("doctor",), ("publish", "events.jsonl"), ("worker",)):
        status, text = secured.run(*words, **wrong)
        assert (status, "refuses the login of loupan" in text) == (1, True), text
        said.append((status, text))
    said.append(secured.run("doctor", **stranger))
    assert said[-1][0] == 1
    assert "certificate that is not trusted" in said[-1][1]

    # The password is another now, and the connections that had been let in are cut.
    change_password(secured_kafka, "another")
    secured_kafka.restart()
    assert worker.wait(PATIENCE) == FAILED
    assert "refuses the login of loupan" in log.read_text()
    for text in (*(text for _, text in said), log.read_text()):
        assert "hunter2" not in text
        assert secured_kafka.password not in text
