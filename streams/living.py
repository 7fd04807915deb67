"""The world of a running program: made anew in the background when reference data are imported, then swapped whole.

Nothing stops meanwhile: events are worked and questions are answered in the world that there is, and from one batch
to the next in the new one. A world is never changed, so nobody sees half of each.
"""

from __future__ import annotations

import threading

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from agents.world import World
from schemas.errors import LoupanError
from streams import memory
from streams.reference_store import load_reference, reference_version
from streams.worlds import make_world

log = structlog.get_logger(__name__)

#: How often it is looked whether reference data were imported, in seconds.
EVERY = 1.0


class Living:
    """The world as it stands. `version` is that of the reference data that `world` was made of."""

    def __init__(self, engine: Engine, world: World, version: int, *, every: float = EVERY) -> None:
        self._engine = engine.execution_options(reading=True)
        self._world, self._version, self._every = world, version, every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reference", daemon=True)

    def world(self) -> World:
        """The world now. Whoever makes several steps of one keeps it for all of them."""
        return self._world

    def start(self) -> None:
        """Look for new reference data from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more. A world that is being made is dropped with the program."""
        self._stop.set()

    def look(self) -> bool:
        """Look once; True where there is a new world.

        Raises:
            BadPlaybook: when they make no world; the old one stays until the next import.
        """
        with self._engine.connect() as connection:
            version = reference_version(connection)
            if version == self._version:
                return False
            try:
                reference, playbooks = load_reference(connection)
                world = make_world(reference, playbooks)
            except LoupanError:
                self._version = version
                raise
        self._world, self._version = world, version
        memory.settle()
        log.info("new reference data", version=version, estates=len(reference.estates))
        return True

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self.look()
            except LoupanError as error:
                log.warning("the new reference data are not used", error=str(error))
            except SQLAlchemyError as error:
                log.warning("the database failed, looking again", error=str(error))
