"""How many of a group's three leaders are found, and what it costs: `python -m benchmarks.people.key_people`.

The groups are simulated (tests/agents/simulated_groups.py), the way from messages to ranks is the core's own. Beside it
what is simpler: who writes most, who is mentioned most, and whom most different people answered, told from all messages
in memory.
"""

from __future__ import annotations

import sys
from collections import Counter
from time import thread_time_ns

from agents import campaign
from agents.centrality import ranked
from agents.people_rows import TIES
from agents.records import EstateRecord, Place
from agents.rows import CAMPAIGN
from agents.state import member_of
from schemas.events import GroupMessage
from tests.agents.drive import world
from tests.agents.simulated_groups import Group
from tests.memory_rows import MemoryRows

WORLD = world()


def found_by_us(messages: list[GroupMessage]) -> tuple[list[str], list[int], MemoryRows]:
    """The three who are listened to most, by the core; nanoseconds of CPU for each decision; the rows."""
    rows, took = MemoryRows(), []
    for message in messages:
        record = EstateRecord("e1", message, Place("e1"))
        start = thread_time_ns()
        campaign.advance(record, rows, WORLD)
        took.append(thread_time_ns() - start)
    ties = {member_of(sub)[1]: row for sub, row in rows.scan(CAMPAIGN, "e1", TIES)}
    return [one.member_id for one in ranked(ties, ties)[:3]], took, rows


def by_messages(messages: list[GroupMessage]) -> list[str]:
    """Who writes most."""
    return [who for who, _ in Counter(m.data.member_id for m in messages).most_common(3)]


def by_mentions(messages: list[GroupMessage]) -> list[str]:
    """Who is mentioned most, replies unread."""
    return [who for who, _ in Counter(
        one for m in messages for one in m.data.mentions or () if one != "m-main").most_common(3)]


def exactly(messages: list[GroupMessage]) -> list[str]:
    """Whom most different people answered, with every message in memory."""
    authors: dict[str, str] = {}
    answered: dict[str, set[str]] = {}
    for message in messages:
        data = message.data
        others = [*(data.mentions or ()), *([authors[data.reply_to]] if data.reply_to in authors else ())]
        for other in others:
            if other not in ("m-main", data.member_id):
                answered.setdefault(other, set()).add(data.member_id)
        authors[data.message_id] = data.member_id
    return sorted(answered, key=lambda who: (-len(answered[who]), who))[:3]


def share(found: list[str], group: Group) -> float:
    """How many of the three leaders are among those found."""
    return len(set(found) & set(group.leaders)) / 3


GROUPS = (
    ("quiet", 60, 20, 6), ("quiet", 200, 20, 6), ("quiet", 200, 10, 10), ("quiet", 500, 10, 10),
    ("busy", 60, 20, 6), ("busy", 200, 20, 6), ("busy", 500, 10, 6),
    ("asked", 60, 20, 6), ("asked", 200, 20, 6), ("asked", 500, 10, 10),
)


def main(seeds: int = 10) -> None:
    """Print the table."""
    sys.stdout.write(
        "| leaders | members | messages each | pull | ours | answered by most | mentioned most | writes most "
        "| median µs | p99 µs |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
    for kind, members, each, pull in GROUPS:
        shares: list[tuple[float, ...]] = []
        took: list[int] = []
        for seed in range(seeds):
            group = Group(seed, members, each, pull, kind)
            messages = list(group.messages())
            ours, times, _ = found_by_us(messages)
            took += times
            shares.append(tuple(share(found, group) for found in (
                ours, exactly(messages), by_mentions(messages), by_messages(messages))))
        took.sort()
        means = [sum(column) / len(shares) for column in zip(*shares, strict=True)]
        sys.stdout.write(
            f"| {kind} | {members} | {each} | {pull} | " + " | ".join(f"{mean:.2f}" for mean in means)
            + f" | {took[len(took) // 2] / 1000:.1f} | {took[len(took) * 99 // 100] / 1000:.1f} |\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
