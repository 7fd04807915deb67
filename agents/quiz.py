"""The quiz: a question that was asked in a group, the answers to it, and who was the first with the right one.

Answers are counted from when the question was seen in the group; where somebody only said that it was asked, from the
start of its window. A member's first answer counts. At its time the quiz closes with a task: the right answer and its
reason, and the name of the first who had it, as long as they are there and want to be written to.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from msgspec.structs import replace

from agents import staffing, tasks
from agents.handout import GroupAtWork, Job, hand_out, wants_nothing
from agents.quiz_rows import QUIZ, Answer, QuizRow, group_of, quiz_row
from agents.reactions import SOMEBODY, called
from agents.rows import CAMPAIGN
from agents.state import MemberRow, TaskRow, member_row, task_row
from agents.turn import Turn
from schemas.events import MessageData
from schemas.playbook_parts import ScriptText
from schemas.tasks import Evidence, Task
from schemas.values import Action, TaskStatus

#: How long the answer may be said.
MINUTES = 30
#: So many right answers are kept, should the first be recalled or its author want no messages; so many wrong ones.
MOST_RIGHT, MOST_WRONG = 8, 40
_ASKED = frozenset({TaskStatus.DONE, TaskStatus.VERIFIED})
#: An answer by its letter, with the words that people put around it.
_LETTER = re.compile(
    r"(?:我|就|那|这题|这道题|今天|题目|觉得|认为|猜|答案|应该|肯定|绝对|果断|盲|选|答|投|是|一票|必须|还是)*"
    r"([A-F])\1{0,4}(?:选项|答案|吧|呀|啊|的|呢|哈|哦|嘛|对吧|对不对|没错|无疑)*")
#: An answer in the words of an option may have so many characters more than the option.
_AROUND = 8


# --- asked ----------------------------------------------------------------------------------------------


def plan(at_work: GroupAtWork, post: Task) -> None:
    """Open the quiz whose question was just handed out."""
    known = at_work.play.quizzes.get(post.script.id)
    turn, campaign = at_work.turn, at_work.turn.campaign
    if known is None or known[0].quiz is None or campaign is None:
        return
    start = post.window.start
    closes = turn.at(turn.day_of(start), known[0].quiz.closes)
    turn.rows.put(
        quiz_row(turn.estate_id, post.group_id, known[0].id),
        QuizRow(post.script.id, post.task_id, start - tasks.EARLY, closes))
    if campaign.quiz_until is None or campaign.quiz_until < closes:
        turn.put_campaign(replace(campaign, quiz_until=closes))


# --- answered -------------------------------------------------------------------------------------------


def heard(turn: Turn, data: MessageData) -> None:
    """A member said something while a quiz is open: it may be their answer."""
    campaign = turn.campaign
    if campaign is None or campaign.quiz_until is None or turn.now > campaign.quiz_until or not data.text:
        return
    if turn.place.blocked or wants_nothing(turn, data.group_id, data.member_id):
        return
    for sub, quiz in list(_of_group(turn, data.group_id)):
        if not quiz.opens <= turn.now <= quiz.closes or _has_answered(quiz, data.member_id):
            continue
        known = turn.play_in(data.group_id).quizzes.get(quiz.script)
        said = letter_of(data.text, known[1].options) if known is not None else None
        if known is None or said is None:
            continue
        if said != known[1].answer:
            after = replace(quiz, wrong=(*quiz.wrong, data.member_id)[-MOST_WRONG:])
        elif len(quiz.right) < MOST_RIGHT:
            seen = _status(turn, quiz) is TaskStatus.VERIFIED
            after = replace(quiz, right=(
                *quiz.right, Answer(data.member_id, data.message_id, called(turn.place.name), seen)))
        else:
            continue
        turn.rows.put((CAMPAIGN, turn.estate_id, QUIZ, sub), after)


def _of_group(turn: Turn, group_id: str) -> Iterator[tuple[str, QuizRow]]:
    for sub, quiz in turn.rows.scan(CAMPAIGN, turn.estate_id, QUIZ):
        if group_of(sub) == group_id:
            yield sub, quiz


def _has_answered(quiz: QuizRow, member_id: str) -> bool:
    return member_id in quiz.wrong or any(answer.member_id == member_id for answer in quiz.right)


def _status(turn: Turn, quiz: QuizRow) -> TaskStatus | None:
    row: TaskRow | None = turn.rows.get(task_row(turn.estate_id, quiz.task_id))
    return row.task.status if row is not None else None


def letter_of(text: str, options: Mapping[str, str]) -> str | None:
    """The option that a message answers with, by its letter or in its words; None for anything else."""
    words = _bare(text)
    if (match := _LETTER.fullmatch(words)) is not None:
        return match[1] if match[1] in options else None
    said = {letter: _bare(option) for letter, option in options.items()}
    if words[:1] in said and len(words) > 2 and words[1:] in said[words[0]]:
        return words[0]
    named = [letter for letter, option in said.items() if len(option) > 1 and option in words]
    if len(named) == 1 and len(words) <= len(said[named[0]]) + _AROUND:
        return named[0]
    return None


def _bare(text: str) -> str:
    """The letters, digits and characters of a text, in capitals."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text[:200]))).upper()


# --- taken back -----------------------------------------------------------------------------------------


def recalled(turn: Turn, message_id: str) -> None:
    """A message was recalled: it is no answer any more."""
    if turn.campaign is not None and turn.campaign.quiz_until is not None:
        _keep(turn, lambda answer: answer.message_id != message_id, "")


def forget(turn: Turn, member_id: str) -> None:
    """Nothing of what a member answered is kept."""
    _keep(turn, lambda answer: answer.member_id != member_id, member_id)


def _keep(turn: Turn, keep: Callable[[Answer], bool], gone: str) -> None:
    for sub, quiz in list(turn.rows.scan(CAMPAIGN, turn.estate_id, QUIZ)):
        after = replace(
            quiz, right=tuple(filter(keep, quiz.right)), wrong=tuple(one for one in quiz.wrong if one != gone))
        if after != quiz:
            turn.rows.put((CAMPAIGN, turn.estate_id, QUIZ, sub), after)


def drop_all(turn: Turn) -> None:
    """The stage is over: nobody is asked any more."""
    for sub, _ in list(turn.rows.scan(CAMPAIGN, turn.estate_id, QUIZ)):
        turn.rows.drop((CAMPAIGN, turn.estate_id, QUIZ, sub))


# --- closed ---------------------------------------------------------------------------------------------


def close(turn: Turn) -> None:
    """Close what is over by now: the answer is handed out where the question was asked."""
    campaign = turn.campaign
    if campaign is None or campaign.quiz_until is None:
        return
    open_ = list(turn.rows.scan(CAMPAIGN, turn.estate_id, QUIZ))
    for sub, quiz in open_:
        if quiz.closes <= turn.now:
            turn.rows.drop((CAMPAIGN, turn.estate_id, QUIZ, sub))
            if turn.running:
                _answer(turn, group_of(sub), quiz)
    if all(quiz.closes <= turn.now for _, quiz in open_):
        turn.put_campaign(replace(campaign, quiz_until=None))


def _answer(turn: Turn, group_id: str, quiz: QuizRow) -> None:
    status, group = _status(turn, quiz), turn.worked(group_id)
    start = quiz.closes.astimezone(turn.play.zone)
    end = start + timedelta(minutes=MINUTES)
    if status not in _ASKED or group is None or end <= turn.now:
        return
    at_work = GroupAtWork(turn, group)
    known = at_work.play.quizzes.get(quiz.script)
    if known is None or known[0].quiz is None:
        return
    item, question, words = known[0], known[1], known[0].quiz
    persona = staffing.persona_for(words.answered_by or item.role, at_work.free(start, end) or at_work.personas, 0)
    if persona is None:
        return

    def job(what: str, script: ScriptText, first: Answer | None) -> Job:
        return Job(
            f"{quiz.script}-{what}", words.answered_by or item.role, Action.POST, question.fill(script), persona, start,
            end, item.priority, Evidence(message_id=first.message_id, member_id=first.member_id) if first else None,
            member_name=(first.name or SOMEBODY) if first else "", rule=item.id)

    first = _first(turn, group_id, quiz, seen=status is TaskStatus.VERIFIED)
    if first is None or hand_out(at_work, job("win", words.win, first)) is None:
        hand_out(at_work, job("nobody", words.nobody, None))


def _first(turn: Turn, group_id: str, quiz: QuizRow, *, seen: bool) -> Answer | None:
    """The first right answer whose author is there and may be named."""
    for answer in quiz.right:
        row: MemberRow | None = turn.rows.get(member_row(turn.estate_id, group_id, answer.member_id))
        if (answer.seen or not seen) and row is not None and row.present and not row.opted_out:
            return answer
    return None


def next_wake(turn: Turn) -> None:
    """Ask to be woken when the next quiz closes."""
    if turn.campaign is not None and turn.campaign.quiz_until is not None:
        for _, quiz in turn.rows.scan(CAMPAIGN, turn.estate_id, QUIZ):
            turn.wake(quiz.closes)
