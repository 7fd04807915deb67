"""Playbooks over HTTP, as HQ looks at them: a board of days and windows, its balance, what is other in a version."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from threading import Lock
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from schemas.errors import BadPlaybook
from schemas.playbook import Playbook, StagePlan
from streams.gateway.auth import Watcher, sees
from streams.gateway.context import Gateway, Here, json
from streams.gateway.problems import BAD_PARAMETER, NOT_FOUND, Problem, unavailable
from streams.playbook_board import balance, board, difference, title_line
from streams.playbook_shelf import is_variant
from streams.reference_store import load_playbooks, reference_version
from streams.tokens import Grant

router = APIRouter(tags=["hq"])

Edition = Annotated[str | None, Query(max_length=40, description="The version, `2` or `2.1`; the newest where none")]


class Shelf:
    """Every playbook and version that a campaign may be played by, read anew where reference data were imported."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: tuple[int, dict[str, Playbook]] | None = None
        self._drawn: dict[tuple[str, str, int], msgspec.Raw] = {}

    def playbooks(self, here: Gateway) -> dict[str, Playbook]:
        """They, by name and by `name@version`.

        Raises:
            Problem: when the newest of a stored one is not right by today's rules.
        """
        return here.read(lambda connection: self._read(here, connection))

    def _read(self, here: Gateway, connection: Connection) -> dict[str, Playbook]:
        version = reference_version(connection)
        with self._lock:
            if self._kept is None or self._kept[0] != version:
                try:
                    self._kept, self._drawn = (version, load_playbooks(connection, here.reference().offers)), {}
                except BadPlaybook as error:
                    raise unavailable(str(error)) from error
            return self._kept[1]

    def board(self, here: Gateway, playbook: Playbook, stage: StagePlan) -> msgspec.Raw:
        """A stage's board as JSON: hundreds of texts are filled once, and not for everybody who looks at them."""
        name, drawn = (playbook.playbook, playbook.edition, stage.stage), self._drawn
        if name not in drawn:
            drawn[name] = msgspec.Raw(msgspec.json.encode(board(playbook, stage, here.reference().offers)))
        return drawn[name]


def _shelf(request: Request, here: Gateway, grant: Grant) -> dict[str, Playbook]:
    """Those that the grant's holder may look at: a dealer's own are its region's, the others everybody's."""
    shelf: Shelf = request.app.state.shelf
    return {name: one for name, one in shelf.playbooks(here).items() if not is_variant(one) or _theirs(grant, one)}


def _theirs(grant: Grant, variant: Playbook) -> bool:
    return sees(grant, variant.derived.dealer_id if variant.derived is not None else None)


@router.get("/v1/playbooks", summary="The playbooks, and their versions")
def read_playbooks(request: Request, here: Here, grant: Watcher) -> Response:
    """`{"playbooks"}`, each with its title, its stages, its `versions` and, of a patch, from what it was derived."""
    shelf = _shelf(request, here, grant)
    newest = [playbook for name, playbook in sorted(shelf.items()) if "@" not in name]
    return json({"playbooks": [
        {**title_line(playbook), "versions": sorted(_editions(shelf.values(), playbook.playbook), key=_numbers)}
        for playbook in newest]})


@router.get("/v1/playbooks/{name}", summary="A stage of a playbook as a board")
def read_playbook(
    name: str, request: Request, here: Here, grant: Watcher, version: Edition = None,
    stage: Annotated[int | None, Query(ge=1, le=9, description="The stage; the first where none")] = None,
) -> Response:
    """Days by phase, windows, a card for each duty with its replies, and the sections that have no day.

    Every text is filled with example names, as it would be read in a chat.
    """
    playbook = _found(_shelf(request, here, grant), name, version)
    shelf: Shelf = request.app.state.shelf
    return json(shelf.board(here, playbook, _stage(playbook, stage)))


@router.get("/v1/playbooks/{name}/balance", summary="What each day of a playbook serves")
def read_balance(name: str, request: Request, here: Here, grant: Watcher, version: Edition = None) -> Response:
    """`{"days", "warnings"}`: how many scripts of each day serve each part of the deal formula and each drive."""
    return json(balance(_found(_shelf(request, here, grant), name, version)))


@router.get("/v1/playbooks/{name}/diff", summary="What is other in a version of a playbook")
def read_difference(
    name: str, request: Request, here: Here, grant: Watcher,
    since: Annotated[str | None, Query(
        alias="from", max_length=120, description="A version of it, or `name@version`; its base or the one before",
    )] = None,
    to: Edition = None,
) -> Response:
    """`{"from", "to", "items"}`, thing by thing; without `from` a patch is compared with its base."""
    shelf = _shelf(request, here, grant)
    after = _found(shelf, name, to)
    return json(difference(_before(shelf, after, since), after))


# --- which one is meant -----------------------------------------------------------------------------


def _found(shelf: dict[str, Playbook], name: str, version: str | None) -> Playbook:
    if name not in shelf or "@" in name:
        names = sorted(one for one in shelf if "@" not in one)
        near = "、".join(get_close_matches(name, names, n=3)) or "、".join(names)
        raise Problem(NOT_FOUND, f"没有打法 {name}；有：{near}。", f"There is no playbook {name}; there are: {near}.")
    if version is None:
        return shelf[name]
    editions = _editions(shelf.values(), name)
    if version not in editions:
        have = "、".join(sorted(editions, key=_numbers))
        raise Problem(
            NOT_FOUND, f"打法 {name} 没有第 {version} 版；有：{have}。",
            f"There is no version {version} of {name}; there is: {have}.")
    return editions[version]


def _editions(playbooks: Iterable[Playbook], name: str) -> dict[str, Playbook]:
    return {playbook.edition: playbook for playbook in playbooks if playbook.playbook == name}


def _numbers(edition: str) -> list[int]:
    return [int(number) for number in edition.split(".")]


def _stage(playbook: Playbook, number: int | None) -> StagePlan:
    found = playbook.stages[0] if number is None else playbook.stage(number)
    if found is None:
        have = "、".join(str(stage.stage) for stage in playbook.stages)
        raise Problem(
            NOT_FOUND, f"{playbook.playbook} 没有第 {number} 轮；有：{have}。",
            f"{playbook.playbook} has no stage {number}; it has: {have}.")
    return found


def _before(shelf: dict[str, Playbook], after: Playbook, since: str | None) -> Playbook:
    """With what a playbook is compared: what was named, else its base, else the version before it."""
    if since is not None:
        name, _, version = since.rpartition("@")
        return _found(shelf, name or after.playbook, version)
    made = after.derived
    if made is not None and (base := _editions(shelf.values(), made.base).get(made.base_edition)) is not None:
        return base
    earlier = [one for one in _editions(shelf.values(), after.playbook).values() if one.version < after.version]
    if earlier:
        return max(earlier, key=lambda one: one.version)
    raise Problem(
        BAD_PARAMETER, f"{after.playbook} 只有这一版，也不是改自别的打法：请用 from 指明和谁比。",
        f"{after.playbook} has one version and was derived from nothing: say with what to compare it (from).")
