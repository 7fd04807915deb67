from __future__ import annotations

import json
import re
import tracemalloc
from datetime import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import create_engine, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from schemas.errors import BadFile, BadPlaybook, BadReference
from schemas.offer_terms import OfferTerms, Rebate
from schemas.reference import Character
from schemas.values import GroupKind, PersonaClass, Role
from streams.reference_files import Folder, read_estates, read_folder, read_reference
from streams.reference_store import load_reference, next_version, reference_version, save_reference, upsert
from streams.tables import metadata
from streams.tables import reference as reference_table
from tests import builders

ESTATES = "estate_id,name,address,lng,lat,crs,households,city,district,build_year,aliases"
FILES = {
    "estates.csv": f"{ESTATES}\n"
    "e1,绿地城,松北大道1号,126.5,45.8,bd09,1124户,哈尔滨,松北区,2024年,绿地新城;绿地城一期；绿地\n"
    "e2,恒大城,,,,,暂无,,,,\n",
    "dealers.csv": "dealer_id,name,city\nd1,松北家居,哈尔滨\nd2,江北家居,哈尔滨\n",
    "stores.csv": "store_id,dealer_id,name,lng,lat,crs,staff\ns1,d1,松北店,126.52,45.81,gcj02,6\ns2,d2,江北店,,,,\n",
    "groups.csv": "group_id,name,kind,estate_id,dealer_id,store_id,owner_id,open\n"
    "g1,绿地城业主群,own,e1,d1,s1,u9,是\ng2,江北生活群,joined,,d2,,,否\n",
    "personas.csv": "persona_id,name,role,class,member_id,dealer_id,groups\n"
    "p1,林晚,main_persona,staff,u1,d1,g1;g2\np2,许姐,shill,buyer,u2,d1,g1\n",
    "campaigns.csv": "estate_id,playbook,stage,start_date,target_orders\ne1,small-test,1,2026-03-02,20\n",
}
LADDER = [{"rung": "onlooker", "by": ["reacted"]}, {"rung": "participant", "by": ["spoke"]}]


def playbook_text(words: str = "", **fields: Any) -> str:
    data = builders.playbook_data(**{"ladder": LADDER, **fields})
    if words:
        data["stages"][0]["phases"][0]["plan"][1][0]["script"]["text"] = words
    return yaml.safe_dump(data, allow_unicode=True)


def folder(tmp_path: Path, **changes: str | bytes | None) -> Path:
    """A good folder; `changes` replace a file (``estates_csv=…``), leave it out (None) or add one."""
    files: dict[str, str | bytes | None] = {**FILES, "playbooks/small.yaml": playbook_text()}
    files |= {name.replace("__", "/").replace("_", "."): text for name, text in changes.items()}
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if text is not None:
            path.write_bytes(text.encode() if isinstance(text, str) else text)
    return tmp_path


def changed(file: str, before: str, after: str) -> dict[str, str]:
    """One file with one part of it replaced."""
    assert before in FILES[file], before
    return {file.replace(".", "_"): FILES[file].replace(before, after, 1)}


def refused(directory: Path) -> BadFile:
    with pytest.raises(BadFile) as caught:
        read_reference(directory)
    assert "\n" not in str(caught.value)
    return caught.value


# --- what is read ---------------------------------------------------------------------------------


def test_a_folder_is_read(tmp_path):
    reference = read_reference(folder(tmp_path))
    estate = reference.estates["e1"]
    assert (estate.lng, estate.lat, estate.crs) == (126.5, 45.8, "bd09")
    assert (estate.households, estate.build_year) == (1124, 2024)
    assert estate.aliases == ("绿地新城", "绿地城一期", "绿地")
    assert reference.estates["e2"].crs is None
    assert reference.estates["e2"].households is None
    assert reference.stores["s1"].staff == 6
    assert reference.groups["g1"].open
    assert not reference.groups["g2"].open
    assert reference.groups["g2"].kind is GroupKind.JOINED
    assert reference.personas["p1"].groups == ("g1", "g2")
    assert (reference.personas["p2"].role, reference.personas["p2"].cls) == (Role.SHILL, PersonaClass.BUYER)
    assert reference.campaigns[0].target_orders == 20


def test_only_the_estates_are_needed(tmp_path):
    (tmp_path / "estates.csv").write_text("estate_id,name\ne1,绿地城\n", "utf-8")
    assert list(read_reference(tmp_path).estates) == ["e1"]


def test_a_folder_that_is_not_there_is_said(tmp_path):
    assert "no such folder" in refused(tmp_path / "nothing").what
    assert refused(tmp_path).file == "estates.csv"


def test_columns_stand_in_any_order_with_a_bom_and_others_beside_them(tmp_path):
    text = "\ufeffplot_ratio, NAME ,estate_id\r\n2.5,绿地城,e1\r\n\r\n,恒大城,e2\r\n"
    reference = read_reference(folder(tmp_path, estates_csv=text))
    assert [estate.name for estate in reference.estates.values()] == ["绿地城", "恒大城"]


def test_a_cell_may_hold_commas_and_line_breaks(tmp_path):
    text = 'estate_id,name,address\ne1,绿地城,"松北大道1号,\n2号"\ne2,恒大城,x\ne1,again,x\n'
    error = refused(folder(tmp_path, estates_csv=text))
    assert (error.line, error.what) == (5, "estate_id e1 stands twice, first in line 2")


def test_a_stores_dealer_is_the_groups(tmp_path):
    reference = read_reference(folder(tmp_path, **changed("groups.csv", "e1,d1,s1", "e1,,s1")))
    assert reference.groups["g1"].dealer_id == "d1"


@pytest.mark.parametrize(
    ("text", "households"),
    [
        ("1124户", 1124), ("1124", 1124), ("1124.0", 1124), ("1,124户", 1124), ("约900户", 900), ("共 900 户", 900),
        ("", None), ("暂无", None), ("0户", None), ("800-900户", None), ("nan", None),
    ],
)
def test_households_are_a_plain_count_or_not_known(tmp_path, text, households):
    (tmp_path / "estates.csv").write_text(f'estate_id,name,households\ne1,绿地城,"{text}"\n', "utf-8")
    assert read_estates(tmp_path / "estates.csv")[0].households == households


PARTS = "estate_id,name,parent\n"


def test_a_phase_has_the_parent_that_is_given_or_that_its_name_tells(tmp_path):
    (tmp_path / "estates.csv").write_text(f"{PARTS}e1,绿地城,\ne2,绿地城二期,\ne3,海棠里,e1\n", "utf-8")
    assert [e.parent for e in read_reference(tmp_path).estates.values()] == ["", "e1", "e1"]


@pytest.mark.parametrize(("rows", "says"), [
    ("e1,绿地城,e9\n", "estates.csv:2: parent e9 is not in estates.csv"),
    ("e1,绿地城,e1\n", "estates.csv:2: estate_id e1 is its own parent"),
    ("e1,绿地城,e2\ne2,绿地城二期,e1\n", "estates.csv:2: parent e2 has e1 above itself"),
])
def test_a_parent_that_cannot_be_is_refused(tmp_path, rows, says):
    (tmp_path / "estates.csv").write_text(PARTS + rows, "utf-8")
    assert says in str(refused(tmp_path))


@pytest.mark.parametrize("text", ["-5", "1e3", "12.5", "9999999户", "99999999999999999999"])
def test_households_that_are_a_wrong_number_are_refused_with_what_is_believed(tmp_path, text):
    (tmp_path / "estates.csv").write_text(f"estate_id,name,households\ne1,绿地城,{text}\n", "utf-8")
    with pytest.raises(BadReference, match=re.escape(f"estates.csv:2: households is {text}; write a number from 1 to")):
        read_estates(tmp_path / "estates.csv")


@pytest.mark.parametrize(
    ("text", "year"), [("2009", 2009), ("2009年", 2009), ("2009.0", 2009), ("", None), ("不详", None), ("0", None),
                       ("2009-2012年", None)])
def test_a_build_year_is_a_plain_year_or_not_known(tmp_path, text, year):
    (tmp_path / "estates.csv").write_text(f"estate_id,name,build_year\ne1,绿地城,{text}\n", "utf-8")
    assert read_estates(tmp_path / "estates.csv")[0].build_year == year


@pytest.mark.parametrize("text", ["20x5", "-1", "15", "20255", "9999年"])
def test_a_build_year_that_is_a_wrong_number_is_refused_with_what_is_believed(tmp_path, text):
    (tmp_path / "estates.csv").write_text(f"estate_id,name,build_year\ne1,绿地城,{text}\n", "utf-8")
    with pytest.raises(BadReference, match=f"estates.csv:2: build_year is {text}; write a year from 1800 to 2200"):
        read_estates(tmp_path / "estates.csv")


@pytest.mark.parametrize(
    ("said", "is_open"),
    [("", True), ("true", True), ("1", True), ("是", True), ("YES", True), ("否", False), ("0", False), ("no", False),
     ("FALSE", False)],
)
def test_a_group_is_open_unless_it_says_no(tmp_path, said, is_open):
    reference = read_reference(folder(tmp_path, **changed("groups.csv", "u9,是", f"u9,{said}")))
    assert reference.groups["g1"].open is is_open


def test_the_spellings_of_a_datum_are_read(tmp_path):
    for said, crs in (("GCJ-02", "gcj02"), ("WGS84", "wgs84"), ("BD_09", "bd09"), ("EPSG:4326", "wgs84")):
        reference = read_reference(folder(tmp_path, **changed("estates.csv", "bd09", said)))
        assert reference.estates["e1"].crs == crs


def test_a_catalogue_may_be_read_with_a_datum_for_points_without_one(tmp_path):
    path = tmp_path / "catalogue.csv"
    path.write_text("estate_id,name,lng,lat\ne2,恒大城,126.5,45.8\ne1,绿地城,126.6,45.8\n", "utf-8")
    assert [(e.estate_id, e.crs) for e in read_estates(path, "wgs84")] == [("e1", "wgs84"), ("e2", "wgs84")]


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "before", "after", "line", "what"),
    [
        ("estates.csv", "estate_id", "estateid", 1, "the column estate_id is missing"),
        ("estates.csv", ",address,", ",name,", 1, "the column name stands twice"),
        ("estates.csv", "e2,", ",", 3, "estate_id is empty"),
        ("estates.csv", "恒大城", " ", 3, "name is empty"),
        ("estates.csv", "e2,", "e1,", 3, "estate_id e1 stands twice, first in line 2"),
        ("estates.csv", "bd09", "", 2, "a point without crs"),
        ("estates.csv", "bd09", "epsg:3857", 2, "unknown crs epsg:3857"),
        ("estates.csv", "126.5,", "east,", 2, "lng is not a number: east"),
        ("estates.csv", "45.8", "nan", 2, "lat is not a number: nan"),
        ("estates.csv", "45.8", "", 2, "lng stands without the other"),
        ("estates.csv", "126.5,45.8", "45.8,126.5", 2, "lng 45.8 and lat 126.5 are swapped"),
        ("estates.csv", "126.5,", "226.5,", 2, "lng 226.5 is out of range"),
        ("estates.csv", "45.8", "-95", 2, "lat -95.0 is out of range"),
        ("estates.csv", "126.5,45.8", "0,0", 2, "the point is 0, 0"),
        ("estates.csv", "e2,恒大城,,,,,暂无,,,,", "e2,恒大城", 3, "the row has 2 cells, the header 11"),
        ("estates.csv", "e2,恒大城,", "e2,恒大城,a,b,", 3, "the row has 13 cells, the header 11"),
        ("estates.csv", "恒大城", '"恒大城', 3, "not CSV"),
        ("dealers.csv", "松北家居", "", 2, "name is empty"),
        ("dealers.csv", "d2,", "d1,", 3, "dealer_id d1 stands twice"),
        ("stores.csv", "s2,d2", "s2,d9", 3, "dealer_id d9 is not in dealers.csv"),
        ("stores.csv", "gcj02,6", "gcj02,six", 2, "staff is not a whole number: six"),
        ("stores.csv", "gcj02,6", "gcj02,-6", 2, "staff is -6"),
        ("groups.csv", ",own,", ",ours,", 2, "unknown kind ours"),
        ("groups.csv", "e1,d1", "e9,d1", 2, "estate_id e9 is not in estates.csv"),
        ("groups.csv", "e1,d1", "e1,d9", 2, "dealer_id d9 is not in dealers.csv"),
        ("groups.csv", "d1,s1", "d1,s9", 2, "store_id s9 is not in stores.csv"),
        ("groups.csv", "d1,s1", "d1,s2", 2, "store_id s2 belongs to dealer_id d2, not to d1"),
        ("groups.csv", "u9,是", "u9,maybe", 2, "open is neither yes nor no: maybe"),
        ("groups.csv", "g2,", "g1,", 3, "group_id g1 stands twice"),
        ("personas.csv", "main_persona", "boss", 2, "unknown role boss"),
        ("personas.csv", "shill,buyer", "shill,neighbour", 3, "unknown class neighbour"),
        ("personas.csv", "shill,buyer", "shill,", 3, "class is empty"),
        ("personas.csv", "main_persona,staff", "main_persona,buyer", 2, "role main_persona is held by staff"),
        ("personas.csv", "u2,d1", "u2,d9", 3, "dealer_id d9 is not in dealers.csv"),
        ("personas.csv", "g1;g2", "g1;g9", 2, "groups g9 is not in groups.csv"),
        ("personas.csv", "许姐,shill,buyer,u2", "林晚,shill,staff,u1", 3, "u1 is a persona of group g1 already"),
        ("personas.csv", "u2,d1,g1", "u1,d1,", 3, "member_id u1 is buyer here and staff in line 2"),
        ("personas.csv", "shill,buyer,u2,d1,g1", "shill,staff,u1,d1,", 3, "u1 is 许姐 here and 林晚 in line 2"),
        ("personas.csv", "u1,d1", ",d1", 2, "member_id is empty"),
        ("campaigns.csv", "e1,small", "e9,small", 2, "estate_id e9 is not in estates.csv"),
        ("campaigns.csv", "small-test", "big-test", 2, "unknown playbook big-test"),
        ("campaigns.csv", "small-test,1", "small-test,2", 2, "the playbook small-test has no stage 2"),
        ("campaigns.csv", "small-test,1", "small-test,one", 2, "stage is not a whole number: one"),
        ("campaigns.csv", "2026-03-02", "2026/3/2", 2, "start_date is not a date: 2026/3/2"),
        ("campaigns.csv", "2026-03-02", "2026-02-30", 2, "start_date is not a date: 2026-02-30"),
        ("campaigns.csv", "2026-03-02", "", 2, "start_date is empty"),
        ("campaigns.csv", ",20\n", ",many\n", 2, "target_orders is not a whole number: many"),
        ("campaigns.csv", ",20\n", ",20\ne1,small-test,1,2026-04-02,\n", 3, "has a campaign of stage 1 in line 2"),
    ],
)
def test_whatever_is_wrong_is_told_with_file_line_and_remedy(tmp_path, file, before, after, line, what):
    error = refused(folder(tmp_path, **changed(file, before, after)))
    assert isinstance(error, BadReference)
    assert (error.file, error.line) == (file, line)
    assert what in error.what
    assert error.remedy


def test_characters_are_read_by_their_names_in_both_languages(tmp_path):
    reference = read_reference(folder(tmp_path, characters_yaml="p1:\n  口头禅: 慢慢看\n  skill: 小户型收纳\n"))
    assert reference.personas["p1"].character == Character(catchphrase="慢慢看", skill="小户型收纳")
    assert reference.personas["p2"].character is None


@pytest.mark.parametrize(("text", "line", "what"), [
    ("p9:\n  口头禅: 慢慢看\n", 1, "p9 is not in personas.csv"),
    ("p2:\n  口头禅: 慢慢看\n", 1, "p2 is buyer"),
    ("p1:\n  口头禅: 慢慢看\n  星座: 白羊\n", 3, "unknown trait 星座"),
    ("p1:\n  口头禅: [慢]\n", 2, "is no text"),
    ("p1:\n  故事: " + "长" * 121 + "\n", 2, "more than 120"),
    ("p1: 慢\n", 1, "no traits"),
    ("- p1\n", 1, "not a list of personas"),
    ("p1:\n  专长: 收纳\n  身份: 绿地城业主\n", 3, "presents staff as an owner"),
])
def test_a_character_that_cannot_be_is_refused_with_its_line(tmp_path, text, line, what):
    error = refused(folder(tmp_path, characters_yaml=text))
    assert (error.file, error.line) == ("characters.yaml", line)
    assert what in str(error)


def _working(columns: str, *cells: str) -> dict[str, str]:
    rows = [f"p{number},林{number},designer,staff,u{number},d1,,{cell}" for number, cell in enumerate(cells, 1)]
    header = f"persona_id,name,role,class,member_id,dealer_id,groups,{columns}"
    return {"personas_csv": "\n".join([header, *rows])}


def test_when_and_how_much_somebody_works_is_read_and_nothing_sets_no_bound(tmp_path):
    rows = _working("hours,days_off,load,skills", "9:00-21:00,周日;2026-10-01;WED,6,customer_service;leader", ",,,")
    reference = read_reference(folder(tmp_path, **rows))
    bound, free = reference.personas["p1"], reference.personas["p2"]
    assert bound.hours == (time(9), time(21))
    assert bound.days_off == ("sun", "2026-10-01", "wed")
    assert (bound.load, bound.skills) == (6, (Role.CUSTOMER_SERVICE, Role.LEADER))
    assert (free.hours, free.days_off, free.load, free.skills) == (None, (), None, ())


@pytest.mark.parametrize(("column", "cell", "what"), [
    ("hours", "9 to 5", "hours is 9 to 5"),
    ("hours", "25:00-26:00", "hours is 25:00-26:00"),
    ("hours", "21:00-09:00", "end before they begin"),
    ("days_off", "someday", "days_off has someday"),
    ("days_off", "2026-02-30", "days_off has 2026-02-30"),
    ("load", "-1", "load is -1"),
    ("skills", "singing", "skills has singing"),
    ("skills", "main_persona", "skills has main_persona"),
])
def test_when_somebody_works_is_right_or_refused_with_its_line(tmp_path, column, cell, what):
    error = refused(folder(tmp_path, **_working(column, "", cell)))
    assert (error.file, error.line) == ("personas.csv", 3)
    assert what in str(error)


@pytest.mark.parametrize("file", ["estates.csv", "dealers.csv", "groups.csv", "campaigns.csv"])
def test_an_empty_file_is_refused(tmp_path, file):
    error = refused(folder(tmp_path, **{file.replace(".", "_"): "\n"}))
    assert (error.file, error.line, error.what) == (file, 1, "the file is empty")


def test_gbk_is_recognised(tmp_path):
    error = refused(folder(tmp_path, estates_csv=FILES["estates.csv"].encode("gbk")))
    assert (error.file, error.line, error.what) == ("estates.csv", 2, "the file is in GBK, not UTF-8")
    assert "CSV UTF-8" in error.remedy


def test_utf_16_is_recognised(tmp_path):
    assert "UTF-16" in refused(folder(tmp_path, dealers_csv=FILES["dealers.csv"].encode("utf-16"))).what


def test_a_wrong_byte_is_told_with_its_line(tmp_path):
    raw = FILES["estates.csv"].encode().replace("恒大城".encode(), b"\xff\xfe")
    error = refused(folder(tmp_path, estates_csv=raw))
    assert (error.line, error.what) == (3, "a byte that is not UTF-8")


@pytest.mark.parametrize("name", ["绿地城业主小王", "小王3栋", "3-2-1201 小王", "热心邻居", "我家是绿地城的"])
def test_staff_do_not_call_themselves_owners(tmp_path, name):
    error = refused(folder(tmp_path, **changed("personas.csv", "林晚", name)))
    assert (error.file, error.line) == ("personas.csv", 2)
    assert "lets staff pass for an owner" in error.what


@pytest.mark.parametrize("name", ["我也是本小区业主的店", "已有50户下单的店", "咱小区邻居团购"])
def test_a_shop_is_not_called_what_belies_its_people(tmp_path, name):
    error = refused(folder(tmp_path, **changed("stores.csv", "松北店", name)))
    assert (error.file, error.line) == ("stores.csv", 2)
    assert "write the shop's registered name" in str(error)


def test_a_shop_may_be_called_my_home(tmp_path):
    read_reference(folder(tmp_path, **changed("stores.csv", "松北店", "我爱我家家居")))


# --- outlines -------------------------------------------------------------------------------------

RING = [[126.5, 45.8], [126.51, 45.8], [126.51, 45.81], [126.5, 45.8]]


def geojson(*features: tuple[Any, str, Any], **more: Any) -> str:
    """A collection with one feature a line, the first in line 2."""
    lines = [
        json.dumps({
            "type": "Feature", "properties": {"estate_id": estate_id}, "geometry": {"type": kind, "coordinates": rings},
        })
        for estate_id, kind, rings in features
    ]
    return json.dumps({**more, "type": "FeatureCollection", "features": []})[:-2] + "\n" + ",\n".join(lines) + "]}\n"


def test_outlines_are_read_with_their_holes_and_parts(tmp_path):
    text = geojson(("e1", "MultiPolygon", [[RING, RING], [RING]]), ("e2", "Polygon", [RING]))
    reference = read_reference(folder(tmp_path, estates_geojson=text))
    assert len(reference.estates["e1"].outline) == 3
    assert reference.estates["e2"].outline == (tuple((lng, lat) for lng, lat in RING),)


@pytest.mark.parametrize(
    ("feature", "what"),
    [
        (("", "Polygon", [RING]), "a feature without estate_id"),
        (("e9", "Polygon", [RING]), "estate_id e9 is not in estates.csv"),
        (("e1", "Polygon", [RING]), "estate_id e1 has two outlines"),
        (("e2", "Point", [1, 2]), "the geometry of e2 is Point"),
        (("e2", "Polygon", [RING[:3]]), "a ring is not closed"),
        (("e2", "Polygon", []), "it has no ring"),
        (("e2", "Polygon", [[[lat, lng] for lng, lat in RING]]), "are swapped"),
        (("e2", "Polygon", [[["a", "b"]]]), "cannot be read"),
        (("e2", "MultiPolygon", [RING]), "cannot be read"),
    ],
)
def test_a_wrong_outline_is_told_with_its_line(tmp_path, feature, what):
    error = refused(folder(tmp_path, estates_geojson=geojson(("e1", "Polygon", [RING]), feature)))
    assert (error.file, error.line) == ("estates.geojson", 3)
    assert what in error.what
    assert error.remedy


def test_a_file_that_is_no_geojson_is_told_with_its_line(tmp_path):
    assert refused(folder(tmp_path, estates_geojson='{\n"features": [}')).line == 2
    assert "FeatureCollection" in refused(folder(tmp_path, estates_geojson="[1]")).what
    gcj = geojson(crs={"properties": {"name": "urn:ogc:def:crs:EPSG::4490"}})
    assert "4490" in refused(folder(tmp_path, estates_geojson=gcj)).what


# --- offers and playbooks -------------------------------------------------------------------------

OFFERS = """\
- offer_id: measure
  name: 免费量房
  terms: 三天内上门
  price_fen: 19950
- offer_id: measure
  name: 江北量房
  terms: 当天上门
  price: 面议
  dealer_id: d2
"""


@pytest.mark.parametrize("text", [OFFERS, "offers:\n" + OFFERS])
def test_offers_are_read_and_each_dealer_may_have_their_own(tmp_path, text):
    offers = read_reference(folder(tmp_path, offers_yaml=text)).offers
    assert offers["measure"].price == "199.50元"
    assert (offers["measure@d2"].dealer_id, offers["measure@d2"].price) == ("d2", "面议")


@pytest.mark.parametrize(
    ("before", "after", "line", "what"),
    [
        ("  terms: 三天内上门\n", "", 1, "terms is empty"),
        ("name: 免费量房", "name:", 2, "name is empty"),
        ("price_fen: 19950", "price_fen: 199.5", 4, "price_fen is no whole number"),
        ("price_fen", "prize", 4, "unknown field prize"),
        ("dealer_id: d2", "dealer_id: d9", 9, "dealer_id d9 is not in dealers.csv"),
        ("  dealer_id: d2\n", "", 5, "the offer measure stands twice"),
        ("offer_id: measure", "offer_id: a b", 1, "offer_id a b cannot be named"),
        ("三天内上门", "好" * 201, 3, "terms has more than 200 characters"),
        ("三天内上门", "我家柜子就是在这里做的", 3, "terms speaks as an owner"),
        ("name: 免费量房", "name: [免费量房]", 2, "name is no text"),
        ("name: 免费量房", "name: 'x", 9, "not YAML"),
        ("price_fen: 19950", "steps: {2: 90, 3: 95}", 4, "the steps do not fall"),
        ("price_fen: 19950", "steps: {2: 120}", 4, "steps.2: 120 is no percent of the list price"),
        ("price_fen: 19950", "steps: {1: 90}", 4, "steps.1"),
        ("price_fen: 19950", "early: [{percent: 95}]", 4, "early.0: an early price is for the first so many or until"),
        ("price_fen: 19950", "rebate: {fen: 100, per_mille: 20}", 4, "rebate: a rebate is a sum or a share"),
        ("price_fen: 19950", "together: city", 4, "together: input should be 'estate' or 'address'"),
        ("price_fen: 19950", "deposit_fen: 1.5", 4, "deposit_fen"),
    ],
)
def test_a_wrong_offer_is_told_with_its_line(tmp_path, before, after, line, what):
    error = refused(folder(tmp_path, offers_yaml=OFFERS.replace(before, after, 1)))
    assert error.file == "offers.yaml"
    assert what in error.what
    assert error.line in (line, line + 1)


def test_an_offer_may_have_figures_and_is_written_as_it_was_read(tmp_path):
    figures = """\
  steps: {2: 90, 3: 87.5}
  together: address
  joins: deposit
  group_buys: ["tg-*"]
  early: [{first: 10, percent: 95}, {until: 2026-03-08, percent: 97}]
  tiers: {loyal_fan: 95}
  rebate: {per_mille: 20, due: delivered}
  deposit_fen: 50000
"""
    deal = read_reference(folder(tmp_path, offers_yaml=OFFERS.replace("  price_fen: 19950\n", figures))).offers[
        "measure"].deal
    assert deal is not None
    assert (deal.steps, deal.together, deal.joins) == (((2, 900), (3, 875)), "address", "deposit")
    assert (deal.rebate, deal.deposit_fen) == (Rebate(per_mille=20, due="delivered"), 50_000)
    assert OfferTerms.model_validate(deal.written()).deal == deal


def test_a_folders_playbook_stands_over_one_that_ships(tmp_path):
    text = playbook_text(playbook="new-estate-own-group", title="我们自己的打法")
    found = read_folder(folder(tmp_path, playbooks__own_yaml=text))
    assert found.playbooks["new-estate-own-group"].title == "我们自己的打法"
    assert set(found.playbook_texts) == {"new-estate-own-group@1", "small-test@1"}


def test_a_wrong_playbook_is_told_with_its_file(tmp_path):
    error = refused(folder(tmp_path, playbooks__small_yaml=playbook_text("{{ estate.nmae }}")))
    assert isinstance(error, BadPlaybook)
    assert error.file == "playbooks/small.yaml"


def test_two_files_of_one_playbook_are_refused(tmp_path):
    assert "two files" in refused(folder(tmp_path, playbooks__two_yaml=playbook_text())).what


# --- a missing value is an error at load ----------------------------------------------------------


def with_words(tmp_path: Path, words: str, **changes: str | bytes | None) -> Path:
    return folder(tmp_path, playbooks__small_yaml=playbook_text(words), **changes)


def test_a_campaigns_group_needs_a_dealer(tmp_path):
    error = refused(folder(tmp_path, **changed("groups.csv", "e1,d1,s1", "e1,,")))
    assert (error.file, error.line) == ("campaigns.csv", 2)
    assert error.what == "the group g1 of estate e1 has no dealer"


def test_a_value_that_a_script_shows_must_be_there(tmp_path):
    directory = with_words(tmp_path, "{{ estate.district }}的邻居早", **changed("estates.csv", "松北区", ""))
    error = refused(directory)
    assert (error.file, error.line) == ("campaigns.csv", 2)
    assert error.what == "estate.district is empty for estate e1, and the playbook small-test shows it"
    assert error.remedy == "fill it in, in estates.csv"


def test_a_value_that_no_script_shows_may_be_missing(tmp_path):
    read_reference(folder(tmp_path, **changed("estates.csv", "松北区", "")))


def test_a_value_that_a_script_asks_for_first_may_be_missing(tmp_path):
    words = "早{% if estate.district %}，{{ estate.district }}的邻居{% endif %}"
    read_reference(with_words(tmp_path, words, **changed("estates.csv", "松北区", "")))


def test_an_offer_that_only_another_dealer_has_is_missing(tmp_path):
    offers = "- {offer_id: flash_sale, name: 秒杀, terms: 周四, dealer_id: d2}"
    error = refused(with_words(tmp_path, "{{ offer.flash_sale.terms }}", offers_yaml=offers))
    assert error.what == "dealer d1 has no offer.flash_sale.terms, and the playbook small-test shows it"


def test_an_offer_without_a_price_must_not_show_one(tmp_path):
    assert "offer.measure.price" in refused(with_words(tmp_path, "{{ offer.measure.price }}")).what


def test_a_group_without_a_name_must_not_be_named(tmp_path):
    error = refused(folder(tmp_path, **changed("groups.csv", "绿地城业主群", "")))
    assert error.what == "group.name is empty for group g1, and the playbook small-test shows it"


def test_a_dealer_without_a_store_is_no_error(tmp_path):
    changes = changed("groups.csv", "e1,d1,s1", "e1,d1,")
    read_reference(folder(tmp_path, stores_csv=None, **changes))


def test_a_campaign_without_a_group_is_no_error(tmp_path):
    read_reference(folder(tmp_path, **changed("groups.csv", "e1,d1,s1", ",d1,s1")))


def test_an_attachment_is_filled_too(tmp_path):
    data = builders.playbook_data(ladder=LADDER)
    data["reactions"][1]["script"]["attachments"] = ["{{ estate.district }}实景图"]
    text = yaml.safe_dump(data, allow_unicode=True)
    changes = changed("estates.csv", "松北区", "")
    assert "estate.district" in refused(folder(tmp_path, playbooks__small_yaml=text, **changes)).what


# --- many -----------------------------------------------------------------------------------------


def test_estates_are_read_row_by_row_and_take_little_memory(tmp_path):
    path, rows = tmp_path / "estates.csv", 5_000
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{ESTATES}\n")
        file.writelines(
            f"e{n},绿地城{n}期,松北大道{n}号,126.5,45.8,bd09,1124户,哈尔滨,松北区,2024,绿地{n}\n" for n in range(rows)
        )
    tracemalloc.start()
    try:
        estates = read_estates(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(estates) == rows
    assert peak / rows < 1_700


# --- the store ------------------------------------------------------------------------------------


@pytest.fixture
def connection():
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def save(connection: Connection, found: Folder) -> dict[str, int]:
    counts = save_reference(connection, found.reference, found.playbook_texts)
    connection.commit()
    return counts


def test_what_is_stored_is_what_was_read(connection, tmp_path):
    found = read_folder(folder(tmp_path, offers_yaml=OFFERS, estates_geojson=geojson(("e1", "Polygon", [RING]))))
    counts = save(connection, found)
    assert counts["estate.new"] == 2
    assert counts["new"] == 14
    assert load_reference(connection) == (found.reference, found.playbooks)


def test_only_what_changed_is_written_and_the_version_grows_with_it(connection, tmp_path):
    assert reference_version(connection) == 0
    save(connection, read_folder(folder(tmp_path)))
    assert reference_version(connection) == 1
    again = save(connection, read_folder(folder(tmp_path)))
    assert (again["new"], again["changed"], again["unchanged"]) == (0, 0, 12)
    assert reference_version(connection) == 1
    third = save(connection, read_folder(folder(tmp_path, **changed("dealers.csv", "江北家居", "江南家居"))))
    assert (third["new"], third["changed"], third["dealer.changed"]) == (0, 1, 1)
    assert reference_version(connection) == 2
    assert load_reference(connection)[0].dealers["d2"].name == "江南家居"


def test_what_is_not_in_a_later_folder_stays(connection, tmp_path):
    save(connection, read_folder(folder(tmp_path)))
    other = tmp_path / "other"
    other.mkdir()
    (other / "estates.csv").write_text("estate_id,name\ne3,新城\n", "utf-8")
    assert save(connection, read_folder(other))["new"] == 1
    assert set(load_reference(connection)[0].estates) == {"e1", "e2", "e3"}


@pytest.mark.parametrize("dialect", [sqlite, postgresql])
def test_both_databases_are_spoken_to_in_their_own_words(dialect):
    words = dialect.dialect()
    for statement in (upsert(words.name), next_version(words.name)):
        assert "ON CONFLICT" in str(statement.compile(dialect=words))


def test_a_failure_leaves_nothing_half_done(connection, tmp_path):
    found = read_folder(folder(tmp_path))
    connection.rollback()
    with pytest.raises(TypeError):
        save_reference(connection, found.reference, {"bad": object()})  # type: ignore[dict-item]  # wrong on purpose
    assert connection.execute(select(func.count()).select_from(reference_table)).scalar() == 0
    assert reference_version(connection) == 0


def test_a_stage_that_follows_by_itself_is_asked_for_its_values_too(tmp_path):
    data = builders.playbook_data(ladder=LADDER)
    second = builders.playbook_data()["stages"][0]
    for phase in second["phases"]:
        for duty in (*(duty for duties in phase["plan"].values() for duty in duties), *phase["rescue"]):
            duty["id"] = f"second-{duty['id']}"
    second["phases"][0]["plan"][1][0]["script"]["text"] = "{{ estate.district }}的早上"
    data["stages"] = [{**data["stages"][0], "next": "auto"}, {**second, "stage": 2}]
    changes = changed("estates.csv", "哈尔滨,松北区", "哈尔滨,")
    text = yaml.safe_dump(data, allow_unicode=True)
    assert "estate.district" in refused(folder(tmp_path, playbooks__small_yaml=text, **changes)).what
    data["stages"][0]["next"] = "ask"
    read_folder(folder(tmp_path, playbooks__small_yaml=yaml.safe_dump(data, allow_unicode=True), **changes))
