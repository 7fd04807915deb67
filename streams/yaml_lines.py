"""YAML that remembers its lines: plain data, and the line of anything in it.

Only what a playbook or a list of offers needs: mappings with text keys, lists, text, numbers, yes and no.
Tags, merge keys, duplicate keys and aliases that grow without end are refused, with their line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from schemas.errors import BadFile

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # libyaml is not everywhere; the same in Python, ten times slower
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]  # the same face

#: libyaml's composer recurses in C, so that depth is bounded before it is called.
DEEPEST: Final = 40
LARGEST: Final = 2_000_000
#: Nodes after aliases are written out.
MOST_NODES: Final = 200_000

_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SCALARS: Final = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null")}
_NUMBERS: Final = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
_TIMESTAMP: Final = "tag:yaml.org,2002:timestamp"
_MERGE: Final = "tag:yaml.org,2002:merge"

Loc = Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML document: its `data`, and the lines of its parts."""

    data: Any
    root: yaml.Node | None

    def line(self, loc: Loc = ()) -> int:
        """The line (1-based) of the part at `loc`; where `loc` leads nowhere, that of the last part it reached."""
        return self.place(loc)[0]

    def place(self, loc: Loc) -> tuple[int, yaml.Node | None]:
        """The line of the key or item at `loc`, and its node."""
        node, line = self.root, self.root.start_mark.line + 1 if self.root is not None else 1
        for step in loc:
            found = _child(node, step)
            if found is None:
                continue
            line, node = found
        return line, node

    def text_line(self, loc: Loc, within: int) -> int:
        """The line of the file that holds line `within` (1-based) of the text at `loc`."""
        line, node = self.place(loc)
        if not isinstance(node, yaml.ScalarNode):
            return line
        first = node.start_mark.line + (2 if node.style in ("|", ">") else 1)
        return min(first + within - 1, node.end_mark.line + 1)


def _child(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
        item = node.value[step]
        return item.start_mark.line + 1, item
    return None


def read_yaml(text: str, file: str, error: type[BadFile]) -> Document:
    """Read one YAML document.

    Raises:
        error: with the file, the line and what is wrong.
    """
    if len(text) > LARGEST:
        raise error(file, None, f"the file has {len(text)} characters, more than {LARGEST}", "split it")
    text = text.removeprefix("\ufeff")
    if (bad := _NOT_YAML.search(text)) is not None:
        line = text.count("\n", 0, bad.start()) + 1
        raise error(file, line, f"the character U+{ord(bad[0]):04X} cannot stand in YAML", "take it out")
    try:
        _bounded(text, file, error)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        what = f"not YAML: {problem.problem or problem.context}"
        raise error(file, mark.line + 1 if mark else None, what, _remedy(what)) from problem
    except yaml.YAMLError as problem:
        raise error(file, None, f"not YAML: {problem}".replace("\n", " ")) from problem
    data = None if root is None else _Build(file, error).build(root, 0)
    return Document(data, root)


def _remedy(what: str) -> str:
    if "tab" in what or "cannot start any token" in what:
        return "indent with spaces, and put text that starts with a sign in quotes"
    if "mapping values" in what:
        return "put text that has a colon in quotes"
    return "look at the indentation and the quotes just before this line"


def _bounded(text: str, file: str, error: type[BadFile]) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
            if depth > DEEPEST:
                line = event.start_mark.line + 1 if event.start_mark else None
                raise error(file, line, f"nested more than {DEEPEST} deep", "write it flatter")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1


class _Build:
    """Nodes to plain data, each alias written out and counted."""

    def __init__(self, file: str, error: type[BadFile]) -> None:
        self._file, self._error, self._nodes = file, error, 0
        self._scalars = yaml.constructor.SafeConstructor()

    def build(self, node: yaml.Node, depth: int) -> Any:
        self._nodes += 1
        # An alias that leads back to itself has no end; one that doubles what doubles has none in practice.
        if depth > DEEPEST or self._nodes > MOST_NODES:
            raise self._bad(node, "aliases that grow without end", "write it out")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, depth + 1) for item in node.value]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                raise self._bad(key, "merge keys (<<) are not read", "write it out")
            # A key counts as it is written: YAML 1.1 would read `on:` as true.
            if not isinstance(key, yaml.ScalarNode):
                raise self._bad(key, "a key must be plain text", "put text with braces or brackets in quotes")
            if key.value in data:
                raise self._bad(key, f"{key.value} stands here twice", "take one of them out")
            data[key.value] = self.build(value, depth + 1)
        return data

    def _scalar(self, node: yaml.Node) -> Any:
        # YAML 1.1 reads 19:30 as 1170 (sixties) and 2026-03-02 as a date; here they are what was written.
        if node.tag == _TIMESTAMP or (node.tag in _NUMBERS and ":" in node.value):
            return node.value
        if node.tag not in _SCALARS:
            raise self._bad(node, f"the tag {node.tag} is not read", "take the tag out")
        try:
            return self._scalars.construct_object(node)
        except (ValueError, KeyError) as problem:
            raise self._bad(node, f"{node.value!r} cannot be read", "put text in quotes") from problem

    def _bad(self, node: yaml.Node, what: str, remedy: str) -> BadFile:
        return self._error(self._file, node.start_mark.line + 1, what, remedy)
