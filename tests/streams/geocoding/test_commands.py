"""`loupan locate --geocode` and `loupan doctor` with a geocoder."""

import os
import subprocess
from pathlib import Path

import pytest

from tests import commands
from tests.databases import opened
from tests.streams.geocoding import vendors as v
from tests.streams.geocoding.vendors import KEY, MapService

CATALOGUE = """\
estate_id,name,address,lng,lat,crs,city
e1,绿地城,,126.62,45.70,gcj02,哈尔滨
e2,保利城,,126.70,45.70,gcj02,哈尔滨
"""
PROBES = "probe_id,address\np1,南岗区学府路123号3栋2单元501\np2,哈尔滨市绿地城3栋\np3,学府路123号9栋\n"


def loupan(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOUPAN_")}
    environment |= {"no_proxy": "127.0.0.1"} | {f"LOUPAN_{name.upper()}": value for name, value in settings.items()}
    done = commands.run(*words, cwd=folder, env=environment)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "estates.csv").write_text(CATALOGUE)
    (tmp_path / "probes.csv").write_text(PROBES)
    return tmp_path


def answers(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.split(",")[1] for line in done.stdout.splitlines()[1:]]


def settings(service: MapService) -> dict[str, str]:
    return {
        "geocoder": "amap", "geocoder_key": KEY, "geocoder_domain": service.domain, "geocoder_scheme": "http",
        "geocoder_budget": "10", "geocoder_per_second": "1000",
    }


LOCATE = ("locate", "--catalogue", "estates.csv", "probes.csv")


def test_a_geocoder_places_what_the_catalogue_does_not_know(folder: Path, service: MapService):
    service.says(v.amap("住宅区"))
    done = loupan(folder, *LOCATE, "--geocode", **settings(service))
    assert answers(done) == ["e1", "e1", "e1"]
    assert [question["address"] for _, question in service.asked] == [
        "黑龙江省哈尔滨市南岗区学府路123号", "哈尔滨学府路123号"]
    assert "geocoder amap: 2 calls, 0 answered before, 0 not found; 8 calls left today" in done.stderr
    done = loupan(folder, *LOCATE, "--geocode", **settings(service))
    assert "0 calls, 2 answered before" in done.stderr
    assert answers(done) == ["e1", "e1", "e1"]


def test_a_geocoder_that_is_down_leaves_the_answers_as_they_were(folder: Path, service: MapService):
    service.says(b"oops", 500)
    done = loupan(folder, *LOCATE, "--geocode", **settings(service))
    assert (done.returncode, answers(done)) == (0, ["", "e1", ""])
    assert "2 failed" in done.stderr
    assert KEY not in done.stderr


def test_without_a_geocoder_it_is_said_how_to_name_one(folder: Path):
    done = loupan(folder, *LOCATE, "--geocode")
    assert (done.returncode, done.stdout) == (2, "")
    assert "LOUPAN_GEOCODER=amap" in done.stderr
    done = loupan(folder, *LOCATE, "--geocode", geocoder="amap")
    assert (done.returncode, done.stdout) == (2, "")
    assert "LOUPAN_GEOCODER_KEY" in done.stderr


def test_doctor_says_whether_the_geocoder_answers_and_what_is_left(folder: Path, service: MapService):
    service.says(v.amap())
    opened(folder / "loupan.db").dispose()
    done = loupan(folder, "doctor", **settings(service))
    assert "geocoder: amap, 9 of 10 calls left today" in done.stdout
    service.says(v.amap_error("10001", "INVALID_USER_KEY"))
    done = loupan(folder, "doctor", **settings(service))
    assert done.returncode == 1
    assert "amap does not answer" in done.stdout
    assert "INVALID_USER_KEY" in done.stdout
    assert "geocoder" not in loupan(folder, "doctor").stdout
