"""Databases of a server, for the drivers that keep their state there."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from streams.database import open_database


@pytest.fixture(scope="session")
def migrated(postgres: Any) -> Iterator[str]:
    """The URL of a database that has its tables, and nothing in them: others are made like it, and none opens it."""
    url = postgres.new_database()
    open_database(url).dispose()
    yield url
    postgres.drop_database(url)


@pytest.fixture
def databases(postgres: Any, migrated: str) -> Iterator[Callable[[Any], str]]:
    """The URL of the database of a store's name, made when it is first asked for; they go with the test."""
    made: dict[Any, str] = {}

    def database(store: Any) -> str:
        if store not in made:
            made[store] = postgres.new_database(like=migrated)
        return made[store]

    yield database
    for url in made.values():
        postgres.drop_database(url)
