"""Dialogues in a playbook: a post and the honest replies to it, choreographed as one exchange."""

from __future__ import annotations

from datetime import time
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from schemas.playbook_parts import NAME, Part, ScriptText, Span
from schemas.values import Role

_DAY = 24 * 60


class DialogueReply(Part):
    """A reply to a duty's post: who answers it, from how many minutes after the post's start, in which words.

    Replies go by `order`, those of one order by `after`; one is never due before the one before it is over.
    """

    id: Annotated[str, Field(pattern=NAME)]
    role: Role = Role.SHILL
    #: Minutes after the start of the post's window.
    after: int = Field(ge=5, le=120)
    #: How long it may be given.
    minutes: int = Field(default=10, ge=5, le=30)
    order: int = Field(default=1, ge=1, le=9)
    script: ScriptText
    priority: int = Field(default=6, ge=1, le=9)

    @property
    def over(self) -> int:
        """Minutes after the start of the post's window at which its own is over."""
        return self.after + self.minutes


class Dialogues(Part):
    """What holds for every exchange of a playbook."""

    #: Minutes after the start of its window in which the post must be out; later nobody answers it any more.
    seen_within: int = Field(default=35, ge=5, le=60)
    #: From so many letters or characters on, what an owner says after the post counts as an answer to it.
    answer_from: int = Field(default=4, ge=1, le=100)


def in_order(replies: tuple[DialogueReply, ...]) -> tuple[DialogueReply, ...]:
    """The replies in the order in which they are given."""
    return tuple(sorted(replies, key=lambda reply: (reply.order, reply.after)))


def out_of_order(replies: tuple[DialogueReply, ...]) -> str | None:
    """What is wrong with the order of the replies to one post, in a sentence."""
    given = in_order(replies)
    for before, after in pairwise(given):
        if after.after < before.over:
            return f"the reply {after.id} is due before {before.id} is over"
    return None


def at_night(reply: DialogueReply, post: time, curfew: Span) -> bool:
    """Whether the reply to a post at `post` would be read in the curfew."""
    start = post.hour * 60 + post.minute
    minutes = range(start + reply.after, start + reply.over)
    return any(curfew.holds(time(*divmod(minute % _DAY, 60))) for minute in minutes)
