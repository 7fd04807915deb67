"""The map of a city as one HTML file: own inline SVG and a small script, nothing else, so that it opens anywhere."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from streams.pictures.canvas import SvgCanvas
from streams.pictures.colours import variables
from streams.pictures.map_drawing import SIDE, draw_map, draw_side, frame
from streams.pictures.markup import page, tag
from streams.pictures.scene import Scene
from streams.pictures.words import Words

_STYLE: Final = """
*{box-sizing:border-box}
body{margin:0;display:flex;height:100vh;background:var(--ground);color:var(--ink);
font:14px/1.5 "PingFang SC","HarmonyOS Sans SC","Microsoft YaHei","Noto Sans CJK SC","WenQuanYi Zen Hei",sans-serif}
svg text{font-family:inherit}
#map{flex:1;min-width:0;height:100%;display:block;touch-action:none;cursor:grab;outline:none}
#map:focus-visible{box-shadow:inset 0 0 0 2px var(--soft)}
#map.moving{cursor:grabbing}
#side{flex:none;background:var(--sheet);border-left:1px solid var(--line)}
.key{cursor:pointer}.key:focus-visible{outline:2px solid var(--soft);outline-offset:3px}
.only [data-state]:not(.shown){opacity:.1}
.only .key[data-state]:not(.shown){opacity:.45}
circle:hover{stroke:var(--ink);stroke-width:2}
#said{position:fixed;left:0;top:0;max-width:260px;padding:8px 12px;border-radius:10px;background:var(--sheet);
box-shadow:0 2px 18px rgb(0 0 0/18%);white-space:pre-line;pointer-events:none;font-size:13px}
#said[hidden]{display:none}
#help{position:fixed;left:16px;top:12px;margin:0;padding:2px 8px;border-radius:6px;
background:var(--district);color:var(--soft);font-size:12px}
@media print{@page{size:A4 landscape;margin:8mm}#help,#said{display:none}body{background:none;print-color-adjust:exact;
-webkit-print-color-adjust:exact}}
"""


def map_page(scene: Scene, say: Words, width: int, height: int) -> str:
    """The whole file."""
    wide = width - SIDE
    ground, side = SvgCanvas(), SvgCanvas()
    draw_map(ground, scene, frame(scene, 0, 0, wide, height), say)
    draw_side(side, scene, 0, height, say)
    title = say("map", city=scene.city)
    script = (files("streams.pictures") / "map.js").read_text("utf-8")
    return page(
        title, say.tag, variables() + _STYLE,
        tag("svg", ground.svg(), id="map", viewBox=f"0 0 {wide} {height}", preserveAspectRatio="xMidYMid slice",
            tabindex=0, role="img", aria_label=title),
        tag("svg", side.svg(), id="side", width=SIDE, viewBox=f"0 0 {SIDE} {height}", height="100%"),
        tag("p", say("help"), id="help"), tag("div", id="said", hidden=True), script=script)
