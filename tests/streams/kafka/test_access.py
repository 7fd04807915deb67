"""How the brokers let us in: what the environment may say, and what a broker that won't is said to want."""

from __future__ import annotations

import logging
import socket
import ssl
import struct
import threading
from contextlib import closing, suppress
from pathlib import Path

import faust
import pytest
from aiokafka.errors import SaslAuthenticationFailed

from schemas.errors import BadFile, Refused, Unavailable
from streams.kafka.access import Access, Security, read_access
from streams.kafka.admin import connected
from streams.kafka.carrier import credentials
from streams.kafka.cluster import Cluster
from streams.kafka.hearing import PATIENCE, Hearing
from streams.kafka.producer import Publisher
from tests.servers.servers import SecuredKafkaServer

LOGIN = {"SECURITY": "sasl", "USER": "loupan"}


def read(monkeypatch: pytest.MonkeyPatch, **said: str) -> Access:
    for name, value in said.items():
        monkeypatch.setenv(f"LOUPAN_KAFKA_{name}", value)
    return read_access()


def test_without_a_word_the_brokers_are_open(monkeypatch):
    assert read(monkeypatch) == Access()
    assert read(monkeypatch, SECURITY="", CA="", USER="", PASSWORD="", PASSWORD_FILE="") == Access()
    assert credentials(Access()) is None


def test_a_password_is_read_from_the_environment_or_from_a_file_without_its_last_newline(monkeypatch, tmp_path):
    file = tmp_path / "password"
    file.write_text("pass word \n")
    assert read(monkeypatch, **LOGIN, PASSWORD_FILE=str(file)).password == "pass word "
    monkeypatch.delenv("LOUPAN_KAFKA_PASSWORD_FILE")
    assert read(monkeypatch, PASSWORD="word").password == "word"


def test_the_password_is_in_no_repr_and_in_no_error(monkeypatch):
    access = read(monkeypatch, **LOGIN, PASSWORD="hunter2")
    for one in (access, Cluster("h:1", "", access), credentials(access)):
        assert "hunter2" not in repr(one)
    with pytest.raises(BadFile) as caught:
        read(monkeypatch, SECURITY="none", PASSWORD="hunter2")
    assert "hunter2" not in f"{caught.value}{caught.value.__cause__}"


@pytest.mark.parametrize(("said", "variable", "remedy"), [
    ({"SECURITY": "ssl"}, "SECURITY", "correct it"),
    ({"MECHANISM": "GSSAPI", **LOGIN, "PASSWORD": "x"}, "MECHANISM", "correct it"),
    ({"CA": "ca.pem"}, "CA", "set LOUPAN_KAFKA_SECURITY to tls, or unset LOUPAN_KAFKA_CA"),
    ({"CERTIFICATE": "c.pem", **LOGIN, "PASSWORD": "x"}, "CERTIFICATE", "set LOUPAN_KAFKA_SECURITY to sasl_tls"),
    ({"USER": "loupan"}, "USER", "set LOUPAN_KAFKA_SECURITY to sasl, or sasl_tls"),
    ({"SECURITY": "tls", "PASSWORD": "x"}, "PASSWORD", "set LOUPAN_KAFKA_SECURITY to sasl_tls"),
    ({"SECURITY": "tls", "PASSWORD_FILE": "x"}, "PASSWORD_FILE", "or unset LOUPAN_KAFKA_PASSWORD_FILE"),
    ({"MECHANISM": "PLAIN"}, "MECHANISM", "set LOUPAN_KAFKA_SECURITY"),
    ({"SECURITY": "sasl", "PASSWORD": "x"}, "USER", "name the user"),
    (LOGIN, "PASSWORD", "set it, or LOUPAN_KAFKA_PASSWORD_FILE"),
    ({**LOGIN, "PASSWORD": "x", "PASSWORD_FILE": "y"}, "PASSWORD_FILE", "unset one"),
    ({**LOGIN, "PASSWORD_FILE": "{there}/none"}, "PASSWORD_FILE", "none cannot be read: no such file"),
    ({**LOGIN, "PASSWORD_FILE": "{there}/empty"}, "PASSWORD_FILE", "empty is empty; write the password"),
    ({**LOGIN, "PASSWORD_FILE": "{there}"}, "PASSWORD_FILE", "is a directory"),
    ({**LOGIN, "USER": "a,b", "PASSWORD": "x"}, "USER", "a comma or an equals sign"),
    ({"SECURITY": "tls", "CA": "{there}/none"}, "CA", "none cannot be read: no such file"),
    ({"SECURITY": "tls", "CA": "{there}/text"}, "CA", "text cannot be used"),
    ({"SECURITY": "tls", "CERTIFICATE": "{there}/text"}, "CERTIFICATE", "by LOUPAN_KAFKA_KEY its key"),
    ({"SECURITY": "tls", "KEY": "{there}/text"}, "KEY", "set LOUPAN_KAFKA_CERTIFICATE, too"),
])
def test_what_does_not_go_together_is_said_by_the_variable_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: dict[str, str], variable: str, remedy: str,
):
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "text").write_text("no certificate")
    with pytest.raises(BadFile) as caught:
        read(monkeypatch, **{name: value.format(there=tmp_path) for name, value in said.items()})
    assert str(caught.value).startswith(f"LOUPAN_KAFKA_{variable}: ")
    assert remedy in str(caught.value)


def test_the_brokers_certificate_and_name_are_checked_by_both_libraries():
    told = credentials(Access(Security.TLS))
    assert isinstance(told, faust.SSLCredentials)
    for context in (Access(Security.TLS).for_client()["ssl_context"], told.context):
        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED


# --- a worker at its work -----------------------------------------------------------------------------


def test_a_refusal_that_lasts_ends_the_worker_and_one_that_passes_does_not(capsys):
    ended: list[float] = []
    clock = [0.0]
    hearing = Hearing(
        Cluster("h:1", "", Access(Security.SASL, user="loupan", password="hunter2")),
        lambda: ended.append(clock[0]), lambda: clock[0])

    def logged(at: float, error: Exception) -> bool:
        clock[0] = at
        return hearing.filter(logging.LogRecord("aiokafka", logging.ERROR, "", 1, "%s: %s", (1, error), None))

    assert logged(0, ConnectionRefusedError("who is not there refuses nobody"))
    for at in (0, PATIENCE - 1, PATIENCE + 3):
        assert not logged(at, SaslAuthenticationFailed("no"))
    assert ended == []
    for at in range(100, 100 + int(PATIENCE) + 3, 2):
        assert not logged(at, SaslAuthenticationFailed("no"))
    assert ended == [100 + PATIENCE + 2]
    assert "hunter2" not in capsys.readouterr().out


# --- at a broker --------------------------------------------------------------------------------------


def accesses(server: SecuredKafkaServer) -> dict[str, tuple[str, Access]]:
    """Ways in, by name: where, and how."""
    ca, other = str(server.file("ca.pem")), str(server.file("other-ca.pem"))
    client, key = str(server.file("client.pem")), str(server.file("client.key"))
    user, word = server.user, server.password
    both, login = Security.SASL_TLS, Security.SASL
    at_localhost = server.address.replace("127.0.0.1", "localhost")
    return {
        "scram and tls": (server.address, Access(both, ca, user=user, password=word)),
        "plain and tls": (server.address, Access(both, ca, user=user, password=word, mechanism="PLAIN")),
        "scram": (server.login, Access(login, user=user, password=word)),
        "certificate": (server.tls, Access(Security.TLS, ca, client, key)),
        "wrong password": (server.address, Access(both, ca, user=user, password="hunter2")),
        "wrong password, plain": (
            server.address, Access(both, ca, user=user, password="hunter2", mechanism="PLAIN")),
        "unknown mechanism": (
            server.address, Access(both, ca, user=user, password=word, mechanism="SCRAM-SHA-256")),
        "wrong authority": (server.address, Access(both, other, user=user, password=word)),
        "the system's authorities": (server.address, Access(both, user=user, password=word)),
        "wrong name": (at_localhost, Access(both, ca, user=user, password=word)),
        "no certificate": (server.tls, Access(Security.TLS, ca)),
        "foreign certificate": (server.tls, Access(Security.TLS, ca, other, str(server.file("other-ca.key")))),
        "login where none is wanted": (server.within, Access(login, user=user, password=word)),
        "no login where one is wanted": (server.login, Access()),
        "tls alone where a login is wanted": (server.address, Access(Security.TLS, ca)),
    }


@pytest.mark.parametrize("name", ["scram and tls", "plain and tls", "scram", "certificate"])
def test_who_shows_what_the_broker_wants_is_let_in(secured_kafka: SecuredKafkaServer, name: str):
    address, access = accesses(secured_kafka)[name]
    with connected(address, access=access) as admin:
        assert "no-such-topic" not in admin.list_topics()
    Publisher(address, access=access).close()


@pytest.mark.parametrize(("name", "says"), [
    ("wrong password", "refuses the login of loupan by SCRAM-SHA-512: set LOUPAN_KAFKA_USER and LOUPAN_KAFKA_PASSWORD"),
    ("wrong password, plain", "refuses the login of loupan by PLAIN: set LOUPAN_KAFKA_USER"),
    ("unknown mechanism", "LOUPAN_KAFKA_MECHANISM"),
    ("wrong authority", "certificate that is not trusted"),
    ("the system's authorities", "set LOUPAN_KAFKA_CA to the authority that signed it"),
    ("wrong name", "a certificate for another name"),
    ("no certificate", "set LOUPAN_KAFKA_CERTIFICATE and LOUPAN_KAFKA_KEY"),
    ("foreign certificate", "set LOUPAN_KAFKA_CERTIFICATE and LOUPAN_KAFKA_KEY"),
    ("login where none is wanted", "wants no login there: set LOUPAN_KAFKA_SECURITY to plaintext"),
    ("no login where one is wanted", "wants a login: set LOUPAN_KAFKA_SECURITY to sasl"),
    ("tls alone where a login is wanted", "wants a login: set LOUPAN_KAFKA_SECURITY to sasl_tls"),
])
def test_who_is_refused_is_told_why_and_what_to_set(secured_kafka: SecuredKafkaServer, name: str, says: str):
    address, access = accesses(secured_kafka)[name]
    # Whoever would try until the time is over would not be back before the test's own limit.
    with pytest.raises(Refused) as caught, connected(address, 600, access=access):
        pass
    assert address in str(caught.value)
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)


API_VERSIONS, METADATA = b"\0\x12", b"\0\x03"


class Balancer:
    """A balancer whose broker answers once, which versions it speaks, and dies: whoever comes then is hung up on."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        # The first one only looks whether somebody listens.
        self._listener.accept()[0].close()
        with self._listener.accept()[0] as asking:
            while not self.asked or self.asked[-1] == API_VERSIONS:
                asked = asking.recv(4096)
                self.asked.append(asked[4:6])
                # ApiVersions: of itself version 0 alone (else error 35), and Metadata up to version 4.
                known = struct.pack(">hi3h3h", 0 if asked[6:8] == b"\0\0" else 35, 2, 18, 0, 0, 3, 0, 4)
                if self.asked[-1] == API_VERSIONS:
                    asking.sendall(struct.pack(">i", 4 + len(known)) + asked[8:12] + known)
        with suppress(OSError):
            while True:
                self._listener.accept()[0].close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def test_a_broker_that_dies_while_it_is_asked_is_not_taken_for_one_that_refuses():
    with closing(Balancer()) as balancer, pytest.raises(Unavailable) as caught, connected(balancer.address, 1):
        pass
    assert balancer.asked[-1] == METADATA
    assert not isinstance(caught.value, Refused)
