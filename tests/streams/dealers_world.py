"""A gateway over a campaign that the core itself has run: what the dealers' views read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from schemas.reference import Reference
from streams.rows import StoredRows
from tests import builders
from tests.agents.drive import Drive, crowd
from tests.agents.drive import world as core_world
from tests.streams.gateway_world import World


def lived(folder: Path, *events: bytes, reference: Reference | None = None, **ports: Any) -> World:
    """A campaign that runs since day 1, at noon of day 4: its rows are the core's own."""
    reference = reference or builders.reference(personas=builders.staff())
    here = Drive(core_world(reference)).send(*crowd(50), builders.campaign_started(), *events).until(4, "12:00")
    world = World(folder, reference, world=lambda: here.world, **ports)
    rows = StoredRows()
    with world.engine.begin() as connection:
        rows.attach(connection)
        for address, value in here.rows.at.items():
            rows.put(address, value)
        rows.flush(connection)
    world.put_flow("e1")
    return world
