"""Addresses in their parts, and what of them is anybody's business."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maps.addresses import Address, parse, roads
from maps.divisions import Place, place_in, short
from maps.names import Home

HARBIN = {"province": "黑龙江省", "city": "哈尔滨市"}


def parts(address: str, city: str = "") -> dict[str, object]:
    found = parse(address, city)
    return {name: getattr(found, name) for name in found.__struct_fields__ if getattr(found, name)}


@pytest.mark.parametrize(("address", "expected"), [
    ("黑龙江省哈尔滨市南岗区学府路123号绿地城三期12栋2单元1201",
     HARBIN | {"district": "南岗区", "road": "学府路", "number": "123", "estate": "绿地城三期",
               "home": Home("12", "2", "1201")}),
    ("黑龍江省哈爾濱市南崗區學府路１２３號綠地城",
     HARBIN | {"district": "南岗区", "road": "学府路", "number": "123", "estate": "绿地城"}),
    ("南岗学府路123号", HARBIN | {"district": "南岗区", "road": "学府路", "number": "123"}),
    ("(平房)滨河大道星耀南城", HARBIN | {"district": "平房区", "road": "滨河大道", "estate": "星耀南城"}),
    ("长春市红旗街26号", {"province": "吉林省", "city": "长春市", "road": "红旗街", "number": "26"}),
    ("二道长春市二道区福安街253号",
     {"province": "吉林省", "city": "长春市", "district": "二道区", "road": "福安街", "number": "253"}),
    ("杭州市余杭区闲林街道五常大道翡翠城竹苑",
     {"province": "浙江省", "city": "杭州市", "district": "余杭区", "town": "闲林街道", "road": "五常大道",
      "estate": "翡翠城竹苑"}),
    ("绿地城3-2-1201", {"estate": "绿地城", "home": Home("3", "2", "1201")}),
    ("龙沙区", {"province": "黑龙江省", "city": "齐齐哈尔市", "district": "龙沙区"}),
    ("西华苑", {"estate": "西华苑"}),
    ("下宅村125号", {"village": "下宅村", "number": "125"}),
    ("", {}),
])
def test_any_of_the_levels_may_be_missing(address: str, expected: dict[str, object]):
    assert parts(address) == expected


@pytest.mark.parametrize(("address", "number", "door"), [
    ("沙子口路甲48号院", "甲48", 48), ("革新街131-19号", "131-19", 131), ("杏花街123号附2号", "123附2", 123),
    ("湖光路七号", "7", 7), ("文汇路553弄8号", "553弄", None), ("学府路12号楼", "", None), ("学府路300米", "", None),
    ("西七街道1-90号", "1-90", 1), ("学府路0012号", "12", 12), ("红旗街二十六号", "26", 26), ("学府路", "", None),
    ("学府路409-2-1071", "409", 409), ("学府路123-1201", "123", 123),
])
def test_house_numbers_have_many_forms(address: str, number: str, door: int | None):
    found = parse(address)
    assert (found.number, found.door) == (number, door)


@pytest.mark.parametrize(("address", "road", "crossing"), [
    ("人民大街与明德路交汇处", "人民大街", "明德路"),
    ("朝阳同志街与西康路交汇", "同志街", "西康路"),
    ("南岗电缆街工业街交汇处", "电缆街", "工业街"),
    ("道外道外北十四道街和北新街交汇处", "北十四道街", "北新街"),
    ("宣德街与建新街交叉口", "宣德街", "建新街"),
    ("汉口大街与杭州路交汇处长春火车站旁", "汉口大街", "杭州路"),
])
def test_a_crossing_names_two_roads(address: str, road: str, crossing: str):
    found = parse(address)
    assert (found.road, found.crossing, found.estate) == (road, crossing, "")


@pytest.mark.parametrize(("address", "road", "near"), [
    ("湖光路7号五五研究所对面", "湖光路", "五五研究所"), ("绿园-客车厂-台北大街,近青萍路", "台北大街", "青萍路"),
    ("省政府旁边", "", "省政府"), ("学府路万达广场附近", "学府路", "万达广场"),
])
def test_what_an_address_is_beside_of_is_not_its_estate(address: str, road: str, near: str):
    found = parse(address)
    assert (found.road, found.near, found.estate) == (road, near, "")


@pytest.mark.parametrize(("address", "area", "road"), [
    ("香坊-亚麻厂-香滨路", "亚麻厂", "香滨路"), ("奉化东郊开发区云峰路119号", "东郊开发区", "云峰路"),
    ("红山农场垦辉八路13号", "红山农场", "垦辉八路"), ("下沙11号大街24号", "下沙", "11号大街"),
])
def test_a_quarter_before_the_road_is_not_the_roads(address: str, area: str, road: str):
    found = parse(address)
    assert (found.area, found.road) == (area, road)


@pytest.mark.parametrize(("address", "estate"), [
    ("天目山路487号玉泉大厦五楼", "玉泉大厦"), ("学府路1号公馆", "公馆"), ("碧水庄园12号楼3单元", "碧水庄园"),
    ("南岗区1号公馆", "1号公馆"), ("和平路绿地城(三期)", "绿地城"), ("滨江区天恒大厦1356室", "天恒大厦"),
])
def test_the_estate_is_what_lies_behind_the_road_and_before_the_home(address: str, estate: str):
    assert parse(address).estate == estate


# --- divisions -------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [
    "新华路3号", "和平家园3栋", "北京路3号", "尚志大街20号", "新城吾悦3栋", "西湖花园", "余杭街道",
    "人民大街与明德路交汇处",
])
def test_a_short_name_that_goes_on_as_a_road_or_an_estate_is_no_division(address: str):
    assert place_in(address) == (Place(), 0)


@pytest.mark.parametrize(("address", "city", "district"), [
    ("朝阳人民大街4111号", "", "朝阳区"), ("朝阳人民大街4111号", "长春", "朝阳区"), ("深圳南山科技园", "", "南山区"),
    ("呼和浩特新城区", "", "新城区"), ("宁波市江东区金家一路", "", "江东区"), ("吉林船营区", "", "船营区"),
    ("义乌国际商贸城", "", "义乌市"), ("道外南二道街", "", ""), ("道外南二道街", "哈尔滨市", "道外区"),
    ("江北天津大街", "哈尔滨", ""), ("深圳市光明新区塘尾", "", "光明新区"),
])
def test_districts_are_told_by_what_stands_around_them(address: str, city: str, district: str):
    assert place_in(address, city=city)[0].district == district


def test_a_district_that_several_cities_have_is_in_the_city_that_is_known():
    assert place_in("朝阳人民大街")[0] == Place("", "", "朝阳区")
    assert place_in("朝阳人民大街", city="长春")[0] == Place("吉林省", "长春市", "朝阳区")
    assert place_in("北京市朝阳区")[0] == Place("北京市", "北京市", "朝阳区")


def test_names_are_shortened_but_never_to_one_character():
    assert [short(name) for name in ("南岗区", "延边朝鲜族自治州", "内蒙古自治区", "沧县", "浦东新区", "哈尔滨市")] == [
        "南岗", "延边", "内蒙古", "沧县", "浦东", "哈尔滨"]


# --- what may be shown -----------------------------------------------------------------------------


HOMES = [
    "12栋3单元4567", "12号楼3单元4567室", "12-3-4567", "12幢4567", "12#4567", "12座4567号", "4567室", "十二栋4567",
    "(12栋4567)", " 12栋 4567 ", "12栋3门4567", "12B", "B座4567", "4567房", "3号4567", "12/4567", "a12-4567",
    "12栋1单元12楼东门", "12号", "12栋东单元", "第12栋", "12号楼", "十二号楼三单元", "12栋3单元45层", "4567",
    "#12-4567",
]


@pytest.mark.parametrize("home", HOMES)
def test_what_is_shown_to_others_has_no_building_unit_or_room(home: str):
    shown = parse(f"哈尔滨市南岗区学府路89号绿地城{home}").public
    assert shown == "黑龙江省哈尔滨市南岗区学府路89号绿地城"


@pytest.mark.parametrize("home", HOMES)
def test_nor_where_no_estate_is_named(home: str):
    assert parse(f"哈尔滨市南岗区学府路89号{home}").public == "黑龙江省哈尔滨市南岗区学府路89号"


@pytest.mark.parametrize("home", HOMES)
def test_nor_where_no_road_is_named(home: str):
    assert parse(f"哈尔滨市南岗区绿地城{home}").public == "黑龙江省哈尔滨市南岗区绿地城"


def test_what_is_shown_to_others_has_no_person_and_no_telephone():
    assert parse("哈尔滨市南岗区学府路89号绿地城 王小明 13812345678").public == "黑龙江省哈尔滨市南岗区学府路89号绿地城"
    assert parse("王小明 13812345678 学府路89号绿地城").public == "学府路89号绿地城"
    assert parse("下宅村125号").public == "下宅村"


PIECES = "哈尔滨市南岗区学府路街道号栋123-（）与交汇处 ,村镇一甲弄"


@given(st.text(max_size=400) | st.text(alphabet=PIECES, max_size=60))
def test_nothing_is_too_strange_to_be_read(address: str):
    assert isinstance(parse(address), Address)


def test_a_very_long_text_is_read_to_the_length_of_an_address():
    assert parse("南岗区学府路1号" + "啊" * 10_000).road == "学府路"


# --- pairs for the index ---------------------------------------------------------------------------


def test_roads_with_numbers_are_pairs():
    assert roads("南岗区学府路123号（红旗街甲26号）", {"南岗"}) == [("学府路", "123")]
    assert roads("南岗学府路123号", {"南岗"}) == [("学府路", "123")]
    assert roads("学府路007号,红旗街甲26号") == [("学府路", "7"), ("红旗街", "甲26")]
