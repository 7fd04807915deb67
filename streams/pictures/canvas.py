"""On what a picture is drawn: an SVG in a page, or matplotlib's figure. One drawing code draws on either.

Places are pixels from the top left; colours are names of `streams.pictures.colours`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from math import cos, radians, sin
from typing import Protocol

from streams.pictures.markup import Html, join, tag

Place = tuple[float, float]


class Canvas(Protocol):
    """What can be drawn."""

    #: Whether somebody can point at a dot and be told its title.
    pointed_at: bool

    def can_say(self, text: str) -> bool:
        """Whether there are letters for all of the text."""

    def wide(self, text: str, size: float) -> float:
        """About how wide a text is, in pixels."""

    def layer(self, name: str, **data: str | None) -> AbstractContextManager[None]:
        """What is drawn within belongs together."""

    def area(self, rings: Sequence[Sequence[Place]], fill: str, stroke: str, width: float) -> None:
        """A filled area with its holes."""

    def curve(self, start: Place, by: Place, end: Place, colour: str, width: float, alpha: float) -> None:
        """A line from `start` to `end`, bent towards `by`."""

    def dot(
        self, at: Place, radius: float, fill: str, *, edge: str | None = None, alpha: float = 1, title: str = ""
    ) -> None:
        """A disc; `title` is said where somebody points at it."""

    def dots(self, places: Sequence[Place], radius: float, fill: str) -> None:
        """Many of them, alike."""

    def arc(self, at: Place, radius: float, share: float, colour: str, width: float) -> None:
        """A part of a ring, clockwise from the top."""

    def box(self, at: Place, size: Place, fill: str, *, edge: str | None = None, turned: bool = False) -> None:
        """A rectangle; `turned` stands it on its corner."""

    def text(
        self, at: Place, words: str, size: float, colour: str, *, anchor: str = "start", bold: bool = False,
        halo: str | None = None,
    ) -> None:
        """A line of text that begins, is centred or ends at a place on its base line."""


def width_of(text: str, size: float) -> float:
    """About how wide a text is: a Chinese character is as wide as it is high, others about half of it."""
    return sum(size if ord(char) > 0x2E7F else size * 0.56 for char in text)


def arc_points(at: Place, radius: float, share: float) -> list[Place]:
    """Points along a part of a ring."""
    steps = max(2, int(48 * min(share, 1)))
    turns = [360 * min(share, 1) * step / steps for step in range(steps + 1)]
    return [(at[0] + radius * sin(radians(turn)), at[1] - radius * cos(radians(turn))) for turn in turns]


class SvgCanvas:
    """Draws SVG elements; colours are CSS variables, so that the page's light and dark are the picture's."""

    pointed_at = True

    def __init__(self) -> None:
        self._open: list[list[Html]] = [[]]

    def svg(self) -> Html:
        """What was drawn."""
        return join(self._open[0])

    def can_say(self, text: str) -> bool:
        """A browser finds its letters."""
        return bool(text)

    def wide(self, text: str, size: float) -> float:
        """About."""
        return width_of(text, size)

    @contextmanager
    def layer(self, name: str, **data: str | None) -> Iterator[None]:
        """A group with a class and data attributes."""
        self._open.append([])
        try:
            yield
        finally:
            inside = self._open.pop()
            self._put(tag("g", inside, class_=name, **{f"data_{key}": value for key, value in data.items()}))

    def area(self, rings: Sequence[Sequence[Place]], fill: str, stroke: str, width: float) -> None:
        """One path."""
        path = "".join(f"M{'L'.join(f'{x:.1f},{y:.1f}' for x, y in ring)}Z" for ring in rings)
        self._put(tag("path", d=path, fill=_var(fill), stroke=_var(stroke), stroke_width=width, fill_rule="evenodd"))

    def curve(self, start: Place, by: Place, end: Place, colour: str, width: float, alpha: float) -> None:
        """A quadratic curve."""
        path = f"M{_at(start)}Q{_at(by)} {_at(end)}"
        self._put(tag(
            "path", d=path, fill="none", stroke=_var(colour), stroke_width=f"{width:.2f}", opacity=alpha,
            stroke_linecap="round"))

    def dot(
        self, at: Place, radius: float, fill: str, *, edge: str | None = None, alpha: float = 1, title: str = ""
    ) -> None:
        """A circle with its title."""
        self._put(tag(
            "circle", tag("title", title) if title else None, cx=f"{at[0]:.1f}", cy=f"{at[1]:.1f}", r=f"{radius:.1f}",
            fill=_var(fill), stroke=_var(edge) if edge else None, stroke_width=1 if edge else None,
            opacity=alpha if alpha < 1 else None))

    def dots(self, places: Sequence[Place], radius: float, fill: str) -> None:
        """One path of points with round caps: a hundred thousand of them are one element."""
        path = "".join(f"M{x:.1f},{y:.1f}h0" for x, y in places)
        self._put(tag(
            "path", d=path, fill="none", stroke=_var(fill), stroke_width=2 * radius, stroke_linecap="round"))

    def arc(self, at: Place, radius: float, share: float, colour: str, width: float) -> None:
        """A line along the ring."""
        path = f"M{'L'.join(_at(point) for point in arc_points(at, radius, share))}"
        self._put(tag(
            "path", d=path, fill="none", stroke=_var(colour), stroke_width=width, stroke_linecap="round"))

    def box(self, at: Place, size: Place, fill: str, *, edge: str | None = None, turned: bool = False) -> None:
        """A rectangle."""
        middle = f"{at[0] + size[0] / 2:.1f} {at[1] + size[1] / 2:.1f}"
        self._put(tag(
            "rect", x=f"{at[0]:.1f}", y=f"{at[1]:.1f}", width=f"{size[0]:.1f}", height=f"{size[1]:.1f}",
            fill=_var(fill), stroke=_var(edge) if edge else None, transform=f"rotate(45 {middle})" if turned else None))

    def text(
        self, at: Place, words: str, size: float, colour: str, *, anchor: str = "start", bold: bool = False,
        halo: str | None = None,
    ) -> None:
        """Text, with a halo where asked."""
        self._put(tag(
            "text", words, x=f"{at[0]:.1f}", y=f"{at[1]:.1f}", font_size=size, fill=_var(colour), text_anchor=anchor,
            font_weight=600 if bold else None, stroke=_var(halo) if halo else None,
            stroke_width=3 if halo else None, paint_order="stroke" if halo else None, stroke_linejoin="round"))

    def _put(self, element: Html) -> None:
        self._open[-1].append(element)


def _var(colour: str) -> str:
    return "none" if colour == "none" else f"var(--{colour.replace('_', '-')})"


def _at(place: Place) -> str:
    return f"{place[0]:.1f},{place[1]:.1f}"
