"""What a message says by its words alone, read once: placement asks for it first, then the campaign."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from msgspec import Struct

from agents.ladder import BIT
from agents.lexicon import SignalName
from agents.parents import is_parent
from agents.signals import signals_of

#: A signal that is less sure than this moves nobody: a bare "我要" may be about anything.
SURE: Final = 0.6
#: Kinds of message that show presence but no words: a red packet taken, a vote, a chain.
REACTIONS: Final = frozenset({"red_packet", "vote", "collect", "chain"})


class Heard(Struct, frozen=True, gc=False):
    """What is heard in a message: the names of its sure signals, the evidence in it as bits (`agents.ladder`).

    `home`: a home is stated, surely or not.
    """

    names: tuple[str, ...]
    evidence: int
    home: bool


@lru_cache(maxsize=4096)
def heard_in(text: str, kind: str, after: str = "") -> Heard:
    """Read a message of a kind; `after` is what was called for last in the group (`agents.calls.Call`), or nothing."""
    signals = signals_of(text, kind, after) if text else ()
    names = tuple(signal.name for signal in signals if signal.score >= SURE)
    evidence = BIT["reacted" if kind in REACTIONS else "spoke"]
    for name in names:
        evidence |= BIT[name]
    if text and is_parent(text):
        evidence |= BIT["parent"]
    return Heard(names, evidence, any(signal.name == SignalName.STATES_HOME for signal in signals))
