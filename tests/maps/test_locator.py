"""Evidence and its weighing: an answer where it carries one, and never a guess."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maps.book import EstateBook
from maps.clues import Clue, ClueKind
from maps.locator import PLACE_THRESHOLD, POINT_THRESHOLD, THRESHOLD, Locator, Said
from maps.names import Home
from schemas.reference import Estate
from schemas.values import Location, Point

K = ClueKind


def at(estate_id: str, name: str, lng: float, lat: float, city: str = "哈尔滨", **more) -> Estate:
    return Estate(estate_id, name, lng=lng, lat=lat, crs="wgs84", city=city, **more)


LOCATOR = Locator(EstateBook.of([
    at("green", "绿地城", 126.60, 45.70, district="南岗区"),
    at("lake1", "湖畔人家一期", 126.63, 45.72), at("lake2", "湖畔人家二期", 126.634, 45.72),
    at("sun-n", "阳光小区", 126.70, 45.75), at("sun-s", "阳光小区", 126.50, 45.60),
    at("sun-q", "阳光小区", 123.95, 47.33, city="齐齐哈尔"),
    at("twin-a", "东方之珠", 126.80, 45.80), at("twin-b", "西城晶华", 126.803, 45.80),
    at("road", "买卖街", 126.62, 45.77, address="道里买卖街14号", district="道里区"),
    at("far", "龙江第一村", 126.40, 45.90),
    at("fence", "四季上东", 126.90, 45.90, outline=(
        ((126.89, 45.89), (126.91, 45.89), (126.91, 45.91), (126.89, 45.91)),
    )),
]))


def words(text: str, near: str | None = None, city: str | None = None) -> Clue | None:
    return LOCATOR.from_text(K.OWN_WORDS, text, near, city)


def sure(kind: ClueKind, estate_id: str) -> Clue:
    clue = LOCATOR.from_estate(kind, estate_id)
    assert clue is not None
    return clue


def placed(*clues: Clue | None) -> str | None:
    return LOCATOR.weigh([clue for clue in clues if clue is not None]).estate_id


@pytest.mark.parametrize("kind", [K.JOIN_CODE, K.GROUP_BINDING, K.DECLARED, K.OWN_WORDS, K.DELIVERY_ADDRESS])
def test_one_clear_clue_of_a_strong_kind_is_enough(kind: ClueKind):
    answer = LOCATOR.weigh([sure(kind, "green")])
    assert answer.estate_id == "green"
    assert answer.confidence > 0.85
    assert "绿地城" in answer.reason


def test_an_estate_that_the_book_does_not_have_is_no_clue():
    assert LOCATOR.from_estate(K.JOIN_CODE, "nowhere") is None


def test_no_evidence_is_no_answer():
    answer = LOCATOR.weigh([])
    assert (answer.estate_id, answer.confidence, answer.candidates) == (None, 0.0, ())


def test_a_members_own_words_beat_the_groups_binding():
    said = words("我是绿地城3栋的")
    assert said is not None
    answer = LOCATOR.weigh([sure(K.GROUP_BINDING, "lake1"), sure(K.GROUP_NAME, "lake1"), said])
    assert answer.estate_id == "green"
    assert "against group binding" in answer.reason


def test_the_binding_places_who_says_nothing():
    assert placed(sure(K.GROUP_BINDING, "lake1"), words("大家好，请多关照")) == "lake1"


def test_a_join_code_against_own_words_stays_open():
    answer = LOCATOR.weigh([sure(K.JOIN_CODE, "lake1"), sure(K.OWN_WORDS, "green")])
    assert answer.estate_id is None
    assert answer.reason.startswith("unresolved: the clues disagree")


def test_agreement_makes_surer_and_conflict_less_sure():
    alone = LOCATOR.weigh([sure(K.OWN_WORDS, "green")]).confidence
    assert LOCATOR.weigh([sure(K.OWN_WORDS, "green"), sure(K.GROUP_BINDING, "green")]).confidence > alone
    assert LOCATOR.weigh([sure(K.OWN_WORDS, "green"), sure(K.GROUP_BINDING, "far")]).confidence < alone


def test_saying_it_five_times_is_no_more_evidence_than_once():
    once = LOCATOR.weigh([sure(K.OWN_WORDS, "green")])
    assert LOCATOR.weigh([sure(K.OWN_WORDS, "green")] * 5) == once


def test_a_lone_point_between_two_estates_is_no_answer():
    point = LOCATOR.from_point(K.POINT, Point(126.8015, 45.80, "wgs84"))
    assert point is not None
    assert {e for e, _ in point.scores} >= {"twin-a", "twin-b"}
    assert placed(point) is None


def test_a_point_decides_between_estates_of_one_name():
    assert placed(words("我家在阳光小区")) is None
    assert placed(words("我家在阳光小区"), LOCATOR.from_point(K.POINT, Point(126.7005, 45.75, "wgs84"))) == "sun-n"


def test_a_point_in_an_outline_is_of_that_estate():
    point = LOCATOR.from_point(K.POINT, Location(126.909, 45.909, "wgs84", label="公司"))
    assert placed(point) == "fence"


@pytest.mark.parametrize(("lng", "lat"), [(2.35, 48.86), (116.4, 39.9), (float("nan"), 45.0), (126.6, 45.2)])
def test_a_point_far_from_every_estate_says_nothing(lng: float, lat: float):
    assert LOCATOR.from_point(K.POINT, Point(lng, lat, "wgs84")) is None


def test_the_same_numbers_in_another_datum_are_another_place():
    shifted = LOCATOR.from_point(K.POINT, Point(126.60, 45.70, "bd09"))
    right = LOCATOR.from_point(K.POINT, Point(126.60, 45.70, "wgs84"))
    assert right is not None
    assert shifted is not None
    assert shifted.scores[0][1] < right.scores[0][1]


def test_a_building_and_a_room_alone_say_nothing_new():
    assert words("3栋2单元1201", near="green") is None
    assert LOCATOR.from_text(K.DISPLAY_NAME, "3-2-1201 小王", near="green") is None


def test_the_groups_estate_decides_between_phases():
    assert placed(words("我是湖畔人家3栋的")) is None
    assert placed(words("我是湖畔人家3栋的", near="lake2")) == "lake2"
    assert placed(words("我是湖畔人家一期3栋的", near="lake2")) == "lake1"


def test_a_phase_that_does_not_exist_is_not_taken_for_one_that_does():
    assert placed(words("我是湖畔人家三期的")) is None


def test_the_city_rules_out_estates_of_other_cities():
    assert placed(words("我是齐齐哈尔阳光小区的业主")) == "sun-q"
    assert placed(words("我是阳光小区的业主", city="齐齐哈尔市")) == "sun-q"
    assert words("我是绿地城的", city="齐齐哈尔") is None


@pytest.mark.parametrize("text", ["我不是绿地城的", "我家在绿地城对面", "朋友住绿地城", "在南岗区", "", "。。。"])
def test_what_is_not_said_of_ones_own_estate_is_no_clue(text: str):
    assert words(text) is None


def test_an_address_names_the_estate_beside_its_road():
    clue = LOCATOR.from_address(K.DELIVERY_ADDRESS, "哈尔滨市道里区买卖街20号绿地城3栋2单元1201室")
    assert placed(clue) == "green"


def test_what_lies_in_a_city_that_the_book_has_not_is_no_estate_of_the_book():
    assert LOCATOR.from_address(K.DELIVERY_ADDRESS, "北京市朝阳区绿地城3栋") is None
    assert LOCATOR.place(Said(name="绿地城", address="江苏省苏州市姑苏区人民路8号")).estate_id is None
    assert words("苏州市姑苏区绿地城3栋") is None
    assert placed(LOCATOR.from_address(K.DELIVERY_ADDRESS, "哈尔滨市南岗区绿地城3栋")) == "green"


def test_an_alias_that_begins_with_former_is_known_without_it():
    book = EstateBook.of([at("new", "星海人家", 126.6, 45.7, aliases=("原东方花苑",))])
    assert placed(Locator(book).from_text(K.OWN_WORDS, "我是东方花苑的")) == "new"


def test_an_address_may_be_known_by_its_house_number_alone():
    clue = LOCATOR.from_address(K.DELIVERY_ADDRESS, "黑龙江省哈尔滨市道里区买卖街14号2单元301")
    assert placed(clue) == "road"


def test_a_clue_is_small_and_can_be_stored():
    clue = words("我是阳光小区的")
    assert clue is not None
    assert len(clue.scores) <= 5
    assert msgspec.json.decode(msgspec.json.encode(clue), type=Clue) == clue


CLUES = st.lists(
    st.builds(
        lambda kind, estates: Clue(kind, tuple((e, round(1 / len(estates), 4)) for e in estates)),
        st.sampled_from(list(ClueKind)),
        st.lists(st.sampled_from(["green", "lake1", "lake2", "far"]), min_size=1, max_size=4, unique=True),
    ),
    min_size=1, max_size=5,
)


@given(CLUES)
def test_the_order_of_clues_changes_nothing(clues: list[Clue]):
    answers = {msgspec.json.encode(LOCATOR.weigh(order)) for order in itertools.permutations(clues)}
    assert len(answers) == 1


@given(CLUES)
def test_an_answer_is_given_from_the_threshold_on_only(clues: list[Clue]):
    answer = LOCATOR.weigh(clues)
    assert 0.0 <= answer.confidence <= 1.0
    assert (answer.estate_id is not None) <= (answer.confidence >= THRESHOLD)
    assert len(answer.candidates) <= 5
    assert answer.estate_id in (None, answer.candidates[0][0])
    assert list(answer.candidates) == sorted(answer.candidates, key=lambda c: (-c[1], c[0]))


# --- all that is said of one home ------------------------------------------------------------------------

HARBIN = Locator(EstateBook.of([
    at("wanda", "哈西万达广场", 126.610, 45.710), at("hd-near", "恒大时代广场", 126.614, 45.713),
    at("hd-far", "恒大绿洲", 126.700, 45.650), at("hd-farther", "恒大名都", 126.500, 45.850),
    at("sun-a", "阳光家园", 126.620, 45.760), at("sun-b", "阳光家园", 126.720, 45.660),
    at("new", "湖畔新城", 126.640, 45.700), at("old", "铁路小区", 126.650, 45.705),
    *(at(f"row{i}", f"河松街{i}号院", 126.60 + 0.004 * i, 45.74) for i in range(6)),
    *(at(f"heap{i}", f"城郊{i}村", 126.80, 45.80) for i in range(4)),
    at("big", "大湖郡", 126.90, 45.70, households=6000), at("small", "小湖居", 126.906, 45.70, households=60),
]))


def said(**what) -> str | None:
    return HARBIN.place(Said(**what)).estate_id


def spot(lng: float, lat: float) -> Point:
    return Point(lng, lat, "wgs84")


@pytest.mark.parametrize("text", [
    "现在住铁路小区，新房在湖畔新城", "我在铁路小区租房，买的是湖畔新城", "铁路小区的房子卖了，换到湖畔新城了",
    "我不是铁路小区的，我是湖畔新城的",
    "朋友住铁路小区，我家在湖畔新城", "湖畔新城，就在铁路小区对面", "铁路小区旁边的湖畔新城",
    "公司在铁路小区附近，房子在湖畔新城3栋",
    "我在铁路小区上班，家住湖畔新城", "从铁路小区搬来湖畔新城", "本来想买铁路小区，后来买的湖畔新城",
    "买了湖畔新城没买铁路小区", "铁路小区那套租出去了，现在装修湖畔新城这套",
    "在湖畔新城住了8年，今年想重装一下厨房", "@铁路小区小周 我是湖畔新城的",
    "「铁路小区小周：有人装好了吗」\n- - - - - - - - - - - - - - -\n我装好了，湖畔新城的",
])
def test_the_home_that_is_being_furnished_is_meant(text: str):
    assert said(text=text) == "new"


@pytest.mark.parametrize("text", [
    "湖畔新城和铁路小区的业主都可以来", "有没有湖畔新城或者铁路小区的", "湖畔新城、铁路小区的看过来",
    "某某苑和湖畔新城的业主", "朋友在湖畔新城",
    "我不是湖畔新城的", "同事家在湖畔新城装的", "离湖畔新城不远", "3栋2单元的邻居们", "我家在湖畔新城对面",
    "我是恒大的", "恒大业主群",
    "你是湖畔新城的吗", "群主也是湖畔新城的吧", "丈母娘家在湖畔新城", "谁说我是湖畔新城的", "湖畔新城的不是我",
    "湖畔新城的房子我没要", "湖畔新城业主群里有人说", "湖畔新城的业主说你们家不错", "湖畔新城和我家隔条马路",
    "你们湖畔新城有店吗", "想要湖畔新城的感觉", "有湖畔新城的案例吗", "除了湖畔新城，其它小区也能参加吗",
    "我卖湖畔新城的房子，有要的吗", "湖畔新城二手房挂多少钱", "湖畔新城怎么样", "@湖畔新城小周 明天几点",
    "我家在阳光家园", "", "铁路小取", "我们公司就在新城附近有多套房源",
])
def test_a_text_that_leaves_the_home_open_is_left_open(text: str):
    assert said(text=text) is None


def test_two_homes_that_are_named_are_both_candidates():
    answer = HARBIN.place(Said(text="湖畔新城和铁路小区的业主都可以来"))
    assert {estate_id for estate_id, _ in answer.candidates} == {"new", "old"}


@pytest.mark.parametrize("text", ["哈西万达广场旁边的恒大", "哈西万达旁边的恒大", "我家在哈西万达广场附近的恒大3栋"])
def test_a_developers_name_is_an_estate_beside_a_landmark(text: str):
    assert said(text=text) == "hd-near"


def test_a_developers_name_is_an_estate_in_the_group_of_one():
    assert said(text="我是恒大的", near="hd-far") == "hd-far"


def test_a_name_that_two_share_is_told_by_a_point_or_a_landmark():
    assert said(name="阳光家园") is None
    assert said(name="阳光家园", point=spot(126.6205, 45.7602)) == "sun-a"
    assert said(name="阳光家园", near="sun-b") == "sun-b"


def test_a_name_outweighs_a_point_beside_another_estate_but_not_every_doubt():
    answer = HARBIN.place(Said(name="湖畔新城", point=spot(126.6041, 45.7401)))
    assert answer.candidates[0][0] == "new"
    assert answer.confidence < HARBIN.place(Said(name="湖畔新城", point=spot(126.6402, 45.7001))).confidence


def test_a_name_that_the_book_does_not_have_is_left_open_even_beside_an_estate():
    assert said(name="金域蓝湾") is None
    assert said(name="金域蓝湾", point=spot(126.6502, 45.7052)) is None


def test_a_phase_that_the_book_lacks_is_not_the_one_beside_its_point():
    beside = spot(126.6301, 45.72)
    assert LOCATOR.place(Said(name="湖畔人家一期", point=beside)).estate_id == "lake1"
    assert LOCATOR.place(Said(name="湖畔人家三期", point=beside)).estate_id is None


def test_a_developers_name_is_an_estate_beside_a_point():
    assert said(text="我是恒大的", point=spot(126.7001, 45.6501)) == "hd-far"


def test_a_point_far_from_the_estate_that_is_named_is_said():
    answer = HARBIN.place(Said(name="湖畔新城", point=spot(0.5, 0.5)))
    assert (answer.estate_id, answer.flags) == ("new", ("far",))


def test_a_point_beside_one_estate_and_far_from_others_is_an_answer():
    answer = HARBIN.place(Said(point=spot(126.6401, 45.70005)))
    assert answer.estate_id == "new"
    assert answer.confidence >= POINT_THRESHOLD
    assert said(point=spot(126.602, 45.74)) is None  # between two


def test_a_point_that_several_estates_share_says_little():
    answer = HARBIN.place(Said(point=spot(126.80, 45.80)))
    assert (answer.estate_id, answer.flags) == (None, ("shared_point",))
    assert said(name="城郊2村", point=spot(126.81, 45.805)) == "heap2"


def test_large_estates_reach_farther_than_small_ones():
    middle = HARBIN.read(Said(point=spot(126.903, 45.70)))[-1]
    assert middle.scores["big"] > middle.scores["small"]


def test_building_unit_and_room_are_kept():
    assert HARBIN.place(Said(text="我家在湖畔新城3栋2单元1201")).home == Home("3", "2", "1201")
    assert HARBIN.home_in("湖畔新城12栋业主群") == Home("12")
    assert HARBIN.home_in("湖畔新城") is None


@pytest.mark.parametrize("lng", [float("nan"), float("inf")])
def test_a_point_that_is_no_number_says_nothing(lng: float):
    assert said(name="湖畔新城", point=spot(lng, 45.7)) == "new"
    assert said(point=spot(lng, 45.7)) is None


EVIDENCE = st.builds(
    Said,
    text=st.sampled_from(["", "我家在湖畔新城", "我是恒大的", "阳光家园和湖畔新城", "😀", "哈西万达广场旁边的恒大"]),
    name=st.sampled_from(["", "阳光家园", "湖畔新成", "铁路小区", "无名", "。"]),
    address=st.sampled_from(["", "河松街3号", "学府路湖畔新城3栋", "??"]),
    point=st.none() | st.builds(spot, st.floats(126.5, 126.9), st.floats(45.6, 45.9)),
)


@given(EVIDENCE)
def test_whatever_is_said_the_answer_is_whole(evidence: Said):
    answer = HARBIN.place(evidence)
    assert 0.0 <= answer.confidence <= 1.0
    assert (answer.estate_id is not None) <= (answer.confidence >= PLACE_THRESHOLD)
    assert list(answer.candidates) == sorted(answer.candidates, key=lambda c: (-c[1], c[0]))
    assert len(answer.candidates) <= 5
    assert HARBIN.explain(evidence)[-1].startswith("answer: ")


@given(EVIDENCE)
def test_an_answer_does_not_hang_on_the_order_of_the_book(evidence: Said):
    assert BACKWARDS.place(evidence) == HARBIN.place(evidence)


BACKWARDS = Locator(EstateBook.of(reversed(list(HARBIN._book))))


def test_a_house_number_between_others_gives_candidates_and_no_answer():
    book = EstateBook.of([
        at(f"e{n}", f"{name}家园", 126.60 + n / 500, 45.70, district="南岗区", address=f"南岗区学府路{100 + 20 * n}号")
        for n, name in enumerate(("金", "木水", "火土", "日月", "星辰"))])
    answer = Locator(book).place(Said(address="哈尔滨市南岗区学府路150号"))
    assert answer.estate_id is None
    assert {"e2", "e3"} & {estate_id for estate_id, _ in answer.candidates}
