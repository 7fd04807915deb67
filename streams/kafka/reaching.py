"""Reaching a broker: a client that is connected, or a sentence that says why there is none."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import partial
from socket import create_connection
from time import monotonic, sleep
from typing import Any, TypeVar

import kafka.errors as broken
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from schemas.errors import BadFile, Refused, Unavailable
from streams.kafka.access import OPEN, Access
from streams.kafka.refusals import why_hung_up, why_refused

#: How long a broker may take to answer the first time, in seconds.
PATIENCE = 6.0

#: So often a broker that had answered hangs up before it is clear that it will not have us.
_HANG_UPS = 3

_Client = TypeVar("_Client")


def reach(
    make: Callable[..., _Client], address: str, patience: float = PATIENCE, access: Access = OPEN, **config: Any
) -> _Client:
    """A client of kafka-python, made by its class and connected to ``HOST:PORT`` (several parted by commas).

    Raises:
        BadFile: when that is no address, or a file of the access cannot be used.
        Refused: at once, when a broker does not let us in, or is not to be trusted.
        Unavailable: when no broker answers there within `patience` seconds.
    """
    hosts = [_host(part, address) for part in address.split(",")]
    words = access.for_client()
    if words["ssl_context"] is not None:
        words["ssl_context"].sslsocket_class = _Socket
    nobody = f"no Kafka broker answers at {address} within {patience:g} seconds"
    started = monotonic()
    # Asked first, because each attempt of kafka-python leaves a socket behind.
    while not any(map(_listens, hosts)):
        if monotonic() - started > patience:
            raise Unavailable(nobody)
        sleep(0.1)
    connections: list[KafkaNetClient] = []
    managers: list[_Manager] = []

    def connection(**words: Any) -> Any:
        net = NetworkSelector(**words)
        managers.append(_Manager(net, access, **words))
        connections.append(KafkaNetClient(net, managers[-1]))
        return connections[-1]

    try:
        client = make(
            bootstrap_servers=address, bootstrap_timeout_ms=int(patience * 1000), reconnect_backoff_max_ms=1000,
            kafka_client=connection, **words, **config)
    except (broken.KafkaError, OSError) as error:
        # Something listens there and is no broker, or none yet; kafka-python leaves its thread running.
        for one in connections:
            one.close()
        refused = next((one.refused for one in managers if one.refused), None)
        if refused is not None:
            raise Refused(f"the Kafka broker at {address} {refused}") from error
        raise Unavailable(
            f"{nobody}, though something listens; LOUPAN_KAFKA_SECURITY is {access.security}: set it to what the "
            "listener wants (plaintext, tls, sasl or sasl_tls)") from error
    for one in managers:
        one.reached = True
    return client


class _Socket(ssl.SSLSocket):
    """A socket that is closed when it cannot agree with the broker: kafka-python leaves it open."""

    def do_handshake(self, block: bool = False) -> None:
        """As the base class does it."""
        try:
            super().do_handshake(block)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError:
            self.close()
            raise


class _Manager(KafkaConnectionManager):  # type: ignore[misc]  # kafka-python has no types
    """Connections of kafka-python; until the first broker is reached, one that refuses us ends the attempts.

    By itself kafka-python tries again until the time is over, and keeps the reason for itself.
    """

    def __init__(self, net: Any, access: Access, **words: Any) -> None:
        self._access = access
        #: Why a broker refused us, as the rest of a sentence about it.
        self.refused = ""
        self.reached = False
        self._seen: list[Any] = []
        self._hung_up = 0
        super().__init__(net, **words)

    def get_connection(self, node_id: Any, **how: Any) -> Any:
        """A connection to a node, which comes about later.

        Raises:
            KafkaError: when a broker has refused us.
        """
        if self.reached:
            return super().get_connection(node_id, **how)
        if self.refused:
            raise broken.KafkaConnectionError(self.refused)
        if node_id not in self._conns and not self.bootstrapped:
            # What an earlier connection was told would be taken for an answer to this one.
            self.broker_version_data = None
        connection = super().get_connection(node_id, **how)
        if connection not in self._seen:
            self._seen.append(connection)
            connection.init_future.add_errback(self._look)
            connection.close_future.add_errback(partial(self._count, connection))
        return connection

    def _look(self, error: Exception) -> None:
        self.refused = self.refused or why_refused(error, self._access)

    def _count(self, connection: Any, _: Exception) -> None:
        # It had told which versions it speaks, which it tells anybody. A broker that dies does so once.
        self._hung_up += connection.broker_version_data is not None
        if self._hung_up == _HANG_UPS:
            self.refused = self.refused or why_hung_up(self._access)


def _host(part: str, address: str) -> tuple[str, int]:
    host, _, port = part.strip().rpartition(":")
    if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise BadFile(address, None, "is no address of a Kafka broker", "write HOST:PORT")
    return host.strip("[]"), int(port)


def _listens(host: tuple[str, int]) -> bool:
    try:
        create_connection(host, timeout=1).close()
    except OSError:
        return False
    return True
