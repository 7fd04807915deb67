"""The charts of a story, as inline SVG: a stacked area, lines against each other, bars in a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from streams.pictures.markup import Child, Html, join, tag

#: Pixels of a chart; it scales with its page.
_WIDE, _HIGH, _LEFT, _BOTTOM, _TOP = 680, 220, 44, 24, 12


class _Axes:
    """Days from left to right, counts from the ground up."""

    def __init__(self, days: Sequence[date], most: float) -> None:
        self.days, self.step = list(days), _step(most)
        self.top = max(self.step, -(-most // self.step) * self.step)

    def at(self, number: int, value: float) -> tuple[float, float]:
        """The place of a day (by its number) and a value."""
        wide = _WIDE - _LEFT - 8
        x = _LEFT + (wide * number / (len(self.days) - 1) if len(self.days) > 1 else wide / 2)
        return x, _HIGH - _BOTTOM - (_HIGH - _BOTTOM - _TOP) * value / self.top

    def drawn(self) -> Html:
        """Lines, numbers and days."""
        parts: list[Html] = []
        value = 0.0
        while value <= self.top:
            y = self.at(0, value)[1]
            parts.append(tag("line", x1=_LEFT, x2=_WIDE - 8, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="rule"))
            parts.append(tag("text", f"{value:g}", x=_LEFT - 8, y=f"{y + 4:.1f}", text_anchor="end"))
            value += self.step
        every = max(1, -(-len(self.days) // 12))
        for number in range(0, len(self.days), every):
            said = f"{self.days[number].month}/{self.days[number].day}"
            x = min(self.at(number, 0)[0], _WIDE - 16)
            parts.append(tag("text", said, x=f"{x:.1f}", y=_HIGH - 6, text_anchor="middle"))
        return join(parts)


def _step(most: float) -> float:
    """A round number of which four or five reach the top; counts have no halves."""
    step = 1.0
    while most / step > 5:
        step *= 2 if str(int(step))[0] in "15" else 2.5
    return step


def stacked(rows: Sequence[tuple[date, Mapping[str, int]]], names: Sequence[str], label: str) -> Html:
    """A stacked area: one band for each of `names`, the first at the bottom; class `band-NAME` colours it."""
    most = max((sum(counts.get(name, 0) for name in names) for _, counts in rows), default=0)
    axes = _Axes([day for day, _ in rows], max(most, 1))
    below = [0.0] * len(rows)
    bands: list[Html] = []
    for name in names:
        above = [low + counts.get(name, 0) for low, (_, counts) in zip(below, rows, strict=True)]
        edge = [axes.at(number, value) for number, value in enumerate(above)]
        ground = [axes.at(number, value) for number, value in enumerate(below)]
        if len(rows) == 1:
            edge, ground = _widened(edge), _widened(ground)
        bands.append(tag("path", d=f"M{_path([*edge, *reversed(ground)])}Z", class_=f"band-{name}"))
        below = above
    return _chart(label, bands, axes.drawn())


def lines(
    days: Sequence[date], curves: Sequence[tuple[str, Sequence[tuple[date, float]]]], target: float | None, label: str
) -> Html:
    """Curves over the same days, each with a class; the target is a line across."""
    most = max((value for _, curve in curves for _, value in curve), default=0)
    axes = _Axes(days, max(most, target or 0, 1))
    place = {day: number for number, day in enumerate(days)}
    drawn: list[Html] = [axes.drawn()]
    if target:
        y = axes.at(0, target)[1]
        drawn.append(tag("line", x1=_LEFT, x2=_WIDE - 8, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="target"))
    for name, curve in curves:
        points = [axes.at(place[day], value) for day, value in curve if day in place]
        if points:
            drawn.append(tag("path", d=f"M{_path(points)}", class_=f"curve {name}"))
            if name == "ours":
                x, y = points[-1]
                drawn.append(tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=4, class_="ours"))
    return _chart(label, drawn)


def bar(parts: Sequence[tuple[str, float]], label: str) -> Html:
    """A bar of parts side by side, each with its class and share."""
    whole = sum(size for _, size in parts) or 1
    x, drawn = 0.0, list[Html]()
    for name, size in parts:
        wide = 100 * size / whole
        drawn.append(tag("rect", x=f"{x:.2f}", y=0, width=f"{wide:.2f}", height=10, class_=f"part-{name}"))
        x += wide
    return tag(
        "svg", drawn, viewBox="0 0 100 10", preserveAspectRatio="none", class_="bar", role="img", aria_label=label)


def _chart(label: str, *inside: Child) -> Html:
    return tag(
        "svg", *inside, viewBox=f"0 0 {_WIDE} {_HIGH}", class_="chart", role="img",
        aria_label=label)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "L".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _widened(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A single day as a column."""
    (x, y), = points
    return [(x - 40, y), (x + 40, y)]
