"""HTML and SVG from values: whatever is not markup already is escaped, so that no name becomes any.

A page made of it holds all that it shows, and its policy lets it ask nobody for more.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape

#: What HTML has no place for: controls, and halves of characters.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_VOID = frozenset({"meta", "br", "hr", "input", "wbr"})


class Html(str):
    """Markup that is safe to put into a page."""

    __slots__ = ()


Child = str | int | float | None | Iterable["Child"]
Value = str | int | float | bool | None


def tag(name: str, /, *children: Child, **attributes: Value) -> Html:
    """An element. Of attributes `class_` is `class`, `stroke_width` is `stroke-width`; None and False are left out."""
    kept = {key: value for key, value in attributes.items() if value is not None and value is not False}
    said = "".join(_attribute(key, value) for key, value in kept.items())
    if name in _VOID:
        return Html(f"<{name}{said}>")
    return Html(f"<{name}{said}>{join(*children)}</{name}>")


def join(*children: Child) -> Html:
    """Children side by side: markup as it is, anything else as text."""
    return Html("".join(_parts(children)))


def _parts(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            yield child
        elif isinstance(child, str | int | float):
            yield escape(_UNPRINTABLE.sub("", str(child)), quote=False)
        else:
            yield from _parts(child)


def _attribute(key: str, value: Value) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    return f' {name}="{escape(_UNPRINTABLE.sub("", str(value)))}"'


def page(title: str, language: str, style: str, *body: Child, script: str = "") -> str:
    """A whole document of its own: no request leaves it, and only this script runs."""
    allowed = f"script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" if script else ""
    policy = f"default-src 'none'; style-src 'unsafe-inline'; {allowed}; base-uri 'none'; form-action 'none'"
    head = join(
        tag("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        tag("meta", name="viewport", content="width=device-width,initial-scale=1"),
        Html('<meta name="color-scheme" content="light dark">'), tag("title", title), Html(f"<style>{style}</style>"))
    end = Html(f"<script>{script}</script>") if script else None
    return f"<!doctype html>\n{tag('html', tag('head', head), tag('body', *body, end), lang=language)}\n"
