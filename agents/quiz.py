"""The quiz: a question that was asked in a group, the answers to it, and who was the first with the right one.

Answers are counted from when the question was seen in the group; where somebody only said that it was asked, from the
start of its window. A member's first answer counts. At its time the quiz closes with a task: the right answer and its
reason, and the name of the first who had it, as long as they are there and want to be written to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta

from msgspec.structs import replace

from agents import staffing, tasks
from agents.called import SOMEBODY, called
from agents.handout import GroupAtWork, Job, hand_out, wants_nothing
from agents.quiz_rows import QUIZ, Answer, OpenQuiz, QuizRow, quiz_row
from agents.recurring import Asked, bare
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
#: A message that is longer is no answer.
LONGEST = 120
#: An answer in the words of an option may have so many characters more than the option.
_AROUND = 8


# --- asked ----------------------------------------------------------------------------------------------


def plan(at_work: GroupAtWork, post: Task) -> None:
    """Open the quiz whose question was just handed out."""
    known = at_work.play.quizzes.get(post.script.id)
    turn, campaign = at_work.turn, at_work.turn.campaign
    if known is None or campaign is None:
        return
    start = post.window.start
    closes = turn.at(turn.day_of(start), known.quiz.closes)
    others = (quiz for quiz in _open(turn, post.group_id) if quiz.script != post.script.id)
    _keep(turn, post.group_id, (*others, OpenQuiz(post.script.id, post.task_id, start - tasks.EARLY, closes)))
    if campaign.quiz_until is None or campaign.quiz_until < closes:
        turn.put_campaign(replace(campaign, quiz_until=closes))


def _open(turn: Turn, group_id: str) -> tuple[OpenQuiz, ...]:
    row: QuizRow | None = turn.rows.get(quiz_row(turn.estate_id, group_id))
    return row.open if row is not None else ()


def _keep(turn: Turn, group_id: str, open_: tuple[OpenQuiz, ...]) -> None:
    address = quiz_row(turn.estate_id, group_id)
    if open_:
        turn.rows.put(address, QuizRow(open_))
    else:
        turn.rows.drop(address)


# --- answered -------------------------------------------------------------------------------------------


def heard(turn: Turn, data: MessageData) -> None:
    """A member said something while a quiz is open: it may be their answer."""
    campaign, text = turn.campaign, data.text
    if campaign is None or campaign.quiz_until is None or turn.now > campaign.quiz_until:
        return
    if not text or len(text) > LONGEST or not (open_ := _open(turn, data.group_id)):
        return
    words, known = bare(text), turn.play_in(data.group_id).quizzes
    after = tuple(_with(turn, data, quiz, known.get(quiz.script), words) for quiz in open_)
    if after != open_ and not turn.place.blocked and not wants_nothing(turn, data.group_id, data.member_id):
        _keep(turn, data.group_id, after)


def _with(turn: Turn, data: MessageData, quiz: OpenQuiz, asked: Asked | None, words: str) -> OpenQuiz:
    """The quiz with what a member said, where that is an answer, and their first."""
    said = answer_of(words, asked.words) if asked is not None else None
    if asked is None or said is None or _has_answered(quiz, data.member_id):
        return quiz
    if not quiz.opens <= turn.now <= quiz.closes:
        return quiz
    if said != asked.question.answer:
        return replace(quiz, wrong=(*quiz.wrong, data.member_id)[-MOST_WRONG:])
    if len(quiz.right) >= MOST_RIGHT:
        return quiz
    seen = _status(turn, quiz) is TaskStatus.VERIFIED
    answer = Answer(data.member_id, data.message_id, called(turn.place.name), seen)
    return replace(quiz, right=(*quiz.right, answer))


def _has_answered(quiz: OpenQuiz, member_id: str) -> bool:
    return member_id in quiz.wrong or any(answer.member_id == member_id for answer in quiz.right)


def _status(turn: Turn, quiz: OpenQuiz) -> TaskStatus | None:
    row: TaskRow | None = turn.rows.get(task_row(turn.estate_id, quiz.task_id))
    return row.task.status if row is not None else None


def answer_of(words: str, options: Mapping[str, str]) -> str | None:
    """The option that a message answers with, by its letter or in its words; None for anything else.

    Both as `agents.recurring.bare` gives them.
    """
    if (match := _LETTER.fullmatch(words)) is not None:
        return match[1] if match[1] in options else None
    if words[:1] in options and len(words) > 2 and words[1:] in options[words[0]]:  # "B5" is a house
        return words[0]
    named = [letter for letter, option in options.items() if len(option) > 1 and option in words]
    return named[0] if len(named) == 1 and len(words) <= len(options[named[0]]) + _AROUND else None


def moved(turn: Turn, group_id: str, before: str, after: str) -> None:
    """Somebody else asks the question: another task does."""
    open_ = _open(turn, group_id)
    if any(quiz.task_id == before for quiz in open_):
        _keep(turn, group_id, tuple(
            replace(quiz, task_id=after) if quiz.task_id == before else quiz for quiz in open_))


# --- taken back -----------------------------------------------------------------------------------------


def recalled(turn: Turn, message_id: str) -> None:
    """A message was recalled: it is no answer any more."""
    if turn.campaign is not None and turn.campaign.quiz_until is not None:
        _without(turn, lambda answer: answer.message_id == message_id, "")


def forget(turn: Turn, member_id: str) -> None:
    """Nothing of what a member answered is kept."""
    _without(turn, lambda answer: answer.member_id == member_id, member_id)


def _without(turn: Turn, gone: Callable[[Answer], bool], member_id: str) -> None:
    for group_id, row in list(turn.rows.scan(CAMPAIGN, turn.estate_id, QUIZ)):
        after = tuple(
            replace(
                quiz, right=tuple(answer for answer in quiz.right if not gone(answer)),
                wrong=tuple(one for one in quiz.wrong if one != member_id))
            for quiz in row.open)
        if after != row.open:
            _keep(turn, group_id, after)


def drop_all(turn: Turn) -> None:
    """The stage is over: nobody is asked any more."""
    for group_id, _ in list(turn.rows.scan(CAMPAIGN, turn.estate_id, QUIZ)):
        _keep(turn, group_id, ())


# --- closed ---------------------------------------------------------------------------------------------


def close(turn: Turn) -> None:
    """Close what is over by now: the answer is handed out where the question was asked."""
    campaign = turn.campaign
    if campaign is None or campaign.quiz_until is None:
        return
    for group_id, row in list(turn.rows.scan(CAMPAIGN, turn.estate_id, QUIZ)):
        over = [quiz for quiz in row.open if quiz.closes <= turn.now]
        if over:
            _keep(turn, group_id, tuple(quiz for quiz in row.open if quiz.closes > turn.now))
        for quiz in over:
            if turn.running:
                _answer(turn, group_id, quiz)
    if campaign.quiz_until <= turn.now:
        turn.put_campaign(replace(turn.campaign or campaign, quiz_until=None))


def _answer(turn: Turn, group_id: str, quiz: OpenQuiz) -> None:
    status, group = _status(turn, quiz), turn.worked(group_id)
    start = quiz.closes.astimezone(turn.play.zone)
    end = start + timedelta(minutes=MINUTES)
    if status not in _ASKED or group is None or end <= turn.now:
        return
    at_work = GroupAtWork(turn, group)
    asked = at_work.play.quizzes.get(quiz.script)
    if asked is None:
        return
    role = asked.quiz.answered_by or asked.item.role
    persona = staffing.persona_for(role, at_work.free(start, end) or at_work.personas, 0)
    if persona is None:
        return

    def job(id: str, script: ScriptText, first: Answer | None) -> Job:
        return Job(
            id, role, Action.POST, asked.question.fill(script), persona, start, end,
            asked.item.priority,
            Evidence(message_id=first.message_id, member_id=first.member_id) if first is not None else None,
            member_name=(first.name or SOMEBODY) if first is not None else "", rule=asked.item.id)

    first = _first(turn, group_id, quiz, seen=status is TaskStatus.VERIFIED)
    if asked.of_duty:
        if first is not None and asked.quiz.first is not None:
            hand_out(at_work, job(f"{asked.item.id}-first", asked.quiz.first, first))
        return
    if first is None or hand_out(at_work, job(f"{quiz.script}-win", asked.quiz.win, first)) is None:
        hand_out(at_work, job(f"{quiz.script}-nobody", asked.quiz.nobody, None))


def _first(turn: Turn, group_id: str, quiz: OpenQuiz, *, seen: bool) -> Answer | None:
    """The first right answer whose author is there and may be named."""
    for answer in quiz.right:
        row: MemberRow | None = turn.rows.get(member_row(turn.estate_id, group_id, answer.member_id))
        if (answer.seen or not seen) and row is not None and row.present and not row.opted_out:
            return answer
    return None


def next_wake(turn: Turn) -> None:
    """Ask to be woken when the next quiz closes."""
    if turn.campaign is not None and turn.campaign.quiz_until is not None:
        for _, row in turn.rows.scan(CAMPAIGN, turn.estate_id, QUIZ):
            for quiz in row.open:
                turn.wake(quiz.closes)
