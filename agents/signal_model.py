"""The small model of signals: what it makes of a message, in integers alone.

One logistic regression a signal over the features of `agents.signal_features`, fitted by `agents.signal_training` and
shipped in `agents/data/signal_weights.py`. A feature's weights for all signals are packed into one long integer, 32
bits a signal, so that a message's sums for all of them are one addition a feature.
"""

from __future__ import annotations

from base64 import b85decode
from functools import lru_cache
from itertools import accumulate
from math import exp, isqrt
from struct import Struct as Layout
from zlib import decompress

import ahocorasick
from msgspec import Struct

from agents.data import signal_weights as shipped
from agents.lexicon import SignalName
from agents.signal_features import RULED, views

SIGNALS = tuple(SignalName)
#: A weight of 1 in the units of the file; logits are given in units of 1/1024.
WEIGHT_UNIT, LOGIT_UNIT = 32, 1024
#: A message with so many known features is taken as it is: of longer ones each feature counts less, by the root.
USUAL, FEWEST = 12, 4
_FIELD = 32
_HALF = 1 << (_FIELD - 1)
_OFFSET = sum(_HALF << (_FIELD * place) for place in range(len(SIGNALS)))
_LAYOUT = Layout(f"<{len(SIGNALS)}I")


class Model(Struct, frozen=True, eq=False):
    """The shipped model, unpacked: its features in one automaton, each with its number.

    `packed` has each feature's weights for all signals in one integer, `flat` the weights signal by signal, `sizes` the
    features' lengths.
    """

    automaton: ahocorasick.Automaton
    ruled: dict[str, int]
    packed: tuple[int, ...]
    flat: bytes
    sizes: bytes


@lru_cache(maxsize=1)
def model() -> Model:
    """The shipped model; unpacked when first asked for."""
    names = decompress(b85decode(shipped.FEATURES)).decode().split("\n")
    flat = decompress(b85decode(shipped.WEIGHTS))
    automaton = ahocorasick.Automaton()
    for number, name in enumerate(names):
        automaton.add_word(name, number)
    automaton.make_automaton()
    count = len(names)
    packed = tuple(
        sum(_signed(flat[place * count + number]) << (_FIELD * place) for place in range(len(SIGNALS)))
        for number in range(count)
    )
    ruled = {name[1:]: number for number, name in enumerate(names) if name.startswith(RULED)}
    return Model(automaton, ruled, packed, flat, bytes(map(len, names)))


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


@lru_cache(maxsize=256)
def scale(known: int) -> int:
    """By what the summed weights of so many known features are multiplied, in units that make a logit of the sum."""
    unit = LOGIT_UNIT // WEIGHT_UNIT
    return isqrt(unit * unit * USUAL * (1 << 16) // max(known, FEWEST))


def logits(low: str, rules: tuple[str, ...] = ()) -> tuple[int, ...]:
    """Each signal's logit, in units of 1/1024, for a lower-cased text in which the rules find these signals."""
    known = model()
    written, shaped, heard = views(low)
    # Where nothing is of a class, the two are one.
    seen = f"{shaped}{heard}" if shaped == written else f"{written}{shaped}{heard}"
    numbers = {number for _, number in known.automaton.iter(seen)}
    if rules:
        numbers.update([known.ruled[name] for name in rules if name in known.ruled])
    total = sum(map(known.packed.__getitem__, numbers)) + _OFFSET
    by = scale(len(numbers))
    sums = _LAYOUT.unpack(total.to_bytes(_LAYOUT.size, "little"))
    return tuple([bias + ((value - _HALF) * by >> 8) for bias, value in zip(shipped.BIASES, sums, strict=True)])


#: The chance that a logit stands for, in hundredths, by its eighths from -6 to 6.
_CHANCES = tuple(round(100 / (1 + exp(-eighth / 8))) for eighth in range(-48, 49))


def chance(logit: int) -> float:
    """The chance that a logit stands for, to the hundredth."""
    eighth = (logit * 8 + LOGIT_UNIT // 2) // LOGIT_UNIT
    return _CHANCES[min(max(eighth + 48, 1), 95)] / 100


def span(low: str, place: int) -> tuple[int, int]:
    """The part of a text that speaks most for the signal at this place: the stretch with the largest sum of weights.

    Each feature's weight is spread over its characters, as written and as spoken.
    """
    known = model()
    weights = known.flat[place * len(known.packed) : (place + 1) * len(known.packed)]
    steps = [0] * (len(low) + 3)
    written, _, heard = views(low)
    for end, number in (*known.automaton.iter(written), *known.automaton.iter(heard)):
        if weight := weights[number]:
            size = known.sizes[number]
            worth = _signed(weight) * 60 // size
            steps[end + 1 - size] += worth
            steps[end + 1] -= worth
    # The first character of a view is its edge.
    return _best(list(accumulate(steps))[1 : len(low) + 1], low)


def _best(worth: list[int], low: str) -> tuple[int, int]:
    """The stretch with the largest sum, without spaces at its ends; the whole text where nothing speaks for it."""
    best = run = start = 0
    found = (0, len(low))
    for at, value in enumerate(worth):
        if run <= 0:
            start, run = at, 0
        run += value
        if run > best:
            best, found = run, (start, at + 1)
    first, last = found
    while first < last - 1 and low[first].isspace():
        first += 1
    while last > first + 1 and low[last - 1].isspace():
        last -= 1
    return first, last
