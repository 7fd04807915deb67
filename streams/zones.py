"""Time zones by name, and the sentence that says that there is none."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator


def zone_of(name: str) -> ZoneInfo:
    """The zone of that name.

    Raises:
        ValueError: there is none, in a sentence.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name}") from error


def _known(name: str) -> str:
    try:
        zone_of(name)
    except ValueError as error:
        raise ValueError(f"{error}; Asia/Shanghai is one") from error
    return name


#: The name of a zone that there is, as a field.
ZoneName = Annotated[str, AfterValidator(_known)]
