"""Pictures as PNG, by matplotlib, without a screen; with a font of the system that has Chinese, where there is one."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.patches import Circle, PathPatch, Rectangle
from matplotlib.path import Path as Outline
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Affine2D

from streams.pictures.canvas import Place, arc_points, width_of
from streams.pictures.colours import LIGHT

#: Families with Chinese, the best first.
FAMILIES: Final = (
    "Noto Sans CJK SC", "Source Han Sans SC", "Source Han Sans CN", "Noto Sans SC", "PingFang SC", "Hiragino Sans GB",
    "Microsoft YaHei", "HarmonyOS Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei", "Noto Serif CJK SC",
    "Droid Sans Fallback", "Arial Unicode MS",
)
#: What to install where there is none.
ADVICE: Final = (
    "no font with Chinese is installed: ids and English stand in for names; install one "
    "(Debian, Ubuntu: fonts-noto-cjk or fonts-wqy-zenhei; Fedora: google-noto-sans-cjk-fonts)")
_LATIN: Final = "DejaVu Sans"
_DPI: Final = 100
_ANCHORS: Final = {"start": "left", "middle": "center", "end": "right"}


def chinese_family() -> str | None:
    """The best installed family that has Chinese."""
    known = {font.name for font in font_manager.fontManager.ttflist}
    return next((family for family in FAMILIES if family in known), None)


class FigureCanvas:
    """Draws on a figure of so many pixels."""

    pointed_at = False

    def __init__(self, width: int, height: int, family: str | None) -> None:
        # A family that has no weight "normal" has another: that is not worth a line each.
        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
        self._figure = Figure((width / _DPI, height / _DPI), dpi=_DPI, facecolor=LIGHT["sheet"])
        FigureCanvasAgg(self._figure)
        self._axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._axes.set_xlim(0, width)
        self._axes.set_ylim(height, 0)
        self._size = width, height
        self._order = 0
        self._clip: Any = None
        self._family = family
        self._letters = {number for name in filter(None, (family, _LATIN)) for number in _letters(name)}

    def png(self) -> bytes:
        """The picture."""
        raw = io.BytesIO()
        self._figure.savefig(raw, format="png", dpi=_DPI, metadata={"Software": "loupan"})
        return raw.getvalue()

    @contextmanager
    def within(self, at: Place, size: Place) -> Iterator[None]:
        """What is drawn meanwhile stays within this rectangle."""
        self._clip = Rectangle(at, *size, transform=self._axes.transData)
        try:
            yield
        finally:
            self._clip = None

    def can_say(self, text: str) -> bool:
        """Whether the fonts have every letter of it."""
        return bool(text.strip()) and all(ord(char) in self._letters for char in text if not char.isspace())

    def wide(self, text: str, size: float) -> float:
        """About."""
        return width_of(text, size)

    @contextmanager
    def layer(self, name: str, **data: str | None) -> Iterator[None]:  # noqa: ARG002  # a figure has no groups
        """Later layers lie over earlier ones."""
        yield

    def area(self, rings: Sequence[Sequence[Place]], fill: str, stroke: str, width: float) -> None:
        """One path: rings within rings are holes."""
        parts = [Outline([*ring, ring[0]], closed=True) for ring in rings if len(ring) > 2]
        if parts:
            self._put(PathPatch(
                Outline.make_compound_path(*parts), facecolor=LIGHT[fill], edgecolor=LIGHT[stroke],
                linewidth=_points(width)))

    def curve(self, start: Place, by: Place, end: Place, colour: str, width: float, alpha: float) -> None:
        """A quadratic curve."""
        path = Outline([start, by, end], [Outline.MOVETO, Outline.CURVE3, Outline.CURVE3])
        self._put(PathPatch(
            path, fill=False, edgecolor=LIGHT[colour], linewidth=_points(width), alpha=alpha, capstyle="round"))

    def dot(
        self, at: Place, radius: float, fill: str, *, edge: str | None = None, alpha: float = 1,
        title: str = "",  # noqa: ARG002  # nobody points at a print
    ) -> None:
        """A disc."""
        self._put(Circle(
            at, radius, facecolor=LIGHT[fill], edgecolor=LIGHT[edge] if edge else "none", linewidth=_points(1),
            alpha=alpha))

    def dots(self, places: Sequence[Place], radius: float, fill: str) -> None:
        """One collection of markers."""
        if places:
            self._order += 1
            xs, ys = [x for x, _ in places], [y for _, y in places]
            self._axes.scatter(
                xs, ys, s=_points(2 * radius) ** 2, c=LIGHT[fill], linewidths=0, zorder=self._order,
                clip_path=self._clip)

    def arc(self, at: Place, radius: float, share: float, colour: str, width: float) -> None:
        """A line along the ring."""
        self._put(PathPatch(
            Outline(arc_points(at, radius, share)), fill=False, edgecolor=LIGHT[colour], linewidth=_points(width),
            capstyle="round"))

    def box(self, at: Place, size: Place, fill: str, *, edge: str | None = None, turned: bool = False) -> None:
        """A rectangle."""
        edges = LIGHT[edge] if edge else "none"
        box = Rectangle(at, *size, facecolor=LIGHT[fill], edgecolor=edges, linewidth=_points(1))
        if turned:
            middle = at[0] + size[0] / 2, at[1] + size[1] / 2
            box.set_transform(Affine2D().rotate_deg_around(*middle, 45) + self._axes.transData)
        self._put(box, move=not turned)

    def text(
        self, at: Place, words: str, size: float, colour: str, *, anchor: str = "start", bold: bool = False,
        halo: str | None = None,
    ) -> None:
        """Text as it stands: a $ is a $. What no font has is left out."""
        said = "".join(char for char in words if ord(char) in self._letters or char == " ")
        self._order += 1
        self._axes.text(
            *at, said, fontsize=_points(size), color=LIGHT[colour], ha=_ANCHORS[anchor], va="baseline",
            family=[name for name in (self._family, _LATIN) if name], weight="bold" if bold else "normal",
            parse_math=False, zorder=self._order,
            path_effects=[withStroke(linewidth=_points(3), foreground=LIGHT[halo])] if halo else None)

    def _put(self, patch: Any, *, move: bool = True) -> None:
        self._order += 1
        patch.set_zorder(self._order)
        if move:
            self._axes.add_patch(patch)
        else:
            self._axes.add_artist(patch)
        if self._clip is not None:
            patch.set_clip_path(self._clip)


def _letters(family: str) -> set[int]:
    return set(FT2Font(font_manager.findfont(family)).get_charmap())


def _points(pixels: float) -> float:
    return pixels * 72 / _DPI
