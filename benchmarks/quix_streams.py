"""A peer that `loupan bench` cannot run itself: Quix Streams around our own core, with its own state.

Quix Streams is not among loupan's dependencies. In an environment that has both:

    pip install quixstreams && python -m benchmarks.quix_streams --kafka HOST:PORT --database postgresql+psycopg://…

The same chat goes through both steps: one Quix application places, keyed by group, and writes estate-events; a second
`apply` in it advances the campaigns, keyed by estate. Rows lie in Quix's state (RocksDB, its changelog topics on), each
under the key of the message that touches them, so that a member of two groups is two people here; nothing is written to
a database, and nobody is woken. The worker runs next, on the same records, in the same minute.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import msgspec
from quixstreams import Application, State

from agents.records import EstateRecord
from agents.rows import Address
from agents.state import ROW_TYPES
from agents.world import World
from schemas.events import decode
from schemas.topics import GROUP_EVENTS_TOPIC
from streams.bench.distributed import Bench, Load, prepared, worker
from streams.kafka.cluster import Cluster
from streams.kafka.handover import Handed, of_event
from streams.kafka.producer import Publisher
from streams.kafka.records import events_of
from streams.topology import CAMPAIGN, PLACEMENT

_encode = msgspec.json.Encoder().encode
_decoders = {kind: msgspec.json.Decoder(row).decode for kind, row in ROW_TYPES.items()}
_handed = msgspec.json.Decoder(Handed).decode


class QuixRows:
    """`agents.rows.Rows` over the state of one key."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get(self, address: Address) -> Any:
        """The row at the address, or None."""
        found = self._state.get(_name(address))
        return None if found is None else _decoders[address[2]](found)

    def put(self, address: Address, value: Any) -> None:
        """Put a new value there, and remember its name for `scan`."""
        name, under = _name(address), f"{address[0]}/{address[1]}/{address[2]}"
        if self._state.get(name) is None:
            self._state.set(under, [*(self._state.get(under) or []), address[3]])
        self._state.set(name, _encode(value).decode())

    def drop(self, address: Address) -> None:
        """Remove the row."""
        self._state.delete(_name(address))

    def scan(self, step: int, key: str, kind: int) -> Iterator[tuple[str, Any]]:
        """Every row of one kind under one key, ordered by sub."""
        for sub in sorted(self._state.get(f"{step}/{key}/{kind}") or []):
            if (row := self.get((step, key, kind, sub))) is not None:
                yield sub, row


def _name(address: Address) -> str:
    return "/".join(map(str, address))


def quix(cluster: Cluster, world: World, events: int, folder: str) -> float:
    """Both steps in one Quix application, until so many events have been through: seconds."""
    app = Application(
        broker_address=cluster.address, consumer_group=f"{cluster.prefix}quix", auto_offset_reset="earliest",
        state_dir=folder, loglevel="ERROR", use_changelog_topics=True, commit_interval=1.0)
    came = app.topic(cluster.name(GROUP_EVENTS_TOPIC.name), value_deserializer="bytes", key_deserializer="str")
    between = app.topic(f"{cluster.prefix}quix-estate-events", value_deserializer="bytes", value_serializer="bytes",
                        key_deserializer="str", key_serializer="str")
    begun = 0.0
    done = 0

    def place(value: bytes, _key: Any, _timestamp: int, headers: Any, state: State) -> list[bytes]:
        nonlocal begun
        begun = begun or time.perf_counter()
        out = []
        for raw in events_of(value, headers):
            placed = PLACEMENT.work(decode(raw), QuixRows(state), world)
            out += [of_event(one, raw, None) for one in placed.records]
        return out

    def advance(value: bytes, state: State) -> None:
        nonlocal done
        handed = _handed(value)
        CAMPAIGN.work(EstateRecord(handed.estate_id, handed.record().event, handed.place), QuixRows(state), world)
        done += 1
        if done == events:
            app.stop()

    placed = app.dataframe(came).apply(place, stateful=True, metadata=True, expand=True)
    placed.to_topic(between, key=_estate)
    app.dataframe(between).apply(advance, stateful=True)
    app.run()
    return time.perf_counter() - begun


class _Keyed(msgspec.Struct):
    estate_id: str


_keyed = msgspec.json.Decoder(_Keyed).decode


def _estate(value: bytes) -> str:
    return _keyed(value).estate_id


def main() -> None:
    """Run both, in turn, and print their rates."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--kafka", required=True, metavar="HOST:PORT")
    words.add_argument("--database", required=True, metavar="URL")
    words.add_argument("--events", type=int, default=20_000)
    told = words.parse_args()
    bench = Bench(told.kafka, told.database)
    load = Load.of(told.events)
    with prepared(bench, load) as template, bench.cluster() as cluster, tempfile.TemporaryDirectory() as folder:
        publisher = Publisher(cluster.address, prefix=cluster.prefix)
        load.publish(cluster, publisher)
        publisher.close()
        theirs = quix(cluster, load.world, told.events, folder)
        ours = worker(bench, load, cluster, template)
    print(f"Quix Streams {told.events / theirs:,.0f} events/s; loupan's worker {told.events / ours:,.0f} events/s")


if __name__ == "__main__":
    main()
