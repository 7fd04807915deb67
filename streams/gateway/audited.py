"""The audit log, for HQ: who did or saw what, and what was refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from streams.audit import Entry, read
from streams.gateway.auth import Hq
from streams.gateway.context import Here, json
from streams.readers import LAST

router = APIRouter(tags=["hq"])


@router.get("/v1/audit", summary="Who did or saw what, the latest first")
def read_audit(
    here: Here,
    _: Hq,
    before: Annotated[int | None, Query(ge=0, le=LAST, description="The last page's cursor")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    what: Annotated[str | None, Query(max_length=200, description="How it begins, such as `POST` or `login`")] = None,
    key: Annotated[str | None, Query(max_length=64, description="One token: its key, of 12 characters or more")] = None,
    thing: Annotated[str | None, Query(max_length=200, description="Part of the name of what was asked for")] = None,
    refused: Annotated[bool, Query(description="Refusals alone")] = False,
) -> Response:
    """`{"audit", "cursor"}`: each with the token's key, role and label, what, which thing, the answer, from where."""
    here.audit.flush()
    rows = here.read(lambda connection: read(
        connection, before=before, limit=limit, what=what, key=key, thing=thing, refused=refused))
    return json({"audit": [shown(row) for row in rows], "cursor": rows[-1].seq if len(rows) == limit else None})


def shown(row: Entry) -> dict[str, Any]:
    """A line as JSON has it."""
    return {
        "seq": row.seq, "at": datetime.fromtimestamp(row.at / 1000, UTC), "key": row.key, "role": row.role,
        "label": row.label, "what": row.what, "thing": row.thing, "status": row.status or None,
        "address": row.address, "times": row.times,
    }
