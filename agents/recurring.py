"""What comes again and again: which of a playbook's recurring items fall on a day, and with which words.

The same campaign and day give the same words. They go through the planner like any duty, and so through honesty.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple
from zlib import crc32

from agents.state import CampaignRow
from schemas.playbook import Duty, Playbook
from schemas.playbook_parts import ScriptText
from schemas.playbook_recurring import WEEKDAYS, Question, Quiz, Recurring, Weekday
from schemas.values import VISIBLE_ACTIONS, Phase, Role


def of_day(playbook: Playbook, campaign: CampaignRow, day: date) -> Iterator[Duty]:
    """What comes on a day of the campaign, in the order of the file."""
    for item in playbook.recurring:
        if falls_on(item, day) and _is_for(item, campaign):
            id, script = _words(item, _turn(item, campaign, day))
            yield Duty(
                id=id, at=item.at, role=item.role, action=item.action, script=script, priority=item.priority,
                minutes=item.minutes)


def _is_for(item: Recurring, campaign: CampaignRow) -> bool:
    """Whether an item comes in the campaign's phase and stage."""
    if item.phases and campaign.phase not in item.phases:
        return False
    return not item.stages or campaign.stage in item.stages


def falls_on(item: Recurring, day: date) -> bool:
    """Whether an item comes on a date; one that names weekdays and days of the month comes where both hold."""
    return is_on(item.weekdays, day) and (not item.days_of_month or day.day in item.days_of_month)


def is_on(weekdays: tuple[Weekday, ...], day: date) -> bool:
    """Whether a date is one of the weekdays; none names all."""
    return not weekdays or WEEKDAYS[day.weekday()] in weekdays


def _turn(item: Recurring, campaign: CampaignRow, day: date) -> int:
    """Which of an item's texts is due: they go round from one time to the next, each campaign beginning elsewhere.

    However it was started: by a file or by an event, it has the same texts.
    """
    first = date.fromisoformat(campaign.start_date)
    times = sum(falls_on(item, first + timedelta(days=past)) for past in range(max((day - first).days, 0)))
    # The last part of an id follows from its causes alone, not from the time.
    return crc32(f"{campaign.campaign_id.rpartition('-')[2]}/{item.id}".encode()) + times


def _words(item: Recurring, turn: int) -> tuple[str, ScriptText]:
    """The id and the text of an item, as `Recurring.said` names them."""
    if item.quiz is not None:
        question = item.quiz.bank[turn % len(item.quiz.bank)]
        return f"{item.id}-{question.id}", question.fill(item.quiz.ask)
    place = turn % len(item.scripts)
    return f"{item.id}-{place + 1}", item.scripts[place]


class Asked(NamedTuple):
    """A question of a quiz made ready: `words` are its options as they are compared with what members say.

    The reason of a duty's question (`of_duty`) is told by another duty: here it is only said who was first.
    """

    item: Recurring
    quiz: Quiz
    question: Question
    words: dict[str, str]
    of_duty: bool = False


def quizzes_of(playbook: Playbook) -> dict[str, Asked]:
    """Every question of every quiz, by the id of the script that asks it."""
    quizzes = [(item, item.quiz) for item in playbook.recurring if item.quiz is not None]
    found = {
        f"{item.id}-{question.id}": Asked(item, quiz, question, _bare(question))
        for item, quiz in quizzes for question in quiz.bank
    }
    # The playbook has such a quiz where a duty asks.
    tells = next((pair for pair in quizzes if pair[1].first is not None), None)
    if tells is None:
        return found
    for duty in playbook.duties():
        if duty.answer is not None:
            question = Question(
                id=duty.id, question=duty.id, options=duty.options, answer=duty.answer, explanation=duty.id)
            found[duty.id] = Asked(*tells, question, _bare(question), of_duty=True)
    return found


def _bare(question: Question) -> dict[str, str]:
    return {letter: bare(option) for letter, option in question.options.items()}


def bare(text: str) -> str:
    """The letters, digits and characters of a text, in capitals."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text))).upper()


def most_of_a_day(items: Iterable[Recurring], phase: Phase) -> Counter[Role]:
    """How many posts of each role the fullest weekday of a phase adds; a day of the month may be any weekday."""
    most: Counter[Role] = Counter()
    for weekday in WEEKDAYS:
        day: Counter[Role] = Counter()
        for item in items:
            if weekday in (item.weekdays or WEEKDAYS) and phase in (item.phases or (phase,)):
                for role in (item.role, (item.quiz.answered_by or item.role) if item.quiz is not None else None):
                    if role is not None and item.action in VISIBLE_ACTIONS:
                        day[role] += 1
        most |= day
    return most
