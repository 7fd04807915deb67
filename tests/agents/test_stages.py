"""From one stage to the next; and by which version of its playbook a campaign is played."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import BadEvent
from schemas.playbook import Playbook
from schemas.tasks import PhaseEntered, PlaybookChanged, StageEnded
from schemas.values import Role, Rung
from streams.worlds import make_world
from tests import builders
from tests.agents import drive as driving
from tests.agents.drive import Drive, crowd

START = builders.campaign_started()
DAYS = 11


def stage(number: int, words: str = "", **fields: Any) -> dict[str, Any]:
    """A stage of the small playbook, without gates; `words` stand in front of every text."""
    data = builders.playbook_data()["stages"][0]
    for phase in data["phases"]:
        phase["gate"] = {}
        for duty in (*(duty for duties in phase["plan"].values() for duty in duties), *phase["rescue"]):
            duty["id"] = f"s{number}-{duty['id']}"
            duty["script"]["text"] = words + duty["script"]["text"]
    return {**data, "stage": number, **fields}


def playbook(*stages: dict[str, Any], **fields: Any) -> Playbook:
    return builders.playbook(**{"stages": list(stages) or [stage(1)], **fields})


def driven(*playbooks: Playbook) -> Drive:
    return Drive(driving.world(None, *playbooks)).send(*crowd(20))


def stands(drive: Drive) -> tuple[int, str, int]:
    row = drive.campaign()
    return row.stage, row.run, row.day


# --- from stage to stage ------------------------------------------------------------------------------


def test_the_next_stage_begins_by_itself_where_the_playbook_says_so():
    drive = driven(playbook(stage(1, next="auto", rest_days=2), stage(2))).send(START)
    assert stands(drive.until(DAYS)) == (1, "running", DAYS)
    assert stands(drive.until(DAYS + 1)) == (2, "scheduled", 0)
    (end,) = drive.sent(StageEnded)
    assert (end.stage, end.next_stage, end.next_start) == (1, 2, "2026-03-15")
    assert stands(drive.until(DAYS + 2)) == (2, "scheduled", 0)
    assert stands(drive.until(DAYS + 3)) == (2, "running", 1)
    assert {task.script.id for task in drive.tasks_of(day=1) if task.stage == 2} == {
        "s2-warm-up-1-morning", "s2-warm-up-1-evening-instead"}
    drive.until(2 * DAYS + 5)
    assert stands(drive) == (2, "ended", DAYS)
    assert drive.due == {}


def test_without_rest_the_next_stage_begins_on_the_day_after():
    drive = driven(playbook(stage(1, next="auto"), stage(2))).send(START)
    assert stands(drive.until(DAYS + 1)) == (2, "running", 1)


def test_the_next_stage_waits_for_hq_where_the_playbook_says_so():
    drive = driven(playbook(stage(1), stage(2))).send(START).until(DAYS + 5)
    assert stands(drive) == (1, "ended", DAYS)
    assert drive.sent(StageEnded)[0].next_stage is None
    drive.send(builders.campaign_started(stage=2, start_date="2026-03-20", at=builders.at(DAYS + 5, "10:00")))
    assert stands(drive) == (2, "scheduled", 0)
    assert stands(drive.until(19)) == (2, "running", 1)


def test_a_stage_that_was_started_early_waits_for_the_one_before_it():
    drive = driven(playbook(stage(1), stage(2), stage(3))).send(
        START, builders.campaign_started(stage=3), builders.campaign_started(stage=2, target_orders=7))
    assert stands(drive.until(DAYS)) == (1, "running", DAYS)
    drive.until(DAYS + 1)
    assert (*stands(drive), drive.campaign().target_orders) == (2, "running", 1, 7)
    assert stands(drive.until(2 * DAYS + 1)) == (3, "running", 1)
    assert [end.next_stage for end in drive.sent(StageEnded)] == [2, 3]


def test_a_stage_that_waits_begins_on_its_own_day_where_that_is_later():
    drive = driven(playbook(stage(1), stage(2)))
    drive.send(START, builders.campaign_started(stage=2, start_date="2026-03-20"))
    assert stands(drive.until(DAYS + 1)) == (2, "scheduled", 0)
    assert stands(drive.until(19)) == (2, "running", 1)


def test_a_stage_that_waits_already_changes_nothing_when_it_is_started_again():
    drive = driven(playbook(stage(1), stage(2))).send(START, builders.campaign_started(stage=2))
    before = drive.campaign()
    drive.send(builders.campaign_started(stage=2, id="again"))
    assert drive.campaign() is before


def test_the_deeper_stage_goes_on_with_the_same_people():
    drive = driven(playbook(stage(1, next="auto"), stage(2))).send(START)
    drive.send(builders.message(text="多少钱一平米？", at=builders.at(2, "09:00")))
    drive.until(DAYS + 1, "12:00")
    assert drive.campaign().stage == 2
    assert drive.flow()["rungs"][Rung.INTERESTED] == 1
    assert drive.tally().active == 0, "who spoke in the first stage has not spoken in the second"


def test_hq_that_ends_a_stage_ends_the_campaign():
    drive = driven(playbook(stage(1, next="auto"), stage(2), stage(3))).send(
        START, builders.campaign_started(stage=3), builders.campaign_ended(at=builders.at(3, "10:00")))
    assert stands(drive.until(40)) == (1, "ended", 3)
    assert drive.campaign().queued == ()


def test_a_machine_that_was_off_begins_the_next_stage_when_it_is_on_again():
    drive = driven(playbook(stage(1, next="auto", rest_days=3), stage(2))).send(START).until(4)
    drive.wake_late(30, "10:00")
    assert stands(drive) == (2, "running", 1)
    assert [(change.stage, change.phase) for change in drive.sent(PhaseEntered)][-1] == (2, "warm_up")


def test_two_campaigns_started_for_one_estate():
    """One at a time: the second is refused, and the first goes on as if nothing had been said."""
    drive = driven(playbook(stage(1), stage(2)), playbook(playbook="other")).send(START).until(3)
    before = drive.campaign()
    at = builders.at(3, "10:00")
    for second in (builders.campaign_started(at=at, playbook="other"),
                   builders.campaign_started(at=at, start_date="2026-04-01")):
        with pytest.raises(BadEvent, match="has a campaign that is running: end it before starting another"):
            drive.send(second)
        assert drive.campaign() == before
    with pytest.raises(BadEvent, match="has no stage 4"):
        drive.send(builders.campaign_started(at=builders.at(3, "10:00"), stage=4))
    drive.send(
        builders.campaign_ended(at=builders.at(3, "11:00")),
        builders.campaign_started(at=builders.at(3, "12:00"), playbook="other", start_date="2026-04-01"))
    assert (drive.campaign().playbook, drive.campaign().run) == ("other", "scheduled")


# --- versions -----------------------------------------------------------------------------------------


def texts(drive: Drive, day: int, stage_: int = 1) -> set[str]:
    return {task.script.text.splitlines()[0] for task in drive.tasks_of(day=day, role="main_persona")
            if task.stage == stage_}


def both(words: str, version: int) -> Playbook:
    return playbook(stage(1, words, next="auto"), stage(2, words), version=version)


def test_a_playbook_changed_mid_campaign():
    """The old version goes on until the next stage, which begins with the newest."""
    old, new = both("旧：", 1), both("新：", 2)
    drive = driven(old).send(START).until(2)
    drive.world = driving.world(None, old, new)
    drive.until(DAYS)
    assert all(text.startswith("旧：") for day in range(1, DAYS + 1) for text in texts(drive, day))
    assert drive.campaign().version == 1
    drive.until(DAYS + 1)
    assert texts(drive, 1, stage_=2) == {"新：早，绿地城的第1个早晨"}
    assert drive.campaign().version == 2
    assert drive.sent(PlaybookChanged) == []


def test_a_campaign_that_waits_for_its_first_day_begins_with_the_newest_version():
    drive = driven(both("旧：", 1)).send(builders.campaign_started(start_date="2026-03-04"))
    drive.world = driving.world(None, both("旧：", 1), both("新：", 2))
    drive.until(3)
    assert texts(drive, 1) == {"新：早，绿地城的第1个早晨"}


def test_a_version_that_is_gone_is_followed_by_the_nearest_and_hq_is_told_once():
    drive = driven(both("二：", 2)).send(START).until(2)
    drive.world = driving.world(None, both("一：", 1), both("三：", 3), both("四：", 4))
    drive.until(4)
    assert texts(drive, 3) == {"一：早，绿地城的第3个早晨"}
    (told,) = drive.sent(PlaybookChanged)
    assert (told.playbook, told.previous, told.version) == ("small-test", 2, 1)
    assert told.reason == "version 2 of small-test is not loaded any more: the nearest goes on"


def test_where_no_older_version_is_left_the_nearest_is_the_oldest_of_the_newer():
    drive = driven(both("二：", 2)).send(START).until(2)
    drive.world = driving.world(None, both("三：", 3), both("四：", 4))
    assert texts(drive.until(3), 3) == {"三：早，绿地城的第3个早晨"}


def test_a_campaign_whose_playbook_is_gone_altogether_is_silent_until_it_is_there_again():
    drive = driven(both("旧：", 1)).send(START).until(2)
    drive.world = driving.world(None, playbook(playbook="other"))
    drive.send(builders.message(text="多少钱一平米？", at=builders.at(4, "09:00"))).until(5)
    assert [task.day for task in drive.tasks_of()][-1] == 2
    drive.world = driving.world(None, both("旧：", 1))
    assert drive.until(6).tasks_of(day=6)
    assert [told.version for told in drive.sent(PlaybookChanged)] == [None, 1]
    assert "nothing is handed out" in drive.sent(PlaybookChanged)[0].reason


# --- dealers ------------------------------------------------------------------------------------------


def of_dealer(words: str, dealer: str = "d2", **fields: Any) -> Playbook:
    made = {"base": "small-test", "base_edition": "1", "patch_version": 1, "by": "dealer", "dealer_id": dealer}
    return playbook(stage(1, words), playbook=f"small-test.{dealer}", version=1001, derived=made, **fields)


def two_dealers() -> Any:
    return builders.reference(
        dealers=[builders.dealer(), builders.dealer("d2", "橡树家居（测试）")],
        stores=[builders.store(), builders.store("s2", "d2", "橡树全屋定制·测试店")],
        groups=[builders.group(), builders.group("g2", dealer_id="d2", store_id="s2")],
        personas=[*builders.staff(), builders.persona("p-oak", Role.MAIN_PERSONA, dealer_id="d2", groups=("g2",))],
    )


def test_a_dealers_patch_changes_what_is_handed_out_in_their_own_groups_alone():
    drive = Drive(driving.world(two_dealers(), playbook(stage(1, "总：")), of_dealer("橡树：")))
    drive.send(*crowd(20), *crowd(20, "g2", first=101), START).until(1)
    said = {task.group_id: task.script.text.splitlines()[0] for task in drive.tasks_of(day=1, role="main_persona")}
    assert said == {"g1": "总：早，绿地城的第1个早晨", "g2": "橡树：早，绿地城的第1个早晨"}
    rules = {task.group_id: task.because[1] for task in drive.tasks_of(day=1, role="main_persona")}
    assert rules["g2"] == "rule:small-test.d2@1.1/s1-warm-up-1-morning"
    assert (drive.campaign().playbook, drive.campaign().version) == ("small-test", 1)


def test_a_dealers_patch_of_another_version_waits_for_a_campaign_of_that_version():
    drive = Drive(driving.world(two_dealers(), playbook(stage(1, "总："), version=2), of_dealer("橡树：")))
    drive.send(*crowd(20, "g2", first=101), START).until(1)
    assert {task.script.text[:2] for task in drive.tasks_of(group="g2", role="main_persona")} == {"总："}


def test_a_dealers_variant_is_not_started():
    drive = Drive(driving.world(two_dealers(), playbook(), of_dealer("橡树：")))
    with pytest.raises(BadEvent, match=r"playbook small-test.d2 is a dealer's variant: start its base"):
        drive.send(builders.campaign_started(playbook="small-test.d2"))


def test_a_dealers_reactions_and_limits_hold_in_their_groups():
    greets = [{**builders.playbook_data()["reactions"][0], "script": builders.script("橡树欢迎{{ member.name }}")}]
    twice = stage(1)
    first = twice["phases"][0]["plan"][1]
    first.append({**first[0], "id": "second", "at": "12:00"})
    common = playbook(twice)
    drive = Drive(driving.world(two_dealers(), common, playbook(
        twice, playbook="small-test.d2", version=1001, derived=of_dealer("").derived, reactions=greets,
        limits={"posts_per_day": 1})))
    drive.send(START, builders.joined("g2", "m1", builders.at(1, "09:00")))
    drive.send(builders.joined("g1", "m2", builders.at(1, "09:00")))
    welcomes = {task.group_id: task.script.text.splitlines()[0] for task in drive.tasks_of(script="welcome")}
    assert welcomes == {"g1": "欢迎朋友来到绿地城业主交流群", "g2": "橡树欢迎朋友"}
    assert [len(drive.tasks_of(day=1, role="main_persona", group=group)) for group in ("g1", "g2")] == [2, 1]


def test_the_world_keeps_every_version_and_the_usual_playbook_as_its_default():
    world = make_world(builders.reference(), {
        "a": playbook(playbook="a-first"), "b": playbook(playbook="new-estate-own-group")})
    assert world.default.playbook.playbook == "new-estate-own-group"
