"""What the documentation names is there: files, links, commands, targets, functions; and its event is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer.main

from agents import ledger, order_life, phases, tasks
from schemas.events import decode
from tests.conftest import ROOT

DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FOLDERS = "agents|maps|schemas|streams|tests|docs|benchmarks"
NAMED_FILE = re.compile(rf"`((?:{FOLDERS})/[^`\s]*)`")
INLINE = re.compile(r"`((?:loupan|make) [^`]+)`")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


every_page = pytest.mark.parametrize("page", DOCS, ids=name)


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@every_page
def test_every_relative_link_leads_to_a_file_and_its_heading(page: Path):
    broken = []
    for link in LINK.findall(page.read_text("utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        file = (page.parent / target).resolve() if target else page
        if not file.exists():
            broken.append(link)
        elif anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
            if anchor not in map(slug, headings):
                broken.append(link)
    assert broken == []


@every_page
def test_every_file_that_is_named_is_there(page: Path):
    named = NAMED_FILE.findall(page.read_text("utf-8"))
    assert [path for path in named if not any(ROOT.glob(path.rstrip("/")))] == []


def commands(text: str) -> Iterator[list[str]]:
    """Every `loupan …` and `make …` of a page, in a fence or within a line, as words without their comment."""
    fenced = [line for language, body in FENCE.findall(text) if language in {"console", "bash", "sh", "shell"}
              for line in body.splitlines()]
    for line in [*fenced, *INLINE.findall(FENCE.sub("", text))]:
        words = re.sub(r"\s+#.*", "", line.removeprefix("$ ")).split()
        if words and words[0] in {"loupan", "make"}:
            yield words


@every_page
def test_every_target_that_a_page_makes_is_in_the_makefile(page: Path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    made = {words[1] for words in commands(page.read_text("utf-8")) if words[0] == "make" and len(words) > 1}
    assert made <= targets


@pytest.fixture(scope="module")
def program() -> Any:
    if find_spec("streams.cli") is None:
        pytest.skip("streams/cli.py is not here")
    from streams.cli import app

    return typer.main.get_command(app)


@every_page
def test_every_command_of_a_page_is_one_of_the_programs(page: Path, program: Any):
    for words in commands(page.read_text("utf-8")):
        if words[0] == "loupan":
            assert unknown(program, words[1:]) is None, " ".join(words)


def unknown(command: Any, words: list[str]) -> str | None:
    """The first subcommand or option of `words` that the command does not have."""
    for word in words:
        options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        if word.startswith("--"):
            if word.split("=")[0] not in {*options, "--help"}:
                return word
        elif hasattr(command, "get_command"):
            # `tasks tail|done` names two
            found = [command.get_command(None, one) for one in word.strip(",").split("|")]
            if None in found:
                return word
            command = found[0]
    return None


def test_the_check_of_commands_has_power(program: Any):
    assert unknown(program, ["fly"]) == "fly"
    assert unknown(program, ["serve", "--no-such-option"]) == "--no-such-option"
    assert unknown(program, ["playbook", "check", "file.yaml"]) is None


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_first_event_of_the_readme_is_read(page: str):
    bodies = re.findall(r"-d '(\{.*?\})'", (ROOT / page).read_text("utf-8"), re.DOTALL)
    assert [decode(body.encode()).type for body in bodies] == ["loupan.group.message.v1"]


def test_both_readmes_show_the_same_commands_and_the_same_picture():
    english, chinese = ((ROOT / page).read_text("utf-8") for page in ("README.md", "README.zh-CN.md"))
    assert {tuple(words[:2]) for words in commands(english)} == {tuple(words[:2]) for words in commands(chinese)}
    assert re.findall(r"!\[.*?\]\((.*?)\)", english) == re.findall(r"!\[.*?\]\((.*?)\)", chinese)


def test_every_rule_of_honesty_that_is_named_is_a_function():
    text = (ROOT / "docs" / "honesty.md").read_text("utf-8")
    named = set(re.findall(r"`honesty\.(\w+)`", text))
    assert len(named) > 5
    functions = set(re.findall(r"^def (\w+)", (ROOT / "agents" / "honesty.py").read_text("utf-8"), re.MULTILINE))
    assert named <= functions


@pytest.mark.parametrize("package", ["schemas", "maps", "agents"])
def test_a_newcomer_finds_every_file_of_the_core_from_the_architecture(package: str):
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    files = [name(file) for file in (ROOT / package).glob("*.py") if not file.name.startswith("_")]
    assert [file for file in sorted(files) if f"[{file}]" not in text] == []


def test_every_page_of_docs_is_in_the_table_of_contents():
    contents = (ROOT / "docs" / "README.md").read_text("utf-8")
    assert [name(page) for page in DOCS if page.parent.name == "docs" and page.name != "README.md"
            and f"({page.name})" not in contents] == []


def test_the_diagrams_of_phases_and_tasks_are_drawn_from_their_tables():
    drawn = [body.strip() for language, body in FENCE.findall((ROOT / "docs/phases.md").read_text("utf-8"))
             if language == "mermaid"]
    assert drawn == [phases.diagram(), tasks.diagram()]


def test_the_life_of_an_order_and_its_accounts_are_drawn_from_the_code():
    text = (ROOT / "docs/orders.md").read_text("utf-8")
    assert [body.strip() for language, body in FENCE.findall(text) if language == "mermaid"] == [order_life.diagram()]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE)
    assert [row for row in rows if row[0] in ledger.ACCOUNTS] == list(
        zip(ledger.ACCOUNTS, ledger.MEANINGS, strict=True))
