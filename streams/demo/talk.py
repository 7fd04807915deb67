"""What simulated members say, read from `talk.yaml` and filled in from where the speaker lives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate
from random import Random

import yaml

#: What a line may name: estate, b (building), u (unit), room, area, other (another estate).
Home = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of talk: when it is talked about, and with which lines."""

    name: str
    weight: float
    first_day: int
    last_day: int
    opening: tuple[str, ...]
    following: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers to a persona's post in which one of the words stands."""

    words: tuple[str, ...]
    lines: tuple[str, ...]


class Talk:
    """The whole book of lines."""

    def __init__(self, book: Mapping[str, object]) -> None:
        topics: Mapping[str, Mapping[str, Sequence[str]]] = book["topics"]  # type: ignore[assignment]  # our own file
        answers: Mapping[str, Mapping[str, Sequence[str]]] = book["answers"]  # type: ignore[assignment]  # as above
        rhythm: Sequence[float] = book["rhythm"]  # type: ignore[assignment]  # as above
        self.topics = [_topic(name, topic) for name, topic in topics.items()]
        self.answers = [Answers(tuple(a["words"]), tuple(a["lines"])) for a in answers.values()]
        self.rhythm = [share / sum(rhythm) for share in rhythm]
        self.lines: dict[str, Sequence[str]] = {
            name: lines for name, lines in book.items()  # type: ignore[misc]  # as above
            if name not in {"topics", "answers", "rhythm"}
        }
        self._of_day: dict[int, tuple[list[Topic], list[float]]] = {}

    def topic(self, rng: Random, day: int) -> Topic:
        """A topic of the campaign's day; days after the book's last are like its last, before day 1 like day 0."""
        day = min(max(day, 0), 14)
        if day not in self._of_day:
            topics = [topic for topic in self.topics if topic.first_day <= day <= topic.last_day]
            self._of_day[day] = topics, list(accumulate(topic.weight for topic in topics))
        topics, weights = self._of_day[day]
        return rng.choices(topics, cum_weights=weights)[0]

    def line(self, rng: Random, name: str, home: Home) -> str:
        """A line of one of the single deeds: home, elsewhere, opts_out and so on."""
        return fill(rng.choice(self.lines[name]), home)

    def answer(self, rng: Random, post: str, home: Home) -> str:
        """An answer to a post: to one of the things that it speaks of."""
        fitting = [answers for answers in self.answers if any(word in post for word in answers.words)]
        return fill(rng.choice(rng.choice(fitting or self.answers[-1:]).lines), home)


def fill(line: str, home: Home) -> str:
    """The line in the mouth of who lives there."""
    return line.format_map(home) if "{" in line else line


@cache
def talk() -> Talk:
    """The book that ships."""
    return Talk(yaml.safe_load(files("streams.demo").joinpath("talk.yaml").read_text(encoding="utf-8")))


def _topic(name: str, topic: Mapping[str, Sequence[str]]) -> Topic:
    first, last = topic["days"]
    return Topic(
        name, float(topic["weight"]), int(first), int(last),  # type: ignore[arg-type]  # our own file
        tuple(topic["open"]), tuple(topic["follow"]),
    )
