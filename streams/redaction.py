"""Taking a person out of one event or task, and leaving all else as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from schemas.events import Event

#: What stands in the place of a person.
NOBODY: Final = "erased"
REQUEST: Final = "loupan.member.erased.v1"
#: What only the member said or did: of these nothing stays but the place in the log.
_THEIR_OWN: Final = frozenset({
    "loupan.group.message.v1", "loupan.group.member-joined.v1", "loupan.group.member-left.v1",
    "loupan.member.home-declared.v1", "loupan.member.consent.v1", "loupan.design.drafted.v1",
    "loupan.design.consented.v1", "loupan.order.consented.v1",
})
#: Fields that hold no person, so that what is called like one by chance stays. What is not known may hold one.
_NO_PERSON: Final = frozenset(
    "specversion id source type time datacontenttype causationid correlationid group_id message_id kind reply_to "
    "estate_id estate_name order_id sku category line dealer_id store_id group_buy_id task_id persona_id playbook "
    "start_date campaign_id rung previous phase status role action rule crs join_state join_scene because consent "
    "message_ids use design_id".split()
)
#: Words: a person is in them by name only.
_WORDS: Final = frozenset(
    "text name title notice label address note reason link disclosure attachments display_name".split())
#: Fields that name a person or nobody at all.
_OPTIONAL: Final = frozenset({"invited_by", "owner_id", "referrer_id"})
_ESCAPED: Final = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")


def people_in(event: Event) -> tuple[str, ...]:
    """The ids of the people whom an event names."""
    data: Any = event.data  # type: ignore[attr-defined]  # every event of a door has data
    one = [getattr(data, field, None) for field in ("member_id", "invited_by", "referrer_id", "owner_id")]
    return tuple(person for person in (*one, *(getattr(data, "mentions", None) or ())) if isinstance(person, str))


def name_in(raw: bytes, member_id: str) -> str | None:
    """The name that the event shows of the member, if it is the one that tells it."""
    if b"display_name" not in raw or not _may_name(raw, member_id):
        return None
    try:
        data = msgspec.json.decode(raw)["data"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return None
    return data.get("display_name") if data.get("member_id") == member_id else None


def redacted(raw: bytes, member_id: str, names: Collection[str] = ()) -> bytes:
    """The event or task without the member; the very same bytes where they are not named.

    Their own messages become empty, mentions of them nobody; `names` are taken out of what is said to them. What
    is no event (a dead letter) is emptied when it names them.
    """
    if not _may_name(raw, member_id):
        return raw
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b"{}"
    data = body.get("data", body) if isinstance(body, dict) else None
    if not isinstance(data, dict):
        return b"{}"
    type_ = body.get("type")
    if type_ == REQUEST:
        return raw
    if data.get("member_id") == member_id and type_ in _THEIR_OWN:
        envelope = {name: value for name, value in body.items() if name in ("specversion", "id", "source", "time")}
        return msgspec.json.encode({**envelope, "type": REQUEST, "data": {"member_id": NOBODY}})
    after = _Redaction(member_id, names, body, data).of(body)
    return raw if after == body else msgspec.json.encode(after)


class _Redaction:
    """One member taken out of one decoded event."""

    def __init__(self, member_id: str, names: Collection[str], body: dict[str, Any], data: dict[str, Any]) -> None:
        self.member_id = member_id
        self.names = sorted((name for name in names if len(name) > 1), key=len, reverse=True)
        self.is_order = str(body.get("type", "")).startswith("loupan.order.")
        # A key that is called like the member may well be the group's or the estate's.
        self.kept = {"partitionkey", "subject"} if member_id in (data.get(key) for key in _NO_PERSON) else set()

    def of(self, value: Any, key: str = "") -> Any:
        """The value without the member."""
        if isinstance(value, dict):
            return self._of_mapping(value)
        if isinstance(value, list):
            return [self.of(item, key) for item in value]
        if not isinstance(value, str) or key in _NO_PERSON or key in self.kept:
            return value
        if value == self.member_id and key not in _WORDS:
            return None if key in _OPTIONAL or (self.is_order and key == "member_id") else NOBODY
        for name in self.names:
            value = value.replace(name, "")
        return value

    def _of_mapping(self, value: dict[str, Any]) -> dict[str, Any]:
        after = {key: self.of(item, key) for key, item in value.items()}
        if value.get("member_id") == self.member_id:
            after.pop("delivery", None)
            after.pop("reason", None)
        evidence, script = value.get("evidence"), after.get("script")
        about = isinstance(evidence, dict) and self.member_id in (
            evidence.get("member_id"), evidence.get("neighbour_id"))
        if about and isinstance(script, dict):
            script["text"] = ""
            script.pop("attachments", None)
        return after


def _may_name(raw: bytes, member_id: str) -> bool:
    """Whether the bytes hold the id: as it is, or behind JSON's escapes."""
    return bool(Finder((member_id,)).members_in(raw))


class Finder:
    """Finds which of some members the bytes of an event may name; one look for all of them."""

    def __init__(self, members: Sequence[str]) -> None:
        self.members = members
        self._needles = {member_id: msgspec.json.encode(member_id)[1:-1] for member_id in members}
        self._any = re.compile(b"|".join(re.escape(needle) for needle in self._needles.values()))

    def members_in(self, raw: bytes) -> list[str]:
        """Those whose id the bytes hold: as it is, or behind JSON's escapes."""
        found = []
        if self._needles and self._any.search(raw) is not None:
            found = [member_id for member_id, needle in self._needles.items() if needle in raw]
        if b"\\u" not in raw and b"\\/" not in raw:
            return found
        plain = _ESCAPED.sub(lambda match: str(json.loads(f'"{match.group()}"')), raw.decode(errors="replace"))
        plain = plain.replace("\\/", "/")
        return [member_id for member_id in self._needles if member_id in found or member_id in plain]


def shown(names: Sequence[str], longest: int) -> set[str]:
    """The names as they may stand in a text: whole, and cut to the length that is kept."""
    return {*names, *(name[:longest] for name in names)}
