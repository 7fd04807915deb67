"""Which estate an event concerns: from clues, with a reason, and never a guess."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.state import (
    GroupHome,
    MemberHome,
    PersonRow,
    group_home,
    member_home,
    person,
)
from maps.cells import cell_of
from maps.clues import ClueKind
from schemas.errors import BadEvent
from schemas.tasks import GroupPlaced, MemberPlaced
from schemas.values import GroupKind, PersonaClass, Role
from tests import builders
from tests.agents.drive import Drive, crowd, world
from tests.builders import at

#: Two estates, five kilometres apart, told apart by every kind of clue.
ESTATES = [
    builders.estate("e1", "绿地城", address="东直门外大街1号"),
    builders.estate("e2", "翡翠湾", lng=116.46, address="工体北路8号"),
]
GROUPS = [
    builders.group("g1", "e1"), builders.group("g2", "e2", name="翡翠湾业主群"),
    builders.group("g9", None, name="异业联盟", kind=GroupKind.ALLIANCE),
]


def drive(**rows: Any) -> Drive:
    return Drive(world(builders.reference(**{"estates": ESTATES, "groups": GROUPS, **rows})))


def home(drive: Drive, member: str = "m1", group: str = "g1") -> MemberHome:
    row: MemberHome = drive.rows.get(member_home(group, member))
    return row


def group_of(drive: Drive, group: str) -> GroupHome:
    row: GroupHome = drive.rows.get(group_home(group))
    return row


def went_to(drive: Drive) -> list[str]:
    return [record.estate_id for record in drive.records]


def counted(drive: Drive, group: str, estate: str) -> int:
    return drive.tally(group, estate).members


# --- groups -------------------------------------------------------------------------------------------


def test_a_group_of_the_reference_belongs_to_its_estate_from_the_first_event():
    one = drive().send(builders.message())
    assert went_to(one) == ["e1"]
    (placed,) = one.sent(GroupPlaced)
    assert (placed.group_id, placed.estate_id) == ("g1", "e1")


def test_a_group_that_nobody_knows_stays_unresolved_and_its_events_go_nowhere():
    one = drive().send(builders.joined("g-new"), builders.message("g-new"))
    assert went_to(one) == []
    assert one.out == []
    assert group_of(one, "g-new").estate_id is None


def test_a_group_is_found_by_its_name():
    groups = [builders.group("g3", None, name="翡翠湾业主交流群")]
    one = drive(groups=groups).send(builders.message("g3"))
    assert went_to(one) == ["e2"]


def test_a_group_that_was_found_by_its_name_is_worked():
    groups = [builders.group("g3", None, name="绿地城业主交流群")]
    personas = builders.staff(("g3",))
    one = drive(groups=groups, personas=personas).send(builders.joined("g3"), builders.campaign_started())
    assert {task.group_id for task in one.until(1, "07:00").tasks.values()} == {"g3"}


def test_a_group_that_is_bound_later_brings_its_members():
    one = drive().send(*crowd(5, "g-new"), builders.message("g-new", "m1"), builders.left("g-new", "m5"))
    one.send(builders.group_updated("g-new", at(1, "09:00"), estate_id="e2"))
    assert went_to(one) == ["e2"]
    assert [(place.member_id, place.estate_id) for place in one.sent(MemberPlaced)] == [
        (f"m{number}", "e2") for number in range(1, 6)]
    assert counted(one, "g-new", "e2") == one.tally("g-new", "e2").placed == 4


def test_a_group_that_is_bound_elsewhere_is_counted_there_and_no_more_here():
    one = drive().send(
        *crowd(4), builders.message(member="m2"), builders.group_updated("g1", at(1, "09:00"), estate_id="e2"))
    assert went_to(one) == ["e2", "e1"]
    assert counted(one, "g1", "e2") == 4
    assert one.tally("g1", "e1").members == 0
    assert one.members("e1") == {}


def test_a_group_that_is_bound_to_nothing_lets_its_members_go():
    one = drive(groups=[builders.group("g1", "e1", name="闲聊")]).send(*crowd(2))
    one.send(builders.group_updated("g1", at(1, "09:00"), estate_id=None))
    assert went_to(one) == ["e1"]
    assert counted(one, "g1", "e1") == 0


def test_a_group_that_comes_to_an_estate_is_worked_there_as_it_is_now():
    one = drive(personas=builders.staff(("g1",))).send(
        builders.campaign_started("e2"), builders.group_updated("g1", open=False))
    one.send(builders.group_updated("g1", at(1, "08:30"), estate_id="e2")).until(2, "12:00")
    assert one.tasks == {}
    one.send(builders.group_updated("g1", at(2, "13:00"), open=True, name="翡翠湾之家")).until(3, "12:00")
    assert {task.group_id for task in one.tasks.values()} == {"g1"}


def test_an_estate_that_is_not_in_the_book_is_refused_and_changes_nothing():
    one = drive().send(builders.message())
    before = dict(one.rows.at)
    with pytest.raises(BadEvent, match="estate e7 is not in the estate book"):
        one.send(builders.group_updated(name="新名字", estate_id="e7"))
    assert one.rows.at == before


def test_a_field_that_is_absent_does_not_change_and_null_clears_it():
    one = drive().send(builders.group_updated(name="邻里群"), builders.group_updated(owner_id=None))
    row = group_of(one, "g1")
    assert (row.name, row.owner_id, row.open, row.estate_id) == ("邻里群", None, True, "e1")


# --- members ------------------------------------------------------------------------------------------


def test_a_member_of_an_estates_group_lives_there_unless_something_speaks_against_it():
    one = drive().send(builders.message())
    assert home(one).estate_id == "e1"
    assert "group binding" in home(one).reason


def test_the_code_of_the_join_link_beats_the_groups_binding():
    one = drive().send(builders.joined(join_state="e2"))
    assert home(one).estate_id == "e2"
    assert went_to(one) == ["e1"], "the group is where it is"
    assert not one.member().home


def test_a_join_code_may_have_a_prefix_of_the_integrations_own():
    for number, code in enumerate(("estate:e2", "scene=e2")):
        assert home(drive().send(builders.joined(join_state=code, id=f"j{number}"))).estate_id == "e2"


def test_what_members_say_of_themselves_beats_the_groups_binding():
    one = drive().send(builders.message(text="大家好"), builders.message(text="我是翡翠湾3栋的"))
    assert home(one).estate_id == "e2"
    assert one.sent(MemberPlaced)[-1].estate_id == "e2"
    assert not one.member().home


def test_the_name_of_another_estate_in_passing_changes_nothing():
    one = drive().send(builders.message(text="翡翠湾对面新开了一家面馆"))
    assert home(one).estate_id == "e1"


def test_in_a_group_of_no_estate_each_member_counts_for_their_own():
    one = drive().send(
        builders.joined("g9", "m1", join_state="e1"), builders.joined("g9", "m2", join_state="e2"),
        builders.joined("g9", "m3"))
    assert (counted(one, "g9", "e1"), counted(one, "g9", "e2")) == (1, 1)
    assert went_to(one) == []


def test_a_member_of_no_estates_group_who_moves_is_counted_once():
    one = drive().send(
        builders.joined("g9", "m1", join_state="e1"),
        builders.message("g9", text="我是翡翠湾3栋的", at=at(1, "09:00")))
    one.send(builders.home_declared("m1", at(1, "10:00"), estate_id="e2"))
    one.send(builders.message("g9", text="早", at=at(1, "11:00")))
    assert (counted(one, "g9", "e1"), counted(one, "g9", "e2")) == (0, 1)
    assert one.members("e1") == {}


def test_a_group_of_none_that_is_bound_takes_its_guests_along():
    one = drive().send(builders.joined("g9", "m1", join_state="e2"), builders.joined("g9", "m2", join_state="e1"))
    one.send(builders.group_updated("g9", at(1, "09:00"), estate_id="e1"))
    assert (counted(one, "g9", "e1"), counted(one, "g9", "e2")) == (2, 0)
    assert one.members("e2") == {}


def test_a_member_who_moves_takes_the_other_groups_counts_along_on_the_next_word():
    one = drive().send(
        builders.joined("g1"), builders.joined("g9"), builders.home_declared(at=at(1, "09:00"), estate_id="e2"))
    assert went_to(one) == ["e1", "e2"]
    assert not one.member().home
    assert one.tally().placed == 0


def test_a_group_of_no_estate_is_never_worked_for_its_guests():
    one = drive(personas=builders.staff(("g9",))).send(
        builders.joined("g9", "m1", join_state="e1"), builders.campaign_started())
    assert one.until(1, "12:00").tasks == {}


def test_who_left_and_speaks_again_is_there_again():
    one = drive().send(builders.joined(), builders.left(at=at(1, "09:00")), builders.message(at=at(1, "10:00")))
    assert home(one).present
    assert counted(one, "g1", "e1") == 1


def test_staff_have_no_home_in_any_group_registered_there_or_not():
    one = drive().send(
        builders.message(member="m-main"), builders.message("g2", "m-main"), builders.joined("g2", "m-main"))
    assert one.rows.get(member_home("g1", "m-main")) is None
    assert one.members("e1") == one.members("e2") == {}


def test_a_buyer_who_is_a_persona_has_a_home():
    one = drive().send(builders.message(member="m-buyer"))
    assert home(one, "m-buyer").estate_id == "e1"


def test_a_member_who_was_never_seen_and_leaves_leaves_no_trace():
    one = drive().send(builders.left())
    assert one.records == []
    assert home(one) is None


# --- points -------------------------------------------------------------------------------------------


def shared(clock: str = "09:00", **point: Any) -> bytes:
    where = builders.location(116.46, 39.9, "wgs84", **point)
    return builders.message(kind="location", text=None, location=where, at=at(1, clock))


def clues(drive: Drive, member: str = "m1", group: str = "g1") -> list[ClueKind]:
    return [clue.kind for clue in home(drive, member, group).clues]


def test_of_several_locations_only_the_last_counts():
    far = builders.location(116.4, 39.9, "wgs84")
    one = drive().send(builders.message(kind="location", text=None, location=far), shared("09:00"), shared("09:05"))
    assert clues(one) == [ClueKind.POINT]
    assert home(one).clues[0].scores[0][0] == "e2"


def test_a_location_is_not_read_without_consent():
    one = drive().send(builders.consent(scope="location"), shared())
    assert clues(one) == []


def test_a_location_is_forgotten_when_consent_is_taken_back():
    one = drive().send(shared(), builders.consent(scope="location", at=at(1, "10:00")))
    assert clues(one) == []
    assert home(one).estate_id == "e1"


def test_where_an_order_goes_is_a_location_too():
    point = {"location": builders.location(116.46, 39.9, "wgs84")}
    one = drive().send(builders.message(), builders.consent(scope="location"), builders.order_placed(delivery=point))
    assert clues(one) == []


def test_an_order_for_elsewhere_is_known_in_the_group_where_it_was_made_and_counted_where_it_goes():
    one = drive().send(builders.campaign_started(), builders.campaign_started("e2"), builders.joined())
    one.send(builders.order_placed(delivery={"address": "北京市翡翠湾3栋1202"}), builders.paid())
    assert went_to(one) == ["e2", "e1"]
    assert (one.flow("e1")["orders"], one.flow("e2")["orders"]) == (0, 1)
    assert (one.flow("e1")["rungs"]["buyer"], one.flow("e2")["rungs"]["buyer"]) == (1, 0)
    assert one.members("e2") == {}


def test_a_point_that_was_declared_is_forgotten_in_groups_to_come():
    point = builders.location(116.46, 39.9, "wgs84")
    one = drive().send(
        builders.home_declared(location=point), builders.consent(scope="location", at=at(1, "09:00")),
        builders.joined("g2", at=at(1, "10:00")))
    assert one.rows.get(person("m1")).clues == ()
    assert clues(one, group="g2") == []


# --- what a person declares ---------------------------------------------------------------------------


def test_a_declared_home_holds_in_every_group_and_in_those_joined_later():
    one = drive().send(
        builders.joined("g1"), builders.home_declared(group_id="g1", estate_id="e2"), builders.joined("g9"))
    assert home(one).estate_id == home(one, group="g9").estate_id == "e2"


def test_a_home_may_be_declared_before_anything_else_is_known():
    one = drive().send(builders.home_declared(estate_id="e2"), builders.joined("g1"))
    assert home(one).estate_id == "e2"


@pytest.mark.parametrize("said", [{"estate_name": "翡翠湾"}, {"address": "北京市东城区工体北路8号"}])
def test_a_home_is_declared_by_name_or_address(said: dict[str, str]):
    assert home(drive().send(builders.joined(), builders.home_declared(**said))).estate_id == "e2"


def test_a_form_does_not_make_a_member_of_who_has_left():
    form = builders.home_declared(at=at(1, "10:00"), group_id="g1", estate_id="e1")
    one = drive().send(builders.joined(), builders.left(at=at(1, "09:00")), form)
    assert counted(one, "g1", "e1") == 0
    assert not one.member().present


def test_a_form_or_an_order_alone_makes_nobody_a_member_of_a_group():
    one = drive().send(
        builders.home_declared("m1", group_id="g1", estate_id="e1"), builders.order_placed(member="m2"))
    assert counted(one, "g1", "e1") == 0
    one.send(builders.group_updated("g1", at(1, "09:00"), estate_id="e2"))
    assert counted(one, "g1", "e2") == 0


# --- consent and erasure ------------------------------------------------------------------------------


def test_who_takes_back_consent_is_no_longer_placed():
    one = drive().send(builders.joined(join_state="e1", display_name="小王"), builders.consent(at=at(1, "09:00")))
    assert (home(one).estate_id, home(one).clues, home(one).name) == (None, (), "")
    one.send(builders.message(text="我是翡翠湾3栋的", at=at(1, "10:00")))
    assert home(one).clues == ()
    assert counted(one, "g1", "e1") == 0


def test_consent_that_was_taken_back_before_holds_in_every_group_to_come():
    one = drive().send(builders.consent(), builders.joined(join_state="e2", display_name="小王"))
    assert (home(one).blocked, home(one).clues, home(one).name) == (True, (), "")
    assert one.members("e1") == {}


def test_consent_that_is_given_again_lets_them_be_placed_anew():
    one = drive().send(
        builders.joined(), builders.consent(at=at(1, "09:00")), builders.consent(granted=True, at=at(1, "10:00")),
        builders.message(at=at(1, "11:00")))
    assert home(one).estate_id == "e1"
    assert counted(one, "g1", "e1") == 1
    assert not one.member().opted_out


def test_who_is_erased_leaves_nothing_but_that():
    one = drive().send(
        builders.joined("g1"), builders.joined("g2"),
        builders.order_placed(group=None, delivery={"address": "翡翠湾3栋"}))
    one.send(builders.erased(at=at(1, "09:00")))
    assert one.erased == ["m1"]
    assert one.rows.get(person("m1")) == PersonRow(erased=True)
    assert "m1" not in str([address for address in one.rows.at if address != person("m1")])
    assert "m1" not in str(list(one.rows.at.values()))


@pytest.mark.parametrize(
    "late",
    [
        builders.message(at=at(1, "10:00")), builders.joined(at=at(1, "10:00"), display_name="小王"),
        builders.left(at=at(1, "10:00")), builders.consent(at=at(1, "10:00")), builders.erased(at=at(1, "10:00")),
        builders.home_declared(at=at(1, "10:00"), group_id="g1", estate_id="e1"),
    ],
)
def test_what_comes_of_an_erased_member_changes_nothing(late: bytes):
    one = drive().send(builders.joined(), builders.joined(member="m2"), builders.erased(at=at(1, "09:00")))
    before = dict(one.rows.at)
    one.send(late)
    assert one.rows.at == before
    assert one.records == []


def test_an_order_of_an_erased_member_keeps_its_figures_only():
    order = builders.order_placed(at=at(1, "10:00"), referrer_id="m1")
    one = drive().send(builders.joined(), builders.erased(at=at(1, "09:00")), order)
    assert went_to(one) == ["e1"]
    assert "m1" not in str([value for address, value in one.rows.at.items() if address != person("m1")])


def test_an_owner_who_is_erased_owns_nothing():
    one = drive().send(builders.joined(), builders.group_updated(owner_id="m1"), builders.erased(at=at(1, "09:00")))
    assert group_of(one, "g1").owner_id is None


# --- orders, tasks, commands --------------------------------------------------------------------------


def test_an_order_goes_to_the_estate_of_its_delivery_address():
    one = drive().send(builders.order_placed(member=None, group=None, delivery={"address": "北京市翡翠湾3栋1202"}))
    assert went_to(one) == ["e2"]
    one.send(builders.paid())
    assert went_to(one) == ["e2"]


def test_the_address_of_an_order_says_where_the_member_lives():
    one = drive().send(builders.joined(), builders.order_placed(delivery={"address": "北京市翡翠湾3栋1202"}))
    assert home(one).clues[0].kind is ClueKind.DELIVERY_ADDRESS


def test_an_order_of_a_persona_reaches_the_estates_where_they_work():
    buyer = builders.persona("p-buyer", Role.SHILL, PersonaClass.BUYER, ("g1", "g-late"))
    groups = [*GROUPS, builders.group("g-late", None, name="新群")]
    one = drive(personas=[buyer], groups=groups).send(builders.group_updated("g-late", estate_id="e2"))
    one.send(builders.order_placed(member="m-buyer", group=None))
    assert went_to(one) == ["e1", "e2"]
    one.send(builders.delivered())
    assert went_to(one) == ["e1", "e2"]


def test_an_order_of_nobody_from_nowhere_is_known_and_goes_nowhere():
    one = drive().send(builders.order_placed(member=None, group=None), builders.paid())
    assert went_to(one) == []


def test_what_comes_of_an_order_before_its_placement_goes_on_with_it_in_the_order_of_time():
    one = drive().send(builders.paid(at=at(1, "09:00")), builders.deposit_paid(at=at(1, "08:30")))
    assert went_to(one) == []
    one.send(builders.order_placed(at=at(1, "10:00")), builders.delivered(at=at(1, "11:00")))
    assert one.records[0].place.earlier == ()
    one = drive().send(
        builders.paid(at=at(1, "09:00")), builders.deposit_paid(at=at(1, "08:30")), builders.order_placed())
    assert [event.type.split(".")[2] for event in one.records[0].place.earlier] == ["deposit-paid", "paid"]


def test_a_task_that_nobody_issued_is_refused():
    with pytest.raises(BadEvent, match="task t1 is not known"):
        drive().send(builders.task_done("t1"))


@pytest.mark.parametrize(
    "command", [builders.campaign_started("e7"), builders.campaign_paused("e7"), builders.campaign_ended("e7")])
def test_a_command_for_an_estate_that_nobody_knows_is_refused(command: bytes):
    with pytest.raises(BadEvent, match="estate e7 is not in the estate book"):
        drive().send(command)


def test_a_declared_estate_that_nobody_knows_is_refused():
    with pytest.raises(BadEvent, match="estate e7 is not in the estate book"):
        drive().send(builders.home_declared(estate_id="e7"))


# --- over time, and together ---------------------------------------------------------------------------

IN_THE_OTHER = "我是翡翠湾3栋的"


def test_a_later_stronger_statement_moves_a_member_and_a_weaker_does_not():
    one = drive().send(builders.message(text=IN_THE_OTHER, at=at(1, "09:00")))
    assert home(one).estate_id == "e2"
    one.send(builders.message(text="我家是绿地城或者翡翠湾的", at=at(2, "09:00")))
    assert home(one).estate_id == "e2"
    one.send(builders.message(text="我是绿地城5栋的", at=at(3, "09:00")))
    assert home(one).estate_id == "e1"


def test_what_was_said_years_ago_counts_for_less():
    one = drive(groups=[builders.group("g9", None, name="闲聊")])
    one.send(builders.message("g9", text=IN_THE_OTHER, at=at(1, "09:00")))
    assert home(one, group="g9").estate_id == "e2"
    one.send(builders.message("g9", kind="location", text=None, at="2033-03-02T09:00:00+08:00",
                              location=builders.location(121.4, 31.2, "wgs84")),
             builders.joined("g9", at="2033-03-02T09:01:00+08:00", display_name="小王"))
    assert home(one, group="g9").estate_id is None


def test_a_group_that_nobody_bound_belongs_where_its_members_live():
    one = drive(groups=[builders.group("g9", None, name="闲聊")])
    for number in range(1, 13):
        one.send(builders.message("g9", f"m{number}", IN_THE_OTHER, at(1, f"{8 + number:02d}:00")))
        if group_of(one, "g9").estate_id:
            break
    assert 4 <= number <= 8
    assert group_of(one, "g9").estate_id == "e2"
    assert (placed := one.sent(GroupPlaced)[-1]).estate_id == "e2"
    assert "members" in placed.reason
    assert counted(one, "g9", "e2") == number
    one.send(builders.message("g9", "silent", "大家好", at(2, "09:00")))
    assert home(one, "silent", "g9").estate_id == "e2"
    assert counted(one, "g9", "e2") == number + 1


def test_an_alliances_group_belongs_to_no_estate_and_each_member_to_their_own():
    groups = [builders.group("g9", None, name="建材联盟群", kind=GroupKind.ALLIANCE)]
    one = drive(groups=groups)
    one.send(*(builders.message("g9", f"m{n}", IN_THE_OTHER, at(1, f"{8 + n:02d}:00")) for n in range(1, 9)))
    one.send(builders.message("g9", "n1", "我是绿地城5栋的", at(2, "09:00")))
    assert group_of(one, "g9").estate_id is None
    assert (home(one, "m1", "g9").estate_id, home(one, "n1", "g9").estate_id) == ("e2", "e1")


def test_a_member_may_have_several_homes():
    one = drive().send(builders.message(text=IN_THE_OTHER), builders.home_declared(group_id="g1", estate_id="e1"))
    assert home(one).homes == ("e1", "e2")
    assert one.sent(MemberPlaced)[-1].homes == ("e1", "e2")


def test_the_building_is_kept_and_the_room_is_not():
    one = drive().send(builders.message(text="我家在绿地城3栋2单元1201，请多关照"))
    row = home(one)
    assert (row.building, row.unit) == ("3", "2")
    assert "1201" not in repr(row)
    assert one.sent(MemberPlaced)[-1].building == "3"
    one.send(builders.consent(scope="profiling", at=at(1, "10:00")))
    assert home(one).building == ""


def test_where_somebody_stood_is_kept_as_a_cell_and_not_as_a_point():
    exact = builders.location(116.4601234, 39.9001234, "wgs84", label="小王家", address="翡翠路9号1201")
    beside = builders.location(116.4601235, 39.9001233, "wgs84")
    one, other = (
        drive().send(builders.message(kind="location", text=None, location=where)) for where in (exact, beside))
    assert home(one).clues == home(other).clues != ()


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_a_cells_middle_is_near_and_its_own(lng: float, lat: float):
    middle = cell_of(lng, lat)
    assert abs(middle[0] - lng) < 2e-4 > abs(middle[1] - lat)
    assert cell_of(*middle) == middle


def test_who_leaves_open_which_home_is_meant_is_asked_gently():
    ask = {"id": "ask-home", "on": "home_unclear", "role": "customer_service",
           "script": builders.script("{{ member.name }}，您说的是{{ estate.name }}还是别的小区？")}
    reference = builders.reference(estates=ESTATES, groups=GROUPS, personas=builders.staff(("g1",)))
    one = Drive(world(reference, builders.playbook(reactions=[ask]))).send(
        builders.campaign_started(), builders.joined(display_name="小王"),
        builders.message(text="我家在翡翠湾二期3栋", at=at(2, "09:00")))
    assert home(one).estate_id is None
    (asked,) = [task for task in one.tasks.values() if task.script.id == "ask-home"]
    assert asked.evidence is not None
    assert asked.evidence.member_id == "m1"
    assert asked.script.text.startswith("小王")
