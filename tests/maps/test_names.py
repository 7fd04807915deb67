"""How estates are written, and what is the same estate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maps.names import EstateName, Home, numeral, parse, split_home, without_home

ONE_ESTATE = [
    ["绿地城二期", "绿地·城（二期）", "绿地城Ⅱ期", "綠地城2期", "绿地城 II 期", "绿地城第2期", "绿地城[2期]"],
    ["恒大绿洲a区", "恒大绿洲Ａ区", "恒大绿洲(A区)", "恒大绿洲 A组团", "恒大·绿洲-A区"],
    ["碧桂园1期b区", "碧桂园一期B组团", "碧桂园B区一期", "碧桂园（一期）B区"],
    ["世茂·滨江法兰西", "世茂滨江法兰西", "世茂 滨江 法兰西", "世茂*滨江法兰西", "世茂濱江法蘭西"],
    ["ABC小镇", "ＡＢＣ小镇", "abc 小镇"],
]


@pytest.mark.parametrize("spellings", ONE_ESTATE)
def test_spellings_of_one_estate_meet(spellings: list[str]):
    assert len({parse(spelling).full for spelling in spellings}) == 1


@pytest.mark.parametrize(("one", "other"), [
    ("绿地城一期", "绿地城二期"), ("绿地城", "绿地城二期"), ("恒大绿洲东区", "恒大绿洲西区"), ("阳光小区", "阳光花园"),
    ("万寿路15号院", "万寿路甲15号院"),
])
def test_names_of_different_estates_stay_apart(one: str, other: str):
    assert parse(one).full != parse(other).full


@pytest.mark.parametrize(("name", "parts"), [
    ("喜盈门*范城（原丰跃*香港名城）", EstateName("喜盈门范城", former="丰跃香港名城")),
    ("长青家园(新立街44号)", EstateName("长青家园", note="新立街44号")),
    ("万寿路甲15号院四区", EstateName("万寿路甲15号院", section="4")),
    ("江东区", EstateName("江东区")),
    ("二期", EstateName("2期")),
    ("", EstateName("")),
])
def test_a_name_is_parted(name: str, parts: EstateName):
    assert parse(name) == parts


@pytest.mark.parametrize(("text", "home"), [
    ("我是绿地城3栋的", Home("3")), ("绿地城3栋2单元1201", Home("3", "2", "1201")), ("3号楼", Home("3")),
    ("3幢", Home("3")),
    ("3-2-1201 小王", Home("3", "2", "1201")), ("12#业主", Home("12")), ("A座1501", Home("a", "", "1501")),
    ("三号楼二单元", Home("3", "2")), ("3号2单元501室", Home("3", "2", "501")), ("2单元601", Home("", "2", "601")),
    ("十二栋", Home("12")),
])
def test_building_unit_and_room_are_taken_out(text: str, home: Home):
    rest, found = split_home(text)
    assert found == home
    assert split_home(rest)[1] is None


@pytest.mark.parametrize("text", ["前进路86号", "经纬二道街1-90号", "13812345678", "阳光2000", "万寿路甲15号院"])
def test_a_house_number_is_no_building(text: str):
    assert split_home(text)[1] is None


@pytest.mark.parametrize(("written", "digits"), [
    ("十", "10"), ("十二", "12"), ("二十", "20"), ("二十一", "21"), ("iv", "4"), ("08", "8"),
])
def test_numerals_are_read(written: str, digits: str):
    assert numeral(written) == digits


@given(st.text(max_size=40))
def test_any_text_can_be_parsed(text: str):
    assert isinstance(parse(text).full, str)
    assert isinstance(split_home(text)[0], str)


@pytest.mark.parametrize(("text", "rest"), [
    ("Kevin", "Kevin"), ("3-2-1201 Kevin", ", Kevin"), ("陳小姐３号楼", "陳小姐,"), ("ﬁne 3栋", "ﬁne ,"),
])
def test_what_is_left_without_the_home_is_as_it_was_written(text, rest):
    assert without_home(text) == rest
