"""When somebody may be asked: hours, days off, the day's load, absences; and who stands in then."""

from __future__ import annotations

from datetime import time

import pytest

from schemas.errors import BadEvent
from schemas.tasks import TaskIssued, TaskWithdrawn
from schemas.values import PersonaClass, Role
from tests import builders
from tests.agents.drive import Drive, crowd, open_tasks, world
from tests.builders import at, day_of

STAFF = {persona.persona_id: persona for persona in builders.staff()}


def mornings(**duty):
    """The small playbook with the morning's duty alone; `duty` adds to that of the first day."""
    data = builders.playbook_data()
    for phase in data["stages"][0]["phases"]:
        phase["plan"] = {day: duties[:1] for day, duties in phase["plan"].items()}
    data["stages"][0]["phases"][0]["plan"][1][0].update(duty)
    return builders.playbook(**data)


def drive(*personas, playbook=None, **rows) -> Drive:
    """The small campaign with these people: persona ids of the full staff, or personas."""
    people = [STAFF[one] if isinstance(one, str) else one for one in personas]
    return Drive(world(builders.reference(personas=people, **rows), playbook or mornings()))


def main(**columns):
    return builders.persona("p-main", **columns)


def second(**columns):
    return builders.persona("p-two", name="韩露", **columns)


def whose(drive: Drive, script: str = "warm-up-1-morning") -> list[str | None]:
    return [task.persona_id for task in drive.tasks_of(script=script)]


# --- hours, days off, load ----------------------------------------------------------------------------


def test_nobody_is_asked_outside_their_hours_and_somebody_else_stands_in():
    here = drive(main(hours=(time(9), time(18))), second()).send(builders.campaign_started()).until(1)
    assert whose(here) == ["p-two"]


def test_a_duty_for_which_nobody_works_is_left_out_and_counted():
    here = drive(main(hours=(time(9), time(18)))).send(builders.campaign_started()).until(1)
    assert whose(here) == []
    assert here.counts().unstaffed == 1
    assert here.flow()["tasks"]["unstaffed"] == 1


def test_hours_hold_the_whole_window():
    ends_at_eight = drive(main(hours=(time(7), time(8)))).send(builders.campaign_started()).until(1)
    assert whose(ends_at_eight) == ["p-main"]
    too_early = drive(main(hours=(time(7), time(7, 59)))).send(builders.campaign_started()).until(1)
    assert whose(too_early) == []


@pytest.mark.parametrize("days_off", [("mon",), (day_of(1),), ("sun", "mon")])
def test_nobody_is_asked_on_their_day_off(days_off):
    here = drive(main(days_off=days_off)).send(builders.campaign_started()).until(2)
    assert whose(here) == []
    assert whose(here, "warm-up-2-morning") == ["p-main"]


def test_nobody_does_more_than_their_load():
    reference = {"groups": [builders.group("g1"), builders.group("g2", name="绿地城二群")]}
    people = builders.persona("p-main", groups=("g1", "g2"), load=1)
    here = drive(people, **reference).send(builders.campaign_started()).until(1)
    assert whose(here) == ["p-main"]
    assert here.counts().unstaffed == 1


def test_a_reaction_counts_in_the_days_load_and_goes_to_who_has_room():
    service = builders.persona("p-service", Role.CUSTOMER_SERVICE, name="周晴", load=1)
    here = drive("p-main", "p-admin", service).send(builders.campaign_started(), *crowd(2)).until(1)
    here.send(*(builders.message(member=f"m{n}", text="多少钱一平？", at=at(1, "10:00")) for n in (1, 2)))
    assert whose(here, "answer-price") == ["p-service", "p-main"]


def test_estates_that_share_somebody_part_the_load_and_never_pass_it():
    people = builders.persona("p-main", groups=("g1", "g2"), load=1)
    here = drive(
        people, estates=[builders.estate("e1"), builders.estate("e2", "远洋里", lng=116.5)],
        groups=[builders.group("g1"), builders.group("g2", "e2", name="远洋里群")],
        campaigns=[builders.campaign("e1"), builders.campaign("e2")],
    )
    here.send(builders.campaign_started("e1"), builders.campaign_started("e2")).until(1)
    assert [task.group_id for task in here.tasks_of(script="warm-up-1-morning")] == ["g1"]


def test_who_has_the_skill_stands_in_before_the_main_persona():
    skilled = builders.persona("p-two", Role.DESIGNER, name="韩露", skills=(Role.CUSTOMER_SERVICE,))
    here = drive("p-main", skilled).send(builders.campaign_started(), *crowd(1)).until(1)
    here.send(builders.message(text="多少钱一平？", at=at(1, "10:00")))
    assert whose(here, "answer-price") == ["p-two"]


# --- somebody is away ---------------------------------------------------------------------------------


def test_an_open_task_moves_to_who_stands_in_with_a_word_to_both():
    here = drive(main(), second()).send(builders.campaign_started()).until(1, "07:10")
    before = here.task("warm-up-1-morning")
    first = before.persona_id or ""
    other = {"p-main": "p-two", "p-two": "p-main"}[first]
    names = {"p-main": "林晚", "p-two": "韩露"}
    away = builders.persona_away(first, 1, 2, at(1, "07:20"), reason="发烧")
    here.send(away)
    (now,) = open_tasks(here)
    assert (now.persona_id, now.script.id, now.window) == (other, before.script.id, before.window)
    assert now.because[0] == builders.event_ref(away)
    assert now.because[-1] == f"from:{first}/{before.task_id}"
    (gone,) = here.sent(TaskWithdrawn)
    assert gone.task_id == before.task_id
    assert gone.reason == f"{names[first]} is away until {day_of(2)}: {names[other]} does it"
    assert names[first] not in now.script.text
    assert now.script.text.endswith(f"{names[other]}")


def test_the_reason_of_an_absence_goes_nowhere():
    here = drive(main(), second()).send(builders.campaign_started()).until(1, "07:10")
    here.send(builders.persona_away("p-main", 1, 2, at(1, "07:20"), reason="发烧"))
    assert all("发烧" not in repr(value) for value in (*here.rows.at.values(), *here.out))


def test_said_again_it_changes_nothing():
    here = drive(main(), second()).send(builders.campaign_started()).until(1, "07:10")
    here.send(builders.persona_away("p-main", 1, 2, at(1, "07:20")))
    out, rows = list(here.out), dict(here.rows.at)
    here.send(builders.persona_away("p-main", 1, 2, at(1, "07:25")))
    assert (here.out, here.rows.at) == (out, rows)


def test_where_nobody_can_stand_in_the_task_is_withdrawn_and_the_word_says_so():
    here = drive(main()).send(builders.campaign_started()).until(1, "07:10")
    here.send(builders.persona_away("p-main", 1, 1, at(1, "07:20")))
    (gone,) = here.sent(TaskWithdrawn)
    assert gone.reason == f"林晚 is away until {day_of(1)}, and nobody can stand in"
    assert open_tasks(here) == []
    assert here.counts().unstaffed == 0


def _testifying(*buyers: str) -> Drive:
    people = [builders.persona(f"p-{name}", Role.SHILL, PersonaClass.BUYER, name=f"许{name}") for name in buyers]
    here = drive(*people, playbook=builders.playbook()).send(*crowd(60))
    for name in buyers[:1]:
        here.send(builders.order_placed(f"o-{name}", f"m-{name}", at=at(1, "05:00")),
                  builders.paid(f"o-{name}", at(1, "05:01")), builders.delivered(f"o-{name}", at(1, "05:02")))
    return here.send(builders.campaign_started()).until(1)


def test_a_testimonial_never_moves_to_somebody_without_the_order():
    here = _testifying("a", "b")
    assert whose(here, "warm-up-1-evening") == ["p-a"]
    here.send(builders.persona_away("p-a", 1, 1, at(1, "09:00")))
    assert [task.status for task in here.tasks_of(script="warm-up-1-evening")] == ["withdrawn"]


def test_a_testimonial_moves_to_a_buyer_with_an_order_of_their_own():
    here = _testifying("a", "b")
    here.send(builders.order_placed("o-b", "m-b", at=at(1, "08:30")), builders.delivered("o-b", at(1, "08:31")))
    here.send(builders.persona_away("p-a", 1, 1, at(1, "09:00")))
    (task,) = [task for task in open_tasks(here) if task.script.id == "warm-up-1-evening"]
    assert (task.persona_id, task.evidence and task.evidence.order_id) == ("p-b", "o-b")


def test_who_is_away_is_not_asked_on_those_days_and_is_again_when_back():
    here = drive(main(), second()).send(builders.campaign_started())
    here.send(builders.persona_away("p-main", 1, 5, at(1, "06:30"))).until(3)
    assert {task.persona_id for task in here.tasks_of()} == {"p-two"}
    here.send(builders.persona_back("p-main", at(3, "12:00"))).until(8)
    assert "p-main" in {task.persona_id for task in here.tasks_of() if task.day > 3}


def test_an_absence_that_is_over_is_forgotten():
    here = drive(main()).send(builders.campaign_started())
    here.send(builders.persona_away("p-main", 1, 1, at(1, "06:30"))).until(2)
    assert not [address for address in here.rows.at if address[2] == 40]
    assert whose(here, "warm-up-2-morning") == ["p-main"]


def test_of_a_persona_who_is_erased_no_absence_is_kept():
    here = drive(main()).send(builders.campaign_started(), builders.persona_away("p-main", 1, 5, at(1, "06:30")))
    assert [address for address in here.rows.at if address[2] == 40]
    here.send(builders.erased("m-main", at(1, "06:40")))
    assert not [address for address in here.rows.at if address[2] == 40]


def test_an_absence_goes_to_every_estate_where_the_persona_has_a_group():
    people = builders.persona("p-main", groups=("g1", "g2"))
    here = drive(people, estates=[builders.estate("e1"), builders.estate("e2", "远洋里", lng=116.5)],
                 groups=[builders.group("g1"), builders.group("g2", "e2", name="远洋里群")])
    here.send(builders.persona_away("p-main"))
    assert [record.estate_id for record in here.records] == ["e1", "e2"]


def test_a_moved_post_keeps_its_place_in_its_exchange():
    words = builders.script("我是客服，资料放群文件了")
    playbook = mornings(replies=[{"id": "answer", "role": "customer_service", "after": 15, "script": words}])
    here = drive(main(), second(), "p-service", playbook=playbook)
    here.send(builders.campaign_started()).until(1, "07:10")
    post = here.task("warm-up-1-morning")
    here.send(builders.persona_away(post.persona_id or "", 1, 1, at(1, "07:15")))
    assert sorted(task.script.id for task in open_tasks(here)) == ["answer", "warm-up-1-morning"]
    here.until(1, "22:00")
    assert [task.status for task in here.tasks_of(script="answer")] == ["withdrawn"]


# --- bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("said", "word"), [
    ({"persona": "p-nobody"}, "personas.csv"),
    ({"first": 3, "last": 2}, "before"),
    ({"until": "2026-02-30"}, "no date"),
])
def test_an_absence_that_cannot_be_is_refused(said, word):
    with pytest.raises(BadEvent, match=word):
        drive(main()).send(builders.persona_away(**said))


def test_an_absence_without_a_campaign_is_kept_for_when_there_is_one():
    here = drive(main()).send(builders.persona_away("p-main", 1, 1, at(1, "05:00")))
    here.send(builders.campaign_started()).until(1)
    assert whose(here) == []
    assert here.sent(TaskIssued) == []
