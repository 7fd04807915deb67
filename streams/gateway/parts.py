r"""The JSON values of a body, each as its own bytes, so that each can be answered by itself.

Half of a character (``\ud83d`` where a text was cut within an emoji) is JSON by RFC 8259, and decoders refuse all of
the body that it stands in. Here it spoils its own event only, which the door then refuses with the reason.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from schemas.events import ESCAPE
from streams.gateway.problems import NOT_JSON, Problem

_one = msgspec.json.Decoder(msgspec.Raw)
_many = msgspec.json.Decoder(list[msgspec.Raw])
_BETWEEN = re.compile(rb"[\s,]*")
_BOM = b"\xef\xbb\xbf"

_T = TypeVar("_T")


def value_of(body: bytes) -> bytes:
    """The one JSON value of a body, without the mark that some programs of Windows put before it.

    Raises:
        Problem: for what is no JSON.
    """
    body = body.removeprefix(_BOM)
    raw, whole = _decoded(_one, body)
    return bytes(raw) if whole else body


def values_of(body: bytes) -> list[bytes]:
    """The values of a JSON array, as they stand.

    Raises:
        Problem: for what is no JSON array.
    """
    body = body.removeprefix(_BOM)
    raws, whole = _decoded(_many, body)
    if whole:
        return [bytes(raw) for raw in raws]
    out, at = [], body.index(b"[") + 1
    for raw in raws:
        found = _BETWEEN.match(body, at)
        start = found.end() if found else at
        at = start + len(bytes(raw))
        out.append(body[start:at])
    return out


def is_list(body: bytes) -> bool:
    """Whether a body begins as an array does."""
    return body.removeprefix(_BOM).lstrip()[:1] == b"["


def _decoded(decoder: msgspec.json.Decoder[_T], body: bytes) -> tuple[_T, bool]:
    """What a decoder makes of a body, and whether of the body itself or with halves of characters taken out."""
    try:
        return decoder.decode(body), True
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        shadow = ESCAPE.sub(lambda found: b"??????" if found[1] else found[0], body)
        if shadow != body:
            try:
                return decoder.decode(shadow), False
            except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
                pass
        raise Problem(NOT_JSON, f"内容不是 JSON：{error}", f"The body is not JSON: {error}") from error
