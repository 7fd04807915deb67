"""JSON Schemas (draft 2020-12) of every event, made from the models that the decoder uses.

They keep to what draft-07 understands too, because that is what AsyncAPI's tools read.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from schemas.events import IN_EVENTS, Woke
from schemas.reference import CampaignPlan, Dealer, Estate, Group, Offer, Persona, Store
from schemas.tasks import OUT_EVENTS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

#: Rows of reference data, as the `reference` topic carries them.
ROWS: tuple[type[Struct], ...] = (Estate, Dealer, Store, Group, Persona, CampaignPlan, Offer)
#: Every event: what comes in, the clock's wake-up, what goes out.
EVENTS: tuple[type[Struct], ...] = (*IN_EVENTS, Woke, *OUT_EVENTS)

#: CloudEvents asks for these; ours have a default in code, and are always written.
_ALWAYS_WRITTEN = ("specversion", "source", "datacontenttype")


def event_type(event: type[Struct]) -> str:
    """The event type that a model stands for, e.g. ``loupan.group.message.v1``."""
    return str(event.__struct_config__.tag)


def components(ref_template: str = "#/components/schemas/{name}") -> dict[str, dict[str, Any]]:
    """The schema of every event, row and part of one, by the model's name; they refer to each other by the template."""
    _, schemas = msgspec.json.schema_components((*EVENTS, *ROWS), ref_template=ref_template)
    return {name: _as_written(name, schema) for name, schema in sorted(schemas.items())}


def event_schema(event: type[Struct]) -> dict[str, Any]:
    """One event's schema, with all that it refers to inside."""
    (top,), parts = msgspec.json.schema_components((event,), ref_template="#/$defs/{name}")
    parts[event.__name__] = _as_written(event.__name__, parts[event.__name__])
    return {"$schema": DIALECT, "$id": f"urn:{event_type(event)}", **top, "$defs": dict(sorted(parts.items()))}


def event_schemas() -> dict[str, dict[str, Any]]:
    """Every event's schema, by event type."""
    return {event_type(event): event_schema(event) for event in EVENTS}


_OUT_NAMES = frozenset(event.__name__ for event in OUT_EVENTS)


def _as_written(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    if name not in _OUT_NAMES:
        return schema
    properties = {**schema["properties"], "specversion": {"enum": ["1.0"]}}
    return {**schema, "properties": properties, "required": [*schema["required"], *_ALWAYS_WRITTEN]}
