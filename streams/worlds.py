"""Making the world that the core decides in: reference data, the estate book, the playbooks."""

from __future__ import annotations

from collections.abc import Mapping

from agents.world import Play, World
from maps.book import EstateBook
from maps.locator import Locator
from schemas.errors import BadPlaybook
from schemas.playbook import Playbook
from schemas.reference import Reference
from streams.zones import zone_of


def make_world(reference: Reference, playbooks: Mapping[str, Playbook]) -> World:
    """Index the estates and make the playbooks ready.

    Raises:
        BadPlaybook: when a playbook names a time zone that there isn't.
    """
    book = EstateBook.of(reference.estates.values())
    return World.of(reference, Locator(book), [_ready(playbook) for playbook in playbooks.values()])


def _ready(playbook: Playbook) -> Play:
    try:
        return Play.of(playbook, zone_of(playbook.zone))
    except ValueError as error:
        raise BadPlaybook(playbook.playbook, None, str(error)) from error
