"""What is read from the tables, on SQLite and PostgreSQL alike: each question one statement.

Every function takes a connection and returns plain rows. Bodies stay bytes: they are JSON already, and most
of them are only handed on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    Table,
    Text,
    and_,
    any_,
    cast,
    func,
    or_,
    select,
    update,
)

from schemas.topics import CAMPAIGN_EVENTS, TASKS
from streams.tables import dead_letters, flow, inbox, meta, outbox, positions, tasks

#: The most rows that one statement brings.
MOST = 2000
#: Higher than any offset, and still one that a database can hold.
LAST = 2**62


class Cursor(NamedTuple):
    """A place in the order of changes: everything that changed at `changed` after `task_id`, or later."""

    changed: int
    task_id: str = ""

    def __str__(self) -> str:
        return f"{self.changed}~{self.task_id}" if self.task_id else str(self.changed)

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read a cursor as it was handed out.

        Raises:
            ValueError: it is not one of ours.
        """
        changed, _, task_id = text.partition("~")
        if not 0 <= int(changed) <= LAST:
            raise ValueError(f"not an offset: {changed}")
        return cls(int(changed), task_id)


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks are asked for. Times are Unix milliseconds; a window that overlaps them counts."""

    dealer_id: str | None = None
    estate_id: str | None = None
    group_id: str | None = None
    persona_id: str | None = None
    statuses: tuple[str, ...] = ()
    start: int | None = None
    end: int | None = None
    since: Cursor | None = None
    limit: int = 500
    store_id: str | None = None
    estates: frozenset[str] | None = None


class TaskRow(NamedTuple):
    """A task as the read model has it."""

    task_id: str
    dealer_id: str
    estate_id: str
    group_id: str
    persona_id: str | None
    status: str
    changed: int
    body: bytes
    store_id: str | None = None


class LogRow(NamedTuple):
    """A row of the outbox."""

    offset: int
    topic: str
    key: str
    raw: bytes


class FlowRow(NamedTuple):
    """A row of the flow map."""

    estate_id: str
    changed: int
    body: bytes


class DeadLetter(NamedTuple):
    """A row of the dead letters; `at` is Unix milliseconds."""

    offset: int
    origin: str
    reason: str
    raw: bytes
    at: int
    status: str


_TASK = tuple(tasks.c[name] for name in TaskRow._fields)
_LOG = tuple(outbox.c[name] for name in LogRow._fields)
_DEAD = tuple(dead_letters.c[name] for name in DeadLetter._fields)


# --- tasks ----------------------------------------------------------------------------------------


def list_tasks(connection: Connection, wanted: TaskFilter) -> list[TaskRow]:
    """The tasks that are asked for: by window, or in the order of change where `since` is given."""
    question = select(*_TASK).where(*_conditions(wanted)).limit(min(wanted.limit, MOST))
    if wanted.estates is not None:
        question = question.where(_among(connection, tasks.c.estate_id, wanted.estates))
    if wanted.since is None:
        question = question.order_by(tasks.c.window_start, tasks.c.seq)
    else:
        question = question.order_by(tasks.c.changed, tasks.c.task_id)
    return [TaskRow(*row) for row in connection.execute(question)]


def _conditions(wanted: TaskFilter) -> list[Any]:
    conditions: list[Any] = [
        tasks.c[name] == value
        for name in ("dealer_id", "store_id", "estate_id", "group_id", "persona_id")
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.statuses:
        conditions.append(tasks.c.status.in_(wanted.statuses))
    if wanted.start is not None:
        conditions.append(tasks.c.window_end > wanted.start)
    if wanted.end is not None:
        conditions.append(tasks.c.window_start < wanted.end)
    if wanted.since is not None:
        conditions.append(_after(wanted.since))
    return conditions


def _among(connection: Connection, column: Column[Any], values: frozenset[str]) -> Any:
    """Whether the column has one of the values: as one parameter, however many they are."""
    if connection.dialect.name == "sqlite":
        return column.in_(select(func.json_each(json.dumps(sorted(values))).table_valued("value").c.value))
    return column == any_(cast(sorted(values), ARRAY(Text)))


def _after(since: Cursor) -> Any:
    # A plain version is inclusive: a change that sent nothing out shares the offset of the one before it.
    if not since.task_id:
        return tasks.c.changed >= since.changed
    return or_(
        tasks.c.changed > since.changed, and_(tasks.c.changed == since.changed, tasks.c.task_id > since.task_id)
    )


def find_task(connection: Connection, task_id: str) -> TaskRow | None:
    """A task by its id."""
    row = connection.execute(select(*_TASK).where(tasks.c.task_id == task_id)).one_or_none()
    return None if row is None else TaskRow(*row)


def tasks_changed(
    connection: Connection, estate_id: str, after: int, before: int, limit: int, *, dealer_id: str | None = None,
    store_id: str | None = None,
) -> list[TaskRow]:
    """An estate's tasks, of a dealer, a store or all, last changed in ``after < changed < before``, latest first."""
    question = (
        select(*_TASK)
        .where(tasks.c.estate_id == estate_id, tasks.c.changed > after, tasks.c.changed < before)
        .order_by(tasks.c.changed.desc(), tasks.c.task_id)
        .limit(min(limit, MOST))
    )
    if dealer_id is not None:
        question = question.where(tasks.c.dealer_id == dealer_id)
    if store_id is not None:
        question = question.where(tasks.c.store_id == store_id)
    return [TaskRow(*row) for row in connection.execute(question)]


def task_counts(
    connection: Connection, estate_id: str, *, dealer_id: str | None = None, store_id: str | None = None
) -> dict[str, int]:
    """How many of an estate's tasks, of one dealer, one store or all, stand where."""
    question = select(tasks.c.status, func.count()).where(tasks.c.estate_id == estate_id).group_by(tasks.c.status)
    if dealer_id is not None:
        question = question.where(tasks.c.dealer_id == dealer_id)
    if store_id is not None:
        question = question.where(tasks.c.store_id == store_id)
    return {row[0]: row[1] for row in connection.execute(question)}


def of_store(connection: Connection, store_id: str, task_ids: Sequence[str]) -> set[str]:
    """Those of the tasks that are the store's."""
    return _ids_of(connection, task_ids, tasks.c.store_id == store_id)


def of_estate(connection: Connection, estate_id: str, task_ids: Sequence[str]) -> set[str]:
    """Those of the tasks that are the estate's."""
    return _ids_of(connection, task_ids, tasks.c.estate_id == estate_id)


def _ids_of(connection: Connection, task_ids: Sequence[str], whose: ColumnElement[bool]) -> set[str]:
    question = select(tasks.c.task_id).where(_among(connection, tasks.c.task_id, frozenset(task_ids)), whose)
    return set(connection.execute(question).scalars())


# --- logs -----------------------------------------------------------------------------------------


def sent_between(
    connection: Connection, topic: str, after: int, upto: int, *, key: str | None = None, limit: int = MOST
) -> list[LogRow]:
    """What went out in ``after < offset <= upto``, of one key or of all, in order."""
    question = (
        select(*_LOG)
        .where(outbox.c.topic == topic, outbox.c.offset > after, outbox.c.offset <= upto)
        .order_by(outbox.c.offset)
        .limit(min(limit, MOST))
    )
    if key is not None:
        question = question.where(outbox.c.key == key)
    return [LogRow(*row) for row in connection.execute(question)]


def campaign_log(connection: Connection, estate_id: str, before: int, limit: int) -> list[LogRow]:
    """An estate's campaign events below the offset `before`, the latest first."""
    question = (
        select(*_LOG)
        .where(outbox.c.topic == CAMPAIGN_EVENTS.name, outbox.c.key == estate_id, outbox.c.offset < before)
        .order_by(outbox.c.offset.desc())
        .limit(min(limit, MOST))
    )
    return [LogRow(*row) for row in connection.execute(question)]


def sent_at(connection: Connection, offsets: Iterable[int]) -> dict[int, LogRow]:
    """What went out at these offsets."""
    wanted = sorted(set(offsets))
    rows: dict[int, LogRow] = {}
    for start in range(0, len(wanted), 500):
        question = select(*_LOG).where(outbox.c.offset.in_(wanted[start : start + 500]))
        rows.update((row.offset, LogRow(*row)) for row in connection.execute(question))
    return rows


def came_in(connection: Connection, source: str, id: str) -> bytes | None:
    """The event of that name that came through the door, whole."""
    question = select(inbox.c.raw).where(inbox.c.source == source, inbox.c.id == id)
    return connection.execute(question).scalar_one_or_none()


def went_out(connection: Connection, estate_id: str, dealer_id: str, ids: Sequence[str]) -> dict[str, bytes]:
    """The events of these ids that went out about the estate or to the dealer, by id."""
    if not ids:
        return {}
    question = select(outbox.c.id, outbox.c.raw).where(
        or_(
            and_(outbox.c.topic == CAMPAIGN_EVENTS.name, outbox.c.key == estate_id),
            and_(outbox.c.topic == TASKS.name, outbox.c.key == dealer_id),
        ),
        outbox.c.id.in_(ids),
    )
    return {row.id: row.raw for row in connection.execute(question)}


def count_after(connection: Connection, log: Table, offset: int) -> tuple[int, int]:
    """How many rows a log has after an offset, and its last offset (the given one where there are none)."""
    question = select(func.count(), func.max(log.c.offset)).where(log.c.offset > offset)
    count, last = connection.execute(question).one()
    return count, offset if last is None else last


def last_sent(connection: Connection) -> int:
    """The outbox's last offset, 0 where nothing went out yet."""
    return connection.execute(select(func.max(outbox.c.offset))).scalar_one() or 0


# --- the flow map ---------------------------------------------------------------------------------


def flow_since(connection: Connection, changed: int) -> list[FlowRow]:
    """The estates on the flow map that changed at `changed` or later, in the order of change."""
    question = (
        select(flow.c.estate_id, flow.c.changed, flow.c.body)
        .where(flow.c.changed >= changed)
        .order_by(flow.c.changed, flow.c.estate_id)
    )
    return [FlowRow(*row) for row in connection.execute(question)]


# --- dead letters ---------------------------------------------------------------------------------


def list_dead_letters(
    connection: Connection, *, status: str | None = None, before: int | None = None, limit: int = 100
) -> list[DeadLetter]:
    """Dead letters, the latest first."""
    question = select(*_DEAD).order_by(dead_letters.c.offset.desc()).limit(min(limit, MOST))
    if status is not None:
        question = question.where(dead_letters.c.status == status)
    if before is not None:
        question = question.where(dead_letters.c.offset < before)
    return [DeadLetter(*row) for row in connection.execute(question)]


def find_dead_letter(connection: Connection, offset: int) -> DeadLetter | None:
    """A dead letter by its offset."""
    row = connection.execute(select(*_DEAD).where(dead_letters.c.offset == offset)).one_or_none()
    return None if row is None else DeadLetter(*row)


def mark_retried(connection: Connection, offset: int) -> None:
    """Say of a dead letter that it was sent again."""
    connection.execute(update(dead_letters).where(dead_letters.c.offset == offset).values(status="retried"))


def count_dead(connection: Connection) -> int:
    """How many dead letters wait for somebody."""
    question = select(func.count()).select_from(dead_letters).where(dead_letters.c.status == "dead")
    return connection.execute(question).scalar_one()


# --- running it -----------------------------------------------------------------------------------


def worked(connection: Connection) -> int:
    """How much was worked, of all that came: it moves with every batch, those too that send nothing out."""
    return connection.execute(select(func.sum(positions.c.next))).scalar_one() or 0


def is_ready(connection: Connection) -> bool:
    """Whether the tables are there and can be read."""
    connection.execute(select(meta.c.name).limit(1)).all()
    connection.execute(select(positions.c.consumer).limit(1)).all()
    return True
