"""An archived message as an event: every type that is documented, and what is not, as `other`.

What the type's own fields say beside the text goes along under `data.wecom`, as WeCom wrote it; not who received it,
and never where somebody is: a shared place is kept by the door alone, as coarsely as placement needs it.
Source: https://developer.work.weixin.qq.com/document/path/91774.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from schemas.errors import BadEvent
from streams.wecom.envelope import event

Record = dict[str, Any]
#: What an event holds elsewhere, or nobody needs: in a group of 500, `tolist` names all of them.
_ENVELOPE: Final = frozenset({"msgid", "action", "from", "tolist", "roomid", "msgtime"})


class Skipped(Exception):
    """A record that is nothing to us, and why, in a word."""


class Said(NamedTuple):
    """What a message comes to: its kind, what its sender says or passes on, where a link leads, a place."""

    kind: str
    text: str | None = None
    link: str | None = None
    location: Record | None = None


def event_of(record: Record) -> bytes:
    """The event of an archived record.

    Raises:
        Skipped: when it is none of a group's, nor about consent.
        BadEvent: when it is not of the form that is documented.
    """
    if record.get("action") == "switch":
        # Somebody changed which of their companies they work for: it has another form, and no group.
        raise Skipped("switch")
    type_ = _text(record, "msgtype")
    if type_ in ("agree", "disagree"):
        return _consent(record, type_)
    group = record.get("roomid")
    if not group:
        raise Skipped("single")
    if type_ == "revoke":
        return _recalled(record, group)
    return _message(record, group, type_)


def _consent(record: Record, type_: str) -> bytes:
    body = _body(record, type_)
    member, at = _text(body, "userid"), body.get(f"{type_}_time") or record.get("msgtime")
    data = {"member_id": member, "scope": "profiling", "granted": type_ == "agree"}
    return _event("loupan.member.consent.v1", record, data, at)


def _recalled(record: Record, group: str) -> bytes:
    data = {"group_id": group, "message_id": _text(_body(record, "revoke"), "pre_msgid")}
    return _event("loupan.group.message-recalled.v1", record, data, record.get("msgtime"))


def _message(record: Record, group: str, type_: str) -> bytes:
    read = _READ.get(type_)
    body = _body(record, _BODY.get(type_, type_)) if read is not None else {}
    said = read(body) if read is not None else Said("other")
    data: Record = {
        "group_id": group, "message_id": _text(record, "msgid"), "member_id": _text(record, "from"), "kind": said.kind}
    data |= {name: value for name, value in said._asdict().items() if name != "kind" and value}
    raw = _raw(record, type_)
    if raw:
        data["wecom"] = raw
    return _event("loupan.group.message.v1", record, data, record.get("msgtime"))


def _event(type_: str, record: Record, data: Record, at: Any) -> bytes:
    if not isinstance(at, int):
        raise BadEvent(f"its time is none: {at!r}")
    try:
        return event(type_, at, data, type_, _text(record, "msgid"))
    except ValueError as error:
        raise BadEvent(f"its time is none: {at!r}") from error


# --- the types -----------------------------------------------------------------------------------------------


def _content(body: Record) -> Said:
    return Said("text", _maybe(body, "content"))


def _plain(kind: str, *texts: str) -> Callable[[Record], Said]:
    """A kind whose text is these fields."""
    return lambda body: Said(kind, _joined(_maybe(body, name) for name in texts))


def _linked(*texts: str) -> Callable[[Record], Said]:
    return lambda body: Said("link", _joined(_maybe(body, name) for name in texts), _maybe(body, "link_url"))


def _located(body: Record) -> Said:
    location = {"lng": body.get("longitude"), "lat": body.get("latitude"), "crs": "gcj02"}
    return Said("location", location=location | {
        ours: text for ours, theirs in (("label", "title"), ("address", "address")) if (text := _maybe(body, theirs))})


def _news(body: Record) -> Said:
    items = _items(body)
    first = items[0] if items else {}
    return Said("link", _joined((_maybe(first, "title"), _maybe(first, "description"))), _maybe(first, "url"))


def _mixed(body: Record) -> Said:
    """The texts among its parts; each part's content is JSON within JSON."""
    texts = (_maybe(_inner(item), "content") for item in _items(body) if _ends(item, "text"))
    return Said("mixed", _joined(texts))


#: Where a type's fields are, if not under its own name.
_BODY: Final = {
    "docmsg": "doc", "markdown": "info", "news": "info", "external_redpacket": "redpacket", "voiptext": "info",
    "qydiskfile": "info",
}
#: Every type that is documented, but for what is no message (revoke, agree, disagree, switch).
_READ: Final[dict[str, Callable[[Record], Said]]] = {
    "text": _content, "markdown": _content, "mixed": _mixed, "location": _located, "news": _news,
    "image": _plain("image"), "voice": _plain("voice"), "video": _plain("video"), "card": _plain("card"),
    "emotion": _plain("other"), "file": _plain("file", "filename"), "qydiskfile": _plain("file", "filename"),
    "voip_doc_share": _plain("file", "filename"), "link": _linked("title", "description"),
    "docmsg": _linked("title"), "sphfeed": _linked("sph_name", "feed_desc"),
    "weapp": _plain("mini_program", "title", "description"), "chatrecord": _plain("other"),
    "todo": _plain("other", "title", "content"), "vote": _plain("vote", "votetitle"),
    "collect": _plain("collect", "title"), "redpacket": _plain("red_packet", "wish"),
    "external_redpacket": _plain("red_packet", "wish"), "meeting": _plain("other", "topic"),
    "meeting_voice_call": _plain("other"), "calendar": _plain("other", "title"), "voiptext": _plain("other"),
}
TYPES: Final = frozenset(_READ)


# --- as WeCom wrote it ---------------------------------------------------------------------------------------


def _raw(record: Record, type_: str) -> Record:
    """What no field of ours says, as it was written; what is nothing but text needs no second copy."""
    raw = {name: value for name, value in record.items() if name not in _ENVELOPE}
    if type_ == "location":
        raw.pop("location", None)
    if type_ == "text" and isinstance(body := raw.get("text"), dict):
        beside = {name: value for name, value in body.items() if name != "content"}
        raw = {name: value for name, value in raw.items() if name != "text"} | ({"text": beside} if beside else {})
    return {} if set(raw) == {"msgtype"} and type_ in ("text", "location") else _placeless(raw)


def _placeless(value: Any) -> Any:
    """Without the places that stand in what was passed on."""
    if isinstance(value, dict):
        if _ends(value, "location"):
            return {name: item for name, item in value.items() if name != "content"}
        return {name: _placeless(item) for name, item in value.items()}
    return [_placeless(item) for item in value] if isinstance(value, list) else value


def _ends(item: Any, what: str) -> bool:
    """Whether an item of a message is of that type: ``text``, or ``ChatRecordText``."""
    return isinstance(item, dict) and str(item.get("type", "")).lower().removeprefix("chatrecord") == what


def _body(record: Record, name: str) -> Record:
    body = record.get(name)
    if not isinstance(body, dict):
        raise BadEvent(f"a {record.get('msgtype')} without {name}")
    return body


def _items(body: Record) -> list[Record]:
    items = body.get("item")
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _inner(item: Record) -> Record:
    content = item.get("content")
    try:
        inner = msgspec.json.decode(content) if isinstance(content, str) else content
    except (msgspec.DecodeError, RecursionError):
        return {"content": content}
    return inner if isinstance(inner, dict) else {}


def _text(record: Record, name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or not value:
        raise BadEvent(f"it has no {name}")
    return value


def _maybe(record: Record, name: str) -> str | None:
    value = record.get(name)
    return value if isinstance(value, str) and value else None


def _joined(texts: Iterator[str | None] | tuple[str | None, ...]) -> str | None:
    return "\n".join(text for text in texts if text) or None
