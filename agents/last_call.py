"""The last call of ours in a group: when it was seen, and whether it still holds for a bare answer.

One small row a group, written when a persona calls for something, never for a member's message: how many messages came
since is read from the place of the group's last messages (`agents.graph`), as long as these are remembered.
"""

from __future__ import annotations

from typing import Final
from zlib import crc32

from agents.call_rows import LastCall, last_call
from agents.calls import Call, call_in, is_bare
from agents.people_rows import CHUNK, Recent, recent
from agents.turn import Turn
from schemas.events import MessageData
from schemas.tasks import Task
from schemas.values import Action, Phase

#: A call is answered within so many seconds, and so many messages that may be answered; later a bare 1 is about
#: something else. A group's evening, from the first window after work to the night's (17:30 to 22:30), is five hours.
HOLDS_SECONDS: Final = 5 * 3600
HOLDS_MESSAGES: Final = 50
#: And so many seconds where nobody counts the messages, in a group whose archive brings no replies.
HOLDS_UNCOUNTED: Final = 3600
_CALLING: Final = frozenset({Phase.SIGN_UP, Phase.CLOSING})


def we_spoke(turn: Turn, data: MessageData) -> None:
    """One of our personas spoke in a group: keep what they called for, if anything."""
    call = call_in(data.text) if data.text else None
    if call is None and any(row.verified_by == data.message_id and _calls(row.task) for row in turn.tasks()):
        call = Call.SIGN_UP
    if call is not None:
        turn.rows.put(
            last_call(turn.estate_id, data.group_id),
            LastCall(
                call.value, int(turn.now.timestamp()), _messages(_newest(turn, data.group_id)),
                _name(data.message_id)))


def _calls(task: Task) -> bool:
    """Whether a script calls for signing up by its place alone: a post of the phases that are there for it."""
    return task.phase in _CALLING and task.action is Action.POST


def called_for(turn: Turn, data: MessageData) -> str:
    """What a message may be the bare answer to: the group's last call, while it holds; else nothing."""
    if not data.text or not is_bare(data.text):
        return ""
    row: LastCall | None = turn.rows.get(last_call(turn.estate_id, data.group_id))
    if row is None:
        return ""
    newest = _newest(turn, data.group_id)
    longest = HOLDS_UNCOUNTED if newest.is_last else HOLDS_SECONDS
    holds = 0 <= turn.now.timestamp() - row.at <= longest and _messages(newest) - row.after <= HOLDS_MESSAGES
    return row.call if holds else ""


def recalled(turn: Turn, group_id: str, message_id: str) -> None:
    """A message was recalled: what it called for is called for no more."""
    row: LastCall | None = turn.rows.get(last_call(turn.estate_id, group_id))
    if row is not None and row.by == _name(message_id):
        turn.rows.drop(last_call(turn.estate_id, group_id))


def _newest(turn: Turn, group_id: str) -> Recent:
    return turn.rows.get(recent(turn.estate_id, group_id)) or Recent()


def _messages(newest: Recent) -> int:
    """How many messages of the group were remembered so far."""
    return newest.number * CHUNK + len(newest.authors)


def _name(message_id: str) -> int:
    return crc32(message_id.encode())
