"""Fits the model of signals on labelled messages: one logistic regression a signal.

Sums in a fixed order and nothing random: the same messages give the same model. It takes minutes.
"""

from __future__ import annotations

from base64 import b85encode
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from zlib import compress, crc32

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from agents.lexicon import SignalName
from agents.signal_features import RULED, features
from agents.signal_model import FEWEST, LOGIT_UNIT, USUAL, WEIGHT_UNIT
from maps.sounds import sound

SIGNALS = tuple(SignalName)
Floats = NDArray[Any]
#: A text as it is read, and the names of the signals that the rules find in it.
Rules = Callable[[str], tuple[str, tuple[str, ...]]]

#: A run must stand in so many messages to be a feature.
SEEN_AT_LEAST = 2
#: How the descent goes (AdaGrad): its steps, the first one's length, what large weights cost, what a signal that is
#: there counts against one that is not.
STEPS, RATE, DECAY, PRESENT = 80, 0.5, 1e-4, 4.0
#: A feature whose weights are all smaller, in the units of the file, is left out: nine of ten are. What stays is fitted
#: anew, without them: as it was fitted beside them it would miss them.
FAINT = 10
#: A message made from another counts for so much.
MADE = 0.5
#: A message that says nothing counts for so many where thresholds are chosen: in a group most say nothing.
NOTHING = 2.0
#: Parts into which the messages are cut: each is told by a model that has not seen it.
FOLDS = 3

#: What people put before and after what they say; it changes nothing.
_BEFORE = ("请问", "老板 ", "那个 ", "嗯 ", "@群主 ", "我想问下", "麻烦", "哎 ", "亲 ")
_AFTER = ("呀", "啊", "哈", "呢", "吗", "了", "[微笑]", "😂", "，谢谢", "？", "。", "~", "！")
_BETWEEN = (" ", "，", "。", "！")
#: These stand alone: joined to other words they may mean something else.
_ALONE = frozenset({"declines", "opts_out", "advertises", "breaks_rules"})
_ALIKE: dict[int, list[str]] = {}
for _code in range(0x4E00, 0x9FA6):
    if number := sound(chr(_code)):
        _ALIKE.setdefault(number, []).append(chr(_code))


class Labelled(Struct, frozen=True):
    """A message, the signals that it has, and how much it counts."""

    text: str
    signals: tuple[str, ...]
    weight: float = 1.0


class Fitted(Struct, frozen=True):
    """A model as it is shipped: biases in logits' units, features and weights compressed, and its thresholds."""

    biases: tuple[int, ...]
    features: str
    weights: str
    #: Logits from which a signal holds that the rules do not find, and below which one does not that they find.
    add: tuple[int, ...]
    veto: tuple[int, ...]
    #: Each signal's F1 on messages that the model telling them had not seen.
    unseen: tuple[float, ...]


def fit(messages: Sequence[Labelled], rules: Rules) -> Fitted:
    """Fit the model on labelled messages."""
    sheet = _sheet(messages, rules)
    chances = _unseen(sheet)
    truth = sheet.truth[: len(messages)] > 0
    ruled = _ruled(messages, rules)
    counted = np.where(truth.any(axis=1), 1.0, NOTHING)
    chosen = [_thresholds(SIGNALS[s], chances[:, s], truth[:, s], ruled[:, s], counted) for s in range(len(SIGNALS))]
    add, veto = [one[0] for one in chosen], [one[1] for one in chosen]
    told = np.where(ruled, chances >= np.array(veto), chances >= np.array(add))
    everything = np.ones(len(sheet.fold), dtype=bool)
    columns, weights, _ = _descend(sheet, everything)
    telling = np.abs(_units(weights)).max(axis=1) >= FAINT
    ruling = np.array([sheet.names[place].startswith(RULED) for place in columns])
    sheet = _of(sheet, columns[telling | ruling])
    columns, weights, biases = _descend(sheet, everything)
    return Fitted(
        biases=tuple(round(float(bias) * LOGIT_UNIT) for bias in biases),
        features=_packed("\n".join(sheet.names[place] for place in columns).encode()),
        weights=_packed(np.ascontiguousarray(_units(weights).astype(np.int8).T).tobytes()),
        add=tuple(_logit(value) for value in add), veto=tuple(_logit(value) for value in veto),
        unseen=tuple(_f1(told[:, s], truth[:, s], np.ones_like(counted)) for s in range(len(SIGNALS))),
    )


def _units(weights: Floats) -> NDArray[np.int64]:
    """Weights in the units of the file."""
    return np.asarray(np.clip(np.rint(weights * WEIGHT_UNIT), -127, 127), dtype=np.int64)


def _packed(raw: bytes) -> str:
    return b85encode(compress(raw, 9)).decode()


def _logit(chance: float) -> int:
    return round(float(np.log(chance / (1 - chance))) * LOGIT_UNIT)


# --- thresholds -----------------------------------------------------------------------------------------

#: The chances from which what the rules find holds, that are tried: they are exact where they are sure.
_VETOES = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
#: The chances that are tried for what the rules do not find.
_TRIED = tuple(step / 100 for step in range(30, 92, 4))
#: A wrong one of these costs somebody: an order, a place in the group, a word from us that they wait for. So they are
#: added from a higher chance on; of a complaint, which much of what people say sounds like, from the highest.
RISKY = {"signs_up": 0.55, "advertises": 0.7, "complains": 0.6, "opts_out": 0.55, "breaks_rules": 0.6}
#: F1 hardly changes from one chance to the next: of those that are worse by no more than this, the highest is taken.
AS_GOOD = 0.005


def _thresholds(
    name: str, chances: Floats, truth: NDArray[np.bool_], ruled: NDArray[np.bool_], counted: Floats
) -> tuple[float, float]:
    """From which chance a signal holds that the rules do not find, and from which one that they find."""
    tried = [(add, veto) for add in _TRIED if add >= RISKY.get(name, 0) for veto in _VETOES if veto <= add]
    scores = {one: _f1(np.where(ruled, chances >= one[1], chances >= one[0]), truth, counted) for one in tried}
    enough = max(scores.values()) - AS_GOOD
    highest = max(add for (add, _), score in scores.items() if score >= enough)
    return max((one for one in tried if one[0] == highest), key=scores.__getitem__)


def _f1(told: NDArray[np.bool_], truth: NDArray[np.bool_], counted: Floats) -> float:
    right = float(counted[told & truth].sum())
    return 2 * right / max(float(counted[told].sum()) + float(counted[truth].sum()), 1.0)


def _unseen(sheet: Sheet) -> Floats:
    """Each message's chances by a model that was fitted on the other parts, without what was made from its own."""
    out = np.zeros((sheet.messages, len(SIGNALS)))
    for part in range(FOLDS):
        columns, weights, biases = _descend(sheet, sheet.fold != part)
        there = np.flatnonzero(sheet.fold[: sheet.messages] == part)
        out[there] = _chance(_scaled(sheet.seen[there][:, columns]) @ weights + biases)
    return out


def _truth(messages: Sequence[Labelled]) -> NDArray[np.bool_]:
    return np.array([[name in one.signals for name in SIGNALS] for one in messages])


def _ruled(messages: Sequence[Labelled], rules: Rules) -> NDArray[np.bool_]:
    return np.array([[name in found for name in SIGNALS] for one in messages for found in (rules(one.text)[1],)])


# --- the descent ----------------------------------------------------------------------------------------


class Sheet(Struct, frozen=True, eq=False):
    """The messages and, behind them, what is made from them: read once for all descents."""

    messages: int
    #: Every run that stands in enough messages, and in which rows (rows x names) each is.
    names: list[str]
    seen: Any
    #: Which signals a row has (rows x signals), how much it counts, and its part.
    truth: Floats
    weight: Floats
    fold: NDArray[np.int64]


def _sheet(messages: Sequence[Labelled], rules: Rules) -> Sheet:
    fold = [crc32(one.text.encode()) % FOLDS for one in messages]
    made, parts = _made(messages, fold)
    rows = [*messages, *made]
    found = [features_of(one.text, rules) for one in rows]
    counts: Counter[str] = Counter()
    for one in found[: len(messages)]:
        counts.update(one)
    names = sorted(name for name, count in counts.items() if count >= SEEN_AT_LEAST)
    return Sheet(
        len(messages), names, _matrix(found, names), _truth(rows).astype(np.float32),
        np.array([one.weight for one in rows], dtype=np.float32), np.array([*fold, *parts]))


def _of(sheet: Sheet, columns: NDArray[np.intp]) -> Sheet:
    """The sheet with these features alone."""
    return replace(sheet, names=[sheet.names[place] for place in columns], seen=sheet.seen[:, columns])


def _descend(sheet: Sheet, taken: NDArray[np.bool_]) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Fit on the rows that are taken: the places of the features, their weights (features x signals) and the biases."""
    originals = np.flatnonzero(taken[: sheet.messages])
    columns = np.flatnonzero(np.asarray(sheet.seen[originals].sum(axis=0)).ravel() >= SEEN_AT_LEAST)
    rows = np.flatnonzero(taken)
    seen = _scaled(sheet.seen[rows][:, columns])
    back, truth, weight = seen.T.tocsr(), sheet.truth[rows], sheet.weight[rows]
    counted = np.where(truth > 0, np.float32(PRESENT), np.float32(1)) * weight[:, None]
    decay = np.float32(DECAY * float(weight.sum()))
    weights = np.zeros((len(columns), len(SIGNALS)), dtype=np.float32)
    biases = np.full(len(SIGNALS), -3, dtype=np.float32)
    square, bias_square = np.full_like(weights, 1e-3), np.full_like(biases, 1e-3)
    rate = np.float32(RATE)
    for _ in range(STEPS):
        off = (_chance(seen @ weights + biases) - truth) * counted
        step, bias_step = back @ off + decay * weights, off.sum(axis=0)
        square += step * step
        bias_square += bias_step * bias_step
        weights -= rate * step / np.sqrt(square)
        biases -= rate * bias_step / np.sqrt(bias_square)
    return columns, weights, biases


def features_of(text: str, rules: Rules) -> set[str]:
    """A message's features, the rules' findings among them."""
    return features(*rules(text))


def _matrix(rows: Sequence[set[str]], names: Sequence[str]) -> Any:
    place = {name: number for number, name in enumerate(names)}
    columns: list[int] = []
    ends = [0]
    for found in rows:
        columns += sorted([place[name] for name in found if name in place])
        ends.append(len(columns))
    return csr_matrix((np.ones(len(columns), dtype=np.float32), columns, ends), shape=(len(rows), len(names)))


def _scaled(seen: Any) -> Any:
    """Of a message with many features each counts less, by the root."""
    known = np.maximum(np.asarray(seen.sum(axis=1)).ravel(), FEWEST)
    return seen.multiply(np.sqrt(USUAL / known).astype(np.float32)[:, None]).tocsr()


def _chance(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logits)))


def _made(messages: Sequence[Labelled], fold: Sequence[int]) -> tuple[list[Labelled], list[int]]:
    """Messages made from others: with what people put around them, with a slip of sound, and two in one; their parts.

    The two are of one part, so that no part holds what another is to be told by.
    """
    parts = [[one for one, part in zip(messages, fold, strict=True) if part == number] for number in range(FOLDS)]
    made: list[Labelled] = []
    of: list[int] = []
    for one, part in zip(messages, fold, strict=True):
        text, dice = one.text, crc32(one.text.encode())
        made.append(Labelled(text + _AFTER[dice % len(_AFTER)], one.signals, MADE))
        made.append(Labelled(_BEFORE[(dice >> 4) % len(_BEFORE)] + text, one.signals, MADE))
        at = (dice >> 8) % len(text)
        alike = _ALIKE.get(sound(text[at]), [text[at]])
        made.append(Labelled(text[:at] + alike[(dice >> 12) % len(alike)] + text[at + 1 :], one.signals, MADE))
        other = parts[part][(dice >> 3) * 7 % len(parts[part])]
        signals = {*one.signals, *other.signals}
        if not signals & _ALONE:
            joined = f"{text}{_BETWEEN[(dice >> 6) % len(_BETWEEN)]}{other.text}"
            made.append(Labelled(joined, tuple(sorted(signals)), MADE))
        of += [part] * (len(made) - len(of))
    return made, of
