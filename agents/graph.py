"""Who answers whom: the graph of replies and mentions, kept as the messages come.

A mention says whom it answers; a reply says only which message. So the authors of the last messages are remembered,
in chunks of sixteen: a message adds to one small row, and many add to none, because nobody answers "好的". In a group
whose archive brings no replies only the first two chunks are ever written. A reply is resolved here and not at
placement, which keeps no rows of an estate's people beside their homes and would have to write one more row for the
same message.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from zlib import crc32

from msgspec.structs import replace

from agents import standing
from agents.connections import ANSWERED_BY_US
from agents.people_rows import CHUNK, CHUNKS, RECENT, TIES, Recent, Ties, recent, ties
from agents.rows import CAMPAIGN
from agents.state import MemberRow, member_of, member_row
from agents.turn import Turn
from schemas.events import MessageData

#: Of so many mentions in one message each counts as an answer; who mentions more answers nobody.
ANSWERED_AT_ONCE: Final = 20
#: What is shorter, asks nothing and says nothing is answered by nobody, unless people answer its author.
ANSWERABLE: Final = 6
#: The strongest edges of a member are kept; an edge counts up to seven answers either way, and then no more.
EDGES, COUNTED = 12, 7
#: Bytes of bits for the different people who answered, or were answered: some four hundred can be told, within a tenth.
SEEN: Final = 32


# --- whom a message answers -----------------------------------------------------------------------------


def answered_by(turn: Turn, data: MessageData) -> list[str]:
    """Whom a message answers: those it mentions, and the author of the message that it replies to."""
    others = dict.fromkeys((data.mentions or ())[:ANSWERED_AT_ONCE])
    if data.reply_to is not None and (author := _author(turn, data.group_id, data.reply_to)):
        others[author] = None
    others.pop(data.member_id, None)
    return list(others)


def is_ours(turn: Turn, group_id: str, member_id: str) -> bool:
    """Whether a member of the group is one of our people."""
    return turn.world.is_staff(member_id) or turn.world.persona_of(group_id, member_id) is not None


def we_spoke(turn: Turn, data: MessageData) -> None:
    """One of our people said something: whom they answer, they have met."""
    if data.mentions or data.reply_to is not None:
        for other in answered_by(turn, data):
            if not is_ours(turn, data.group_id, other):
                meet(turn, data.group_id, other, ANSWERED_BY_US)
    _remember(turn, data)


def meet(turn: Turn, group_id: str, member_id: str, how: int) -> None:
    """A member who is here met our people, in this way."""
    row: MemberRow | None = turn.rows.get(member_row(turn.estate_id, group_id, member_id))
    if row is not None and row.present and not row.met & how:
        standing.put(turn, group_id, member_id, row, replace(row, met=row.met | how))


# --- the authors of the last messages -------------------------------------------------------------------


def remember(turn: Turn, data: MessageData, says_something: bool, answered: int) -> None:
    """Keep who wrote a message, where somebody may answer it. `answered`: how many people answered its author."""
    text = data.text
    if says_something or answered or text is None or len(text) >= ANSWERABLE or "?" in text or "？" in text:
        _remember(turn, data)


def _remember(turn: Turn, data: MessageData) -> None:
    address = recent(turn.estate_id, data.group_id)
    chunk: Recent = turn.rows.get(address) or Recent()
    if len(chunk.authors) >= CHUNK:
        if chunk.is_last:
            return
        turn.rows.put(recent(turn.estate_id, data.group_id, str(chunk.number % CHUNKS)), chunk)
        chunk = Recent(chunk.number + 1, replied=chunk.replied)
    hashes, authors = chunk.hashes + _name(data.message_id), (*chunk.authors, data.member_id)
    turn.rows.put(address, Recent(chunk.number, hashes, authors, chunk.replied))


def _author(turn: Turn, group_id: str, message_id: str) -> str:
    """Who wrote a message of the group; empty where that is forgotten, or never was known."""
    newest: Recent | None = turn.rows.get(recent(turn.estate_id, group_id))
    if newest is None:
        return ""
    if not newest.replied:
        newest = replace(newest, replied=True)
        turn.rows.put(recent(turn.estate_id, group_id), newest)
    name = _name(message_id)
    if author := _in_chunk(newest, name):
        return author
    for number in range(newest.number - 1, max(newest.number - 1 - CHUNKS, -1), -1):
        chunk: Recent | None = turn.rows.get(recent(turn.estate_id, group_id, str(number % CHUNKS)))
        if chunk is not None and (author := _in_chunk(chunk, name)):
            return author
    return ""


def _in_chunk(chunk: Recent, name: bytes) -> str:
    at = chunk.hashes.rfind(name)
    while at > 0 and at % 4:
        at = chunk.hashes.rfind(name, 0, at + 3)
    return chunk.authors[at // 4] if at >= 0 else ""


def _name(message_id: str) -> bytes:
    return crc32(message_id.encode()).to_bytes(4, "big")


# --- the edges ------------------------------------------------------------------------------------------


def answer(turn: Turn, group_id: str, member_id: str, other: str) -> None:
    """A member answered another one of the group."""
    theirs: MemberRow | None = turn.rows.get(member_row(turn.estate_id, group_id, other))
    if theirs is None or not theirs.present:
        return
    _tie(turn, group_id, member_id, other, 1, 0)
    after = _tie(turn, group_id, other, member_id, 0, 1)
    # Up to three are told apart for sure; beyond that it is many.
    different = min(sum(heard > 0 for _, _, heard in after.edges), 3)
    often = min(sum(heard for _, _, heard in after.edges), 3)
    theirs = turn.rows.get(member_row(turn.estate_id, group_id, other))
    if theirs is not None and (different > theirs.answered or often > theirs.heard):
        heard, answered = max(often, theirs.heard), max(different, theirs.answered)
        standing.put(turn, group_id, other, theirs, replace(theirs, answered=answered, heard=heard))


def _tie(turn: Turn, group_id: str, member_id: str, other: str, said: int, heard: int) -> Ties:
    """One more answer between two, on the side of `member_id`; written only where it says something new."""
    address = ties(turn.estate_id, group_id, member_id)
    before: Ties = turn.rows.get(address) or Ties()
    after = replace(
        before, edges=with_edge(before.edges, other, said, heard),
        seen=with_seen(before.seen, other) if heard else before.seen,
        spoken=with_seen(before.spoken, other) if said else before.spoken)
    if after != before:
        turn.rows.put(address, after)
        _befriend(turn, group_id, member_id, after)
    return after


def with_edge(
    edges: tuple[tuple[str, int, int], ...], other: str, said: int, heard: int
) -> tuple[tuple[str, int, int], ...]:
    """The edges with one more answer to (`said`) or from (`heard`) the other.

    Where there is no room, the weakest makes it, the oldest of the weak first; among strong ones a new one has none.
    """
    for place, (known, out, back) in enumerate(edges):
        if known == other:
            edge = (other, min(out + said, COUNTED), min(back + heard, COUNTED))
            return edges if edge == edges[place] else (*edges[:place], edge, *edges[place + 1 :])
    if len(edges) >= EDGES:
        weakest = min(range(len(edges)), key=lambda place: edges[place][1] + edges[place][2])
        if edges[weakest][1] + edges[weakest][2] > 1:
            return edges
        edges = (*edges[:weakest], *edges[weakest + 1 :])
    return (*edges, (other, said, heard))


def with_seen(seen: bytes, other: str) -> bytes:
    """The set of those who answered, with one more."""
    bit = crc32(other.encode()) % (8 * SEEN)
    bits = int.from_bytes(seen, "big")
    return seen if bits >> bit & 1 else (bits | 1 << bit).to_bytes(SEEN, "big")


def friends_in(edges: Iterable[tuple[str, int, int]], exchanges: int) -> list[str]:
    """The friends among the edges: each has answered the other so often."""
    return [other for other, said, heard in edges if said >= exchanges and heard >= exchanges]


def _befriend(turn: Turn, group_id: str, member_id: str, known: Ties) -> None:
    """Set right how many friends a member has."""
    row: MemberRow | None = turn.rows.get(member_row(turn.estate_id, group_id, member_id))
    friends = len(friends_in(known.edges, turn.play.playbook.connections.exchanges))
    if row is not None and row.friends != friends:
        standing.put(turn, group_id, member_id, row, replace(row, friends=friends))


# --- forgetting -----------------------------------------------------------------------------------------


def forget(turn: Turn, member_id: str) -> None:
    """A member must not be known any more: nobody's friend, and the author of nothing."""
    for sub, chunk in list(turn.rows.scan(CAMPAIGN, turn.estate_id, RECENT)):
        if member_id in chunk.authors:
            authors = tuple("" if author == member_id else author for author in chunk.authors)
            turn.rows.put((CAMPAIGN, turn.estate_id, RECENT, sub), replace(chunk, authors=authors))
    name = crc32(member_id.encode())
    for sub, known in list(turn.rows.scan(CAMPAIGN, turn.estate_id, TIES)):
        edges = tuple(edge for edge in known.edges if edge[0] != member_id)
        introduced = tuple(one for one in known.introduced if one != name)
        if (edges, introduced) == (known.edges, known.introduced):
            continue
        group_id, other = member_of(sub)
        after = replace(known, edges=edges, introduced=introduced)
        turn.rows.put(ties(turn.estate_id, group_id, other), after)
        _befriend(turn, group_id, other, after)


def leave_all(turn: Turn, group_id: str) -> None:
    """The group went to another estate: nothing is kept here of who answered whom in it."""
    for kind in (RECENT, TIES):
        for sub, _ in list(turn.rows.scan(CAMPAIGN, turn.estate_id, kind)):
            if member_of(sub)[0] == group_id:
                turn.rows.drop((CAMPAIGN, turn.estate_id, kind, sub))
