"""The map of a city, drawn: outlines, flows, estates by phase and size, names where they have room, the legend.

Equirectangular about the middle of what is shown, which is true to a thousandth within a city.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import cos, hypot, radians, sqrt
from typing import Final

from schemas.values import Phase
from streams.pictures.canvas import Canvas, Place
from streams.pictures.scene import ENDED, WAITING, Scene, Shop, Site
from streams.pictures.words import Words

#: In the order of the legend.
STATES: Final = (*(phase.value for phase in Phase), WAITING, ENDED)
#: Kilometres of a degree of latitude.
_KM: Final = 111.32
#: How wide the side with title and legend is, in pixels.
SIDE: Final = 300
_MARGIN: Final = 0.07
#: Above so many estates that nobody works, their names are left out of an SVG.
MOST_NAMED: Final = 6000
_LABELS: Final = 40


#: Left, top, right, bottom.
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """Where on the picture a place of the world is. `scale` is in pixels a kilometre."""

    west: float
    north: float
    squeeze: float
    scale: float
    left: float
    top: float
    width: float
    height: float

    def at(self, lng: float, lat: float) -> Place:
        """The place in pixels."""
        x = self.left + (lng - self.west) * _KM * self.squeeze * self.scale
        return x, self.top + (self.north - lat) * _KM * self.scale

    def holds(self, place: Place, beyond: float = 0) -> bool:
        """Whether the picture shows it."""
        return (self.left - beyond <= place[0] <= self.left + self.width + beyond
                and self.top - beyond <= place[1] <= self.top + self.height + beyond)


def frame(scene: Scene, left: float, top: float, width: float, height: float) -> Frame:
    """The frame in which what matters has room: all that is worked, and all other estates but the outermost."""
    lngs, lats = _spread(scene)
    middle = (lats[0] + lats[1]) / 2
    squeeze = cos(radians(middle))
    wide, high = max((lngs[1] - lngs[0]) * _KM * squeeze, 2.0), max((lats[1] - lats[0]) * _KM, 2.0)
    scale = min(width / (wide * (1 + 2 * _MARGIN)), height / (high * (1 + 2 * _MARGIN)))
    west = (lngs[0] + lngs[1]) / 2 - width / scale / 2 / (_KM * squeeze)
    return Frame(west, middle + height / scale / 2 / _KM, squeeze, scale, left, top, width, height)


def _spread(scene: Scene) -> tuple[tuple[float, float], tuple[float, float]]:
    worked = [(site.lng, site.lat) for site in scene.worked()] + [(shop.lng, shop.lat) for shop in scene.shops]
    return _ends(scene.sites, worked, 0), _ends(scene.sites, worked, 1)


def _ends(sites: Sequence[Site], always: Sequence[Place], axis: int) -> tuple[float, float]:
    values = sorted((site.lng, site.lat)[axis] for site in sites)
    cut = len(values) // 50
    inner = values[cut:len(values) - cut] or [0.0]
    kept = [inner[0], inner[-1], *(place[axis] for place in always)]
    return min(kept), max(kept)


# --- the map ----------------------------------------------------------------------------------------


def draw_map(canvas: Canvas, scene: Scene, frame: Frame, say: Words) -> None:
    """Everything that lies on the ground."""
    worked = [site for site in scene.worked() if frame.holds(frame.at(site.lng, site.lat))]
    taken = [_around(frame, site) for site in worked]
    _districts(canvas, scene, frame)
    _idle(canvas, scene, frame)
    _flows(canvas, scene, frame, worked)
    for shop in scene.shops:
        x, y = frame.at(shop.lng, shop.lat)
        if frame.holds((x, y)):
            canvas.box((x - 4, y - 4), (8, 8), "shop", edge="district", turned=True)
    _names_of_districts(canvas, scene, frame, taken)
    for state in STATES:
        with canvas.layer("sites", state=state):
            for site in reversed(worked):
                if site.state == state:
                    _worked(canvas, frame, site, say)
    with canvas.layer("names"):
        for site in worked[:_LABELS]:
            _name(canvas, frame, site, taken)
    if not worked:
        middle = frame.left + frame.width / 2
        canvas.text((middle, frame.top + 40), say("nobody"), 14, "soft", anchor="middle", halo="district")
    _scale_and_north(canvas, frame, say)


def _districts(canvas: Canvas, scene: Scene, frame: Frame) -> None:
    with canvas.layer("districts"):
        for district in scene.districts:
            rings = [[frame.at(*point) for point in ring] for ring in district.rings]
            if any(frame.holds(place, frame.width) for ring in rings for place in ring):
                canvas.area(rings, "district", "border", 1)


def _flows(canvas: Canvas, scene: Scene, frame: Frame, worked: Sequence[Site]) -> None:
    shops, most = {shop.store_id: shop for shop in scene.shops}, max((site.orders for site in worked), default=0)
    for state in STATES:
        with canvas.layer("flows", state=state):
            for site in worked:
                if site.state == state and site.store_id in shops:
                    _flow(canvas, frame, shops[site.store_id], site, most)


def _idle(canvas: Canvas, scene: Scene, frame: Frame) -> None:
    idle = [(frame.at(site.lng, site.lat), site) for site in scene.sites if site.state is None]
    shown = [(place, site) for place, site in idle if frame.holds(place)]
    with canvas.layer("idle"):
        if len(shown) > MOST_NAMED or not canvas.pointed_at:
            canvas.dots([place for place, _ in shown], 1.3, "dot")
        else:
            for place, site in shown:
                canvas.dot(place, 1.5, "dot", title=site.name)


def _around(frame: Frame, site: Site) -> Box:
    """The room that an estate's dot and ring take."""
    x, y = frame.at(site.lng, site.lat)
    radius = _radius(site) + 4
    return x - radius, y - radius, x + radius, y + radius


def _radius(site: Site) -> float:
    """By households, where unknown by members: area, not radius, grows with them."""
    return 5.0 + min(9.0, sqrt(site.households or site.members) / 6)


def _flow(canvas: Canvas, frame: Frame, shop: Shop, site: Site, most: int) -> None:
    start, end = frame.at(shop.lng, shop.lat), frame.at(site.lng, site.lat)
    long = hypot(end[0] - start[0], end[1] - start[1])
    if long < 2:
        return
    # Bent to one side, so that two flows between near places are two lines.
    by = ((start[0] + end[0]) / 2 - (end[1] - start[1]) * 0.12, (start[1] + end[1]) / 2 + (end[0] - start[0]) * 0.12)
    width = 0.9 + (3.6 * site.orders / most if most else 0)
    canvas.curve(start, by, end, site.state or WAITING, width, 0.55)


def _worked(canvas: Canvas, frame: Frame, site: Site, say: Words) -> None:
    at, radius, colour = frame.at(site.lng, site.lat), _radius(site), site.state or WAITING
    alpha = 0.5 if colour in (WAITING, ENDED) else 1
    canvas.dot(at, radius, colour, edge="district", alpha=alpha, title=told(site, say))
    if site.orders and site.target:
        canvas.arc(at, radius + 3, site.orders / site.target, colour, 2)


def told(site: Site, say: Words) -> str:
    """What is said of an estate where somebody points at it."""
    words = [site.name, say(site.state) if site.state else ""]
    if site.day is not None and site.state not in (ENDED, WAITING):
        words[1] += f" · {say('day', n=site.day)}"
    words.append(site.dealer)
    if site.households:
        words.append(say("n_households", n=f"{site.households:,}"))
    words.append(say("n_members", n=f"{site.members:,}"))
    of = say("n_of_target", n=site.orders, target=site.target) if site.target else say("n_orders", n=site.orders)
    words.append(of)
    return "\n".join(filter(None, words))


# --- names ------------------------------------------------------------------------------------------

def _names_of_districts(canvas: Canvas, scene: Scene, frame: Frame, taken: list[Box]) -> None:
    with canvas.layer("district-names"):
        for district in scene.districts:
            x, y = frame.at(*district.at)
            words = district.name if canvas.can_say(district.name) else district.code
            if frame.holds((x, y), -30):
                wide = canvas.wide(words, 13)
                taken.append((x - wide / 2, y - 12, x + wide / 2, y + 4))
                canvas.text((x, y), words, 13, "name", anchor="middle", halo="district")


def _name(canvas: Canvas, frame: Frame, site: Site, taken: list[Box]) -> None:
    """An estate's name beside it, on the first side that is free; none where none is."""
    x, y = frame.at(site.lng, site.lat)
    radius = _radius(site) + 6
    words = _short(site.name if canvas.can_say(site.name) else site.estate_id)
    wide = canvas.wide(words, 12)
    spots = (
        (x + radius, y + 4, "start", x + radius), (x - radius, y + 4, "end", x - radius - wide),
        (x, y + radius + 10, "middle", x - wide / 2), (x, y - radius, "middle", x - wide / 2))
    for left, base, anchor, from_x in spots:
        box = (from_x - 2, base - 12, from_x + wide + 2, base + 4)
        inside = frame.holds((box[0], box[1])) and frame.holds((box[2], box[3]))
        if inside and not any(_overlap(box, other) for other in taken):
            taken.append(box)
            canvas.text((left, base), words, 12, "ink", anchor=anchor, halo="district")
            return


def _short(name: str) -> str:
    return name if len(name) <= 14 else f"{name[:13]}…"


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


# --- scale and legend -------------------------------------------------------------------------------


def _scale_and_north(canvas: Canvas, frame: Frame, say: Words) -> None:
    kilometres = _nice(140 / frame.scale)
    wide = kilometres * frame.scale
    x, y = frame.left + 24, frame.top + frame.height - 24
    words = say("km", n=f"{kilometres:g}") if kilometres >= 1 else say("m", n=f"{kilometres * 1000:g}")
    canvas.box((x, y - 4), (wide / 2, 4), "ink", edge="ink")
    canvas.box((x + wide / 2, y - 4), (wide / 2, 4), "sheet", edge="ink")
    canvas.text((x, y - 10), "0", 11, "soft", anchor="middle", halo="district")
    canvas.text((x + wide, y - 10), words, 11, "soft", anchor="middle", halo="district")
    east, top = frame.left + frame.width - 34, frame.top + 26
    canvas.area([[(east, top), (east + 7, top + 24), (east, top + 19)]], "ink", "ink", 1)
    canvas.area([[(east, top), (east - 7, top + 24), (east, top + 19)]], "sheet", "ink", 1)
    canvas.text((east, top + 40), say("north"), 12, "ink", anchor="middle", bold=True, halo="district")


def _nice(kilometres: float) -> float:
    """The largest of 1, 2, 5, 10, … that is not more."""
    step = 0.001
    best = step
    while step <= kilometres:
        best = max(best, *(factor * step for factor in (1, 2, 5) if factor * step <= kilometres))
        step *= 10
    return best


def draw_side(canvas: Canvas, scene: Scene, left: float, height: float, say: Words) -> None:
    """Title, date, figures and the legend, in a column that begins at `left`."""
    x, right = left + 28, left + SIDE - 28
    city = scene.city if canvas.can_say(scene.city) else scene.districts[0].code[:4] if scene.districts else "—"
    title = say("map", city=city)
    # A long name must not run out of its column.
    canvas.text((x, 58), title, min(24, 24 * (right - x) / max(canvas.wide(title, 24), 1)), "ink", bold=True)
    canvas.text((x, 84), say("as_of", date=scene.date), 13, "soft")
    if scene.simulated:
        words = say("simulated")
        wide = canvas.wide(words, 12) + 16
        canvas.box((right - wide, 69), (wide, 20), "warn_ground", edge="warn")
        canvas.text((right - wide / 2, 83), words, 12, "warn", anchor="middle")
    y = _figures(canvas, scene, x, 128, say)
    y = _phases(canvas, scene, x, right, y + 22, say)
    _keys(canvas, x, y + 26, say)
    if scene.without_point:
        canvas.text((x, height - 44), say("without_point", n=scene.without_point), 11, "soft")
    canvas.text((x, height - 24), say("credit"), 11, "soft")


def _figures(canvas: Canvas, scene: Scene, x: float, y: float, say: Words) -> float:
    totals = scene.totals
    beside = {"worked": say("of", n=f"{totals.get('estates', 0):,}"),
              "orders": say("target", n=f"{totals['target']:,}") if totals.get("target") else ""}
    for name in ("worked", "groups", "members", "orders"):
        canvas.text((x, y), say(name), 13, "soft")
        number = f"{totals.get(name, 0):,}"
        canvas.text((x + 92, y), number, 18, "ink")
        canvas.text((x + 100 + canvas.wide(number, 18), y), beside.get(name, ""), 12, "soft")
        y += 30
    return y


def _phases(canvas: Canvas, scene: Scene, x: float, right: float, y: float, say: Words) -> float:
    counts = Counter(site.state for site in scene.sites)
    canvas.text((x, y), say("phases"), 13, "soft")
    for state in (*STATES, None):
        if not counts[state] and state not in {phase.value for phase in Phase}:
            continue
        y += 27
        with canvas.layer("key", state=state):
            if state is None:
                canvas.dot((x + 7, y - 5), 2, "dot")
            else:
                canvas.dot((x + 7, y - 5), 7, state, alpha=0.5 if state in (WAITING, ENDED) else 1)
            canvas.text((x + 26, y), say(state or "idle"), 14, "ink")
            canvas.text((right, y), f"{counts[state]:,}", 14, "soft", anchor="end")
    return y


def _keys(canvas: Canvas, x: float, y: float, say: Words) -> None:
    canvas.box((x + 3, y - 9), (8, 8), "shop", turned=True)
    canvas.text((x + 26, y), say("shop"), 12, "soft")
    canvas.curve((x, y + 18), (x + 7, y + 10), (x + 15, y + 21), "sign_up", 2.4, 0.7)
    canvas.text((x + 26, y + 24), say("flow"), 12, "soft")
    canvas.dot((x + 7, y + 44), 4, "trust")
    canvas.arc((x + 7, y + 44), 7.5, 0.66, "trust", 2)
    canvas.text((x + 26, y + 48), say("arc"), 12, "soft")
    for line, words in enumerate(_lines(say("size"), 26 if say.language == "en" else 14)):
        canvas.text((x + 26, y + 72 + 17 * line), words, 12, "soft")


def _lines(words: str, longest: int) -> Iterable[str]:
    if " " not in words:
        return [words[at:at + longest] for at in range(0, len(words), longest)]
    lines = [""]
    for word in words.split():
        if lines[-1] and len(lines[-1]) + len(word) >= longest:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
