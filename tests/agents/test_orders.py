"""Orders in a campaign: what counts as sold, when the goal is reached, what may be said because of them."""

from __future__ import annotations

from typing import Any

import pytest

from agents.state import OrderRow, order_row
from schemas.tasks import GoalReached, StageEnded
from schemas.values import PersonaClass, Role
from tests import builders
from tests.agents.drive import Drive, crowd, world
from tests.builders import at


def row(drive: Drive, order: str = "o1", estate: str = "e1") -> OrderRow:
    found: OrderRow = drive.rows.get(order_row(estate, order))
    return found


def running(**columns: Any) -> Drive:
    return Drive().send(builders.campaign_started(**columns), *crowd(4, clock="06:30"))


# --- sold ---------------------------------------------------------------------------------------------


def test_an_order_counts_when_something_was_paid_and_not_given_back():
    drive = running().send(builders.order_placed(at=at(1, "09:00")))
    sold = []
    for build, clock in (
        (builders.deposit_paid, "10:00"), (builders.paid, "11:00"), (builders.delivered, "12:00"),
        (builders.refunded, "13:00"),
    ):
        sold.append(drive.send(build(at=at(1, clock))).flow()["orders"])
    assert sold == [1, 1, 1, 0]


def test_a_cancelled_order_counts_no_more():
    drive = running().send(builders.order_placed(), builders.paid(), builders.cancelled(at=at(1, "10:00")))
    assert drive.flow()["orders"] == 0


def test_an_order_counts_only_for_a_home_here_and_while_the_campaign_runs():
    estates = [builders.estate("e1", "绿地城"), builders.estate("e2", "翡翠湾", lng=116.46)]
    drive = Drive(world(builders.reference(estates=estates)))
    drive.send(builders.order_placed("o-before", at=at(1, "05:00")), builders.campaign_started())
    drive.send(
        builders.order_placed("o-there", delivery={"address": "翡翠湾3栋"}), builders.order_placed("o-here", "m2"))
    drive.send(builders.campaign_paused(at=at(1, "09:00")), builders.order_placed("o-pause", "m3", at=at(1, "10:00")))
    for order in ("o-before", "o-there", "o-here", "o-pause"):
        drive.send(builders.paid(order, at(1, "11:00")))
    assert drive.flow()["orders"] == 1
    assert [row(drive, order).campaign_id is None for order in ("o-before", "o-there", "o-here", "o-pause")] == [
        True, True, False, True]


def test_another_campaign_begins_with_no_orders_sold():
    drive = running(target_orders=1).send(builders.order_placed(), builders.paid())
    assert drive.flow()["orders"] == 1
    drive.send(builders.campaign_ended(at=at(2, "09:00")))
    drive.send(builders.campaign_started(at=at(2, "10:00"), start_date="2026-03-03", target_orders=1))
    assert drive.flow()["orders"] == 0
    drive.send(builders.delivered(at=at(2, "11:00")))
    assert len(drive.sent(GoalReached)) == 1


def test_an_order_that_comes_twice_counts_once():
    drive = running().send(builders.order_placed(), builders.order_placed(amount_fen=1), builders.paid())
    assert (drive.flow()["orders"], row(drive).amount_fen) == (1, 3_000_000)


def test_an_install_check_changes_nothing_yet():
    drive = running().send(builders.order_placed(), builders.paid())
    before = row(drive)
    assert row(drive.send(builders.install_checked())) == before


# --- the goal -----------------------------------------------------------------------------------------


def test_the_goal_is_told_once_when_it_is_reached():
    drive = running(target_orders=2)
    for number in (1, 2, 3):
        drive.send(builders.order_placed(f"o{number}", f"m{number}"), builders.paid(f"o{number}"))
    (goal,) = drive.sent(GoalReached)
    assert (goal.target_orders, goal.orders) == (2, 2)


def test_a_campaign_without_a_target_reaches_none():
    drive = running().send(builders.order_placed(), builders.paid())
    assert drive.sent(GoalReached) == []


def test_the_orders_are_in_the_measures_of_the_end():
    drive = running().send(builders.order_placed(), builders.paid(), builders.campaign_ended(at=at(2, "09:00")))
    assert drive.sent(StageEnded)[0].measures["orders"] == 1


# --- testimonials -------------------------------------------------------------------------------------


def witness(*orders: bytes, members: int = 25) -> Drive:
    """Day 1 at seven, with a buyer who has these orders."""
    return Drive().send(
        *(builders.joined(member=f"m{n}", at=at(1, "05:00")) for n in range(members)), *orders,
        builders.campaign_started()).until(1, "07:00")


def bought(order: str = "o1", category: str = "全屋定制", member: str = "m-buyer") -> list[bytes]:
    items = [builders.item(category)]
    return [
        builders.order_placed(order, member, at=at(1, "05:10"), items=items), builders.paid(order, at(1, "05:20")),
        builders.delivered(order, at(1, "05:30")),
    ]


def test_a_buyer_with_a_delivered_order_of_the_product_testifies_and_the_task_names_the_order():
    task = witness(*bought()).task("warm-up-1-evening")
    assert (task.persona_id, task.role, task.disclosure) == ("p-buyer", Role.SHILL, None)
    assert task.evidence is not None
    assert task.evidence.order_id == "o1"


@pytest.mark.parametrize(
    "orders",
    [
        [], bought()[:2], bought(category="地板"), bought(member="m2"),
        [*bought(), builders.refunded(at=at(1, "05:40"))], [*bought(), builders.cancelled(at=at(1, "05:40"))],
    ],
    ids=["none", "not delivered", "of another product", "somebody else's", "refunded", "cancelled"],
)
def test_without_such_an_order_real_buyers_are_asked_instead(orders: list[bytes]):
    drive = witness(*orders)
    assert drive.tasks_of(script="warm-up-1-evening") == []
    task = drive.task("warm-up-1-evening-instead")
    assert (task.persona_id, task.role, task.action) == ("p-service", Role.CUSTOMER_SERVICE, "post")
    assert task.because[1] == "rule:small-test@1/warm-up-1-evening:instead"


def test_staff_who_bought_do_not_testify():
    drive = witness(*bought(member="m-shill"))
    assert drive.tasks_of(script="warm-up-1-evening") == []


@pytest.mark.parametrize("back", [builders.refunded, builders.cancelled])
def test_an_order_that_is_given_back_takes_its_testimonial_along(back: Any):
    drive = witness(*bought()).send(back(at=at(1, "12:00")))
    assert drive.task("warm-up-1-evening").status == "withdrawn"
    assert drive.task("warm-up-1-morning").status != "withdrawn"


def test_a_buyer_who_takes_back_consent_testifies_no_more():
    drive = witness(*bought()).send(builders.consent("m-buyer", at=at(1, "12:00")))
    assert drive.task("warm-up-1-evening").status == "withdrawn"
    assert drive.until(2, "08:00").tasks_of(script="warm-up-2-evening") == []


def test_a_buyers_own_order_moves_nobody_on_the_ladder():
    drive = witness(*bought())
    assert ("g1", "m-buyer") not in drive.members()


def test_the_order_may_have_been_made_before_the_campaign_and_in_another_estate():
    estates = [builders.estate("e1", "绿地城"), builders.estate("e2", "翡翠湾", lng=116.46)]
    buyer = builders.persona("p-buyer", Role.SHILL, PersonaClass.BUYER)
    drive = Drive(world(builders.reference(estates=estates, personas=[buyer, builders.persona("p-shill", Role.SHILL)])))
    drive.send(
        *crowd(25), builders.order_placed(member="m-buyer", group=None, delivery={"address": "翡翠湾3栋"}),
        builders.delivered(), builders.campaign_started(at=at(1, "15:00")))
    assert drive.task("warm-up-1-evening").persona_id == "p-buyer"
