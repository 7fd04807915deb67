"""The estate book: by place, by name, by address."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maps.book import EstateBook, Flag
from schemas.reference import Estate

SQUARE = (((116.0, 40.0), (116.01, 40.0), (116.01, 40.01), (116.0, 40.01)),)
HOLED = (
    ((116.0, 40.0), (116.03, 40.0), (116.03, 40.03), (116.0, 40.03)),
    ((116.01, 40.01), (116.02, 40.01), (116.02, 40.02), (116.01, 40.02)),
)


def estate(estate_id: str, name: str = "绿地城", lng: float | None = None, lat: float | None = None, **more) -> Estate:
    return Estate(estate_id, name, lng=lng, lat=lat, crs=more.pop("crs", "wgs84"), **more)


def test_points_of_any_datum_are_kept_in_wgs84():
    book = EstateBook.of([estate("a", lng=116.411858, lat=39.869364, crs="bd09")])
    lng, lat = book.point("a") or (0.0, 0.0)
    assert (round(lng, 5), round(lat, 5)) == (116.39922, 39.86162)


def test_of_equally_near_estates_the_lower_id_comes_first_whatever_the_files_order():
    rows = [estate(i, lng=116.0, lat=40.0) for i in ("b", "a", "c")]
    assert [i for i, _ in EstateBook.of(rows).nearest(116.0, 40.0)] == ["a", "b", "c"]
    assert [i for i, _ in EstateBook.of(rows[::-1]).nearest(116.0, 40.0)] == ["a", "b", "c"]


def test_an_estate_without_a_point_is_found_by_name_only():
    book = EstateBook.of([estate("a", "绿地城"), estate("b", "恒大城", 116.0, 40.0)])
    assert [i for i, _ in book.nearest(116.0, 40.0)] == ["b"]
    assert [i for i, _ in book.called("绿地城")] == ["a"]


def test_the_smallest_outline_that_holds_a_point_comes_first():
    book = EstateBook.of([estate("big", outline=HOLED), estate("small", outline=SQUARE)])
    assert book.containing(116.005, 40.005) == ["small", "big"]
    assert book.containing(116.015, 40.015) == []
    assert book.containing(116.025, 40.025) == ["big"]
    assert book.containing(120.0, 30.0) == []


def test_an_outline_that_crosses_itself_is_mended():
    bow = (((116.0, 40.0), (116.01, 40.01), (116.01, 40.0), (116.0, 40.01)),)
    assert EstateBook.of([estate("a", outline=bow)]).containing(116.0099, 40.005) == ["a"]


def test_the_longest_name_in_a_text_wins():
    book = EstateBook.of([estate("a", "绿地"), estate("b", "绿地世纪城"), estate("c", "世纪城")])
    (mention,) = book.named("我是绿地世纪城的")
    assert [book.id_of(n) for n, _ in mention.weights] == ["b"]


def test_aliases_former_names_and_misspellings_are_known():
    book = EstateBook.of([
        estate("a", "范城国际（原香港名城）", aliases=("丰跃城",)), estate("b", "金色阳光水岸花都"),
        estate("c", "红山世家小区"),
    ])
    assert book.called("香港名城")[0][0] == "a"
    assert book.called("丰跃城")[0][0] == "a"
    assert book.called("金色阳光水岸花都城")[0][0] == "b"
    assert book.called("红山世家")[0][0] == "c"
    assert book.called("完全不相干") == []


def test_an_estate_is_found_by_its_road_and_house_number():
    book = EstateBook.of([
        estate("a", "一号", address="(南岗)学府路123号", district="南岗区"),
        estate("b", "二号", address="南岗区学府路124号"),
    ])
    assert book.on_road("哈尔滨市南岗区学府路123号3单元") == ["a"]
    assert book.on_road("南岗学府路123-1号") == ["a"]
    assert book.on_road("学府路5号") == []


def test_what_is_doubtful_about_a_point_is_a_flag():
    city = [estate(f"c{n}", lng=116.0 + n / 1000, lat=40.0, city="北京") for n in range(9)]
    book = EstateBook.of([
        *city, *(estate(f"s{n}", lng=116.5, lat=40.0, city="北京市") for n in range(4)),
        estate("far", lng=121.5, lat=31.2, city="北京"), estate("none"),
    ])
    assert {flag for n in range(4) for flag in book.flags(f"s{n}")} == {Flag.SHARED_POINT}
    assert set(book.flags("far")) == {Flag.OUTSIDE_CITY}
    assert set(book.flags("none")) == {Flag.NO_COORD}
    assert book.flags("c0") == book.flags("nobody") == frozenset()
    assert [estate_id for estate_id, _ in book.flagged()] == ["far", "none", "s0", "s1", "s2", "s3"]


def test_an_estate_knows_its_phases():
    book = EstateBook.of([estate("a"), estate("b", "绿地城二期", parent="a"), estate("c", "绿地城一期", parent="a")])
    assert (book.children("a"), book.children("b")) == (("b", "c"), ())


def test_many_points_are_answered_as_one_by_one():
    rows = [estate(f"e{n}", lng=116 + n % 7 / 900, lat=40 + n % 11 / 700) for n in range(99)]
    book = EstateBook.of([estate("none"), *rows])
    lngs, lats = np.array([116.001, 116.3, 100.0]), np.array([40.003, 40.1, 30.0])
    for k in (1, 3):
        numbers, away = book.nearest_many(lngs, lats, k)
        for row, at in enumerate(zip(lngs.tolist(), lats.tolist(), strict=True)):
            one = book.nearest(*at, k)
            assert [book.id_of(number) for number in numbers[row].tolist()] == [estate_id for estate_id, _ in one]
            assert away[row].tolist() == pytest.approx([metres for _, metres in one], abs=1e-4)
    empty, none = EstateBook.of([estate("none")]).nearest_many(lngs, lats)
    assert empty.tolist() == [[-1]] * 3
    assert np.isinf(none).all()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
)
def test_no_answer_hangs_on_the_order_of_the_file(grid, rng):
    rows = [estate(f"e{n:02}", f"绿地城{n % 4}期", 116 + x / 500, 40 + y / 500) for n, (x, y) in enumerate(grid)]
    mixed = list(rows)
    rng.shuffle(mixed)
    one, other = EstateBook.of(rows), EstateBook.of(mixed)
    for at in ((116.01, 40.01), (116.02, 40.0), (116.0, 40.005)):
        assert one.nearest(*at, 5) == other.nearest(*at, 5)
    assert list(one.flagged()) == list(other.flagged())
    assert one.called("绿地城2期") == other.called("绿地城2期")
