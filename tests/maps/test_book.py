"""The estate book: by place, by name, by address."""

from maps.book import EstateBook
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
    assert book.called("绿地城") == [("a", 1.0)]


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
