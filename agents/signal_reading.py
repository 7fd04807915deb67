"""A message is walked through once, character by character: which features of the model it has, and what to look at.

The features, the cue words of the rules and the words of a class are one tree of runs (`Node`), and a `State` is where
the walk stands in it as written and as spoken at once. States are made when they are first come to, and forgotten
together when the ways between them are many: what a text says does not depend on which there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from operator import attrgetter, getitem
from typing import Any, Final

from agents.signal_features import EDGE, NUMBER_SIGNS, RULED, WORDS, heard_as
from agents.signal_kinds import KIND, KINDS

#: So many ways between states are kept at once, some 30 MB.
KEPT: Final = 200_000
#: Marks, beside the features' numbers: a word stands there that calls a rule; a word of a class or a part of a number;
#: a sign after which something may be set aside; from `FIRST_KIND` downwards a word of each kind.
CUE, CLASS, ASIDE, FIRST_KIND = -1, -2, -3, -4


class Node(dict[str, Any]):
    """A run of characters that words begin with: the longest that a text read so far ends with.

    Its items lead to the node after one more character. `found` are the numbers of all words that a text which ends
    here ends with, `back` is the node of the next shorter run; `place` is its own number in its tree.
    """

    __slots__ = ("back", "found", "place")

    def __init__(self, place: int) -> None:
        super().__init__()
        self.place = place
        self.found: tuple[int, ...] = ()
        self.back: Node | None = None

    def after(self, char: str) -> Node:
        """The node after one more character, whether a word goes on with it or not."""
        node = self
        while char not in node:
            if node.back is None:
                return node
            node = node.back
        found: Node = node[char]
        return found


def tree(words: Iterable[tuple[str, int]]) -> Node:
    """The node of the empty run, from which all others are reached; words with their numbers."""
    root, count = Node(0), 1
    for word, number in words:
        node = root
        for char in word:
            if char not in node:
                node[char] = Node(count)
                count += 1
            node = node[char]
        node.found += (number,)
    level: list[tuple[Node, Node, str]] = [(root, node, char) for char, node in root.items()]
    while level:
        below = []
        for parent, node, char in level:
            node.back = parent.back.after(char) if parent.back is not None else root
            node.found += node.back.found
            below += [(node, child, step) for step, child in node.items()]
        level = below
    return root


class State(dict[str, Any]):
    """Where a walk stands, as written and as spoken; its items lead on.

    `found` is what ends with the last character, `worth` the sum of the worths of it.
    """

    __slots__ = ("found", "spoken", "walk", "worth", "written")

    def __init__(self, walk: Walk, written: Node, spoken: Node | None, found: frozenset[int], worth: int) -> None:
        super().__init__()
        self.walk, self.written, self.spoken, self.found, self.worth = walk, written, spoken, found, worth

    def __missing__(self, char: str) -> State:
        return self.walk.on(self, char)


_found, _worth = attrgetter("found"), attrgetter("worth")


class Walk:
    """The way through a text, by a tree of what may be found in it: as written, and as spoken where `heard` says so.

    `signs` are marks of single characters; `worths` has what each number counts, marks at its end.
    """

    def __init__(self, words: Node, signs: Mapping[str, int], worths: Sequence[int], *, heard: bool) -> None:
        self.words, self._signs, self._worths, self._heard = words, signs, worths, heard
        #: What is found with an edge alone is found with both; it is counted once, at the first.
        self._edge = words.after(EDGE).found
        self._states: dict[tuple[int, int, int], State] = {}
        self._ways = 0
        self._start = self._begin()

    def _begin(self) -> State:
        self._states.clear()
        self._ways = 0
        words = self.words
        start = self.on(State(self, words, words if self._heard else None, frozenset(), 0), EDGE)
        found = start.found.union(self._edge)
        return State(self, start.written, start.spoken, found, sum([self._worths[number] for number in found]))

    def on(self, state: State, char: str) -> State:
        """The state after one more character."""
        written = state.written.after(char)
        spoken = state.spoken.after(heard_as(char)) if state.spoken is not None else None
        sign = self._signs.get(char, 0)
        key = (written.place, spoken.place if spoken is not None else -1, sign)
        after = self._states.get(key)
        if after is None:
            found = {*written.found, *(spoken.found if spoken is not None else ()), *((sign,) if sign else ())}
            found.difference_update(self._edge)
            worth = sum([self._worths[number] for number in found])
            after = self._states[key] = State(self, written, spoken, frozenset(found), worth)
        if self._ways >= KEPT:
            self._start = self._begin()
        self._ways += 1
        state[char] = after
        return after

    def through(self, low: str) -> set[int]:
        """The numbers of all that is found in a text that stands between edges."""
        return set().union(*map(_found, accumulate(low + EDGE, getitem, initial=self._start)))

    def worth(self, low: str) -> int:
        """The sum of the worths of all that is found, of a text in which no two characters sound alike."""
        return sum(map(_worth, accumulate(low + EDGE, getitem, initial=self._start)))


def walks_by(features: Iterable[str], cues: Iterable[str], aside: str, worths: Sequence[int]) -> tuple[Walk, Walk]:
    """The walk for what is found as written and as spoken, with its marks, and the one for what is written in classes.

    `aside` are the signs of `ASIDE`; `worths` what the features count, and behind these the marks.
    """
    numbered = [(name, number) for number, name in enumerate(features) if not name.startswith((RULED, KIND))]
    marked = [(word, CUE) for word in cues] + [(word, CLASS) for words in WORDS.values() for word in words.split()]
    marked += [(word, FIRST_KIND - at) for at, words in enumerate(KINDS.values()) for word in words.split()]
    signs = {**dict.fromkeys(NUMBER_SIGNS, CLASS), **dict.fromkeys(aside, ASIDE)}
    return Walk(tree([*numbered, *marked]), signs, worths, heard=True), Walk(tree(numbered), {}, worths, heard=False)
