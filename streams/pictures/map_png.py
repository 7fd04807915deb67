"""The map of a city as PNG."""

from __future__ import annotations

from streams.pictures.map_drawing import SIDE, draw_map, draw_side, frame
from streams.pictures.png import FigureCanvas
from streams.pictures.scene import Scene
from streams.pictures.words import Words


def map_png(scene: Scene, say: Words, width: int, height: int, family: str | None) -> bytes:
    """The picture, `width` by `height` pixels; without a `family` that has Chinese, ids stand in for names."""
    canvas = FigureCanvas(width, height, family)
    wide = width - SIDE
    with canvas.within((0, 0), (wide, height)):
        canvas.box((0, 0), (wide, height), "ground")
        draw_map(canvas, scene, frame(scene, 0, 0, wide, height), say)
    canvas.box((wide, 0), (1, height), "line")
    draw_side(canvas, scene, wide, height, say)
    return canvas.png()
