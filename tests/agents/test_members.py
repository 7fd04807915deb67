"""Members: who is there, who is active, on which rung; and that the counts are always what the rows say."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.ladder import BIT
from agents.members import KEY_PERSON_ANSWERED
from agents.state import Tally
from schemas.errors import BadEvent
from schemas.tasks import RungChanged
from schemas.values import RUNGS, GroupKind, Rung
from tests import builders
from tests.agents.drive import Drive, crowd, world
from tests.builders import at

STOP = "不要再给我发广告了，请勿打扰"


def say(text: str | None = "大家好", member: str = "m1", clock: str = "09:00", day: int = 1, **data: Any) -> bytes:
    return builders.message(member=member, text=text, at=at(day, clock), **data)


# --- presence and activity ----------------------------------------------------------------------------


def test_who_joins_is_counted_and_not_active():
    drive = Drive().send(*crowd(3))
    assert (drive.tally().members, drive.tally().active, drive.tally().placed) == (3, 0, 3)


def test_who_speaks_is_active_once_a_phase():
    drive = Drive().send(builders.campaign_started(), *crowd(3, clock="06:30"), say(), say(clock="09:10"))
    assert drive.tally().active == 1
    drive.send(say(member="m2", day=5))
    assert drive.tally().active == 1, "the phase is another, and only the second has spoken in it"


def test_who_speaks_without_having_joined_is_counted():
    drive = Drive().send(say())
    assert (drive.tally().members, drive.tally().active) == (1, 1)


def test_joining_twice_counts_once():
    drive = Drive().send(builders.joined(), builders.joined(at=at(1, "09:00")))
    assert drive.tally().members == 1


def test_who_leaves_counts_no_more_and_keeps_their_rung_for_coming_back():
    drive = Drive().send(say("柜子多少钱一平"), builders.left(at=at(1, "10:00")))
    assert drive.tally() == Tally()
    assert RUNGS[drive.member().rung] == Rung.INTERESTED
    drive.send(builders.joined(at=at(1, "11:00")))
    assert drive.tally().rungs[RUNGS.index(Rung.INTERESTED)] == 1


def test_our_own_people_are_never_counted():
    people = ["m-main", "m-shill", "m-buyer"]
    drive = Drive().send(*[builders.joined(member=m) for m in people], *[say(member=m) for m in people])
    assert drive.tally() == Tally()


def test_staff_are_not_counted_in_groups_where_they_are_not_registered():
    reference = builders.reference(groups=[builders.group("g1"), builders.group("g2")])
    drive = Drive(world(reference)).send(builders.joined("g2", "m-main"), builders.message("g2", "m-main"))
    assert drive.tally("g2") == Tally()


def test_what_changes_nothing_is_not_written():
    drive = Drive().send(say(clock="09:00"))
    drive.rows.keep()
    drive.rows.put = None  # type: ignore[method-assign, assignment]  # whoever writes now fails
    drive.send(say("吃了吗", clock="09:05"))


def test_a_second_campaign_counts_who_is_active_in_it_and_not_in_the_first():
    drive = Drive().send(builders.campaign_started(), *crowd(4, clock="06:30"), say(member="m1"), say(member="m2"))
    drive.send(builders.campaign_ended(at=at(2, "10:00")))
    drive.send(
        builders.campaign_started(at=at(2, "11:00"), start_date="2026-03-04"),
        say(member="m3", day=2, clock="12:00"))
    drive.until(3, "08:00")
    assert drive.tally().active == 0
    drive.send(say(member="m1", day=3, clock="09:00"))
    assert drive.tally().active == 1
    assert drive.tally() == recount(drive, "g1")


# --- the ladder ---------------------------------------------------------------------------------------


def test_a_member_climbs_by_what_they_say_and_it_is_told():
    drive = Drive().send(say(None, kind="red_packet"), say(clock="09:01"), say("柜子多少钱一平", clock="09:02"))
    assert [change.rung for change in drive.sent(RungChanged)] == [Rung.ONLOOKER, Rung.PARTICIPANT, Rung.INTERESTED]
    assert drive.sent(RungChanged)[-1].previous == Rung.PARTICIPANT


def test_nobody_falls_by_saying_less():
    drive = Drive().send(say("柜子多少钱一平"), say("好的", clock="09:05"))
    assert RUNGS[drive.member().rung] == Rung.INTERESTED


def test_a_word_that_is_unsure_moves_nobody():
    drive = Drive().send(say("我要"))
    assert RUNGS[drive.member().rung] == Rung.PARTICIPANT


def test_whom_others_answer_often_is_a_key_person():
    answers = [say("说得对", f"m{n}", f"09:0{n}", mentions=["m1", "m-main"]) for n in range(2, 2 + KEY_PERSON_ANSWERED)]
    drive = Drive().send(say(), *answers[:-1])
    assert drive.tally().key_people == 0
    drive.send(answers[-1])
    assert drive.tally().key_people == 1
    drive.send(builders.left(at=at(1, "10:00")))
    assert drive.tally().key_people == 0


def test_nobody_becomes_a_key_person_by_answering_themselves_or_by_one_long_list():
    drive = Drive().send(say(), *[say("顶", clock=f"09:1{n}", mentions=["m1", "m1"]) for n in range(5)])
    drive.send(say("看我", "m2", "09:30", mentions=["m1", "m1", "m1", "m1"]))
    assert drive.tally().key_people == 0


# --- orders -------------------------------------------------------------------------------------------


def buy(clock: str = "10:00", order: str = "o1", **data: Any) -> list[bytes]:
    return [builders.order_placed(order, at=at(1, clock), **data), builders.paid(order, at(1, clock[:4] + "5"))]


def test_a_paid_order_makes_a_buyer_and_its_refund_unmakes_one():
    drive = Drive().send(say(), *buy())
    assert RUNGS[drive.member().rung] == Rung.BUYER
    drive.send(builders.refunded(at=at(1, "11:00")))
    assert RUNGS[drive.member().rung] == Rung.PARTICIPANT
    assert drive.sent(RungChanged)[-1].previous == Rung.BUYER


def test_of_two_orders_one_may_be_given_back():
    drive = Drive().send(say(), *buy(), *buy("11:00", "o2"), builders.cancelled("o2", at(1, "12:00")))
    assert RUNGS[drive.member().rung] == Rung.BUYER


def test_who_was_referred_lifts_who_brought_them_and_nobody_brings_themselves():
    drive = Drive().send(say(), say(member="m2"))
    drive.send(builders.order_placed("o1", "m2", referrer_id="m1"), builders.order_placed("o2", "m2", referrer_id="m2"))
    assert drive.member("m1").evidence & BIT["referral_order"]
    assert not drive.member("m2").evidence & BIT["referral_order"]


def test_an_order_lifts_nobody_who_may_not_be_profiled():
    drive = Drive().send(say(), *buy()[:1], builders.consent(at=at(1, "10:02")), *buy()[1:], *buy("11:00", "o2"))
    assert drive.member().evidence == 0
    assert {row.member_id for _, row in drive.turns[-1].orders()} == {None}
    drive.send(builders.order_placed("o3", "m2", referrer_id="m1", at=at(1, "12:00")))
    assert drive.member().evidence == 0


# --- what they forbid ---------------------------------------------------------------------------------


def test_who_wants_no_messages_says_so_once_and_it_holds_in_every_group():
    reference = builders.reference(groups=[builders.group("g1"), builders.group("g2")])
    drive = Drive(world(reference)).send(
        builders.joined("g2"), say(), say(STOP, clock="09:10"))
    assert drive.member().opted_out
    assert drive.member(group="g2").opted_out


def test_marketing_that_was_forbidden_before_holds_in_every_group_to_come():
    drive = Drive().send(builders.consent(scope="marketing"), builders.joined())
    assert drive.member().opted_out


def test_consent_to_marketing_is_taken_back_and_given_again():
    drive = Drive().send(say(), builders.consent(scope="marketing", at=at(1, "09:30")))
    assert drive.member().opted_out
    drive.send(builders.consent(scope="marketing", granted=True, at=at(1, "09:40")))
    assert not drive.member().opted_out
    drive.send(say(STOP, clock="10:00"), say(STOP, clock="10:10"))
    assert drive.member().opted_out


def test_a_grant_that_says_nothing_new_undoes_no_word_of_theirs():
    drive = Drive().send(say(STOP), builders.consent(granted=True, at=at(1, "09:30")))
    assert drive.member().opted_out


def test_who_takes_back_consent_is_in_no_count_and_what_they_say_is_not_read():
    drive = Drive().send(say("柜子多少钱一平"), builders.consent(at=at(1, "09:30")), say("我要报名量尺", clock="10:00"))
    assert drive.tally() == Tally()
    row = drive.member()
    assert (row.evidence, row.rung, row.present) == (0, 0, False)


# --- the counts are what the rows say -------------------------------------------------------------------


GROUPS = ("g1", "g2", "g9")
MEMBERS = ("m1", "m2", "m3", "m4")
WORDS = ("大家好", "柜子多少钱一平", "我要报名量尺", "装得真不错，很满意", "我是翡翠湾3栋的", STOP, "吃了吗")


COMMANDS = (
    builders.campaign_started, builders.campaign_paused, builders.campaign_resumed, builders.campaign_ended,
)


def recount(drive: Drive, group: str, estate: str = "e1") -> Tally:
    """A group's counts, straight from its members' rows."""
    rows = [row for (group_id, _), row in drive.members(estate).items() if group_id == group and row.present]
    seq = drive.phase_seq(estate)
    return Tally(
        len(rows), sum(row.active_in == seq for row in rows), sum(row.heard >= KEY_PERSON_ANSWERED for row in rows),
        sum(row.home for row in rows), tuple(sum(row.rung == rung for row in rows) for rung in range(len(RUNGS))),
    )


@st.composite
def deeds(draw: st.DrawFn) -> Any:
    """One thing that happens, as a builder with its arguments, without its time."""
    group, member = draw(st.sampled_from(GROUPS)), draw(st.sampled_from(MEMBERS))
    estate, order = draw(st.sampled_from(("e1", "e2"))), draw(st.sampled_from(("o1", "o2", "o3")))
    return draw(st.sampled_from([
        (builders.joined, {"group": group, "member": member}),
        (builders.joined, {"group": group, "member": member, "join_state": estate}),
        (builders.left, {"group": group, "member": member}),
        *((builders.message, {
            "group": group, "member": member, "text": draw(st.sampled_from(WORDS)),
            "mentions": draw(st.lists(st.sampled_from(MEMBERS), max_size=3)),
        }),) * 4,
        (builders.consent, {
            "member": member, "scope": draw(st.sampled_from(("profiling", "marketing", "location"))),
            "granted": draw(st.booleans()),
        }),
        (builders.erased, {"member": member}),
        (builders.home_declared, {"member": member, "estate_id": estate}),
        (builders.home_declared, {"member": member, "estate_id": estate, "group_id": group}),
        (builders.group_updated, {"group": group, "estate_id": draw(st.sampled_from(("e1", "e2", None)))}),
        (builders.group_updated, {"group": group, "open": draw(st.booleans())}),
        (builders.order_placed, {
            "order": order, "member": member, "group": group, "referrer_id": draw(st.sampled_from(MEMBERS))}),
        (draw(st.sampled_from([builders.deposit_paid, builders.paid, builders.refunded, builders.delivered])),
         {"order": order}),
        (draw(st.sampled_from(COMMANDS)), {"estate": estate}),
    ]))


def two_estates() -> Drive:
    alliance = builders.group("g9", None, name="异业联盟", kind=GroupKind.ALLIANCE)
    return Drive(world(builders.reference(
        estates=[builders.estate("e1", "绿地城"), builders.estate("e2", "翡翠湾", lng=116.46)],
        groups=[builders.group("g1"), builders.group("g2", "e2", name="翡翠湾业主群"), alliance],
        personas=builders.staff(("g1", "g2")),
    )))


@given(st.lists(st.tuples(deeds(), st.integers(0, 1400)), max_size=40))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_counts_are_always_what_the_rows_say(happened: list[tuple[Any, int]]):
    drive, minutes = two_estates(), 0
    for number, ((build, said), wait) in enumerate(happened):
        minutes += wait
        clock = at(1 + minutes // 1440, f"{minutes % 1440 // 60:02}:{minutes % 60:02}")
        try:
            drive.send(build(at=clock, id=f"happened-{number}", **said))
        except BadEvent:
            continue
        for estate in ("e1", "e2"):
            for group in GROUPS:
                assert drive.tally(group, estate) == recount(drive, group, estate), (group, estate)


@given(st.lists(st.tuples(deeds(), st.integers(0, 200)), max_size=30), st.sampled_from(MEMBERS))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_after_an_erasure_no_row_knows_the_member(happened: list[tuple[Any, int]], member: str):
    drive, minutes = two_estates(), 0
    for number, ((build, said), wait) in enumerate([*happened, ((builders.erased, {"member": member}), 1)]):
        minutes += wait
        clock = at(1 + minutes // 1440, f"{minutes % 1440 // 60:02}:{minutes % 60:02}")
        try:
            drive.send(build(at=clock, id=f"happened-{number}", **said))
        except BadEvent:
            continue
    known = {address: value for address, value in drive.rows.at.items() if address[1] != member}
    assert member not in str(known)
