"""`loupan import estates`: what is read, what is refused, what the report says."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path

import pytest

from schemas.errors import BadReference
from streams.database import open_database
from streams.listings import COLUMNS, merge_listings, read_listings
from streams.reference_store import load_estates
from tests import commands

HEAD = "estate_id,name,address,lng,lat,crs,households,city,district\n"
A = HEAD + (
    "a1,绿地城,(南岗)学府路1号,126.6200,45.7200,wgs84,19户,哈尔滨,南岗区\n"
    "a2,绿地城二期,,126.6210,45.7200,wgs84,暂无,哈尔滨市,南岗区\n"
    "a3,恒大城,,,,,,哈尔滨,\n"
)
B = HEAD + (
    "b1,綠地·城,学府路1号,126.6205,45.7200,wgs84,1712户,哈尔滨,南岗区\n"
    "b2,恒大城,,126.7000,45.7500,wgs84,,哈尔滨,道外区\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.csv").write_text(A, "utf-8-sig")
    (tmp_path / "b.csv").write_text(B)
    return tmp_path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    done = commands.run("import", "estates", *words, cwd=folder)
    done.check_returncode()
    return done


def notes(folder: Path, *texts: str) -> list[tuple[str, ...]]:
    """The report of listings, as rows without the header."""
    paths = []
    for number, text in enumerate(texts):
        paths.append(folder / f"site{number}.csv")
        paths[-1].write_text(HEAD + text)
    return list(merge_listings(*read_listings(paths), {}).lines())


def test_listings_are_merged_and_the_report_says_why(folder):
    done = run(folder, "a.csv", "b.csv", "--report", "report.csv")
    assert done.stdout.decode().splitlines()[0] == "5 listings: 1 merged into others, 1 pairs left for a person"
    text = (folder / "report.csv").read_text("utf-8-sig")
    header, *lines = csv.reader(io.StringIO(text))
    assert tuple(header) == COLUMNS
    why = "same name, 39 m apart, the same address"
    assert ["merged", "a.csv", "2", "a1", "绿地城", "b.csv", "2", "b1", "綠地·城", why] in lines
    assert [line[:2] + line[3:4] + line[7:8] for line in lines if line[0] == "left"] == [["left", "a.csv", "a3", "b2"]]
    assert ["no_coord", "a.csv", "4"] in [line[:3] for line in lines]
    with open_database(folder / "loupan.db").connect() as connection:
        estates = load_estates(connection)
    assert sorted(estates) == ["a1", "a2", "a3", "b2"]
    assert (estates["a1"].households, estates["a1"].sources) == (19, ("a:a1", "b:b1"))
    assert (estates["a2"].households, estates["a2"].parent) == (None, "a1")


def test_importing_again_changes_nothing_and_leaves_the_same(folder):
    first = json.loads(run(folder, "a.csv", "b.csv", "--json").stdout)
    again = json.loads(run(folder, "a.csv", "b.csv", "--json").stdout)
    assert (first["new"], first["merged"], first["left"]) == (4, 1, 1)
    assert (again["new"], again["changed"], again["unchanged"]) == (0, 0, 4)
    assert (again["merged"], again["left"]) == (0, 1)


def test_a_trial_writes_nothing_but_its_report(folder):
    said = json.loads(run(folder, "a.csv", "b.csv", "--dry-run", "--report", "trial.csv", "--json").stdout)
    assert (said["new"], said["dry_run"]) == (4, True)
    assert sorted(path.name for path in folder.iterdir()) == ["a.csv", "b.csv", "trial.csv"]
    run(folder, "a.csv")
    run(folder, "b.csv", "--dry-run")
    with open_database(folder / "loupan.db").connect() as connection:
        assert sorted(load_estates(connection)) == ["a1", "a2", "a3"]


@pytest.mark.parametrize(("row", "says"), [
    ("a9,绿地城,,45.7,126.6,wgs84,,,", "b.csv:4: lng 45.7 and lat 126.6 are swapped"),
    ("a9,绿地城,,0,0,wgs84,,,", "b.csv:4: the point is 0, 0, in the sea off Africa"),
    ("a9,绿地城,,126.6,45.7,,,,", "b.csv:4: a point without crs"),
    ("a9,绿地城,,nan,45.7,wgs84,,,", "b.csv:4: lng is not a number: nan"),
    ("a1,绿地城,,,,,,,", "b.csv:4: estate_id a1 stands twice, first in a.csv:2"),
    ("b1,绿地城,,,,,,,", "b.csv:4: estate_id b1 stands twice, first in line 2"),
    ("a9,,,,,,,,", "b.csv:4: name is empty"),
])
def test_a_row_that_cannot_be_right_is_refused_with_its_line(folder, row, says):
    (folder / "b.csv").write_text(B + row + "\n")
    with pytest.raises(BadReference, match=says.replace(".", r"\.")):
        read_listings([folder / "a.csv", folder / "b.csv"])


def test_a_point_that_names_no_datum_may_be_given_one_for_all(folder):
    (folder / "b.csv").write_text("estate_id,name,lng,lat\nb1,绿地城,126.6,45.7\n")
    listings, _ = read_listings([folder / "b.csv"], "bd09")
    assert listings[0].estate.crs == "bd09"


def test_points_outside_their_city_or_district_or_at_sea_are_doubts_with_the_place(tmp_path):
    found = notes(
        tmp_path,
        "1,甲苑,,116.400,39.910,wgs84,,哈尔滨,\n2,乙苑,,123.500,38.000,wgs84,,大连,\n"
        "3,丙苑,,126.620,45.720,wgs84,,哈尔滨,呼兰区\n4,丁苑,,126.620,45.720,wgs84,,哈尔滨,南岗\n"
        "5,戊苑,,126.620,45.720,wgs84,,哈尔滨市,高新区\n")
    assert [(line[0], line[2], line[-1].split(":")[0]) for line in found] == [
        ("outside_city", "2", "the point lies in 北京东城区, not in 哈尔滨"),
        ("outside_city", "3", "the point 123.5000, 38.0000 lies at sea or abroad"),
        ("district", "4", "the point lies in 南岗区, the row says 呼兰区"),
    ]


def test_four_estates_of_one_site_on_one_point_are_on_a_centroid(tmp_path):
    row = "{0}{1},{1}苑,,126.620,45.720,wgs84,,哈尔滨,\n"
    four = "".join(row.format("x", name) for name in "甲乙丙丁")
    assert [line[0] for line in notes(tmp_path, four)] == ["shared_point"] * 4
    # Three sites that put one estate there are no crowd.
    three = [row.format(site, "甲") for site in "xyz"]
    assert [line[0] for line in notes(tmp_path, *three)] == ["merged", "merged"]


def test_no_cell_of_the_report_is_a_formula(tmp_path):
    (tmp_path / "site.csv").write_text(HEAD + "=1+1,=cmd,,,,,,,\n")
    listed = merge_listings(*read_listings([tmp_path / "site.csv"]), {})
    assert ",'=1+1,'=cmd," in listed.report()
