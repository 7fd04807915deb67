"""Several playbooks side by side: which one a name means, and upon which one a patch is put."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from agents.patching import Fault
from schemas.playbook import Playbook
from schemas.playbook_patch import Patch


def shelve(*layers: Iterable[Playbook]) -> dict[str, Playbook]:
    """Playbooks by name: under its bare name the newest, under `name@edition` the older ones, which stand first.

    A later layer stands over an earlier one: what it has of a name begins new campaigns, whatever its version.
    """
    all_: dict[tuple[str, int], Playbook] = {}
    newest: dict[str, Playbook] = {}
    for layer in layers:
        best: dict[str, Playbook] = {}
        for playbook in layer:
            name = playbook.playbook
            all_[name, playbook.version] = playbook
            if name not in best or best[name].version <= playbook.version:
                best[name] = playbook
        newest.update(best)
    older = {
        name_of(playbook): playbook
        for playbook in all_.values() if newest[playbook.playbook] is not playbook
    }
    return {**older, **newest}


def name_of(playbook: Playbook) -> str:
    """A playbook's name with its version: `new-estate-own-group@1.2`."""
    return f"{playbook.playbook}@{playbook.edition}"


def startable(playbooks: Iterable[Playbook]) -> dict[str, Playbook]:
    """The playbooks that a campaign may be started with, by name: no dealer's variant, and of several the last."""
    return {playbook.playbook: playbook for playbook in playbooks if not is_variant(playbook)}


def is_variant(playbook: Playbook) -> bool:
    """Whether it is a dealer's: played only in that dealer's groups, in campaigns of its base."""
    return playbook.derived is not None and playbook.derived.by == "dealer"


def base_of(patch: Patch, bases: Iterable[Playbook]) -> Playbook | Fault:
    """The playbook that a patch is put upon, or what is wrong with the one that it names."""
    all_ = list(bases)
    of_name = [playbook for playbook in all_ if playbook.playbook == patch.base]
    if not of_name:
        names = sorted({playbook.playbook for playbook in all_})
        near = get_close_matches(patch.base, names, n=3) or names
        return Fault(("base",), f"there is no playbook {patch.base} to patch", f"there are: {', '.join(near)}")
    for playbook in of_name:
        if playbook.edition == patch.base_version:
            return playbook
    have = ", ".join(sorted({playbook.edition for playbook in of_name}))
    what = f"there is no version {patch.base_version} of {patch.base}"
    return Fault(("base_version",), what, f"there is {have}: look at --diff, then name it")
