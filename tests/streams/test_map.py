"""`loupan map`: a city as PNG and as one HTML file, from the database, reference data or a replay."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from sqlalchemy import Engine, insert

from schemas.errors import BadFile
from schemas.reference import Reference
from streams.commands import pictures
from streams.pictures import scene as scenes
from streams.pictures.colours import LIGHT
from streams.pictures.map_drawing import frame
from streams.pictures.map_page import map_page
from streams.pictures.map_png import map_png
from streams.pictures.png import FigureCanvas, chinese_family
from streams.pictures.scene import Scene
from streams.pictures.words import Words
from streams.reference_store import save_reference
from streams.tables import flow
from tests import builders
from tests.commands import run
from tests.databases import opened
from tests.streams.gateway_world import flow_body

HOSTILE = '<script>hit()</script>$\\frac{1}$"\x00绿地'


def reference(name: str = HOSTILE) -> Reference:
    return builders.reference(
        estates=[
            builders.estate("e1", name, households=1200), builders.estate("e2", "万科城", lng=116.5),
            builders.estate("e3", "龙湖花园", lng=116.45, lat=39.99),
            builders.estate("e4", "没有坐标的楼盘", lng=None, lat=None, crs=None),
            builders.estate("e5", "海河湾", lng=117.2, lat=39.1, city="天津", district="南开区"),
        ],
        dealers=[builders.dealer()], stores=[builders.store(lng=116.42, lat=39.9, crs="gcj02")],
        groups=[builders.group()])


def scene(name: str = HOSTILE) -> Scene:
    bodies = {"e1": flow_body("e1"), "e2": flow_body("e2", status="ended", phase=None)}
    return scenes.of_reference(reference(name), "北京", "2026-03-05", bodies)


def pixels(png: bytes) -> set[str]:
    parts = (255 * imread(io.BytesIO(png))[:, :, :3]).round().astype(int).reshape(-1, 3)
    colours = np.unique(parts @ np.array([65536, 256, 1]))
    return {f"#{colour:06x}" for colour in colours.tolist()}


@pytest.mark.parametrize("family", [chinese_family(), None])
def test_a_png_has_its_size_and_the_phases_colours_with_and_without_a_chinese_font(family):
    png = map_png(scene(), Words("zh" if family else "en"), 900, 640, family)
    assert imread(io.BytesIO(png)).shape == (640, 900, 4)
    found = pixels(png)
    assert {LIGHT["trust"], LIGHT["district"], LIGHT["sheet"], LIGHT["ink"]} <= found
    assert len(found) > 200


def test_without_a_chinese_font_ids_stand_in_for_names():
    canvas = FigureCanvas(800, 600, None)
    assert not canvas.can_say("万科城")
    assert canvas.can_say("bj-1 $1,200")
    assert chinese_family() is None or FigureCanvas(800, 600, chinese_family()).can_say("万科城")


def test_what_matters_lies_within_the_frame_and_true_to_scale():
    shown = scene()
    seen = frame(shown, 0, 0, 600, 640)
    places = {site.estate_id: seen.at(site.lng, site.lat) for site in shown.sites}
    assert all(seen.holds(place) for place in places.values())
    # A tenth of a degree on this latitude (111.32 km × cos 39.9° × 0.1).
    assert (places["e2"][0] - places["e1"][0]) / seen.scale == pytest.approx(8.54, abs=0.02)


def test_a_page_asks_nobody_and_a_hostile_name_is_text():
    page = map_page(scene(), Words("zh"), 1200, 800)
    assert page.count("<script>") == 1
    assert "&lt;script&gt;hit()&lt;/script&gt;" in page
    assert "\x00" not in page
    assert not re.search(r"(?:src|href)=|url\(|https?://", page)
    assert "default-src 'none'" in page
    assert "万科城" in page
    assert "另有 1 个楼盘没有坐标" in page


def test_a_city_is_meant_with_or_without_its_suffix_and_else_near_ones_are_named():
    assert scenes.city_of("北京市", ["北京", "天津"]) == "北京"
    assert scenes.city_of("哈尔滨", ["哈尔滨市"]) == "哈尔滨市"
    with pytest.raises(BadFile, match=r"--city: there is no estate in a city 北亰; there are: 北京"):
        scenes.city_of("北亰", ["北京", "天津", "重庆"])


@pytest.fixture
def database(tmp_path: Path) -> Path:
    engine: Engine = opened(tmp_path / "loupan.db")
    with engine.begin() as connection:
        save_reference(connection, reference(), {})
        connection.execute(insert(flow).values(
            estate_id="e1", changed=1, body=json.dumps(flow_body("e1"), ensure_ascii=False).encode()))
    engine.dispose()
    return tmp_path / "loupan.db"


def test_the_command_draws_from_the_database_a_folder_and_a_replay(database: Path, tmp_path: Path):
    pictures.map_command(tmp_path / "a.html", "北京", str(database))
    page = (tmp_path / "a.html").read_text("utf-8")
    assert "截至 2026-03-05" in page
    assert "订单 6 / 目标 10" in page
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [116.4, 39.9]},
               "properties": {**flow_body("e9"), "name": "重放城", "city": "北京"}}
    (tmp_path / "flow.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    pictures.map_command(tmp_path / "b.html", flow=tmp_path / "flow.geojson")
    assert "重放城" in (tmp_path / "b.html").read_text("utf-8")


@pytest.mark.parametrize(("words", "says"), [
    (["--out", "map.gif"], "--out: map.gif is neither a .png nor a .html; name it map.png or map.html"),
    (["--out", "map.png", "--city", "北亰", "--database", "loupan.db"],
     "--city: there is no estate in a city 北亰; there are: 北京"),
    (["--out", "map.png", "--database", "loupan.db"], "--city: there are estates in 2 cities; name one: --city 北京"),
    (["--out", "map.png", "--city", "北京", "--size", "9x9"],
     "--size: 9x9 is no size; write it as 1600x1100, from 800x600 to 8000x8000"),
    (["--out", "map.png", "--flow", "loupan.db"], "loupan.db: is not UTF-8; save it as UTF-8"),
    (["--out", "map.png", "--flow", "flow.json"],
     "flow.json: is no flow map (KeyError: 'features'); name the flow.geojson that loupan replay wrote"),
    (["--out", "none/map.html", "--city", "北京", "--database", "loupan.db"],
     "none/map.html: cannot be written: no such file or directory; name another place"),
])
def test_a_wrong_word_gets_one_line_and_leaves_nothing(database: Path, words: list[str], says: str):
    (database.parent / "flow.json").write_text("{}")
    before = sorted(path.name for path in database.parent.iterdir())
    done = run("map", *words, cwd=database.parent)
    assert (done.returncode, done.stderr.decode()) == (2, f"loupan: {says}\n")
    assert sorted(path.name for path in database.parent.iterdir()) == before
