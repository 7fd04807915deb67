"""The small model of signals: what it makes of a message, in integers alone.

One logistic regression a signal over the features of `agents.signal_features`, fitted by `agents.signal_training` and
shipped in `agents/data/signal_weights.py`. A feature's weights for all signals are packed into one long integer, 32
bits a signal, so that a message's sums for all of them are one addition a feature, and whether any of them is large
enough is one more.
"""

from __future__ import annotations

from base64 import b85decode
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import accumulate
from math import exp, isqrt
from struct import Struct as Layout
from zlib import decompress

from msgspec import Struct

from agents.data import signal_weights as shipped
from agents.lexicon import CUES, SignalName
from agents.signal_features import EDGE, MODEL_CHARS, RULED, alike, classed, views
from agents.signal_kinds import KIND, KINDS, of_kinds
from agents.signal_reading import ASIDE, CLASS, CUE, FIRST_KIND, Node, Walk, walks_by

SIGNALS = tuple(SignalName)
#: A weight of 1 in the units of the file; logits are given in units of 1/1024.
WEIGHT_UNIT, LOGIT_UNIT = 32, 1024
#: A message with so many known features is taken as it is: of longer ones each feature counts less, by the root.
USUAL, FEWEST = 12, 4
_FIELD = 32
_HALF = 1 << (_FIELD - 1)
_OFFSET = sum(_HALF << (_FIELD * place) for place in range(len(SIGNALS)))
_HIGH = sum(1 << (_FIELD * place + _FIELD - 1) for place in range(len(SIGNALS)))
_LAYOUT = Layout(f"<{len(SIGNALS)}I")
#: Above the signals stand how many features there are, and how often each mark.
_COUNTED = _FIELD * len(SIGNALS)
_MARKED = _COUNTED + 16
_SUMS, _MOST = (1 << _COUNTED) - 1, (1 << 16) - 1
#: Above these, how many words of each kind there are, eight bits each: a message has at most `MODEL_CHARS` places.
_KINDS_AT = _MARKED + 48
_MARK_WORTHS = {CUE: 1 << _MARKED, CLASS: 1 << _MARKED + 16, ASIDE: 1 << _MARKED + 32} | {
    FIRST_KIND - at: 1 << _KINDS_AT + 8 * at for at in range(len(KINDS))}
#: So many sets of kinds are kept at once, some 10 MB.
KEPT_KINDS = 30_000
_CLASSED = _MOST << 16
#: Without one of these nothing of a message is set aside (agents/signals.py).
ASIDE_SIGNS = '@“「『"'


class Together(dict[int, int]):
    """By how many words of each kind a message has: what the kinds and each two of them add to its packed sum.

    Their counts are taken off again. Made when first asked for, and forgotten together when they are many.
    """

    __slots__ = ("_packed",)

    def __init__(self, packed: dict[str, int]) -> None:
        super().__init__()
        self._packed = packed

    def __missing__(self, counts: int) -> int:
        if len(self) >= KEPT_KINDS:
            self.clear()
        there = [name for at, name in enumerate(KINDS) if counts >> 8 * at & 255]
        added = sum([self._packed.get(name, 0) for name in of_kinds(there)]) - (counts << _KINDS_AT)
        self[counts] = added
        return added


class Model(Struct, frozen=True, eq=False):
    """The shipped model, unpacked: its features in one tree, each with its number, and the two ways through a message.

    `packed` has each feature's weights for all signals in one integer, those of the marks at its end, `flat` the
    weights signal by signal, `sizes` the features' lengths.
    """

    walk: Walk
    in_classes: Walk
    ruled: dict[str, int]
    together: Together
    packed: tuple[int, ...]
    flat: bytes
    sizes: bytes


@lru_cache(maxsize=1)
def model() -> Model:
    """The shipped model; unpacked when first asked for."""
    names = decompress(b85decode(shipped.FEATURES)).decode().split("\n")
    flat = decompress(b85decode(shipped.WEIGHTS))
    cues = {word.lower() for cue in CUES for word in cue.words}
    count = len(names)
    packed = tuple(
        sum((_signed(flat[place * count + number]) << (_FIELD * place) for place in range(len(SIGNALS))), 1 << _COUNTED)
        for number in range(count)
    ) + tuple(_MARK_WORTHS[mark] for mark in sorted(_MARK_WORTHS))
    ruled = {name[1:]: number for number, name in enumerate(names) if name.startswith(RULED)}
    kinds = Together({name: packed[number] for number, name in enumerate(names) if name.startswith(KIND)})
    walks = walks_by(names, cues, ASIDE_SIGNS, packed)
    return Model(*walks, ruled, kinds, packed, flat, bytes(min(len(name), 255) for name in names))


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


@lru_cache(maxsize=256)
def scale(known: int) -> int:
    """By what the summed weights of so many known features are multiplied, in units that make a logit of the sum."""
    unit = LOGIT_UNIT // WEIGHT_UNIT
    return isqrt(unit * unit * USUAL * (1 << 16) // max(known, FEWEST))


@lru_cache(maxsize=256)
def _short_of(known: int) -> int:
    """What is added to the packed sums of so many known features: a signal's highest bit is set where it is added."""
    by = scale(known)
    least = [-(((bias - add) << 8) // by) for bias, add in zip(shipped.BIASES, shipped.ADD, strict=True)]
    return sum((_HALF - value) << (_FIELD * place) for place, value in enumerate(least))


class Read(Struct, frozen=True, gc=False):
    """A lower-cased text, read: the packed sum of its features' weights, with their number and the marks above it."""

    total: int

    @property
    def count(self) -> int:
        """How many features it has."""
        return self.total + _OFFSET >> _COUNTED & _MOST

    @property
    def adds(self) -> bool:
        """Whether a signal is added to what the rules find."""
        return bool(self.total + _short_of(self.count) & _HIGH)

    @property
    def says_nothing(self) -> bool:
        """Whether no rule is called, nothing is to be set aside, and no signal is added: most of what is ever said."""
        above = self.total + _OFFSET >> _COUNTED
        return not (above >> 16 & ~_CLASSED or (self.total + _short_of(above & _MOST)) & _HIGH)

    @property
    def aside(self) -> bool:
        """Whether something may be set aside: then it is to be read again without that."""
        return self.total + _OFFSET >> _MARKED >= _MARK_WORTHS[ASIDE] >> _MARKED

    def ruled(self, rules: Iterable[str]) -> Read:
        """The same with the names of the signals that the rules find in it."""
        known = model()
        return Read(self.total + sum([known.packed[known.ruled[name]] for name in rules if name in known.ruled]))

    def logits(self) -> tuple[int, ...]:
        """Each signal's logit, in units of 1/1024."""
        by = scale(self.count)
        sums = _LAYOUT.unpack((self.total + _OFFSET & _SUMS).to_bytes(_LAYOUT.size, "little"))
        return tuple([bias + ((value - _HALF) * by >> 8) for bias, value in zip(shipped.BIASES, sums, strict=True)])


def read(low: str) -> Read:
    """Read a lower-cased text."""
    known = model()
    head = low[:MODEL_CHARS]
    if alike(head):
        # What is found twice counts once.
        numbers = known.walk.through(head)
        if CLASS not in numbers:
            return _read(known, sum(map(known.packed.__getitem__, numbers)))
    else:
        total = known.walk.worth(head)
        if not total + _OFFSET >> _MARKED & _CLASSED:
            return _read(known, total)
        numbers = known.walk.through(head)
    written = f"{EDGE}{head}{EDGE}"
    shaped = classed(written)
    if shaped != written:
        numbers |= known.in_classes.through(shaped[1:-1])
    return _read(known, sum(map(known.packed.__getitem__, numbers)))


def _read(known: Model, total: int) -> Read:
    """A text by the packed sum of what the walk found, the kinds of its words among it."""
    return Read(total + known.together[total + _OFFSET >> _KINDS_AT])


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
    weights = known.flat[place * len(known.sizes) : (place + 1) * len(known.sizes)]
    steps = [0] * (len(low) + 3)
    written, _, heard = views(low)
    for view in (written, heard):
        for end, number in _ends(known.in_classes.words, view):
            if weight := weights[number]:
                size = known.sizes[number]
                worth = _signed(weight) * 60 // size
                steps[end + 1 - size] += worth
                steps[end + 1] -= worth
    # The first character of a view is its edge.
    return _best(list(accumulate(steps))[1 : len(low) + 1], low)


def _ends(features: Node, view: str) -> Iterator[tuple[int, int]]:
    """Where each feature of a view ends, and its number."""
    node = features
    for end, char in enumerate(view):
        node = node.after(char)
        for number in node.found:
            yield end, number


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
