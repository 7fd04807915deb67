"""What comes again and again beside a phase's own duties: the quiz, the sales, the referral day, red packets.

Source of the hours and weekdays that the shipped playbooks use: the trade's manual (quiz 9:00, flash sale Monday to
Thursday 20:00, group bargain Friday 20:00, night surprise 22:00, a referral day a month).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.playbook_parts import NAME, Clock, Part, Said, ScriptText, Section
from schemas.values import Action, Phase, Role

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
#: The weekdays as `date.weekday()` counts them.
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LETTERS = "ABCDEF"
_ASKED = re.compile(r"\{\{-?\s*quiz\.(question|options|answer|explanation)\s*-?\}\}")
_TEMPLATE = re.compile(r"\{[{%#]|[}%#]\}")


class Kind(StrEnum):
    """What comes again."""

    QUIZ = "quiz"
    FLASH_SALE = "flash_sale"
    GROUP_BARGAIN = "group_bargain"
    NIGHT_SURPRISE = "night_surprise"
    REFERRAL_DAY = "referral_day"
    NEIGHBOURS_MEETING = "neighbours_meeting"
    WELCOME = "welcome"
    RED_PACKET = "red_packet"
    OTHER = "other"


class Question(Part):
    """A question of the quiz: what is asked, two to six options A, B, C, …, the right one, and why it is right."""

    id: Annotated[str, Field(pattern=NAME)]
    question: str = Field(min_length=1, max_length=300)
    options: dict[str, str] = Field(min_length=2, max_length=len(_LETTERS))
    answer: str
    explanation: str = Field(min_length=1, max_length=600)

    @model_validator(mode="after")
    def _the_answer_is_an_option(self) -> Self:
        letters = _LETTERS[:len(self.options)]
        if "".join(self.options) != letters:
            raise ValueError(f"the options of {self.id} are called {', '.join(letters)}, in that order")
        if self.answer not in self.options:
            raise ValueError(f"the answer {self.answer} of {self.id} is none of its options")
        if any(_TEMPLATE.search(text) for text in (self.question, self.explanation, *self.options.values())):
            raise ValueError(f"the question {self.id} holds braces: its words are said as they stand")
        return self


    def fill(self, script: ScriptText) -> ScriptText:
        """The script with this question's words in it."""
        words = {
            "question": self.question, "explanation": self.explanation,
            "options": "　".join(f"{letter} {text}" for letter, text in self.options.items()),
            "answer": f"{self.answer}（{self.options[self.answer]}）",
        }
        return script.model_copy(update={"text": _ASKED.sub(lambda match: words[match[1]], script.text)})


def options_in(text: str) -> dict[str, str]:
    """The options that a text offers on one line, `A 敲一敲　B 问物业`, by their letters; none, nothing."""
    for line in text.splitlines():
        parts = [part.strip() for part in line.split("　") if part.strip()]
        letters = _LETTERS[:len(parts)]
        if len(parts) > 1 and [part[:2] for part in parts] == [f"{letter} " for letter in letters]:
            return {part[0]: part[2:].strip() for part in parts}
    return {}


class Quiz(Part):
    """The quiz: how a question is asked, when it closes, and what is said then.

    In its scripts stand `{{ quiz.question }}`, `{{ quiz.options }}`, `{{ quiz.answer }}` and
    `{{ quiz.explanation }}`; in `win` also `{{ member.name }}`, who was the first with the right answer.
    """

    closes: Clock
    ask: ScriptText
    win: ScriptText
    nobody: ScriptText
    bank: tuple[Question, ...] = Field(min_length=1)
    #: What is said, when it closes, of who was the first with the right answer to a duty's question (its `answer`).
    first: ScriptText | None = None
    #: Who says the answer, where that is somebody else than who asks.
    answered_by: Role | None = None


class Recurring(Section):
    """Something that comes again: when, who, with which words. What names no days or phases holds for all of them.

    `scripts` are taken in turn from one time to the next, so that no text comes twice running.
    """

    id: Annotated[str, Field(pattern=NAME)]
    kind: Kind
    at: Clock
    role: Role
    action: Action = Action.POST
    weekdays: tuple[Weekday, ...] = ()
    days_of_month: tuple[Annotated[int, Field(ge=1, le=31)], ...] = ()
    phases: tuple[Phase, ...] = ()
    stages: tuple[Annotated[int, Field(ge=1, le=9)], ...] = ()
    priority: int = Field(default=5, ge=1, le=9)
    minutes: int = Field(default=30, ge=10, le=30)
    scripts: tuple[ScriptText, ...] = ()
    quiz: Quiz | None = None

    @model_validator(mode="after")
    def _has_its_words(self) -> Self:
        if self.kind is Kind.QUIZ:
            if self.quiz is None or self.scripts:
                raise ValueError(f"{self.id} is a quiz: its words stand in quiz:, not in scripts:")
            if self.quiz.closes <= self.at:
                raise ValueError(f"{self.id} closes before it is asked")
        elif self.quiz is not None or not self.scripts:
            raise ValueError(f"{self.id} is no quiz: its words stand in scripts:, not in quiz:")
        return self

    def said(self) -> Iterator[Said]:
        """Every text: those of the quiz with the words of each question in them."""
        for place, script in enumerate(self.scripts):
            yield Said(
                loc=("scripts", place), id=f"{self.id}-{place + 1}", role=self.role, action=self.action, script=script)
        if self.quiz is None:
            return
        answered_by = self.quiz.answered_by or self.role
        if self.quiz.first is not None:
            yield Said(
                loc=("quiz", "first"), id=f"{self.id}-first", role=answered_by, action=Action.POST,
                script=self.quiz.first, to_member=True)
        for place, question in enumerate(self.quiz.bank):
            loc, id = ("quiz", "bank", place), f"{self.id}-{question.id}"
            yield Said(loc=loc, id=id, role=self.role, action=self.action, script=question.fill(self.quiz.ask))
            yield Said(
                loc=loc, id=f"{id}-win", role=answered_by, action=Action.POST, script=question.fill(self.quiz.win),
                to_member=True)
            yield Said(
                loc=loc, id=f"{id}-nobody", role=answered_by, action=Action.POST,
                script=question.fill(self.quiz.nobody))
