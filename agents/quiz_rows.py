"""What is remembered of a quiz while it is open."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from agents.rows import CAMPAIGN, Address

QUIZ = 32


class Answer(Struct, frozen=True, array_like=True):
    """A right answer: who gave it, with which message, how they are called; `seen`: after the question was seen."""

    member_id: str
    message_id: str
    name: str
    seen: bool


class OpenQuiz(Struct, frozen=True, array_like=True):
    """An open quiz: the script and the task that ask it, from when to when answers count, and who gave any.

    `right` are the first right answers in their order, `wrong` the members who have had their answer.
    """

    script: str
    task_id: str
    opens: datetime
    closes: datetime
    right: tuple[Answer, ...] = ()
    wrong: tuple[str, ...] = ()


class QuizRow(Struct, frozen=True, array_like=True):
    """The open quizzes of a group; a group without any has no such row."""

    open: tuple[OpenQuiz, ...] = ()


QUIZ_ROWS: dict[int, Any] = {QUIZ: QuizRow}


def quiz_row(estate_id: str, group_id: str) -> Address:
    """Where a group's `QuizRow` lies."""
    return (CAMPAIGN, estate_id, QUIZ, group_id)
