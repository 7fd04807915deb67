"""The `loupan` command: every command by name, and one plain line for everything that is wrong.

A command's module is imported when the command is called: the pages, the map and the pipeline are heavy, and
`loupan tasks tail` needs none of them.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from streams.ownership import refuse_foreign_owners

_HELP = "loupan 楼盘: home-furnishing campaigns, estate by estate, run from events."

#: Command → module and function (or group of commands), and its sentence, in the order of the help. The sentence
#: stands here too, so that `loupan --help` needs none of the modules; a test holds it to the command's own.
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": (
        "demo:demo_command",
        "Watch a city's estates being worked: real estates, simulated groups, the whole pipeline."),
    "serve": (
        "serve:serve_command",
        "Run pipeline, gateway and pages in one process (with `--log kafka`, gateway and pages alone)."),
    "worker": (
        "worker:worker_command",
        "Work the partitions that Kafka gives this worker, until it is told to stop; start as many as you like."),
    "import": (
        "imports:import_command",
        "Load a folder of reference data and start its campaigns, or bring in a file of orders or messages."),
    "publish": (
        "publish:publish_command",
        "Put events into the inbox, or into Kafka; a running `loupan serve` or `loupan worker` works them at once."),
    "replay": (
        "replay:replay_command", "Run a recorded stream through the whole pipeline, on the stream's own clock."),
    "tasks": ("tasks:tasks_app", "The stream of tasks, and saying that one is done."),
    "why": (
        "why:why_command",
        "Tell why a task was asked for: its events, rule, script, order and person, what was checked, how it ended."),
    "tokens": ("tokens:tokens_app", "Who may come in: tokens and one-time links, and who did or saw what."),
    "map": (
        "pictures:map_command",
        "Draw the map of a city: its estates by phase, shops, who works what; PNG, or HTML in one file."),
    "wecom": ("wecom:wecom_app", "WeCom (企业微信): the conversation archive and the customers' groups, as events."),
    "report": (
        "pictures:report_command",
        "Tell a campaign's story in one HTML file: figures, phases, ladder, work, money, what the next one takes."),
    "ledger": (
        "ledger:ledger_command",
        "Show the books of orders: balances, entries, group-buys; without an estate or order, sums and what waits."),
    "dead-letters": ("letters:letters_app", "What could not be read or applied, and sending it again."),
    "playbook": ("playbook:playbook_app", "Playbooks: the choreography as data."),
    "staffing": (
        "staffing:staffing_command", "Print who does what in which groups on a day, what is left uncovered, and why."),
    "locate": (
        "locate:locate_command", "Map each probe of a CSV file to an estate, or to none: CSV to standard output."),
    "signals": ("signals:signals_command", "Tell what each message says: JSON lines to standard output."),
    "webhooks": ("webhooks:webhooks_app", "Webhooks: whom to tell what goes out, and who may send what comes in."),
    "asyncapi": ("contracts:asyncapi_command", "Print the AsyncAPI 3 document of all topics and events."),
    "doctor": ("doctor:doctor_command", "Check that loupan can run here, and say what to do where it can't."),
    "admin": (
        "admin:admin_app", "What loupan stands on: the topics of a Kafka broker, and the log of estate-events."),
    "migrate": (
        "doctor:migrate_command",
        "Bring the database's schema up to date (`serve` and `import` do it by themselves)."),
    "bench": (
        "bench:bench_command", "Measure events/s, latency and memory beside the peers of the same run."),
}


class _Commands(TyperGroup):
    """The commands of the table above, imported when they are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # the base class says so
        """Their names."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002  # as above
        """The command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        found = getattr(importlib.import_module(f"streams.commands.{module}"), name)
        made = found if isinstance(found, typer.Typer) else _app(found, cmd_name)
        command = typer.main.get_command(made)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  # as above
        """The commands in the help, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])


def _app(function: Callable[..., Any], name: str) -> typer.Typer:
    made = typer.Typer(add_completion=False, rich_markup_mode=None)
    made.command(name)(function)
    return made


app = typer.Typer(
    cls=_Commands, help=_HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"loupan {version('loupan')}")
        raise typer.Exit


@app.callback()
def _callback(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Make a group of it; the commands do the rest."""


def main() -> None:
    """The program's entry: 0 done, 1 the world or a bug is in the way, 2 what was given is wrong."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows no Chinese gets it escaped: no reason to end.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    refused = _foreign_owners()
    if refused is not None:
        sys.exit(_said(refused, 1))
    # Only now is it sure that `schemas` is ours.
    from schemas.errors import BadInput, LoupanError  # noqa: PLC0415  # see above
    from streams.whole import WRONG_PATH  # noqa: PLC0415  # as above

    try:
        _run()
        sys.stdout.flush()
    except typer.Exit as done:
        sys.exit(done.exit_code)
    except _Usage as error:
        sys.exit(_explained(error))
    except BadInput as error:
        sys.exit(_said(error, 2))
    except LoupanError as error:
        sys.exit(_said(error, 1))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone: nothing is wrong with us, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(0)
    except OSError as error:
        sys.exit(_said(_of_the_system(error), 2 if isinstance(error, WRONG_PATH) else 1))


#: What typer raises where the words of a command are wrong (its name for it is not public in every version).
_Usage: type[Exception] = typer.BadParameter.__mro__[2]


def _run() -> None:
    # Not `app()`: typer ends the program by itself, with a page for each mistake; ours is one sentence.
    command = typer.main.get_command(app)
    with command.make_context("loupan", sys.argv[1:]) as context:
        command.invoke(context)


def _explained(error: Any) -> int:
    """A mistake in the words of a command, and where it is explained."""
    context = error.ctx
    if context is not None and type(error).__name__ == "NoArgsIsHelpError":
        # Asked without a word: the whole page is the answer.
        sys.stderr.write(f"{context.get_help()}\n")
        return 2
    what = " ".join(str(error.format_message()).split()).removesuffix(".")
    for theirs, ours in (("Value error, ", ""), (": Input should", ": it should"), (". Choose from", "; choose from")):
        what = what.replace(theirs, ours)
    what = what[:1].lower() + what[1:]
    return _said(f"{what}; see `{context.command_path if context else 'loupan'} --help`", 2)


def _of_the_system(error: OSError) -> str:
    """What the system would not do, with the path that it was about."""
    where = f"{error.filename}: " if error.filename else "the output cannot be written: "
    return f"{where}{(error.strerror or str(error)).lower()}"


def _foreign_owners() -> Exception | None:
    try:
        refuse_foreign_owners()
    except Exception as error:  # noqa: BLE001  # whatever owns the name, our own tree of errors is not to be had
        return error
    return None


def _said(error: object, status: int) -> int:
    sys.stderr.write(f"loupan: {error}\n")
    return status
