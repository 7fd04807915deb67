"""From a playbook and a patch to another playbook, and where in the patch each of its parts was said.

Everything here works on the plain data of a playbook, as YAML gives it; what comes of it is validated and checked as
any other playbook. A gate, a limit or a curfew may only become stricter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from schemas.playbook import Playbook
from schemas.playbook_patch import Addition, Patch, PhaseChange

Loc = tuple[str | int, ...]
Data = dict[str, Any]

#: A derived version is the base's and the patch's in one number that grows with either: 2 patched by 7 is 2007.
PATCHES = 1000
#: What has a place of its own in a patch, or none.
_NO_SECTIONS = frozenset({"playbook", "version", "title", "category", "derived", "stages", "limits", "curfew"})
#: What all groups of an estate share, and so no dealer alone may change.
_SHARED = ("stages", "phases", "ladder", "windows", "curfew")
_SHARED_SECTIONS = frozenset({"for", "zone", "windows", "ladder", "balance"})


@dataclass(frozen=True, slots=True)
class Fault:
    """What cannot be done as a patch says, at `loc` in the patch."""

    loc: Loc
    what: str
    remedy: str


def patched(patch: Patch, base: Playbook) -> tuple[Data, list[Fault]]:
    """The data of the playbook that the patch makes of its base, and all that cannot be done."""
    data: Data = base.model_dump(mode="json", by_alias=True)
    faults = [
        *_of_a_dealer(patch), *_keep_stages(data, patch.stages), *_phases(data, patch.phases), *_drop(data, patch),
        *_replace(data, patch), *_add(data, patch.add), *_sections(data, patch.sections),
    ]
    for name in ("title", "category", "curfew"):
        if getattr(patch, name) is not None:
            data[name] = getattr(patch, name)
    for name in ("limits", "windows"):
        data[name].update(getattr(patch, name))
    for name, offer in patch.offers.items():
        data["offers"][name] = {**data["offers"].get(name, {}), **offer}
    if patch.ladder:
        data["ladder"] = list(patch.ladder)
    data["playbook"], data["version"] = patch.patch, base.version * PATCHES + patch.version
    data["derived"] = {
        "base": base.playbook, "base_edition": base.edition, "patch_version": patch.version, "by": patch.by,
        "dealer_id": patch.dealer_id,
    }
    return data, faults


def _of_a_dealer(patch: Patch) -> Iterator[Fault]:
    """The groups of an estate go through one campaign: a dealer changes what is said in their own, not its course."""
    if patch.by != "dealer":
        return
    places: list[Loc] = [(name,) for name in _SHARED if getattr(patch, name)]
    places += [("sections", name) for name in patch.sections if name in _SHARED_SECTIONS]
    faults = [(loc, loc[-1]) for loc in places]
    for place, addition in enumerate(patch.add):
        section = (addition.to or "").partition(".")[0]
        if section in _SHARED_SECTIONS | {"stages"}:
            faults.append((("add", place, "to"), section))
    for loc, name in faults:
        yield Fault(loc, f"a dealer's patch changes {name}, which all groups of an estate share",
                    "make it the brand's (by: brand), or take it out")


# --- items with an id -----------------------------------------------------------------------------


def _items(data: Any) -> Iterator[tuple[list[Any], Data]]:
    """Every item that has an id, with the list in which it stands."""
    if isinstance(data, dict):
        for value in data.values():
            yield from _items(value)
    elif isinstance(data, list):
        for value in data:
            if isinstance(value, dict) and isinstance(value.get("id"), str):
                yield data, value
            yield from _items(value)


class _Index:
    """The items of some data by their id, found in one walk: a patch names hundreds."""

    def __init__(self, data: Data) -> None:
        self._of_id: dict[str, list[tuple[list[Any], Data]]] = {}
        for items, item in _items(data):
            self._of_id.setdefault(item["id"], []).append((items, item))

    def find(self, id: str, loc: Loc) -> tuple[list[Any], Data] | Fault:
        found = self._of_id.get(id, [])
        return found[0] if len(found) == 1 else self._not_one(id, loc, len(found))

    def _not_one(self, id: str, loc: Loc, count: int) -> Fault:
        if count:
            return Fault(loc, f"the id {id} stands {count} times in the base", "replace the whole section")
        near = get_close_matches(id, self._of_id, n=3, cutoff=0.75)
        remedy = f"did you mean {' or '.join(near)}?" if near else "see `loupan playbook show` for the ids of the base"
        return Fault(loc, f"the base has nothing with the id {id}", remedy)


def _drop(data: Data, patch: Patch) -> Iterator[Fault]:
    index = _Index(data)
    for place, id in enumerate(patch.drop):
        found = index.find(id, ("drop", place))
        if isinstance(found, Fault):
            yield found
        else:
            items, item = found
            items.remove(item)


def _replace(data: Data, patch: Patch) -> Iterator[Fault]:
    index = _Index(data)
    for id, changes in patch.replace.items():
        found = index.find(id, ("replace", id))
        if isinstance(found, Fault):
            yield found
            continue
        _, item = found
        _merge(item, _spelt_out(item, changes))


def _spelt_out(item: Data, changes: Mapping[str, Any]) -> Data:
    """The changes with `text:` in the script where it belongs, and a text's version one higher than it was."""
    out = dict(changes)
    if "text" in out and "text" not in item:
        out["script"] = {**(out.get("script") or {}), "text": out.pop("text")}
    for name in ("script", "instead"):
        new, old = out.get(name), item.get(name)
        if isinstance(new, dict) and isinstance(old, dict) and new.get("text", old["text"]) != old["text"]:
            out[name] = {"version": old["version"] + 1, **new}
    return out


def _merge(into: Data, changes: Mapping[str, Any]) -> None:
    """Part by part; lists and texts stand in the place of the old ones, and nothing (null) takes a part out."""
    for key, value in changes.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


# --- stages, phases, sections ---------------------------------------------------------------------


def _keep_stages(data: Data, numbers: tuple[int, ...]) -> Iterator[Fault]:
    have = [stage["stage"] for stage in data["stages"]]
    for place, number in enumerate(numbers):
        if number not in have:
            yield Fault(("stages", place), f"the base has no stage {number}", f"it has {', '.join(map(str, have))}")
    if numbers:
        data["stages"] = [stage for stage in data["stages"] if stage["stage"] in numbers] or data["stages"]


def _phases(data: Data, changes: tuple[PhaseChange, ...]) -> Iterator[Fault]:
    for place, change in enumerate(changes):
        loc = ("phases", place)
        phase = _phase_of(data, change)
        if phase is None:
            yield Fault((*loc, "stage"), f"the base has no stage {change.stage}", "name a stage of the base")
            continue
        phase.update(change.model_dump(mode="json", include={"days", "longest", "aim"}, exclude_none=True))
        phase["plan"] = {day: duties for day, duties in phase["plan"].items() if int(day) <= phase["days"]}
        for measure, asked in change.gate.items():
            before = phase["gate"].get(measure)
            if before is not None and asked < before:
                what = f"the gate asks for less: {measure} {asked:g} where the base asks {before:g}"
                yield Fault((*loc, "gate", measure), what, f"write {before:g} or more, or take it out")
            phase["gate"][measure] = int(asked) if float(asked).is_integer() else asked


def _phase_of(data: Data, place: PhaseChange | Addition) -> Data | None:
    phases = [p for stage in data["stages"] if stage["stage"] == place.stage for p in stage["phases"]]
    return next((phase for phase in phases if phase["phase"] == place.phase), None)


def _add(data: Data, additions: tuple[Addition, ...]) -> Iterator[Fault]:
    for place, addition in enumerate(additions):
        loc = ("add", place)
        if addition.to is not None:
            yield from _add_to(data, addition.to, addition, loc)
            continue
        phase = _phase_of(data, addition)
        if phase is None:
            yield Fault((*loc, "stage"), f"there is no stage {addition.stage}", "name a stage of the base")
        elif addition.rescue:
            phase["rescue"].append(addition.item)
        else:
            phase["plan"].setdefault(str(addition.day), []).append(addition.item)


def _add_to(data: Data, to: str, addition: Addition, loc: Loc) -> Iterator[Fault]:
    items = _list_at(data, to)
    if items is None:
        yield Fault((*loc, "to"), f"{to} is no section that is a list", f"lists are {', '.join(_lists(data))}")
        return
    place = len(items)
    if addition.after is not None:
        ids = [item.get("id") for item in items]
        if addition.after not in ids:
            near = get_close_matches(addition.after, [id for id in ids if id], n=3)
            remedy = f"did you mean {' or '.join(near)}?" if near else "leave it out to add it at the end"
            yield Fault((*loc, "after"), f"{to} has nothing with the id {addition.after}", remedy)
            return
        place = ids.index(addition.after) + 1
    items.insert(place, addition.item)


def _list_at(data: Data, to: str) -> list[Any] | None:
    """The list that a way of names and ids leads to: `knowledge.entries`, `recurring.quiz.quiz.bank`."""
    here: Any = data
    for step in to.split("."):
        if isinstance(here, list):
            here = next((item for item in here if isinstance(item, dict) and item.get("id") == step), None)
        else:
            here = here.get(step) if isinstance(here, dict) else None
    return here if isinstance(here, list) and all(isinstance(item, dict) for item in here) else None


def _lists(data: Data) -> list[str]:
    """The lists that one may add to, a section's own among them."""
    own = {name: value for name, value in data.items() if name not in _NO_SECTIONS}
    inner = [f"{name}.{field}" for name, value in own.items() if isinstance(value, dict) for field in value]
    return sorted(name for name in (*own, *inner) if _list_at(data, name) is not None)


def _sections(data: Data, sections: Mapping[str, Any]) -> Iterator[Fault]:
    for name, section in sections.items():
        if name in _NO_SECTIONS:
            yield Fault(("sections", name), f"{name} is not replaced as a section", "see docs/playbooks.md, Patches")
        else:
            data[name] = section


# --- after validation -----------------------------------------------------------------------------


def laxer(base: Playbook, derived: Playbook) -> Iterator[Fault]:
    """In what the derived playbook allows more than its base: limits, the curfew, gates."""
    for name, limit in derived.limits:
        before = getattr(base.limits, name)
        if isinstance(limit, (int, float)) and limit > before:
            what = f"{name} is {limit}, more than the base's {before}"
            yield Fault(("limits", name), what, "a patch is stricter only")
    if not all(derived.curfew.holds(at) or at == derived.curfew.end for at in (base.curfew.start, base.curfew.end)):
        yield Fault(("curfew",), "the curfew is shorter than the base's", "a patch makes it longer only")


def origin(patch: Patch, data: Data, loc: Loc) -> Loc:
    """Where in the patch the part at `loc` of the derived data was said; the base where it was not said there."""
    item, rest = _innermost(data, loc)
    if item is not None:
        id = item["id"]
        if id in patch.replace:
            short = rest[:2] == ("script", "text") and "text" in patch.replace[id]
            return ("replace", id, *(rest[1:] if short else rest))
        for place, addition in enumerate(patch.add):
            if addition.item.get("id") == id:
                return ("add", place, "item", *rest)
    if loc and loc[0] in patch.sections:
        return ("sections", *loc)
    if loc and loc[0] in Patch.model_fields and loc[0] != "stages" and getattr(patch, str(loc[0])):
        return loc
    return ("base",)


def _innermost(data: Any, loc: Loc) -> tuple[Data | None, Loc]:
    """The innermost item with an id on the way to `loc`, and the way from there."""
    found, rest, here = None, loc, data
    for number, step in enumerate(loc):
        if isinstance(here, dict):
            here = here.get(step, here.get(str(step)))
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
        else:
            break
        if isinstance(here, dict) and isinstance(here.get("id"), str):
            found, rest = here, loc[number + 1:]
    return found, rest
