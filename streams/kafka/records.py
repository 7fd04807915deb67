"""Events to and from Kafka records: CloudEvents' Kafka protocol binding 1.0.2, for events whose data is JSON.

In *binary* mode, which is the one we write, the attributes are headers (``ce_id``, ``ce_type``, …) as UTF-8 text, the
value is the bytes of `data`, and the header ``content-type`` says what they are. There and back gives the same
event, with these differences, none of which CloudEvents counts as one:

- integers and booleans of an extension come back as text, because a header has no other type;
- attributes that are `null` are gone: absent is the same;
- `datacontenttype` is there, where it was left out, as ``application/json``, which it then means.

What headers cannot carry is written *structured*: the whole event as the value.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

import msgspec
from msgspec import Raw, Struct

from schemas.errors import BadEvent
from schemas.events import MAX_EVENT_BYTES

#: The name of a record's header, and its bytes.
Header: TypeAlias = tuple[str, bytes]

#: The largest batch, in events and in bytes.
MAX_EVENTS: Final = 1000
MAX_BATCH_BYTES: Final = 8 * 1_048_576

_CONTENT_TYPE: Final = "content-type"
_JSON: Final = "application/json"
_STRUCTURED: Final = "application/cloudevents+json"
_BATCH: Final = "application/cloudevents-batch+json"
#: What `datacontenttype` adds to an event that had none.
_ADDED: Final = len(f',"datacontenttype":"{_JSON}"')
_REQUIRED: Final = ("specversion", "id", "source", "type")
#: CloudEvents' own attributes are text; another type in their place is for the reader to refuse, not for us to mend.
_TEXTS: Final = frozenset((*_REQUIRED, "time", "subject", "datacontenttype", "dataschema"))
#: These are no headers: the value and the content type stand for them.
_NO_HEADERS: Final = ("ce_data", "ce_data_base64", "ce_datacontenttype")


class _Marked(Struct):
    """Any JSON object that says it is a CloudEvent."""

    specversion: str


_envelope = msgspec.json.Decoder(dict[str, Raw])
_marked = msgspec.json.Decoder(_Marked)
_text = msgspec.json.Decoder(str)
_one = msgspec.json.Decoder(Raw)
_many = msgspec.json.Decoder(list[Raw])
_encode = msgspec.json.Encoder().encode
_WRONG: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


# --- to a record ----------------------------------------------------------------------------------


def encode_binary(raw: bytes) -> tuple[bytes, list[Header]]:
    """The value and the headers of the record that carries an event (structured, JSON).

    Raises:
        BadEvent: when it is no JSON object with the attributes that every CloudEvent has.
    """
    try:
        # msgspec steps over what it need not make: it would not see what is not UTF-8 in there.
        raw.decode()
        fields = _envelope.decode(raw)
        headers = _headers(fields)
    except _WRONG as error:
        raise BadEvent(f"not a CloudEvent in JSON: {error}") from error
    for name in _REQUIRED:
        if name not in fields:
            raise BadEvent(f"not a CloudEvent: it has no `{name}`")
    if headers is None or len(raw) > MAX_EVENT_BYTES - _ADDED:
        return raw, [(_CONTENT_TYPE, _STRUCTURED.encode())]
    return bytes(fields.get("data", b"")), headers


def _headers(fields: dict[str, Raw]) -> list[Header] | None:
    """An event's headers in binary mode, or None where they cannot say all of it."""
    headers = []
    content = b"application/json"
    for name, said in fields.items():
        raw = bytes(said)
        if name == "data" or raw == b"null":
            continue
        text = _attribute(name, raw)
        if text is None or name == "data_base64":
            return None
        if name != "datacontenttype":
            headers.append((f"ce_{name}", text))
        elif _is_json(text.decode()):
            content = text
        else:
            return None
    headers.append((_CONTENT_TYPE, content))
    return headers


def _attribute(name: str, raw: bytes) -> bytes | None:
    """An attribute's JSON as a header's bytes, or None where no header can say it."""
    if raw[:1] == b'"':
        # Nearly all are plain text, whose bytes are the same.
        return _text.decode(raw).encode() if b"\\" in raw else raw[1:-1]
    if name not in _TEXTS and (raw in {b"true", b"false"} or raw.removeprefix(b"-").isdigit()):
        return raw
    return None


# --- from a record --------------------------------------------------------------------------------


def events_of(value: bytes | None, headers: Iterable[Header] | None) -> list[bytes]:
    """The events that a record carries, structured, in JSON: one, or those of a batch in their order.

    Whether each is one of ours is for `schemas.events.decode` to say; an event of a batch that is not
    does no harm to the others.

    Raises:
        BadEvent: when no event can be made of it, with why.
    """
    if value is None:
        raise BadEvent("the record has no value: a tombstone says nothing here")
    attributes: dict[str, object] = {}
    content = ""
    count = 0
    name = ""
    try:
        for name, text in headers or ():
            if name.startswith("ce_"):
                attributes[name[3:]] = text.decode()
                count += 1
            elif name == _CONTENT_TYPE:
                content = text.decode()
    except (AttributeError, UnicodeDecodeError) as error:
        raise BadEvent(f"the header {name} is not text in UTF-8") from error
    if content.startswith("application/cloudevents"):
        return _carried(value, content)
    if count:
        if count != len(attributes):
            raise BadEvent("a ce_ header stands there twice")
        return [_binary(value, attributes, content)]
    if content and _media_type(content) != _JSON:
        raise BadEvent(f"the content-type {content[:100]} is none that events come in")
    return [_structured(value)]


def _binary(value: bytes, attributes: dict[str, object], content: str) -> bytes:
    """An event from its headers and its data."""
    for name in _REQUIRED:
        if name not in attributes:
            raise BadEvent(f"the header ce_{name} is missing")
    if content != _JSON and content and not _is_json(content):
        raise BadEvent(f"the data is not JSON: the content-type is {content[:100]}")
    for header in _NO_HEADERS:
        if header[3:] in attributes:
            raise BadEvent(f"{header} is no header of an event")
    attributes["datacontenttype"] = content or _JSON
    if value:
        attributes["data"] = _json(value, MAX_EVENT_BYTES)
    return _encode(attributes)


def _carried(value: bytes, content: str) -> list[bytes]:
    """The events of a record that carries them whole."""
    media_type = _media_type(content)
    if media_type == _STRUCTURED:
        return [_structured(value)]
    if media_type != _BATCH:
        raise BadEvent(f"the content-type {content[:100]} is none that events come in")
    try:
        events = _many.decode(_json(value, MAX_BATCH_BYTES))
    except _WRONG as error:
        raise BadEvent(f"not a batch of CloudEvents: {error}") from error
    if len(events) > MAX_EVENTS:
        raise BadEvent(f"the batch has {len(events)} events, more than the {MAX_EVENTS} that are taken")
    return [bytes(event) for event in events]


def _structured(value: bytes) -> bytes:
    event = _json(value, MAX_EVENT_BYTES)
    try:
        _marked.decode(event)
    except _WRONG as error:
        raise BadEvent(f"not a CloudEvent: {error}") from error
    return bytes(event)


def _json(value: bytes, longest: int) -> Raw:
    """The value, which must be one JSON value in UTF-8 and not longer than that."""
    if len(value) > longest:
        raise BadEvent(f"the record has {len(value)} bytes, more than the {longest} that are taken")
    try:
        # As in `encode_binary`.
        value.decode()
        return _one.decode(value)
    except _WRONG as error:
        raise BadEvent(f"not JSON in UTF-8: {error}") from error


def _media_type(content: str) -> str:
    return content.partition(";")[0].strip().lower()


def _is_json(content: str) -> bool:
    media_type = _media_type(content)
    return media_type == _JSON or media_type.endswith("+json")
