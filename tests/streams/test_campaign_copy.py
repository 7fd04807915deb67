"""A campaign that was played, as a patch for the next estate."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from schemas.errors import BadFile
from schemas.playbook import Playbook
from schemas.values import GroupKind
from streams.campaign_copy import copy_campaign
from streams.embedded import Pipeline
from streams.inbox import Door
from streams.playbook_files import load_playbook, written
from streams.reference_store import load_reference, save_reference
from streams.sql import sql_of
from streams.worlds import make_world
from tests import builders
from tests.agents.test_stages import playbook, stage
from tests.databases import opened

DAYS = range(1, 12)


def played() -> Playbook:
    """The small playbook with a gate in its warm-up, and two duties a day for one person."""
    only = stage(1)
    only["phases"][0]["gate"] = {"participants": 2}
    for phase in only["phases"]:
        for day, duties in phase["plan"].items():
            id = f"word-{phase['phase'].replace('_', '-')}-{day}"
            duties.append({
                "id": id, "at": "07:40", "role": "customer_service",
                "script": builders.script(f"说说第{day}件事：{id}")})
    return playbook(only)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = opened(tmp_path / "loupan.db")
    with engine.begin() as connection:
        save_reference(connection, builders.reference(), {"small-test@1": written(played())})
    return engine


def live(engine: Engine, *raws: bytes) -> None:
    with engine.connect() as connection:
        world = make_world(*load_reference(connection))
    door = Door()
    with engine.begin() as connection:
        assert {answer.status for answer in door.accept(connection, raws)} == {"accepted"}
    pipeline = Pipeline(engine, world, door)
    while pipeline.work() or pipeline.run_out():
        pass


def copied(engine: Engine, **options: Any) -> tuple[str, Playbook]:
    with engine.connect() as connection:
        text = copy_campaign(connection, "e1", "next-estate", "next.yaml", options.get("group"))
        bases = load_reference(connection)[1].values()
    return text, load_playbook(text, "next.yaml", bases=bases)


def campaign() -> list[bytes]:
    """Eleven days: mornings are said twenty minutes late, words beside them by nobody; one of five asks a price."""
    raws = [builders.campaign_started()]
    raws += [builders.message(member=f"m{n}", at=builders.at(1, f"10:0{n}")) for n in range(1, 6)]
    for day in DAYS:
        text = f"早，绿地城的第{day if day < 4 else (day - 4) % 3 + 1}个早晨"
        raws.append(builders.message(member="m-main", text=text, at=builders.at(day, "08:20")))
    raws.append(builders.message(member="m1", text="多少钱一平米？", at=builders.at(2, "08:40")))
    return sorted(raws, key=lambda raw: re.findall(rb'"time":"([^"]+)"', raw)[0])


def test_what_worked_is_written_as_a_patch_with_its_reasons(engine):
    live(engine, *campaign())
    text, next_ = copied(engine)
    assert text.startswith("# From the campaign on 绿地城 (e1), 2026-03-02 to 2026-03-12: small-test@1.\n")
    assert next_.derived is not None
    assert (next_.playbook, next_.derived.base, next_.edition) == ("next-estate", "small-test", "1.1")
    assert "#   stage 1, warm_up: 3 days; participants 5 (asked 2)" in text
    assert "#   s1-warm-up-2-morning: 1" in text, "whoever asked the price rose in the hour after it"


def test_a_gate_that_was_far_passed_asks_for_more(engine):
    live(engine, *campaign())
    text, next_ = copied(engine)
    assert "  # it came to participants 5\n" in text
    assert next_.stages[0].phases[0].gate.participants == 4


def test_a_duty_that_was_always_late_is_asked_for_later(engine):
    live(engine, *campaign())
    text, next_ = copied(engine)
    first = next(duty for duty in next_.duties() if duty.id == "s1-warm-up-1-morning")
    assert f"{first.at:%H:%M}" == "07:50"
    assert "  # done 20 minutes after its window, in the median of 1\n" in text


def test_a_duty_that_nobody_did_is_left_out(engine):
    with engine.begin() as connection:
        save_reference(connection, builders.reference(
            groups=[builders.group(), builders.group("g2")], personas=builders.staff(("g1", "g2"))), {})
    live(engine, *campaign())
    text, next_ = copied(engine)
    assert "  # handed out 2 times, done by nobody\n  - word-trust-1\n" in text
    assert not any(duty.id.startswith("word-") for duty in next_.duties())


def test_what_a_day_would_miss_is_left_in_and_told(engine):
    with engine.begin() as connection:
        save_reference(connection, builders.reference(
            groups=[builders.group(), builders.group("g2")], personas=builders.staff(("g1", "g2"))), {})
    live(engine, builders.campaign_started(), builders.message(at=builders.at(2, "09:00")))
    text, next_ = copied(engine)
    left_in = re.findall(r"# (\S+): handed out \d+ times, done by nobody; left in", text)
    assert "word-trust-1" in left_in
    assert set(left_in) <= {duty.id for duty in next_.duties()}


def test_the_next_may_be_for_another_kind_of_group(engine):
    live(engine, *campaign())
    assert copied(engine, group=GroupKind.ALLIANCE)[1].for_.group == "alliance"


def test_an_estate_without_a_campaign_has_nothing_to_say(engine):
    with pytest.raises(BadFile, match=r"--from campaign e1: this estate has had no campaign; name one that has"):
        copied(engine)


def test_a_campaign_whose_playbook_is_gone_says_so(engine):
    live(engine, *campaign())
    with engine.begin() as connection:
        sql_of(connection)("DELETE FROM reference WHERE kind = 'playbook'")
    with pytest.raises(BadFile, match="its playbook small-test of version 1 is not there any more; import it again"):
        copied(engine)
