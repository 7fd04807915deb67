"""`loupan tasks`: the stream of tasks, and saying that one is done."""

from __future__ import annotations

import time
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
import typer
from sqlalchemy import Connection, select

from schemas.errors import BadFile
from schemas.tasks import Task
from schemas.topics import TASKS
from streams.clocks import WallClock
from streams.commands.carrying import Carrier, Kafka, Log, Prefix, door
from streams.commands.shared import DEFAULT_DATABASE, AsJson, Database, opened, out
from streams.marking import Said, event_of, refusal
from streams.readers import find_task, last_sent, sent_between
from streams.settings import read_settings
from streams.tables import outbox

tasks_app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    help="The stream of tasks, and saying that one is done.")


@tasks_app.command("tail")
def tail_command(
    database: Database = DEFAULT_DATABASE,
    dealer: Annotated[str | None, typer.Option(help="Only this dealer's.")] = None,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", "-f", help="Go on as tasks come.")] = False,
    number: Annotated[int, typer.Option("-n", min=0, help="So many of the last ones first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show what went out to the dealers, and what became of it."""
    with opened(database, must_exist=True) as engine:
        with engine.connect().execution_options(reading=True) as connection:
            upto = last_sent(connection)
            for raw in _last(connection, upto, dealer, number):
                _show(connection, raw, as_json=as_json)
        while follow:
            time.sleep(0.5)
            with engine.connect().execution_options(reading=True) as connection:
                while rows := sent_between(connection, TASKS.name, upto, last_sent(connection), key=dealer):
                    for row in rows:
                        _show(connection, row.raw, as_json=as_json)
                    upto = rows[-1].offset


def _last(connection: Connection, upto: int, dealer: str | None, number: int) -> list[bytes]:
    """The last `number` events of tasks, the oldest of them first."""
    question = (
        select(outbox.c.raw).where(outbox.c.topic == TASKS.name, outbox.c.offset <= upto)
        .order_by(outbox.c.offset.desc()).limit(number))
    if dealer is not None:
        question = question.where(outbox.c.key == dealer)
    return list(reversed(connection.execute(question).scalars().all()))


def _show(connection: Connection, raw: bytes, *, as_json: bool) -> None:
    if as_json:
        typer.echo(raw.decode())
        return
    event = msgspec.json.decode(raw)
    what = event["type"].split(".")[2]
    found = find_task(connection, event["data"]["task_id"])
    if found is None:
        return
    task = msgspec.json.decode(found.body, type=Task)
    text = task.script.text.splitlines()[0] if task.script.text else ""
    out.print(
        f"{event['time'][:16]}  {what:<9} {task.window.start:%H:%M}–{task.window.end:%H:%M}  {task.role:<16} "
        f"{task.persona_id}  {task.group_id}  {text[:40]}  {task.task_id}", markup=False)


@tasks_app.command("done")
def done_command(
    task_id: Annotated[str, typer.Argument(help="The task.")],
    message_id: Annotated[str | None, typer.Option("--message", help="The message that did it.")] = None,
    persona_id: Annotated[str | None, typer.Option("--persona", help="Who did it.")] = None,
    database: Database = DEFAULT_DATABASE,
    log: Log = Carrier.EMBEDDED, kafka: Kafka = "127.0.0.1:9092", prefix: Prefix = "",
) -> None:
    """Say that a task is done."""
    now = WallClock(ZoneInfo(read_settings().zone)).now()
    with opened(database, must_exist=True, takes_events=True) as engine, door(
        engine, log, kafka, prefix, None
    ) as accept:
        with engine.connect().execution_options(reading=True) as connection:
            row = find_task(connection, task_id)
        if row is None:
            raise BadFile(task_id, None, "there is no such task", "see `loupan tasks tail`")
        said = Said("done", now, persona_id, message_id)
        if (refused := refusal(row, said)) is not None:
            raise BadFile(task_id, None, refused.en)
        (answer,) = accept([msgspec.json.encode(event_of(row, said, "loupan/cli"))], "cli")
    out.print(f"{task_id}: " + (
        "was marked before" if answer.status == "duplicate" else "marked; a running `loupan serve` applies it"))
