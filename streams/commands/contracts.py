"""`loupan asyncapi`: the contracts, printed."""

from __future__ import annotations

from schemas import asyncapi
from streams.commands.shared import print_json


def asyncapi_command() -> None:
    """Print the AsyncAPI 3 document of all topics and events."""
    print_json(asyncapi.document())
