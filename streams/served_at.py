"""Where a database's gateway was last served: for commands that tell a person an address."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select

from streams.sql import Put
from streams.tables import meta

_NAME: Final = "served_at"
_put = Put(meta, "name", "value", update=("value",))


def say_served(connection: Connection, url: str) -> None:
    """Note the address, over the one before."""
    _put(connection, [(_NAME, url)])


def served_at(connection: Connection) -> str | None:
    """The address; None where the database was never served."""
    url: str | None = connection.execute(select(meta.c.value).where(meta.c.name == _NAME)).scalar()
    return url
