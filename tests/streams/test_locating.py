"""`loupan locate` over files: every probe answered, whatever stands in it."""

import csv
import io
from pathlib import Path

import pytest

from maps.datum import from_wgs84
from schemas.errors import BadReference
from streams.locating import locate_files

CATALOGUE = """\
households,crs,lat,lng,address,name,estate_id,colour
1124,wgs84,45.70,126.60,(南岗)学府路123号,绿地城,e1,red
,wgs84,45.72,126.63,,湖畔人家一期,e2,
,wgs84,45.72,126.64,,湖畔人家二期,e3,
,,,,,没有坐标的小区,e4,
"""


def locate(tmp_path: Path, probes: str | bytes, catalogue: str | bytes = CATALOGUE, **more) -> list[dict[str, str]]:
    for name, text in (("estates.csv", catalogue), ("probes.csv", probes)):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    out = io.StringIO()
    count = locate_files(tmp_path / "estates.csv", tmp_path / "probes.csv", out, **more)
    answers = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert count == len(answers)
    return answers


def test_answers_have_the_promised_columns_in_the_probes_order(tmp_path: Path):
    answers = locate(tmp_path, "name,probe_id\n湖畔人家二期,p2\n绿地城,p1\n")
    assert list(answers[0]) == ["probe_id", "estate_id", "confidence", "reason", "candidates"]
    assert [(a["probe_id"], a["estate_id"]) for a in answers] == [("p2", "e3"), ("p1", "e1")]
    assert float(answers[0]["confidence"]) > 0.9


def test_every_kind_of_evidence_is_read(tmp_path: Path):
    answers = locate(tmp_path, (
        "probe_id,text,name,address,lng,lat,crs\n"
        "text,我是绿地城3栋的,,,,,\nname,,没有坐标的小区,,,,\naddress,,,哈尔滨市学府路绿地城3栋,,,\n"
        "point,,,,126.60,45.70,wgs84\nboth,,湖畔人家,,126.6301,45.72,wgs84\n"
    ))
    assert {a["probe_id"]: a["estate_id"] for a in answers} == {
        "text": "e1", "name": "e4", "address": "e1", "point": "e1", "both": "e2",
    }


def test_what_is_not_carried_by_the_evidence_is_left_open_with_candidates(tmp_path: Path):
    (answer,) = locate(tmp_path, "probe_id,name\np,湖畔人家\n")
    assert answer["estate_id"] == ""
    assert answer["reason"].startswith("unresolved")
    assert answer["candidates"] == "e2;e3"


@pytest.mark.parametrize(("cells", "said"), [
    ("126.6,45.7,", "without crs"), ("45.7,126.6,wgs84", "swapped"), ("NaN,45.7,wgs84", "not a number"),
    ("0,0,wgs84", "0, 0"), ("经度,纬度,wgs84", "not a number: 经度"), ("126.6,,wgs84", "without the other"),
    ("126.6,45.7,mars", "unknown crs"), ("500,45.7,wgs84", "out of range"), ("2.35,48.86,wgs84", "no estate lies near"),
    ("126.6,45.7,wgs84,,,", "unresolved"), ("1,2,3,4,5", "cells"),
])
def test_a_bad_probe_is_left_open_with_the_reason_and_the_others_go_on(tmp_path: Path, cells: str, said: str):
    bad, good = locate(tmp_path, f"probe_id,lng,lat,crs\nbad,{cells}\ngood,126.60,45.70,wgs84\n")
    if said != "unresolved":
        assert bad["estate_id"] == ""
        assert said in bad["reason"]
    assert good["estate_id"] == "e1"


def test_a_bad_point_does_not_spoil_a_good_name(tmp_path: Path):
    (answer,) = locate(tmp_path, "probe_id,name,lng,lat\np,绿地城,126.6,45.7\n")
    assert answer["estate_id"] == "e1"
    assert "the point was not used: a point without crs" in answer["reason"]


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path):
    catalogue = b"\xef\xbb\xbf" + CATALOGUE.replace("\n", "\r\n").encode()
    (answer,) = locate(tmp_path, b"\xef\xbb\xbfprobe_id,name\r\np,\xe7\xbb\xbf\xe5\x9c\xb0\xe5\x9f\x8e\r\n", catalogue)
    assert answer["estate_id"] == "e1"


def test_a_probe_without_any_evidence_is_open(tmp_path: Path):
    (answer,) = locate(tmp_path, "probe_id,name,text\np,,\n")
    assert (answer["estate_id"], answer["reason"]) == ("", "unresolved: no evidence")


@pytest.mark.parametrize(("rows", "line", "said"), [
    ("e1,绿地城,126.6,45.7,", 2, "without crs"), ("e1,绿地城,45.7,126.6,wgs84", 2, "swapped"),
    ("e1,绿地城,,,\ne2,恒大城,经度,45,wgs84", 3, "not a number"), ("e1,绿地城,nan,45,wgs84", 2, "not a number"),
    ("e1,绿地城,0,0,wgs84", 2, "0, 0"), ("e1,绿地城,,,\ne1,恒大城,,,", 3, "e1"),
])
def test_a_bad_catalogue_is_refused_with_file_and_line_and_nothing_is_written(
    tmp_path: Path, rows: str, line: int, said: str
):
    with pytest.raises(BadReference) as refused:
        locate(tmp_path, "probe_id,name\np,绿地城\n", f"estate_id,name,lng,lat,crs\n{rows}\n")
    assert (refused.value.file, refused.value.line) == ("estates.csv", line)
    assert said in str(refused.value)


@pytest.mark.parametrize(("probes", "said"), [
    ("probe_id,name\np,湖畔人家一期业主群\n".encode("utf-16"), "UTF-16"), (b"", "empty"),
    (b"id,name\n1,2\n", "probe_id is missing"),
    (b"probe_id,colour\n1,red\n", "nothing to locate by"), (b'probe_id,name\np,"open\nq,x\n', "not CSV"),
])
def test_probes_that_are_no_table_are_refused(tmp_path: Path, probes: bytes, said: str):
    with pytest.raises(BadReference, match=said):
        locate(tmp_path, probes)


def test_files_in_gbk_are_read_with_a_word_on_it(tmp_path: Path):
    said: list[str] = []
    (answer,) = locate(
        tmp_path, "probe_id,name\np,湖畔人家一期\n".encode("gbk"), CATALOGUE.encode("gbk"), warn=said.append)
    assert answer["estate_id"] == "e2"
    assert [text.split(" is in GBK")[0] for text in said] == ["probes.csv", "estates.csv"]


@pytest.mark.parametrize(("header", "cells"), [
    ("lng,lat,crs", "126.60°E,45.70°N,wgs84"), ("lng,lat,crs", "东经126.60°,北纬45.70°,wgs84"),
    ("lng,lat,crs", '"126.60,45.70",,wgs84'), ("point,crs", '"126.60, 45.70",wgs84'),
    ("geometry,crs", '"{""type"":""Point"",""coordinates"":[126.60,45.70]}",wgs84'),
])
def test_a_point_may_be_written_in_several_ways(tmp_path: Path, header: str, cells: str):
    (answer,) = locate(tmp_path, f"probe_id,{header}\np,{cells}\n")
    assert (answer["estate_id"], answer["candidates"].split(";")[0]) == ("e1", "e1")


@pytest.mark.parametrize("cells", ["经度,纬度,wgs84", '"126.60;",,wgs84', "126.60°W,45.70,wgs84", "😀,😀,wgs84"])
def test_a_point_that_is_none_is_said_and_the_name_counts(tmp_path: Path, cells: str):
    (answer,) = locate(tmp_path, f"probe_id,name,lng,lat,crs\np,绿地城,{cells}\n")
    assert answer["estate_id"] == "e1"
    assert "point" in answer["reason"]


@pytest.mark.parametrize("name", ["", "😀😀", "。。。", "小区", "x" * 10_001, "经度"])
def test_a_name_that_is_none_is_left_open(tmp_path: Path, name: str):
    (answer,) = locate(tmp_path, f"probe_id,name\np,{name}\n")
    assert answer["estate_id"] == ""
    assert answer["reason"].startswith("unresolved")


# --- the datum of a whole file ---------------------------------------------------------------------------

#: Estates as they lie in a town: 300 m apart, a little off their grid; and points within 30 m of them.
GRID = [(126.6 + 0.004 * x + 0.0003 * (y % 3), 45.7 + 0.0027 * y + 0.0002 * (x % 4))
        for x in range(8) for y in range(8)]
TOWN = "estate_id,name,lng,lat,crs\n" + "".join(f"t{i},小区{i}号院,{x},{y},wgs84\n" for i, (x, y) in enumerate(GRID))


def members(crs: str, stated: str, name: str = "") -> str:
    rows = []
    for i, (x, y) in enumerate(GRID[::2]):
        lng, lat = from_wgs84(x + 0.0002 * ((i % 3) - 1), y + 0.0002 * ((i % 2) - 0.5), crs)  # type: ignore[arg-type]
        rows.append(f"{2 * i},{name.format(2 * i)},{lng},{lat},{stated}\n")
    return "probe_id,name,lng,lat,crs\n" + "".join(rows)


@pytest.mark.parametrize(("crs", "stated"), [("gcj02", "wgs84"), ("bd09", "gcj02"), ("wgs84", "bd09")])
def test_points_that_cannot_be_of_the_datum_that_they_name_are_not_used_and_that_is_said(
    tmp_path: Path, crs: str, stated: str
):
    said: list[str] = []
    answers = locate(tmp_path, members(crs, stated), TOWN, warn=said.append)
    assert len(said) == 1
    assert f"fit {crs} much better" in said[0]
    assert all(a["estate_id"] == "" and f"fit {crs} much better" in a["reason"] for a in answers)


def test_beside_points_of_a_wrong_datum_names_still_count(tmp_path: Path):
    answers = locate(tmp_path, members("gcj02", "wgs84", "小区{}号院"), TOWN)
    assert all(a["estate_id"] == f"t{a['probe_id']}" for a in answers)


@pytest.mark.parametrize("crs", ["wgs84", "gcj02", "bd09"])
def test_of_points_that_fit_the_datum_they_name_nothing_is_said(tmp_path: Path, crs: str):
    said: list[str] = []
    answers = locate(tmp_path, members(crs, crs), TOWN, warn=said.append)
    assert said == []
    assert all(a["estate_id"] in ("", f"t{a['probe_id']}") for a in answers)
    assert sum(a["estate_id"] != "" for a in answers) > len(answers) / 2


def test_a_catalogue_without_points_is_said(tmp_path: Path):
    said: list[str] = []
    probe = "probe_id,lng,lat,crs\np,126.6,45.7,wgs84\n"
    (answer,) = locate(tmp_path, probe, "estate_id,name\na,绿地城\n", warn=said.append)
    assert said == ["estates.csv: no estate has a point, so that points say nothing"]
    assert "no estate lies near" in answer["reason"]


# --- in words --------------------------------------------------------------------------------------------


def explained(tmp_path: Path, which: str) -> str:
    (tmp_path / "estates.csv").write_text(CATALOGUE, encoding="utf-8")
    probes = "probe_id,text,lng,lat,crs\na,我家在湖畔人家一期3栋2单元1201,126.6301,45.72,wgs84\nb,你好,,,\n"
    (tmp_path / "probes.csv").write_text(probes, encoding="utf-8")
    out = io.StringIO()
    locate_files(tmp_path / "estates.csv", tmp_path / "probes.csv", out, explain=which)
    return out.getvalue()


def test_an_answer_is_explained_clue_by_clue(tmp_path: Path):
    told = explained(tmp_path, "a")
    assert [line.split(":")[0].strip() for line in told.splitlines()] == [
        "a", "own words", "point", "together", "home", "answer"]
    assert "湖畔人家一期 (e2)" in told
    assert "building 3, unit 2, room 1201" in told
    assert " 8 m away" in told


def test_all_probes_may_be_explained_and_one_that_is_not_there_is_said(tmp_path: Path):
    assert explained(tmp_path, "all").count("answer:") == 2
    with pytest.raises(BadReference, match="no probe c"):
        explained(tmp_path, "c")


def test_the_caller_may_name_the_datum_of_points_that_name_none(tmp_path: Path):
    (answer,) = locate(tmp_path, "probe_id,lng,lat\np,126.60,45.70\n", default_crs="wgs84")
    assert answer["estate_id"] == "e1"


def test_progress_counts_every_probe(tmp_path: Path):
    seen: list[tuple[int, int]] = []
    locate(tmp_path, "probe_id,name\na,绿地城\nb,绿地城\n", progress=lambda done, of: seen.append((done, of)))
    assert seen == [(1, 2), (2, 2)]
