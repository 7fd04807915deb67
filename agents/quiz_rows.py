"""What is remembered of a quiz while it is open."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from agents.rows import CAMPAIGN, Address

QUIZ = 32
_PART = "\x1f"


class Answer(Struct, frozen=True, array_like=True):
    """A right answer: who gave it, with which message, how they are called; `seen`: after the question was seen."""

    member_id: str
    message_id: str
    name: str
    seen: bool


class QuizRow(Struct, frozen=True, array_like=True):
    """An open quiz of a group: the script and the task that ask it, from when to when answers count, and who gave any.

    `right` are the first right answers in their order, `wrong` the members who have had their answer.
    """

    script: str
    task_id: str
    opens: datetime
    closes: datetime
    right: tuple[Answer, ...] = ()
    wrong: tuple[str, ...] = ()


QUIZ_ROWS: dict[int, Any] = {QUIZ: QuizRow}


def quiz_row(estate_id: str, group_id: str, quiz: str) -> Address:
    """Where a group's `QuizRow` of a recurring quiz lies."""
    return (CAMPAIGN, estate_id, QUIZ, group_id + _PART + quiz)


def group_of(sub: str) -> str:
    """The group of a `QuizRow`'s sub-key."""
    return sub.partition(_PART)[0]
