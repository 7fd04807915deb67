"""What is kept of an event in which a member shared where they are: no more than placement needs of it."""

from __future__ import annotations

import msgspec

from maps.cells import coarse
from schemas.events import GroupMessage, HomeDeclared, InEvent


def kept(raw: bytes, event: InEvent) -> bytes:
    """The event as it is kept: a shared place as the middle of its cell, without label and address.

    Done before an event is written down anywhere, so that no database, topic or recording of ours holds a track. All
    other events stay the bytes that they are.
    """
    if not isinstance(event, GroupMessage | HomeDeclared) or event.data.location is None:
        return raw
    body = msgspec.json.decode(raw)
    place = coarse(event.data.location)
    location = {name: value for name, value in body["data"]["location"].items() if name not in ("label", "address")}
    body["data"]["location"] = {**location, "lng": place.lng, "lat": place.lat}
    return msgspec.json.encode(body)
