"""Webhooks that come in: who may send them, whether one is theirs and of now, and which events it holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from schemas.errors import BadEvent, BadFile
from schemas.events import IN_EVENTS, why_unreadable
from streams.tables import webhook_senders
from streams.webhooks.secrets import holds, new_secret

#: What stands before a sender's name in the source of its events.
SOURCE = "webhook/"
#: In the place of a type of ours: an event that is not to be taken.
IGNORE = "ignore"
TYPES: tuple[str, ...] = tuple(str(event.__struct_config__.tag) for event in IN_EVENTS)
#: Members of plain JSON that are no data.
_ENVELOPE = frozenset({"type", "timestamp", "time", "id"})
#: Who asks for a sender that is not there is looked at as one who is: it takes as long.
_NOBODY = new_secret()


class Sender(Struct, frozen=True):
    """Who may send; `types` leads from their types to ours. Times in Unix milliseconds."""

    name: str
    types: dict[str, str]
    secret: str
    previous: str | None
    previous_until: int | None
    created_at: int


def mapping_of(given: list[str]) -> dict[str, str]:
    """Their types and ours, from `THEIRS=OURS`.

    Raises:
        BadFile: when one is none, or ours is none of ours.
    """
    types = {}
    for one in given:
        theirs, _, ours = one.partition("=")
        if not theirs or not ours:
            raise BadFile("--map", None, f"{one} is no mapping", "write it as order.paid=loupan.order.paid.v1")
        if ours != IGNORE and ours not in TYPES:
            raise BadFile("--map", None, f"no event of the type {ours} comes in", f"there are: {', '.join(TYPES)}")
        types[theirs] = ours
    return types


def add(connection: Connection, name: str, types: Mapping[str, str], *, now: int) -> str:
    """Let somebody send; their secret.

    Raises:
        BadFile: when there is a sender of that name.
    """
    secret = new_secret()
    row = {"name": name, "types": msgspec.json.encode(types).decode(), "secret": secret, "created_at": now}
    try:
        with connection.begin_nested():
            connection.execute(insert(webhook_senders).values(row))
    except IntegrityError as error:
        raise BadFile(name, None, "there is a sender of that name", "name another, or remove it first") from error
    return secret


def list_all(connection: Connection) -> list[Sender]:
    """All senders, by name."""
    return [_sender(row) for row in connection.execute(select(webhook_senders).order_by(webhook_senders.c.name))]


def find(connection: Connection, name: str) -> Sender | None:
    """A sender by its name."""
    row = connection.execute(select(webhook_senders).where(webhook_senders.c.name == name)).one_or_none()
    return None if row is None else _sender(row)


def _sender(row: Any) -> Sender:
    types = msgspec.json.decode(row.types, type=dict[str, str])
    return Sender(row.name, types, row.secret, row.previous, row.previous_until, row.created_at)


def known(connection: Connection, name: str) -> Sender:
    """A sender by its name.

    Raises:
        BadFile: when there is none.
    """
    found = find(connection, name)
    if found is None:
        raise BadFile(name, None, "there is no such sender", "see `loupan webhooks receive list`")
    return found


def rotate(connection: Connection, name: str, *, now: int, until: int) -> str:
    """Give a sender a new secret; what is signed with the old one is taken until then."""
    before = known(connection, name)
    secret = new_secret()
    values = {"secret": secret, "previous": before.secret if until > now else None, "previous_until": until}
    connection.execute(update(webhook_senders).where(webhook_senders.c.name == name).values(values))
    return secret


def remove(connection: Connection, name: str) -> None:
    """Take nothing from them any more."""
    known(connection, name)
    connection.execute(delete(webhook_senders).where(webhook_senders.c.name == name))


def is_theirs(sender: Sender | None, id: str, timestamp: str, signature: str, body: bytes, *, now: int) -> bool:
    """Whether the sender signed it, a few minutes ago at most. Of nobody's nothing is."""
    secrets = [_NOBODY, _NOBODY]
    if sender is not None:
        still = sender.previous if (sender.previous_until or 0) > now else None
        secrets = [sender.secret, still or _NOBODY]
    # Both are tried, whatever the first says: how long it takes tells nothing.
    held = [holds(secret, id, timestamp, signature, body) for secret in secrets]
    return sender is not None and any(held)


def events_of(sender: Sender, id: str, timestamp: str, body: bytes) -> list[bytes]:
    """The events of a message, as structured CloudEvents: those that it holds, or plain JSON with a `type` as one.

    Plain JSON becomes an event whose id is the message's (in a list with a number behind it), whose source is the
    sender, and whose time is its own `timestamp` or `time`, else the message's. What it is about is its `data`, else
    all of it.

    Raises:
        BadEvent: when it is neither.
    """
    try:
        said = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadEvent(why_unreadable(body, str(error))) from error
    if isinstance(said, list):
        made = [_event(sender, f"{id}/{number}", timestamp, one) for number, one in enumerate(said)]
        return [one for one in made if one is not None]
    if isinstance(said, dict) and "specversion" in said:
        # As it was signed, to the byte.
        return [body]
    event = _event(sender, id, timestamp, said)
    return [] if event is None else [event]


def _event(sender: Sender, id: str, timestamp: str, said: Any) -> bytes | None:
    if not isinstance(said, dict):
        raise BadEvent("neither a CloudEvent nor an object with a type")
    if "specversion" in said:
        return msgspec.json.encode(said)
    theirs = said.get("type")
    if not isinstance(theirs, str):
        raise BadEvent("it has no type - at `$.type`")
    ours = sender.types.get(theirs, theirs)
    if ours == IGNORE:
        return None
    if ours not in TYPES:
        raise BadEvent(f"no type of ours stands for {theirs}: loupan webhooks receive add … --map {theirs}=…")
    data = said.get("data")
    if not isinstance(data, dict):
        data = {name: value for name, value in said.items() if name not in _ENVELOPE}
    when = said.get("timestamp", said.get("time"))
    if not isinstance(when, str):
        when = datetime.fromtimestamp(float(timestamp), UTC).isoformat()
    return msgspec.json.encode({
        "specversion": "1.0", "id": id, "source": f"{SOURCE}{sender.name}", "type": ours, "time": when,
        "datacontenttype": "application/json", "data": data,
    })
