"""What is one estate in several listings, what is not, and what is left."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from maps.merging import Listing, Merging, merge
from maps.names import parse
from maps.parents import with_parents
from schemas.reference import Estate

#: Some metres in degrees at 45° N.
M = 1 / 111_000


def listing(source: str, id: str, name: str = "绿地城", north: float | None = 0.0, **more) -> Listing:
    """A listing so many metres north of one place; None for no point."""
    rank = more.pop("rank", "abcd".index(source[0]))
    point = (126.6, 45.7 + north * M, "wgs84") if north is not None else (None, None, None)
    more = {"city": "哈尔滨", **more}
    return Listing(Estate(id, name, more.pop("address", ""), *point, **more), source, rank)


def ids(merging: Merging) -> list[str]:
    return [estate.estate_id for estate in merging.estates]


def test_one_name_in_one_place_is_one_estate_and_keeps_the_most_trusted_sites_id():
    found = merge([listing("b", "1", "綠地·城", 120, address="学府路1号"), listing("a", "9", households=700)])
    (estate,) = found.estates
    assert (estate.estate_id, estate.name, estate.address, estate.households) == ("9", "绿地城", "学府路1号", 700)
    assert (estate.aliases, estate.sources) == ((), ("a:9", "b:1"))
    (pair,) = found.merged
    assert (pair.kept.id, pair.other.id, pair.reason) == ("a:9", "b:1", "same name, 120 m apart")


def test_another_way_to_write_the_name_becomes_an_alias():
    (estate,) = merge([listing("a", "1", "绿地城"), listing("b", "2", "绿地城（原香港名城）", 10)]).estates
    assert estate.aliases == ("绿地城（原香港名城）",)


def test_phases_and_sections_are_never_merged():
    names = ["绿地城", "绿地城一期", "绿地城2期", "绿地城二期A区", "绿地城二期B区", "绿地城A区"]
    # Three metres apart each: on one point they would be a centroid.
    found = merge([listing(s, f"{s}{i}", name, 3 * i) for s in "ab" for i, name in enumerate(names)])
    assert len(found.estates) == len(names)
    assert not found.left


def test_one_name_far_away_is_another_estate():
    assert ids(merge([listing("a", "1"), listing("b", "2", north=20_000)])) == ["1", "2"]
    assert ids(merge([listing("a", "1"), listing("b", "2", city="长春")])) == ["1", "2"]


def test_what_is_neither_near_nor_far_is_left_with_the_reason_unless_the_address_says_it():
    found = merge([listing("a", "1", address="学府路1号"), listing("b", "2", north=4_000, address="黄河路8号")])
    assert ids(found) == ["1", "2"]
    assert [pair.reason for pair in found.left] == ["same name, but 4.0 km apart, addresses on different roads"]
    same = merge([listing("a", "1", address="(南岗)学府路1号"), listing("b", "2", north=4_000, address="学府路1号")])
    assert ids(same) == ["1"]


def test_without_a_point_only_an_address_or_a_district_speaks():
    def both(**more) -> Merging:
        return merge([listing("a", "1", north=None, **more), listing("b", "2", **more)])

    assert ids(both()) == ["1", "2"]
    assert [p.reason for p in both().left] == ["same name, but no point to compare, and no address to compare"]
    assert ids(both(address="学府路1号")) == ["1"]
    assert ids(both(district="南岗区")) == ["1"]
    assert both(address="学府路1号").estates[0].lat == 45.7


def test_a_centroid_is_no_place():
    crowd = [listing("a", f"{n}", f"某某{n}苑") for n in range(4)]
    found = merge([*crowd, listing("b", "x", "某某0苑", 5)])
    assert len(found.estates) == 5
    assert "no point to compare" in found.left[0].reason


def test_of_two_that_may_be_meant_neither_is_taken_unless_one_is_much_nearer():
    two = [listing("b", "2", "阳光家园", 200), listing("b", "3", "阳光家园", -250)]
    found = merge([listing("a", "1", "阳光家园"), *two])
    assert len(found.estates) == 3
    assert "may as well be b:3" in found.left[0].reason
    two = [listing("b", "2", "阳光家园", 30), listing("b", "3", "阳光家园", 290)]
    found = merge([listing("a", "1", "阳光家园"), *two])
    assert [estate.sources for estate in found.estates] == [("a:1", "b:2"), ("b:3",)]


def test_what_a_site_lists_twice_in_one_place_is_left():
    found = merge([listing("a", "1"), listing("a", "2", north=50)])
    assert ids(found) == ["1", "2"]
    assert found.left[0].reason == "listed twice by a: 50 m apart"


def test_brackets_that_tell_two_apart_are_heard():
    found = merge([
        listing("a", "1", "邮电小区", address="明德路5号"),
        listing("b", "2", "邮电小区(前进大街)", 116, address="前进大街9号"),
    ])
    assert ids(found) == ["1", "2"]
    assert found.left[0].reason.startswith("told apart in brackets: nothing, 前进大街")


def test_a_known_estate_keeps_its_id_and_what_was_merged_stays_merged():
    known = merge([listing("b", "old"), listing("c", "x", north=80)]).estates
    again = merge([listing("a", "new", north=40), listing("b", "old"), listing("c", "x", north=80)], known)
    (estate,) = again.estates
    assert (estate.estate_id, estate.sources) == ("old", ("a:new", "b:old", "c:x"))
    # Even where c has moved it far away since.
    assert ids(merge([listing("c", "x", north=90_000)], again.estates)) == ["old"]


def test_two_known_estates_are_not_merged_behind_their_owners_back():
    known = [listing("a", "1").estate, listing("a", "2", north=90).estate]
    assert ids(merge([listing("b", "x", north=45)], known))[:2] == ["1", "2"]


def test_an_estate_listed_anew_under_its_id_has_its_new_words():
    known = merge([listing("a", "1", "绿地城", address="学府路1号", households=700)]).estates
    (estate,) = merge([listing("a", "1", "绿地世纪城", 30, households=710)], known).estates
    assert (estate.name, estate.households, estate.address) == ("绿地世纪城", 710, "学府路1号")
    assert estate.aliases == ("绿地城",)


rows = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.sampled_from(["绿地城", "綠地·城", "绿地城二期", "绿地城(学府路)", "阳光家园"]),
        st.none() | st.integers(-6_000, 6_000), st.sampled_from(["", "学府路1号", "黄河路8号", "学府路"]),
        st.sampled_from(["", "南岗区"])),
    max_size=9,
).map(lambda many: [
    listing(source, f"{n}", name, north, address=address, district=district)
    for n, (source, name, north, address, district) in enumerate(many)])


@settings(max_examples=150, deadline=None)
@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(listings, rng):
    mixed = list(listings)
    rng.shuffle(mixed)
    assert merge(mixed) == merge(listings)


@settings(max_examples=150, deadline=None)
@given(rows)
def test_merging_again_changes_nothing(listings):
    once = merge(listings)
    again = merge(listings, once.estates)
    assert (again.estates, again.merged) == (once.estates, ())
    assert merge((), once.estates).estates == once.estates


@settings(max_examples=150, deadline=None)
@given(rows)
def test_every_listing_is_in_one_estate_of_its_own_name_parts(listings):
    found = merge(listings)
    assert sorted(s for e in found.estates for s in e.sources) == sorted(one.id for one in listings)
    parts = {one.id: parse(one.estate.name).full for one in listings}
    for estate in found.estates:
        assert len({parts[source] for source in estate.sources}) == 1
        assert len({source[0] for source in estate.sources}) == len(estate.sources)


# --- parents ----------------------------------------------------------------------------------------


def parents(*rows: Estate) -> dict[str, str]:
    return {row.estate_id: row.parent for row in with_parents(rows)}


def estate(id: str, name: str, north: float | None = 0.0, **more) -> Estate:
    return listing("a", id, name, north, **more).estate


def test_a_phase_is_part_of_the_estate_of_its_name():
    assert parents(
        estate("1", "绿地城"), estate("2", "绿地城Ⅱ期"), estate("3", "绿地城二期B区"), estate("4", "绿地城A区"),
        estate("5", "恒大城一期"),
    ) == {"1": "", "2": "1", "3": "2", "4": "1", "5": ""}


def test_of_several_of_the_name_the_nearest_is_the_parent_and_none_where_that_cannot_be_told():
    greens = estate("1", "绿地城", 900), estate("2", "绿地城", -400)
    assert parents(*greens, estate("3", "绿地城二期"))["3"] == "2"
    assert parents(*greens, estate("3", "绿地城二期", None))["3"] == ""
    assert parents(estate("1", "绿地城", 9_000), estate("3", "绿地城二期"))["3"] == ""
    assert parents(estate("1", "绿地城", city="长春"), estate("3", "绿地城二期"))["3"] == ""


def test_a_parent_that_is_given_stays():
    assert parents(estate("1", "绿地城"), replace(estate("2", "绿地城二期"), parent="9"))["2"] == "9"
