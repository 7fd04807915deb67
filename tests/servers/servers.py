"""Kafka and PostgreSQL on 127.0.0.1 for tests: started, stopped, killed and paused by the scripts beside this file."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self
from uuid import uuid4

from sqlalchemy import NullPool, create_engine, make_url, text

HERE = Path(__file__).resolve().parent
#: With it a script says that the machine lacks what the server takes.
_UNAVAILABLE = 69
#: At most so long a script may take, in seconds: the first start of Kafka fetches 44 MB.
_PATIENCE = 300


class ServerFailed(Exception):
    """A server did not do what it was told; the script's sentence says what to look at."""


class ServerUnavailable(ServerFailed):
    """This machine lacks what the server takes; the sentence says what to install."""


def missing_for_kafka() -> str:
    """A sentence about what this machine lacks for Kafka, or ''."""
    return _run("kafka.sh", "missing")


def missing_for_postgres() -> str:
    """A sentence about what this machine lacks for PostgreSQL, or ''."""
    return _run("postgres.sh", "missing")


@dataclass(frozen=True)
class Kafka:
    """A broker that answers, whoever started it."""

    address: str


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL that answers, whoever started it; `url` is SQLAlchemy's and names a superuser."""

    url: str

    def new_database(self, like: str = "") -> str:
        """Make a database: an empty one, or one like that of a URL, to which nobody is connected. Its URL."""
        name = f"test_{uuid4().hex}"
        template = make_url(like).database if like else "template0"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def drop_database(self, url: str) -> None:
        """Drop a database of `new_database`, and whatever connection is still open to it."""
        self._execute(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        # Neither statement may stand in a transaction.
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            connection.execute(text(statement))


class _Server:
    """A server whose data lie in `folder`, which outlives it: what is started again has its data and its port."""

    script: ClassVar[str]
    word: ClassVar[str] = "start"

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self._port = port
        self._said = ""

    @property
    def where(self) -> str:
        """What its script said when it was started."""
        if not self._said:
            raise ServerFailed(f"{self.script} has not been started in {self.folder}")
        return self._said

    def start(self) -> Self:
        """Start it, or find it running, and return when it answers."""
        self._said = self._tell(self.word, str(self._port)).splitlines()[-1]
        return self

    def stop(self) -> None:
        """End it in good order, even a paused one."""
        self._tell("stop")

    def kill(self) -> None:
        """End it by SIGKILL, so that it can tidy nothing up."""
        self._tell("kill")

    def pause(self) -> None:
        """Let it stand still (SIGSTOP): connections stay open, and nothing answers."""
        self._tell("pause")

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self._tell("resume")

    def restart(self) -> None:
        """Stop it in good order and start it again."""
        self.stop()
        self.start()

    def _tell(self, *words: str) -> str:
        return _run(self.script, words[0], str(self.folder), *words[1:])


class KafkaServer(_Server):
    """A Kafka broker of one's own."""

    script = "kafka.sh"

    @property
    def address(self) -> str:
        """HOST:PORT, for clients."""
        return self.where


class SecuredKafkaServer(KafkaServer):
    """A Kafka broker that lets nobody in who doesn't show who he is.

    At `address` it wants TLS and a login (by PLAIN or SCRAM-SHA-512), at `tls` TLS and a certificate, at `login` a
    login alone, and at `within` nothing. Its own certificate is good for 127.0.0.1, and for no name.
    """

    word = "secured"
    user = "loupan"

    @property
    def password(self) -> str:
        """The user's."""
        return self.file("password").read_text()

    @property
    def tls(self) -> str:
        """HOST:PORT."""
        return self._at("tls-port")

    @property
    def login(self) -> str:
        """HOST:PORT."""
        return self._at("login-port")

    @property
    def within(self) -> str:
        """HOST:PORT."""
        return self._at("within-port")

    def file(self, name: str) -> Path:
        """One of ca.pem, client.pem, client.key; other-ca.pem and other-ca.key signed nothing here."""
        return self.folder / name

    def _at(self, name: str) -> str:
        return f"127.0.0.1:{self.file(name).read_text().strip()}"


class PostgresServer(_Server):
    """A PostgreSQL of one's own, with the superuser and the database `loupan`, which trusts everyone."""

    script = "postgres.sh"

    @property
    def url(self) -> str:
        """The database `loupan`, for SQLAlchemy."""
        return self.where

    def new_database(self) -> str:
        """Make an empty database; its URL."""
        return Postgres(self.url).new_database()

    def drop_database(self, url: str) -> None:
        """Drop a database of `new_database`."""
        Postgres(self.url).drop_database(url)


def _run(script: str, *words: str) -> str:
    done = subprocess.run([HERE / script, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=_PATIENCE, check=False)
    if done.returncode:
        wrong = ServerUnavailable if done.returncode == _UNAVAILABLE else ServerFailed
        raise wrong(done.stderr.strip().removeprefix(f"{script}: ") or f"{script} ended with {done.returncode}")
    return done.stdout.strip()
