"""What a callback says, as events of ours, and as what is to be fetched now.

Sources, by their path at developer.work.weixin.qq.com/document: 92130 (customers: change_external_contact; groups:
change_external_chat), 95039 (msgaudit_notify), 91774 (consent to the archive).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from agents.placement import codes_in
from streams.wecom.crypto import Unreadable
from streams.wecom.envelope import event
from streams.wecom.marks import ARCHIVE

#: What a callback tells: fields by name; a list where the XML has items.
Fields = dict[str, str | list[str]]

#: Events that are nothing to us: what they tell of people is not kept.
_NOT_OURS = frozenset(
    "subscribe unsubscribe enter_agent location click view view_miniprogram scancode_push scancode_waitmsg "
    "pic_sysphoto pic_photo_or_album pic_weixin location_select template_card_event template_card_menu_event "
    "batch_job_result change_contact change_external_tag open_approval_change sys_approval_change "
    "share_agent_change share_chain_change living_status_change kf_msg_or_event kf_account_auth_change "
    "customer_acquisition change_school_contact add_schedule modify_schedule delete_schedule respond_schedule "
    "delete_calendar modify_calendar book_meeting_room cancel_meeting_room close_inactive_agent "
    "reopen_inactive_agent upload_media_job_finish device_data_auth_change".split())
#: Changes of a customer that say nothing about a group or an estate.
_NO_CHANGE = frozenset({"del_external_contact", "del_follow_user", "transfer_fail"})
_ADDED = frozenset({"add_external_contact", "add_half_external_contact", "edit_external_contact"})


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a callback: events, the names of what is to be fetched, and how it is counted.

    `unknown`: nobody here knows it; its one event, which the door will not know either, keeps it whole.
    """

    name: str
    how: Literal["taken", "ignored", "unknown"] = "taken"
    events: tuple[bytes, ...] = ()
    due: tuple[str, ...] = ()


def fields_of(xml: bytes | str) -> Fields:
    """The fields of a callback's XML.

    Raises:
        Unreadable: when it is none, or would have us expand entities.
    """
    try:
        root: Element = fromstring(xml, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise Unreadable(f"it is no XML that is read here: {error}", "不是能读的 XML") from error
    return {child.tag: _value(child) for child in root}


def _value(element: Element) -> str | list[str]:
    return [(item.text or "").strip() for item in element] if len(element) else (element.text or "").strip()


def heard(fields: Fields, estates: Container[str]) -> Heard:
    """What a callback comes to; `estates` are the ids that a code in a link may name."""
    name = _text(fields, "Event")
    if _text(fields, "MsgType") != "event":
        # A message to the app, typed by one of the staff.
        return Heard("message", "ignored")
    if name == "msgaudit_notify":
        return Heard(name, due=(ARCHIVE,))
    if name.lower() in _NOT_OURS:
        return Heard("other", "ignored")
    handler = _HANDLERS.get(name)
    made = handler(fields, estates) if handler is not None else None
    return made or Heard("other", "unknown", (_kept(fields),))


def _on_chat(fields: Fields, _: Container[str]) -> Heard | None:
    name, change, chat = "change_external_chat", _text(fields, "ChangeType"), _text(fields, "ChatId")
    if not chat:
        return None
    if change == "dismiss":
        closed = {"group_id": chat, "open": False, "wecom": {"dismissed": True}}
        return Heard(name, events=(_event("loupan.group.updated.v1", fields, closed, chat, change),))
    if change not in ("create", "update"):
        return None
    return Heard(name, events=tuple(_members(fields, chat)), due=(chat,))


def _members(fields: Fields, chat: str) -> list[bytes]:
    """Who came or went; where the callback does not name them, the group's details will."""
    detail = _text(fields, "UpdateDetail")
    types = {"add_member": "loupan.group.member-joined.v1", "del_member": "loupan.group.member-left.v1"}
    if detail not in types:
        return []
    scene = {"add_member": "JoinScene", "del_member": "QuitScene"}[detail]
    told = {"join_scene" if detail == "add_member" else "quit_scene": _number(fields, scene)}
    return [
        _event(types[detail], fields, {"group_id": chat, "member_id": member, **told}, chat, detail, member)
        for member in _list(fields, "MemChangeList")
    ]


def _on_contact(fields: Fields, estates: Container[str]) -> Heard | None:
    name, change, member = "change_external_contact", _text(fields, "ChangeType"), _text(fields, "ExternalUserID")
    if change in _NO_CHANGE:
        return Heard(name, "ignored")
    if not member:
        return None
    if change == "msg_audit_approved":
        consent = {"member_id": member, "scope": "profiling", "granted": True}
        return Heard(name, events=(_event("loupan.member.consent.v1", fields, consent, member, change),))
    if change not in _ADDED:
        return None
    state = _text(fields, "State")
    estate_id = next((code for code in codes_in(state) if code in estates), None) if state else None
    if estate_id is None:
        return Heard(name, "ignored")
    declared = {"member_id": member, "estate_id": estate_id, "state": state, "staff_id": _text(fields, "UserID")}
    return Heard(name, events=(_event("loupan.member.home-declared.v1", fields, declared, member, change, state),))


_HANDLERS: dict[str, Callable[[Fields, Container[str]], Heard | None]] = {
    "change_external_chat": _on_chat, "change_external_contact": _on_contact,
}


def _kept(fields: Fields) -> bytes:
    """A callback that nobody here knows, whole, as an event of a type that the door will not know."""
    said = sorted((name, str(value)) for name, value in fields.items())
    type_ = ".".join(filter(None, ("wecom", _text(fields, "Event"), _text(fields, "ChangeType"))))
    return _event(type_, fields, dict(fields), *(f"{name}={value}" for name, value in said))


def _event(type_: str, fields: Fields, data: Mapping[str, object], *causes: str) -> bytes:
    """At the time that the callback says; without one it is of 1970, which the door keeps as a dead letter."""
    text = _text(fields, "CreateTime")
    at = int(text) if text.isascii() and text.isdigit() and len(text) <= 11 else 0
    return event(type_, at * 1000, data, type_, *causes)


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name, "")
    return value if isinstance(value, str) else ""


def _number(fields: Fields, name: str) -> int | None:
    text = _text(fields, name)
    return int(text) if text.isascii() and text.isdigit() else None


def _list(fields: Fields, name: str) -> list[str]:
    """Items, or names parted by commas: both are seen."""
    value = fields.get(name, "")
    parts = value if isinstance(value, list) else value.split(",")
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))
