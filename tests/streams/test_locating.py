"""`loupan locate` over files: every probe answered, whatever stands in it."""

import csv
import io
from pathlib import Path

import pytest

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
    ("probe_id,name\np,湖畔人家一期业主群\n".encode("gbk"), "GBK"), (b"", "empty"),
    (b"id,name\n1,2\n", "probe_id is missing"),
    (b"probe_id,colour\n1,red\n", "nothing to locate by"), (b'probe_id,name\np,"open\nq,x\n', "not CSV"),
])
def test_probes_that_are_no_table_are_refused(tmp_path: Path, probes: bytes, said: str):
    with pytest.raises(BadReference, match=said):
        locate(tmp_path, probes)


def test_a_gbk_catalogue_is_named_as_such(tmp_path: Path):
    with pytest.raises(BadReference, match="GBK"):
        locate(tmp_path, "probe_id,name\np,绿地城\n", CATALOGUE.encode("gbk"))


def test_the_caller_may_name_the_datum_of_points_that_name_none(tmp_path: Path):
    (answer,) = locate(tmp_path, "probe_id,lng,lat\np,126.60,45.70\n", default_crs="wgs84")
    assert answer["estate_id"] == "e1"


def test_progress_counts_every_probe(tmp_path: Path):
    seen: list[tuple[int, int]] = []
    locate(tmp_path, "probe_id,name\na,绿地城\nb,绿地城\n", progress=lambda done, of: seen.append((done, of)))
    assert seen == [(1, 2), (2, 2)]
