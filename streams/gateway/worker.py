"""The worker behind the dealers' page (streams/web/worker.js), with the page's files and their version before it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec
from fastapi import APIRouter, Response

WEB = Path(__file__).resolve().parent.parent / "web"
#: Every file that the dealers' pages are made of, the pages themselves apart. A test follows their imports.
SHELL = (
    "api.js", "brief.css", "brief.js", "card.js", "chevron.svg", "clock.js", "dealer-words.js", "dealer.css",
    "dealer.js", "dom.js", "estates.js", "favicon.svg", "groups.js", "icon-192.png", "icons.svg", "install.js",
    "log-out.js", "manifest.webmanifest", "outbox.js", "speech.js", "style.css", "tabs.js", "today.js", "tomorrow.js",
    "windows.js",
)
_PAGES = ("dealer.html", "brief.html", "worker.js")

router = APIRouter(include_in_schema=False)


@router.get("/dealer-worker.js")
def dealer_worker() -> Response:
    """The worker of the files as they are now: it changes when one of them does, and so brings a new version."""
    shell = msgspec.json.encode([f"/web/{name}" for name in SHELL]).decode()
    text = f'const VERSION = "{version()}";\nconst SHELL = {shell};\n{(WEB / "worker.js").read_text("utf-8")}'
    return Response(
        text, headers={"Cache-Control": "no-cache", "Service-Worker-Allowed": "/dealer"}, media_type="text/javascript")


def version() -> str:
    """What the pages' files say, in a few letters."""
    whole = sha256()
    for name in (*SHELL, *_PAGES):
        whole.update(name.encode() + b"\0" + (WEB / name).read_bytes())
    return whole.hexdigest()[:16]
