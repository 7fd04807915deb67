"""A dealer's own answers from `knowledge.yaml`: a list, each checked like an entry of a playbook's knowledge base."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from agents.playbook_check import check_answer
from schemas.errors import BadReference
from schemas.playbook_knowledge import KnowledgeEntry
from schemas.reference import Answer
from streams.csv_rows import read_text
from streams.yaml_lines import Document, Loc, read_yaml

_FIELDS: Final = ("id", "about", "keys", "text", "role", "attachments", "dealer_id")


def read_answers(path: Path, dealers: Collection[str], offers: Collection[str]) -> list[Answer]:
    """The answers of a file, none where there is no file; `offers` are the names that a text may speak of.

    An answer with a dealer_id is that dealer's alone and gets the id ``id@dealer_id``; it goes over an entry of that
    id in a playbook (see `agents.knowledge`).

    Raises:
        BadReference: with the line.
    """
    if not path.is_file():
        return []
    document = read_yaml(read_text(path, path.name), path.name, BadReference)
    rows, base = _rows(document, path.name)
    answers: dict[str, Answer] = {}
    for number, row in enumerate(rows):
        loc = (*base, number)
        answer = _answer(document, path.name, loc, row, dealers, offers)
        if answer.answer_id in answers:
            what = f"the answer {answer.answer_id} stands twice"
            raise _bad(document, path.name, (*loc, "id"), what, "give each its own id, or each dealer one")
        answers[answer.answer_id] = answer
    return list(answers.values())


def _rows(document: Document, file: str) -> tuple[list[Any], Loc]:
    data = document.data
    if data is None:
        return [], ()
    if isinstance(data, dict) and isinstance(data.get("entries"), list):
        return data["entries"], ("entries",)
    if isinstance(data, list):
        return data, ()
    raise BadReference(file, 1, "not a list of answers", "start each answer with `- id:`")


def _bad(document: Document, file: str, loc: Loc, what: str, remedy: str, within: int = 0) -> BadReference:
    line = document.text_line(loc, within) if within else document.line(loc)
    return BadReference(file, line, what, remedy)


def _answer(
    document: Document, file: str, loc: Loc, row: Any, dealers: Collection[str], offers: Collection[str]
) -> Answer:
    if not isinstance(row, dict):
        raise _bad(document, file, loc, "an answer is not `name: value` lines", "start each answer with `- id:`")
    unknown = next((name for name in row if name not in _FIELDS), None)
    if unknown is not None:
        remedy = "known are " + ", ".join(_FIELDS)
        raise _bad(document, file, (*loc, unknown), f"unknown field {unknown}", remedy)
    dealer = row.get("dealer_id")
    if dealer is not None and dealer not in dealers:
        what = f"dealer_id {dealer} is not in dealers.csv"
        raise _bad(document, file, (*loc, "dealer_id"), what, "add it there, or correct it here")
    entry = _entry(document, file, loc, {name: value for name, value in row.items() if name != "dealer_id"})
    for found in check_answer(entry, offers):
        if found.severity == "error":
            raise _bad(document, file, (*loc, *found.loc), found.what, found.remedy, found.within)
    id = f"{entry.id}@{dealer}" if dealer else entry.id
    return Answer(id, entry.about, entry.keys, entry.text, entry.role, entry.attachments, dealer)


def _entry(document: Document, file: str, loc: Loc, row: dict[str, Any]) -> KnowledgeEntry:
    try:
        return KnowledgeEntry.model_validate(row)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        name = ".".join(map(str, detail["loc"]))
        what = f"misses {name}" if detail["type"] == "missing" else f"{name}: {detail['msg'].lower()}"
        raise _bad(document, file, (*loc, *detail["loc"]), what, "see knowledge: in docs/playbooks.md") from error
