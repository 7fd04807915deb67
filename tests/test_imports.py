"""The core (`schemas`, `maps`, `agents`) is pure: no I/O, no clock, no dice, no environment. import-linter keeps the
directions of imports; this finds what it cannot see: calls."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

PURE = ("schemas", "maps", "agents")

#: Called by their bare name.
BARE = {
    "open": "does I/O", "print": "does I/O", "input": "does I/O", "breakpoint": "does I/O",
    "eval": "runs what it is given", "exec": "runs what it is given", "__import__": "hides an import",
    "hash": "differs from process to process for text", "id": "differs from process to process",
}
#: Called on anything: the clock has no other use for these names.
ON_ANYTHING = {
    "now": "asks the clock", "utcnow": "asks the clock", "today": "asks the clock",
    "read_text": "does I/O", "write_text": "does I/O", "read_bytes": "does I/O", "write_bytes": "does I/O",
    "getenv": "reads the environment", "uuid1": "throws dice", "uuid4": "throws dice",
}
#: Reached through a module, called or not.
MODULES = {
    "os": "reads the environment", "sys": "reads the environment", "time": "asks the clock", "random": "throws dice",
    "secrets": "throws dice", "pathlib": "does I/O", "socket": "does I/O", "subprocess": "does I/O", "io": "does I/O",
    "logging": "does I/O", "threading": "keeps state of its own", "asyncio": "waits", "tempfile": "does I/O",
}
ZONED = {"fromtimestamp": 2, "astimezone": 1}


def impurities(source: str) -> Iterator[tuple[int, str]]:
    """The lines of a module that are not pure, each with why."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    if why := MODULES.get(alias.name.split(".")[0]):
                        yield node.lineno, f"import {alias.name} {why}"
            case ast.ImportFrom(module=str(module)) if why := MODULES.get(module.split(".")[0]):
                yield node.lineno, f"from {module} import … {why}"
            case ast.ImportFrom(names=names):
                for alias in names:
                    if why := ON_ANYTHING.get(alias.name):
                        yield node.lineno, f"import of {alias.name} {why}"
            case ast.Call(func=ast.Name(id=name)) if why := BARE.get(name):
                yield node.lineno, f"{name}() {why}"
            case ast.Call(func=ast.Attribute(attr=name)) if why := ON_ANYTHING.get(name):
                yield node.lineno, f".{name}() {why}"
            case ast.Call(func=ast.Attribute(attr=name)) if len(node.args) + len(node.keywords) < ZONED.get(name, 0):
                yield node.lineno, f".{name}() without a zone takes the machine's"
            case ast.Global(names=names):
                yield node.lineno, f"global {', '.join(names)} keeps state of its own"
            case _:
                pass


def files(root: Path) -> list[Path]:
    return [file for package in PURE for file in sorted((root / package).rglob("*.py"))]


def test_the_core_is_pure(root: Path):
    found = [
        f"{file.relative_to(root)}:{line}: {why}"
        for file in files(root)
        for line, why in impurities(file.read_text("utf-8"))
    ]
    assert found == []


BAD = """\
import time
import os.path as where
from random import choice
from uuid import uuid4
from datetime import datetime, date
from pathlib import Path
import datetime as dt
_seen = 0
def decide(event):
    global _seen
    datetime.now()
    datetime.now(tz=None)
    dt.datetime.utcnow()
    date.today()
    print(event)
    open("x")
    datetime.fromtimestamp(1.5)
    event.time.astimezone()
    event.file.read_text()
    hash("text")
    import socket
    eval("1")
"""

GOOD = """\
from datetime import UTC, datetime, time
from uuid import UUID, uuid5
def decide(event, now, hours, task):
    time(7, 30).isoformat()
    datetime.fromtimestamp(event.seconds, UTC)
    event.time.astimezone(event.zone)
    hours.open, task.id, now
    event.opened(), task.today_tasks()
    return uuid5(UUID(int=0), "x")
"""


def test_the_check_finds_every_bad_line_of_a_sample():
    innocent = {5, 7, 8, 9}
    assert {line for line, _ in impurities(BAD)} == set(range(1, len(BAD.splitlines()) + 1)) - innocent


def test_the_check_lets_a_pure_sample_pass():
    assert list(impurities(GOOD)) == []


def test_the_check_reads_every_package(root: Path):
    assert {file.relative_to(root).parts[0] for file in files(root)} == set(PURE)


def test_what_is_found_here_is_forbidden_to_import_linter_too(root: Path):
    contracts = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (forbidden,) = [contract for contract in contracts if contract["type"] == "forbidden"]
    assert sorted(MODULES) == sorted(set(MODULES) & set(forbidden["forbidden_modules"]))
    assert forbidden["source_modules"] == list(PURE)


@pytest.mark.parametrize("module", ["schemas.asyncapi", "schemas.playbook", "maps", "agents"])
def test_importing_the_core_opens_no_file_but_code_and_no_socket(module: str, root: Path):
    """In a fresh interpreter, with an audit hook that ends it at the first connection or written file."""
    code = f"""
import sys
def watch(event, args):
    wrote = event == "open" and isinstance(args[1], str) and any(c in args[1] for c in "wax+")
    if event.startswith(("socket.", "subprocess.", "os.system")) or wrote:
        raise SystemExit(f"{{event}} {{args}}")
sys.dont_write_bytecode = True
sys.addaudithook(watch)
import {module}
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
