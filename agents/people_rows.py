"""What the campaign step remembers of people beside their place on the ladder: small rows that change seldom."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from agents.rows import CAMPAIGN, Address

_PART = "\x1f"


#: Messages in a chunk, and how many full chunks are kept beside the one that is being filled: 112 to 128 messages.
CHUNK, CHUNKS = 16, 7
#: So many full chunks are remembered in the hope of a first reply; without one, no more.
HOPE: Final = 2


class Recent(Struct, frozen=True, array_like=True, gc=False):
    """Who wrote the last messages of a group that may be answered: a chunk of them.

    `number` counts the chunks; `hashes` has four bytes a message (CRC-32 of its id), `authors` as many ids, empty
    where the author must not be known any more. `replied`: somebody has replied to a message of the group.
    """

    number: int = 0
    hashes: bytes = b""
    authors: tuple[str, ...] = ()
    replied: bool = False

    @property
    def is_last(self) -> bool:
        """Whether no more is remembered: the chunks of the first hope are full, and nobody has replied."""
        return len(self.authors) >= CHUNK and self.number + 1 >= HOPE and not self.replied


class Ties(Struct, frozen=True, array_like=True, gc=False):
    """Whom a member answered in a group, and who answered them.

    `edges` are (other, answered them, answered by them), the strongest; `seen` is a set of bits for all different
    people who answered, `spoken` for those whom they answered, of which only how many can be told; `introduced` are
    CRC-32s of those whom they were introduced to, `asked` is the last phase in which they were asked first.
    """

    edges: tuple[tuple[str, int, int], ...] = ()
    seen: bytes = b""
    introduced: tuple[int, ...] = ()
    asked: int = -1
    spoken: bytes = b""


class Borne(Struct, frozen=True, array_like=True, gc=False):
    """What is known of a member from one message alone: (place of the evidence's bit, CRC-32 of the message id)."""

    by: tuple[tuple[int, int], ...] = ()


class Connected(Struct, frozen=True, array_like=True):
    """The counts of a group's connections, of those present: see `agents.connections`."""

    group: int = 0
    active: int = 0
    personal: int = 0
    befriended: int = 0


class KeyPerson(Struct, frozen=True, array_like=True):
    """A key person on the way to be won.

    `step` counts the steps done, `due` is the ISO date from which the next may be asked for, `task_id` the last task
    of it, `tries` how often it was asked for in vain; `state` is open, won or left (in peace).
    """

    kind: str
    score: float = 0.0
    step: int = 0
    due: str = ""
    task_id: str = ""
    tries: int = 0
    state: str = "open"


class Fan(Struct, frozen=True, array_like=True):
    """What a member was given: the highest tier (its place, from 1), and in which month (months since year 0)."""

    tier: int = 0
    month: int = 0


RECENT, TIES, BORNE, CONNECTED, KEY_PERSON, FAN = 26, 27, 28, 29, 30, 31

#: The type of each of these kinds of row.
PEOPLE_ROWS: dict[int, Any] = {
    RECENT: Recent, TIES: Ties, BORNE: Borne, CONNECTED: Connected, KEY_PERSON: KeyPerson, FAN: Fan,
}
#: The kinds of which a member has one row in each group.
OF_MEMBER = (TIES, BORNE, KEY_PERSON, FAN)


def recent(estate_id: str, group_id: str, chunk: str = "") -> Address:
    """Where a group's chunk of `Recent` lies; "" is the one that is being filled."""
    return (CAMPAIGN, estate_id, RECENT, group_id + _PART + chunk)


def of_member(kind: int, estate_id: str, group_id: str, member_id: str) -> Address:
    """Where a member's row of one of these kinds lies."""
    return (CAMPAIGN, estate_id, kind, group_id + _PART + member_id)


def ties(estate_id: str, group_id: str, member_id: str) -> Address:
    """Where a member's `Ties` lie."""
    return (CAMPAIGN, estate_id, TIES, group_id + _PART + member_id)


def connected(estate_id: str, group_id: str) -> Address:
    """Where a group's `Connected` lies."""
    return (CAMPAIGN, estate_id, CONNECTED, group_id)
