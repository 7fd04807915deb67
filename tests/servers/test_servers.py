"""The servers of the tests do what the tests trust them to: they answer, they keep their data, they stand still."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from sqlalchemy import make_url

from tests.servers.servers import HERE, Kafka, KafkaServer, Postgres, PostgresServer, ServerFailed


def stays_open(done: Callable[[], bool], seconds: float = 0.5) -> bool:
    """Real time has to pass here: that nothing happens shows only in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not done():
        time.sleep(0.02)
    return not done()


def knock(address: str) -> None:
    host, _, port = address.partition(":")
    socket.create_connection((host, int(port)), timeout=5).close()


def is_alive(pid: str) -> bool:
    """A zombie is dead: it has no words any more."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


# --- Kafka ----------------------------------------------------------------------------------------


def topics(address: str, timeout_ms: int = 20_000) -> list[str]:
    admin = KafkaAdminClient(bootstrap_servers=address, request_timeout_ms=timeout_ms)
    try:
        return list(admin.list_topics())
    finally:
        admin.close()


def make_topic(address: str) -> str:
    name = f"servers-{uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=address)
    try:
        admin.create_topics({name: {"num_partitions": 1, "replication_factor": 1}})
    finally:
        admin.close()
    return name


def send(address: str, topic: str, *values: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=address, acks="all")
    try:
        for sent in [producer.send(topic, value) for value in values]:
            sent.get(timeout=20)
    finally:
        producer.close()


def records(address: str, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(topic, bootstrap_servers=address, auto_offset_reset="earliest", consumer_timeout_ms=20_000)
    try:
        return [record.value for record in islice(consumer, count)]
    finally:
        consumer.close()


def test_the_broker_of_the_run_makes_and_lists_topics(kafka: Kafka):
    assert make_topic(kafka.address) in topics(kafka.address)


def test_a_killed_broker_comes_back_with_its_records_and_a_paused_one_answers_again(
    private_kafka: Callable[[], KafkaServer],
):
    server = private_kafka()
    address = server.address
    topic = make_topic(address)
    send(address, topic, b"before")
    server.kill()
    with pytest.raises(ConnectionRefusedError):
        knock(address)
    server.start()
    assert server.address == address
    server.pause()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send, address, topic, b"after")
        assert stays_open(sending.done)
        server.resume()
        sending.result(20)
    assert records(address, topic, 2) == [b"before", b"after"]


# --- PostgreSQL -----------------------------------------------------------------------------------


def connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))


def one(url: str, query: str) -> object:
    with connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def test_the_postgresql_of_the_run_answers(postgres: Postgres):
    assert one(postgres.url, "SELECT 1") == 1


def test_every_test_has_a_database_of_its_own_which_is_empty(database_url: str, postgres: Postgres):
    assert one(database_url, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0
    other = postgres.new_database()
    try:
        assert make_url(other).database != make_url(database_url).database
        # One that is still open is no reason to keep it.
        with connect(other) as left_open:
            postgres.drop_database(other)
            with pytest.raises(psycopg.OperationalError):
                left_open.execute("SELECT 1")
    finally:
        postgres.drop_database(other)


def test_a_killed_postgresql_comes_back_with_its_rows_and_a_paused_one_answers_again(
    private_postgres: Callable[[], PostgresServer],
):
    server = private_postgres()
    url = server.new_database()
    with connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    server.kill()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        connect(url)
    server.start()
    with connect(url) as connection, ThreadPoolExecutor(1) as pool:
        server.pause()
        asking = pool.submit(connection.execute, "SELECT n FROM kept")
        assert stays_open(asking.done)
        server.resume()
        assert asking.result(20).fetchall() == [(7,)]
    server.restart()
    assert one(url, "SELECT n FROM kept") == 7
    assert one(url, "SHOW fsync") == "on"
    assert one(url, "SHOW max_connections") == "200"


# --- both -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", ["kafka.sh", "postgres.sh"])
@pytest.mark.parametrize(("words", "why"), [
    ([], "say start DIR"), (["fly", "nowhere"], "say start DIR"), (["start"], "say in which folder"),
    (["start", "{folder}", "many"], "a port is a number"), (["pause", "{folder}"], "runs in {folder}"),
])
def test_a_wrong_word_is_answered_by_one_sentence(script: str, words: list[str], why: str, tmp_path: Path):
    done = subprocess.run([HERE / script, *(word.format(folder=tmp_path) for word in words)],
                          capture_output=True, text=True, check=False)
    assert done.returncode
    assert done.stderr.startswith(f"{script}: ")
    assert why.format(folder=tmp_path) in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_server_that_was_never_started_has_no_address(tmp_path: Path):
    with pytest.raises(ServerFailed, match="has not been started"):
        _ = KafkaServer(tmp_path).address


def test_what_a_machine_lacks_is_said_by_what_to_install(tmp_path: Path):
    """On a machine where there are the basic commands, and neither Java nor Maven."""
    for command in ("bash", "basename", "dirname", "cat", "sed", "mkdir", "flock"):
        (tmp_path / command).symlink_to(Path("/usr/bin") / command)
    env = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run([HERE / "kafka.sh", "missing"], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == ("Kafka needs java (17 or newer) and mvn: "
                           "install Debian's default-jre-headless and maven\n")


INNER_CONFTEST = 'pytest_plugins = ["tests.servers.fixtures"]'
INNER_TEST = """\
import os, time
from pathlib import Path
def test_of_an_inner_run(private_postgres):
    server = private_postgres()
    pid = (server.folder / "data" / "postmaster.pid").read_text().split()[0]
    Path(os.environ["SAYS"]).write_text(f"{pid} {server.folder.parent}")
    while True:
        time.sleep(1)
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_no_server_outlives_the_run_that_started_it_however_that_ends(
    end: signal.Signals, tmp_path: Path, root: Path, private_postgres: Callable[[], PostgresServer],
):
    private_postgres()
    (tmp_path / "conftest.py").write_text(INNER_CONFTEST)
    (tmp_path / "test_inner.py").write_text(INNER_TEST)
    says = tmp_path / "says"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", str(tmp_path)]
    env = {**os.environ, "SAYS": str(says), "PYTHONPATH": str(root)}
    with subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL) as inner:
        wait_for(lambda: says.exists() and " " in says.read_text())
        pid, folder = says.read_text().split()
        assert is_alive(pid)
        inner.send_signal(end)
    wait_for(lambda: not is_alive(pid) and not Path(folder).exists())
