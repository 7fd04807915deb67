"""A customers' group as WeCom has it, as events: its name and owner, who joined by which link, who is gone.

The code in the link by which a member came (`state` of the join way) says their estate better than anything else; only
these details have it.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Engine

from agents.placement import codes_in
from agents.rows import PLACEMENT
from agents.state import MEMBER_HOME
from schemas.reference import Reference
from streams.inbox import Answer, milliseconds
from streams.rows import StoredRows
from streams.wecom.client import Gone
from streams.wecom.envelope import event
from streams.wecom.marks import Mark, due_chats, fetched, mark_of

#: Members who joined so long before the last one that was seen are looked at again, in seconds: WeCom says late, and
#: not in order, who joined.
AGAIN: Final = 3600
#: So long after it said that a group changed, in milliseconds, WeCom's details may still be the old ones.
SETTLING: Final = 3000
COLUMNS: Final = ("group_id", "name", "kind", "estate_id", "dealer_id", "store_id", "owner_id", "open")
_Chat = dict[str, Any]


class Source(Protocol):
    """What is asked of WeCom."""

    def chats(self) -> Iterator[str]:
        """The ids of all groups."""
        ...

    def chat(self, chat_id: str) -> _Chat:
        """A group's details; `Gone` where there is none."""
        ...


class Accept(Protocol):
    """A door: each event answered, none lost."""

    def __call__(self, raws: list[bytes], origin: str) -> list[Answer]:
        """One answer each, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group: id, when they joined (Unix seconds), and what is known of how."""

    member_id: str
    joined: int
    data: dict[str, Any]


def members_of(chat: _Chat) -> list[Member]:
    """The members in a group's details; what has another form is left out."""
    return [member for raw in _dicts(chat.get("member_list")) if (member := _member(raw)) is not None]


def _member(raw: _Chat) -> Member | None:
    member_id, joined = raw.get("userid"), raw.get("join_time")
    if not isinstance(member_id, str) or not member_id or not isinstance(joined, int):
        return None
    invitor = raw.get("invitor")
    invited_by = invitor.get("userid") if isinstance(invitor, dict) else None
    told = {
        "display_name": _text(raw, "group_nickname") or _text(raw, "name"), "join_state": _text(raw, "state"),
        "join_scene": raw.get("join_scene") if isinstance(raw.get("join_scene"), int) else None,
        "invited_by": invited_by if isinstance(invited_by, str) else None,
    }
    return Member(member_id, joined, {name: value for name, value in told.items() if value is not None})


def joined(group_id: str, member: Member) -> bytes:
    """That they joined. Its id says by which link: told again with a code, it is another event."""
    data = {"group_id": group_id, "member_id": member.member_id, **member.data}
    return event(
        "loupan.group.member-joined.v1", member.joined * 1000, data, "joined", group_id, member.member_id,
        str(member.data.get("join_state", "")))


def left(group_id: str, member_id: str, at: int) -> bytes:
    """That they were not there any more at `at` (Unix milliseconds)."""
    data = {"group_id": group_id, "member_id": member_id}
    return event("loupan.group.member-left.v1", at, data, "left", group_id, member_id)


def updated(group_id: str, chat: _Chat, at: int) -> bytes:
    """The group's name, owner and notice as they are."""
    data = {"group_id": group_id} | {
        ours: value for ours, theirs in (("name", "name"), ("owner_id", "owner"), ("notice", "notice"))
        if (value := _text(chat, theirs)) is not None}
    return event("loupan.group.updated.v1", at, data, "updated", group_id, digest_of(chat))


def digest_of(chat: _Chat) -> str:
    """What tells whether a group's name, owner or notice has changed."""
    said = "\x1f".join(_text(chat, name) or "" for name in ("name", "owner", "notice"))
    return sha256(said.encode()).hexdigest()


class Groups:
    """Fetches groups' details, and hands on what is new in them.

    Args:
        known: reference data: which estates there are, whose the groups are.
        now: the clock.
        stopped: whether to end after the group at hand.
    """

    def __init__(
        self, source: Source, engine: Engine, accept: Accept, known: Reference, now: Callable[[], datetime],
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._source, self._engine, self._accept = source, engine, accept
        self._known, self._now, self._stopped = known, now, stopped
        self.rows: dict[str, tuple[str, ...]] = {}

    def all(self, told: Callable[[int], None] = lambda _: None) -> Counter[str]:
        """Fetch every group; those that have changed come first."""
        return self._fetch(dict.fromkeys((*self._due(), *self._source.chats())), told)

    def changed(self) -> Counter[str]:
        """Fetch the groups of which WeCom has said that they changed."""
        return self._fetch(self._due(), lambda _: None)

    def table(self) -> str:
        """The groups that were fetched, as a `groups.csv`."""
        into = io.StringIO()
        writer = csv.writer(into, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(row for _, row in sorted(self.rows.items()))
        return into.getvalue()

    def _due(self) -> list[str]:
        with self._engine.connect().execution_options(reading=True) as connection:
            return due_chats(connection, milliseconds(self._now) - SETTLING)

    def _fetch(self, chats: Iterable[str], told: Callable[[int], None]) -> Counter[str]:
        counts: Counter[str] = Counter()
        for number, chat_id in enumerate(chats, start=1):
            if self._stopped():
                break
            counts.update(self._one(chat_id))
            told(number)
        return counts

    def _one(self, chat_id: str) -> Counter[str]:
        with self._engine.connect().execution_options(reading=True) as connection:
            # Before the details: whoever joins meanwhile must not be taken for one who left.
            mark, present = mark_of(connection, chat_id), _present(connection, chat_id)
        try:
            chat = self._source.chat(chat_id)
        except Gone:
            with self._engine.begin() as connection:
                fetched(connection, mark, mark.seen, mark.digest)
            return Counter(gone=1)
        members = members_of(chat)
        events = self._events(chat_id, chat, members, mark, present)
        answers = self._accept(events, "wecom-groups") if events else []
        now = milliseconds(self._now) // 1000
        seen = max((member.joined for member in members if member.joined <= now), default=mark.seen)
        with self._engine.begin() as connection:
            # After the events: should we end between the two, they are told again, and recognised.
            fetched(connection, mark, seen, digest_of(chat))
        self.rows[chat_id] = self._row(chat_id, chat, members)
        return Counter(groups=1) + Counter(answer.status for answer in answers)

    def _events(
        self, chat_id: str, chat: _Chat, members: list[Member], mark: Mark, present: Collection[str]
    ) -> list[bytes]:
        at = milliseconds(self._now)
        events = [updated(chat_id, chat, at)] if digest_of(chat) != mark.digest else []
        fresh = -1 if mark.seen is None else mark.seen - AGAIN
        events += [joined(chat_id, member) for member in members if member.joined >= fresh]
        if members:
            there = {member.member_id for member in members}
            events += [left(chat_id, member_id, at) for member_id in sorted(set(present) - there)]
        return events

    def _row(self, chat_id: str, chat: _Chat, members: list[Member]) -> tuple[str, ...]:
        """A row of groups.csv: what is known already stays; estate and dealer are told by links and by the owner."""
        group, owner = self._known.groups.get(chat_id), _text(chat, "owner") or ""
        estate = group.estate_id if group is not None else self._estate(members)
        personas = self._known.personas_of_member.get(owner, ())
        dealer = group.dealer_id if group is not None else next(
            (persona.dealer_id for persona in personas if persona.dealer_id), None)
        return (
            chat_id, _text(chat, "name") or "", group.kind.value if group is not None else "own", estate or "",
            dealer or "", (group.store_id or "") if group is not None else "", owner,
            "false" if group is not None and not group.open else "true")

    def _estate(self, members: list[Member]) -> str | None:
        """The one estate that the codes in the links name; None where they name none, or several."""
        named = {
            code for member in members for code in codes_in(member.data.get("join_state", ""))
            if code in self._known.estates}
        return named.pop() if len(named) == 1 else None


def _present(connection: Connection, group_id: str) -> set[str]:
    """Who is in the group, as far as we know."""
    rows = StoredRows()
    rows.attach(connection)
    return {member_id for member_id, home in rows.scan(PLACEMENT, group_id, MEMBER_HOME) if home.present}


def _dicts(value: object) -> list[_Chat]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(raw: _Chat, name: str) -> str | None:
    value = raw.get(name)
    return value if isinstance(value, str) and value else None
