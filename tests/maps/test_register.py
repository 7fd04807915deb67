"""The register of names: what a name, or a text with names in it, may mean, and how far it is to be believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maps.names import breaks, fold, parse
from maps.register import Register
from maps.sounds import sound_alike, spoken

NAMES = [
    "绿地城一期", "绿地城二期", "绿地世纪城", "世纪城", "恒大绿洲(A区)", "恒大名都", "宝莱雅居", "天鹅湾", "红星城小区",
    "和平东区", "三元三村", "湖岸一号", "水墨三十度", "太阳城", "鼎城公馆", "万科魅力之城三期",
    "金色阳光水岸花都", "53街区", "中和街", "万科城市花园", "保利溪湖林语", "金泰家园", "吉发广场C座",
]
REGISTER = Register(enumerate(NAMES), frozenset({"哈尔滨"}))


def best(written: str) -> tuple[str, float]:
    found = REGISTER.match(written)
    return (NAMES[found[0][0]], found[0][1]) if found else ("", 0.0)


def named(text: str) -> dict[str, float]:
    found = REGISTER.find(folded := fold(text), breaks(text, folded))
    return {NAMES[m.weights[0][0]]: m.weights[0][1] for m in found if m.weights}


@pytest.mark.parametrize(("written", "name"), [
    ("绿地·城（二期）", "绿地城二期"), ("綠地城Ⅱ期", "绿地城二期"), ("恒大绿洲Ａ组团", "恒大绿洲(A区)"),
    ("红星城", "红星城小区"), ("天鹅湾小区", "天鹅湾"), ("宝来雅居", "宝莱雅居"), ("哈尔滨天鹅湾", "天鹅湾"),
    ("吉发广场c座", "吉发广场C座"), ("吉發廣場C座", "吉发广场C座"),
    ("金色阳光水岸花", "金色阳光水岸花都"),
    ("三元3村", "三元三村"), ("湖岸1号", "湖岸一号"), ("湖岸壹号", "湖岸一号"), ("水墨30度", "水墨三十度"),
    ("绿地城贰期", "绿地城二期"), ("太阳成", "太阳城"),
])
def test_a_name_is_found_however_it_is_spelt(written: str, name: str):
    assert best(written)[0] == name
    assert best(written)[1] > 0.6


@pytest.mark.parametrize("written", [
    "天鹅湾赫郡", "天马世纪城", "35街区", "和平西区", "金泰嘉园", "鼎成公馆", "三元四村", "湖岸2号",
    "绿地城三期", "中和街28号小区", "万科", "恒大",
    "红星",
])
def test_what_is_another_estates_name_is_not_taken_for_one(written: str):
    assert best(written)[1] < 0.6


@pytest.mark.parametrize(("text", "name"), [
    ("我家在绿地城二期3栋", "绿地城二期"), ("天鹅湾12栋业主群", "天鹅湾"), ("坐标宝来雅居，求推荐", "宝莱雅居"),
    ("我们家绿地世纪城的", "绿地世纪城"), ("哈尔滨天鹅湾有人吗", "天鹅湾"), ("恒大绿洲（A区）的邻居", "恒大绿洲(A区)"),
    ("大家好 天鹅湾 12栋 请多关照", "天鹅湾"), ("小李 天鹅湾 8-1-602", "天鹅湾"), ("小王-天鹅湾-12", "天鹅湾"),
    ("周女士·天鹅湾·12栋", "天鹅湾"), ("王姐天鹅湾", "天鹅湾"), ("天鹅湾3-1", "天鹅湾"), ("天鹅湾22楼", "天鹅湾"),
    ("天鹅湾A12 老周", "天鹅湾"), ("2026天鹅湾交房群", "天鹅湾"), ("送天鹅湾，联系人刘", "天鹅湾"),
])
def test_a_name_is_found_in_a_text(text: str, name: str):
    assert named(text).get(name, 0.0) > 0.6


@pytest.mark.parametrize("text", ["天鹅湾赫郡业主群", "我家在大世纪城", "天鹅湾广场见", "天鹅湾2026号",
                                  "东皇-世纪城的业主"])
def test_a_name_inside_a_longer_one_is_worth_little(text: str):
    assert all(weight < 0.6 for weight in named(text).values())


def test_a_name_without_its_developers_is_a_candidate_in_a_text_and_no_answer():
    assert 0.1 < named("我家在魅力之城3期12栋")["万科魅力之城三期"] < 0.6


def test_an_estate_that_is_called_just_so_is_meant_before_one_that_is_only_called_like_it():
    assert [NAMES[n] for n, _ in REGISTER.match("世纪城")] == ["世纪城"]


def test_a_developers_name_alone_begins_many_names():
    assert {NAMES[n] for n in REGISTER.starting("恒大")} == {"恒大绿洲(A区)", "恒大名都"}
    assert REGISTER.starting("恒大", most=1) == []


def test_characters_that_are_spoken_alike_are_known():
    assert sound_alike("莱", "来")
    assert not sound_alike("莱", "雅")
    assert spoken("宝莱雅居") == spoken("宝来亚居")
    assert len(spoken("a1，龘x宝")) == 6


NAME = st.text(st.sampled_from("绿地城恒大湾一二期东区小花园A1栋号湖畔人家"), min_size=1, max_size=10)


@given(st.lists(NAME, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_what_a_name_means_does_not_hang_on_the_order_of_the_file(names: list[str], random):
    shuffled = list(enumerate(names))
    random.shuffle(shuffled)
    one, other = Register(enumerate(names)), Register(shuffled)
    for name in (*names, "绿地城三期", "恒大湾小区"):
        assert one.match(name) == other.match(name)
        assert one.find(fold(f"我家在{name}的")) == other.find(fold(f"我家在{name}的"))


@given(NAME, st.sampled_from(["{}", " {} ", "·{}", "{}。"]))
def test_spellings_of_a_name_mean_the_same(name: str, frame: str):
    register = Register([(0, name), (1, "湖畔人家一期")])
    assert register.match(frame.format(name)) == register.match(name)
    if len(parse(name).base) > 1:
        assert register.match(name)[0][0] == 0


@given(st.text(max_size=60))
def test_any_text_can_be_read(text: str):
    assert all(0 <= weight <= 1 for mention in REGISTER.find(fold(text)) for _, weight in mention.weights)
    assert all(0 <= weight <= 1 for _, weight in REGISTER.match(text))
