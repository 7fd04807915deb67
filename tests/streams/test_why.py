"""`loupan why`: a task in readable lines, from the tables alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, update
from typer.testing import CliRunner

from agents.state import OrderRow, PersonRow, order_row, person
from schemas.errors import BadFile
from schemas.ids import derived_id
from schemas.tasks import Evidence, Task, TaskChange, TaskIssued, TaskWithdrawn
from schemas.values import Role, TaskStatus
from streams.cli import app
from streams.playbook_files import builtin_playbooks, builtin_texts
from streams.redaction import redacted
from streams.reference_store import save_reference
from streams.rows import StoredRows
from streams.tables import inbox, outbox, tasks
from tests import builders
from tests.databases import opened
from tests.streams.gateway_world import NOW, ms, task

NAME = "new-estate-own-group"
EDITION = builtin_playbooks()[NAME].edition
RULE = f"rule:{NAME}@{EDITION}/answer-complaint"


class Told:
    """A database with tasks in it, and the command over it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "loupan.db"
        self.engine = opened(self.file)
        with self.engine.begin() as connection:
            save_reference(connection, builders.reference(), {})

    def publish(self, raw: bytes) -> str:
        """Put an event into the inbox; gives its name."""
        body = msgspec.json.decode(raw)
        with self.engine.begin() as connection:
            connection.execute(insert(inbox).values(source=body["source"], id=body["id"], raw=raw))
        return builders.event_ref(raw)

    def keep(self, address: tuple[int, str, int, str], row: object) -> None:
        """Put a row into the state."""
        with self.engine.begin() as connection:
            rows = StoredRows()
            rows.attach(connection)
            rows.put(address, row)
            rows.keep()
            rows.flush(connection)

    def issue(self, made: Task) -> Task:
        """Hand out a task."""
        offset = self._send(TaskIssued(
            id=derived_id(made.issued_at, made.task_id), time=made.issued_at, subject=made.task_id,
            partitionkey=made.dealer_id, data=made))
        with self.engine.begin() as connection:
            connection.execute(insert(tasks).values(
                task_id=made.task_id, seq=offset, dealer_id=made.dealer_id, estate_id=made.estate_id,
                group_id=made.group_id, persona_id=made.persona_id, status=made.status.value,
                window_start=ms(made.window.start), window_end=ms(made.window.end), changed=offset,
                body=msgspec.json.encode(made)))
        return made

    def withdraw(self, made: Task, reason: str) -> None:
        """Withdraw a task."""
        change = TaskChange(
            made.task_id, made.dealer_id, made.estate_id, made.group_id, TaskStatus.WITHDRAWN, reason)
        offset = self._send(TaskWithdrawn(
            id=derived_id(NOW, made.task_id), time=NOW, subject=made.task_id, partitionkey=made.dealer_id, data=change))
        body = msgspec.json.encode(msgspec.structs.replace(made, status=TaskStatus.WITHDRAWN))
        with self.engine.begin() as connection:
            connection.execute(update(tasks).where(tasks.c.task_id == made.task_id).values(
                status="withdrawn", changed=offset, body=body))

    def _send(self, event: Any) -> int:
        row = {"topic": "tasks", "key": event.partitionkey, "id": event.id, "raw": msgspec.json.encode(event)}
        with self.engine.begin() as connection:
            (offset,) = connection.execute(insert(outbox).values(row)).inserted_primary_key or (0,)
        return int(offset)

    def why(self, task_id: str, *words: str) -> str:
        """What the command says."""
        done = CliRunner().invoke(app, ["why", task_id, "--database", str(self.file), *words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    def whole(self, task_id: str) -> dict[str, Any]:
        """The same as JSON."""
        found: dict[str, Any] = json.loads(self.why(task_id, "--json"))
        return found


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    told = Told(tmp_path)
    yield told
    told.engine.dispose()


def answer(told: Told, raw: bytes) -> Task:
    """The task that answers a message."""
    return told.issue(task(
        because=(told.publish(raw), RULE), evidence=Evidence(message_id="a", member_id="m1")))


ASKED = builders.message(text="你们家柜门掉漆了，谁来管", message_id="a")


def test_it_says_who_said_what_when_and_by_which_rule(told):
    made = answer(told, ASKED)
    lines = told.why(made.task_id).splitlines()
    assert "post in the group g1" in lines[0]
    assert "林晚 (p-main, staff) as main_persona" in lines[1]
    assert f"Because: {builders.AT}, a message in the group by m1: “你们家柜门掉漆了，谁来管”" in "\n".join(lines)
    assert "answer-complaint" in "\n".join(lines)


def test_it_says_the_same_in_chinese(told):
    made = answer(told, ASKED)
    text = told.why(made.task_id, "--language", "zh")
    assert "由 林晚（p-main，身份 staff，岗位 main_persona）来做。" in text
    assert "m1 群里的一条消息：“你们家柜门掉漆了，谁来管”" in text
    assert "派发前核对过：" in text


def test_the_rule_is_named_with_its_file_and_line(told):
    place = told.whole(answer(told, ASKED).task_id)["rule"]["place"]
    assert (place["playbook"], place["version"], place["loc"][0]) == (NAME, EDITION, "reactions")
    line = builtin_texts()[NAME].splitlines()[place["line"] - 1]
    assert "id: answer-complaint" in line


def test_a_rule_of_a_version_that_is_not_kept_is_named_without_a_place(told):
    made = told.issue(task(because=("loupan#x", f"rule:{NAME}@99/answer-price")))
    assert told.whole(made.task_id)["rule"]["place"]["file"] is None


def test_of_who_was_erased_it_shows_nothing(told):
    made = answer(told, redacted(ASKED, "m1"))
    event = told.whole(made.task_id)["events"][0]
    assert (event["who"], event["text"]) == (None, "")
    assert "掉漆" not in told.why(made.task_id)


def test_of_who_may_not_be_profiled_it_shows_nothing(told):
    made = answer(told, ASKED)
    told.keep(person("m1"), PersonRow(denied=("profiling",)))
    assert "掉漆" not in told.why(made.task_id)
    assert "by m1" not in told.why(made.task_id)


def test_a_testimonial_names_its_order_and_how_it_stands_now(told):
    made = told.issue(task(role=Role.SHILL, persona_id="p-buyer", evidence=Evidence(order_id="o1")))
    told.keep(order_row("e1", "o1"), OrderRow("m-buyer", "g1", ("全屋定制",), 1, delivered=True))
    assert told.whole(made.task_id)["order"] == {
        "order_id": "o1", "state": "delivered", "products": ["全屋定制"], "testifies": True}
    assert "The order o1 is delivered, and may be spoken about." in told.why(made.task_id)
    told.keep(order_row("e1", "o1"), OrderRow("m-buyer", "g1", ("全屋定制",), 1, delivered=True, refunded=True))
    assert "The order o1 is refunded, and nobody may speak about it as a buyer." in told.why(made.task_id)


def test_a_task_that_was_withdrawn_says_why(told):
    made = answer(told, ASKED)
    assert told.whole(made.task_id)["ended"] is None
    told.withdraw(made, "the message that it answers was recalled")
    told.issue(task(clock="19:30"))
    ended = told.whole(made.task_id)["ended"]
    assert (ended["status"], ended["reason"]) == ("withdrawn", "the message that it answers was recalled")
    assert datetime.fromisoformat(ended["time"]) == NOW
    assert "It was withdrawn at" in told.why(made.task_id)


def test_a_task_that_is_not_there_is_one_sentence(told):
    with pytest.raises(BadFile, match="nothing: there is no such task"):
        told.why("nothing")
