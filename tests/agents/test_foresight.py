"""What a coming day will ask for: the same rules, nothing kept, and honest about what it does not know."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from agents.foresight import Foreseen, Supposed, foresee
from agents.rows import CAMPAIGN
from agents.state import MEMBER, TASK
from schemas.values import Phase
from tests import builders
from tests.agents.drive import Drive, crowd, world
from tests.builders import at


def drive(**fields: Any) -> Drive:
    """A campaign of the small playbook, begun, in a group of fifty."""
    here = Drive(world(builders.reference(personas=builders.staff()), builders.playbook(**fields)))
    return here.send(*crowd(50), builders.campaign_started())


def ahead(here: Drive, day: int, clock: str, wanted: int) -> Foreseen:
    now = datetime.fromisoformat(at(day, clock))
    return foresee(here.rows, here.world, "e1", now, date.fromisoformat(builders.day_of(wanted)))


def said(tasks: Any) -> list[tuple[Any, ...]]:
    return [(t.window, t.group_id, t.role, t.persona_id, t.script, t.day, t.phase, t.disclosure) for t in tasks]


@pytest.mark.parametrize("day", [1, 2, 3, 4, 5, 6])
def test_where_nothing_happens_what_is_foreseen_is_what_comes(day):
    here = drive().until(day, "12:00")
    seen = ahead(here, day, "12:00", day + 1)
    here.until(day + 1, "12:00")
    came = [task for task in here.tasks.values() if task.window.start.date().isoformat() == builders.day_of(day + 1)]
    assert said(seen.tasks) == said(sorted(came, key=lambda t: (t.window.start, t.priority, t.task_id)))
    assert seen.tasks
    assert seen.campaign is not None
    assert (seen.campaign.phase, seen.campaign.day) == (here.campaign().phase, day + 1)


def test_before_the_morning_of_today_tomorrow_is_told_over_it():
    here = drive().until(3, "05:00")
    seen = ahead(here, 3, "05:00", 4)
    assert seen.campaign is not None
    assert (seen.campaign.day, {task.day for task in seen.tasks}) == (4, {4})


def test_looking_ahead_changes_nothing():
    here = drive().until(2, "12:00")
    before = dict(here.rows.at)
    ahead(here, 2, "12:00", 3)
    assert here.rows.at == before


def test_a_campaign_that_begins_tomorrow_is_told_and_one_that_is_not_there_is_none():
    here = Drive(world(builders.reference(personas=builders.staff())))
    assert ahead(here, 1, "12:00", 2) == Foreseen(None)
    here.send(*crowd(50), builders.campaign_started(start_date=builders.day_of(3)))
    assert ahead(here, 1, "12:00", 2).tasks == ()
    seen = ahead(here, 2, "12:00", 3)
    assert {task.phase for task in seen.tasks} == {Phase.WARM_UP}


@pytest.mark.parametrize("ending", [builders.campaign_paused, builders.campaign_ended])
def test_of_a_campaign_that_rests_nothing_is_foreseen(ending):
    here = drive().until(2, "12:00").send(ending(at=at(2, "12:00")))
    assert ahead(here, 2, "13:00", 3).tasks == ()


def test_what_is_supposed_stands_over_what_is():
    here = drive().until(1, "12:00")
    supposed = Supposed(here.rows)
    known = list(here.rows.scan(CAMPAIGN, "e1", MEMBER))
    supposed.drop((CAMPAIGN, "e1", MEMBER, known[0][0]))
    supposed.put((CAMPAIGN, "e1", MEMBER, "zz"), known[0][1])
    assert [sub for sub, _ in supposed.scan(CAMPAIGN, "e1", MEMBER)] == [*(sub for sub, _ in known[1:]), "zz"]
    assert supposed.get((CAMPAIGN, "e1", MEMBER, known[0][0])) is None
    assert list(supposed.scan(CAMPAIGN, "e1", TASK)) == list(here.rows.scan(CAMPAIGN, "e1", TASK))
