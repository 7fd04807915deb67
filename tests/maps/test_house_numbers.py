"""Where a house number lies, told from those around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maps.book import EstateBook
from maps.ellipsoid import metres
from maps.house_numbers import Door, HouseNumbers
from tests.builders import estate

#: A straight road to the east: number n lies n * 10 m along it, odd ones north of it and even ones south.
LNG, LAT, STEP, SIDE = 126.6, 45.7, 0.000128, 0.0002


def door(number: int, road: str = "学府路", *, district: str = "", east: float = 0.0, north: float = 0.0) -> Door:
    side = SIDE if number % 2 else -SIDE
    return Door("哈尔滨", district, road, number, LNG + number * STEP + east, LAT + side + north)


def off(numbers: HouseNumbers, number: int, **where: str) -> float:
    found = numbers.estimate("学府路", number, "哈尔滨", **where)
    assert found is not None
    true = door(number)
    return metres(found.lng, found.lat, true.lng, true.lat)


def test_a_number_lies_between_its_neighbours_of_the_same_side():
    numbers = HouseNumbers.of(door(n) for n in (10, 11, 30, 31))
    assert off(numbers, 20) < 1
    assert off(numbers, 21) < 1


def test_where_a_side_has_no_neighbours_the_other_side_helps():
    numbers = HouseNumbers.of(door(n) for n in (11, 31))
    assert off(numbers, 20) == pytest.approx(2 * SIDE * 111_140, rel=0.01)


def test_a_number_that_is_known_is_where_it_is():
    numbers = HouseNumbers.of([door(11), door(21), door(31)])
    assert off(numbers, 21) < 0.01


@pytest.mark.parametrize("number", [9, 32, 33, 5000])
def test_beyond_the_last_known_number_nothing_is_said(number: int):
    assert HouseNumbers.of([door(11), door(31)]).estimate("学府路", number, "哈尔滨") is None


@pytest.mark.parametrize(("road", "city"), [("红旗街", "哈尔滨"), ("学府路", "长春")])
def test_other_roads_and_other_cities_say_nothing(road: str, city: str):
    assert HouseNumbers.of([door(11), door(31)]).estimate(road, 21, city) is None


def test_neighbours_that_cannot_be_on_one_road_say_nothing():
    numbers = HouseNumbers.of([door(11), door(31, east=0.5)])
    assert numbers.estimate("学府路", 21, "哈尔滨") is None


def test_one_number_at_two_ends_of_a_city_says_nothing():
    numbers = HouseNumbers.of([door(21), door(21, east=0.2)])
    assert numbers.estimate("学府路", 21, "哈尔滨") is None


def test_two_roads_of_one_name_are_told_apart_by_their_districts():
    there = [door(n, district="南岗区") for n in (11, 31)] + [door(n, district="巴彦县", east=0.8) for n in (15, 25)]
    numbers = HouseNumbers.of(there)
    assert off(numbers, 21, district="南岗区") < 1


def test_one_wrong_point_of_three_does_not_move_a_number():
    numbers = HouseNumbers.of([door(21), door(21), door(21, east=0.05)])
    assert off(numbers, 21) < 0.01


def test_the_farther_apart_the_neighbours_the_less_is_known():
    near = HouseNumbers.of([door(19), door(23)]).estimate("学府路", 21, "哈尔滨")
    far = HouseNumbers.of([door(1), door(91)]).estimate("学府路", 21, "哈尔滨")
    assert near is not None
    assert far is not None
    assert near.spread_m < far.spread_m


@given(st.permutations([door(n) for n in (3, 11, 12, 31, 40, 41)]), st.integers(1, 50))
def test_the_order_of_the_book_does_not_matter(doors: list[Door], number: int):
    ordered = HouseNumbers.of(sorted(doors))
    assert HouseNumbers.of(doors).estimate("学府路", number, "哈尔滨") == ordered.estimate("学府路", number, "哈尔滨")


def test_a_book_tells_a_house_number_from_the_estates_of_the_road():
    book = EstateBook.of(
        estate(f"e{n}", f"小区{n}", address=f"南岗学府路{n}号", lng=LNG + n * STEP, lat=LAT, city="哈尔滨市",
               district="南岗区")
        for n in (11, 31))
    found = book.at_number("哈尔滨市南岗区学府路21号3栋2单元501")
    assert found is not None
    assert metres(found.lng, found.lat, LNG + 21 * STEP, LAT) < 1
    assert book.at_number("学府路21号") == found
    assert book.at_number("长春市学府路21号") is None
    assert book.at_number("道外区学府路21号") is None
    assert book.at_number("学府路") is None
