"""What went out, as far as one must know it to say who is to be told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from schemas.reference import Reference
from schemas.topics import CAMPAIGN_EVENTS, TASKS
from streams.sql import sql_of
from streams.webhooks.endpoints import Endpoint, matches


class Sent(Struct, frozen=True, gc=False):
    """An event of the outbox: whom and what it concerns; `city` is the estate's.

    Its bytes are read when it is sent: somebody may have been erased from them meanwhile.
    """

    offset: int
    id: str
    type: str
    dealers: frozenset[str] = frozenset()
    city: str = ""


class _Data(Struct, frozen=True, gc=False):
    dealer_id: str | None = None
    group_id: str | None = None
    estate_id: str | None = None


class _Named(Struct, gc=False):
    type: str
    data: _Data = _Data()


_named = msgspec.json.Decoder(_Named).decode


def read(connection: Connection, after: int, upto: int, limit: int, whose: Whose) -> list[Sent]:
    """What went out in ``after < offset <= upto``, in order, so many at most."""
    rows = sql_of(connection)(
        'SELECT "offset", topic, key, id, raw FROM outbox WHERE "offset" > ? AND "offset" <= ? '
        'ORDER BY "offset" LIMIT ?', (after, upto, limit))
    return [whose.sent(*row) for row in rows]


class Whose:
    """Which dealers and which city an event concerns, by the reference data as they stand."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self._by_estate: dict[str, frozenset[str]] | None = None

    def sent(self, offset: int, topic: str, key: str, id: str, raw: bytes) -> Sent:
        """The event, with whom it concerns; one that cannot be read (somebody was erased from it) concerns nobody."""
        if topic not in (TASKS.name, CAMPAIGN_EVENTS.name):
            return Sent(offset, id, "")
        try:
            said = _named(raw)
        except msgspec.MsgspecError:
            return Sent(offset, id, "")
        data = said.data
        estate_id = data.estate_id or (key if topic == CAMPAIGN_EVENTS.name else "")
        estate = self.reference.estates.get(estate_id)
        return Sent(offset, id, said.type, self._dealers(data, estate_id), estate.city if estate else "")

    def _dealers(self, data: _Data, estate_id: str) -> frozenset[str]:
        """Whose it is: the dealer that it names, else its group's, else all who work the estate."""
        if data.dealer_id:
            return frozenset((data.dealer_id,))
        group = self.reference.groups.get(data.group_id or "")
        if group is not None:
            return frozenset((group.dealer_id,)) if group.dealer_id else frozenset()
        return self._of_estate(estate_id)

    def _of_estate(self, estate_id: str) -> frozenset[str]:
        if self._by_estate is None:
            found: dict[str, set[str]] = {}
            for group in self.reference.groups.values():
                if group.dealer_id and group.estate_id:
                    found.setdefault(group.estate_id, set()).add(group.dealer_id)
            self._by_estate = {estate: frozenset(dealers) for estate, dealers in found.items()}
        return self._by_estate.get(estate_id, frozenset())


def wants(endpoint: Endpoint, event: Sent) -> bool:
    """Whether an endpoint is to be told of an event."""
    if endpoint.dealer_id is not None and endpoint.dealer_id not in event.dealers:
        return False
    if endpoint.city is not None and endpoint.city != event.city:
        return False
    return bool(event.type) and any(matches(pattern, event.type) for pattern in endpoint.types.split())


def wanted(endpoint: Endpoint, events: Iterable[Sent]) -> list[Sent]:
    """Those that the endpoint is to be told of."""
    return [event for event in events if wants(endpoint, event)]


class News(Struct, frozen=True):
    """Whom some events concern at all: most endpoints need look no closer."""

    events: Sequence[Sent]
    dealers: frozenset[str]
    cities: frozenset[str]

    @classmethod
    def of(cls, events: Sequence[Sent]) -> News:
        """Of these."""
        return cls(
            events, frozenset(dealer for event in events for dealer in event.dealers),
            frozenset(event.city for event in events))

    def concerns(self, endpoint: Endpoint) -> bool:
        """Whether the endpoint is to be told of one of them."""
        if endpoint.dealer_id is not None and endpoint.dealer_id not in self.dealers:
            return False
        if endpoint.city is not None and endpoint.city not in self.cities:
            return False
        return any(wants(endpoint, event) for event in self.events)


class Tail:
    """The newest events of the outbox in memory, so that those who are up to date ask the database once for all."""

    def __init__(self, keep: int = 2_000) -> None:
        self._keep = keep
        self._events: list[Sent] = []
        self.after = self.upto = 0

    def extend(self, events: Sequence[Sent], upto: int) -> None:
        """What went out after the end, up to there."""
        self._events.extend(events)
        self.upto = upto
        over = len(self._events) - self._keep
        if over > 0:
            self.after = self._events[over - 1].offset
            del self._events[:over]

    def begin(self, at: int) -> None:
        """Begin anew there."""
        self._events.clear()
        self.after = self.upto = at

    def since(self, at: int) -> list[Sent] | None:
        """What went out after that; None where it is not in memory."""
        if not self.after <= at <= self.upto:
            return None
        events = self._events
        first = len(events)
        while first and events[first - 1].offset > at:
            first -= 1
        return events[first:]
