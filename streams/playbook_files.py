"""Playbooks from files: read, checked, and whatever is wrong said with its line.

The playbooks that ship are `agents/playbooks/*.yaml`; a dealer's own of the same name stands over them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from agents.playbook_check import Severity, check
from schemas.errors import BadPlaybook
from schemas.playbook import Playbook
from streams.yaml_lines import Document, read_yaml

Loc = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a playbook's file, and what to do."""

    file: str
    line: int
    severity: Severity
    what: str
    remedy: str

    def error(self) -> BadPlaybook:
        """The complaint as an error."""
        return BadPlaybook(self.file, self.line, self.what, self.remedy)


def load_playbook(text: str, file: str, offers: Collection[str] = ()) -> Playbook:
    """Read a playbook that may be used; `offers` are the names of the dealer's own offers.

    Raises:
        BadPlaybook: with the file, the line, what is wrong first, and the remedy. Warnings raise nothing.
    """
    playbook, complaints = examine(text, file, offers)
    worst = next((complaint for complaint in complaints if complaint.severity == "error"), None)
    if worst is not None:
        raise worst.error()
    if playbook is None:
        raise BadPlaybook(file, 1, "the file is empty", "see `loupan playbook new`")
    return playbook


def examine(text: str, file: str, offers: Collection[str] = ()) -> tuple[Playbook | None, list[Complaint]]:
    """The playbook, where its form is right, and everything that is wrong with it, errors first.

    Raises:
        BadPlaybook: when the file is not YAML that can be read, so that nothing else can be said.
    """
    document = read_yaml(text, file, BadPlaybook)
    if document.root is None:
        return None, [Complaint(file, 1, "error", "the file is empty", "see `loupan playbook new`")]
    try:
        playbook = Playbook.model_validate(document.data)
    except ValidationError as error:
        return None, [_of_form(document, file, detail) for detail in error.errors(include_url=False)]
    return playbook, [*_zone(document, file, playbook), *_of_sense(document, file, playbook, offers)]


def _of_sense(document: Document, file: str, playbook: Playbook, offers: Collection[str]) -> list[Complaint]:
    return [
        Complaint(file, document.text_line(found.loc, found.within), found.severity, found.what, found.remedy)
        for found in check(playbook, offers)
    ]


def _zone(document: Document, file: str, playbook: Playbook) -> list[Complaint]:
    try:
        ZoneInfo(playbook.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        what = f"there is no time zone {playbook.zone}"
        return [Complaint(file, document.line(("zone",)), "error", what, "write it as Asia/Shanghai")]
    return []


# --- errors of form -------------------------------------------------------------------------------


def _of_form(document: Document, file: str, detail: ErrorDetails) -> Complaint:
    loc, kind = detail["loc"], detail["type"]
    what = detail["msg"].removeprefix("Value error, ")
    remedy = _REMEDIES.get(kind, "")
    where = loc
    if kind == "missing":
        what, remedy = f"{_said(loc[:-1])}misses {loc[-1]}", f"add {loc[-1]}:"
    elif kind == "extra_forbidden":
        what, remedy = f"{_said(loc[:-1])}has an unknown field {loc[-1]}", "look for a misspelling, or take it out"
    elif kind == "value_error":
        where, remedy = _finer(document.data, loc, what)
    else:
        what = f"{_said(loc)}{what[:1].lower()}{what[1:]}"
    return Complaint(file, document.line(where), "error", what, remedy)


_REMEDIES: Final = {
    "string_type": "put it in quotes", "int_type": "write a whole number", "int_parsing": "write a whole number",
    "tuple_type": "write a list, each item on a line that starts with -", "dict_type": "write `name: value` lines",
    "model_type": "write `name: value` lines", "enum": "look for a misspelling",
    "string_pattern_mismatch": "use small letters, digits and -",
}


def _said(loc: Loc) -> str:
    """The place in words: ``stages 1, phases 2, plan 1: ``; items count from 1."""
    words: list[str] = []
    for step in loc:
        if isinstance(step, int) and words:
            words[-1] += f" {step + 1}"
        else:
            words.append(str(step))
    return f"{', '.join(words)}: " if words else ""


def _finer(data: Any, loc: Loc, what: str) -> tuple[Loc, str]:
    """A more exact place than that of the part whose rule was broken, and the remedy."""
    for pattern, step, remedy in _RULES:
        if (match := re.search(pattern, what)) is not None:
            return step(data, loc, match), remedy
    return loc, ""


Step = Callable[[Any, Loc, "re.Match[str]"], Loc]


def _under(*steps: str) -> Step:
    return lambda _data, loc, _match: (*loc, *steps)


def _day(_data: Any, loc: Loc, match: re.Match[str]) -> Loc:
    return (*loc, "plan", match[1])


def _second_id(data: Any, loc: Loc, match: re.Match[str]) -> Loc:
    places = _places_of_id(data, match[1], ())
    return places[1] if len(places) > 1 else loc


def _at_of_id(data: Any, loc: Loc, match: re.Match[str]) -> Loc:
    places = _places_of_id(data, match[1], ())
    return (*places[0][:-1], "at") if places else loc


def _places_of_id(data: Any, id: str, loc: Loc) -> list[Loc]:
    """Where ``id: <id>`` stands, in the order of the file."""
    if isinstance(data, dict):
        here = [(*loc, "id")] if data.get("id") == id else []
        return here + [place for key, value in data.items() for place in _places_of_id(value, id, (*loc, key))]
    if isinstance(data, list):
        return [place for n, value in enumerate(data) for place in _places_of_id(value, id, (*loc, n))]
    return []


#: What `schemas.playbook` says of a part as a whole: which place in it is meant, and what to do.
_RULES: Final[tuple[tuple[str, Step, str], ...]] = (
    (r"misses the phase (\w+)", _under("phases"), "a stage has warm_up, trust, value, sign_up and closing"),
    (r"the phases stand in the order", _under("phases"), "put them in that order"),
    (r"^day (\d+) of \w+ has no duties", _day, "give every day of the phase its duties"),
    (r"^day (\d+) is not among", _day, "take the day out, or raise days:"),
    (r"^longest \(", _under("longest"), "longest counts all days of the phase"),
    (r"has no rescue duties", _under("longest"), "add rescue:, or write longest as days"),
    (r"the id (\S+) is used twice", _second_id, "give it an id of its own"),
    (r"^(\S+) at \S+ lies in the curfew", _at_of_id, "move it out of the curfew"),
    (r"^(\S+) at \S+ lies in no window", _at_of_id, "move it into a window, or add the window"),
    (r"the ladder's rungs stand", _under("ladder"), "put the lowest rung first"),
    (r"testimonial is missing", _under("speaks_as"), "name the product: testimonial: 全屋定制"),
    (r"a testimonial is given by a buyer", _under("testimonial"), "take testimonial out, or write speaks_as: buyer"),
)


# --- the playbooks that ship ----------------------------------------------------------------------


@lru_cache(maxsize=1)
def builtin_texts() -> dict[str, str]:
    """The YAML of the playbooks that ship, by file name without its ending."""
    folder = files("agents") / "playbooks"
    found = sorted((item for item in folder.iterdir() if item.name.endswith(".yaml")), key=lambda item: item.name)
    return {item.name.removesuffix(".yaml"): item.read_text("utf-8") for item in found}


def builtin_playbooks() -> dict[str, Playbook]:
    """The playbooks that ship, by name.

    Raises:
        BadPlaybook: when one of ours is wrong.
    """
    playbooks = (_builtin(text, f"{name}.yaml") for name, text in builtin_texts().items())
    return {playbook.playbook: playbook for playbook in playbooks}


@lru_cache(maxsize=64)
def _builtin(text: str, file: str) -> Playbook:
    return load_playbook(text, file)
