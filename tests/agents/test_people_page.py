"""docs/people.md shows the tables of the playbook that ships, as they are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from agents.connections import CONNECTIONS
from schemas.playbook_people import PersonKind
from tests.agents.shipped import DEFAULT, PLAYBOOKS

PAGE = (Path(__file__).parents[2] / "docs" / "people.md").read_text("utf-8")


def table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def tables() -> dict[str, str]:
    play = PLAYBOOKS[DEFAULT]
    assert play.key_people is not None
    assert play.fans is not None
    return {
        "ladder": table(("rung", "lifted by any of", "falls after days of silence"), (
            (step.rung, ", ".join(step.by), step.fades_after or "never") for step in play.ladder)),
        "steps": table(("step", "done by", "days after the one before"), (
            (step.step, step.role, step.days) for step in play.key_people.steps)),
        "points": table(("evidence", "points"), play.fans.points.items()),
        "tiers": table(("tier", "from points", "honour", "benefit"), (
            (f"{tier.tier} ({tier.name})", tier.points, tier.honour, tier.benefit) for tier in play.fans.tiers)),
    }


@pytest.mark.parametrize("name", ["ladder", "steps", "points", "tiers"])
def test_the_page_has_the_table_as_the_playbook_says_it(name: str):
    assert tables()[name] in PAGE, f"put this into docs/people.md:\n\n{tables()[name]}"


def test_the_page_names_every_connection_and_every_kind():
    missing = [name for name in (*CONNECTIONS, *PersonKind) if f"`{name}`" not in PAGE]
    assert missing == []
