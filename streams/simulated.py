"""A demo's database: it lives in a simulated time, which an event of the machine's time would put forward for good."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, insert, select

from schemas.errors import BadFile
from streams.tables import meta

#: The name in `meta` of the clock that a database lives by, and its value for a demo's; without it, the machine's.
CLOCK: Final = "clock"
SIMULATED: Final = "simulated"


def say_simulated(connection: Connection) -> None:
    """Say in a new database that its time is a demo's."""
    connection.execute(insert(meta).values(name=CLOCK, value=SIMULATED))


def refuse_simulated(connection: Connection, database: str) -> None:
    """Let nothing that carries the machine's time into a demo's database.

    Raises:
        BadFile: when it is one.
    """
    if connection.execute(select(meta.c.value).where(meta.c.name == CLOCK)).scalar() == SIMULATED:
        raise BadFile(
            database, None, "is a demo's, whose time is simulated: an event of today would end its campaigns",
            "use the demo's own address while it runs, or name another database")
