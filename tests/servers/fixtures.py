"""One Kafka and one PostgreSQL for a whole run of pytest, however many workers it has; and private ones, for faults.

`LOUPAN_TEST_KAFKA` (127.0.0.1:19092) and `LOUPAN_TEST_POSTGRES` (a URL of SQLAlchemy's) name servers that are there
already; `none` skips what needs one. Otherwise the first test that asks starts them, below a folder that each process
of the run holds by a lock. The keeper ends them when none holds it any more, so after Ctrl-C and kill -9 as well.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO, TypeVar
from uuid import uuid4

import pytest
from sqlalchemy import make_url

from tests.servers.servers import (
    HERE,
    Kafka,
    KafkaServer,
    Postgres,
    PostgresServer,
    SecuredKafkaServer,
    ServerUnavailable,
)

Server = TypeVar("Server", KafkaServer, PostgresServer, SecuredKafkaServer)

_FOLDER = pytest.StashKey[Path]()
_HOLD = pytest.StashKey[TextIO]()
_TO_WORKERS = "loupan_servers"
#: At most so long the keeper may take to end the servers, in seconds.
_PATIENCE = 40


# --- the folder of the run ------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder of the run, or take the controller's in a worker of xdist, and hold it."""
    worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    if worker is None:
        # Not pytest's own folder: that is closed to the user postgres, as whom PostgreSQL runs where we are root.
        folder = Path(tempfile.mkdtemp(prefix="loupan-servers-"))
        folder.chmod(0o711)
    else:
        folder = Path(worker[_TO_WORKERS])
    config.stash[_FOLDER] = folder
    config.stash[_HOLD] = (folder / "run").open("w")
    fcntl.flock(config.stash[_HOLD], fcntl.LOCK_SH)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist where the folder is."""
    node.workerinput[_TO_WORKERS] = str(node.config.stash[_FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of the folder; the last process to do so waits until the keeper has ended the servers."""
    if _HOLD not in config.stash:
        return
    config.stash[_HOLD].close()
    folder = config.stash[_FOLDER]
    if hasattr(config, "workerinput"):
        return
    if not (folder / "keeper").exists():
        shutil.rmtree(folder, ignore_errors=True)
    end = time.monotonic() + _PATIENCE
    while folder.exists() and time.monotonic() < end:
        time.sleep(0.05)


@pytest.fixture(scope="session")
def servers_folder(pytestconfig: pytest.Config) -> Path:
    """Where servers keep their data; from now on the keeper watches over it."""
    folder = pytestconfig.stash[_FOLDER]
    subprocess.run([HERE / "keeper.sh", folder], check=True)
    return folder


# --- the servers of the run -----------------------------------------------------------------------


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Kafka:
    """The broker of the run: other tests use it too, so a test names its topics and groups uniquely."""
    if address := _named("LOUPAN_TEST_KAFKA"):
        host, _, port = address.rpartition(":")
        _must_answer("LOUPAN_TEST_KAFKA", host, int(port))
        return Kafka(address)
    folder: Path = request.getfixturevalue("servers_folder")
    return Kafka(_started(KafkaServer(folder / "kafka"), "LOUPAN_TEST_KAFKA").address)


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Postgres:
    """The PostgreSQL of the run: other tests use it too, so a test takes a database of its own (`database_url`)."""
    if named := _named("LOUPAN_TEST_POSTGRES"):
        url = make_url(named)
        _must_answer("LOUPAN_TEST_POSTGRES", url.host or "127.0.0.1", url.port or 5432)
        return Postgres(named)
    folder: Path = request.getfixturevalue("servers_folder")
    return Postgres(_started(PostgresServer(folder / "postgres"), "LOUPAN_TEST_POSTGRES").url)


@pytest.fixture
def database_url(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty database, which is dropped after the test."""
    url = postgres.new_database()
    yield url
    postgres.drop_database(url)


# --- servers of a test's own ----------------------------------------------------------------------


@pytest.fixture
def private_kafka(servers_folder: Path) -> Iterator[Callable[[], KafkaServer]]:
    """Starts brokers that are the test's alone, to be killed and paused at will."""
    yield from _private(KafkaServer, servers_folder, "LOUPAN_TEST_KAFKA")


@pytest.fixture(scope="module")
def secured_kafka(servers_folder: Path) -> Iterator[SecuredKafkaServer]:
    """A broker of the module's own that wants TLS and a login."""
    servers = _private(SecuredKafkaServer, servers_folder, "LOUPAN_TEST_KAFKA")
    yield next(servers)()
    next(servers, None)


@pytest.fixture
def private_postgres(servers_folder: Path) -> Iterator[Callable[[], PostgresServer]]:
    """Starts PostgreSQL servers that are the test's alone, to be killed and paused at will."""
    yield from _private(PostgresServer, servers_folder, "LOUPAN_TEST_POSTGRES")


def _private(kind: type[Server], folder: Path, variable: str) -> Iterator[Callable[[], Server]]:
    made: list[Server] = []

    def make() -> Server:
        _named(variable)
        server = kind(folder / f"{kind.__name__}-{uuid4().hex[:8]}")
        made.append(server)
        return _started(server, variable)

    yield make
    for server in made:
        server.stop()
        shutil.rmtree(server.folder)


def _named(variable: str) -> str:
    value = os.environ.get(variable, "")
    if value == "none":
        pytest.skip(f"{variable} is none: this run is to do without")
    return value


def _started(server: Server, variable: str) -> Server:
    try:
        return server.start()
    except ServerUnavailable as lack:
        pytest.skip(f"{lack}; or say with {variable} where one runs")


def _must_answer(variable: str, host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), timeout=10).close()
    except OSError as error:
        pytest.fail(f"{variable} names {host}:{port}, where nothing answers ({error}): start it, or unset {variable}")
