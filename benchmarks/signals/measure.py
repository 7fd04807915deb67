"""How well messages are understood that no model was trained on, how seldom unrelated chat is, and how fast.

    python -m benchmarks.signals.measure [--chat ../shared/data/chat]

The held-out messages are this repository's; the chat is for development only and is read where it lies.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from timeit import repeat

from agents.signals import SIGNALS, as_ruled, signals_of

HELD = Path(__file__).parents[2] / "tests" / "agents" / "data" / "signals-held.jsonl"
#: What would cost somebody something if it were heard where it was not said.
COSTLY = ("signs_up", "advertises", "complains", "opts_out")
#: Conversations between strangers about other things: homes for sale, and travel.
CHATS = ("beke_im_train.csv", "crosswoz_val.csv")


def f1(rows: Sequence[dict[str, list[str]]], told: Sequence[frozenset[str]], name: str) -> float:
    """F1 of a signal over labelled rows."""
    right = sum(name in row["signals"] and name in found for row, found in zip(rows, told, strict=True))
    said, heard = sum(name in row["signals"] for row in rows), sum(name in found for found in told)
    return 2 * right / max(said + heard, 1)


def quality() -> Iterator[str]:
    """The table of F1: rules alone, and with the model."""
    rows = [json.loads(line) for line in HELD.read_text("utf-8").splitlines()]
    ruled = [frozenset(as_ruled(row["text"])[1]) for row in rows]
    told = [frozenset(signal.name for signal in signals_of(row["text"])) for row in rows]
    yield f"{len(rows)} held-out messages: F1 of the rules alone, and with the model"
    columns = [(name, f1(rows, ruled, name), f1(rows, told, name)) for name in SIGNALS]
    yield from (f"| `{name}` | {alone:.2f} | {both:.2f} |" for name, alone, both in columns)
    means = [sum(column[at] for column in columns) / len(columns) for at in (1, 2)]
    yield f"| **mean** | {means[0]:.2f} | {means[1]:.2f} |"


def false_alarms(folder: Path) -> Iterator[str]:
    """How many of a hundred messages of unrelated chat are heard as one of the costly signals."""
    for file in CHATS:
        with (folder / file).open(encoding="utf-8", newline="") as stream:
            texts = [row["text"] for row in csv.DictReader(stream)]
        told = [{signal.name for signal in signals_of(text)} for text in texts]
        shares = "  ".join(f"{name} {sum(name in found for found in told) / len(told):.2%}" for name in COSTLY)
        yield f"{file}: {len(texts):,} messages: {shares}"


def speed() -> str:
    """The time for a message that was not read before, in microseconds."""
    texts = [json.loads(line)["text"] for line in HELD.read_text("utf-8").splitlines()]
    times = [min(repeat(lambda text=text: signals_of(text), number=5, repeat=3)) / 5 * 1e6 for text in texts]
    slow = sorted(times)[len(times) * 99 // 100]
    return f"a message: {median(times):.0f} µs in the median, {slow:.0f} µs at the 99th percentile"


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chat", type=Path, default=Path(__file__).parents[3] / "shared" / "data" / "chat")
    chat = parser.parse_args().chat
    print(*quality(), sep="\n")
    print(speed())
    if chat.is_dir():
        print(*false_alarms(chat), sep="\n")


if __name__ == "__main__":
    main()
