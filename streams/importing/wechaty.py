"""What wechaty's puppets say of a group, as group events: messages, joins, leaves, new names.

Payloads are those of wechaty-puppet's schemas (`src/schemas/message.ts` and `event.ts` there), also as python-wechaty
has them (`room_id`, numbers of types as in wechaty-grpc's `message.proto`), bare or in an envelope that names the
event: `{"event": "room-join", "payload": {…}}`. The same payload always becomes the same events.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec
from defusedxml.ElementTree import fromstring

from schemas.errors import BadEvent
from schemas.events import why_unreadable

SOURCE: Final = "wechaty"
#: Types of messages by number, as wechaty-puppet counts since 1.0 (the last ones: its fork by Juzi).
_TYPES: Final = (
    "unknown attachment audio contact chathistory emoticon image text location miniprogram groupnote transfer "
    "redenvelope recalled url video post channel system markdown callrecord appraw wechatnote channelcard consultcard "
    "premiumonlineappointmentcard").split()
#: The same as wechaty-grpc counts, which python-wechaty's payloads follow.
_GRPC_TYPES: Final = (
    "unknown attachment audio contact emoticon image text video chathistory location miniprogram transfer redenvelope "
    "recalled url groupnote post unknown system").split()
#: Our kinds; a type that isn't here is `other`, and keeps its payload.
_KINDS: Final = {
    "text": "text", "markdown": "text", "image": "image", "audio": "voice", "video": "video", "attachment": "file",
    "url": "link", "location": "location", "contact": "card", "channelcard": "card", "miniprogram": "mini_program",
    "redenvelope": "red_packet", "groupnote": "chain",
}
#: Events of a bot's life and of its friends: no group's.
_NOT_OURS: Final = frozenset(
    "dirty dong error friendship heartbeat login logout post ready reset room-announce room-invite scan start stop "
    "tag tag-group verify-code verify-slide".split())
#: WeChat shares places in this datum.
_CRS: Final = "gcj02"
#: Timestamps from here on are in milliseconds: in seconds it is the year 5138.
_MILLISECONDS: Final = 10**11


class Converted(NamedTuple):
    """The events of a payload; where there are none, why it is passed over."""

    raws: tuple[bytes, ...]
    passed: str | None = None


def convert(raw: bytes | str, source: str = SOURCE) -> Converted:
    """A payload in JSON as events.

    Raises:
        BadEvent: when it is none that is known, or lacks what it should have.
    """
    try:
        payload = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadEvent(why_unreadable(raw.encode() if isinstance(raw, str) else raw, str(error))) from error
    return events_of(payload, source)


def events_of(payload: Any, source: str = SOURCE) -> Converted:
    """A decoded payload as events.

    Raises:
        BadEvent: as `convert`.
    """
    event, body = _unwrapped(payload)
    if event in _NOT_OURS:
        return Converted((), f"{event}: nothing of a group's")
    reading = _KNOWN.get(event)
    if reading is None:
        raise BadEvent("no payload of wechaty's that is known: message, room-join, room-leave or room-topic")
    return reading(_Payload(body), source)


def _unwrapped(payload: Any) -> tuple[str, dict[str, Any]]:
    """The name of an event and its payload; the name by the payload's form where no envelope says it."""
    if not isinstance(payload, dict):
        raise BadEvent("a payload is an object")
    keys = ("event", "eventName", "name", "type")
    named = next((payload[key] for key in keys if isinstance(payload.get(key), str)), "")
    inner = next((payload[key] for key in ("payload", "data") if isinstance(payload.get(key), dict | str)), None)
    if named and inner is not None:
        return _event_name(named), _inner(inner)
    if _event_name(named) == "message" and "id" not in payload:
        # Passed over as a message of no group, what was said in one would be lost without a word.
        raise BadEvent("a message without its payload")
    for key, event in (
        ("inviteeIdList", "room-join"), ("invitee_id_list", "room-join"), ("removeeIdList", "room-leave"),
        ("removee_id_list", "room-leave"), ("newTopic", "room-topic"), ("new_topic", "room-topic"),
    ):
        if key in payload:
            return event, payload
    if "id" in payload and "type" in payload:
        return "message", payload
    return _event_name(named), payload


def _event_name(name: str) -> str:
    """`EVENT_TYPE_ROOM_JOIN`, `roomJoin` and `room_join` are `room-join`."""
    plain = name.removeprefix("EVENT_TYPE_")
    plain = plain if plain.isupper() else re.sub(r"(?<=[a-z])(?=[A-Z])", "-", plain)
    return plain.lower().replace("_", "-")


def _inner(inner: dict[str, Any] | str) -> dict[str, Any]:
    if isinstance(inner, str):
        try:
            decoded = msgspec.json.decode(inner)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise BadEvent(f"the payload in the envelope is not JSON: {error}") from error
        inner = decoded if isinstance(decoded, dict) else {}
    return inner


class _Payload:
    """A payload, its fields by their camelCase names, however they are written."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body
        self.is_python = "room_id" in body or "from_id" in body or "mention_ids" in body

    def get(self, *names: str) -> Any:
        """The first of these fields that says something."""
        for name in names:
            for key in (name, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()):
                if (value := self.body.get(key)) not in (None, ""):
                    return value
        return None

    def text(self, *names: str) -> str:
        """A field that must be a text.

        Raises:
            BadEvent: when there is none.
        """
        value = self.get(*names)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            raise BadEvent(f"{names[0]} is missing" if value is None else f"{names[0]} is no text")
        return value

    def ids(self, *names: str) -> list[str]:
        """A field that is a list of ids."""
        value = self.get(*names)
        return [one for one in value if isinstance(one, str) and one] if isinstance(value, list) else []

    def time(self) -> datetime:
        """When it happened; seconds or milliseconds since 1970.

        Raises:
            BadEvent: when it does not say.
        """
        value = self.get("timestamp")
        try:
            seconds = float(value)
            return datetime.fromtimestamp(seconds / 1000 if seconds >= _MILLISECONDS else seconds, UTC)
        except (TypeError, ValueError, OverflowError, OSError) as error:
            raise BadEvent("timestamp is no time in seconds or milliseconds since 1970") from error


def _message(payload: _Payload, source: str) -> Converted:
    if payload.get("messageId") and not payload.get("id"):
        return Converted((), "a message's id alone: dump the message's payload")
    if not payload.get("roomId"):
        return Converted((), "a message outside of groups")
    room, message_id, type_ = payload.text("roomId"), payload.text("id"), _type_of(payload)
    if type_ == "recalled":
        # wechaty's `toRecalled`: the text is the id of the message that was taken back.
        data = {"group_id": room, "message_id": payload.text("text")}
        return Converted((_event(source, "group.message-recalled", f"recalled/{message_id}", payload.time(), data),))
    if not payload.get("talkerId", "fromId"):
        return Converted((), "a message without a speaker")
    member_id = payload.text("talkerId", "fromId")
    data = {"group_id": room, "message_id": message_id, "member_id": member_id, **_said(payload, type_)}
    return Converted((_event(source, "group.message", f"message/{message_id}", payload.time(), data),))


def _type_of(payload: _Payload) -> str:
    """The type of a message in small letters, from its number or name."""
    value = payload.body.get("type")
    if isinstance(value, int) and not isinstance(value, bool):
        names = _GRPC_TYPES if payload.is_python else _TYPES
        return names[value] if 0 <= value < len(names) else "unknown"
    return re.sub(r"[^a-z]", "", str(value).lower().removeprefix("message_type_"))


def _said(payload: _Payload, type_: str) -> dict[str, Any]:
    """What a message says, by its type."""
    kind = _KINDS.get(type_, "other")
    data: dict[str, Any] = {"kind": kind}
    text = payload.get("text")
    text = text if isinstance(text, str) else None
    if kind == "other":
        # Kept whole: whoever learns to read it finds all of it.
        data["raw"] = payload.body
    elif kind == "text":
        data["text"] = text or ""
    elif kind == "file":
        data["text"] = payload.text("filename") if payload.get("filename") else _title(text)
    elif kind in ("link", "mini_program", "chain"):
        data["text"] = _title(text)
        if link := _link(payload, text):
            data["link"] = link
    elif kind == "location" and (place := _place(payload, text)) is not None:
        data["location"] = place
    if mentions := payload.ids("mentionIdList", "mentionIds"):
        data["mentions"] = mentions
    if isinstance(quoted := payload.get("quoteId"), str):
        data["reply_to"] = quoted
    return {name: value for name, value in data.items() if value is not None}


def _xml(text: str | None) -> Any:
    """The text's XML, which WeChat writes into what is no text; None where it is none, or not to be trusted."""
    if not text or "<" not in text:
        return None
    try:
        # Some puppets leave the speaker before it.
        return fromstring(text[text.index("<"):])
    except Exception:  # noqa: BLE001  # a bomb, or anything else that is no XML: then it is as no XML
        return None


def _title(text: str | None) -> str | None:
    root = _xml(text)
    if root is None:
        return None if text and text.lstrip().startswith("<") else text
    found = root.find(".//appmsg/title")
    title = found if found is not None else root.find(".//title")
    return title.text if title is not None else None


def _link(payload: _Payload, text: str | None) -> str | None:
    url = payload.get("url", "link")
    if not isinstance(url, str):
        root = _xml(text)
        found = root.find(".//appmsg/url") if root is not None else None
        url = found.text if found is not None else None
    return url if isinstance(url, str) and re.match(r"https?://", url) else None


def _place(payload: _Payload, text: str | None) -> dict[str, Any] | None:
    """A shared place: wechaty's location payload beside the message, or WeChat's own XML (x is the latitude)."""
    beside = payload.get("location")
    if isinstance(beside, dict):
        lat, lng, label, address = (beside.get(name) for name in ("latitude", "longitude", "name", "address"))
    else:
        root = _xml(text)
        found = root.find(".//location") if root is not None else None
        if found is None:
            return None
        lat, lng, label, address = (found.get(name) for name in ("x", "y", "poiname", "label"))
    try:
        x, y = float(str(lng)), float(str(lat))
    except ValueError:
        return None
    if not (-180 <= x <= 180 and -90 <= y <= 90):
        return None
    words = {name: said for name, said in (("label", label), ("address", address)) if isinstance(said, str)}
    return {"lng": x, "lat": y, "crs": _CRS, **words}


def _room_join(payload: _Payload, source: str) -> Converted:
    room, at = payload.text("roomId"), payload.time()
    by = {"invited_by": payload.text("inviterId")} if payload.get("inviterId") else {}
    return _each(payload.ids("inviteeIdList"), lambda member: _event(
        source, "group.member-joined", f"join/{room}/{member}/{int(at.timestamp() * 1000)}", at,
        {"group_id": room, "member_id": member, **by}))


def _room_leave(payload: _Payload, source: str) -> Converted:
    room, at = payload.text("roomId"), payload.time()
    by = {"removed_by": payload.text("removerId")} if payload.get("removerId") else {}
    return _each(payload.ids("removeeIdList"), lambda member: _event(
        source, "group.member-left", f"leave/{room}/{member}/{int(at.timestamp() * 1000)}", at,
        {"group_id": room, "member_id": member, **({} if by.get("removed_by") == member else by)}))


def _each(members: list[str], event: Any) -> Converted:
    if not members:
        raise BadEvent("nobody stands in the list of members")
    return Converted(tuple(event(member) for member in dict.fromkeys(members)))


def _room_topic(payload: _Payload, source: str) -> Converted:
    room, at = payload.text("roomId"), payload.time()
    data = {"group_id": room, "name": payload.text("newTopic", "topic")}
    return Converted((_event(source, "group.updated", f"topic/{room}/{int(at.timestamp() * 1000)}", at, data),))


_KNOWN: Final = {
    "message": _message, "room-join": _room_join, "room-leave": _room_leave, "room-topic": _room_topic,
}


def _event(source: str, what: str, id: str, at: datetime, data: dict[str, Any]) -> bytes:
    return msgspec.json.encode({
        "specversion": "1.0", "id": id, "source": source, "type": f"loupan.{what}.v1", "time": at.isoformat(),
        "subject": data["group_id"], "datacontenttype": "application/json", "data": data,
    })
