"""Simulated groups whose leaders are known: who writes, who answers whom, as the core reads it.

A leader is answered by all kinds of people. Chatterboxes write much and are answered by chance; couples of friends
answer each other all day; some words are said to our own people. Three kinds of leaders, because groups differ:
`quiet` ones write like anybody, and whoever writes more is answered more; `busy` ones write and answer more than
others; `asked` ones are turned to whether they have just written or not.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from schemas.events import GroupMessage, MessageData

START = datetime(2026, 3, 2, 8, 0, tzinfo=timezone(timedelta(hours=8)))
WORDS = (
    "收房那天要带什么证件", "物业说下周才能进场", "我也想知道这个", "昨天去看了，墙面还行", "好的", "哈哈",
    "有人量过阳台吗？")
#: How much more than a median member a leader writes, and how likely a message of theirs answers somebody.
KINDS = {"quiet": (2.5, 0.35), "busy": (6.0, 0.6), "asked": (1.5, 0.35)}
#: So many of the last messages are in sight.
SIGHT = 60


@dataclass
class Group:
    """A simulated group: so many members, messages a member, and how much more a leader is answered than others."""

    seed: int
    members: int = 200
    messages_each: int = 15
    pull: float = 6.0
    kind: str = "quiet"
    #: The three whom the others answer.
    leaders: tuple[str, ...] = ("m3", "m7", "m11")
    people: list[str] = field(default_factory=list)

    def messages(self) -> Iterator[GroupMessage]:
        """Every message, in the order of time; the same for the same seed."""
        dice = random.Random(self.seed)
        self.people = [f"m{n}" for n in range(self.members)]
        writes, answers = KINDS[self.kind]
        talks = [writes if who in self.leaders else dice.lognormvariate(0, 1) for who in self.people]
        pulls = [self.pull if who in self.leaders else dice.uniform(0.5, 1.5) for who in self.people]
        pull_of = dict(zip(self.people, pulls, strict=True))
        last: list[tuple[str, str]] = []
        total = self.members * self.messages_each
        for number, author in enumerate(dice.choices(self.people, talks, k=total)):
            message_id = f"s{self.seed}-{number}"
            mentions, reply_to = None, None
            if last and dice.random() < (answers if author in self.leaders else 0.35):
                mentions, reply_to = self._answer(dice, author, last, pulls, pull_of)
            yield GroupMessage(
                specversion="1.0", id=message_id, source="simulated/benchmark",
                time=START + timedelta(seconds=number * 11 * 86_400 // total),
                data=MessageData("g1", message_id, author, "text", dice.choice(WORDS), None, mentions, reply_to))
            last = [*last[1 - SIGHT :], (author, message_id)]

    def _answer(
        self, dice: random.Random, author: str, last: list[tuple[str, str]], pulls: list[float],
        pull_of: dict[str, float],
    ) -> tuple[list[str] | None, str | None]:
        number, throw = self.people.index(author), dice.random()
        if throw < 0.08:
            return ["m-main"], None
        if throw < 0.3 and number % 8 < 2 and number + 1 < len(self.people):
            return [self.people[number + 1 if number % 8 == 0 else number - 1]], None
        in_sight = [one for one in last if one[0] != author]
        if not in_sight:
            return None, None
        if dice.random() < 0.15:
            other, message_id = dice.choice(in_sight)
        elif self.kind == "asked":
            return [dice.choices(self.people, pulls)[0]], None
        else:
            other, message_id = dice.choices(in_sight, [pull_of[who] for who, _ in in_sight])[0]
        return (None, message_id) if dice.random() < 0.6 else ([other], None)
