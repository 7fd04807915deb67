"""Databases of a server, for the drivers that keep their state there."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture
def databases(postgres: Any) -> Iterator[Callable[[Any], str]]:
    """The URL of the database of a store's name, made when it is first asked for; they go with the test."""
    made: dict[Any, str] = {}

    def database(store: Any) -> str:
        if store not in made:
            made[store] = postgres.new_database()
        return made[store]

    yield database
    for url in made.values():
        postgres.drop_database(url)
