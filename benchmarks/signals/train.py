"""Fit the model of signals on the labelled messages of this repository, and write it.

    python -m benchmarks.signals.train [--write]

Without `--write` it only says what came of it. The same messages and the same code give the same file.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from agents.signal_training import SIGNALS, Fitted, Labelled, fit
from agents.signals import as_ruled

_DATA = Path(__file__).parents[2] / "agents" / "data"
MESSAGES = _DATA / "signals-train.jsonl"
_TARGET = _DATA / "signal_weights.py"
#: Counted up with every change of the features or of the way in which the model is fitted.
VERSION = 4


def messages_in(path: Path) -> list[Labelled]:
    """The labelled messages of a file, JSON lines with `text` and `signals`."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [Labelled(row["text"], tuple(row["signals"])) for row in rows]


def _lines(text: str) -> str:
    return "\n".join(f'    "{text[at:at + 112]}"' for at in range(0, len(text), 112))


def module(fitted: Fitted, messages: Iterable[Labelled], digest: str) -> str:
    """The text of the module that ships the model."""
    unseen = "\n".join(f'    "{name}": {score:.3f},' for name, score in zip(SIGNALS, fitted.unseen, strict=True))
    return f'''"""The model of signals, as fitted; written by `python -m benchmarks.signals.train --write`, not by hand.

Biases and thresholds are logits in units of 1/1024, in the order of the signals; weights are signed bytes in units of
1/32, signal by signal; features and weights are deflated and written in base 85 (agents/signal_model.py).
"""

from __future__ import annotations

from typing import Final

#: Counted up with every change of the features or of the way in which the model is fitted.
VERSION: Final = {VERSION}
#: SHA-256 of agents/data/signals-train.jsonl, and how many messages that is.
TRAINED_ON: Final = "{digest}"
MESSAGES: Final = {len(list(messages))}
#: F1 of each signal, rules and model together, on training messages that the model telling them had not seen (in
#: three parts), and their mean.
UNSEEN: Final[dict[str, float]] = {{
{unseen}
}}
UNSEEN_MEAN: Final = {sum(fitted.unseen) / len(fitted.unseen):.3f}
BIASES: Final[tuple[int, ...]] = (
    {_numbers(fitted.biases)}
)
#: From which logit a signal holds that the rules do not find; below which one does not that they find.
ADD: Final[tuple[int, ...]] = (
    {_numbers(fitted.add)}
)
VETO: Final[tuple[int, ...]] = (
    {_numbers(fitted.veto)}
)
FEATURES: Final = (
{_lines(fitted.features)}
)
WEIGHTS: Final = (
{_lines(fitted.weights)}
)
'''


def _numbers(values: Iterable[int]) -> str:
    numbers = [f"{value}," for value in values]
    return "\n    ".join(" ".join(numbers[at : at + 12]) for at in range(0, len(numbers), 12))


def main() -> None:
    """Fit, say what came of it, and write it where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    messages = messages_in(MESSAGES)
    fitted = fit(messages, as_ruled)
    for name, score in zip(SIGNALS, fitted.unseen, strict=True):
        print(f"{name:18} {score:.3f}")
    print(f"{'mean':18} {sum(fitted.unseen) / len(fitted.unseen):.3f} of {len(messages)} messages")
    if write:
        digest = sha256(MESSAGES.read_bytes()).hexdigest()
        _TARGET.write_text(module(fitted, messages, digest), encoding="utf-8")
        print(f"written: {_TARGET}, {_TARGET.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
