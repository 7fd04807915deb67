"""The wire of the simulation: CloudEvents as bytes, waiting for their time, with a real stream's noise if wanted."""

from __future__ import annotations

from datetime import UTC, datetime
from heapq import heappop, heappush
from random import Random
from typing import Any

import msgspec

from schemas.ids import derived_id_ms

#: Sources say that nothing of it happened.
WECOM, ORDERS, DEALERS = "simulated/wecom", "simulated/orders", "simulated/dealers"

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
Data = dict[str, Any]

#: What noise makes of lines. A late one is a good event all the same.
BAD_KINDS = ("broken", "unknown_type", "no_datum", "unknown_group")
KINDS = ("late", "duplicates", *BAD_KINDS)


class Wire:
    """Takes events with the time at which they happen, gives them out in the order in which they arrive.

    Times are Unix milliseconds. Ids grow with time and are derived from the seed and from what the sender names
    as the cause, which must be different for every event.
    """

    def __init__(self, seed: int, offset_ms: int, *, noise: bool = False) -> None:
        self.seed = str(seed)
        self.offset_ms = offset_ms
        sign, minutes = "-" if offset_ms < 0 else "+", abs(offset_ms) // MINUTE
        self._offset = f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"
        self._dates: dict[int, str] = {}
        self._ahead: list[tuple[int, int, str, bytes]] = []
        self._sent = 0
        self._noise = Noise(Random(f"{seed}/noise")) if noise else None
        #: What was taken so far: all lines; the good events among them, and how many of those came late; the rest.
        self.counts = dict.fromkeys(("lines", "events", *KINDS), 0)

    def send(self, at_ms: int, source: str, type: str, data: Data, *cause: str) -> str:
        """Put an event on the wire; its id."""
        id = derived_id_ms(at_ms, self.seed, *cause)
        self._put(at_ms, id, source, type, data)
        return id

    def message(self, at_ms: int, group: str, member: str, said: Data, *cause: str) -> str:
        """Put a message on the wire; `said` has its kind and what else it carries. Its message id."""
        id = derived_id_ms(at_ms, self.seed, *cause)
        message = f"sim-{id}"
        data = {"group_id": group, "message_id": message, "member_id": member, **said}
        self._put(at_ms, id, WECOM, "loupan.group.message.v1", data)
        return message

    def take(self, until_ms: int) -> list[bytes]:
        """What has arrived by `until_ms`, in order of arrival."""
        taken = []
        while self._ahead and self._ahead[0][0] <= until_ms:
            _, _, kind, raw = heappop(self._ahead)
            taken.append(raw)
            self.counts["lines"] += 1
            self.counts["events"] += kind in {"", "late"}
            if kind:
                self.counts[kind] += 1
        return taken

    def time(self, at_ms: int) -> str:
        """RFC 3339 with the simulation's offset, to the millisecond."""
        day, rest = divmod(at_ms + self.offset_ms, DAY)
        date = self._dates.get(day)
        if date is None:
            date = self._dates[day] = datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()
        seconds, ms = divmod(rest, 1000)
        minutes, s = divmod(seconds, 60)
        return f"{date}T{minutes // 60:02d}:{minutes % 60:02d}:{s:02d}.{ms:03d}{self._offset}"

    def _put(self, at_ms: int, id: str, source: str, type: str, data: Data) -> None:
        raw = msgspec.json.encode({
            "specversion": "1.0", "id": id, "source": source, "type": type, "time": self.time(at_ms),
            "datacontenttype": "application/json", "data": data,
        })
        for arrival, line, kind in self._noise.around(at_ms, raw) if self._noise else ((at_ms, raw, ""),):
            self._sent += 1
            heappush(self._ahead, (arrival, self._sent, kind, line))


class Noise:
    """What a real stream does to events on their way: late, twice, and beside them what cannot be read."""

    LATE, TWICE, BAD = 0.03, 0.01, 0.0015

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self._seen = 0

    def around(self, at_ms: int, raw: bytes) -> list[tuple[int, bytes, str]]:
        """The lines that one event becomes: each with its arrival and, but for the event on time, its kind."""
        late = self.rng.random() < self.LATE
        arrival = at_ms + (self.rng.randint(1, 20) * MINUTE if late else 0)
        lines = [(arrival, raw, "late" if late else "")]
        if self.rng.random() < self.TWICE:
            lines.append((arrival + self.rng.randint(1, 600) * SECOND, raw, "duplicates"))
        if self.rng.random() < self.BAD:
            kind = self.rng.choice(BAD_KINDS)
            lines.append((arrival, self._bad(kind, raw), kind))
        return lines

    def _bad(self, kind: str, raw: bytes) -> bytes:
        self._seen += 1
        if kind == "broken":
            cut = raw[: self.rng.randint(1, len(raw) - 1)]
            return cut + b"\xff" if self.rng.random() < 0.3 else cut
        body = msgspec.json.decode(raw)
        body["id"] = f"{body['id']}-{self._seen}"
        group = body["data"].get("group_id", "")
        message: Data = {"group_id": group or "g", "message_id": f"bad-{self._seen}", "member_id": "nobody"}
        if kind == "unknown_type":
            body["type"] = "loupan.group.sang.v1"
            return msgspec.json.encode(body)
        body["type"] = "loupan.group.message.v1"
        if kind == "no_datum":
            body["data"] = {**message, "kind": "location", "location": {"lng": 116.4, "lat": 39.9}}
        else:
            body["data"] = {**message, "kind": "text", "text": "在吗", "group_id": f"nobody-knows-{self._seen % 3}"}
        return msgspec.json.encode(body)
