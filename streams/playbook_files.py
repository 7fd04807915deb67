"""Playbooks from files: read, checked, and whatever is wrong said with its line.

The playbooks that ship are `agents/playbooks/*.yaml`; a dealer's own of the same name stands over them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from agents.patching import Fault, laxer, origin, patched
from agents.playbook_check import Severity, check
from schemas.errors import BadPlaybook
from schemas.playbook import Playbook
from schemas.playbook_patch import Patch
from streams.playbook_shelf import base_of, shelve
from streams.yaml_lines import Document, read_yaml
from streams.zones import zone_of

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


def load_playbook(
    text: str, file: str, offers: Collection[str] = (), bases: Iterable[Playbook] | None = None
) -> Playbook:
    """Read a playbook that may be used; `offers` are the names of the dealer's own offers.

    A patch is put upon one of `bases`: the playbooks that ship, unless told otherwise.

    Raises:
        BadPlaybook: with the file, the line, what is wrong first, and the remedy. Warnings raise nothing.
    """
    return _usable(file, *examine(text, file, offers, bases))


def _usable(file: str, playbook: Playbook | None, complaints: list[Complaint]) -> Playbook:
    worst = next((complaint for complaint in complaints if complaint.severity == "error"), None)
    if worst is not None:
        raise worst.error()
    if playbook is None:
        raise BadPlaybook(file, 1, "the file is empty", "see `loupan playbook new`")
    return playbook


def examine(
    text: str, file: str, offers: Collection[str] = (), bases: Iterable[Playbook] | None = None
) -> tuple[Playbook | None, list[Complaint]]:
    """The playbook, where its form is right, and everything that is wrong with it, errors first.

    Raises:
        BadPlaybook: when the file is not YAML that can be read, so that nothing else can be said.
    """
    return _examine(read_yaml(text, file, BadPlaybook), file, offers, bases)


def _examine(
    document: Document, file: str, offers: Collection[str], bases: Iterable[Playbook] | None, *, sense: bool = True
) -> tuple[Playbook | None, list[Complaint]]:
    if document.root is None:
        return None, [Complaint(file, 1, "error", "the file is empty", "see `loupan playbook new`")]
    if is_patch(document):
        beneath = builtin_playbooks().values() if bases is None else bases
        return _examine_patch(document, file, offers, beneath, sense=sense)
    try:
        playbook = Playbook.model_validate(document.data)
    except ValidationError as error:
        return None, [_of_form(document, file, detail) for detail in error.errors(include_url=False)]
    found = _of_sense(document, file, playbook, offers) if sense else []
    return playbook, [*_zone(document, file, playbook), *found]


def load_texts(
    texts: Iterable[tuple[str, str]], offers: Collection[str] = (), beneath: Iterable[Playbook] = (), *,
    sense: bool = True,
) -> list[tuple[str, Playbook]]:
    """The playbooks of several (file, text), patches after what they are put upon, with their files.

    `beneath` are others that a patch may be put upon. Without `sense` their form alone is looked at.

    Raises:
        BadPlaybook: for the first that cannot be used.
    """
    waiting = [(file, read_yaml(text, file, BadPlaybook)) for file, text in texts]
    loaded: list[tuple[str, Playbook]] = []
    bases = list(beneath)
    while waiting:
        ready = [item for item in waiting if not _waits(item, waiting)] or waiting[:1]
        for file, document in ready:
            playbook = _usable(file, *_examine(document, file, offers, bases, sense=sense))
            loaded.append((file, playbook))
            bases.append(playbook)
        waiting = [item for item in waiting if item not in ready]
    return loaded


def readable_among(texts: Iterable[tuple[str, str]], beneath: Iterable[Playbook]) -> list[Playbook]:
    """Those of several (file, text) that are playbooks and can be used; the others are nobody's concern here."""
    found, bases = list[Playbook](), list(beneath)
    waiting = list(texts)
    while waiting:
        left = []
        for file, text in waiting:
            try:
                found.append(load_playbook(text, file, bases=[*bases, *found]))
            except BadPlaybook:
                left.append((file, text))
        if len(left) == len(waiting):
            break
        waiting = left
    return found


def _waits(item: tuple[str, Document], waiting: list[tuple[str, Document]]) -> bool:
    """Whether a patch is put upon another of those that are still to be read."""
    _, document = item
    if not is_patch(document):
        return False
    base = document.data.get("base")
    return any(
        other is not document and base in (other.data.get("playbook"), other.data.get("patch"))
        for _, other in waiting if isinstance(other.data, dict))


def written(playbook: Playbook) -> str:
    """A playbook as a text that is read back as the same."""
    return playbook.model_dump_json(by_alias=True, exclude_defaults=True)


# --- patches --------------------------------------------------------------------------------------


def is_patch(document: Document) -> bool:
    """Whether the file is a patch of a playbook."""
    return isinstance(document.data, dict) and "patch" in document.data


def read_patch(text: str, file: str) -> Patch | None:
    """The patch that a file holds; None where it holds a playbook.

    Raises:
        BadPlaybook: when its form is wrong.
    """
    document = read_yaml(text, file, BadPlaybook)
    if not is_patch(document):
        return None
    try:
        return Patch.model_validate(document.data)
    except ValidationError as error:
        raise _of_form(document, file, error.errors(include_url=False)[0]).error() from error


def _examine_patch(
    document: Document, file: str, offers: Collection[str], bases: Iterable[Playbook], *, sense: bool
) -> tuple[Playbook | None, list[Complaint]]:
    try:
        patch = Patch.model_validate(document.data)
    except ValidationError as error:
        return None, [_of_form(document, file, detail) for detail in error.errors(include_url=False)]
    bases = list(bases)
    base = base_of(patch, bases)
    if isinstance(base, Fault):
        return None, [_fault(document, file, base)]
    data, faults = patched(patch, base)
    if faults:
        return None, [_fault(document, file, fault) for fault in faults]
    try:
        playbook = Playbook.model_validate(data)
    except ValidationError as error:
        return None, _of_derived(document, file, patch, data, error.errors(include_url=False))
    return playbook, [
        *(_fault(document, file, fault) for fault in laxer(base, playbook)),
        *_zone(document, file, playbook),
        *(Complaint(file, document.text_line(origin(patch, data, found.loc), found.within), found.severity,
                    found.what, found.remedy) for found in (check(playbook, offers) if sense else ())),
        *_newer_base(document, file, base, bases),
    ]


def _newer_base(document: Document, file: str, base: Playbook, bases: list[Playbook]) -> list[Complaint]:
    newest = max((other for other in bases if other.playbook == base.playbook), key=lambda other: other.version)
    if newest.version == base.version or (newest.derived is not None and newest.derived.base == newest.playbook):
        return []
    what = f"it is put upon version {base.edition} of {base.playbook}, and there is {newest.edition}"
    return [Complaint(file, document.line(("base_version",)), "warning", what, "bring it along: look at --diff first")]


def _fault(document: Document, file: str, fault: Fault) -> Complaint:
    return Complaint(file, document.line(fault.loc), "error", fault.what, fault.remedy)


def _of_derived(
    document: Document, file: str, patch: Patch, data: Any, details: list[ErrorDetails]
) -> list[Complaint]:
    """What is wrong with the derived playbook's form, at the lines of the patch that brought it about."""
    found = []
    for detail in details:
        complaint = _of_form(Document(data, None), file, detail)
        loc = origin(patch, data, _finer(data, detail["loc"], complaint.what)[0])
        found.append((loc, replace(complaint, line=document.line(loc))))
    said = [complaint for loc, complaint in found if loc != ("base",)]
    return said or [complaint for _, complaint in found]


def _of_sense(document: Document, file: str, playbook: Playbook, offers: Collection[str]) -> list[Complaint]:
    return [
        Complaint(file, document.text_line(found.loc, found.within), found.severity, found.what, found.remedy)
        for found in check(playbook, offers)
    ]


def _zone(document: Document, file: str, playbook: Playbook) -> list[Complaint]:
    try:
        zone_of(playbook.zone)
    except ValueError as error:
        return [Complaint(file, document.line(("zone",)), "error", str(error), "write it as Asia/Shanghai")]
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


@lru_cache(maxsize=1)
def builtin_playbooks() -> dict[str, Playbook]:
    """The playbooks that ship, by name.

    Every command reads them, so that their form alone is looked at: that each makes sense, a test asks of it
    before it ships (tests/agents/test_shipped_playbooks.py). What is rendered and handed out is judged as ever.

    Raises:
        BadPlaybook: when one of ours is wrong.
    """
    loaded = load_texts(((f"{name}.yaml", text) for name, text in builtin_texts().items()), sense=False)
    return shelve(playbook for _, playbook in loaded)
