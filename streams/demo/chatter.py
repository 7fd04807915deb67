"""One simulated group: its members come, talk by the hour, and go."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from random import Random

from schemas.reference import Estate, Group, Reference
from streams.demo.deeds import decide, live
from streams.demo.residents import Census, Resident, account
from streams.demo.talk import Talk, fill
from streams.demo.wire import DAY, HOUR, SECOND, WECOM, Data, Wire

JOINED, LEFT = "loupan.group.member-joined.v1", "loupan.group.member-left.v1"
#: Kinds of messages and their shares. `emotion` is what WeCom calls a sticker; loupan reads it as `other`.
_KINDS = ("text", "image", "emotion", "voice", "video", "link", "file", "card")
_SHARES = tuple(accumulate((0.86, 0.06, 0.04, 0.02, 0.008, 0.005, 0.003, 0.004)))
#: Messages of a burst of talk, beyond the first, in the mean.
_BURST = 3.2


@dataclass(frozen=True, slots=True)
class Scale:
    """How much life there is: members of a group (least, most), messages a member and day in the mean."""

    members: tuple[int, int] = (60, 300)
    messages_per_member_day: float = 1.6


class Chatter:
    """The life of one group. Hours must be asked for in order, each once; the same seed gives the same life."""

    def __init__(
        self,
        group: Group,
        reference: Reference,
        wire: Wire,
        talk: Talk,
        *,
        start_ms: int,
        day_1: date,
        scale: Scale,
        near: Sequence[Estate],
        surely: bool,
    ) -> None:
        self.group, self.wire, self.talk = group, wire, talk
        self.rng = rng = Random(f"{wire.seed}/{group.group_id}")
        self.census = Census(rng, group, reference, near)
        self.day_1 = day_1.toordinal()
        least, most = scale.members
        count = max(round(rng.triangular(least, most, least + (most - least) * 0.3)), len(self.census.buyers) + 1)
        self.residents = self.census.residents(count, start_ms, wire.offset_ms, talk.rhythm)
        self.liveliness = min(max(rng.lognormvariate(-0.08, 0.4), 0.4), 2.2) * scale.messages_per_member_day
        self.present: list[Resident] = []
        self._weights: list[float] = []
        self._next = 0
        self._sent = 0
        self._staff_comes(reference, start_ms)
        self._outsiders_come(start_ms)
        decide(rng, self.census, self.residents, surely=surely)

    def hour(self, start_ms: int) -> None:
        """Put what happens in the hour on the wire."""
        self._come_and_go(start_ms + HOUR)
        local = (start_ms + self.wire.offset_ms) % DAY // HOUR
        day = self.day(start_ms)
        expected = len(self.present) * self.liveliness * self.talk.rhythm[local] / (1 + _BURST)
        for _ in range(int(expected + self.rng.random())):
            self._burst(start_ms + self.rng.randrange(HOUR), day)

    def day(self, at_ms: int) -> int:
        """The campaign's day: 1 on its start date, below before."""
        # Day 719163 of the calendar is 1 January 1970.
        return (at_ms + self.wire.offset_ms) // DAY + 719_163 - self.day_1 + 1

    def someone(self, rng: Random, at_ms: int) -> Resident | None:
        """A member who is there at the time, talkative ones more likely; None where hardly anybody is."""
        for _ in range(4 if self.present else 0):
            found = self.present[bisect(self._weights, rng.random() * self._weights[-1], 0, len(self.present) - 1)]
            if found.joins_ms < at_ms and (found.leaves_ms is None or at_ms < found.leaves_ms):
                return found
        return None

    def cause(self) -> tuple[str, str]:
        """A cause for the next event of this group."""
        self._sent += 1
        return self.group.group_id, str(self._sent)

    @property
    def group_id(self) -> str:
        """The group's id."""
        return self.group.group_id

    def says(self, at_ms: int, member_id: str, text: str | None, **more: object) -> str:
        """A message in this group: a text, or what `more` says; its message id."""
        said: Data = {"kind": "text", "text": text, **more} if text is not None else more
        return self.wire.message(at_ms, self.group.group_id, member_id, said, *self.cause())

    # --- talk ---------------------------------------------------------------------------------------

    def _burst(self, at_ms: int, day: int) -> None:
        rng, topic = self.rng, self.talk.topic(self.rng, day)
        said: list[tuple[str, str]] = []
        for n in range(1 + min(int(rng.expovariate(1 / _BURST) + 0.5), 14)):
            speaker = self.someone(rng, at_ms)
            if speaker is None:
                return
            line = fill(rng.choice(topic.following if n else topic.opening), speaker.home)
            message = self._utter(at_ms, speaker, line, said)
            said.append((message, speaker.member_id))
            at_ms += 3 * SECOND + int(rng.expovariate(1 / (45 * SECOND)))

    def _utter(self, at_ms: int, speaker: Resident, line: str, said: list[tuple[str, str]]) -> str:
        rng = self.rng
        kind = _KINDS[bisect(_SHARES, rng.random(), 0, len(_KINDS) - 1)]
        body: Data = {"kind": kind, "text": line} if kind == "text" else {"kind": kind}
        if said and rng.random() < 0.2:
            message, author = rng.choice(said)
            if rng.random() < 0.6:
                body["reply_to"] = message
            if rng.random() < 0.6:
                body["mentions"] = [author]
        message = self.wire.message(at_ms, self.group.group_id, speaker.member_id, body, *self.cause())
        if rng.random() < 0.004:
            recalled = {"group_id": self.group.group_id, "message_id": message}
            self.wire.send(at_ms + 20 * SECOND, WECOM, "loupan.group.message-recalled.v1", recalled, *self.cause())
        return message

    # --- coming and going ---------------------------------------------------------------------------

    def _come_and_go(self, until_ms: int) -> None:
        came = self._next
        while self._next < len(self.residents) and self.residents[self._next].joins_ms < until_ms:
            self._joins(self.residents[self._next])
            self._next += 1
        stay = [r for r in self.present if r.leaves_ms is None or r.leaves_ms >= until_ms]
        if came != self._next or len(stay) != len(self.present):
            self.present = stay + [r for r in self.residents[came:self._next] if r.weight > 0]
            self._weights = list(accumulate(r.weight for r in self.present))

    def _joins(self, resident: Resident) -> None:
        rng = self.rng
        data: Data = {
            "group_id": self.group.group_id, "member_id": resident.member_id,
            "display_name": self.census.display_name(resident),
        }
        how = rng.random()
        if how < 0.6 and self.group.estate_id:
            data |= {"join_scene": 3, "join_state": self.group.estate_id}
        elif how < 0.85 and self.present:
            data |= {"join_scene": 1, "invited_by": rng.choice(self.present).member_id}
        self.wire.send(resident.joins_ms, WECOM, JOINED, data, *self.cause())
        live(self, resident)
        if resident.leaves_ms is not None:
            gone = {"group_id": self.group.group_id, "member_id": resident.member_id}
            self.wire.send(resident.leaves_ms, WECOM, LEFT, gone, *self.cause())

    def _staff_comes(self, reference: Reference, start_ms: int) -> None:
        for n, persona in enumerate(self.census.staff):
            store = reference.stores.get(self.group.store_id) if self.group.store_id else None
            name = account(persona, store.name if store else "门店")
            data = {"group_id": self.group.group_id, "member_id": persona.member_id, "display_name": name}
            self.wire.send(start_ms + n * SECOND, WECOM, JOINED, data, *self.cause())

    def _outsiders_come(self, start_ms: int) -> None:
        for n in range(self.rng.randint(1, 3)):
            joins = start_ms + 12 * HOUR + int(self.rng.uniform(0, 8) * DAY)
            self.residents.append(self.census.outsider(n + 1, joins))
            self.residents[-1].deeds.add("advertises")
        self.residents.sort(key=lambda resident: resident.joins_ms)
