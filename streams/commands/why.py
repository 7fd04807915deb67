"""`loupan why`: why a task was asked for."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
import typer

from schemas.errors import BadFile
from streams.commands.shared import DEFAULT_DATABASE, AsJson, Database, opened, out
from streams.readers import find_task
from streams.why_told import sentences, told


class Language(StrEnum):
    """The languages that it is told in."""

    EN = "en"
    ZH = "zh"


def why_command(
    task_id: Annotated[str, typer.Argument(help="The task, also one that is over or was withdrawn.")],
    database: Database = DEFAULT_DATABASE,
    language: Annotated[Language, typer.Option(help="The language of the sentences.")] = Language.EN,
    as_json: AsJson = False,
) -> None:
    """Tell why a task was asked for: its events, rule, script, order and person, what was checked, how it ended."""
    chinese = language is Language.ZH
    with opened(database, must_exist=True) as engine, engine.connect().execution_options(reading=True) as connection:
        row = find_task(connection, task_id)
        if row is None:
            raise BadFile(task_id, None, "there is no such task", "see `loupan tasks tail`")
        whole = told(connection, row, chinese=chinese)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(whole), indent=2))
        return
    for sentence in sentences(whole, chinese=chinese):
        out.print(sentence, markup=False)
