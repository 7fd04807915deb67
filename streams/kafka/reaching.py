"""Reaching a broker: a client that is connected, or a sentence that says why there is none."""

from __future__ import annotations

from collections.abc import Callable
from socket import create_connection
from time import monotonic, sleep
from typing import Any, TypeVar

import kafka.errors as broken
from kafka.net.compat import KafkaNetClient

from schemas.errors import BadFile, Unavailable

#: How long a broker may take to answer the first time, in seconds.
PATIENCE = 6.0

_Client = TypeVar("_Client")


def reach(make: Callable[..., _Client], address: str, patience: float = PATIENCE, **config: Any) -> _Client:
    """A client of kafka-python, made by its class and connected to ``HOST:PORT`` (several parted by commas).

    Raises:
        BadFile: when that is no address.
        Unavailable: when no broker answers there within `patience` seconds.
    """
    hosts = [_host(part, address) for part in address.split(",")]
    nobody = Unavailable(f"no Kafka broker answers at {address} within {patience:g} seconds")
    started = monotonic()
    # Asked first, because each attempt of kafka-python leaves a socket behind.
    while not any(map(_listens, hosts)):
        if monotonic() - started > patience:
            raise nobody
        sleep(0.1)
    connections: list[Any] = []

    def connection(**words: Any) -> Any:
        connections.append(KafkaNetClient(**words))
        return connections[-1]

    try:
        return make(
            bootstrap_servers=address, bootstrap_timeout_ms=int(patience * 1000), reconnect_backoff_max_ms=1000,
            kafka_client=connection, **config)
    except (broken.KafkaError, OSError) as error:
        # Something listens there and is no broker, or none yet; kafka-python leaves its thread running.
        for one in connections:
            one.close()
        raise nobody from error


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
