"""The colours of pictures: those of the pages (streams/web/style.css), by what they stand for, in light and in dark."""

from __future__ import annotations

from typing import Final

LIGHT: Final = {
    "paper": "#f4f1ea", "sheet": "#fdfcf9", "ink": "#1d252b", "soft": "#596168", "line": "#e0dbd0",
    "ground": "#e9e6dd", "district": "#f6f4ee", "border": "#cdc7b9", "name": "#8a8f92", "dot": "#bdb9ad",
    "shop": "#1d252b", "warn": "#9a4a12", "warn_ground": "#fbefe0", "good": "#2c6b4f",
    "warm_up": "#4f7cab", "trust": "#22857d", "value": "#9a8115", "sign_up": "#cc6b22", "closing": "#b32e2a",
    "no_phase": "#858b90", "ended": "#858b90",
}
DARK: Final = {
    "paper": "#12161a", "sheet": "#1a2026", "ink": "#ebe8e1", "soft": "#a3aab0", "line": "#2c343b",
    "ground": "#0d1114", "district": "#151a1f", "border": "#303940", "name": "#7d868c", "dot": "#48525a",
    "shop": "#ebe8e1", "warn": "#f0b27a", "warn_ground": "#2b221a", "good": "#83c5a4",
    "warm_up": "#79a6d8", "trust": "#49b3a8", "value": "#cbb244", "sign_up": "#ea9550", "closing": "#e8685d",
    "no_phase": "#7f888f", "ended": "#7f888f",
}


def variables() -> str:
    """Both as CSS variables: light, and dark where the reader's screen is."""
    light, dark = _lines(LIGHT), _lines(DARK)
    screens = f"@media (prefers-color-scheme: dark){{:root{{{dark}}}}}"
    return f":root{{{light}}}{screens}@media print{{:root{{{light}}}}}"


def _lines(colours: dict[str, str]) -> str:
    return "".join(f"--{name.replace('_', '-')}:{value};" for name, value in colours.items())
