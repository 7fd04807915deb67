"""Exchanges: a post of ours and the replies to it are handed out together, and stand or fall together.

A reply answers a post that is out: marked done, or seen in the group. Where the post was skipped, expired, was
withdrawn or recalled, or is not out by its minute, its replies are withdrawn. Where an owner answered first, no shill
is needed: theirs are withdrawn. An owner's message is an answer when it replies to the post, mentions who posted, or
says at least a few words, between the post and the last reply's end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from agents import honesty, staffing, tasks
from agents.handout import GroupAtWork, Job, hand_out
from agents.rows import CAMPAIGN
from agents.signals import OWN_WORDS
from agents.similar import words
from agents.state import EXCHANGES, Exchange, ExchangesRow, OrderRow, TaskRow, exchanges_row, task_row
from agents.turn import Turn
from schemas.events import MessageData
from schemas.playbook import Duty
from schemas.playbook_dialogues import DialogueReply, in_order
from schemas.reference import Persona
from schemas.tasks import Evidence, Task
from schemas.values import Action, Role, TaskStatus

_OUT = frozenset({TaskStatus.DONE, TaskStatus.VERIFIED})
#: What nobody can answer: an advertisement, and what breaks the rules.
_NO_ANSWER = frozenset({"advertises", "breaks_rules"})


# --- handed out together --------------------------------------------------------------------------------


def plan(at_work: GroupAtWork, duty: Duty, post: Task, orders: Sequence[tuple[str, OrderRow]]) -> None:
    """Hand out the replies to a post that was just handed out, each to somebody who has not spoken in it yet."""
    if not duty.replies or post.script.id != duty.id:
        return
    turn, spoken, asked = at_work.turn, [post.persona_id], list[str]()
    for number, reply in enumerate(in_order(duty.replies)):
        job = _job(at_work, reply, post, orders, spoken, post.day + number)
        if job is not None and job.end > turn.now and (task := hand_out(at_work, job)) is not None:
            spoken.append(task.persona_id)
            asked.append(task.task_id)
    if asked:
        seen_by = post.window.start + timedelta(minutes=at_work.play.playbook.dialogues.seen_within)
        row = _row(turn, post.group_id)
        _keep(turn, post.group_id, (*row.exchanges, Exchange(post.task_id, tuple(asked), seen_by)))


def _job(
    at_work: GroupAtWork, reply: DialogueReply, post: Task, orders: Sequence[tuple[str, OrderRow]],
    spoken: Sequence[str | None], number: int,
) -> Job | None:
    """The reply with the person who gives it; None where nobody can, honestly."""
    script, order_id, order = reply.script, None, None
    start = post.window.start + timedelta(minutes=reply.after)
    end = start + timedelta(minutes=reply.minutes)
    people = [persona for persona in at_work.free(start, end) if persona.persona_id not in spoken]
    persona: Persona | None
    if reply.role is Role.SHILL:
        allowed = honesty.shills_allowed(at_work.members, at_work.play.playbook.limits)
        active = staffing.active_shills(at_work.personas, allowed)
        shills = [shill for shill in active if shill in people]
        if script.testimonial is None:
            persona = staffing.shill_for(script.speaks_as, shills, number)
        elif (found := staffing.witness(script.testimonial, shills, orders, number)) is not None:
            persona, order_id, order = found
        else:
            return None
    else:
        persona = staffing.persona_for(reply.role, people, number)
    if persona is None:
        return None
    return Job(
        reply.id, reply.role, Action.REPLY, script, persona, start, end, reply.priority,
        Evidence(order_id=order_id, answers=post.task_id), order,
    )


# --- and followed together ------------------------------------------------------------------------------


def follow(turn: Turn) -> None:
    """Tasks have changed, or time has passed: withdraw the replies to what did not go out, close what is over."""
    for group_id, row in list(turn.rows.scan(CAMPAIGN, turn.estate_id, EXCHANGES)):
        followed = [_followed(turn, exchange) for exchange in row.exchanges]
        if followed != list(row.exchanges):
            _keep(turn, group_id, tuple(exchange for exchange in followed if exchange is not None))


def _followed(turn: Turn, exchange: Exchange) -> Exchange | None:
    """The exchange as it stands now; None when it is over."""
    post = _task(turn, exchange.post)
    status = post.task.status if post is not None else TaskStatus.EXPIRED
    if status in _OUT:
        exchange = exchange if exchange.out_at is not None else replace(exchange, out_at=turn.now)
    elif status not in tasks.OPEN:
        return _close(turn, exchange, f"the post that it answers was {_WORDS[status]}")
    elif turn.now >= exchange.seen_by:
        until = exchange.seen_by.astimezone(turn.play.zone)
        return _close(turn, exchange, f"the post that it answers was not out by {until:%H:%M}")
    return exchange if any(_is_open(_task(turn, task_id)) for task_id in exchange.replies) else None


_WORDS = {TaskStatus.SKIPPED: "skipped", TaskStatus.EXPIRED: "not made in its time", TaskStatus.WITHDRAWN: "withdrawn"}


def moved(turn: Turn, group_id: str, before: str, after: str) -> None:
    """Somebody else does a task of ours now: in its exchange the new one takes its place."""
    kept = []
    for exchange in _row(turn, group_id).exchanges:
        replies = tuple(after if reply == before else reply for reply in exchange.replies)
        kept.append(replace(exchange, post=after if exchange.post == before else exchange.post, replies=replies))
    _keep(turn, group_id, tuple(kept))


def recalled(turn: Turn, group_id: str, message_id: str) -> None:
    """A message was recalled: where it was a post, nobody answers it any more."""
    row = _row(turn, group_id)
    kept = []
    for exchange in row.exchanges:
        post = _task(turn, exchange.post)
        if post is not None and post.verified_by == message_id:
            _close(turn, exchange, "the post that it answers was recalled")
        else:
            kept.append(exchange)
    _keep(turn, group_id, tuple(kept))


def heard(turn: Turn, data: MessageData, names: Sequence[str]) -> None:
    """An owner said something: what answers a post of ours leaves nothing for a shill to do."""
    row: ExchangesRow | None = turn.rows.get(exchanges_row(turn.estate_id, data.group_id))
    if row is None or not _NO_ANSWER.isdisjoint(names):
        return
    answered = [exchange for exchange in row.exchanges if _answers(turn, data, exchange)]
    if not answered:
        # What is over was closed when its last reply was.
        return
    for exchange in answered:
        _withdraw(turn, exchange, f"an owner answered: {turn.event.ref}", shills_only=True)
    _keep(turn, data.group_id, tuple(exchange for exchange in row.exchanges if _open(turn, exchange)))


def _answers(turn: Turn, data: MessageData, exchange: Exchange) -> bool:
    if exchange.out_at is None or turn.now <= exchange.out_at:
        return False
    post = _task(turn, exchange.post)
    if post is None:
        return False
    poster = turn.world.reference.personas.get(post.task.persona_id or "")
    if data.reply_to is not None and data.reply_to == post.verified_by:
        return True
    if poster is not None and poster.member_id in (data.mentions or ()):
        return True
    least = turn.play_in(data.group_id).playbook.dialogues.answer_from
    return data.kind in OWN_WORDS and len(words(data.text or "")) >= least


# --- the rows -------------------------------------------------------------------------------------------


def next_wake(turn: Turn) -> None:
    """Ask to be woken for the minutes by which posts must be out."""
    for _, row in turn.rows.scan(CAMPAIGN, turn.estate_id, EXCHANGES):
        for exchange in row.exchanges:
            if exchange.out_at is None:
                turn.wake(exchange.seen_by)


def _row(turn: Turn, group_id: str) -> ExchangesRow:
    return turn.rows.get(exchanges_row(turn.estate_id, group_id)) or ExchangesRow()


def _keep(turn: Turn, group_id: str, exchanges: tuple[Exchange, ...]) -> None:
    address = exchanges_row(turn.estate_id, group_id)
    if exchanges == _row(turn, group_id).exchanges:
        return
    if exchanges:
        turn.rows.put(address, ExchangesRow(exchanges))
    else:
        turn.rows.drop(address)


def _task(turn: Turn, task_id: str) -> TaskRow | None:
    row: TaskRow | None = turn.rows.get(task_row(turn.estate_id, task_id))
    return row


def _open(turn: Turn, exchange: Exchange) -> list[TaskRow]:
    """The replies that may still be given."""
    rows = [_task(turn, task_id) for task_id in exchange.replies]
    return [row for row in rows if row is not None and _is_open(row)]


def _is_open(row: TaskRow | None) -> bool:
    return row is not None and row.task.status in tasks.OPEN


def _close(turn: Turn, exchange: Exchange, reason: str) -> Exchange | None:
    """Withdraw all of its replies. What is left of the exchange: nothing."""
    _withdraw(turn, exchange, reason, shills_only=False)
    return None


def _withdraw(turn: Turn, exchange: Exchange, reason: str, *, shills_only: bool) -> None:
    for row in _open(turn, exchange):
        if row.task.role is Role.SHILL or not shills_only:
            tasks.change(turn, row, TaskStatus.WITHDRAWN, reason)
