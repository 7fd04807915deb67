"""From placement to campaign: many records for one partition of `estate-events`, packed into one of Kafka's.

A record of Kafka's costs its carrier more than an event costs us, so that a batch's records travel together. They
are JSON, an array of objects: the estate, the event as it came in (with its offset in the inbox) and what placement
noted beside it; or an event of placement's own that only has to go out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from agents.records import NOWHERE, EstateRecord, Place
from schemas.errors import BrokenRule
from schemas.events import AnyEvent
from schemas.tasks import GroupPlaced, MemberPlaced
from schemas.topics import PACKED

#: The content type of a packed record.
CONTENT_TYPE = PACKED.encode()
#: A packed record is closed when it has so many bytes; the largest event alone has a megabyte.
ENOUGH = 512 * 1024


class Handed(Struct, omit_defaults=True):
    """A record as it is read: an event for an estate, or one that placement lets out."""

    estate_id: str
    event: AnyEvent | None = None
    inbox: int | None = None
    place: Place = NOWHERE
    out: MemberPlaced | GroupPlaced | None = None

    def record(self) -> EstateRecord:
        """The record that the campaign works.

        Raises:
            BrokenRule: when it has no event, which we never write.
        """
        if self.event is None:
            raise BrokenRule(f"a record of estate-events for {self.estate_id} has no event")
        return EstateRecord(self.estate_id, self.event, self.place)


class _Written(Struct, omit_defaults=True):
    """A record as it is written: events stay the bytes that they came in."""

    estate_id: str
    event: Raw | None = None
    inbox: int | None = None
    place: Place = NOWHERE
    out: Raw | None = None


class Parcel(NamedTuple):
    """A packed record on its way: which lane it belongs to, its number there, and its partition."""

    lane: str
    seq: int
    partition: int
    body: bytes

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """What the record's headers say: lane and number, by which a second coming is known."""
        return [("content-type", CONTENT_TYPE), ("lane", self.lane.encode()), ("seq", str(self.seq).encode())]


_encode = msgspec.json.Encoder().encode
_unpack = msgspec.json.Decoder(list[Handed]).decode


def of_event(record: EstateRecord, raw: bytes, inbox: int | None) -> bytes:
    """A record of an event that is known by its bytes, ready to be packed."""
    return _encode(_Written(record.estate_id, Raw(raw), inbox, record.place))


def of_out(key: str, raw: bytes) -> bytes:
    """A record of an event that placement lets out."""
    return _encode(_Written(key, out=Raw(raw)))


def pack(records: Sequence[bytes]) -> Iterator[bytes]:
    """Pack ready records, in their order, into as few bodies as their size allows."""
    part: list[bytes] = []
    size = 0
    for record in records:
        part.append(record)
        size += len(record)
        if size >= ENOUGH:
            yield _packed(part)
            part, size = [], 0
    if part:
        yield _packed(part)


def _packed(records: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(records) + b"]"


def unpack(body: bytes) -> list[Handed]:
    """The records of a packed one.

    Raises:
        msgspec.MsgspecError: when it isn't one of ours.
    """
    return _unpack(body)


def lane_of(headers: Iterable[tuple[str, bytes]]) -> tuple[str, int] | None:
    """The lane of a packed record and its number there; None where its headers don't say."""
    found = {name: value for name, value in headers if name in {"lane", "seq"}}
    try:
        return found["lane"].decode(), int(found["seq"])
    except (KeyError, ValueError, AttributeError):
        return None
