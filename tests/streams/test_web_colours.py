"""The pages' colours are told apart by those who see little: WCAG 2.2, 1.4.3 (text) and 1.4.11 (what is no text)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streams.gateway.pages import WEB

#: Text upon its ground: 4.5 to 1.
TEXT = [
    *((text, ground) for text in ("ink", "soft") for ground in ("paper", "sheet", "field", "press")),
    ("accent", "sheet"), ("accent", "paper"), ("on-accent", "accent"), ("warn", "warn-ground"), ("warn", "sheet"),
    ("good", "good-ground"), ("good", "sheet"), ("map-name", "map-district"), ("map-name", "map-ground"),
    ("ink", "map-halo"),
]
#: A dot, a line or a bar that means something: 3 to 1.
SHAPES = [
    *((f"phase-{phase}", ground) for phase in ("warm-up", "trust", "value", "sign-up", "closing", "no-phase")
      for ground in ("sheet", "map-district")),
    *((f"cover-{how}", ground) for how in ("nobody", "idle", "group", "worked")
      for ground in ("sheet", "map-district")),
    ("map-store", "map-district"), ("map-order", "map-district"), ("map-route", "map-district"), ("accent", "line"),
]


def schemes() -> dict[str, dict[str, str]]:
    """The variables of both schemes: dark ones stand in the media rule and take the place of the light ones."""
    sheet = Path(WEB, "style.css").read_text("utf-8")
    head, _, rest = sheet.partition("@media (prefers-color-scheme: dark)")
    light = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", head))
    dark = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", rest.partition("\n}\n")[0]))
    return {"light": light, "dark": light | dark}


def luminance(colour: str) -> float:
    """WCAG's relative luminance of #rrggbb."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    """How far two colours are apart, from 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_formula_is_wcags():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXT, 4.5), (SHAPES, 3.0)])
def test_what_is_to_be_read_or_seen_stands_out_in_both_schemes(scheme, pairs, least):
    colours = schemes()[scheme]
    assert len(colours) > 30
    found = {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in found.items() if ratio < least} == {}
