"""How well messages are understood that no model was trained on, how seldom unrelated chat is, and how fast.

    python -m benchmarks.signals.measure [--chat ../shared/data/chat] [--held FILE ...]

The held-out messages are this repository's, unless files of the same form are named; the chat is for development only
and is read where it lies.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean, median
from time import process_time
from timeit import timeit
from typing import Any

from agents.signals import SIGNALS, as_ruled, signals_of

_DATA = Path(__file__).parents[2] / "tests" / "agents" / "data"
#: The newest first: it and the second were written by people who knew neither the rules nor the training messages.
HELD = tuple(_DATA / name for name in ("signals-held-3.jsonl", "signals-held-2.jsonl", "signals-held.jsonl"))
#: What would cost somebody something if it were heard where it was not said.
COSTLY = ("signs_up", "advertises", "complains", "opts_out")
#: Conversations between strangers about other things: homes for sale, and travel.
CHATS = ("beke_im_train.csv", "crosswoz_val.csv")


def f1(rows: Sequence[dict[str, Any]], told: Sequence[frozenset[str]], name: str) -> float:
    """F1 of a signal over labelled rows."""
    right = sum(name in row["signals"] and name in found for row, found in zip(rows, told, strict=True))
    said, heard = sum(name in row["signals"] for row in rows), sum(name in found for found in told)
    return 2 * right / max(said + heard, 1)


def rows_of(held: Sequence[Path]) -> list[dict[str, Any]]:
    """The labelled messages of some files."""
    return [json.loads(line) for file in held for line in file.read_text("utf-8").splitlines()]


def quality(held: Path) -> Iterator[str]:
    """The table of F1 on one file: rules alone, and with the model."""
    rows = rows_of([held])
    ruled = [frozenset(as_ruled(row["text"])[1]) for row in rows]
    told = [frozenset(signal.name for signal in signals_of(row["text"])) for row in rows]
    yield f"{held.name}, {len(rows)} held-out messages: F1 of the rules alone, and with the model"
    columns = [(name, f1(rows, ruled, name), f1(rows, told, name)) for name in SIGNALS]
    yield from (f"| `{name}` | {alone:.2f} | {both:.2f} |" for name, alone, both in columns)
    alone, both = fmean(column[1] for column in columns), fmean(column[2] for column in columns)
    yield f"| **mean** | {alone:.3f} | {both:.3f} |"


def false_alarms(folder: Path) -> Iterator[str]:
    """How many of a hundred messages of unrelated chat are heard as one of the costly signals."""
    for file in CHATS:
        with (folder / file).open(encoding="utf-8", newline="") as stream:
            texts = [row["text"] for row in csv.DictReader(stream)]
        began = process_time()
        told = [{signal.name for signal in signals_of(text)} for text in texts]
        each = (process_time() - began) / len(texts) * 1e6
        shares = "  ".join(f"{name} {sum(name in found for found in told) / len(told):.2%}" for name in COSTLY)
        yield f"{file}: {len(texts):,} messages, {each:.0f} µs each: {shares}"


def speed(held: Sequence[Path]) -> str:
    """The processor's time for a message, in microseconds: each read once in turn, and then again and again."""
    texts = [row["text"] for row in rows_of(held)]
    signals_of("大家好")
    once = [_took(text, 1) for text in texts]
    again = [_took(text, 50) for text in texts]
    return f"microseconds a message: met first {_spread(once)}; with words met before {_spread(again)}"


def _spread(times: Sequence[float]) -> str:
    return f"{median(times):.0f} in the median, {sorted(times)[len(times) * 99 // 100]:.0f} at the 99th percentile"


def _took(text: str, times: int) -> float:
    return timeit(lambda: signals_of(text), timer=process_time, number=times) / times * 1e6


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chat", type=Path, default=Path(__file__).parents[3] / "shared" / "data" / "chat")
    parser.add_argument("--held", type=Path, nargs="+", default=[file for file in HELD if file.is_file()])
    told = parser.parse_args()
    for file in told.held:
        print(*quality(file), sep="\n")
    print(speed(told.held))
    if told.chat.is_dir():
        print(*false_alarms(told.chat), sep="\n")


if __name__ == "__main__":
    main()
