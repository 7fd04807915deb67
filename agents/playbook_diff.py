"""What is other in a playbook than in its base, in lines that a person reads: duty by duty, and texts line by line."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import ndiff
from typing import Any

from schemas.playbook import Playbook

#: What every derived playbook has of its own.
_NAMES = frozenset({"playbook", "version", "derived"})
#: Who a field belongs to: an item by its id, or the place itself.
Owner = tuple[str, str]
Fields = dict[str, Any]


def differences(base: Playbook, other: Playbook) -> list[str]:
    """The lines of the difference: what is changed (~), gone (-) and new (+); none where both say the same."""
    before, after = _Said(base), _Said(other)
    lines = [*_of_places(before, after)]
    for id in dict.fromkeys((*before.places, *after.places)):
        lines += _of_item(id, before, after)
    return lines


class _Said:
    """A playbook taken apart: the fields of each item with an id, and those that stand outside of all."""

    def __init__(self, playbook: Playbook) -> None:
        self.places: dict[str, str] = {}
        self.items: dict[str, Fields] = {}
        self.rest: Fields = {}
        data = playbook.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=set(_NAMES))
        self._walk(data, (), (), None)

    def _walk(self, data: Any, place: tuple[str, ...], path: tuple[str, ...], id: str | None) -> None:
        if isinstance(data, dict):
            self._mapping(data, place, path, id)
        elif isinstance(data, list) and any(isinstance(item, dict) for item in data):
            for number, item in enumerate(data, 1):
                named = isinstance(item, dict) and {"id", "stage", "phase"} & set(item)
                self._walk(item, place, path if named else (*path, str(number)), id)
        else:
            words = ", ".join(map(str, data)) if isinstance(data, list) else data
            fields = self.rest if id is None else self.items[id]
            fields[" · ".join((*(place if id is None else ()), *path))] = words

    def _mapping(self, data: Fields, place: tuple[str, ...], path: tuple[str, ...], id: str | None) -> None:
        here = place
        if isinstance(data.get("id"), str):
            id = data["id"]
            self.places[id], self.items[id], path = " · ".join(here), {}, ()
        elif "stage" in data and "phases" in data:
            here, path = (f"stage {data['stage']}",), ()
        elif "phase" in data and "plan" in data:
            here, path = (*here, str(data["phase"])), ()
        for key, value in data.items():
            if key in ("id", "stage", "phase"):
                continue
            if key == "plan" and isinstance(value, dict):
                for day, duties in value.items():
                    self._walk(duties, (*here, f"day {day}"), (), id)
            elif key in ("phases", "stages"):
                self._walk(value, here, (), id)
            elif id is None and isinstance(value, list) and any(isinstance(item, dict) for item in value):
                self._walk(value, (*here, key), (), id)
            else:
                self._walk(value, here, (*path, key), id)


def _of_places(before: _Said, after: _Said) -> Iterator[str]:
    for name in dict.fromkeys((*before.rest, *after.rest)):
        yield from _of_field(name, before.rest.get(name), after.rest.get(name), "")


def _of_item(id: str, before: _Said, after: _Said) -> Iterator[str]:
    was, now = before.places.get(id), after.places.get(id)
    old, new = before.items.get(id, {}), after.items.get(id, {})
    if was is None or now is None:
        sign, place, fields = ("+", now, new) if was is None else ("-", was, old)
        yield f"{sign} {id} ({place})"
        for name, value in fields.items():
            if name in ("at", "role", "action", "on", "kind") or name.endswith("text"):
                yield from (f"    {sign} {line}" for line in f"{name}: {value}".splitlines())
        return
    lines = [line for name in dict.fromkeys((*old, *new))
             for line in _of_field(name, old.get(name), new.get(name), "    ")]
    if was != now:
        lines.insert(0, f"    {was} → {now}")
    if lines:
        yield f"~ {id} ({now})"
        yield from lines


def _of_field(name: str, old: Any, new: Any, indent: str) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, str) and isinstance(new, str) and (name.endswith("text") or "\n" in old + new):
        yield f"{indent}{name}:"
        for line in ndiff(old.splitlines(), new.splitlines()):
            if not line.startswith("?"):
                yield f"{indent}  {line}"
        return
    yield f"{indent}{name}: {_words(old)} → {_words(new)}"


def _words(value: Any) -> str:
    return "—" if value is None or value == "" else str(value)
